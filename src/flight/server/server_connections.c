/* SPDX-License-Identifier: Apache-2.0 */
/* The server's connections: accepting, the table that events are looked up in, new calls, draining
 * and closing.
 *
 * The poller's tag names a slot and its generation, so that an event that comes late for a
 * connection that is gone finds nothing. Only a pool thread, with a reference in hand, removes a
 * connection. Lock order: connection, server. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "flight/server/server.h"

enum {
    ACCEPTS_PER_EVENT_MAX = 32,
    ACCEPT_PAUSE_MS = 100,
    REFUSED_MAX = 64, /* connections past the limit that are being told so */
    NO_SLOT = 0xFFFFFFFF,
};

/* Tags: listeners count down from the top, connections are generation and slot. */
#define LISTENER_TAG_BASE UINT64_MAX

static void *tag_of(uint64_t value)
{
    return (void *)(uintptr_t)value;
}

static uint64_t connection_tag(uint32_t slot, uint32_t generation)
{
    return (uint64_t)generation << 32 | slot;
}

/* ---- what connections report ---- */

static void on_fresh(void *user_data, struct cfl_connection *connection, bool is_pool_thread)
{
    struct cflight_server *server = user_data;
    struct cfl_list *node = NULL;
    uint32_t queued_count = 0;
    while ((node = cfl_list_take_first(&connection->locked.fresh)) != NULL) {
        struct cfl_call *call = CFL_LIST_ENTRY(node, struct cfl_call, fresh_node);
        (void)pthread_mutex_lock(&server->mutex);
        bool is_full = server->locked.queue_count >= server->options.queue_max;
        cfl_list_append(&server->locked.queue, &call->fresh_node);
        server->locked.queue_count++;
        (void)pthread_mutex_unlock(&server->mutex);
        if (is_full && !call->locked.is_over) {
            char message[128];
            (void)snprintf(message, sizeof message,
                           "the server is busy: as many calls run (%u) and wait (%u) as it allows; "
                           "try again later",
                           server->options.handlers_max, server->options.queue_max);
            call->locked.is_rejected = true;
            cfl_grpc_call_finish(call->locked.grpc, CFLIGHT_UNAVAILABLE, message, NULL);
        }
        queued_count++;
    }
    for (uint32_t i = is_pool_thread ? 1 : 0; i < queued_count; i++) {
        cfl_poller_wake(server->poller);
    }
}

static void arm(void *user_data, struct cfl_connection *connection, unsigned int wanted)
{
    struct cflight_server *server = user_data;
    cfl_poller_arm(server->poller, cfl_transport_fd(connection->transport), wanted,
                   tag_of(connection->owner_tag));
}

static void on_deadline(void *user_data, int64_t deadline_ns)
{
    struct cflight_server *server = user_data;
    int_fast64_t former_ns = atomic_load(&server->next_deadline_ns);
    while (deadline_ns < former_ns) {
        if (atomic_compare_exchange_weak(&server->next_deadline_ns, &former_ns, deadline_ns)) {
            cfl_poller_wake(server->poller);
            return;
        }
    }
}

static void limit_handshake(const struct cflight_server *server, struct cfl_call *call)
{
    int64_t limit_ns = cfl_deadline_after_ms(call->started_ns, server->limits.authenticate_ms);
    if (limit_ns < call->limits.deadline_ns) {
        call->limits.deadline_ns = limit_ns;
        call->limits.timeout_ms = server->limits.authenticate_ms;
    }
}

