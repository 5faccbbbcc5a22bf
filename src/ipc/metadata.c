/* SPDX-License-Identifier: Apache-2.0 */
/* Key-value metadata in the C data interface's encoding.
 *
 * Only cfl_metadata_measure looks at bytes of unknown length, because that is all the interface
 * gives; everything else stays inside a view. Thread class: free. */
#include "ipc/metadata.h"

#include <string.h>

static int32_t load_i32(const uint8_t *data)
{
    int32_t value = 0;
    memcpy(&value, data, sizeof value);
    return value;
}

bool cfl_metadata_measure(const char *metadata, struct cflight_bytes *ret_metadata)
{
    const uint8_t *data = (const uint8_t *)metadata;
    size_t offset = sizeof(int32_t);

    *ret_metadata = cflight_bytes_make(NULL, 0);
    if (data == NULL) {
        return true;
    }
    int32_t pair_count = load_i32(data);
    if (pair_count <= 0) {
        return pair_count == 0;
    }
    for (int64_t i = 0; i < 2 * (int64_t)pair_count; i++) {
        int32_t len_bytes = load_i32(data + offset);
        if (len_bytes < 0) {
            return false;
        }
        offset += sizeof len_bytes + (size_t)len_bytes;
    }
    *ret_metadata = cflight_bytes_make(data, offset);
    return true;
}

int32_t cfl_metadata_count(struct cflight_bytes metadata)
{
    return metadata.len_bytes < sizeof(int32_t) ? 0 : load_i32(metadata.data);
}

struct cfl_metadata_reader cfl_metadata_read(struct cflight_bytes metadata)
{
    struct cfl_metadata_reader reader = {metadata, sizeof(int32_t), cfl_metadata_count(metadata)};
    return reader;
}

static bool read_text(struct cfl_metadata_reader *reader, struct cflight_bytes *ret_text)
{
    size_t left_bytes = reader->metadata.len_bytes - reader->offset;
    if (left_bytes < sizeof(int32_t)) {
        return false;
    }
    const uint8_t *data = reader->metadata.data + reader->offset;
    int32_t len_bytes = load_i32(data);
    if (len_bytes < 0 || (size_t)len_bytes > left_bytes - sizeof len_bytes) {
        return false;
    }
    *ret_text = cflight_bytes_make(data + sizeof len_bytes, (size_t)len_bytes);
    reader->offset += sizeof len_bytes + (size_t)len_bytes;
    return true;
}

bool cfl_metadata_next(struct cfl_metadata_reader *reader, struct cflight_bytes *ret_key,
                       struct cflight_bytes *ret_value)
{
    if (reader->left <= 0) {
        return false;
    }
    reader->left--;
    return read_text(reader, ret_key) && read_text(reader, ret_value);
}

struct cflight_bytes cfl_metadata_find(struct cflight_bytes metadata, struct cflight_bytes key)
{
    struct cfl_metadata_reader reader = cfl_metadata_read(metadata);
    struct cflight_bytes found_key = {NULL, 0};
    struct cflight_bytes value = {NULL, 0};

    while (cfl_metadata_next(&reader, &found_key, &value)) {
        if (cflight_bytes_equal(found_key, key)) {
            return value;
        }
    }
    return cflight_bytes_make(NULL, 0);
}

static int32_t count_pair(struct cflight_bytes metadata, struct cflight_bytes key,
                          struct cflight_bytes value)
{
    struct cfl_metadata_reader reader = cfl_metadata_read(metadata);
    struct cflight_bytes other_key = {NULL, 0};
    struct cflight_bytes other_value = {NULL, 0};
    int32_t count = 0;

    while (cfl_metadata_next(&reader, &other_key, &other_value)) {
        count += cflight_bytes_equal(key, other_key) && cflight_bytes_equal(value, other_value);
    }
    return count;
}

/* Quadratic in the number of pairs, but only when the order differs. */
bool cfl_metadata_equal(struct cflight_bytes a, struct cflight_bytes b)
{
    struct cfl_metadata_reader reader = cfl_metadata_read(a);
    struct cflight_bytes key = {NULL, 0};
    struct cflight_bytes value = {NULL, 0};

    if (a.len_bytes != b.len_bytes || cfl_metadata_count(a) != cfl_metadata_count(b)) {
        return false;
    }
    if (cflight_bytes_equal(a, b)) {
        return true;
    }
    while (cfl_metadata_next(&reader, &key, &value)) {
        if (count_pair(a, key, value) != count_pair(b, key, value)) {
            return false;
        }
    }
    return true;
}
