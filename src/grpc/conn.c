/* SPDX-License-Identifier: Apache-2.0 */
/* A connection: streams to calls, bytes through, time.
 *
 * Every call of the connection, over or not, is in one list until its user releases it, so
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
    cflight_status status = cfl_h2_session_new(alloc, h2_role, limits, clock,
                                               cfl_grpc_h2_callbacks(), conn, &conn->h2, reterr);
    if (status != CFLIGHT_OK) {
        cfl_free(alloc, conn, sizeof *conn);
        return status;
    }
    *ret_conn = conn;
    return CFLIGHT_OK;
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
        cfl_grpc_call_end_with_connection(CFL_LIST_ENTRY(node, struct cfl_grpc_call, in_conn),
                                          message);
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

static void describe_failure(struct cfl_grpc_conn *conn, const cflight_error *cause,
                             char text[TEXT_BYTES])
{
    char goaway[CFL_GRPC_GOAWAY_TEXT_BYTES];
    char quiet[CFL_GRPC_QUIET_TEXT_BYTES] = "";
    const char *reason = cflight_error_message(cause);
    if (!cfl_grpc_goaway_text(conn, goaway)) {
        goaway[0] = '\0';
    }
    if (conn->role == CFL_GRPC_CLIENT) {
        cfl_grpc_quiet_text(conn->last_sent_ns > conn->last_received_ns ? conn->last_sent_ns
                                                                        : conn->last_received_ns,
                            cfl_clock_now_ns(conn->clock), quiet);
    }
    (void)snprintf(text, TEXT_BYTES, "the connection broke%s%s%s%s%s",
                   reason[0] == '\0' ? "" : ": ", reason, goaway[0] == '\0' ? "" : "; ", goaway,
                   quiet);
}

void cfl_grpc_conn_fail(struct cfl_grpc_conn *conn, const cflight_error *cause)
{
    char text[TEXT_BYTES];
    describe_failure(conn, cause, text);
    end_all_calls(conn, text);
}

cflight_status cfl_grpc_conn_failure(struct cfl_grpc_conn *conn, const cflight_error *cause,
                                     cflight_error **reterr)
{
    char text[TEXT_BYTES];
    describe_failure(conn, cause, text);
    return cflight_error_set_message(reterr, CFLIGHT_UNAVAILABLE, text);
}

void cfl_grpc_input(struct cfl_grpc_conn *conn, struct iovec target[2], int *ret_count)
{
    cfl_h2_input(conn->h2, target, ret_count);
}

cflight_status cfl_grpc_received(struct cfl_grpc_conn *conn, size_t len_bytes,
                                 cflight_error **reterr)
{
    if (len_bytes > 0) {
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
    if (conn->role == CFL_GRPC_CLIENT) {
        conn->last_sent_ns = cfl_clock_now_ns(conn->clock);
    }
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

bool cfl_grpc_has_peer_settings(const struct cfl_grpc_conn *conn)
{
    return cfl_h2_has_peer_settings(conn->h2);
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
    struct cfl_grpc_call *late = NULL;
    while ((late = cfl_grpc_deadline_pop(conn, now_ns)) != NULL) {
        cfl_grpc_call_cancel(late, CFLIGHT_DEADLINE_EXCEEDED, "the deadline of the call passed");
    }
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

void cfl_grpc_goaway(struct cfl_grpc_conn *conn, bool is_final)
{
    conn->is_goaway_sent = true;
    cfl_h2_goaway(conn->h2, CFL_H2_NO_ERROR, is_final);
}

size_t cfl_grpc_call_count(const struct cfl_grpc_conn *conn)
{
    return conn->call_count;
}

uint32_t cfl_grpc_call_stream_id(const struct cfl_grpc_call *call)
{
    return call->stream == NULL ? 0 : (uint32_t)cfl_h2_stream_id(call->stream);
}

bool cfl_grpc_awaits_stream(const struct cfl_grpc_conn *conn, uint32_t stream_id)
{
    const struct cfl_list *head = &conn->calls;
    for (const struct cfl_list *node = head->next; node != head; node = node->next) {
        const struct cfl_grpc_call *call =
            CFL_LIST_ENTRY(node, const struct cfl_grpc_call, in_conn);
        if (!call->is_over && stream_id != 0 && cfl_grpc_call_stream_id(call) == stream_id) {
            return true;
        }
    }
    return conn->role == CFL_GRPC_SERVER && !conn->is_failed &&
           stream_id > (uint32_t)cfl_h2_last_stream_id(conn->h2);
}
