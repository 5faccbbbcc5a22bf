/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_COMMANDS_SERVING_H
#define CFLIGHT_CLI_COMMANDS_SERVING_H

#include "cli/commands/commands.h"
#include "cli/commands/serve_places.h"
#include "cli/serve/access_log.h"
#include "cli/serve/auth.h"
#include "cli/serve/database.h"
#include "cli/serve/metrics.h"
#include "cli/serve/serve.h"
#include "cli/serve/services.h"
#include "cli/serve/tls.h"
#include "cli/serve/watch.h"

/* What runs while cflight serve does. Thread class: the main thread. */
struct cli_serving {
    struct cli_run *run;
    const struct cli_serve_arguments *given;
    struct cli_passed_sockets passed;
    struct cli_serve_places places;
    struct cli_serve serve;
    struct cli_serve_tls tls;
    struct cli_serve_auth auth;
    struct cli_serve_services services;
    bool is_database;
    struct cli_serve_database database;
    struct cli_access_log access_log;
    struct cli_serve_metrics metrics;
    char *access_log_path;
    char *users_path;
    char *rights_path;
    struct cli_watch watch;
    cflight_server *server; /* of the database, if there is one */
};

/* ---- serve_options.c ---- */
/* Whether the options make sense together, and where to listen. */
cflight_status cli_serving_check(struct cli_serving *serving, cflight_error **reterr);

/* ---- serve_reload.c ---- */
/* Begins to watch the files that may change. */
void cli_serving_watch(struct cli_serving *serving);
/* Reads again what has changed. */
void cli_serving_look(struct cli_serving *serving);
/* Reads everything again, as SIGHUP asks for. */
void cli_serving_reload(struct cli_serving *serving);

#endif /* CFLIGHT_CLI_COMMANDS_SERVING_H */
