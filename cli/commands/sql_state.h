/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_COMMANDS_SQL_STATE_H
#define CFLIGHT_CLI_COMMANDS_SQL_STATE_H

#include "cli/client/statements.h"

/* Tells what the database says of an error beyond its text: SQLSTATE, hint, and the place in the
 * statement, with the line that it is in and a mark below. Nothing when it says nothing. */
void cli_sql_tell_state(const cflight_error *error, const struct cli_statement *statement);

#endif /* CFLIGHT_CLI_COMMANDS_SQL_STATE_H */
