/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_GATEWAY_MISSING_H
#define CFLIGHT_ADBC_GATEWAY_MISSING_H

#include "adbc/abi/adbc.h"

/* Fills what a driver has left out of its table by functions that answer NOT_IMPLEMENTED; what
 * belongs to errors and to releasing stays NULL. */
void gateway_fill_missing(struct AdbcDriver *table);
/* The first function that nothing can go without and that is missing; NULL when all are there. */
const char *gateway_needed_missing(const struct AdbcDriver *table);

#endif /* CFLIGHT_ADBC_GATEWAY_MISSING_H */
