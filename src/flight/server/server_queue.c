/* SPDX-License-Identifier: Apache-2.0 */
/* Slots, and the queue of connections whose ready calls nobody runs.
 *
 * Slots say how many calls run user code at once. Each connection is in the run queue once; they
 * take turns. One whose ready calls find no slot is starved: it stands aside until a slot of a kind
 * that it can use is given back. A connection that a thread looks after is not starved, and whoever
 * looked after one passes on what it left; so no slot stays free while a connection waits for it.
 * Thread class: free. */
#include "flight/server/server.h"

enum {
    ANSWERED_MAX = 256, /* answers that the peer has not taken: it waits for itself */
    ANSWERED_BYTES_MAX = 1 << 20,
};

bool cfl_server_is_stuffed(const struct cfl_server_connection *line)
{
    return line->answered_count >= ANSWERED_MAX || line->answered_bytes >= ANSWERED_BYTES_MAX;
}

/* ---- slots ---- */

static bool has_slot(struct cflight_server *server, enum cfl_server_kind kind)
{
    return atomic_load(&server->running[kind]) < server->options.handlers_max;
}

bool cfl_server_take_slot(struct cflight_server *server, enum cfl_server_kind kind)
{
    uint32_t running_count = atomic_fetch_add(&server->running[kind], 1);
    if (running_count < server->options.handlers_max) {
        return true;
    }
    atomic_fetch_sub(&server->running[kind], 1);
    return false;
}

static void leave_starved_locked(struct cflight_server *server, struct cfl_server_connection *line)
{
    for (int kind = 0; kind < CFL_SERVER_KIND_COUNT; kind++) {
        if (cfl_list_is_linked(&line->starved_nodes[kind])) {
            cfl_list_remove(&line->starved_nodes[kind]);
            atomic_fetch_sub(&server->starved_count[kind], 1);
        }
    }
    line->is_starved = false;
}

/* The connection that waits longest for such a slot goes to the run queue. */
static void feed_starved(struct cflight_server *server, enum cfl_server_kind kind)
{
    (void)pthread_mutex_lock(&server->mutex);
    bool is_fed = !cfl_list_is_empty(&server->locked.starved[kind]);
    if (is_fed) {
        struct cfl_server_connection *line = CFL_LIST_ENTRY(
            server->locked.starved[kind].next, struct cfl_server_connection, starved_nodes[kind]);
        leave_starved_locked(server, line);
        cfl_list_append(&server->locked.queue, &line->queue_node);
    }
    (void)pthread_mutex_unlock(&server->mutex);
    if (is_fed) {
        cfl_server_wake_worker(server);
    }
}

void cfl_server_give_slot(struct cflight_server *server, enum cfl_server_kind kind)
{
    atomic_fetch_sub(&server->running[kind], 1);
    if (atomic_load(&server->starved_count[kind]) > 0) {
        feed_starved(server, kind);
    }
}

void cfl_server_pass_slots_on(struct cflight_server *server)
{
    for (int kind = 0; kind < CFL_SERVER_KIND_COUNT; kind++) {
        if (atomic_load(&server->starved_count[kind]) > 0 && has_slot(server, kind)) {
            feed_starved(server, kind);
        }
    }
}

void cfl_server_stop_starving_locked(struct cfl_server_connection *line)
{
    struct cflight_server *server = line->server;
    uint32_t starved_count = 0;
    for (int kind = 0; kind < CFL_SERVER_KIND_COUNT; kind++) {
        starved_count += atomic_load(&server->starved_count[kind]);
    }
    if (starved_count == 0) {
        return;
    }
    (void)pthread_mutex_lock(&server->mutex);
    bool was_starved = line->is_starved;
    if (was_starved) {
        leave_starved_locked(server, line);
        line->is_queued = false;
    }
    (void)pthread_mutex_unlock(&server->mutex);
    if (was_starved) {
        cfl_connection_unref(line->connection); /* the queue's; the caller has its own */
    }
}

/* ---- the run queue ---- */

/* Whether a slot of the kind would do for a call that is ready. Who arrives is content with that of
 * a handler. Under the connection's lock. */
static bool wants_slot(const struct cfl_server_connection *line, enum cfl_server_kind kind)
{
    bool has_arrivals = !cfl_list_is_empty(&line->ready[CFL_SERVER_ARRIVAL]);
    if (kind == CFL_SERVER_HANDLER) {
        return !cfl_server_is_stuffed(line) &&
               (has_arrivals || !cfl_list_is_empty(&line->ready[CFL_SERVER_HANDLER]));
    }
    return !cfl_list_is_empty(&line->ready[kind]);
}

static bool lacks_slots(const struct cfl_server_connection *line)
{
    for (int kind = 0; kind < CFL_SERVER_KIND_COUNT; kind++) {
        if (wants_slot(line, kind) && has_slot(line->server, kind)) {
            return false;
        }
    }
    return true;
}

/* Puts the connection among the starved, where it keeps its place; false: there is a slot after
 * all. Under both locks. */
static bool starve_locked(struct cflight_server *server, struct cfl_server_connection *line)
{
    for (int kind = 0; kind < CFL_SERVER_KIND_COUNT; kind++) {
        if (wants_slot(line, kind) && !cfl_list_is_linked(&line->starved_nodes[kind])) {
            cfl_list_append(&server->locked.starved[kind], &line->starved_nodes[kind]);
            atomic_fetch_add(&server->starved_count[kind], 1);
        }
    }
    /* A slot that is given back from now on feeds it; one that was meanwhile is seen here. */
    line->is_starved = lacks_slots(line);
    return line->is_starved;
}

/* Puts the connection in the run queue; false: it was there, or is starved. */
static bool enqueue_locked(struct cflight_server *server, struct cfl_server_connection *line,
                           bool is_starved)
{
    if (line->is_queued && !line->is_starved) {
        return false;
    }
    if (!line->is_queued) {
        line->is_queued = true;
        (void)cfl_connection_ref(line->connection); /* the queue's */
    }
    if (is_starved && starve_locked(server, line)) {
        return false;
    }
    leave_starved_locked(server, line);
    cfl_list_append(&server->locked.queue, &line->queue_node);
    return true;
}

void cfl_server_queue_due(struct cflight_server *server, struct cfl_connection *connection)
{
    struct cfl_server_connection *line = cfl_server_connection_of(connection);
    (void)pthread_mutex_lock(&server->mutex);
    line->is_due = true;
    (void)enqueue_locked(server, line, false);
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
