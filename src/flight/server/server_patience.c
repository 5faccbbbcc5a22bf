/* SPDX-License-Identifier: Apache-2.0 */
/* How long a peer may leave calls and its connection in a state that needs no thread: headers
 * without a message, answers and streams that it does not take, no calls at all.
 *
 * Each list of a connection is in the order in which its calls began to wait, with one limit for
 * all, so that the first is the one that is due first. A call whose bytes moved since is put behind
 * again when its time comes. Under the connection's lock. Threads that wait have the limits of
 * their call (flight/call/call_wait.c). */
#include <inttypes.h>
#include <stdio.h>

#include "base/log_limit.h"
#include "flight/server/server_call.h"

enum { RELIEVE_PAUSE_MS = 1000 };

static struct cfl_server_call *of_node(struct cfl_list *node)
{
    return CFL_LIST_ENTRY(node, struct cfl_server_call, patience_node);
}

static struct cfl_server_connection *line_of(const struct cfl_server_call *call)
{
    return cfl_server_connection_of(call->context.call->connection);
}

static void wait_in_locked(struct cfl_server_call *call, struct cfl_list *list, int64_t limit_ms)
{
    cfl_list_remove(&call->patience_node);
    if (limit_ms > 0) {
        call->patient_until_ns = cfl_deadline_after_ms(cfl_clock_now_ns(NULL), limit_ms);
        cfl_list_append(list, &call->patience_node);
        cfl_server_plan_locked(line_of(call));
    }
}

void cfl_server_await_message_locked(struct cfl_server_call *call)
{
    if (!cfl_list_is_linked(&call->patience_node)) {
        wait_in_locked(call, &line_of(call)->arriving,
                       call->context.server->options.message_timeout_ms);
    }
}

void cfl_server_await_sent_locked(struct cfl_server_call *call)
{
    call->progress_bytes = cfl_grpc_call_unsent_bytes(call->context.call->locked.grpc);
    wait_in_locked(call, &line_of(call)->leaving, call->context.server->options.idle_timeout_ms);
}

void cfl_server_stop_waiting_locked(struct cfl_server_call *call)
{
    cfl_list_remove(&call->patience_node);
}

void cfl_server_plan_locked(struct cfl_server_connection *line)
{
    int64_t next_ns = CFL_TIME_NEVER;
    if (!cfl_list_is_empty(&line->arriving)) {
        next_ns = cfl_deadline_earlier(next_ns, of_node(line->arriving.next)->patient_until_ns);
    }
    if (!cfl_list_is_empty(&line->leaving)) {
        next_ns = cfl_deadline_earlier(next_ns, of_node(line->leaving.next)->patient_until_ns);
    }
    int64_t idle_ms = line->server->options.connection_idle_ms;
    if (line->idle_since_ns != CFL_TIME_NEVER && idle_ms > 0) {
        next_ns =
            cfl_deadline_earlier(next_ns, cfl_deadline_after_ms(line->idle_since_ns, idle_ms));
    }
    line->connection->locked.owner_deadline_ns = next_ns;
}

static void strike(struct cfl_server_call *call, const char *what, enum cfl_limit limit,
                   int64_t limit_ms)
{
    struct cfl_call *wire = call->context.call;
    char message[200];
    (void)snprintf(message, sizeof message,
                   "%s: %s for longer than the limit of %" PRId64 " ms (%s)", wire->method->name,
                   what, limit_ms, cfl_limit_name(limit));
    CFL_COUNT(call->context.server->counts, limits[limit], 1);
    CFL_LOG_LIMITED(CFLIGHT_LOG_WARN, "flight", "%s: %s",
                    cfl_transport_peer(wire->connection->transport)->name, message);
    cfl_list_remove(&call->patience_node);
    cfl_grpc_call_cancel(wire->locked.grpc, CFLIGHT_DEADLINE_EXCEEDED, message);
}

