/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_ENTRY_OPTIONS_H
#define CFLIGHT_ADBC_DRIVER_ENTRY_OPTIONS_H

#include "adbc/abi/adbc.h"

/* Fills the functions for options into a table of version 1.0, or of 1.1 with the rest. */
void adbc_entry_options(struct AdbcDriver *driver, int version);

#endif /* CFLIGHT_ADBC_DRIVER_ENTRY_OPTIONS_H */
