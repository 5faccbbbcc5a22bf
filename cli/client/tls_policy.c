/* SPDX-License-Identifier: Apache-2.0 */
/* Options that clients and servers have in common: versions and ciphers of TLS. */
#include "cli/client/tls_policy.h"

#include <string.h>

bool cli_has_tls_policy(const struct cli_arguments *arguments)
{
    return cli_has(arguments, CLI_OPTION_TLS_CRL) ||
           cli_has(arguments, CLI_OPTION_TLS_MIN_VERSION) ||
           cli_has(arguments, CLI_OPTION_TLS12_CIPHERS) ||
           cli_has(arguments, CLI_OPTION_TLS13_CIPHERS);
}

cflight_status cli_tls_policy(const struct cli_arguments *arguments,
                              struct cflight_tls_policy *ret_policy, cflight_error **reterr)
{
    const char *version = arguments->values[CLI_OPTION_TLS_MIN_VERSION];
    *ret_policy = (struct cflight_tls_policy){
        .tls12_ciphers = arguments->values[CLI_OPTION_TLS12_CIPHERS],
        .tls13_ciphers = arguments->values[CLI_OPTION_TLS13_CIPHERS],
    };
    if (version == NULL || strcmp(version, "1.2") == 0) {
        return CFLIGHT_OK;
    }
    if (strcmp(version, "1.3") != 0) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "--tls-min-version is 1.2 or 1.3, not '%s'", version);
    }
    ret_policy->min_version = CFLIGHT_TLS_VERSION_1_3;
    return CFLIGHT_OK;
}
