/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a call at the server, from its headers to its trailers.
 *
 * The order is fixed by the specification: identity, middleware factories in turn, their headers,
 * the handler, their completion, then status and trailers. A caller is identified as soon as the
 * headers are there; the handler runs when it has something to begin with. Steps run on pool
 * threads, under no lock, one at a time for each call.
 *
 * Spec: flight-api, server call sequence; errors; authentication headers. */
#include "flight/server/server_call.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "flight/call/header_sink.h"

/* ---- who calls ---- */

static cflight_status identify(cflight_server_context *context, cflight_error **reterr)
{
    const struct cflight_server_auth *auth = &context->server->auth;
    if (auth->is_valid == NULL || context->call->method->id == CFLIGHT_METHOD_HANDSHAKE) {
        return CFLIGHT_OK;
    }
    struct cflight_bytes token = cflight_server_context_header(context, "auth-token-bin");
    return auth->is_valid(auth->user_data, context, token, &context->identity, reterr);
}

static cflight_status start_middleware(cflight_server_context *context, cflight_error **reterr)
{
    struct cflight_header_sink sink = {&context->headers};
    struct cflight_server *server = context->server;
    for (size_t i = 0; i < server->middleware_count; i++) {
        const struct cflight_server_middleware *middleware = &server->middleware[i];
        if (middleware->start_call == NULL) {
            continue;
        }
        cflight_status status =
            middleware->start_call(middleware->user_data, context, context->call->method->id,
                                   &context->instances[i], reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    for (size_t i = 0; i < server->middleware_count; i++) {
        const struct cflight_server_middleware *middleware = &server->middleware[i];
        if (context->instances[i] != NULL && middleware->sending_headers != NULL) {
            middleware->sending_headers(middleware->user_data, context->instances[i], &sink);
        }
    }
    return CFLIGHT_OK;
}

/* ---- the steps ---- */

/* What the caller holds counts as a known one's from now on. */
static bool count_as_known(struct cfl_server_call *call)
{
    struct cfl_call *wire = call->context.call;
    struct cfl_server_connection *line = cfl_server_connection_of(wire->connection);
    cfl_connection_lock(wire->connection);
    bool fits = cfl_inbox_move(&wire->locked.inbox, &line->known);
    if (fits) {
        cfl_budget_give_back(&line->unknown, call->header_bytes);
        call->is_known = true;
        if (!cfl_budget_take(&line->known, call->header_bytes)) {
            call->header_bytes = 0; /* counted no more: it is on its way out soon */
        }
    }
    cfl_connection_unlock(wire->connection);
    return fits;
}

/* Nobody is asked about a method that is for anybody. */
static bool is_open(const struct cfl_method *method)
{
    return method->id == CFLIGHT_METHOD_SERVICE && cfl_server_service_of(method)->is_open;
}

/* Identifies the caller and starts middleware; false: the call is answered. */
static bool admit(struct cfl_server_call *call)
{
    cflight_server_context *context = &call->context;
    struct cflight_server *server = context->server;
    if (is_open(context->call->method)) {
        context->call->response_headers = &context->headers;
        return true;
    }
    cflight_error *error = NULL;
    bool is_plain = false;
    cflight_status status = CFLIGHT_OK;
    if (server->middleware_count > 0) {
        context->instances =
            cfl_alloc_array(server->alloc, server->middleware_count, sizeof *context->instances);
    }
    if (context->instances == NULL && server->middleware_count > 0) {
        status = cfl_error_no_memory(&error);
        is_plain = true;
    } else {
        context->call->response_headers = &context->headers;
        status = identify(context, &error);
        is_plain = status != CFLIGHT_OK;
    }
    if (status == CFLIGHT_OK) {
        status = start_middleware(context, &error);
    }
    if (status == CFLIGHT_OK && !count_as_known(call)) {
        CFL_COUNT(server->counts, limits[CFL_LIMIT_UNREAD_BYTES], 1);
        CFL_COUNT(server->counts, refused[CFL_REFUSAL_LIMIT], 1);
        status = cflight_error_set_message(&error, CFLIGHT_UNAVAILABLE,
                                           "the server holds as much for this connection as it "
                                           "may; try again later");
    }
    if (status != CFLIGHT_OK && is_plain) {
        cfl_server_turn_away(call, status, error);
    } else if (status != CFLIGHT_OK) {
        cfl_server_answer(call, status, error);
    }
    cflight_error_free(error);
    return status == CFLIGHT_OK;
}

/* Whether the server may be the first to speak, and so waits for no message. A method for anybody
 * is not begun for those who say nothing. */
static bool begins_at_once(const struct cfl_method *method)
{
    return method->id == CFLIGHT_METHOD_HANDSHAKE ||
           (method->id == CFLIGHT_METHOD_SERVICE && method->client_streams && !is_open(method));
}

/* Whether the handler is to run now; otherwise the call awaits its message, or a slot. */
static bool can_run(struct cfl_server_call *call, bool may_run)
{
    struct cfl_call *wire = call->context.call;
    bool is_waiting = false;
    cfl_connection_lock(wire->connection);
    if (!begins_at_once(wire->method)) {
        is_waiting = cfl_call_await_locked(wire, CFL_AWAITED_MESSAGE);
    }
    if (is_waiting) {
        cfl_server_await_message_locked(call);
    } else if (may_run) {
        cfl_server_stop_waiting_locked(call);
        cfl_server_end_pending_locked(call);
    } else {
        cfl_server_make_ready_locked(call);
    }
    cfl_connection_unlock(wire->connection);
    return !is_waiting && may_run;
}

static bool is_over(struct cfl_server_call *call, cflight_status *ret_status,
                    cflight_error **ret_error)
{
    struct cfl_call *wire = call->context.call;
    cfl_connection_lock(wire->connection);
    bool is_over = wire->locked.is_over;
    if (is_over) {
        *ret_status = wire->locked.status == CFLIGHT_OK ? CFLIGHT_CANCELLED : wire->locked.status;
        (void)cflight_error_set_message(ret_error, *ret_status,
                                        wire->locked.error == NULL
                                            ? "the call ended before its handler began"
                                            : cflight_error_message(wire->locked.error));
    }
    cfl_connection_unlock(wire->connection);
    return is_over;
}

/* As many handlers wait for their clients as may: what may have to wait, too, is not begun. */
static cflight_status check_waiting(struct cfl_server_call *call, cflight_error **reterr)
{
    struct cflight_server *server = call->context.server;
    const struct cfl_method *method = call->context.call->method;
    uint32_t waiting_max = server->options.waiting_max;
    if ((!method->client_streams && !method->server_streams) ||
        atomic_load(&server->waiting_count) < waiting_max) {
        return CFLIGHT_OK;
    }
    cfl_server_relieve(server);
    if (atomic_load(&server->waiting_count) < waiting_max) {
        return CFLIGHT_OK;
    }
    CFL_COUNT(server->counts, limits[CFL_LIMIT_WAITING], 1);
    CFL_COUNT(server->counts, refused[CFL_REFUSAL_LIMIT], 1);
    return cflight_error_set(reterr, CFLIGHT_UNAVAILABLE,
                             "the server is busy: as many handlers wait for their clients as it "
                             "allows (waiting_max, %u); try again later",
                             waiting_max);
}

static void run_handler(struct cfl_server_call *call)
{
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    if (!is_over(call, &status, &error)) {
        status = check_waiting(call, &error);
        if (status == CFLIGHT_OK) {
            status = cfl_server_run_handler(call, &error);
        }
    }
    if (status == CFLIGHT_OK && call->writer != NULL) {
        call->stage = CFL_SERVER_STREAMING;
        call->kind = CFL_SERVER_STREAM;
        cfl_server_pull(call);
    } else {
        cfl_server_answer(call, status, error);
    }
    cflight_error_free(error);
}

void cfl_server_step(struct cfl_server_call *call, bool may_run)
{
    switch (call->stage) {
    case CFL_SERVER_ARRIVED:
        if (!admit(call)) {
            return;
        }
        call->stage = CFL_SERVER_ADMITTED;
        call->kind = CFL_SERVER_HANDLER;
        if (can_run(call, may_run)) {
            run_handler(call);
        }
        return;
    case CFL_SERVER_ADMITTED:
        if (can_run(call, may_run)) {
            run_handler(call);
        }
        return;
    case CFL_SERVER_STREAMING:
        cfl_server_pull(call);
        return;
    case CFL_SERVER_ANSWERED:
    default:
        return;
    }
}
