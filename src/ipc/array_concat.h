/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_ARRAY_CONCAT_H
#define CFL_IPC_ARRAY_CONCAT_H

#include "base/body.h"
#include "cflight/arrow_abi.h"
#include "ipc/schema.h"

/* The values of `a` and then those of `b`, two arrays of the value type of `field` that came from
 * the decoder, in new memory (the data of views is shared). What validation at the BOUNDS level
 * leaves open is checked or harmless.
 * `*ret_bytes` is what was allocated for buffers. Dictionaries inside are joined unless both are of
 * one lineage. DATA_LOSS when the result does not fit the type's offsets or indices. */
cflight_status cfl_array_concat(const struct cflight_allocator *alloc, struct cfl_pool *pool,
                                const struct cfl_field *field, const struct ArrowArray *a,
                                const struct ArrowArray *b, struct ArrowArray *ret_array,
                                uint64_t *ret_bytes, cflight_error **reterr);

#endif /* CFL_IPC_ARRAY_CONCAT_H */
