/* SPDX-License-Identifier: Apache-2.0 */
/* URIs of databases. */
#include "adbc/driver/location.h"

#include <stdbool.h>
#include <string.h>

#include "cflight/types.h"

/* Driver managers, and programs as polars, take the name of the driver from the scheme: so the
 * driver's name is one. */
static bool names_a_driver(const char *scheme)
{
    return strcmp(scheme, "flightsql") == 0 || strcmp(scheme, "cflight") == 0;
}

/* What follows "transport=" in the query of a URI; "tls" when nothing does. */
static cflight_status find_transport(const char *uri, const char **ret_transport,
                                     cflight_error **reterr)
{
    static const char *const TRANSPORTS[] = {"tls", "tcp", "unix"};
    static const char KEY[] = "transport=";
    const char *query = strchr(uri, '?');
    *ret_transport = TRANSPORTS[0];
    if (query == NULL || query[1] == '\0') {
        return CFLIGHT_OK;
    }
    if (strncmp(query + 1, KEY, sizeof KEY - 1) == 0) {
        for (size_t i = 0; i < sizeof TRANSPORTS / sizeof *TRANSPORTS; i++) {
            if (strcmp(query + sizeof KEY, TRANSPORTS[i]) == 0) {
                *ret_transport = TRANSPORTS[i];
                return CFLIGHT_OK;
            }
        }
    }
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                             "'%s' is not what may follow the '?' of such a URI: "
                             "transport=tls, transport=tcp or transport=unix",
                             query + 1);
}

static cflight_status convert(const char *uri, const struct cflight_location *location,
                              char **ret_location, cflight_error **reterr)
{
    const char *transport = NULL;
    cflight_status status = find_transport(uri, &transport, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (strcmp(transport, "unix") == 0) {
        return cflight_location_of_socket(cflight_bytes_from_text(location->path), ret_location,
                                          reterr);
    }
    return cflight_location_of_host(strcmp(transport, "tcp") == 0 ? "grpc+tcp" : "grpc+tls",
                                    cflight_bytes_from_text(location->host),
                                    location->port < 0 ? 443 : location->port, ret_location,
                                    reterr);
}

cflight_status adbc_location_of(const char *uri, char **ret_location, cflight_error **reterr)
{
    struct cflight_location *location = NULL;
    char *converted = NULL;
    cflight_status status = cflight_location_parse(cflight_bytes_from_text(uri), &location, reterr);
    if (status == CFLIGHT_OK && names_a_driver(location->scheme)) {
        status = convert(uri, location, &converted, reterr);
    }
    cflight_location_free(location);
    if (status == CFLIGHT_OK) {
        *ret_location = strdup(converted == NULL ? uri : converted);
        if (*ret_location == NULL) {
            status = cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "out of memory");
        }
    }
    cflight_text_free(converted);
    return status;
}
