/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_INTEGRATION_SCENARIO_H
#define CFLIGHT_INTEGRATION_SCENARIO_H

#include <stdatomic.h>

#include "cflight/cflight.h"

/* A scenario is a server with fixed behaviour and a client that checks it. Arrow's implementations
 * all have the same ones, by the same names; docs/guide/integration.md lists them. */

/* The status with which a client reports that the server did something unexpected. */
enum { ITG_MISMATCH = CFLIGHT_ABORTED };

/* What a server consists of. The tables are copied when the server is made; `state` is the
 * user_data of all of them and is released after the server. */
struct itg_service {
    struct cflight_server_handlers handlers;
    struct cflight_server_auth auth;
    bool has_auth;
    struct cflight_server_middleware middleware;
    bool has_middleware;
    struct cflight_sql_handlers sql; /* over the kit of Flight SQL, in the place of `handlers` */
    bool has_sql;
    void *state;
    void (*release)(void *state);
    atomic_int port; /* known before the first call */
};

struct itg_target {
    const char *location;
    const char *path; /* "" except in JSON mode */
};

struct itg_scenario {
    const char *name; /* "" is JSON mode */
    /* Fills `service`, which is zeroed but for the struct sizes. */
    cflight_status (*make_service)(struct itg_service *service, cflight_error **reterr);
    cflight_status (*run_client)(const struct itg_target *target, cflight_error **reterr);
};

/* NULL when there is none of that name. */
const struct itg_scenario *itg_scenario_find(const char *name);
/* Prints the names, one in a line. */
void itg_scenario_list(void);

/* What the files of the scenarios offer to the table. */
extern const struct itg_scenario itg_json;
extern const struct itg_scenario itg_alignment;
extern const struct itg_scenario itg_app_metadata;
extern const struct itg_scenario itg_auth_basic_proto;
extern const struct itg_scenario itg_do_exchange_echo;
extern const struct itg_scenario itg_expiration_time_cancel;
extern const struct itg_scenario itg_expiration_time_do_get;
extern const struct itg_scenario itg_expiration_time_list_actions;
extern const struct itg_scenario itg_expiration_time_renew;
extern const struct itg_scenario itg_flight_sql;
extern const struct itg_scenario itg_flight_sql_extension;
extern const struct itg_scenario itg_flight_sql_ingestion;
extern const struct itg_scenario itg_location_reuse_connection;
extern const struct itg_scenario itg_middleware;
extern const struct itg_scenario itg_ordered;
extern const struct itg_scenario itg_poll_flight_info;
extern const struct itg_scenario itg_session_options;

#endif /* CFLIGHT_INTEGRATION_SCENARIO_H */
