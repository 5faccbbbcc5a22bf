/* SPDX-License-Identifier: Apache-2.0 */
/* The server's threads.
 *
 * Each looks into the run queue, and polls when that is empty or after every visit from it, so that
 * neither starves. There are always `workers_least` that are not away in a handler that is slow or
 * waits; when the system gives no thread, the clock tries again. Threads that have nothing to do
 * for a while leave, down to that number. Lock: the server's mutex. */
#include "base/error.h"
#include "base/thread.h"
#include "flight/server/server.h"

enum { IDLE_S_MAX = 10 };

/* What a thread does next: it leaves, visits a connection, or polls until a moment. */
struct plan {
    bool must_leave;
    struct cfl_server_connection *line;
    bool is_due;
    int64_t timeout_ns;
};

static struct plan plan_locked(struct cfl_server_worker *worker, int64_t idle_since_ns,
                               bool polls_next)
{
    struct cflight_server *server = worker->server;
    struct plan plan = {.timeout_ns = -1};
    if (server->locked.state == CFL_SERVER_STOPPED) {
        plan.must_leave = true;
        return plan;
    }
    if (!polls_next) {
        plan.line = cfl_server_next_locked(server, &plan.is_due);
        if (plan.line != NULL) {
            return plan;
        }
    }
    bool is_spare = server->locked.thread_count - server->locked.away_count > server->workers_least;
    if (is_spare) {
        plan.timeout_ns = idle_since_ns + IDLE_S_MAX * CFL_NS_PER_S - cfl_clock_now_ns(NULL);
        plan.must_leave = plan.timeout_ns <= 0;
    }
    if (!cfl_list_is_empty(&server->locked.queue)) {
        plan.timeout_ns = 0;
        plan.must_leave = false;
    }
    if (!plan.must_leave) {
        atomic_fetch_add(&server->polling_count, 1);
    }
    return plan;
}

static void on_event(struct cfl_server_worker *worker, void *tag)
{
    uint64_t value = (uint64_t)(uintptr_t)tag;
    if (value > CFL_SERVER_LISTENER_TAG - CFL_SERVER_LISTENER_TAGS) {
        cfl_server_on_listener(worker->server, (size_t)(CFL_SERVER_LISTENER_TAG - value));
        return;
    }
    struct cfl_connection *connection = cfl_server_find_connection(worker->server, value);
    if (connection != NULL) {
        cfl_server_visit(worker, connection, true);
        cfl_connection_unref(connection);
    }
}

static bool poll_once(struct cfl_server_worker *worker, int64_t timeout_ns)
{
    struct cflight_server *server = worker->server;
    void *tag = NULL;
    unsigned int ready = 0;
    bool has_event = cfl_poller_wait(server->poller, timeout_ns, &tag, &ready);
    atomic_fetch_sub(&server->polling_count, 1);
    if (has_event) {
        on_event(worker, tag);
    }
    if (atomic_load(&server->has_cancelled)) {
        cfl_server_run_cancelled(server);
    }
    return has_event;
}

static void leave_locked(struct cfl_server_worker *worker)
{
    struct cflight_server *server = worker->server;
    /* The lock is held: nobody frees the server before this thread is counted out. */
    server->locked.thread_count--;
    cfl_list_remove(&worker->node);
    cfl_list_append(&server->locked.left, &worker->node);
    (void)pthread_cond_broadcast(&server->locked.changed);
    if (server->locked.state == CFL_SERVER_STOPPED && server->locked.thread_count > 0) {
        cfl_poller_wake(server->poller); /* the next one leaves, too */
    }
}

static void *worker_main(void *user_data)
{
    struct cfl_server_worker *worker = user_data;
    struct cflight_server *server = worker->server;
    int64_t idle_since_ns = cfl_clock_now_ns(NULL);
    bool polls_next = false;
    worker->blocking = (struct cfl_blocking){
        .begin = cfl_server_begin_waiting, .end = cfl_server_end_waiting, .user_data = worker};
    cfl_blocking_set(&worker->blocking);
    for (;;) {
        (void)pthread_mutex_lock(&server->mutex);
        struct plan plan = plan_locked(worker, idle_since_ns, polls_next);
        if (plan.must_leave) {
            break;
        }
        (void)pthread_mutex_unlock(&server->mutex);
        bool has_worked = plan.line != NULL;
        polls_next = plan.line != NULL;
        if (plan.line != NULL) {
            struct cfl_connection *connection = plan.line->connection;
            cfl_server_visit(worker, connection, plan.is_due);
            cfl_connection_unref(connection);
        } else {
            has_worked = poll_once(worker, plan.timeout_ns);
        }
        if (has_worked) {
            cfl_server_watch_log(server);
            idle_since_ns = cfl_clock_now_ns(NULL);
        }
    }
    leave_locked(worker);
    (void)pthread_mutex_unlock(&server->mutex);
    cfl_blocking_set(NULL);
    return NULL;
}

cflight_status cfl_server_start_threads(struct cflight_server *server, cflight_error **reterr)
{
    server->worker_main = worker_main;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &server->worker_signals);
    (void)pthread_mutex_lock(&server->mutex);
    bool is_started = cfl_server_start_thread_locked(server);
    if (is_started) {
        server->locked.has_clock = cfl_thread_start(&server->locked.clock_thread, NULL, NULL,
                                                    cfl_server_clock_main, server) == 0;
        cfl_server_ensure_workers_locked(server); /* it can do with one */
    }
    bool has_clock = server->locked.has_clock;
    if (!has_clock) {
        server->locked.state = CFL_SERVER_STOPPED;
    }
    (void)pthread_mutex_unlock(&server->mutex);
    if (!has_clock) {
        cfl_server_join_threads(server);
        return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                         "the system gives the server no thread");
    }
    return CFLIGHT_OK;
}
