/* SPDX-License-Identifier: Apache-2.0 */
/* The table of Flight's methods. Constant; thread class: free. */
#include "flight/call/method.h"

#include <stddef.h>
#include <string.h>

#define SERVICE "/arrow.flight.protocol.FlightService/"

static const struct cfl_method METHODS[] = {
    {CFLIGHT_METHOD_HANDSHAKE, "Handshake", SERVICE "Handshake", true, true, false, false},
    {CFLIGHT_METHOD_LIST_FLIGHTS, "ListFlights", SERVICE "ListFlights", false, true, false, false},
    {CFLIGHT_METHOD_GET_FLIGHT_INFO, "GetFlightInfo", SERVICE "GetFlightInfo", false, false, false,
     false},
    {CFLIGHT_METHOD_GET_SCHEMA, "GetSchema", SERVICE "GetSchema", false, false, false, false},
    {CFLIGHT_METHOD_DO_GET, "DoGet", SERVICE "DoGet", false, true, false, true},
    {CFLIGHT_METHOD_DO_PUT, "DoPut", SERVICE "DoPut", true, true, true, false},
    {CFLIGHT_METHOD_DO_ACTION, "DoAction", SERVICE "DoAction", false, true, false, false},
    {CFLIGHT_METHOD_LIST_ACTIONS, "ListActions", SERVICE "ListActions", false, true, false, false},
    {CFLIGHT_METHOD_DO_EXCHANGE, "DoExchange", SERVICE "DoExchange", true, true, true, true},
    {CFLIGHT_METHOD_POLL_FLIGHT_INFO, "PollFlightInfo", SERVICE "PollFlightInfo", false, false,
     false, false},
};

enum { METHOD_COUNT = sizeof METHODS / sizeof METHODS[0] };

const struct cfl_method *cfl_method_get(enum cflight_method id)
{
    for (size_t i = 0; i < METHOD_COUNT; i++) {
        if (METHODS[i].id == id) {
            return &METHODS[i];
        }
    }
    return NULL;
}

const struct cfl_method *cfl_method_by_path(const char *path)
{
    for (size_t i = 0; i < METHOD_COUNT; i++) {
        if (strcmp(METHODS[i].path, path) == 0) {
            return &METHODS[i];
        }
    }
    return NULL;
}

const char *cflight_method_name(enum cflight_method method)
{
    const struct cfl_method *found = cfl_method_get(method);
    return found == NULL ? "Invalid" : found->name;
}
