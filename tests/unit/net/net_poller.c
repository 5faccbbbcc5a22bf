/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness and wakers. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "net_support.h"

enum { WAITERS = 4, WAKES_EACH = 50 };

#define PATIENCE_NS (T_PATIENCE_MS * CFL_NS_PER_MS)

static struct cfl_poller *new_poller(void)
{
    struct cfl_poller *poller = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cfl_poller_new(NULL, &poller, &error), error);
    return poller;
}

static void add(struct cfl_poller *poller, int fd, unsigned int wanted, void *tag)
{
    cflight_error *error = NULL;
    CHECK_OK(cfl_poller_add(poller, fd, wanted, tag, &error), error);
}

/* Goal: an event is reported once, and again only after arming.
 * Method: a pipe with a byte in it; wait, wait again without arming, arm, wait. */
TEST(poller, reports_one_event_per_arming)
{
    int ends[2];
    int tag = 0;
    void *seen = NULL;
    unsigned int ready = 0;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct cfl_poller *poller = new_poller();
    add(poller, ends[0], CFL_READY_READ, &tag);
    assert_false(cfl_poller_wait(poller, 0, &seen, &ready));
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_true(cfl_poller_wait(poller, PATIENCE_NS, &seen, &ready));
    assert_ptr_equal(seen, &tag);
    assert_int_equal(ready, CFL_READY_READ);
    assert_false(cfl_poller_wait(poller, 0, &seen, &ready));
    cfl_poller_arm(poller, ends[0], CFL_READY_READ, &seen);
    assert_true(cfl_poller_wait(poller, PATIENCE_NS, &seen, &ready));
    assert_ptr_equal(seen, &seen);
    cfl_poller_remove(poller, ends[0]);
    cfl_poller_free(poller);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* Goal: a silent descriptor reports nothing, not even a hang-up, and loses nothing by it.
 * Method: add the read end of a pipe silently, close the write end, wait, then arm. */
TEST(poller, a_silent_descriptor_stays_silent_when_the_peer_hangs_up)
{
    int ends[2];
    int tag = 0;
    void *seen = NULL;
    unsigned int ready = 0;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct cfl_poller *poller = new_poller();
    add(poller, ends[0], CFL_READY_NONE, &tag);
    (void)close(ends[1]);
    assert_false(cfl_poller_wait(poller, 5 * CFL_NS_PER_MS, &seen, &ready));
    cfl_poller_arm(poller, ends[0], CFL_READY_READ, &tag);
    assert_true(cfl_poller_wait(poller, PATIENCE_NS, &seen, &ready));
    assert_ptr_equal(seen, &tag);
    assert_int_equal(ready, CFL_READY_READ | CFL_READY_WRITE);
    cfl_poller_arm(poller, ends[0], CFL_READY_NONE, &tag);
    assert_false(cfl_poller_wait(poller, 5 * CFL_NS_PER_MS, &seen, &ready));
    cfl_poller_free(poller);
    (void)close(ends[0]);
}

/* Goal: a wake without a waiter is kept, and each ends exactly one wait.
 * Method: wake three times, then wait four times; only the last runs into its time limit. */
TEST(poller, wakes_are_counted)
{
    void *seen = NULL;
    unsigned int ready = 0;
    struct cfl_poller *poller = new_poller();
    for (int i = 0; i < 3; i++) {
        cfl_poller_wake(poller);
    }
    for (int i = 0; i < 3; i++) {
        assert_false(cfl_poller_wait(poller, -1, &seen, &ready));
    }
    int64_t before_ns = cfl_clock_now_ns(NULL);
    assert_false(cfl_poller_wait(poller, 30 * CFL_NS_PER_MS, &seen, &ready));
    assert_true(cfl_clock_now_ns(NULL) - before_ns >= 30 * CFL_NS_PER_MS);
    cfl_poller_free(poller);
}

struct crowd {
    struct cfl_poller *poller;
    atomic_int returned_count;
};

static void *wait_for_wakes(void *user_data)
{
    struct crowd *crowd = user_data;
    for (int i = 0; i < WAKES_EACH; i++) {
        void *seen = NULL;
        unsigned int ready = 0;
        if (cfl_poller_wait(crowd->poller, -1, &seen, &ready)) {
            return crowd;
        }
        atomic_fetch_add(&crowd->returned_count, 1);
    }
    return NULL;
}

/* Goal: among several waiting threads one returns per wake; none is lost and none counts twice.
 * Method: four threads wait 50 times each without limit, 200 wakes release them all, and nothing is
 * left over. */
TEST(poller, one_thread_returns_per_wake)
{
    pthread_t threads[WAITERS];
    void *seen = NULL;
    unsigned int ready = 0;
    struct crowd crowd = {.poller = new_poller()};
    atomic_init(&crowd.returned_count, 0);
    for (int i = 0; i < WAITERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_wakes, &crowd), 0);
    }
    for (int i = 0; i < WAITERS * WAKES_EACH; i++) {
        cfl_poller_wake(crowd.poller);
    }
    for (int i = 0; i < WAITERS; i++) {
        void *result = &crowd;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }
    assert_int_equal(atomic_load(&crowd.returned_count), WAITERS * WAKES_EACH);
    int64_t before_ns = cfl_clock_now_ns(NULL);
    assert_false(cfl_poller_wait(crowd.poller, 5 * CFL_NS_PER_MS, &seen, &ready));
    assert_true(cfl_clock_now_ns(NULL) - before_ns >= 5 * CFL_NS_PER_MS);
    cfl_poller_free(crowd.poller);
}

