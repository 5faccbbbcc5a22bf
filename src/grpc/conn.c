/* SPDX-License-Identifier: Apache-2.0 */
/* A connection: streams to calls, bytes through, time.
 *
 * A stream without user data is new; one that a call let go of carries a mark and its events are
 * ignored. Every call of the connection, over or not, is in one list until its user releases it, so
 * that a connection can end them all. Owner: whoever drives the socket. Thread class: one at a
 * time. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "grpc/internal.h"

enum { TEXT_BYTES = 400 };

/* What stock servers take at least between pings when they send nothing: 5 minutes with calls, 2
 * hours without. A little more, because pings may catch up with each other on their way. */
#define RARE_INTERVAL_NS ((int64_t)(5 * 60 + 10) * CFL_NS_PER_S)
#define RARE_INTERVAL_IDLE_NS ((int64_t)(2 * 3600 + 10) * CFL_NS_PER_S)

static char abandoned_mark;

struct cfl_grpc_call *cfl_grpc_call_of(const struct cfl_h2_stream *stream)
{
    void *user_data = cfl_h2_stream_user_data(stream);
    return user_data == &abandoned_mark ? NULL : user_data;
}

void cfl_grpc_stream_abandon(struct cfl_h2_stream *stream)
{
    cfl_h2_stream_set_user_data(stream, &abandoned_mark);
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
    if (call->conn->role == CFL_GRPC_CLIENT && !call->has_headers) {
        cfl_grpc_client_abort(call, CFLIGHT_INTERNAL,
                              "the server sent a message before its headers");
        return;
    }
    cfl_grpc_deframe(call, data, len_bytes);
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
    .place_data = place_data,
    .on_goaway = on_goaway,
    .on_ping_ack = on_ping_ack,
};

cflight_status cfl_grpc_conn_new(const struct cflight_allocator *alloc, enum cfl_grpc_role role,
                                 const struct cfl_limits *limits, const struct cfl_clock *clock,
                                 const struct cfl_grpc_keepalive *keepalive,
                                 const struct cfl_grpc_conn_handlers *handlers, void *user_data,
                                 struct cfl_grpc_conn **ret_conn, cflight_error **reterr)
{
    struct cfl_grpc_conn *conn = cfl_alloc_zeroed(alloc, sizeof *conn);
    if (conn == NULL) {
        return cfl_error_no_memory(reterr);
    }
    conn->alloc = alloc;
    conn->role = role;
    conn->limits = *limits;
    conn->clock = clock;
    conn->user_data = user_data;
    cfl_list_init(&conn->calls);
    if (keepalive != NULL) {
        conn->keepalive = *keepalive;
    }
    if (handlers != NULL) {
        conn->handlers = *handlers;
    }
    conn->last_received_ns = cfl_clock_now_ns(clock);
    enum cfl_h2_role h2_role = role == CFL_GRPC_SERVER ? CFL_H2_SERVER : CFL_H2_CLIENT;
    cflight_status status =
        cfl_h2_session_new(alloc, h2_role, limits, clock, &H2_CALLBACKS, conn, &conn->h2, reterr);
    if (status != CFLIGHT_OK) {
        cfl_free(alloc, conn, sizeof *conn);
        return status;
    }
    *ret_conn = conn;
    return CFLIGHT_OK;
}

static void end_with_connection(struct cfl_grpc_call *call, const char *message)
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

/* A handler may release its own call and others, so the list is walked from the start each time. */
static void end_all_calls(struct cfl_grpc_conn *conn, const char *message)
{
    conn->is_failed = true;
    while (conn->call_count > 0) {
        struct cfl_list *node = conn->calls.next;
        while (node != &conn->calls &&
               CFL_LIST_ENTRY(node, struct cfl_grpc_call, in_conn)->is_over) {
            node = node->next;
        }
        if (node == &conn->calls) {
            break;
        }
        end_with_connection(CFL_LIST_ENTRY(node, struct cfl_grpc_call, in_conn), message);
    }
}

void cfl_grpc_conn_free(struct cfl_grpc_conn *conn)
{
    if (conn == NULL) {
        return;
    }
    end_all_calls(conn, "the connection was closed");
    struct cfl_list *node = NULL;
    while ((node = cfl_list_take_first(&conn->calls)) != NULL) {
        CFL_LIST_ENTRY(node, struct cfl_grpc_call, in_conn)->conn = NULL;
    }
    cfl_h2_session_free(conn->h2);
    cfl_free_array(conn->alloc, conn->heap, conn->heap_capacity, sizeof(struct cfl_grpc_call *));
    cfl_free(conn->alloc, conn, sizeof *conn);
}

