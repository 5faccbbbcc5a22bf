/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_GRPC_CONN_H
#define CFL_GRPC_CONN_H

#include <stdbool.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/pieces.h"
#include "cflight/error.h"
#include "grpc/metadata.h"

/* gRPC calls over one HTTP/2 connection, without I/O, both roles (gRPC over HTTP/2,
 * PROTOCOL-HTTP2).
 *
 * A connection turns bytes from the peer into calls, messages and statuses, and the reverse.
 * Messages are delivered as they arrive, in pieces, and the receiver may name the memory it wants
 * them in. Bytes go in and out as in h2/session.h.
 *
 * The life of a call object: at a client from cfl_grpc_call_start, at a server from on_call, to
 * cfl_grpc_call_release by its user. It may outlive its stream (then it is ended and only remembers
 * its status and metadata) but not its connection: free of a connection ends every call (on_end)
 * and makes what is left of them inert; release stays due. A reply that a server finished outlives
 * its user: see cfl_grpc_call_release.
 *
 * All callbacks run inside cfl_grpc_received, cfl_grpc_output, cfl_grpc_tick, cfl_grpc_conn_fail
 * and cancel, under the caller's lock; they must not block and must not free the connection. Thread
 * class: one at a time. */

struct cfl_grpc_conn;
struct cfl_grpc_call;

enum cfl_grpc_role { CFL_GRPC_CLIENT, CFL_GRPC_SERVER };

struct cfl_grpc_call_handlers {
    /* Client: response headers arrived (not for Trailers-Only replies). */
    void (*on_headers)(void *user_data, struct cfl_grpc_call *call);
    /* A message starts. A status other than OK ends the call with it. The length is not yet backed
     * by bytes. */
    cflight_status (*on_message_begin)(void *user_data, struct cfl_grpc_call *call,
                                       uint32_t len_bytes, cflight_error **reterr);
    /* Where the next bytes of the message should be put; see place_data in h2/session.h. May be
     * NULL. */
    void (*place)(void *user_data, struct cfl_grpc_call *call, uint8_t **ret_target,
                  size_t *ret_len_bytes, size_t *ret_hint_bytes);
    /* Bytes of the message, possibly at the place that was named. */
    cflight_status (*on_message_bytes)(void *user_data, struct cfl_grpc_call *call,
                                       const uint8_t *data, size_t len_bytes,
                                       cflight_error **reterr);
    /* A compressed message grows by `more_bytes` in memory, from `so_far_bytes`. A status other
     * than OK ends the call. When it is whole, it follows as any other, after on_unpacked. Either
     * may be NULL. */
    cflight_status (*on_unpacking)(void *user_data, struct cfl_grpc_call *call, size_t more_bytes,
                                   uint64_t so_far_bytes, cflight_error **reterr);
    void (*on_unpacked)(void *user_data, struct cfl_grpc_call *call);
    /* The message is complete. */
    cflight_status (*on_message_end)(void *user_data, struct cfl_grpc_call *call,
                                     cflight_error **reterr);
    /* Server: the client will send no more messages. */
    void (*on_half_close)(void *user_data, struct cfl_grpc_call *call);
    /* The socket took the last byte of the messages that were queued. May be NULL. */
    void (*on_sent)(void *user_data, struct cfl_grpc_call *call);
    /* The call is over: at a client the status is there; at a server the client cancelled, the
     * deadline passed, the connection broke, or what cfl_grpc_call_finish queued was taken by the
     * socket. Called exactly once. */
    void (*on_end)(void *user_data, struct cfl_grpc_call *call);
};

struct cfl_grpc_conn_handlers {
    /* Server: a request's headers are in and valid. Set handlers with cfl_grpc_call_accept, or
     * finish it at once. */
    void (*on_call)(void *user_data, struct cfl_grpc_call *call);
    /* The peer takes no new calls. */
    void (*on_goaway)(void *user_data);
    /* Server: a request was answered that is no call: its metadata is over the limit, or it is
     * malformed. */
    void (*on_refused)(void *user_data, bool is_too_large);
};

/* Keepalive; all zero is off. At a server, pings of a client are always answered. */
struct cfl_grpc_keepalive {
    int64_t interval_ns;
    int64_t timeout_ns;
    bool without_calls;
    /* After how many pings without headers or data from the peer they become rare, as stock gRPC
     * servers demand, which count pings and hang up (gRPC core: keepalive.md, "too_many_pings").
     * 0: never. */
    uint32_t eager_max;
};

