/* SPDX-License-Identifier: Apache-2.0 */
/* Results that wait for their client: run once by GetFlightInfo, fetched by a ticket.
 *
 * What is small is read to its end at once and kept whole: it can be fetched any number of times,
 * and holds no session. Of what is larger the application's stream stays open for a while; later,
 * or for a second client, a statement that is known to change nothing is run again. Nothing else
 * ever runs twice. What its client has stays for a second one until there are too many results, or
 * too many bytes of them. Owner: the table of handles, and who reads. Thread class: free. */
#include "sql/server/result.h"

#include <string.h>

#include "cflight/builder.h"
#include "cflight/ipc.h"

/* What it needs to run again: nothing, once all rows are kept. A statement that its client has
 * closed ends with this, and its session is free. */
static void forget_statement(struct cfl_sql_result *result)
{
    cfl_sql_bound_unref(result->bound);
    cfl_sql_source_unref(result->source);
    cfl_sql_handle_unref(result->statement == NULL ? NULL : &result->statement->handle);
    cfl_sql_handle_unref(cfl_sql_transaction_handle(result->transaction));
    result->bound = NULL;
    result->source = NULL;
    result->statement = NULL;
    result->transaction = NULL;
}

static void release(struct cfl_sql_handle *handle)
{
    struct cfl_sql_result *result = CFL_LIST_ENTRY(handle, struct cfl_sql_result, handle);
    cflight_sql_server *server = handle->server;
    cfl_sql_cursor_end(cfl_sql_result_take_cursor(result));
    if (result->rows != NULL) {
        atomic_fetch_sub(&server->result_bytes, cflight_buffer_bytes(result->rows).len_bytes);
    }
    cflight_buffer_unref(result->rows);
    cflight_buffer_unref(result->schema);
    cflight_error_free(result->locked.error);
    forget_statement(result);
    cfl_sql_partitions_free(server->alloc, result->partitions, result->partition_count,
                            result->partition_capacity);
    cfl_sql_session_unref(result->session);
    cfl_free(server->alloc, result, sizeof *result);
}

/* ---- running ---- */

