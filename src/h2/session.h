/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_H2_SESSION_H
#define CFL_H2_SESSION_H

#include <stdbool.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/pieces.h"
#include "cflight/error.h"

/* An HTTP/2 session without I/O (RFC 9113), over nghttp2: bytes in, bytes out.
 *
 * In. The session says where it wants the next bytes (cfl_h2_input); the caller reads the socket
 * straight there and reports the count (cfl_h2_received). Inside the payload of a DATA frame whose
 * stream has a place for it, that is the stream's own memory, so nothing is copied; otherwise it is
 * a staging buffer. Out. What is to be sent is queued on streams as borrowed views; cfl_h2_output
 * lists frame headers and views for one writev, and cfl_h2_sent reports how much the socket took.
 * Flow control, frame sizes and fairness between streams are decided in between. No payload byte is
 * copied.
 *
 * Hostile peers: resets (theirs, and ours that they provoke), pings, settings, empty frames, header
 * blocks and the queue of control frames are bounded by cfl_limits; past a bound the session ends
 * with GOAWAY(ENHANCE_YOUR_CALM).
 *
 * Callbacks run inside cfl_h2_received, cfl_h2_output and cfl_h2_tick (place_data inside
 * cfl_h2_input), in the caller's thread and under whatever lock the caller holds; they may call
 * every function here but those and free. A server ends a stream whose response is complete before
 * its request with RST_STREAM(NO_ERROR). Thread class: one at a time. */

struct cfl_h2_session;
struct cfl_h2_stream;

enum cfl_h2_role { CFL_H2_CLIENT, CFL_H2_SERVER };

/* What every field counts beyond its bytes (RFC 9113 6.5.2, SETTINGS_MAX_HEADER_LIST_SIZE). */
enum { CFL_H2_FIELD_OVERHEAD_BYTES = 32 };

/* One header field; pseudo-header fields (":path") included and first. */
struct cfl_h2_field {
    struct cflight_bytes name;
    struct cflight_bytes value;
    bool is_sensitive; /* never indexed by HPACK (RFC 7541 7.1.3) */
    bool is_static;    /* on the way out: name and value are literals of the program, not copied */
};

enum { CFL_H2_NO_PLACE_SOON = 64 << 10 };

struct cfl_h2_callbacks {
    /* A header block arrived whole: a request at a server (the stream is new: set its user data), a
     * response, or trailers. `is_too_large` says that fields past the limit were dropped (HPACK
     * state is kept); the receiver refuses the stream. Fields are borrowed for the call. */
    void (*on_headers)(void *user_data, struct cfl_h2_stream *stream,
                       const struct cfl_h2_field *fields, size_t field_count, bool is_end_stream,
                       bool is_too_large);
    /* Payload bytes in order; `data` may be the place that place_data named. They count against the
     * stream's window until cfl_h2_stream_consume. */
    void (*on_data)(void *user_data, struct cfl_h2_stream *stream, const uint8_t *data,
                    size_t len_bytes);
    /* The peer will send no more on this stream. Follows on_headers with `is_end_stream`, too. */
    void (*on_end_stream)(void *user_data, struct cfl_h2_stream *stream);
    /* The stream is over, by END_STREAM in both directions (NO_ERROR) or a reset, by either side,
     * or the session's end. `was_processed_never` says that the peer certainly did no work for it
     * (REFUSED_STREAM, or above the GOAWAY id, or never written). The pointer is dead after the
     * return; views queued on it are no longer referenced. */
    void (*on_close)(void *user_data, struct cfl_h2_stream *stream, uint32_t h2_error_code,
                     bool was_processed_never);
    /* The socket took the last byte that was queued on the stream. Runs inside cfl_h2_sent; NULL
     * for none. */
    void (*on_sent)(void *user_data, struct cfl_h2_stream *stream);
    /* Where the next payload bytes of the stream should be put: `*ret_target` NULL for no wish,
     * otherwise room for
     * `*ret_len_bytes` bytes that stays valid until they were reported. `*ret_hint_bytes`: when
     * there is no wish, how many bytes are expected before there will be one (0: unknown;
     * CFL_H2_NO_PLACE_SOON: many), so that the staging buffer is not read past it. */
    void (*place_data)(void *user_data, struct cfl_h2_stream *stream, uint8_t **ret_target,
                       size_t *ret_len_bytes, size_t *ret_hint_bytes);
    /* The peer sent GOAWAY: no new streams. */
    void (*on_goaway)(void *user_data, uint32_t h2_error_code);
    /* The answer to cfl_h2_ping. */
    void (*on_ping_ack)(void *user_data);
};

