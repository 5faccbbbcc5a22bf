/* SPDX-License-Identifier: Apache-2.0 */
/* Shutting down: GOAWAY to all, running calls go on until the grace ends, then connections close;
 * threads leave when the last is gone. Moved along by the clock. */
#include "base/error.h"
#include "flight/server/server.h"

enum { LOOK_AGAIN_MS = 10 };

/* Has a pool thread let go of the connection when it is spent. */
static void step(struct cflight_server *server, struct cfl_connection *connection)
{
    cfl_connection_process(connection);
    cfl_connection_lock(connection);
    bool is_spent = cfl_connection_is_spent_locked(connection);
    cfl_connection_unlock(connection);
    if (is_spent) {
        cfl_server_queue_due(server, connection);
    }
}

/* Whether the peer is in its TLS handshake and may end it, so as to read the GOAWAY that sends it
 * elsewhere. Closed before, it could not tell this server from one that is broken. */
static bool may_greet_locked(const struct cflight_server *server,
                             const struct cfl_connection *connection)
{
    return connection->locked.is_handshaking &&
           cfl_clock_now_ns(NULL) < atomic_load(&server->greet_until_ns);
}

static void drain(struct cflight_server *server, struct cfl_connection *connection)
{
    cfl_connection_lock(connection);
    if (!connection->locked.is_closed) {
        cfl_grpc_goaway(connection->locked.grpc, true);
        if (connection->locked.is_handshaking && !may_greet_locked(server, connection)) {
            cfl_connection_close_locked(connection, NULL);
        }
        cfl_connection_kick_locked(connection);
    }
    cfl_connection_unlock(connection);
    step(server, connection);
}

void cfl_server_drain_connections(struct cflight_server *server)
{
    cfl_server_for_each_connection(server, drain);
}

/* Closes a connection that has nothing left to say but GOAWAY: the clock may come before who shuts
 * down has told it. */
static void close_quiet(struct cflight_server *server, struct cfl_connection *connection)
{
    cfl_connection_lock(connection);
    if (!connection->locked.is_closed) {
        cfl_grpc_goaway(connection->locked.grpc, true);
    }
    cfl_connection_flush_locked(connection);
    if (!cfl_grpc_wants_output(connection->locked.grpc) && !may_greet_locked(server, connection)) {
        cfl_connection_close_locked(connection, NULL);
    }
    cfl_connection_kick_locked(connection);
    cfl_connection_unlock(connection);
    step(server, connection);
}

static void cancel_all(struct cflight_server *server, struct cfl_connection *connection)
{
    cflight_error *cause = NULL;
    (void)server;
    (void)cflight_error_set_message(&cause, CFLIGHT_UNAVAILABLE, "the server is shutting down");
    cfl_connection_lock(connection);
    cfl_connection_flush_locked(connection);
    cfl_connection_close_locked(connection, cause);
    cfl_connection_kick_locked(connection);
    cfl_connection_unlock(connection);
    cflight_error_free(cause);
}

/* Ends the server when neither calls nor connections are left. */
static void stop_if_empty(struct cflight_server *server)
{
    (void)pthread_mutex_lock(&server->mutex);
    if (atomic_load(&server->call_count) == 0 && server->locked.connection_count == 0) {
        server->locked.state = CFL_SERVER_STOPPED;
        (void)pthread_cond_broadcast(&server->locked.changed);
        cfl_poller_wake(server->poller);
    }
    (void)pthread_mutex_unlock(&server->mutex);
}

int64_t cfl_server_advance_shutdown(struct cflight_server *server, int64_t now_ns)
{
    if (!atomic_load(&server->is_draining)) {
        return CFL_TIME_NEVER;
    }
    (void)pthread_mutex_lock(&server->mutex);
    bool is_late = !server->locked.grace_is_over && now_ns >= server->locked.grace_ns;
    server->locked.grace_is_over = server->locked.grace_is_over || is_late;
    int64_t next_ns = server->locked.grace_is_over ? CFL_TIME_NEVER : server->locked.grace_ns;
    (void)pthread_mutex_unlock(&server->mutex);
    if (is_late) {
        cfl_server_for_each_connection(server, cancel_all);
    }
    if (atomic_load(&server->call_count) > 0) {
        return next_ns;
    }
    cfl_server_for_each_connection(server, close_quiet);
    stop_if_empty(server);
    return cfl_deadline_earlier(next_ns, cfl_deadline_after_ms(now_ns, LOOK_AGAIN_MS));
}
