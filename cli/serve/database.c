/* SPDX-License-Identifier: Apache-2.0 */
/* Serving a database: the gateway, behind a server of the Flight SQL kit. Owner: the command.
 * Thread class: one at a time. */
#include "cli/serve/database.h"

#include <sys/stat.h>

#include "cli/system/files.h"
#include "cli/system/message.h"
#include "cli/system/text.h"

enum { INIT_BYTES_MAX = 16 << 20 };

bool cli_serve_is_database(const char *argument)
{
    struct stat found;
    return gateway_is_source(argument) && !(stat(argument, &found) == 0 && S_ISDIR(found.st_mode));
}

/* Of a database there is one thing to have rights to. Who may write may read what he wrote. */
static enum gateway_right right_of(void *user_data, struct cflight_bytes identity)
{
    struct cli_rights *rights = user_data;
    if (cli_rights_allow(rights, identity, CLI_RIGHT_WRITE, "")) {
        return GATEWAY_RIGHT_WRITE;
    }
    return cli_rights_allow(rights, identity, CLI_RIGHT_READ, "") ? GATEWAY_RIGHT_READ
                                                                  : GATEWAY_RIGHT_NONE;
}

cflight_status cli_serve_database_open(struct cli_serve_database *database, const char *source,
                                       const struct cli_database_options *options,
                                       cflight_error **reterr)
{
    struct cli_text init = CLI_TEXT_INIT;
    cflight_status status = CFLIGHT_OK;
    if (options->init_path != NULL) {
        status = cli_file_read(options->init_path, INIT_BYTES_MAX, &init, reterr);
    }
    if (status == CFLIGHT_OK) {
        struct gateway_options gateway = {
            .source = source,
            .init_sql = options->init_path == NULL ? NULL : cli_text_terminated(&init),
            .is_read_only = options->is_read_only,
            .right_of = database->rights == NULL ? NULL : right_of,
            .right_user_data = database->rights,
            .query_ms = options->query_ms,
            .result_rows_max = options->result_rows_max,
            .connections_max = options->connections_max};
        status = gateway_open(&gateway, &database->gateway, reterr);
    }
    cli_text_done(&init);
    if (status == CFLIGHT_OK) {
        cli_remark("serving %s", gateway_description(database->gateway));
    }
    return status;
}

cflight_status cli_serve_database_start(struct cli_serve_database *database, const char *location,
                                        const struct cflight_server_options *server_options,
                                        const struct cli_database_options *options,
                                        cflight_server **ret_server, cflight_error **reterr)
{
    struct cflight_sql_handlers handlers = CFLIGHT_SQL_HANDLERS_INIT;
    struct cflight_sql_server_options kit = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    gateway_add_handlers(database->gateway, &handlers);
    kit.server = server_options;
    kit.transaction_idle_ms = options->transaction_idle_ms;
    kit.info = gateway_info(database->gateway);
    cflight_status status = CFLIGHT_OK;
    if (server_options->metrics != NULL) {
        status = gateway_add_metrics(database->gateway, server_options->metrics, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_sql_server_new(location, &handlers, &kit, &database->server, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_server = cflight_sql_server_flight(database->server);
    }
    return status;
}

void cli_serve_database_done(struct cli_serve_database *database)
{
    cflight_sql_server_free(database->server);
    gateway_free(database->gateway);
    database->server = NULL;
    database->gateway = NULL;
}
