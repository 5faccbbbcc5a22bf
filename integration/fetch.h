/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_INTEGRATION_FETCH_H
#define CFLIGHT_INTEGRATION_FETCH_H

#include "integration/batches.h"

/* Reads a DoGet to its end, and appends the values of its only column, 32-bit integers of `format`
 * named `name`, not null. Each endpoint must have no location: it is read over `client`. */
struct itg_values {
    int32_t items[64];
    size_t count;
};
cflight_status itg_fetch_numbers(cflight_client *client, const struct cflight_endpoint *endpoint,
                                 const char *name, const char *format, struct itg_values *values,
                                 cflight_error **reterr);
/* Fails, saying what was found, when the values are others. */
cflight_status itg_values_check(const struct itg_values *values, const int32_t *expected,
                                size_t expected_count, cflight_error **reterr);

#endif /* CFLIGHT_INTEGRATION_FETCH_H */
