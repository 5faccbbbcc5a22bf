/* SPDX-License-Identifier: Apache-2.0 */
/* Writing record batches.
 *
 * The encoder lists where a batch's bytes lie; the head of the message is built here, and both go
 * to the call, which returns when the socket took them. Limits are checked before a message is
 * sent, so that a refusal leaves the stream as it was.
 *
 * Spec: flight-api, FlightData framing, stream composition, size limits. Thread class: one at a
 * time; cancel is free. */
#include "flight/writer.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "cflight/types.h"

enum { ARROW_CODE_CAPACITY_ERROR = 6 };

cflight_status cfl_writer_new(struct cfl_call *call, const struct cfl_writer_params *params,
                              cflight_writer **ret_writer, cflight_error **reterr)
{
    cflight_writer *writer = cfl_alloc_zeroed(call->alloc, sizeof *writer);
    if (writer == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cfl_buf_init(&writer->head, call->alloc);
    cfl_buf_init(&writer->descriptor, call->alloc);
    cflight_status status =
        cfl_options_load(&writer->options, sizeof writer->options, params->options, reterr);
    if (status == CFLIGHT_OK && !cfl_buf_append_bytes(&writer->descriptor, params->descriptor)) {
        status = cfl_error_no_memory(reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_buf_done(&writer->descriptor);
        cfl_free(call->alloc, writer, sizeof *writer);
        return status;
    }
    writer->call = cfl_call_ref(call);
    writer->is_server = call->connection->is_server;
    writer->size_limit_bytes = params->size_limit_bytes;
    writer->split_batch_bytes = params->split_batch_bytes;
    *ret_writer = writer;
    return CFLIGHT_OK;
}

void cfl_writer_done(cflight_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    const struct cflight_allocator *alloc = writer->call->alloc;
    cfl_encoder_free(writer->encoder);
    cfl_buf_done(&writer->head);
    cfl_buf_done(&writer->descriptor);
    cfl_call_unref(writer->call);
    cfl_free(alloc, writer, sizeof *writer);
}

static cflight_status check_open(const cflight_writer *writer, cflight_error **reterr)
{
    if (writer == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT, "the writer is NULL");
    }
    if (writer->is_done_writing) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "Destination already closed");
    }
    return CFLIGHT_OK;
}

static cflight_status check_part(const char *what, size_t len_bytes, cflight_error **reterr)
{
    if (len_bytes <= CFLIGHT_MESSAGE_BYTES_MAX) {
        return CFLIGHT_OK;
    }
    cflight_status status =
        cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                          "%s size overflow (>= 2**31): %zu bytes", what, len_bytes);
    if (reterr != NULL) {
        cflight_error_set_arrow_code(*reterr, ARROW_CODE_CAPACITY_ERROR);
    }
    return status;
}

/* Sends one message of its parts; `encoded` NULL for one without Arrow data. */
static cflight_status send_message(cflight_writer *writer, struct cflight_bytes descriptor,
                                   const struct cfl_encoded *encoded,
                                   struct cflight_bytes app_metadata, cflight_error **reterr)
{
    struct cflight_bytes data_header = {NULL, 0};
    const struct cfl_pieces *body = NULL;
    uint64_t body_len_bytes = 0;
    if (encoded != NULL) {
        data_header = encoded->header;
        body = encoded->body;
        body_len_bytes = encoded->body_len_bytes;
    }
    cflight_status status = check_part("app_metadata", app_metadata.len_bytes, reterr);
    if (status == CFLIGHT_OK && body_len_bytes > CFLIGHT_MESSAGE_BYTES_MAX) {
        status = cflight_error_set(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "Cannot send record batches exceeding 2GiB yet: this one has %" PRIu64 " bytes",
            body_len_bytes);
    }
    uint64_t total_bytes =
        descriptor.len_bytes + data_header.len_bytes + app_metadata.len_bytes + body_len_bytes;
    if (status == CFLIGHT_OK && writer->size_limit_bytes > 0 &&
        total_bytes > writer->size_limit_bytes && encoded != NULL) {
        status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                   "IPC payload size exceeded soft limit: %" PRIu64
                                   " bytes, the limit is %" PRIu64,
                                   total_bytes, writer->size_limit_bytes);
        if (reterr != NULL) {
            cfl_error_set_size_numbers(*reterr, writer->size_limit_bytes, total_bytes);
        }
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_buf_clear(&writer->head);
    if (!cfl_flight_data_write_head(&writer->head, descriptor, data_header, app_metadata,
                                    body != NULL, body_len_bytes)) {
        return cfl_error_no_memory(reterr);
    }
    return cfl_call_send(writer->call, cfl_buf_bytes(&writer->head), body, reterr);
}

