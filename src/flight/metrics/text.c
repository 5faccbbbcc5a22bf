/* SPDX-License-Identifier: Apache-2.0 */
/* The text that Prometheus scrapes: its own format 0.0.4, and OpenMetrics 1.0.0, which differs in
 * the names of counters' families, in numbers of buckets and in an end mark. Thread class: free. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "flight/metrics/visit.h"

/* A text that grows. */
struct writing {
    struct cfl_buf text;
    bool is_open;     /* OpenMetrics */
    char family[256]; /* of the last line */
};

enum { TOTAL_BYTES = sizeof "_total" - 1 };

static const char *const KINDS[] = {
    [CFLIGHT_METRIC_COUNTER] = "counter",
    [CFLIGHT_METRIC_GAUGE] = "gauge",
    [CFLIGHT_METRIC_HISTOGRAM] = "histogram",
};

/* The C library writes a point as the locale has it. */
static void append_with_point(struct cfl_buf *text, const char *number)
{
    bool has_point = false;
    for (const char *c = number; *c != '\0'; c++) {
        if (strchr("+-0123456789e", *c) != NULL) {
            (void)cfl_buf_append_u8(text, (uint8_t)*c);
        } else if (!has_point) {
            has_point = true;
            (void)cfl_buf_append_u8(text, '.');
        }
    }
}

static void append_number(struct cfl_buf *text, double value)
{
    char number[64];
    if (isnan(value)) {
        (void)cfl_buf_append_text(text, "NaN");
        return;
    }
    if (isinf(value)) {
        (void)cfl_buf_append_text(text, value > 0 ? "+Inf" : "-Inf");
        return;
    }
    /* As short as it can be read back from. */
    for (int digits = 15; digits <= 17; digits++) {
        double read = 0;
        (void)snprintf(number, sizeof number, "%.*g", digits, value);
        if (sscanf(number, "%lf", &read) == 1 && memcmp(&read, &value, sizeof read) == 0) {
            break;
        }
    }
    append_with_point(text, number);
}

/* Backslashes and line ends as escapes, in values of labels quotes too. */
static void append_escaped(struct cfl_buf *text, const char *value, bool is_quoted)
{
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '\n') {
            (void)cfl_buf_append_text(text, "\\n");
        } else {
            if (*c == '\\' || (*c == '"' && is_quoted)) {
                (void)cfl_buf_append_u8(text, '\\');
            }
            (void)cfl_buf_append_u8(text, (uint8_t)*c);
        }
    }
}

static void append_bound(struct writing *writing, double bound)
{
    append_number(&writing->text, bound);
    if (writing->is_open && bound == floor(bound) && fabs(bound) < 1e15) {
        (void)cfl_buf_append_text(&writing->text, ".0"); /* OpenMetrics 1.0.0: canonical numbers */
    }
}

/* A line up to its number; `bound` NULL: it is none of a bucket. */
static void append_head(struct writing *writing, const struct cflight_metric_sample *sample,
                        const char *suffix, const double *bound)
{
    struct cfl_buf *text = &writing->text;
    const char *before = "{";
    (void)cfl_buf_append_text(text, sample->name);
    (void)cfl_buf_append_text(text, suffix);
    for (size_t i = 0; i < sample->label_count; i++) {
        (void)cfl_buf_append_text(text, before);
        (void)cfl_buf_append_text(text, sample->labels[i].name);
        (void)cfl_buf_append_text(text, "=\"");
        append_escaped(text, sample->labels[i].value, true);
        (void)cfl_buf_append_u8(text, '"');
        before = ",";
    }
    if (bound != NULL) {
        (void)cfl_buf_append_text(text, before);
        (void)cfl_buf_append_text(text, "le=\"");
        append_bound(writing, *bound);
        (void)cfl_buf_append_u8(text, '"');
        before = ",";
    }
    (void)cfl_buf_append_text(text, before[0] == ',' ? "} " : " ");
}

static void append_line(struct writing *writing, const struct cflight_metric_sample *sample,
                        const char *suffix, const double *bound, double value)
{
    append_head(writing, sample, suffix, bound);
    append_number(&writing->text, value);
    (void)cfl_buf_append_u8(&writing->text, '\n');
}

static void append_family(struct writing *writing, const struct cflight_metric_sample *sample)
{
    struct cfl_buf *text = &writing->text;
    size_t name_bytes = strlen(sample->name);
    if (strcmp(writing->family, sample->name) == 0) {
        return;
    }
    (void)snprintf(writing->family, sizeof writing->family, "%s", sample->name);
    if (writing->is_open && sample->kind == CFLIGHT_METRIC_COUNTER) {
        name_bytes -= TOTAL_BYTES;
    }
    if (sample->help[0] != '\0') {
        (void)cfl_buf_append_format(text, "# HELP %.*s ", (int)name_bytes, sample->name);
        append_escaped(text, sample->help, writing->is_open);
        (void)cfl_buf_append_u8(text, '\n');
    }
    (void)cfl_buf_append_format(text, "# TYPE %.*s %s\n", (int)name_bytes, sample->name,
                                KINDS[sample->kind]);
}

static void append_sample(void *user_data, const struct cflight_metric_sample *sample)
{
    struct writing *writing = user_data;
    append_family(writing, sample);
    if (sample->kind != CFLIGHT_METRIC_HISTOGRAM) {
        append_line(writing, sample, "", NULL, sample->value);
        return;
    }
    for (size_t i = 0; i < sample->bound_count; i++) {
        append_line(writing, sample, "_bucket", &sample->bounds[i], (double)sample->counts[i]);
    }
    const double infinite = INFINITY;
    append_line(writing, sample, "_bucket", &infinite, (double)sample->count);
    append_line(writing, sample, "_sum", NULL, sample->value);
    append_line(writing, sample, "_count", NULL, (double)sample->count);
}

cflight_status cflight_metrics_text(cflight_metrics *metrics, enum cflight_metrics_format format,
                                    cflight_buffer **ret_text, cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(metrics), CFL_ARG(ret_text));
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (format != CFLIGHT_METRICS_PROMETHEUS && format != CFLIGHT_METRICS_OPENMETRICS) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%d is no format of metrics",
                                 (int)format);
    }
    struct writing writing = {.is_open = format == CFLIGHT_METRICS_OPENMETRICS};
    cfl_buf_init(&writing.text, metrics->alloc);
    const struct cfl_metric_visitor visitor = {append_sample, &writing};
    cfl_metrics_visit_all(metrics, &visitor);
    if (writing.is_open) {
        (void)cfl_buf_append_text(&writing.text, "# EOF\n");
    }
    status = writing.text.failed
                 ? cfl_error_no_memory(reterr)
                 : cflight_buffer_new_copy(cfl_buf_bytes(&writing.text), ret_text, reterr);
    cfl_buf_done(&writing.text);
    return status;
}
