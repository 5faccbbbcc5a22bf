/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches a flight into a sink. Which locations are asked, and which of them get credentials, is
 * the library's to say; --trust-locations opens it to all. */
#include "cli/client/fetch.h"

#include <inttypes.h>

#include "cflight/fetch.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"

cflight_status cli_transfer_count(struct cli_transfer *transfer, const struct cli_column *root,
                                  const struct ArrowArray *batch, cflight_error **reterr)
{
    int64_t row_count = 0;
    if (__builtin_add_overflow(transfer->row_count, batch->length, &row_count)) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "a batch of %" PRId64 " rows after %" PRId64 " others cannot be",
                                 batch->length, transfer->row_count);
    }
    transfer->batch_count++;
    transfer->row_count = row_count;
    transfer->size_bytes = cli_add_bytes(transfer->size_bytes, cli_array_bytes(root, batch));
    return CFLIGHT_OK;
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

/* The stream's failure, whole. */
static cflight_status fail(const struct ArrowArrayStream *stream, cflight_error **reterr)
{
    return cli_error_give(cflight_fetch_error(stream), reterr);
}

static cflight_status read_all(struct cli_fetch *fetch, struct ArrowArrayStream *stream,
                               cflight_error **reterr)
{
    struct ArrowSchema schema;
    if (stream->get_schema(stream, &schema) != 0) {
        return fail(stream, reterr);
    }
    cflight_status status = cli_sink_begin(fetch->sink, &schema, reterr);
    fetch->sink_failed = status != CFLIGHT_OK;
    schema.release(&schema);
    while (status == CFLIGHT_OK && !fetch->has_more) {
        struct ArrowArray batch = {.release = NULL};
        if (stream->get_next(stream, &batch) != 0) {
            return fail(stream, reterr);
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

cflight_status cli_fetch_all(struct cli_fetch *fetch, const struct cflight_info *info,
                             cflight_error **reterr)
{
    struct ArrowArrayStream stream;
    struct cflight_call_options call_options = cli_connection_call(fetch->connection);
    struct cflight_fetch_options options = CFLIGHT_FETCH_OPTIONS_INIT;
    options.call_options = &call_options;
    options.client_options = &fetch->connection->options;
    options.parallel_max = 1; /* what comes first may be all that is wanted */
    options.attempts_max = 1; /* at each location */
    options.location_is_trusted = is_trusted;
    options.on_attempt_failed = tell_failed_attempt;
    options.user_data = fetch;
    if (call_options.timeout_is_set) {
        options.timeout_ms = call_options.timeout_ms > 0 ? call_options.timeout_ms : 1;
    }
    cflight_status status =
        cflight_fetch(fetch->connection->client, info, &options, &stream, reterr);
    if (status == CFLIGHT_OK) {
        status = read_all(fetch, &stream, reterr);
        stream.release(&stream);
    }
    return status;
}
