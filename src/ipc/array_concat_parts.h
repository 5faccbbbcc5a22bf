/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_ARRAY_CONCAT_PARTS_H
#define CFL_IPC_ARRAY_CONCAT_PARTS_H

#include "base/body.h"
#include "cflight/arrow_abi.h"
#include "ipc/array_build.h"
#include "ipc/array_concat.h"
#include "ipc/schema.h"

/* What the files of array_concat share: parts, and the steps that every layout is made of. */

enum { CFL_CONCAT_PARTS = 2 };

/* A range of rows of an array. */
struct cfl_part_range {
    const struct ArrowArray *array;
    int64_t start;
    int64_t length;
};

struct cfl_concat {
    const struct cflight_allocator *alloc;
    struct cfl_pool *pool;
    bool has_room;        /* the result's buffers get room to grow; set for plain layouts only */
    bool is_room_shared;  /* part 0 has such room, which no other array uses */
    uint64_t fresh_bytes; /* what the result's buffers take, shared room included */
    struct cfl_concat_limits limits;
    uint64_t taken_bytes;      /* from the budget */
    uint64_t over_limit_bytes; /* what was too much; 0 for nothing */
    uint64_t over_budget_bytes;
};

static inline struct cfl_part_range cfl_concat_whole(const struct ArrowArray *array)
{
    struct cfl_part_range range = {array, 0, array->length};
    return range;
}

cflight_status cfl_concat_too_large(cflight_error **reterr);
/* Gives the array a new buffer of count * width bytes; NULL for no memory, or beyond a limit. A
 * buffer of no bytes is one of zeros. */
uint8_t *cfl_concat_buffer(struct cfl_concat *concat, struct ArrowArray *array, size_t index,
                           int64_t count, int64_t width_bytes);
/* The same for values that follow one another: a buffer with room, or the room behind the first
 * part. `*ret_first` is the first part whose values are still to be put there: 0, or 1. */
uint8_t *cfl_concat_target(struct cfl_concat *concat, const struct cfl_part_range *parts,
                           struct ArrowArray *array, size_t index, int64_t count,
                           int64_t width_bytes, size_t *ret_first);
/* Begins the result: length and, where the layout has one and a part has nulls, the validity
 * bitmap. */
cflight_status cfl_concat_begin(struct cfl_concat *concat, const struct cfl_array_shape *shape,
                                bool has_validity, const struct cfl_part_range *parts,
                                struct ArrowArray *array, cflight_error **reterr);
/* Values of one width, from buffer `index` of both parts. */
cflight_status cfl_concat_fixed_values(struct cfl_concat *concat,
                                       const struct cfl_part_range *parts, size_t index,
                                       int64_t width_bytes, struct ArrowArray *array,
                                       cflight_error **reterr);
/* Bits of buffer `index` of both parts. */
cflight_status cfl_concat_bits(struct cfl_concat *concat, const struct cfl_part_range *parts,
                               size_t index, struct ArrowArray *array, cflight_error **reterr);

/* Layouts that refer to their values: array_concat_encoded.c. The references come first, then
 * whoever walks joins the values, and then the second part's references move behind the first
 * part's values. */
cflight_status cfl_concat_union_ids(struct cfl_concat *concat, const struct cfl_field *field,
                                    bool is_dense, const struct cfl_part_range *parts,
                                    struct ArrowArray *array, cflight_error **reterr);
/* Dense unions only. */
cflight_status cfl_concat_shift_union(const struct cfl_field *field,
                                      const struct cfl_part_range *parts, struct ArrowArray *array,
                                      cflight_error **reterr);
cflight_status cfl_concat_indices(struct cfl_concat *concat, const struct cfl_field *field,
                                  const struct cfl_part_range *parts, struct ArrowArray *array,
                                  cflight_error **reterr);
cflight_status cfl_concat_shift_indices(const struct cfl_field *field,
                                        const struct cfl_part_range *parts,
                                        struct ArrowArray *array, cflight_error **reterr);
/* The whole array but for the values of the runs, which are the rows `ret_runs` of child 1. */
cflight_status cfl_concat_run_ends(struct cfl_concat *concat, const struct cfl_field *field,
                                   const struct cfl_part_range *parts, struct ArrowArray *array,
                                   struct cfl_part_range *ret_runs, cflight_error **reterr);

#endif /* CFL_IPC_ARRAY_CONCAT_PARTS_H */
