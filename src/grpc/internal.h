/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_GRPC_INTERNAL_H
#define CFL_GRPC_INTERNAL_H

#include "base/list.h"
#include "grpc/conn.h"
#include "grpc/wire.h"
#include "h2/session.h"

/* What the files of this layer share. Nothing outside src/grpc includes it.
 *
 * A call and its stream name each other until one of them is over: the call detaches (call.c) or
 * the stream closes (role.c). A handler may release the call it runs for, so every place that runs
 * one holds the call with cfl_grpc_call_hold and looks again after it. */

/* Prefixes, heads and copied bodies of messages, owned until the socket took them. */
struct cfl_grpc_head {
    struct cfl_grpc_head *next;
    uint64_t end_bytes; /* of all bytes ever queued on the call */
    size_t size_bytes;  /* of this block */
    size_t len_bytes;   /* of the data, which has room for more */
    uint8_t data[];
};

/* Where the deframer stands (gRPC over HTTP/2, "Length-Prefixed-Message"). */
enum { CFL_GRPC_PREFIX_BYTES = 5 };
struct cfl_grpc_deframer {
    uint8_t prefix[CFL_GRPC_PREFIX_BYTES];
    size_t prefix_bytes;
    bool is_in_message;
    unsigned int small_count; /* messages in a row that were small, this one included */
    bool is_packed;           /* the message that is received is compressed */
    uint32_t message_bytes;
    uint32_t done_bytes;
};

/* How a peer compresses the messages that it marks as compressed. */
enum cfl_grpc_encoding {
    CFL_GRPC_ENCODING_IDENTITY,
    CFL_GRPC_ENCODING_GZIP,
    CFL_GRPC_ENCODING_DEFLATE,
};
struct cfl_grpc_unpacker;

struct cfl_grpc_call {
    struct cfl_grpc_conn *conn;   /* NULL once the connection is gone */
    struct cfl_h2_stream *stream; /* NULL once the call let go of it */
    struct cfl_list in_conn;
    const struct cflight_allocator *alloc;
    struct cfl_grpc_call_handlers handlers;
    void *user_data;
    int hold_count;

    const char *path; /* server: in the texts of the headers */
    int64_t deadline_ns;
    int64_t moved_ns;  /* when it began, or the peer last sent something of it */
    int64_t ended_ns;  /* server: when the client's half-close came; 0 before that */
    size_t heap_index; /* plus one; 0 is in no heap */
    struct cfl_metadata headers;
    struct cfl_metadata trailers;

    struct cfl_grpc_deframer deframer;
    uint64_t unconsumed_bytes;    /* delivered message bytes without credit so far */
    uint64_t prefix_credit_bytes; /* prefixes, and compressed messages, that wait for it */
    uint64_t unpacked_bytes; /* of the unconsumed ones: they came without credit of their own */
    enum cfl_grpc_encoding encoding; /* of what the peer sends */
    struct cfl_grpc_unpacker *unpacker;

    struct cfl_grpc_head *first_head;
    struct cfl_grpc_head *last_head;
    uint64_t queued_bytes;   /* ever queued on the stream */
    uint64_t borrowed_bytes; /* of those, up to the end of the last body, which is the user's */

    cflight_status status;
    char *message; /* NULL for an empty one */
    enum cflight_retry retry;
    bool has_headers;    /* client: received; server: sent */
    bool is_half_closed; /* client: no more messages from here */
    bool is_finished;    /* server: the status was queued */
    bool is_over;
    bool is_cancelled;
    bool is_from_peer;
    bool is_released;
    bool was_cut; /* server */
};

struct cfl_grpc_conn {
    const struct cflight_allocator *alloc;
    struct cfl_h2_session *h2;
    enum cfl_grpc_role role;
    struct cfl_limits limits;
    const struct cfl_clock *clock;
    struct cfl_grpc_keepalive keepalive;
    struct cfl_grpc_conn_handlers handlers;
    void *user_data;
    struct cfl_list calls;
    size_t call_count;           /* not over */
    struct cfl_grpc_call **heap; /* calls with a deadline, earliest first */
    size_t heap_count;
    size_t heap_capacity;
    int64_t last_received_ns;
    int64_t last_sent_ns;
    int64_t ping_ns; /* when the keepalive ping that waits was sent */
    bool is_ping_sent;
    uint32_t eager_ping_count; /* since the peer last sent headers or data */
    bool is_goaway_sent;
    bool is_failed;
};

/* How a call ends on this side. */
struct cfl_grpc_ending {
    cflight_status status;
    const char *message;
    enum cflight_retry retry;
    bool is_from_peer;
    bool is_cancelled; /* server */
};

/* call.c */
struct cfl_grpc_call *cfl_grpc_call_new(struct cfl_grpc_conn *conn);
void cfl_grpc_call_hold(struct cfl_grpc_call *call);
/* Frees a call that was released meanwhile and has no stream. */
void cfl_grpc_call_unhold(struct cfl_grpc_call *call);
/* True when no handler may run any more. */
bool cfl_grpc_call_is_dead(const struct cfl_grpc_call *call);
/* The call and its stream forget each other; views must not be referenced any more. */
void cfl_grpc_call_detach(struct cfl_grpc_call *call);
/* Copies the text of the status; NULL for none. */
void cfl_grpc_call_set_message(struct cfl_grpc_call *call, const char *message);
/* Detaches, records how it ended and calls on_end. Does nothing on a call that is over. */
void cfl_grpc_call_end(struct cfl_grpc_call *call, const struct cfl_grpc_ending *ending);
void cfl_grpc_call_free(struct cfl_grpc_call *call);
/* Frees what only the user of a call may ask for. */
void cfl_grpc_call_forget_request(struct cfl_grpc_call *call);
/* The call of a stream; NULL when there is none, or none any more. */
struct cfl_grpc_call *cfl_grpc_call_of(const struct cfl_h2_stream *stream);
/* Marks a stream as one that no call belongs to. */
void cfl_grpc_stream_abandon(struct cfl_h2_stream *stream);
/* Gives credit for message prefixes when no delivered bytes wait for credit. */
void cfl_grpc_credit_prefixes(struct cfl_grpc_call *call);

