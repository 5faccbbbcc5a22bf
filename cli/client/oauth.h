/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_CLIENT_OAUTH_H
#define CFLIGHT_CLI_CLIENT_OAUTH_H

#include "cflight/oauth.h"

/* Reads a file that says where a client gets its tokens: lines of NAME = VALUE, with the names of
 * cflight_oauth_options_set(), and root_certs_file, whose value is the path of certificates (PEM).
 * Empty lines, and those that begin with '#', do not count. Errors name the line, never a value.
 * @return as cflight_oauth_new(), and what reading files says */
cflight_status cli_oauth_read(const char *path, cflight_token_cache **ret_tokens,
                              cflight_error **reterr);

#endif /* CFLIGHT_CLI_CLIENT_OAUTH_H */
