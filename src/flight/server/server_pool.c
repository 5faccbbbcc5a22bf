/* SPDX-License-Identifier: Apache-2.0 */
/* The server's threads.
 *
 * Each waits for an event, works on it, and then, when a call is ready, runs its handler. Before it
 * does, it makes sure that another thread is free to poll: it starts one if it was the last.
 * Threads that have nothing to do for a while leave again, down to two, with which the pool starts:
 * one polls even when the system gives no more. The pool has one thread more than the handlers that
 * may run at once, so there is always one left to poll. Lock: the server's mutex. */
#include "base/error.h"
#include "base/log.h"
#include "flight/server/server.h"

enum {
    IDLE_S_MAX = 10,
    THREADS_KEPT = 2,
    THREAD_RETRY_MS = 100, /* when the system gave none for a call that waits */
};

static void *thread_main(void *user_data);

/* Starts one more thread; false when the system gives none. */
static bool start_thread_locked(struct cflight_server *server)
{
    pthread_t thread;
    if (server->locked.thread_count >= server->locked.thread_max) {
        return false;
    }
    if (server->locked.left_count > 0) {
        (void)pthread_join(server->locked.left[--server->locked.left_count],
                           NULL); /* it is past its last lock */
    }
    server->locked.thread_count++;
    if (pthread_create(&thread, NULL, thread_main, server) != 0) {
        server->locked.thread_count--;
        return false;
    }
    return true;
}

cflight_status cfl_server_start_threads(struct cflight_server *server, cflight_error **reterr)
{
    (void)pthread_mutex_lock(&server->mutex);
    bool is_started = start_thread_locked(server);
    for (int i = 1; i < THREADS_KEPT && is_started; i++) {
        (void)start_thread_locked(server); /* it can do without */
    }
    (void)pthread_mutex_unlock(&server->mutex);
    if (!is_started) {
        return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                         "the system gives the server no thread");
    }
    return CFLIGHT_OK;
}

/* Joins threads that ended, so that their resources go. */
void cfl_server_join_left(struct cflight_server *server)
{
    (void)pthread_mutex_lock(&server->mutex);
    while (server->locked.left_count > 0) {
        pthread_t thread = server->locked.left[--server->locked.left_count];
        (void)pthread_mutex_unlock(&server->mutex);
        (void)pthread_join(thread, NULL);
        (void)pthread_mutex_lock(&server->mutex);
    }
    (void)pthread_mutex_unlock(&server->mutex);
}

/* A call to run, when this thread may leave polling to another. */
static struct cfl_call *take_call_locked(struct cflight_server *server)
{
    if (cfl_list_is_empty(&server->locked.queue) ||
        server->locked.running_count >= server->options.handlers_max) {
        return NULL;
    }
    bool is_last = server->locked.thread_count - server->locked.running_count <= 1;
    if (is_last && !start_thread_locked(server) && server->locked.running_count > 0) {
        return NULL; /* whoever ends its handler next takes it, or this thread when it tries again
                      */
    }
    struct cfl_list *node = cfl_list_take_first(&server->locked.queue);
    server->locked.queue_count--;
    server->locked.running_count++;
    return CFL_LIST_ENTRY(node, struct cfl_call, fresh_node);
}

/* Runs calls while there are any. */
static void run_calls(struct cflight_server *server)
{
    for (;;) {
        (void)pthread_mutex_lock(&server->mutex);
        struct cfl_call *call = take_call_locked(server);
        (void)pthread_mutex_unlock(&server->mutex);
        if (call == NULL) {
            return;
        }
        cfl_server_run_call(server, call);
        (void)pthread_mutex_lock(&server->mutex);
        server->locked.running_count--;
        (void)pthread_cond_broadcast(&server->locked.changed);
        (void)pthread_mutex_unlock(&server->mutex);
    }
}

