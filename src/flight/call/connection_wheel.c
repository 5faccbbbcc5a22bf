/* SPDX-License-Identifier: Apache-2.0 */
/* Who drives a connection, and who waits for it.
 *
 * Invariants, under the lock: at most one thread has is_driven; whoever clears it settles the
 * connection, that is, wakes a waiting thread to drive next (a client) or gives the socket to the
 * owner's poller. The poll is the one place where the driver lets go of the lock; is_polling then
 * says that a change by another thread must use the waker.
 *
 * The model: docs/internals/threads.md. */
#include "base/blocking.h"
#include "base/condition.h"
#include "flight/call/connection_internal.h"

enum {
    HELD_BYTES_MAX = 64 << 10,
    /* Server: a thread that drives gives the wheel back when nothing moved for so long. */
    POLL_MS_MAX = 10,
};

/* A call was given up while the socket was full, and nobody is left who would send the news: the
 * server learns it from the end of the connection instead. Another call would carry it along. */
static bool is_stuck_locked(struct cfl_connection *connection)
{
    return connection->locked.has_given_up && !connection->locked.is_closed &&
           connection->locked.write_wait != CFL_READY_NONE &&
           !cfl_loop_fd_is_open(&connection->locked.loop) &&
           cfl_grpc_call_count(connection->locked.grpc) == 0 &&
           cfl_grpc_wants_output(connection->locked.grpc);
}

static void report_step_locked(struct cfl_connection *connection)
{
    if (connection->is_server) {
        connection->owner.on_step(connection->owner.user_data, connection);
    }
}

/* Nobody drives any more: finds who goes on. */
static void settle_locked(struct cfl_connection *connection)
{
    if (connection->locked.is_driven) {
        return;
    }
    if (!connection->is_server && !cfl_list_is_empty(&connection->locked.waiters)) {
        struct cfl_waiter *next =
            CFL_LIST_ENTRY(connection->locked.waiters.next, struct cfl_waiter, node);
        cfl_connection_wake(next);
        return;
    }
    if (!connection->is_server && is_stuck_locked(connection)) {
        cfl_connection_close_locked(connection, NULL);
    }
    bool is_left = !connection->is_server &&
                   (connection->locked.is_closed || cfl_loop_fd_is_open(&connection->locked.loop));
    if (connection->owner.arm == NULL || is_left) {
        return;
    }
    report_step_locked(connection);
    if (connection->locked.is_held) {
        return; /* whoever ends the hold has it watched */
    }
    unsigned int wanted = cfl_connection_wanted_locked(connection);
    if (wanted != connection->locked.armed) {
        connection->locked.armed = wanted;
        connection->owner.arm(connection->owner.user_data, connection, wanted);
    }
    int64_t deadline_ns = cfl_connection_deadline_locked(connection);
    if (deadline_ns != CFL_TIME_NEVER) {
        connection->owner.on_deadline(connection->owner.user_data, deadline_ns);
    }
}

/* The driver is about to poll: says for what. */
static void begin_poll_locked(struct cfl_connection *connection,
                              struct cfl_connection_wait *ret_wait)
{
    bool is_server = connection->is_server;
    if (connection->locked.armed != CFL_READY_NONE) {
        connection->locked.armed = CFL_READY_NONE;
        connection->owner.arm(connection->owner.user_data, connection, CFL_READY_NONE);
    }
    connection->locked.is_polling = true;
    connection->locked.is_woken = false;
    connection->locked.poll_waker =
        is_server ? cfl_waker_borrow(connection->owner.wakers) : &connection->waker;
    *ret_wait = (struct cfl_connection_wait){
        .fd = cfl_transport_fd(connection->transport),
        .wanted = cfl_connection_wanted_locked(connection),
        .waker = connection->locked.poll_waker,
        .until_ns = cfl_connection_deadline_locked(connection),
    };
    if (is_server) {
        ret_wait->until_ns = cfl_deadline_earlier(
            ret_wait->until_ns, cfl_deadline_after_ms(cfl_clock_now_ns(NULL), POLL_MS_MAX));
    }
}

static void end_poll_locked(struct cfl_connection *connection, unsigned int ready)
{
    connection->locked.is_polling = false;
    if (connection->is_server) {
        cfl_waker_give_back(connection->owner.wakers, connection->locked.poll_waker,
                            connection->locked.is_woken);
    }
    connection->locked.poll_waker = NULL;
    if ((ready & CFL_READY_READ) != 0 || connection->locked.read_wait == CFL_READY_WRITE) {
        connection->locked.is_readable = true;
    }
}

/* Sleeps until the socket is ready, the deadline or the session's next one passes, or the waker is
 * set. False: at a server, nothing moved for so long that the pool's poller may watch as well. */
