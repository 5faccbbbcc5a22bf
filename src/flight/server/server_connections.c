/* SPDX-License-Identifier: Apache-2.0 */
/* The server's connections: how one is made, visited and let go of. Only a pool thread, with a
 * reference in hand, removes one. Lock order: connection, server. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/log_limit.h"
#include "flight/server/server_call.h"

enum {
    REFUSED_MAX = 64, /* connections past the limit that are being told so */
    /* Shares of the budget (docs/internals/threads.md). */
    KNOWN_PART = 2,
    UNKNOWN_PART = 16,
};

#define UNKNOWN_BYTES_LEAST (UINT64_C(1) << 20) /* of a connection, within the part for all */

static void *tag_of(uint64_t value)
{
    return (void *)(uintptr_t)value;
}

/* ---- what connections ask of their owner ---- */

static void arm(void *user_data, struct cfl_connection *connection, unsigned int wanted)
{
    const struct cfl_server_connection *line = user_data;
    cfl_poller_arm(line->server->poller, cfl_transport_fd(connection->transport), wanted,
                   tag_of(line->timer.tag));
}

static void on_deadline(void *user_data, int64_t deadline_ns)
{
    struct cfl_server_connection *line = user_data;
    struct cflight_server *server = line->server;
    if (cfl_timer_move_up(&server->timers, &line->timer, deadline_ns)) {
        (void)pthread_mutex_lock(&server->mutex);
        cfl_server_wake_clock_locked(server);
        (void)pthread_mutex_unlock(&server->mutex);
    }
}

static void on_held_back(void *user_data, struct cfl_connection *connection, int64_t until_ns)
{
    (void)connection;
    on_deadline(user_data, until_ns);
}

static void on_gone(void *user_data)
{
    struct cfl_server_connection *line = user_data;
    struct cflight_server *server = line->server;
    cfl_timer_remove(&server->timers, &line->timer);
    cfl_free(server->alloc, line, sizeof *line);
}

static struct cfl_server_connection *line_new(struct cflight_server *server)
{
    struct cfl_server_connection *line = cfl_alloc_zeroed(server->alloc, sizeof *line);
    if (line == NULL) {
        return NULL;
    }
    line->server = server;
    line->shard = cfl_count_shard(server->counts);
    cfl_timer_init(&line->timer, 0);
    cfl_budget_init(&line->known, &server->unread, server->unread.max_bytes / KNOWN_PART);
    uint64_t unknown_bytes = server->unread.max_bytes / UNKNOWN_PART;
    cfl_budget_init(&line->unknown, &server->unknown,
                    unknown_bytes < UNKNOWN_BYTES_LEAST ? UNKNOWN_BYTES_LEAST : unknown_bytes);
    for (int kind = 0; kind < CFL_SERVER_KIND_COUNT; kind++) {
        cfl_list_init(&line->ready[kind]);
    }
    cfl_list_init(&line->ended);
    cfl_list_init(&line->arriving);
    cfl_list_init(&line->leaving);
    line->idle_since_ns = cfl_clock_now_ns(NULL);
    return line;
}

/* Takes a closed connection out, once. Its timer goes first: the heap has room for as many as there
 * are slots, and calls whose handlers still run keep the connection for long after its slot. */
static void remove_connection(struct cflight_server *server, struct cfl_connection *connection)
{
    struct cfl_server_connection *line = cfl_server_connection_of(connection);
    cfl_timer_remove(&server->timers, &line->timer);
    if (cfl_server_free_slot(server, line)) {
        cfl_connection_lock(connection);
        cfl_poller_remove(server->poller, cfl_transport_fd(connection->transport));
        cfl_connection_close_fd_locked(connection);
        cfl_connection_unlock(connection);
        cfl_connection_unref(connection);
    }
}

void cfl_server_visit(struct cfl_server_worker *worker, struct cfl_connection *connection,
                      bool is_due)
{
    cfl_server_take_turn(worker, cfl_server_connection_of(connection), is_due);
    cfl_connection_lock(connection);
    bool is_spent = cfl_connection_is_spent_locked(connection);
    cfl_connection_unlock(connection);
    if (is_spent) {
        remove_connection(worker->server, connection);
    }
}

/* ---- new ones ---- */

