/* SPDX-License-Identifier: Apache-2.0 */
/* Name and password for a server, over the library's kit for bearer tokens. */
#include "cli/serve_auth.h"

#include <string.h>

cflight_status cli_serve_auth_init(struct cli_serve_auth *ret_auth, const char *path,
                                   cflight_error **reterr)
{
    struct cflight_bearer_auth_options options = CFLIGHT_BEARER_AUTH_OPTIONS_INIT;
    struct cli_serve_auth auth = {0};
    cflight_status status = cflight_password_file_new(path, &auth.users, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    options.verify = cflight_password_file_verify;
    options.user_data = auth.users;
    status = cflight_bearer_auth_new(&options, &auth.kit, reterr);
    if (status != CFLIGHT_OK) {
        cli_serve_auth_done(&auth);
        return status;
    }
    cflight_bearer_auth_server(auth.kit, &auth.handshake, &auth.middleware);
    *ret_auth = auth;
    return CFLIGHT_OK;
}

void cli_serve_auth_use(const struct cli_serve_auth *auth, struct cflight_server_options *options)
{
    if (auth->kit != NULL) {
        options->auth = &auth->handshake;
        options->middleware = &auth->middleware;
        options->middleware_count = 1;
    }
}

cflight_status cli_serve_auth_reload(struct cli_serve_auth *auth, cflight_error **reterr)
{
    return auth->users == NULL ? CFLIGHT_OK : cflight_password_file_reload(auth->users, reterr);
}

void cli_serve_auth_done(struct cli_serve_auth *auth)
{
    cflight_bearer_auth_unref(auth->kit);
    cflight_password_file_free(auth->users);
    memset(auth, 0, sizeof *auth);
}
