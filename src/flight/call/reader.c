/* SPDX-License-Identifier: Apache-2.0 */
/* Reading record batches.
 *
 * Messages are taken from the call under its connection's lock and decoded outside of it. A message
 * without a data header is a chunk of metadata alone; schema and dictionary messages are absorbed
 * by the decoder.
 *
 * Spec: flight-api, stream composition and reader algorithm. Thread class: one at a time; cancel is
 * free. */
#include "flight/call/reader.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "cflight/types.h"
#include "flight/value/values.h"

struct early_chunk {
    struct cfl_list node;
    cflight_buffer *app_metadata;
};

/* What a message counts beside its bytes, so that empty ones have an end too. */
enum { EARLY_CHUNK_BYTES = 256 };

void cflight_chunk_release(struct cflight_chunk *chunk)
{
    if (chunk == NULL) {
        return;
    }
    if (chunk->has_batch && chunk->batch.release != NULL) {
        chunk->batch.release(&chunk->batch);
    }
    cflight_buffer_unref(chunk->app_metadata);
    memset(chunk, 0, sizeof *chunk);
}

cflight_status cfl_reader_new(struct cfl_call *call, const struct cflight_ipc_read_options *options,
                              cflight_reader **ret_reader, cflight_error **reterr)
{
    cflight_reader *reader = cfl_alloc_zeroed(call->alloc, sizeof *reader);
    if (reader == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cflight_status status = cfl_decoder_new(call->alloc, options, &call->connection->limits,
                                            call->connection->pool, &reader->decoder, reterr);
    if (status != CFLIGHT_OK) {
        cfl_free(call->alloc, reader, sizeof *reader);
        return status;
    }
    reader->call = cfl_call_ref(call);
    cfl_decoder_set_budget(reader->decoder, call->locked.inbox.budget);
    reader->is_server = call->connection->is_server;
    cfl_list_init(&reader->early);
    *ret_reader = reader;
    return CFLIGHT_OK;
}

bool cfl_reader_take_early(cflight_reader *reader, cflight_buffer **ret_metadata)
{
    struct cfl_list *node = cfl_list_take_first(&reader->early);
    if (node == NULL) {
        return false;
    }
    struct early_chunk *early = CFL_LIST_ENTRY(node, struct early_chunk, node);
    uint64_t len_bytes = cfl_body_len(early->app_metadata) + EARLY_CHUNK_BYTES;
    reader->early_bytes -= len_bytes;
    cfl_budget_give_back(reader->call->locked.inbox.budget, len_bytes);
    *ret_metadata = early->app_metadata;
    cfl_free(reader->call->alloc, early, sizeof *early);
    return true;
}

void cfl_reader_done(cflight_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    const struct cflight_allocator *alloc = reader->call->alloc;
    cflight_buffer *metadata = NULL;
    while (cfl_reader_take_early(reader, &metadata)) {
        cflight_buffer_unref(metadata);
    }
    cfl_reader_drop_schema_message(reader);
    cflight_error_free(reader->failure);
    cfl_value_free_counted(reader->descriptor, reader->call->locked.inbox.budget);
    cfl_decoder_free(reader->decoder);
    cfl_call_unref(reader->call);
    cfl_free(alloc, reader, sizeof *reader);
}

cflight_status cfl_reader_fail(cflight_reader *reader, cflight_error *error, cflight_error **reterr)
{
    cflight_status status = cflight_error_status(error);
    cfl_error_set_operation(error, reader->call->method->name);
    cfl_error_set_peer(error, cfl_transport_peer(reader->call->connection->transport)->name);
    cflight_error_free(reader->failure);
    reader->failure = error;
    if (!reader->is_server) {
        cfl_call_cancel(reader->call, CFLIGHT_CANCELLED, "the data could not be read");
    }
    if (reterr != NULL) {
        *reterr = cfl_error_copy(error);
    }
    return status;
}

/* The call's failure, with how much came before it when the connection was lost. */
static cflight_status tell_progress(cflight_reader *reader, cflight_status status,
                                    cflight_error **reterr)
{
    if (status == CFLIGHT_UNAVAILABLE && reader->batch_count > 0) {
        (void)cfl_error_prefix(reterr, status, "%s broke off after %" PRIu64 " %s (%" PRIu64 " %s)",
                               reader->call->method->name, reader->batch_count,
                               reader->batch_count == 1 ? "batch" : "batches", reader->body_bytes,
                               reader->body_bytes == 1 ? "byte" : "bytes");
    }
    return status;
}

cflight_status cfl_reader_metadata_of(const struct cfl_flight_data *data,
                                      cflight_buffer **ret_metadata, cflight_error **reterr)
{
    return data->has_app_metadata
               ? cflight_buffer_new_copy(data->app_metadata, ret_metadata, reterr)
               : CFLIGHT_OK;
}

cflight_status cfl_reader_note_descriptor(cflight_reader *reader,
                                          const struct cfl_flight_data *data,
                                          cflight_error **reterr)
{
    if (!data->has_descriptor || reader->descriptor != NULL) {
        return CFLIGHT_OK;
    }
    void *descriptor = NULL;
    cflight_status status =
        cfl_value_parse_counted(&cfl_value_descriptor, reader->call->alloc, data->descriptor,
                                reader->call->locked.inbox.budget, &descriptor, reterr);
    reader->descriptor = descriptor;
    return status;
}

static cflight_status over_budget(const cflight_reader *reader, const char *what,
                                  cflight_error **reterr)
{
    CFL_COUNT(reader->call->connection->owner.counts, limits[CFL_LIMIT_UNREAD_BYTES], 1);
    return cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                             "%s does not fit: all calls may hold %" PRIu64
                             " bytes together (unread_bytes_max), which are in use",
                             what, reader->call->locked.inbox.budget->max_bytes);
}

