/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for several calls at once, which may be on several connections.
 *
 * The thread takes the wheel of each connection that nobody drives and lines up at the others, with
 * a waker that their drivers set; then it polls everything at once. It never waits for a wheel
 * while it holds others, so no two such threads can wait for each other. Afterwards all wheels are
 * given back, whatever happened. Thread class: the calls' reader. */
#include "flight/call/call_any.h"

#include <errno.h>
#include <poll.h>

#include "base/blocking.h"
#include "flight/call/call_internal.h"

/* A connection of the calls. */
struct place {
    struct cfl_connection *connection;
    const struct any *any;
    bool is_driving; /* else it lines up */
    struct cfl_waiter waiter;
    struct cfl_connection_wait wait;
};

struct any {
    struct cfl_call_any *const *calls;
    size_t count;
    struct place places[CFL_CALL_ANY_MAX];
    size_t place_count;
    struct pollfd polls[2 * CFL_CALL_ANY_MAX + 1];
    nfds_t poll_count;
    int64_t until_ns;
};

/* Whether a wanted call of this connection has something. */
static bool has_something(void *user_data)
{
    const struct place *place = user_data;
    for (size_t i = 0; i < place->any->count; i++) {
        const struct cfl_call_any *item = place->any->calls[i];
        if (item->is_wanted && item->call->connection == place->connection &&
            cfl_call_has_inbound_locked(item->call)) {
            return true;
        }
    }
    return false;
}

static void note_place(struct any *any, struct cfl_connection *connection)
{
    for (size_t i = 0; i < any->place_count; i++) {
        if (any->places[i].connection == connection) {
            return;
        }
    }
    any->places[any->place_count++] = (struct place){.connection = connection, .any = any};
}

/* As for a thread that waits for this call alone: bytes of its message are credited on arrival, and
 * its limits run. */
static void want(struct cfl_call_any *item, struct any *any)
{
    struct cfl_call *call = item->call;
    cfl_connection_lock(call->connection);
    uint64_t progress_bytes = cfl_call_progress_locked(call, false);
    if (!item->has_limit || progress_bytes != item->progress_bytes) {
        item->has_limit = true;
        item->progress_bytes = progress_bytes;
        item->limit_ns =
            call->limits.idle_timeout_ms > 0
                ? cfl_deadline_after_ms(cfl_clock_now_ns(NULL), call->limits.idle_timeout_ms)
                : CFL_TIME_NEVER;
    }
    int64_t limit_ns = cfl_deadline_earlier(item->limit_ns, call->limits.deadline_ns);
    if (!call->locked.has_answer) {
        limit_ns = cfl_deadline_earlier(limit_ns, call->limits.first_byte_ns);
    }
    any->until_ns = cfl_deadline_earlier(any->until_ns, limit_ns);
    cfl_call_want_message_locked(call, true);
    cfl_connection_unlock(call->connection);
}

static void add_poll(struct any *any, int fd, unsigned int wanted)
{
    short events = (short)(((wanted & CFL_READY_READ) != 0 ? POLLIN : 0) |
                           ((wanted & CFL_READY_WRITE) != 0 ? POLLOUT : 0));
    any->polls[any->poll_count++] = (struct pollfd){.fd = fd, .events = events};
}

/* Takes the wheel or lines up. Returns whether there is something already. */
static bool enter(struct any *any, struct place *place, struct cfl_waker *waker)
{
    struct cfl_connection *connection = place->connection;
    place->waiter =
        (struct cfl_waiter){.waker = waker, .is_done = has_something, .user_data = place};
    cfl_connection_lock(connection);
    place->is_driving =
        cfl_connection_take_wheel_locked(connection, has_something, place, &place->wait);
    if (place->is_driving) {
        any->until_ns = cfl_deadline_earlier(any->until_ns, place->wait.until_ns);
    } else {
        cfl_connection_follow_locked(connection, &place->waiter);
    }
    bool is_ready = has_something(place);
    cfl_connection_unlock(connection);
    add_poll(any, place->is_driving ? place->wait.fd : -1, place->wait.wanted);
    add_poll(any, place->is_driving ? place->wait.waker->fd : -1, CFL_READY_READ);
    return is_ready;
}

static void leave(struct place *place, const struct pollfd *polls)
{
    struct cfl_connection *connection = place->connection;
    cfl_connection_lock(connection);
    if (place->is_driving) {
        if (polls[1].revents != 0) {
            cfl_waker_clear(place->wait.waker);
        }
        unsigned int ready =
            polls[0].revents == 0 ? CFL_READY_NONE : CFL_READY_READ | CFL_READY_WRITE;
        cfl_connection_give_wheel_locked(connection, has_something, place, ready);
    } else {
        cfl_connection_leave_locked(connection, &place->waiter);
    }
    cfl_connection_unlock(connection);
}

static void sleep_until(struct any *any)
{
    int64_t now_ns = cfl_clock_now_ns(NULL);
    cfl_blocking_begin();
    int poll_result =
        poll(any->polls, any->poll_count, cfl_deadline_poll_ms(now_ns, any->until_ns));
    cfl_blocking_end();
    if (poll_result < 0) {
        for (nfds_t i = 0; i < any->poll_count; i++) {
            any->polls[i].revents = 0; /* interrupted: as if nothing had happened */
        }
    }
}

/* Ends the call when a limit passed without a byte having moved. Returns whether its request is to
 * be sent again. */
static bool look_at(struct cfl_call_any *item)
{
    struct cfl_call *call = item->call;
    cfl_connection_lock(call->connection);
    call->locked.wants_message = call->inbound_watch.on_ready != NULL;
    int64_t now_ns = cfl_clock_now_ns(NULL);
    bool is_idle =
        now_ns >= item->limit_ns && cfl_call_progress_locked(call, false) == item->progress_bytes;
    bool is_late = now_ns >= call->limits.deadline_ns ||
                   (!call->locked.has_answer && now_ns >= call->limits.first_byte_ns);
    if (!cfl_call_has_inbound_locked(call) && (is_idle || is_late)) {
        cfl_call_expire_locked(call, now_ns, false);
    }
    bool is_due = call->locked.needs_connection;
    cfl_connection_unlock(call->connection);
    return is_due;
}

void cfl_call_wait_any(struct cfl_call_any *const *calls, size_t count, struct cfl_waker *waker)
{
    struct any any = {.calls = calls, .count = count, .until_ns = CFL_TIME_NEVER};
    size_t entered = 0;
    bool is_ready = false;
    if (count > 0 && !cfl_call_is_ours(calls[0]->call)) {
        return; /* which each call that is received from says */
    }
    for (size_t i = 0; i < count; i++) {
        note_place(&any, calls[i]->call->connection);
        if (calls[i]->is_wanted) {
            want(calls[i], &any);
        }
    }
    while (entered < any.place_count && !is_ready) {
        is_ready = enter(&any, &any.places[entered++], waker);
    }
    if (!is_ready) {
        add_poll(&any, waker->fd, CFL_READY_READ);
        sleep_until(&any);
    }
    for (size_t i = 0; i < entered; i++) {
        leave(&any.places[i], &any.polls[2 * i]);
    }
    cfl_waker_clear(waker);
    for (size_t i = 0; i < count; i++) {
        if (calls[i]->is_wanted && look_at(calls[i])) {
            (void)cfl_call_restart(calls[i]->call, true, CFL_TIME_NEVER);
        }
    }
}
