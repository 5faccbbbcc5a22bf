/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_ARENA_H
#define CFL_BASE_ARENA_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "cflight/alloc.h"
#include "cflight/error.h"

/* Memory for one conversion: handed out piece by piece, given back all at once, bounded in total.
 * The first kilobytes come from the arena itself, so that small messages need no allocation. Thread
 * class: one at a time; must not move. */

enum { CFL_ARENA_INLINE_BYTES = 2048 };

struct cfl_arena_chunk;

struct cfl_arena {
    const struct cflight_allocator *alloc;
    struct cfl_arena_chunk *chunks;
    uint8_t *next;
    size_t left_bytes;
    size_t used_bytes;
    size_t limit_bytes;
    struct cfl_budget *budget; /* what is allocated counts in it; NULL: nowhere */
    bool has_failed;           /* some piece could not be had */
    bool is_over_limit;        /* because of the limit */
    bool is_over_budget;       /* because of the budget */
    bool is_secret;            /* wipe everything at the end */
    alignas(max_align_t) uint8_t inline_bytes[CFL_ARENA_INLINE_BYTES];
};

void cfl_arena_init(struct cfl_arena *arena, const struct cflight_allocator *alloc,
                    size_t limit_bytes);
void cfl_arena_done(struct cfl_arena *arena);
/* Aligned for any type, content undefined; never NULL for a size of 0. NULL when memory ran out or
 * the limit is passed. */
void *cfl_arena_alloc(struct cfl_arena *arena, size_t size_bytes);
/* `count` elements, zeroed; NULL on overflow too. */
void *cfl_arena_array(struct cfl_arena *arena, size_t count, size_t element_bytes);
/* The error for a NULL: out of memory, "`what` takes more than ... bytes of memory", or
 * CFLIGHT_UNAVAILABLE for a budget that is used up. */
cflight_status cfl_arena_error(const struct cfl_arena *arena, const char *what,
                               cflight_error **reterr);
/* The latter, for what does not come from an arena. */
cflight_status cfl_arena_budget_error(const struct cfl_budget *budget, const char *what,
                                      cflight_error **reterr);

#endif /* CFL_BASE_ARENA_H */
