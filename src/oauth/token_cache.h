/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_OAUTH_TOKEN_CACHE_H
#define CFL_OAUTH_TOKEN_CACHE_H

#include "base/clock.h"
#include "cflight/oauth.h"

/* As cflight_token_cache_new(), with the clock of a test, which must outlive it. */
cflight_status cfl_token_cache_new(const struct cflight_token_source *source,
                                   const struct cfl_clock *clock, cflight_token_cache **ret_cache,
                                   cflight_error **reterr);

#endif /* CFL_OAUTH_TOKEN_CACHE_H */
