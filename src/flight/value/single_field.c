/* SPDX-License-Identifier: Apache-2.0 */
/* One-field protobuf messages, in place. Spec: Protocol Buffers encoding. Thread class: free. */
#include "flight/value/single_field.h"

#include "base/cursor.h"

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_LEN = 2, WIRE_FIXED32 = 5 };

bool cfl_single_field_write(struct cfl_buf *target, uint32_t field, struct cflight_bytes value)
{
    if (value.len_bytes > 0) {
        (void)cfl_buf_append_varint(target, (uint64_t)field << 3 | WIRE_LEN);
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

cflight_status cfl_single_field_read(struct cflight_bytes message, uint32_t field, const char *name,
                                     struct cflight_bytes *ret_value, cflight_error **reterr)
{
    struct cfl_cursor cursor = cfl_cursor_make(message);
    struct cflight_bytes found = {NULL, 0};
    while (cfl_cursor_left(&cursor) > 0) {
        uint64_t tag = 0;
        struct cflight_bytes value = {NULL, 0};
        if (cfl_cursor_varint(&cursor, &tag) != CFL_VARINT_OK || tag >> 3 == 0 ||
            !read_value(&cursor, tag & 7, &value)) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "Not a valid %s: malformed field at byte %zu", name,
                                     cursor.offset);
        }
        if (tag == ((uint64_t)field << 3 | WIRE_LEN)) {
            found = value;
        }
    }
    *ret_value = found;
    return CFLIGHT_OK;
}
