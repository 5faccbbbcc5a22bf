/* SPDX-License-Identifier: Apache-2.0 */
/* The clock: a thread that never runs user code and never waits for a peer.
 *
 * While turns are taken it looks at them once a millisecond: a thread that is in the same step of
 * user code as at the last look loses its turn, so that the rest of its connection waits for two
 * milliseconds at most. It sleeps when no turns were taken for a while, and is woken by the next.
 * It also has connections visited whose time has come, has threads started when the system gave
 * none, lets accepting go on after a pause, tells which lines were left out of the log, and moves a
 * shutdown along. Lock: the server's mutex. */
#include "base/condition.h"
#include "base/log_limit.h"
#include "flight/server/server.h"

enum {
    TICKS_IDLE_MAX = 50, /* without a turn, before it sleeps */
    STALLED_MAX = 64,    /* turns taken away in one tick; the others in the next */
    DUE_MAX = 256,
    THREAD_RETRY_MS = 10,
};

#define TICK_NS CFL_NS_PER_MS

struct stalled {
    struct cfl_server_worker *worker;
    struct cfl_connection *connection;
    uint32_t step_number;
};

/* Turns whose thread is where it was at the last look. */
static size_t find_stalled_locked(struct cflight_server *server, struct stalled *ret_stalled)
{
    size_t count = 0;
    struct cfl_list *head = &server->locked.workers;
    for (struct cfl_list *node = head->next; node != head && count < STALLED_MAX;
         node = node->next) {
        struct cfl_server_worker *worker = CFL_LIST_ENTRY(node, struct cfl_server_worker, node);
        uint32_t step_number = atomic_load(&worker->step_number);
        bool is_stalled =
            worker->turn != NULL && (step_number & 1) == 1 && step_number == worker->seen_number;
        worker->seen_number = step_number;
        if (is_stalled) {
            ret_stalled[count++] =
                (struct stalled){worker, cfl_connection_ref(worker->turn), step_number};
        }
    }
    return count;
}

static void take_turns_away(const struct stalled *stalled, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cfl_server_take_turn_away(stalled[i].worker, stalled[i].connection, stalled[i].step_number);
        cfl_connection_unref(stalled[i].connection);
    }
}

/* Sends batches that were held back. False: there is more to do, for a worker. */
static bool send_held_back(struct cfl_connection *connection, int64_t now_ns)
{
    cfl_connection_lock(connection);
    int64_t next_ns = cfl_connection_flush_held_back_locked(connection, now_ns);
    next_ns = cfl_deadline_earlier(next_ns, cfl_connection_deadline_locked(connection));
    bool is_all = next_ns > now_ns && !connection->locked.is_closed;
    if (is_all && next_ns != CFL_TIME_NEVER) {
        connection->owner.on_deadline(connection->owner.user_data, next_ns);
    }
    cfl_connection_unlock(connection);
    return is_all;
}

static void visit_due(struct cflight_server *server, int64_t now_ns)
{
    uint64_t tag = 0;
    for (int i = 0; i < DUE_MAX && cfl_timers_pop(&server->timers, now_ns, &tag); i++) {
        struct cfl_connection *connection = cfl_server_find_connection(server, tag);
        if (connection != NULL) {
            if (!send_held_back(connection, now_ns)) {
                cfl_server_queue_due(server, connection);
            }
            cfl_connection_unref(connection);
        }
    }
}

/* When the clock has to look again. */
static int64_t next_look_locked(struct cflight_server *server, bool is_ticking, int64_t now_ns,
                                int64_t shutdown_ns)
{
    int64_t next_ns = cfl_deadline_earlier(cfl_timers_first_ns(&server->timers), shutdown_ns);
    if (is_ticking) {
        next_ns = cfl_deadline_earlier(next_ns, now_ns + TICK_NS);
    }
    if (server->locked.lacks_threads) {
        next_ns = cfl_deadline_earlier(next_ns, cfl_deadline_after_ms(now_ns, THREAD_RETRY_MS));
    }
    if (server->locked.accept_is_paused) {
        next_ns = cfl_deadline_earlier(next_ns, server->locked.accept_ns);
    }
    int64_t log_due_ns = cfl_log_due_ns();
    atomic_store(&server->log_due_ns, log_due_ns);
    return cfl_deadline_earlier(next_ns, log_due_ns);
}

static void keep_up_locked(struct cflight_server *server, int64_t now_ns)
{
    if (server->locked.lacks_threads) {
        cfl_server_ensure_workers_locked(server);
    }
    if (server->locked.accept_is_paused && now_ns >= server->locked.accept_ns) {
        cfl_server_resume_accepting_locked(server);
    }
}

/* What the clock remembers between looks. */
struct look {
    uint32_t turn_count;
    int idle_ticks;
};

/* Whether turns are to be watched until the next look. */
static bool keeps_ticking(struct cflight_server *server, struct look *look)
{
    uint32_t turn_count = atomic_load_explicit(&server->turn_count, memory_order_relaxed);
    look->idle_ticks = turn_count == look->turn_count ? look->idle_ticks + 1 : 0;
    look->turn_count = turn_count;
    return look->idle_ticks < TICKS_IDLE_MAX;
}

static bool has_turns_locked(struct cflight_server *server)
{
    struct cfl_list *head = &server->locked.workers;
    for (struct cfl_list *node = head->next; node != head; node = node->next) {
        if (CFL_LIST_ENTRY(node, struct cfl_server_worker, node)->turn != NULL) {
            return true;
        }
    }
    return false;
}

void *cfl_server_clock_main(void *user_data)
{
    struct cflight_server *server = user_data;
    struct stalled stalled[STALLED_MAX];
    struct look look = {0};
    int64_t shutdown_ns = CFL_TIME_NEVER;
    (void)pthread_mutex_lock(&server->mutex);
    while (server->locked.state != CFL_SERVER_STOPPED) {
        int64_t now_ns = cfl_clock_now_ns(NULL);
        bool is_ticking = keeps_ticking(server, &look) || has_turns_locked(server);
        atomic_store(&server->is_ticking, is_ticking);
        keep_up_locked(server, now_ns);
        int64_t until_ns = next_look_locked(server, is_ticking, now_ns, shutdown_ns);
        bool in_time = true;
        while (in_time && !server->locked.clock_is_wanted) {
            in_time = cfl_condition_wait_until(&server->locked.clock, &server->mutex, until_ns);
        }
        server->locked.clock_is_wanted = false;
        size_t stalled_count = find_stalled_locked(server, stalled);
        (void)pthread_mutex_unlock(&server->mutex);
        take_turns_away(stalled, stalled_count);
        now_ns = cfl_clock_now_ns(NULL);
        visit_due(server, now_ns);
        cfl_log_tell_left_out(now_ns);
        shutdown_ns = cfl_server_advance_shutdown(server, now_ns);
        (void)pthread_mutex_lock(&server->mutex);
    }
    (void)pthread_mutex_unlock(&server->mutex);
    cfl_log_tell_left_out(CFL_TIME_NEVER);
    return NULL;
}
