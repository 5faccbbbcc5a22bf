/* SPDX-License-Identifier: Apache-2.0 */
/* The first words of a server: until its SETTINGS came (RFC 9113 3.4), it may be anything that
 * accepts connections, and a call on it may wait for ever. No call was sent before, so whatever
 * happens here is safe to try again. Thread class: the thread that dials. */
#include "base/error.h"
#include "flight/client/client.h"
#include "flight/value/values.h"

enum { CANCEL_CHECK_MS = 20 };

static bool has_spoken(const struct cfl_connection *connection)
{
    return cfl_grpc_has_peer_settings(connection->locked.grpc);
}

static bool is_decided(void *user_data)
{
    const struct cfl_connection *connection = user_data;
    return connection->locked.is_closed || has_spoken(connection);
}

/* Drives the connection until the server spoke, the deadline passed or the handle was triggered. */
static void wait_locked(struct cfl_connection *connection, int64_t deadline_ns,
                        cflight_cancel *cancel)
{
    bool is_over = false;
    while (!is_over) {
        int64_t now_ns = cfl_clock_now_ns(NULL);
        int64_t until_ns =
            cancel == NULL
                ? deadline_ns
                : cfl_deadline_earlier(deadline_ns, cfl_deadline_after_ms(now_ns, CANCEL_CHECK_MS));
        is_over = cfl_connection_wait_locked(connection, NULL, is_decided, connection, until_ns) ||
                  cfl_clock_now_ns(NULL) >= deadline_ns || cflight_cancel_is_triggered(cancel);
    }
}

/* Why there are no first words. */
static cflight_status explain_locked(const struct cflight_client *client,
                                     struct cfl_connection *connection,
                                     const struct cfl_client_limit *limit, cflight_cancel *cancel,
                                     cflight_error **reterr)
{
    const char *uri = client->location->uri;
    if (cflight_cancel_is_triggered(cancel)) {
        return cflight_error_set(reterr, CFLIGHT_CANCELLED, "connecting to %s was cancelled", uri);
    }
    if (connection->locked.is_closed && cfl_clock_now_ns(NULL) < limit->deadline_ns) {
        return cfl_grpc_conn_failure(connection->locked.grpc, connection->locked.failure, reterr);
    }
    return cflight_error_set(reterr, CFLIGHT_DEADLINE_EXCEEDED,
                             "%s passed while waiting for the first words of %s: "
                             "it accepted the connection and sent no HTTP/2 SETTINGS",
                             limit->name, uri);
}

cflight_status cfl_client_await_welcome(const struct cflight_client *client,
                                        struct cfl_connection *connection,
                                        const struct cfl_client_limit *limit,
                                        cflight_cancel *cancel, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    cfl_connection_lock(connection);
    wait_locked(connection, limit->deadline_ns, cancel);
    if (!has_spoken(connection)) {
        status = explain_locked(client, connection, limit, cancel, reterr);
    } else if (!cfl_connection_is_usable_locked(connection)) {
        /* It sent us away at once: a server that is full, or winds down. */
        status = cfl_grpc_conn_failure(connection->locked.grpc, connection->locked.failure, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_connection_close_locked(connection, reterr == NULL ? NULL : *reterr);
    }
    cfl_connection_unlock(connection);
    if (status != CFLIGHT_OK && reterr != NULL) {
        cfl_error_set_operation(*reterr, "connect");
        cfl_error_set_peer(*reterr, cfl_transport_peer(connection->transport)->name);
    }
    return status;
}
