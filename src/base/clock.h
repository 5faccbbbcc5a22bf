/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_CLOCK_H
#define CFL_BASE_CLOCK_H

#include <stdint.h>

/* Time. Deadlines are absolute nanoseconds of the monotonic clock; CFL_TIME_NEVER is no deadline. A
 * NULL clock is the operating system's; tests pass a virtual one. Thread class: free. */

#define CFL_TIME_NEVER INT64_MAX
#define CFL_NS_PER_MS INT64_C(1000000)
#define CFL_NS_PER_S INT64_C(1000000000)

struct cfl_clock {
    int64_t (*now_ns)(void *user_data);
    void *user_data;
};

int64_t cfl_clock_now_ns(const struct cfl_clock *clock);
/* Nanoseconds since 1970-01-01 UTC, from the wall clock. */
int64_t cfl_clock_wall_ns(void);
/* Milliseconds as nanoseconds, at most CFL_TIME_NEVER; -1 for a negative number, which means never.
 */
int64_t cfl_duration_from_ms(int64_t duration_ms);
/* now + duration without overflow. A negative duration means never. */
int64_t cfl_deadline_after_ns(int64_t now_ns, int64_t duration_ns);
int64_t cfl_deadline_after_ms(int64_t now_ns, int64_t duration_ms);
static inline int64_t cfl_deadline_earlier(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}
/* What poll(2) takes: -1 for never, otherwise milliseconds rounded up, 0 when passed. */
int cfl_deadline_poll_ms(int64_t now_ns, int64_t deadline_ns);

#endif /* CFL_BASE_CLOCK_H */
