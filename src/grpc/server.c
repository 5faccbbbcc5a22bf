/* SPDX-License-Identifier: Apache-2.0 */
/* A call at the server: whether a request is one, and how its stream ends.
 *
 * A request that is no valid gRPC call is answered here and never reaches a handler; the connection
 * goes on. Thread class: one at a time. gRPC over HTTP/2, "Requests". */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "grpc/internal.h"

enum {
    TEXT_BYTES = 200,
    HTTP_OK = 200,
    HTTP_METHOD_NOT_ALLOWED = 405,
    HTTP_UNSUPPORTED_TYPE = 415
};

#define CUT_QUIET_NS (10 * CFL_NS_PER_S) /* proxies wait longer than that */
#define CUT_BREATH_NS (5 * CFL_NS_PER_MS)

struct request {
    struct cflight_bytes values[CFL_GRPC_FIELD_KIND_COUNT];
    int64_t timeout_ns;
    enum cfl_grpc_encoding packing;
};

/* Why a request is refused; http_status 0 is not refused. */
struct refusal {
    int http_status;
    cflight_status status;
    const char *message;
};

static bool is_text(struct cflight_bytes bytes, const char *text)
{
    return cflight_bytes_equal(bytes, cflight_bytes_from_text(text));
}

/* Whether a field that may be absent has the one value that is understood. */
static bool is_absent_or(struct cflight_bytes value, const char *text)
{
    return value.data == NULL || is_text(value, text);
}

static struct refusal check_request(struct request *request)
{
    const struct cflight_bytes *values = request->values;
    struct cflight_bytes path = values[CFL_GRPC_FIELD_PATH];
    struct cflight_bytes timeout = values[CFL_GRPC_FIELD_TIMEOUT];
    struct refusal refusal = {HTTP_OK, CFLIGHT_INTERNAL, NULL};
    if (!is_text(values[CFL_GRPC_FIELD_METHOD], "POST")) {
        refusal.http_status = HTTP_METHOD_NOT_ALLOWED;
        refusal.message = "a gRPC call is an HTTP POST";
    } else if (!cfl_grpc_content_type_is_valid(values[CFL_GRPC_FIELD_CONTENT_TYPE])) {
        refusal.http_status = HTTP_UNSUPPORTED_TYPE;
        refusal.message = "the content-type of a gRPC call starts with application/grpc";
    } else if (path.len_bytes == 0 || path.data[0] != '/') {
        refusal.message = "the request has no path";
    } else if (!is_absent_or(values[CFL_GRPC_FIELD_TE], "trailers")) {
        refusal.message = "the te field of a gRPC call is 'trailers'";
    } else if (values[CFL_GRPC_FIELD_ENCODING].data != NULL &&
               !cfl_grpc_encoding_parse(values[CFL_GRPC_FIELD_ENCODING], &request->packing)) {
        refusal.status = CFLIGHT_UNIMPLEMENTED;
        refusal.message = "messages may be compressed by gzip or deflate; the grpc-encoding of the "
                          "request is another";
    } else if (timeout.data != NULL && !cfl_grpc_timeout_parse(timeout, &request->timeout_ns)) {
        refusal.message = "the grpc-timeout of the request is malformed";
    } else {
        refusal.http_status = 0;
    }
    return refusal;
}

/* Answers a stream that is not to become a call. */
static void refuse(struct cfl_grpc_conn *conn, struct cfl_h2_stream *stream,
                   const struct refusal *refusal)
{
    struct cfl_metadata trailers;
    cfl_metadata_init(&trailers, conn->alloc);
    cfl_grpc_stream_abandon(stream);
    cflight_status status = CFLIGHT_OK;
    if (refusal->status == CFLIGHT_UNIMPLEMENTED) {
        status =
            cfl_metadata_add_unchecked(&trailers, cflight_bytes_from_text("grpc-accept-encoding"),
                                       cflight_bytes_from_text("identity"), NULL);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_grpc_stream_finish(conn, stream, false, refusal->http_status, refusal->status,
                                        refusal->message, &trailers, NULL);
    }
    if (status != CFLIGHT_OK) {
        cfl_h2_stream_reset(stream, CFL_H2_INTERNAL_ERROR);
    }
    cfl_metadata_done(&trailers);
}

/* Copies what a handler may ask for. */
static cflight_status fill_call(struct cfl_grpc_call *call, const struct request *request,
                                const struct cfl_h2_field *fields, size_t field_count,
                                bool *ret_is_valid)
{
    struct cfl_grpc_conn *conn = call->conn;
    const struct cflight_bytes *values = request->values;
    call->path = cfl_texts_copy(&call->headers.texts, values[CFL_GRPC_FIELD_PATH]);
    if (call->path == NULL) {
        return CFLIGHT_RESOURCE_EXHAUSTED;
    }
    cflight_status status = CFLIGHT_OK;
    *ret_is_valid = true;
    for (size_t i = 0; i < field_count && status == CFLIGHT_OK && *ret_is_valid; i++) {
        status = cfl_grpc_collect_field(&call->headers, &fields[i], ret_is_valid, NULL);
    }
    if (values[CFL_GRPC_FIELD_TIMEOUT].data != NULL) {
        call->deadline_ns =
            cfl_deadline_after_ns(cfl_clock_now_ns(conn->clock), request->timeout_ns);
    }
    if (status == CFLIGHT_OK && !cfl_grpc_deadline_add(call)) {
        status = CFLIGHT_RESOURCE_EXHAUSTED;
    }
    return status;
}

