/* SPDX-License-Identifier: Apache-2.0 */
/* What the gRPC session reports about a call: headers, messages, half-close, the end.
 *
 * All of it runs under the connection's lock. Flow control: a message's bytes are credited to the
 * peer when the user takes it. While a thread waits and nothing is complete, bytes are credited as
 * they arrive, so that a message may be larger than the window. */
#include <inttypes.h>

#include "base/error.h"
#include "base/log.h"
#include "flight/call/call_internal.h"
#include "flight/value/error_wire.h"

enum { RESTARTS_MAX = 3 };

static void stir_watch_locked(struct cfl_connection *connection, struct cfl_watch *watch)
{
    if (cfl_list_is_linked(&watch->base.node)) {
        cfl_list_remove(&watch->base.node);
        cfl_list_append(&connection->locked.stirred_watches, &watch->base.node);
    }
}

void cfl_call_stir_locked(struct cfl_call *call)
{
    cfl_connection_stir_locked(call->connection, &call->locked.awaitable);
    stir_watch_locked(call->connection, &call->inbound_watch);
    stir_watch_locked(call->connection, &call->sent_watch);
}

static void on_headers(void *user_data, struct cfl_grpc_call *grpc)
{
    struct cfl_call *call = user_data;
    (void)grpc;
    call->locked.has_answer = true;
    cfl_call_stir_locked(call);
}

void cfl_call_credit_arrived_locked(struct cfl_call *call)
{
    if (call->locked.wants_message && call->locked.inbox.message_count == 0) {
        uint64_t credit_bytes = cfl_inbox_take_credit(&call->locked.inbox);
        if (credit_bytes > 0) {
            cfl_grpc_call_consume(call->locked.grpc, (size_t)credit_bytes);
        }
    }
}

static cflight_status on_message_begin(void *user_data, struct cfl_grpc_call *grpc,
                                       uint32_t len_bytes, cflight_error **reterr)
{
    struct cfl_call *call = user_data;
    cflight_status status = CFLIGHT_OK;
    (void)grpc;
    call->locked.has_answer = true;
    cfl_call_stir_locked(call);
    if (call->limits.message_bytes_max > 0 && len_bytes > call->limits.message_bytes_max) {
        CFL_COUNT(call->connection->owner.counts, limits[CFL_LIMIT_MESSAGE_BYTES], 1);
        status =
            cfl_error_set_size_limit(reterr, "message", len_bytes, call->limits.message_bytes_max);
    } else {
        status = cfl_inbox_begin(&call->locked.inbox, len_bytes, reterr);
    }
    if (status != CFLIGHT_OK && reterr != NULL) {
        /* The session takes only the text along. */
        (void)cflight_error_size_limit(*reterr, &call->locked.refused_limit_bytes,
                                       &call->locked.refused_bytes);
    }
    return status;
}

static void place(void *user_data, struct cfl_grpc_call *grpc, uint8_t **ret_target,
                  size_t *ret_len_bytes, size_t *ret_hint_bytes)
{
    struct cfl_call *call = user_data;
    (void)grpc;
    cfl_inbox_place(&call->locked.inbox, ret_target, ret_len_bytes, ret_hint_bytes);
}

/* Half a window is enough for a handler to begin with: it takes what comes, so that a message may
 * be larger than the window. */
static bool has_come(const struct cfl_call *call, enum cfl_awaited awaited)
{
    const struct cfl_inbox *inbox = &call->locked.inbox;
    if (call->locked.is_over) {
        return true;
    }
    if (awaited == CFL_AWAITED_SENT) {
        return cfl_grpc_call_unsent_bytes(call->locked.grpc) == 0;
    }
    return awaited == CFL_AWAITED_MESSAGE &&
           (inbox->received_count > 0 || call->locked.is_half_closed ||
            inbox->credit_bytes >= call->connection->limits.stream_window_bytes / 2);
}

bool cfl_call_await_locked(struct cfl_call *call, enum cfl_awaited awaited)
{
    bool is_there = has_come(call, awaited);
    call->locked.awaited = is_there ? CFL_AWAITED_NOTHING : awaited;
    return !is_there;
}

static void look_locked(struct cfl_call *call)
{
    if (call->locked.awaited != CFL_AWAITED_NOTHING && has_come(call, call->locked.awaited)) {
        call->locked.awaited = CFL_AWAITED_NOTHING;
        call->connection->owner.on_ready(call->connection->owner.user_data, call);
    }
}

