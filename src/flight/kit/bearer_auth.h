/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_KIT_BEARER_AUTH_H
#define CFL_FLIGHT_KIT_BEARER_AUTH_H

#include "base/clock.h"
#include "cflight/bearer_auth.h"

/* As cflight_bearer_auth_new(), with the clock that tests set; NULL is the operating system's. */
cflight_status cfl_bearer_auth_new(const struct cflight_bearer_auth_options *options,
                                   const struct cfl_clock *clock, cflight_bearer_auth **ret_auth,
                                   cflight_error **reterr);
/* What the middleware knows of a call. */
struct cfl_bearer_call {
    struct cflight_bytes authorization; /* value of the header */
    const char *peer;                   /* cflight_server_context_peer() */
    bool is_handshake;
};

/* What the middleware does with a call, apart from the server. `token` receives the text of a fresh
 * token, or "". The caller owns the identity. */
cflight_status cfl_bearer_auth_check(cflight_bearer_auth *auth, const struct cfl_bearer_call *call,
                                     char *token, cflight_buffer **ret_identity,
                                     cflight_error **reterr);

#endif /* CFL_FLIGHT_KIT_BEARER_AUTH_H */