/* Moves a shutdown along. */
static void advance_shutdown(struct cflight_server *server, int64_t now_ns)
{
    (void)pthread_mutex_lock(&server->mutex);
    bool is_over = server->locked.state == CFL_SERVER_DRAINING && !server->locked.grace_is_over &&
                   now_ns >= server->locked.grace_ns;
    server->locked.grace_is_over = server->locked.grace_is_over || is_over;
    bool is_quiet = server->locked.state == CFL_SERVER_DRAINING && server->locked.call_count == 0;
    (void)pthread_mutex_unlock(&server->mutex);
    if (is_over) {
        cfl_server_cancel_calls(server);
    }
    if (is_quiet) {
        cfl_server_close_connections(server);
        (void)pthread_mutex_lock(&server->mutex);
        if (server->locked.call_count == 0 && server->locked.connection_count == 0) {
            server->locked.state = CFL_SERVER_STOPPED;
            (void)pthread_cond_broadcast(&server->locked.changed);
        }
        (void)pthread_mutex_unlock(&server->mutex);
    }
}

/* Tells whether this thread is to leave, and how long it may wait otherwise. */
static bool plan_locked(struct cflight_server *server, int64_t idle_since_ns, int64_t now_ns,
                        int64_t *ret_until_ns)
{
    if (server->locked.state == CFL_SERVER_STOPPED) {
        return true;
    }
    int64_t idle_until_ns = idle_since_ns + IDLE_S_MAX * CFL_NS_PER_S;
    bool is_spare = server->locked.thread_count - server->locked.running_count > THREADS_KEPT;
    if (is_spare && now_ns >= idle_until_ns) {
        return true;
    }
    int64_t until_ns = is_spare ? idle_until_ns : CFL_TIME_NEVER;
    until_ns = cfl_deadline_earlier(until_ns, atomic_load(&server->next_deadline_ns));
    if (server->locked.state == CFL_SERVER_DRAINING && !server->locked.grace_is_over) {
        until_ns = cfl_deadline_earlier(until_ns, server->locked.grace_ns);
    }
    if (!cfl_list_is_empty(&server->locked.queue) &&
        server->locked.running_count < server->options.handlers_max) {
        until_ns = cfl_deadline_earlier(until_ns, cfl_deadline_after_ms(now_ns, THREAD_RETRY_MS));
    }
    *ret_until_ns = until_ns;
    return false;
}

static void *thread_main(void *user_data)
{
    struct cflight_server *server = user_data;
    int64_t idle_since_ns = cfl_clock_now_ns(NULL);
    for (;;) {
        void *tag = NULL;
        unsigned int ready = 0;
        int64_t until_ns = CFL_TIME_NEVER;
        int64_t now_ns = cfl_clock_now_ns(NULL);
        (void)pthread_mutex_lock(&server->mutex);
        bool must_leave = plan_locked(server, idle_since_ns, now_ns, &until_ns);
        if (must_leave) {
            break;
        }
        (void)pthread_mutex_unlock(&server->mutex);

        int64_t timeout_ns = -1;
        if (until_ns != CFL_TIME_NEVER) {
            timeout_ns = until_ns > now_ns ? until_ns - now_ns : 0;
        }
        if (cfl_poller_wait(server->poller, timeout_ns, &tag, &ready)) {
            cfl_server_on_event(server, tag);
            idle_since_ns = cfl_clock_now_ns(NULL);
        }
        cfl_server_run_cancelled(server);
        run_calls(server);
        now_ns = cfl_clock_now_ns(NULL);
        cfl_server_on_time(server, now_ns);
        advance_shutdown(server, now_ns);
    }
    /* The lock is held: nobody frees the server before this thread is counted out. */
    server->locked.thread_count--;
    server->locked.left[server->locked.left_count++] = pthread_self();
    (void)pthread_cond_broadcast(&server->locked.changed);
    bool pass_on = server->locked.state == CFL_SERVER_STOPPED && server->locked.thread_count > 0;
    if (pass_on) {
        cfl_poller_wake(server->poller);
    }
    (void)pthread_mutex_unlock(&server->mutex);
    return NULL;
}