/* UNAVAILABLE is what an inbox says whose budget is used up. */
static void count_full_budget(const struct cfl_call *call, cflight_status status)
{
    if (status == CFLIGHT_UNAVAILABLE) {
        CFL_COUNT(call->connection->owner.counts, limits[CFL_LIMIT_UNREAD_BYTES], 1);
    }
}

static cflight_status on_message_bytes(void *user_data, struct cfl_grpc_call *grpc,
                                       const uint8_t *data, size_t len_bytes,
                                       cflight_error **reterr)
{
    struct cfl_call *call = user_data;
    (void)grpc;
    cflight_status status = cfl_inbox_feed(&call->locked.inbox, data, len_bytes, reterr);
    if (status == CFLIGHT_OK) {
        cfl_call_credit_arrived_locked(call);
        look_locked(call);
    }
    count_full_budget(call, status);
    return status;
}

/* Unpacked bytes count as received ones do, and before memory is taken for them. */
static cflight_status on_unpacking(void *user_data, struct cfl_grpc_call *grpc, size_t more_bytes,
                                   uint64_t so_far_bytes, cflight_error **reterr)
{
    struct cfl_call *call = user_data;
    (void)grpc;
    if (call->limits.message_bytes_max > 0 && so_far_bytes > call->limits.message_bytes_max) {
        CFL_COUNT(call->connection->owner.counts, limits[CFL_LIMIT_MESSAGE_BYTES], 1);
        return cfl_error_set_size_limit(reterr, "an unpacked message", so_far_bytes,
                                        call->limits.message_bytes_max);
    }
    cflight_status status = cfl_inbox_lend(&call->locked.inbox, more_bytes, reterr);
    count_full_budget(call, status);
    return status;
}

static void on_unpacked(void *user_data, struct cfl_grpc_call *grpc)
{
    struct cfl_call *call = user_data;
    (void)grpc;
    cfl_inbox_return_lent(&call->locked.inbox);
}

static cflight_status on_message_end(void *user_data, struct cfl_grpc_call *grpc,
                                     cflight_error **reterr)
{
    struct cfl_call *call = user_data;
    (void)grpc;
    call->locked.inbox.shares = call->connection->locked.shares;
    call->locked.inbox.shared_bytes_max = call->limits.message_bytes_max;
    cflight_status status = cfl_inbox_end(&call->locked.inbox, reterr);
    if (status != CFLIGHT_OK) {
        count_full_budget(call, status);
        return status;
    }
    CFL_COUNT(call->counts, messages_received, 1);
    CFL_COUNT(call->counts, bytes_received, call->locked.inbox.current_len_bytes);
    call->locked.wants_message = false;
    bool is_stream =
        call->connection->is_server ? call->method->client_streams : call->method->server_streams;
    if (!is_stream && call->locked.inbox.received_count > 1) {
        return cflight_error_set(reterr, CFLIGHT_INTERNAL,
                                 "%s takes one message; a second one came", call->method->name);
    }
    cfl_call_stir_locked(call);
    look_locked(call);
    return CFLIGHT_OK;
}

static void on_half_close(void *user_data, struct cfl_grpc_call *grpc)
{
    struct cfl_call *call = user_data;
    (void)grpc;
    call->locked.is_half_closed = true;
    cfl_call_stir_locked(call);
    look_locked(call);
}

static void on_sent(void *user_data, struct cfl_grpc_call *grpc)
{
    (void)grpc;
    cfl_call_stir_locked(user_data);
    look_locked(user_data);
}

/* Whoever noticed first, this side, the session or the server: it was the call's own total limit.
 */
static bool ran_out_of_time(const struct cfl_call *call)
{
    return !call->connection->is_server && call->locked.status == CFLIGHT_DEADLINE_EXCEEDED &&
           cfl_clock_now_ns(NULL) >= call->limits.deadline_ns;
}

