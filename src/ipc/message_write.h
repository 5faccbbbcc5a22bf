/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_MESSAGE_WRITE_H
#define CFL_IPC_MESSAGE_WRITE_H

#include "base/buf.h"
#include "cflight/error.h"
#include "cflight/ipc.h"
#include "ipc/fb_builder.h"
#include "ipc/message.h"
#include "ipc/parts.h"
#include "ipc/schema.h"

/* The flatbuffers of Arrow IPC: Message with a Schema, RecordBatch or DictionaryBatch, and the
 * file's Footer (Message.fbs, Schema.fbs, File.fbs). Thread class: one at a time for the target. */

/* Where a buffer of a body lies (Message.fbs: Buffer), before padding. */
struct cfl_body_range {
    uint64_t offset;
    uint64_t len_bytes;
};

/* A record batch as its message describes it. */
struct cfl_batch_head {
    int64_t row_count;
    const struct cfl_part_node *nodes;
    size_t node_count;
    const struct cfl_body_range *ranges;
    size_t range_count;
    const int64_t *variadic_counts;
    size_t variadic_count;
    uint64_t body_len_bytes;
    enum cflight_compression compression;
    bool is_dictionary;
    bool is_delta;
    int64_t dictionary_id;
};

/* What decides where the parts of a message are, and how many bytes it has. */
struct cfl_batch_shape {
    size_t node_count;
    size_t range_count;
    size_t variadic_count;
    enum cflight_compression compression;
    bool is_dictionary;
    int16_t metadata_version;
};

/* The Message of the last record batch or dictionary batch that was written here, and where its
 * numbers are: the next one of the same shape differs in nothing else. */
struct cfl_batch_message {
    struct cfl_buf bytes; /* empty before the first */
    struct cfl_batch_shape shape;
    size_t body_len_at;
    size_t row_count_at;
    size_t nodes_at;
    size_t ranges_at;
    size_t variadic_counts_at;
    size_t dictionary_id_at;
    size_t is_delta_at;
};

void cfl_batch_message_init(struct cfl_batch_message *message,
                            const struct cflight_allocator *alloc);
void cfl_batch_message_done(struct cfl_batch_message *message);
/* Gives the Message of a batch, padded to 8 bytes, without framing; it is valid until the next one
 * is written. */
cflight_status cfl_batch_message_write(struct cfl_batch_message *message,
                                       const struct cfl_batch_head *head, int16_t metadata_version,
                                       struct cflight_bytes *ret_bytes, cflight_error **reterr);

/* Writes a Schema table that the offset at `from` refers to. */
void cfl_schema_write(struct cfl_fbb *fbb, size_t from, const struct cfl_schema *schema);

/* A message in a file (File.fbs: Block). */
struct cfl_file_block {
    int64_t offset;
    int32_t metadata_len_bytes;
    int64_t body_len_bytes;
};

/* Appends a Footer, padded to 8 bytes. */
cflight_status cfl_footer_write(const struct cfl_schema *schema, int16_t metadata_version,
                                const struct cfl_file_block *dictionaries, size_t dictionary_count,
                                const struct cfl_file_block *batches, size_t batch_count,
                                struct cfl_buf *target, cflight_error **reterr);

#endif /* CFL_IPC_MESSAGE_WRITE_H */
