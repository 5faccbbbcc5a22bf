/* SPDX-License-Identifier: Apache-2.0 */
/* One RPC: its life, from start or acceptance to the last reference, and how this side gives it up.
 *
 * The gRPC session's callbacks (call_events.c), under the connection's lock, fill the inbox and
 * note the end; the user's threads wait for either (call_wait.c). A call has one failure: the first
 * that is noted, whoever caused it, and every later operation returns it. Thread class: one reader
 * and one writer at a time; cancel is free. */
#include "flight/call/call.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "flight/call/call_internal.h"
#include "flight/value/error_wire.h"

struct cfl_call *cfl_call_new(struct cfl_connection *connection, const struct cfl_method *method)
{
    struct cfl_call *call = cfl_alloc_zeroed(connection->alloc, sizeof *call);
    if (call == NULL) {
        return NULL;
    }
    cfl_refcount_init(&call->refs);
    call->alloc = connection->alloc;
    call->method = method;
    call->connection = cfl_connection_ref(connection);
    call->pid = connection->pid;
    (void)pthread_mutex_init(&call->connection_mutex, NULL);
    cfl_list_init(&call->locked.awaitable.waiters);
    call->started_ns = cfl_clock_now_ns(NULL);
    call->limits.deadline_ns = CFL_TIME_NEVER;
    call->limits.first_byte_ns = CFL_TIME_NEVER;
    call->locked.wants_message = !connection->is_server; /* a server's handler has to ask */
    cfl_inbox_init(&call->locked.inbox, connection->alloc, connection->pool,
                   connection->owner.unread, &connection->limits, method, connection->is_server);
    return call;
}

struct cfl_call *cfl_call_ref(struct cfl_call *call)
{
    cfl_refcount_up(&call->refs);
    return call;
}

static void unlock_and_unref(struct cfl_connection *connection)
{
    cfl_connection_unlock(connection);
    cfl_connection_unref(connection);
}

/* Locks the connection that carries the call, whatever it moves to meanwhile, for a thread other
 * than its reader. */
static struct cfl_connection *lock_connection_of(struct cfl_call *call)
{
    for (;;) {
        (void)pthread_mutex_lock(&call->connection_mutex);
        struct cfl_connection *connection = cfl_connection_ref(call->connection);
        (void)pthread_mutex_unlock(&call->connection_mutex);
        cfl_connection_lock(connection);
        (void)pthread_mutex_lock(&call->connection_mutex);
        bool is_current = connection == call->connection;
        (void)pthread_mutex_unlock(&call->connection_mutex);
        if (is_current) {
            return connection;
        }
        unlock_and_unref(connection);
    }
}

cflight_status cfl_call_failure_locked(struct cfl_call *call, cflight_error **reterr)
{
    if (reterr != NULL) {
        cflight_error_free(*reterr);
        *reterr = cfl_error_copy(call->locked.error);
        if (*reterr == NULL) {
            return cflight_error_set_message(reterr, call->locked.status, "the call is over");
        }
    }
    return call->locked.status;
}

void cfl_call_end_unsent_locked(struct cfl_call *call, cflight_status status, cflight_error *error)
{
    if (!call->locked.needs_connection) {
        cflight_error_free(error);
        return;
    }
    cfl_error_set_operation(error, call->method->name);
    cflight_error_free(call->locked.error);
    call->locked.error = error;
    call->locked.status = status;
    call->locked.needs_connection = false;
    call->locked.has_answer = true;
    call->locked.is_over = true;
    cfl_call_stir_locked(call);
}

void cfl_call_cancel_locked(struct cfl_call *call, cflight_status status, const char *message)
{
    if (call->locked.needs_connection) {
        cflight_error *error = NULL;
        (void)cflight_error_set_message(&error, status, message);
        cflight_error_set_flight_code(error, cfl_flight_code_of(status));
        cfl_call_end_unsent_locked(call, status, error);
    } else if (!call->locked.is_over) {
        call->locked.is_cancelled_here = true;
        call->connection->locked.has_given_up = !call->connection->is_server;
        cfl_grpc_call_cancel(call->locked.grpc, status, message);
    }
}