static void note_failure_locked(struct cfl_call *call, struct cfl_grpc_call *grpc)
{
    cflight_error *error = NULL;
    if (ran_out_of_time(call)) {
        (void)cflight_error_set(&error, CFLIGHT_DEADLINE_EXCEEDED,
                                "%s took longer than its total limit of %" PRId64 " ms",
                                call->method->name, call->limits.timeout_ms);
        cflight_error_set_flight_code(error, CFLIGHT_FLIGHT_CODE_TIMED_OUT);
    } else if (cfl_grpc_call_status_is_from_peer(grpc)) {
        (void)cfl_error_from_peer(call->locked.status, cfl_grpc_call_message(grpc),
                                  cfl_grpc_call_trailers(grpc), cfl_grpc_call_headers(grpc),
                                  &error);
    } else {
        (void)cflight_error_set_message(&error, call->locked.status, cfl_grpc_call_message(grpc));
        cflight_error_set_flight_code(error, cfl_flight_code_of(call->locked.status));
    }
    if (call->locked.refused_bytes > 0) {
        cfl_error_set_size_numbers(error, call->locked.refused_limit_bytes,
                                   call->locked.refused_bytes);
    }
    cfl_error_set_operation(error, call->method->name);
    cfl_error_set_peer(error, cfl_transport_peer(call->connection->transport)->name);
    enum cflight_retry retry = cfl_grpc_call_retry(grpc);
    if (retry == CFLIGHT_RETRY_NEVER && call->locked.status == CFLIGHT_UNAVAILABLE) {
        retry = CFLIGHT_RETRY_UNSAFE; /* the server says that trying again may help, not that it did
                                         nothing */
    }
    cfl_error_set_retry(error, retry);
    cflight_error_free(call->locked.error);
    call->locked.error = error;
}

/* Whether the end is to be answered by sending the request again: the server certainly did not
 * process it. That is known when the stream was refused, when it lies above the id of a GOAWAY, and
 * when the connection broke before any of it was written (RFC 9113, sections 6.8 and 8.7). Calls
 * with a stream of requests are not sent again: parts of the stream are gone. */
static bool can_restart_locked(const struct cfl_call *call, const struct cfl_grpc_call *grpc)
{
    return !call->connection->is_server && !call->method->client_streams &&
           call->locked.restart_count < RESTARTS_MAX && !call->locked.has_answer &&
           !call->locked.is_cancelled_here && cfl_grpc_call_status(grpc) != CFLIGHT_OK &&
           cfl_grpc_call_retry(grpc) == CFLIGHT_RETRY_SAFE;
}

static bool is_awaited(void *user_data, uint32_t stream_id)
{
    return cfl_grpc_awaits_stream(user_data, stream_id);
}

static void on_end(void *user_data, struct cfl_grpc_call *grpc)
{
    struct cfl_call *call = user_data;
    bool is_server = call->connection->is_server;
    cfl_call_stir_locked(call);
    if (call->connection->locked.shares != NULL) {
        cfl_shares_drop_dead(call->connection->locked.shares, is_awaited,
                             call->connection->locked.grpc);
    }
    if (can_restart_locked(call, grpc)) {
        CFL_LOG(CFLIGHT_LOG_DEBUG, "flight", "%s: %s is sent again: %s",
                cfl_transport_peer(call->connection->transport)->name, call->method->name,
                cfl_grpc_call_message(grpc));
        call->locked.needs_connection = true;
        call->locked.restart_count++;
        return;
    }
    call->locked.is_over = true;
    call->locked.has_answer = true;
    call->locked.is_cancelled = is_server && cfl_grpc_call_is_cancelled(grpc);
    call->locked.was_cut = is_server && cfl_grpc_call_was_cut(grpc);
    call->locked.status = cfl_grpc_call_status(grpc);
    if (is_server && call->locked.is_cancelled && call->locked.status == CFLIGHT_OK) {
        call->locked.status = CFLIGHT_CANCELLED;
    }
    if (call->locked.status != CFLIGHT_OK && (!is_server || call->locked.is_cancelled)) {
        note_failure_locked(call, grpc);
    }
    if (call->locked.is_cancelled) {
        call->connection->owner.on_cancelled(call->connection->owner.user_data, call);
    }
    look_locked(call);
}

static const struct cfl_grpc_call_handlers HANDLERS = {
    .on_headers = on_headers,
    .on_message_begin = on_message_begin,
    .place = place,
    .on_message_bytes = on_message_bytes,
    .on_unpacking = on_unpacking,
    .on_unpacked = on_unpacked,
    .on_message_end = on_message_end,
    .on_half_close = on_half_close,
    .on_sent = on_sent,
    .on_end = on_end,
};

const struct cfl_grpc_call_handlers *cfl_call_handlers(void)
{
    return &HANDLERS;
}
