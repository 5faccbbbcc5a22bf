/* SPDX-License-Identifier: Apache-2.0 */
/* Slots, and the queue of connections whose ready calls nobody runs.
 *
 * Slots say how many calls run user code at once. Each connection is in the run queue once; they
 * take turns. One whose ready calls find no slot is starved: it stands aside until a slot is given
 * back. Thread class: free. */
#include "flight/server/server.h"

/* ---- slots ---- */

bool cfl_server_take_slot(struct cflight_server *server, enum cfl_server_kind kind)
{
    uint32_t running_count = atomic_fetch_add(&server->running[kind], 1);
    if (running_count < server->options.handlers_max) {
        return true;
    }
    atomic_fetch_sub(&server->running[kind], 1);
    return false;
}

/* The connection that waits longest for a slot goes to the run queue. */
static void feed_starved(struct cflight_server *server)
{
    (void)pthread_mutex_lock(&server->mutex);
    struct cfl_list *node = cfl_list_take_first(&server->locked.starved);
    if (node != NULL) {
        CFL_LIST_ENTRY(node, struct cfl_server_connection, queue_node)->is_starved = false;
        atomic_fetch_sub(&server->starved_count, 1);
        cfl_list_append(&server->locked.queue, node);
    }
    (void)pthread_mutex_unlock(&server->mutex);
    if (node != NULL) {
        cfl_server_wake_worker(server);
    }
}

void cfl_server_give_slot(struct cflight_server *server, enum cfl_server_kind kind)
{
    atomic_fetch_sub(&server->running[kind], 1);
    if (atomic_load(&server->starved_count) > 0) {
        feed_starved(server);
    }
}

/* ---- the run queue ---- */

static bool lacks_slots(const struct cfl_server_connection *line)
{
    for (int kind = 0; kind < CFL_SERVER_KIND_COUNT; kind++) {
        if (!cfl_list_is_empty(&line->ready[kind]) &&
            atomic_load(&line->server->running[kind]) < line->server->options.handlers_max) {
            return false;
        }
    }
    return true;
}

/* Puts the connection in the run queue; false: it was there. */
static bool enqueue_locked(struct cflight_server *server, struct cfl_server_connection *line,
                           bool is_starved)
{
    if (line->is_queued) {
        return false;
    }
    line->is_queued = true;
    (void)cfl_connection_ref(line->connection); /* the queue's */
    if (is_starved) {
        /* A slot that is given back from now on feeds it; one that was meanwhile is seen here. */
        atomic_fetch_add(&server->starved_count, 1);
        is_starved = lacks_slots(line);
        if (!is_starved) {
            atomic_fetch_sub(&server->starved_count, 1);
        }
    }
    line->is_starved = is_starved;
    cfl_list_append(is_starved ? &server->locked.starved : &server->locked.queue,
                    &line->queue_node);
    return !is_starved;
}

void cfl_server_queue_due(struct cflight_server *server, struct cfl_connection *connection)
{
    struct cfl_server_connection *line = cfl_server_connection_of(connection);
    (void)pthread_mutex_lock(&server->mutex);
    line->is_due = true;
    if (line->is_queued && line->is_starved) {
        cfl_list_remove(&line->queue_node);
        cfl_list_append(&server->locked.queue, &line->queue_node);
        line->is_starved = false;
        atomic_fetch_sub(&server->starved_count, 1);
    } else {
        (void)enqueue_locked(server, line, false);
    }
    (void)pthread_mutex_unlock(&server->mutex);
    cfl_server_wake_worker(server);
}

struct cfl_server_connection *cfl_server_next_locked(struct cflight_server *server,
                                                     bool *ret_is_due)
{
    struct cfl_list *node = cfl_list_take_first(&server->locked.queue);
    if (node == NULL) {
        return NULL;
    }
    struct cfl_server_connection *line =
        CFL_LIST_ENTRY(node, struct cfl_server_connection, queue_node);
    line->is_queued = false;
    *ret_is_due = line->is_due;
    line->is_due = false;
    return line;
}

void cfl_server_queue_ready_locked(struct cfl_server_connection *line)
{
    struct cflight_server *server = line->server;
    (void)pthread_mutex_lock(&server->mutex);
    bool is_added = enqueue_locked(server, line, lacks_slots(line));
    (void)pthread_mutex_unlock(&server->mutex);
    if (is_added) {
        cfl_server_wake_worker(server);
    }
}
