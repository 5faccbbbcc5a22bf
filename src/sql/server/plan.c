/* SPDX-License-Identifier: Apache-2.0 */
/* Statements before they run: their text, and what the application says of it.
 *
 * A plan belongs to its session and ends with its turn. Owner: an execution, or a prepared
 * statement. Thread class: one at a time; sources: free. */
#include "sql/server/plan.h"

#include "sql/server/parameters.h"

static cflight_status copy(struct cflight_bytes bytes, cflight_buffer **ret_buffer,
                           struct cflight_bytes *ret_view, cflight_error **reterr)
{
    cflight_status status = cflight_buffer_new_copy(bytes, ret_buffer, reterr);
    if (status == CFLIGHT_OK) {
        *ret_view = cflight_buffer_bytes(*ret_buffer);
    }
    return status;
}

cflight_status cfl_sql_source_new(const struct cflight_allocator *alloc,
                                  const struct cflight_sql_query *query,
                                  struct cfl_sql_source **ret_source, cflight_error **reterr)
{
    struct cfl_sql_source *source = cfl_alloc_zeroed(alloc, sizeof *source);
    if (source == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cfl_refcount_init(&source->refs);
    source->alloc = alloc;
    source->query.is_substrait = query->is_substrait;
    cflight_status status = copy(query->text, &source->text, &source->query.text, reterr);
    if (status == CFLIGHT_OK && query->is_substrait) {
        status = copy(query->plan, &source->plan, &source->query.plan, reterr);
    }
    if (status == CFLIGHT_OK && query->is_substrait) {
        status = copy(query->version, &source->version, &source->query.version, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_sql_source_unref(source);
        return status;
    }
    *ret_source = source;
    return CFLIGHT_OK;
}

struct cfl_sql_source *cfl_sql_source_ref(struct cfl_sql_source *source)
{
    cfl_refcount_up(&source->refs);
    return source;
}

void cfl_sql_source_unref(struct cfl_sql_source *source)
{
    if (source != NULL && cfl_refcount_down(&source->refs)) {
        cflight_buffer_unref(source->text);
        cflight_buffer_unref(source->plan);
        cflight_buffer_unref(source->version);
        cfl_free(source->alloc, source, sizeof *source);
    }
}

static void release_schema(struct ArrowSchema *schema)
{
    if (schema->release != NULL) {
        schema->release(schema);
    }
}

/* With the turn. */
static void run_end(struct cfl_sql_session *session, struct cfl_sql_garbage *garbage)
{
    struct cfl_sql_plan *plan = CFL_LIST_ENTRY(garbage, struct cfl_sql_plan, garbage);
    const struct cflight_sql_handlers *handlers = &session->server->handlers;
    if (plan->plan.statement != NULL && handlers->free_statement != NULL) {
        handlers->free_statement(handlers->user_data, session->engine, plan->plan.statement);
    }
    release_schema(&plan->plan.schema);
    release_schema(&plan->plan.parameters);
    cfl_sql_source_unref(plan->source);
    cfl_free(session->server->alloc, plan, sizeof *plan);
}

void cfl_sql_plan_end(struct cfl_sql_plan *plan)
{
    if (plan != NULL) {
        struct cfl_sql_session *session = plan->session;
        cfl_sql_session_defer(session, &plan->garbage);
        cfl_sql_session_unref(session);
    }
}

cflight_status cfl_sql_plan_check_session(const cflight_sql_call *call, bool needs_session,
                                          cflight_error **reterr)
{
    if (needs_session && !call->keeps_session && !call->may_keep_session &&
        !call->is_in_transaction) {
        return cflight_error_set_message(
            reterr, CFLIGHT_FAILED_PRECONDITION,
            "The statement needs a session: have the client keep cookies, or use "
            "BeginTransaction");
    }
    return CFLIGHT_OK;
}

cflight_status cfl_sql_plan_new(cflight_sql_call *call, struct cfl_sql_source *source,
                                struct cfl_sql_plan **ret_plan, cflight_error **reterr)
{
    const struct cflight_sql_handlers *handlers = &call->server->handlers;
    struct cfl_sql_plan *plan = cfl_alloc_zeroed(call->server->alloc, sizeof *plan);
    if (plan == NULL) {
        return cfl_error_no_memory(reterr);
    }
    plan->garbage.run = run_end;
    plan->session = cfl_sql_session_ref(call->session);
    plan->source = cfl_sql_source_ref(source);
    cflight_status status = CFLIGHT_OK;
    if (handlers->prepare != NULL) {
        status = handlers->prepare(handlers->user_data, call, &source->query, &plan->plan, reterr);
        status = cfl_sql_failure(status, call, "prepare", reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_sql_plan_check_session(call, plan->plan.needs_session, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_sql_plan_end(plan);
        return status;
    }
    *ret_plan = plan;
    return CFLIGHT_OK;
}

int64_t cfl_sql_plan_parameter_count(const struct cfl_sql_plan *plan)
{
    return plan->plan.parameters.release == NULL ? -1 : plan->plan.parameters.n_children;
}

cflight_status cfl_sql_plan_check_unbound(const struct cfl_sql_plan *plan, cflight_error **reterr)
{
    int64_t expected_count = cfl_sql_plan_parameter_count(plan);
    return cfl_sql_parameters_check(0, expected_count < 0 ? 0 : expected_count, reterr);
}
