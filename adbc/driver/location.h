/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_LOCATION_H
#define CFLIGHT_ADBC_DRIVER_LOCATION_H

#include "cflight/error.h"

/* Makes a location of the library of what programs give as a URI: flightsql://HOST:PORT (TLS),
 * with ?transport=tls, tcp, or unix (flightsql:///PATH?transport=unix); the same with cflight, the
 * driver's name; or what is a location already. Thread class: free.
 * @param ret_location  To be given to free().
 * @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT, CFLIGHT_RESOURCE_EXHAUSTED */
cflight_status adbc_location_of(const char *uri, char **ret_location, cflight_error **reterr);

#endif /* CFLIGHT_ADBC_DRIVER_LOCATION_H */
