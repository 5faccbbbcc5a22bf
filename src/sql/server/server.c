/* SPDX-License-Identifier: Apache-2.0 */
/* The server kit as users see it: options, the Flight server over it, and the clock that ends what
 * nobody uses any more.
 *
 * Owner: the application. Thread class: free, but for cflight_sql_server_free(). */
#include <string.h>

#include "base/condition.h"
#include "base/options.h"
#include "base/secrets.h"
#include "base/thread.h"
#include "cflight/seal.h"
#include "sql/server/handlers.h"
#include "sql/server/poll.h"
#include "sql/server/result.h"
#include "sql/server/sql_info.h"

enum { CLOCK_MS = 1000, MIB = 1 << 20 };

/* ---- options ---- */

static void default_64(uint64_t *option, uint64_t value)
{
    if (*option == 0) {
        *option = value;
    }
}

static void default_ms(int64_t *option, int64_t value_ms)
{
    if (*option == 0) {
        *option = value_ms;
    }
}

static void set_defaults(struct cflight_sql_server_options *options)
{
    cfl_option_default(&options->statements_max, 10000);
    cfl_option_default(&options->statements_per_owner_max, 1000);
    cfl_option_default(&options->transactions_max, 1000);
    cfl_option_default(&options->transactions_per_owner_max, 100);
    cfl_option_default(&options->savepoints_max, 100);
    cfl_option_default(&options->results_max, 10000);
    cfl_option_default(&options->results_per_owner_max, 1000);
    cfl_option_default(&options->result_inline_bytes, 65536);
    cfl_option_default(&options->idle_sessions_max, 16);
    cfl_option_default(&options->ticket_bytes_max, 64 * 1024);
    cfl_option_default(&options->polls_max, 64);
    cfl_option_default(&options->polls_per_owner_max, 16);
    default_ms(&options->statement_idle_ms, 30 * 60 * 1000);
    default_ms(&options->transaction_idle_ms, 5 * 60 * 1000);
    default_ms(&options->transaction_total_ms, 60 * 60 * 1000);
    default_ms(&options->result_ms, 5 * 60 * 1000);
    default_ms(&options->result_open_ms, 30 * 1000);
    default_ms(&options->session_wait_ms, 60 * 1000);
    default_ms(&options->poll_ms, 1000);
    default_ms(&options->poll_idle_ms, 60 * 1000);
    default_64(&options->results_bytes_max, 64 * (uint64_t)MIB);
    default_64(&options->bound_bytes_max, 16 * (uint64_t)MIB);
    default_64(&options->bound_bytes_total_max, 256 * (uint64_t)MIB);
    default_64(&options->listing_bytes_max, 256 * (uint64_t)MIB);
}

static cflight_status check_handlers(const struct cflight_sql_handlers *handlers,
                                     cflight_error **reterr)
{
    bool has_begin = handlers->begin != NULL;
    bool has_savepoint = handlers->savepoint != NULL;
    const char *missing = NULL;
    if (handlers->execute == NULL) {
        missing = "execute";
    } else if (has_begin != (handlers->commit != NULL) ||
               has_begin != (handlers->rollback != NULL)) {
        missing = "all or none of begin, commit and rollback";
    } else if (has_savepoint != (handlers->release_savepoint != NULL) ||
               has_savepoint != (handlers->rollback_to_savepoint != NULL) ||
               (has_savepoint && !has_begin)) {
        missing = "all or none of savepoint, release_savepoint and rollback_to_savepoint, and "
                  "begin with them";
    }
    return missing == NULL
               ? CFLIGHT_OK
               : cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                   "The handlers of a Flight SQL server must have %s", missing);
}

/* Copies the key of tickets. */
static cflight_status load_key(cflight_sql_server *server, cflight_error **reterr)
{
    struct cflight_bytes key = server->options.ticket_key;
    server->options.ticket_key = cflight_bytes_make(NULL, 0);
    if (key.len_bytes == 0) {
        return CFLIGHT_OK;
    }
    if (key.len_bytes < CFLIGHT_SEAL_KEY_BYTES_MIN || server->handlers.prepare == NULL) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "A ticket_key needs at least %d bytes, and the function prepare",
                                 CFLIGHT_SEAL_KEY_BYTES_MIN);
    }
    cfl_buf_init(&server->ticket_key, server->alloc);
    if (!cfl_buf_append_bytes(&server->ticket_key, key)) {
        return cfl_error_no_memory(reterr);
    }
    server->options.ticket_key = cfl_buf_bytes(&server->ticket_key);
    return CFLIGHT_OK;
}

