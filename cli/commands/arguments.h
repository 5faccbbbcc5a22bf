/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_COMMANDS_ARGUMENTS_H
#define CFLIGHT_CLI_COMMANDS_ARGUMENTS_H

#include "cflight/bearer_auth.h"
#include "cflight/server.h"
#include "cli/client/connection.h"
#include "cli/client/flight_name.h"
#include "cli/commands/command_table.h"
#include "cli/serve/database.h"
#include "cli/system/message.h"
#include "cli/values/format.h"

/* What the user asked for, one struct for each command and for what several have in common. Values
 * are of their type and checked; texts point into argv and are NULL where they were not given. */

enum { CLI_ROWS_ALL = -1, CLI_ROWS_DEFAULT = -2 };

/* What an ingest does with a table that is there, or is not. */
enum cli_ingest_mode {
    CLI_INGEST_CREATE,
    CLI_INGEST_APPEND,
    CLI_INGEST_CREATE_APPEND,
    CLI_INGEST_REPLACE,
};

/* What becomes of rows. */
struct cli_result_arguments {
    const char *path;       /* "-" is standard output */
    enum cli_format format; /* CLI_FORMAT_NONE when it was not given */
    int64_t row_count;      /* or one of CLI_ROWS_... */
    bool is_vertical;
    bool trusts_locations;
};

struct cli_sql_arguments {
    const char *statement; /* "-" or NULL: those on standard input */
    bool is_update;        /* known to change something */
    bool shows_time;
    bool is_transaction; /* all of them together */
};

struct cli_tables_arguments {
    const char *pattern;
    const char *catalog;
    const char *db_schema; /* a pattern of tables, a name of ingest */
    struct cli_list types;
    bool shows_columns;
};

struct cli_ingest_arguments {
    const char *table;
    enum cli_ingest_mode mode;
    bool is_temporary;
};

struct cli_action_arguments {
    const char *type;
    const char *body; /* "-" is standard input */
};

struct cli_serve_arguments {
    const char *source;        /* a directory, or a database */
    struct cli_list listen;    /* empty: the default */
    struct cli_list advertise; /* empty: clients stay where they asked */
    struct cli_list replicas;  /* other servers of the same files */
    bool is_writable;
    bool may_overwrite;
    uint64_t endpoint_bytes;
    uint64_t upload_bytes_max; /* 0 for no limit, as the next two */
    uint64_t upload_files_max;
    uint64_t upload_user_bytes_max;
    int64_t grace_ms;
    uint32_t health_watchers_max;            /* 0: the default */
    struct cflight_server_options options;   /* limits of clients */
    struct cflight_bearer_auth_options auth; /* of logins */
    const char *cert_path;
    const char *key_path;
    const char *ca_path;
    const char *auth_path;
    bool takes_writable_auth_file;
    bool takes_plain_passwords;
    struct cli_database_options database;
    const char *rights_path;
    const char *access_log_path; /* NULL for none; "-" is standard error */
    const char *metrics_address; /* NULL for none */
    enum cli_log_level log_level;
    bool log_is_json; /* the access log, too */
    int64_t drain_delay_ms;
};

/* What was said of compression; the codecs as in enum cflight_compression, and one more. */
enum cli_codec { CLI_CODEC_DEFAULT, CLI_CODEC_NONE, CLI_CODEC_LZ4, CLI_CODEC_ZSTD };

struct cli_arguments {
    enum cli_command_id command;
    bool wants_help;
    bool wants_version;
    bool is_quiet;
    struct cli_tls_options tls;                     /* of clients and servers */
    struct cli_client_options client;               /* of every command that calls a server */
    struct cli_flight_name flight;                  /* of info, schema, get and put */
    enum cli_codec codec;                           /* of get, put and serve, as the next two */
    struct cflight_ipc_write_options write_options; /* with the codec */
    struct cflight_ipc_read_options read_options;
    const char *list_pattern;
    struct cli_result_arguments result; /* of get, sql and tables */
    const char *get_ticket;
    const char *source_path; /* of put and ingest; "-" is standard input */
    bool put_shows_results;
    struct cli_sql_arguments sql;
    struct cli_tables_arguments tables; /* its catalog and schema are of ingest, too */
    struct cli_ingest_arguments ingest;
    struct cli_action_arguments action;
    struct cli_serve_arguments serve;
    bool version_all;
};

/* Reads the arguments of one command: argv[0] is its name. Options and positional arguments may
 * come in any order, "--" ends the options. With --help or --version nothing else is asked for.
 * @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT (what is wrong with them),
 * CFLIGHT_RESOURCE_EXHAUSTED */
cflight_status cli_arguments_parse(struct cli_arguments *ret_arguments, int argc, char **argv,
                                   cflight_error **reterr);
/* Whether data is to be written in a way of its own, and not as it is received or stored. */
bool cli_arguments_encode_anew(const struct cli_arguments *arguments);
/* Appends the numbers of a server that are not the defaults: " --handlers-max 16, ...,". */
void cli_arguments_append_numbers(struct cli_text *text, const struct cli_arguments *arguments);
void cli_arguments_done(struct cli_arguments *arguments);

#endif /* CFLIGHT_CLI_COMMANDS_ARGUMENTS_H */
