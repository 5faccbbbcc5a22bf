/* SPDX-License-Identifier: Apache-2.0 */
/* The table of connections, in which events of the poller and timers are looked up.
 *
 * A tag names a slot and its generation, so that an event that comes late for a connection that is
 * gone finds nothing. Lock: the server's mutex. */
#include "base/alloc.h"
#include "flight/server/server.h"

static const uint32_t NO_SLOT = UINT32_MAX;

static uint64_t connection_tag(uint32_t slot, uint32_t generation)
{
    return (uint64_t)generation << 32 | slot;
}

/* Puts a connection in a slot; false when memory ran out. */
bool cfl_server_add_slot_locked(struct cflight_server *server, struct cfl_server_connection *line)
{
    if (server->locked.first_free == NO_SLOT) {
        uint32_t count = server->locked.slot_count;
        uint32_t grown = count == 0 ? 16 : count * 2;
        struct cfl_server_slot *slots = NULL;
        if (cfl_timers_reserve(&server->timers, grown)) {
            slots = cfl_realloc(server->alloc, server->locked.slots, count * sizeof *slots,
                                grown * sizeof *slots);
        }
        if (slots == NULL) {
            return false;
        }
        for (uint32_t i = count; i < grown; i++) {
            slots[i].connection = NULL;
            slots[i].generation = 0;
            slots[i].next_free = i + 1 < grown ? i + 1 : NO_SLOT;
        }
        server->locked.slots = slots;
        server->locked.slot_count = grown;
        server->locked.first_free = count;
    }
    if (!cfl_server_count_address_locked(server, line)) {
        return false;
    }
    uint32_t index = server->locked.first_free;
    struct cfl_server_slot *slot = &server->locked.slots[index];
    server->locked.first_free = slot->next_free;
    slot->connection = line->connection;
    cfl_timer_init(&line->timer, connection_tag(index, slot->generation));
    server->locked.connection_count++;
    return true;
}

struct cfl_connection *cfl_server_find_connection(struct cflight_server *server, uint64_t tag)
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

bool cfl_server_free_slot(struct cflight_server *server, struct cfl_server_connection *line)
{
    bool was_there = false;
    (void)pthread_mutex_lock(&server->mutex);
    uint32_t index = (uint32_t)line->timer.tag;
    struct cfl_server_slot *slot = &server->locked.slots[index];
    if (slot->connection == line->connection) {
        was_there = true;
        slot->connection = NULL;
        slot->generation = (slot->generation + 1) & 0x7FFFFFFF; /* never a listener's tag */
        slot->next_free = server->locked.first_free;
        server->locked.first_free = index;
        server->locked.connection_count--;
        cfl_server_forget_address_locked(server, line);
        if (server->locked.state != CFL_SERVER_RUNNING) {
            cfl_server_wake_clock_locked(server);
        }
    }
    (void)pthread_mutex_unlock(&server->mutex);
    return was_there;
}

void cfl_server_for_each_connection(struct cflight_server *server,
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
