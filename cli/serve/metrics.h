/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SERVE_METRICS_H
#define CFLIGHT_CLI_SERVE_METRICS_H

#include "cflight/metrics.h"

/* What Prometheus scrapes of `cflight serve`: nothing unless an address is given. */
struct cli_serve_metrics {
    cflight_metrics *metrics;   /* NULL: nothing is counted */
    cflight_metrics_http *http; /* ended before what it asks */
};

/* `address` NULL: nothing is counted. */
cflight_status cli_serve_metrics_init(struct cli_serve_metrics *metrics, const char *address,
                                      cflight_error **reterr);
/* Ends the port: before the server. */
void cli_serve_metrics_stop(struct cli_serve_metrics *metrics);
void cli_serve_metrics_done(struct cli_serve_metrics *metrics);

/* ---- process_metrics.c ---- */
/* Adds what is told of the process. */
cflight_status cli_process_metrics_add(cflight_metrics *metrics, cflight_error **reterr);

#endif /* CFLIGHT_CLI_SERVE_METRICS_H */
