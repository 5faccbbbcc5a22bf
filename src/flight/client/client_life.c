/* SPDX-License-Identifier: Apache-2.0 */
/* A client's references, its close and its end. Thread class: free. */

#include "base/alloc.h"
#include "base/error.h"
#include "base/process.h"
#include "flight/client/client_spread.h"
#include "flight/client/idle_watch.h"

cflight_client *cflight_client_ref(cflight_client *client)
{
    if (client != NULL) {
        cfl_refcount_up(&client->refs);
    }
    return client;
}

/* Takes the client's reference. In a child of fork() the connection is the parent's. */
static void end_connection(struct cfl_connection *connection, bool is_ours,
                           const cflight_error *cause)
{
    if (connection != NULL && is_ours) {
        cfl_connection_lock(connection);
        cfl_connection_close_locked(connection, cause);
        cfl_connection_unlock(connection);
    }
    cfl_connection_unref(connection);
}

/* Those to several addresses. */
static void end_spread(struct cflight_client *client, const cflight_error *cause)
{
    struct cfl_connection *connection = NULL;
    do {
        (void)pthread_mutex_lock(&client->mutex);
        connection = client->spread == NULL ? NULL : cfl_spread_take_locked(client->spread);
        (void)pthread_mutex_unlock(&client->mutex);
        end_connection(connection, true, cause);
    } while (connection != NULL);
}

static void client_unref(struct cflight_client *client)
{
    if (!cfl_refcount_down(&client->refs)) {
        return;
    }
    bool is_ours = client->pid == cfl_process_id();
    if (is_ours && client->end_dial != NULL) {
        client->end_dial(client); /* a child of fork() has no such thread */
    }
    cfl_loop_set_free(client->locked.loop_set);
    end_connection(client->locked.connection, is_ours, NULL);
    if (is_ours) {
        end_spread(client, NULL);
    }
    cfl_spread_free(client->spread);
    if (client->is_counted && is_ours) {
        cfl_idle_watch_leave();
    }
    for (size_t i = 0; i < client->middleware_count; i++) {
        if (client->middleware[i].release != NULL) {
            client->middleware[i].release(client->middleware[i].user_data);
        }
    }
    if (client->tokens.release != NULL) {
        client->tokens.release(client->tokens.user_data);
    }
    cflight_buffer_unref(client->locked.refused_token);
    cfl_client_auth_unref(client->locked.auth);
    cfl_free_array(client->alloc, client->middleware, client->middleware_count,
                   sizeof *client->middleware);
    cfl_strfree(client->alloc, client->user_agent);
    cfl_strfree(client->alloc, client->authority);
    cfl_strfree(client->alloc, client->tls_name);
    cfl_proxy_free(client->proxy);
    cfl_tls_client_unref(client->locked.tls);
    cflight_location_free(client->location);
    cfl_pool_unref(client->pool);
    cflight_metrics_free(client->metrics);
    (void)pthread_cond_destroy(&client->locked.dialled);
    (void)pthread_mutex_destroy(&client->mutex);
    cfl_free(client->alloc, client, sizeof *client);
}

void cflight_client_close(cflight_client *client)
{
    if (client == NULL || client->pid != cfl_process_id()) {
        return;
    }
    (void)pthread_mutex_lock(&client->mutex);
    struct cfl_connection *connection = client->locked.connection;
    client->locked.connection = NULL;
    client->locked.is_closed = true;
    cflight_cancel *dial_stop = cflight_cancel_ref(client->locked.dial_stop);
    (void)pthread_cond_broadcast(&client->locked.dialled);
    (void)pthread_mutex_unlock(&client->mutex);
    cflight_cancel_trigger(dial_stop);
    cflight_cancel_unref(dial_stop);
    cflight_error *cause = NULL;
    (void)cflight_error_set_message(&cause, CFLIGHT_CANCELLED, "FlightClient is closed");
    end_connection(connection, true, cause);
    end_spread(client, cause);
    cflight_error_free(cause);
}

void cflight_client_free(cflight_client *client)
{
    if (client != NULL) {
        client_unref(client);
    }
}
