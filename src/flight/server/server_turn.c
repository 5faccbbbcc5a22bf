/* SPDX-License-Identifier: Apache-2.0 */
/* Turns: a thread runs the ready calls of one connection, one after another, and sends what they
 * answered in one go.
 *
 * Under the connection's lock, `holder` says whose turn it is. A thread that is in user code can
 * lose its turn: by itself, before it waits for a peer or when the method was slow lately, or by
 * the clock, when it has been there too long. Then what was held back is sent, and the calls that
 * are left go to another thread; the one that lost its turn ends its call alone. Connections with
 * ready calls that nobody runs are in the run queue, each once, and take turns.
 *
 * Thread class: pool threads. */
#include "flight/server/server_call.h"

enum {
    STEPS_MAX = 64, /* of one turn */
    /* How slow a method is: grows when a handler of it loses its turn to the clock, falls with each
     * that was quick. */
    SLOWNESS_STEP = 4,
    SLOWNESS_SLOW = 8,
    SLOWNESS_MAX = 16,
};

#define QUICK_NS CFL_NS_PER_MS
#define TURN_NS_MAX CFL_NS_PER_MS /* then it goes to the end of the queue */

/* ---- slow methods ---- */

static atomic_uint_least32_t *slowness_of(struct cflight_server *server,
                                          const struct cfl_server_call *call)
{
    return &server->slowness[(unsigned int)call->context.call->method->id & 15];
}

static void note_slow(atomic_uint_least32_t *slowness)
{
    uint32_t value = atomic_load_explicit(slowness, memory_order_relaxed);
    atomic_store_explicit(
        slowness, value + SLOWNESS_STEP < SLOWNESS_MAX ? value + SLOWNESS_STEP : SLOWNESS_MAX,
        memory_order_relaxed);
}

static void note_quick(atomic_uint_least32_t *slowness)
{
    uint32_t value = atomic_load_explicit(slowness, memory_order_relaxed);
    if (value > 0) {
        atomic_store_explicit(slowness, value - 1, memory_order_relaxed);
    }
}

static struct cfl_server_call *take_of_kind(struct cfl_server_connection *line,
                                            enum cfl_server_kind kind, enum cfl_server_kind slot)
{
    if (cfl_list_is_empty(&line->ready[kind]) || !cfl_server_take_slot(line->server, slot)) {
        return NULL;
    }
    struct cfl_list *node = cfl_list_take_first(&line->ready[kind]);
    line->connection->locked.has_arrivals = !cfl_list_is_empty(&line->ready[CFL_SERVER_ARRIVAL]);
    return CFL_LIST_ENTRY(node, struct cfl_server_call, ready_node);
}

/* A ready call together with a slot for it. Who arrives is identified in any case: the connection
 * is not read before that. */
static struct cfl_server_call *take_ready_locked(struct cfl_server_connection *line,
                                                 enum cfl_server_kind *ret_slot)
{
    struct cfl_server_call *call = take_of_kind(line, CFL_SERVER_STREAM, CFL_SERVER_STREAM);
    *ret_slot = CFL_SERVER_STREAM;
    if (call == NULL && !cfl_server_is_stuffed(line)) {
        *ret_slot = CFL_SERVER_HANDLER;
        call = take_of_kind(line, CFL_SERVER_HANDLER, CFL_SERVER_HANDLER);
        if (call == NULL) {
            call = take_of_kind(line, CFL_SERVER_ARRIVAL, CFL_SERVER_HANDLER);
        }
    }
    if (call == NULL) {
        *ret_slot = CFL_SERVER_ARRIVAL;
        call = take_of_kind(line, CFL_SERVER_ARRIVAL, CFL_SERVER_ARRIVAL);
    }
    return call;
}

/* ---- turns ---- */

void cfl_server_lose_turn_locked(struct cfl_server_worker *worker,
                                 struct cfl_server_connection *line)
{
    struct cflight_server *server = worker->server;
    line->holder = NULL;
    (void)pthread_mutex_lock(&server->mutex);
    worker->is_away = true;
    worker->turn = NULL;
    server->locked.away_count++;
    cfl_server_ensure_workers_locked(server);
    (void)pthread_mutex_unlock(&server->mutex);
    cfl_connection_end_hold_locked(line->connection); /* queues what is left */
}

