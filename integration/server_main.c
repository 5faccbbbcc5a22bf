/* SPDX-License-Identifier: Apache-2.0 */
/* cflight-integration-server: one scenario's server, on a port of the loopback interface.
 *
 * Prints "Server listening on localhost:PORT" when it is ready, serves until SIGTERM or SIGINT, and
 * exits with 0. The signals are blocked in all threads and taken by sigwait(), so no handler is
 * installed. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "integration/flags.h"
#include "integration/scenario.h"

enum { GRACE_MS = 1000, LOCATION_BYTES = 64 };

/* A server of Flight or, over the kit, of Flight SQL: then `sql` owns the other. */
struct running {
    cflight_server *flight;
    cflight_sql_server *sql;
};

static cflight_status start_sql(const char *location, const struct itg_service *service,
                                const struct cflight_server_options *options,
                                struct running *running, cflight_error **reterr)
{
    struct cflight_sql_server_options sql_options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;

    sql_options.server = options;
    cflight_status status =
        cflight_sql_server_new(location, &service->sql, &sql_options, &running->sql, reterr);
    if (status == CFLIGHT_OK) {
        running->flight = cflight_sql_server_flight(running->sql);
    }
    return status;
}

static cflight_status start(const struct itg_scenario *scenario, uint16_t port,
                            struct itg_service *service, struct running *running,
                            cflight_error **reterr)
{
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    char location[LOCATION_BYTES];

    cflight_status status = scenario->make_service(service, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    service->handlers.user_data = service->state;
    service->auth.user_data = service->state;
    service->sql.user_data = service->state;
    options.auth = service->has_auth ? &service->auth : NULL;
    options.middleware = &service->middleware;
    options.middleware_count = service->has_middleware ? 1 : 0;
    (void)snprintf(location, sizeof location, "grpc://127.0.0.1:%u", (unsigned)port);
    if (service->has_sql) {
        return start_sql(location, service, &options, running, reterr);
    }
    return cflight_server_new(location, &service->handlers, &options, &running->flight, reterr);
}

static int serve(const struct itg_scenario *scenario, uint16_t port)
{
    struct itg_service service = {.handlers = CFLIGHT_SERVER_HANDLERS_INIT,
                                  .auth = CFLIGHT_SERVER_AUTH_INIT,
                                  .middleware = CFLIGHT_SERVER_MIDDLEWARE_INIT,
                                  .sql = CFLIGHT_SQL_HANDLERS_INIT};
    struct running running = {NULL, NULL};
    cflight_error *error = NULL;
    sigset_t signals;
    int received = 0;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    cflight_status status = start(scenario, port, &service, &running, &error);
    if (status == CFLIGHT_OK) {
        atomic_store(&service.port, cflight_server_port(running.flight));
        (void)printf("Server listening on localhost:%d\n", cflight_server_port(running.flight));
        (void)fflush(stdout);
        (void)sigwait(&signals, &received);
        cflight_server_shutdown(running.flight, GRACE_MS);
    } else {
        (void)fprintf(stderr, "%s: %s\n", cflight_status_name(status),
                      cflight_error_message(error));
    }
    if (running.sql != NULL) {
        cflight_sql_server_free(running.sql);
    } else {
        cflight_server_free(running.flight);
    }
    if (service.release != NULL) {
        service.release(service.state);
    }
    cflight_error_free(error);
    return status == CFLIGHT_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *port_text = "31337";
    const char *name = "";
    const struct itg_flag flags[] = {{"port", &port_text}, {"scenario", &name}};
    uint16_t port = 0;

    if (!itg_flags_parse(argc, argv, flags, sizeof flags / sizeof flags[0])) {
        return 2;
    }
    if (!itg_port_parse(port_text, &port)) {
        (void)fprintf(stderr, "not a port: %s\n", port_text);
        return 2;
    }
    const struct itg_scenario *scenario = itg_scenario_find(name);
    if (scenario == NULL) {
        (void)fprintf(stderr, "no such scenario: %s\n", name);
        return 2;
    }
    return serve(scenario, port);
}
