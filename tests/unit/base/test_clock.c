/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines: no sum of times overflows, and poll(2) never waits less than asked. */
#include "base/clock.h"

#include <limits.h>

#include "test.h"

static int64_t fixed_now(void *user_data)
{
    return *(int64_t *)user_data;
}

/* Goal: a virtual clock is asked instead of the operating system, which else never runs backwards.
 * Method: a fixed one; then two readings. */
TEST(clock, a_virtual_clock_replaces_the_operating_systems)
{
    int64_t now_ns = 42;
    struct cfl_clock clock = {fixed_now, &now_ns};
    assert_int_equal(cfl_clock_now_ns(&clock), 42);
    int64_t first_ns = cfl_clock_now_ns(NULL);
    assert_true(first_ns > 0 && cfl_clock_now_ns(NULL) >= first_ns);
    assert_true(cfl_clock_wall_ns() > INT64_C(1600000000) * CFL_NS_PER_S);
}

/* Goal: sums that overflow, and negative durations, are "never".
 * Method: both sides of the largest time. */
TEST(clock, a_deadline_past_the_end_of_time_is_never)
{
    assert_int_equal(cfl_deadline_after_ns(10, 5), 15);
    assert_int_equal(cfl_deadline_after_ns(10, 0), 10);
    assert_true(cfl_deadline_after_ns(10, -1) == CFL_TIME_NEVER);
    assert_true(cfl_deadline_after_ns(10, INT64_MAX - 11) == INT64_MAX - 1);
    assert_true(cfl_deadline_after_ns(10, INT64_MAX) == CFL_TIME_NEVER);
    assert_int_equal(cfl_deadline_after_ms(10, 3), 3 * CFL_NS_PER_MS + 10);
    assert_true(cfl_deadline_after_ms(10, INT64_MAX / CFL_NS_PER_MS + 1) == CFL_TIME_NEVER);
    assert_true(cfl_deadline_after_ms(10, -1) == CFL_TIME_NEVER);
    assert_int_equal(cfl_deadline_earlier(3, CFL_TIME_NEVER), 3);
    assert_int_equal(cfl_deadline_earlier(4, 3), 3);
}

/* Goal: what callers give in milliseconds never overflows. */
TEST(clock, a_duration_past_the_end_of_time_is_the_longest)
{
    assert_int_equal(cfl_duration_from_ms(3), 3 * CFL_NS_PER_MS);
    assert_int_equal(cfl_duration_from_ms(0), 0);
    assert_int_equal(cfl_duration_from_ms(-5), -1);
    assert_int_equal(cfl_duration_from_ms(INT64_MIN), -1);
    assert_true(cfl_duration_from_ms(INT64_MAX / CFL_NS_PER_MS) == 9223372036854000000);
    assert_true(cfl_duration_from_ms(INT64_MAX / CFL_NS_PER_MS + 1) == CFL_TIME_NEVER);
    assert_true(cfl_duration_from_ms(INT64_MAX) == CFL_TIME_NEVER);
}

/* Goal: the time given to poll(2) is rounded up and stays in its range.
 * Method: the edges of a millisecond, of int, and of time. */
TEST(clock, the_poll_timeout_is_rounded_up_and_in_range)
{
    assert_int_equal(cfl_deadline_poll_ms(0, CFL_TIME_NEVER), -1);
    assert_int_equal(cfl_deadline_poll_ms(100, 99), 0);
    assert_int_equal(cfl_deadline_poll_ms(100, 100), 0);
    assert_int_equal(cfl_deadline_poll_ms(100, 101), 1);
    assert_int_equal(cfl_deadline_poll_ms(0, CFL_NS_PER_MS), 1);
    assert_int_equal(cfl_deadline_poll_ms(0, CFL_NS_PER_MS + 1), 2);
    assert_int_equal(cfl_deadline_poll_ms(0, INT64_MAX - 1), INT_MAX);
    assert_int_equal(cfl_deadline_poll_ms(-100, INT64_MAX - 1), INT_MAX);
}
