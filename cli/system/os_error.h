/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_OS_ERROR_H
#define CFLIGHT_CLI_SYSTEM_OS_ERROR_H

#include "cflight/error.h"

/* Makes the error of a failed system call on a file: "cannot <doing> '<path>': <reason>".
 * @return the status that fits `os_code`: CFLIGHT_NOT_FOUND, CFLIGHT_PERMISSION_DENIED,
 * CFLIGHT_ALREADY_EXISTS, CFLIGHT_RESOURCE_EXHAUSTED (disk, memory, descriptors), otherwise
 * CFLIGHT_UNKNOWN */
cflight_status cli_error_from_errno(cflight_error **reterr, int os_code, const char *doing,
                                    const char *path);

/* "out of memory while <doing>". @return CFLIGHT_RESOURCE_EXHAUSTED */
cflight_status cli_error_no_memory(cflight_error **reterr, const char *doing);

/* Hands an error on, or frees it if nobody asks for it. @return its status */
cflight_status cli_error_give(cflight_error *error, cflight_error **reterr);

/* Forgets an error that another one explains better. */
void cli_error_drop(cflight_error **reterr);

#endif /* CFLIGHT_CLI_SYSTEM_OS_ERROR_H */
