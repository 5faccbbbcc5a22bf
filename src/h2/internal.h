/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_H2_INTERNAL_H
#define CFL_H2_INTERNAL_H

#include <nghttp2/nghttp2.h>

#include "base/buf.h"
#include "base/list.h"
#include "h2/session.h"

/* What the files of this layer share. Nothing outside src/h2 includes it.
 *
 * The session keeps three things beside nghttp2's state: a cursor over the frame boundaries of the
 * input (input.c), so that it can say where the next bytes go; the list of segments that were
 * framed and not yet taken by the socket (output.c); and the streams that have payload waiting for
 * their turn (stream.c). Payload is framed only when the segment list is short, so a reset or a
 * small message never waits behind more than CFL_H2_OUTPUT_BYTES. */

enum {
    CFL_H2_STAGING_BYTES = 64 << 10,
    CFL_H2_NARROW_STAGING_BYTES = 256,
    CFL_H2_OUTPUT_BYTES = 1 << 20, /* framed and not sent; no payload is framed past it */
    CFL_H2_FRAME_BYTES_MAX = 1 << 20,
    CFL_H2_BULK_FRAME_BYTES = 8 << 10, /* a DATA frame from here on is read piece by piece */
    CFL_H2_FRAME_HEADER_BYTES = 9,
    CFL_H2_PREFACE_BYTES = 24,
};

/* A run of framed bytes: at `data`, or in the control buffer at `control_offset`. */
struct cfl_h2_segment {
    const uint8_t *data;
    uint64_t control_offset;
    size_t len_bytes;
    struct cfl_h2_stream *stream; /* NULL when it belongs to the connection */
    uint8_t *owned;               /* a copy that goes with the segment */
    size_t owned_bytes;
    bool is_control;
    bool is_payload; /* memory of the stream's user */
};

/* A token bucket: `burst` events at once, refilled by `per_second` (guard.c). */
struct cfl_h2_rate {
    uint32_t per_second;
    double tokens;
    int64_t last_ns;
};

enum cfl_h2_source {
    CFL_H2_SOURCE_NONE,   /* nghttp2 has not asked for payload yet, and will by itself */
    CFL_H2_SOURCE_ACTIVE, /* nghttp2 will ask when flow control allows */
    CFL_H2_SOURCE_IDLE,   /* deferred: there was nothing to send */
    CFL_H2_SOURCE_PARKED, /* deferred: waits for its turn in session->parked */
    CFL_H2_SOURCE_ENDED,
};

enum cfl_h2_ending {
    CFL_H2_ENDING_NONE,
    CFL_H2_ENDING_DATA,     /* END_STREAM on the last DATA frame */
    CFL_H2_ENDING_TRAILERS, /* trailers after it */
};

struct cfl_h2_stream {
    struct cfl_h2_session *session;
    struct cfl_list in_session;
    struct cfl_list in_parked;
    struct cfl_list in_closed;
    int32_t id;
    void *user_data;

    struct cflight_bytes *views; /* queued, not framed: views[view_first .. view_count) */
    size_t view_first;
    size_t view_count;
    size_t view_capacity;
    uint64_t queued_bytes; /* in those views */
    uint64_t framed_bytes; /* payload in segments, not taken by the socket */
    size_t segment_count;  /* segments that name this stream */
    uint64_t last_turn;
    enum cfl_h2_source source;
    enum cfl_h2_ending ending;
    struct cfl_buf trailer_text;
    struct cfl_h2_field *trailers; /* point into trailer_text, or to literals */
    size_t trailer_count;

    uint32_t close_code;
    bool is_announced; /* the user knows the stream: on_close is due */
    bool is_reset;     /* by cfl_h2_stream_reset */
    bool is_closed;    /* nghttp2 has let go of it */
    bool is_taken;     /* the socket took at least one byte of it */
    bool is_end_received;
    bool is_end_sent;   /* END_STREAM was framed */
    bool is_reset_here; /* by either, this session or nghttp2 */
    const char *fault;  /* what the peer did wrong, when that is known better than by the code */
    bool is_refused;    /* the peer said that it did not process it */
};

