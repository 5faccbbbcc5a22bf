/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_SCRATCH_H
#define CFL_IPC_SCRATCH_H

#include "cflight/alloc.h"

#include <stddef.h>
#include <stdint.h>

/* Memory for what an encoder has to make anew (shifted bitmaps, rebased offsets, compressed
 * buffers). What it hands out does not move and lives until the next reset. Memory is kept from one
 * batch to the next, in one block as large as the last batch needed, up to a cap. Thread class: one
 * at a time. */
struct cfl_scratch {
    const struct cflight_allocator *alloc;
    struct cfl_scratch_block *blocks; /* newest first */
    size_t used_bytes;                /* since the last reset */
};

void cfl_scratch_init(struct cfl_scratch *scratch, const struct cflight_allocator *alloc);
void cfl_scratch_done(struct cfl_scratch *scratch);
void cfl_scratch_reset(struct cfl_scratch *scratch);
/* Aligned for any number; NULL when memory ran out. `len_bytes` is at least 1. */
uint8_t *cfl_scratch_take(struct cfl_scratch *scratch, uint64_t len_bytes);

#endif /* CFL_IPC_SCRATCH_H */
