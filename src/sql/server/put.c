/* SPDX-License-Identifier: Apache-2.0 */
/* DoPut: updates, bound rows, ingests (Flight SQL: DoPut).
 *
 * What an update by text sends after its descriptor does not matter, and some clients never end
 * their side: it is answered, and the call ended, at once. The others end their side first, and are
 * read to the end. Thread class: free. */
#include <string.h>

#include "sql/server/handlers.h"
#include "sql/server/result.h"

static cflight_status answer_count(cflight_metadata_writer *writer, int64_t row_count,
                                   cflight_error **reterr)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_UPDATE_RESULT};
    cflight_buffer *bytes = NULL;
    message.record_count = row_count;
    cflight_status status = cflight_sql_message_serialize(&message, &bytes, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_metadata_writer_write(writer, cflight_buffer_bytes(bytes), reterr);
    }
    cflight_buffer_unref(bytes);
    return status;
}

/* Runs for a count, with the turn. */
static cflight_status run_update(cflight_sql_call *call, const struct cfl_sql_plan *plan,
                                 struct cflight_sql_parameters *parameters, int64_t *ret_row_count,
                                 cflight_error **reterr)
{
    struct cflight_sql_execution execution;
    cflight_status status =
        cfl_sql_execution_run(&execution, call, plan, parameters, CFL_SQL_WANTS_COUNT, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_sql_execution_count(&execution, ret_row_count, reterr);
    }
    cfl_sql_execution_done(&execution);
    return status;
}

/* ---- updates by text ---- */

