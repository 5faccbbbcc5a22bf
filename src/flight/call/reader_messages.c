/* SPDX-License-Identifier: Apache-2.0 */
/* Reading messages as they are, for those who pass them on.
 *
 * The body is handed out as it arrived; header and metadata, which lie in one run of bytes with the
 * rest of the message, are copied. Spec: flight-api, FlightData framing. Thread class: one at a
 * time. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "flight/call/reader.h"
#include "ipc/message_kind.h"

/* Fills a message with copies of what lies in `data`, and with its body. */
static cflight_status take_parts(struct cfl_flight_data *data, struct cflight_message *message,
                                 cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    if (data->has_data_header) {
        status = cflight_buffer_new_copy(data->data_header, &message->header, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_reader_metadata_of(data, &message->app_metadata, reterr);
    }
    if (status == CFLIGHT_OK && data->has_data_header) {
        message->body = data->body;
        data->body = NULL;
    }
    return status;
}

static cflight_status check(cflight_reader *reader, enum cflight_message_check level,
                            struct cflight_message *message, cflight_error **reterr)
{
    enum cfl_message_kind kind = CFL_MESSAGE_SCHEMA;
    cflight_status status =
        cfl_decoder_check(reader->decoder, cflight_buffer_bytes(message->header), message->body,
                          level, &kind, &message->row_count, reterr);
    message->kind = cfl_message_kind_public(kind);
    return status;
}

/* `*ret_has_message` false for one that holds nothing but a descriptor. */
static cflight_status convert(cflight_reader *reader, struct cfl_flight_data *data,
                              enum cflight_message_check level, struct cflight_message *ret_message,
                              bool *ret_has_message, cflight_error **reterr)
{
    struct cflight_message message = {.kind = CFLIGHT_MESSAGE_METADATA};
    cflight_error *error = NULL;
    cflight_status status = cfl_reader_note_descriptor(reader, data, &error);
    if (status == CFLIGHT_OK) {
        status = take_parts(data, &message, &error);
    }
    if (status == CFLIGHT_OK && message.header != NULL) {
        status = check(reader, level, &message, &error);
    }
    if (status != CFLIGHT_OK) {
        cflight_message_release(&message);
        return cfl_reader_fail(reader, error, reterr);
    }
    if (message.kind == CFLIGHT_MESSAGE_BATCH) {
        cfl_reader_count_batch(reader, message.row_count, message.body);
    }
    *ret_has_message = message.header != NULL || message.app_metadata != NULL;
    *ret_message = message;
    return CFLIGHT_OK;
}

/* What was taken in before messages were asked for. */
static cflight_status take_kept(cflight_reader *reader, struct cflight_message *ret_message,
                                bool *ret_has_message, cflight_error **reterr)
{
    struct cflight_message message = {.kind = CFLIGHT_MESSAGE_METADATA};
    cflight_status status = CFLIGHT_OK;
    *ret_has_message = cfl_reader_take_early(reader, &message.app_metadata);
    if (!*ret_has_message && reader->has_schema_message) {
        status = take_parts(&reader->schema_message, &message, reterr);
        message.kind = CFLIGHT_MESSAGE_SCHEMA;
        *ret_has_message = true;
        cfl_reader_drop_schema_message(reader);
    }
    if (status != CFLIGHT_OK) {
        cflight_message_release(&message);
        return status;
    }
    *ret_message = message;
    return CFLIGHT_OK;
}

cflight_status cflight_reader_try_next_message(cflight_reader *reader,
                                               enum cflight_message_check level, int64_t timeout_ms,
                                               bool *ret_is_ready,
                                               struct cflight_message *ret_message,
                                               cflight_error **reterr)
{
    struct cflight_message message = {0};
    bool has_message = false;
    bool is_ready = true;
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(reader), CFL_ARG(ret_message), CFL_ARG(ret_is_ready));
    if (status == CFLIGHT_OK) {
        status = take_kept(reader, &message, &has_message, reterr);
    }
    while (status == CFLIGHT_OK && !has_message && is_ready && !message.is_end) {
        struct cfl_message raw = {0};
        bool has_raw = false;
        status = cfl_reader_receive(reader, cfl_duration_from_ms(timeout_ms), &is_ready, &has_raw,
                                    &raw, reterr);
        if (has_raw) {
            status = convert(reader, &raw.data, level, &message, &has_message, reterr);
            cfl_message_done(&raw);
        }
        message.is_end = status == CFLIGHT_OK && is_ready && !has_raw;
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    *ret_is_ready = is_ready;
    *ret_message = message;
    return CFLIGHT_OK;
}

cflight_status cflight_reader_next_message(cflight_reader *reader, enum cflight_message_check level,
                                           struct cflight_message *ret_message,
                                           cflight_error **reterr)
{
    bool is_ready = false;
    return cflight_reader_try_next_message(reader, level, -1, &is_ready, ret_message, reterr);
}
