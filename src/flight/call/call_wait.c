/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a call, under its limits. */
#include <inttypes.h>
#include <stdio.h>

#include "flight/call/call_internal.h"

uint64_t cfl_call_progress_locked(const struct cfl_call *call, bool is_write)
{
    return is_write ? cfl_grpc_call_unsent_bytes(call->locked.grpc)
                    : call->locked.inbox.received_bytes;
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

bool cfl_call_wait_locked(struct cfl_call *call, bool (*is_done)(void *user_data), bool is_write,
                          int64_t until_ns)
{
    for (;;) {
        uint64_t progress_before = cfl_call_progress_locked(call, is_write);
        int64_t now_ns = cfl_clock_now_ns(NULL);
        int64_t idle_ns = call->limits.idle_timeout_ms > 0
                              ? cfl_deadline_after_ms(now_ns, call->limits.idle_timeout_ms)
                              : CFL_TIME_NEVER;
        int64_t limit_ns = cfl_deadline_earlier(call->limits.deadline_ns, idle_ns);
        if (!call->locked.has_answer && !is_write) {
            limit_ns = cfl_deadline_earlier(limit_ns, call->limits.first_byte_ns);
        }
        if (cfl_connection_wait_locked(call->connection, is_done, call,
                                       cfl_deadline_earlier(until_ns, limit_ns))) {
            return true;
        }
        now_ns = cfl_clock_now_ns(NULL);
        if (now_ns >= until_ns) {
            return false;
        }
        bool is_idle = cfl_call_progress_locked(call, is_write) == progress_before;
        if (!call->locked.is_over && (is_idle || now_ns >= call->limits.deadline_ns)) {
            cfl_call_expire_locked(call, now_ns, is_write);
        }
    }
}