cflight_status cfl_h2_session_new(const struct cflight_allocator *alloc, enum cfl_h2_role role,
                                  const struct cfl_limits *limits, const struct cfl_clock *clock,
                                  const struct cfl_h2_callbacks *callbacks, void *user_data,
                                  struct cfl_h2_session **ret_session, cflight_error **reterr);
/* Ends all streams (on_close for each), then frees. */
void cfl_h2_session_free(struct cfl_h2_session *session);

/* Where the next bytes from the peer go: 1 or 2 views, at least 1 byte in all. Valid until the next
 * call of any function of the session: read and report without letting others in between. */
void cfl_h2_input(struct cfl_h2_session *session, struct iovec target[2], int *ret_count);
/* `len_bytes` were put there, in order. A failure is fatal for the session: its message says what
 * the peer did; send what cfl_h2_output still has (the GOAWAY), then close. */
cflight_status cfl_h2_received(struct cfl_h2_session *session, size_t len_bytes,
                               cflight_error **reterr);

/* Views of what is to be written, at most `max_count`; `*ret_count` 0 when there is nothing (or
 * flow control forbids). Valid until the next call to any function of the session. A session that
 * failed lists what is left (its GOAWAY) and reports the failure once there is nothing. on_close is
 * called from here for streams whose last bytes were taken. */
cflight_status cfl_h2_output(struct cfl_h2_session *session, struct iovec *ret_views, int max_count,
                             int *ret_count, cflight_error **reterr);
void cfl_h2_sent(struct cfl_h2_session *session, size_t len_bytes);
bool cfl_h2_wants_output(struct cfl_h2_session *session);
/* True when nothing more will come in or go out: GOAWAY was exchanged and the last stream is gone,
 * or a fatal error. */
bool cfl_h2_is_finished(const struct cfl_h2_session *session);
/* True once the peer's SETTINGS came: it is there, and speaks HTTP/2. */
bool cfl_h2_has_peer_settings(const struct cfl_h2_session *session);
/* True once a failure was met, even while output is left. */
bool cfl_h2_is_failed(const struct cfl_h2_session *session);
/* Resets the count windows of the limits, times out an absent preface or SETTINGS acknowledgement.
 */
cflight_status cfl_h2_tick(struct cfl_h2_session *session, int64_t now_ns, cflight_error **reterr);
int64_t cfl_h2_next_deadline_ns(const struct cfl_h2_session *session);

/* Starts a stream (client). May exceed the peer's limit of concurrent streams: it then waits its
 * turn. */
cflight_status cfl_h2_submit_request(struct cfl_h2_session *session,
                                     const struct cfl_h2_field *fields, size_t field_count,
                                     bool is_end_stream, void *stream_user_data,
                                     struct cfl_h2_stream **ret_stream, cflight_error **reterr);
/* Sends response headers (server); with `is_end_stream` they are the whole response. */
cflight_status cfl_h2_submit_headers(struct cfl_h2_stream *stream,
                                     const struct cfl_h2_field *fields, size_t field_count,
                                     bool is_end_stream, cflight_error **reterr);
/* Queues views as payload. The array is copied, what it points at is borrowed until
 * cfl_h2_stream_unsent_bytes says 0 for it, or the stream is closed or detached. */
cflight_status cfl_h2_stream_send(struct cfl_h2_stream *stream, const struct cflight_bytes *views,
                                  size_t view_count, cflight_error **reterr);
/* Makes room for `view_count` more views, so that the next sends of as many cannot fail for lack of
 * memory. */
cflight_status cfl_h2_stream_reserve(struct cfl_h2_stream *stream, size_t view_count,
                                     cflight_error **reterr);
/* END_STREAM after what is queued (client half-close). */
cflight_status cfl_h2_stream_end(struct cfl_h2_stream *stream, cflight_error **reterr);
/* Trailers with END_STREAM after what is queued (server). The fields are copied. */
cflight_status cfl_h2_stream_trailers(struct cfl_h2_stream *stream,
                                      const struct cfl_h2_field *fields, size_t field_count,
                                      cflight_error **reterr);