static cflight_status load(cflight_sql_server *server, const struct cflight_sql_handlers *handlers,
                           const struct cflight_sql_server_options *options, cflight_error **reterr)
{
    cflight_status status =
        cfl_options_load(&server->handlers, sizeof server->handlers, handlers, reterr);
    if (status == CFLIGHT_OK) {
        status = check_handlers(&server->handlers, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_options_load(&server->options, sizeof server->options, options, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_options_load(&server->flight, sizeof server->flight, server->options.flight,
                                  reterr);
    }
    if (status == CFLIGHT_OK) {
        status = load_key(server, reterr);
    }
    set_defaults(&server->options);
    return status;
}

/* ---- handshakes without authentication ---- */

static cflight_status answer_handshake(void *user_data, cflight_server_context *context,
                                       cflight_handshake *handshake, cflight_error **reterr)
{
    (void)handshake;
    const cflight_sql_server *server = user_data;
    char value[64] = "Bearer ";
    cfl_hex_write(server->token, sizeof server->token, value + strlen(value));
    return cflight_server_context_add_header(context, cflight_bytes_from_text("authorization"),
                                             cflight_bytes_from_text(value), reterr);
}

/* ---- the clock ---- */

static int64_t sweep(cflight_sql_server *server)
{
    int64_t next_ns = cfl_sql_handles_sweep(server, false);
    cfl_sql_polls_reap(server);
    next_ns = cfl_deadline_earlier(next_ns, cfl_sql_results_sweep(server));
    (void)cflight_session_store_count(server->store); /* ends those that were idle for too long */
    return next_ns;
}

static void *run_clock(void *user_data)
{
    cflight_sql_server *server = user_data;
    (void)pthread_mutex_lock(&server->mutex);
    while (!server->locked.is_over) {
        /* What comes while the sweep runs is due within a tick, or wakes the clock. */
        int64_t tick_ns = cfl_deadline_after_ms(cfl_clock_now_ns(NULL), CLOCK_MS);
        server->locked.wake_ns = tick_ns;
        (void)pthread_mutex_unlock(&server->mutex);
        int64_t next_ns = cfl_deadline_earlier(sweep(server), tick_ns);
        (void)pthread_mutex_lock(&server->mutex);
        server->locked.wake_ns = cfl_deadline_earlier(server->locked.wake_ns, next_ns);
        if (!server->locked.is_over) {
            (void)cfl_condition_wait_until(&server->changed, &server->mutex,
                                           server->locked.wake_ns);
        }
    }
    (void)pthread_mutex_unlock(&server->mutex);
    return NULL;
}

/* ---- the Flight server ---- */

static void fill_handlers(cflight_sql_server *server, struct cflight_server_handlers *handlers)
{
    handlers->user_data = server;
    handlers->get_flight_info = cfl_sql_get_flight_info;
    handlers->poll_flight_info = cfl_sql_poll_flight_info;
    handlers->get_schema = cfl_sql_get_schema;
    handlers->do_get = cfl_sql_do_get;
    handlers->do_put = cfl_sql_do_put;
    handlers->do_action = cfl_sql_do_action;
    handlers->list_actions = cfl_sql_list_actions;
    if (server->flight.list_flights != NULL) {
        handlers->list_flights = cfl_sql_list_flights;
    }
    if (server->flight.do_exchange != NULL) {
        handlers->do_exchange = cfl_sql_do_exchange;
    }
}

/* The application's middleware, then the sessions. */
static cflight_status start_flight(cflight_sql_server *server, const char *location,
                                   cflight_error **reterr)
{
    struct cflight_server_options options;
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    struct cflight_server_auth handshake = CFLIGHT_SERVER_AUTH_INIT;
    cflight_status status =
        cfl_options_load(&options, sizeof options, server->options.server, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    options.struct_size = sizeof options;
    struct cflight_server_middleware *middleware = NULL;
    status = cfl_options_load_array(server->alloc, options.middleware, options.middleware_count,
                                    sizeof *middleware, "middleware", (void **)&middleware, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    size_t count = options.middleware_count;
    struct cflight_server_middleware *all = cfl_alloc_array(server->alloc, count + 1, sizeof *all);
    if (all == NULL) {
        status = cfl_error_no_memory(reterr);
    } else {
        if (count > 0) {
            memcpy(all, middleware, count * sizeof *all);
        }
        for (size_t i = 0; i < count; i++) {
            all[i].struct_size = sizeof *all;
        }
        cflight_session_store_middleware(server->store, &all[count]);
        handshake.user_data = server;
        handshake.authenticate = answer_handshake;
        options.middleware = all;
        options.middleware_count = count + 1;
        options.auth = options.auth == NULL ? &handshake : options.auth;
        fill_handlers(server, &handlers);
        status = cflight_server_new(location, &handlers, &options, &server->server, reterr);
    }
    cfl_free_array(server->alloc, all, count + 1, sizeof *all);
    cfl_free_array(server->alloc, middleware, count, sizeof *middleware);
    return status;
}

static cflight_sql_server *alloc_server(const struct cflight_sql_server_options *options)
{
    const struct cflight_allocator *alloc =
        options == NULL || options->server == NULL ? NULL : options->server->allocator;
    cflight_sql_server *server = cfl_alloc_zeroed(alloc, sizeof *server);
    if (server == NULL || pthread_mutex_init(&server->mutex, NULL) != 0) {
        cfl_free(alloc, server, sizeof *server);
        return NULL;
    }
    server->alloc = alloc;
    cfl_condition_init(&server->changed);
    cfl_condition_init(&server->polled);
    atomic_init(&server->result_bytes, 0);
    atomic_init(&server->bound_bytes, 0);
    atomic_init(&server->session_count, 0);
    atomic_init(&server->running_count, 0);
    for (size_t i = 0; i < CFL_SQL_BUCKETS; i++) {
        cfl_list_init(&server->locked.buckets[i]);
    }
    cfl_list_init(&server->locked.owners);
    cfl_list_init(&server->locked.idle_sessions);
    cfl_list_init(&server->locked.spare_results);
    cfl_list_init(&server->locked.open_cursors);
    cfl_list_init(&server->locked.runs);
    cfl_list_init(&server->locked.ended_runs);
    return server;
}

cflight_status cflight_sql_server_new(const char *location,
                                      const struct cflight_sql_handlers *handlers,
                                      const struct cflight_sql_server_options *options,
                                      cflight_sql_server **ret_server, cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(handlers), CFL_ARG(ret_server));
    if (status != CFLIGHT_OK) {
        return status;
    }
    cflight_sql_server *server = alloc_server(options);
    if (server == NULL) {
        return cfl_error_no_memory(reterr);
    }
    status = load(server, handlers, options, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_random_bytes(server->token, sizeof server->token, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_sql_info_fill(server, reterr);
    }
    if (status == CFLIGHT_OK) {
        server->store = cflight_session_store_ref(server->options.sessions);
        status = server->store == NULL ? cflight_session_store_new(NULL, &server->store, reterr)
                                       : CFLIGHT_OK;
    }
    if (status == CFLIGHT_OK) {
        server->has_clock = cfl_thread_start(&server->clock, NULL, NULL, run_clock, server) == 0;
        status = server->has_clock ? CFLIGHT_OK : cfl_error_no_memory(reterr);
    }
    if (status == CFLIGHT_OK) {
        status = start_flight(server, location, reterr);
    }
    if (status != CFLIGHT_OK) {
        cflight_sql_server_free(server);
        return status;
    }
    *ret_server = server;
    return CFLIGHT_OK;
}

cflight_server *cflight_sql_server_flight(cflight_sql_server *server)
{
    return server->server;
}

/* Ends what calls have left behind, once there are none any more. */
static void end_sessions(cflight_sql_server *server)
{
    (void)pthread_mutex_lock(&server->mutex);
    server->locked.is_over = true;
    (void)pthread_cond_broadcast(&server->changed);
    (void)pthread_mutex_unlock(&server->mutex);
    if (server->has_clock) {
        (void)pthread_join(server->clock, NULL);
        server->has_clock = false;
    }
    (void)cfl_sql_handles_sweep(server, true);
    cfl_sql_polls_join(server);
    cflight_session_store_unref(server->store);
    server->store = NULL;
    cfl_sql_sessions_close_idle(server);
}

void cflight_sql_server_finish(cflight_sql_server *server)
{
    cflight_server_wait(server->server); /* every handler has returned, every stream is released */
    end_sessions(server);
}

void cflight_sql_server_free(cflight_sql_server *server)
{
    if (server == NULL) {
        return;
    }
    cflight_server_free(server->server); /* as after the wait */
    end_sessions(server);
    cflight_sql_info_free(server->info);
    cfl_buf_wipe(&server->ticket_key);
    (void)pthread_cond_destroy(&server->changed);
    (void)pthread_cond_destroy(&server->polled);
    (void)pthread_mutex_destroy(&server->mutex);
    cfl_free(server->alloc, server, sizeof *server);
}

void cflight_sql_server_count(cflight_sql_server *server,
                              struct cflight_sql_server_counts *ret_counts)
{
    memset(ret_counts, 0, sizeof *ret_counts);
    (void)pthread_mutex_lock(&server->mutex);
    ret_counts->idle_session_count = server->locked.idle_count;
    ret_counts->statement_count = server->locked.counts[CFL_SQL_HANDLE_STATEMENT];
    ret_counts->transaction_count = server->locked.counts[CFL_SQL_HANDLE_TRANSACTION];
    ret_counts->result_count = server->locked.counts[CFL_SQL_HANDLE_RESULT];
    (void)pthread_mutex_unlock(&server->mutex);
    ret_counts->session_count = atomic_load(&server->session_count);
    ret_counts->result_bytes = atomic_load(&server->result_bytes);
    ret_counts->bound_bytes = atomic_load(&server->bound_bytes);
    ret_counts->running_count = atomic_load(&server->running_count);
}