/* The schema's message may be wanted as it is, though the decoder has taken it in. It counts until
 * then: its sender may send the next. */
static cflight_status keep_schema_message(cflight_reader *reader, struct cfl_flight_data *data,
                                          cflight_error **reterr)
{
    struct cfl_budget *budget = reader->call->locked.inbox.budget;
    if (!cfl_budget_take(budget, data->head.len_bytes)) {
        return over_budget(reader, "the schema", reterr);
    }
    reader->schema_message = *data;
    reader->has_schema_message = true;
    memset(data, 0, sizeof *data);
    return CFLIGHT_OK;
}

void cfl_reader_drop_schema_message(cflight_reader *reader)
{
    if (reader->has_schema_message) {
        cfl_budget_give_back(reader->call->locked.inbox.budget,
                             reader->schema_message.head.len_bytes);
        cfl_flight_data_done(&reader->schema_message);
        reader->has_schema_message = false;
    }
}

void cfl_reader_count_batch(cflight_reader *reader, int64_t row_count, const cflight_buffer *body)
{
    reader->batch_count++;
    CFL_COUNT(reader->call->counts, batches_received, 1);
    CFL_COUNT(reader->call->counts, rows_received, row_count);
    reader->body_bytes += body == NULL ? 0 : cfl_body_len(body);
}

/* Turns one message into a chunk; `*ret_has_chunk` false for one that only the decoder needed. */
static cflight_status digest(cflight_reader *reader, struct cfl_message *message,
                             bool *ret_has_chunk, struct cflight_chunk *chunk,
                             cflight_error **reterr)
{
    cflight_error *error = NULL;
    enum cfl_message_kind kind = CFL_MESSAGE_SCHEMA;
    *ret_has_chunk = false;
    memset(chunk, 0, sizeof *chunk);

    cflight_status status = cfl_reader_note_descriptor(reader, &message->data, &error);
    if (status == CFLIGHT_OK && message->data.has_data_header) {
        status = cfl_decoder_feed(reader->decoder, message->data.data_header, message->data.body,
                                  &kind, &chunk->batch, &error);
        chunk->has_batch = status == CFLIGHT_OK && kind == CFL_MESSAGE_BATCH;
    }
    bool is_chunk =
        chunk->has_batch || (!message->data.has_data_header && message->data.has_app_metadata);
    if (status == CFLIGHT_OK && is_chunk) {
        status = cfl_reader_metadata_of(&message->data, &chunk->app_metadata, &error);
    } else if (status == CFLIGHT_OK && message->data.has_data_header &&
               kind == CFL_MESSAGE_SCHEMA) {
        status = keep_schema_message(reader, &message->data, &error);
    }
    if (status != CFLIGHT_OK) {
        cflight_chunk_release(chunk);
        return cfl_reader_fail(reader, error, reterr);
    }
    if (chunk->has_batch) {
        cfl_reader_count_batch(reader, chunk->batch.length, message->data.body);
    }
    *ret_has_chunk = is_chunk;
    return CFLIGHT_OK;
}

