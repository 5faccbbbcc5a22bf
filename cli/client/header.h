/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_CLIENT_HEADER_H
#define CFLIGHT_CLI_CLIENT_HEADER_H

#include <stddef.h>

#include "cflight/error.h"

/* Checks a header that a user gave as "NAME: VALUE", so that a mistake is told before anything is
 * sent. The message never holds the value, which may be a secret.
 * @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT (what was found, and what is expected) */
cflight_status cli_header_split(const char *line, size_t *ret_name_len_bytes,
                                const char **ret_value, cflight_error **reterr);

#endif /* CFLIGHT_CLI_CLIENT_HEADER_H */
