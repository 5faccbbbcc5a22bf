/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_INIT_H
#define CFLIGHT_ADBC_DRIVER_INIT_H

#include "adbc/abi/adbc.h"
#include "cflight/export.h"

/* What the library exports: an AdbcDriverInitFunc under the name that every driver has, and one
 * under the name that goes with the file, for managers that look for that. Thread class: free. */
CFLIGHT_EXPORT AdbcStatusCode AdbcDriverInit(int version, void *driver, struct AdbcError *error);
CFLIGHT_EXPORT AdbcStatusCode AdbcDriverCflightInit(int version, void *driver,
                                                    struct AdbcError *error);

#endif /* CFLIGHT_ADBC_DRIVER_INIT_H */
