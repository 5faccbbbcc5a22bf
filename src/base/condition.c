/* SPDX-License-Identifier: Apache-2.0 */
/* Condition variables on the monotonic clock. Thread class: free. */
#include "base/condition.h"

#include <time.h>

#include "base/clock.h"

void cfl_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

bool cfl_condition_wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex,
                              int64_t deadline_ns)
{
    if (deadline_ns == CFL_TIME_NEVER) {
        return pthread_cond_wait(condition, mutex) == 0;
    }
    const struct timespec until = {
        .tv_sec = (time_t)(deadline_ns / CFL_NS_PER_S),
        .tv_nsec = (long)(deadline_ns % CFL_NS_PER_S),
    };
    return pthread_cond_timedwait(condition, mutex, &until) == 0;
}
