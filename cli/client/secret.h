/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_CLIENT_SECRET_H
#define CFLIGHT_CLI_CLIENT_SECRET_H

#include "cli/system/text.h"

/* Passwords and tokens. Each function fills an empty text, for cli_text_wipe() in any case. */

/* The first line of a file, without its end. @return as cli_error_from_errno(),
 * CFLIGHT_INVALID_ARGUMENT (empty, or too long to be a secret) */
cflight_status cli_secret_read_file(struct cli_text *secret, const char *path,
                                    cflight_error **reterr);

/* Asks on the terminal, without showing what is typed. @return CFLIGHT_OK,
 * CFLIGHT_FAILED_PRECONDITION (there is no terminal), CFLIGHT_CANCELLED (interrupted) */
cflight_status cli_secret_ask(struct cli_text *secret, const char *prompt, cflight_error **reterr);

/* A copy of a text, which may be empty. */
cflight_status cli_secret_copy(struct cli_text *secret, const char *text, cflight_error **reterr);

#endif /* CFLIGHT_CLI_CLIENT_SECRET_H */
