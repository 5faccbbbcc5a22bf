/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_WRITER_H
#define CFL_FLIGHT_CALL_WRITER_H

#include "cflight/stream.h"
#include "flight/call/call.h"
#include "ipc/encoder.h"

/* Record batches to FlightData messages of a call. At a client it belongs to the user, at a server
 * to the dispatcher. */
/* A batch on its way: the rows that were sent, the run of rows that is being sent, and its message
 * in flight. */
struct cfl_writer_batch {
    bool is_active;
    bool is_encoding;  /* between the encoder's begin and end */
    bool is_in_flight; /* a message was posted and the socket has not taken it all */
    bool was_last;     /* the run's record batch was posted */
    int64_t row_offset;
    int64_t row_count;
};

struct cflight_writer {
    struct cfl_call *call;
    bool is_server;
    bool is_done_writing;
    bool may_wait;    /* the thread that writes a batch may wait for the peer */
    bool never_waits; /* begin and metadata are queued without limit */
    struct cflight_ipc_write_options options;
    uint64_t size_limit_bytes;   /* 0: none */
    uint64_t split_batch_bytes;  /* 0: never */
    struct cfl_buf descriptor;   /* client: goes with the schema message, then is dropped */
    bool descriptor_was_sent;    /* alone; it goes with the schema once more */
    struct cfl_encoder *encoder; /* of batches; NULL before begin, and for messages */
    struct cfl_writer_batch batch;
    /* Messages that are passed on as they are. */
    bool has_schema_message;
    bool is_message_in_flight;
    struct cfl_pieces message_body;
    struct cflight_ipc_stats message_stats;
    struct cfl_buf head;
};

struct cfl_writer_params {
    const struct cflight_ipc_write_options *options; /* NULL: defaults */
    uint64_t size_limit_bytes;
    uint64_t split_batch_bytes;
    bool never_waits;
    struct cflight_bytes descriptor; /* serialised; copied */
};

/* Takes a reference of its own on the call. */
cflight_status cfl_writer_new(struct cfl_call *call, const struct cfl_writer_params *params,
                              cflight_writer **ret_writer, cflight_error **reterr);
void cfl_writer_done(cflight_writer *writer);
/* Whether a schema was sent. */
static inline bool cfl_writer_has_begun(const cflight_writer *writer)
{
    return writer->encoder != NULL || writer->has_schema_message;
}
cflight_status cfl_writer_check_open(const cflight_writer *writer, cflight_error **reterr);
/* Checks a message's sizes: the 2 GiB of each part, and the writer's own limit. */
cflight_status cfl_writer_check(const cflight_writer *writer, size_t descriptor_bytes,
                                const struct cfl_encoded *encoded,
                                struct cflight_bytes app_metadata, cflight_error **reterr);
/* Checks and posts a message; `encoded` NULL for one without Arrow data. With a `share_name` its
 * body was passed in shared memory. */
cflight_status cfl_writer_post(cflight_writer *writer, struct cflight_bytes descriptor,
                               const struct cfl_encoded *encoded,
                               const struct cfl_share_name *share_name,
                               struct cflight_bytes app_metadata, cflight_error **reterr);
/* Whether batches in segments may go through shared memory: there are any, and the peer has agreed.
 */
bool cfl_writer_may_share(const cflight_writer *writer);
/* Passes the body of a message that is posted next; false when it goes over the socket. */
bool cfl_writer_share(const cflight_writer *writer, const struct cfl_encoded *message,
                      struct cfl_share_name *ret_name);
/* As post, for messages without a body; waits when many are queued, unless the writer never does.
 */
cflight_status cfl_writer_send(cflight_writer *writer, struct cflight_bytes descriptor,
                               const struct cfl_encoded *encoded, struct cflight_bytes app_metadata,
                               cflight_error **reterr);
/* Begins with the schema of an Arrow stream, if nothing was begun. */
cflight_status cfl_writer_begin_stream(cflight_writer *writer, struct ArrowArrayStream *stream,
                                       cflight_error **reterr);
/* What an Arrow stream says of its failure. */
cflight_status cfl_stream_failure(struct ArrowArrayStream *stream, int code,
                                  cflight_error **reterr);
/* The descriptor, where the message that comes next is to have it; sent, it is dropped with
 * cfl_writer_drop_descriptor(). */
struct cflight_bytes cfl_writer_descriptor(const cflight_writer *writer, bool is_schema);
void cfl_writer_drop_descriptor(cflight_writer *writer, bool is_schema);
/* Client, DoExchange: sends the first message, the descriptor alone. */
cflight_status cfl_writer_send_descriptor(cflight_writer *writer, cflight_error **reterr);

#endif /* CFL_FLIGHT_CALL_WRITER_H */
