/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_REFCOUNT_H
#define CFL_BASE_REFCOUNT_H

#include <stdatomic.h>
#include <stdbool.h>

/* An atomic reference count. Starts at 1 with cfl_refcount_init. Thread class: free. */
struct cfl_refcount {
    atomic_int count;
};

static inline void cfl_refcount_init(struct cfl_refcount *refcount)
{
    atomic_init(&refcount->count, 1);
}

static inline void cfl_refcount_up(struct cfl_refcount *refcount)
{
    atomic_fetch_add_explicit(&refcount->count, 1, memory_order_relaxed);
}

/* Returns true when the caller held the last reference and must free the object. */
static inline bool cfl_refcount_down(struct cfl_refcount *refcount)
{
    return atomic_fetch_sub_explicit(&refcount->count, 1, memory_order_acq_rel) == 1;
}

/* Whether the caller's reference is the only one, so that nobody else can add another. */
static inline bool cfl_refcount_is_one(const struct cfl_refcount *refcount)
{
    return atomic_load_explicit(&refcount->count, memory_order_acquire) == 1;
}

#endif /* CFL_BASE_REFCOUNT_H */
