/* SPDX-License-Identifier: Apache-2.0 */
/* Sending: response headers, messages, half-close, and the status that ends a server's call. Thread
 * class: one writer at a time. */
#include "base/error.h"
#include "flight/call/call_internal.h"

enum { QUEUED_BYTES_MAX = 64 << 10 /* of small messages, before their writer waits */ };

cflight_status cfl_call_send_headers_locked(struct cfl_call *call, cflight_error **reterr)
{
    if (!call->connection->is_server || call->locked.headers_are_sent || call->locked.is_over) {
        return CFLIGHT_OK;
    }
    call->locked.headers_are_sent = true;
    return cfl_grpc_call_send_headers(call->locked.grpc, call->response_headers, reterr);
}

static bool is_sent(void *user_data)
{
    struct cfl_call *call = user_data;
    return call->locked.is_over || cfl_grpc_call_unsent_bytes(call->locked.grpc) == 0;
}

/* Sent, or copied to be sent soon. */
static bool is_let_go(struct cfl_call *call)
{
    return call->locked.is_over ||
           cfl_grpc_call_unsent_bytes(call->locked.grpc) <= cfl_call_held_back_locked(call);
}

/* Why a message cannot be sent any more. */
static cflight_status write_failure_locked(struct cfl_call *call, cflight_error **reterr)
{
    if (call->locked.status != CFLIGHT_OK) {
        return cfl_call_failure_locked(call, reterr);
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
    cflight_status status = cfl_check_process(call->pid, reterr);
    bool is_held_back = false;
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_connection_lock(call->connection);
    if (call->locked.is_over) {
        status = write_failure_locked(call, reterr);
        goto done;
    }
    if (call->locked.sent_count == 0) {
        call->locked.received_before_sent = call->locked.inbox.received_count;
    }
    status = cfl_call_send_headers_locked(call, reterr);
    if (status == CFLIGHT_OK && body != NULL) {
        status = cfl_call_post_batch_locked(call, head, body, &is_held_back, reterr);
    } else if (status == CFLIGHT_OK) {
        status = cfl_grpc_call_send(call->locked.grpc, head, NULL, reterr);
    }
    if (status != CFLIGHT_OK) {
        goto done;
    }
    uint64_t len_bytes = head.len_bytes + (body == NULL ? 0 : body->len_bytes);
    call->locked.sent_count++;
    call->locked.sent_bytes += len_bytes;
    CFL_COUNT(call->counts, messages_sent, 1);
    CFL_COUNT(call->counts, bytes_sent, len_bytes);
    if (body != NULL) {
        cfl_copy_count_sent(body->len_bytes, is_held_back ? body->len_bytes : 0);
    }
    call->connection->locked.held_bytes += len_bytes;
    if (!is_held_back) {
        cfl_connection_kick_locked(call->connection);
    }
done:
    cfl_connection_unlock(call->connection);
    cfl_call_observe(call);
    return status;
}

struct cfl_shares *cfl_call_shares(struct cfl_call *call, uint32_t *ret_stream_id)
{
    struct cfl_shares *shares = NULL;
    if (!cfl_call_is_ours(call)) {
        return NULL;
    }
    cfl_connection_lock(call->connection);
    if (!call->locked.is_over && call->locked.grpc != NULL) {
        shares = cfl_shares_ref(call->connection->locked.shares);
        *ret_stream_id = cfl_grpc_call_stream_id(call->locked.grpc);
    }
    cfl_connection_unlock(call->connection);
    return shares;
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
    cflight_status status = cfl_check_process(call->pid, reterr);
    *ret_is_sent = true;
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_connection_lock(call->connection);
    *ret_is_sent = is_let_go(call);
    status = sent_status_locked(call, reterr);
    cfl_connection_unlock(call->connection);
    return status;
}

void cfl_call_count_stall_locked(struct cfl_call *call)
{
    if (call->counts == NULL) {
        return;
    }
    if (cfl_grpc_call_is_window_full(call->locked.grpc)) {
        CFL_COUNT(call->counts, window_stalls, 1);
    } else {
        CFL_COUNT(call->counts, socket_stalls, 1);
    }
}

cflight_status cfl_call_wait_sent(struct cfl_call *call, cflight_error **reterr)
{
    cflight_status status = cfl_check_process(call->pid, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_connection_lock(call->connection);
    if (!is_sent(call)) {
        cfl_connection_flush_locked(call->connection);
    }
    if (!is_sent(call)) {
        cfl_call_count_stall_locked(call);
        (void)cfl_call_wait_locked(call, is_sent, true, CFL_TIME_NEVER);
    }
    status = sent_status_locked(call, reterr);
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
    cflight_status status = cfl_check_process(call->pid, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
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
            (void)cfl_call_send_headers_locked(call,
                                               NULL); /* else the reply may be Trailers-Only */
        }
        cfl_grpc_call_finish(call->locked.grpc, status, message, trailers);
    }
    cfl_connection_kick_locked(call->connection);
    cfl_connection_unlock(call->connection);
}
