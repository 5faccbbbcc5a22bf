/* SPDX-License-Identifier: Apache-2.0 */
/* Prepared statements. The handle is the server's to change when rows are bound: from then on the
 * new one goes everywhere. Thread class: one at a time. */
#include "base/alloc.h"
#include "base/error.h"
#include "cflight/ipc.h"
#include "sql/client/remote.h"
#include "sql/client/upload.h"

struct cflight_sql_statement {
    struct cfl_sql_remote remote;
    enum cflight_sql_update is_update;
    struct ArrowSchema schema; /* released when the server gave none, as is the next */
    struct ArrowSchema parameters;
};

/* ---- preparing ---- */

static cflight_status parse_schema(struct cflight_bytes bytes, const char *what,
                                   struct ArrowSchema *ret_schema, cflight_error **reterr)
{
    if (bytes.len_bytes == 0) {
        return CFLIGHT_OK;
    }
    cflight_status status = cflight_ipc_schema_parse(bytes, ret_schema, reterr);
    return status == CFLIGHT_OK ? status
                                : cfl_error_prefix(reterr, status, "the schema of the %s", what);
}

static cflight_status fill(cflight_sql_statement *statement, const struct cfl_sql_request *request,
                           const struct cflight_sql_prepared *prepared, cflight_error **reterr)
{
    statement->is_update = prepared->is_update;
    cflight_status status = cfl_sql_remote_init(&statement->remote, "prepared statement", request,
                                                prepared->handle, reterr);
    if (status == CFLIGHT_OK) {
        status = parse_schema(prepared->dataset_schema, "result", &statement->schema, reterr);
    }
    if (status == CFLIGHT_OK) {
        status =
            parse_schema(prepared->parameter_schema, "parameters", &statement->parameters, reterr);
    }
    return status;
}

static cflight_status prepare(cflight_client *client, const struct cflight_sql_message *message,
                              const struct cflight_sql_options *options,
                              cflight_sql_statement **ret_statement, cflight_error **reterr)
{
    struct cfl_sql_request request;
    struct cflight_sql_message *answer = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(ret_statement));
    if (status == CFLIGHT_OK) {
        status = cfl_sql_request_init(&request, client, options, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_sql_request_action(&request, message, &answer, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    cflight_sql_statement *statement = cfl_alloc_zeroed(NULL, sizeof *statement);
    if (statement == NULL) {
        status = cfl_error_no_memory(reterr);
    } else {
        status = fill(statement, &request, &answer->prepared, reterr);
        status = cfl_sql_blame(answer->type, status, reterr);
    }
    cflight_sql_message_free(answer);
    if (status != CFLIGHT_OK) {
        cflight_sql_statement_free(statement);
        return status;
    }
    *ret_statement = statement;
    return CFLIGHT_OK;
}

cflight_status cflight_sql_prepare(cflight_client *client, struct cflight_bytes query,
                                   const struct cflight_sql_options *options,
                                   cflight_sql_statement **ret_statement, cflight_error **reterr)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_CREATE_PREPARED_STATEMENT};
    message.statement.query = query;
    return prepare(client, &message, options, ret_statement, reterr);
}

cflight_status cflight_sql_prepare_plan(cflight_client *client,
                                        const struct cflight_sql_substrait_plan *plan,
                                        const struct cflight_sql_options *options,
                                        cflight_sql_statement **ret_statement,
                                        cflight_error **reterr)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_CREATE_PREPARED_SUBSTRAIT_PLAN};
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(plan));
    if (status == CFLIGHT_OK) {
        message.substrait = *plan;
        status = prepare(client, &message, options, ret_statement, reterr);
    }
    return status;
}

/* ---- what is known ---- */

enum cflight_sql_update cflight_sql_statement_is_update(const cflight_sql_statement *statement)
{
    return statement->is_update;
}

const struct ArrowSchema *cflight_sql_statement_schema(const cflight_sql_statement *statement)
{
    return statement->schema.release == NULL ? NULL : &statement->schema;
}

const struct ArrowSchema *cflight_sql_statement_parameters(const cflight_sql_statement *statement)
{
    return statement->parameters.release == NULL ? NULL : &statement->parameters;
}

struct cflight_bytes cflight_sql_statement_handle(const cflight_sql_statement *statement)
{
    return cflight_buffer_bytes(statement->remote.id);
}

/* ---- running ---- */

