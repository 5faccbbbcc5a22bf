/* SPDX-License-Identifier: Apache-2.0 */
/* Driving a connection.
 *
 * Invariants, under the lock: at most one thread has is_driven; whoever clears it settles the
 * connection, that is, wakes a waiting thread to drive next, or gives the socket to the owner's
 * poller. No callback into user code runs here. The poll is the one place where the driver lets go
 * of the lock; is_polling then says that a change by another thread must use the waker.
 *
 * Spec: architecture, "Threads". Owner: calls, and a client or a server's connection table, hold
 * counted references. */
#include "flight/call/connection.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/condition.h"
#include "base/error.h"
#include "base/log.h"

enum {
    OUTPUT_VIEWS_MAX = 64,
    READ_STEPS_MAX = 64, /* before the driver looks around again */
};

cflight_status cfl_connection_new(const struct cflight_allocator *alloc, enum cfl_grpc_role role,
                                  const struct cfl_limits *limits, struct cfl_pool *pool,
                                  struct cfl_transport *transport,
                                  const struct cfl_grpc_keepalive *keepalive,
                                  const struct cfl_grpc_conn_handlers *handlers,
                                  void *handlers_user_data,
                                  const struct cfl_connection_owner *owner,
                                  struct cfl_connection **ret_connection, cflight_error **reterr)
{
    struct cfl_connection *connection = cfl_alloc_zeroed(alloc, sizeof *connection);
    if (connection == NULL) {
        return cfl_error_no_memory(reterr);
    }
    connection->alloc = alloc;
    connection->limits = *limits;
    connection->is_server = role == CFL_GRPC_SERVER;
    connection->pid = getpid();
    if (owner != NULL) {
        connection->owner = *owner;
    }
    cfl_refcount_init(&connection->refs);
    cfl_list_init(&connection->locked.waiters);
    cfl_list_init(&connection->locked.watches);
    cfl_list_init(&connection->locked.fresh);
    connection->locked.handshake_deadline_ns = CFL_TIME_NEVER;
    cflight_status status = cfl_waker_init(&connection->waker, reterr);
    if (status != CFLIGHT_OK) {
        cfl_free(alloc, connection, sizeof *connection);
        return status;
    }
    status = cfl_grpc_conn_new(alloc, role, &connection->limits, NULL, keepalive, handlers,
                               handlers_user_data == NULL ? connection : handlers_user_data,
                               &connection->locked.grpc, reterr);
    if (status != CFLIGHT_OK) {
        cfl_waker_done(&connection->waker);
        cfl_free(alloc, connection, sizeof *connection);
        return status;
    }
    (void)pthread_mutex_init(&connection->mutex, NULL);
    connection->pool = cfl_pool_ref(pool);
    connection->transport = transport;
    *ret_connection = connection;
    return CFLIGHT_OK;
}

struct cfl_connection *cfl_connection_ref(struct cfl_connection *connection)
{
    cfl_refcount_up(&connection->refs);
    return connection;
}

/* Ends the transport. In a child of fork() the socket is the parent's, too, and stays as it is. */
static void shut_down(struct cfl_connection *connection)
{
    if (connection->pid == getpid()) {
        cfl_transport_shutdown(connection->transport);
    }
}

void cfl_connection_unref(struct cfl_connection *connection)
{
    if (connection == NULL || !cfl_refcount_down(&connection->refs)) {
        return;
    }
    if (connection->owner.on_gone != NULL) {
        connection->owner.on_gone(connection->owner.user_data);
    }
    shut_down(connection);
    cfl_loop_fd_done(&connection->locked.loop);
    cfl_grpc_conn_free(connection->locked.grpc);
    cfl_transport_free(connection->transport);
    cfl_waker_done(&connection->waker);
    cflight_error_free(connection->locked.write_failure);
    cflight_error_free(connection->locked.failure);
    (void)pthread_mutex_destroy(&connection->mutex);
    cfl_pool_unref(connection->pool);
    cfl_free(connection->alloc, connection, sizeof *connection);
}

bool cfl_connection_is_usable_locked(struct cfl_connection *connection)
{
    return !connection->locked.is_closed && cfl_grpc_can_start(connection->locked.grpc);
}

/* An event loop sleeps in its own poll: it is told when another thread's step made one of its
 * watches due. */
static void wake_loop_locked(struct cfl_connection *connection)
{
    struct cfl_list *head = &connection->locked.watches;
    if (!cfl_loop_fd_is_asleep(&connection->locked.loop)) {
        return;
    }
    for (struct cfl_list *node = head->next; node != head; node = node->next) {
        struct cfl_watch_base *watch = CFL_LIST_ENTRY(node, struct cfl_watch_base, node);
        if (watch->is_due(watch)) {
            cfl_loop_fd_wake(&connection->locked.loop);
            return;
        }
    }
}

