/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_BLOCK_H
#define CFL_BASE_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cflight/alloc.h"
#include "cflight/bytes.h"

/* A value and everything it points at in one allocation.
 *
 * A layout function takes what it needs piece by piece. It runs twice: first over a block without
 * memory, where every piece is NULL and only the sizes add up, then over one of exactly that size.
 * It must take the same pieces both times.
 *
 *     struct cflight_bytes *path = cfl_block_array(block, count, sizeof *path);
 *     for (size_t i = 0; i < count; i++) {
 *         struct cflight_bytes copy = cfl_block_bytes(block, source[i]);
 *         if (path != NULL) {
 *             path[i] = copy;
 *         }
 *     }
 *
 * Thread class: one at a time; a finished block: free. */
struct cfl_block {
    uint8_t *memory; /* NULL while measuring */
    size_t used_bytes;
    size_t size_bytes;
    bool has_overflowed;
};

/* Fills `ret_value`, whose own pieces come from the block. */
typedef void (*cfl_block_layout_fn)(struct cfl_block *block, const void *value, void *ret_value);

/* Copies a value of `value_bytes` (at most CFL_BLOCK_VALUE_BYTES_MAX) into a fresh block; NULL when
 * memory ran out. */
enum { CFL_BLOCK_VALUE_BYTES_MAX = 256 };
void *cfl_block_copy(const struct cflight_allocator *alloc, const void *value, size_t value_bytes,
                     cfl_block_layout_fn layout);
/* What a block takes of the memory; 0 for NULL. */
size_t cfl_block_size(const void *value);
/* Frees what cfl_block_copy returned; NULL is ignored. */
void cfl_block_free(void *value);
/* As cfl_block_free, and overwrites the memory first. */
void cfl_block_wipe_and_free(void *value);

/* Pieces. An array is zeroed and aligned for any type; a count of 0 gives NULL. */
void *cfl_block_array(struct cfl_block *block, size_t count, size_t element_bytes);
struct cflight_bytes cfl_block_bytes(struct cfl_block *block, struct cflight_bytes bytes);
/* A terminated copy; NULL while measuring. */
const char *cfl_block_text(struct cfl_block *block, struct cflight_bytes text);
/* An array of views and the bytes that they show. */
const struct cflight_bytes *cfl_block_bytes_array(struct cfl_block *block,
                                                  const struct cflight_bytes *items, size_t count);

#endif /* CFL_BASE_BLOCK_H */
