/* SPDX-License-Identifier: Apache-2.0 */
/* A writer's life: begin, metadata, close. Batches are in writer_batch.c, whole streams in
 * writer_stream.c, messages in writer_message.c.
 *
 * Spec: flight-api, FlightData framing, stream composition, size limits. Thread class: one at a
 * time; cancel is free. */
#include "flight/call/writer.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "cflight/types.h"

cflight_status cfl_writer_new(struct cfl_call *call, const struct cfl_writer_params *params,
                              cflight_writer **ret_writer, cflight_error **reterr)
{
    cflight_writer *writer = cfl_alloc_zeroed(call->alloc, sizeof *writer);
    if (writer == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cfl_buf_init(&writer->head, call->alloc);
    cfl_buf_init(&writer->descriptor, call->alloc);
    cfl_pieces_init(&writer->message_body, call->alloc);
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
    writer->never_waits = params->never_waits;
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
    cfl_pieces_done(&writer->message_body);
    cfl_buf_done(&writer->head);
    cfl_buf_done(&writer->descriptor);
    cfl_call_unref(writer->call);
    cfl_free(alloc, writer, sizeof *writer);
}

cflight_status cfl_writer_check_open(const cflight_writer *writer, cflight_error **reterr)
{
    if (writer == NULL) {
        return cfl_error_null_argument(reterr, "writer");
    }
    if (writer->is_done_writing) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "Destination already closed");
    }
    return CFLIGHT_OK;
}

cflight_status cfl_writer_send_descriptor(cflight_writer *writer, cflight_error **reterr)
{
    struct cflight_bytes none = {NULL, 0};
    writer->descriptor_was_sent = true;
    return cfl_writer_send(writer, cfl_buf_bytes(&writer->descriptor), NULL, none, reterr);
}

struct cflight_bytes cfl_writer_descriptor(const cflight_writer *writer, bool is_schema)
{
    struct cflight_bytes none = {NULL, 0};
    return is_schema || !writer->descriptor_was_sent ? cfl_buf_bytes(&writer->descriptor) : none;
}

void cfl_writer_drop_descriptor(cflight_writer *writer, bool is_schema)
{
    if (is_schema || !writer->descriptor_was_sent) {
        cfl_buf_done(&writer->descriptor);
    }
}

cflight_status cflight_writer_begin(cflight_writer *writer, const struct ArrowSchema *schema,
                                    const struct cflight_ipc_write_options *options,
                                    cflight_error **reterr)
{
    struct cfl_encoder *encoder = NULL;
    struct cfl_encoded message;
    struct cflight_bytes none = {NULL, 0};
    cflight_status status = cfl_writer_check_open(writer, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (schema == NULL || schema->release == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "the schema is NULL or released");
    }
    if (cfl_writer_has_begun(writer)) {
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
        status =
            cfl_writer_send(writer, cfl_writer_descriptor(writer, true), &message, none, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_encoder_free(encoder);
        return status;
    }
    cfl_writer_drop_descriptor(writer, true);
    writer->encoder = encoder;
    return CFLIGHT_OK;
}

cflight_status cflight_writer_write_metadata(cflight_writer *writer,
                                             struct cflight_bytes app_metadata,
                                             cflight_error **reterr)
{
    cflight_status status = cfl_writer_check_open(writer, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_writer_send(writer, cfl_writer_descriptor(writer, false), NULL, app_metadata,
                                 reterr);
    }
    if (status == CFLIGHT_OK) {
        cfl_writer_drop_descriptor(writer, false);
    }
    return status;
}

cflight_status cflight_writer_done_writing(cflight_writer *writer, cflight_error **reterr)
{
    if (writer == NULL) {
        return cfl_error_null_argument(reterr, "writer");
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
    return writer->encoder == NULL ? writer->message_stats : cfl_encoder_stats(writer->encoder);
}

void cflight_writer_free(cflight_writer *writer)
{
    if (writer != NULL && !writer->is_server) {
        if (writer->batch.is_active || writer->is_message_in_flight) {
            /* What was posted is borrowed from a batch or message that may go away now. */
            cfl_call_cancel(writer->call, CFLIGHT_CANCELLED,
                            "the writer was freed in the middle of a batch");
        }
        cfl_call_notify(writer->call, true, NULL, NULL);
        cfl_writer_done(writer); /* with the last handle, a call that still runs is cancelled */
    }
}
