/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_FB_READER_H
#define CFL_IPC_FB_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cflight/bytes.h"

/* Reads flatbuffers of a hostile peer (FlatBuffers internals: "Encoding").
 *
 * Every access is checked against the end of the buffer and of the table it belongs to. The first
 * thing that is wrong is kept in `problem` and the access gives the default, so that a caller reads
 * a whole table and tests `problem` once, before it believes any of it. Offsets to tables only
 * point forward, so there are no cycles; parts may be shared, however, so a caller bounds the
 * tables it visits and the reader bounds the bytes of strings and vectors that it hands out. Input
 * may have any alignment. Thread class: one at a time. */

struct cfl_fb {
    struct cflight_bytes bytes;
    uint64_t budget_bytes; /* strings and vectors that may still be handed out */
    const char *problem;   /* static text, or NULL */
};

/* A table; absent ones (fb NULL) give the default for every field. */
struct cfl_fb_table {
    struct cfl_fb *fb;
    size_t offset;
    size_t vtable_offset;
    uint16_t vtable_len_bytes;
    uint16_t len_bytes;
};

struct cfl_fb_vector {
    struct cfl_fb *fb;
    size_t offset; /* of the first element */
    size_t element_bytes;
    size_t count;
};

void cfl_fb_init(struct cfl_fb *fb, struct cflight_bytes bytes);
struct cfl_fb_table cfl_fb_root(struct cfl_fb *fb);

static inline bool cfl_fb_is_present(const struct cfl_fb_table *table)
{
    return table->fb != NULL;
}

/* Fields by their number in the .fbs table, counted from 0; a union takes two. */
bool cfl_fb_bool(const struct cfl_fb_table *table, unsigned int field);
uint8_t cfl_fb_u8(const struct cfl_fb_table *table, unsigned int field, uint8_t fallback);
int16_t cfl_fb_i16(const struct cfl_fb_table *table, unsigned int field, int16_t fallback);
int32_t cfl_fb_i32(const struct cfl_fb_table *table, unsigned int field, int32_t fallback);
int64_t cfl_fb_i64(const struct cfl_fb_table *table, unsigned int field, int64_t fallback);
/* Where a number of 64 bits lies in the bytes; 0 when it is absent. */
size_t cfl_fb_i64_place(const struct cfl_fb_table *table, unsigned int field);
/* An absent field gives an absent table; of a union, this is the value's field. */
struct cfl_fb_table cfl_fb_table_field(const struct cfl_fb_table *table, unsigned int field);
/* A view; data is NULL when the field is absent, and not NULL for an empty string. */
struct cflight_bytes cfl_fb_string(const struct cfl_fb_table *table, unsigned int field);
/* `element_bytes` of scalars or structs; 4 for tables. An absent field gives an empty vector. */
struct cfl_fb_vector cfl_fb_vector_field(const struct cfl_fb_table *table, unsigned int field,
                                         size_t element_bytes);

/* `index` must be below count; `byte` is where the member begins in the struct. */
struct cfl_fb_table cfl_fb_vector_table(const struct cfl_fb_vector *vector, size_t index);
int32_t cfl_fb_vector_i32(const struct cfl_fb_vector *vector, size_t index, size_t byte);
int64_t cfl_fb_vector_i64(const struct cfl_fb_vector *vector, size_t index, size_t byte);

#endif /* CFL_IPC_FB_READER_H */