static void start_call(struct cfl_grpc_conn *conn, struct cfl_h2_stream *stream,
                       const struct request *request, const struct cfl_h2_field *fields,
                       size_t field_count)
{
    struct refusal refusal = {HTTP_OK, CFLIGHT_RESOURCE_EXHAUSTED, "out of memory"};
    struct cfl_grpc_call *call = cfl_grpc_call_new(conn);
    bool is_valid = true;
    cflight_status status = CFLIGHT_RESOURCE_EXHAUSTED;
    if (call != NULL) {
        status = fill_call(call, request, fields, field_count, &is_valid);
    }
    if (status != CFLIGHT_OK || !is_valid) {
        if (call != NULL) {
            cfl_grpc_call_free(call);
        }
        if (!is_valid) {
            refusal.status = CFLIGHT_INTERNAL;
            refusal.message = "the value of a -bin metadata field is not base64";
        }
        refuse(conn, stream, &refusal);
        return;
    }
    call->stream = stream;
    call->encoding = request->packing;
    call->moved_ns = conn->last_received_ns;
    cfl_h2_stream_set_user_data(stream, call);
    conn->handlers.on_call(conn->user_data, call);
}

void cfl_grpc_server_request(struct cfl_grpc_conn *conn, struct cfl_h2_stream *stream,
                             const struct cfl_h2_field *fields, size_t field_count,
                             bool is_too_large)
{
    char text[TEXT_BYTES];
    struct refusal refusal = {0, CFLIGHT_OK, NULL};
    struct request request = {.timeout_ns = 0};
    if (is_too_large) {
        (void)snprintf(text, sizeof text,
                       "request metadata is larger than the limit of %u bytes and %u fields",
                       conn->limits.metadata_bytes_max, conn->limits.metadata_fields_max);
        refusal.http_status = HTTP_OK;
        refusal.status = CFLIGHT_RESOURCE_EXHAUSTED;
        refusal.message = text;
    } else if (conn->handlers.on_call == NULL) {
        refusal.http_status = HTTP_OK;
        refusal.status = CFLIGHT_UNIMPLEMENTED;
        refusal.message = "no calls are served here";
    } else {
        cfl_grpc_fields_find(fields, field_count, request.values);
        refusal = check_request(&request);
    }
    if (refusal.http_status != 0) {
        if (conn->handlers.on_refused != NULL) {
            conn->handlers.on_refused(conn->user_data, is_too_large);
        }
        refuse(conn, stream, &refusal);
        return;
    }
    start_call(conn, stream, &request, fields, field_count);
}

void cfl_grpc_server_abort(struct cfl_grpc_call *call, cflight_status status, const char *message)
{
    if (call->is_over) {
        return;
    }
    if (call->stream != NULL && !call->is_finished) {
        cfl_h2_stream_drop(call->stream);
        cfl_grpc_send_status(call, status, message, NULL);
    }
    struct cfl_grpc_ending ending = {.status = status, .message = message, .is_cancelled = true};
    cfl_grpc_call_end(call, &ending);
}

void cfl_grpc_server_end_stream(struct cfl_grpc_call *call)
{
    char text[TEXT_BYTES];
    if (call->is_finished) {
        return;
    }
    if (!cfl_grpc_deframe_is_between(call, text, sizeof text)) {
        cfl_grpc_server_abort(call, CFLIGHT_INTERNAL, text);
        return;
    }
    call->ended_ns = call->conn->last_received_ns;
    cfl_grpc_call_hold(call);
    if (call->handlers.on_half_close != NULL) {
        call->handlers.on_half_close(call->user_data, call);
    }
    cfl_grpc_call_unhold(call);
}

/* Some proxies (HAProxy 2.6), whose client has been quiet for too long, end the stream to the
 * server as if the client had, and reset it in the same breath. The client has not ended it: what
 * there is of its messages is not all. */
static bool is_cut(const struct cfl_grpc_call *call)
{
    return call->ended_ns != 0 && call->conn->last_received_ns - call->ended_ns < CUT_BREATH_NS &&
           call->ended_ns - call->moved_ns >= CUT_QUIET_NS;
}

void cfl_grpc_server_closed(struct cfl_grpc_call *call, uint32_t h2_error_code)
{
    struct cfl_grpc_ending ending = {
        .status = call->status,
        .message = call->message,
    };
    if (!call->is_finished || h2_error_code != CFL_H2_NO_ERROR) {
        ending.status = CFLIGHT_CANCELLED;
        call->was_cut = is_cut(call);
        ending.message = call->was_cut
                             ? "the client, or a proxy that waited for it too long, ended the call"
                             : "the client ended the call";
        ending.is_cancelled = true;
        ending.is_from_peer = true;
    }
    cfl_grpc_call_end(call, &ending);
}

void cfl_grpc_call_accept(struct cfl_grpc_call *call, const struct cfl_grpc_call_handlers *handlers,
                          void *user_data)
{
    call->handlers = *handlers;
    call->user_data = user_data;
}