static cflight_status update_text(cflight_sql_call *call, const struct cflight_sql_message *command,
                                  int64_t *ret_row_count, cflight_error **reterr)
{
    struct cfl_sql_transaction *transaction = NULL;
    struct cfl_sql_source *source = NULL;
    struct cfl_sql_plan *plan = NULL;
    cflight_status status = cfl_sql_query_enter(call, command, &source, &transaction, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_sql_plan_new(call, source, &plan, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_sql_plan_check_unbound(plan, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = run_update(call, plan, NULL, ret_row_count, reterr);
    }
    cfl_sql_plan_end(plan);
    cfl_sql_handle_put(cfl_sql_transaction_handle(transaction));
    cfl_sql_source_unref(source);
    return status;
}

/* ---- prepared updates ---- */

/* Runs with rows of the upload, else with those that are bound. */
static cflight_status run_with_rows(cflight_sql_call *call, struct cfl_sql_statement *statement,
                                    const struct cfl_sql_plan *plan, struct cfl_sql_upload *upload,
                                    int64_t *ret_row_count, cflight_error **reterr)
{
    struct cflight_sql_parameters parameters;
    struct ArrowArrayStream rows;
    struct cfl_sql_bound *bound = upload->has_columns ? NULL : cfl_sql_statement_bound(statement);
    if (!upload->has_columns && bound == NULL) {
        cflight_status status = cfl_sql_plan_check_unbound(plan, reterr);
        return status == CFLIGHT_OK ? run_update(call, plan, NULL, ret_row_count, reterr) : status;
    }
    cflight_status status = CFLIGHT_OK;
    if (bound != NULL) {
        status = cfl_sql_kept_rows_stream(bound->rows, &rows, reterr);
    } else {
        cfl_sql_upload_stream(upload, &rows);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_sql_parameters_begin(&parameters, call->server->alloc, &rows, reterr);
        if (status == CFLIGHT_OK) {
            status = cfl_sql_parameters_check((int64_t)cflight_sql_parameters_count(&parameters),
                                              statement->parameter_count, reterr);
        }
        if (status == CFLIGHT_OK) {
            status = run_update(call, plan, &parameters, ret_row_count, reterr);
        }
        cfl_sql_parameters_done(&parameters);
    }
    cfl_sql_bound_unref(bound);
    return status;
}

/* A count that nobody knows is told as 0: JDBC takes -1 for rows, and asks for them by running the
 * statement once more. */
static cflight_status update_prepared(cflight_sql_call *call, struct cflight_bytes handle,
                                      cflight_reader *reader, int64_t *ret_row_count,
                                      cflight_error **reterr)
{
    struct cfl_sql_statement *statement = NULL;
    struct cfl_sql_plan *plan = NULL;
    struct cfl_sql_upload upload;
    cflight_status status = cfl_sql_upload_begin(&upload, reader, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_sql_statement_enter(call, handle, &statement, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_sql_statement_borrow(call, statement, &plan, reterr);
        if (status == CFLIGHT_OK) {
            status = run_with_rows(call, statement, plan, &upload, ret_row_count, reterr);
            status = cfl_sql_upload_failure(&upload, status, reterr);
        }
        cfl_sql_statement_return(statement, plan);
        cfl_sql_handle_put(&statement->handle);
    }
    cfl_sql_call_pause(call);
    if (status == CFLIGHT_OK) {
        status = cfl_sql_upload_drain(&upload, reterr);
    }
    if (status == CFLIGHT_OK && *ret_row_count < 0) {
        *ret_row_count = 0;
    }
    cfl_sql_upload_done(&upload);
    return status;
}

/* ---- binding ---- */

static cflight_status keep_upload(cflight_sql_server *server, struct cfl_sql_upload *upload,
                                  cflight_buffer **ret_rows, cflight_error **reterr)
{
    struct cfl_sql_kept_rows kept;
    struct ArrowArrayStream rows;
    bool is_over = false;
    cfl_sql_upload_stream(upload, &rows);
    cflight_status status = cfl_sql_kept_rows_begin(
        &kept, server->alloc, server->options.bound_bytes_max, &upload->schema, reterr);
    while (status == CFLIGHT_OK && !is_over && !kept.is_full) {
        struct ArrowArray batch;
        if (rows.get_next(&rows, &batch) != 0) {
            status = cfl_sql_upload_failure(upload, CFLIGHT_INTERNAL, reterr);
            break;
        }
        is_over = batch.release == NULL;
        if (!is_over) {
            status = cfl_sql_kept_rows_add(&kept, &batch, reterr);
            batch.release(&batch);
        }
    }
    if (status == CFLIGHT_OK && kept.is_full) {
        status = cfl_sql_limit(reterr, "bound_bytes_max", server->options.bound_bytes_max,
                               "The bound rows are too large");
    }
    if (status == CFLIGHT_OK) {
        status = cfl_sql_kept_rows_end(&kept, ret_rows, reterr);
    }
    if (status == CFLIGHT_OK && *ret_rows == NULL) {
        status = cfl_sql_limit(reterr, "bound_bytes_max", server->options.bound_bytes_max,
                               "The bound rows are too large");
    }
    cfl_sql_kept_rows_done(&kept);
    return status;
}

static cflight_status answer_bind(cflight_metadata_writer *writer, struct cflight_bytes handle,
                                  cflight_error **reterr)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_PREPARED_PUT_RESULT};
    cflight_buffer *bytes = NULL;
    message.handle = handle;
    cflight_status status = cflight_sql_message_serialize(&message, &bytes, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_metadata_writer_write(writer, cflight_buffer_bytes(bytes), reterr);
    }
    cflight_buffer_unref(bytes);
    return status;
}

static cflight_status bind_to(struct cfl_sql_statement *statement, struct cfl_sql_upload *upload,
                              cflight_error **reterr)
{
    cflight_buffer *rows = NULL;
    if (!upload->has_columns) {
        return cfl_sql_statement_bind(statement, NULL, reterr);
    }
    cflight_status status =
        cfl_sql_parameters_check(upload->schema.n_children, statement->parameter_count, reterr);
    if (status == CFLIGHT_OK) {
        status = keep_upload(statement->handle.server, upload, &rows, reterr);
    }
    return status == CFLIGHT_OK ? cfl_sql_statement_bind(statement, rows, reterr) : status;
}

/* Takes no turn: nothing of the application is called. */
static cflight_status bind(cflight_sql_call *call, struct cflight_bytes id, cflight_reader *reader,
                           cflight_metadata_writer *writer, cflight_error **reterr)
{
    struct cfl_sql_upload upload;
    struct cfl_sql_handle *handle = NULL;
    cflight_status status = cfl_sql_upload_begin(&upload, reader, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_sql_handle_find(call, CFL_SQL_HANDLE_STATEMENT, id, &handle, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = bind_to(CFL_LIST_ENTRY(handle, struct cfl_sql_statement, handle), &upload, reterr);
    }
    cfl_sql_handle_put(handle);
    if (status == CFLIGHT_OK) {
        status = cfl_sql_upload_drain(&upload, reterr);
    }
    cfl_sql_upload_done(&upload);
    return status == CFLIGHT_OK ? answer_bind(writer, id, reterr) : status;
}

/* ---- ingest ---- */

static cflight_status check_target(const cflight_sql_call *call,
                                   const struct cflight_sql_ingest_target *target,
                                   cflight_error **reterr)
{
    if (call->server->handlers.ingest == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_UNIMPLEMENTED,
                                         "This server has no CommandStatementIngest");
    }
    if (target->if_missing == CFLIGHT_SQL_IF_MISSING_UNSPECIFIED ||
        target->if_exists == CFLIGHT_SQL_IF_EXISTS_UNSPECIFIED) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "The ingest does not say what is to happen when the table "
                                         "is missing, and when it exists");
    }
    if (target->if_missing == CFLIGHT_SQL_IF_MISSING_FAIL &&
        target->if_exists == CFLIGHT_SQL_IF_EXISTS_FAIL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "The ingest is to fail whether the table exists or not");
    }
    if (target->name.table.len_bytes == 0) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "The ingest names no table");
    }
    if (target->temporary && !call->keeps_session && target->transaction_id.len_bytes == 0) {
        return cflight_error_set_message(
            reterr, CFLIGHT_FAILED_PRECONDITION,
            "A temporary table needs a session: have the client keep cookies, or use "
            "BeginTransaction");
    }
    return CFLIGHT_OK;
}

