/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_SERVER_TRANSACTION_H
#define CFL_SQL_SERVER_TRANSACTION_H

#include "sql/server/handles.h"

/* A transaction that a client began, in a session of its own. What is not constant is protected by
 * the turn of that session. */
struct cfl_sql_transaction {
    struct cfl_sql_handle handle;
    struct cfl_sql_garbage garbage;
    struct cfl_sql_garbage rollback; /* of one that has expired */
    struct cfl_sql_session *session; /* a reference */
    bool is_over;
    uint32_t *savepoints; /* their numbers, oldest first */
    size_t savepoint_count;
    size_t savepoint_capacity;
    uint32_t next_savepoint;
};

/* Puts the call into the session that a transaction id names, or the caller's own for an empty id,
 * and takes the turn. `*ret_transaction` is NULL, or to be put back with cfl_sql_handle_put(). */
cflight_status cfl_sql_transaction_enter(cflight_sql_call *call, struct cflight_bytes id,
                                         struct cfl_sql_transaction **ret_transaction,
                                         cflight_error **reterr);
/* NULL for NULL. */
struct cfl_sql_handle *cfl_sql_transaction_handle(struct cfl_sql_transaction *transaction);

/* The actions. The id is written to the caller's buffer. */
enum { CFL_SQL_SAVEPOINT_BYTES = CFL_SQL_ID_BYTES + 4 };
cflight_status cfl_sql_transaction_begin(cflight_sql_call *call, uint8_t *ret_id,
                                         cflight_error **reterr);
cflight_status cfl_sql_transaction_end(cflight_sql_call *call, const struct cflight_sql_end *end,
                                       cflight_error **reterr);
cflight_status cfl_sql_savepoint_begin(cflight_sql_call *call,
                                       const struct cflight_sql_savepoint_name *name,
                                       uint8_t *ret_id, cflight_error **reterr);
cflight_status cfl_sql_savepoint_end(cflight_sql_call *call, const struct cflight_sql_end *end,
                                     cflight_error **reterr);

#endif /* CFL_SQL_SERVER_TRANSACTION_H */
