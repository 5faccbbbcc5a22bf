/* SPDX-License-Identifier: Apache-2.0 */
/* A client's request on its way: put on a connection, and on another when the server certainly did
 * not process it (call_events.c).
 *
 * Who waits for the answer does that, so nothing is restarted behind a user's back. While the
 * request is on no connection the call has no session object; whoever ends it meanwhile sets its
 * failure directly. Middleware and the user see one call. Thread class: the call's reader. */
#include "base/error.h"
#include "flight/call/call_internal.h"

/* Puts the request on the call's connection. */
static cflight_status send_locked(struct cfl_call *call, cflight_error **reterr)
{
    const struct cfl_call_request *request = call->request;
    struct cfl_grpc_call *grpc = NULL;
    bool has_message = !call->method->client_streams;
    cflight_status status = cfl_grpc_call_start(call->connection->locked.grpc, &request->params,
                                                cfl_call_handlers(), call, &grpc, reterr);
    if (call->method->request_is_flight_data || call->method->response_is_flight_data) {
        cfl_connection_offer_shares_locked(call->connection);
    }
    if (status == CFLIGHT_OK && has_message) {
        status = cfl_grpc_call_send(grpc, request->message, NULL, reterr);
    }
    if (status == CFLIGHT_OK && has_message) {
        status = cfl_grpc_call_half_close(grpc, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_grpc_call_release(grpc);
        return status;
    }
    call->locked.grpc = grpc;
    call->locked.needs_connection = false;
    call->locked.sent_count = has_message ? 1 : 0;
    call->locked.sent_bytes = has_message ? request->message.len_bytes : 0;
    CFL_COUNT(call->counts, messages_sent, call->locked.sent_count);
    CFL_COUNT(call->counts, bytes_sent, call->locked.sent_bytes);
    if (call->method->request_is_flight_data) {
        return CFLIGHT_OK; /* the headers leave with the descriptor, which follows at once */
    }
    if (request->is_of_loop) {
        cfl_connection_kick_soon_locked(call->connection);
    } else {
        cfl_connection_kick_locked(call->connection);
    }
    return CFLIGHT_OK;
}

/* Takes the caller's reference. The lock of the connection it leaves orders all that other threads
 * did to the call before. */
static void move(struct cfl_call *call, struct cfl_connection *connection)
{
    struct cfl_connection *former = call->connection;
    cfl_connection_lock(former);
    (void)pthread_mutex_lock(&call->connection_mutex);
    call->connection = connection;
    (void)pthread_mutex_unlock(&call->connection_mutex);
    cfl_connection_unlock(former);
    cfl_connection_unref(former);
}

/* What connecting for a call goes by. */
struct patience {
    bool may_wait;
    int64_t deadline_ns;
    cflight_cancel *cancel;
};

static cflight_status connect(const struct cfl_call_request *request,
                              const struct patience *patience,
                              struct cfl_connection **ret_connection, cflight_error **reterr)
{
    return request->connect(request->user_data, patience->may_wait, patience->deadline_ns,
                            patience->cancel, ret_connection, reterr);
}

/* Puts the request on `connection` (taken), or on another one when that was lost in between. Ends
 * when it is on its way, when somebody ended the call, or with a failure. */
static cflight_status put(struct cfl_call *call, struct cfl_connection *connection,
                          const struct patience *patience, cflight_error **reterr)
{
    for (;;) {
        cflight_status status = CFLIGHT_OK;
        move(call, connection);
        cfl_connection_lock(connection);
        bool is_due = call->locked.needs_connection;
        bool is_usable = cfl_connection_is_usable_locked(connection);
        if (is_due && is_usable) {
            status = send_locked(call, reterr);
        }
        cfl_connection_unlock(connection);
        if (!is_due || is_usable) {
            return status;
        }
        status = connect(call->request, patience, &connection, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
}

static int64_t connect_deadline_ns(const struct cfl_call_limits *limits)
{
    return cfl_deadline_earlier(limits->deadline_ns, limits->first_byte_ns);
}

cflight_status cfl_call_start(const struct cfl_method *method,
                              const struct cfl_call_request *request,
                              const struct cfl_call_limits *limits, bool may_wait,
                              cflight_cancel *cancel, struct cfl_call **ret_call,
                              cflight_error **reterr)
{
    struct cfl_connection *connection = NULL;
    struct patience patience = {may_wait, connect_deadline_ns(limits), cancel};
    cflight_status status = connect(request, &patience, &connection, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cfl_call *call = cfl_call_new(connection, method);
    if (call == NULL) {
        cfl_connection_unref(connection);
        return cfl_error_no_memory(reterr);
    }
    call->limits = *limits;
    call->request = request;
    call->counts = request->counts;
    call->locked.needs_connection = true;
    call->locked.restart_count = request->restart_count;
    status = put(call, connection, &patience, reterr);
    if (status != CFLIGHT_OK) {
        cfl_call_unref(call);
        return status;
    }
    *ret_call = call;
    return CFLIGHT_OK;
}

/* Lets go of the stream that was refused; false when the call was ended meanwhile. */
static bool leave(struct cfl_call *call, cflight_cancel *connecting)
{
    cfl_connection_lock(call->connection);
    bool is_due = call->locked.needs_connection;
    if (is_due) {
        cfl_grpc_call_release(call->locked.grpc);
        call->locked.grpc = NULL;
        call->locked.connecting = connecting;
    }
    cfl_connection_unlock(call->connection);
    return is_due;
}

bool cfl_call_restart(struct cfl_call *call, bool may_wait, int64_t deadline_ns)
{
    int64_t limit_ns = connect_deadline_ns(&call->limits);
    struct patience patience = {may_wait, cfl_deadline_earlier(deadline_ns, limit_ns), NULL};
    struct cfl_connection *connection = NULL;
    cflight_error *error = NULL;
    cflight_status status = may_wait ? cflight_cancel_new(&patience.cancel, &error) : CFLIGHT_OK;
    if (leave(call, patience.cancel)) {
        CFL_COUNT(call->request->client_counts, calls_resent, 1);
        if (status == CFLIGHT_OK) {
            status = connect(call->request, &patience, &connection, &error);
        }
        if (status == CFLIGHT_OK) {
            status = put(call, connection, &patience, &error);
        }
    }
    int64_t now_ns = cfl_clock_now_ns(NULL);
    bool is_late = status != CFLIGHT_OK && may_wait && now_ns >= deadline_ns && now_ns < limit_ns;
    cfl_connection_lock(call->connection);
    call->locked.connecting = NULL;
    if (status != CFLIGHT_OK && !is_late) {
        cfl_call_end_unsent_locked(call, status, error);
        error = NULL;
    }
    cfl_connection_unlock(call->connection);
    cflight_error_free(error);
    cflight_cancel_unref(patience.cancel);
    return !is_late;
}
