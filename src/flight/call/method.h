/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_METHOD_H
#define CFL_FLIGHT_CALL_METHOD_H

#include <stdbool.h>

#include "cflight/call.h"

/* The ten methods of the Flight service (Flight.proto, service FlightService) and what sets them
 * apart. A server may have others, of CFLIGHT_METHOD_SERVICE, which are not in the table. */
struct cfl_method {
    enum cflight_method id;
    const char *name;
    const char *path;    /* ":path" of the request */
    bool client_streams; /* any number of request messages; otherwise exactly one */
    bool server_streams; /* any number of response messages; otherwise exactly one */
    bool request_is_flight_data;
    bool response_is_flight_data;
};

/* Their numbers are 1 to this, without it. */
enum { CFL_METHODS_END = CFLIGHT_METHOD_POLL_FLIGHT_INFO + 1 };

/* Never NULL for a valid id; NULL for INVALID or any other number. */
const struct cfl_method *cfl_method_get(enum cflight_method id);
/* NULL when the path is not one of the service's. */
const struct cfl_method *cfl_method_by_path(const char *path);

#endif /* CFL_FLIGHT_CALL_METHOD_H */
