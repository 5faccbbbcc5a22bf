/* SPDX-License-Identifier: Apache-2.0 */
/* Waking threads: the clock, when it has something to do before it would look, and a worker that
 * polls. Thread class: free. */
#include "base/log_limit.h"
#include "flight/server/server.h"

void cfl_server_wake_clock_locked(struct cflight_server *server)
{
    server->locked.clock_is_wanted = true;
    (void)pthread_cond_signal(&server->locked.clock);
}

void cfl_server_start_ticking(struct cflight_server *server)
{
    atomic_fetch_add_explicit(&server->turn_count, 1, memory_order_relaxed);
    if (!atomic_load(&server->is_ticking)) {
        (void)pthread_mutex_lock(&server->mutex);
        cfl_server_wake_clock_locked(server);
        (void)pthread_mutex_unlock(&server->mutex);
    }
}

void cfl_server_watch_log(struct cflight_server *server)
{
    if (cfl_log_due_ns() < atomic_load_explicit(&server->log_due_ns, memory_order_relaxed)) {
        (void)pthread_mutex_lock(&server->mutex);
        cfl_server_wake_clock_locked(server);
        (void)pthread_mutex_unlock(&server->mutex);
    }
}

void cfl_server_wake_worker(struct cflight_server *server)
{
    if (atomic_load(&server->polling_count) > 0) {
        cfl_poller_wake(server->poller);
    }
}