static void wake(struct cfl_waiter *waiter)
{
    if (waiter->waker != NULL) {
        cfl_waker_set(waiter->waker);
    } else {
        (void)pthread_cond_signal(&waiter->condition);
    }
}

static void wake_done_locked(struct cfl_connection *connection)
{
    struct cfl_list *head = &connection->locked.waiters;
    for (struct cfl_list *node = head->next; node != head; node = node->next) {
        struct cfl_waiter *waiter = CFL_LIST_ENTRY(node, struct cfl_waiter, node);
        if (waiter->is_done(waiter->user_data)) {
            wake(waiter);
        }
    }
    wake_loop_locked(connection);
}

bool cfl_connection_is_spent_locked(const struct cfl_connection *connection)
{
    return connection->locked.is_closed && !connection->locked.linger.is_on &&
           !connection->locked.is_driven;
}

/* Goes on with closing, which may be the end of it. */
static void linger_locked(struct cfl_connection *connection)
{
    cfl_linger_step(&connection->locked.linger, connection->transport);
    if (!connection->locked.linger.is_on) {
        shut_down(connection);
    }
}

void cfl_connection_close_locked(struct cfl_connection *connection, const cflight_error *cause)
{
    if (connection->locked.is_closed) {
        if (connection->locked.linger.is_on && cause != NULL) {
            cfl_linger_limit(&connection->locked.linger, false);
        }
        return;
    }
    CFL_LOG(CFLIGHT_LOG_DEBUG, "flight", "%s: closed: %s",
            cfl_transport_peer(connection->transport)->name,
            cause == NULL ? "done" : cflight_error_message(cause));
    connection->locked.is_closed = true;
    connection->locked.failure = cfl_error_copy(cause);
    cfl_grpc_conn_fail(connection->locked.grpc, cause);
    if (connection->is_server && !connection->locked.is_gone &&
        !connection->locked.is_handshaking) {
        cfl_linger_start(&connection->locked.linger, connection->transport, cause == NULL);
        linger_locked(connection);
    } else {
        shut_down(connection);
    }
    if (connection->locked.is_polling) {
        cfl_waker_set(&connection->waker);
    }
    wake_done_locked(connection);
}

/* Closes with an error that is freed here; what the session still has to say (a GOAWAY) was flushed
 * before. */
static void fail_locked(struct cfl_connection *connection, cflight_error *error)
{
    cfl_connection_close_locked(connection, error);
    cflight_error_free(error);
}

/* A server that expects TLS hangs up on a plain client, and so does one that has no room for
 * another connection; which of both it was cannot be seen. */
static void explain_silence_locked(const struct cfl_connection *connection, cflight_error **error)
{
    const struct cfl_peer *peer = cfl_transport_peer(connection->transport);
    if (!connection->is_server && !connection->locked.has_received && !peer->is_tls &&
        strncmp(peer->name, "unix:", 5) != 0) {
        (void)cfl_error_prefix(error, CFLIGHT_UNAVAILABLE,
                               "the server hung up without a word; it may be full, or expect TLS "
                               "(grpc+tls://)");
    }
}

/* Before bytes move: a child of fork() that went on with its parent's connection would tear it. */
static bool check_process_locked(struct cfl_connection *connection, cflight_error **reterr)
{
    if (connection->pid == getpid()) {
        return true;
    }
    (void)cflight_error_set(reterr, CFLIGHT_UNAVAILABLE,
                            "it was made by process %ld before a fork; make a new client in the "
                            "child",
                            (long)connection->pid);
    return false;
}

/* Writing failed: whoever reads next reads until nothing is there, then fails the connection. It
 * must not wait for more: the socket may live on (EFAULT), with a peer that waits for us. */
static void fail_writing_locked(struct cfl_connection *connection, cflight_error *error)
{
    connection->locked.write_failure = error;
    connection->locked.is_gone = true;
    connection->locked.is_readable = true;
    if (connection->locked.is_polling) {
        cfl_waker_set(&connection->waker);
    }
}

