/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_SERVER_STATEMENT_H
#define CFL_SQL_SERVER_STATEMENT_H

#include "sql/server/bound.h"
#include "sql/server/plan.h"
#include "sql/server/transaction.h"

/* A prepared statement. What is not constant is protected by the server's lock. */
struct cfl_sql_statement {
    struct cfl_sql_handle handle;
    struct cfl_sql_session *session; /* a reference */
    struct cfl_sql_source *source;
    struct cfl_sql_transaction *transaction; /* a reference; NULL outside of any */
    cflight_buffer *schema;                  /* of the result; NULL: none */
    cflight_buffer *parameters;
    enum cflight_sql_update is_update;
    bool needs_session;
    char born_in[40]; /* the Flight session that began with its preparation, a secret; or empty */
    int64_t parameter_count;     /* -1: not known */
    struct cfl_sql_plan *plan;   /* NULL while it is lent */
    struct cfl_sql_bound *bound; /* NULL: nothing */
};

/* Prepares; the call has the turn of the session, `transaction` is what it is in. The caller has a
 * reference of the result, and it is listed. */
cflight_status cfl_sql_statement_new(cflight_sql_call *call, struct cfl_sql_source *source,
                                     struct cfl_sql_transaction *transaction,
                                     struct cfl_sql_statement **ret_statement,
                                     cflight_error **reterr);
/* Finds one, and puts the call into its session, with the turn. To be put back. */
cflight_status cfl_sql_statement_enter(cflight_sql_call *call, struct cflight_bytes id,
                                       struct cfl_sql_statement **ret_statement,
                                       cflight_error **reterr);
/* The plan of a statement, or a new one when that is in use. With the turn. */
cflight_status cfl_sql_statement_borrow(cflight_sql_call *call, struct cfl_sql_statement *statement,
                                        struct cfl_sql_plan **ret_plan, cflight_error **reterr);
/* Gives it back; `statement` NULL ends it, as a plan of nobody else. With the turn. */
void cfl_sql_statement_return(struct cfl_sql_statement *statement, struct cfl_sql_plan *plan);
/* Keeps rows in the place of what was bound. Takes the reference. */
cflight_status cfl_sql_statement_bind(struct cfl_sql_statement *statement, cflight_buffer *rows,
                                      cflight_error **reterr);
/* What is bound, with a reference, or NULL. */
struct cfl_sql_bound *cfl_sql_statement_bound(struct cfl_sql_statement *statement);

#endif /* CFL_SQL_SERVER_STATEMENT_H */
