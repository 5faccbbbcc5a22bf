/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_ALLOC_H
#define CFL_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cflight/alloc.h"

/* The only door to memory: nothing outside base/alloc.c names malloc. `alloc` NULL means the C
 * library. Sizes are multiplied with an overflow check here and nowhere else. A size of 0 gives
 * NULL, which is no failure: callers that may ask for 0 test the size, not the pointer. */

void *cfl_alloc(const struct cflight_allocator *alloc, size_t size_bytes);
void *cfl_alloc_zeroed(const struct cflight_allocator *alloc, size_t size_bytes);
/* `count` elements of `element_bytes`, zeroed; NULL on overflow too. */
void *cfl_alloc_array(const struct cflight_allocator *alloc, size_t count, size_t element_bytes);
/* 64-byte aligned (Arrow columnar: Buffer Alignment and Padding), not zeroed. */
void *cfl_alloc_aligned(const struct cflight_allocator *alloc, size_t size_bytes,
                        size_t alignment_bytes);
/* A new size of 0 frees `memory`. When memory runs out the old block stays as it is. */
void *cfl_realloc(const struct cflight_allocator *alloc, void *memory, size_t old_size_bytes,
                  size_t new_size_bytes);
/* The part of cfl_grow_array that allocates. */
bool cfl_grow_full_array(const struct cflight_allocator *alloc, void **array, size_t *capacity,
                         size_t needed, size_t element_bytes);
/* Grows an array of `*capacity` elements so that it holds at least `needed`, doubling; updates both
 * on success. */
static inline bool cfl_grow_array(const struct cflight_allocator *alloc, void **array,
                                  size_t *capacity, size_t needed, size_t element_bytes)
{
    return needed <= *capacity ||
           cfl_grow_full_array(alloc, array, capacity, needed, element_bytes);
}
void cfl_free(const struct cflight_allocator *alloc, void *memory, size_t size_bytes);
void cfl_free_array(const struct cflight_allocator *alloc, void *array, size_t count,
                    size_t element_bytes);
char *cfl_strndup(const struct cflight_allocator *alloc, const char *text, size_t len_bytes);
/* Frees a terminated string made by cfl_strndup. */
void cfl_strfree(const struct cflight_allocator *alloc, char *text);

#endif /* CFL_BASE_ALLOC_H */
