/* SPDX-License-Identifier: Apache-2.0 */
/* The growable buffer. Growth doubles; a failed growth keeps what is there and marks the buffer.
 * Thread class: one at a time. */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/le.h"

void cfl_buf_init(struct cfl_buf *buf, const struct cflight_allocator *alloc)
{
    memset(buf, 0, sizeof *buf);
    buf->alloc = alloc;
}

void cfl_buf_done(struct cfl_buf *buf)
{
    cfl_free(buf->alloc, buf->data, buf->capacity_bytes);
    cfl_buf_init(buf, buf->alloc);
}

void cfl_buf_wipe(struct cfl_buf *buf)
{
    if (buf->data != NULL) {
        explicit_bzero(buf->data, buf->capacity_bytes);
    }
    cfl_buf_done(buf);
}

char *cfl_buf_take_text(struct cfl_buf *buf)
{
    char *text =
        buf->failed ? NULL : cfl_strndup(buf->alloc, (const char *)buf->data, buf->len_bytes);
    cfl_buf_done(buf);
    return text;
}

void cfl_buf_clear(struct cfl_buf *buf)
{
    buf->len_bytes = 0;
    buf->failed = false;
}

struct cfl_buf cfl_buf_move(struct cfl_buf *buf)
{
    struct cfl_buf moved = *buf;
    cfl_buf_init(buf, buf->alloc);
    return moved;
}

struct cflight_bytes cfl_buf_bytes(const struct cfl_buf *buf)
{
    return cflight_bytes_make(buf->data, buf->len_bytes);
}

uint8_t *cfl_buf_space(struct cfl_buf *buf, size_t len_bytes)
{
    size_t needed = 0;
    if (buf->data != NULL && !buf->failed && len_bytes <= buf->capacity_bytes - buf->len_bytes) {
        return buf->data + buf->len_bytes; /* mostly: values are appended one by one */
    }
    if (buf->failed || __builtin_add_overflow(buf->len_bytes, len_bytes, &needed) ||
        !cfl_grow_array(buf->alloc, (void **)&buf->data, &buf->capacity_bytes,
                        needed == 0 ? 1 : needed, 1)) {
        buf->failed = true;
        return NULL;
    }
    return buf->data + buf->len_bytes;
}

void cfl_buf_add_len(struct cfl_buf *buf, size_t len_bytes)
{
    assert(len_bytes <= buf->capacity_bytes - buf->len_bytes);
    buf->len_bytes += len_bytes;
}

void cfl_buf_drop_front(struct cfl_buf *buf, size_t len_bytes)
{
    assert(len_bytes <= buf->len_bytes);
    buf->len_bytes -= len_bytes;
    if (buf->len_bytes > 0 && len_bytes > 0) {
        memmove(buf->data, buf->data + len_bytes, buf->len_bytes);
    }
}

bool cfl_buf_append_growing(struct cfl_buf *buf, const void *data, size_t len_bytes)
{
    if (len_bytes == 0) {
        return !buf->failed;
    }
    uint8_t *target = cfl_buf_space(buf, len_bytes);
    if (target == NULL) {
        return false;
    }
    memcpy(target, data, len_bytes);
    buf->len_bytes += len_bytes;
    return true;
}

bool cfl_buf_append_format(struct cfl_buf *buf, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len_bytes = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    uint8_t *target = len_bytes < 0 ? NULL : cfl_buf_space(buf, (size_t)len_bytes + 1);
    if (target == NULL) {
        buf->failed = true;
        return false;
    }
    va_start(arguments, format);
    (void)vsnprintf((char *)target, (size_t)len_bytes + 1, format, arguments);
    va_end(arguments);
    buf->len_bytes += (size_t)len_bytes;
    return true;
}

bool cfl_buf_append_zeros(struct cfl_buf *buf, size_t len_bytes)
{
    if (len_bytes == 0) {
        return !buf->failed;
    }
    uint8_t *target = cfl_buf_space(buf, len_bytes);
    if (target == NULL) {
        return false;
    }
    memset(target, 0, len_bytes);
    buf->len_bytes += len_bytes;
    return true;
}

bool cfl_buf_append_u16le(struct cfl_buf *buf, uint16_t value)
{
    uint8_t bytes[2];
    cfl_store_u16le(bytes, value);
    return cfl_buf_append(buf, bytes, sizeof bytes);
}

bool cfl_buf_append_u32le(struct cfl_buf *buf, uint32_t value)
{
    uint8_t bytes[4];
    cfl_store_u32le(bytes, value);
    return cfl_buf_append(buf, bytes, sizeof bytes);
}

bool cfl_buf_append_varint(struct cfl_buf *buf, uint64_t value)
{
    uint8_t bytes[10];
    return cfl_buf_append(buf, bytes, cfl_varint_write(bytes, value));
}

size_t cfl_buf_reserve(struct cfl_buf *buf, size_t len_bytes)
{
    size_t offset = buf->len_bytes;
    return cfl_buf_append_zeros(buf, len_bytes) ? offset : SIZE_MAX;
}

void cfl_buf_put_u8(struct cfl_buf *buf, size_t offset, uint8_t value)
{
    if (!buf->failed) {
        assert(offset < buf->len_bytes);
        buf->data[offset] = value;
    }
}

void cfl_buf_put_u32le(struct cfl_buf *buf, size_t offset, uint32_t value)
{
    if (!buf->failed) {
        assert(offset + 4 <= buf->len_bytes);
        cfl_store_u32le(buf->data + offset, value);
    }
}

size_t cfl_varint_write(uint8_t *target, uint64_t value)
{
    size_t len_bytes = 0;
    while (value >= 0x80) {
        target[len_bytes++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    target[len_bytes++] = (uint8_t)value;
    return len_bytes;
}