/* Queued payload bytes that the socket has not taken yet. */
uint64_t cfl_h2_stream_unsent_bytes(const struct cfl_h2_stream *stream);
/* True when payload is queued that the peer's window, of the stream or the connection, has no room
 * for. */
bool cfl_h2_stream_is_window_full(const struct cfl_h2_stream *stream);
/* Resets the stream: drops what is queued and not framed, copies the rest of a frame under way (the
 * only copy there is), sends RST_STREAM. on_close follows. After the return no view of the stream
 * is referenced. */
void cfl_h2_stream_reset(struct cfl_h2_stream *stream, uint32_t h2_error_code);
/* Drops what is queued and not framed and copies what is framed, without a reset: for a server that
 * ends a call early with trailers. After the return no view of the stream is referenced. */
void cfl_h2_stream_drop(struct cfl_h2_stream *stream);
/* True once the socket took a byte of the stream: from then on the peer may have seen it. */
bool cfl_h2_stream_was_taken(const struct cfl_h2_stream *stream);
/* Gives back `len_bytes` of flow-control credit of the stream. The connection's own window is
 * credited on arrival, so a stream that is not read never stalls another. */
void cfl_h2_stream_consume(struct cfl_h2_stream *stream, size_t len_bytes);
void cfl_h2_stream_set_user_data(struct cfl_h2_stream *stream, void *user_data);
void *cfl_h2_stream_user_data(const struct cfl_h2_stream *stream);
/* In on_close: true when the stream was reset by this side, whoever was at fault. */
bool cfl_h2_stream_was_reset_here(const struct cfl_h2_stream *stream);
/* What the peer did wrong with the stream, or NULL. */
const char *cfl_h2_stream_fault(const struct cfl_h2_stream *stream);
int32_t cfl_h2_stream_id(const struct cfl_h2_stream *stream);

/* Announces that no new streams are taken; with `is_final` (after the first notice) states the last
 * id. */
void cfl_h2_goaway(struct cfl_h2_session *session, uint32_t h2_error_code, bool is_final);
void cfl_h2_ping(struct cfl_h2_session *session);
bool cfl_h2_goaway_received(const struct cfl_h2_session *session);
/* The code of the peer's last GOAWAY, and its text in printable ASCII; "" when there is none. */
uint32_t cfl_h2_goaway_code(const struct cfl_h2_session *session);
const char *cfl_h2_goaway_text(const struct cfl_h2_session *session);
size_t cfl_h2_stream_count(const struct cfl_h2_session *session);
/* Server: the highest id of a stream that the client has begun. */
int32_t cfl_h2_last_stream_id(const struct cfl_h2_session *session);
/* Largest header block that the peer takes (RFC 9113 6.5.2); UINT32_MAX when it did not say, or not
 * yet. */
uint32_t cfl_h2_peer_header_bytes_max(const struct cfl_h2_session *session);

/* RFC 9113 section 7. */
enum cfl_h2_error_code {
    CFL_H2_NO_ERROR = 0x0,
    CFL_H2_PROTOCOL_ERROR = 0x1,
    CFL_H2_INTERNAL_ERROR = 0x2,
    CFL_H2_FLOW_CONTROL_ERROR = 0x3,
    CFL_H2_SETTINGS_TIMEOUT = 0x4,
    CFL_H2_STREAM_CLOSED = 0x5,
    CFL_H2_FRAME_SIZE_ERROR = 0x6,
    CFL_H2_REFUSED_STREAM = 0x7,
    CFL_H2_CANCEL = 0x8,
    CFL_H2_COMPRESSION_ERROR = 0x9,
    CFL_H2_CONNECT_ERROR = 0xa,
    CFL_H2_ENHANCE_YOUR_CALM = 0xb,
    CFL_H2_INADEQUATE_SECURITY = 0xc,
    CFL_H2_HTTP_1_1_REQUIRED = 0xd,
};

/* Of the nghttp2 that is loaded, such as "1.52.0". */
const char *cfl_h2_library_version(void);

#endif /* CFL_H2_SESSION_H */
