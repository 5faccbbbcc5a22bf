/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_GATEWAY_ERROR_H
#define CFLIGHT_ADBC_GATEWAY_ERROR_H

#include "adbc/gateway/load.h"

/* Errors of a driver, as the library has them. */

/* An error for a driver to write into: in the long form where it knows that. */
struct AdbcError gateway_error_init(const struct gateway_driver *driver);
/* NULL-safe; may be repeated. */
void gateway_error_release(struct AdbcError *error);

/* What a driver's code is to a call. */
cflight_status gateway_status_of(AdbcStatusCode code);

/* Says in `*reterr` what a driver has said: its text, bounded, with its SQLSTATE and its own code
 * where it has these; `doing` comes first, if it is not NULL. Releases `error`.
 * @return as gateway_status_of(); CFLIGHT_OK writes nothing */
cflight_status gateway_fail(AdbcStatusCode code, struct AdbcError *error, const char *doing,
                            cflight_error **reterr);
/* The same of a stream that has failed with `os_code`. */
cflight_status gateway_fail_stream(const struct gateway_driver *driver,
                                   struct ArrowArrayStream *stream, int os_code,
                                   cflight_error **reterr);

#endif /* CFLIGHT_ADBC_GATEWAY_ERROR_H */
