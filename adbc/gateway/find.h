/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_GATEWAY_FIND_H
#define CFLIGHT_ADBC_GATEWAY_FIND_H

#include "adbc/gateway/manifest.h"

/* Finds a driver by its path, or by its name in the places of the ADBC driver manager, in those of
 * packages that pip installs, and in the loader's own path.
 * @param driver   "sqlite", "adbc_driver_sqlite", "/usr/lib/libadbc_driver_sqlite.so", or a
 *                 manifest's path.
 * @param package  What brings it, for the error; NULL when that is not known.
 * @param ret_driver  The library as dlopen() takes it, and the entry point of a manifest.
 * @return CFLIGHT_OK; CFLIGHT_NOT_FOUND (with every place that was looked at);
 * CFLIGHT_INVALID_ARGUMENT (a manifest that is wrong); CFLIGHT_RESOURCE_EXHAUSTED */
cflight_status gateway_find_driver(const char *driver, const char *package,
                                   struct gateway_manifest *ret_driver, cflight_error **reterr);

#endif /* CFLIGHT_ADBC_GATEWAY_FIND_H */
