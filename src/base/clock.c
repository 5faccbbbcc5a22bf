/* SPDX-License-Identifier: Apache-2.0 */
/* Time and deadlines. Thread class: free. */
#include "base/clock.h"

#include <limits.h>
#include <stddef.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now = {0};
    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * CFL_NS_PER_S + now.tv_nsec;
}

int64_t cfl_clock_now_ns(const struct cfl_clock *clock)
{
    if (clock != NULL) {
        return clock->now_ns(clock->user_data);
    }
    return read_clock(CLOCK_MONOTONIC);
}

int64_t cfl_clock_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t cfl_duration_from_ms(int64_t duration_ms)
{
    int64_t duration_ns = 0;
    if (duration_ms < 0) {
        return -1;
    }
    return __builtin_mul_overflow(duration_ms, CFL_NS_PER_MS, &duration_ns) ? CFL_TIME_NEVER
                                                                            : duration_ns;
}

int64_t cfl_deadline_after_ns(int64_t now_ns, int64_t duration_ns)
{
    int64_t deadline_ns = 0;
    if (duration_ns < 0 || __builtin_add_overflow(now_ns, duration_ns, &deadline_ns)) {
        return CFL_TIME_NEVER;
    }
    return deadline_ns;
}

int64_t cfl_deadline_after_ms(int64_t now_ns, int64_t duration_ms)
{
    return cfl_deadline_after_ns(now_ns, cfl_duration_from_ms(duration_ms));
}

int cfl_deadline_poll_ms(int64_t now_ns, int64_t deadline_ns)
{
    if (deadline_ns == CFL_TIME_NEVER) {
        return -1;
    }
    if (deadline_ns <= now_ns) {
        return 0;
    }
    int64_t left_ns = 0;
    if (__builtin_sub_overflow(deadline_ns, now_ns, &left_ns)) {
        return INT_MAX;
    }
    int64_t left_ms = left_ns / CFL_NS_PER_MS + (left_ns % CFL_NS_PER_MS != 0);
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}
