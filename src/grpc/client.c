/* SPDX-License-Identifier: Apache-2.0 */
/* A call at the client: how it starts and how the server's answer ends it.
 *
 * The status comes in trailers, or with the headers when there is nothing else. Whatever else ends
 * the stream is turned into a status here, with a message that says what was seen. Once the status
 * is known nothing more is sent. Thread class: one at a time. gRPC over HTTP/2, "Requests",
 * "Responses". */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/error.h"
#include "grpc/internal.h"

enum {
    TEXT_BYTES = 320,
    CONTENT_TYPE_SHOWN_BYTES = 64,
    /* More than servers take, and less than what makes one end the connection. */
    REQUEST_METADATA_BYTES_MAX = 512 << 10,
};

static void end_call(struct cfl_grpc_call *call, uint32_t h2_error_code,
                     const struct cfl_grpc_ending *ending)
{
    /* A stream that this side still sends on is reset; otherwise it ends by itself. */
    if (call->stream != NULL &&
        (!call->is_half_closed || cfl_h2_stream_unsent_bytes(call->stream) > 0 ||
         h2_error_code != CFL_H2_NO_ERROR)) {
        cfl_h2_stream_reset(call->stream, h2_error_code);
    }
    cfl_grpc_call_end(call, ending);
}

void cfl_grpc_client_abort(struct cfl_grpc_call *call, cflight_status status, const char *message)
{
    struct cfl_grpc_ending ending = {.status = status, .message = message};
    end_call(call, CFL_H2_CANCEL, &ending);
}

static cflight_status collect(struct cfl_metadata *metadata, const struct cfl_h2_field *fields,
                              size_t field_count)
{
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; i < field_count && status == CFLIGHT_OK; i++) {
        bool is_valid = true; /* a value that is not base64 is left out */
        status = cfl_grpc_collect_field(metadata, &fields[i], &is_valid, NULL);
    }
    return status;
}

/* Headers that are no gRPC answer: a proxy, or a server of another kind. */
static void end_with_http(struct cfl_grpc_call *call, struct cflight_bytes type, int http_status)
{
    char shown[CONTENT_TYPE_SHOWN_BYTES + 1];
    char text[TEXT_BYTES];
    cfl_ascii_show(type, shown, sizeof shown);
    (void)snprintf(text, sizeof text,
                   "the server's answer is not gRPC: HTTP status %d, content-type '%s'",
                   http_status, shown);
    cfl_grpc_client_abort(call, cfl_grpc_status_from_http(http_status), text);
}

/* How long nothing had moved before the end that has just arrived. What this side sends is known of
 * the connection only, so that counts while it has something to send. */
static void describe_quiet(const struct cfl_grpc_call *call, char text[CFL_GRPC_QUIET_TEXT_BYTES])
{
    const struct cfl_grpc_conn *conn = call->conn;
    int64_t since_ns = call->moved_ns;
    if (conn->last_sent_ns > since_ns &&
        (!call->is_half_closed || cfl_h2_stream_unsent_bytes(call->stream) > 0)) {
        since_ns = conn->last_sent_ns;
    }
    cfl_grpc_quiet_text(since_ns, conn->last_received_ns, text);
}

static void end_with_trailers(struct cfl_grpc_call *call, const struct cfl_h2_field *fields,
                              size_t field_count, const struct cflight_bytes *values)
{
    struct cflight_bytes code = values[CFL_GRPC_FIELD_STATUS];
    struct cflight_bytes message = values[CFL_GRPC_FIELD_MESSAGE];
    struct cfl_grpc_ending ending = {.status = CFLIGHT_UNKNOWN, .is_from_peer = true};
    char text[TEXT_BYTES];
    struct cfl_buf decoded;
    cfl_buf_init(&decoded, call->alloc);
    if (code.data == NULL || !cfl_grpc_status_parse(code, &ending.status)) {
        ending.message = code.data == NULL
                             ? "the server ended the call without a status"
                             : "the server ended the call with a grpc-status that is no number";
        ending.is_from_peer = false;
    } else if (ending.status == CFLIGHT_OK &&
               !cfl_grpc_deframe_is_between(call, text, sizeof text)) {
        ending.status = CFLIGHT_INTERNAL;
        ending.message = text;
        ending.is_from_peer = false;
    } else if (message.data != NULL && cfl_grpc_percent_decode(message, &decoded) &&
               cfl_buf_append_u8(&decoded, 0)) {
        ending.message = (const char *)decoded.data;
    }
    if (collect(&call->trailers, fields, field_count) != CFLIGHT_OK) {
        ending.status = CFLIGHT_RESOURCE_EXHAUSTED;
        ending.message = "out of memory";
        ending.is_from_peer = false;
    }
    end_call(call, CFL_H2_NO_ERROR, &ending);
    cfl_buf_done(&decoded);
}