static cflight_status run_with(cflight_sql_call *call, const struct cfl_sql_plan *plan,
                               const struct cfl_sql_bound *bound, enum cfl_sql_wanted wanted,
                               struct cflight_sql_execution *execution, cflight_error **reterr)
{
    struct cflight_sql_parameters parameters;
    struct ArrowArrayStream rows;
    if (bound == NULL) {
        cflight_status status = cfl_sql_plan_check_unbound(plan, reterr);
        return status != CFLIGHT_OK
                   ? status
                   : cfl_sql_execution_run(execution, call, plan, NULL, wanted, reterr);
    }
    cflight_status status = cfl_sql_kept_rows_stream(bound->rows, &rows, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_sql_parameters_begin(&parameters, call->server->alloc, &rows, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_sql_execution_run(execution, call, plan, &parameters, wanted, reterr);
    }
    cfl_sql_parameters_done(&parameters);
    return status;
}

/* Makes a cursor of the execution's stream; plan and stream are taken on success. */
static cflight_status new_cursor(cflight_sql_call *call, struct cflight_sql_execution *execution,
                                 struct cfl_sql_statement *statement, struct cfl_sql_plan *plan,
                                 struct cfl_sql_cursor **ret_cursor, cflight_error **reterr)
{
    struct ArrowSchema schema;
    memset(&schema, 0, sizeof schema);
    if (execution->stream.get_schema(&execution->stream, &schema) != 0) {
        const char *text = execution->stream.get_last_error(&execution->stream);
        return cflight_error_set(reterr, CFLIGHT_INTERNAL, "The result has no schema: %s",
                                 text == NULL ? "" : text);
    }
    struct cfl_sql_cursor *cursor = cfl_alloc_zeroed(call->server->alloc, sizeof *cursor);
    if (cursor == NULL) {
        schema.release(&schema);
        return cfl_error_no_memory(reterr);
    }
    cursor->session = cfl_sql_session_ref(call->session);
    cursor->schema = schema;
    cursor->stream = execution->stream;
    execution->stream.release = NULL;
    cursor->plan = plan;
    cursor->statement = statement;
    if (statement != NULL) {
        cfl_refcount_up(&statement->handle.refs);
    }
    *ret_cursor = cursor;
    return CFLIGHT_OK;
}

static cflight_status make_plan(cflight_sql_call *call, const struct cfl_sql_result *result,
                                struct cfl_sql_plan **ret_plan, cflight_error **reterr)
{
    return result->statement != NULL
               ? cfl_sql_statement_borrow(call, result->statement, ret_plan, reterr)
               : cfl_sql_plan_new(call, result->source, ret_plan, reterr);
}

/* Runs a plan, which is taken; what has rows gives a cursor, which then owns it. */
static cflight_status run(cflight_sql_call *call, const struct cfl_sql_result *result,
                          struct cfl_sql_plan *plan, enum cfl_sql_wanted wanted,
                          struct cflight_sql_execution *execution,
                          struct cfl_sql_cursor **ret_cursor, cflight_error **reterr)
{
    struct cfl_sql_statement *statement = result->statement;
    *ret_cursor = NULL;
    cflight_status status = run_with(call, plan, result->bound, wanted, execution, reterr);
    if (status == CFLIGHT_OK && execution->stream.release != NULL) {
        status = new_cursor(call, execution, statement, plan, ret_cursor, reterr);
    }
    if (*ret_cursor == NULL) {
        cfl_sql_statement_return(statement, plan);
    }
    return status;
}

/* ---- what is kept ---- */

static cflight_status read_ahead(struct cfl_sql_cursor *cursor, cflight_sql_call *call,
                                 struct cfl_sql_kept_rows *kept, cflight_error **reterr)
{
    while (!cursor->is_over && !kept->is_full) {
        if (!cfl_grow_array(call->server->alloc, (void **)&cursor->ahead, &cursor->ahead_capacity,
                            cursor->ahead_count + 1, sizeof *cursor->ahead)) {
            return cfl_error_no_memory(reterr);
        }
        struct ArrowArray batch;
        cflight_status status = cfl_sql_pull(&cursor->stream, call, &batch, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        cursor->is_over = batch.release == NULL;
        if (!cursor->is_over) {
            cursor->ahead[cursor->ahead_count++] = batch;
            status = cfl_sql_kept_rows_add(kept, &batch, reterr);
        }
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    return CFLIGHT_OK;
}

/* Room for rows: what clients have makes it. */
static bool reserve(cflight_sql_server *server, uint64_t bytes)
{
    uint64_t bytes_max = server->options.results_bytes_max;
    bool is_there = cfl_sql_bytes_reserve(&server->result_bytes, bytes, bytes_max);
    while (!is_there && bytes <= bytes_max && cfl_sql_handles_make_room(server)) {
        is_there = cfl_sql_bytes_reserve(&server->result_bytes, bytes, bytes_max);
    }
    return is_there;
}

/* Moves complete rows to the result. */
static cflight_status keep(struct cfl_sql_result *result, struct cfl_sql_kept_rows *kept,
                           cflight_error **reterr)
{
    cflight_sql_server *server = result->handle.server;
    cflight_buffer *rows = NULL;
    uint64_t bytes_max = server->options.results_bytes_max;
    cflight_status status = cfl_sql_kept_rows_end(kept, &rows, reterr);
    if (status != CFLIGHT_OK || rows == NULL) {
        return status;
    }
    if (!reserve(server, cflight_buffer_bytes(rows).len_bytes)) {
        cflight_buffer_unref(rows);
        return cfl_sql_limit(reterr, "results_bytes_max", bytes_max,
                             "Too many results wait to be fetched");
    }
    result->rows = rows;
    result->total_rows = kept->row_count;
    return CFLIGHT_OK;
}

/* Rows as far as they are kept with the answer; the cursor ends if that is all of them. */
static cflight_status fill_from_cursor(struct cfl_sql_result *result, cflight_sql_call *call,
                                       struct cfl_sql_cursor *cursor, cflight_error **reterr)
{
    cflight_sql_server *server = call->server;
    struct cfl_sql_kept_rows kept;
    cflight_status status = cflight_ipc_schema_serialize(&cursor->schema, &result->schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_sql_kept_rows_begin(&kept, server->alloc, server->options.result_inline_bytes,
                                     &cursor->schema, reterr);
    if (status == CFLIGHT_OK) {
        status = read_ahead(cursor, call, &kept, reterr);
    }
    if (status == CFLIGHT_OK && cursor->is_over) {
        status = keep(result, &kept, reterr);
    }
    cfl_sql_kept_rows_done(&kept);
    return status;
}

/* An update, or partitions: no rows of its own. */
static cflight_status fill_without_rows(struct cfl_sql_result *result,
                                        struct cflight_sql_execution *execution,
                                        cflight_error **reterr)
{
    struct cfl_sql_kept_rows kept;
    if (execution->partition_count > 0) {
        result->partitions = execution->partitions;
        result->partition_count = execution->partition_count;
        result->partition_capacity = execution->partition_capacity;
        execution->partitions = NULL;
        execution->partition_count = 0;
        execution->partition_capacity = 0;
        result->session = cfl_sql_session_ref(execution->call->session);
        return cflight_ipc_schema_serialize(&execution->schema, &result->schema, reterr);
    }
    struct ArrowSchema none;
    cflight_status status = cflight_schema_new(NULL, 0, &none, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cflight_ipc_schema_serialize(&none, &result->schema, reterr);
    if (status == CFLIGHT_OK) {
        status =
            cfl_sql_kept_rows_begin(&kept, result->handle.server->alloc, UINT64_MAX, &none, reterr);
        if (status == CFLIGHT_OK) {
            status = keep(result, &kept, reterr);
        }
        cfl_sql_kept_rows_done(&kept);
    }
    none.release(&none);
    result->total_rows = execution->row_count;
    result->has_nothing = true;
    return status;
}

static struct cfl_sql_result *alloc_result(const cflight_sql_call *call,
                                           const struct cfl_sql_origin *origin)
{
    cflight_sql_server *server = call->server;
    struct cfl_sql_result *result = cfl_alloc_zeroed(server->alloc, sizeof *result);
    if (result == NULL) {
        return NULL;
    }
    cfl_refcount_init(&result->handle.refs);
    result->handle.server = server;
    result->handle.kind = CFL_SQL_HANDLE_RESULT;
    result->handle.release = release;
    result->handle.idle_ms = -1;
    result->handle.ends_ns = CFL_TIME_NEVER; /* while its statement runs */
    cfl_list_init(&result->locked.readers);
    result->source = cfl_sql_source_ref(origin->source);
    result->keeps_session = call->keeps_session;
    result->statement = origin->statement;
    result->transaction = origin->transaction;
    if (origin->statement != NULL) {
        cfl_refcount_up(&origin->statement->handle.refs);
        result->bound = cfl_sql_statement_bound(origin->statement);
    }
    if (origin->transaction != NULL) {
        cfl_refcount_up(&origin->transaction->handle.refs);
    }
    return result;
}

/* Leaves a stream that has not ended open for its client. */
static void wait_for_client(struct cfl_sql_result *result, struct cfl_sql_cursor *cursor)
{
    cflight_sql_server *server = result->handle.server;
    (void)pthread_mutex_lock(&server->mutex);
    cursor->result = result;
    cursor->open_until_ns =
        cfl_deadline_after_ms(cfl_clock_now_ns(NULL), server->options.result_open_ms);
    result->locked.cursor = cursor;
    cfl_list_append(&server->locked.open_cursors, &cursor->node);
    cfl_sql_handles_wake_locked(server, cursor->open_until_ns);
    (void)pthread_mutex_unlock(&server->mutex);
}

static cflight_status fill(struct cfl_sql_result *result, cflight_sql_call *call,
                           struct cfl_sql_plan *plan, cflight_error **reterr)
{
    struct cflight_sql_execution execution = {.call = NULL};
    struct cfl_sql_cursor *cursor = NULL;
    result->may_run_again = plan->plan.is_update == CFLIGHT_SQL_UPDATE_NO;
    cflight_status status =
        run(call, result, plan, CFL_SQL_WANTS_ROWS, &execution, &cursor, reterr);
    if (status == CFLIGHT_OK) {
        result->total_rows = execution.total_rows;
        result->total_bytes = execution.total_bytes;
        status = cursor != NULL ? fill_from_cursor(result, call, cursor, reterr)
                                : fill_without_rows(result, &execution, reterr);
    }
    if (status == CFLIGHT_OK && cursor != NULL && result->rows == NULL) {
        wait_for_client(result, cursor);
        cursor = NULL;
    }
    cfl_sql_cursor_end(cursor);
    cfl_sql_execution_done(&execution);
    return status;
}

cflight_status cfl_sql_result_run(struct cfl_sql_result *result, cflight_sql_call *call,
                                  struct cfl_sql_plan *plan, cflight_error **reterr)
{
    cflight_status status = plan == NULL ? make_plan(call, result, &plan, reterr) : CFLIGHT_OK;
    if (status == CFLIGHT_OK) {
        status = fill(result, call, plan, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_sql_handle_extend(&result->handle, call->server->options.result_ms);
    if (result->rows != NULL) {
        forget_statement(result);
    }
    return CFLIGHT_OK;
}

cflight_status cfl_sql_result_new(cflight_sql_call *call, const struct cfl_sql_origin *origin,
                                  struct cfl_sql_result **ret_result, cflight_error **reterr)
{
    struct cfl_sql_result *result = alloc_result(call, origin);
    if (result == NULL) {
        cfl_sql_plan_end(origin->plan);
        return cfl_error_no_memory(reterr);
    }
    cflight_status status = cfl_sql_handle_add(&result->handle, call, NULL, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_sql_result_run(result, call, origin->plan, reterr);
    } else {
        cfl_sql_plan_end(origin->plan);
    }
    if (status != CFLIGHT_OK) {
        (void)cfl_sql_handle_remove(&result->handle);
        cfl_sql_handle_unref(&result->handle);
        return status;
    }
    *ret_result = result;
    return CFLIGHT_OK;
}

/* Whoever runs or reads it is cancelled. */
static void cancel_readers(struct cfl_sql_result *result);

/* Nobody has polled for too long. */
static void end_polled(struct cfl_sql_handle *handle)
{
    struct cfl_sql_result *result = CFL_LIST_ENTRY(handle, struct cfl_sql_result, handle);
    if (cfl_sql_result_check_ready(result, NULL) != CFLIGHT_OK) {
        cancel_readers(result);
    }
}

cflight_status cfl_sql_result_polled(cflight_sql_call *call, const struct cfl_sql_origin *origin,
                                     struct cfl_sql_result **ret_result, cflight_error **reterr)
{
    struct cfl_sql_result *result = alloc_result(call, origin);
    if (result == NULL) {
        return cfl_error_no_memory(reterr);
    }
    result->handle.idle_ms = call->server->options.poll_idle_ms;
    result->handle.end = end_polled;
    result->handle.user_count = 1;
    result->locked.is_running = true;
    result->locked.progress = -1;
    cflight_status status = cfl_sql_handle_add(&result->handle, call, NULL, reterr);
    if (status != CFLIGHT_OK) {
        cfl_sql_handle_unref(&result->handle);
        return status;
    }
    *ret_result = result;
    return CFLIGHT_OK;
}

cflight_status cfl_sql_result_check_ready(struct cfl_sql_result *result, cflight_error **reterr)
{
    (void)pthread_mutex_lock(&result->handle.server->mutex);
    bool is_running = result->locked.is_running;
    (void)pthread_mutex_unlock(&result->handle.server->mutex);
    return is_running ? cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                                  "The statement still runs: poll until it has "
                                                  "ended")
                      : CFLIGHT_OK;
}

cflight_status cfl_sql_result_of_ticket(cflight_sql_call *call, const uint8_t *id,
                                        struct cfl_sql_source *source, cflight_buffer *bound,
                                        struct cfl_sql_result **ret_result, cflight_error **reterr)
{
    const struct cfl_sql_origin origin = {.source = source};
    struct cfl_sql_result *result = alloc_result(call, &origin);
    if (result == NULL) {
        cflight_buffer_unref(bound);
        return cfl_error_no_memory(reterr);
    }
    cflight_status status =
        bound == NULL ? CFLIGHT_OK : cfl_sql_bound_new(call->server, bound, &result->bound, reterr);
    if (status != CFLIGHT_OK) {
        cfl_sql_handle_unref(&result->handle);
        return status;
    }
    result->may_run_again = true;
    result->is_of_ticket = true;
    result->handle.user_count = 1;
    status = cfl_sql_handle_add(&result->handle, call, id, reterr);
    if (status != CFLIGHT_OK) {
        cfl_sql_handle_unref(&result->handle);
        return status;
    }
    *ret_result = result;
    return CFLIGHT_OK;
}

cflight_status cfl_sql_result_run_again(struct cfl_sql_result *result, cflight_sql_call *call,
                                        struct cfl_sql_cursor **ret_cursor, cflight_error **reterr)
{
    struct cflight_sql_execution execution = {.call = NULL};
    struct cfl_sql_cursor *cursor = NULL;
    struct cfl_sql_plan *plan = NULL;
    cflight_status status = make_plan(call, result, &plan, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (plan->plan.is_update != CFLIGHT_SQL_UPDATE_NO) {
        cfl_sql_statement_return(result->statement, plan);
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "The statement is no query any more: it is not run again");
    }
    status = run(call, result, plan, CFL_SQL_WANTS_STREAM, &execution, &cursor, reterr);
    cfl_sql_execution_done(&execution);
    if (status == CFLIGHT_OK && cursor == NULL) {
        status = cflight_error_set_message(
            reterr, CFLIGHT_INTERNAL,
            "The statement has given no stream of rows, though it is a query");
    }
    if (status == CFLIGHT_OK) {
        *ret_cursor = cursor;
    }
    return status;
}

/* ---- tickets ---- */

cflight_status cfl_sql_result_find(const cflight_sql_call *call, struct cflight_bytes id,
                                   struct cfl_sql_result **ret_result, size_t *ret_partition,
                                   cflight_error **reterr)
{
    struct cfl_sql_handle *handle = NULL;
    uint32_t partition = 0;
    bool has_partition = id.len_bytes == CFL_SQL_ID_BYTES + sizeof partition;
    if (has_partition) {
        memcpy(&partition, id.data + CFL_SQL_ID_BYTES, sizeof partition);
        id.len_bytes = CFL_SQL_ID_BYTES;
    }
    cflight_status status = cfl_sql_handle_find(call, CFL_SQL_HANDLE_RESULT, id, &handle, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cfl_sql_result *result = CFL_LIST_ENTRY(handle, struct cfl_sql_result, handle);
    bool is_ready = cfl_sql_result_check_ready(result, NULL) == CFLIGHT_OK;
    size_t partition_count = is_ready ? result->partition_count : 0;
    if (has_partition != (partition_count > 0) || (has_partition && partition >= partition_count)) {
        cfl_sql_handle_put(handle);
        return cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND, "This result is unknown");
    }
    *ret_result = result;
    *ret_partition = partition;
    return CFLIGHT_OK;
}

void cfl_sql_result_set_taken(struct cfl_sql_result *result, size_t partition)
{
    bool is_whole = true;
    if (result->partition_count > 0) {
        (void)pthread_mutex_lock(&result->handle.server->mutex);
        result->locked.taken_count += result->partitions[partition].is_taken ? 0 : 1;
        result->partitions[partition].is_taken = true;
        is_whole = result->locked.taken_count == result->partition_count;
        (void)pthread_mutex_unlock(&result->handle.server->mutex);
    }
    if (is_whole) {
        cfl_sql_handle_set_taken(&result->handle);
    }
}

static struct cfl_sql_cursor *take_cursor_locked(struct cfl_sql_result *result)
{
    struct cfl_sql_cursor *cursor = result->locked.cursor;
    if (cursor != NULL) {
        result->locked.cursor = NULL;
        cursor->result = NULL;
        cfl_list_remove(&cursor->node);
    }
    return cursor;
}

struct cfl_sql_cursor *cfl_sql_result_take_cursor(struct cfl_sql_result *result)
{
    (void)pthread_mutex_lock(&result->handle.server->mutex);
    struct cfl_sql_cursor *cursor = take_cursor_locked(result);
    (void)pthread_mutex_unlock(&result->handle.server->mutex);
    return cursor;
}

int64_t cfl_sql_results_sweep(cflight_sql_server *server)
{
    int64_t now_ns = cfl_clock_now_ns(NULL);
    int64_t next_ns = CFL_TIME_NEVER;
    struct cfl_sql_cursor *cursor = NULL;
    do {
        cursor = NULL;
        (void)pthread_mutex_lock(&server->mutex);
        if (!cfl_list_is_empty(&server->locked.open_cursors)) {
            cursor = CFL_LIST_ENTRY(server->locked.open_cursors.next, struct cfl_sql_cursor, node);
            next_ns = cursor->open_until_ns;
            cursor = next_ns <= now_ns ? take_cursor_locked(cursor->result) : NULL;
        } else {
            next_ns = CFL_TIME_NEVER;
        }
        (void)pthread_mutex_unlock(&server->mutex);
        cfl_sql_cursor_end(cursor);
    } while (cursor != NULL);
    return next_ns;
}

/* ---- cancelling ---- */

cflight_status cfl_sql_result_add_reader(struct cfl_sql_result *result,
                                         struct cfl_sql_result_reader *reader,
                                         cflight_error **reterr)
{
    (void)pthread_mutex_lock(&result->handle.server->mutex);
    bool is_cancelled = result->locked.is_cancelled;
    if (!is_cancelled) {
        cfl_list_append(&result->locked.readers, &reader->node);
    }
    (void)pthread_mutex_unlock(&result->handle.server->mutex);
    return is_cancelled
               ? cflight_error_set_message(reterr, CFLIGHT_CANCELLED, "The statement was cancelled")
               : CFLIGHT_OK;
}

void cfl_sql_result_remove_reader(struct cfl_sql_result *result,
                                  struct cfl_sql_result_reader *reader)
{
    (void)pthread_mutex_lock(&result->handle.server->mutex);
    cfl_list_remove(&reader->node);
    (void)pthread_mutex_unlock(&result->handle.server->mutex);
}

/* Marks the next reader that is not marked yet; its session, with a reference. */
static struct cfl_sql_session *cancel_next(struct cfl_sql_result *result)
{
    struct cfl_sql_session *session = NULL;
    (void)pthread_mutex_lock(&result->handle.server->mutex);
    result->locked.is_cancelled = true;
    struct cfl_list *head = &result->locked.readers;
    for (struct cfl_list *node = head->next; node != head && session == NULL; node = node->next) {
        struct cfl_sql_result_reader *reader =
            CFL_LIST_ENTRY(node, struct cfl_sql_result_reader, node);
        if (!atomic_exchange(&reader->call->is_cancelled, true)) {
            session = cfl_sql_session_ref(reader->call->session);
        }
    }
    (void)pthread_mutex_unlock(&result->handle.server->mutex);
    return session;
}

static void cancel_readers(struct cfl_sql_result *result)
{
    struct cfl_sql_session *session = NULL;
    while ((session = cancel_next(result)) != NULL) {
        cfl_sql_session_wake(session);
        cfl_sql_session_unref(session);
    }
}

void cfl_sql_result_cancel(struct cfl_sql_result *result)
{
    (void)cfl_sql_handle_remove(&result->handle);
    cancel_readers(result);
    cfl_sql_cursor_end(cfl_sql_result_take_cursor(result));
}
