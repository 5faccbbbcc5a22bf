/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_STATEMENT_OPTIONS_H
#define CFLIGHT_ADBC_DRIVER_STATEMENT_OPTIONS_H

#include "adbc/driver/options.h"

extern const struct adbc_option_table adbc_statement_options;

#endif /* CFLIGHT_ADBC_DRIVER_STATEMENT_OPTIONS_H */
