/* SPDX-License-Identifier: Apache-2.0 */
/* Starting and joining the server's threads. There are always `workers_least` that are not away in
 * a handler that is slow or waits; when the system gives no thread, the clock tries again. Lock:
 * the server's mutex. */
#include "base/alloc.h"
#include "base/thread.h"
#include "flight/server/server.h"

static uint64_t thread_max(const struct cflight_server *server)
{
    return (uint64_t)server->options.handlers_max * CFL_SERVER_KIND_COUNT +
           server->options.waiting_max + server->workers_least;
}

static void worker_join(struct cflight_server *server, struct cfl_server_worker *worker)
{
    (void)pthread_join(worker->thread, NULL);
    cfl_free(server->alloc, worker, sizeof *worker);
}

/* Joins threads that ended: they are past their last lock. */
static void join_left_locked(struct cflight_server *server)
{
    for (struct cfl_list *node = NULL;
         (node = cfl_list_take_first(&server->locked.left)) != NULL;) {
        worker_join(server, CFL_LIST_ENTRY(node, struct cfl_server_worker, node));
    }
}

/* Starts one more thread; false when the system gives none. */
bool cfl_server_start_thread_locked(struct cflight_server *server)
{
    if (server->locked.thread_count >= thread_max(server)) {
        return false;
    }
    join_left_locked(server);
    struct cfl_server_worker *worker = cfl_alloc_zeroed(server->alloc, sizeof *worker);
    if (worker == NULL) {
        return false;
    }
    worker->server = server;
    cfl_list_append(&server->locked.workers, &worker->node);
    server->locked.thread_count++;
    if (cfl_thread_start(&worker->thread, NULL, &server->worker_signals, server->worker_main,
                         worker) != 0) {
        server->locked.thread_count--;
        cfl_list_remove(&worker->node);
        cfl_free(server->alloc, worker, sizeof *worker);
        return false;
    }
    return true;
}

void cfl_server_ensure_workers_locked(struct cflight_server *server)
{
    while (server->locked.thread_count - server->locked.away_count < server->workers_least &&
           server->locked.state != CFL_SERVER_STOPPED) {
        if (!cfl_server_start_thread_locked(server)) {
            server->locked.lacks_threads = true;
            cfl_server_wake_clock_locked(server);
            return;
        }
    }
    server->locked.lacks_threads = false;
}

void cfl_server_join_threads(struct cflight_server *server)
{
    cfl_poller_wake(server->poller);
    (void)pthread_mutex_lock(&server->mutex);
    while (server->locked.thread_count > 0) {
        (void)pthread_cond_wait(&server->locked.changed, &server->mutex);
    }
    join_left_locked(server);
    bool has_clock = server->locked.has_clock;
    server->locked.has_clock = false;
    (void)pthread_mutex_unlock(&server->mutex);
    if (has_clock) {
        (void)pthread_join(server->locked.clock_thread, NULL);
    }
}
