/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_METRICS_H
#define CFLIGHT_METRICS_H

#include "cflight/alloc.h"
#include "cflight/bytes.h"
#include "cflight/error.h"
#include "cflight/export.h"

/// @file
/// Counters, gauges and histograms of servers and clients, and of the application beside them; as
/// values, as Prometheus text, or from a small HTTP port of their own that Prometheus scrapes.
///
///     cflight_metrics *metrics = NULL;
///     cflight_metrics_http *http = NULL;
///     if (cflight_metrics_new(NULL, &metrics, &error) != CFLIGHT_OK) { ... }
///     options.metrics = metrics; // of a server, of a client, or of several
///     if (cflight_server_new(location, &handlers, &options, &server, &error) != CFLIGHT_OK) { ...
///     } if (cflight_metrics_http_new("127.0.0.1:9090", metrics, NULL, &http, &error) !=
///     CFLIGHT_OK) {
///
/// What servers and clients count, with names and labels: docs/guide/metrics.md. Counters of
/// several that share an object are sums. Counting takes no lock and waits for nobody. Each that
/// uses the object keeps it, so it may be freed in any order. Thread class of all functions: free.
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cflight_metrics cflight_metrics;

struct cflight_metrics_options {
    size_t struct_size;
    const struct cflight_allocator *allocator; ///< NULL: the C library
    /// Most series of the application's own, so that labels which come from strangers have an end;
    /// 0 is 10000.
    uint32_t series_max;
};

#define CFLIGHT_METRICS_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_metrics_options)

/// Makes an object to count in, at zero.
/// @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT, CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_metrics_new(const struct cflight_metrics_options *options, cflight_metrics **ret_metrics,
                    cflight_error **reterr);
/// Drops the caller's hold. NULL is ignored.
CFLIGHT_EXPORT void
cflight_metrics_free(cflight_metrics *metrics);

enum cflight_metric_kind {
    CFLIGHT_METRIC_COUNTER = 1,   ///< only grows; its name ends in "_total"
    CFLIGHT_METRIC_GAUGE = 2,     ///< any value
    CFLIGHT_METRIC_HISTOGRAM = 3, ///< how often values were up to each of some bounds
};

struct cflight_metric_label {
    const char *name;
    const char *value;
};

/// One series of the application: what cflight_metrics_add() takes. All of it is copied.
struct cflight_metric_params {
    size_t struct_size;
    const char *name; ///< letters, digits and '_', with its unit last: "app_queue_bytes"
    const char *help; ///< a sentence; of the first series of a name. NULL: none
    enum cflight_metric_kind kind;
    const struct cflight_metric_label *labels; ///< names as above, values in UTF-8
    size_t label_count;
    /// Of a histogram: rising, at most 64. NULL: 0.1 ms to 5 minutes, in seconds.
    const double *bounds;
    size_t bound_count;
    /// Of a counter or gauge that is read when somebody looks, instead of being written; NULL: it
    /// is written. Runs on the thread that looks, under none of the library's locks but one that
    /// cflight_metric_remove() and the ends of servers wait for.
    double (*read)(void *user_data);
    void *user_data;
};

#define CFLIGHT_METRIC_PARAMS_INIT CFLIGHT_SIZED_INIT(struct cflight_metric_params)

/// A series. Lives until it is removed as often as it was added, or as long as its metrics.
typedef struct cflight_metric cflight_metric;