cflight_status cfl_grpc_conn_new(const struct cflight_allocator *alloc, enum cfl_grpc_role role,
                                 const struct cfl_limits *limits, const struct cfl_clock *clock,
                                 const struct cfl_grpc_keepalive *keepalive,
                                 const struct cfl_grpc_conn_handlers *handlers, void *user_data,
                                 struct cfl_grpc_conn **ret_conn, cflight_error **reterr);
void cfl_grpc_conn_free(struct cfl_grpc_conn *conn);

/* As in h2/session.h. */
void cfl_grpc_input(struct cfl_grpc_conn *conn, struct iovec target[2], int *ret_count);
cflight_status cfl_grpc_received(struct cfl_grpc_conn *conn, size_t len_bytes,
                                 cflight_error **reterr);
cflight_status cfl_grpc_output(struct cfl_grpc_conn *conn, struct iovec *ret_views, int max_count,
                               int *ret_count, cflight_error **reterr);
void cfl_grpc_sent(struct cfl_grpc_conn *conn, size_t len_bytes);
bool cfl_grpc_wants_output(struct cfl_grpc_conn *conn);
bool cfl_grpc_is_finished(const struct cfl_grpc_conn *conn);
bool cfl_grpc_has_peer_settings(const struct cfl_grpc_conn *conn);

/* Ends every call because the transport broke or closed: UNAVAILABLE with `cause` (borrowed, may be
 * NULL), safe to retry only for calls of which nothing was written or that the peer said it did not
 * process. */
void cfl_grpc_conn_fail(struct cfl_grpc_conn *conn, const cflight_error *cause);
/* The same error for who wants to start a call. */
cflight_status cfl_grpc_conn_failure(struct cfl_grpc_conn *conn, const cflight_error *cause,
                                     cflight_error **reterr);

/* The earliest moment at which cfl_grpc_tick has work: deadlines, keepalive, timeouts of the
 * session. */
int64_t cfl_grpc_next_deadline_ns(const struct cfl_grpc_conn *conn);
/* Ends calls whose deadline passed (client: RST_STREAM(CANCEL) and DEADLINE_EXCEEDED; server: the
 * same status is sent), sends keepalive pings, fails when one went unanswered. A failure is fatal
 * for the connection. */
cflight_status cfl_grpc_tick(struct cfl_grpc_conn *conn, int64_t now_ns, cflight_error **reterr);

/* True when a client may start calls: no GOAWAY in either direction, not finished. */
bool cfl_grpc_can_start(const struct cfl_grpc_conn *conn);
/* Announces shutdown (server): first a notice, then, with `is_final`, the last id that is served.
 */
void cfl_grpc_goaway(struct cfl_grpc_conn *conn, bool is_final);
size_t cfl_grpc_call_count(const struct cfl_grpc_conn *conn);
/* The HTTP/2 stream of a call, the same at both ends; 0 when the call let go of it. */
uint32_t cfl_grpc_call_stream_id(const struct cfl_grpc_call *call);
/* Whether messages of the stream may be handed out still: its call is not over, or, at a server,
 * not begun. */
bool cfl_grpc_awaits_stream(const struct cfl_grpc_conn *conn, uint32_t stream_id);

struct cfl_grpc_call_params {
    const char *path;      /* "/arrow.flight.protocol.FlightService/DoGet" */
    const char *authority; /* ":authority" */
    bool is_tls;           /* ":scheme" */
    const char *user_agent;
    const struct cfl_metadata *metadata; /* borrowed for the call; NULL for none */
    int64_t deadline_ns; /* absolute; sent as grpc-timeout; CFL_TIME_NEVER for none */
};

/* Client: starts a call. `params` and the strings are borrowed for this function. */
cflight_status cfl_grpc_call_start(struct cfl_grpc_conn *conn,
                                   const struct cfl_grpc_call_params *params,
                                   const struct cfl_grpc_call_handlers *handlers, void *user_data,
                                   struct cfl_grpc_call **ret_call, cflight_error **reterr);
/* Server: takes the call on. `deadline_ns` of the request is watched by the connection. */
void cfl_grpc_call_accept(struct cfl_grpc_call *call, const struct cfl_grpc_call_handlers *handlers,
                          void *user_data);
/* The user's last touch: no callback follows. A call that is not over is cancelled, but for one of
 * a server that was finished and of which no body, which is borrowed, waits to be sent: it stays
 * with its stream, without handlers, until the socket took its messages (the heads were copied) and
 * its status. The client's cancel, the call's deadline and the end of the connection end it before;
 * it counts in cfl_grpc_call_count. */
void cfl_grpc_call_release(struct cfl_grpc_call *call);