/* One header block under way. Offsets, because the text moves as it grows. */
struct cfl_h2_block_field {
    size_t name_offset;
    size_t name_bytes;
    size_t value_offset;
    size_t value_bytes;
    bool is_sensitive;
};

/* A field whose name or value was rewritten, because nghttp2 does not take it (long_fields.c). */
struct cfl_h2_long_field {
    size_t index;          /* among the fields of its block, fillers included */
    uint64_t filler_count; /* fields that follow it and are none */
    uint64_t length_bytes; /* as it was encoded */
    size_t kept_offset;
    bool is_kept; /* the value is at kept_offset; otherwise it is past the limit, or it is a name */
    bool is_huffman;
};

struct cfl_h2_block {
    struct cfl_buf text;
    struct cfl_h2_block_field *fields;
    struct cfl_h2_field *views;
    size_t field_count;
    size_t field_capacity;
    size_t view_capacity;
    uint64_t size_bytes;   /* as the limit counts: name + value + 32, dropped fields included */
    size_t seen_count;     /* fields that nghttp2 reported */
    uint64_t filler_count; /* of those to come that are none */
    bool has_long_field;   /* one was reported, and its value comes meanwhile */
    bool long_is_sensitive;
    struct cfl_h2_long_field long_field;
    struct cfl_buf long_name;
    bool is_too_large;
};

/* Where the input stands inside a header block. */
struct cfl_h2_scan {
    int state;
    bool is_name;   /* the string that is read, or comes next, is a name */
    bool has_value; /* a string follows the index */
    bool is_huffman;
    bool is_long; /* the string is rewritten */
    bool is_kept; /* and kept */
    unsigned int group_count;
    uint64_t length_bytes; /* of the string */
    uint64_t first_bytes;  /* of it that stay its own */
    uint64_t done_bytes;
    uint64_t filler_count; /* fields that the rest of the string becomes */
    uint64_t block_bytes;
    size_t field_count; /* so far, fillers included */
    struct cfl_buf kept;
    struct cfl_h2_long_field *fields;
    size_t field_capacity;
    size_t long_count;
    size_t taken_count;
};

/* Where the input stands between and inside frames. */
struct cfl_h2_cursor {
    size_t preface_left;
    uint8_t header[CFL_H2_FRAME_HEADER_BYTES];
    size_t header_bytes;
    size_t payload_left;
    int32_t stream_id;
    bool is_data;
    bool is_headers;         /* HEADERS or CONTINUATION */
    bool is_block_start;     /* a header block begins with the next byte */
    size_t lead_bytes;       /* before the header block: length of the padding, priority */
    size_t padding_bytes;    /* behind it */
    bool has_padding_length; /* lead_bytes begins with it */
    bool is_padded;
    bool is_bulk;                /* the last DATA frame was large */
    uint32_t continuation_count; /* CONTINUATION frames in a row */
    int32_t last_stream_id;      /* of the last DATA frame */
};

struct cfl_h2_session {
    const struct cflight_allocator *alloc;
    nghttp2_mem mem;
    nghttp2_session *ng;
    enum cfl_h2_role role;
    struct cfl_limits limits;
    const struct cfl_clock *clock;
    struct cfl_h2_callbacks callbacks;
    void *user_data;

    struct cfl_list streams;
    size_t stream_count;
    struct cfl_list parked; /* streams with payload, in the order of their turns */
    size_t parked_count;
    uint64_t turn;
    bool may_frame_payload;
    struct cfl_list closed; /* streams whose on_close is due */

    struct cfl_h2_cursor cursor;
    /* Lent between cfl_h2_input and cfl_h2_received: a connection that says nothing keeps none. */
    uint8_t *staging;
    uint8_t narrow_staging[CFL_H2_NARROW_STAGING_BYTES]; /* when there is no memory for it */
    struct iovec target[2];
    int target_count;