/* One writev. Returns false when there is nothing more to do now. */
static bool flush_step_locked(struct cfl_connection *connection, cflight_error **reterr)
{
    struct iovec views[OUTPUT_VIEWS_MAX];
    int view_count = 0;
    size_t len_bytes = 0;
    cflight_error *error = NULL;
    if (cfl_grpc_output(connection->locked.grpc, views, OUTPUT_VIEWS_MAX, &view_count, reterr) !=
            CFLIGHT_OK ||
        view_count == 0 || !check_process_locked(connection, reterr)) {
        return false;
    }
    connection->locked.write_wait = CFL_READY_NONE;
    if (cfl_transport_write(connection->transport, views, view_count, &len_bytes,
                            &connection->locked.write_wait, &error) != CFLIGHT_OK) {
        fail_writing_locked(connection, error);
        return false;
    }
    if (len_bytes > 0) {
        cfl_grpc_sent(connection->locked.grpc, len_bytes);
    }
    return connection->locked.write_wait == CFL_READY_NONE;
}

void cfl_connection_flush_locked(struct cfl_connection *connection)
{
    cflight_error *error = NULL;
    if (connection->locked.is_closed || connection->locked.is_handshaking ||
        connection->locked.write_failure != NULL) {
        return;
    }
    while (flush_step_locked(connection, &error)) {
    }
    if (error != NULL) {
        explain_silence_locked(connection, &error);
        fail_locked(connection, error);
    } else if (cfl_grpc_is_finished(connection->locked.grpc) &&
               !cfl_grpc_wants_output(connection->locked.grpc)) {
        cfl_connection_close_locked(connection, NULL);
    } else if (connection->locked.write_wait == CFL_READY_NONE) {
        connection->locked.has_given_up = false;
    }
}

/* One read. Returns false when nothing came. */
static bool read_step_locked(struct cfl_connection *connection)
{
    struct iovec target[2];
    int target_count = 0;
    size_t len_bytes = 0;
    bool is_eof = false;
    cflight_error *error = NULL;

    if (!check_process_locked(connection, &error)) {
        fail_locked(connection, error);
        return true;
    }
    cfl_grpc_input(connection->locked.grpc, target, &target_count);
    size_t wanted_bytes = target[0].iov_len + (target_count > 1 ? target[1].iov_len : 0);
    cflight_status status =
        cfl_transport_read(connection->transport, target, target_count, &len_bytes, &is_eof,
                           &connection->locked.read_wait, &error);
    connection->locked.is_gone = connection->locked.is_gone || status != CFLIGHT_OK;
    connection->locked.is_readable = len_bytes == wanted_bytes ||
                                     cfl_transport_has_pending(connection->transport) ||
                                     connection->locked.write_failure != NULL;
    connection->locked.has_received = connection->locked.has_received || len_bytes > 0;
    if (status == CFLIGHT_OK && len_bytes > 0) {
        status = cfl_grpc_received(connection->locked.grpc, len_bytes, &error);
        if (status != CFLIGHT_OK) {
            cfl_connection_flush_locked(connection); /* the GOAWAY that says why */
        }
    }
    if (status == CFLIGHT_OK && is_eof) {
        connection->locked.is_gone = true;
        status = cflight_error_set(&error, CFLIGHT_UNAVAILABLE, "the peer closed the connection");
    }
    if (status == CFLIGHT_OK && len_bytes == 0 && connection->locked.write_failure != NULL) {
        status = cflight_error_status(connection->locked.write_failure);
        error = cfl_error_copy(connection->locked.write_failure);
    }
    if (status != CFLIGHT_OK) {
        explain_silence_locked(connection, &error);
        fail_locked(connection, error);
        return true;
    }
    return len_bytes > 0;
}

int64_t cfl_connection_deadline_locked(const struct cfl_connection *connection)
{
    if (connection->locked.linger.is_on) {
        return cfl_linger_deadline_ns(&connection->locked.linger);
    }
    if (connection->locked.is_closed) {
        return CFL_TIME_NEVER;
    }
    return cfl_deadline_earlier(cfl_grpc_next_deadline_ns(connection->locked.grpc),
                                connection->locked.handshake_deadline_ns);
}

static void tick_locked(struct cfl_connection *connection)
{
    int64_t now_ns = cfl_clock_now_ns(NULL);
    if (connection->locked.is_closed || now_ns < cfl_connection_deadline_locked(connection)) {
        return;
    }
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    if (now_ns >= connection->locked.handshake_deadline_ns) {
        status = cflight_error_set(&error, CFLIGHT_UNAVAILABLE,
                                   "the TLS handshake took longer than %u ms",
                                   connection->limits.handshake_ms);
    } else {
        status = cfl_grpc_tick(connection->locked.grpc, now_ns, &error);
    }
    if (status != CFLIGHT_OK) {
        cfl_connection_flush_locked(connection);
        fail_locked(connection, error);
    }
}

