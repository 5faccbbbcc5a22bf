/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches rows into a sink. Which locations are asked, and which of them get credentials, is
 * the library's to say; --trust-locations opens it to all. */
#include "cli/client/fetch.h"

#include <inttypes.h>

#include "cli/system/message.h"
#include "cli/system/os_error.h"

static cflight_status count_rows(struct cli_transfer *transfer, int64_t length,
                                 cflight_error **reterr)
{
    int64_t row_count = 0;
    if (__builtin_add_overflow(transfer->row_count, length, &row_count)) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "a batch of %" PRId64 " rows after %" PRId64 " others cannot be",
                                 length, transfer->row_count);
    }
    transfer->batch_count++;
    transfer->row_count = row_count;
    return CFLIGHT_OK;
}

cflight_status cli_transfer_count(struct cli_transfer *transfer, const struct cli_column *root,
                                  const struct ArrowArray *batch, cflight_error **reterr)
{
    cflight_status status = count_rows(transfer, batch->length, reterr);
    if (status == CFLIGHT_OK) {
        transfer->size_bytes = cli_add_bytes(transfer->size_bytes, cli_array_bytes(root, batch));
    }
    return status;
}

void cli_transfer_append(struct cli_text *text, const struct cli_transfer *transfer)
{
    cli_text_append_format(text, "%" PRId64 " %s, %" PRId64 " %s, ", transfer->batch_count,
                           transfer->batch_count == 1 ? "batch" : "batches", transfer->row_count,
                           transfer->row_count == 1 ? "row" : "rows");
    cli_append_size(text, transfer->size_bytes);
}

/* Hands a batch to the sink, or as much of it as is still wanted. */
static cflight_status deliver(struct cli_fetch *fetch, const struct ArrowArray *batch,
                              cflight_error **reterr)
{
    struct ArrowArray wanted = *batch; /* a view: released through the chunk */
    if (fetch->rows_left >= 0 && wanted.length > fetch->rows_left) {
        wanted.length = fetch->rows_left;
        fetch->has_more = true;
    }
    if (fetch->rows_left >= 0) {
        fetch->rows_left -= wanted.length;
    }
    if (wanted.length == 0 && batch->length > 0) {
        return CFLIGHT_OK;
    }
    cflight_status status =
        cli_transfer_count(&fetch->transfer, &fetch->sink->root, &wanted, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cli_sink_write(fetch->sink, &wanted, reterr);
    fetch->sink_failed = status != CFLIGHT_OK;
    cli_progress_update(&fetch->progress, fetch->transfer.row_count, fetch->transfer.size_bytes);
    return status;
}

/* Rows that came with the description are no fetch. */
cflight_status cli_fetch_fail(struct ArrowArrayStream *stream, cflight_error **reterr)
{
    cflight_error *error = cflight_fetch_error(stream);
    if (error != NULL) {
        return cli_error_give(error, reterr);
    }
    const char *reason = stream->get_last_error(stream);
    return cflight_error_set_message(reterr, CFLIGHT_DATA_LOSS,
                                     reason == NULL ? "the rows cannot be read" : reason);
}

/* Whether what comes is to be written as it is. */
static bool takes_messages(const struct cli_fetch *fetch, const struct ArrowArrayStream *stream,
                           const struct ArrowSchema *schema)
{
    struct cflight_fetch_counts counts;
    return fetch->keeps_messages && fetch->rows_left < 0 &&
           cflight_fetch_progress(stream, &counts) &&
           cli_sink_take_messages(fetch->sink, schema, counts.endpoint_count <= 1);
}

static cflight_status deliver_message(struct cli_fetch *fetch,
                                      const struct cflight_message *message, cflight_error **reterr)
{
    struct cli_transfer *transfer = &fetch->transfer;
    cflight_status status = message->kind == CFLIGHT_MESSAGE_BATCH
                                ? count_rows(transfer, message->row_count, reterr)
                                : CFLIGHT_OK;
    if (status != CFLIGHT_OK) {
        return status;
    }
    transfer->size_bytes =
        cli_add_bytes(transfer->size_bytes, cflight_buffer_bytes(message->body).len_bytes);
    status = cli_sink_write_message(fetch->sink, message, reterr);
    fetch->sink_failed = status != CFLIGHT_OK;
    cli_progress_update(&fetch->progress, transfer->row_count, transfer->size_bytes);
    return status;
}

static cflight_status read_messages(struct cli_fetch *fetch, struct ArrowArrayStream *stream,
                                    cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        struct cflight_message message;
        status = cflight_fetch_next_message(stream, CFLIGHT_MESSAGE_CHECK_VALUES, &message, reterr);
        if (status == CFLIGHT_OK) {
            is_end = message.is_end;
            status = is_end ? CFLIGHT_OK : deliver_message(fetch, &message, reterr);
            cflight_message_release(&message);
        }
    }
    return status;
}

cflight_status cli_fetch_read(struct cli_fetch *fetch, struct ArrowArrayStream *stream,
                              cflight_error **reterr)
{
    struct ArrowSchema schema;
    if (stream->get_schema(stream, &schema) != 0) {
        return cli_fetch_fail(stream, reterr);
    }
    bool has_messages = takes_messages(fetch, stream, &schema);
    cflight_status status = cli_sink_begin(fetch->sink, &schema, reterr);
    fetch->sink_failed = status != CFLIGHT_OK;
    schema.release(&schema);
    if (status == CFLIGHT_OK && has_messages) {
        return read_messages(fetch, stream, reterr);
    }
    while (status == CFLIGHT_OK && !fetch->has_more) {
        struct ArrowArray batch = {.release = NULL};
        if (stream->get_next(stream, &batch) != 0) {
            return cli_fetch_fail(stream, reterr);
        }
        if (batch.release == NULL) {
            break;
        }
        status = deliver(fetch, &batch, reterr);
        batch.release(&batch);
    }
    return status;
}

static bool is_trusted(void *user_data, const char *location)
{
    const struct cli_fetch *fetch = user_data;
    (void)location;
    return fetch->trusts_locations;
}

static void tell_failed_attempt(void *user_data, const cflight_error *error)
{
    struct cli_fetch *fetch = user_data;
    cli_progress_clear(&fetch->progress);
    cli_message_error("trying the next location", error);
}

void cli_fetch_init(struct cli_fetch *fetch, const struct cli_connection *connection)
{
    fetch->call_options = cli_connection_call(connection);
    fetch->options = (struct cflight_fetch_options)CFLIGHT_FETCH_OPTIONS_INIT;
    fetch->options.call_options = &fetch->call_options;
    fetch->options.client_options = &connection->options;
    fetch->options.parallel_max = 1; /* what comes first may be all that is wanted */
    fetch->options.attempts_max = 1; /* at each location */
    fetch->options.location_is_trusted = is_trusted;
    fetch->options.on_attempt_failed = tell_failed_attempt;
    fetch->options.user_data = fetch;
    if (fetch->call_options.timeout_is_set) {
        int64_t left_ms = fetch->call_options.timeout_ms;
        fetch->options.timeout_ms = left_ms > 0 ? left_ms : 1;
    }
}