cflight_status cfl_reader_receive(cflight_reader *reader, int64_t timeout_ns, bool *ret_is_ready,
                                  bool *ret_has_message, struct cfl_message *ret_message,
                                  cflight_error **reterr)
{
    *ret_is_ready = true;
    *ret_has_message = false;
    if (reader->failure != NULL) {
        if (reterr != NULL) {
            *reterr = cfl_error_copy(reader->failure);
        }
        return cflight_error_status(reader->failure);
    }
    if (reader->has_ended) {
        return CFLIGHT_OK;
    }
    cflight_status status = cfl_call_receive(reader->call, timeout_ns, ret_is_ready,
                                             ret_has_message, ret_message, reterr);
    if (status != CFLIGHT_OK) {
        return tell_progress(reader, status, reterr);
    }
    reader->has_ended = *ret_is_ready && !*ret_has_message;
    return CFLIGHT_OK;
}

/* Takes messages until one is a chunk, the stream ends, or the time is up. `until_schema` stops at
 * the schema too. */
static cflight_status advance(cflight_reader *reader, bool until_schema, int64_t timeout_ns,
                              bool *ret_is_ready, struct cflight_chunk *ret_chunk,
                              bool *ret_has_chunk, cflight_error **reterr)
{
    *ret_is_ready = true;
    *ret_has_chunk = false;
    while (!(until_schema && cfl_decoder_schema(reader->decoder) != NULL)) {
        struct cfl_message message = {0};
        bool has_message = false;
        cflight_status status =
            cfl_reader_receive(reader, timeout_ns, ret_is_ready, &has_message, &message, reterr);
        if (status != CFLIGHT_OK || !has_message) {
            return status;
        }
        status = digest(reader, &message, ret_has_chunk, ret_chunk, reterr);
        cfl_message_done(&message);
        if (status != CFLIGHT_OK || *ret_has_chunk) {
            return status;
        }
    }
    return CFLIGHT_OK;
}

cflight_status cflight_reader_try_next(cflight_reader *reader, int64_t timeout_ms,
                                       bool *ret_is_ready, struct cflight_chunk *ret_chunk,
                                       cflight_error **reterr)
{
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(reader), CFL_ARG(ret_chunk), CFL_ARG(ret_is_ready));
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cflight_chunk chunk = {0};
    bool has_chunk = false;
    bool is_ready = true;
    cfl_reader_drop_schema_message(reader);
    if (!cfl_reader_take_early(reader, &chunk.app_metadata)) {
        int64_t timeout_ns = cfl_duration_from_ms(timeout_ms);
        status = advance(reader, false, timeout_ns, &is_ready, &chunk, &has_chunk, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        chunk.is_end = is_ready && !has_chunk;
    }
    *ret_is_ready = is_ready;
    *ret_chunk = chunk;
    return CFLIGHT_OK;
}

cflight_status cflight_reader_next(cflight_reader *reader, struct cflight_chunk *ret_chunk,
                                   cflight_error **reterr)
{
    bool is_ready = false;
    return cflight_reader_try_next(reader, -1, &is_ready, ret_chunk, reterr);
}

static cflight_status count_early(cflight_reader *reader, uint64_t len_bytes,
                                  cflight_error **reterr)
{
    uint64_t limit_bytes = reader->call->connection->limits.early_metadata_bytes_max;
    if (len_bytes > limit_bytes - reader->early_bytes) {
        return cfl_error_set_size_limit(reterr, "metadata that came before the schema",
                                        reader->early_bytes + len_bytes, limit_bytes);
    }
    struct cfl_budget *budget = reader->call->locked.inbox.budget;
    if (!cfl_budget_take(budget, len_bytes)) {
        return over_budget(reader, "metadata that came before the schema", reterr);
    }
    reader->early_bytes += len_bytes;
    return CFLIGHT_OK;
}

/* Keeps a metadata-only chunk that came while the schema was waited for. It counts until it is
 * handed out: its sender has been told that it was taken, and may send the next. */
static cflight_status keep_early(cflight_reader *reader, struct cflight_chunk *chunk,
                                 cflight_error **reterr)
{
    cflight_error *error = NULL;
    uint64_t len_bytes = cfl_body_len(chunk->app_metadata) + EARLY_CHUNK_BYTES;
    cflight_status status = count_early(reader, len_bytes, &error);
    if (status != CFLIGHT_OK) {
        cflight_chunk_release(chunk);
        return cfl_reader_fail(reader, error, reterr);
    }
    struct early_chunk *early = cfl_alloc_zeroed(reader->call->alloc, sizeof *early);
    if (early == NULL) {
        reader->early_bytes -= len_bytes;
        cfl_budget_give_back(reader->call->locked.inbox.budget, len_bytes);
        cflight_chunk_release(chunk);
        return cfl_error_no_memory(reterr);
    }
    early->app_metadata = chunk->app_metadata;
    cfl_list_append(&reader->early, &early->node);
    return CFLIGHT_OK;
}

