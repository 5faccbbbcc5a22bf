/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that are ready for a thread, calls whose handlers have not begun, and calls that are over.
 * Under the connection's lock. */
#include "base/alloc.h"
#include "flight/server/server_call.h"

void cfl_server_make_ready_locked(struct cfl_server_call *call)
{
    struct cfl_server_connection *line = cfl_server_connection_of(call->context.call->connection);
    if (!cfl_list_is_linked(&call->ready_node)) {
        cfl_list_append(&line->ready[call->kind], &call->ready_node);
        if (call->kind == CFL_SERVER_ARRIVAL) {
            line->connection->locked.has_arrivals = true;
        }
    }
}

void cfl_server_on_ready(void *user_data, struct cfl_call *call)
{
    struct cfl_server_connection *line = user_data;
    struct cfl_server_call *found = call->server_call;
    if (found->stage == CFL_SERVER_ANSWERED) {
        cfl_list_append(&line->ended, &found->ready_node);
    } else {
        cfl_server_make_ready_locked(found);
    }
}

/* Whether a thread would find something to do. */
bool cfl_server_is_runnable(const struct cfl_server_connection *line)
{
    return !cfl_list_is_empty(&line->ready[CFL_SERVER_STREAM]) ||
           !cfl_list_is_empty(&line->ready[CFL_SERVER_ARRIVAL]) ||
           (!cfl_list_is_empty(&line->ready[CFL_SERVER_HANDLER]) && !cfl_server_is_stuffed(line));
}

void cfl_server_end_pending_locked(struct cfl_server_call *call)
{
    struct cfl_server_connection *line = cfl_server_connection_of(call->context.call->connection);
    if (!call->is_pending) {
        return;
    }
    call->is_pending = false;
    atomic_fetch_sub(&line->server->pending_count, 1);
    line->pending_count--;
    if (line->pending_count == 0) {
        atomic_fetch_sub(&line->server->pending_connections, 1);
    }
}

/* Lets go of calls whose answers have left. */
static void drop_ended_locked(struct cfl_server_connection *line)
{
    struct cflight_server *server = line->server;
    for (struct cfl_list *node = NULL; (node = cfl_list_take_first(&line->ended)) != NULL;) {
        struct cfl_server_call *call = CFL_LIST_ENTRY(node, struct cfl_server_call, ready_node);
        struct cfl_call *wire = call->context.call;
        cfl_list_remove(&call->patience_node);
        line->answered_count -= call->is_leaving ? 1 : 0;
        line->answered_bytes -= call->answer_bytes;
        cfl_budget_give_back(call->is_known ? &line->known : &line->unknown, call->header_bytes);
        cfl_server_context_done(&call->context);
        cfl_free(server->alloc, call, sizeof *call);
        cfl_call_drop_locked(wire);
        line->call_count--;
        if (line->call_count == 0) {
            line->idle_since_ns = cfl_clock_now_ns(NULL);
            cfl_server_plan_locked(line);
        }
        if (atomic_fetch_sub(&server->call_count, 1) == 1 && atomic_load(&server->is_draining)) {
            (void)pthread_mutex_lock(&server->mutex);
            cfl_server_wake_clock_locked(server);
            (void)pthread_mutex_unlock(&server->mutex);
        }
    }
}

void cfl_server_on_step(void *user_data, struct cfl_connection *connection)
{
    struct cfl_server_connection *line = user_data;
    (void)connection;
    drop_ended_locked(line);
    if (line->holder == NULL && cfl_server_is_runnable(line)) {
        cfl_server_queue_ready_locked(line);
    }
}
