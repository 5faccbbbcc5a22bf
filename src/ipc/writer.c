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
#include "base/options.h"
#include "cflight/ipc.h"
#include "ipc/encoder.h"
#include "ipc/encoder_plan.h"
#include "ipc/message_write.h"
#include "ipc/writer.h"

enum { PREFIX_BYTES = 8, MAGIC_BYTES = 6 };

static const uint8_t magic[MAGIC_BYTES] = {'A', 'R', 'R', 'O', 'W', '1'};

enum writer_state { WRITER_OPEN, WRITER_CLOSED, WRITER_SPENT };

struct block_list {
    struct cfl_file_block *items;
    size_t count;
    size_t capacity;
};

struct cflight_ipc_writer {
    const struct cflight_allocator *alloc;
    enum cflight_ipc_format format;
    enum writer_state state;
    cflight_write_fn write;
    void *user_data;
    size_t alignment_bytes;
    int16_t metadata_version;
    struct cfl_encoder *encoder;
    struct block_list dictionaries;
    struct block_list batches;
    struct cfl_pieces output; /* what the callback is handed */
    uint8_t prefix[PREFIX_BYTES];
    uint64_t position;
};

/* Hands everything in `output` to the callback. */
static cflight_status flush(cflight_ipc_writer *writer, cflight_error **reterr)
{
    int os_code = 0;

    if (writer->output.failed) {
        return cfl_error_no_memory(reterr);
    }
    os_code = writer->write(writer->user_data, writer->output.items, writer->output.count);
    if (os_code != 0) {
        writer->state = WRITER_SPENT;
        return cfl_error_set_os(reterr, CFLIGHT_UNAVAILABLE, os_code,
                                "writing Arrow IPC data failed");
    }
    writer->position += writer->output.len_bytes;
    return CFLIGHT_OK;
}

static void store_u32le(uint8_t *target, uint32_t value)
{
    for (size_t i = 0; i < sizeof value; i++) {
        target[i] = (uint8_t)(value >> (8 * i));
    }
}

/* Bytes that fill up to the alignment. */
static size_t padding(const cflight_ipc_writer *writer, uint64_t len_bytes)
{
    return (size_t)(-len_bytes & (writer->alignment_bytes - 1));
}

/* Writes one encapsulated message; the metadata is padded so that the body is aligned in the file.
 */
static cflight_status write_message(cflight_ipc_writer *writer, const struct cfl_encoded *message,
                                    struct cfl_file_block *ret_block, cflight_error **reterr)
{
    size_t padding_bytes =
        padding(writer, writer->position + PREFIX_BYTES + message->header.len_bytes);
    size_t metadata_bytes = message->header.len_bytes + padding_bytes;
    struct cfl_file_block block = {
        .offset = (int64_t)writer->position,
        .metadata_len_bytes = (int32_t)(PREFIX_BYTES + metadata_bytes),
        .body_len_bytes = (int64_t)message->body_len_bytes,
    };

    if (metadata_bytes > INT32_MAX - PREFIX_BYTES) {
        return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                         "message metadata is larger than 2 GiB");
    }
    store_u32le(writer->prefix, UINT32_MAX);
    store_u32le(writer->prefix + 4, (uint32_t)metadata_bytes);
    cfl_pieces_clear(&writer->output);
    cfl_pieces_append(&writer->output, writer->prefix, PREFIX_BYTES);
    cfl_pieces_append(&writer->output, message->header.data, message->header.len_bytes);
    cfl_pieces_append_zeros(&writer->output, padding_bytes);
    for (size_t i = 0; message->body != NULL && i < message->body->count; i++) {
        cfl_pieces_append(&writer->output, message->body->items[i].data,
                          message->body->items[i].len_bytes);
    }
    *ret_block = block;
    return flush(writer, reterr);
}

