/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_SERVER_BOUND_H
#define CFL_SQL_SERVER_BOUND_H

#include "sql/server/kit.h"

/* Rows that a client has bound, as an Arrow IPC stream. They count in the server's total for as
 * long as anybody holds them: a result that waits keeps them after its statement has others. Thread
 * class: free. */
struct cfl_sql_bound {
    struct cfl_refcount refs;
    cflight_sql_server *server;
    cflight_buffer *rows;
};

/* Takes `rows`, also when it fails: RESOURCE_EXHAUSTED names bound_bytes_total_max. */
cflight_status cfl_sql_bound_new(cflight_sql_server *server, cflight_buffer *rows,
                                 struct cfl_sql_bound **ret_bound, cflight_error **reterr);
/* NULL gives NULL, and is ignored by the other. */
struct cfl_sql_bound *cfl_sql_bound_ref(struct cfl_sql_bound *bound);
void cfl_sql_bound_unref(struct cfl_sql_bound *bound);

#endif /* CFL_SQL_SERVER_BOUND_H */