struct worker {
    struct cfl_poller *poller;
    int fd;
    atomic_int inside_count;
    atomic_int taken_count;
    atomic_bool overlapped;
};

/* Reads one byte per event, then arms again, until there is an end-of-work byte. */
static void *work(void *user_data)
{
    struct worker *worker = user_data;
    for (;;) {
        void *seen = NULL;
        unsigned int ready = 0;
        char byte = 0;
        if (!cfl_poller_wait(worker->poller, -1, &seen, &ready)) {
            return NULL;
        }
        if (atomic_fetch_add(&worker->inside_count, 1) != 0) {
            atomic_store(&worker->overlapped, true);
        }
        bool got = read(worker->fd, &byte, 1) == 1;
        (void)atomic_fetch_sub(&worker->inside_count, 1);
        if (got && atomic_fetch_add(&worker->taken_count, 1) + 1 == WAITERS * WAKES_EACH) {
            for (int i = 0; i < WAITERS; i++) {
                cfl_poller_wake(worker->poller);
            }
        }
        cfl_poller_arm(worker->poller, worker->fd, CFL_READY_READ, worker);
    }
}

/* Goal: an armed descriptor is in the hands of one thread at a time.
 * Method: four threads read a pipe byte by byte and count how many of them are between event and
 * arming. */
TEST(poller, one_thread_at_a_time_has_a_descriptor)
{
    int ends[2];
    pthread_t threads[WAITERS];
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    struct worker worker = {.poller = new_poller(), .fd = ends[0]};
    atomic_init(&worker.inside_count, 0);
    atomic_init(&worker.taken_count, 0);
    atomic_init(&worker.overlapped, false);
    add(worker.poller, ends[0], CFL_READY_READ, &worker);
    for (int i = 0; i < WAITERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, &worker), 0);
    }
    for (int i = 0; i < WAITERS * WAKES_EACH; i++) {
        assert_int_equal(write(ends[1], "x", 1), 1);
    }
    for (int i = 0; i < WAITERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_false(atomic_load(&worker.overlapped));
    assert_int_equal(atomic_load(&worker.taken_count), WAITERS * WAKES_EACH);
    cfl_poller_free(worker.poller);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* Goal: a poller that cannot be made reports it and leaks nothing. Method: fail its allocations in
 * turn. */
TEST(poller, every_allocation_failure_is_reported)
{
    T_EACH_ALLOC_FAILURE(alloc) {
        struct cfl_poller *poller = NULL;
        cflight_status status = cfl_poller_new(&alloc->allocator, &poller, NULL);
        CHECK_STATUS(status, alloc->did_fail ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_OK);
        cfl_poller_free(poller);
        assert_int_equal(alloc->live_count, 0);
    }
}

/* Goal: adding what cannot be polled is an error. Method: add a regular file and a closed
 * descriptor. */
TEST(poller, a_bad_descriptor_is_refused)
{
    cflight_error *error = NULL;
    struct cfl_poller *poller = new_poller();
    CHECK_STATUS(cfl_poller_add(poller, -1, CFL_READY_READ, NULL, &error),
                 CFLIGHT_RESOURCE_EXHAUSTED);
    t_expect_error(error, "Bad file descriptor");
    cfl_poller_free(poller);
}

/* Goal: a waker ends a wait on a descriptor and is cleared by that.
 * Method: set it, wait for ever on a silent pipe, then wait again with a limit. */
TEST(waker, interrupts_a_wait_once)
{
    int ends[2];
    struct cfl_waker waker = {0};
    cflight_error *error = NULL;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    CHECK_OK(cfl_waker_init(&waker, &error), error);
    cfl_waker_set(&waker);
    cfl_waker_set(&waker);
    assert_int_equal(cfl_wait_fd(ends[0], CFL_READY_READ, &waker, -1), CFL_READY_NONE);
    int64_t before_ns = cfl_clock_now_ns(NULL);
    assert_int_equal(cfl_wait_fd(ends[0], CFL_READY_READ, &waker, 10 * CFL_NS_PER_MS),
                     CFL_READY_NONE);
    assert_true(cfl_clock_now_ns(NULL) - before_ns >= 10 * CFL_NS_PER_MS);
    assert_int_equal(cfl_wait_fd(ends[1], CFL_READY_WRITE, &waker, -1), CFL_READY_WRITE);
    cfl_waker_set(&waker);
    cfl_waker_clear(&waker);
    assert_int_equal(cfl_wait_fd(ends[0], CFL_READY_READ, &waker, 0), CFL_READY_NONE);
    cfl_waker_done(&waker);
    cfl_waker_done(&waker);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* Goal: any thread can interrupt a wait. Method: wait for ever while another thread sets the waker.
 */
TEST(waker, another_thread_interrupts_a_wait)
{
    int ends[2];
    pthread_t thread;
    struct cfl_waker waker = {0};
    cflight_error *error = NULL;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    CHECK_OK(cfl_waker_init(&waker, &error), error);
    assert_int_equal(pthread_create(&thread, NULL, t_set_waker, &waker), 0);
    assert_int_equal(cfl_wait_fd(ends[0], CFL_READY_READ, &waker, -1), CFL_READY_NONE);
    assert_int_equal(pthread_join(thread, NULL), 0);
    cfl_waker_done(&waker);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* Goal: a hang-up counts as ready for everything, so no caller misses it.
 * Method: wait on the read end of a pipe whose write end is closed, and without a waker. */
TEST(waker, a_hang_up_counts_as_both)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)close(ends[1]);
    assert_int_equal(cfl_wait_fd(ends[0], CFL_READY_READ, NULL, -1),
                     CFL_READY_READ | CFL_READY_WRITE);
    (void)close(ends[0]);
}
