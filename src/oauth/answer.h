/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_OAUTH_ANSWER_H
#define CFL_OAUTH_ANSWER_H

#include "base/buf.h"
#include "cflight/error.h"

/* What a token server answered (RFC 6749, sections 5.1 and 5.2). All borrow from the body. */
struct cfl_oauth_answer {
    struct cflight_bytes token;
    struct cflight_bytes refresh_token; /* empty: there is none */
    int64_t lifetime_ms;                /* -1: it is not said */
    bool is_refusal_of_client;          /* the id and secret were not taken, or not found */
};

/* Reads an answer; `body` is changed. An error names the server by `uri`, and shows what it says,
 * unless one of `secrets` (NULL ends them) is in that.
 * @return UNAUTHENTICATED, UNAVAILABLE, INTERNAL, UNIMPLEMENTED: as cflight_oauth_new() tells;
 *         `is_refusal_of_client` is written with them too */
cflight_status cfl_oauth_answer_read(long http_status, struct cfl_buf *body, const char *uri,
                                     const char *const *secrets,
                                     struct cfl_oauth_answer *ret_answer, cflight_error **reterr);

#endif /* CFL_OAUTH_ANSWER_H */
