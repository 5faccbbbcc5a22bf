/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_DECODER_H
#define CFL_IPC_DECODER_H

#include "base/body.h"
#include "base/budget.h"
#include "base/limits.h"
#include "cflight/arrow_abi.h"
#include "cflight/error.h"
#include "cflight/ipc.h"
#include "cflight/message.h"
#include "ipc/encoder.h"
#include "ipc/schema.h"

/* IPC messages to Arrow arrays, without I/O and without copying column data.
 *
 * The caller feeds whole messages: the flatbuffer header and the body, which may come from anywhere
 * (a socket buffer, a memory map). Arrays point into the body and hold a counted reference to it;
 * they may be released on any thread and outlive the decoder. The bytes are hostile until proven
 * otherwise: every offset, length, count, id and depth is checked before it is used, at every
 * validation level. A body that is misaligned for its type is copied. Thread class: one at a time.
 */

struct cfl_decoder;

cflight_status cfl_decoder_new(const struct cflight_allocator *alloc,
                               const struct cflight_ipc_read_options *options,
                               const struct cfl_limits *limits, struct cfl_pool *pool,
                               struct cfl_decoder **ret_decoder, cflight_error **reterr);
/* What is unpacked counts in the budget until it is handed on, dictionaries as long as they are
 * kept. Before the first message; the budget must outlive the decoder. NULL for none. */
void cfl_decoder_set_budget(struct cfl_decoder *decoder, struct cfl_budget *budget);
void cfl_decoder_free(struct cfl_decoder *decoder);

/* NULL until a schema message was fed. With `included_fields` this is the selected schema. */
const struct cfl_schema *cfl_decoder_schema(const struct cfl_decoder *decoder);

/* Feeds one message. `header` is borrowed for the call; `body` (NULL for none) is borrowed too,
 * arrays take their own reference. `*ret_kind` tells what it was; for CFL_MESSAGE_BATCH
 * `*ret_batch` is a struct array that the caller releases, for the others it is untouched. The
 * first message must be the schema, and there is only one. */
cflight_status cfl_decoder_feed(struct cfl_decoder *decoder, struct cflight_bytes header,
                                cflight_buffer *body, enum cfl_message_kind *ret_kind,
                                struct ArrowArray *ret_batch, cflight_error **reterr);

/* Checks a message that is passed on as it is, as far as `check` says; the body must have exactly
 * the length that the header says. Beyond the header, the decoder keeps the schema and what it
 * needs of dictionaries, and messages must come in their order. `*ret_row_count` is that of a
 * batch, 0 of others. */
cflight_status cfl_decoder_check(struct cfl_decoder *decoder, struct cflight_bytes header,
                                 cflight_buffer *body, enum cflight_message_check check,
                                 enum cfl_message_kind *ret_kind, int64_t *ret_row_count,
                                 cflight_error **reterr);

/* What Message.bodyLength of a header says, after the header's outer structure was verified; for
 * framing readers. */
cflight_status cfl_message_body_len(struct cflight_bytes header, uint64_t *ret_body_len_bytes,
                                    enum cfl_message_kind *ret_kind, cflight_error **reterr);

struct cflight_ipc_stats cfl_decoder_stats(const struct cfl_decoder *decoder);

/* A stream's bytes, in any chunks, to messages: the encapsulated format (Arrow columnar:
 * Encapsulated message format), with or without the continuation marker. The framer tells where it
 * wants the next bytes, so that a body is read straight into its final, aligned buffer. */
struct cfl_framer;

cflight_status cfl_framer_new(const struct cflight_allocator *alloc,
                              const struct cfl_limits *limits, struct cfl_pool *pool,
                              struct cfl_framer **ret_framer, cflight_error **reterr);
void cfl_framer_free(struct cfl_framer *framer);
/* Where the next bytes go and how many are wanted (at least 1). */
cflight_status cfl_framer_want(struct cfl_framer *framer, uint8_t **ret_target,
                               size_t *ret_len_bytes, cflight_error **reterr);
/* `len_bytes` were put there. `*ret_has_message` tells that header and body (borrowed until the
 * next call of want) are complete; `*ret_is_end` that the end-of-stream marker was read. */
cflight_status cfl_framer_got(struct cfl_framer *framer, size_t len_bytes, bool *ret_has_message,
                              struct cflight_bytes *ret_header, cflight_buffer **ret_body,
                              bool *ret_is_end, cflight_error **reterr);
/* The source ended. OK between messages (the marker is optional), DATA_LOSS inside one. */
cflight_status cfl_framer_eof(struct cfl_framer *framer, cflight_error **reterr);

#endif /* CFL_IPC_DECODER_H */
