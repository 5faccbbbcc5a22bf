/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_OAUTH_H
#define CFLIGHT_ADBC_DRIVER_OAUTH_H

#include "adbc/driver/error.h"
#include "cflight/oauth.h"

/* What a database is told of OAuth, by the keys of the drivers in Go and in Java, and the tokens
 * that its connections share. */

struct adbc_oauth_option {
    char *key;
    char *value;
};

struct adbc_oauth {
    struct adbc_oauth_option *options; /* in the order of setting: the last of a key counts */
    size_t option_count;
    cflight_token_cache *tokens; /* NULL without options */
};

/* Keeps an option. Unknown ones and flows are NOT_IMPLEMENTED. @param value  Copied. */
AdbcStatusCode adbc_oauth_set(struct adbc_oauth *oauth, const char *key, const char *value,
                              struct AdbcError *error);
/* Looks at all options together. No server is asked: the first call of a connection does.
 * @param limit_ms  On asking once. */
AdbcStatusCode adbc_oauth_start(struct adbc_oauth *oauth, int64_t limit_ms,
                                struct AdbcError *error);
void adbc_oauth_done(struct adbc_oauth *oauth);

#endif /* CFLIGHT_ADBC_DRIVER_OAUTH_H */
