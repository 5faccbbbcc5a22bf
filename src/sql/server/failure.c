/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of the kit: what the application's functions fail with, and limits that are reached.
 * Thread class: free. */
#include "sql/server/kit.h"

cflight_status cfl_sql_failure(cflight_status status, const cflight_sql_call *call,
                               const char *function, cflight_error **reterr)
{
    if (status == CFLIGHT_OK) {
        return CFLIGHT_OK;
    }
    if (call != NULL && atomic_load(&call->is_cancelled)) {
        return cflight_error_set_message(reterr, CFLIGHT_CANCELLED, "The statement was cancelled");
    }
    if (reterr != NULL && *reterr == NULL) {
        return cflight_error_set(reterr, status, "%s failed", function);
    }
    return status;
}

cflight_status cfl_sql_limit(cflight_error **reterr, const char *option, uint64_t limit,
                             const char *what)
{
    return cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                             "%s: the server's limit %s is %llu", what, option,
                             (unsigned long long)limit);
}
