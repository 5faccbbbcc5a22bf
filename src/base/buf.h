/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_BUF_H
#define CFL_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cflight/alloc.h"
#include "cflight/bytes.h"

/* A growable byte buffer: what wire bytes are written through.
 *
 * Once an append fails for lack of memory the buffer is marked `failed` and every later append does
 * nothing, so that a writer appends freely and tests `failed` once, at its end. A reservation is a
 * run of bytes that is filled in later (a length prefix); it is kept as an offset, so it survives
 * growth. Thread class: one at a time. */
struct cfl_buf {
    const struct cflight_allocator *alloc;
    uint8_t *data;
    size_t len_bytes;
    size_t capacity_bytes;
    bool failed;
};

void cfl_buf_init(struct cfl_buf *buf, const struct cflight_allocator *alloc);
void cfl_buf_done(struct cfl_buf *buf);
/* As done, for secrets. */
void cfl_buf_wipe(struct cfl_buf *buf);
/* Ends the buffer and gives its content as a terminated text of the same allocator; NULL when
 * memory ran out, now or before. */
char *cfl_buf_take_text(struct cfl_buf *buf);
/* Keeps the memory, drops the content and the failure mark. */
void cfl_buf_clear(struct cfl_buf *buf);
struct cfl_buf cfl_buf_move(struct cfl_buf *buf);
struct cflight_bytes cfl_buf_bytes(const struct cfl_buf *buf);

/* cfl_buf_append() where the buffer may have to grow. */
bool cfl_buf_append_growing(struct cfl_buf *buf, const void *data, size_t len_bytes);

/* Values are appended one by one, so what fits is copied in line. */
static inline bool cfl_buf_append(struct cfl_buf *buf, const void *data, size_t len_bytes)
{
    if (len_bytes == 0 || buf->failed || len_bytes >= buf->capacity_bytes - buf->len_bytes) {
        return cfl_buf_append_growing(buf, data, len_bytes);
    }
    memcpy(buf->data + buf->len_bytes, data, len_bytes);
    buf->len_bytes += len_bytes;
    return true;
}

static inline bool cfl_buf_append_bytes(struct cfl_buf *buf, struct cflight_bytes bytes)
{
    return cfl_buf_append(buf, bytes.data, bytes.len_bytes);
}

static inline bool cfl_buf_append_text(struct cfl_buf *buf, const char *text)
{
    return cfl_buf_append(buf, text, strlen(text));
}

static inline bool cfl_buf_append_u8(struct cfl_buf *buf, uint8_t value)
{
    return cfl_buf_append(buf, &value, 1);
}

bool cfl_buf_append_format(struct cfl_buf *buf, const char *format, ...) CFLIGHT_PRINTF(2, 3);
bool cfl_buf_append_zeros(struct cfl_buf *buf, size_t len_bytes);
bool cfl_buf_append_u16le(struct cfl_buf *buf, uint16_t value);
bool cfl_buf_append_u32le(struct cfl_buf *buf, uint32_t value);
/* Protocol Buffers base-128 varint. */
bool cfl_buf_append_varint(struct cfl_buf *buf, uint64_t value);

/* Appends `len_bytes` zeros to be filled in later and returns their offset; SIZE_MAX when memory
 * ran out. */
size_t cfl_buf_reserve(struct cfl_buf *buf, size_t len_bytes);
/* Fills in at an offset that cfl_buf_reserve returned. Does nothing on a failed buffer. */
void cfl_buf_put_u8(struct cfl_buf *buf, size_t offset, uint8_t value);
void cfl_buf_put_u32le(struct cfl_buf *buf, size_t offset, uint32_t value);
/* Makes room for `len_bytes` more and returns where they go, without adding them; NULL when memory
 * ran out. */
uint8_t *cfl_buf_space(struct cfl_buf *buf, size_t len_bytes);
/* Adds bytes that were written to cfl_buf_space(). */
void cfl_buf_add_len(struct cfl_buf *buf, size_t len_bytes);
/* Drops bytes from the front. */
void cfl_buf_drop_front(struct cfl_buf *buf, size_t len_bytes);

/* Writes a varint into at least 10 bytes and returns its length, 1 to 10. */
size_t cfl_varint_write(uint8_t *target, uint64_t value);

#endif /* CFL_BASE_BUF_H */