static void expire_arriving(struct cfl_server_connection *line, int64_t now_ns)
{
    while (!cfl_list_is_empty(&line->arriving) &&
           of_node(line->arriving.next)->patient_until_ns <= now_ns) {
        strike(of_node(line->arriving.next), "no message came after the headers",
               CFL_LIMIT_MESSAGE_TIMEOUT, line->server->options.message_timeout_ms);
    }
}

static bool has_moved(struct cfl_server_call *call)
{
    return cfl_grpc_call_unsent_bytes(call->context.call->locked.grpc) != call->progress_bytes;
}

static void expire_leaving(struct cfl_server_connection *line, int64_t now_ns)
{
    while (!cfl_list_is_empty(&line->leaving) &&
           of_node(line->leaving.next)->patient_until_ns <= now_ns) {
        struct cfl_server_call *call = of_node(line->leaving.next);
        if (has_moved(call)) {
            cfl_server_await_sent_locked(call);
        } else {
            strike(call, "the client took nothing", CFL_LIMIT_IDLE_TIMEOUT,
                   line->server->options.idle_timeout_ms);
        }
    }
}

void cfl_server_on_time(void *user_data, struct cfl_connection *connection, int64_t now_ns)
{
    struct cfl_server_connection *line = user_data;
    expire_arriving(line, now_ns);
    expire_leaving(line, now_ns);
    int64_t idle_ms = line->server->options.connection_idle_ms;
    if (line->idle_since_ns != CFL_TIME_NEVER && idle_ms > 0 &&
        cfl_deadline_after_ms(line->idle_since_ns, idle_ms) <= now_ns) {
        CFL_LOG_LIMITED(CFLIGHT_LOG_INFO, "flight",
                        "%s: closed: no call for longer than the limit of %" PRId64
                        " ms (connection_idle_ms)",
                        cfl_transport_peer(connection->transport)->name, idle_ms);
        CFL_COUNT(line->server->counts, limits[CFL_LIMIT_CONNECTION_IDLE], 1);
        line->idle_since_ns = CFL_TIME_NEVER;
        cfl_grpc_goaway(connection->locked.grpc, true);
    }
    cfl_server_plan_locked(line);
}

/* ---- in favour of others ---- */

static void relieve(struct cflight_server *server, struct cfl_connection *connection)
{
    struct cfl_server_connection *line = cfl_server_connection_of(connection);
    int64_t limit_ms = server->options.contended_timeout_ms;
    cfl_connection_lock(connection);
    cfl_call_end_stalled_locked(connection, limit_ms);
    int64_t idle_ms = server->options.idle_timeout_ms;
    int64_t now_ns = cfl_clock_now_ns(NULL);
    struct cfl_list *next = NULL;
    for (struct cfl_list *node = line->leaving.next; node != &line->leaving; node = next) {
        struct cfl_server_call *call = of_node(node);
        next = node->next;
        if (idle_ms > limit_ms && !has_moved(call) &&
            call->patient_until_ns - (idle_ms - limit_ms) * CFL_NS_PER_MS <= now_ns) {
            strike(call, "the client took nothing while others waited", CFL_LIMIT_CONTENDED_TIMEOUT,
                   limit_ms);
        }
    }
    cfl_connection_kick_locked(connection);
    cfl_connection_unlock(connection);
}

void cfl_server_relieve(struct cflight_server *server)
{
    int64_t now_ns = cfl_clock_now_ns(NULL);
    (void)pthread_mutex_lock(&server->mutex);
    bool is_due = now_ns >= server->locked.relieve_ns;
    if (is_due) {
        server->locked.relieve_ns = cfl_deadline_after_ms(now_ns, RELIEVE_PAUSE_MS);
    }
    (void)pthread_mutex_unlock(&server->mutex);
    if (is_due && server->options.contended_timeout_ms > 0) {
        cfl_server_for_each_connection(server, relieve);
    }
}
