/* SPDX-License-Identifier: Apache-2.0 */
/* What a server counts, and what it holds just now, for cflight/metrics.h. Thread class: free; the
 * table is constant once the server runs. */
#include "base/error.h"
#include "flight/server/server.h"

static bool count_method(struct cflight_server *server, const struct cfl_method *method,
                         struct cfl_counted_method **ret_counted)
{
    *ret_counted = cfl_metrics_method(server->metrics, CFL_COUNT_SERVER, method->path,
                                      method->client_streams, method->server_streams);
    return *ret_counted != NULL;
}

cflight_status cfl_server_load_counts(struct cflight_server *server, cflight_error **reterr)
{
    bool is_whole = true;
    if (server->options.metrics == NULL) {
        return CFLIGHT_OK;
    }
    server->metrics = cfl_metrics_ref(server->options.metrics);
    server->counts = server->metrics->counts;
    for (int id = CFLIGHT_METHOD_INVALID + 1; id < CFL_METHODS_END && is_whole; id++) {
        is_whole =
            count_method(server, cfl_method_get((enum cflight_method)id), &server->counted[id]);
    }
    for (size_t i = 0; i < server->service_count && is_whole; i++) {
        is_whole = count_method(server, &server->services[i].method, &server->services[i].counted);
    }
    return is_whole ? CFLIGHT_OK : cfl_error_no_memory(reterr);
}

/* ---- what it holds ---- */

static void add_gauges(void *user_data, struct cfl_server_gauges *sums)
{
    struct cflight_server *server = user_data;
    (void)pthread_mutex_lock(&server->mutex);
    sums->connections += server->locked.connection_count;
    sums->threads += server->locked.thread_count;
    (void)pthread_mutex_unlock(&server->mutex);
    for (int kind = 0; kind < CFL_SERVER_KIND_COUNT; kind++) {
        sums->running += atomic_load(&server->running[kind]);
    }
    sums->pending += atomic_load(&server->pending_count);
    sums->waiting += atomic_load(&server->waiting_count);
    sums->pool_bytes += cfl_pool_live_bytes(server->pool);
    sums->unread_bytes += atomic_load(&server->unread.used_bytes);
    sums->connections_max += server->limits.connections_max;
    sums->queue_max += server->options.queue_max;
    sums->handlers_max += server->options.handlers_max;
    sums->waiting_max += server->options.waiting_max;
    sums->unread_bytes_max += server->unread.max_bytes;
}

void cfl_server_attach_gauges(struct cflight_server *server)
{
    if (server->metrics != NULL) {
        server->gauges.add = add_gauges;
        server->gauges.user_data = server;
        cfl_metrics_attach(server->metrics, &server->gauges);
    }
}

void cfl_server_end_counts(struct cflight_server *server)
{
    if (server->gauges.add != NULL) {
        cfl_metrics_detach(server->metrics, &server->gauges);
    }
    cflight_metrics_free(server->metrics);
}

/* ---- calls ---- */

struct cfl_method_counts *cfl_server_counts_of(const struct cfl_server_connection *line,
                                               const struct cfl_method *method)
{
    const struct cflight_server *server = line->server;
    if (server->metrics == NULL) {
        return NULL;
    }
    struct cfl_counted_method *counted =
        method->id == CFLIGHT_METHOD_SERVICE
            ? ((const struct cfl_server_service *)(const void *)method)->counted
            : server->counted[method->id];
    return cfl_counts_of(counted, line->shard);
}

void cfl_server_count_refused(const struct cfl_server_connection *line,
                              const struct cfl_method *method, enum cfl_refusal refusal,
                              cflight_status status)
{
    CFL_COUNT(line->server->counts, refused[refusal], 1);
    if (method != NULL) {
        struct cfl_method_counts *counts = cfl_server_counts_of(line, method);
        CFL_COUNT(counts, started, 1);
        cfl_count_handled(counts, (int)status, 0);
    }
}
