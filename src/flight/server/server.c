/* SPDX-License-Identifier: Apache-2.0 */
/* The server object: options, start, shutdown, end. Thread class: free. */
#include "flight/server/server.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/condition.h"
#include "base/error.h"
#include "base/options.h"
#include "base/process.h"
#include "flight/call/connection_options.h"

/* How long who has just connected may take to hear that the server shuts down. */
enum { GREETING_MS = 2000 };

/* ---- start ---- */

static cflight_status start(struct cflight_server *server, const char *location,
                            const struct cflight_server_handlers *handlers, cflight_error **reterr)
{
    cflight_status status = cfl_server_load_tables(server, handlers, reterr);
    if (status == CFLIGHT_OK) {
        cfl_server_load_limits(server);
        status = cfl_server_start_listening(server, location, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_poller_new(server->alloc, &server->poller, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_connection_pool_new(server->alloc, server->options.pool_bytes_max,
                                         &server->pool, reterr);
    }
    if (status == CFLIGHT_OK) {
        server->wakers = cfl_waker_cache_new(server->alloc);
        status = server->wakers == NULL ? cfl_error_no_memory(reterr) : CFLIGHT_OK;
    }
    if (status == CFLIGHT_OK) {
        status = cfl_server_watch_listeners(server, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_server_start_threads(server, reterr);
    }
    if (status == CFLIGHT_OK) {
        cfl_server_attach_gauges(server);
    }
    return status;
}

/* Lets go of connections that wait for a thread. */
static void empty_queue(struct cflight_server *server)
{
    bool is_due = false;
    struct cfl_server_connection *line = NULL;
    while ((line = cfl_server_next_locked(server, &is_due)) != NULL) {
        cfl_connection_unref(line->connection);
    }
}

/* Frees a server without threads. */
static void server_destroy(struct cflight_server *server)
{
    cfl_server_end_counts(server);
    empty_queue(server);
    cfl_server_free_listeners(server);
    cfl_poller_free(server->poller);
    cfl_tls_server_free(server->tls);
    cfl_pool_unref(server->pool);
    for (size_t i = 0; i < server->middleware_count; i++) {
        cfl_strfree(server->alloc, (char *)(uintptr_t)server->middleware[i].key);
    }
    cfl_free_array(server->alloc, server->middleware, server->middleware_count,
                   sizeof *server->middleware);
    cfl_server_free_services(server);
    cfl_server_free_addresses(server);
    cfl_free_array(server->alloc, server->locked.slots, server->locked.slot_count,
                   sizeof *server->locked.slots);
    cfl_timers_done(&server->timers);
    cfl_waker_cache_free(server->wakers);
    if (server->locked.reserve_fd >= 0) {
        (void)close(server->locked.reserve_fd);
    }
    (void)pthread_cond_destroy(&server->locked.clock);
    (void)pthread_cond_destroy(&server->locked.changed);
    (void)pthread_mutex_destroy(&server->mutex);
    cfl_free(server->alloc, server, sizeof *server);
}

cflight_status cflight_server_new(const char *location,
                                  const struct cflight_server_handlers *handlers,
                                  const struct cflight_server_options *options,
                                  cflight_server **ret_server, cflight_error **reterr)
{
    struct cflight_server_options loaded;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(handlers), CFL_ARG(ret_server));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_options_load(&loaded, sizeof loaded, options, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cflight_server *server = cfl_alloc_zeroed(loaded.allocator, sizeof *server);
    if (server == NULL) {
        return cfl_error_no_memory(reterr);
    }
    server->alloc = loaded.allocator;
    server->pid = cfl_process_id();
    server->options = loaded;
    cfl_timers_init(&server->timers, server->alloc);
    (void)pthread_mutex_init(&server->mutex, NULL);
    cfl_condition_init(&server->locked.changed);
    cfl_condition_init(&server->locked.clock);
    cfl_list_init(&server->locked.queue);
    for (int kind = 0; kind < CFL_SERVER_KIND_COUNT; kind++) {
        cfl_list_init(&server->locked.starved[kind]);
    }
    cfl_list_init(&server->locked.cancelled);
    cfl_list_init(&server->locked.workers);
    cfl_list_init(&server->locked.left);
    server->locked.first_free = UINT32_MAX;
    server->locked.reserve_fd = -1;
    server->locked.grace_ns = CFL_TIME_NEVER;

    status = start(server, location, handlers, reterr);
    if (status != CFLIGHT_OK) {
        server_destroy(server);
        return status;
    }
    *ret_server = server;
    return CFLIGHT_OK;
}

/* ---- end ---- */

/* In a child of fork() the server is the parent's, and goes on there: its poller and its sockets
 * are shared, its locks may be held by threads that the child does not have. */
static bool is_inherited(const struct cflight_server *server)
{
    return server->pid != cfl_process_id();
}

void cflight_server_shutdown(cflight_server *server, int64_t grace_ms)
{
    if (server == NULL || is_inherited(server)) {
        return;
    }
    int64_t grace_ns = cfl_deadline_after_ms(cfl_clock_now_ns(NULL), grace_ms);
    (void)pthread_mutex_lock(&server->mutex);
    bool is_first = server->locked.state == CFL_SERVER_RUNNING;
    if (is_first) {
        server->locked.state = CFL_SERVER_DRAINING;
        atomic_store(&server->greet_until_ns,
                     cfl_deadline_after_ms(cfl_clock_now_ns(NULL), GREETING_MS));
        atomic_store(&server->is_draining, true);
        cfl_server_stop_listening_locked(server);
    }
    server->locked.grace_ns = cfl_deadline_earlier(server->locked.grace_ns, grace_ns);
    if (server->locked.grace_ns < atomic_load(&server->greet_until_ns)) {
        atomic_store(&server->greet_until_ns, server->locked.grace_ns);
    }
    (void)pthread_mutex_unlock(&server->mutex);
    if (is_first) {
        cfl_server_shut_services(server);
        cfl_server_drain_connections(server);
    }
    (void)pthread_mutex_lock(&server->mutex);
    cfl_server_wake_clock_locked(server);
    (void)pthread_mutex_unlock(&server->mutex);
}

bool cflight_server_wait_for(cflight_server *server, int64_t timeout_ms)
{
    int64_t until_ns = cfl_deadline_after_ms(cfl_clock_now_ns(NULL), timeout_ms);
    if (is_inherited(server)) {
        return true;
    }
    (void)pthread_mutex_lock(&server->mutex);
    bool in_time = true;
    while (server->locked.thread_count > 0 && in_time) {
        in_time = cfl_condition_wait_until(&server->locked.changed, &server->mutex, until_ns);
    }
    bool is_stopped = server->locked.thread_count == 0;
    (void)pthread_mutex_unlock(&server->mutex);
    if (is_stopped) {
        cfl_server_join_threads(server);
    }
    return is_stopped;
}

void cflight_server_wait(cflight_server *server)
{
    if (server != NULL) {
        (void)cflight_server_wait_for(server, -1);
    }
}

void cflight_server_free(cflight_server *server)
{
    if (server == NULL) {
        return;
    }
    if (is_inherited(server)) {
        /* The port is let go of; the rest may be in any state, and stays. */
        cfl_server_free_listeners(server);
        return;
    }
    cflight_server_shutdown(server, 0);
    cflight_server_wait(server);
    server_destroy(server);
}
