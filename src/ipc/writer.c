/* SPDX-License-Identifier: Apache-2.0 */
/* Arrow IPC streams and files through a write callback.
 *
 * Both formats are the same messages; a file has its magic at both ends and a footer that lists
 * where messages are. A batch is refused before a byte of it is written, so the writer stays
 * usable; once the callback failed, what was written is unknown and the writer is spent. Positions
 * count from the first byte the writer wrote. Spec: Arrow columnar "Encapsulated message format",
 * "IPC Streaming Format", "IPC File Format". Thread class: one at a time. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/le.h"
#include "base/options.h"
#include "cflight/ipc.h"
#include "ipc/encoder.h"
#include "ipc/encoder_plan.h"
#include "ipc/message_write.h"
#include "ipc/writer.h"

enum { MAGIC_BYTES = 6 };

static const uint8_t magic[MAGIC_BYTES] = {'A', 'R', 'R', 'O', 'W', '1'};

/* Hands everything in `output` to the callback. */
static cflight_status flush(cflight_ipc_writer *writer, cflight_error **reterr)
{
    int os_code = 0;

    if (writer->output.failed) {
        return cfl_error_no_memory(reterr);
    }
    os_code = writer->write(writer->user_data, writer->output.items, writer->output.count);
    if (os_code != 0) {
        writer->state = CFL_WRITER_SPENT;
        return cfl_error_set_os(reterr, CFLIGHT_UNAVAILABLE, os_code,
                                "writing Arrow IPC data failed");
    }
    writer->position += writer->output.len_bytes;
    return CFLIGHT_OK;
}

/* Bytes that fill up to the alignment. */
static size_t padding(const cflight_ipc_writer *writer, uint64_t len_bytes)
{
    return (size_t)(-len_bytes & (writer->alignment_bytes - 1));
}

cflight_status cfl_ipc_writer_put(cflight_ipc_writer *writer, const struct cfl_encoded *message,
                                  struct cfl_file_block *ret_block, cflight_error **reterr)
{
    size_t padding_bytes =
        padding(writer, writer->position + CFL_WRITER_PREFIX_BYTES + message->header.len_bytes);
    size_t metadata_bytes = message->header.len_bytes + padding_bytes;
    struct cfl_file_block block = {
        .offset = (int64_t)writer->position,
        .metadata_len_bytes = (int32_t)(CFL_WRITER_PREFIX_BYTES + metadata_bytes),
        .body_len_bytes = (int64_t)message->body_len_bytes,
    };

    if (metadata_bytes > INT32_MAX - CFL_WRITER_PREFIX_BYTES) {
        return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                         "message metadata is larger than 2 GiB");
    }
    cfl_store_u32le(writer->prefix, UINT32_MAX);
    cfl_store_u32le(writer->prefix + 4, (uint32_t)metadata_bytes);
    cfl_pieces_clear(&writer->output);
    cfl_pieces_append(&writer->output, writer->prefix, CFL_WRITER_PREFIX_BYTES);
    cfl_pieces_append(&writer->output, message->header.data, message->header.len_bytes);
    cfl_pieces_append_zeros(&writer->output, padding_bytes);
    for (size_t i = 0; message->body != NULL && i < message->body->count; i++) {
        cfl_pieces_append(&writer->output, message->body->items[i].data,
                          message->body->items[i].len_bytes);
    }
    *ret_block = block;
    return flush(writer, reterr);
}

cflight_status cfl_ipc_writer_start(cflight_ipc_writer *writer, const struct cfl_encoded *schema,
                                    cflight_error **reterr)
{
    struct cfl_file_block block;
    cflight_status status = CFLIGHT_OK;

    if (writer->format == CFLIGHT_IPC_FORMAT_FILE) {
        cfl_pieces_clear(&writer->output);
        cfl_pieces_append(&writer->output, magic, sizeof magic);
        cfl_pieces_append_zeros(&writer->output, CFL_WRITER_PREFIX_BYTES - sizeof magic);
        status = flush(writer, reterr);
    }
    return status == CFLIGHT_OK ? cfl_ipc_writer_put(writer, schema, &block, reterr) : status;
}

static cflight_status write_start(cflight_ipc_writer *writer, cflight_error **reterr)
{
    struct cfl_encoded message;
    cflight_status status = cfl_encoder_schema_message(writer->encoder, &message, reterr);

    return status == CFLIGHT_OK ? cfl_ipc_writer_start(writer, &message, reterr) : status;
}

static cflight_status check_new(enum cflight_ipc_format format, cflight_write_fn write,
                                cflight_ipc_writer **ret_writer, cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_writer));
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (write == NULL) {
        return cfl_error_null_argument(reterr, "write");
    }
    if (format != CFLIGHT_IPC_FORMAT_STREAM && format != CFLIGHT_IPC_FORMAT_FILE) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "unknown format %d",
                                 (int)format);
    }
    return CFLIGHT_OK;
}

