/* SPDX-License-Identifier: Apache-2.0 */
/* New calls: whether one is taken on, and what is counted of it.
 *
 * What is not taken on is answered and forgotten at once. A connection may have so many calls whose
 * handlers have not begun; when the server has enough of them in all, those connections are refused
 * more that have more than their share, so that a greedy one does not shut others out; when it has
 * a quarter more, those that have a few. Runs inside the session's callback, under the connection's
 * lock. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/log.h"
#include "flight/server/server_call.h"

enum {
    SHARE_LEAST = 4,
    CALL_BYTES = 3 << 10, /* what a call takes beside its headers, about */
    FIELD_BYTES = 64,
};

/* Sends the call away; `method` NULL: it has none. */
static void refuse(const struct cfl_server_connection *line, const struct cfl_method *method,
                   struct cfl_grpc_call *grpc, enum cfl_refusal refusal, cflight_status status,
                   const char *message)
{
    cfl_server_count_refused(line, method, refusal, status);
    cfl_grpc_call_finish(grpc, status, message, NULL);
    cfl_grpc_call_release(grpc);
}

static bool is_too_much(const struct cfl_server_connection *line)
{
    struct cflight_server *server = line->server;
    uint32_t queue_max = server->options.queue_max;
    uint64_t pending_count = atomic_load(&server->pending_count);
    if (pending_count < queue_max) {
        return false;
    }
    uint32_t sharers =
        atomic_load(&server->pending_connections) + (line->pending_count == 0 ? 1 : 0);
    uint32_t share = sharers == 0 ? queue_max : queue_max / sharers;
    if (pending_count - queue_max >= queue_max / 4) {
        share = 0; /* the shares of those who came first add up to more than there is */
    }
    uint32_t least = queue_max < SHARE_LEAST ? queue_max : (uint32_t)SHARE_LEAST;
    return line->pending_count >= (share < least ? least : share);
}

static uint64_t size_of(const struct cfl_metadata *headers)
{
    uint64_t size_bytes = CALL_BYTES;
    for (size_t i = 0; i < headers->count; i++) {
        size_bytes +=
            headers->fields[i].name.len_bytes + headers->fields[i].value.len_bytes + FIELD_BYTES;
    }
    return size_bytes;
}

static void limit_handshake(const struct cflight_server *server, struct cfl_call *call)
{
    int64_t limit_ns = cfl_deadline_after_ms(call->started_ns, server->limits.authenticate_ms);
    if (limit_ns < call->limits.deadline_ns) {
        call->limits.deadline_ns = limit_ns;
        call->limits.timeout_ms = server->limits.authenticate_ms;
    }
}

static void limit_message(const struct cflight_service_method *service, struct cfl_call *call)
{
    uint64_t bytes_max = service->message_bytes_max;
    if (bytes_max > 0 &&
        (call->limits.message_bytes_max == 0 || bytes_max < call->limits.message_bytes_max)) {
        call->limits.message_bytes_max = bytes_max;
    }
}

/* Counts a call that was taken on. */
static void count(struct cfl_server_connection *line, struct cfl_server_call *call)
{
    struct cflight_server *server = line->server;
    call->is_pending = true;
    atomic_fetch_add(&server->pending_count, 1);
    if (line->pending_count++ == 0) {
        atomic_fetch_add(&server->pending_connections, 1);
    }
    if (line->call_count++ == 0) {
        line->idle_since_ns = CFL_TIME_NEVER;
        cfl_server_plan_locked(line);
    }
    atomic_fetch_add(&server->call_count, 1);
}

