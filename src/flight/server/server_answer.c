/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a call: middleware is told, status and trailers are sent, and what is left of the call
 * belongs to its connection until the answer has left. Runs on a pool thread, under no lock. */
#include "base/alloc.h"
#include "flight/server/server_call.h"
#include "flight/value/error_wire.h"

static void complete_middleware(cflight_server_context *context, cflight_status status,
                                const cflight_error *error)
{
    struct cflight_call_summary summary;
    if (context->instances == NULL) {
        return;
    }
    cfl_call_summarise(context->call, &summary);
    summary.status = status;
    summary.error = status == CFLIGHT_OK ? NULL : error;
    for (size_t i = 0; i < context->server->middleware_count; i++) {
        const struct cflight_server_middleware *middleware = &context->server->middleware[i];
        if (context->instances[i] != NULL && middleware->call_completed != NULL) {
            middleware->call_completed(middleware->user_data, context->instances[i], &summary);
        }
    }
}

static void count_end(const struct cfl_call *call, cflight_status status)
{
    if (call->counts != NULL) {
        cfl_count_handled(call->counts, (int)status, cfl_clock_now_ns(NULL) - call->started_ns);
    }
}

/* Nothing of the user is left to be sent; only bytes of the call itself may be. From here on the
 * call belongs to the connection, which drops it when it is over. */
static void leave_to_connection(struct cfl_server_call *call)
{
    struct cfl_call *wire = call->context.call;
    struct cfl_connection *connection = wire->connection;
    struct cfl_server_connection *line = cfl_server_connection_of(connection);
    cfl_server_context_done(&call->context);
    cfl_connection_lock(connection);
    wire->response_headers = NULL;
    cfl_inbox_done(&wire->locked.inbox); /* nobody will read what is left */
    wire->locked.headers_are_sent = true;
    cfl_server_end_pending_locked(call);
    cfl_server_stop_waiting_locked(call);
    call->stage = CFL_SERVER_ANSWERED;
    if (cfl_call_await_locked(wire, CFL_AWAITED_END)) {
        call->answer_bytes = cfl_grpc_call_unsent_bytes(wire->locked.grpc);
        call->is_leaving = true;
        line->answered_count++;
        line->answered_bytes += call->answer_bytes;
        cfl_server_await_sent_locked(call);
    } else {
        cfl_list_append(&line->ended, &call->ready_node);
    }
    cfl_connection_kick_locked(connection);
    cfl_connection_unlock(connection);
}

/* `is_plain` leaves the x-arrow trailers out. */
static void send_status(cflight_server_context *context, cflight_status status,
                        const cflight_error *error, bool is_plain)
{
    struct cfl_buf message;
    cfl_buf_init(&message, context->call->alloc);
    if (status != CFLIGHT_OK && is_plain) {
        (void)cfl_buf_append_text(&message, cflight_error_message(error));
    } else if (status != CFLIGHT_OK) {
        cfl_error_to_peer(status, error, &message, &context->trailers);
    }
    (void)cfl_buf_append_u8(&message, '\0');
    cfl_call_finish(context->call, status, message.failed ? "" : (const char *)message.data,
                    &context->trailers);
    cfl_buf_done(&message);
}

void cfl_server_answer(struct cfl_server_call *call, cflight_status status,
                       const cflight_error *error)
{
    cflight_server_context_on_cancel(&call->context, NULL, NULL);
    /* What Arrow adds to an error is for clients of Flight. */
    bool is_plain = call->context.call->method->id == CFLIGHT_METHOD_SERVICE;
    complete_middleware(&call->context, status, error);
    count_end(call->context.call, status);
    send_status(&call->context, status, error, is_plain);
    leave_to_connection(call);
}

void cfl_server_turn_away(struct cfl_server_call *call, cflight_status status,
                          const cflight_error *error)
{
    count_end(call->context.call, status);
    send_status(&call->context, status, error, true);
    leave_to_connection(call);
}
