/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a call, under its limits. */
#include <inttypes.h>
#include <stdio.h>

#include "base/log_limit.h"
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
        CFL_COUNT(call->connection->owner.counts, limits[CFL_LIMIT_IDLE_TIMEOUT], 1);
        (void)snprintf(
            message, sizeof message, "%s: %s for longer than the idle limit of %" PRId64 " ms",
            call->method->name, is_write ? "the peer took nothing" : "the peer sent nothing",
            call->limits.idle_timeout_ms);
    }
    if (call->connection->is_server) {
        CFL_LOG_LIMITED(CFLIGHT_LOG_WARN, "flight", "%s: %s",
                        cfl_transport_peer(call->connection->transport)->name, message);
    }
    cfl_call_cancel_locked(call, CFLIGHT_DEADLINE_EXCEEDED, message);
    cfl_connection_kick_locked(call->connection);
}

/* Others can see that a thread sleeps for the client, and since when. */
static bool show_waiting_locked(struct cfl_call *call, bool is_write, int64_t now_ns)
{
    if (!call->connection->is_server || cfl_list_is_linked(&call->locked.waiting_node)) {
        return false;
    }
    cfl_list_append(&call->connection->locked.waiting_calls, &call->locked.waiting_node);
    call->locked.waiting_since_ns = now_ns;
    call->locked.waiting_is_write = is_write;
    call->locked.waiting_progress = cfl_call_progress_locked(call, is_write);
    return true;
}

void cfl_call_end_stalled_locked(struct cfl_connection *connection, int64_t limit_ms)
{
    int64_t now_ns = cfl_clock_now_ns(NULL);
    struct cfl_list *head = &connection->locked.waiting_calls;
    struct cfl_list *next = NULL;
    for (struct cfl_list *node = head->next; node != head; node = next) {
        struct cfl_call *call = CFL_LIST_ENTRY(node, struct cfl_call, locked.waiting_node);
        next = node->next;
        bool is_late = cfl_deadline_after_ms(call->locked.waiting_since_ns, limit_ms) <= now_ns;
        if (!is_late || call->locked.is_over ||
            cfl_call_progress_locked(call, call->locked.waiting_is_write) !=
                call->locked.waiting_progress) {
            continue;
        }
        char message[160];
        (void)snprintf(message, sizeof message,
                       "%s: the client %s nothing for longer than the limit of %" PRId64
                       " ms, while others waited (contended_timeout_ms)",
                       call->method->name, call->locked.waiting_is_write ? "took" : "sent",
                       limit_ms);
        CFL_LOG_LIMITED(CFLIGHT_LOG_WARN, "flight", "%s: %s",
                        cfl_transport_peer(connection->transport)->name, message);
        CFL_COUNT(connection->owner.counts, limits[CFL_LIMIT_CONTENDED_TIMEOUT], 1);
        cfl_call_cancel_locked(call, CFLIGHT_DEADLINE_EXCEEDED, message);
    }
}

/* Who waits in pieces waits once: since when, leaving out the time between the pieces. */
static int64_t idle_since(struct cfl_idle *idle, uint64_t progress, int64_t now_ns)
{
    if (idle->progress != progress) {
        *idle = (struct cfl_idle){.progress = progress};
    }
    return now_ns - idle->waited_ns;
}

bool cfl_call_wait_locked(struct cfl_call *call, bool (*is_done)(void *user_data), bool is_write,
                          int64_t until_ns)
{
    struct cfl_idle *idle = is_write ? &call->locked.write_idle : &call->locked.read_idle;
    for (;;) {
        uint64_t progress_before = cfl_call_progress_locked(call, is_write);
        int64_t now_ns = cfl_clock_now_ns(NULL);
        int64_t begin_ns = idle_since(idle, progress_before, now_ns);
        int64_t idle_ns = call->limits.idle_timeout_ms > 0
                              ? cfl_deadline_after_ms(begin_ns, call->limits.idle_timeout_ms)
                              : CFL_TIME_NEVER;
        int64_t limit_ns = cfl_deadline_earlier(call->limits.deadline_ns, idle_ns);
        if (!call->locked.has_answer && !is_write) {
            limit_ns = cfl_deadline_earlier(limit_ns, call->limits.first_byte_ns);
        }
        bool is_shown = show_waiting_locked(call, is_write, now_ns);
        bool done = cfl_connection_wait_locked(call->connection, &call->locked.awaitable, is_done,
                                               call, cfl_deadline_earlier(until_ns, limit_ns));
        if (is_shown) {
            cfl_list_remove(&call->locked.waiting_node);
        }
        if (done) {
            idle->waited_ns = 0;
            return true;
        }
        now_ns = cfl_clock_now_ns(NULL);
        if (now_ns >= until_ns && now_ns < idle_ns) {
            idle->waited_ns = now_ns - begin_ns;
            return false;
        }
        bool is_idle = cfl_call_progress_locked(call, is_write) == progress_before;
        if (!call->locked.is_over && (is_idle || now_ns >= call->limits.deadline_ns)) {
            cfl_call_expire_locked(call, now_ns, is_write);
        }
    }
}
