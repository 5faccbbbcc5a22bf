/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_BUDGET_H
#define CFL_BASE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An amount of memory that several share: what one takes the others cannot have until it is given
 * back. A budget may be a share of a larger one: then what it takes, the larger one takes too. A
 * NULL budget has no end. A share must not outlive what it is a share of. Thread class: free. */
struct cfl_budget {
    struct cfl_budget *parent; /* NULL: a whole one */
    uint64_t max_bytes;
    atomic_uint_least64_t used_bytes;
};

static inline void cfl_budget_init(struct cfl_budget *budget, struct cfl_budget *parent,
                                   uint64_t max_bytes)
{
    budget->parent = parent;
    budget->max_bytes = max_bytes;
    atomic_init(&budget->used_bytes, 0);
}

/* What the budget is a share of in the end. */
static inline const struct cfl_budget *cfl_budget_whole(const struct cfl_budget *budget)
{
    while (budget->parent != NULL) {
        budget = budget->parent;
    }
    return budget;
}

static inline void cfl_budget_give_back(struct cfl_budget *budget, uint64_t len_bytes)
{
    for (; budget != NULL && len_bytes > 0; budget = budget->parent) {
        atomic_fetch_sub_explicit(&budget->used_bytes, len_bytes, memory_order_relaxed);
    }
}

/* False, with nothing taken, when that much is not left. */
static inline bool cfl_budget_take(struct cfl_budget *budget, uint64_t len_bytes)
{
    for (struct cfl_budget *part = budget; part != NULL && len_bytes > 0; part = part->parent) {
        uint64_t used_bytes =
            atomic_fetch_add_explicit(&part->used_bytes, len_bytes, memory_order_relaxed);
        if (len_bytes > part->max_bytes || used_bytes > part->max_bytes - len_bytes) {
            for (struct cfl_budget *taken = budget;; taken = taken->parent) {
                atomic_fetch_sub_explicit(&taken->used_bytes, len_bytes, memory_order_relaxed);
                if (taken == part) {
                    return false;
                }
            }
        }
    }
    return true;
}

#endif /* CFL_BASE_BUDGET_H */