static struct cflight_sql_message message_of(const cflight_sql_statement *statement,
                                             enum cflight_sql_type type)
{
    struct cflight_sql_message message = {.type = type};
    message.handle = cflight_sql_statement_handle(statement);
    return message;
}

/* A request of a statement that is not closed. */
static cflight_status begin_request(struct cfl_sql_request *request,
                                    const cflight_sql_statement *statement,
                                    const struct cflight_sql_options *options,
                                    cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(statement));
    if (status == CFLIGHT_OK) {
        status = cfl_sql_remote_check(&statement->remote, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_sql_request_init(request, statement->remote.client, options, reterr);
    }
    return status;
}

cflight_status cflight_sql_statement_bind(cflight_sql_statement *statement,
                                          struct ArrowArrayStream *rows,
                                          const struct cflight_sql_options *options,
                                          cflight_error **reterr)
{
    struct cfl_sql_request request;
    struct cflight_sql_message *answer = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(statement), CFL_ARG(rows));
    if (status == CFLIGHT_OK) {
        status = begin_request(&request, statement, options, reterr);
    }
    if (status == CFLIGHT_OK) {
        const struct cflight_sql_message command =
            message_of(statement, CFLIGHT_SQL_PREPARED_STATEMENT_QUERY);
        status = cfl_sql_upload(&request, &command, rows, CFLIGHT_SQL_PREPARED_PUT_RESULT, &answer,
                                reterr);
    }
    if (status == CFLIGHT_OK && answer != NULL && answer->handle.len_bytes > 0) {
        status = cfl_sql_remote_rename(&statement->remote, answer->handle, reterr);
    }
    cflight_sql_message_free(answer);
    return status;
}

cflight_status cflight_sql_statement_query(cflight_sql_statement *statement,
                                           const struct cflight_sql_options *options,
                                           struct ArrowArrayStream *ret_stream,
                                           cflight_error **reterr)
{
    struct cfl_sql_request request;
    cflight_status status = begin_request(&request, statement, options, reterr);
    if (status == CFLIGHT_OK) {
        const struct cflight_sql_message command =
            message_of(statement, CFLIGHT_SQL_PREPARED_STATEMENT_QUERY);
        status = cflight_sql_get_rows(request.client, &command, options, ret_stream, reterr);
    }
    return status;
}

cflight_status cflight_sql_statement_update(cflight_sql_statement *statement,
                                            struct ArrowArrayStream *rows,
                                            const struct cflight_sql_options *options,
                                            int64_t *ret_row_count, cflight_error **reterr)
{
    struct cfl_sql_request request;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(statement), CFL_ARG(ret_row_count));
    if (status == CFLIGHT_OK) {
        status = begin_request(&request, statement, options, reterr);
    }
    if (status == CFLIGHT_OK) {
        const struct cflight_sql_message command =
            message_of(statement, CFLIGHT_SQL_PREPARED_STATEMENT_UPDATE);
        status = cfl_sql_upload_count(&request, &command, rows, ret_row_count, reterr);
    }
    return status;
}

/* ---- the end ---- */

cflight_status cflight_sql_statement_close(cflight_sql_statement *statement,
                                           const struct cflight_sql_options *options,
                                           cflight_error **reterr)
{
    struct cfl_sql_request request;
    cflight_error *error = NULL;
    cflight_status status = begin_request(&request, statement, options, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    const struct cflight_sql_message message =
        message_of(statement, CFLIGHT_SQL_CLOSE_PREPARED_STATEMENT);
    status = cfl_sql_request_action(&request, &message, NULL, &error);
    if (status == CFLIGHT_OK || status == CFLIGHT_NOT_FOUND) {
        statement->remote.is_over = true;
        status = CFLIGHT_OK;
    } else if (reterr != NULL) {
        *reterr = error;
        error = NULL;
    }
    cflight_error_free(error);
    return status;
}

static void release(struct ArrowSchema *schema)
{
    if (schema->release != NULL) {
        schema->release(schema);
    }
}

void cflight_sql_statement_free(cflight_sql_statement *statement)
{
    if (statement == NULL) {
        return;
    }
    const struct cflight_sql_message message =
        message_of(statement, CFLIGHT_SQL_CLOSE_PREPARED_STATEMENT);
    cfl_sql_remote_abandon(&statement->remote, &message);
    cfl_sql_remote_done(&statement->remote);
    release(&statement->schema);
    release(&statement->parameters);
    cfl_free(NULL, statement, sizeof *statement);
}
