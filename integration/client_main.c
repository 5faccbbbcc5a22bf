/* SPDX-License-Identifier: Apache-2.0 */
/* cflight-integration-client: runs one scenario's client, once. Exits with 0 when every check held;
 * otherwise says on stderr which did not. `-scenario list` prints the names.
 *
 * Some servers print their port shortly before they listen on it, so the first connection is tried
 * for a while. Nothing else is tried again. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "integration/flags.h"
#include "integration/scenario.h"

enum { LOCATION_BYTES = 512, CONNECT_TRIES = 60, CONNECT_PAUSE_NS = 50000000 };

static cflight_status connect_once(const char *location, cflight_error **reterr)
{
    cflight_client *client = NULL;

    cflight_status status = cflight_client_new(location, NULL, &client, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_client_connect(client, NULL, reterr);
    }
    cflight_client_free(client);
    return status;
}

/* Returns when the server can be connected to, or why it cannot. */
static cflight_status await_server(const char *location, cflight_error **reterr)
{
    const struct timespec pause = {.tv_nsec = CONNECT_PAUSE_NS};
    cflight_status status = CFLIGHT_OK;

    for (int i = 0; i < CONNECT_TRIES; i++) {
        cflight_error *error = NULL;
        status = connect_once(location, &error);
        bool is_last = i + 1 == CONNECT_TRIES || cflight_error_retry(error) != CFLIGHT_RETRY_SAFE;
        if (status == CFLIGHT_OK || is_last) {
            *reterr = error;
            return status;
        }
        cflight_error_free(error);
        (void)nanosleep(&pause, NULL);
    }
    return status;
}

int main(int argc, char **argv)
{
    const char *host = "localhost";
    const char *port_text = "31337";
    const char *name = "";
    const char *path = "";
    const struct itg_flag flags[] = {
        {"host", &host}, {"port", &port_text}, {"scenario", &name}, {"path", &path}};
    char location[LOCATION_BYTES];
    uint16_t port = 0;
    cflight_error *error = NULL;

    if (!itg_flags_parse(argc, argv, flags, sizeof flags / sizeof flags[0])) {
        return 2;
    }
    if (strcmp(name, "list") == 0) {
        itg_scenario_list();
        return 0;
    }
    const struct itg_scenario *scenario = itg_scenario_find(name);
    if (scenario == NULL) {
        (void)fprintf(stderr, "no such scenario: %s\n", name);
        return 2;
    }
    int len_bytes = snprintf(location, sizeof location, "grpc://%s:%s", host, port_text);
    if (!itg_port_parse(port_text, &port) || len_bytes < 0 || len_bytes >= LOCATION_BYTES) {
        (void)fprintf(stderr, "not a host and port: %s:%s\n", host, port_text);
        return 2;
    }
    cflight_status status = await_server(location, &error);
    if (status == CFLIGHT_OK) {
        status = scenario->run_client(&(struct itg_target){location, path}, &error);
    }
    if (status != CFLIGHT_OK) {
        (void)fprintf(stderr, "%s: %s\n", cflight_status_name(status),
                      cflight_error_message(error));
        cflight_error_free(error);
        return 1;
    }
    return 0;
}
