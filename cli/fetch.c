/* SPDX-License-Identifier: Apache-2.0 */
/* Follows the endpoints of a flight.
 *
 * The locations of an endpoint are replicas of the same data. Once a batch of an endpoint was
 * delivered, its failure is final: another replica would give the same rows again. Credentials go
 * to a location only when cli_connection_trusts() it. */
#include "cli/fetch.h"

#include <inttypes.h>
#include <string.h>

#include "cli/interrupt.h"
#include "cli/memory.h"
#include "cli/message.h"
#include "cli/os_error.h"

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

cflight_status cli_fetch_begin(struct cli_fetch *fetch, const struct ArrowSchema *schema,
                               cflight_error **reterr)
{
    if (fetch->has_schema) {
        if (cflight_schema_equal(&fetch->schema, schema, false)) {
            return CFLIGHT_OK;
        }
        return cflight_error_set_message(
            reterr, CFLIGHT_FAILED_PRECONDITION,
            "the endpoints of this flight do not have the same schema");
    }
    cflight_status status = cli_column_init(&fetch->root, schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cflight_schema_copy(schema, &fetch->schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    fetch->has_schema = true;
    status = cli_sink_begin(fetch->sink, schema, reterr);
    fetch->sink_failed = status != CFLIGHT_OK;
    return status;
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
    cflight_status status = cli_transfer_count(&fetch->transfer, &fetch->root, &wanted, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cli_sink_write(fetch->sink, &wanted, reterr);
    fetch->sink_failed = status != CFLIGHT_OK;
    cli_progress_update(&fetch->progress, fetch->transfer.row_count, fetch->transfer.size_bytes);
    return status;
}

static cflight_status read_all(struct cli_fetch *fetch, cflight_reader *reader,
                               cflight_error **reterr)
{
    struct ArrowSchema schema;
    cflight_status status = cflight_reader_schema(reader, &schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cli_fetch_begin(fetch, &schema, reterr);
    schema.release(&schema);
    while (status == CFLIGHT_OK && !fetch->has_more) {
        struct cflight_chunk chunk;
        status = cflight_reader_next(reader, &chunk, reterr);
        if (status != CFLIGHT_OK || chunk.is_end) {
            break;
        }
        if (chunk.has_batch) {
            status = deliver(fetch, &chunk.batch, reterr);
        }
        cflight_chunk_release(&chunk);
    }
    return status;
}

static cflight_status fetch_ticket(struct cli_fetch *fetch, cflight_client *client,
                                   struct cflight_bytes ticket,
                                   const struct cflight_call_options *options,
                                   cflight_error **reterr)
{
    cflight_reader *reader = NULL;
    cflight_status status = cflight_client_do_get(client, ticket, options, &reader, reterr);
    if (status == CFLIGHT_OK) {
        status = read_all(fetch, reader, reterr);
    }
    cflight_reader_free(reader);
    return status;
}

/* The connection's own client, or one for `uri`, which is kept for the endpoints to come. An empty
 * location names no other place. */
static cflight_status find_client(struct cli_fetch *fetch, const char *uri,
                                  cflight_client **ret_client, cflight_error **reterr)
{
    if (uri[0] == '\0' || strcmp(uri, CFLIGHT_LOCATION_REUSE_CONNECTION) == 0 ||
        strcmp(uri, fetch->connection->uri) == 0) {
        *ret_client = fetch->connection->client;
        return CFLIGHT_OK;
    }
    if (fetch->other_uri == NULL || strcmp(fetch->other_uri, uri) != 0) {
        cflight_client *client = NULL;
        cflight_status status = cli_connection_new_client(fetch->connection, uri, &client, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        cflight_client_free(fetch->other_client);
        cli_free(fetch->other_uri);
        fetch->other_client = client;
        fetch->other_uri = cli_strdup(uri);
    }
    *ret_client = fetch->other_client;
    return CFLIGHT_OK;
}

static cflight_status fetch_from(struct cli_fetch *fetch, struct cflight_bytes location,
                                 struct cflight_bytes ticket, cflight_error **reterr)
{
    cflight_client *client = NULL;
    if (location.len_bytes > 0 && memchr(location.data, 0, location.len_bytes) != NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "the server named a location with a zero byte in it");
    }
    char *uri = cli_strndup((const char *)location.data, location.len_bytes);
    if (uri == NULL) {
        return cli_error_no_memory(reterr, "following an endpoint");
    }
    cflight_status status = find_client(fetch, uri, &client, reterr);
    if (status == CFLIGHT_OK) {
        bool is_ours = client == fetch->connection->client;
        struct cflight_call_options options =
            is_ours || cli_connection_trusts(fetch->connection, uri)
                ? cli_connection_call(fetch->connection)
                : cli_connection_call_bare(fetch->connection);
        status = fetch_ticket(fetch, client, ticket, &options, reterr);
    }
    cli_free(uri);
    return status;
}

/* Whether a failure leaves room for another replica. */
static bool may_try_next(const struct cli_fetch *fetch, cflight_status status,
                         int64_t batches_before)
{
    return status != CFLIGHT_OK && !fetch->sink_failed &&
           fetch->transfer.batch_count == batches_before && cli_interrupt_signal() == 0 &&
           status != CFLIGHT_CANCELLED;
}

cflight_status cli_fetch_endpoint(struct cli_fetch *fetch, const struct cflight_endpoint *endpoint,
                                  cflight_error **reterr)
{
    if (endpoint->location_count == 0) {
        struct cflight_call_options options = cli_connection_call(fetch->connection);
        return fetch_ticket(fetch, fetch->connection->client, endpoint->ticket, &options, reterr);
    }
    int64_t batches_before = fetch->transfer.batch_count;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; i < endpoint->location_count; i++) {
        cflight_error_free(error);
        error = NULL;
        status = fetch_from(fetch, endpoint->locations[i], endpoint->ticket, &error);
        if (!may_try_next(fetch, status, batches_before)) {
            break;
        }
        if (i + 1 < endpoint->location_count) {
            cli_progress_clear(&fetch->progress);
            cli_message_error("trying the next location", error);
        }
    }
    if (status != CFLIGHT_OK && reterr != NULL) {
        *reterr = error;
        error = NULL;
    }
    cflight_error_free(error);
    return status;
}

void cli_fetch_done(struct cli_fetch *fetch)
{
    if (fetch->has_schema) {
        fetch->schema.release(&fetch->schema);
    }
    cli_column_done(&fetch->root);
    cflight_client_free(fetch->other_client);
    cli_free(fetch->other_uri);
    memset(fetch, 0, sizeof *fetch);
}
