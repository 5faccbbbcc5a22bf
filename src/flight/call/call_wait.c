/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a call, under its limits. */
#include "flight/call/call_internal.h"

uint64_t cfl_call_progress_locked(const struct cfl_call *call, bool is_write)
{
    return is_write ? cfl_grpc_call_unsent_bytes(call->locked.grpc)
                    : call->locked.inbox.received_bytes;
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
