/* SPDX-License-Identifier: Apache-2.0 */
/* A server of the library that the tools of gRPC can ask: health, and reflection with it. Prints
 * where it listens; a line of its standard input makes it NOT_SERVING, the end of that ends it. */
#include <stdio.h>
#include <stdlib.h>

#include "cflight/cflight.h"

static cflight_status list_flights(void *user_data, cflight_server_context *context,
                                   struct cflight_bytes criteria, cflight_response *response,
                                   cflight_error **reterr)
{
    struct cflight_info info = {.total_records = 7, .total_bytes = -1};
    (void)user_data;
    (void)context;
    (void)criteria;
    info.descriptor.type = CFLIGHT_DESCRIPTOR_CMD;
    info.descriptor.cmd = cflight_bytes_from_text("seven");
    return cflight_response_info(response, &info, reterr);
}

static cflight_status serve(cflight_health *health, cflight_reflection *reflection,
                            cflight_error **reterr)
{
    struct cflight_service_method methods[CFLIGHT_HEALTH_METHODS + CFLIGHT_REFLECTION_METHODS];
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    cflight_server *server = NULL;
    cflight_health_methods(health, methods);
    cflight_reflection_methods(reflection, methods + CFLIGHT_HEALTH_METHODS);
    options.service_methods = methods;
    options.service_method_count = CFLIGHT_HEALTH_METHODS + CFLIGHT_REFLECTION_METHODS;
    handlers.list_flights = list_flights;
    cflight_status status =
        cflight_server_new("grpc://127.0.0.1:0", &handlers, &options, &server, reterr);
    if (status == CFLIGHT_OK) {
        (void)printf("Listening on %s\n", cflight_server_location(server));
        (void)fflush(stdout);
    }
    while (status == CFLIGHT_OK && getchar() != EOF) {
        status = cflight_health_set(health, "", CFLIGHT_NOT_SERVING, reterr);
    }
    cflight_server_free(server);
    return status;
}

int main(void)
{
    cflight_health *health = NULL;
    cflight_reflection *reflection = NULL;
    cflight_error *error = NULL;
    cflight_status status = cflight_health_new(NULL, &health, &error);
    if (status == CFLIGHT_OK) {
        status = cflight_reflection_new(NULL, &reflection, &error);
    }
    if (status == CFLIGHT_OK) {
        status = serve(health, reflection, &error);
    }
    if (status != CFLIGHT_OK) {
        (void)fprintf(stderr, "%s\n", cflight_error_message(error));
    }
    cflight_error_free(error);
    cflight_reflection_free(reflection);
    cflight_health_free(health);
    return status == CFLIGHT_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