void cfl_grpc_conn_fail(struct cfl_grpc_conn *conn, const cflight_error *cause)
{
    char text[TEXT_BYTES];
    const char *reason = cflight_error_message(cause);
    (void)snprintf(text, sizeof text, "the connection broke%s%s", reason[0] == '\0' ? "" : ": ",
                   reason);
    end_all_calls(conn, text);
}

void cfl_grpc_input(struct cfl_grpc_conn *conn, struct iovec target[2], int *ret_count)
{
    cfl_h2_input(conn->h2, target, ret_count);
}

cflight_status cfl_grpc_received(struct cfl_grpc_conn *conn, size_t len_bytes,
                                 cflight_error **reterr)
{
    if (conn->keepalive.interval_ns > 0) {
        conn->last_received_ns = cfl_clock_now_ns(conn->clock);
        conn->is_ping_sent = false;
    }
    return cfl_h2_received(conn->h2, len_bytes, reterr);
}

cflight_status cfl_grpc_output(struct cfl_grpc_conn *conn, struct iovec *ret_views, int max_count,
                               int *ret_count, cflight_error **reterr)
{
    return cfl_h2_output(conn->h2, ret_views, max_count, ret_count, reterr);
}

void cfl_grpc_sent(struct cfl_grpc_conn *conn, size_t len_bytes)
{
    cfl_h2_sent(conn->h2, len_bytes);
}

bool cfl_grpc_wants_output(struct cfl_grpc_conn *conn)
{
    return cfl_h2_wants_output(conn->h2);
}

bool cfl_grpc_is_finished(const struct cfl_grpc_conn *conn)
{
    return cfl_h2_is_finished(conn->h2);
}

static int64_t keepalive_deadline_ns(const struct cfl_grpc_conn *conn)
{
    const struct cfl_grpc_keepalive *keepalive = &conn->keepalive;
    if (keepalive->interval_ns <= 0 || conn->is_failed ||
        (conn->call_count == 0 && !keepalive->without_calls)) {
        return CFL_TIME_NEVER;
    }
    if (conn->is_ping_sent) {
        return cfl_deadline_after_ns(conn->ping_ns, keepalive->timeout_ns);
    }
    int64_t interval_ns = keepalive->interval_ns;
    if (keepalive->eager_max > 0 && conn->eager_ping_count >= keepalive->eager_max) {
        int64_t rare_ns = conn->call_count > 0 ? RARE_INTERVAL_NS : RARE_INTERVAL_IDLE_NS;
        interval_ns = interval_ns > rare_ns ? interval_ns : rare_ns;
    }
    return cfl_deadline_after_ns(conn->last_received_ns, interval_ns);
}

int64_t cfl_grpc_next_deadline_ns(const struct cfl_grpc_conn *conn)
{
    int64_t deadline_ns =
        cfl_deadline_earlier(cfl_grpc_deadline_first_ns(conn), keepalive_deadline_ns(conn));
    return cfl_deadline_earlier(deadline_ns, cfl_h2_next_deadline_ns(conn->h2));
}

cflight_status cfl_grpc_tick(struct cfl_grpc_conn *conn, int64_t now_ns, cflight_error **reterr)
{
    cfl_grpc_deadline_expire(conn, now_ns);
    if (now_ns >= keepalive_deadline_ns(conn)) {
        if (conn->is_ping_sent) {
            conn->is_failed = true;
            return cflight_error_set(reterr, CFLIGHT_UNAVAILABLE,
                                     "the peer did not answer a keepalive ping within %lld ms",
                                     (long long)(conn->keepalive.timeout_ns / CFL_NS_PER_MS));
        }
        cfl_h2_ping(conn->h2);
        conn->is_ping_sent = true;
        conn->eager_ping_count += conn->eager_ping_count < UINT32_MAX ? 1 : 0;
        conn->ping_ns = now_ns;
    }
    return cfl_h2_tick(conn->h2, now_ns, reterr);
}

bool cfl_grpc_can_start(const struct cfl_grpc_conn *conn)
{
    return !conn->is_failed && !conn->is_goaway_sent && !cfl_h2_goaway_received(conn->h2) &&
           !cfl_h2_is_failed(conn->h2);
}

void cfl_grpc_goaway(struct cfl_grpc_conn *conn, bool is_final)
{
    conn->is_goaway_sent = true;
    cfl_h2_goaway(conn->h2, CFL_H2_NO_ERROR, is_final);
}

size_t cfl_grpc_call_count(const struct cfl_grpc_conn *conn)
{
    return conn->call_count;
}