    struct cfl_buf control;          /* frame headers and control frames */
    uint64_t control_base;           /* offset of control.data[0] */
    uint64_t control_taken;          /* offset up to which the socket took it */
    struct cfl_h2_segment *segments; /* segments[segment_first .. segment_count) */
    size_t segment_first;
    size_t segment_count;
    size_t segment_capacity;
    size_t frame_start; /* first segment of the frame being sent */
    uint64_t pending_bytes;
    uint64_t pending_control_bytes;

    struct cfl_h2_block block;
    struct cfl_h2_scan scan;
    nghttp2_nv *pairs; /* for fields on their way out */
    size_t pair_capacity;

    struct cfl_h2_rate reset_rate;
    struct cfl_h2_rate ping_rate;
    uint32_t empty_frame_count;
    bool had_payload; /* since the last PING of the peer */
    int64_t start_ns;
    uint8_t opening[80]; /* the peer's first bytes, until its SETTINGS */
    size_t opening_bytes;
    bool has_peer_settings;
    bool has_settings_ack;
    bool is_goaway_received;
    uint32_t goaway_code;
    char goaway_text[128]; /* the peer's own, printable */
    bool is_goaway_sent;
    bool is_final_goaway_sent;

    cflight_status failure; /* not OK: the session is over */
    char failure_text[256];
    bool is_broken; /* memory ran out or nghttp2 gave up: nothing more is framed */
    bool is_cut;    /* a frame lost its payload: nothing more is written */
};

/* guard.c: what a peer may do per second. */
void cfl_h2_rate_init(struct cfl_h2_rate *rate, uint32_t per_second, int64_t now_ns);
void cfl_h2_guard_reset(struct cfl_h2_session *session);
void cfl_h2_guard_control(struct cfl_h2_session *session, bool is_ping);
void cfl_h2_guard_data(struct cfl_h2_session *session, const nghttp2_frame *frame);
void cfl_h2_guard_queue(struct cfl_h2_session *session);
/* What a header block may take before decoding it is the attack; ends the session for it. */
uint64_t cfl_h2_block_bytes_max(const struct cfl_h2_session *session);
void cfl_h2_block_fail(struct cfl_h2_session *session);
/* Ends the session with GOAWAY(code) and remembers why. The first failure counts. */
void cfl_h2_session_fail(struct cfl_h2_session *session, uint32_t h2_error_code,
                         cflight_status status, const char *format, ...) CFLIGHT_PRINTF(4, 5);
/* As above without a GOAWAY: nghttp2 reported `ng_code` and cannot go on. */
void cfl_h2_session_break(struct cfl_h2_session *session, int ng_code);
/* As above for a session that has said its last. */
void cfl_h2_session_break_with(struct cfl_h2_session *session, cflight_status status,
                               const char *text);
/* Returns the failure as an error, or OK. */
cflight_status cfl_h2_session_failure(const struct cfl_h2_session *session, cflight_error **reterr);

/* opening.c: peers that speak something else. Keeps first bytes; ends the session when they are
 * TLS.
 */
void cfl_h2_opening_note(struct cfl_h2_session *session, const uint8_t *data, size_t len_bytes);
/* Client: which HTTP/1 the server speaks; false when it is none. */
bool cfl_h2_opening_explain(const struct cfl_h2_session *session, char *text, size_t text_bytes);
/* Server: answers a client of HTTP/1.1 in its own words; false when it is none. */
bool cfl_h2_opening_refuse(struct cfl_h2_session *session);

/* memory.c: nghttp2's allocations through the session's allocator. */
void cfl_h2_mem_init(nghttp2_mem *mem, const struct cflight_allocator *alloc);

