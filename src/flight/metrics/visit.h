/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_METRICS_VISIT_H
#define CFL_FLIGHT_METRICS_VISIT_H

#include "flight/count/registry.h"

/* Looking at everything that was counted. What is above tells nobody how it was counted. */

/* Who looks. */
struct cfl_metric_visitor {
    void (*visit)(void *user_data, const struct cflight_metric_sample *sample);
    void *user_data;
};

/* What servers and clients count; under the registry's `visiting`. */
void cfl_metrics_visit_library(struct cflight_metrics *metrics,
                               const struct cfl_metric_visitor *visitor);
/* Everything. */
void cfl_metrics_visit_all(struct cflight_metrics *metrics,
                           const struct cfl_metric_visitor *visitor);

#endif /* CFL_FLIGHT_METRICS_VISIT_H */
