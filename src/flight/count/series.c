/* SPDX-License-Identifier: Apache-2.0 */
/* Series of the application's own. Values are written without a lock; families and series are found
 * and made under the registry's. Thread class: free. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/error.h"
#include "base/options.h"
#include "base/utf8.h"
#include "flight/count/registry.h"

enum { LABELS_MAX = 32, BOUNDS_MAX = 64, NAME_BYTES_MAX = 200 };

/* ---- doubles as bits ---- */

static uint64_t bits_of(double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double of_bits(uint64_t bits)
{
    double value = 0;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void increase(atomic_uint_least64_t *target, double amount)
{
    uint64_t before = atomic_load_explicit(target, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(target, &before,
                                                  bits_of(of_bits(before) + amount),
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

void cflight_metric_increase(cflight_metric *metric, double amount)
{
    if (metric != NULL && metric->family->kind != CFLIGHT_METRIC_HISTOGRAM &&
        (amount >= 0 || metric->family->kind == CFLIGHT_METRIC_GAUGE)) {
        increase(&metric->value, amount);
    }
}

void cflight_metric_set(cflight_metric *metric, double value)
{
    if (metric != NULL && metric->family->kind == CFLIGHT_METRIC_GAUGE) {
        atomic_store_explicit(&metric->value, bits_of(value), memory_order_relaxed);
    }
}

void cflight_metric_observe(cflight_metric *metric, double value)
{
    if (metric == NULL || metric->family->kind != CFLIGHT_METRIC_HISTOGRAM || isnan(value)) {
        return;
    }
    size_t bucket = 0;
    while (bucket < metric->family->bound_count && value > metric->family->bounds[bucket]) {
        bucket++;
    }
    atomic_fetch_add_explicit(&metric->buckets[bucket], 1, memory_order_relaxed);
    increase(&metric->value, value);
}

double cfl_metric_value(const struct cflight_metric *metric)
{
    return metric->read != NULL
               ? metric->read(metric->user_data)
               : of_bits(atomic_load_explicit(&metric->value, memory_order_relaxed));
}

/* ---- what may be added ---- */

/* A letter or '_', then those and digits; no colons, which are for rules of Prometheus. */
static bool is_name(const char *name)
{
    if (name == NULL || name[0] == '\0' || (name[0] >= '0' && name[0] <= '9')) {
        return false;
    }
    size_t len_bytes = strlen(name);
    for (size_t i = 0; i < len_bytes; i++) {
        if (!cfl_ascii_is_alnum((uint8_t)name[i]) && name[i] != '_') {
            return false;
        }
    }
    return len_bytes <= NAME_BYTES_MAX;
}

static bool ends_in_total(const char *name)
{
    static const char TOTAL[] = "_total";
    size_t len_bytes = strlen(name);
    return len_bytes >= sizeof TOTAL && strcmp(name + len_bytes - (sizeof TOTAL - 1), TOTAL) == 0;
}

static bool is_text(const char *text)
{
    return cfl_utf8_is_valid((const uint8_t *)text, strlen(text));
}

static cflight_status check_labels(const struct cflight_metric_params *params,
                                   cflight_error **reterr)
{
    if (params->label_count > LABELS_MAX || (params->label_count > 0 && params->labels == NULL)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "%s: %zu labels; there may be %d, and none is NULL", params->name,
                                 params->label_count, LABELS_MAX);
    }
    for (size_t i = 0; i < params->label_count; i++) {
        const struct cflight_metric_label *label = &params->labels[i];
        if (!is_name(label->name) || strncmp(label->name, "__", 2) == 0 ||
            strcmp(label->name, "le") == 0 || label->value == NULL || !is_text(label->value)) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "%s: label %zu is not a name of letters, digits and '_', "
                                     "other than le, with a value in UTF-8",
                                     params->name, i + 1);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(params->labels[j].name, label->name) == 0) {
                return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "%s: the label %s is there twice", params->name,
                                         label->name);
            }
        }
    }
    return CFLIGHT_OK;
}

