/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_ARRAY_BUILD_H
#define CFL_IPC_ARRAY_BUILD_H

#include "cflight/alloc.h"
#include "cflight/arrow_abi.h"
#include "cflight/bytes.h"
#include "cflight/error.h"

/* Arrays that the reader hands out.
 *
 * Every node (array, child, dictionary) holds its own counted references to the memory its buffers
 * point into, so that a consumer may move any child out of its parent and release it on its own, on
 * any thread (C data interface: Moving child arrays). A node's bookkeeping is one allocation. */

/* What a node consists of. */
struct cfl_array_shape {
    size_t buffer_count;
    size_t child_count;
    bool has_dictionary;
    size_t view_buffer_count; /* of a view array: the variadic buffers, whose sizes are kept too */
};

/* Makes an array of length 0 with NULL buffers and released children and dictionary, to be filled
 * in. */
cflight_status cfl_array_new(const struct cflight_allocator *alloc,
                             const struct cfl_array_shape *shape, struct ArrowArray *ret_array,
                             cflight_error **reterr);
/* Releases what is not released yet; safe on a zeroed array. */
void cfl_array_drop(struct ArrowArray *array);
/* Points a buffer at `data`; the array takes its own reference to `owner`, which is NULL for static
 * memory. Once per buffer, in ascending order. */
void cfl_array_set_buffer(struct ArrowArray *array, size_t index, const void *data,
                          cflight_buffer *owner);
/* Whom a buffer belongs to; NULL for static memory. Borrowed. */
cflight_buffer *cfl_array_buffer_owner(const struct ArrowArray *array, size_t index);
/* The sizes of a view array's variadic buffers, for its last buffer; NULL when the shape has none.
 */
int64_t *cfl_array_view_sizes(const struct ArrowArray *array);

/* Which dictionary an array is: two arrays of one lineage are equal as far as both reach. 0 is
 * none. */
void cfl_array_set_lineage(struct ArrowArray *array, uint64_t lineage);
uint64_t cfl_array_lineage(const struct ArrowArray *array);

/* A second handle on the same memory, children and dictionary included. `source` must come from
 * cfl_array_new. May run on several threads with one source. */
cflight_status cfl_array_clone(const struct cflight_allocator *alloc,
                               const struct ArrowArray *source, struct ArrowArray *ret_array,
                               cflight_error **reterr);

#endif /* CFL_IPC_ARRAY_BUILD_H */
