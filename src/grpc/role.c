/* SPDX-License-Identifier: Apache-2.0 */
/* What depends on the role of a connection: which part hears what HTTP/2 reports, and how this side
 * ends a call: a client resets its stream, a server sends a status while it can. Thread class: one
 * at a time. */
#include <string.h>

#include "base/error.h"
#include "grpc/internal.h"

static void abort_call(struct cfl_grpc_call *call, cflight_status status, const char *message)
{
    if (call->conn->role == CFL_GRPC_CLIENT) {
        cfl_grpc_client_abort(call, status, message);
    } else {
        cfl_grpc_server_abort(call, status, message);
    }
}

static void on_headers(void *user_data, struct cfl_h2_stream *stream,
                       const struct cfl_h2_field *fields, size_t field_count, bool is_end_stream,
                       bool is_too_large)
{
    struct cfl_grpc_conn *conn = user_data;
    struct cfl_grpc_call *call = cfl_grpc_call_of(stream);
    conn->eager_ping_count = 0;
    if (conn->role == CFL_GRPC_CLIENT) {
        if (call != NULL) {
            call->moved_ns = is_end_stream ? call->moved_ns : conn->last_received_ns;
            cfl_grpc_client_headers(call, fields, field_count, is_end_stream, is_too_large);
        }
        return;
    }
    /* At a server a second block is trailers of the request, which mean nothing. */
    if (cfl_h2_stream_user_data(stream) == NULL) {
        cfl_grpc_server_request(conn, stream, fields, field_count, is_too_large);
    }
}

static void on_data(void *user_data, struct cfl_h2_stream *stream, const uint8_t *data,
                    size_t len_bytes)
{
    struct cfl_grpc_conn *conn = user_data;
    struct cfl_grpc_call *call = cfl_grpc_call_of(stream);
    conn->eager_ping_count = 0;
    if (call == NULL || call->is_finished) {
        cfl_h2_stream_consume(stream, len_bytes);
        return;
    }
    call->moved_ns = conn->last_received_ns;
    if (call->conn->role == CFL_GRPC_CLIENT && !call->has_headers) {
        cfl_grpc_client_abort(call, CFLIGHT_INTERNAL,
                              "the server sent a message before its headers");
        return;
    }
    cflight_error *error = NULL;
    cfl_grpc_call_hold(call);
    cflight_status status = cfl_grpc_deframe(call, data, len_bytes, &error);
    if (status != CFLIGHT_OK && !cfl_grpc_call_is_dead(call)) {
        abort_call(call, status, cflight_error_message(error));
    }
    cfl_grpc_call_unhold(call);
    cflight_error_free(error);
}

static void on_end_stream(void *user_data, struct cfl_h2_stream *stream)
{
    struct cfl_grpc_conn *conn = user_data;
    struct cfl_grpc_call *call = cfl_grpc_call_of(stream);
    if (call == NULL) {
        return;
    }
    if (conn->role == CFL_GRPC_CLIENT) {
        cfl_grpc_client_end_stream(call);
    } else {
        cfl_grpc_server_end_stream(call);
    }
}

static void on_sent(void *user_data, struct cfl_h2_stream *stream)
{
    struct cfl_grpc_call *call = cfl_grpc_call_of(stream);
    (void)user_data;
    if (call != NULL && call->handlers.on_sent != NULL) {
        cfl_grpc_call_hold(call);
        call->handlers.on_sent(call->user_data, call);
        cfl_grpc_call_unhold(call);
    }
}

static void on_close(void *user_data, struct cfl_h2_stream *stream, uint32_t h2_error_code,
                     bool was_processed_never)
{
    struct cfl_grpc_conn *conn = user_data;
    struct cfl_grpc_call *call = cfl_grpc_call_of(stream);
    if (call == NULL) {
        return;
    }
    if (conn->role == CFL_GRPC_CLIENT) {
        cfl_grpc_client_closed(call, h2_error_code, was_processed_never);
    } else {
        cfl_grpc_server_closed(call, h2_error_code);
    }
}

