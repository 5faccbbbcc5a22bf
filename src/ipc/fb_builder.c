/* SPDX-License-Identifier: Apache-2.0 */
/* The flatbuffer builder.
 *
 * Verifiers of other implementations demand: every scalar aligned to its size and every vtable to 2
 * bytes, counted from the start; strings terminated; offsets unsigned and forward; a vtable inside
 * the buffer (it precedes its table here). Fields are laid out by falling width behind the 4-byte
 * vtable offset, the table being placed so that 8-byte fields are aligned. Spec: FlatBuffers
 * "Internals". Thread class: one at a time. */
#include "ipc/fb_builder.h"

#include <assert.h>
#include <string.h>

enum { VTABLE_HEAD_BYTES = 4, TABLE_HEAD_BYTES = 4 };

/* Adds zeros until `bytes_after` more bytes would end at a multiple of `alignment_bytes`. */
static void align(struct cfl_fbb *fbb, size_t bytes_after, size_t alignment_bytes)
{
    size_t end = fbb->buf->len_bytes - fbb->start + bytes_after;
    size_t excess_bytes = end % alignment_bytes;

    if (excess_bytes != 0) {
        cfl_buf_append_zeros(fbb->buf, alignment_bytes - excess_bytes);
    }
}

/* Makes the offset at `from` refer to the end of the buffer, where the next object is about to be
 * written. */
static void link_from(struct cfl_fbb *fbb, size_t from)
{
    cfl_buf_put_u32le(fbb->buf, from, (uint32_t)(fbb->buf->len_bytes - from));
}

size_t cfl_fbb_begin(struct cfl_fbb *fbb, struct cfl_buf *buf)
{
    fbb->buf = buf;
    fbb->start = buf->len_bytes;
    return cfl_buf_reserve(buf, sizeof(uint32_t));
}

bool cfl_fbb_end(struct cfl_fbb *fbb)
{
    align(fbb, 0, 8);
    return !fbb->buf->failed && fbb->buf->len_bytes - fbb->start <= INT32_MAX;
}

/* Gives every field its offset from the table's start, widest first, and returns the table's size.
 */
static size_t lay_out(const uint8_t *widths, size_t field_count, uint16_t *ret_offsets)
{
    size_t size_bytes = TABLE_HEAD_BYTES;

    for (uint8_t width = 8; width > 0; width = (uint8_t)(width / 2)) {
        for (size_t i = 0; i < field_count; i++) {
            if (widths[i] == width) {
                ret_offsets[i] = (uint16_t)size_bytes;
                size_bytes += width;
            }
        }
    }
    return size_bytes;
}

struct cfl_fbb_table cfl_fbb_table(struct cfl_fbb *fbb, size_t from, const uint8_t *widths,
                                   size_t field_count)
{
    struct cfl_fbb_table table = {{0}};
    uint16_t offsets[CFL_FBB_FIELDS_MAX] = {0};

    assert(field_count <= CFL_FBB_FIELDS_MAX);
    size_t size_bytes = lay_out(widths, field_count, offsets);
    size_t vtable_bytes = VTABLE_HEAD_BYTES + 2 * field_count;
    align(fbb, vtable_bytes + TABLE_HEAD_BYTES, 8);
    cfl_buf_append_u16le(fbb->buf, (uint16_t)vtable_bytes);
    cfl_buf_append_u16le(fbb->buf, (uint16_t)size_bytes);
    for (size_t i = 0; i < field_count; i++) {
        cfl_buf_append_u16le(fbb->buf, offsets[i]);
    }
    link_from(fbb, from);
    size_t position = cfl_buf_reserve(fbb->buf, size_bytes);
    if (fbb->buf->failed) {
        return table;
    }
    cfl_buf_put_u32le(fbb->buf, position,
                      (uint32_t)vtable_bytes); /* the vtable is this far before the table */
    for (size_t i = 0; i < field_count; i++) {
        table.fields[i] = offsets[i] == 0 ? 0 : position + offsets[i];
    }
    return table;
}

void cfl_fbb_string(struct cfl_fbb *fbb, size_t from, struct cflight_bytes text)
{
    align(fbb, 0, 4);
    link_from(fbb, from);
    cfl_buf_append_u32le(fbb->buf, (uint32_t)text.len_bytes);
    cfl_buf_append_bytes(fbb->buf, text);
    cfl_buf_append_u8(fbb->buf, 0);
    if (text.len_bytes > INT32_MAX) {
        fbb->buf->failed = true;
    }
}

size_t cfl_fbb_vector(struct cfl_fbb *fbb, size_t from, size_t count, size_t element_bytes,
                      size_t alignment_bytes)
{
    size_t size_bytes = 0;

    align(fbb, sizeof(uint32_t), alignment_bytes < 4 ? 4 : alignment_bytes);
    link_from(fbb, from);
    cfl_buf_append_u32le(fbb->buf, (uint32_t)count);
    if (__builtin_mul_overflow(count, element_bytes, &size_bytes) || size_bytes > INT32_MAX) {
        fbb->buf->failed = true;
    }
    return cfl_buf_reserve(fbb->buf, size_bytes);
}

void cfl_fbb_put_u8(struct cfl_fbb *fbb, size_t position, uint8_t value)
{
    if (position != 0) {
        cfl_buf_put_u8(fbb->buf, position, value);
    }
}

void cfl_fbb_put_i16(struct cfl_fbb *fbb, size_t position, int16_t value)
{
    if (position != 0) {
        cfl_buf_put_u8(fbb->buf, position, (uint8_t)((uint16_t)value & 0xFF));
        cfl_buf_put_u8(fbb->buf, position + 1, (uint8_t)((uint16_t)value >> 8));
    }
}

void cfl_fbb_put_i32(struct cfl_fbb *fbb, size_t position, int32_t value)
{
    if (position != 0) {
        cfl_buf_put_u32le(fbb->buf, position, (uint32_t)value);
    }
}

void cfl_fbb_put_i64(struct cfl_fbb *fbb, size_t position, int64_t value)
{
    if (position != 0) {
        cfl_buf_put_u32le(fbb->buf, position, (uint32_t)((uint64_t)value & UINT32_MAX));
        cfl_buf_put_u32le(fbb->buf, position + 4, (uint32_t)((uint64_t)value >> 32));
    }
}
