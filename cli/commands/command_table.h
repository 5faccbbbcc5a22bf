/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_COMMANDS_COMMAND_TABLE_H
#define CFLIGHT_CLI_COMMANDS_COMMAND_TABLE_H

#include <stdbool.h>
#include <stddef.h>

/* The commands and options of the program, in two tables from which arguments are parsed and help
 * and manual are written. What is not in a table does not exist. */

enum cli_command_id {
    CLI_COMMAND_SERVE,
    CLI_COMMAND_LIST,
    CLI_COMMAND_INFO,
    CLI_COMMAND_SCHEMA,
    CLI_COMMAND_GET,
    CLI_COMMAND_PUT,
    CLI_COMMAND_SQL,
    CLI_COMMAND_TABLES,
    CLI_COMMAND_INGEST,
    CLI_COMMAND_ACTIONS,
    CLI_COMMAND_ACTION,
    CLI_COMMAND_PING,
    CLI_COMMAND_VERSION,
    CLI_COMMAND_COUNT,
};

enum { CLI_POSITIONALS_MAX = 3 };

struct cli_command {
    const char *name;
    const char *arguments; /* positional arguments, as usage shows them */
    size_t positional_min;
    size_t positional_max;
    const char *summary; /* half a line, for the list of commands */
    const char *details; /* paragraphs, separated by an empty line */
};

extern const struct cli_command cli_commands[CLI_COMMAND_COUNT];
/* Where in struct cli_arguments the positional arguments of a command go. */
extern const size_t cli_positionals[CLI_COMMAND_COUNT][CLI_POSITIONALS_MAX];

enum cli_value_type {
    CLI_VALUE_FLAG,        /* none */
    CLI_VALUE_TEXT,        /* anything */
    CLI_VALUE_LIST,        /* anything, may be given several times */
    CLI_VALUE_SECONDS,     /* a decimal number, 0 or more; kept in milliseconds */
    CLI_VALUE_SECONDS_MIN, /* the same, kept as 1 ms at least */
    CLI_VALUE_TIME_LIMIT,  /* the same, where 0 is no limit; kept as -1 then */
    CLI_VALUE_ROWS,        /* a whole number, or "all" */
    CLI_VALUE_COUNT,       /* a whole number from 1 on, of 32 bits */
    CLI_VALUE_SIZE,        /* a whole number of bytes, perhaps with k, M, G or T */
    CLI_VALUE_SMALL_SIZE,  /* the same, of 31 bits */
    CLI_VALUE_CODEC,       /* none, lz4 or zstd */
    CLI_VALUE_FORMAT,      /* the name of an output format */
    CLI_VALUE_TLS_VERSION, /* 1.2 or 1.3 */
    CLI_VALUE_INGEST_MODE, /* the name of one */
    CLI_VALUE_LOG_LEVEL,   /* the name of one */
    CLI_VALUE_LOG_FORMAT,  /* text or json */
};

struct cli_option {
    const char *name;     /* without the dashes */
    char letter;          /* '\0' for none */
    const char *argument; /* what usage calls the value; NULL for a flag */
    enum cli_value_type type;
    size_t target;     /* where in struct cli_arguments the value goes */
    unsigned commands; /* bit per command that takes it; a name may appear twice for different
                          commands */
    const char *help;
};

/* Above which option of a command help has a heading, for commands with many. */
struct cli_heading {
    enum cli_command_id command;
    const char *option; /* the first below it */
    const char *text;
};

extern const struct cli_heading cli_headings[];
extern const size_t cli_heading_count;
extern const struct cli_option cli_options[];
extern const size_t cli_option_count;

/* Finds a command by name. @return whether there is one */
bool cli_command_find(const char *name, enum cli_command_id *ret_command);
/* Tells whether a command takes an option. */
bool cli_option_fits(const struct cli_option *option, enum cli_command_id command);

#endif /* CFLIGHT_CLI_COMMANDS_COMMAND_TABLE_H */
