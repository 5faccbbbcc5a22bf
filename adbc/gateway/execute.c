/* SPDX-License-Identifier: Apache-2.0 */
/* Planning and running statements: counts, rows.
 *
 * What is an update by its words, or when the client asks for a count, is run for the count alone;
 * anything else for a stream, and if that has no columns it was an update. A plan is text and what
 * its words tell: nothing of the driver is held between runs. Thread class: one at a time, with the
 * turn of the session. */
#include "adbc/gateway/statement.h"

#include <stdlib.h>
#include <string.h>

#include "adbc/gateway/bound.h"
#include "adbc/gateway/partitions.h"
#include "adbc/gateway/rows.h"

/* ---- plans ---- */

static cflight_status check(const struct gateway *gateway, const struct cflight_sql_query *query,
                            const struct gateway_words *words, cflight_error **reterr)
{
    if (query->is_substrait) {
        return cflight_error_set_message(reterr, CFLIGHT_UNIMPLEMENTED,
                                         "this server takes SQL, no Substrait plans");
    }
    if (gateway->is_read_only && words->kind != GATEWAY_KIND_QUERY) {
        return cflight_error_set(
            reterr, CFLIGHT_PERMISSION_DENIED,
            "%s is read only: single queries are taken that begin with SELECT, "
            "WITH, VALUES and the like",
            gateway_who_reads(gateway));
    }
    return CFLIGHT_OK;
}

static enum cflight_method method_of(const cflight_sql_call *call)
{
    const cflight_server_context *context = cflight_sql_call_context(call);
    return context == NULL ? CFLIGHT_METHOD_INVALID : cflight_server_context_method(context);
}

static void free_statement(void *user_data, void *session, void *statement)
{
    struct gateway_plan *plan = statement;
    (void)user_data;
    (void)session;
    free(plan->text);
    free(plan);
}

