/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_DETAILS_H
#define CFLIGHT_ADBC_DRIVER_DETAILS_H

#include "adbc/abi/adbc.h"
#include "cflight/error.h"

/* The details of an error: each message in grpc-status-details-bin, packed in its Any, and each
 * field of the trailers. One at a time. */
struct adbc_details;

/* Copies the details of an error; NULL when it has none, or when there is no memory for them: an
 * error without details is better than none. */
struct adbc_details *adbc_details_new(const cflight_error *error);
int adbc_details_count(const struct adbc_details *details);
/* Detail `index`; zeros past either end. */
struct AdbcErrorDetail adbc_details_at(const struct adbc_details *details, int index);
void adbc_details_free(struct adbc_details *details);

#endif /* CFLIGHT_ADBC_DRIVER_DETAILS_H */
