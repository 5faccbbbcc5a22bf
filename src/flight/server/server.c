/* SPDX-License-Identifier: Apache-2.0 */
/* The server object: options, start, shutdown, end. Thread class: free. */
#include "flight/server/server.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/condition.h"
#include "base/error.h"
#include "base/options.h"
#include "flight/call/connection_options.h"
#include "flight/value/values.h"

enum {
    DEFAULT_HANDLERS_MAX = 64,
    DEFAULT_QUEUE_MAX = 1024,
    DEFAULT_SPLIT_BYTES = (4 << 20) - (64 << 10),
    DEFAULT_UNREAD_BYTES = 1 << 30, /* where the system does not tell its memory */
    DICTIONARY_BYTES = 1 << 30,     /* of one stream, unless the read options say otherwise */
};

/* ---- options ---- */

/* Half of the machine's memory. */
static uint64_t default_unread_bytes(void)
{
    long page_count = sysconf(_SC_PHYS_PAGES);
    long page_bytes = sysconf(_SC_PAGESIZE);
    return page_count > 0 && page_bytes > 0 ? (uint64_t)page_count * (uint64_t)page_bytes / 2
                                            : DEFAULT_UNREAD_BYTES;
}

static void load_limits(struct cflight_server *server)
{
    struct cflight_server_options *options = &server->options;
    struct cfl_limits *limits = &server->limits;
    const struct cfl_connection_options common = {
        .metadata_bytes_max = options->metadata_bytes_max,
        .stream_window_bytes = options->stream_window_bytes,
        .keepalive_interval_ms = options->keepalive_interval_ms,
        .keepalive_timeout_ms = options->keepalive_timeout_ms,
    };
    cfl_connection_limits(&common, limits);
    cfl_connection_keepalive(&common, &server->keepalive);
    limits->dictionary_bytes_max = DICTIONARY_BYTES;
    server->keepalive.without_calls = options->keepalive_interval_ms > 0;
    if (options->connections_max > 0) {
        limits->connections_max = options->connections_max;
    }
    if (options->calls_per_connection_max > 0) {
        limits->streams_max = options->calls_per_connection_max;
    }
    cfl_budget_init(&server->unread, options->unread_bytes_max > 0 ? options->unread_bytes_max
                                                                   : default_unread_bytes());
    cfl_option_default(&options->handlers_max, DEFAULT_HANDLERS_MAX);
    cfl_option_default(&options->queue_max, DEFAULT_QUEUE_MAX);
    uint64_t split_bytes =
        options->split_batch_bytes > 0 ? options->split_batch_bytes : DEFAULT_SPLIT_BYTES;
    server->split_batch_bytes = options->split_is_off ? 0 : split_bytes;
}

