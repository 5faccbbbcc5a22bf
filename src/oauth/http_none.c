/* SPDX-License-Identifier: Apache-2.0 */
/* In the place of http.c where libcurl's headers were not there when the library was built. */
#include "oauth/http.h"

#ifndef CFL_HAS_LIBCURL

cflight_status cfl_http_new(const struct cfl_http_options *options, struct cfl_http **ret_http,
                            cflight_error **reterr)
{
    (void)options;
    (void)ret_http;
    return cflight_error_set_message(
        reterr, CFLIGHT_UNIMPLEMENTED,
        "this build of cflight cannot ask for OAuth tokens: it was made without libcurl's headers");
}

void cfl_http_free(struct cfl_http *http)
{
    (void)http;
}

cflight_status cfl_http_post(struct cfl_http *http, struct cflight_bytes form,
                             const char *authorization, struct cfl_buf *body, long *ret_http_status,
                             cflight_error **reterr)
{
    (void)http;
    (void)form;
    (void)authorization;
    (void)body;
    (void)ret_http_status;
    return cflight_error_set_message(reterr, CFLIGHT_UNIMPLEMENTED, "built without libcurl");
}

#endif
