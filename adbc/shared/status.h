/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_SHARED_STATUS_H
#define CFLIGHT_ADBC_SHARED_STATUS_H

#include "adbc/abi/adbc.h"
#include "cflight/status.h"

/* What a status of a call is to ADBC. A violated constraint has no code of its own in gRPC: it is
 * known by its SQLSTATE (class 23). Thread class: free.
 * @param sqlstate  Terminated; "" when there is none. */
AdbcStatusCode adbc_status_of(cflight_status status, const char *sqlstate);

#endif /* CFLIGHT_ADBC_SHARED_STATUS_H */