static cflight_status load_middleware(struct cflight_server *server, cflight_error **reterr)
{
    void *array = NULL;
    cflight_status status = cfl_options_load_array(
        server->alloc, server->options.middleware, server->options.middleware_count,
        sizeof *server->middleware, "middleware", &array, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    server->middleware = array;
    server->middleware_count = server->options.middleware_count;
    /* To the last in any case: what is left here is freed as a copy. */
    for (size_t i = 0; i < server->middleware_count; i++) {
        const char *key = server->middleware[i].key;
        server->middleware[i].key = NULL;
        if (status == CFLIGHT_OK && key != NULL) {
            server->middleware[i].key = cfl_strndup(server->alloc, key, strlen(key));
            status = server->middleware[i].key == NULL ? cfl_error_no_memory(reterr) : CFLIGHT_OK;
        }
    }
    return status;
}

static cflight_status load_tables(struct cflight_server *server,
                                  const struct cflight_server_handlers *handlers,
                                  cflight_error **reterr)
{
    cflight_status status =
        cfl_options_load(&server->handlers, sizeof server->handlers, handlers, reterr);
    if (status == CFLIGHT_OK && server->options.auth != NULL) {
        server->has_auth = true;
        status = cfl_options_load(&server->auth, sizeof server->auth, server->options.auth, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_options_load(&server->write_options, sizeof server->write_options,
                                  server->options.write_options, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_options_load(&server->read_options, sizeof server->read_options,
                                  server->options.read_options, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = load_middleware(server, reterr);
    }
    return status;
}

static cflight_status convert_tls(struct cflight_server *server,
                                  const struct cflight_server_tls *tls,
                                  struct cfl_tls_server_options *ret_options,
                                  cflight_error **reterr)
{
    struct cfl_tls_key_pair *pairs = NULL;
    if (tls->key_pair_count == 0) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "a grpc+tls location needs a certificate and its key");
    }
    pairs = cfl_alloc_array(server->alloc, tls->key_pair_count, sizeof *pairs);
    if (pairs == NULL) {
        return cfl_error_no_memory(reterr);
    }
    for (size_t i = 0; i < tls->key_pair_count; i++) {
        pairs[i].cert_chain_pem = tls->key_pairs[i].cert_chain;
        pairs[i].private_key_pem = tls->key_pairs[i].private_key;
    }
    memset(ret_options, 0, sizeof *ret_options);
    ret_options->key_pairs = pairs;
    ret_options->key_pair_count = tls->key_pair_count;
    ret_options->client_auth = (enum cfl_tls_client_auth)tls->client_certificate;
    ret_options->client_roots_pem = tls->client_root_certs;
    ret_options->policy = &tls->policy;
    return CFLIGHT_OK;
}

static void free_tls_options(struct cflight_server *server, struct cfl_tls_server_options *options)
{
    cfl_free_array(server->alloc, (void *)(uintptr_t)options->key_pairs, options->key_pair_count,
                   sizeof *options->key_pairs);
}

cflight_status cflight_server_reload_tls(cflight_server *server,
                                         const struct cflight_server_tls *tls,
                                         cflight_error **reterr)
{
    struct cfl_tls_server_options options;
    if (server == NULL || tls == NULL || server->tls == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "a server with TLS is needed");
    }
    cflight_status status = convert_tls(server, tls, &options, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_tls_server_reload(server->tls, &options, reterr);
        free_tls_options(server, &options);
    }
    return status;
}

/* ---- start ---- */

static cflight_status format_location(struct cflight_server *server,
                                      const struct cflight_location *location,
                                      cflight_error **reterr)
{
    char text[512];
    if (server->port < 0) {
        (void)snprintf(text, sizeof text, "%s", location->uri);
    } else if (strchr(location->host, ':') != NULL) {
        (void)snprintf(text, sizeof text, "%s://[%s]:%d", location->scheme, location->host,
                       server->port);
    } else {
        (void)snprintf(text, sizeof text, "%s://%s:%d", location->scheme, location->host,
                       server->port);
    }
    server->location = cfl_strndup(server->alloc, text, strlen(text));
    return server->location == NULL ? cfl_error_no_memory(reterr) : CFLIGHT_OK;
}

static cflight_status start_listening(struct cflight_server *server,
                                      const struct cflight_location *location,
                                      cflight_error **reterr)
{
    enum cfl_location_kind kind = cfl_location_kind(location);
    bool is_unix = kind == CFL_LOCATION_UNIX;
    struct cfl_listen_target target = {
        .host = is_unix ? NULL : location->host,
        .port = (uint16_t)(location->port < 0 ? 0 : location->port),
        .unix_path = is_unix ? location->path : NULL,
    };
    if (kind == CFL_LOCATION_OTHER) {
        return cflight_error_set(reterr, CFLIGHT_NOT_FOUND,
                                 "No server transport implementation for %s", location->scheme);
    }
    if (kind == CFL_LOCATION_TLS) {
        struct cfl_tls_server_options options;
        cflight_status status = convert_tls(server, &server->options.tls, &options, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        status = cfl_tls_server_new(server->alloc, &options, &server->tls, reterr);
        free_tls_options(server, &options);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    cflight_status status = cfl_listen(server->alloc, &target, &server->listener, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    server->port = is_unix ? -1 : (int)cfl_listener_port(server->listener);
    return format_location(server, location, reterr);
}

static cflight_status start(struct cflight_server *server, const char *location,
                            const struct cflight_server_handlers *handlers, cflight_error **reterr)
{
    struct cflight_location *parsed = NULL;
    cflight_status status = load_tables(server, handlers, reterr);
    if (status == CFLIGHT_OK) {
        load_limits(server);
        status = cflight_location_parse(cflight_bytes_from_text(location), &parsed, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = start_listening(server, parsed, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_poller_new(server->alloc, &server->poller, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_connection_pool_new(server->alloc, server->options.pool_bytes_max,
                                         &server->pool, reterr);
    }
    if (status == CFLIGHT_OK) {
        server->locked.thread_max = server->options.handlers_max + 1;
        server->locked.left =
            cfl_alloc_array(server->alloc, server->locked.thread_max, sizeof *server->locked.left);
        if (server->locked.left == NULL) {
            status = cfl_error_no_memory(reterr);
        }
    }
    if (status == CFLIGHT_OK) {
        status = cfl_server_watch_listener(server, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_server_start_threads(server, reterr);
    }
    cflight_location_free(parsed);
    return status;
}

/* Frees a server without threads. */
static void server_destroy(struct cflight_server *server)
{
    cfl_listener_free(server->listener);
    cfl_poller_free(server->poller);
    cfl_tls_server_unref(server->tls);
    cfl_pool_unref(server->pool);
    for (size_t i = 0; i < server->middleware_count; i++) {
        cfl_strfree(server->alloc, (char *)(uintptr_t)server->middleware[i].key);
    }
    cfl_free_array(server->alloc, server->middleware, server->middleware_count,
                   sizeof *server->middleware);
    cfl_free_array(server->alloc, server->locked.slots, server->locked.slot_count,
                   sizeof *server->locked.slots);
    cfl_free_array(server->alloc, server->locked.left, server->locked.thread_max,
                   sizeof *server->locked.left);
    cfl_strfree(server->alloc, server->location);
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
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(location), CFL_ARG(handlers), CFL_ARG(ret_server));
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
    server->pid = getpid();
    server->options = loaded;
    atomic_init(&server->next_deadline_ns, CFL_TIME_NEVER);
    (void)pthread_mutex_init(&server->mutex, NULL);
    cfl_condition_init(&server->locked.changed);
    cfl_list_init(&server->locked.queue);
    cfl_list_init(&server->locked.calls);
    cfl_list_init(&server->locked.cancelled);
    server->locked.grace_ns = CFL_TIME_NEVER;

    status = start(server, location, handlers, reterr);
    if (status != CFLIGHT_OK) {
        server_destroy(server);
        return status;
    }
    *ret_server = server;
    return CFLIGHT_OK;
}

int cflight_server_port(const cflight_server *server)
{
    return server->port;
}

const char *cflight_server_location(const cflight_server *server)
{
    return server->location;
}

/* ---- end ---- */

/* In a child of fork() the server is the parent's, and goes on there: its poller and its sockets
 * are shared, its locks may be held by threads that the child does not have. */
static bool is_inherited(const struct cflight_server *server)
{
    return server->pid != getpid();
}

static void stop_listening(struct cflight_server *server)
{
    int fds[CFL_LISTENER_FDS_MAX];
    size_t count = cfl_listener_fds(server->listener, fds);
    for (size_t i = 0; i < count; i++) {
        cfl_poller_remove(server->poller, fds[i]);
    }
    cfl_listener_stop(server->listener);
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
        stop_listening(server);
    }
    server->locked.grace_ns = cfl_deadline_earlier(server->locked.grace_ns, grace_ns);
    (void)pthread_mutex_unlock(&server->mutex);
    if (is_first) {
        cfl_server_drain_connections(server);
    }
    cfl_poller_wake(server->poller);
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
        cfl_server_join_left(server);
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
        cfl_listener_free(server->listener);
        server->listener = NULL;
        return;
    }
    cflight_server_shutdown(server, 0);
    cflight_server_wait(server);
    server_destroy(server);
}
