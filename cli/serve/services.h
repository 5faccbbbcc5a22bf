/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SERVE_SERVICES_H
#define CFLIGHT_CLI_SERVE_SERVICES_H

#include "cflight/health.h"
#include "cflight/reflection.h"
#include "cflight/server.h"

/* What the tools of gRPC expect beside Flight: the health check, which answers anybody, and
 * reflection, which asks for credentials where the server does. They outlive the server. */
struct cli_serve_services {
    cflight_health *health;
    cflight_reflection *reflection;
    struct cflight_service_method methods[CFLIGHT_HEALTH_METHODS + CFLIGHT_REFLECTION_METHODS];
};

/* `watchers_max` 0 is the library's default. */
cflight_status cli_serve_services_init(struct cli_serve_services *services, uint32_t watchers_max,
                                       cflight_error **reterr);
void cli_serve_services_done(struct cli_serve_services *services);
/* Tells those who ask for the health that the end is near. */
cflight_status cli_serve_services_end(const struct cli_serve_services *services,
                                      cflight_error **reterr);
void cli_serve_services_use(const struct cli_serve_services *services,
                            struct cflight_server_options *options);

#endif /* CFLIGHT_CLI_SERVE_SERVICES_H */
