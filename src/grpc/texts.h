/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_GRPC_TEXTS_H
#define CFL_GRPC_TEXTS_H

#include "cflight/alloc.h"
#include "cflight/bytes.h"

/* Copies of names and values that stay where they are, and go all at once: several share a block.
 * Thread class: one at a time. */
struct cfl_texts_block;
struct cfl_texts {
    const struct cflight_allocator *alloc;
    struct cfl_texts_block *blocks; /* the one with room first */
};

void cfl_texts_init(struct cfl_texts *texts, const struct cflight_allocator *alloc);
void cfl_texts_done(struct cfl_texts *texts);
/* Room for `len_bytes`; NULL when memory ran out. */
uint8_t *cfl_texts_space(struct cfl_texts *texts, size_t len_bytes);
/* A terminated copy; NULL when memory ran out. */
char *cfl_texts_copy(struct cfl_texts *texts, struct cflight_bytes text);

#endif /* CFL_GRPC_TEXTS_H */
