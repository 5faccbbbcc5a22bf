/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker does around its waits for a peer: it has neither turn nor slot meanwhile.
 *
 * It takes a slot again without asking whether one is left, because to wait for one could be a
 * deadlock: those who have them may wait for this thread. Thread class: pool threads. */
#include "flight/server/server.h"

void cfl_server_begin_waiting(void *user_data)
{
    struct cfl_server_worker *worker = user_data;
    struct cfl_server_connection *line = worker->line;
    if (line == NULL) {
        return; /* not in user code */
    }
    cfl_connection_lock(line->connection);
    if (line->holder == worker) {
        cfl_server_lose_turn_locked(worker, line);
    }
    cfl_connection_unlock(line->connection);
    atomic_fetch_add(&worker->server->waiting_count, 1);
    cfl_server_give_slot(worker->server, worker->slot_kind);
}

void cfl_server_end_waiting(void *user_data)
{
    struct cfl_server_worker *worker = user_data;
    if (worker->line != NULL) {
        atomic_fetch_sub(&worker->server->waiting_count, 1);
        atomic_fetch_add(&worker->server->running[worker->slot_kind], 1);
    }
}