static cflight_status make_connection(struct cflight_server *server,
                                      struct cfl_transport *transport,
                                      struct cfl_connection **ret_connection,
                                      cflight_error **reterr)
{
    struct cfl_server_connection *line = line_new(server);
    if (line == NULL) {
        return cfl_error_no_memory(reterr);
    }
    const struct cfl_connection_owner owner = {
        .on_ready = cfl_server_on_ready,
        .on_step = cfl_server_on_step,
        .arm = arm,
        .on_deadline = on_deadline,
        .on_held_back = on_held_back,
        .on_time = cfl_server_on_time,
        .on_cancelled = cfl_server_on_cancelled,
        .on_gone = on_gone,
        .user_data = line,
        .unread = &line->unknown,
        .wakers = server->wakers,
        .counts = server->counts,
    };
    cflight_status status = cfl_connection_new(
        server->alloc, CFL_GRPC_SERVER, &server->limits, server->pool, transport,
        &server->keepalive, &cfl_server_intake, NULL, &owner, ret_connection, reterr);
    if (status != CFLIGHT_OK) {
        cfl_free(server->alloc, line, sizeof *line);
        return status;
    }
    line->connection = *ret_connection;
    cfl_server_plan_locked(line); /* nobody else knows it yet */
    return CFLIGHT_OK;
}

/* The operator hears of a connection too many. */
static void tell_refused(const struct cfl_server_connection *line, enum cfl_limit limit,
                         uint32_t connections_max)
{
    const char *peer = cfl_transport_peer(line->connection->transport)->name;
    CFL_COUNT(line->server->counts, connections_refused, 1);
    CFL_COUNT(line->server->counts, limits[limit], 1);
    if (limit == CFL_LIMIT_CONNECTIONS) {
        CFL_LOG_LIMITED(CFLIGHT_LOG_WARN, "flight",
                        "%s: refused: as many connections are open (%u) as the server allows "
                        "(connections_max)",
                        peer, connections_max);
    } else {
        CFL_LOG_LIMITED(CFLIGHT_LOG_WARN, "flight",
                        "%s: refused: as many connections of its address are open (%u) as the "
                        "server allows (connections_per_address_max)",
                        peer, connections_max);
    }
}

/* Whether the connection is among the server's now; one too many is told so where that is cheap,
 * and so is one that was accepted in the moment in which the server began to shut down. */
static bool enter(struct cflight_server *server, struct cfl_server_connection *line, bool is_tls,
                  bool *ret_is_refused)
{
    uint32_t connections_max = server->limits.connections_max;
    uint32_t address_max = server->options.connections_per_address_max;
    (void)pthread_mutex_lock(&server->mutex);
    bool is_full = server->locked.connection_count >= connections_max;
    enum cfl_server_room room = cfl_server_address_room_locked(server, line);
    bool is_late = server->locked.state != CFL_SERVER_RUNNING;
    bool is_too_many = is_full || room != CFL_SERVER_ROOM;
    *ret_is_refused = is_too_many ? !is_tls : is_late;
    bool may_add =
        server->locked.state != CFL_SERVER_STOPPED && room != CFL_SERVER_NO_ROOM &&
        (!is_too_many || (*ret_is_refused && server->locked.connection_count <
                                                 (uint64_t)connections_max + REFUSED_MAX));
    bool is_added = may_add && cfl_server_add_slot_locked(server, line);
    (void)pthread_mutex_unlock(&server->mutex);
    if (is_full) {
        tell_refused(line, CFL_LIMIT_CONNECTIONS, connections_max);
    } else if (is_too_many) {
        tell_refused(line, CFL_LIMIT_ADDRESS, address_max);
    }
    if (is_added && !*ret_is_refused) {
        CFL_COUNT(server->counts, connections_accepted, 1);
    }
    return is_added;
}

cflight_status cfl_server_adopt(struct cflight_server *server, struct cfl_transport *transport,
                                bool is_tls, cflight_error **reterr)
{
    struct cfl_connection *connection = NULL;
    bool is_refused = false;
    cflight_status status = make_connection(server, transport, &connection, reterr);
    if (status != CFLIGHT_OK) {
        cfl_transport_free(transport);
        return status;
    }
    if (is_tls) {
        connection->locked.is_handshaking = true;
        connection->locked.handshake_deadline_ns =
            cfl_deadline_after_ms(cfl_clock_now_ns(NULL), server->limits.handshake_ms);
    }
    if (!enter(server, cfl_server_connection_of(connection), is_tls, &is_refused)) {
        cfl_connection_unref(connection);
        return CFLIGHT_OK;
    }
    cfl_connection_ref(connection);
    if (is_refused) {
        cfl_connection_lock(connection);
        cfl_grpc_goaway(connection->locked.grpc, true); /* no call began: all may go elsewhere */
        cfl_connection_unlock(connection);
    }
    status = cfl_poller_add(server->poller, cfl_transport_fd(transport), CFL_READY_NONE,
                            tag_of(cfl_server_connection_of(connection)->timer.tag), reterr);
    if (status == CFLIGHT_OK) {
        cfl_server_queue_due(server, connection); /* visited soon: accepting goes on first */
    } else {
        cfl_connection_lock(connection);
        cfl_connection_close_locked(connection, NULL);
        cfl_connection_unlock(connection);
        remove_connection(server, connection);
    }
    cfl_connection_unref(connection);
    return status;
}
