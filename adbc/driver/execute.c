/* SPDX-License-Identifier: Apache-2.0 */
/* Running statements.
 *
 * A query without parameters that the program did not prepare is one call. What is known to be an
 * update, since the program wants no rows or the server says so of what it prepared, goes by DoPut,
 * which has a true count; if rows are asked for all the same, there are none, of no fields. Bound
 * rows travel with an update, and before a query. Thread class: one at a time. */
#include "adbc/driver/execute.h"

#include "adbc/driver/ingest.h"
#include "adbc/driver/result.h"
#include "cflight/builder.h"
#include "cflight/schema.h"

bool adbc_statement_wants_prepared(const struct adbc_statement *statement)
{
    return statement->is_prepared || statement->bound_is_sent ||
           adbc_bound_has_rows(&statement->bound);
}

AdbcStatusCode adbc_statement_send_bound(struct adbc_statement *statement, struct adbc_call *call,
                                         struct AdbcError *error)
{
    struct ArrowArrayStream rows;
    cflight_error *cause = NULL;
    if (statement->bound_is_sent || !adbc_bound_has_rows(&statement->bound)) {
        return ADBC_STATUS_OK;
    }
    adbc_bound_open(&statement->bound, &rows);
    cflight_status status =
        cflight_sql_statement_bind(statement->prepared, &rows, &call->update, &cause);
    rows.release(&rows);
    statement->bound_is_sent = status == CFLIGHT_OK;
    return adbc_fail_by(error, cause);
}

/* ---- updates ---- */

static AdbcStatusCode update_prepared(struct adbc_statement *statement, struct adbc_call *call,
                                      int64_t *ret_row_count, struct AdbcError *error)
{
    struct ArrowArrayStream rows = {.release = NULL};
    cflight_error *cause = NULL;
    if (!statement->bound_is_sent) {
        adbc_bound_open(&statement->bound, &rows);
    }
    cflight_status status =
        cflight_sql_statement_update(statement->prepared, rows.release == NULL ? NULL : &rows,
                                     &call->update, ret_row_count, &cause);
    if (rows.release != NULL) {
        rows.release(&rows);
    }
    return adbc_outcome(status, cause, error);
}

static AdbcStatusCode update_once(struct adbc_statement *statement, struct adbc_call *call,
                                  int64_t *ret_row_count, struct AdbcError *error)
{
    const struct cflight_sql_message command = adbc_statement_command(statement);
    cflight_client *client = statement->connection->link.client;
    cflight_error *cause = NULL;
    cflight_status status = statement->plan != NULL
                                ? cflight_sql_update_by_plan(client, &command.substrait,
                                                             &call->update, ret_row_count, &cause)
                                : cflight_sql_update(client, command.statement.query, &call->update,
                                                     ret_row_count, &cause);
    return adbc_outcome(status, cause, error);
}

/* ---- queries ---- */

static AdbcStatusCode query_prepared(struct adbc_statement *statement, struct adbc_call *call,
                                     struct ArrowArrayStream *ret_stream, int64_t *ret_row_count,
                                     struct AdbcError *error)
{
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_PREPARED_STATEMENT_QUERY};
    AdbcStatusCode code = adbc_statement_send_bound(statement, call, error);
    if (code != ADBC_STATUS_OK) {
        return code;
    }
    command.handle = cflight_sql_statement_handle(statement->prepared);
    return adbc_result_run(call, statement->connection->link.client, &command, ret_stream,
                           ret_row_count, error);
}

static AdbcStatusCode query_once(struct adbc_statement *statement, struct adbc_call *call,
                                 struct ArrowArrayStream *ret_stream, int64_t *ret_row_count,
                                 struct AdbcError *error)
{
    const struct cflight_sql_message command = adbc_statement_command(statement);
    return adbc_result_run(call, statement->connection->link.client, &command, ret_stream,
                           ret_row_count, error);
}

/* ---- both ---- */

/* Runs what has been begun. @param ret_is_taken  Whether a stream has the call now. */
static AdbcStatusCode run(struct adbc_statement *statement, struct adbc_call *call,
                          struct ArrowArrayStream *ret_stream, int64_t *ret_row_count,
                          bool *ret_is_taken, struct AdbcError *error)
{
    bool is_prepared = adbc_statement_wants_prepared(statement);
    bool is_update = ret_stream == NULL;
    AdbcStatusCode code = ADBC_STATUS_OK;
    if (is_prepared) {
        code = adbc_statement_prepare_for(statement, call, error);
        if (code != ADBC_STATUS_OK) {
            return code;
        }
        is_update = is_update ||
                    cflight_sql_statement_is_update(statement->prepared) == CFLIGHT_SQL_UPDATE_YES;
    }
    if (!is_update) {
        code = is_prepared ? query_prepared(statement, call, ret_stream, ret_row_count, error)
                           : query_once(statement, call, ret_stream, ret_row_count, error);
        *ret_is_taken = code == ADBC_STATUS_OK;
        return code;
    }
    code = is_prepared ? update_prepared(statement, call, ret_row_count, error)
                       : update_once(statement, call, ret_row_count, error);
    return code == ADBC_STATUS_OK && ret_stream != NULL
               ? adbc_result_empty(NULL, 0, ret_stream, error)
               : code;
}

