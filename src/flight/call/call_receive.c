/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving: waiting for messages and taking them. Thread class: one reader at a time. */
#include "base/error.h"
#include "flight/call/call_internal.h"

enum { HEADERS_PATIENCE_MS = 100 };

static bool has_inbound(void *user_data)
{
    struct cfl_call *call = user_data;
    return call->locked.inbox.message_count > 0 || call->locked.is_over ||
           call->locked.is_half_closed || call->locked.needs_connection;
}

static bool has_answer(void *user_data)
{
    struct cfl_call *call = user_data;
    return call->locked.has_answer || call->locked.is_over || call->locked.needs_connection;
}

static bool has_message_or_end(void *user_data)
{
    struct cfl_call *call = user_data;
    return call->locked.is_over || call->locked.needs_connection ||
           call->locked.inbox.message_count > 0;
}

bool cfl_call_has_inbound_locked(struct cfl_call *call)
{
    return has_inbound(call);
}

void cfl_call_want_message_locked(struct cfl_call *call, bool wants)
{
    call->locked.wants_message = wants;
    if (wants && !call->locked.is_over) {
        cfl_call_credit_arrived_locked(call);
    }
}

/* Some clients hold their data back until the server has answered with headers. Others take headers
 * for the end of an upload and go away; so headers go out early only to a client that has kept a
 * handler waiting for a while. */
static bool wait_before_headers_locked(struct cfl_call *call, bool (*is_done)(void *user_data),
                                       int64_t until_ns)
{
    if (call->locked.headers_are_sent || !call->connection->is_server ||
        !call->method->request_is_flight_data) {
        return false;
    }
    if (call->locked.headers_due_ns == 0) {
        call->locked.headers_due_ns =
            cfl_deadline_after_ms(cfl_clock_now_ns(NULL), HEADERS_PATIENCE_MS);
    }
    if (cfl_call_wait_locked(call, is_done, false,
                             cfl_deadline_earlier(until_ns, call->locked.headers_due_ns))) {
        return true;
    }
    if (cfl_clock_now_ns(NULL) >= call->locked.headers_due_ns) {
        (void)cfl_call_send_headers_locked(call, NULL);
    }
    return false;
}

static bool wait_inbound_locked(struct cfl_call *call, bool (*is_done)(void *user_data),
                                int64_t until_ns)
{
    if (is_done(call)) {
        return true;
    }
    cfl_call_want_message_locked(call, true);
    bool is_ready = wait_before_headers_locked(call, is_done, until_ns) ||
                    cfl_call_wait_locked(call, is_done, false, until_ns);
    call->locked.wants_message = call->inbound_watch.on_ready != NULL;
    return is_ready;
}

/* As above, and sends the request again when that is due. The connection is not locked before and
 * locked afterwards. */
static bool lock_and_wait(struct cfl_call *call, bool (*is_done)(void *user_data),
                          int64_t timeout_ns)
{
    int64_t until_ns = timeout_ns < 0
                           ? CFL_TIME_NEVER /* without a look at the clock for each message */
                           : cfl_deadline_after_ns(cfl_clock_now_ns(NULL), timeout_ns);
    for (bool is_late = false;;) {
        cfl_connection_lock(call->connection);
        bool is_ready = !is_late && wait_inbound_locked(call, is_done, until_ns);
        if (!is_ready || !call->locked.needs_connection) {
            return is_ready;
        }
        cfl_connection_unlock(call->connection);
        is_late = !cfl_call_restart(call, timeout_ns != 0, until_ns);
    }
}