/* "the peer ended the connection (GOAWAY ...)"; false when it did not. */
/* For an error, how long it was quiet before the end; empty when that was not long: "; nothing had
 * moved on it for ...". */
enum { CFL_GRPC_QUIET_TEXT_BYTES = 128 };
void cfl_grpc_quiet_text(int64_t since_ns, int64_t now_ns, char text[CFL_GRPC_QUIET_TEXT_BYTES]);
enum { CFL_GRPC_GOAWAY_TEXT_BYTES = 224 };
bool cfl_grpc_goaway_text(const struct cfl_grpc_conn *conn, char text[CFL_GRPC_GOAWAY_TEXT_BYTES]);

/* send.c */
void cfl_grpc_heads_free(struct cfl_grpc_call *call);
/* Whether memory of its user is still to be sent. */
bool cfl_grpc_call_borrows(const struct cfl_grpc_call *call);

/* deadline.c: a heap of deadlines. */
bool cfl_grpc_deadline_add(struct cfl_grpc_call *call);
void cfl_grpc_deadline_remove(struct cfl_grpc_call *call);
/* Takes out one that is due by now; NULL when none is. */
struct cfl_grpc_call *cfl_grpc_deadline_pop(struct cfl_grpc_conn *conn, int64_t now_ns);
int64_t cfl_grpc_deadline_first_ns(const struct cfl_grpc_conn *conn);

/* deframe.c */
/* Passes bytes on to the handlers; a failure, of theirs or of the peer, is to end the call. The
 * caller holds the call. */
cflight_status cfl_grpc_deframe(struct cfl_grpc_call *call, const uint8_t *data, size_t len_bytes,
                                cflight_error **reterr);
void cfl_grpc_deframe_place(struct cfl_grpc_call *call, uint8_t **ret_target, size_t *ret_len_bytes,
                            size_t *ret_hint_bytes);
/* True when the peer ended the stream between messages; otherwise `text` says where it stopped. */
bool cfl_grpc_deframe_is_between(const struct cfl_grpc_call *call, char *text, size_t text_bytes);

/* unpack.c */
/* grpc-encoding; false for one that is not known. */
bool cfl_grpc_encoding_parse(struct cflight_bytes text, enum cfl_grpc_encoding *ret_encoding);
cflight_status cfl_grpc_unpack_begin(struct cfl_grpc_call *call, cflight_error **reterr);
cflight_status cfl_grpc_unpack_feed(struct cfl_grpc_call *call, const uint8_t *data,
                                    size_t len_bytes, cflight_error **reterr);
/* The message, valid until the next begins. */
cflight_status cfl_grpc_unpack_end(struct cfl_grpc_call *call, struct cflight_bytes *ret_message,
                                   cflight_error **reterr);
void cfl_grpc_unpacker_free(struct cfl_grpc_unpacker *unpacker);

/* finish.c */
/* Sends the status on a stream and ends this side of it; headers first when none went out. */
cflight_status cfl_grpc_stream_finish(struct cfl_grpc_conn *conn, struct cfl_h2_stream *stream,
                                      bool has_headers, int http_status, cflight_status status,
                                      const char *message, const struct cfl_metadata *trailers,
                                      cflight_error **reterr);
/* The same for a call; resets its stream when memory runs out. */
void cfl_grpc_send_status(struct cfl_grpc_call *call, cflight_status status, const char *message,
                          const struct cfl_metadata *trailers);

/* client.c */
void cfl_grpc_client_headers(struct cfl_grpc_call *call, const struct cfl_h2_field *fields,
                             size_t field_count, bool is_end, bool is_too_large);
void cfl_grpc_client_end_stream(struct cfl_grpc_call *call);
void cfl_grpc_client_closed(struct cfl_grpc_call *call, uint32_t h2_error_code,
                            bool was_processed_never);
/* The client's own decision: resets the stream if it is still there. */
void cfl_grpc_client_abort(struct cfl_grpc_call *call, cflight_status status, const char *message);

/* server.c */
void cfl_grpc_server_request(struct cfl_grpc_conn *conn, struct cfl_h2_stream *stream,
                             const struct cfl_h2_field *fields, size_t field_count,
                             bool is_too_large);
void cfl_grpc_server_end_stream(struct cfl_grpc_call *call);
void cfl_grpc_server_closed(struct cfl_grpc_call *call, uint32_t h2_error_code);
/* The server's own decision: the status goes out at once, past what is queued, and the handler is
 * told. */
void cfl_grpc_server_abort(struct cfl_grpc_call *call, cflight_status status, const char *message);

/* role.c */
const struct cfl_h2_callbacks *cfl_grpc_h2_callbacks(void);
/* Ends a call whose connection broke. */
void cfl_grpc_call_end_with_connection(struct cfl_grpc_call *call, const char *message);

#endif /* CFL_GRPC_INTERNAL_H */