static bool poll_locked(struct cfl_connection *connection, int64_t deadline_ns)
{
    struct cfl_connection_wait wait;
    begin_poll_locked(connection, &wait);
    int64_t until_ns = cfl_deadline_earlier(deadline_ns, wait.until_ns);
    int64_t timeout_ns = -1;
    if (until_ns != CFL_TIME_NEVER) {
        timeout_ns = until_ns - cfl_clock_now_ns(NULL);
        timeout_ns = timeout_ns < 0 ? 0 : timeout_ns;
    }
    cfl_connection_unlock(connection);
    unsigned int ready = cfl_wait_fd(wait.fd, wait.wanted, wait.waker, timeout_ns);
    cfl_connection_lock(connection);
    end_poll_locked(connection, ready);
    return !connection->is_server || ready != CFL_READY_NONE;
}

/* Tells, under no lock, that this thread is about to sleep for a peer; once for each wait. */
static void announce_locked(struct cfl_connection *connection, bool *is_announced)
{
    if (!*is_announced) {
        *is_announced = true;
        cfl_connection_unlock(connection);
        cfl_blocking_begin();
        cfl_connection_lock(connection);
    }
}

/* The driver's step: all that can be done now. Returns whether anything came. */
static bool step_locked(struct cfl_connection *connection, bool (*is_done)(void *user_data),
                        void *user_data)
{
    bool has_progress = cfl_connection_read_locked(connection, is_done, user_data);
    cfl_connection_tick_locked(connection);
    report_step_locked(connection);
    cfl_connection_flush_locked(connection);
    cfl_connection_wake_done_locked(connection);
    return has_progress;
}

/* A wait: what for, how long, and what it has come to. */
struct wait {
    struct cfl_awaitable *about;
    bool (*is_done)(void *user_data);
    void *user_data;
    int64_t deadline_ns;
    bool is_announced;
    bool is_at_rest; /* server: the pool drives, this thread sleeps */
};

static bool is_late(const struct wait *wait)
{
    return wait->deadline_ns != CFL_TIME_NEVER && cfl_clock_now_ns(NULL) >= wait->deadline_ns;
}

/* The driver's loop. */
static bool drive_locked(struct cfl_connection *connection, struct wait *wait)
{
    bool done = false;
    connection->locked.is_driven = true;
    for (;;) {
        cfl_connection_flush_locked(connection);
        done = wait->is_done(wait->user_data);
        if (done || connection->locked.is_closed) {
            break;
        }
        bool has_progress = step_locked(connection, wait->is_done, wait->user_data);
        done = wait->is_done(wait->user_data);
        if (done || connection->locked.is_closed || is_late(wait)) {
            break;
        }
        if (!has_progress) {
            announce_locked(connection, &wait->is_announced);
            wait->is_at_rest =
                connection->locked.has_arrivals || !poll_locked(connection, wait->deadline_ns);
        }
        if (wait->is_at_rest) {
            break;
        }
    }
    connection->locked.is_driven = false;
    return done || wait->is_done(wait->user_data);
}

/* Waits from here on while another thread drives, which may not watch for what this one needs. */
static void join_locked(struct cfl_connection *connection, struct cfl_waiter *waiter)
{
    cfl_list_append(&connection->locked.waiters, &waiter->node);
    cfl_list_append(waiter->about == NULL ? &connection->locked.others : &waiter->about->waiters,
                    &waiter->about_node);
    if (cfl_grpc_wants_output(connection->locked.grpc)) {
        cfl_connection_wake_driver_locked(connection);
    }
}

static void part_locked(struct cfl_waiter *waiter)
{
    cfl_list_remove(&waiter->node);
    cfl_list_remove(&waiter->about_node);
    if (waiter->about != NULL && cfl_list_is_empty(&waiter->about->waiters)) {
        cfl_list_remove(&waiter->about->node);
    }
}

/* Sleeps while another thread drives, or, at a server, the pool will. Returns when the wish came
 * true, the deadline passed, or nobody drives. */
static void follow_locked(struct cfl_connection *connection, struct wait *wait)
{
    struct cfl_waiter waiter = {
        .about = wait->about, .is_done = wait->is_done, .user_data = wait->user_data};
    cfl_condition_init(&waiter.condition);
    join_locked(connection, &waiter);
    while ((connection->locked.is_driven || wait->is_at_rest) && !wait->is_done(wait->user_data) &&
           !is_late(wait)) {
        (void)cfl_condition_wait_until(&waiter.condition, &connection->mutex, wait->deadline_ns);
    }
    part_locked(&waiter);
    (void)pthread_cond_destroy(&waiter.condition);
}

bool cfl_connection_wait_locked(struct cfl_connection *connection, struct cfl_awaitable *about,
                                bool (*is_done)(void *user_data), void *user_data,
                                int64_t deadline_ns)
{
    struct wait wait = {
        .about = about, .is_done = is_done, .user_data = user_data, .deadline_ns = deadline_ns};
    bool done = false;
    for (;;) {
        done = is_done(user_data);
        if (done || is_late(&wait)) {
            break;
        }
        if (connection->locked.is_driven || wait.is_at_rest) {
            wait.is_at_rest = connection->is_server; /* when nobody drives, the pool will */
            cfl_connection_flush_locked(connection);
            announce_locked(connection, &wait.is_announced);
            settle_locked(connection);
            follow_locked(connection, &wait);
        } else {
            done = drive_locked(connection, &wait);
            if (done || connection->locked.is_closed) {
                break;
            }
        }
    }
    settle_locked(connection);
    if (wait.is_announced) {
        cfl_connection_unlock(connection);
        cfl_blocking_end();
        cfl_connection_lock(connection);
    }
    return done;
}