static void on_call(void *user_data, struct cfl_grpc_call *grpc)
{
    struct cfl_connection *connection = user_data;
    struct cflight_server *server = connection->owner.user_data;
    struct cfl_call *call = NULL;
    const struct cfl_method *method = cfl_method_by_path(cfl_grpc_call_path(grpc));
    if (method == NULL) {
        char message[256];
        (void)snprintf(message, sizeof message, "unknown method %.200s", cfl_grpc_call_path(grpc));
        cfl_grpc_call_finish(grpc, CFLIGHT_UNIMPLEMENTED, message, NULL);
        cfl_grpc_call_release(grpc);
        return;
    }
    if (cfl_call_accept_locked(connection, method, grpc, &call, NULL) != CFLIGHT_OK) {
        cfl_grpc_call_finish(grpc, CFLIGHT_RESOURCE_EXHAUSTED, "the server is out of memory", NULL);
        cfl_grpc_call_release(grpc);
        return;
    }
    call->limits.idle_timeout_ms = server->options.idle_timeout_ms;
    call->limits.message_bytes_max = server->options.message_bytes_max;
    if (method->id == CFLIGHT_METHOD_HANDSHAKE) {
        limit_handshake(server, call);
    }
    (void)pthread_mutex_lock(&server->mutex);
    bool is_draining = server->locked.state != CFL_SERVER_RUNNING;
    cfl_list_append(&server->locked.calls, &call->server_node);
    server->locked.call_count++;
    (void)pthread_mutex_unlock(&server->mutex);
    if (is_draining) {
        cfl_grpc_call_refuse(grpc); /* a client may try elsewhere: nothing was done */
    }
}

static const struct cfl_grpc_conn_handlers CONN_HANDLERS = {.on_call = on_call};

/* ---- the table ---- */

/* Puts a connection in a slot; false when memory ran out. */
static bool add_slot_locked(struct cflight_server *server, struct cfl_connection *connection)
{
    if (server->locked.first_free == NO_SLOT) {
        uint32_t count = server->locked.slot_count;
        uint32_t grown = count == 0 ? 16 : count * 2;
        struct cfl_server_slot *slots = cfl_realloc(server->alloc, server->locked.slots,
                                                    count * sizeof *slots, grown * sizeof *slots);
        if (slots == NULL) {
            return false;
        }
        for (uint32_t i = count; i < grown; i++) {
            slots[i].connection = NULL;
            slots[i].generation = 0;
            slots[i].next_free = i + 1 < grown ? i + 1 : (uint32_t)NO_SLOT;
        }
        server->locked.slots = slots;
        server->locked.slot_count = grown;
        server->locked.first_free = count;
    }
    uint32_t index = server->locked.first_free;
    struct cfl_server_slot *slot = &server->locked.slots[index];
    server->locked.first_free = slot->next_free;
    slot->connection = connection;
    connection->owner_tag = connection_tag(index, slot->generation);
    server->locked.connection_count++;
    return true;
}

static struct cfl_connection *find_connection(struct cflight_server *server, uint64_t tag)
{
    struct cfl_connection *connection = NULL;
    (void)pthread_mutex_lock(&server->mutex);
    uint32_t index = (uint32_t)tag;
    if (index < server->locked.slot_count && server->locked.slots[index].connection != NULL &&
        server->locked.slots[index].generation == (uint32_t)(tag >> 32)) {
        connection = cfl_connection_ref(server->locked.slots[index].connection);
    }
    (void)pthread_mutex_unlock(&server->mutex);
    return connection;
}

/* Takes a closed connection out, once. */
static void remove_connection(struct cflight_server *server, struct cfl_connection *connection)
{
    bool was_there = false;
    (void)pthread_mutex_lock(&server->mutex);
    uint32_t index = (uint32_t)connection->owner_tag;
    struct cfl_server_slot *slot = &server->locked.slots[index];
    if (slot->connection == connection) {
        was_there = true;
        slot->connection = NULL;
        slot->generation = (slot->generation + 1) & 0x7FFFFFFF; /* never a listener's tag */
        slot->next_free = server->locked.first_free;
        server->locked.first_free = index;
        server->locked.connection_count--;
        (void)pthread_cond_broadcast(&server->locked.changed);
    }
    (void)pthread_mutex_unlock(&server->mutex);
    if (was_there) {
        cfl_poller_remove(server->poller, cfl_transport_fd(connection->transport));
        cfl_connection_unref(connection);
    }
}

