/* SPDX-License-Identifier: Apache-2.0 */
/* Name and password for a server, over the library's kit for bearer tokens. */
#include "cli/serve/auth.h"

#include <string.h>

static void end_tokens(void *user_data, struct cflight_bytes username)
{
    struct cli_serve_auth *auth = user_data;
    auth->ended_count += cflight_bearer_auth_revoke_identity(auth->kit, username);
}

/* Names the option that would take the file all the same. */
static cflight_status refuse_writable(struct cli_serve_auth *auth, cflight_error **reterr)
{
    cflight_error *error = NULL;
    cflight_status status = cflight_password_file_refuse_writable(auth->users, &error);
    if (status != CFLIGHT_OK) {
        status = cflight_error_set(reterr, status,
                                   "%s; take that right away, or give --allow-writable-auth-file",
                                   cflight_error_message(error));
    }
    cflight_error_free(error);
    return status;
}

cflight_status cli_serve_auth_init(struct cli_serve_auth *auth, const char *path,
                                   bool may_be_writable,
                                   const struct cflight_bearer_auth_options *limits,
                                   cflight_error **reterr)
{
    struct cflight_bearer_auth_options options = *limits;
    cflight_status status = cflight_password_file_new(path, &auth->users, reterr);
    if (status == CFLIGHT_OK && !may_be_writable) {
        status = refuse_writable(auth, reterr);
    }
    if (status == CFLIGHT_OK) {
        options.verify = cflight_password_file_verify;
        options.user_data = auth->users;
        status = cflight_bearer_auth_new(&options, &auth->kit, reterr);
    }
    if (status != CFLIGHT_OK) {
        cli_serve_auth_done(auth);
        return status;
    }
    cflight_password_file_on_change(auth->users, end_tokens, auth);
    cflight_bearer_auth_server(auth->kit, &auth->handshake, &auth->middleware);
    return CFLIGHT_OK;
}

cflight_status cli_serve_auth_reload(struct cli_serve_auth *auth, size_t *ret_ended_count,
                                     cflight_error **reterr)
{
    auth->ended_count = 0;
    cflight_status status = cflight_password_file_reload(auth->users, reterr);
    *ret_ended_count = auth->ended_count;
    return status;
}

void cli_serve_auth_done(struct cli_serve_auth *auth)
{
    cflight_bearer_auth_unref(auth->kit);
    cflight_password_file_free(auth->users);
    memset(auth, 0, sizeof *auth);
}
