/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_LOCATION_H
#define CFLIGHT_CLI_LOCATION_H

#include <stdbool.h>

#include "cflight/error.h"

/* Completes a location that a user typed: "HOST:PORT" is short for "grpc://HOST:PORT", or
 * grpc+tls:// when `wants_tls`. What comes out has passed cli_location_check(). Free it with
 * cli_free(). */
cflight_status cli_location_complete(const char *uri, bool wants_tls, char **ret_uri,
                                     cflight_error **reterr);

/* Refuses what a location that a user typed cannot mean: schemes that nothing speaks, and parts
 * that would be dropped in silence (users, paths, queries). Messages hold nothing of a location
 * that has a user, because a password may stand there.
 * @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT, CFLIGHT_RESOURCE_EXHAUSTED */
cflight_status cli_location_check(const char *uri, cflight_error **reterr);

#endif /* CFLIGHT_CLI_LOCATION_H */
