/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_GATEWAY_LOAD_H
#define CFLIGHT_ADBC_GATEWAY_LOAD_H

#include <stdbool.h>

#include "adbc/abi/adbc.h"
#include "cflight/error.h"

/* Somebody's driver in this process. Functions that it has not are there and answer
 * NOT_IMPLEMENTED; those that are needed in any case are its own. */
struct gateway_driver {
    void *library;
    int version; /* ADBC_VERSION_1_1_0 or ADBC_VERSION_1_0_0 */
    struct AdbcDriver table;
};

/* Loads a library and has it fill in its table, as version 1.1 or, where it has not that, 1.0.
 * @param entrypoint  NULL: what the driver manager tries for a library of this name.
 * @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (the loader, or the driver, says why);
 * CFLIGHT_NOT_FOUND (no entry point: those that were tried) */
cflight_status gateway_driver_load(const char *path, const char *entrypoint,
                                   struct gateway_driver *ret_driver, cflight_error **reterr);
/* A driver that was never loaded is left alone. */
void gateway_driver_unload(struct gateway_driver *driver);

/* The entry point that a library's name stands for: "AdbcDriverSqliteInit" for
 * "/usr/lib/libadbc_driver_sqlite.so.113". @return false when it is too long */
bool gateway_entrypoint_of(const char *path, char *ret_name, size_t capacity_bytes);

#endif /* CFLIGHT_ADBC_GATEWAY_LOAD_H */