static cflight_status check_bounds(const struct cflight_metric_params *params,
                                   cflight_error **reterr)
{
    bool is_histogram = params->kind == CFLIGHT_METRIC_HISTOGRAM;
    bool is_wrong = params->bound_count > BOUNDS_MAX ||
                    (!is_histogram && params->bound_count > 0) ||
                    (params->bound_count > 0 && params->bounds == NULL) ||
                    (is_histogram && params->read != NULL);
    for (size_t i = 0; i < params->bound_count && !is_wrong; i++) {
        is_wrong =
            !isfinite(params->bounds[i]) || (i > 0 && params->bounds[i] <= params->bounds[i - 1]);
    }
    return is_wrong ? cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                        "%s: bounds are for histograms, which are not read: at "
                                        "most %d finite numbers that rise",
                                        params->name, BOUNDS_MAX)
                    : CFLIGHT_OK;
}

/* Whether the library has metrics of this name. */
static bool is_reserved(const char *name)
{
    static const char *const PREFIXES[] = {"grpc_", "cflight_server_", "cflight_client_",
                                           "cflight_build_"};
    for (size_t i = 0; i < sizeof PREFIXES / sizeof PREFIXES[0]; i++) {
        if (strncmp(name, PREFIXES[i], strlen(PREFIXES[i])) == 0) {
            return true;
        }
    }
    return false;
}

static cflight_status check(const struct cflight_metric_params *params, cflight_error **reterr)
{
    if (!is_name(params->name)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "'%s' is not the name of a metric: letters, digits and '_', at "
                                 "most %d",
                                 params->name == NULL ? "" : params->name, NAME_BYTES_MAX);
    }
    if (is_reserved(params->name)) {
        return cflight_error_set(reterr, CFLIGHT_ALREADY_EXISTS,
                                 "%s: names that begin like this one are the library's",
                                 params->name);
    }
    if (params->kind < CFLIGHT_METRIC_COUNTER || params->kind > CFLIGHT_METRIC_HISTOGRAM ||
        ends_in_total(params->name) != (params->kind == CFLIGHT_METRIC_COUNTER)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "%s: the names of counters, and of no other metrics, end in "
                                 "_total",
                                 params->name);
    }
    if (params->help != NULL && !is_text(params->help)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s: the help is not UTF-8",
                                 params->name);
    }
    cflight_status status = check_labels(params, reterr);
    return status == CFLIGHT_OK ? check_bounds(params, reterr) : status;
}

/* ---- families ---- */

static void family_free(const struct cflight_allocator *alloc, struct cfl_metric_family *family)
{
    if (family != NULL) {
        cfl_strfree(alloc, family->name);
        cfl_strfree(alloc, family->help);
        cfl_free_array(alloc, family->bounds, family->bound_count, sizeof *family->bounds);
        cfl_free(alloc, family, sizeof *family);
    }
}

static bool copy_bounds(const struct cflight_allocator *alloc,
                        const struct cflight_metric_params *params,
                        struct cfl_metric_family *family)
{
    if (params->kind != CFLIGHT_METRIC_HISTOGRAM) {
        return true;
    }
    size_t count = params->bounds == NULL ? (size_t)CFL_COUNT_LATENCY_BOUNDS : params->bound_count;
    family->bounds = cfl_alloc_array(alloc, count, sizeof *family->bounds);
    if (family->bounds == NULL && count > 0) {
        return false;
    }
    family->bound_count = count;
    for (size_t i = 0; i < count; i++) {
        family->bounds[i] =
            params->bounds == NULL ? (double)cfl_count_latency_ns[i] / 1e9 : params->bounds[i];
    }
    return true;
}

static struct cfl_metric_family *family_new(const struct cflight_allocator *alloc,
                                            const struct cflight_metric_params *params)
{
    const char *help = params->help == NULL ? "" : params->help;
    struct cfl_metric_family *family = cfl_alloc_zeroed(alloc, sizeof *family);
    if (family == NULL) {
        return NULL;
    }
    family->name = cfl_strndup(alloc, params->name, strlen(params->name));
    family->help = cfl_strndup(alloc, help, strlen(help));
    family->kind = params->kind;
    cfl_list_init(&family->series);
    if (family->name == NULL || family->help == NULL || !copy_bounds(alloc, params, family)) {
        family_free(alloc, family);
        return NULL;
    }
    return family;
}

