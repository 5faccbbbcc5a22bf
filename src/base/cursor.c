/* SPDX-License-Identifier: Apache-2.0 */
/* The read cursor: the one place where pointers walk over wire bytes.
 * Thread class: one at a time. */
#include "base/cursor.h"

enum { VARINT_BYTES_MAX = 10 };

bool cfl_cursor_bytes(struct cfl_cursor *cursor, size_t len_bytes, struct cflight_bytes *ret_bytes)
{
    if (len_bytes > cfl_cursor_left(cursor)) {
        return false;
    }
    *ret_bytes =
        cflight_bytes_make(len_bytes == 0 ? NULL : cursor->data + cursor->offset, len_bytes);
    cursor->offset += len_bytes;
    return true;
}

bool cfl_cursor_skip(struct cfl_cursor *cursor, size_t len_bytes)
{
    struct cflight_bytes skipped;
    return cfl_cursor_bytes(cursor, len_bytes, &skipped);
}

enum cfl_varint_result cfl_cursor_long_varint(struct cfl_cursor *cursor, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t left = cfl_cursor_left(cursor);
    for (size_t i = 0; i < VARINT_BYTES_MAX; i++) {
        if (i == left) {
            return CFL_VARINT_SHORT;
        }
        uint8_t byte = cursor->data[cursor->offset + i];
        if (i == VARINT_BYTES_MAX - 1 && byte > 1) {
            return CFL_VARINT_INVALID;
        }
        value |= (uint64_t)(byte & 0x7F) << (7 * i);
        if (byte < 0x80) {
            cursor->offset += i + 1;
            *ret_value = value;
            return CFL_VARINT_OK;
        }
    }
    return CFL_VARINT_INVALID;
}
