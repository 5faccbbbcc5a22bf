/* SPDX-License-Identifier: Apache-2.0 */
/* Prepared statements: a plan that is kept in its session, and the rows that are bound to it.
 *
 * The plan is lent to one execution at a time, for as long as its stream is open; another that
 * comes meanwhile has the text planned anew. Owner: the table of handles, and calls. Thread class:
 * free. */
#include "sql/server/statement.h"

#include <stdio.h>
#include <string.h>

#include "cflight/ipc.h"
#include "sql/server/kept_rows.h"

static void release(struct cfl_sql_handle *handle)
{
    struct cfl_sql_statement *statement = CFL_LIST_ENTRY(handle, struct cfl_sql_statement, handle);
    cfl_sql_plan_end(statement->plan);
    cfl_sql_source_unref(statement->source);
    cfl_sql_bound_unref(statement->bound);
    cflight_buffer_unref(statement->schema);
    cflight_buffer_unref(statement->parameters);
    if (statement->transaction != NULL) {
        cfl_sql_handle_unref(&statement->transaction->handle);
    }
    cfl_sql_session_unref(statement->session);
    explicit_bzero(statement->born_in, sizeof statement->born_in);
    cfl_free(handle->server->alloc, statement, sizeof *statement);
}

static cflight_status serialize(const struct ArrowSchema *schema, cflight_buffer **ret_buffer,
                                cflight_error **reterr)
{
    return schema->release == NULL ? CFLIGHT_OK
                                   : cflight_ipc_schema_serialize(schema, ret_buffer, reterr);
}

static cflight_status describe(struct cfl_sql_statement *statement, cflight_error **reterr)
{
    const struct cflight_sql_plan *plan = &statement->plan->plan;
    statement->is_update = plan->is_update;
    statement->needs_session = plan->needs_session;
    statement->parameter_count = cfl_sql_plan_parameter_count(statement->plan);
    cflight_status status = CFLIGHT_OK;
    if (plan->is_update != CFLIGHT_SQL_UPDATE_YES) {
        status = serialize(&plan->schema, &statement->schema, reterr);
    }
    return status == CFLIGHT_OK ? serialize(&plan->parameters, &statement->parameters, reterr)
                                : status;
}

/* Notes the session that the client got with this call: if it keeps it, it means this one. */
static void note_birth(struct cfl_sql_statement *statement, cflight_sql_call *call)
{
    if (statement->transaction == NULL && cflight_session_is_new(call->context)) {
        call->may_keep_session = true;
        (void)snprintf(statement->born_in, sizeof statement->born_in, "%s",
                       cflight_session_id(cflight_session_of(call->context)));
    }
}

cflight_status cfl_sql_statement_new(cflight_sql_call *call, struct cfl_sql_source *source,
                                     struct cfl_sql_transaction *transaction,
                                     struct cfl_sql_statement **ret_statement,
                                     cflight_error **reterr)
{
    cflight_sql_server *server = call->server;
    struct cfl_sql_statement *statement = cfl_alloc_zeroed(server->alloc, sizeof *statement);
    if (statement == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cfl_refcount_init(&statement->handle.refs);
    statement->handle.server = server;
    statement->handle.kind = CFL_SQL_HANDLE_STATEMENT;
    statement->handle.release = release;
    statement->handle.idle_ms = server->options.statement_idle_ms;
    statement->handle.ends_ns = CFL_TIME_NEVER;
    statement->session = cfl_sql_session_ref(call->session);
    statement->source = cfl_sql_source_ref(source);
    if (transaction != NULL) {
        cfl_refcount_up(&transaction->handle.refs);
        statement->transaction = transaction;
    }
    note_birth(statement, call);
    cflight_status status = cfl_sql_plan_new(call, source, &statement->plan, reterr);
    if (status == CFLIGHT_OK) {
        status = describe(statement, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_sql_handle_add(&statement->handle, call, NULL, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_sql_handle_unref(&statement->handle);
        return status;
    }
    *ret_statement = statement;
    return CFLIGHT_OK;
}

cflight_status cfl_sql_statement_enter(cflight_sql_call *call, struct cflight_bytes id,
                                       struct cfl_sql_statement **ret_statement,
                                       cflight_error **reterr)
{
    struct cfl_sql_handle *handle = NULL;
    cflight_status status =
        cfl_sql_handle_find(call, CFL_SQL_HANDLE_STATEMENT, id, &handle, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cfl_sql_statement *statement = CFL_LIST_ENTRY(handle, struct cfl_sql_statement, handle);
    call->is_in_transaction = statement->transaction != NULL;
    cfl_sql_call_adopt(call, statement->session, statement->born_in);
    status = cfl_sql_plan_check_session(call, statement->needs_session, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_sql_call_enter(call, statement->session, reterr);
    }
    if (status == CFLIGHT_OK && statement->transaction != NULL &&
        (statement->transaction->is_over ||
         !cfl_sql_handle_is_listed(&statement->transaction->handle))) {
        status = cflight_error_set_message(
            reterr, CFLIGHT_FAILED_PRECONDITION,
            "The transaction that the statement was prepared in has ended");
    }
    if (status != CFLIGHT_OK) {
        cfl_sql_handle_put(handle);
        return status;
    }
    *ret_statement = statement;
    return CFLIGHT_OK;
}

cflight_status cfl_sql_statement_borrow(cflight_sql_call *call, struct cfl_sql_statement *statement,
                                        struct cfl_sql_plan **ret_plan, cflight_error **reterr)
{
    (void)pthread_mutex_lock(&call->server->mutex);
    struct cfl_sql_plan *plan = statement->plan;
    statement->plan = NULL;
    (void)pthread_mutex_unlock(&call->server->mutex);
    if (plan == NULL) {
        return cfl_sql_plan_new(call, statement->source, ret_plan, reterr);
    }
    *ret_plan = plan;
    return CFLIGHT_OK;
}

void cfl_sql_statement_return(struct cfl_sql_statement *statement, struct cfl_sql_plan *plan)
{
    if (statement != NULL && plan != NULL) {
        (void)pthread_mutex_lock(&statement->handle.server->mutex);
        if (statement->plan == NULL && statement->handle.is_listed) {
            statement->plan = plan;
            plan = NULL;
        }
        (void)pthread_mutex_unlock(&statement->handle.server->mutex);
    }
    cfl_sql_plan_end(plan);
}

cflight_status cfl_sql_statement_bind(struct cfl_sql_statement *statement, cflight_buffer *rows,
                                      cflight_error **reterr)
{
    cflight_sql_server *server = statement->handle.server;
    struct cfl_sql_bound *bound = NULL;
    if (rows != NULL) {
        cflight_status status = cfl_sql_bound_new(server, rows, &bound, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    (void)pthread_mutex_lock(&server->mutex);
    struct cfl_sql_bound *former = statement->bound;
    statement->bound = bound;
    (void)pthread_mutex_unlock(&server->mutex);
    cfl_sql_bound_unref(former);
    return CFLIGHT_OK;
}

struct cfl_sql_bound *cfl_sql_statement_bound(struct cfl_sql_statement *statement)
{
    (void)pthread_mutex_lock(&statement->handle.server->mutex);
    struct cfl_sql_bound *bound = cfl_sql_bound_ref(statement->bound);
    (void)pthread_mutex_unlock(&statement->handle.server->mutex);
    return bound;
}
