/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_OAUTH_HTTP_H
#define CFL_OAUTH_HTTP_H

#include "base/buf.h"
#include "cflight/error.h"

/* One form, sent by HTTP POST, by libcurl that is loaded for it. Thread class: one at a time. */

struct cfl_http;

/* What is the same for all requests; texts are borrowed as long as the object lives. */
struct cfl_http_options {
    const struct cflight_allocator *alloc;
    const char *uri;
    const char *shown_uri; /* for errors */
    struct cflight_bytes root_certs;
    int64_t timeout_ms;
};

/* Loads libcurl. @return UNIMPLEMENTED, FAILED_PRECONDITION: as cflight_oauth_new() */
cflight_status cfl_http_new(const struct cfl_http_options *options, struct cfl_http **ret_http,
                            cflight_error **reterr);
void cfl_http_free(struct cfl_http *http);
/* Sends a form; `authorization` is the value of that header, NULL for none. `body` gets what is
 * answered, whatever the HTTP status. @return UNAVAILABLE; INTERNAL (the answer is too large) */
cflight_status cfl_http_post(struct cfl_http *http, struct cflight_bytes form,
                             const char *authorization, struct cfl_buf *body, long *ret_http_status,
                             cflight_error **reterr);

#endif /* CFL_OAUTH_HTTP_H */
