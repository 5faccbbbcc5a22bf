/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_COMMANDS_PROMPT_COMMAND_H
#define CFLIGHT_CLI_COMMANDS_PROMPT_COMMAND_H

#include "cli/commands/commands.h"
#include "cli/commands/prompt_names.h"
#include "cli/commands/sql_statement.h"
#include "cli/system/editor.h"

/* The prompt of cflight sql. Thread class: the main thread. */
struct cli_prompt {
    struct cli_run *run;           /* borrowed; its arguments are the settings */
    struct cli_arguments settings; /* those of the command line, as they were changed since */
    cflight_cancel *cancel;        /* of what runs now */
    struct cli_sql sql;
    struct cli_editor *editor;
    struct cli_names names;
    struct cli_text pending;     /* what was typed and not run */
    struct cli_text output_path; /* of the settings, if it was typed */
    bool is_over;
};

/* Before anything that asks the server: its time limit begins. */
static inline void cli_prompt_begin(struct cli_prompt *prompt)
{
    cli_connection_renew(&prompt->run->connection, prompt->cancel);
}

/* A line that begins with a backslash. */
cflight_status cli_prompt_command(struct cli_prompt *prompt, struct cflight_bytes line,
                                  cflight_error **reterr);
/* Adds the commands that begin like this. */
void cli_prompt_match_command(struct cflight_bytes before, struct cli_matches *matches);

#endif /* CFLIGHT_CLI_COMMANDS_PROMPT_COMMAND_H */