static void handshake_locked(struct cfl_connection *connection)
{
    cflight_error *error = NULL;
    unsigned int wait = CFL_READY_NONE;
    if (cfl_transport_handshake(connection->transport, &wait, &error) != CFLIGHT_OK) {
        CFL_LOG(CFLIGHT_LOG_INFO, "net", "%s: %s", cfl_transport_peer(connection->transport)->name,
                cflight_error_message(error));
        fail_locked(connection, error);
        return;
    }
    connection->locked.read_wait = wait;
    connection->locked.is_handshaking = wait != CFL_READY_NONE;
    if (!connection->locked.is_handshaking) {
        connection->locked.handshake_deadline_ns = CFL_TIME_NEVER;
        connection->locked.is_readable = true;
    }
}

/* What is to be watched for the next step. */
unsigned int cfl_connection_wanted_locked(const struct cfl_connection *connection)
{
    if (connection->locked.linger.is_on) {
        return CFL_READY_READ;
    }
    if (connection->locked.is_closed) {
        return CFL_READY_READ | CFL_READY_WRITE;
    }
    unsigned int wanted = connection->locked.read_wait | connection->locked.write_wait;
    if (connection->locked.is_readable && cfl_transport_has_pending(connection->transport)) {
        wanted |= CFL_READY_WRITE; /* decrypted bytes wait, which the descriptor does not show: come
                                      back at once */
    }
    return connection->locked.is_handshaking && wanted != 0 ? wanted : wanted | CFL_READY_READ;
}

int cfl_connection_loop_fd_locked(struct cfl_connection *connection)
{
    cfl_connection_flush_locked(connection); /* credit that was given since the last step */
    if (connection->locked.armed != CFL_READY_NONE) {
        connection->locked.armed = CFL_READY_NONE; /* the loop looks from here on */
        connection->owner.arm(connection->owner.user_data, connection, CFL_READY_NONE);
    }
    return cfl_loop_fd_arm(&connection->locked.loop, connection->alloc,
                           cfl_transport_fd(connection->transport),
                           cfl_connection_wanted_locked(connection));
}

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

