/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for another thread: not before the deadline on the library's own clock, and for as long
 * as it takes when there is none. */
#include "base/condition.h"

#include "base/clock.h"
#include "test.h"

struct meeting {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    bool has_come;
};

static void meeting_init(struct meeting *meeting)
{
    assert_int_equal(pthread_mutex_init(&meeting->mutex, NULL), 0);
    cfl_condition_init(&meeting->condition);
    meeting->has_come = false;
}

static void meeting_done(struct meeting *meeting)
{
    (void)pthread_cond_destroy(&meeting->condition);
    (void)pthread_mutex_destroy(&meeting->mutex);
}

static void *come(void *user_data)
{
    struct meeting *meeting = user_data;
    (void)pthread_mutex_lock(&meeting->mutex);
    meeting->has_come = true;
    (void)pthread_cond_signal(&meeting->condition);
    (void)pthread_mutex_unlock(&meeting->mutex);
    return NULL;
}

/* Goal: a wait ends at its deadline and not before, whatever the wall clock says.
 * Method: nobody signals; a deadline in the past and one a little ahead of the library's clock. */
TEST(condition, a_wait_ends_at_its_deadline)
{
    struct meeting meeting;
    meeting_init(&meeting);
    int64_t past_ns = cfl_clock_now_ns(NULL);
    int64_t ahead_ns = cfl_deadline_after_ms(past_ns, 20);
    (void)pthread_mutex_lock(&meeting.mutex);
    assert_false(cfl_condition_wait_until(&meeting.condition, &meeting.mutex, past_ns));
    while (cfl_condition_wait_until(&meeting.condition, &meeting.mutex, ahead_ns)) {
    }
    (void)pthread_mutex_unlock(&meeting.mutex);
    assert_true(cfl_clock_now_ns(NULL) >= ahead_ns);
    meeting_done(&meeting);
}

/* Goal: a signal ends a wait that has no deadline, and one whose deadline is far away.
 * Method: another thread comes while the mutex is given up by the wait, and only then. */
TEST(condition, a_signal_ends_a_wait)
{
    const int64_t deadlines_ns[] = {CFL_TIME_NEVER,
                                    cfl_deadline_after_ms(cfl_clock_now_ns(NULL), 60000)};
    for (size_t i = 0; i < sizeof deadlines_ns / sizeof deadlines_ns[0]; i++) {
        struct meeting meeting;
        pthread_t thread;
        bool in_time = true;
        meeting_init(&meeting);
        (void)pthread_mutex_lock(&meeting.mutex);
        assert_int_equal(pthread_create(&thread, NULL, come, &meeting), 0);
        while (!meeting.has_come && in_time) {
            in_time = cfl_condition_wait_until(&meeting.condition, &meeting.mutex, deadlines_ns[i]);
        }
        assert_true(in_time && meeting.has_come);
        (void)pthread_mutex_unlock(&meeting.mutex);
        assert_int_equal(pthread_join(thread, NULL), 0);
        meeting_done(&meeting);
    }
}