cflight_status cflight_reader_schema(cflight_reader *reader, struct ArrowSchema *ret_schema,
                                     cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(reader), CFL_ARG(ret_schema));
    if (status != CFLIGHT_OK) {
        return status;
    }
    while (cfl_decoder_schema(reader->decoder) == NULL) {
        struct cflight_chunk chunk = {0};
        bool has_chunk = false;
        bool is_ready = false;
        status = advance(reader, true, -1, &is_ready, &chunk, &has_chunk, reterr);
        if (status == CFLIGHT_OK && has_chunk) {
            status = keep_early(reader, &chunk, reterr);
        }
        if (status != CFLIGHT_OK) {
            return status;
        }
        if (reader->has_ended) {
            return cflight_error_set_message(
                reterr, CFLIGHT_FAILED_PRECONDITION,
                "the stream ended without a schema: the peer never sent a data message");
        }
    }
    return cfl_schema_to_arrow(cfl_decoder_schema(reader->decoder), ret_schema, reterr);
}

cflight_status cfl_reader_open(cflight_reader *reader, cflight_error **reterr)
{
    struct cfl_message message = {0};
    struct cflight_chunk chunk = {0};
    bool has_message = false;
    bool has_chunk = false;
    cflight_status status =
        cfl_call_receive(reader->call, -1, NULL, &has_message, &message, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (!has_message) {
        cflight_status end = cflight_error_set_message(reterr, CFLIGHT_UNKNOWN,
                                                       "Stream finished before first message sent");
        if (reterr != NULL) {
            cflight_error_set_arrow_code(*reterr, 5);
        }
        return end;
    }
    if (!message.data.has_descriptor) {
        status = cflight_error_set_message(reterr, CFLIGHT_UNKNOWN,
                                           "Descriptor missing on first message");
        if (reterr != NULL) {
            cflight_error_set_arrow_code(*reterr, 5);
        }
    } else {
        status = digest(reader, &message, &has_chunk, &chunk, reterr);
    }
    cfl_message_done(&message);
    if (status != CFLIGHT_OK || !has_chunk) {
        return status;
    }
    if (chunk.has_batch) {
        cflight_chunk_release(&chunk);
        return cflight_error_set_message(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "the first message holds a record batch; a schema was expected");
    }
    return keep_early(reader, &chunk, reterr);
}

void cflight_reader_cancel(cflight_reader *reader)
{
    if (reader != NULL) {
        cfl_call_cancel(reader->call, CFLIGHT_CANCELLED, "the call was cancelled");
    }
}

struct cflight_ipc_stats cflight_reader_stats(const cflight_reader *reader)
{
    return cfl_decoder_stats(reader->decoder);
}

const struct cflight_descriptor *cflight_reader_descriptor(const cflight_reader *reader)
{
    return reader->descriptor;
}

static size_t give_headers(cflight_reader *reader, bool wants_trailers,
                           const struct cflight_header **ret_headers)
{
    *ret_headers = NULL;
    if (!cfl_call_is_ours(reader->call)) {
        return 0;
    }
    cfl_connection_lock(reader->call->connection);
    bool is_there = wants_trailers ? reader->call->locked.is_over : reader->call->locked.has_answer;
    const struct cfl_metadata *metadata = NULL;
    if (is_there) {
        metadata =
            wants_trailers ? cfl_call_trailers(reader->call) : cfl_call_headers(reader->call);
    }
    cfl_connection_unlock(reader->call->connection);
    *ret_headers = metadata == NULL ? NULL : metadata->fields;
    return metadata == NULL ? 0 : metadata->count;
}

size_t cflight_reader_headers(cflight_reader *reader, const struct cflight_header **ret_headers)
{
    return give_headers(reader, false, ret_headers);
}

size_t cflight_reader_trailers(cflight_reader *reader, const struct cflight_header **ret_trailers)
{
    return give_headers(reader, true, ret_trailers);
}

void cflight_reader_free(cflight_reader *reader)
{
    if (reader == NULL || reader->is_server) {
        return;
    }
    cfl_call_notify(reader->call, false, NULL, NULL);
    cfl_reader_done(reader); /* with the last handle, the call is cancelled */
}
