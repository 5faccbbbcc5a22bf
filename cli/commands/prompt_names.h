/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_COMMANDS_PROMPT_NAMES_H
#define CFLIGHT_CLI_COMMANDS_PROMPT_NAMES_H

#include "cli/commands/sql_statement.h"
#include "cli/system/editor.h"

/* Names of tables, to complete what is typed. Thread class: one at a time. */
struct cli_names {
    struct cli_matches all; /* as they are written in SQL */
    bool is_loaded;
};

/* Asks the server, unless it was asked. What fails leaves them empty. */
void cli_names_load(struct cli_names *names, const struct cli_sql *sql);
/* Adds those that the word before the cursor begins, whatever its case, and says how long that is.
 */
void cli_names_match(const struct cli_names *names, struct cflight_bytes before,
                     struct cli_matches *matches);
/* The tables may be others by now. */
void cli_names_forget(struct cli_names *names);

#endif /* CFLIGHT_CLI_COMMANDS_PROMPT_NAMES_H */
