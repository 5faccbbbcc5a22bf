/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata of a call: a list of fields that owns copies. Thread class: one at a time. gRPC over
 * HTTP/2, "Custom-Metadata". */
#include "grpc/metadata.h"

#include <string.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/error.h"
#include "grpc/wire.h"

void cfl_metadata_init(struct cfl_metadata *metadata, const struct cflight_allocator *alloc)
{
    memset(metadata, 0, sizeof *metadata);
    metadata->alloc = alloc;
    cfl_texts_init(&metadata->texts, alloc);
}

void cfl_metadata_done(struct cfl_metadata *metadata)
{
    cfl_texts_done(&metadata->texts);
    cfl_free_array(metadata->alloc, metadata->fields, metadata->capacity, sizeof *metadata->fields);
    cfl_metadata_init(metadata, metadata->alloc);
}

cflight_status cfl_metadata_add_unchecked(struct cfl_metadata *metadata, struct cflight_bytes name,
                                          struct cflight_bytes value, cflight_error **reterr)
{
    size_t size_bytes = 0;
    if (name.len_bytes == 0) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "a metadata name is empty");
    }
    if (__builtin_add_overflow(name.len_bytes, value.len_bytes, &size_bytes) ||
        !cfl_grow_array(metadata->alloc, (void **)&metadata->fields, &metadata->capacity,
                        metadata->count + 1, sizeof *metadata->fields)) {
        return cfl_error_no_memory(reterr);
    }
    uint8_t *text = cfl_texts_space(&metadata->texts, size_bytes);
    if (text == NULL) {
        return cfl_error_no_memory(reterr);
    }
    for (size_t i = 0; i < name.len_bytes; i++) {
        text[i] = cfl_ascii_lower(name.data[i]);
    }
    if (value.len_bytes > 0) {
        memcpy(text + name.len_bytes, value.data, value.len_bytes);
    }
    struct cflight_header *field = &metadata->fields[metadata->count++];
    field->name = cflight_bytes_make(text, name.len_bytes);
    field->value = cflight_bytes_make(text + name.len_bytes, value.len_bytes);
    return CFLIGHT_OK;
}

static bool is_name_byte(uint8_t byte)
{
    return cfl_ascii_is_alnum(byte) || byte == '_' || byte == '-' || byte == '.';
}

static cflight_status check_name(struct cflight_bytes name, cflight_error **reterr)
{
    if (name.len_bytes == 0) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "a metadata name is empty");
    }
    for (size_t i = 0; i < name.len_bytes; i++) {
        if (!is_name_byte(name.data[i])) {
            return cflight_error_set(
                reterr, CFLIGHT_INVALID_ARGUMENT,
                "byte %zu of a metadata name is 0x%02x; letters, digits, '_', '-' "
                "and '.' are allowed",
                i, name.data[i]);
        }
    }
    /* A name of the library's own would be sent twice. The binary detail is the user's to set. */
    static const char *const RESERVED[] = {
        "content-type",   "te",      "host",       "connection",      "transfer-encoding",
        "content-length", "upgrade", "keep-alive", "proxy-connection"};
    bool is_reserved = cfl_ascii_starts(name, "grpc-") && !cfl_grpc_name_is_binary(name);
    for (size_t i = 0; i < sizeof RESERVED / sizeof RESERVED[0]; i++) {
        is_reserved = is_reserved || cfl_ascii_is(name, RESERVED[i]);
    }
    if (is_reserved) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "metadata name '%.*s' is reserved", (int)name.len_bytes,
                                 (const char *)name.data);
    }
    return CFLIGHT_OK;
}

static cflight_status check_field(struct cflight_bytes name, struct cflight_bytes value,
                                  cflight_error **reterr)
{
    cflight_status status = check_name(name, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    for (size_t i = 0; i < value.len_bytes && !cfl_grpc_name_is_binary(name); i++) {
        if (!cfl_ascii_is_printable(value.data[i])) {
            return cflight_error_set(
                reterr, CFLIGHT_INVALID_ARGUMENT,
                "byte %zu of the value of metadata '%.*s' is 0x%02x; only names that "
                "end in -bin take bytes that are not printable ASCII",
                i, (int)name.len_bytes, (const char *)name.data, value.data[i]);
        }
    }
    return CFLIGHT_OK;
}

cflight_status cflight_header_check(struct cflight_bytes name, struct cflight_bytes value,
                                    cflight_error **reterr)
{
    return check_field(name, value, reterr);
}

cflight_status cfl_metadata_add(struct cfl_metadata *metadata, struct cflight_bytes name,
                                struct cflight_bytes value, cflight_error **reterr)
{
    cflight_status status = check_field(name, value, reterr);
    return status == CFLIGHT_OK ? cfl_metadata_add_unchecked(metadata, name, value, reterr)
                                : status;
}

bool cfl_metadata_get(const struct cfl_metadata *metadata, const char *name,
                      struct cflight_bytes *ret_value)
{
    struct cflight_bytes wanted = cflight_bytes_from_text(name);
    for (size_t i = 0; i < metadata->count; i++) {
        if (cflight_bytes_equal(metadata->fields[i].name, wanted)) {
            *ret_value = metadata->fields[i].value;
            return true;
        }
    }
    return false;
}