/* One step for a connection that the caller holds a reference on. */
static void step(struct cflight_server *server, struct cfl_connection *connection)
{
    cfl_connection_process(connection);
    cfl_connection_lock(connection);
    bool is_spent = cfl_connection_is_spent_locked(connection);
    cfl_connection_unlock(connection);
    if (is_spent) {
        remove_connection(server, connection);
    }
}

/* ---- accepting ---- */

static cflight_status adopt(struct cflight_server *server, struct cfl_transport *transport,
                            cflight_error **reterr)
{
    struct cfl_connection *connection = NULL;
    const struct cfl_connection_owner owner = {
        .on_fresh = on_fresh,
        .arm = arm,
        .on_deadline = on_deadline,
        .on_cancelled = cfl_server_on_cancelled,
        .user_data = server,
        .unread = &server->unread,
    };
    cflight_status status =
        cfl_connection_new(server->alloc, CFL_GRPC_SERVER, &server->limits, server->pool, transport,
                           &server->keepalive, &CONN_HANDLERS, NULL, &owner, &connection, reterr);
    if (status != CFLIGHT_OK) {
        cfl_transport_free(transport);
        return status;
    }
    if (server->tls != NULL) {
        connection->locked.is_handshaking = true;
        connection->locked.handshake_deadline_ns =
            cfl_deadline_after_ms(cfl_clock_now_ns(NULL), server->limits.handshake_ms);
    }
    (void)pthread_mutex_lock(&server->mutex);
    bool is_full = server->locked.connection_count >= server->limits.connections_max ||
                   server->locked.state != CFL_SERVER_RUNNING;
    bool is_refused = is_full && server->tls == NULL;
    bool may_add = !is_full || (is_refused && server->locked.connection_count <
                                                  server->limits.connections_max + REFUSED_MAX);
    bool is_added = may_add && add_slot_locked(server, connection);
    (void)pthread_mutex_unlock(&server->mutex);
    if (is_full) {
        CFL_LOG(CFLIGHT_LOG_WARN, "flight",
                "%s: refused: as many connections are open (%u) as the server allows",
                cfl_transport_peer(transport)->name, server->limits.connections_max);
    }
    if (!is_added) {
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
                            tag_of(connection->owner_tag), reterr);
    if (status == CFLIGHT_OK) {
        step(server, connection); /* sends the settings, arms the poller */
    } else {
        cfl_connection_lock(connection);
        cfl_connection_close_locked(connection, NULL);
        cfl_connection_unlock(connection);
        remove_connection(server, connection);
    }
    cfl_connection_unref(connection);
    return status;
}

static void pause_accepting(struct cflight_server *server)
{
    (void)pthread_mutex_lock(&server->mutex);
    server->locked.accept_is_paused = true;
    (void)pthread_mutex_unlock(&server->mutex);
    on_deadline(server, cfl_deadline_after_ms(cfl_clock_now_ns(NULL), ACCEPT_PAUSE_MS));
}

static void on_listener(struct cflight_server *server, size_t index)
{
    int fds[CFL_LISTENER_FDS_MAX];
    if (index >= cfl_listener_fds(server->listener, fds)) {
        return;
    }
    for (int i = 0; i < ACCEPTS_PER_EVENT_MAX; i++) {
        struct cfl_transport *transport = NULL;
        cflight_error *error = NULL;
        cflight_status status =
            cfl_listener_accept(server->listener, fds[index], server->tls, &transport, &error);
        if (status == CFLIGHT_OK && transport != NULL) {
            status = adopt(server, transport, &error);
        } else if (status != CFLIGHT_OK) {
            CFL_LOG(CFLIGHT_LOG_WARN, "flight", "accept: %s", cflight_error_message(error));
            cflight_error_free(error);
            pause_accepting(server);
            return;
        }
        cflight_error_free(error);
        if (transport == NULL) {
            break;
        }
    }
    (void)pthread_mutex_lock(&server->mutex);
    if (server->locked.state == CFL_SERVER_RUNNING) {
        cfl_poller_arm(server->poller, fds[index], CFL_READY_READ,
                       tag_of(LISTENER_TAG_BASE - index));
    }
    (void)pthread_mutex_unlock(&server->mutex);
}

