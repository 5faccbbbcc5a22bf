/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_ARRAY_CONCAT_H
#define CFL_IPC_ARRAY_CONCAT_H

#include "base/body.h"
#include "cflight/arrow_abi.h"
#include "ipc/schema.h"

struct cfl_concat_result {
    struct ArrowArray array;
    uint64_t len_bytes; /* what its own buffers take */
    bool has_room;      /* more can be appended to it without copying it */
};

/* The values of `a` and then those of `b`, two arrays of the value type of `field` that came from
 * the decoder (the data of views is shared). What validation at the BOUNDS level leaves open is
 * checked or harmless. `has_a_room` tells that `a` is the latest result with room: then the values
 * of `b` are put behind those of `a`, where none of the arrays that share its buffers look, and it
 * must not be appended to again. Dictionaries inside are joined unless both are of one lineage.
 * DATA_LOSS when the result does not fit the type's offsets or indices. */
cflight_status cfl_array_concat(const struct cflight_allocator *alloc, struct cfl_pool *pool,
                                const struct cfl_field *field, const struct ArrowArray *a,
                                bool has_a_room, const struct ArrowArray *b,
                                struct cfl_concat_result *ret_result, cflight_error **reterr);

#endif /* CFL_IPC_ARRAY_CONCAT_H */
