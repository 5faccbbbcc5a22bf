/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics of `cflight serve` and their port. */
#include "cli/serve/metrics.h"

#include <stddef.h>

cflight_status cli_serve_metrics_init(struct cli_serve_metrics *metrics, const char *address,
                                      cflight_error **reterr)
{
    if (address == NULL) {
        return CFLIGHT_OK;
    }
    cflight_status status = cflight_metrics_new(NULL, &metrics->metrics, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_process_metrics_add(metrics->metrics, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_metrics_http_new(address, metrics->metrics, NULL, &metrics->http, reterr);
    }
    return status;
}

void cli_serve_metrics_stop(struct cli_serve_metrics *metrics)
{
    cflight_metrics_http_free(metrics->http);
    metrics->http = NULL;
}

void cli_serve_metrics_done(struct cli_serve_metrics *metrics)
{
    cli_serve_metrics_stop(metrics);
    cflight_metrics_free(metrics->metrics);
}