static cflight_status take_locked(struct cfl_call *call, struct cfl_message *ret_message,
                                  cflight_error **reterr)
{
    cflight_status status = cfl_inbox_take(&call->locked.inbox, ret_message, reterr);
    call->locked.headers_due_ns = 0;
    if (status != CFLIGHT_OK) {
        cfl_call_cancel_locked(call, status, "a message could not be read");
        return status;
    }
    if (!call->locked.is_over && ret_message->credit_bytes > 0) {
        cfl_grpc_call_consume(call->locked.grpc, (size_t)ret_message->credit_bytes);
        if (cfl_grpc_wants_output(call->connection->locked.grpc)) {
            cfl_connection_kick_locked(
                call->connection); /* the peer goes on while this message is worked on */
        }
    }
    return CFLIGHT_OK;
}

/* A client that has sent everything may go away without waiting for the status (some do, once they
 * have the headers). What it sent is whole then and is read to its end, although the call is
 * cancelled. */
static bool has_sent_everything(const struct cfl_call *call)
{
    return call->locked.is_half_closed && !call->locked.is_cancelled_here && !call->locked.was_cut;
}

cflight_status cfl_call_receive(struct cfl_call *call, int64_t timeout_ns, bool *ret_is_ready,
                                bool *ret_has_message, struct cfl_message *ret_message,
                                cflight_error **reterr)
{
    cflight_status status = cfl_check_process(call->pid, reterr);
    *ret_has_message = false;
    if (status != CFLIGHT_OK) {
        if (ret_is_ready != NULL) {
            *ret_is_ready = true;
        }
        return status;
    }
    bool is_ready = lock_and_wait(call, has_inbound, timeout_ns);
    if (is_ready && call->locked.inbox.message_count > 0) {
        status = take_locked(call, ret_message, reterr);
        *ret_has_message = status == CFLIGHT_OK;
    } else if (is_ready && call->locked.is_over && call->locked.status != CFLIGHT_OK &&
               !has_sent_everything(call)) {
        status = cfl_call_failure_locked(call, reterr);
    }
    cfl_connection_unlock(call->connection);
    cfl_call_observe(call);
    if (ret_is_ready != NULL) {
        *ret_is_ready = is_ready;
    }
    return status;
}

/* Waits without taking anything. */
static cflight_status wait_until(struct cfl_call *call, bool (*is_done)(void *user_data),
                                 int64_t timeout_ns, bool *ret_is_ready, cflight_error **reterr)
{
    cflight_status status = cfl_check_process(call->pid, reterr);
    *ret_is_ready = true;
    if (status != CFLIGHT_OK) {
        return status;
    }
    *ret_is_ready = lock_and_wait(call, is_done, timeout_ns);
    if (call->locked.is_over && call->locked.inbox.message_count == 0 &&
        call->locked.status != CFLIGHT_OK) {
        status = cfl_call_failure_locked(call, reterr);
    }
    cfl_connection_unlock(call->connection);
    cfl_call_observe(call);
    return status;
}

cflight_status cfl_call_wait_answer(struct cfl_call *call, cflight_error **reterr)
{
    bool is_ready = false;
    return wait_until(call, has_answer, -1, &is_ready, reterr);
}

cflight_status cfl_call_wait_message(struct cfl_call *call, cflight_error **reterr)
{
    bool is_ready = false;
    return wait_until(call, has_message_or_end, -1, &is_ready, reterr);
}

cflight_status cfl_call_peek(struct cfl_call *call, bool *ret_is_ready, cflight_error **reterr)
{
    return wait_until(call, has_message_or_end, 0, ret_is_ready, reterr);
}

cflight_status cfl_call_finish_reading(struct cfl_call *call, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    (void)lock_and_wait(call, has_message_or_end, -1);
    while (call->locked.inbox.message_count > 0) {
        struct cfl_message message = {0};
        if (take_locked(call, &message, NULL) == CFLIGHT_OK) {
            cfl_message_done(&message);
        }
        (void)wait_inbound_locked(call, has_message_or_end, CFL_TIME_NEVER);
    }
    if (call->locked.status != CFLIGHT_OK) {
        status = cfl_call_failure_locked(call, reterr);
    }
    cfl_connection_unlock(call->connection);
    cfl_call_observe(call);
    return status;
}
