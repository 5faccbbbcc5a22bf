/* SPDX-License-Identifier: Apache-2.0 */
/* One RPC.
 *
 * The gRPC session's callbacks, under the connection's lock, fill the inbox and note the end; the
 * user's threads wait for either. A call has one failure: the first that is noted, whoever caused
 * it, and every later operation returns it.
 *
 * Flow control: a message's bytes are credited to the peer when the user takes it. While a thread
 * waits and nothing is complete, bytes are credited as they arrive, so that a message may be larger
 * than the window. */
#include "flight/call/call.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "flight/call/cancel.h"
#include "flight/value/error_wire.h"

enum { QUEUED_BYTES_MAX = 64 << 10 /* of small messages, before their writer waits */ };

/* ---- what the session reports; under the lock ---- */

static void on_headers(void *user_data, struct cfl_grpc_call *grpc)
{
    struct cfl_call *call = user_data;
    (void)grpc;
    call->locked.has_answer = true;
}

static void credit_arrived_locked(struct cfl_call *call)
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
    (void)grpc;
    call->locked.has_answer = true;
    if (call->limits.message_bytes_max > 0 && len_bytes > call->limits.message_bytes_max) {
        return cfl_error_set_size_limit(reterr, "message", len_bytes,
                                        call->limits.message_bytes_max);
    }
    return cfl_inbox_begin(&call->locked.inbox, len_bytes, reterr);
}

static void place(void *user_data, struct cfl_grpc_call *grpc, uint8_t **ret_target,
                  size_t *ret_len_bytes, size_t *ret_hint_bytes)
{
    struct cfl_call *call = user_data;
    (void)grpc;
    cfl_inbox_place(&call->locked.inbox, ret_target, ret_len_bytes, ret_hint_bytes);
}

/* A server's call is handed to a handler when its first message is there, or half a window of it,
 * or when none will come; a handshake at once; one that ended before, to be cleaned up. So a caller
 * whom nobody has identified yet cannot make the server keep more than a window. */
static void offer_locked(struct cfl_call *call)
{
    if (call->connection->is_server && !call->locked.is_dispatched) {
        call->locked.is_dispatched = true;
        cfl_list_append(&call->connection->locked.fresh, &call->fresh_node);
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
        credit_arrived_locked(call);
        if (call->locked.inbox.credit_bytes >= call->connection->limits.stream_window_bytes / 2) {
            offer_locked(call);
        }
    }
    return status;
}

