/* SPDX-License-Identifier: Apache-2.0 */
/* A server's call, taken on: the mirror of call_start.c. Thread class: under the connection's lock.
 */
#include "base/error.h"
#include "flight/call/call_internal.h"

cflight_status cfl_call_accept_locked(struct cfl_connection *connection,
                                      const struct cfl_method *method, struct cfl_grpc_call *grpc,
                                      struct cfl_call **ret_call, cflight_error **reterr)
{
    struct cfl_call *call = cfl_call_new(connection, method);
    if (call == NULL) {
        return cfl_error_no_memory(reterr);
    }
    call->locked.grpc = grpc;
    call->limits.deadline_ns = cfl_grpc_call_deadline_ns(grpc);
    cfl_grpc_call_accept(grpc, cfl_call_handlers(), call);
    *ret_call = call;
    return CFLIGHT_OK;
}