/// Adds a series, or gives the one that has this name and these labels already. Looks through all
/// series of the name: keep what it gives.
///
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (names, labels, bounds; a name that has another
///         kind or other bounds); CFLIGHT_ALREADY_EXISTS (a name of the library's; a series with
///         `read`); CFLIGHT_RESOURCE_EXHAUSTED (`series_max`, memory)
CFLIGHT_CHECKED cflight_status
cflight_metrics_add(cflight_metrics *metrics, const struct cflight_metric_params *params,
                    cflight_metric **ret_metric, cflight_error **reterr);
/// Takes a series away. When this returns `read` is not running and will not be called, so hold no
/// lock here that it takes. NULL is ignored.
CFLIGHT_EXPORT void
cflight_metric_remove(cflight_metric *metric);
/// Adds to a counter (nothing, if `amount` is negative) or a gauge. NULL is ignored here and in the
/// next two, so that code without metrics needs no question.
CFLIGHT_EXPORT void
cflight_metric_increase(cflight_metric *metric, double amount);
/// Sets a gauge.
CFLIGHT_EXPORT void
cflight_metric_set(cflight_metric *metric, double value);
/// Adds a value to a histogram.
CFLIGHT_EXPORT void
cflight_metric_observe(cflight_metric *metric, double value);

/// What a visitor is told of one series; borrowed.
struct cflight_metric_sample {
    const char *name;
    const char *help; ///< "" for none
    enum cflight_metric_kind kind;
    const struct cflight_metric_label *labels;
    size_t label_count;
    double value; ///< of a histogram: the sum of its values
    /// Of a histogram: its bounds, and how many values were up to each, those up to the ones before
    /// it included.
    const double *bounds;
    const uint64_t *counts;
    size_t bound_count;
    uint64_t count; ///< of all its values
};

/// Gives all series as they are now, those of one name after another. Other threads go on counting
/// meanwhile.
/// @param visit  Called for each, on this thread. Not to call cflight_metric_remove(), nor to free
/// a
///               server or client that counts here.
CFLIGHT_CHECKED cflight_status
cflight_metrics_visit(cflight_metrics *metrics,
                      void (*visit)(void *user_data, const struct cflight_metric_sample *sample),
                      void *user_data, cflight_error **reterr);
/// Gives one number: the sum of the series of this name that have all of these labels (of
/// histograms, of their counts); 0 when there are none.
CFLIGHT_CHECKED cflight_status
cflight_metrics_value(cflight_metrics *metrics, const char *name,
                      const struct cflight_metric_label *labels, size_t label_count,
                      double *ret_value, cflight_error **reterr);

enum cflight_metrics_format {
    CFLIGHT_METRICS_PROMETHEUS = 0,  ///< Prometheus' text format 0.0.4
    CFLIGHT_METRICS_OPENMETRICS = 1, ///< OpenMetrics 1.0.0
};

/// Gives all series as text, UTF-8.
/// @param ret_text  Unref it.
CFLIGHT_CHECKED cflight_status
cflight_metrics_text(cflight_metrics *metrics, enum cflight_metrics_format format,
                     cflight_buffer **ret_text, cflight_error **reterr);

/// An HTTP port that answers GET /metrics with the text, in the format that is asked for. Without
/// encryption or password: let it listen where only those reach it who may know.
typedef struct cflight_metrics_http cflight_metrics_http;

struct cflight_metrics_http_options {
    size_t struct_size;
    const struct cflight_allocator *allocator; ///< NULL: the C library
    /// Most connections at once; one more ends the oldest. 0 is 16.
    uint32_t connections_max;
    /// Limit for one request and its answer; 0 is 10 seconds.
    int64_t timeout_ms;
};

#define CFLIGHT_METRICS_HTTP_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_metrics_http_options)

/// Begins to answer, on one thread of its own.
///
/// @param address  "127.0.0.1:9090", "[::1]:9090" or "localhost:0"; port 0 picks a free one.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT; CFLIGHT_ALREADY_EXISTS (the address is in use);
///         CFLIGHT_UNAVAILABLE (any other bind failure); CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_metrics_http_new(const char *address, cflight_metrics *metrics,
                         const struct cflight_metrics_http_options *options,
                         cflight_metrics_http **ret_http, cflight_error **reterr);
/// The bound port.
CFLIGHT_EXPORT int
cflight_metrics_http_port(const cflight_metrics_http *http);
/// Ends it, and the answers that it is at. NULL is ignored.
CFLIGHT_EXPORT void
cflight_metrics_http_free(cflight_metrics_http *http);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_METRICS_H */
