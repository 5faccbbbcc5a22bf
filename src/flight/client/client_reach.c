/* SPDX-License-Identifier: Apache-2.0 */
/* From a client to a connection: name lookup, TCP, proxy, TLS, the server's first words; waiting
 * for another thread that does that. Thread class: free. */
#include "base/blocking.h"
#include "base/condition.h"
#include "base/error.h"
#include "flight/call/cancel.h"
#include "flight/client/client.h"
#include "flight/client/idle_watch.h"
#include "flight/value/values.h"

enum { CANCEL_CHECK_MS = 20 };

bool cfl_client_is_fit(struct cfl_connection *connection)
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
static cflight_status reach(struct cflight_client *client, const struct cfl_address *address,
                            const struct cfl_client_limit *limit, cflight_cancel *cancel,
                            struct cfl_transport **ret_transport, cflight_error **reterr)
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
        .address = address,
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

cflight_status cfl_client_dial(struct cflight_client *client, const struct cfl_address *address,
                               const struct cfl_client_limit *others, cflight_cancel *cancel,
                               struct cfl_connection **ret_connection, cflight_error **reterr)
{
    struct cfl_transport *transport = NULL;
    struct cfl_connection *connection = NULL;
    struct cfl_client_limit limit = {
        "the connect timeout",
        cfl_deadline_after_ms(cfl_clock_now_ns(NULL), client->options.connect_timeout_ms)};
    if (others->deadline_ns < limit.deadline_ns) {
        limit = *others;
    }
    cflight_status status = reach(client, address, &limit, cancel, &transport, reterr);
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

cflight_status cfl_client_fail_closed(cflight_error **reterr)
{
    return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION, "FlightClient is closed");
}

cflight_status cfl_client_wait_dialled_locked(struct cflight_client *client, int64_t deadline_ns,
                                              cflight_cancel *cancel, cflight_error **reterr)
{
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
        until_ns = cfl_deadline_earlier(until_ns, cfl_deadline_after_ms(now_ns, CANCEL_CHECK_MS));
    }
    (void)cfl_condition_wait_until(&client->locked.dialled, &client->mutex, until_ns);
    return CFLIGHT_OK;
}
