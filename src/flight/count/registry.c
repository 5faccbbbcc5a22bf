/* SPDX-License-Identifier: Apache-2.0 */
/* The object that servers, clients and applications count in. Thread class: free. */
#include "flight/count/registry.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"

enum { DEFAULT_SERIES_MAX = 10000, CACHE_LINE_BYTES = 64 };

static void *new_aligned(const struct cflight_allocator *alloc, size_t size_bytes)
{
    void *memory = cfl_alloc_aligned(alloc, size_bytes, CACHE_LINE_BYTES);
    if (memory != NULL) {
        memset(memory, 0, size_bytes);
    }
    return memory;
}

cflight_status cflight_metrics_new(const struct cflight_metrics_options *options,
                                   cflight_metrics **ret_metrics, cflight_error **reterr)
{
    struct cflight_metrics_options loaded;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_metrics));
    if (status == CFLIGHT_OK) {
        status = cfl_options_load(&loaded, sizeof loaded, options, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cflight_metrics *metrics = cfl_alloc_zeroed(loaded.allocator, sizeof *metrics);
    if (metrics == NULL) {
        return cfl_error_no_memory(reterr);
    }
    metrics->counts = new_aligned(loaded.allocator, sizeof *metrics->counts);
    if (metrics->counts == NULL) {
        cfl_free(loaded.allocator, metrics, sizeof *metrics);
        return cfl_error_no_memory(reterr);
    }
    cfl_refcount_init(&metrics->refs);
    metrics->alloc = loaded.allocator;
    cfl_option_default(&loaded.series_max, DEFAULT_SERIES_MAX);
    metrics->series_max = loaded.series_max;
    (void)pthread_mutex_init(&metrics->visiting, NULL);
    (void)pthread_mutex_init(&metrics->mutex, NULL);
    cfl_list_init(&metrics->locked.methods);
    cfl_list_init(&metrics->locked.sources);
    cfl_list_init(&metrics->locked.families);
    *ret_metrics = metrics;
    return CFLIGHT_OK;
}

struct cflight_metrics *cfl_metrics_ref(struct cflight_metrics *metrics)
{
    if (metrics != NULL) {
        cfl_refcount_up(&metrics->refs);
    }
    return metrics;
}

static void method_free(const struct cflight_allocator *alloc, struct cfl_counted_method *method)
{
    if (method != NULL) {
        cfl_strfree(alloc, method->service);
        cfl_strfree(alloc, method->name);
        cfl_free(alloc, method, sizeof *method);
    }
}

void cflight_metrics_free(cflight_metrics *metrics)
{
    if (metrics == NULL || !cfl_refcount_down(&metrics->refs)) {
        return;
    }
    struct cfl_list *node = NULL;
    while ((node = cfl_list_take_first(&metrics->locked.methods)) != NULL) {
        method_free(metrics->alloc, CFL_LIST_ENTRY(node, struct cfl_counted_method, node));
    }
    cfl_metric_families_done(metrics);
    (void)pthread_mutex_destroy(&metrics->mutex);
    (void)pthread_mutex_destroy(&metrics->visiting);
    cfl_free(metrics->alloc, metrics->counts, sizeof *metrics->counts);
    cfl_free(metrics->alloc, metrics, sizeof *metrics);
}

/* ---- methods ---- */

static bool is_of_path(const struct cfl_counted_method *method, const char *path)
{
    size_t service_bytes = strlen(method->service);
    return path[0] == '/' && strncmp(path + 1, method->service, service_bytes) == 0 &&
           path[1 + service_bytes] == '/' && strcmp(path + service_bytes + 2, method->name) == 0;
}

static struct cfl_counted_method *find_locked(struct cflight_metrics *metrics,
                                              enum cfl_count_side side, const char *path)
{
    struct cfl_list *head = &metrics->locked.methods;
    for (struct cfl_list *node = head->next; node != head; node = node->next) {
        struct cfl_counted_method *method = CFL_LIST_ENTRY(node, struct cfl_counted_method, node);
        if (method->side == side && is_of_path(method, path)) {
            return method;
        }
    }
    return NULL;
}

static struct cfl_counted_method *method_new(const struct cflight_allocator *alloc,
                                             const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    struct cfl_counted_method *method = new_aligned(alloc, sizeof *method);
    if (method == NULL) {
        return NULL;
    }
    method->service = cfl_strndup(alloc, path + 1, (size_t)(name - path) - 2);
    method->name = cfl_strndup(alloc, name, strlen(name));
    if (method->service == NULL || method->name == NULL) {
        method_free(alloc, method);
        return NULL;
    }
    return method;
}

struct cfl_counted_method *cfl_metrics_method(struct cflight_metrics *metrics,
                                              enum cfl_count_side side, const char *path,
                                              bool client_streams, bool server_streams)
{
    (void)pthread_mutex_lock(&metrics->mutex);
    struct cfl_counted_method *method = find_locked(metrics, side, path);
    if (method == NULL) {
        method = method_new(metrics->alloc, path);
        if (method != NULL) {
            method->side = side;
            method->client_streams = client_streams;
            method->server_streams = server_streams;
            cfl_list_append(&metrics->locked.methods, &method->node);
        }
    }
    (void)pthread_mutex_unlock(&metrics->mutex);
    return method;
}

/* ---- who is asked ---- */

void cfl_metrics_attach(struct cflight_metrics *metrics, struct cfl_gauge_source *source)
{
    (void)pthread_mutex_lock(&metrics->mutex);
    cfl_list_append(&metrics->locked.sources, &source->node);
    (void)pthread_mutex_unlock(&metrics->mutex);
}

void cfl_metrics_detach(struct cflight_metrics *metrics, struct cfl_gauge_source *source)
{
    (void)pthread_mutex_lock(&metrics->visiting);
    (void)pthread_mutex_lock(&metrics->mutex);
    cfl_list_remove(&source->node);
    (void)pthread_mutex_unlock(&metrics->mutex);
    (void)pthread_mutex_unlock(&metrics->visiting);
}

struct cfl_list *cfl_metrics_next(struct cflight_metrics *metrics, const struct cfl_list *head,
                                  const struct cfl_list *node)
{
    (void)pthread_mutex_lock(&metrics->mutex);
    struct cfl_list *next = node->next;
    (void)pthread_mutex_unlock(&metrics->mutex);
    return next == head ? NULL : next;
}
