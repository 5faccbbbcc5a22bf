/* SPDX-License-Identifier: Apache-2.0 */
/* Giving all series to a visitor, and one number out of them. One look at a time. Thread class:
 * free. */
#include "flight/metrics/visit.h"

#include <string.h>

#include "base/error.h"

enum { BOUNDS_MAX = 64 };

static void tell_histogram(const struct cfl_metric_visitor *visitor,
                           const struct cflight_metric *metric,
                           struct cflight_metric_sample *sample)
{
    const struct cfl_metric_family *family = metric->family;
    uint64_t counts[BOUNDS_MAX + 1];
    for (size_t i = 0; i <= family->bound_count; i++) {
        sample->count += atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
        counts[i] = sample->count;
    }
    sample->bounds = family->bounds;
    sample->bound_count = family->bound_count;
    sample->counts = counts;
    visitor->visit(visitor->user_data, sample);
}

static void tell_family(struct cflight_metrics *metrics, const struct cfl_metric_family *family,
                        const struct cfl_metric_visitor *visitor)
{
    const struct cfl_list *node = &family->series;
    while ((node = cfl_metrics_next(metrics, &family->series, node)) != NULL) {
        const struct cflight_metric *metric =
            CFL_LIST_ENTRY(node, const struct cflight_metric, node);
        struct cflight_metric_sample sample = {
            .name = family->name,
            .help = family->help,
            .kind = family->kind,
            .labels = metric->labels,
            .label_count = metric->label_count,
            .value = cfl_metric_value(metric),
        };
        if (family->kind == CFLIGHT_METRIC_HISTOGRAM) {
            tell_histogram(visitor, metric, &sample);
        } else {
            visitor->visit(visitor->user_data, &sample);
        }
    }
}

void cfl_metrics_visit_all(struct cflight_metrics *metrics,
                           const struct cfl_metric_visitor *visitor)
{
    (void)pthread_mutex_lock(&metrics->visiting);
    cfl_metrics_visit_library(metrics, visitor);
    const struct cfl_list *head = &metrics->locked.families;
    const struct cfl_list *node = head;
    while ((node = cfl_metrics_next(metrics, head, node)) != NULL) {
        tell_family(metrics, CFL_LIST_ENTRY(node, const struct cfl_metric_family, node), visitor);
    }
    (void)pthread_mutex_unlock(&metrics->visiting);
}

cflight_status cflight_metrics_visit(cflight_metrics *metrics,
                                     void (*visit)(void *user_data,
                                                   const struct cflight_metric_sample *sample),
                                     void *user_data, cflight_error **reterr)
{
    if (metrics == NULL || visit == NULL) {
        return cfl_error_null_argument(reterr, metrics == NULL ? "metrics" : "visit");
    }
    const struct cfl_metric_visitor visitor = {visit, user_data};
    cfl_metrics_visit_all(metrics, &visitor);
    return CFLIGHT_OK;
}

/* ---- one number ---- */

struct wanted {
    const char *name;
    const struct cflight_metric_label *labels;
    size_t label_count;
    double sum;
};

static bool has_label(const struct cflight_metric_sample *sample,
                      const struct cflight_metric_label *label)
{
    for (size_t i = 0; i < sample->label_count; i++) {
        if (strcmp(sample->labels[i].name, label->name) == 0) {
            return strcmp(sample->labels[i].value, label->value) == 0;
        }
    }
    return false;
}

static void add_wanted(void *user_data, const struct cflight_metric_sample *sample)
{
    struct wanted *wanted = user_data;
    if (strcmp(sample->name, wanted->name) != 0) {
        return;
    }
    for (size_t i = 0; i < wanted->label_count; i++) {
        if (!has_label(sample, &wanted->labels[i])) {
            return;
        }
    }
    wanted->sum += sample->kind == CFLIGHT_METRIC_HISTOGRAM ? (double)sample->count : sample->value;
}

cflight_status cflight_metrics_value(cflight_metrics *metrics, const char *name,
                                     const struct cflight_metric_label *labels, size_t label_count,
                                     double *ret_value, cflight_error **reterr)
{
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(metrics), CFL_ARG(name), CFL_ARG(ret_value));
    if (status == CFLIGHT_OK && labels == NULL && label_count > 0) {
        status = cfl_error_null_argument(reterr, "labels");
    }
    for (size_t i = 0; i < label_count && status == CFLIGHT_OK; i++) {
        if (labels[i].name == NULL || labels[i].value == NULL) {
            status = cfl_error_null_argument(reterr, "labels");
        }
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct wanted wanted = {name, labels, label_count, 0};
    const struct cfl_metric_visitor visitor = {add_wanted, &wanted};
    cfl_metrics_visit_all(metrics, &visitor);
    *ret_value = wanted.sum;
    return CFLIGHT_OK;
}
