/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_SHARED_STATUS_H
#define CFLIGHT_ADBC_SHARED_STATUS_H

#include "adbc/abi/adbc.h"
#include "cflight/status.h"

/* What a status of a call is to ADBC. Some classes have no code of their own in gRPC: they are
 * known by their SQLSTATE. Thread class: free.
 * @param sqlstate  Terminated; "" when there is none. */
AdbcStatusCode adbc_status_of(cflight_status status, const char *sqlstate);
/* The SQLSTATE by which a class of errors is known; NULL for those that gRPC has a code for. */
const char *adbc_sqlstate_of(AdbcStatusCode code);

#endif /* CFLIGHT_ADBC_SHARED_STATUS_H */
