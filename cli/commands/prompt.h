/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_COMMANDS_PROMPT_H
#define CFLIGHT_CLI_COMMANDS_PROMPT_H

#include "cli/commands/commands.h"

/* Reads statements and commands at the terminal and runs them, until the user ends it. */
cflight_status cli_prompt_run(struct cli_run *run, cflight_error **reterr);

#endif /* CFLIGHT_CLI_COMMANDS_PROMPT_H */
