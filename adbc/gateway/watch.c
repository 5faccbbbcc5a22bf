/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the driver while they run: who can cancel them, and when their time is over.
 *
 * A run is known to its session, whose lock keeps its statement alive while it is cancelled, and,
 * where statements have a limit, to the watch, whose thread cancels those that are late. Lock
 * order: the watch's, then a session's. The same thread closes connections that were idle for
 * long. Thread class: free. */
#include <string.h>
#include <time.h>

#include "adbc/gateway/internal.h"

enum { IDLE_MS = 60000, LOOK_MS = 5000 };

static void cancel(struct gateway_run *run)
{
    const struct gateway_driver *driver = &run->session->gateway->driver;
    struct AdbcError error = gateway_error_init(driver);
    AdbcStatusCode code = ADBC_STATUS_NOT_IMPLEMENTED;
    if (run->statement != NULL) {
        code = driver->table.StatementCancel(run->statement, &error);
    }
    if (code == ADBC_STATUS_NOT_IMPLEMENTED && run->session->connection != NULL) {
        gateway_error_release(&error);
        (void)driver->table.ConnectionCancel(&run->session->connection->adbc, &error);
    }
    gateway_error_release(&error);
    atomic_fetch_add(&run->session->gateway->counts->cancelled, 1);
}

void gateway_session_interrupt(struct gateway_session *session)
{
    (void)pthread_mutex_lock(&session->mutex);
    if (session->running != NULL) {
        cancel(session->running);
    }
    (void)pthread_mutex_unlock(&session->mutex);
}

void gateway_run_begin(struct gateway_run *run, struct gateway_session *session,
                       struct AdbcStatement *statement, int64_t left_ms)
{
    struct gateway_watch *watch = &session->gateway->watch;
    memset(run, 0, sizeof *run);
    run->session = session;
    run->statement = statement;
    (void)pthread_mutex_lock(&session->mutex);
    session->running = run;
    (void)pthread_mutex_unlock(&session->mutex);
    if (left_ms >= 0) {
        run->deadline_ms = gateway_now_ms() + left_ms;
        (void)pthread_mutex_lock(&watch->mutex);
        run->next = watch->runs;
        watch->runs = run;
        (void)pthread_cond_signal(&watch->changed);
        (void)pthread_mutex_unlock(&watch->mutex);
    }
}

bool gateway_run_end(struct gateway_run *run)
{
    struct gateway_watch *watch = &run->session->gateway->watch;
    if (run->deadline_ms != 0) {
        (void)pthread_mutex_lock(&watch->mutex);
        struct gateway_run **place = &watch->runs;
        while (*place != run) {
            place = &(*place)->next;
        }
        *place = run->next;
        run->is_late |= gateway_now_ms() >= run->deadline_ms;
        (void)pthread_mutex_unlock(&watch->mutex);
    }
    (void)pthread_mutex_lock(&run->session->mutex);
    run->session->running = NULL;
    (void)pthread_mutex_unlock(&run->session->mutex);
    if (run->is_late) {
        atomic_fetch_add(&run->session->gateway->counts->late, 1);
    }
    return run->is_late;
}

cflight_status gateway_fail_late(const struct gateway *gateway, cflight_error **reterr)
{
    return cflight_error_set(reterr, CFLIGHT_DEADLINE_EXCEEDED,
                             "the statement has kept the database busy for longer than %.3f "
                             "seconds (--query-timeout)",
                             (double)gateway->query_ms / 1000);
}

/* Cancels what is late, each once; gives when to look again. */
static int64_t look(struct gateway_watch *watch, int64_t now_ms)
{
    int64_t next_ms = now_ms + LOOK_MS;
    for (struct gateway_run *run = watch->runs; run != NULL; run = run->next) {
        if (run->is_late) {
            continue;
        }
        if (run->deadline_ms <= now_ms) {
            run->is_late = true;
            gateway_session_interrupt(run->session);
        } else if (run->deadline_ms < next_ms) {
            next_ms = run->deadline_ms;
        }
    }
    return next_ms;
}

static void *watch_runs(void *user_data)
{
    struct gateway *gateway = user_data;
    struct gateway_watch *watch = &gateway->watch;
    int64_t idle_look_ms = gateway_now_ms() + LOOK_MS;
    (void)pthread_mutex_lock(&watch->mutex);
    while (!watch->is_over) {
        int64_t now_ms = gateway_now_ms();
        int64_t next_ms = look(watch, now_ms);
        if (now_ms >= idle_look_ms) {
            idle_look_ms = now_ms + LOOK_MS;
            (void)pthread_mutex_unlock(&watch->mutex);
            gateway_pool_close_idle(gateway, now_ms - IDLE_MS);
            (void)pthread_mutex_lock(&watch->mutex);
            continue;
        }
        struct timespec deadline = {(time_t)(next_ms / 1000), (long)(next_ms % 1000) * 1000000};
        (void)pthread_cond_timedwait(&watch->changed, &watch->mutex, &deadline);
    }
    (void)pthread_mutex_unlock(&watch->mutex);
    return NULL;
}

cflight_status gateway_watch_start(struct gateway *gateway, cflight_error **reterr)
{
    if (pthread_create(&gateway->watch.thread, NULL, watch_runs, gateway) != 0) {
        return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                         "no thread can be started");
    }
    gateway->watch.has_thread = true;
    return CFLIGHT_OK;
}

void gateway_watch_stop(struct gateway *gateway)
{
    struct gateway_watch *watch = &gateway->watch;
    if (watch->has_thread) {
        (void)pthread_mutex_lock(&watch->mutex);
        watch->is_over = true;
        (void)pthread_cond_signal(&watch->changed);
        (void)pthread_mutex_unlock(&watch->mutex);
        (void)pthread_join(watch->thread, NULL);
        watch->has_thread = false;
    }
}
