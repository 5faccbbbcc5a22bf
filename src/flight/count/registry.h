/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_COUNT_REGISTRY_H
#define CFL_FLIGHT_COUNT_REGISTRY_H

#include <pthread.h>

#include "base/refcount.h"
#include "cflight/metrics.h"
#include "flight/count/counts.h"

/* The object behind cflight/metrics.h: the methods that are counted, servers that are asked for
 * what they hold just now, and the application's own series.
 *
 * Two locks. `visiting` is held while somebody looks at everything, user code included; what such a
 * look may be inside of is taken away under it. `mutex` is a leaf that protects the lists; nothing
 * is freed while `visiting` is held, so a visitor holds it only to get to the next node. Families
 * and counted methods stay until the end. Thread class: free. */

/* What servers hold just now; sums. */
struct cfl_server_gauges {
    uint64_t connections;
    uint64_t pending;
    uint64_t running;
    uint64_t waiting;
    uint64_t threads;
    uint64_t pool_bytes;
    uint64_t unread_bytes;
    uint64_t connections_max;
    uint64_t queue_max;
    uint64_t handlers_max;
    uint64_t waiting_max;
    uint64_t unread_bytes_max;
};

/* A server, part of a larger struct. */
struct cfl_gauge_source {
    struct cfl_list node; /* locked */
    void (*add)(void *user_data, struct cfl_server_gauges *sums);
    void *user_data;
};

struct cfl_metric_family {
    struct cfl_list node; /* locked */
    char *name;
    char *help;
    enum cflight_metric_kind kind;
    double *bounds; /* of a histogram */
    size_t bound_count;
    struct cfl_list series; /* of struct cflight_metric; locked */
};

/* Doubles are kept as their bits, so that any machine adds to them without a lock. */
struct cflight_metric {
    struct cfl_list node; /* locked */
    struct cflight_metrics *metrics;
    struct cfl_metric_family *family;
    struct cflight_metric_label *labels;
    size_t label_count;
    double (*read)(void *user_data);
    void *user_data;
    uint32_t holds;                 /* locked: how often it was added */
    atomic_uint_least64_t value;    /* of a histogram: the sum */
    atomic_uint_least64_t *buckets; /* of a histogram: one more than bounds */
};

struct cflight_metrics {
    struct cfl_refcount refs;
    const struct cflight_allocator *alloc;
    uint32_t series_max;
    struct cfl_counts *counts;
    pthread_mutex_t visiting;
    pthread_mutex_t mutex;
    struct {
        struct cfl_list methods;  /* of struct cfl_counted_method */
        struct cfl_list sources;  /* of struct cfl_gauge_source */
        struct cfl_list families; /* of struct cfl_metric_family */
        uint32_t series_count;
    } locked;
};

struct cflight_metrics *cfl_metrics_ref(struct cflight_metrics *metrics);
/* Finds the method, or begins to count it; NULL when memory ran out. `path` is
 * "/package.Service/Method". */
struct cfl_counted_method *cfl_metrics_method(struct cflight_metrics *metrics,
                                              enum cfl_count_side side, const char *path,
                                              bool client_streams, bool server_streams);
/* Has the source asked from now on; until it is taken away, which waits for who asks it. */
void cfl_metrics_attach(struct cflight_metrics *metrics, struct cfl_gauge_source *source);
void cfl_metrics_detach(struct cflight_metrics *metrics, struct cfl_gauge_source *source);
/* The node after `node` in a list of the registry, or NULL at its end. */
struct cfl_list *cfl_metrics_next(struct cflight_metrics *metrics, const struct cfl_list *head,
                                  const struct cfl_list *node);

/* ---- series.c ---- */
void cfl_metric_families_done(struct cflight_metrics *metrics);
double cfl_metric_value(const struct cflight_metric *metric);

#endif /* CFL_FLIGHT_COUNT_REGISTRY_H */
