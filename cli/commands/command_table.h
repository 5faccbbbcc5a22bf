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
    CLI_COMMAND_ACTIONS,
    CLI_COMMAND_ACTION,
    CLI_COMMAND_PING,
    CLI_COMMAND_VERSION,
    CLI_COMMAND_COUNT,
};

struct cli_command {
    const char *name;
    const char *arguments; /* positional arguments, as usage shows them */
    size_t positional_min;
    size_t positional_max;
    const char *summary; /* half a line, for the list of commands */
    const char *details; /* paragraphs, separated by an empty line */
};

extern const struct cli_command cli_commands[CLI_COMMAND_COUNT];

enum cli_option_id {
    CLI_OPTION_HELP,
    CLI_OPTION_VERSION,
    CLI_OPTION_ALL,
    CLI_OPTION_QUIET,
    CLI_OPTION_TIMEOUT,
    CLI_OPTION_CONNECT_TIMEOUT,
    CLI_OPTION_IDLE_TIMEOUT,
    CLI_OPTION_PROXY,
    CLI_OPTION_HEADER,
    CLI_OPTION_USER,
    CLI_OPTION_PASSWORD_FILE,
    CLI_OPTION_TOKEN_FILE,
    CLI_OPTION_TLS_ROOTS,
    CLI_OPTION_TLS_CERT,
    CLI_OPTION_TLS_KEY,
    CLI_OPTION_TLS_NAME,
    CLI_OPTION_TLS_COMMON_NAME,
    CLI_OPTION_TLS_SKIP_VERIFY,
    CLI_OPTION_TLS_CRL,
    CLI_OPTION_TLS_MIN_VERSION,
    CLI_OPTION_TLS12_CIPHERS,
    CLI_OPTION_TLS13_CIPHERS,
    CLI_OPTION_CMD,
    CLI_OPTION_SPLIT,
    CLI_OPTION_TICKET,
    CLI_OPTION_TRUST_LOCATIONS,
    CLI_OPTION_OUTPUT,
    CLI_OPTION_FORMAT,
    CLI_OPTION_ROWS,
    CLI_OPTION_VERTICAL,
    CLI_OPTION_RESULTS,
    CLI_OPTION_COMPRESSION,
    CLI_OPTION_UNPACK_MAX,
    CLI_OPTION_WHOLE_DICTIONARIES,
    CLI_OPTION_LISTEN,
    CLI_OPTION_WRITABLE,
    CLI_OPTION_OVERWRITE,
    CLI_OPTION_UPLOAD_MAX,
    CLI_OPTION_UPLOAD_FILES_MAX,
    CLI_OPTION_UPLOAD_USER_MAX,
    CLI_OPTION_GRACE,
    CLI_OPTION_HANDLERS_MAX,
    CLI_OPTION_WAITING_MAX,
    CLI_OPTION_QUEUE_MAX,
    CLI_OPTION_CONNECTIONS_MAX,
    CLI_OPTION_CONNECTION_CALLS_MAX,
    CLI_OPTION_UNREAD_MAX,
    CLI_OPTION_STREAM_WINDOW,
    CLI_OPTION_MESSAGE_MAX,
    CLI_OPTION_METADATA_MAX,
    CLI_OPTION_MESSAGE_TIMEOUT,
    CLI_OPTION_SERVER_IDLE_TIMEOUT,
    CLI_OPTION_CONTENDED_TIMEOUT,
    CLI_OPTION_CONNECTION_IDLE_TIMEOUT,
    CLI_OPTION_SERVER_TLS_CERT,
    CLI_OPTION_SERVER_TLS_KEY,
    CLI_OPTION_TLS_CA,
    CLI_OPTION_AUTH_FILE,
    CLI_OPTION_ALLOW_WRITABLE_AUTH_FILE,
    CLI_OPTION_ALLOW_PLAIN_PASSWORDS,
    CLI_OPTION_COUNT,
};

enum cli_value_type {
    CLI_VALUE_FLAG,    /* none */
    CLI_VALUE_TEXT,    /* anything */
    CLI_VALUE_LIST,    /* anything, may be given several times */
    CLI_VALUE_SECONDS, /* a decimal number, 0 or more */
    CLI_VALUE_ROWS,    /* a whole number, or "all" */
    CLI_VALUE_COUNT,   /* a whole number from 1 on, of 32 bits */
    CLI_VALUE_SIZE,    /* a whole number of bytes, perhaps with k, M, G or T */
    CLI_VALUE_CODEC,   /* none, lz4 or zstd */
    CLI_VALUE_FORMAT,  /* the name of an output format */
};

struct cli_option {
    const char *name;     /* without the dashes */
    char letter;          /* '\0' for none */
    const char *argument; /* what usage calls the value; NULL for a flag */
    enum cli_value_type type;
    unsigned commands; /* bit per command that takes it; a name may appear twice for different
                          commands */
    const char *help;
};

extern const struct cli_option cli_options[CLI_OPTION_COUNT];

/* Tells whether a command takes an option. */
bool cli_option_fits(enum cli_option_id option, enum cli_command_id command);

#endif /* CFLIGHT_CLI_COMMANDS_COMMAND_TABLE_H */