static cflight_status write_start(cflight_ipc_writer *writer, cflight_error **reterr)
{
    struct cfl_encoded message;
    struct cfl_file_block block;
    cflight_status status = CFLIGHT_OK;

    if (writer->format == CFLIGHT_IPC_FORMAT_FILE) {
        cfl_pieces_append(&writer->output, magic, sizeof magic);
        cfl_pieces_append_zeros(&writer->output, PREFIX_BYTES - sizeof magic);
        status = flush(writer, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_encoder_schema_message(writer->encoder, &message, reterr);
    }
    return status == CFLIGHT_OK ? write_message(writer, &message, &block, reterr) : status;
}

static cflight_status check_new(enum cflight_ipc_format format, const struct ArrowSchema *schema,
                                cflight_write_fn write, cflight_ipc_writer **ret_writer,
                                cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(schema), CFL_ARG(ret_writer));
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

cflight_status cfl_ipc_writer_new(const struct cflight_allocator *alloc,
                                  enum cflight_ipc_format format, const struct ArrowSchema *schema,
                                  cflight_write_fn write, void *user_data,
                                  const struct cflight_ipc_write_options *options,
                                  cflight_ipc_writer **ret_writer, cflight_error **reterr)
{
    struct cflight_ipc_write_options loaded;
    cflight_ipc_writer *writer = NULL;
    cflight_status status = check_new(format, schema, write, ret_writer, reterr);

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
    status = cfl_encoder_new(alloc, schema, &loaded, NULL, &writer->encoder, reterr);
    if (status == CFLIGHT_OK) {
        status = write_start(writer, reterr);
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

static bool grow_blocks(cflight_ipc_writer *writer, struct block_list *list)
{
    return cfl_grow_array(writer->alloc, (void **)&list->items, &list->capacity, list->count + 1,
                          sizeof *list->items);
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
        struct block_list *list =
            message.kind == CFL_MESSAGE_BATCH ? &writer->batches : &writer->dictionaries;
        if (!grow_blocks(writer, list)) {
            return cfl_error_no_memory(reterr);
        }
        status = write_message(writer, &message, &list->items[list->count], reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        *ret_has_written = true;
        list->count += writer->format == CFLIGHT_IPC_FORMAT_FILE;
    }
}

static cflight_status check_open(const cflight_ipc_writer *writer, cflight_error **reterr)
{
    switch (writer->state) {
    case WRITER_OPEN:
        return CFLIGHT_OK;
    case WRITER_CLOSED:
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "the writer is closed");
    case WRITER_SPENT:
        break;
    }
    return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION, "writing failed before");
}

cflight_status cflight_ipc_writer_write(cflight_ipc_writer *writer, const struct ArrowArray *batch,
                                        cflight_error **reterr)
{
    bool has_written = false;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(writer), CFL_ARG(batch));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = check_open(writer, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_encoder_begin(writer->encoder, batch, 0, batch->length, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (writer->format == CFLIGHT_IPC_FORMAT_FILE && cfl_encoder_will_replace(writer->encoder)) {
        status = cflight_error_set_message(
            reterr, CFLIGHT_UNIMPLEMENTED,
            "the batch replaces a dictionary, which the file format cannot express; "
            "use the stream format, deltas, or one dictionary for all batches");
    } else {
        status = write_messages(writer, &has_written, reterr);
    }
    if (status != CFLIGHT_OK && has_written) {
        writer->state = WRITER_SPENT;
    }
    cfl_encoder_end(writer->encoder, status == CFLIGHT_OK);
    return status;
}

static cflight_status write_footer(cflight_ipc_writer *writer, cflight_error **reterr)
{
    struct cfl_buf footer;
    cflight_status status = CFLIGHT_OK;

    cfl_buf_init(&footer, writer->alloc);
    status = cfl_footer_write(cfl_encoder_schema(writer->encoder), writer->metadata_version,
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
    static const uint8_t end_of_stream[PREFIX_BYTES] = {0xFF, 0xFF, 0xFF, 0xFF};
    cflight_status status = CFLIGHT_OK;

    if (writer == NULL) {
        return cfl_error_null_argument(reterr, "writer");
    }
    status = check_open(writer, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    writer->state = WRITER_SPENT; /* until the end is written whole */
    cfl_pieces_clear(&writer->output);
    cfl_pieces_append(&writer->output, end_of_stream, sizeof end_of_stream);
    status = flush(writer, reterr);
    if (status == CFLIGHT_OK && writer->format == CFLIGHT_IPC_FORMAT_FILE) {
        status = write_footer(writer, reterr);
    }
    if (status == CFLIGHT_OK) {
        writer->state = WRITER_CLOSED;
    }
    return status;
}

struct cflight_ipc_stats cflight_ipc_writer_stats(const cflight_ipc_writer *writer)
{
    return cfl_encoder_stats(writer->encoder);
}

void cflight_ipc_writer_free(cflight_ipc_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    cfl_encoder_free(writer->encoder);
    cfl_pieces_done(&writer->output);
    cfl_free_array(writer->alloc, writer->dictionaries.items, writer->dictionaries.capacity,
                   sizeof *writer->dictionaries.items);
    cfl_free_array(writer->alloc, writer->batches.items, writer->batches.capacity,
                   sizeof *writer->batches.items);
    cfl_free(writer->alloc, writer, sizeof *writer);
}
