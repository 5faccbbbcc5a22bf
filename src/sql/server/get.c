/* SPDX-License-Identifier: Apache-2.0 */
/* DoGet: the rows of results, of partitions and of metadata commands.
 *
 * A stream of the application is handed over to the library: without a thread while its client is
 * slow, and with the turn of its session for each pull alone. Thread class: free. */
#include <string.h>

#include "cflight/builder.h"
#include "sql/server/handlers.h"
#include "sql/server/result.h"
#include "sql/server/rows.h"
#include "sql/server/sql_info.h"
#include "sql/server/ticket.h"

/* A stream that was handed over. */
struct reading {
    cflight_sql_call call;
    struct cfl_sql_result *result; /* in use until the end of the rows, then NULL */
    size_t partition;
    struct cfl_sql_cursor *cursor;
    struct ArrowArrayStream kept; /* rows of a result that is kept whole: there is no cursor then */
    struct cfl_sql_result_reader reader;
    bool is_reader;
    bool takes; /* when it ends, its client has the result */
};

/* At the end of the rows or with an error, before the client sees it: what he asks next finds the
 * result unused, and no stream open. The stream goes before the result, whose transaction may be
 * rolled back with it. */
static void end_use(struct reading *reading)
{
    struct cfl_sql_result *result = reading->result;
    if (result == NULL) {
        return;
    }
    if (reading->is_reader) {
        cfl_sql_result_remove_reader(result, &reading->reader);
    }
    cfl_sql_cursor_end(reading->cursor);
    reading->cursor = NULL;
    if (reading->kept.release != NULL) {
        reading->kept.release(&reading->kept);
    }
    if (result->is_of_ticket) {
        (void)cfl_sql_handle_remove(&result->handle);
    } else if (reading->takes) {
        cfl_sql_result_set_taken(result, reading->partition);
    }
    cfl_sql_handle_put(&result->handle);
    reading->result = NULL;
}

static void end_reading(struct reading *reading)
{
    const struct cflight_allocator *alloc = reading->call.server->alloc;
    end_use(reading); /* first: who cancels looks at the call of a reader */
    cfl_sql_call_end(&reading->call);
    cfl_free(alloc, reading, sizeof *reading);
}

/* Begins to read a part of a result, which is put back in any case. */
static struct reading *begin_reading(cflight_sql_server *server, cflight_server_context *context,
                                     struct cfl_sql_result *result, size_t partition)
{
    struct reading *reading = cfl_alloc_zeroed(server->alloc, sizeof *reading);
    if (reading == NULL) {
        cfl_sql_handle_put(&result->handle);
        return NULL;
    }
    cfl_sql_call_begin(&reading->call, server, context);
    reading->result = result;
    reading->partition = partition;
    reading->reader.call = &reading->call;
    return reading;
}

/* The next of the rows that are kept, which fail for want of memory alone. */
static cflight_status next_kept(struct reading *reading, struct ArrowArray *ret_batch,
                                cflight_error **reterr)
{
    return reading->kept.get_next(&reading->kept, ret_batch) == 0 ? CFLIGHT_OK
                                                                  : cfl_error_no_memory(reterr);
}

static cflight_status next_chunk(void *user_data, struct cflight_chunk *ret_chunk,
                                 cflight_error **reterr)
{
    struct reading *reading = user_data;
    cflight_status status = CFLIGHT_CANCELLED;
    if (atomic_load(&reading->call.is_cancelled)) {
        status = cfl_sql_failure(status, &reading->call, "get_next", reterr);
    } else if (reading->cursor != NULL) {
        status = cfl_sql_cursor_next(reading->cursor, &reading->call, &ret_chunk->batch, reterr);
    } else {
        status = next_kept(reading, &ret_chunk->batch, reterr);
    }
    ret_chunk->has_batch = status == CFLIGHT_OK && ret_chunk->batch.release != NULL;
    ret_chunk->is_end = status == CFLIGHT_OK && !ret_chunk->has_batch;
    reading->takes |= ret_chunk->is_end;
    if (!ret_chunk->has_batch) {
        end_use(reading);
    }
    return cfl_sql_answered(status, reterr);
}

static void release_reading(void *user_data)
{
    end_reading(user_data);
}

/* Hands the reading of these columns over; it is taken in any case. */
static cflight_status hand_over(struct reading *reading, const struct ArrowSchema *schema,
                                cflight_writer *writer, cflight_error **reterr)
{
    struct cflight_source source = CFLIGHT_SOURCE_INIT;
    source.user_data = reading;
    source.next = next_chunk;
    source.release = release_reading;
    cfl_sql_call_pause(&reading->call);
    cflight_status status = cflight_writer_begin(writer, schema, NULL, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_hand_over(writer, &source, reterr);
    }
    if (status != CFLIGHT_OK) {
        end_reading(reading);
    }
    return status;
}

