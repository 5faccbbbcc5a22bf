/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_ENCODER_H
#define CFL_IPC_ENCODER_H

#include "base/limits.h"
#include "base/pieces.h"
#include "cflight/arrow_abi.h"
#include "cflight/error.h"
#include "cflight/ipc.h"
#include "cflight/segment.h"
#include "ipc/schema.h"

/* Arrow arrays to IPC messages, without I/O and without copying column data.
 *
 * A message is a small flatbuffer header and a body that is a list of pieces pointing at the
 * caller's buffers. Per batch: begin, then next until it says there is no more (dictionary messages
 * first, inner ones before outer ones, only what changed since the last batch; then the record
 * batch), then end. Everything in a message stays valid until the following call of next or end.
 * Thread class: one at a time. */

struct cfl_encoder;

enum cfl_message_kind {
    CFL_MESSAGE_SCHEMA,
    CFL_MESSAGE_DICTIONARY,
    CFL_MESSAGE_BATCH,
};

struct cfl_encoded {
    enum cfl_message_kind kind;
    struct cflight_bytes header;   /* flatbuffer Message, no framing, length a multiple of 8 */
    const struct cfl_pieces *body; /* every buffer padded to 8 bytes; NULL for a schema */
    uint64_t body_len_bytes;       /* body->len_bytes; what Message.bodyLength says */
    /* The segment in which the whole body lies, and where; borrowed as the rest. NULL: none. */
    cflight_segment *segment;
    uint64_t segment_offset;
    bool is_delta;       /* dictionary: appended to what was sent before */
    bool is_replacement; /* dictionary: the id was sent before */
};

cflight_status cfl_encoder_new(const struct cflight_allocator *alloc,
                               const struct ArrowSchema *schema,
                               const struct cflight_ipc_write_options *options,
                               const struct cfl_limits *limits, struct cfl_encoder **ret_encoder,
                               cflight_error **reterr);
void cfl_encoder_free(struct cfl_encoder *encoder);
const struct cfl_schema *cfl_encoder_schema(const struct cfl_encoder *encoder);

/* The schema message; valid as long as the encoder. */
cflight_status cfl_encoder_schema_message(struct cfl_encoder *encoder,
                                          struct cfl_encoded *ret_message, cflight_error **reterr);

/* Whether messages whose buffers lie in one sealed segment say so. Their body is the run of the
 * segment from the first to the last buffer. */
void cfl_encoder_use_segments(struct cfl_encoder *encoder, bool is_on);
/* Between begin and the first next: whether the record batch lies in one. */
bool cfl_encoder_is_in_segment(struct cfl_encoder *encoder);

/* Starts on rows [row_offset, row_offset + row_count) of `batch`, a struct array of the encoder's
 * schema, borrowed until end. Offsets, slices, missing validity buffers and null_count -1 are all
 * accepted. A batch whose shape does not fit the schema (number of children or buffers, lengths) is
 * INVALID_ARGUMENT naming the column. */
cflight_status cfl_encoder_begin(struct cfl_encoder *encoder, const struct ArrowArray *batch,
                                 int64_t row_offset, int64_t row_count, cflight_error **reterr);
cflight_status cfl_encoder_next(struct cfl_encoder *encoder, struct cfl_encoded *ret_message,
                                bool *ret_has_message, cflight_error **reterr);
/* Ends the batch. When `was_sent` is false (the caller gave the batch up before its messages were
 * sent), dictionaries that began with this batch count as not sent. */
void cfl_encoder_end(struct cfl_encoder *encoder, bool was_sent);

/* Bytes the record batch message of these rows would have (header and body, without dictionaries,
 * uncompressed): what batch splitting measures. */
cflight_status cfl_encoder_measure(struct cfl_encoder *encoder, const struct ArrowArray *batch,
                                   int64_t row_offset, int64_t row_count, uint64_t *ret_len_bytes,
                                   cflight_error **reterr);

/* Messages made so far. */
struct cflight_ipc_stats cfl_encoder_stats(const struct cfl_encoder *encoder);

#endif /* CFL_IPC_ENCODER_H */