static void place_data(void *user_data, struct cfl_h2_stream *stream, uint8_t **ret_target,
                       size_t *ret_len_bytes, size_t *ret_hint_bytes)
{
    (void)user_data;
    struct cfl_grpc_call *call = cfl_grpc_call_of(stream);
    if (call != NULL && !call->is_finished) {
        cfl_grpc_deframe_place(call, ret_target, ret_len_bytes, ret_hint_bytes);
    }
}

static void on_goaway(void *user_data, uint32_t h2_error_code)
{
    (void)h2_error_code;
    struct cfl_grpc_conn *conn = user_data;
    if (conn->handlers.on_goaway != NULL) {
        conn->handlers.on_goaway(conn->user_data);
    }
}

static void on_ping_ack(void *user_data)
{
    struct cfl_grpc_conn *conn = user_data;
    conn->is_ping_sent = false;
}

static const struct cfl_h2_callbacks H2_CALLBACKS = {
    .on_headers = on_headers,
    .on_data = on_data,
    .on_end_stream = on_end_stream,
    .on_close = on_close,
    .on_sent = on_sent,
    .place_data = place_data,
    .on_goaway = on_goaway,
    .on_ping_ack = on_ping_ack,
};

const struct cfl_h2_callbacks *cfl_grpc_h2_callbacks(void)
{
    return &H2_CALLBACKS;
}

static void cut_off(struct cfl_grpc_call *call, uint32_t h2_error_code, cflight_status status,
                    const char *message)
{
    if (call->is_over) {
        return;
    }
    if (call->stream != NULL) {
        cfl_h2_stream_reset(call->stream, h2_error_code);
    }
    struct cfl_grpc_ending ending = {
        .status = status,
        .message = message,
        .is_cancelled = call->conn->role == CFL_GRPC_SERVER,
    };
    cfl_grpc_call_end(call, &ending);
}

void cfl_grpc_call_cancel(struct cfl_grpc_call *call, cflight_status status, const char *message)
{
    /* One that is over may have lost its connection. */
    if (!call->is_over && call->conn->role == CFL_GRPC_SERVER && !call->is_finished) {
        cfl_grpc_server_abort(call, status, message);
    } else {
        cut_off(call, CFL_H2_CANCEL, status, message);
    }
}

void cfl_grpc_call_refuse(struct cfl_grpc_call *call)
{
    cut_off(call, CFL_H2_REFUSED_STREAM, CFLIGHT_UNAVAILABLE, "the call was refused");
}

void cfl_grpc_call_release(struct cfl_grpc_call *call)
{
    if (call == NULL || call->is_released) {
        return;
    }
    memset(&call->handlers, 0, sizeof call->handlers);
    cfl_grpc_call_hold(call);
    call->is_released = true;
    cfl_grpc_call_forget_request(call);
    if (call->is_over || !call->is_finished || cfl_grpc_call_borrows(call)) {
        cfl_grpc_call_cancel(call, CFLIGHT_CANCELLED, "the call was given up");
        cfl_grpc_call_detach(call);
    } /* else it stays with its stream */
    cfl_grpc_call_unhold(call);
}

void cfl_grpc_call_end_with_connection(struct cfl_grpc_call *call, const char *message)
{
    struct cfl_h2_stream *stream = call->stream;
    bool is_server = call->conn->role == CFL_GRPC_SERVER;
    struct cfl_grpc_ending ending = {
        .status = CFLIGHT_UNAVAILABLE,
        .message = message,
        .retry = CFLIGHT_RETRY_UNSAFE,
        .is_cancelled = is_server,
    };
    if (!is_server && (stream == NULL || !cfl_h2_stream_was_taken(stream))) {
        ending.retry = CFLIGHT_RETRY_SAFE;
    }
    if (stream != NULL) {
        cfl_h2_stream_drop(stream);
    }
    cfl_grpc_call_end(call, &ending);
}
