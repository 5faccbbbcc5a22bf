/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_COMMANDS_COMMANDS_H
#define CFLIGHT_CLI_COMMANDS_COMMANDS_H

#include "cflight/call.h"
#include "cli/commands/arguments.h"
#include "cli/commands/exit_code.h"
#include "cli/system/output.h"
#include "cli/system/text.h"

/* What a client command is given and gives back. */
struct cli_run {
    const struct cli_arguments *arguments;
    cflight_cancel *cancel;
    const char *subject;          /* what a failure is about, for its message; borrowed */
    enum cli_exit_code exit_code; /* set by a command whose failure is not the server's */
};

/* Each runs one command; main() reports the failure and finds the exit code, unless the command
 * chose one. */
cflight_status cli_run_list(struct cli_run *run, cflight_error **reterr);
cflight_status cli_run_info(struct cli_run *run, cflight_error **reterr);
cflight_status cli_run_schema(struct cli_run *run, cflight_error **reterr);
cflight_status cli_run_get(struct cli_run *run, cflight_error **reterr);
cflight_status cli_run_put(struct cli_run *run, cflight_error **reterr);
cflight_status cli_run_actions(struct cli_run *run, cflight_error **reterr);
cflight_status cli_run_action(struct cli_run *run, cflight_error **reterr);
cflight_status cli_run_ping(struct cli_run *run, cflight_error **reterr);

/* When writing to the output failed, chooses the exit code: a failure of our own, whatever its
 * status would mean from a server, or a closed pipe. */
void cli_run_blame_output(struct cli_run *run, const struct cli_output *output);

/* Writes a text to standard output. */
cflight_status cli_run_print(struct cli_run *run, const struct cli_text *text,
                             cflight_error **reterr);

/* Runs until a signal comes; has its own signals. */
cflight_status cli_run_serve(struct cli_run *run, cflight_error **reterr);

#endif /* CFLIGHT_CLI_COMMANDS_COMMANDS_H */