static cflight_status on_message_end(void *user_data, struct cfl_grpc_call *grpc,
                                     cflight_error **reterr)
{
    struct cfl_call *call = user_data;
    (void)grpc;
    cflight_status status = cfl_inbox_end(&call->locked.inbox, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    call->locked.wants_message = false;
    bool is_stream =
        call->connection->is_server ? call->method->client_streams : call->method->server_streams;
    if (!is_stream && call->locked.inbox.received_count > 1) {
        return cflight_error_set(reterr, CFLIGHT_INTERNAL,
                                 "%s takes one message; a second one came", call->method->name);
    }
    offer_locked(call);
    return CFLIGHT_OK;
}

static void on_half_close(void *user_data, struct cfl_grpc_call *grpc)
{
    struct cfl_call *call = user_data;
    (void)grpc;
    call->locked.is_half_closed = true;
    offer_locked(call);
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

static void on_end(void *user_data, struct cfl_grpc_call *grpc)
{
    struct cfl_call *call = user_data;
    bool is_server = call->connection->is_server;
    call->locked.is_over = true;
    call->locked.has_answer = true;
    call->locked.is_cancelled = is_server && cfl_grpc_call_is_cancelled(grpc);
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
    offer_locked(call);
}

static const struct cfl_grpc_call_handlers HANDLERS = {
    .on_headers = on_headers,
    .on_message_begin = on_message_begin,
    .place = place,
    .on_message_bytes = on_message_bytes,
    .on_message_end = on_message_end,
    .on_half_close = on_half_close,
    .on_end = on_end,
};

/* ---- life ---- */

static struct cfl_call *call_new(struct cfl_connection *connection, const struct cfl_method *method)
{
    struct cfl_call *call = cfl_alloc_zeroed(connection->alloc, sizeof *call);
    if (call == NULL) {
        return NULL;
    }
    cfl_refcount_init(&call->refs);
    call->alloc = connection->alloc;
    call->method = method;
    call->connection = cfl_connection_ref(connection);
    call->started_ns = cfl_clock_now_ns(NULL);
    call->limits.deadline_ns = CFL_TIME_NEVER;
    call->limits.first_byte_ns = CFL_TIME_NEVER;
    call->locked.wants_message = !connection->is_server; /* a server's handler has to ask */
    cfl_inbox_init(&call->locked.inbox, connection->alloc, connection->pool, &connection->limits,
                   connection->is_server ? method->request_is_flight_data
                                         : method->response_is_flight_data);
    return call;
}

cflight_status cfl_call_start_locked(struct cfl_connection *connection,
                                     const struct cfl_method *method,
                                     const struct cfl_grpc_call_params *params,
                                     const struct cfl_call_limits *limits,
                                     const struct cflight_bytes *message,
                                     struct cfl_call **ret_call, cflight_error **reterr)
{
    struct cfl_call *call = call_new(connection, method);
    if (call == NULL) {
        return cfl_error_no_memory(reterr);
    }
    call->limits = *limits;
    cflight_status status = cfl_grpc_call_start(connection->locked.grpc, params, &HANDLERS, call,
                                                &call->locked.grpc, reterr);
    if (status == CFLIGHT_OK && message != NULL) {
        status = cfl_grpc_call_send(call->locked.grpc, *message, NULL, reterr);
    }
    if (status == CFLIGHT_OK && !method->client_streams) {
        status = cfl_grpc_call_half_close(call->locked.grpc, reterr);
    }
    if (status != CFLIGHT_OK) {
        if (call->locked.grpc != NULL) {
            cfl_grpc_call_release(call->locked.grpc);
            call->locked.grpc = NULL;
        }
        cfl_inbox_done(&call->locked.inbox);
        cfl_connection_unref(connection); /* not the last one: the caller holds the lock */
        cfl_free(call->alloc, call, sizeof *call);
        return status;
    }
    call->locked.sent_count = message == NULL ? 0 : 1;
    call->locked.sent_bytes = message == NULL ? 0 : message->len_bytes;
    *ret_call = call;
    return CFLIGHT_OK;
}

cflight_status cfl_call_accept_locked(struct cfl_connection *connection,
                                      const struct cfl_method *method, struct cfl_grpc_call *grpc,
                                      struct cfl_call **ret_call, cflight_error **reterr)
{
    struct cfl_call *call = call_new(connection, method);
    if (call == NULL) {
        return cfl_error_no_memory(reterr);
    }
    call->locked.grpc = grpc;
    call->limits.deadline_ns = cfl_grpc_call_deadline_ns(grpc);
    cfl_grpc_call_accept(grpc, &HANDLERS, call);
    if (method->id == CFLIGHT_METHOD_HANDSHAKE) {
        offer_locked(call);
    }
    *ret_call = call;
    return CFLIGHT_OK;
}

struct cfl_call *cfl_call_ref(struct cfl_call *call)
{
    cfl_refcount_up(&call->refs);
    return call;
}

void cfl_call_unref(struct cfl_call *call)
{
    if (call == NULL || !cfl_refcount_down(&call->refs)) {
        return;
    }
    struct cfl_connection *connection = call->connection;
    if (call->cancel != NULL) {
        cfl_cancel_unregister(call->cancel, call);
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
            cfl_connection_kick_locked(connection); /* the reset */
        }
    }
    cfl_connection_unlock(connection);
    cfl_inbox_done(&call->locked.inbox);
    cflight_error_free(call->locked.error);
    cfl_free(call->alloc, call, sizeof *call);
    cfl_connection_unref(connection);
}

void cfl_call_watch_cancel(struct cfl_call *call, cflight_cancel *cancel)
{
    if (cancel != NULL) {
        call->cancel = cflight_cancel_ref(cancel);
        cfl_cancel_register(cancel, call);
    }
}

/* ---- ends ---- */

/* The call's failure, copied for the caller. */
static cflight_status failure_locked(struct cfl_call *call, cflight_error **reterr)
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

static void cancel_locked(struct cfl_call *call, cflight_status status, const char *message)
{
    if (!call->locked.is_over) {
        call->locked.is_cancelled_here = true;
        cfl_grpc_call_cancel(call->locked.grpc, status, message);
    }
}

void cfl_call_cancel(struct cfl_call *call, cflight_status status, const char *message)
{
    cfl_connection_lock(call->connection);
    cancel_locked(call, status, message);
    cfl_connection_kick_locked(call->connection);
    cfl_connection_unlock(call->connection);
}

/* A wait ran into a limit: says which, and ends the call. */
void cfl_call_expire_locked(struct cfl_call *call, int64_t now_ns, bool is_write)
{
    char message[160];
    if (now_ns >= call->limits.deadline_ns) {
        (void)snprintf(message, sizeof message, "the call's deadline passed");
    } else if (now_ns >= call->limits.first_byte_ns && !call->locked.has_answer) {
        (void)snprintf(message, sizeof message,
                       "%s: no answer within the first-byte limit of %" PRId64 " ms",
                       call->method->name, call->limits.first_byte_timeout_ms);
    } else {
        (void)snprintf(
            message, sizeof message, "%s: %s for longer than the idle limit of %" PRId64 " ms",
            call->method->name, is_write ? "the peer took nothing" : "the peer sent nothing",
            call->limits.idle_timeout_ms);
    }
    cancel_locked(call, CFLIGHT_DEADLINE_EXCEEDED, message);
    cfl_connection_kick_locked(call->connection);
}

/* What moves when the call is not idle. */
uint64_t cfl_call_progress_locked(const struct cfl_call *call, bool is_write)
{
    return is_write ? cfl_grpc_call_unsent_bytes(call->locked.grpc)
                    : call->locked.inbox.received_bytes;
}

/* Waits under the call's limits, and `timeout_ns` when that is not negative; false means only that
 * the latter passed. A limit of the call ends the call, and so the wait. */
static bool wait_locked(struct cfl_call *call, bool (*is_done)(void *user_data), bool is_write,
                        int64_t timeout_ns)
{
    int64_t own_ns = cfl_deadline_after_ns(cfl_clock_now_ns(NULL), timeout_ns);
    for (;;) {
        uint64_t progress_before = cfl_call_progress_locked(call, is_write);
        int64_t now_ns = cfl_clock_now_ns(NULL);
        int64_t idle_ns = call->limits.idle_timeout_ms > 0
                              ? cfl_deadline_after_ms(now_ns, call->limits.idle_timeout_ms)
                              : CFL_TIME_NEVER;
        int64_t limit_ns = cfl_deadline_earlier(call->limits.deadline_ns, idle_ns);
        if (!call->locked.has_answer && !is_write) {
            limit_ns = cfl_deadline_earlier(limit_ns, call->limits.first_byte_ns);
        }
        if (cfl_connection_wait_locked(call->connection, is_done, call,
                                       cfl_deadline_earlier(own_ns, limit_ns))) {
            return true;
        }
        now_ns = cfl_clock_now_ns(NULL);
        if (now_ns >= own_ns) {
            return false;
        }
        bool is_idle = cfl_call_progress_locked(call, is_write) == progress_before;
        if (!call->locked.is_over && (is_idle || now_ns >= call->limits.deadline_ns)) {
            cfl_call_expire_locked(call, now_ns, is_write);
        }
    }
}

/* Server: response headers go out before the first message, and before a wait that may depend on
 * them. */
static cflight_status send_headers_locked(struct cfl_call *call, cflight_error **reterr)
{
    if (!call->connection->is_server || call->locked.headers_are_sent || call->locked.is_over) {
        return CFLIGHT_OK;
    }
    call->locked.headers_are_sent = true;
    return cfl_grpc_call_send_headers(call->locked.grpc, call->response_headers, reterr);
}

/* ---- receiving ---- */

static bool has_inbound(void *user_data)
{
    struct cfl_call *call = user_data;
    return call->locked.inbox.message_count > 0 || call->locked.is_over ||
           call->locked.is_half_closed;
}

static bool has_answer(void *user_data)
{
    struct cfl_call *call = user_data;
    return call->locked.has_answer || call->locked.is_over;
}

static bool has_message_or_end(void *user_data)
{
    struct cfl_call *call = user_data;
    return call->locked.is_over || call->locked.inbox.message_count > 0;
}

bool cfl_call_has_inbound_locked(struct cfl_call *call)
{
    return has_inbound(call);
}

void cfl_call_want_message_locked(struct cfl_call *call, bool wants)
{
    call->locked.wants_message = wants;
    if (wants && !call->locked.is_over) {
        credit_arrived_locked(call);
    }
}

static bool wait_inbound_locked(struct cfl_call *call, bool (*is_done)(void *user_data),
                                int64_t timeout_ns)
{
    if (is_done(call)) {
        return true;
    }
    cfl_call_want_message_locked(call, true);
    if (call->method->request_is_flight_data) {
        /* Some clients hold their data back until the server has answered with headers. */
        (void)send_headers_locked(call, NULL);
    }
    bool is_ready = wait_locked(call, is_done, false, timeout_ns);
    call->locked.wants_message = call->inbound_watch.on_ready != NULL;
    return is_ready;
}

static cflight_status take_locked(struct cfl_call *call, struct cfl_message *ret_message,
                                  cflight_error **reterr)
{
    cflight_status status = cfl_inbox_take(&call->locked.inbox, ret_message, reterr);
    if (status != CFLIGHT_OK) {
        cancel_locked(call, status, "a message could not be read");
        return status;
    }
    if (!call->locked.is_over && ret_message->credit_bytes > 0) {
        cfl_grpc_call_consume(call->locked.grpc, (size_t)ret_message->credit_bytes);
        if (cfl_grpc_wants_output(call->connection->locked.grpc)) {
            cfl_connection_kick_locked(
                call->connection); /* the peer goes on while this message is worked on */
        }
    }
    return CFLIGHT_OK;
}

/* A client that has sent everything may go away without waiting for the status (some do, once they
 * have the headers). What it sent is whole then and is read to its end, although the call is
 * cancelled. */
static bool has_sent_everything(const struct cfl_call *call)
{
    return call->locked.is_half_closed && !call->locked.is_cancelled_here;
}

cflight_status cfl_call_receive(struct cfl_call *call, int64_t timeout_ns, bool *ret_is_ready,
                                bool *ret_has_message, struct cfl_message *ret_message,
                                cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    *ret_has_message = false;
    cfl_connection_lock(call->connection);
    bool is_ready = wait_inbound_locked(call, has_inbound, timeout_ns);
    if (is_ready && call->locked.inbox.message_count > 0) {
        status = take_locked(call, ret_message, reterr);
        *ret_has_message = status == CFLIGHT_OK;
    } else if (is_ready && call->locked.is_over && call->locked.status != CFLIGHT_OK &&
               !has_sent_everything(call)) {
        status = failure_locked(call, reterr);
    }
    cfl_connection_unlock(call->connection);
    cfl_call_observe(call);
    if (ret_is_ready != NULL) {
        *ret_is_ready = is_ready;
    }
    return status;
}

/* Waits without taking anything. */
static cflight_status wait_until(struct cfl_call *call, bool (*is_done)(void *user_data),
                                 cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    cfl_connection_lock(call->connection);
    (void)wait_inbound_locked(call, is_done, -1);
    if (call->locked.is_over && call->locked.inbox.message_count == 0 &&
        call->locked.status != CFLIGHT_OK) {
        status = failure_locked(call, reterr);
    }
    cfl_connection_unlock(call->connection);
    cfl_call_observe(call);
    return status;
}

cflight_status cfl_call_wait_answer(struct cfl_call *call, cflight_error **reterr)
{
    return wait_until(call, has_answer, reterr);
}

cflight_status cfl_call_wait_message(struct cfl_call *call, cflight_error **reterr)
{
    return wait_until(call, has_message_or_end, reterr);
}

cflight_status cfl_call_finish_reading(struct cfl_call *call, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    cfl_connection_lock(call->connection);
    for (;;) {
        (void)wait_inbound_locked(call, has_message_or_end, -1);
        if (call->locked.inbox.message_count == 0) {
            break;
        }
        struct cfl_message message = {0};
        if (take_locked(call, &message, NULL) == CFLIGHT_OK) {
            cfl_message_done(&message);
        }
    }
    if (call->locked.status != CFLIGHT_OK) {
        status = failure_locked(call, reterr);
    }
    cfl_connection_unlock(call->connection);
    cfl_call_observe(call);
    return status;
}

/* ---- sending ---- */

static bool is_sent(void *user_data)
{
    struct cfl_call *call = user_data;
    return call->locked.is_over || cfl_grpc_call_unsent_bytes(call->locked.grpc) == 0;
}

/* Why a message cannot be sent any more. */
static cflight_status write_failure_locked(struct cfl_call *call, cflight_error **reterr)
{
    if (call->locked.status != CFLIGHT_OK) {
        return failure_locked(call, reterr);
    }
    return cflight_error_set(
        reterr, call->connection->is_server ? CFLIGHT_CANCELLED : CFLIGHT_ABORTED,
        "%s: the peer ended the call before everything was sent", call->method->name);
}

bool cfl_call_has_sent_locked(struct cfl_call *call)
{
    return is_sent(call);
}

cflight_status cfl_call_post(struct cfl_call *call, struct cflight_bytes head,
                             const struct cfl_pieces *body, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    cfl_connection_lock(call->connection);
    if (call->locked.is_over) {
        status = write_failure_locked(call, reterr);
        goto done;
    }
    status = send_headers_locked(call, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_grpc_call_send(call->locked.grpc, head, body, reterr);
    }
    if (status != CFLIGHT_OK) {
        goto done;
    }
    call->locked.sent_count++;
    call->locked.sent_bytes += head.len_bytes + (body == NULL ? 0 : body->len_bytes);
    if (body != NULL) {
        cfl_copy_count_sent(body->len_bytes, 0);
    }
    cfl_connection_kick_locked(call->connection);
done:
    cfl_connection_unlock(call->connection);
    cfl_call_observe(call);
    return status;
}

/* The outcome of what was posted, once nothing more is to be waited for. */
static cflight_status sent_status_locked(struct cfl_call *call, cflight_error **reterr)
{
    if (call->locked.is_over && call->locked.status != CFLIGHT_OK) {
        return write_failure_locked(call, reterr);
    }
    return CFLIGHT_OK;
}

cflight_status cfl_call_is_sent(struct cfl_call *call, bool *ret_is_sent, cflight_error **reterr)
{
    cfl_connection_lock(call->connection);
    *ret_is_sent = is_sent(call);
    cflight_status status = sent_status_locked(call, reterr);
    cfl_connection_unlock(call->connection);
    return status;
}

cflight_status cfl_call_wait_sent(struct cfl_call *call, cflight_error **reterr)
{
    cfl_connection_lock(call->connection);
    if (!is_sent(call)) {
        (void)wait_locked(call, is_sent, true, -1);
    }
    cflight_status status = sent_status_locked(call, reterr);
    cfl_connection_unlock(call->connection);
    cfl_call_observe(call);
    return status;
}

cflight_status cfl_call_send(struct cfl_call *call, struct cflight_bytes message,
                             cflight_error **reterr)
{
    cflight_status status = cfl_call_post(call, message, NULL, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_connection_lock(call->connection);
    bool is_much = cfl_grpc_call_unsent_bytes(call->locked.grpc) > QUEUED_BYTES_MAX;
    cfl_connection_unlock(call->connection);
    return is_much ? cfl_call_wait_sent(call, reterr) : CFLIGHT_OK;
}

cflight_status cfl_call_half_close(struct cfl_call *call, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    cfl_connection_lock(call->connection);
    if (!call->locked.is_over) {
        status = cfl_grpc_call_half_close(call->locked.grpc, reterr);
        cfl_connection_kick_locked(call->connection);
    }
    cfl_connection_unlock(call->connection);
    return status;
}

void cfl_call_finish(struct cfl_call *call, cflight_status status, const char *message,
                     const struct cfl_metadata *trailers)
{
    cfl_connection_lock(call->connection);
    if (!call->locked.is_over) {
        if (call->response_headers != NULL && call->response_headers->count > 0) {
            (void)send_headers_locked(call, NULL); /* else the reply may be Trailers-Only */
        }
        cfl_grpc_call_finish(call->locked.grpc, status, message, trailers);
    }
    cfl_connection_kick_locked(call->connection);
    cfl_connection_unlock(call->connection);
}

bool cfl_call_is_cancelled(struct cfl_call *call)
{
    cfl_connection_lock(call->connection);
    bool is_cancelled = call->locked.is_cancelled;
    cfl_connection_unlock(call->connection);
    return is_cancelled;
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
