/* SPDX-License-Identifier: Apache-2.0 */
/* The client's connection: made when first needed, by one thread for all, and made again after it
 * was lost.
 *
 * Before an idle connection is used again it is looked at, so that a close or a GOAWAY that arrived
 * meanwhile is seen before a request is put on it. Lock order: the client's mutex is never held
 * while connecting, nor under a connection's. Thread class: free. */
#include <unistd.h>

#include "base/blocking.h"
#include "base/condition.h"
#include "base/error.h"
#include "flight/call/cancel.h"
#include "flight/client/client.h"
#include "flight/client/idle_watch.h"
#include "flight/value/values.h"

enum { CANCEL_CHECK_MS = 20 };

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

static bool is_fit(struct cfl_connection *connection)
{
    cfl_connection_lock(connection);
    bool is_idle =
        !connection->locked.is_driven && cfl_grpc_call_count(connection->locked.grpc) == 0;
    cfl_connection_unlock(connection);
    if (is_idle) {
        cfl_connection_process(connection);
    }
    cfl_connection_lock(connection);
    bool is_usable = cfl_connection_is_usable_locked(connection);
    cfl_connection_unlock(connection);
    return is_usable;
}

/* Makes the connection, which is listened on while nobody drives it. Takes the transport on
 * success. */
static cflight_status take_transport(struct cflight_client *client, struct cfl_transport *transport,
                                     struct cfl_connection **ret_connection, cflight_error **reterr)
{
    struct cfl_connection_owner owner = {.user_data = NULL};
    cflight_status status = CFLIGHT_OK;
    if (!client->options.idle_watch_is_off) {
        if (!client->is_counted) {
            cfl_idle_watch_join();
            client->is_counted = true;
        }
        status = cfl_idle_watch_owner(&owner, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_connection_new(client->alloc, CFL_GRPC_CLIENT, &client->limits, client->pool,
                                    transport, &client->keepalive, NULL, NULL, &owner,
                                    ret_connection, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_idle_watch_discard(&owner);
    }
    return status;
}

/* A reference to the settings of now; NULL for plain. */
static struct cfl_tls_client *take_tls(struct cflight_client *client)
{
    (void)pthread_mutex_lock(&client->mutex);
    struct cfl_tls_client *tls = cfl_tls_client_ref(client->locked.tls);
    (void)pthread_mutex_unlock(&client->mutex);
    return tls;
}

/* Reaches the server: TCP, the proxy, TLS. */
static cflight_status reach(struct cflight_client *client, const struct cfl_client_limit *limit,
                            cflight_cancel *cancel, struct cfl_transport **ret_transport,
                            cflight_error **reterr)
{
    if (client->stray_tls != NULL) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "%s: the location %s is not of TLS (grpc+tls://...)",
                                 client->stray_tls, client->location->uri);
    }
    bool is_unix = cfl_location_kind(client->location) == CFL_LOCATION_UNIX;
    struct cfl_dial_target target = {
        .host = is_unix ? NULL : client->location->host,
        .port = is_unix ? 0 : (uint16_t)client->port,
        .unix_path = is_unix ? client->location->path : NULL,
        .tls = take_tls(client),
        .tls_name = client->tls_name,
        .proxy = client->proxy,
        .limit_name = limit->name,
    };
    cfl_blocking_begin();
    cflight_status status = cfl_dial(client->alloc, &target, limit->deadline_ns, NULL,
                                     cfl_cancel_fd(cancel), ret_transport, reterr);
    cfl_blocking_end();
    cfl_tls_client_unref(target.tls);
    return status;
}

static void set_retry_safe(cflight_status status, cflight_error **reterr)
{
    if (reterr != NULL && status != CFLIGHT_OK && status != CFLIGHT_CANCELLED) {
        cfl_error_set_retry(*reterr, CFLIGHT_RETRY_SAFE);
    }
}

/* Leaves the connection to the client's loop, if it has one, rather than to the idle watch. */
static void assign(struct cflight_client *client, struct cfl_connection *connection)
{
    (void)pthread_mutex_lock(&client->mutex);
    bool is_for_loop = client->locked.loop_set != NULL;
    (void)pthread_mutex_unlock(&client->mutex);
    if (is_for_loop) {
        cfl_connection_lock(connection);
        (void)cfl_connection_loop_fd_locked(connection);
        cfl_connection_unlock(connection);
    }
}

