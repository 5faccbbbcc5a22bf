/* SPDX-License-Identifier: Apache-2.0 */
/* How a call ends from this side: cancelled, out of time, or finished by a handler.
 *
 * A call has one failure: the first that is noted, whoever caused it, and every later operation
 * returns it. Thread class: free. */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "flight/call/call_internal.h"
#include "flight/value/error_wire.h"

cflight_status cfl_call_failure_locked(struct cfl_call *call, cflight_error **reterr)
{
    if (reterr != NULL) {
        cflight_error_free(*reterr);
        *reterr = cfl_error_copy(call->locked.error);
        if (*reterr == NULL) {
            return cflight_error_set_message(reterr, call->locked.status, "the call is over");
        }
    }
    return call->locked.status;
}

void cfl_call_end_unsent_locked(struct cfl_call *call, cflight_status status, cflight_error *error)
{
    if (!call->locked.needs_connection) {
        cflight_error_free(error);
        return;
    }
    cfl_error_set_operation(error, call->method->name);
    cflight_error_free(call->locked.error);
    call->locked.error = error;
    call->locked.status = status;
    call->locked.needs_connection = false;
    call->locked.has_answer = true;
    call->locked.is_over = true;
}

void cfl_call_cancel_locked(struct cfl_call *call, cflight_status status, const char *message)
{
    if (call->locked.needs_connection) {
        cflight_error *error = NULL;
        (void)cflight_error_set_message(&error, status, message);
        cflight_error_set_flight_code(error, cfl_flight_code_of(status));
        cfl_call_end_unsent_locked(call, status, error);
    } else if (!call->locked.is_over) {
        call->locked.is_cancelled_here = true;
        call->connection->locked.has_given_up = !call->connection->is_server;
        cfl_grpc_call_cancel(call->locked.grpc, status, message);
    }
}

void cfl_call_cancel(struct cfl_call *call, cflight_status status, const char *message)
{
    struct cfl_connection *connection = cfl_call_lock(call);
    cfl_call_cancel_locked(call, status, message);
    cflight_cancel *connecting = cflight_cancel_ref(call->locked.connecting);
    cfl_connection_kick_locked(connection);
    cfl_call_unlock(connection);
    cflight_cancel_trigger(connecting);
    cflight_cancel_unref(connecting);
}

void cfl_call_expire_locked(struct cfl_call *call, int64_t now_ns, bool is_write)
{
    char message[160];
    if (now_ns >= call->limits.deadline_ns && call->limits.timeout_ms > 0) {
        (void)snprintf(message, sizeof message, "%s took longer than the limit of %" PRId64 " ms",
                       call->method->name, call->limits.timeout_ms);
    } else if (now_ns >= call->limits.deadline_ns) {
        (void)snprintf(message, sizeof message, "the call's deadline passed");
    } else if (now_ns >= call->limits.first_byte_ns && !call->locked.has_answer) {
        (void)snprintf(message, sizeof message,
                       "%s: no answer within the first-byte limit of %" PRId64 " ms",
                       call->method->name, call->limits.first_byte_timeout_ms);
    } else {
        (void)snprintf(
            message, sizeof message, "%s: %s for longer than the idle limit of %" PRId64 " ms",
            call->method->name, is_write ? "the peer took nothing" : "the peer sent nothing",
            call->limits.idle_timeout_ms);
    }
    cfl_call_cancel_locked(call, CFLIGHT_DEADLINE_EXCEEDED, message);
    cfl_connection_kick_locked(call->connection);
}

void cfl_call_finish(struct cfl_call *call, cflight_status status, const char *message,
                     const struct cfl_metadata *trailers)
{
    cfl_connection_lock(call->connection);
    if (!call->locked.is_over) {
        if (call->response_headers != NULL && call->response_headers->count > 0) {
            (void)cfl_call_send_headers_locked(call,
                                               NULL); /* else the reply may be Trailers-Only */
        }
        cfl_grpc_call_finish(call->locked.grpc, status, message, trailers);
    }
    cfl_connection_kick_locked(call->connection);
    cfl_connection_unlock(call->connection);
}
