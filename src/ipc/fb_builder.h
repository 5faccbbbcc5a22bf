/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_FB_BUILDER_H
#define CFL_IPC_FB_BUILDER_H

#include "base/buf.h"

/* Writes one flatbuffer (FlatBuffers binary format), front to back, into a cfl_buf.
 *
 * An object is made with the position of the offset that refers to it: tables before what they
 * point at, so offsets come out positive as the format demands. Positions are absolute in the
 * buffer; alignment counts from where the flatbuffer starts. Every field of a table is stored,
 * defaults too. Failure to allocate marks the buffer, as always with cfl_buf. Values are
 * little-endian whatever the machine. Thread class: one at a time. */
struct cfl_fbb {
    struct cfl_buf *buf;
    size_t start;
};

enum { CFL_FBB_FIELDS_MAX = 8 };

/* Where each field of a table was put; 0 for a field that was left out. */
struct cfl_fbb_table {
    size_t fields[CFL_FBB_FIELDS_MAX];
};

/* Starts a flatbuffer at the end of `buf` and returns the position of its root offset. */
size_t cfl_fbb_begin(struct cfl_fbb *fbb, struct cfl_buf *buf);
/* Pads to 8 bytes. False when memory ran out or the result is too large for 32-bit offsets. */
bool cfl_fbb_end(struct cfl_fbb *fbb);

/* A table whose field `i` takes `widths[i]` bytes: 0 (left out), 1, 2, 4 or 8. Offsets take 4.
 * Values start as 0. */
struct cfl_fbb_table cfl_fbb_table(struct cfl_fbb *fbb, size_t from, const uint8_t *widths,
                                   size_t field_count);
void cfl_fbb_string(struct cfl_fbb *fbb, size_t from, struct cflight_bytes text);
/* A vector of `count` zeroed elements; returns the position of the first one. `alignment_bytes` is
 * 1, 4 or 8. */
size_t cfl_fbb_vector(struct cfl_fbb *fbb, size_t from, size_t count, size_t element_bytes,
                      size_t alignment_bytes);

/* Values of fields and elements; they do nothing on a failed buffer or at position 0. */
void cfl_fbb_put_u8(struct cfl_fbb *fbb, size_t position, uint8_t value);
void cfl_fbb_put_i16(struct cfl_fbb *fbb, size_t position, int16_t value);
void cfl_fbb_put_i32(struct cfl_fbb *fbb, size_t position, int32_t value);
void cfl_fbb_put_i64(struct cfl_fbb *fbb, size_t position, int64_t value);

#endif /* CFL_IPC_FB_BUILDER_H */
