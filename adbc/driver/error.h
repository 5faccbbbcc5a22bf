/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_ERROR_H
#define CFLIGHT_ADBC_DRIVER_ERROR_H

#include "adbc/abi/adbc.h"
#include "cflight/error.h"

/* Errors as ADBC wants them. `error` may be NULL in all of these; what it holds is released first.
 * Thread class: free, for different errors. */

/* Writes an error of the driver's own and returns `code`. */
AdbcStatusCode adbc_fail(struct AdbcError *error, AdbcStatusCode code, const char *format, ...)
    CFLIGHT_PRINTF(3, 4);
AdbcStatusCode adbc_fail_no_memory(struct AdbcError *error);
/* Writes what the library says, and returns what it is to ADBC. Takes `cause`, which may be NULL
 * only with CFLIGHT_OK: then nothing is written. */
AdbcStatusCode adbc_fail_by(struct AdbcError *error, cflight_error *cause);
/* The same for the end of a function that may have failed or not. */
AdbcStatusCode adbc_outcome(cflight_status status, cflight_error *cause, struct AdbcError *error);
/* Releases an error, if there is one, and makes it ready for the next: in the long form. */
void adbc_error_reset(struct AdbcError *error);

int adbc_error_detail_count(const struct AdbcError *error);
struct AdbcErrorDetail adbc_error_detail(const struct AdbcError *error, int index);

#endif /* CFLIGHT_ADBC_DRIVER_ERROR_H */