void cfl_server_take_turn_away(struct cfl_server_worker *worker, struct cfl_connection *connection,
                               uint32_t step_number)
{
    struct cfl_server_connection *line = cfl_server_connection_of(connection);
    cfl_connection_lock(connection);
    /* The worker's memory is looked at only while it cannot leave. */
    if (line->holder == worker && atomic_load(&worker->step_number) == step_number) {
        note_slow(worker->slowness);
        cfl_server_lose_turn_locked(worker, line);
    }
    cfl_connection_unlock(connection);
}

static void publish(struct cfl_server_worker *worker, struct cfl_connection *connection)
{
    (void)pthread_mutex_lock(&worker->server->mutex);
    worker->turn = connection;
    (void)pthread_mutex_unlock(&worker->server->mutex);
}

/* Runs one call; the lock is let go of meanwhile. False: the turn was lost. */
static bool run_locked(struct cfl_server_worker *worker, struct cfl_server_connection *line,
                       struct cfl_server_call *call, enum cfl_server_kind kind)
{
    struct cflight_server *server = worker->server;
    struct cfl_connection *connection = line->connection;
    atomic_uint_least32_t *slowness = slowness_of(server, call);
    bool is_slow = kind == CFL_SERVER_HANDLER &&
                   atomic_load_explicit(slowness, memory_order_relaxed) >= SLOWNESS_SLOW;
    int64_t begun_ns = is_slow ? cfl_clock_now_ns(NULL) : 0;
    worker->line = line;
    worker->slot_kind = kind;
    worker->slowness = slowness;
    atomic_fetch_add(&worker->step_number, 1);
    if (is_slow) {
        cfl_server_lose_turn_locked(worker, line);
    }
    cfl_connection_unlock(connection);
    cfl_server_step(call, kind != CFL_SERVER_ARRIVAL);
    cfl_connection_lock(connection);
    atomic_fetch_add(&worker->step_number, 1);
    worker->line = NULL;
    cfl_server_give_slot(server, kind);
    bool has_turn = line->holder == worker;
    if (has_turn ? !is_slow : is_slow && cfl_clock_now_ns(NULL) - begun_ns < QUICK_NS) {
        note_quick(slowness);
    }
    return has_turn;
}

/* True when the turn was long enough. */
static bool is_enough(int step_count, int64_t begun_ns)
{
    return step_count >= STEPS_MAX ||
           ((step_count & 7) == 0 && cfl_clock_now_ns(NULL) - begun_ns >= TURN_NS_MAX);
}

/* Runs ready calls; false: the turn was lost. */
static bool run_ready_locked(struct cfl_server_worker *worker, struct cfl_server_connection *line)
{
    bool has_turn = true;
    publish(worker, line->connection);
    cfl_server_start_ticking(worker->server);
    int64_t begun_ns = cfl_clock_now_ns(NULL);
    for (int step_count = 1; has_turn; step_count++) {
        enum cfl_server_kind slot = CFL_SERVER_HANDLER;
        struct cfl_server_call *call = take_ready_locked(line, &slot);
        if (call == NULL) {
            break;
        }
        has_turn = run_locked(worker, line, call, slot);
        if (is_enough(step_count, begun_ns)) {
            break;
        }
    }
    if (has_turn) {
        publish(worker, NULL);
    }
    return has_turn;
}

static void come_back(struct cfl_server_worker *worker)
{
    struct cflight_server *server = worker->server;
    (void)pthread_mutex_lock(&server->mutex);
    if (worker->is_away) {
        worker->is_away = false;
        server->locked.away_count--;
    }
    (void)pthread_mutex_unlock(&server->mutex);
}

void cfl_server_take_turn(struct cfl_server_worker *worker, struct cfl_server_connection *line,
                          bool is_due)
{
    struct cfl_connection *connection = line->connection;
    bool has_turn = false;
    bool is_lost = false;
    cfl_connection_lock(connection);
    if (line->holder == NULL) {
        has_turn = true;
        line->holder = worker;
        cfl_server_stop_starving_locked(line);
        cfl_connection_hold_locked(connection);
    }
    if (is_due) {
        cfl_connection_process_locked(connection);
    }
    if (has_turn && cfl_server_is_runnable(line)) {
        has_turn = run_ready_locked(worker, line);
        is_lost = !has_turn;
    }
    if (has_turn) {
        line->holder = NULL;
        cfl_connection_end_hold_locked(connection);
    } else if (is_lost) {
        /* No turn ends here that would see to what the last step left: a call that is ready again,
         * bytes to be sent, an earlier deadline. */
        cfl_connection_kick_locked(connection);
    }
    cfl_connection_unlock(connection);
    if (is_lost) {
        come_back(worker);
    }
    cfl_server_pass_slots_on(worker->server);
}
