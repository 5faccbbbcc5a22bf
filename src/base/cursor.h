/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_CURSOR_H
#define CFL_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cflight/bytes.h"

/* A read cursor over borrowed bytes: what wire bytes are read through. It cannot pass its end: a
 * read that asks for more than is left returns false, writes nothing and does not move. Thread
 * class: one at a time. */
struct cfl_cursor {
    const uint8_t *data;
    size_t len_bytes;
    size_t offset;
};

static inline struct cfl_cursor cfl_cursor_make(struct cflight_bytes bytes)
{
    struct cfl_cursor cursor = {bytes.data, bytes.len_bytes, 0};
    return cursor;
}

static inline size_t cfl_cursor_left(const struct cfl_cursor *cursor)
{
    return cursor->len_bytes - cursor->offset;
}

bool cfl_cursor_skip(struct cfl_cursor *cursor, size_t len_bytes);
/* A view into the cursor's bytes; no copy. */
bool cfl_cursor_bytes(struct cfl_cursor *cursor, size_t len_bytes, struct cflight_bytes *ret_bytes);
bool cfl_cursor_u8(struct cfl_cursor *cursor, uint8_t *ret_value);
bool cfl_cursor_u16le(struct cfl_cursor *cursor, uint16_t *ret_value);
bool cfl_cursor_u32le(struct cfl_cursor *cursor, uint32_t *ret_value);
bool cfl_cursor_u64le(struct cfl_cursor *cursor, uint64_t *ret_value);

enum cfl_varint_result {
    CFL_VARINT_OK,
    CFL_VARINT_SHORT,   /* the bytes end inside the varint */
    CFL_VARINT_INVALID, /* more than 10 bytes, or more than 64 bits */
};
/* Protocol Buffers base-128 varint. Moves only on CFL_VARINT_OK. */
enum cfl_varint_result cfl_cursor_varint(struct cfl_cursor *cursor, uint64_t *ret_value);

#endif /* CFL_BASE_CURSOR_H */