/* The same for an open cursor: who cancels the result finds the reading from now on. */
static cflight_status hand_over_cursor(struct reading *reading, cflight_writer *writer,
                                       cflight_error **reterr)
{
    cflight_status status = cfl_sql_result_add_reader(reading->result, &reading->reader, reterr);
    if (status != CFLIGHT_OK) {
        end_reading(reading);
        return status;
    }
    reading->is_reader = true;
    cfl_sql_cursor_open_to(reading->cursor, &reading->call);
    reading->takes = true; /* however it ends: the stream is gone */
    return hand_over(reading, &reading->cursor->schema, writer, reterr);
}

/* Where a statement runs again. */
static struct cfl_sql_session *session_of(const struct cfl_sql_result *result)
{
    if (result->statement != NULL) {
        return result->statement->session;
    }
    return result->transaction != NULL ? result->transaction->session : NULL;
}

static cflight_status run_again(struct reading *reading, cflight_error **reterr)
{
    struct cfl_sql_result *result = reading->result;
    if (!result->may_run_again) {
        return cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND,
                                         "The rows of this result are gone: they were fetched, or "
                                         "not fetched in time");
    }
    cflight_status status = cfl_sql_call_enter(&reading->call, session_of(result), reterr);
    if (status == CFLIGHT_OK && result->transaction != NULL && result->transaction->is_over) {
        status = cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND,
                                           "The transaction of this result has ended");
    }
    return status == CFLIGHT_OK
               ? cfl_sql_result_run_again(result, &reading->call, &reading->cursor, reterr)
               : status;
}

/* The open stream, or that of another run. `result` is put back in any case. */
static cflight_status get_stream(cflight_sql_server *server, cflight_server_context *context,
                                 struct cfl_sql_result *result, cflight_writer *writer,
                                 cflight_error **reterr)
{
    struct reading *reading = begin_reading(server, context, result, 0);
    if (reading == NULL) {
        return cfl_error_no_memory(reterr);
    }
    reading->call.is_in_transaction =
        result->transaction != NULL ||
        (result->statement != NULL && result->statement->transaction != NULL);
    reading->cursor = cfl_sql_result_take_cursor(result);
    cflight_status status =
        reading->cursor != NULL
            ? cfl_sql_call_attach(&reading->call, reading->cursor->session, reterr)
            : run_again(reading, reterr);
    if (status != CFLIGHT_OK) {
        end_reading(reading);
        return status;
    }
    return hand_over_cursor(reading, writer, reterr);
}

/* All rows; who does not read them to their end may come again. `result` is put back in any case.
 */
