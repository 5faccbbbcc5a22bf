/* SPDX-License-Identifier: Apache-2.0 */
/* A connection's life, from its transport to its end, and waking those that wait for it. Owner:
 * calls, and a client or a server's table, hold counted references. Thread class: free; functions
 * that end in _locked are under its lock. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "flight/call/connection_internal.h"

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
    connection->pid = cfl_process_id();
    if (owner != NULL) {
        connection->owner = *owner;
    }
    cfl_refcount_init(&connection->refs);
    cfl_list_init(&connection->locked.waiters);
    cfl_list_init(&connection->locked.others);
    cfl_list_init(&connection->locked.stirred);
    cfl_list_init(&connection->locked.watches);
    cfl_list_init(&connection->locked.stirred_watches);
    connection->locked.watch_deadline_ns = CFL_TIME_NEVER;
    cfl_list_init(&connection->locked.waiting_calls);
    connection->locked.handshake_deadline_ns = CFL_TIME_NEVER;
    connection->locked.held_until_ns = CFL_TIME_NEVER;
    connection->locked.owner_deadline_ns = CFL_TIME_NEVER;
    cflight_status status = CFLIGHT_OK;
    if (connection->owner.wakers == NULL) {
        status = cfl_waker_init(&connection->waker, reterr);
    }
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
    connection->may_share = limits->shared_bytes_max > 0 && cfl_transport_is_same_user(transport);
    cfl_transport_want_fd(transport, connection->may_share && connection->is_server);
    *ret_connection = connection;
    return CFLIGHT_OK;
}

struct cfl_connection *cfl_connection_ref(struct cfl_connection *connection)
{
    cfl_refcount_up(&connection->refs);
    return connection;
}

/* A child that went on with its parent's connection would tear it. */
cflight_status cfl_check_process(pid_t pid, cflight_error **reterr)
{
    if (pid == cfl_process_id()) {
        return CFLIGHT_OK;
    }
    return cflight_error_set(reterr, CFLIGHT_UNAVAILABLE,
                             "the connection was made by process %ld before a fork; make a new "
                             "client in the child",
                             (long)pid);
}

/* Ends the transport. In a child of fork() the socket is the parent's, too, and stays as it is. */
static void shut_down(struct cfl_connection *connection)
{
    if (connection->pid == cfl_process_id()) {
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
    cfl_shares_close(connection->locked.shares);
    cfl_shares_unref(connection->locked.shares);
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

void cfl_connection_offer_shares_locked(struct cfl_connection *connection)
{
    int peer_fd = -1;
    if (!connection->may_share || connection->locked.has_offered) {
        return;
    }
    connection->locked.has_offered = true;
    if (cfl_shares_offer(connection->alloc, &connection->limits, &connection->locked.shares,
                         &peer_fd, NULL) == CFLIGHT_OK) {
        cfl_transport_attach(connection->transport, peer_fd);
    }
}

/* Has a driver that sleeps in poll look around. */
void cfl_connection_wake_driver_locked(struct cfl_connection *connection)
{
    if (connection->locked.is_polling && connection->locked.poll_waker != NULL) {
        connection->locked.is_woken = true;
        cfl_waker_set(connection->locked.poll_waker);
    }
}

bool cfl_connection_is_usable_locked(struct cfl_connection *connection)
{
    return !connection->locked.is_closed && cfl_grpc_can_start(connection->locked.grpc);
}

/* An event loop sleeps in its own poll: it is told when another thread's step made one of its
 * watches due. */
static void wake_loop_locked(struct cfl_connection *connection)
{
    struct cfl_list *head = &connection->locked.stirred_watches;
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

void cfl_connection_wake(struct cfl_waiter *waiter)
{
    if (waiter->waker != NULL) {
        cfl_waker_set(waiter->waker);
    } else {
        (void)pthread_cond_signal(&waiter->condition);
    }
}

void cfl_connection_stir_locked(struct cfl_connection *connection, struct cfl_awaitable *about)
{
    if (!cfl_list_is_empty(&about->waiters) && !cfl_list_is_linked(&about->node)) {
        cfl_list_append(&connection->locked.stirred, &about->node);
    }
}

static void wake_done(struct cfl_list *head)
{
    for (struct cfl_list *node = head->next; node != head; node = node->next) {
        struct cfl_waiter *waiter = CFL_LIST_ENTRY(node, struct cfl_waiter, about_node);
        if (waiter->is_done(waiter->user_data)) {
            cfl_connection_wake(waiter);
        }
    }
}

void cfl_connection_wake_done_locked(struct cfl_connection *connection)
{
    struct cfl_list *stirred = &connection->locked.stirred;
    for (struct cfl_list *node = NULL; (node = cfl_list_take_first(stirred)) != NULL;) {
        wake_done(&CFL_LIST_ENTRY(node, struct cfl_awaitable, node)->waiters);
    }
    wake_done(&connection->locked.others);
    wake_loop_locked(connection);
}

bool cfl_connection_is_spent_locked(const struct cfl_connection *connection)
{
    return connection->locked.is_closed && !connection->locked.linger.is_on &&
           !connection->locked.is_driven;
}

/* Goes on with closing, which may be the end of it. */
void cfl_connection_linger_locked(struct cfl_connection *connection)
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
        cfl_connection_linger_locked(connection);
    } else {
        shut_down(connection);
    }
    cfl_connection_wake_driver_locked(connection);
    cfl_connection_wake_done_locked(connection);
}

/* Closes with an error that is freed here; what the session still has to say (a GOAWAY) was flushed
 * before. */
void cfl_connection_fail_locked(struct cfl_connection *connection, cflight_error *error)
{
    cfl_connection_close_locked(connection, error);
    cflight_error_free(error);
}
