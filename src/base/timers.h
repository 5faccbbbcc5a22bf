/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_TIMERS_H
#define CFL_BASE_TIMERS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "cflight/alloc.h"

/* The moments at which connections want to be visited: a heap, the earliest first, so that one that
 * has come costs no look at the others.
 *
 * A connection's deadline changes with each of its calls, mostly to a later one. So a timer is only
 * ever moved up: it may fire early, and whoever comes then sets the next. Thread class: free. */
struct cfl_timer {
    atomic_int_least64_t at_ns; /* CFL_TIME_NEVER: not in the heap */
    size_t index;
    uint64_t tag; /* whose it is; constant */
};

struct cfl_timers {
    const struct cflight_allocator *alloc;
    pthread_mutex_t mutex;
    struct cfl_timer **heap; /* under the mutex, as is the rest */
    size_t count;
    size_t capacity;
};

void cfl_timers_init(struct cfl_timers *timers, const struct cflight_allocator *alloc);
void cfl_timers_done(struct cfl_timers *timers);
void cfl_timer_init(struct cfl_timer *timer, uint64_t tag);
/* Makes room for one more timer, so that setting it cannot fail; false without memory. */
bool cfl_timers_reserve(struct cfl_timers *timers, size_t timer_count);
/* Moves the timer up to `at_ns`; true when it is the earliest of all now. */
bool cfl_timer_move_up(struct cfl_timers *timers, struct cfl_timer *timer, int64_t at_ns);
void cfl_timer_remove(struct cfl_timers *timers, struct cfl_timer *timer);
/* Takes one out that is due and tells whose it was; false when there is none. */
bool cfl_timers_pop(struct cfl_timers *timers, int64_t now_ns, uint64_t *ret_tag);
int64_t cfl_timers_first_ns(struct cfl_timers *timers);

#endif /* CFL_BASE_TIMERS_H */