static cflight_status get_kept(cflight_sql_server *server, cflight_server_context *context,
                               struct cfl_sql_result *result, cflight_writer *writer,
                               cflight_error **reterr)
{
    struct ArrowSchema schema;
    struct reading *reading = begin_reading(server, context, result, 0);
    if (reading == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cflight_status status = cfl_sql_kept_rows_stream(result->rows, &reading->kept, reterr);
    if (status == CFLIGHT_OK && reading->kept.get_schema(&reading->kept, &schema) != 0) {
        status = cfl_error_no_memory(reterr);
    }
    if (status != CFLIGHT_OK) {
        end_reading(reading);
        return status;
    }
    status = hand_over(reading, &schema, writer, reterr);
    schema.release(&schema);
    return status;
}

/* A cursor over what the application opens, with the turn. */
static cflight_status open_partition(cflight_sql_call *call, struct cflight_bytes name,
                                     struct cfl_sql_cursor **ret_cursor, cflight_error **reterr)
{
    const struct cflight_sql_handlers *handlers = &call->server->handlers;
    struct cfl_sql_cursor *cursor = cfl_alloc_zeroed(call->server->alloc, sizeof *cursor);
    if (cursor == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cflight_status status =
        handlers->read_partition(handlers->user_data, call, name, &cursor->stream, reterr);
    status = cfl_sql_failure(status, call, "read_partition", reterr);
    if (status != CFLIGHT_OK) {
        cfl_free(call->server->alloc, cursor, sizeof *cursor);
        return status;
    }
    cursor->session = cfl_sql_session_ref(call->session);
    if (cursor->stream.get_schema(&cursor->stream, &cursor->schema) != 0) {
        cursor->schema.release = NULL;
        cfl_sql_cursor_end(cursor);
        return cflight_error_set_message(reterr, CFLIGHT_INTERNAL, "The partition has no schema");
    }
    *ret_cursor = cursor;
    return CFLIGHT_OK;
}

static cflight_status get_partition(cflight_sql_server *server, cflight_server_context *context,
                                    struct cfl_sql_result *result, size_t index,
                                    cflight_writer *writer, cflight_error **reterr)
{
    struct reading *reading = begin_reading(server, context, result, index);
    if (reading == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cflight_status status = cfl_sql_call_enter(&reading->call, result->session, reterr);
    if (status == CFLIGHT_OK) {
        status =
            open_partition(&reading->call, cflight_buffer_bytes(result->partitions[index].name),
                           &reading->cursor, reterr);
    }
    if (status != CFLIGHT_OK) {
        end_reading(reading);
        return status;
    }
    return hand_over_cursor(reading, writer, reterr);
}

/* What an update has given: no columns, and no rows. */
static cflight_status get_nothing(cflight_writer *writer, cflight_error **reterr)
{
    struct ArrowSchema schema;
    cflight_status status = cflight_schema_new(NULL, 0, &schema, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_begin(writer, &schema, NULL, reterr);
        schema.release(&schema);
    }
    return status;
}

/* A ticket that carries its statement. */
static cflight_status get_sealed(cflight_sql_call *call, struct cflight_bytes handle,
                                 cflight_writer *writer, cflight_error **reterr)
{
    struct cfl_sql_source *source = NULL;
    struct cfl_sql_result *result = NULL;
    cflight_buffer *bound = NULL;
    uint8_t id[CFL_SQL_ID_BYTES];
    cflight_status status = cfl_sql_ticket_open(call, handle, &source, &bound, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (source == NULL) {
        cflight_buffer_unref(bound);
        return get_nothing(writer, reterr);
    }
    cfl_sql_ticket_id(handle, id);
    status = cfl_sql_result_of_ticket(call, id, source, bound, &result, reterr);
    cfl_sql_source_unref(source);
    return status == CFLIGHT_OK ? get_stream(call->server, call->context, result, writer, reterr)
                                : status;
}

static cflight_status get_result(cflight_sql_server *server, cflight_server_context *context,
                                 struct cflight_bytes id, cflight_writer *writer,
                                 cflight_error **reterr)
{
    cflight_sql_call call;
    struct cfl_sql_result *result = NULL;
    size_t partition = 0;
    cfl_sql_call_begin(&call, server, context);
    if (cfl_sql_is_sealed(id)) {
        return get_sealed(&call, id, writer, reterr);
    }
    cflight_status status = cfl_sql_result_find(&call, id, &result, &partition, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_sql_result_check_ready(result, reterr);
    if (status != CFLIGHT_OK) {
        cfl_sql_handle_put(&result->handle);
        return status;
    }
    if (result->partition_count > 0) {
        return get_partition(server, context, result, partition, writer, reterr);
    }
    return result->rows == NULL ? get_stream(server, context, result, writer, reterr)
                                : get_kept(server, context, result, writer, reterr);
}

static cflight_status get_listing(cflight_sql_server *server, cflight_server_context *context,
                                  const struct cflight_sql_message *command, cflight_writer *writer,
                                  cflight_error **reterr)
{
    struct ArrowArrayStream rows;
    cflight_status status = cfl_sql_listing_check(server, command, reterr);
    if (status == CFLIGHT_OK && command->type == CFLIGHT_SQL_GET_SQL_INFO) {
        status = cfl_sql_info_stream(server, command, &rows, reterr);
    } else if (status == CFLIGHT_OK) {
        cflight_sql_call call;
        cfl_sql_call_begin(&call, server, context);
        status = cfl_sql_call_enter(&call, NULL, reterr);
        if (status == CFLIGHT_OK) {
            status = cfl_sql_listing_stream(&call, command, &rows, reterr);
        }
        cfl_sql_call_end(&call);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_hand_over_stream(writer, &rows, reterr);
        if (status != CFLIGHT_OK) {
            rows.release(&rows);
        }
    }
    return status;
}

cflight_status cfl_sql_do_get(void *user_data, cflight_server_context *context,
                              struct cflight_bytes ticket, cflight_writer *writer,
                              cflight_error **reterr)
{
    cflight_sql_server *server = user_data;
    struct cflight_sql_message *message = NULL;
    if (cflight_sql_type_of(ticket) == CFLIGHT_SQL_NONE) {
        return server->flight.do_get == NULL
                   ? cfl_sql_not_known(reterr)
                   : server->flight.do_get(server->flight.user_data, context, ticket, writer,
                                           reterr);
    }
    cflight_status status = cflight_sql_message_unpack(ticket, &message, reterr);
    if (status != CFLIGHT_OK) {
        return cfl_sql_answered(status, reterr);
    }
    if (message->type == CFLIGHT_SQL_TICKET_STATEMENT_QUERY) {
        status = get_result(server, context, message->handle, writer, reterr);
    } else if (cfl_sql_is_listing(message->type)) {
        status = get_listing(server, context, message, writer, reterr);
    } else {
        status = cfl_sql_not_here(message, "a ticket", reterr);
    }
    cflight_sql_message_free(message);
    return cfl_sql_answered(status, reterr);
}