bool cfl_connection_take_wheel_locked(struct cfl_connection *connection,
                                      bool (*is_done)(void *user_data), void *user_data,
                                      struct cfl_connection_wait *ret_wait)
{
    if (connection->locked.is_driven) {
        return false;
    }
    connection->locked.is_driven = true;
    cfl_connection_flush_locked(connection);
    bool has_progress = step_locked(connection, is_done, user_data);
    begin_poll_locked(connection, ret_wait);
    if (has_progress) {
        ret_wait->until_ns = 0; /* there may be more */
    }
    return true;
}

void cfl_connection_give_wheel_locked(struct cfl_connection *connection,
                                      bool (*is_done)(void *user_data), void *user_data,
                                      unsigned int ready)
{
    end_poll_locked(connection, ready);
    cfl_connection_flush_locked(connection);
    (void)step_locked(connection, is_done, user_data);
    connection->locked.is_driven = false;
    settle_locked(connection);
}

void cfl_connection_follow_locked(struct cfl_connection *connection, struct cfl_waiter *waiter)
{
    cfl_connection_flush_locked(connection);
    join_locked(connection, waiter);
}

void cfl_connection_leave_locked(struct cfl_connection *connection, struct cfl_waiter *waiter)
{
    part_locked(waiter);
    settle_locked(connection);
}

void cfl_connection_kick_locked(struct cfl_connection *connection)
{
    if (connection->locked.is_held && connection->locked.held_bytes < HELD_BYTES_MAX &&
        pthread_equal(connection->locked.holder, pthread_self()) != 0) {
        return; /* the end of the hold does all this */
    }
    connection->locked.held_bytes = 0;
    cfl_connection_flush_locked(connection);
    cfl_connection_wake_driver_locked(connection); /* deadlines or wanted events may have changed */
    cfl_connection_wake_done_locked(connection);
    settle_locked(connection);
}

void cfl_connection_kick_soon_locked(struct cfl_connection *connection)
{
    bool can_wait = connection->locked.has_begun_calls && !connection->locked.is_driven &&
                    cfl_loop_fd_is_open(&connection->locked.loop);
    connection->locked.has_begun_calls = true;
    if (!can_wait) {
        cfl_connection_kick_locked(connection);
        return;
    }
    /* A loop that does not ask what to wait for before it polls finds that it can write. */
    (void)cfl_loop_fd_arm(&connection->locked.loop, connection->alloc,
                          cfl_transport_fd(connection->transport),
                          cfl_connection_wanted_locked(connection) | CFL_READY_WRITE);
}

void cfl_connection_hold_locked(struct cfl_connection *connection)
{
    connection->locked.is_held = true;
    connection->locked.holder = pthread_self();
    connection->locked.held_bytes = 0;
}

void cfl_connection_end_hold_locked(struct cfl_connection *connection)
{
    connection->locked.is_held = false;
    if (connection->locked.is_driven) {
        report_step_locked(connection); /* who drives may sleep before it looks */
    }
    cfl_connection_kick_locked(connection);
}

void cfl_connection_close_fd_locked(struct cfl_connection *connection)
{
    if (!connection->locked.is_driven) {
        cfl_transport_close(connection->transport);
    }
}

void cfl_connection_process_locked(struct cfl_connection *connection)
{
    connection->locked.armed = CFL_READY_NONE;
    connection->locked.has_begun_calls = false;
    cfl_loop_fd_drain(&connection->locked.loop);
    if (connection->locked.is_driven) {
        return; /* the driver does all this, and settles */
    }
    if (connection->locked.linger.is_on) {
        cfl_connection_linger_locked(connection);
        settle_locked(connection);
        return;
    }
    connection->locked.is_driven = true;
    if (connection->locked.is_handshaking && !connection->locked.is_closed) {
        cfl_connection_handshake_locked(connection);
    }
    if (!connection->locked.is_handshaking) {
        connection->locked.is_readable = true;
        cfl_connection_flush_locked(connection);
        (void)cfl_connection_read_locked(connection, NULL, NULL);
    }
    cfl_connection_tick_locked(connection);
    if (!connection->locked.is_held) {
        cfl_connection_flush_locked(connection);
    }
    cfl_connection_wake_done_locked(connection);
    connection->locked.is_driven = false;
    settle_locked(connection);
}

void cfl_connection_process(struct cfl_connection *connection)
{
    cfl_connection_lock(connection);
    cfl_connection_process_locked(connection);
    cfl_connection_unlock(connection);
}
