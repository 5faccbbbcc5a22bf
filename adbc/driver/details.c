/* SPDX-License-Identifier: Apache-2.0 */
/* Details of an error, copied out of the library's.
 *
 * The binary detail is a google.rpc.Status, whose field 3 holds messages that are packed in
 * google.protobuf.Any; each of them is a detail. Of other bytes nothing is said. Bytes come from
 * the peer: they are read by a cursor that cannot pass their end. Thread class: one at a time. */
#include "adbc/driver/details.h"

#include <stdlib.h>
#include <string.h>

static const char STATUS_KEY[] = "grpc-status-details-bin";

struct adbc_details {
    int count;
    int capacity;
    struct AdbcErrorDetail *items;
};

/* ---- the cursor ---- */

static bool read_varint(struct cflight_bytes *rest, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && rest->len_bytes > 0; shift += 7) {
        uint8_t byte = rest->data[0];
        rest->data++;
        rest->len_bytes--;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if ((byte & 0x80) == 0) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static bool take(struct cflight_bytes *rest, uint64_t len_bytes, struct cflight_bytes *ret_bytes)
{
    if (len_bytes > rest->len_bytes) {
        return false;
    }
    *ret_bytes = cflight_bytes_make(rest->data, (size_t)len_bytes);
    rest->data += len_bytes;
    rest->len_bytes -= (size_t)len_bytes;
    return true;
}

/* Reads one field of a message; `ret_bytes` is empty but for fields of bytes. */
static bool read_field(struct cflight_bytes *rest, uint64_t *ret_number,
                       struct cflight_bytes *ret_bytes)
{
    enum { VARINT, FIXED64, BYTES, FIXED32 = 5 };
    uint64_t tag = 0;
    uint64_t value = 0;
    struct cflight_bytes skipped;
    if (!read_varint(rest, &tag)) {
        return false;
    }
    *ret_number = tag >> 3;
    *ret_bytes = cflight_bytes_make(NULL, 0);
    switch (tag & 7) {
    case VARINT:
        return read_varint(rest, &value);
    case FIXED64:
        return take(rest, 8, &skipped);
    case BYTES:
        return read_varint(rest, &value) && take(rest, value, ret_bytes);
    case FIXED32:
        return take(rest, 4, &skipped);
    default:
        return false;
    }
}

/* ---- the list ---- */

static bool add(struct adbc_details *details, struct cflight_bytes key, struct cflight_bytes value)
{
    if (details->count == details->capacity) {
        int capacity = details->capacity == 0 ? 8 : details->capacity * 2;
        void *items = realloc(details->items, (size_t)capacity * sizeof *details->items);
        if (items == NULL) {
            return false;
        }
        details->items = items;
        details->capacity = capacity;
    }
    /* one block: the key, its end, the value */
    char *block = malloc(key.len_bytes + 1 + value.len_bytes);
    if (block == NULL) {
        return false;
    }
    memcpy(block, key.data, key.len_bytes);
    block[key.len_bytes] = '\0';
    if (value.len_bytes > 0) {
        memcpy(block + key.len_bytes + 1, value.data, value.len_bytes);
    }
    details->items[details->count].key = block;
    details->items[details->count].value = (uint8_t *)block + key.len_bytes + 1;
    details->items[details->count].value_length = value.len_bytes;
    details->count++;
    return true;
}

static bool add_messages(struct adbc_details *details, struct cflight_bytes status)
{
    enum { MESSAGES = 3 };
    uint64_t number = 0;
    struct cflight_bytes bytes;
    bool is_added = true;
    while (is_added && status.len_bytes > 0 && read_field(&status, &number, &bytes)) {
        if (number == MESSAGES) {
            is_added = add(details, cflight_bytes_from_text(STATUS_KEY), bytes);
        }
    }
    return is_added;
}

static bool add_trailers(struct adbc_details *details, const cflight_error *error)
{
    bool is_added = true;
    for (size_t i = 0; is_added && i < cflight_error_trailer_count(error); i++) {
        struct cflight_header trailer = cflight_error_trailer(error, i);
        bool is_shown_elsewhere =
            cflight_bytes_equal(trailer.name, cflight_bytes_from_text(STATUS_KEY)) ||
            cflight_bytes_equal(trailer.name, cflight_bytes_from_text("content-type"));
        is_added = is_shown_elsewhere || add(details, trailer.name, trailer.value);
    }
    return is_added;
}

struct adbc_details *adbc_details_new(const cflight_error *error)
{
    struct adbc_details *details = calloc(1, sizeof *details);
    if (details == NULL) {
        return NULL;
    }
    if (!add_messages(details, cflight_error_extra_info(error)) || !add_trailers(details, error) ||
        details->count == 0) {
        adbc_details_free(details);
        return NULL;
    }
    return details;
}

int adbc_details_count(const struct adbc_details *details)
{
    return details->count;
}

struct AdbcErrorDetail adbc_details_at(const struct adbc_details *details, int index)
{
    const struct AdbcErrorDetail none = {NULL, NULL, 0};
    return index >= 0 && index < details->count ? details->items[index] : none;
}

void adbc_details_free(struct adbc_details *details)
{
    if (details == NULL) {
        return;
    }
    for (int i = 0; i < details->count; i++) {
        free((void *)details->items[i].key);
    }
    free(details->items);
    free(details);
}
