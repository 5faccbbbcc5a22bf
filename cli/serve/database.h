/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SERVE_DATABASE_H
#define CFLIGHT_CLI_SERVE_DATABASE_H

#include "adbc/gateway/gateway.h"
#include "cli/serve/rights.h"

/* What the user says of a database that is served. */
struct cli_database_options {
    const char *init_path; /* of --init; NULL for none */
    bool is_read_only;
    int64_t query_ms;
    int64_t transaction_idle_ms; /* 0: the kit's default */
    uint64_t result_rows_max;
    uint32_t connections_max;
};

/* A database that is served, and its server. Zeroed, it is none. */
struct cli_serve_database {
    struct cli_rights *rights; /* borrowed; NULL: everybody may write, unless it is read only */
    struct gateway *gateway;
    cflight_sql_server *server;
};

/* Whether the argument of serve names a database, not a directory: by its scheme, unless there is a
 * directory of that name. */
bool cli_serve_is_database(const char *argument);

/* Opens the database. @return as gateway_open(), cli_error_from_errno() */
cflight_status cli_serve_database_open(struct cli_serve_database *database, const char *source,
                                       const struct cli_database_options *options,
                                       cflight_error **reterr);
/* Serves it. `ret_server` is the Flight server of it, borrowed. */
cflight_status cli_serve_database_start(struct cli_serve_database *database, const char *location,
                                        const struct cflight_server_options *server_options,
                                        const struct cli_database_options *options,
                                        cflight_server **ret_server, cflight_error **reterr);
void cli_serve_database_done(struct cli_serve_database *database);

#endif /* CFLIGHT_CLI_SERVE_DATABASE_H */
