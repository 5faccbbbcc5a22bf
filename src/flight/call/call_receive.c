/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving: waiting for messages and taking them. Thread class: one reader at a time. */
#include "base/error.h"
#include "flight/call/call_internal.h"

static bool has_inbound(void *user_data)
{
    struct cfl_call *call = user_data;
    return call->locked.inbox.message_count > 0 || call->locked.is_over ||
           call->locked.is_half_closed;
}

static bool has_answer(void *user_data)
{
    struct cfl_call *call = user_data;
    return call->locked.has_answer || call->locked.is_over;
}

static bool has_message_or_end(void *user_data)
{
    struct cfl_call *call = user_data;
    return call->locked.is_over || call->locked.inbox.message_count > 0;
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

static bool wait_inbound_locked(struct cfl_call *call, bool (*is_done)(void *user_data),
                                int64_t timeout_ns)
{
    if (is_done(call)) {
        return true;
    }
    cfl_call_want_message_locked(call, true);
    if (call->method->request_is_flight_data) {
        /* Some clients hold their data back until the server has answered with headers. */
        (void)cfl_call_send_headers_locked(call, NULL);
    }
    bool is_ready = cfl_call_wait_locked(call, is_done, false, timeout_ns);
    call->locked.wants_message = call->inbound_watch.on_ready != NULL;
    return is_ready;
}

static cflight_status take_locked(struct cfl_call *call, struct cfl_message *ret_message,
                                  cflight_error **reterr)
{
    cflight_status status = cfl_inbox_take(&call->locked.inbox, ret_message, reterr);
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
    return call->locked.is_half_closed && !call->locked.is_cancelled_here;
}

cflight_status cfl_call_receive(struct cfl_call *call, int64_t timeout_ns, bool *ret_is_ready,
                                bool *ret_has_message, struct cfl_message *ret_message,
                                cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    *ret_has_message = false;
    cfl_connection_lock(call->connection);
    bool is_ready = wait_inbound_locked(call, has_inbound, timeout_ns);
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
                                 cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    cfl_connection_lock(call->connection);
    (void)wait_inbound_locked(call, is_done, -1);
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
    return wait_until(call, has_answer, reterr);
}

cflight_status cfl_call_wait_message(struct cfl_call *call, cflight_error **reterr)
{
    return wait_until(call, has_message_or_end, reterr);
}

cflight_status cfl_call_finish_reading(struct cfl_call *call, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    cfl_connection_lock(call->connection);
    for (;;) {
        (void)wait_inbound_locked(call, has_message_or_end, -1);
        if (call->locked.inbox.message_count == 0) {
            break;
        }
        struct cfl_message message = {0};
        if (take_locked(call, &message, NULL) == CFLIGHT_OK) {
            cfl_message_done(&message);
        }
    }
    if (call->locked.status != CFLIGHT_OK) {
        status = cfl_call_failure_locked(call, reterr);
    }
    cfl_connection_unlock(call->connection);
    cfl_call_observe(call);
    return status;
}
