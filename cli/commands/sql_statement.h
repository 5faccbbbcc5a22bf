/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_COMMANDS_SQL_STATEMENT_H
#define CFLIGHT_CLI_COMMANDS_SQL_STATEMENT_H

#include "cflight/sql_client.h"
#include "cli/client/statements.h"
#include "cli/commands/result.h"

enum { CLI_SQL_TABLE_ROWS = 100 /* of a query that is shown as a table */ };

/* Where statements are run, one after the other. Thread class: one at a time. */
struct cli_sql {
    struct cli_run *run;                  /* borrowed; it is connected */
    cflight_sql_transaction *transaction; /* that they are part of; NULL: each is its own */
};

/* Options for the next call, whose time limit is what is left. They live in the fetch and in
 * `ret_options`. */
void cli_sql_call(const struct cli_sql *sql, struct cli_fetch *fetch,
                  struct cflight_sql_options *ret_options);

/* Runs a statement: rows go to the result, and what else there is to say to standard error. The
 * begin and the end of a transaction are those of Flight SQL, where the server has them. */
cflight_status cli_sql_run(struct cli_sql *sql, struct cli_result *result,
                           const struct cli_statement *statement, cflight_error **reterr);

/* @return CFLIGHT_OK; CFLIGHT_FAILED_PRECONDITION (one is open); as cflight_sql_begin() */
cflight_status cli_sql_begin(struct cli_sql *sql, cflight_error **reterr);
/* A transaction that cannot be committed stays open. */
cflight_status cli_sql_commit(struct cli_sql *sql, cflight_error **reterr);
/* Afterwards none is open, whatever is returned. It goes out although other calls were cancelled.
 */
cflight_status cli_sql_roll_back(struct cli_sql *sql, cflight_error **reterr);

/* Rolls back what is open, which it tells, and ends the session. */
void cli_sql_done(struct cli_sql *sql);

#endif /* CFLIGHT_CLI_COMMANDS_SQL_STATEMENT_H */
