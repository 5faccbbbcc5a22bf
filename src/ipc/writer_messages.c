/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as they are, into files and streams.
 *
 * A message is checked before a byte of it is written, so the writer stays usable. Only what stands
 * before and after its bytes is made here. Spec: Arrow columnar "Encapsulated message format", "IPC
 * File Format". Thread class: one at a time. */
#include "ipc/writer.h"

#include "base/error.h"
#include "base/le.h"
#include "ipc/message.h"
#include "ipc/message_kind.h"

static cflight_status check(cflight_ipc_writer *writer, const struct cflight_message *message,
                            cflight_error **reterr)
{
    struct cflight_ipc_stats before = cfl_decoder_stats(writer->checker);
    enum cfl_message_kind kind = CFL_MESSAGE_SCHEMA;
    int64_t row_count = 0;
    cflight_status status =
        cfl_decoder_check(writer->checker, cflight_buffer_bytes(message->header), message->body,
                          CFLIGHT_MESSAGE_CHECK_STRUCTURE, &kind, &row_count, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (cfl_message_kind_public(kind) != message->kind) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "the message's kind does not fit its header");
    }
    struct cflight_ipc_stats after = cfl_decoder_stats(writer->checker);
    return writer->format == CFLIGHT_IPC_FORMAT_FILE &&
                   after.replaced_dictionary_count > before.replaced_dictionary_count
               ? cfl_ipc_writer_no_replacement(reterr)
               : CFLIGHT_OK;
}

/* The version of the schema's message is that of the footer. */
static cflight_status note_version(cflight_ipc_writer *writer, struct cflight_bytes header,
                                   cflight_error **reterr)
{
    struct cfl_message parsed;
    cflight_status status = cfl_message_parse(header, &parsed, reterr);
    if (status == CFLIGHT_OK) {
        writer->metadata_version = parsed.metadata_version;
    }
    return status;
}

/* In a file, bodies are multiples of 8 bytes; what comes in a stream may be of any length. A body
 * that is filled up with zeros is longer than its header said, so the header says it anew. */
static bool fill_up(cflight_ipc_writer *writer, size_t missing_bytes, struct cflight_bytes *header)
{
    struct cfl_message parsed;
    cfl_buf_clear(&writer->header);
    if (!cfl_pieces_append_zeros(&writer->body, missing_bytes) ||
        !cfl_buf_append_bytes(&writer->header, *header)) {
        return false;
    }
    /* It was parsed before: it was checked. */
    if (cfl_message_parse(*header, &parsed, NULL) == CFLIGHT_OK && parsed.body_len_place != 0) {
        cfl_store_u64le(writer->header.data + parsed.body_len_place, writer->body.len_bytes);
    }
    *header = cfl_buf_bytes(&writer->header);
    return true;
}

static bool list_body(cflight_ipc_writer *writer, struct cflight_bytes body,
                      struct cflight_bytes *header)
{
    size_t missing_bytes = (size_t)(-body.len_bytes & 7);
    cfl_pieces_clear(&writer->body);
    if (!cfl_pieces_append(&writer->body, body.data, body.len_bytes)) {
        return false;
    }
    return missing_bytes == 0 || writer->format != CFLIGHT_IPC_FORMAT_FILE ||
           fill_up(writer, missing_bytes, header);
}

static cflight_status put(cflight_ipc_writer *writer, const struct cflight_message *message,
                          cflight_error **reterr)
{
    struct cflight_bytes header = cflight_buffer_bytes(message->header);
    if (!list_body(writer, cflight_buffer_bytes(message->body), &header)) {
        return cfl_error_no_memory(reterr);
    }
    const struct cfl_encoded encoded = {
        .kind = cfl_message_kind_of(message->kind),
        .header = header,
        .body = &writer->body,
        .body_len_bytes = writer->body.len_bytes,
    };
    if (message->kind == CFLIGHT_MESSAGE_SCHEMA) {
        cflight_status status = note_version(writer, encoded.header, reterr);
        return status == CFLIGHT_OK ? cfl_ipc_writer_start(writer, &encoded, reterr) : status;
    }
    struct cfl_file_block *block = cfl_ipc_writer_block(writer, encoded.kind);
    if (block == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cflight_status status = cfl_ipc_writer_put(writer, &encoded, block, reterr);
    if (status == CFLIGHT_OK) {
        cfl_ipc_writer_keep_block(writer, encoded.kind);
    }
    return status;
}

cflight_status cflight_ipc_writer_write_message(cflight_ipc_writer *writer,
                                                const struct cflight_message *message,
                                                cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(writer), CFL_ARG(message));
    if (status == CFLIGHT_OK) {
        status = cfl_ipc_writer_check_open(writer, reterr);
    }
    if (status != CFLIGHT_OK || message->kind == CFLIGHT_MESSAGE_METADATA) {
        return status;
    }
    if (writer->checker == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "the writer has a schema: it takes batches");
    }
    status = check(writer, message, reterr);
    return status == CFLIGHT_OK ? put(writer, message, reterr) : status;
}
