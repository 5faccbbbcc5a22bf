/* SPDX-License-Identifier: Apache-2.0 */
/* The client's connection: made when first needed, by one thread for all, and made again after it
 * was lost.
 *
 * Before an idle connection is used again it is looked at, so that a close or a GOAWAY that arrived
 * meanwhile is seen before a request is put on it. Lock order: the client's mutex is never held
 * while connecting, nor under a connection's. Thread class: free. */

#include "base/error.h"
#include "base/process.h"
#include "flight/call/cancel.h"
#include "flight/client/client_spread.h"

/* A connection that turned out to be spent is let go of. */
static void forget(struct cflight_client *client, struct cfl_connection *connection)
{
    bool was_ours = false;
    (void)pthread_mutex_lock(&client->mutex);
    if (client->locked.connection == connection) {
        client->locked.connection = NULL;
        was_ours = true;
    }
    (void)pthread_mutex_unlock(&client->mutex);
    if (was_ours) {
        cfl_connection_unref(connection);
    }
}

/* Waits for another thread's dial to end. */
static cflight_status wait_dialled_locked(struct cflight_client *client, int64_t deadline_ns,
                                          cflight_cancel *cancel, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    while (status == CFLIGHT_OK && client->locked.is_dialling && !client->locked.is_closed) {
        status = cfl_client_wait_dialled_locked(client, deadline_ns, cancel, reterr);
    }
    return status;
}

/* Connects, or takes the connection to one of several addresses. */
static cflight_status dial(struct cflight_client *client, int64_t deadline_ns,
                           cflight_cancel *cancel, struct cfl_connection **ret_connection,
                           cflight_error **reterr)
{
    const struct cfl_route own = {.kind = CFL_ROUTE_OWN};
    const struct cfl_client_limit limit = {"the call's limit", deadline_ns};
    return client->spread == NULL
               ? cfl_client_dial(client, NULL, &limit, cancel, ret_connection, reterr)
               : cfl_spread_connection(client, own, deadline_ns, cancel, ret_connection, reterr);
}

/* Makes the connection for everybody. */
static cflight_status dial_for_all(struct cflight_client *client, int64_t deadline_ns,
                                   cflight_cancel *cancel, struct cfl_connection **ret_connection,
                                   cflight_error **reterr)
{
    struct cfl_connection *connection = NULL;
    cflight_status status = dial(client, deadline_ns, cancel, &connection, reterr);
    (void)pthread_mutex_lock(&client->mutex);
    client->locked.is_dialling = false;
    bool is_closed = client->locked.is_closed;
    if (status == CFLIGHT_OK && !is_closed) {
        client->locked.connection = cfl_connection_ref(connection);
        if (client->locked.loop_set != NULL) {
            /* Without memory the loop takes it up when it asks next. */
            (void)cfl_loop_set_add(client->locked.loop_set, connection);
        }
    }
    (void)pthread_cond_broadcast(&client->locked.dialled);
    (void)pthread_mutex_unlock(&client->mutex);
    if (status == CFLIGHT_OK && is_closed) {
        cfl_connection_unref(connection);
        return cfl_client_fail_closed(reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_connection = connection;
    }
    return status;
}

static cflight_status check_process(const struct cflight_client *client, cflight_error **reterr)
{
    if (client->pid != cfl_process_id()) {
        return cflight_error_set(
            reterr, CFLIGHT_FAILED_PRECONDITION,
            "this client was made by process %ld before a fork; make a new one in the child",
            (long)client->pid);
    }
    return CFLIGHT_OK;
}

/* The client's own connection, or the one that is to be it; NULL when there is none. */
static cflight_status take_own(struct cflight_client *client,
                               struct cfl_connection **ret_connection, cflight_error **reterr)
{
    (void)pthread_mutex_lock(&client->mutex);
    bool is_closed = client->locked.is_closed;
    struct cfl_connection *connection = client->locked.connection;
    if (connection != NULL) {
        cfl_connection_ref(connection);
    }
    (void)pthread_mutex_unlock(&client->mutex);
    if (is_closed) {
        cfl_connection_unref(connection);
        return cfl_client_fail_closed(reterr);
    }
    *ret_connection = connection;
    return CFLIGHT_OK;
}

static cflight_status fail_unconnected(struct cflight_client *client, cflight_error **reterr)
{
    cflight_status status = cflight_error_set(reterr, CFLIGHT_UNAVAILABLE, "not connected to %s",
                                              client->location->uri);
    if (reterr != NULL) {
        cfl_error_set_retry(*reterr, CFLIGHT_RETRY_SAFE);
    }
    return status;
}

cflight_status cfl_client_connection_at_hand(struct cflight_client *client, struct cfl_route route,
                                             struct cfl_connection **ret_connection,
                                             cflight_error **reterr)
{
    struct cfl_connection *connection = NULL;
    cflight_status status = check_process(client, reterr);
    if (status == CFLIGHT_OK) {
        status = take_own(client, &connection, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (route.kind != CFL_ROUTE_OWN && client->spread != NULL) {
        cfl_connection_unref(connection);
        return cfl_spread_at_hand(client, route, ret_connection) ? CFLIGHT_OK
                                                                 : fail_unconnected(client, reterr);
    }
    if (connection != NULL && cfl_client_is_fit(connection)) {
        *ret_connection = connection;
        return CFLIGHT_OK;
    }
    if (connection != NULL) {
        forget(client, connection);
        cfl_connection_unref(connection);
    }
    return fail_unconnected(client, reterr);
}

cflight_status cfl_client_connection(struct cflight_client *client, struct cfl_route route,
                                     int64_t deadline_ns, cflight_cancel *cancel,
                                     struct cfl_connection **ret_connection, cflight_error **reterr)
{
    cflight_status process_status = check_process(client, reterr);
    if (process_status != CFLIGHT_OK) {
        return process_status;
    }
    if (cflight_cancel_is_triggered(cancel)) {
        return cflight_error_set_message(reterr, CFLIGHT_CANCELLED,
                                         "the call was cancelled before it started");
    }
    if (route.kind != CFL_ROUTE_OWN && client->spread != NULL) {
        return cfl_spread_connection(client, route, deadline_ns, cancel, ret_connection, reterr);
    }
    for (;;) {
        (void)pthread_mutex_lock(&client->mutex);
        cflight_status status = wait_dialled_locked(client, deadline_ns, cancel, reterr);
        if (status == CFLIGHT_OK && client->locked.is_closed) {
            status = cfl_client_fail_closed(reterr);
        }
        struct cfl_connection *connection = client->locked.connection;
        bool must_dial = status == CFLIGHT_OK && connection == NULL;
        client->locked.is_dialling = client->locked.is_dialling || must_dial;
        if (status == CFLIGHT_OK && connection != NULL) {
            cfl_connection_ref(connection);
        }
        (void)pthread_mutex_unlock(&client->mutex);
        if (status != CFLIGHT_OK) {
            return status;
        }
        if (must_dial) {
            return dial_for_all(client, deadline_ns, cancel, ret_connection, reterr);
        }
        if (cfl_client_is_fit(connection)) {
            *ret_connection = connection;
            return CFLIGHT_OK;
        }
        forget(client, connection);
        cfl_connection_unref(connection);
    }
}