static bool has_bounds(const struct cfl_metric_family *family,
                       const struct cflight_metric_params *params)
{
    if (params->bounds == NULL) {
        return true; /* those of the first series */
    }
    return family->bound_count == params->bound_count &&
           memcmp(family->bounds, params->bounds, params->bound_count * sizeof(double)) == 0;
}

static cflight_status find_family_locked(struct cflight_metrics *metrics,
                                         const struct cflight_metric_params *params,
                                         struct cfl_metric_family **ret_family,
                                         cflight_error **reterr)
{
    struct cfl_list *head = &metrics->locked.families;
    for (struct cfl_list *node = head->next; node != head; node = node->next) {
        struct cfl_metric_family *family = CFL_LIST_ENTRY(node, struct cfl_metric_family, node);
        if (strcmp(family->name, params->name) != 0) {
            continue;
        }
        if (family->kind != params->kind || !has_bounds(family, params)) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "%s is a metric of another kind, or has other bounds",
                                     params->name);
        }
        *ret_family = family;
        return CFLIGHT_OK;
    }
    struct cfl_metric_family *family = family_new(metrics->alloc, params);
    if (family == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cfl_list_append(head, &family->node);
    *ret_family = family;
    return CFLIGHT_OK;
}

/* ---- series ---- */

static void series_free(struct cflight_metric *metric)
{
    const struct cflight_allocator *alloc = metric->metrics->alloc;
    for (size_t i = 0; i < metric->label_count && metric->labels != NULL; i++) {
        cfl_strfree(alloc, (char *)(uintptr_t)metric->labels[i].name);
        cfl_strfree(alloc, (char *)(uintptr_t)metric->labels[i].value);
    }
    cfl_free_array(alloc, metric->labels, metric->label_count, sizeof *metric->labels);
    if (metric->buckets != NULL) {
        cfl_free_array(alloc, metric->buckets, metric->family->bound_count + 1,
                       sizeof *metric->buckets);
    }
    cfl_free(alloc, metric, sizeof *metric);
}

static bool copy_labels(struct cflight_metric *metric, const struct cflight_metric_params *params)
{
    const struct cflight_allocator *alloc = metric->metrics->alloc;
    if (params->label_count == 0) {
        return true;
    }
    metric->labels = cfl_alloc_array(alloc, params->label_count, sizeof *metric->labels);
    metric->label_count = params->label_count;
    for (size_t i = 0; i < params->label_count && metric->labels != NULL; i++) {
        const struct cflight_metric_label *label = &params->labels[i];
        metric->labels[i].name = cfl_strndup(alloc, label->name, strlen(label->name));
        metric->labels[i].value = cfl_strndup(alloc, label->value, strlen(label->value));
        if (metric->labels[i].name == NULL || metric->labels[i].value == NULL) {
            return false;
        }
    }
    return metric->labels != NULL;
}

static struct cflight_metric *series_new(struct cflight_metrics *metrics,
                                         struct cfl_metric_family *family,
                                         const struct cflight_metric_params *params)
{
    struct cflight_metric *metric = cfl_alloc_zeroed(metrics->alloc, sizeof *metric);
    if (metric == NULL) {
        return NULL;
    }
    metric->metrics = metrics;
    metric->family = family;
    metric->read = params->read;
    metric->user_data = params->user_data;
    metric->holds = 1;
    if (family->kind == CFLIGHT_METRIC_HISTOGRAM) {
        metric->buckets =
            cfl_alloc_array(metrics->alloc, family->bound_count + 1, sizeof *metric->buckets);
    }
    if (!copy_labels(metric, params) ||
        (family->kind == CFLIGHT_METRIC_HISTOGRAM && metric->buckets == NULL)) {
        series_free(metric);
        return NULL;
    }
    return metric;
}

