/* SPDX-License-Identifier: Apache-2.0 */
/* Writing messages as they are: headers and bodies that somebody else made. The body leaves from
 * where it lies, so a message must have left before the next one. Spec: flight-api, FlightData
 * framing, stream composition. Thread class: one at a time. */
#include "base/error.h"
#include "cflight/loop.h"
#include "flight/call/writer.h"
#include "ipc/message_kind.h"

/* Whether the message may come now. */
static cflight_status check_order(const cflight_writer *writer,
                                  const struct cflight_message *message, cflight_error **reterr)
{
    bool is_schema = message->kind == CFLIGHT_MESSAGE_SCHEMA;
    if (message->is_end ||
        (message->header == NULL) != (message->kind == CFLIGHT_MESSAGE_METADATA)) {
        return cflight_error_set_message(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            message->is_end ? "the message is the end of a stream, which holds nothing to write"
                            : "the message's kind does not fit its header");
    }
    if (message->kind == CFLIGHT_MESSAGE_METADATA) {
        return CFLIGHT_OK;
    }
    if (writer->encoder != NULL) {
        return cflight_error_set_message(
            reterr, CFLIGHT_FAILED_PRECONDITION,
            "This writer was started with a schema and takes batches, not messages");
    }
    if (is_schema == writer->has_schema_message) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         is_schema ? "This writer has already been started"
                                                   : "the schema must be written first");
    }
    return CFLIGHT_OK;
}

static void count(cflight_writer *writer, const struct cflight_message *message)
{
    struct cflight_ipc_stats *stats = &writer->message_stats;
    stats->message_count += message->kind != CFLIGHT_MESSAGE_METADATA;
    stats->dictionary_batch_count += message->kind == CFLIGHT_MESSAGE_DICTIONARY;
    if (message->kind == CFLIGHT_MESSAGE_BATCH) {
        stats->record_batch_count++;
        CFL_COUNT(writer->call->counts, batches_sent, 1);
        CFL_COUNT(writer->call->counts, rows_sent, message->row_count);
    }
}

static cflight_status start(cflight_writer *writer, const struct cflight_message *message,
                            cflight_error **reterr)
{
    bool is_schema = message->kind == CFLIGHT_MESSAGE_SCHEMA;
    struct cflight_bytes body = cflight_buffer_bytes(message->body);
    struct cfl_encoded encoded = {
        .kind = cfl_message_kind_of(message->kind),
        .header = cflight_buffer_bytes(message->header),
        .body = is_schema ? NULL : &writer->message_body,
        .body_len_bytes = body.len_bytes,
    };
    cfl_pieces_clear(&writer->message_body);
    if (!cfl_pieces_append(&writer->message_body, body.data, body.len_bytes)) {
        return cfl_error_no_memory(reterr);
    }
    cflight_status status = cfl_writer_post(writer, cfl_writer_descriptor(writer, is_schema),
                                            message->header == NULL ? NULL : &encoded, NULL,
                                            cflight_buffer_bytes(message->app_metadata), reterr);
    if (status == CFLIGHT_OK) {
        cfl_writer_drop_descriptor(writer, is_schema);
        writer->has_schema_message = writer->has_schema_message || is_schema;
        writer->is_message_in_flight = true;
        count(writer, message);
    }
    return status;
}

cflight_status cflight_writer_try_write_message(cflight_writer *writer,
                                                const struct cflight_message *message,
                                                bool *ret_is_done, cflight_error **reterr)
{
    bool is_sent = false;
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(writer), CFL_ARG(message), CFL_ARG(ret_is_done));
    if (status == CFLIGHT_OK) {
        status = cfl_writer_check_open(writer, reterr);
    }
    if (status == CFLIGHT_OK && !writer->is_message_in_flight) {
        status = check_order(writer, message, reterr);
        if (status == CFLIGHT_OK) {
            status = start(writer, message, reterr);
        }
    }
    if (status == CFLIGHT_OK) {
        status = cfl_call_is_sent(writer->call, &is_sent, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    writer->is_message_in_flight = !is_sent;
    *ret_is_done = is_sent;
    return CFLIGHT_OK;
}

cflight_status cflight_writer_write_message(cflight_writer *writer,
                                            const struct cflight_message *message,
                                            cflight_error **reterr)
{
    for (;;) {
        bool is_done = false;
        cflight_status status = cflight_writer_try_write_message(writer, message, &is_done, reterr);
        if (status != CFLIGHT_OK || is_done) {
            return status;
        }
        status = cfl_call_wait_sent(writer->call, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
}
