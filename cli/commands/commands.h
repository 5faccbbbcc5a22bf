/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_COMMANDS_COMMANDS_H
#define CFLIGHT_CLI_COMMANDS_COMMANDS_H

#include "cli/commands/arguments.h"
#include "cli/commands/exit_code.h"
#include "cli/system/output.h"

/* What a command is given and gives back. */
struct cli_run {
    const struct cli_arguments *arguments;
    cflight_cancel *cancel;           /* NULL for a server */
    struct cli_connection connection; /* of a client, once it connected */
    const char *subject;              /* what a failure is about, for its message; borrowed */
    char subject_text[64];            /* memory for it */
    enum cli_exit_code exit_code;     /* set by a command whose failure is not the server's */
};

/* Each runs one command; main() reports the failure, finds the exit code, unless the command chose
 * one, and ends the connection. */
cflight_status cli_run_list(struct cli_run *run, cflight_error **reterr);
cflight_status cli_run_info(struct cli_run *run, cflight_error **reterr);
cflight_status cli_run_schema(struct cli_run *run, cflight_error **reterr);
cflight_status cli_run_get(struct cli_run *run, cflight_error **reterr);
cflight_status cli_run_put(struct cli_run *run, cflight_error **reterr);
cflight_status cli_run_sql(struct cli_run *run, cflight_error **reterr);
cflight_status cli_run_tables(struct cli_run *run, cflight_error **reterr);
cflight_status cli_run_ingest(struct cli_run *run, cflight_error **reterr);
cflight_status cli_run_actions(struct cli_run *run, cflight_error **reterr);
cflight_status cli_run_action(struct cli_run *run, cflight_error **reterr);
cflight_status cli_run_ping(struct cli_run *run, cflight_error **reterr);
/* Runs until a signal comes, and waits for it itself. */
cflight_status cli_run_serve(struct cli_run *run, cflight_error **reterr);

/* Opens the connection of a client command and logs in if credentials are given. When that fails
 * before the server is asked, the exit code says so. @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT
 * (options), or as the calls of a client */
cflight_status cli_run_connect(struct cli_run *run, cflight_error **reterr);

/* "This makes no sense": chooses the exit code for it. */
cflight_status cli_run_refuse(struct cli_run *run, const char *message, cflight_error **reterr);

/* After a call that changes something has failed: says so when the server may have done it. */
void cli_run_tell_doubt(const cflight_error *error);

/* When writing to the output failed, chooses the exit code: a failure of our own, whatever its
 * status would mean from a server, or a closed pipe. */
void cli_run_blame_output(struct cli_run *run, const struct cli_output *output);

/* Calls `print` with standard output, which is closed afterwards. */
typedef cflight_status (*cli_print_fn)(void *what, struct cli_output *output,
                                       cflight_error **reterr);
cflight_status cli_run_to_stdout(struct cli_run *run, cli_print_fn print, void *what,
                                 cflight_error **reterr);
/* Writes a text to standard output. */
cflight_status cli_run_print(struct cli_run *run, struct cli_text *text, cflight_error **reterr);

/* A line for standard output, without its end. It is written at once if `is_urgent`, and cleared.
 */
cflight_status cli_print_line(struct cli_output *output, struct cli_text *line, bool is_urgent,
                              cflight_error **reterr);

#endif /* CFLIGHT_CLI_COMMANDS_COMMANDS_H */
