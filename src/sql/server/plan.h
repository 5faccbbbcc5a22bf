/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_SERVER_PLAN_H
#define CFL_SQL_SERVER_PLAN_H

#include "sql/server/kit.h"

/* The text of a statement, or its Substrait plan. Counted. Thread class: free. */
struct cfl_sql_source {
    struct cfl_refcount refs;
    const struct cflight_allocator *alloc;
    struct cflight_sql_query query; /* of the buffers */
    cflight_buffer *text;
    cflight_buffer *plan;
    cflight_buffer *version;
};

cflight_status cfl_sql_source_new(const struct cflight_allocator *alloc,
                                  const struct cflight_sql_query *query,
                                  struct cfl_sql_source **ret_source, cflight_error **reterr);
struct cfl_sql_source *cfl_sql_source_ref(struct cfl_sql_source *source);
/* NULL is ignored. */
void cfl_sql_source_unref(struct cfl_sql_source *source);

/* What the application has planned, in a session. Used by one execution at a time. */
struct cfl_sql_plan {
    struct cfl_sql_garbage garbage;
    struct cfl_sql_session *session; /* a reference */
    struct cfl_sql_source *source;
    struct cflight_sql_plan plan;
};

/* Plans a statement, with the turn of the call's session. Without `prepare` all is unknown. */
cflight_status cfl_sql_plan_new(cflight_sql_call *call, struct cfl_sql_source *source,
                                struct cfl_sql_plan **ret_plan, cflight_error **reterr);
/* FAILED_PRECONDITION when a statement needs a session and the client keeps none. */
cflight_status cfl_sql_plan_check_session(const cflight_sql_call *call, bool needs_session,
                                          cflight_error **reterr);
/* Ends it, with the turn or when somebody has it. NULL is ignored. */
void cfl_sql_plan_end(struct cfl_sql_plan *plan);
/* How many parameters it has; -1 when that is not known. */
int64_t cfl_sql_plan_parameter_count(const struct cfl_sql_plan *plan);
/* INVALID_ARGUMENT when it has parameters: nothing is bound to it. */
cflight_status cfl_sql_plan_check_unbound(const struct cfl_sql_plan *plan, cflight_error **reterr);

#endif /* CFL_SQL_SERVER_PLAN_H */