static cflight_status ingest_rows(cflight_sql_call *call,
                                  const struct cflight_sql_ingest_target *target,
                                  struct cfl_sql_upload *upload, int64_t *ret_row_count,
                                  cflight_error **reterr)
{
    const struct cflight_sql_handlers *handlers = &call->server->handlers;
    struct cfl_sql_transaction *transaction = NULL;
    struct ArrowArrayStream rows;
    if (upload->schema.release == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "The ingest has no schema");
    }
    cflight_status status =
        cfl_sql_transaction_enter(call, target->transaction_id, &transaction, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_sql_upload_stream(upload, &rows);
    status = handlers->ingest(handlers->user_data, call, target, &rows, ret_row_count, reterr);
    if (rows.release != NULL) {
        rows.release(&rows);
    }
    status = cfl_sql_failure(status, call, "ingest", reterr);
    cfl_sql_handle_put(cfl_sql_transaction_handle(transaction));
    return cfl_sql_upload_failure(upload, status, reterr);
}

static cflight_status ingest(cflight_sql_call *call, const struct cflight_sql_ingest_target *target,
                             cflight_reader *reader, int64_t *ret_row_count, cflight_error **reterr)
{
    struct cfl_sql_upload upload;
    cflight_status status = check_target(call, target, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    *ret_row_count = -1;
    status = cfl_sql_upload_begin(&upload, reader, reterr);
    if (status == CFLIGHT_OK) {
        status = ingest_rows(call, target, &upload, ret_row_count, reterr);
    }
    cfl_sql_call_pause(call);
    if (status == CFLIGHT_OK) {
        status = cfl_sql_upload_drain(&upload, reterr);
    }
    cfl_sql_upload_done(&upload);
    return status;
}

/* ---- which ---- */

static cflight_status put(cflight_sql_call *call, const struct cflight_sql_message *command,
                          cflight_reader *reader, int64_t *ret_row_count, cflight_error **reterr)
{
    switch ((int)command->type) {
    case CFLIGHT_SQL_STATEMENT_UPDATE:
    case CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN:
        return update_text(call, command, ret_row_count, reterr);
    case CFLIGHT_SQL_PREPARED_STATEMENT_UPDATE:
        return update_prepared(call, command->handle, reader, ret_row_count, reterr);
    case CFLIGHT_SQL_STATEMENT_INGEST:
        return ingest(call, &command->ingest, reader, ret_row_count, reterr);
    default:
        return cfl_sql_not_here(command, "DoPut", reterr);
    }
}

cflight_status cfl_sql_do_put(void *user_data, cflight_server_context *context,
                              const struct cflight_descriptor *descriptor, cflight_reader *reader,
                              cflight_metadata_writer *writer, cflight_error **reterr)
{
    cflight_sql_server *server = user_data;
    struct cflight_sql_message *command = NULL;
    cflight_sql_call call;
    int64_t row_count = 0;
    cflight_status status = cfl_sql_command_read(descriptor, &command, reterr);
    if (status == CFLIGHT_OK && command == NULL) {
        return server->flight.do_put == NULL
                   ? cfl_sql_not_known(reterr)
                   : server->flight.do_put(server->flight.user_data, context, descriptor, reader,
                                           writer, reterr);
    }
    if (status != CFLIGHT_OK) {
        return cfl_sql_answered(status, reterr);
    }
    cfl_sql_call_begin(&call, server, context);
    if (command->type == CFLIGHT_SQL_PREPARED_STATEMENT_QUERY) {
        status = bind(&call, command->handle, reader, writer, reterr);
        cfl_sql_call_end(&call);
    } else {
        status = put(&call, command, reader, &row_count, reterr);
        cfl_sql_call_end(&call);
        if (status == CFLIGHT_OK) {
            status = answer_count(writer, row_count, reterr);
        }
    }
    cflight_sql_message_free(command);
    return cfl_sql_answered(status, reterr);
}
