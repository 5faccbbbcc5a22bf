/* SPDX-License-Identifier: Apache-2.0 */
/* Health and reflection of `cflight serve`. */
#include "cli/serve/services.h"

cflight_status cli_serve_services_init(struct cli_serve_services *services, uint32_t watchers_max,
                                       cflight_error **reterr)
{
    struct cflight_health_options options = CFLIGHT_HEALTH_OPTIONS_INIT;
    options.watchers_max = watchers_max;
    cflight_status status = cflight_health_new(&options, &services->health, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_reflection_new(NULL, &services->reflection, reterr);
    }
    if (status == CFLIGHT_OK) {
        cflight_health_methods(services->health, services->methods);
        cflight_reflection_methods(services->reflection,
                                   services->methods + CFLIGHT_HEALTH_METHODS);
    }
    return status;
}

void cli_serve_services_done(struct cli_serve_services *services)
{
    cflight_reflection_free(services->reflection);
    cflight_health_free(services->health);
}

cflight_status cli_serve_services_end(const struct cli_serve_services *services,
                                      cflight_error **reterr)
{
    cflight_status status = cflight_health_set(services->health, "", CFLIGHT_NOT_SERVING, reterr);
    return status == CFLIGHT_OK
               ? cflight_health_set(services->health, "arrow.flight.protocol.FlightService",
                                    CFLIGHT_NOT_SERVING, reterr)
               : status;
}

void cli_serve_services_use(const struct cli_serve_services *services,
                            struct cflight_server_options *options)
{
    options->service_methods = services->methods;
    options->service_method_count = CFLIGHT_HEALTH_METHODS + CFLIGHT_REFLECTION_METHODS;
}