AdbcStatusCode adbc_statement_execute(struct AdbcStatement *statement,
                                      struct ArrowArrayStream *ret_stream, int64_t *ret_row_count,
                                      struct AdbcError *error)
{
    struct adbc_call *call = NULL;
    int64_t row_count = -1;
    bool is_taken = false;
    struct adbc_statement *self = adbc_statement_of(statement, error);
    if (self == NULL) {
        return ADBC_STATUS_INVALID_STATE;
    }
    bool is_ingest = self->ingest.table != NULL;
    AdbcStatusCode code =
        is_ingest ? adbc_ingest_check(self, error) : adbc_statement_check_query(self, error);
    if (code == ADBC_STATUS_OK) {
        code = adbc_statement_begin(self, &call, error);
    }
    if (code == ADBC_STATUS_OK) {
        self->bound_is_used = true;
    }
    if (code == ADBC_STATUS_OK && is_ingest) {
        code = adbc_ingest_run(self, call, &row_count, error);
        if (code == ADBC_STATUS_OK && ret_stream != NULL) {
            code = adbc_result_empty(NULL, 0, ret_stream, error);
        }
    } else if (code == ADBC_STATUS_OK) {
        code = run(self, call, ret_stream, &row_count, &is_taken, error);
    }
    if (!is_taken) {
        adbc_call_end(call);
    }
    if (code == ADBC_STATUS_OK && ret_row_count != NULL) {
        *ret_row_count = row_count;
    }
    return code;
}

AdbcStatusCode adbc_statement_prepare(struct AdbcStatement *statement, struct AdbcError *error)
{
    struct adbc_call *call = NULL;
    struct adbc_statement *self = NULL;
    AdbcStatusCode code = adbc_statement_begin_query(statement, &self, &call, error);
    if (code == ADBC_STATUS_OK) {
        code = adbc_statement_prepare_for(self, call, error);
        self->is_prepared = code == ADBC_STATUS_OK;
    }
    adbc_call_end(call);
    return code;
}

/* ---- schemas ---- */

static AdbcStatusCode copy_schema(const struct ArrowSchema *schema, struct ArrowSchema *ret_schema,
                                  struct AdbcError *error)
{
    cflight_error *cause = NULL;
    cflight_status status = cflight_schema_copy(schema, ret_schema, &cause);
    return adbc_outcome(status, cause, error);
}

static AdbcStatusCode ask_schema(struct adbc_statement *statement, struct adbc_call *call,
                                 struct ArrowSchema *ret_schema, struct AdbcError *error)
{
    struct cflight_sql_message command = adbc_statement_command(statement);
    cflight_status status = CFLIGHT_OK;
    cflight_error *cause = NULL;
    if (adbc_statement_wants_prepared(statement)) {
        AdbcStatusCode code = adbc_statement_prepare_for(statement, call, error);
        if (code != ADBC_STATUS_OK) {
            return code;
        }
        if (cflight_sql_statement_schema(statement->prepared) != NULL) {
            return copy_schema(cflight_sql_statement_schema(statement->prepared), ret_schema,
                               error);
        }
        if (cflight_sql_statement_is_update(statement->prepared) == CFLIGHT_SQL_UPDATE_YES) {
            status = cflight_schema_new(NULL, 0, ret_schema, &cause);
            return adbc_outcome(status, cause, error);
        }
        command.type = CFLIGHT_SQL_PREPARED_STATEMENT_QUERY;
        command.handle = cflight_sql_statement_handle(statement->prepared);
    }
    status = cflight_sql_get_schema(statement->connection->link.client, &command, &call->query,
                                    ret_schema, &cause);
    return adbc_outcome(status, cause, error);
}

AdbcStatusCode adbc_statement_execute_schema(struct AdbcStatement *statement,
                                             struct ArrowSchema *ret_schema,
                                             struct AdbcError *error)
{
    struct adbc_call *call = NULL;
    struct adbc_statement *self = NULL;
    AdbcStatusCode code = adbc_statement_begin_query(statement, &self, &call, error);
    if (code == ADBC_STATUS_OK) {
        code = ask_schema(self, call, ret_schema, error);
    }
    adbc_call_end(call);
    return code;
}

AdbcStatusCode adbc_statement_parameter_schema(struct AdbcStatement *statement,
                                               struct ArrowSchema *ret_schema,
                                               struct AdbcError *error)
{
    struct adbc_statement *self = adbc_statement_of(statement, error);
    if (self == NULL) {
        return ADBC_STATUS_INVALID_STATE;
    }
    if (!self->is_prepared || self->prepared == NULL) {
        return adbc_fail(error, ADBC_STATUS_INVALID_STATE, "the statement has not been prepared");
    }
    const struct ArrowSchema *schema = cflight_sql_statement_parameters(self->prepared);
    return schema == NULL ? adbc_fail(error, ADBC_STATUS_NOT_IMPLEMENTED,
                                      "the server does not tell the schema of parameters")
                          : copy_schema(schema, ret_schema, error);
}
