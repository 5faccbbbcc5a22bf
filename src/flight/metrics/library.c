/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics of servers and clients: names, meanings, and the sums of their shards. Those that
 * people of gRPC know have the names that they know; the others begin with cflight_.
 * docs/guide/metrics.md lists them, and a test compares. Thread class: free. */
#include <stddef.h>

#include "cflight/version.h"
#include "flight/metrics/visit.h"

enum { LABELS_MAX = 4 };

/* ---- telling ---- */

static void tell(const struct cfl_metric_visitor *visitor, const char *name, const char *help,
                 enum cflight_metric_kind kind, const struct cflight_metric_label *labels,
                 size_t label_count, uint64_t value)
{
    const struct cflight_metric_sample sample = {
        .name = name,
        .help = help,
        .kind = kind,
        .labels = labels,
        .label_count = label_count,
        .value = (double)value,
    };
    visitor->visit(visitor->user_data, &sample);
}

static uint64_t load(const atomic_uint_least64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* ---- of methods ---- */

static const char *type_of(const struct cfl_counted_method *method)
{
    if (method->client_streams) {
        return method->server_streams ? "bidi_stream" : "client_stream";
    }
    return method->server_streams ? "server_stream" : "unary";
}

static void label(const struct cfl_counted_method *method,
                  struct cflight_metric_label ret_labels[LABELS_MAX])
{
    ret_labels[0] = (struct cflight_metric_label){"grpc_type", type_of(method)};
    ret_labels[1] = (struct cflight_metric_label){"grpc_service", method->service};
    ret_labels[2] = (struct cflight_metric_label){"grpc_method", method->name};
}

/* A number of the struct, by its place. */
static uint64_t sum(const struct cfl_counted_method *method, size_t offset)
{
    uint64_t total = 0;
    for (size_t i = 0; i < CFL_COUNT_SHARDS; i++) {
        const char *shard = (const char *)&method->shards[i];
        total += load((const atomic_uint_least64_t *)(const void *)(shard + offset));
    }
    return total;
}

static uint64_t sum_handled(const struct cfl_counted_method *method, size_t status)
{
    return sum(method, offsetof(struct cfl_method_counts, handled) +
                           status * sizeof(atomic_uint_least64_t));
}

static void tell_handled(const struct cfl_metric_visitor *visitor,
                         const struct cfl_counted_method *method, const char *name,
                         const char *help)
{
    /* As the metrics of Go's gRPC have them. */
    static const char *const CODES[CFL_COUNT_STATUSES] = {
        "OK",
        "Canceled",
        "Unknown",
        "InvalidArgument",
        "DeadlineExceeded",
        "NotFound",
        "AlreadyExists",
        "PermissionDenied",
        "ResourceExhausted",
        "FailedPrecondition",
        "Aborted",
        "OutOfRange",
        "Unimplemented",
        "Internal",
        "Unavailable",
        "DataLoss",
        "Unauthenticated",
    };
    struct cflight_metric_label labels[LABELS_MAX];
    label(method, labels);
    for (size_t i = 0; i < CFL_COUNT_STATUSES; i++) {
        uint64_t count = sum_handled(method, i);
        if (count > 0 || i == 0) {
            labels[3] = (struct cflight_metric_label){"grpc_code", CODES[i]};
            tell(visitor, name, help, CFLIGHT_METRIC_COUNTER, labels, LABELS_MAX, count);
        }
    }
}

/* Calls are counted when they start before they are counted when they end, but on other threads:
 * the ends are looked at first, so that the difference is never below zero for long. */
static void tell_in_flight(const struct cfl_metric_visitor *visitor,
                           const struct cfl_counted_method *method, const char *name,
                           const char *help)
{
    struct cflight_metric_label labels[LABELS_MAX];
    uint64_t ended = 0;
    for (size_t i = 0; i < CFL_COUNT_STATUSES; i++) {
        ended += sum_handled(method, i);
    }
    uint64_t started = sum(method, offsetof(struct cfl_method_counts, started));
    label(method, labels);
    tell(visitor, name, help, CFLIGHT_METRIC_GAUGE, labels, LABELS_MAX - 1,
         started > ended ? started - ended : 0);
}

static void tell_latency(const struct cfl_metric_visitor *visitor,
                         const struct cfl_counted_method *method, const char *name,
                         const char *help)
{
    struct cflight_metric_label labels[LABELS_MAX];
    double bounds[CFL_COUNT_LATENCY_BOUNDS];
    uint64_t counts[CFL_COUNT_LATENCY_BOUNDS];
    uint64_t count = 0;
    label(method, labels);
    for (size_t i = 0; i <= CFL_COUNT_LATENCY_BOUNDS; i++) {
        count += sum(method, offsetof(struct cfl_method_counts, latency) +
                                 i * sizeof(atomic_uint_least64_t));
        if (i < CFL_COUNT_LATENCY_BOUNDS) {
            bounds[i] = (double)cfl_count_latency_ns[i] / 1e9;
            counts[i] = count;
        }
    }
    const struct cflight_metric_sample sample = {
        .name = name,
        .help = help,
        .kind = CFLIGHT_METRIC_HISTOGRAM,
        .labels = labels,
        .label_count = LABELS_MAX - 1,
        .value = (double)sum(method, offsetof(struct cfl_method_counts, latency_ns)) / 1e9,
        .bounds = bounds,
        .counts = counts,
        .bound_count = CFL_COUNT_LATENCY_BOUNDS,
        .count = count,
    };
    visitor->visit(visitor->user_data, &sample);
}

/* A metric of each method. */
struct method_family {
    const char *names[2]; /* of servers, of clients; NULL: they have none */
    const char *help;
    size_t offset; /* of a counter */
    void (*tell)(const struct cfl_metric_visitor *visitor, const struct cfl_counted_method *method,
                 const char *name, const char *help); /* instead, of anything else */
};

#define COUNTER(field) offsetof(struct cfl_method_counts, field), NULL

static const struct method_family METHOD_FAMILIES[] = {
    {{"grpc_server_started_total", "grpc_client_started_total"},
     "Calls that began.",
     COUNTER(started)},
    {{"grpc_server_handled_total", "grpc_client_handled_total"},
     "Calls that ended, by status.",
     0,
     tell_handled},
    {{"grpc_server_handling_seconds", "grpc_client_handling_seconds"},
     "How long calls took, from their headers to their status.",
     0,
     tell_latency},
    {{"grpc_server_msg_received_total", "grpc_client_msg_received_total"},
     "Messages of calls that were received.",
     COUNTER(messages_received)},
    {{"grpc_server_msg_sent_total", "grpc_client_msg_sent_total"},
     "Messages of calls that were sent.",
     COUNTER(messages_sent)},
    {{"cflight_server_calls_in_flight", "cflight_client_calls_in_flight"},
     "Calls that have begun and not ended.",
     0,
     tell_in_flight},
    {{"cflight_server_received_bytes_total", "cflight_client_received_bytes_total"},
     "Bytes of messages that were received, as they are after unpacking.",
     COUNTER(bytes_received)},
    {{"cflight_server_sent_bytes_total", "cflight_client_sent_bytes_total"},
     "Bytes of messages that were sent.",
     COUNTER(bytes_sent)},
    {{"cflight_server_received_batches_total", "cflight_client_received_batches_total"},
     "Record batches that were received.",
     COUNTER(batches_received)},
    {{"cflight_server_sent_batches_total", "cflight_client_sent_batches_total"},
     "Record batches that were sent.",
     COUNTER(batches_sent)},
    {{"cflight_server_received_rows_total", "cflight_client_received_rows_total"},
     "Rows of record batches that were received.",
     COUNTER(rows_received)},
    {{"cflight_server_sent_rows_total", "cflight_client_sent_rows_total"},
     "Rows of record batches that were sent.",
     COUNTER(rows_sent)},
    {{"cflight_server_window_stalls_total", "cflight_client_window_stalls_total"},
     "Times that a stream waited because the peer's window was full: it reads too slowly.",
     COUNTER(window_stalls)},
    {{"cflight_server_socket_stalls_total", "cflight_client_socket_stalls_total"},
     "Times that a stream waited because the socket took no more: the network is too slow.",
     COUNTER(socket_stalls)},
};

static void tell_methods(struct cflight_metrics *metrics, const struct cfl_metric_visitor *visitor,
                         enum cfl_count_side side, const struct method_family *family)
{
    const struct cfl_list *head = &metrics->locked.methods;
    const struct cfl_list *node = head;
    while ((node = cfl_metrics_next(metrics, head, node)) != NULL) {
        const struct cfl_counted_method *method =
            CFL_LIST_ENTRY(node, const struct cfl_counted_method, node);
        if (method->side != side) {
            continue;
        }
        if (family->tell != NULL) {
            family->tell(visitor, method, family->names[side], family->help);
            continue;
        }
        struct cflight_metric_label labels[LABELS_MAX];
        label(method, labels);
        tell(visitor, family->names[side], family->help, CFLIGHT_METRIC_COUNTER, labels,
             LABELS_MAX - 1, sum(method, family->offset));
    }
}

/* ---- of servers ---- */

/* A number that servers hold just now. */
struct gauge_family {
    const char *name;
    const char *help;
    size_t offset;
};

static const struct gauge_family GAUGES[] = {
    {"cflight_server_connections", "Connections that are open.",
     offsetof(struct cfl_server_gauges, connections)},
    {"cflight_server_calls_pending", "Calls whose handlers have not begun.",
     offsetof(struct cfl_server_gauges, pending)},
    {"cflight_server_handlers_running", "Handlers that run, those that wait not counted.",
     offsetof(struct cfl_server_gauges, running)},
    {"cflight_server_handlers_waiting", "Handlers that wait for their client or another server.",
     offsetof(struct cfl_server_gauges, waiting)},
    {"cflight_server_threads", "Threads of servers.", offsetof(struct cfl_server_gauges, threads)},
    {"cflight_server_pool_bytes", "Memory for message bodies that is in use.",
     offsetof(struct cfl_server_gauges, pool_bytes)},
    {"cflight_server_unread_bytes", "Bytes that calls have received and handlers have not taken.",
     offsetof(struct cfl_server_gauges, unread_bytes)},
    {"cflight_server_connections_max", "Limit of cflight_server_connections.",
     offsetof(struct cfl_server_gauges, connections_max)},
    {"cflight_server_queue_max", "Limit of cflight_server_calls_pending.",
     offsetof(struct cfl_server_gauges, queue_max)},
    {"cflight_server_handlers_max", "Limit of cflight_server_handlers_running.",
     offsetof(struct cfl_server_gauges, handlers_max)},
    {"cflight_server_waiting_max", "Limit of cflight_server_handlers_waiting.",
     offsetof(struct cfl_server_gauges, waiting_max)},
    {"cflight_server_unread_bytes_max", "Limit of cflight_server_unread_bytes.",
     offsetof(struct cfl_server_gauges, unread_bytes_max)},
};

/* False: no server counts here. */
static bool add_gauges(struct cflight_metrics *metrics, struct cfl_server_gauges *ret_sums)
{
    const struct cfl_list *head = &metrics->locked.sources;
    const struct cfl_list *node = head;
    bool is_any = false;
    *ret_sums = (struct cfl_server_gauges){0};
    while ((node = cfl_metrics_next(metrics, head, node)) != NULL) {
        const struct cfl_gauge_source *source =
            CFL_LIST_ENTRY(node, const struct cfl_gauge_source, node);
        source->add(source->user_data, ret_sums);
        is_any = true;
    }
    return is_any;
}

static void tell_gauges(struct cflight_metrics *metrics, const struct cfl_metric_visitor *visitor)
{
    struct cfl_server_gauges sums;
    if (!add_gauges(metrics, &sums)) {
        return;
    }
    for (size_t i = 0; i < sizeof GAUGES / sizeof GAUGES[0]; i++) {
        const void *value = (const char *)&sums + GAUGES[i].offset;
        tell(visitor, GAUGES[i].name, GAUGES[i].help, CFLIGHT_METRIC_GAUGE, NULL, 0,
             *(const uint64_t *)value);
    }
}

static void tell_server_counters(const struct cfl_counts *counts,
                                 const struct cfl_metric_visitor *visitor)
{
    tell(visitor, "cflight_server_connections_accepted_total", "Connections that were accepted.",
         CFLIGHT_METRIC_COUNTER, NULL, 0, load(&counts->connections_accepted));
    tell(visitor, "cflight_server_connections_refused_total",
         "Connections that were closed at once, because there were too many.",
         CFLIGHT_METRIC_COUNTER, NULL, 0, load(&counts->connections_refused));
    for (size_t i = 0; i < CFL_REFUSAL_COUNT; i++) {
        const struct cflight_metric_label why = {"reason", cfl_refusal_name((enum cfl_refusal)i)};
        tell(visitor, "cflight_server_calls_refused_total",
             "Calls that were sent away before their handlers began.", CFLIGHT_METRIC_COUNTER, &why,
             1, load(&counts->refused[i]));
    }
    for (size_t i = 0; i < CFL_LIMIT_COUNT; i++) {
        const struct cflight_metric_label which = {"limit", cfl_limit_name((enum cfl_limit)i)};
        tell(visitor, "cflight_server_limits_struck_total", "Times that a limit struck.",
             CFLIGHT_METRIC_COUNTER, &which, 1, load(&counts->limits[i]));
    }
}

static void tell_client_counters(const struct cfl_counts *counts,
                                 const struct cfl_metric_visitor *visitor)
{
    tell(visitor, "cflight_client_connections_made_total",
         "Connections that were made; all but the first of each client are reconnects.",
         CFLIGHT_METRIC_COUNTER, NULL, 0, load(&counts->connections_made));
    tell(visitor, "cflight_client_connections_failed_total", "Connections that could not be made.",
         CFLIGHT_METRIC_COUNTER, NULL, 0, load(&counts->connections_failed));
    tell(visitor, "cflight_client_calls_resent_total",
         "Calls that were sent again, because the server had certainly not begun them.",
         CFLIGHT_METRIC_COUNTER, NULL, 0, load(&counts->calls_resent));
}

static bool has_side(struct cflight_metrics *metrics, enum cfl_count_side side)
{
    const struct cfl_list *head = &metrics->locked.methods;
    const struct cfl_list *node = head;
    while ((node = cfl_metrics_next(metrics, head, node)) != NULL) {
        if (CFL_LIST_ENTRY(node, const struct cfl_counted_method, node)->side == side) {
            return true;
        }
    }
    return false;
}

void cfl_metrics_visit_library(struct cflight_metrics *metrics,
                               const struct cfl_metric_visitor *visitor)
{
    const struct cflight_metric_label version = {"version", cflight_version()};
    tell(visitor, "cflight_build_info", "The library that runs; always 1.", CFLIGHT_METRIC_GAUGE,
         &version, 1, 1);
    for (int side = CFL_COUNT_SERVER; side <= CFL_COUNT_CLIENT; side++) {
        for (size_t i = 0; i < sizeof METHOD_FAMILIES / sizeof METHOD_FAMILIES[0]; i++) {
            tell_methods(metrics, visitor, (enum cfl_count_side)side, &METHOD_FAMILIES[i]);
        }
    }
    if (has_side(metrics, CFL_COUNT_SERVER)) {
        tell_server_counters(metrics->counts, visitor);
    }
    tell_gauges(metrics, visitor);
    if (has_side(metrics, CFL_COUNT_CLIENT)) {
        tell_client_counters(metrics->counts, visitor);
    }
}
