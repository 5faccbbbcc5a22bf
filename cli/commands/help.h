/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_COMMANDS_HELP_H
#define CFLIGHT_CLI_COMMANDS_HELP_H

#include "cli/commands/command_table.h"
#include "cli/system/text.h"

/* Texts made from the tables. */
void cli_append_program_help(struct cli_text *text);
void cli_append_command_help(struct cli_text *text, enum cli_command_id command);
/* The manual page, as input of man(7) macros. */
void cli_append_manual(struct cli_text *text);

#endif /* CFLIGHT_CLI_COMMANDS_HELP_H */
