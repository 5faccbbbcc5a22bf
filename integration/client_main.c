/* SPDX-License-Identifier: Apache-2.0 */
/* cflight-integration-client: runs one scenario's client, once. Exits with 0 when every check held;
 * otherwise says on stderr which did not. `-scenario list` prints the names. */
#include <stdio.h>
#include <string.h>

#include "integration/flags.h"
#include "integration/scenario.h"

enum { LOCATION_BYTES = 512 };

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
    cflight_status status = scenario->run_client(&(struct itg_target){location, path}, &error);
    if (status != CFLIGHT_OK) {
        (void)fprintf(stderr, "%s: %s\n", cflight_status_name(status),
                      cflight_error_message(error));
        cflight_error_free(error);
        return 1;
    }
    return 0;
}
