/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SERVE_AUTH_H
#define CFLIGHT_CLI_SERVE_AUTH_H

#include "cflight/bearer_auth.h"
#include "cflight/server.h"

/* The users of a server, from a file of names and password hashes. Empty when everybody may call.
 * Must outlive the server. */
struct cli_serve_auth {
    cflight_password_file *users;
    size_t ended_count; /* tokens that the reload under way has ended */
    cflight_bearer_auth *kit;
    struct cflight_server_auth handshake;
    struct cflight_server_middleware middleware;
};

/* Reads the file and makes the tables; `auth` is empty and must stay where it is. A file that
 * others may write is refused unless `may_be_writable`. @return as cflight_password_file_new() and
 * cflight_password_file_refuse_writable() */
cflight_status cli_serve_auth_init(struct cli_serve_auth *auth, const char *path,
                                   bool may_be_writable,
                                   const struct cflight_bearer_auth_options *limits,
                                   cflight_error **reterr);

/* Reads the file again and logs those out who are gone or have another password; after a failure
 * the former users stay. `*ret_ended_count` is the number of tokens that ended. */
cflight_status cli_serve_auth_reload(struct cli_serve_auth *auth, size_t *ret_ended_count,
                                     cflight_error **reterr);
void cli_serve_auth_done(struct cli_serve_auth *auth);

#endif /* CFLIGHT_CLI_SERVE_AUTH_H */