/* Queues one message: 5-byte prefix and `head` (copied), then `body` (borrowed until
 * cfl_grpc_call_unsent_bytes is 0, or the call ended or was cancelled; may be NULL). Over 2^32-1
 * bytes is RESOURCE_EXHAUSTED and nothing is queued. At a server the response headers go out before
 * the first message. */
cflight_status cfl_grpc_call_send(struct cfl_grpc_call *call, struct cflight_bytes head,
                                  const struct cfl_pieces *body, cflight_error **reterr);
/* The same with a body that is copied, too. Where that takes new memory, it has room for
 * `more_bytes` in all: for messages that follow. */
cflight_status cfl_grpc_call_send_copy(struct cfl_grpc_call *call, struct cflight_bytes head,
                                       const struct cfl_pieces *body, size_t more_bytes,
                                       cflight_error **reterr);
/* Queued bytes that the socket has not taken. */
uint64_t cfl_grpc_call_unsent_bytes(const struct cfl_grpc_call *call);
/* Whether those wait for the peer's window. */
bool cfl_grpc_call_is_window_full(const struct cfl_grpc_call *call);
/* Client: no more messages. */
cflight_status cfl_grpc_call_half_close(struct cfl_grpc_call *call, cflight_error **reterr);
/* Server: response headers now; FAILED_PRECONDITION when they went out already. */
cflight_status cfl_grpc_call_send_headers(struct cfl_grpc_call *call,
                                          const struct cfl_metadata *metadata,
                                          cflight_error **reterr);
/* Server: ends the call after what is queued. A Trailers-Only reply when no header was sent.
 * `message` is UTF-8 and is percent-encoded; it and `trailers` (may be NULL) are copied. A message
 * or trailers past what the peer accepts (8 KiB when it did not say) are cut: binary values are
 * left out whole, which the message then tells; texts lose their middle, with a mark. If the client
 * still sends, the stream is then reset with NO_ERROR. */
void cfl_grpc_call_finish(struct cfl_grpc_call *call, cflight_status status, const char *message,
                          const struct cfl_metadata *trailers);
/* Ends the call from this side, at any time, with `status` and `message`. A client sends
 * RST_STREAM(CANCEL). A server drops what is queued and sends the status; only when a status is
 * queued already, behind data that the client does not take, does it reset the stream. on_end is
 * called before the return. After that no queued view is referenced. */
void cfl_grpc_call_cancel(struct cfl_grpc_call *call, cflight_status status, const char *message);
/* Server: sends the call away untouched: RST_STREAM(REFUSED_STREAM), after which a client knows
 * that it may try again elsewhere. Only before anything was sent. on_end is called before the
 * return. */
void cfl_grpc_call_refuse(struct cfl_grpc_call *call);
/* Gives flow-control credit back for message bytes that were taken. Prefixes are credited by
 * themselves once no delivered bytes wait for credit, so a stream whose user stops taking comes to
 * rest. Empty messages take no credit: a user that queues messages bounds how many. */
void cfl_grpc_call_consume(struct cfl_grpc_call *call, size_t len_bytes);

/* Server: of the request. */
const char *cfl_grpc_call_path(const struct cfl_grpc_call *call);
int64_t cfl_grpc_call_deadline_ns(const struct cfl_grpc_call *call);
/* Server: request metadata. Client: response headers, once there. */
const struct cfl_metadata *cfl_grpc_call_headers(const struct cfl_grpc_call *call);
/* Client: trailers, once over; with a Trailers-Only reply everything is here. */
const struct cfl_metadata *cfl_grpc_call_trailers(const struct cfl_grpc_call *call);
bool cfl_grpc_call_is_over(const struct cfl_grpc_call *call);
/* Server: the client cancelled, its deadline passed, or the connection broke. */
/* Server: whether the client's half-close cannot be believed: it came with a reset, after a
 * silence.
 */
bool cfl_grpc_call_was_cut(const struct cfl_grpc_call *call);
bool cfl_grpc_call_is_cancelled(const struct cfl_grpc_call *call);
/* Meaningful when over. The status as the peer (or this side) gave it; the message decoded. */
cflight_status cfl_grpc_call_status(const struct cfl_grpc_call *call);
const char *cfl_grpc_call_message(const struct cfl_grpc_call *call);
/* What is certain about processing; CFLIGHT_RETRY_NEVER when the server answered. */
enum cflight_retry cfl_grpc_call_retry(const struct cfl_grpc_call *call);
/* True when the status came in the peer's trailers, false when this side made it up (reset,
 * connection, limits). */
bool cfl_grpc_call_status_is_from_peer(const struct cfl_grpc_call *call);

#endif /* CFL_GRPC_CONN_H */
