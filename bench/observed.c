/* SPDX-License-Identifier: Apache-2.0 */
/* A server that is watched in every way there is, as `cflight serve` may be. */
#include "observed.h"

#include <string.h>

/* What an SDK would do at the least: look at the span. */
static void start_span(void *user_data, struct cflight_trace_span *span, void **ret_instance)
{
    (void)user_data;
    *ret_instance = (void *)(uintptr_t)(span->trace.span_id[0] | 1);
}

static void end_span(void *user_data, void *instance, const struct cflight_trace_span *span,
                     const struct cflight_call_summary *summary)
{
    struct cflight_trace_attribute attributes[CFLIGHT_TRACE_ATTRIBUTES_MAX];
    char address[64];
    (void)user_data;
    (void)instance;
    (void)cflight_trace_attributes(span, summary, CFLIGHT_TRACE_RPC_1_30, address, attributes);
}

static cflight_status make_services(struct observed *observed, cflight_error **reterr)
{
    cflight_status status = cflight_health_new(NULL, &observed->health, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_reflection_new(NULL, &observed->reflection, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_metrics_new(NULL, &observed->metrics, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_metrics_http_new("127.0.0.1:0", observed->metrics, NULL, &observed->http,
                                          reterr);
    }
    return status;
}

cflight_status observed_init(struct observed *observed, const char *log_path,
                             struct cflight_server_options *options, cflight_error **reterr)
{
    memset(observed, 0, sizeof *observed);
    cflight_status status = cflight_log_file_new(log_path, &observed->file, reterr);
    if (status == CFLIGHT_OK) {
        status = make_services(observed, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    cflight_health_methods(observed->health, observed->methods);
    cflight_reflection_methods(observed->reflection, observed->methods + CFLIGHT_HEALTH_METHODS);
    observed->log = (struct cflight_request_log)CFLIGHT_REQUEST_LOG_INIT;
    observed->log.write = cflight_log_file_write;
    observed->log.user_data = observed->file;
    observed->log.as_json = true;
    observed->tracer = (struct cflight_tracer)CFLIGHT_TRACER_INIT;
    observed->tracer.start = start_span;
    observed->tracer.end = end_span;
    cflight_tracer_server_middleware(&observed->tracer, &observed->middleware[0]);
    cflight_request_log_middleware(&observed->log, &observed->middleware[1]);
    options->service_methods = observed->methods;
    options->service_method_count = CFLIGHT_HEALTH_METHODS + CFLIGHT_REFLECTION_METHODS;
    options->metrics = observed->metrics;
    options->middleware = observed->middleware;
    options->middleware_count = 2;
    return CFLIGHT_OK;
}

void observed_done(struct observed *observed)
{
    cflight_metrics_http_free(observed->http);
    cflight_metrics_free(observed->metrics);
    cflight_reflection_free(observed->reflection);
    cflight_health_free(observed->health);
    cflight_log_file_free(observed->file);
}