static cflight_status prepare(void *user_data, cflight_sql_call *call,
                              const struct cflight_sql_query *query,
                              struct cflight_sql_plan *ret_plan, cflight_error **reterr)
{
    struct gateway_words words = gateway_words_read(query->text);
    struct gateway_session *session = NULL;
    cflight_status status = gateway_session_of(user_data, call, &session, reterr);
    if (status == CFLIGHT_OK) {
        status = check(session->gateway, query, &words, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct gateway_plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL) {
        return gateway_no_memory(reterr);
    }
    ret_plan->statement = plan; /* the kit ends it, whatever comes */
    ret_plan->needs_session = words.needs_session;
    ret_plan->is_update = words.kind == GATEWAY_KIND_UPDATE  ? CFLIGHT_SQL_UPDATE_YES
                          : words.kind == GATEWAY_KIND_QUERY ? CFLIGHT_SQL_UPDATE_NO
                                                             : CFLIGHT_SQL_UPDATE_UNKNOWN;
    plan->words = words;
    status = gateway_terminate(query->text, "the statement", &plan->text, reterr);
    /* Who prepares, or asks for a schema, is told what the driver can tell. */
    enum cflight_method method = method_of(call);
    bool is_for_schema = method == CFLIGHT_METHOD_GET_SCHEMA;
    return status == CFLIGHT_OK && (is_for_schema || method == CFLIGHT_METHOD_DO_ACTION)
               ? gateway_describe(session, plan, is_for_schema, ret_plan, reterr)
               : status;
}

/* ---- running ---- */

static cflight_status run_update(struct gateway_statement *statement,
                                 cflight_sql_execution *execution, cflight_error **reterr)
{
    int64_t row_count = -1;
    cflight_status status = gateway_statement_execute(statement, NULL, &row_count, NULL, reterr);
    if (status == CFLIGHT_OK) {
        cflight_sql_execution_set_row_count(execution, row_count);
    }
    return status;
}

/* What has no columns was an update: its count, once it has run to its end. */
static cflight_status finish_update(struct gateway_statement *statement,
                                    struct ArrowArrayStream *stream,
                                    const struct ArrowSchema *schema, int64_t row_count,
                                    cflight_sql_execution *execution, cflight_error **reterr)
{
    struct ArrowArray batch;
    cflight_status status =
        gateway_stream_next(statement->session->gateway, stream, schema, &batch, reterr);
    if (status == CFLIGHT_OK && batch.release != NULL) {
        batch.release(&batch);
    }
    cflight_sql_execution_set_row_count(execution, row_count);
    return status;
}

/* `*ret_is_taken` tells whether the statement lives on in the stream of its rows. */
static cflight_status run_query(struct gateway_statement *statement,
                                cflight_sql_execution *execution, bool *ret_is_taken,
                                cflight_error **reterr)
{
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    int64_t row_count = -1;
    int64_t left_ms = -1;
    memset(&schema, 0, sizeof schema);
    cflight_status status =
        gateway_statement_execute(statement, &stream, &row_count, &left_ms, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = gateway_stream_schema(statement->session->gateway, &stream, &schema, reterr);
    if (status == CFLIGHT_OK && schema.n_children == 0) {
        status = finish_update(statement, &stream, &schema, row_count, execution, reterr);
    } else if (status == CFLIGHT_OK) {
        struct ArrowArrayStream rows;
        status = gateway_rows_wrap(statement->session, statement, &stream, &schema, left_ms, &rows,
                                   reterr);
        *ret_is_taken = status == CFLIGHT_OK;
        if (status == CFLIGHT_OK) {
            status = cflight_sql_execution_set_stream(execution, &rows, reterr);
            if (status != CFLIGHT_OK) {
                rows.release(&rows);
            }
        }
    }
    if (schema.release != NULL) {
        schema.release(&schema);
    }
    if (stream.release != NULL) {
        stream.release(&stream);
    }
    return status;
}

/* Drivers may read parameters while the result is read, so those of a query are collected. */
static cflight_status run_bound(struct gateway_statement *statement,
                                cflight_sql_parameters *parameters, bool is_update,
                                cflight_sql_execution *execution, bool *ret_is_taken,
                                cflight_error **reterr)
{
    struct ArrowArrayStream source;
    struct ArrowArrayStream stream;
    int64_t row_count = -1;
    cflight_status status = cflight_sql_parameters_stream(parameters, &source, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (is_update) {
        status = gateway_store_rows(statement, &source, true, &row_count, reterr);
        cflight_sql_execution_set_row_count(execution, row_count);
    } else {
        status = gateway_collect(&source, &stream, reterr);
        if (status == CFLIGHT_OK) {
            status = gateway_bind(statement, &stream, reterr);
        }
        if (status == CFLIGHT_OK) {
            status = run_query(statement, execution, ret_is_taken, reterr);
        }
    }
    source.release(&source);
    return status;
}

static cflight_status run(struct gateway_statement *statement, const struct gateway_plan *plan,
                          cflight_sql_parameters *parameters, cflight_sql_execution *execution,
                          bool *ret_is_taken, cflight_error **reterr)
{
    struct gateway_session *session = statement->session;
    bool is_update =
        plan->words.kind == GATEWAY_KIND_UPDATE || !cflight_sql_execution_wants_rows(execution);
    bool is_done = false;
    cflight_status status = CFLIGHT_OK;
    /* What SQL may change of a connection is noted before: it may fail half-way. */
    session->connection->is_dirty |= plan->words.leaves_state;
    session->connection->has_own_transactions |= plan->words.is_transaction;
    if (parameters != NULL) {
        return run_bound(statement, parameters, is_update, execution, ret_is_taken, reterr);
    }
    if (is_update) {
        return run_update(statement, execution, reterr);
    }
    if (plan->words.kind == GATEWAY_KIND_QUERY) {
        status = gateway_run_partitions(statement, execution, &is_done, reterr);
    }
    return is_done || status != CFLIGHT_OK ? status
                                           : run_query(statement, execution, ret_is_taken, reterr);
}

static cflight_status execute(void *user_data, cflight_sql_call *call,
                              const struct cflight_sql_query *query, void *plan_pointer,
                              cflight_sql_parameters *parameters, cflight_sql_execution *execution,
                              cflight_error **reterr)
{
    const struct gateway_plan *plan = plan_pointer;
    struct gateway_session *session = NULL;
    struct gateway_statement *statement = NULL;
    bool is_taken = false;
    cflight_status status = gateway_session_of(user_data, call, &session, reterr);
    if (status == CFLIGHT_OK) {
        status = check(session->gateway, query, &plan->words, reterr); /* rights may change */
    }
    if (status == CFLIGHT_OK) {
        status = gateway_statement_new(session, plan->text, &statement, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = gateway_connection_hold_back(session->gateway, session->connection, reterr);
    if (status == CFLIGHT_OK) {
        status = run(statement, plan, parameters, execution, &is_taken, reterr);
    }
    if (!is_taken) {
        gateway_statement_free(statement);
    }
    return status;
}

void gateway_add_statement_handlers(struct cflight_sql_handlers *handlers)
{
    handlers->prepare = prepare;
    handlers->free_statement = free_statement;
    handlers->execute = execute;
    handlers->read_partition = gateway_read_partition;
    handlers->ingest = gateway_ingest;
    handlers->stream_error = gateway_rows_error;
}
