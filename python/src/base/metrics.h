/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_METRICS_H
#define CFP_METRICS_H

#include "base/state.h"

/* Metrics: where servers and clients count. `name` is of the argument; None is NULL. The handle is
 * the object's, which a server or client need not keep, as the library does. 0 or -1. */
int cfp_metrics_get(struct cfp_state *state, PyObject *value, const char *name,
                    cflight_metrics **ret_metrics);

/* Every series as it is now: dict of name to dict of labels (a tuple of pairs) to a float, or for
 * histograms (count, sum, dict of bound to count). */
PyObject *cfp_metrics_snapshot(struct cfp_state *state, cflight_metrics *metrics);

#endif /* CFP_METRICS_H */
