/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_ARRAY_CONCAT_H
#define CFL_IPC_ARRAY_CONCAT_H

#include "base/body.h"
#include "base/budget.h"
#include "cflight/arrow_abi.h"
#include "ipc/schema.h"

/* What the buffers of a result may take: in all, and of what others may have, too. */
struct cfl_concat_limits {
    uint64_t bytes_max;
    struct cfl_budget *budget; /* NULL for none */
};

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
 * Bits of validity are made for rows that took no bytes before, so a result may be far larger than
 * both; `limits` are looked at before memory is, and the budget is held until the end. DATA_LOSS
 * when the result does not fit the type's offsets or indices, RESOURCE_EXHAUSTED beyond the limits.
 */
cflight_status cfl_array_concat(const struct cflight_allocator *alloc, struct cfl_pool *pool,
                                const struct cfl_field *field, const struct ArrowArray *a,
                                bool has_a_room, const struct ArrowArray *b,
                                const struct cfl_concat_limits *limits,
                                struct cfl_concat_result *ret_result, cflight_error **reterr);

#endif /* CFL_IPC_ARRAY_CONCAT_H */