/* Labels may come in any order. */
static bool has_labels(const struct cflight_metric *metric,
                       const struct cflight_metric_params *params)
{
    if (metric->label_count != params->label_count) {
        return false;
    }
    size_t found = 0;
    for (size_t i = 0; i < params->label_count; i++) {
        for (size_t j = 0; j < metric->label_count; j++) {
            found += strcmp(metric->labels[j].name, params->labels[i].name) == 0 &&
                     strcmp(metric->labels[j].value, params->labels[i].value) == 0;
        }
    }
    return found == params->label_count;
}

static struct cflight_metric *find_series_locked(struct cfl_metric_family *family,
                                                 const struct cflight_metric_params *params)
{
    for (struct cfl_list *node = family->series.next; node != &family->series; node = node->next) {
        struct cflight_metric *metric = CFL_LIST_ENTRY(node, struct cflight_metric, node);
        if (has_labels(metric, params)) {
            return metric;
        }
    }
    return NULL;
}

static cflight_status add_locked(struct cflight_metrics *metrics,
                                 const struct cflight_metric_params *params,
                                 cflight_metric **ret_metric, cflight_error **reterr)
{
    struct cfl_metric_family *family = NULL;
    cflight_status status = find_family_locked(metrics, params, &family, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cflight_metric *metric = find_series_locked(family, params);
    if (metric != NULL && (metric->read != NULL || params->read != NULL)) {
        return cflight_error_set(reterr, CFLIGHT_ALREADY_EXISTS,
                                 "%s is there with these labels, and one of the two is read",
                                 params->name);
    }
    if (metric != NULL) {
        metric->holds++;
        *ret_metric = metric;
        return CFLIGHT_OK;
    }
    if (metrics->locked.series_count >= metrics->series_max) {
        return cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                 "%s: there are %u series already, as many as may be (series_max)",
                                 params->name, metrics->series_max);
    }
    metric = series_new(metrics, family, params);
    if (metric == NULL) {
        return cfl_error_no_memory(reterr);
    }
    metrics->locked.series_count++;
    cfl_list_append(&family->series, &metric->node);
    *ret_metric = metric;
    return CFLIGHT_OK;
}

cflight_status cflight_metrics_add(cflight_metrics *metrics,
                                   const struct cflight_metric_params *params,
                                   cflight_metric **ret_metric, cflight_error **reterr)
{
    struct cflight_metric_params loaded;
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(metrics), CFL_ARG(params), CFL_ARG(ret_metric));
    if (status == CFLIGHT_OK) {
        status = cfl_options_load(&loaded, sizeof loaded, params, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = check(&loaded, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    (void)pthread_mutex_lock(&metrics->mutex);
    status = add_locked(metrics, &loaded, ret_metric, reterr);
    (void)pthread_mutex_unlock(&metrics->mutex);
    return status;
}

void cflight_metric_remove(cflight_metric *metric)
{
    if (metric == NULL) {
        return;
    }
    struct cflight_metrics *metrics = metric->metrics;
    (void)pthread_mutex_lock(&metrics->visiting);
    (void)pthread_mutex_lock(&metrics->mutex);
    bool is_last = --metric->holds == 0;
    if (is_last) {
        cfl_list_remove(&metric->node);
        metrics->locked.series_count--;
    }
    (void)pthread_mutex_unlock(&metrics->mutex);
    (void)pthread_mutex_unlock(&metrics->visiting);
    if (is_last) {
        series_free(metric);
    }
}

void cfl_metric_families_done(struct cflight_metrics *metrics)
{
    struct cfl_list *node = NULL;
    while ((node = cfl_list_take_first(&metrics->locked.families)) != NULL) {
        struct cfl_metric_family *family = CFL_LIST_ENTRY(node, struct cfl_metric_family, node);
        while ((node = cfl_list_take_first(&family->series)) != NULL) {
            series_free(CFL_LIST_ENTRY(node, struct cflight_metric, node));
        }
        family_free(metrics->alloc, family);
    }
}
