/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_WRITER_H
#define CFL_IPC_WRITER_H

#include "base/buf.h"
#include "base/pieces.h"
#include "cflight/ipc.h"
#include "ipc/decoder.h"
#include "ipc/encoder.h"
#include "ipc/message_write.h"

/* The writer of files and streams: of batches, which it encodes (writer.c), or of messages, which
 * it checks and writes as they are (writer_messages.c). */

enum { CFL_WRITER_PREFIX_BYTES = 8 };

enum cfl_writer_state { CFL_WRITER_OPEN, CFL_WRITER_CLOSED, CFL_WRITER_SPENT };

struct cfl_block_list {
    struct cfl_file_block *items;
    size_t count;
    size_t capacity;
};

struct cflight_ipc_writer {
    const struct cflight_allocator *alloc;
    enum cflight_ipc_format format;
    enum cfl_writer_state state;
    cflight_write_fn write;
    void *user_data;
    size_t alignment_bytes;
    int16_t metadata_version;
    struct cfl_encoder *encoder; /* of batches, or NULL */
    struct cfl_decoder *checker; /* of messages, or NULL */
    struct cfl_block_list dictionaries;
    struct cfl_block_list batches;
    struct cfl_pieces body;   /* of a message that was given */
    struct cfl_buf header;    /* of one whose body was filled up */
    struct cfl_pieces output; /* what the callback is handed */
    uint8_t prefix[CFL_WRITER_PREFIX_BYTES];
    uint64_t position;
};

/* As cflight_ipc_writer_new, with an allocator. */
cflight_status cfl_ipc_writer_new(const struct cflight_allocator *alloc,
                                  enum cflight_ipc_format format, const struct ArrowSchema *schema,
                                  cflight_write_fn write, void *user_data,
                                  const struct cflight_ipc_write_options *options,
                                  cflight_ipc_writer **ret_writer, cflight_error **reterr);

cflight_status cfl_ipc_writer_check_open(const cflight_ipc_writer *writer, cflight_error **reterr);
/* Writes what comes before the first batch. */
cflight_status cfl_ipc_writer_start(cflight_ipc_writer *writer, const struct cfl_encoded *schema,
                                    cflight_error **reterr);
/* Writes one encapsulated message; the metadata is padded so that the body is aligned in the file.
 */
cflight_status cfl_ipc_writer_put(cflight_ipc_writer *writer, const struct cfl_encoded *message,
                                  struct cfl_file_block *ret_block, cflight_error **reterr);
/* Room for the block of the next message of the kind, NULL without memory; and that it was written.
 */
struct cfl_file_block *cfl_ipc_writer_block(cflight_ipc_writer *writer, enum cfl_message_kind kind);
void cfl_ipc_writer_keep_block(cflight_ipc_writer *writer, enum cfl_message_kind kind);
/* UNIMPLEMENTED. */
cflight_status cfl_ipc_writer_no_replacement(cflight_error **reterr);

#endif /* CFL_IPC_WRITER_H */