static cflight_status dial(struct cflight_client *client, int64_t deadline_ns,
                           cflight_cancel *cancel, struct cfl_connection **ret_connection,
                           cflight_error **reterr)
{
    struct cfl_transport *transport = NULL;
    struct cfl_connection *connection = NULL;
    struct cfl_client_limit limit = {
        "the connect timeout",
        cfl_deadline_after_ms(cfl_clock_now_ns(NULL), client->options.connect_timeout_ms)};
    if (deadline_ns < limit.deadline_ns) {
        limit = (struct cfl_client_limit){"the call's limit", deadline_ns};
    }
    cflight_status status = reach(client, &limit, cancel, &transport, reterr);
    if (status != CFLIGHT_OK) {
        CFL_COUNT(client->counts, connections_failed, 1);
        set_retry_safe(status, reterr);
        return status;
    }
    status = take_transport(client, transport, &connection, reterr);
    if (status != CFLIGHT_OK) {
        cfl_transport_free(transport);
        return status;
    }
    assign(client, connection);
    status = cfl_client_await_welcome(client, connection, &limit, cancel, reterr);
    if (status != CFLIGHT_OK) {
        CFL_COUNT(client->counts, connections_failed, 1);
        set_retry_safe(status, reterr);
        cfl_connection_unref(connection);
        return status;
    }
    CFL_COUNT(client->counts, connections_made, 1);
    *ret_connection = connection;
    return CFLIGHT_OK;
}

static cflight_status fail_closed(cflight_error **reterr)
{
    return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION, "FlightClient is closed");
}

/* Waits for another thread's dial to end. */
static cflight_status wait_dialled_locked(struct cflight_client *client, int64_t deadline_ns,
                                          cflight_cancel *cancel, cflight_error **reterr)
{
    while (client->locked.is_dialling && !client->locked.is_closed) {
        int64_t now_ns = cfl_clock_now_ns(NULL);
        if (cflight_cancel_is_triggered(cancel)) {
            return cflight_error_set_message(reterr, CFLIGHT_CANCELLED,
                                             "the call was cancelled while connecting");
        }
        if (now_ns >= deadline_ns) {
            return cflight_error_set(reterr, CFLIGHT_DEADLINE_EXCEEDED,
                                     "the call's limit passed while connecting to %s",
                                     client->location->uri);
        }
        int64_t until_ns = deadline_ns;
        if (cancel != NULL) {
            until_ns =
                cfl_deadline_earlier(until_ns, cfl_deadline_after_ms(now_ns, CANCEL_CHECK_MS));
        }
        (void)cfl_condition_wait_until(&client->locked.dialled, &client->mutex, until_ns);
    }
    return CFLIGHT_OK;
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
        return fail_closed(reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_connection = connection;
    }
    return status;
}

static cflight_status check_process(const struct cflight_client *client, cflight_error **reterr)
{
    if (client->pid != getpid()) {
        return cflight_error_set(
            reterr, CFLIGHT_FAILED_PRECONDITION,
            "this client was made by process %ld before a fork; make a new one in the child",
            (long)client->pid);
    }
    return CFLIGHT_OK;
}

cflight_status cfl_client_connection_at_hand(struct cflight_client *client,
                                             struct cfl_connection **ret_connection,
                                             cflight_error **reterr)
{
    cflight_status status = check_process(client, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    (void)pthread_mutex_lock(&client->mutex);
    bool is_closed = client->locked.is_closed;
    struct cfl_connection *connection = client->locked.connection;
    if (connection != NULL) {
        cfl_connection_ref(connection);
    }
    (void)pthread_mutex_unlock(&client->mutex);
    if (is_closed) {
        cfl_connection_unref(connection);
        return fail_closed(reterr);
    }
    if (connection != NULL && is_fit(connection)) {
        *ret_connection = connection;
        return CFLIGHT_OK;
    }
    if (connection != NULL) {
        forget(client, connection);
        cfl_connection_unref(connection);
    }
    status = cflight_error_set(reterr, CFLIGHT_UNAVAILABLE, "not connected to %s",
                               client->location->uri);
    if (reterr != NULL) {
        cfl_error_set_retry(*reterr, CFLIGHT_RETRY_SAFE);
    }
    return status;
}

cflight_status cfl_client_connection(struct cflight_client *client, int64_t deadline_ns,
                                     cflight_cancel *cancel, struct cfl_connection **ret_connection,
                                     cflight_error **reterr)
{
    cflight_status process_status = check_process(client, reterr);
    if (process_status != CFLIGHT_OK) {
        return process_status;
    }
    if (cflight_cancel_is_triggered(cancel)) {
        return cflight_error_set_message(reterr, CFLIGHT_CANCELLED,
                                         "the call was cancelled before it started");
    }
    for (;;) {
        (void)pthread_mutex_lock(&client->mutex);
        cflight_status status = wait_dialled_locked(client, deadline_ns, cancel, reterr);
        if (status == CFLIGHT_OK && client->locked.is_closed) {
            status = fail_closed(reterr);
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
        if (is_fit(connection)) {
            *ret_connection = connection;
            return CFLIGHT_OK;
        }
        forget(client, connection);
        cfl_connection_unref(connection);
    }
}
