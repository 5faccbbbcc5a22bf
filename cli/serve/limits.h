/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SERVE_LIMITS_H
#define CFLIGHT_CLI_SERVE_LIMITS_H

#include "cflight/server.h"
#include "cli/commands/arguments.h"

/* Takes what the options of `cflight serve` say about how much clients may have, and for how long;
 * what is not given keeps the library's default. @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT (a
 * number is larger than its limit can be) */
cflight_status cli_serve_limits(const struct cli_arguments *arguments,
                                struct cflight_server_options *options, cflight_error **reterr);

/* Lets the process have as many descriptors as the system allows it: each connection is one, and
 * each download. Tells on standard error when it may not. */
void cli_serve_raise_descriptors(void);

#endif /* CFLIGHT_CLI_SERVE_LIMITS_H */