cflight_status cfl_server_watch_listener(struct cflight_server *server, cflight_error **reterr)
{
    int fds[CFL_LISTENER_FDS_MAX];
    size_t count = cfl_listener_fds(server->listener, fds);
    server->locked.first_free = NO_SLOT;
    for (size_t i = 0; i < count; i++) {
        cflight_status status = cfl_poller_add(server->poller, fds[i], CFL_READY_READ,
                                               tag_of(LISTENER_TAG_BASE - i), reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    return CFLIGHT_OK;
}

static void resume_accepting(struct cflight_server *server)
{
    int fds[CFL_LISTENER_FDS_MAX];
    (void)pthread_mutex_lock(&server->mutex);
    bool was_paused = server->locked.accept_is_paused && server->locked.state == CFL_SERVER_RUNNING;
    server->locked.accept_is_paused = false;
    if (was_paused) {
        size_t count = cfl_listener_fds(server->listener, fds);
        for (size_t i = 0; i < count; i++) {
            cfl_poller_arm(server->poller, fds[i], CFL_READY_READ, tag_of(LISTENER_TAG_BASE - i));
        }
    }
    (void)pthread_mutex_unlock(&server->mutex);
}

/* ---- events ---- */

void cfl_server_on_event(struct cflight_server *server, void *tag)
{
    uint64_t value = (uint64_t)(uintptr_t)tag;
    if (value > LISTENER_TAG_BASE - CFL_LISTENER_FDS_MAX) {
        on_listener(server, (size_t)(LISTENER_TAG_BASE - value));
        return;
    }
    struct cfl_connection *connection = find_connection(server, value);
    if (connection != NULL) {
        step(server, connection);
        cfl_connection_unref(connection);
    }
}

/* Calls `visit` with each connection, under no lock. */
static void for_each_connection(struct cflight_server *server,
                                void (*visit)(struct cflight_server *server,
                                              struct cfl_connection *connection))
{
    for (uint32_t index = 0;; index++) {
        struct cfl_connection *connection = NULL;
        (void)pthread_mutex_lock(&server->mutex);
        bool is_end = index >= server->locked.slot_count;
        if (!is_end && server->locked.slots[index].connection != NULL) {
            connection = cfl_connection_ref(server->locked.slots[index].connection);
        }
        (void)pthread_mutex_unlock(&server->mutex);
        if (is_end) {
            return;
        }
        if (connection != NULL) {
            visit(server, connection);
            cfl_connection_unref(connection);
        }
    }
}

void cfl_server_on_time(struct cflight_server *server, int64_t now_ns)
{
    if (now_ns < atomic_load(&server->next_deadline_ns)) {
        return;
    }
    atomic_store(&server->next_deadline_ns, CFL_TIME_NEVER);
    resume_accepting(server);
    for_each_connection(server, step);
}

static void drain(struct cflight_server *server, struct cfl_connection *connection)
{
    cfl_connection_lock(connection);
    if (!connection->locked.is_closed) {
        cfl_grpc_goaway(connection->locked.grpc, true);
        if (connection->locked.is_handshaking) {
            cfl_connection_close_locked(connection, NULL);
        }
        cfl_connection_kick_locked(connection);
    }
    cfl_connection_unlock(connection);
    step(server, connection);
}

void cfl_server_drain_connections(struct cflight_server *server)
{
    for_each_connection(server, drain);
}

/* Closes a connection that has nothing left to say. */
static void close_quiet(struct cflight_server *server, struct cfl_connection *connection)
{
    cfl_connection_lock(connection);
    cfl_connection_flush_locked(connection);
    if (!cfl_grpc_wants_output(connection->locked.grpc)) {
        cfl_connection_close_locked(connection, NULL);
    }
    cfl_connection_kick_locked(connection);
    cfl_connection_unlock(connection);
    step(server, connection);
}

void cfl_server_close_connections(struct cflight_server *server)
{
    for_each_connection(server, close_quiet);
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

void cfl_server_cancel_calls(struct cflight_server *server)
{
    for_each_connection(server, cancel_all);
}
