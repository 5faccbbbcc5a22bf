/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_BENCH_OBSERVED_H
#define CFLIGHT_BENCH_OBSERVED_H

#include <cflight/cflight.h>
#include <stdio.h>

/* Everything by which a server is watched: health, reflection, metrics with their port, the request
 * log to a file, hooks of a tracer. */
struct observed {
    cflight_health *health;
    cflight_reflection *reflection;
    cflight_metrics *metrics;
    cflight_metrics_http *http;
    struct cflight_service_method methods[CFLIGHT_HEALTH_METHODS + CFLIGHT_REFLECTION_METHODS];
    struct cflight_request_log log;
    struct cflight_tracer tracer;
    struct cflight_server_middleware middleware[2];
    cflight_log_file *file;
};

/* Has the options watch the server; the lines of the log go to the file at `log_path`. */
cflight_status observed_init(struct observed *observed, const char *log_path,
                             struct cflight_server_options *options, cflight_error **reterr);
/* After the server. */
void observed_done(struct observed *observed);

#endif /* CFLIGHT_BENCH_OBSERVED_H */
