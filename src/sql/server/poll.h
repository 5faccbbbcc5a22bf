/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_SERVER_POLL_H
#define CFL_SQL_SERVER_POLL_H

#include "sql/server/result.h"

/* Statements that run on a thread of their own while their client polls (docs/internals/sql.md:
 * Polling). */

/* Begins the statement of a command. The result is in use; to be put back. */
cflight_status cfl_sql_poll_begin(cflight_sql_server *server, cflight_server_context *context,
                                  const struct cflight_sql_message *command,
                                  struct cfl_sql_result **ret_result, cflight_error **reterr);

struct cfl_sql_poll_state {
    bool is_running;
    double progress; /* negative: not known */
};
/* Waits until the statement has run, for poll_ms at most, and fails as it did. */
cflight_status cfl_sql_poll_wait(struct cfl_sql_result *result, cflight_server_context *context,
                                 struct cfl_sql_poll_state *ret_state, cflight_error **reterr);

/* Frees the threads that have ended. */
void cfl_sql_polls_reap(cflight_sql_server *server);
/* Waits for all others, which are cancelled. */
void cfl_sql_polls_join(cflight_sql_server *server);

#endif /* CFL_SQL_SERVER_POLL_H */