/* stream.c */
struct cfl_h2_stream *cfl_h2_stream_new(struct cfl_h2_session *session, int32_t id);
void cfl_h2_stream_free(struct cfl_h2_stream *stream);
struct cfl_h2_stream *cfl_h2_stream_find(struct cfl_h2_session *session, int32_t id);
/* Makes it wait for its turn; takes it out of the row; has it wait when there is something new. */
void cfl_h2_stream_park(struct cfl_h2_stream *stream);
void cfl_h2_stream_unpark(struct cfl_h2_stream *stream);
void cfl_h2_stream_wake(struct cfl_h2_stream *stream);
void cfl_h2_stream_drop_queue(struct cfl_h2_stream *stream);
/* on_close becomes due when nghttp2 has let go of it and no segment names it. */
void cfl_h2_stream_close_if_detached(struct cfl_h2_stream *stream);

/* headers.c */
void cfl_h2_block_done(struct cfl_h2_session *session);
int cfl_h2_on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *user_data);
int cfl_h2_on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_bytes, const uint8_t *value, size_t value_bytes, uint8_t flags,
                     void *user_data);
/* False when its last field is not valid: the stream is to be reset. */
bool cfl_h2_block_deliver(struct cfl_h2_session *session, struct cfl_h2_stream *stream,
                          bool is_end_stream);
/* Turns fields into what nghttp2 takes, valid until the next call; NULL when memory ran out. */
nghttp2_nv *cfl_h2_pairs(struct cfl_h2_session *session, const struct cfl_h2_field *fields,
                         size_t field_count);

/* long_fields.c: a new block; more of it, which is rewritten in place. */
void cfl_h2_scan_begin(struct cfl_h2_session *session);
void cfl_h2_scan(struct cfl_h2_session *session, uint8_t *data, size_t len_bytes);
void cfl_h2_scan_done(struct cfl_h2_session *session);
/* True when the field at `index` was rewritten; says how, once. */
bool cfl_h2_scan_take(struct cfl_h2_session *session, size_t index,
                      struct cfl_h2_long_field *ret_field);
/* Appends the value as it was, for a field that is kept. False when it is not Huffman code, or
 * memory ran out (target->failed). */
bool cfl_h2_scan_value(struct cfl_h2_session *session, const struct cfl_h2_long_field *field,
                       struct cfl_buf *target);

/* huffman.c: appends the text; false when it is not Huffman code, or memory ran out. */
bool cfl_h2_huffman_decode(struct cflight_bytes text, struct cfl_buf *target);

/* output.c */
bool cfl_h2_control_add(struct cfl_h2_session *session, const uint8_t *data, size_t len_bytes);
bool cfl_h2_payload_add(struct cfl_h2_stream *stream, const uint8_t *data, size_t len_bytes);
/* Names the owner of the segments of the frame that was just sent. */
void cfl_h2_frame_owner(struct cfl_h2_session *session, struct cfl_h2_stream *stream);
/* Frames what can be framed; payload only if asked. */
void cfl_h2_produce(struct cfl_h2_session *session, bool with_payload);
/* Copies what is framed of a stream's views into the session and forgets the stream. */
void cfl_h2_output_detach(struct cfl_h2_session *session, struct cfl_h2_stream *stream);
/* Calls on_close for the streams that are due. */
void cfl_h2_deliver_closed(struct cfl_h2_session *session);

/* payload.c: the data source. */
nghttp2_data_provider cfl_h2_provider(struct cfl_h2_stream *stream);
ssize_t cfl_h2_read_length(nghttp2_session *ng, uint8_t frame_type, int32_t stream_id,
                           int32_t session_window, int32_t stream_window, uint32_t frame_bytes_max,
                           void *user_data);
int cfl_h2_send_data(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *header,
                     size_t len_bytes, nghttp2_data_source *source, void *user_data);
/* Hands trailers to nghttp2; returns its code. */
int cfl_h2_trailers_submit(const struct cfl_h2_stream *stream, const struct cfl_h2_field *trailers,
                           size_t trailer_count);

/* events.c: the rest of nghttp2's callbacks. */
void cfl_h2_set_callbacks(nghttp2_session_callbacks *callbacks);

#endif /* CFL_H2_INTERNAL_H */
