/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of the operating system as statuses and messages, and errors that are handed on. Thread
 * class: free. */
#include "cli/system/os_error.h"

#include <errno.h>
#include <string.h>

static cflight_status status_from_errno(int os_code)
{
    switch (os_code) {
    case ENOENT:
    case ENOTDIR:
        return CFLIGHT_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return CFLIGHT_PERMISSION_DENIED;
    case EEXIST:
        return CFLIGHT_ALREADY_EXISTS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
        return CFLIGHT_RESOURCE_EXHAUSTED;
    default:
        return CFLIGHT_UNKNOWN;
    }
}

cflight_status cli_error_from_errno(cflight_error **reterr, int os_code, const char *doing,
                                    const char *path)
{
    char reason[128] = "unknown error";
    (void)strerror_r(os_code, reason, sizeof reason);
    return cflight_error_set(reterr, status_from_errno(os_code), "cannot %s '%s': %s", doing, path,
                             reason);
}

cflight_status cli_error_no_memory(cflight_error **reterr, const char *doing)
{
    return cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "out of memory while %s", doing);
}

cflight_status cli_error_give(cflight_error *error, cflight_error **reterr)
{
    cflight_status status = cflight_error_status(error);
    if (error != NULL && reterr != NULL) {
        *reterr = error;
    } else {
        cflight_error_free(error);
    }
    return status;
}

void cli_error_drop(cflight_error **reterr)
{
    if (reterr != NULL) {
        cflight_error_free(*reterr);
        *reterr = NULL;
    }
}
