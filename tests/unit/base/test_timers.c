/* SPDX-License-Identifier: Apache-2.0 */
/* Moments, the earliest first. */
#include <stdlib.h>

#include "base/timers.h"
#include "test.h"

enum { TIMERS = 500, STEPS = 20000 };

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* The earliest of those that are set; TIMERS when none is. */
static size_t earliest(const int64_t *at_ns)
{
    size_t found = TIMERS;
    for (size_t i = 0; i < TIMERS; i++) {
        if (at_ns[i] != CFL_TIME_NEVER && (found == TIMERS || at_ns[i] < at_ns[found])) {
            found = i;
        }
    }
    return found;
}

/* Goal: what is due comes out, the earliest first, and nothing else, whatever was set, moved up and
 * removed before.
 * Method: random steps, and a plain table of moments to compare with. */
TEST(timers, the_earliest_comes_first)
{
    struct cfl_timers timers = {0};
    struct cfl_timer *items = calloc(TIMERS, sizeof *items);
    int64_t at_ns[TIMERS];
    uint32_t seed = 7;
    assert_non_null(items);
    cfl_timers_init(&timers, NULL);
    assert_true(cfl_timers_reserve(&timers, TIMERS));
    for (size_t i = 0; i < TIMERS; i++) {
        cfl_timer_init(&items[i], i);
        at_ns[i] = CFL_TIME_NEVER;
    }
    for (int64_t step = 0; step < STEPS; step++) {
        size_t i = next_random(&seed) % TIMERS;
        uint64_t tag = TIMERS;
        size_t first = earliest(at_ns);
        if (step % 4 == 3) {
            cfl_timer_remove(&timers, &items[i]);
            at_ns[i] = CFL_TIME_NEVER;
        } else if (step % 4 == 2) {
            int64_t due_ns = first == TIMERS ? CFL_TIME_NEVER : at_ns[first];
            assert_int_equal(cfl_timers_first_ns(&timers), due_ns);
            assert_false(first < TIMERS && cfl_timers_pop(&timers, due_ns - 1, &tag));
            assert_int_equal(cfl_timers_pop(&timers, due_ns, &tag), first < TIMERS);
            if (first < TIMERS) {
                assert_int_equal(at_ns[tag], due_ns);
                at_ns[tag] = CFL_TIME_NEVER;
            }
        } else {
            int64_t moment_ns = (int64_t)(next_random(&seed) % 100000);
            at_ns[i] = moment_ns < at_ns[i] ? moment_ns : at_ns[i];
            bool is_first = cfl_timer_move_up(&timers, &items[i], moment_ns);
            assert_true(!is_first || at_ns[i] == at_ns[earliest(at_ns)]);
        }
    }
    cfl_timers_done(&timers);
    free(items);
}
