/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_CLIENT_LOCATION_H
#define CFLIGHT_CLI_CLIENT_LOCATION_H

#include <stdbool.h>

#include "cflight/error.h"

/* Completes a location that a user typed: "HOST:PORT" is short for "grpc://HOST:PORT", or
 * grpc+tls:// when `wants_tls`. Refuses what it cannot mean: schemes that nothing speaks, and parts
 * that would be dropped in silence (users, paths, queries). A port may be missing only behind a
 * scheme, and not where one is listened on (`is_listener`): a bare word is a name in the wrong
 * place more often than a host. Messages hold nothing of a location that has a user, because a
 * password may stand there. Free the result with free().
 * @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT, CFLIGHT_RESOURCE_EXHAUSTED */
cflight_status cli_location_complete(const char *uri, bool wants_tls, bool is_listener,
                                     char **ret_uri, cflight_error **reterr);

/* Tells whether only this machine reaches a host: "localhost" or a loopback address in digits.
 * Other names count as reachable, whatever they stand for. */
bool cli_host_is_loopback(const char *host);

#endif /* CFLIGHT_CLI_CLIENT_LOCATION_H */
