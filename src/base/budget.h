/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_BUDGET_H
#define CFL_BASE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An amount of memory that several share: what one takes the others cannot have until it is given
 * back. A NULL budget has no end. Thread class: free. */
struct cfl_budget {
    uint64_t max_bytes;
    atomic_uint_least64_t used_bytes;
};

static inline void cfl_budget_init(struct cfl_budget *budget, uint64_t max_bytes)
{
    budget->max_bytes = max_bytes;
    atomic_init(&budget->used_bytes, 0);
}

static inline void cfl_budget_give_back(struct cfl_budget *budget, uint64_t len_bytes)
{
    if (budget != NULL && len_bytes > 0) {
        atomic_fetch_sub_explicit(&budget->used_bytes, len_bytes, memory_order_relaxed);
    }
}

/* False, with nothing taken, when that much is not left. */
static inline bool cfl_budget_take(struct cfl_budget *budget, uint64_t len_bytes)
{
    if (budget == NULL || len_bytes == 0) {
        return true;
    }
    uint64_t used_bytes =
        atomic_fetch_add_explicit(&budget->used_bytes, len_bytes, memory_order_relaxed);
    bool fits = len_bytes <= budget->max_bytes && used_bytes <= budget->max_bytes - len_bytes;
    if (!fits) {
        cfl_budget_give_back(budget, len_bytes);
    }
    return fits;
}

#endif /* CFL_BASE_BUDGET_H */
