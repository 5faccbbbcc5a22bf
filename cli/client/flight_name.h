/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_CLIENT_FLIGHT_NAME_H
#define CFLIGHT_CLI_CLIENT_FLIGHT_NAME_H

#include <stdbool.h>

#include "cflight/types.h"

/* How the user names a flight. */
struct cli_flight_name {
    const char *name;
    bool is_command; /* not a path */
    bool is_split;   /* at each "/" into the elements of the path */
};

/* The path or command that it means. `*ret_elements` is the memory behind the path; free() it.
 */
cflight_status cli_flight_descriptor(const struct cli_flight_name *flight,
                                     struct cflight_descriptor *ret_descriptor,
                                     struct cflight_bytes **ret_elements, cflight_error **reterr);

#endif /* CFLIGHT_CLI_CLIENT_FLIGHT_NAME_H */