static void take_headers(struct cfl_grpc_call *call, const struct cfl_h2_field *fields,
                         size_t field_count)
{
    call->has_headers = true;
    if (collect(&call->headers, fields, field_count) != CFLIGHT_OK) {
        cfl_grpc_client_abort(call, CFLIGHT_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    cfl_grpc_call_hold(call);
    if (call->handlers.on_headers != NULL) {
        call->handlers.on_headers(call->user_data, call);
    }
    cfl_grpc_call_unhold(call);
}

static void refuse_large(struct cfl_grpc_call *call)
{
    char text[TEXT_BYTES];
    (void)snprintf(
        text, sizeof text,
        "the metadata of the server's answer is larger than the limit of %u bytes and %u fields",
        call->conn->limits.metadata_bytes_max, call->conn->limits.metadata_fields_max);
    cfl_grpc_client_abort(call, CFLIGHT_RESOURCE_EXHAUSTED, text);
}

void cfl_grpc_client_headers(struct cfl_grpc_call *call, const struct cfl_h2_field *fields,
                             size_t field_count, bool is_end, bool is_too_large)
{
    if (is_too_large) {
        refuse_large(call);
        return;
    }
    struct cflight_bytes values[CFL_GRPC_FIELD_KIND_COUNT];
    cfl_grpc_fields_find(fields, field_count, values);
    if (call->has_headers) {
        if (is_end) {
            end_with_trailers(call, fields, field_count, values);
        } else {
            cfl_grpc_client_abort(call, CFLIGHT_INTERNAL, "the server sent headers twice");
        }
        return;
    }
    struct cflight_bytes type = values[CFL_GRPC_FIELD_CONTENT_TYPE];
    int http_status = cfl_grpc_http_status_parse(values[CFL_GRPC_FIELD_HTTP_STATUS]);
    if (http_status >= 100 && http_status < 200 && !is_end) {
        return; /* informational; the answer follows */
    }
    bool is_grpc = http_status == 200 && cfl_grpc_content_type_is_valid(type);
    if (is_end && (is_grpc || values[CFL_GRPC_FIELD_STATUS].data != NULL)) {
        end_with_trailers(call, fields, field_count, values);
    } else if (is_grpc) {
        (void)cfl_grpc_encoding_parse(values[CFL_GRPC_FIELD_ENCODING], &call->encoding);
        take_headers(call, fields, field_count);
    } else {
        end_with_http(call, type, http_status);
    }
}

void cfl_grpc_client_end_stream(struct cfl_grpc_call *call)
{
    char text[TEXT_BYTES];
    char quiet[CFL_GRPC_QUIET_TEXT_BYTES];
    if (cfl_grpc_deframe_is_between(call, text, sizeof text)) {
        describe_quiet(call, quiet);
        (void)snprintf(text, sizeof text, "the server ended the call without a status%s", quiet);
        cfl_grpc_client_abort(call, CFLIGHT_UNKNOWN, text);
        return;
    }
    cfl_grpc_client_abort(call, CFLIGHT_INTERNAL, text);
}

/* Who ended the stream, and why as far as that is known. */
static void describe_close(const struct cfl_grpc_call *call, uint32_t h2_error_code,
                           bool was_processed_never, char text[TEXT_BYTES])
{
    const char *code = cfl_grpc_h2_code_name(h2_error_code);
    const char *end = was_processed_never ? "; the server did not process the call" : "";
    const char *fault = cfl_h2_stream_fault(call->stream);
    char goaway[CFL_GRPC_GOAWAY_TEXT_BYTES];
    char quiet[CFL_GRPC_QUIET_TEXT_BYTES];
    if (cfl_h2_stream_was_reset_here(call->stream)) {
        (void)snprintf(text, TEXT_BYTES, "the server broke the HTTP/2 protocol (%s)%s%s", code,
                       fault == NULL ? "" : ": ", fault == NULL ? "" : fault);
    } else if (was_processed_never && cfl_grpc_goaway_text(call->conn, goaway)) {
        (void)snprintf(text, TEXT_BYTES, "%s%s", goaway, end);
    } else {
        describe_quiet(call, quiet);
        (void)snprintf(text, TEXT_BYTES, "the HTTP/2 stream was reset with %s%s%s", code, end,
                       quiet);
    }
}

void cfl_grpc_client_closed(struct cfl_grpc_call *call, uint32_t h2_error_code,
                            bool was_processed_never)
{
    char text[TEXT_BYTES];
    describe_close(call, h2_error_code, was_processed_never, text);
    struct cfl_grpc_ending ending = {.status = cfl_grpc_status_from_h2(h2_error_code),
                                     .message = text};
    if (was_processed_never) {
        ending.status = CFLIGHT_UNAVAILABLE;
        ending.retry = CFLIGHT_RETRY_SAFE;
    } else if (h2_error_code == CFL_H2_ENHANCE_YOUR_CALM) {
        ending.retry = CFLIGHT_RETRY_UNSAFE;
    }
    cfl_grpc_call_end(call, &ending);
}

static void add_request_fields(struct cfl_grpc_fields *fields,
                               const struct cfl_grpc_call_params *params, int64_t now_ns)
{
    cfl_grpc_fields_add(fields, ":method", "POST");
    cfl_grpc_fields_add(fields, ":scheme", params->is_tls ? "https" : "http");
    cfl_grpc_fields_add(fields, ":path", params->path);
    cfl_grpc_fields_add(fields, ":authority", params->authority);
    cfl_grpc_fields_add(fields, "te", "trailers");
    if (params->deadline_ns != CFL_TIME_NEVER) {
        char timeout[CFL_GRPC_TIMEOUT_TEXT_BYTES];
        cfl_grpc_timeout_format(params->deadline_ns - now_ns, timeout);
        cfl_grpc_fields_add_copy(fields, "grpc-timeout", cflight_bytes_from_text(timeout));
    }
    cfl_grpc_fields_add(fields, "content-type", "application/grpc");
    cfl_grpc_fields_add(fields, "grpc-accept-encoding", "identity");
    if (params->user_agent != NULL) {
        cfl_grpc_fields_add(fields, "user-agent", params->user_agent);
    }
    cfl_grpc_fields_add_metadata(fields, params->metadata);
}

/* A server would refuse the call, or end the connection with all other calls on it. */
static cflight_status check_size(const struct cfl_grpc_conn *conn,
                                 const struct cfl_grpc_fields *fields, cflight_error **reterr)
{
    uint64_t limit_bytes = cfl_h2_peer_header_bytes_max(conn->h2);
    if (limit_bytes == UINT32_MAX) {
        limit_bytes = REQUEST_METADATA_BYTES_MAX;
    }
    if (!fields->failed && fields->size_bytes > limit_bytes) {
        return cfl_error_set_size_limit(reterr, "the metadata of the request", fields->size_bytes,
                                        limit_bytes);
    }
    return CFLIGHT_OK;
}

bool cfl_grpc_can_start(const struct cfl_grpc_conn *conn)
{
    return !conn->is_failed && !conn->is_goaway_sent && !cfl_h2_goaway_received(conn->h2) &&
           !cfl_h2_is_failed(conn->h2);
}

static cflight_status check_start(const struct cfl_grpc_conn *conn,
                                  const struct cfl_grpc_call_params *params, int64_t now_ns,
                                  cflight_error **reterr)
{
    if (conn->role != CFL_GRPC_CLIENT || params->path == NULL || params->authority == NULL) {
        return cflight_error_set_message(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "a call needs a client connection, a path and an authority");
    }
    if (!cfl_grpc_can_start(conn)) {
        cflight_status status = cflight_error_set_message(reterr, CFLIGHT_UNAVAILABLE,
                                                          "the connection takes no new calls");
        if (reterr != NULL) {
            cfl_error_set_retry(*reterr, CFLIGHT_RETRY_SAFE);
        }
        return status;
    }
    if (params->deadline_ns <= now_ns) {
        return cflight_error_set_message(reterr, CFLIGHT_DEADLINE_EXCEEDED,
                                         "the deadline of the call passed before it started");
    }
    return CFLIGHT_OK;
}

cflight_status cfl_grpc_call_start(struct cfl_grpc_conn *conn,
                                   const struct cfl_grpc_call_params *params,
                                   const struct cfl_grpc_call_handlers *handlers, void *user_data,
                                   struct cfl_grpc_call **ret_call, cflight_error **reterr)
{
    int64_t now_ns = cfl_clock_now_ns(conn->clock);
    cflight_status status = check_start(conn, params, now_ns, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cfl_grpc_fields fields;
    cfl_grpc_fields_init(&fields, conn->alloc);
    add_request_fields(&fields, params, now_ns);
    status = check_size(conn, &fields, reterr);
    if (status != CFLIGHT_OK) {
        cfl_grpc_fields_done(&fields);
        return status;
    }
    const struct cfl_h2_field *views = cfl_grpc_fields_views(&fields);
    if (conn->call_count == 0) {
        conn->last_received_ns = now_ns; /* keepalive counts from here */
    }
    struct cfl_grpc_call *call = cfl_grpc_call_new(conn);
    if (views == NULL || call == NULL) {
        status = cfl_error_no_memory(reterr);
        goto done;
    }
    call->handlers = *handlers;
    call->user_data = user_data;
    call->deadline_ns = params->deadline_ns;
    call->moved_ns = now_ns;
    if (!cfl_grpc_deadline_add(call)) {
        status = cfl_error_no_memory(reterr);
        goto done;
    }
    status =
        cfl_h2_submit_request(conn->h2, views, fields.count, false, call, &call->stream, reterr);
    if (status == CFLIGHT_OK) {
        *ret_call = call;
        call = NULL;
    }

done:
    if (call != NULL) {
        cfl_grpc_call_free(call);
    }
    cfl_grpc_fields_done(&fields);
    return status;
}