static void load_options(cflight_ipc_writer *writer,
                         const struct cflight_ipc_write_options *options)
{
    writer->alignment_bytes = options->alignment_bytes == 64 ? 64 : 8;
    writer->metadata_version = options->use_metadata_v4 ? CFL_METADATA_V4 : CFL_METADATA_V5;
}

/* Makes a new writer one of messages. */
static cflight_status take_messages(cflight_ipc_writer *writer,
                                    const struct cflight_ipc_write_options *options,
                                    cflight_error **reterr)
{
    struct cflight_ipc_read_options read_options = CFLIGHT_IPC_READ_OPTIONS_INIT;
    struct cfl_limits limits = cfl_limits_default;
    read_options.depth_max = options->depth_max;
    limits.message_bytes_max = UINT64_MAX; /* the bytes are there already */
    return cfl_decoder_new(writer->alloc, &read_options, &limits, NULL, &writer->checker, reterr);
}

cflight_status cfl_ipc_writer_new(const struct cflight_allocator *alloc,
                                  enum cflight_ipc_format format, const struct ArrowSchema *schema,
                                  cflight_write_fn write, void *user_data,
                                  const struct cflight_ipc_write_options *options,
                                  cflight_ipc_writer **ret_writer, cflight_error **reterr)
{
    struct cflight_ipc_write_options loaded;
    cflight_ipc_writer *writer = NULL;
    cflight_status status = check_new(format, write, ret_writer, reterr);

    if (status == CFLIGHT_OK) {
        status = cfl_options_load(&loaded, sizeof loaded, options, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    writer = cfl_alloc_zeroed(alloc, sizeof *writer);
    if (writer == NULL) {
        return cfl_error_no_memory(reterr);
    }
    writer->alloc = alloc;
    writer->format = format;
    writer->write = write;
    writer->user_data = user_data;
    load_options(writer, &loaded);
    cfl_pieces_init(&writer->output, alloc);
    cfl_pieces_init(&writer->body, alloc);
    cfl_buf_init(&writer->header, alloc);
    if (schema == NULL) {
        status = take_messages(writer, &loaded, reterr);
    } else {
        status = cfl_encoder_new(alloc, schema, &loaded, NULL, &writer->encoder, reterr);
        if (status == CFLIGHT_OK) {
            status = write_start(writer, reterr);
        }
    }
    if (status != CFLIGHT_OK) {
        cflight_ipc_writer_free(writer);
        return status;
    }
    *ret_writer = writer;
    return CFLIGHT_OK;
}

cflight_status cflight_ipc_writer_new(enum cflight_ipc_format format,
                                      const struct ArrowSchema *schema, cflight_write_fn write,
                                      void *user_data,
                                      const struct cflight_ipc_write_options *options,
                                      cflight_ipc_writer **ret_writer, cflight_error **reterr)
{
    return cfl_ipc_writer_new(NULL, format, schema, write, user_data, options, ret_writer, reterr);
}

struct cfl_file_block *cfl_ipc_writer_block(cflight_ipc_writer *writer, enum cfl_message_kind kind)
{
    struct cfl_block_list *list =
        kind == CFL_MESSAGE_BATCH ? &writer->batches : &writer->dictionaries;
    return cfl_grow_array(writer->alloc, (void **)&list->items, &list->capacity, list->count + 1,
                          sizeof *list->items)
               ? &list->items[list->count]
               : NULL;
}

void cfl_ipc_writer_keep_block(cflight_ipc_writer *writer, enum cfl_message_kind kind)
{
    struct cfl_block_list *list =
        kind == CFL_MESSAGE_BATCH ? &writer->batches : &writer->dictionaries;
    list->count += writer->format == CFLIGHT_IPC_FORMAT_FILE;
}

/* Writes what the encoder has for the batch at hand. `*ret_has_written` tells whether the callback
 * was called. */
static cflight_status write_messages(cflight_ipc_writer *writer, bool *ret_has_written,
                                     cflight_error **reterr)
{
    struct cfl_encoded message;
    bool has_message = true;
    cflight_status status = CFLIGHT_OK;

    *ret_has_written = false;
    for (;;) {
        status = cfl_encoder_next(writer->encoder, &message, &has_message, reterr);
        if (status != CFLIGHT_OK || !has_message) {
            return status;
        }
        struct cfl_file_block *block = cfl_ipc_writer_block(writer, message.kind);
        if (block == NULL) {
            return cfl_error_no_memory(reterr);
        }
        status = cfl_ipc_writer_put(writer, &message, block, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        *ret_has_written = true;
        cfl_ipc_writer_keep_block(writer, message.kind);
    }
}

cflight_status cfl_ipc_writer_check_open(const cflight_ipc_writer *writer, cflight_error **reterr)
{
    switch (writer->state) {
    case CFL_WRITER_OPEN:
        return CFLIGHT_OK;
    case CFL_WRITER_CLOSED:
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "the writer is closed");
    case CFL_WRITER_SPENT:
        break;
    }
    return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION, "writing failed before");
}

cflight_status cfl_ipc_writer_no_replacement(cflight_error **reterr)
{
    return cflight_error_set_message(
        reterr, CFLIGHT_UNIMPLEMENTED,
        "the batch replaces a dictionary, which the file format cannot express; "
        "use the stream format, deltas, or one dictionary for all batches");
}

cflight_status cflight_ipc_writer_write(cflight_ipc_writer *writer, const struct ArrowArray *batch,
                                        cflight_error **reterr)
{
    bool has_written = false;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(writer), CFL_ARG(batch));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_ipc_writer_check_open(writer, reterr);
    if (status == CFLIGHT_OK && writer->encoder == NULL) {
        status = cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                           "the writer has no schema: it takes messages");
    }
    if (status == CFLIGHT_OK) {
        status = cfl_encoder_begin(writer->encoder, batch, 0, batch->length, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (writer->format == CFLIGHT_IPC_FORMAT_FILE && cfl_encoder_will_replace(writer->encoder)) {
        status = cfl_ipc_writer_no_replacement(reterr);
    } else {
        status = write_messages(writer, &has_written, reterr);
    }
    if (status != CFLIGHT_OK && has_written) {
        writer->state = CFL_WRITER_SPENT;
    }
    cfl_encoder_end(writer->encoder, status == CFLIGHT_OK);
    return status;
}

static const struct cfl_schema *schema_of(const cflight_ipc_writer *writer)
{
    return writer->encoder != NULL ? cfl_encoder_schema(writer->encoder)
                                   : cfl_decoder_schema(writer->checker);
}

static cflight_status write_footer(cflight_ipc_writer *writer, cflight_error **reterr)
{
    struct cfl_buf footer;
    cflight_status status = CFLIGHT_OK;

    cfl_buf_init(&footer, writer->alloc);
    status = cfl_footer_write(schema_of(writer), writer->metadata_version,
                              writer->dictionaries.items, writer->dictionaries.count,
                              writer->batches.items, writer->batches.count, &footer, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    cfl_buf_append_u32le(&footer, (uint32_t)footer.len_bytes);
    cfl_buf_append(&footer, magic, sizeof magic);
    if (footer.failed) {
        status = cfl_error_no_memory(reterr);
        goto done;
    }
    cfl_pieces_clear(&writer->output);
    cfl_pieces_append(&writer->output, footer.data, footer.len_bytes);
    status = flush(writer, reterr);

done:
    cfl_buf_done(&footer);
    return status;
}

cflight_status cflight_ipc_writer_close(cflight_ipc_writer *writer, cflight_error **reterr)
{
    static const uint8_t end_of_stream[CFL_WRITER_PREFIX_BYTES] = {0xFF, 0xFF, 0xFF, 0xFF};
    cflight_status status = CFLIGHT_OK;

    if (writer == NULL) {
        return cfl_error_null_argument(reterr, "writer");
    }
    status = cfl_ipc_writer_check_open(writer, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (schema_of(writer) == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "no message was written: there is no schema");
    }
    writer->state = CFL_WRITER_SPENT; /* until the end is written whole */
    cfl_pieces_clear(&writer->output);
    cfl_pieces_append(&writer->output, end_of_stream, sizeof end_of_stream);
    status = flush(writer, reterr);
    if (status == CFLIGHT_OK && writer->format == CFLIGHT_IPC_FORMAT_FILE) {
        status = write_footer(writer, reterr);
    }
    if (status == CFLIGHT_OK) {
        writer->state = CFL_WRITER_CLOSED;
    }
    return status;
}

struct cflight_ipc_stats cflight_ipc_writer_stats(const cflight_ipc_writer *writer)
{
    return writer->encoder != NULL ? cfl_encoder_stats(writer->encoder)
                                   : cfl_decoder_stats(writer->checker);
}

void cflight_ipc_writer_free(cflight_ipc_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    cfl_encoder_free(writer->encoder);
    cfl_decoder_free(writer->checker);
    cfl_pieces_done(&writer->body);
    cfl_buf_done(&writer->header);
    cfl_pieces_done(&writer->output);
    cfl_free_array(writer->alloc, writer->dictionaries.items, writer->dictionaries.capacity,
                   sizeof *writer->dictionaries.items);
    cfl_free_array(writer->alloc, writer->batches.items, writer->batches.capacity,
                   sizeof *writer->batches.items);
    cfl_free(writer->alloc, writer, sizeof *writer);
}
