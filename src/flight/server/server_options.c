/* SPDX-License-Identifier: Apache-2.0 */
/* The server's options: defaults, limits, tables, certificates. Thread class: free; all but
 * reloading belongs to the start. */
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "flight/call/connection_options.h"
#include "flight/server/server.h"

enum {
    DEFAULT_HANDLERS_MAX = 64,
    DEFAULT_QUEUE_MAX = 1024,
    DEFAULT_WAITING_MAX = 4096,
    DEFAULT_UNREAD_BYTES = 1 << 30, /* where the system does not tell its memory */
    DICTIONARY_BYTES = 1 << 30,     /* of one stream, unless the read options say otherwise */
    DEFAULT_MESSAGE_TIMEOUT_MS = 30 * 1000,
    DEFAULT_IDLE_TIMEOUT_MS = 10 * 60 * 1000,
    DEFAULT_CONTENDED_TIMEOUT_MS = 60 * 1000,
    DEFAULT_CONNECTION_IDLE_MS = 30 * 60 * 1000,
    UNKNOWN_PART = 4, /* of the budget, for callers that nobody identified */
    WORKERS_LEAST = 2,
    WORKERS_MOST = 16,
};

/* Half of the machine's memory. */
static uint64_t default_unread_bytes(void)
{
    long page_count = sysconf(_SC_PHYS_PAGES);
    long page_bytes = sysconf(_SC_PAGESIZE);
    return page_count > 0 && page_bytes > 0 ? (uint64_t)page_count * (uint64_t)page_bytes / 2
                                            : DEFAULT_UNREAD_BYTES;
}

/* 0 is the default; negative is none. */
static void default_time(int64_t *option_ms, int64_t default_ms)
{
    *option_ms = *option_ms == 0 ? default_ms : *option_ms < 0 ? 0 : *option_ms;
}

static void load_times(struct cflight_server_options *options)
{
    default_time(&options->message_timeout_ms, DEFAULT_MESSAGE_TIMEOUT_MS);
    default_time(&options->idle_timeout_ms, DEFAULT_IDLE_TIMEOUT_MS);
    default_time(&options->contended_timeout_ms, DEFAULT_CONTENDED_TIMEOUT_MS);
    default_time(&options->connection_idle_ms, DEFAULT_CONNECTION_IDLE_MS);
}

static uint32_t count_workers(void)
{
    long cpu_count = sysconf(_SC_NPROCESSORS_ONLN);
    return cpu_count < WORKERS_LEAST  ? WORKERS_LEAST
           : cpu_count > WORKERS_MOST ? WORKERS_MOST
                                      : (uint32_t)cpu_count;
}

void cfl_server_load_limits(struct cflight_server *server)
{
    struct cflight_server_options *options = &server->options;
    struct cfl_limits *limits = &server->limits;
    const struct cfl_connection_options common = {
        .metadata_bytes_max = options->metadata_bytes_max,
        .stream_window_bytes = options->stream_window_bytes,
        .keepalive_interval_ms = options->keepalive_interval_ms,
        .keepalive_timeout_ms = options->keepalive_timeout_ms,
        .shared_bodies_are_off = options->shared_bodies_are_off,
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
    cfl_budget_init(&server->unread, NULL,
                    options->unread_bytes_max > 0 ? options->unread_bytes_max
                                                  : default_unread_bytes());
    cfl_budget_init(&server->unknown, &server->unread, server->unread.max_bytes / UNKNOWN_PART);
    load_times(options);
    server->workers_least = count_workers();
    cfl_option_default(&options->handlers_max, DEFAULT_HANDLERS_MAX);
    cfl_option_default(&options->queue_max, DEFAULT_QUEUE_MAX);
    cfl_option_default(&options->waiting_max, DEFAULT_WAITING_MAX);
    uint64_t split_bytes = options->split_batch_bytes > 0 ? options->split_batch_bytes
                                                          : CFLIGHT_SPLIT_BATCH_BYTES_DEFAULT;
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

cflight_status cfl_server_load_tables(struct cflight_server *server,
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
    if (status == CFLIGHT_OK) {
        status = cfl_server_load_services(server, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_server_load_counts(server, reterr);
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
    if (tls->key_pairs == NULL) {
        return cfl_error_null_argument(reterr, "tls.key_pairs");
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

cflight_status cfl_server_load_tls(struct cflight_server *server, cflight_error **reterr)
{
    struct cfl_tls_server_options options;
    cflight_status status = convert_tls(server, &server->options.tls, &options, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_tls_server_new(server->alloc, &options, &server->tls, reterr);
    free_tls_options(server, &options);
    return status;
}
