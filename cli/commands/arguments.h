/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_COMMANDS_ARGUMENTS_H
#define CFLIGHT_CLI_COMMANDS_ARGUMENTS_H

#include <stdint.h>

#include "cflight/ipc.h"
#include "cli/commands/command_table.h"
#include "cli/values/sink.h"

enum { CLI_POSITIONALS_MAX = 3, CLI_ROWS_ALL = -1 };

/* What the user asked for. Values point into argv and are known to be of their type. */
struct cli_arguments {
    enum cli_command_id command;
    const char *positionals[CLI_POSITIONALS_MAX]; /* NULL where not given */
    const char *values[CLI_OPTION_COUNT];         /* NULL where not given; "" for a flag */
    const char **headers;                         /* every --header, in order */
    size_t header_count;
};

/* Reads the arguments of one command: argv[0] is its name. Options and positional arguments may
 * come in any order, "--" ends the options. With --help or --version nothing else is asked for.
 * @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT (what is wrong with them),
 * CFLIGHT_RESOURCE_EXHAUSTED */
cflight_status cli_arguments_parse(struct cli_arguments *ret_arguments, int argc, char **argv,
                                   cflight_error **reterr);
void cli_arguments_done(struct cli_arguments *arguments);

/* Finds a command by name. @return whether there is one */
bool cli_command_find(const char *name, enum cli_command_id *ret_command);

bool cli_has(const struct cli_arguments *arguments, enum cli_option_id option);
int64_t cli_milliseconds(const struct cli_arguments *arguments, enum cli_option_id option,
                         int64_t fallback_ms);
/* CLI_ROWS_ALL for "all". */
int64_t cli_row_count(const struct cli_arguments *arguments, int64_t fallback);
/* Of an option of type CLI_VALUE_COUNT; 0 when it was not given. */
uint32_t cli_count(const struct cli_arguments *arguments, enum cli_option_id option);
/* Of an option of type CLI_VALUE_SIZE; 0 when it was not given. */
uint64_t cli_size(const struct cli_arguments *arguments, enum cli_option_id option);
struct cflight_ipc_write_options cli_write_options(const struct cli_arguments *arguments);
struct cflight_ipc_read_options cli_read_options(const struct cli_arguments *arguments);

#endif /* CFLIGHT_CLI_COMMANDS_ARGUMENTS_H */