void cfl_call_cancel(struct cfl_call *call, cflight_status status, const char *message)
{
    if (!cfl_call_is_ours(call)) {
        return;
    }
    struct cfl_connection *connection = lock_connection_of(call);
    cfl_call_cancel_locked(call, status, message);
    cflight_cancel *connecting = cflight_cancel_ref(call->locked.connecting);
    cfl_connection_kick_locked(connection);
    unlock_and_unref(connection);
    cflight_cancel_trigger(connecting);
    cflight_cancel_unref(connecting);
}

/* What is left once the session's call is released. In a child of fork() it stays where it is. */
static void call_free(struct cfl_call *call)
{
    cfl_inbox_done(&call->locked.inbox);
    cflight_error_free(call->locked.error);
    (void)pthread_mutex_destroy(&call->connection_mutex);
    cfl_free(call->alloc, call, sizeof *call);
}

void cfl_call_drop_locked(struct cfl_call *call)
{
    struct cfl_connection *connection = call->connection;
    if (cfl_refcount_down(&call->refs)) {
        cfl_grpc_call_release(call->locked.grpc);
        call_free(call);
        cfl_connection_unref(connection);
    }
}

void cfl_call_unref(struct cfl_call *call)
{
    if (call == NULL || !cfl_refcount_down(&call->refs) || !cfl_call_is_ours(call)) {
        return;
    }
    struct cfl_connection *connection = call->connection;
    if (call->cancel != NULL) {
        cfl_cancel_unregister(call->cancel, &call->cancel_entry);
        cflight_cancel_unref(call->cancel);
    }
    if (call->observe != NULL) {
        cfl_call_cancel(call, CFLIGHT_CANCELLED, "the call was dropped");
        cfl_call_observe(call);
    }
    cfl_connection_lock(connection);
    if (call->locked.grpc != NULL) {
        bool was_over = call->locked.is_over;
        cfl_grpc_call_release(call->locked.grpc);
        if (!was_over) {
            connection->locked.has_given_up = !connection->is_server;
            cfl_connection_kick_locked(connection); /* the reset */
        }
    }
    cfl_connection_unlock(connection);
    call_free(call);
    cfl_connection_unref(connection);
}

static void on_trigger(struct cfl_cancel_entry *entry)
{
    cfl_call_cancel(CFL_LIST_ENTRY(entry, struct cfl_call, cancel_entry), CFLIGHT_CANCELLED,
                    "the call was cancelled");
}

void cfl_call_watch_cancel(struct cfl_call *call, cflight_cancel *cancel)
{
    if (cancel != NULL) {
        call->cancel = cflight_cancel_ref(cancel);
        call->cancel_entry.on_trigger = on_trigger;
        cfl_cancel_register(cancel, &call->cancel_entry);
    }
}

bool cfl_call_is_cancelled(struct cfl_call *call)
{
    cfl_connection_lock(call->connection);
    bool is_cancelled = call->locked.is_cancelled;
    cfl_connection_unlock(call->connection);
    return is_cancelled;
}

const struct cfl_metadata *cfl_call_headers(const struct cfl_call *call)
{
    return call->locked.grpc == NULL ? NULL : cfl_grpc_call_headers(call->locked.grpc);
}

const struct cfl_metadata *cfl_call_trailers(const struct cfl_call *call)
{
    return call->locked.grpc == NULL ? NULL : cfl_grpc_call_trailers(call->locked.grpc);
}

void cfl_call_summarise(struct cfl_call *call, struct cflight_call_summary *ret_summary)
{
    memset(ret_summary, 0, sizeof *ret_summary);
    ret_summary->method = call->method->id;
    ret_summary->duration_ns = cfl_clock_now_ns(NULL) - call->started_ns;
    cfl_connection_lock(call->connection);
    ret_summary->messages_sent = call->locked.sent_count;
    ret_summary->bytes_sent = call->locked.sent_bytes;
    ret_summary->messages_received = call->locked.inbox.received_count;
    ret_summary->bytes_received = call->locked.inbox.received_bytes;
    cfl_connection_unlock(call->connection);
}
