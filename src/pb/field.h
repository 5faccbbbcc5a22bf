/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_PB_FIELD_H
#define CFL_PB_FIELD_H

#include "base/buf.h"
#include "base/cursor.h"

/* The fields of messages that are read and written by hand, in place. Spec: Protocol Buffers
 * encoding. Thread class: free. */

enum cfl_wire_type {
    CFL_WIRE_VARINT = 0,
    CFL_WIRE_FIXED64 = 1,
    CFL_WIRE_LEN = 2,
    CFL_WIRE_FIXED32 = 5,
};

/* The tag of a field that is length-delimited. */
static inline uint64_t cfl_field_tag(uint32_t field)
{
    return (uint64_t)field << 3 | CFL_WIRE_LEN;
}

/* Writes nothing for an empty value, as proto3 does. False when memory ran out. */
static inline bool cfl_field_write(struct cfl_buf *target, uint32_t field,
                                   struct cflight_bytes value)
{
    if (value.len_bytes > 0) {
        (void)cfl_buf_append_varint(target, cfl_field_tag(field));
        (void)cfl_buf_append_varint(target, value.len_bytes);
        (void)cfl_buf_append_bytes(target, value);
    }
    return !target->failed;
}

/* How many bytes the value takes of a field whose tag was read, from where the cursor then stands:
 * behind the length of one that is length-delimited, at the number of any other. */
static inline enum cfl_varint_result cfl_field_len(struct cfl_cursor *cursor, uint64_t tag,
                                                   uint64_t *ret_len_bytes)
{
    struct cfl_cursor ahead = *cursor;
    uint64_t ignored = 0;
    enum cfl_varint_result result = CFL_VARINT_OK;
    switch (tag & 7) {
    case CFL_WIRE_VARINT:
        result = cfl_cursor_varint(&ahead, &ignored);
        *ret_len_bytes = ahead.offset - cursor->offset;
        return result;
    case CFL_WIRE_FIXED64:
        *ret_len_bytes = 8;
        return CFL_VARINT_OK;
    case CFL_WIRE_FIXED32:
        *ret_len_bytes = 4;
        return CFL_VARINT_OK;
    case CFL_WIRE_LEN:
        return cfl_cursor_varint(cursor, ret_len_bytes);
    default:
        return CFL_VARINT_INVALID;
    }
}

/* Reads the next field of a message: its tag and its value, that of a number as it is encoded.
 * False when it is malformed. */
static inline bool cfl_field_next(struct cfl_cursor *cursor, uint64_t *ret_tag,
                                  struct cflight_bytes *ret_value)
{
    uint64_t len_bytes = 0;
    return cfl_cursor_varint(cursor, ret_tag) == CFL_VARINT_OK && *ret_tag >> 3 != 0 &&
           cfl_field_len(cursor, *ret_tag, &len_bytes) == CFL_VARINT_OK &&
           len_bytes <= cfl_cursor_left(cursor) &&
           cfl_cursor_bytes(cursor, (size_t)len_bytes, ret_value);
}

#endif /* CFL_PB_FIELD_H */
