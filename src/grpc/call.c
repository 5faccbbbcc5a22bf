/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: their life and what can be asked of one.
 *
 * A stream's user data is its call; a stream without is new; one that a call let go of carries a
 * mark, and its events are ignored. A call is freed when its user released it, it has no
 * stream, and no handler of it is running. It ends exactly once, in cfl_grpc_call_end. Owner: its
 * user, from start or on_call to release; a finished reply is its stream's after that. Thread
 * class: one at a time. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "grpc/internal.h"

#define QUIET_NS CFL_NS_PER_S /* less is not told */

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

struct cfl_grpc_call *cfl_grpc_call_new(struct cfl_grpc_conn *conn)
{
    struct cfl_grpc_call *call = cfl_alloc_zeroed(conn->alloc, sizeof *call);
    if (call == NULL) {
        return NULL;
    }
    call->conn = conn;
    call->alloc = conn->alloc;
    call->deadline_ns = CFL_TIME_NEVER;
    cfl_metadata_init(&call->headers, conn->alloc);
    cfl_metadata_init(&call->trailers, conn->alloc);
    cfl_list_append(&conn->calls, &call->in_conn);
    conn->call_count++;
    return call;
}

void cfl_grpc_call_forget_request(struct cfl_grpc_call *call)
{
    cfl_metadata_done(&call->headers);
    call->path = NULL;
}

void cfl_grpc_call_free(struct cfl_grpc_call *call)
{
    const struct cflight_allocator *alloc = call->alloc;
    if (call->conn != NULL) {
        cfl_grpc_deadline_remove(call);
        cfl_list_remove(&call->in_conn);
        call->conn->call_count -= call->is_over ? 0 : 1;
    }
    cfl_grpc_heads_free(call);
    cfl_grpc_call_forget_request(call);
    cfl_metadata_done(&call->trailers);
    cfl_grpc_unpacker_free(call->unpacker);
    cfl_strfree(alloc, call->message);
    cfl_free(alloc, call, sizeof *call);
}

void cfl_grpc_call_hold(struct cfl_grpc_call *call)
{
    call->hold_count++;
}

void cfl_grpc_call_unhold(struct cfl_grpc_call *call)
{
    call->hold_count--;
    if (call->hold_count == 0 && call->is_released && call->stream == NULL) {
        cfl_grpc_call_free(call);
    }
}

bool cfl_grpc_call_is_dead(const struct cfl_grpc_call *call)
{
    return call->is_over || call->is_released;
}

void cfl_grpc_quiet_text(int64_t since_ns, int64_t now_ns, char text[CFL_GRPC_QUIET_TEXT_BYTES])
{
    text[0] = '\0';
    if (now_ns - since_ns >= QUIET_NS) {
        (void)snprintf(text, CFL_GRPC_QUIET_TEXT_BYTES,
                       "; nothing had moved on it for %" PRId64
                       " s: is there a proxy that ends what is quiet?",
                       (now_ns - since_ns) / CFL_NS_PER_S);
    }
}

bool cfl_grpc_goaway_text(const struct cfl_grpc_conn *conn, char text[CFL_GRPC_GOAWAY_TEXT_BYTES])
{
    const char *own = cfl_h2_goaway_text(conn->h2);
    if (!cfl_h2_goaway_received(conn->h2)) {
        return false;
    }
    (void)snprintf(
        text, CFL_GRPC_GOAWAY_TEXT_BYTES, "the peer ended the connection (GOAWAY %s%s%s)",
        cfl_grpc_h2_code_name(cfl_h2_goaway_code(conn->h2)), own[0] == '\0' ? "" : ": ", own);
    return true;
}

void cfl_grpc_call_detach(struct cfl_grpc_call *call)
{
    if (call->stream != NULL) {
        cfl_grpc_stream_abandon(call->stream);
        call->stream = NULL;
    }
    cfl_grpc_heads_free(call);
}

void cfl_grpc_call_set_message(struct cfl_grpc_call *call, const char *message)
{
    if (message == call->message) {
        return;
    }
    char *copy = message == NULL || message[0] == '\0'
                     ? NULL
                     : cfl_strndup(call->alloc, message, strlen(message));
    cfl_strfree(call->alloc, call->message);
    call->message = copy;
}

void cfl_grpc_call_end(struct cfl_grpc_call *call, const struct cfl_grpc_ending *ending)
{
    if (call->is_over) {
        return;
    }
    cfl_grpc_call_set_message(call, ending->message);
    call->status = ending->status;
    call->retry = ending->retry;
    call->is_from_peer = ending->is_from_peer;
    call->is_cancelled = ending->is_cancelled;
    call->is_over = true;
    call->conn->call_count--;
    cfl_grpc_deadline_remove(call);
    cfl_grpc_call_detach(call);
    cfl_grpc_call_hold(call);
    if (call->handlers.on_end != NULL && !call->is_released) {
        call->handlers.on_end(call->user_data, call);
    }
    cfl_grpc_call_unhold(call);
}

void cfl_grpc_credit_prefixes(struct cfl_grpc_call *call)
{
    if (call->stream != NULL && call->unconsumed_bytes == 0 && call->prefix_credit_bytes > 0) {
        cfl_h2_stream_consume(call->stream, (size_t)call->prefix_credit_bytes);
        call->prefix_credit_bytes = 0;
    }
}

void cfl_grpc_call_consume(struct cfl_grpc_call *call, size_t len_bytes)
{
    call->unconsumed_bytes -=
        len_bytes < call->unconsumed_bytes ? len_bytes : call->unconsumed_bytes;
    size_t unpacked_bytes =
        len_bytes < call->unpacked_bytes ? len_bytes : (size_t)call->unpacked_bytes;
    call->unpacked_bytes -= unpacked_bytes;
    len_bytes -= unpacked_bytes;
    if (call->stream != NULL) {
        cfl_h2_stream_consume(call->stream, len_bytes);
        cfl_grpc_credit_prefixes(call);
    }
}

const char *cfl_grpc_call_path(const struct cfl_grpc_call *call)
{
    return call->path == NULL ? "" : call->path;
}

int64_t cfl_grpc_call_deadline_ns(const struct cfl_grpc_call *call)
{
    return call->deadline_ns;
}

const struct cfl_metadata *cfl_grpc_call_headers(const struct cfl_grpc_call *call)
{
    return &call->headers;
}

const struct cfl_metadata *cfl_grpc_call_trailers(const struct cfl_grpc_call *call)
{
    return &call->trailers;
}

bool cfl_grpc_call_is_over(const struct cfl_grpc_call *call)
{
    return call->is_over;
}

bool cfl_grpc_call_was_cut(const struct cfl_grpc_call *call)
{
    return call->was_cut;
}

bool cfl_grpc_call_is_cancelled(const struct cfl_grpc_call *call)
{
    return call->is_cancelled;
}

cflight_status cfl_grpc_call_status(const struct cfl_grpc_call *call)
{
    return call->status;
}

const char *cfl_grpc_call_message(const struct cfl_grpc_call *call)
{
    return call->message == NULL ? "" : call->message;
}

enum cflight_retry cfl_grpc_call_retry(const struct cfl_grpc_call *call)
{
    return call->retry;
}

bool cfl_grpc_call_status_is_from_peer(const struct cfl_grpc_call *call)
{
    return call->is_from_peer;
}