static cflight_status take_on(struct cfl_server_connection *line, const struct cfl_method *method,
                              struct cfl_grpc_call *grpc, uint64_t header_bytes)
{
    struct cflight_server *server = line->server;
    struct cfl_call *wire = NULL;
    struct cfl_server_call *call = cfl_alloc_zeroed(server->alloc, sizeof *call);
    if (call == NULL ||
        cfl_call_accept_locked(line->connection, method, grpc, &wire, NULL) != CFLIGHT_OK) {
        cfl_free(server->alloc, call, sizeof *call);
        return CFLIGHT_RESOURCE_EXHAUSTED;
    }
    call->context.server = server;
    call->context.call = wire;
    cfl_metadata_init(&call->context.headers, server->alloc);
    cfl_metadata_init(&call->context.trailers, server->alloc);
    call->header_bytes = header_bytes;
    call->kind = CFL_SERVER_ARRIVAL;
    call->stage = CFL_SERVER_ARRIVED;
    wire->server_call = call;
    wire->counts = cfl_server_counts_of(line, method);
    CFL_COUNT(wire->counts, started, 1);
    wire->limits.idle_timeout_ms =
        server->options.idle_timeout_ms > 0 ? server->options.idle_timeout_ms : 0;
    wire->limits.message_bytes_max = server->options.message_bytes_max;
    if (method->id == CFLIGHT_METHOD_HANDSHAKE) {
        limit_handshake(server, wire);
    }
    if (method->id == CFLIGHT_METHOD_SERVICE) {
        limit_message(cfl_server_service_of(method), wire);
    }
    count(line, call);
    cfl_server_make_ready_locked(call);
    return CFLIGHT_OK;
}

static void on_call(void *user_data, struct cfl_grpc_call *grpc)
{
    struct cfl_connection *connection = user_data;
    struct cfl_server_connection *line = cfl_server_connection_of(connection);
    struct cflight_server *server = line->server;
    char message[256];
    const struct cfl_method *method = cfl_method_by_path(cfl_grpc_call_path(grpc));
    if (method == NULL) {
        method = cfl_server_find_service(server, cfl_grpc_call_path(grpc));
    }
    if (method == NULL) {
        (void)snprintf(message, sizeof message, "unknown method %.200s", cfl_grpc_call_path(grpc));
        refuse(line, NULL, grpc, CFL_REFUSAL_UNKNOWN_METHOD, CFLIGHT_UNIMPLEMENTED, message);
        return;
    }
    if (atomic_load(&server->is_draining)) {
        cfl_server_count_refused(line, method, CFL_REFUSAL_DRAINING, CFLIGHT_UNAVAILABLE);
        cfl_grpc_call_refuse(grpc); /* a client may try elsewhere: nothing was done */
        cfl_grpc_call_release(grpc);
        return;
    }
    if (is_too_much(line)) {
        (void)snprintf(message, sizeof message,
                       "the server is busy: as many calls run (%u) and wait (%u) as it allows; "
                       "try again later",
                       server->options.handlers_max, server->options.queue_max);
        CFL_COUNT(server->counts, limits[CFL_LIMIT_QUEUE], 1);
        refuse(line, method, grpc, CFL_REFUSAL_LIMIT, CFLIGHT_UNAVAILABLE, message);
        return;
    }
    uint64_t header_bytes = size_of(cfl_grpc_call_headers(grpc));
    if (!cfl_budget_take(&line->unknown, header_bytes)) {
        CFL_COUNT(server->counts, limits[CFL_LIMIT_UNREAD_BYTES], 1);
        refuse(line, method, grpc, CFL_REFUSAL_LIMIT, CFLIGHT_UNAVAILABLE,
               "the server holds as much for callers that it does not know yet as it may; try "
               "again later");
        return;
    }
    if (take_on(line, method, grpc, header_bytes) != CFLIGHT_OK) {
        cfl_budget_give_back(&line->unknown, header_bytes);
        refuse(line, method, grpc, CFL_REFUSAL_MEMORY, CFLIGHT_RESOURCE_EXHAUSTED,
               "the server is out of memory");
    }
}

static void on_refused(void *user_data, bool is_too_large)
{
    const struct cfl_connection *connection = user_data;
    struct cfl_server_connection *line = cfl_server_connection_of(connection);
    if (is_too_large) {
        CFL_COUNT(line->server->counts, limits[CFL_LIMIT_METADATA_BYTES], 1);
    }
    cfl_server_count_refused(line, NULL, is_too_large ? CFL_REFUSAL_LIMIT : CFL_REFUSAL_MALFORMED,
                             CFLIGHT_OK);
}

const struct cfl_grpc_conn_handlers cfl_server_intake = {
    .on_call = on_call,
    .on_refused = on_refused,
};
