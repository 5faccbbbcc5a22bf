/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_CURSOR_H
#define CFL_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/le.h"
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

/* The next bytes, which the cursor passes; NULL when they are not all there. Reads of a few bytes
 * are made in line: headers of messages are nothing else. */
static inline const uint8_t *cfl_cursor_pass(struct cfl_cursor *cursor, size_t len_bytes)
{
    if (len_bytes > cfl_cursor_left(cursor)) {
        return NULL;
    }
    const uint8_t *data = cursor->data + cursor->offset;
    cursor->offset += len_bytes;
    return data;
}

static inline bool cfl_cursor_u8(struct cfl_cursor *cursor, uint8_t *ret_value)
{
    const uint8_t *data = cfl_cursor_pass(cursor, sizeof *ret_value);
    if (data != NULL) {
        *ret_value = *data;
    }
    return data != NULL;
}

static inline bool cfl_cursor_u16le(struct cfl_cursor *cursor, uint16_t *ret_value)
{
    const uint8_t *data = cfl_cursor_pass(cursor, sizeof *ret_value);
    if (data != NULL) {
        *ret_value = cfl_load_u16le(data);
    }
    return data != NULL;
}

static inline bool cfl_cursor_u32le(struct cfl_cursor *cursor, uint32_t *ret_value)
{
    const uint8_t *data = cfl_cursor_pass(cursor, sizeof *ret_value);
    if (data != NULL) {
        *ret_value = cfl_load_u32le(data);
    }
    return data != NULL;
}

static inline bool cfl_cursor_u64le(struct cfl_cursor *cursor, uint64_t *ret_value)
{
    const uint8_t *data = cfl_cursor_pass(cursor, sizeof *ret_value);
    if (data != NULL) {
        *ret_value = cfl_load_u64le(data);
    }
    return data != NULL;
}

bool cfl_cursor_skip(struct cfl_cursor *cursor, size_t len_bytes);
/* A view into the cursor's bytes; no copy. */
bool cfl_cursor_bytes(struct cfl_cursor *cursor, size_t len_bytes, struct cflight_bytes *ret_bytes);

enum cfl_varint_result {
    CFL_VARINT_OK,
    CFL_VARINT_SHORT,   /* the bytes end inside the varint */
    CFL_VARINT_INVALID, /* more than 10 bytes, or more than 64 bits */
};
/* cfl_cursor_varint() where it may take several bytes. */
enum cfl_varint_result cfl_cursor_long_varint(struct cfl_cursor *cursor, uint64_t *ret_value);
/* Protocol Buffers base-128 varint. Moves only on CFL_VARINT_OK. */
static inline enum cfl_varint_result cfl_cursor_varint(struct cfl_cursor *cursor,
                                                       uint64_t *ret_value)
{
    if (cfl_cursor_left(cursor) == 0 || cursor->data[cursor->offset] >= 0x80) {
        return cfl_cursor_long_varint(cursor, ret_value);
    }
    *ret_value = cursor->data[cursor->offset++];
    return CFL_VARINT_OK;
}

#endif /* CFL_BASE_CURSOR_H */
