/* SPDX-License-Identifier: Apache-2.0 */
/* One-field protobuf messages, in place. Spec: Protocol Buffers encoding. Thread class: free. */
#include "pb/single_field.h"

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_LEN = 2, WIRE_FIXED32 = 5 };

bool cfl_single_field_write(struct cfl_buf *target, uint32_t field, struct cflight_bytes value)
{
    if (value.len_bytes > 0) {
        (void)cfl_buf_append_varint(target, cfl_field_tag(field));
        (void)cfl_buf_append_varint(target, value.len_bytes);
        (void)cfl_buf_append_bytes(target, value);
    }
    return !target->failed;
}

/* Reads a field's value; only a length-delimited one is given out. */
static bool read_value(struct cfl_cursor *cursor, uint64_t wire_type,
                       struct cflight_bytes *ret_value)
{
    uint64_t number = 0;
    switch (wire_type) {
    case WIRE_VARINT:
        return cfl_cursor_varint(cursor, &number) == CFL_VARINT_OK;
    case WIRE_FIXED64:
        return cfl_cursor_skip(cursor, 8);
    case WIRE_FIXED32:
        return cfl_cursor_skip(cursor, 4);
    case WIRE_LEN:
        return cfl_cursor_varint(cursor, &number) == CFL_VARINT_OK &&
               number <= cfl_cursor_left(cursor) &&
               cfl_cursor_bytes(cursor, (size_t)number, ret_value);
    default:
        return false;
    }
}

bool cfl_field_next(struct cfl_cursor *cursor, uint64_t *ret_tag, struct cflight_bytes *ret_value)
{
    *ret_value = cflight_bytes_make(NULL, 0);
    return cfl_cursor_varint(cursor, ret_tag) == CFL_VARINT_OK && *ret_tag >> 3 != 0 &&
           read_value(cursor, *ret_tag & 7, ret_value);
}

cflight_status cfl_single_field_read(struct cflight_bytes message, uint32_t field, const char *name,
                                     struct cflight_bytes *ret_value, cflight_error **reterr)
{
    struct cfl_cursor cursor = cfl_cursor_make(message);
    struct cflight_bytes found = {NULL, 0};
    while (cfl_cursor_left(&cursor) > 0) {
        uint64_t tag = 0;
        struct cflight_bytes value = {NULL, 0};
        if (!cfl_field_next(&cursor, &tag, &value)) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "Not a valid %s: malformed field at byte %zu", name,
                                     cursor.offset);
        }
        if (tag == cfl_field_tag(field)) {
            found = value;
        }
    }
    *ret_value = found;
    return CFLIGHT_OK;
}