/* Nobody drives any more: finds who goes on. */
static void settle_locked(struct cfl_connection *connection)
{
    if (connection->locked.is_driven) {
        return;
    }
    if (!cfl_list_is_empty(&connection->locked.waiters)) {
        struct cfl_waiter *next =
            CFL_LIST_ENTRY(connection->locked.waiters.next, struct cfl_waiter, node);
        wake(next);
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

static void report_fresh_locked(struct cfl_connection *connection, bool is_pool_thread)
{
    if (!cfl_list_is_empty(&connection->locked.fresh)) {
        connection->owner.on_fresh(connection->owner.user_data, connection, is_pool_thread);
    }
}

/* The driver is about to poll: says for what. */
static void begin_poll_locked(struct cfl_connection *connection,
                              struct cfl_connection_wait *ret_wait)
{
    if (connection->locked.armed != CFL_READY_NONE) {
        connection->locked.armed = CFL_READY_NONE;
        connection->owner.arm(connection->owner.user_data, connection, CFL_READY_NONE);
    }
    connection->locked.is_polling = true;
    *ret_wait = (struct cfl_connection_wait){
        .fd = cfl_transport_fd(connection->transport),
        .wanted = cfl_connection_wanted_locked(connection),
        .waker = &connection->waker,
        .until_ns = cfl_connection_deadline_locked(connection),
    };
}

static void end_poll_locked(struct cfl_connection *connection, unsigned int ready)
{
    connection->locked.is_polling = false;
    if ((ready & CFL_READY_READ) != 0 || connection->locked.read_wait == CFL_READY_WRITE) {
        connection->locked.is_readable = true;
    }
}

/* Sleeps until the socket is ready, the deadline or the session's next one passes, or the waker is
 * set. */
static void poll_locked(struct cfl_connection *connection, int64_t deadline_ns)
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
}

/* Reads while there is something, at most until the driver's wish came true. */
static bool read_locked(struct cfl_connection *connection, bool (*is_done)(void *user_data),
                        void *user_data)
{
    bool has_progress = false;
    for (int i = 0;
         i < READ_STEPS_MAX && connection->locked.is_readable && !connection->locked.is_closed;
         i++) {
        if (!read_step_locked(connection)) {
            break;
        }
        has_progress = true;
        if (is_done != NULL && is_done(user_data)) {
            break;
        }
    }
    return has_progress;
}

/* The driver's step: all that can be done now. Returns whether anything came. */
static bool step_locked(struct cfl_connection *connection, bool (*is_done)(void *user_data),
                        void *user_data)
{
    bool has_progress = read_locked(connection, is_done, user_data);
    tick_locked(connection);
    report_fresh_locked(connection, false);
    cfl_connection_flush_locked(connection);
    wake_done_locked(connection);
    return has_progress;
}

/* The driver's loop. */
static bool drive_locked(struct cfl_connection *connection, bool (*is_done)(void *user_data),
                         void *user_data, int64_t deadline_ns)
{
    bool done = false;
    connection->locked.is_driven = true;
    for (;;) {
        cfl_connection_flush_locked(connection);
        done = is_done(user_data);
        if (done || connection->locked.is_closed) {
            break;
        }
        bool has_progress = step_locked(connection, is_done, user_data);
        done = is_done(user_data);
        if (done || connection->locked.is_closed ||
            (deadline_ns != CFL_TIME_NEVER && cfl_clock_now_ns(NULL) >= deadline_ns)) {
            break;
        }
        if (!has_progress) {
            poll_locked(connection, deadline_ns);
        }
    }
    connection->locked.is_driven = false;
    return done || is_done(user_data);
}

/* Waits from here on while another thread drives, which may not watch for what this one needs. */
static void join_locked(struct cfl_connection *connection, struct cfl_waiter *waiter)
{
    cfl_list_append(&connection->locked.waiters, &waiter->node);
    if (connection->locked.is_polling && cfl_grpc_wants_output(connection->locked.grpc)) {
        cfl_waker_set(&connection->waker);
    }
}

/* Sleeps while another thread drives. Returns when the wish came true, the deadline passed, or
 * nobody drives. */
static void follow_locked(struct cfl_connection *connection, bool (*is_done)(void *user_data),
                          void *user_data, int64_t deadline_ns)
{
    struct cfl_waiter waiter = {.is_done = is_done, .user_data = user_data};
    cfl_condition_init(&waiter.condition);
    join_locked(connection, &waiter);
    while (connection->locked.is_driven && !is_done(user_data) &&
           (deadline_ns == CFL_TIME_NEVER || cfl_clock_now_ns(NULL) < deadline_ns)) {
        (void)cfl_condition_wait_until(&waiter.condition, &connection->mutex, deadline_ns);
    }
    cfl_list_remove(&waiter.node);
    (void)pthread_cond_destroy(&waiter.condition);
}

bool cfl_connection_wait_locked(struct cfl_connection *connection, bool (*is_done)(void *user_data),
                                void *user_data, int64_t deadline_ns)
{
    bool done = false;
    for (;;) {
        done = is_done(user_data);
        if (done || (deadline_ns != CFL_TIME_NEVER && cfl_clock_now_ns(NULL) >= deadline_ns)) {
            break;
        }
        if (connection->locked.is_driven) {
            cfl_connection_flush_locked(connection);
            follow_locked(connection, is_done, user_data, deadline_ns);
        } else {
            done = drive_locked(connection, is_done, user_data, deadline_ns);
            if (done || connection->locked.is_closed) {
                break;
            }
        }
    }
    settle_locked(connection);
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
    cfl_list_remove(&waiter->node);
    settle_locked(connection);
}

void cfl_connection_kick_locked(struct cfl_connection *connection)
{
    cfl_connection_flush_locked(connection);
    if (connection->locked.is_polling) {
        cfl_waker_set(&connection->waker); /* deadlines or wanted events may have changed */
    }
    wake_done_locked(connection);
    settle_locked(connection);
}

void cfl_connection_process_locked(struct cfl_connection *connection)
{
    connection->locked.armed = CFL_READY_NONE;
    cfl_loop_fd_drain(&connection->locked.loop);
    if (connection->locked.is_driven) {
        return; /* the driver does all this, and settles */
    }
    if (connection->locked.linger.is_on) {
        linger_locked(connection);
        settle_locked(connection);
        return;
    }
    connection->locked.is_driven = true;
    if (connection->locked.is_handshaking && !connection->locked.is_closed) {
        handshake_locked(connection);
    }
    if (!connection->locked.is_handshaking) {
        connection->locked.is_readable = true;
        cfl_connection_flush_locked(connection);
        (void)read_locked(connection, NULL, NULL);
    }
    tick_locked(connection);
    report_fresh_locked(connection, true);
    cfl_connection_flush_locked(connection);
    wake_done_locked(connection);
    connection->locked.is_driven = false;
    settle_locked(connection);
}

void cfl_connection_process(struct cfl_connection *connection)
{
    cfl_connection_lock(connection);
    cfl_connection_process_locked(connection);
    cfl_connection_unlock(connection);
}
