/* SPDX-License-Identifier: Apache-2.0 */
/* Telling handlers that their call was cancelled.
 *
 * A cancellation is noticed under a connection's lock, on any thread, also on one that runs the
 * very handler and may hold locks of its user. So the callback is put on a list, and a thread of
 * the pool, of which one always polls, runs it under no lock. Taking it back waits until it is not
 * running; the dispatcher does so before the call goes. Lock order: connection, server. */
#include "flight/server/server_context.h"

static void make_due_locked(struct cflight_server *server, struct cfl_cancel_wish *wish)
{
    if (wish->on_cancel != NULL && !cfl_list_is_linked(&wish->node)) {
        cfl_list_append(&server->locked.cancelled, &wish->node);
        atomic_store(&server->has_cancelled, true);
        cfl_poller_wake(server->poller);
    }
}

void cfl_server_on_cancelled(void *user_data, struct cfl_call *call)
{
    struct cflight_server *server = ((struct cfl_server_connection *)user_data)->server;
    (void)pthread_mutex_lock(&server->mutex);
    make_due_locked(server, &call->cancel_wish);
    (void)pthread_mutex_unlock(&server->mutex);
}

void cfl_server_run_cancelled(struct cflight_server *server)
{
    struct cfl_list *node = NULL;
    (void)pthread_mutex_lock(&server->mutex);
    atomic_store(&server->has_cancelled, false);
    while ((node = cfl_list_take_first(&server->locked.cancelled)) != NULL) {
        struct cfl_cancel_wish *wish = CFL_LIST_ENTRY(node, struct cfl_cancel_wish, node);
        void (*on_cancel)(void *user_data) = wish->on_cancel;
        wish->on_cancel = NULL;
        wish->is_running = true;
        wish->runner = pthread_self();
        (void)pthread_mutex_unlock(&server->mutex);
        on_cancel(wish->user_data);
        (void)pthread_mutex_lock(&server->mutex);
        wish->is_running = false;
        (void)pthread_cond_broadcast(&server->locked.changed);
    }
    (void)pthread_mutex_unlock(&server->mutex);
}

/* Takes back what was wished before; waits for it when it runs, unless it does so itself. */
static void withdraw(struct cflight_server *server, struct cfl_cancel_wish *wish)
{
    (void)pthread_mutex_lock(&server->mutex);
    cfl_list_remove(&wish->node);
    wish->on_cancel = NULL;
    while (wish->is_running && pthread_equal(wish->runner, pthread_self()) == 0) {
        (void)pthread_cond_wait(&server->locked.changed, &server->mutex);
    }
    (void)pthread_mutex_unlock(&server->mutex);
}

void cflight_server_context_on_cancel(cflight_server_context *context,
                                      void (*on_cancel)(void *user_data), void *user_data)
{
    struct cflight_server *server = context->server;
    struct cfl_call *call = context->call;
    if (on_cancel == NULL && !context->has_wish) {
        return;
    }
    context->has_wish = true; /* for good: one that took itself back may still run */
    withdraw(server, &call->cancel_wish);
    if (on_cancel == NULL) {
        return;
    }
    cfl_connection_lock(call->connection);
    (void)pthread_mutex_lock(&server->mutex);
    call->cancel_wish.on_cancel = on_cancel;
    call->cancel_wish.user_data = user_data;
    if (call->locked.is_cancelled) {
        make_due_locked(server, &call->cancel_wish);
    }
    (void)pthread_mutex_unlock(&server->mutex);
    cfl_connection_unlock(call->connection);
}