cflight_status cfl_writer_send_descriptor(cflight_writer *writer, cflight_error **reterr)
{
    struct cflight_bytes none = {NULL, 0};
    return send_message(writer, cfl_buf_bytes(&writer->descriptor), NULL, none, reterr);
}

cflight_status cflight_writer_begin(cflight_writer *writer, const struct ArrowSchema *schema,
                                    const struct cflight_ipc_write_options *options,
                                    cflight_error **reterr)
{
    struct cfl_encoder *encoder = NULL;
    struct cfl_encoded message;
    struct cflight_bytes none = {NULL, 0};
    cflight_status status = check_open(writer, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (schema == NULL || schema->release == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "the schema is NULL or released");
    }
    if (writer->encoder != NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "This writer has already been started");
    }
    status =
        cfl_encoder_new(writer->call->alloc, schema, options == NULL ? &writer->options : options,
                        &writer->call->connection->limits, &encoder, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_encoder_schema_message(encoder, &message, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = send_message(writer, cfl_buf_bytes(&writer->descriptor), &message, none, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_encoder_free(encoder);
        return status;
    }
    cfl_buf_done(&writer->descriptor);
    writer->encoder = encoder;
    return CFLIGHT_OK;
}

/* Sends the messages of one run of rows. */
static cflight_status write_rows(cflight_writer *writer, const struct ArrowArray *batch,
                                 int64_t row_offset, int64_t row_count,
                                 struct cflight_bytes app_metadata, cflight_error **reterr)
{
    struct cflight_bytes none = {NULL, 0};
    bool has_message = false;
    cflight_status status =
        cfl_encoder_begin(writer->encoder, batch, row_offset, row_count, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    for (;;) {
        struct cfl_encoded message;
        status = cfl_encoder_next(writer->encoder, &message, &has_message, reterr);
        if (status != CFLIGHT_OK || !has_message) {
            break;
        }
        bool is_batch = message.kind == CFL_MESSAGE_BATCH;
        status = send_message(writer, none, &message, is_batch ? app_metadata : none, reterr);
        if (status != CFLIGHT_OK) {
            break;
        }
    }
    cfl_encoder_end(writer->encoder, status == CFLIGHT_OK);
    return status;
}

/* The most rows from `row_offset` whose message stays within the split size; at least one. */
static cflight_status fit_rows(cflight_writer *writer, const struct ArrowArray *batch,
                               int64_t row_offset, int64_t *row_count, cflight_error **reterr)
{
    int64_t rows = *row_count;
    for (;;) {
        uint64_t len_bytes = 0;
        cflight_status status =
            cfl_encoder_measure(writer->encoder, batch, row_offset, rows, &len_bytes, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        if (len_bytes <= writer->split_batch_bytes || rows <= 1) {
            *row_count = rows;
            return CFLIGHT_OK;
        }
        int64_t fitting =
            (int64_t)((double)rows * (double)writer->split_batch_bytes / (double)len_bytes);
        rows = fitting < 1 ? 1 : (fitting < rows ? fitting : rows - 1);
    }
}

static cflight_status write_split(cflight_writer *writer, const struct ArrowArray *batch,
                                  cflight_error **reterr)
{
    struct cflight_bytes none = {NULL, 0};
    int64_t row_offset = 0;
    do {
        int64_t row_count = batch->length - row_offset;
        cflight_status status = fit_rows(writer, batch, row_offset, &row_count, reterr);
        if (status == CFLIGHT_OK) {
            status = write_rows(writer, batch, row_offset, row_count, none, reterr);
        }
        if (status != CFLIGHT_OK) {
            return status;
        }
        row_offset += row_count;
    } while (row_offset < batch->length);
    return CFLIGHT_OK;
}

cflight_status cflight_writer_write(cflight_writer *writer, const struct ArrowArray *batch,
                                    const struct cflight_bytes *app_metadata,
                                    cflight_error **reterr)
{
    struct cflight_bytes metadata = {NULL, 0};
    cflight_status status = check_open(writer, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (batch == NULL || batch->release == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "the batch is NULL or released");
    }
    if (writer->encoder == NULL) {
        return cflight_error_set_message(
            reterr, CFLIGHT_FAILED_PRECONDITION,
            "This writer is not started. Call begin with a schema first");
    }
    if (app_metadata != NULL) {
        metadata = *app_metadata;
    }
    if (writer->split_batch_bytes > 0 && metadata.len_bytes == 0) {
        return write_split(writer, batch, reterr);
    }
    return write_rows(writer, batch, 0, batch->length, metadata, reterr);
}

cflight_status cflight_writer_write_metadata(cflight_writer *writer,
                                             struct cflight_bytes app_metadata,
                                             cflight_error **reterr)
{
    struct cflight_bytes none = {NULL, 0};
    cflight_status status = check_open(writer, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    return send_message(writer, none, NULL, app_metadata, reterr);
}

static cflight_status stream_failure(struct ArrowArrayStream *stream, int code,
                                     cflight_error **reterr)
{
    const char *reason = stream->get_last_error(stream);
    return cfl_error_set_os(reterr, CFLIGHT_INTERNAL, code, "the stream to write failed: %s",
                            reason == NULL ? "it gave no reason" : reason);
}

cflight_status cflight_writer_write_stream(cflight_writer *writer, struct ArrowArrayStream *stream,
                                           cflight_error **reterr)
{
    cflight_status status = check_open(writer, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (stream == NULL || stream->release == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "the stream is NULL or released");
    }
    if (writer->encoder == NULL) {
        struct ArrowSchema schema = {0};
        int code = stream->get_schema(stream, &schema);
        if (code != 0) {
            return stream_failure(stream, code, reterr);
        }
        status = cflight_writer_begin(writer, &schema, NULL, reterr);
        schema.release(&schema);
    }
    while (status == CFLIGHT_OK) {
        struct ArrowArray batch = {0};
        int code = stream->get_next(stream, &batch);
        if (code != 0) {
            return stream_failure(stream, code, reterr);
        }
        if (batch.release == NULL) {
            break;
        }
        status = cflight_writer_write(writer, &batch, NULL, reterr);
        batch.release(&batch);
    }
    return status;
}

cflight_status cflight_writer_done_writing(cflight_writer *writer, cflight_error **reterr)
{
    if (writer == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT, "the writer is NULL");
    }
    if (writer->is_server || writer->is_done_writing) {
        return CFLIGHT_OK;
    }
    writer->is_done_writing = true;
    return cfl_call_half_close(writer->call, reterr);
}

cflight_status cflight_writer_close(cflight_writer *writer, cflight_error **reterr)
{
    cflight_status status = cflight_writer_done_writing(writer, reterr);
    if (status != CFLIGHT_OK || writer->is_server) {
        return status;
    }
    return cfl_call_finish_reading(writer->call, reterr);
}

void cflight_writer_cancel(cflight_writer *writer)
{
    if (writer != NULL) {
        cfl_call_cancel(writer->call, CFLIGHT_CANCELLED, "the call was cancelled");
    }
}

struct cflight_ipc_stats cflight_writer_stats(const cflight_writer *writer)
{
    struct cflight_ipc_stats none = {0};
    return writer->encoder == NULL ? none : cfl_encoder_stats(writer->encoder);
}

void cflight_writer_free(cflight_writer *writer)
{
    if (writer != NULL && !writer->is_server) {
        cfl_writer_done(writer); /* with the last handle, a call that still runs is cancelled */
    }
}
