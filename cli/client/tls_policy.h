/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_CLIENT_TLS_POLICY_H
#define CFLIGHT_CLI_CLIENT_TLS_POLICY_H

#include "cflight/tls.h"
#include "cli/commands/arguments.h"

/* Whether an option of this file was given: they are the same for clients and servers. */
bool cli_has_tls_policy(const struct cli_arguments *arguments);
/* What the options demand, but for the revocation lists, which are a file. Points at the arguments.
 */
cflight_status cli_tls_policy(const struct cli_arguments *arguments,
                              struct cflight_tls_policy *ret_policy, cflight_error **reterr);

#endif /* CFLIGHT_CLI_CLIENT_TLS_POLICY_H */
