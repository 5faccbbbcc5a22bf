/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_CLIENT_SECRET_H
#define CFLIGHT_CLI_CLIENT_SECRET_H

#include "cflight/error.h"

/* Passwords and tokens. Each function gives a text to be freed with cli_secret_free(), which wipes
 * it. */

/* The first line of a file, without its end. @return as cli_error_from_errno(),
 * CFLIGHT_INVALID_ARGUMENT (empty, or too long to be a secret) */
cflight_status cli_secret_read_file(char **ret_secret, const char *path, cflight_error **reterr);

/* Asks on the terminal, without showing what is typed. @return CFLIGHT_OK,
 * CFLIGHT_FAILED_PRECONDITION (there is no terminal), CFLIGHT_CANCELLED (interrupted) */
cflight_status cli_secret_ask(char **ret_secret, const char *prompt, cflight_error **reterr);

void cli_secret_free(char *secret);

#endif /* CFLIGHT_CLI_CLIENT_SECRET_H */
