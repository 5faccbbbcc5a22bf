/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_SHARED_XDBC_H
#define CFLIGHT_ADBC_SHARED_XDBC_H

#include <stdint.h>

#include "cflight/arrow_abi.h"

/* The number that ADBC gives to the type of a field (enum cflight_sql_xdbc_type); 0 when it has
 * none. Of dictionaries and run ends it is that of the values. Thread class: free. */
int16_t adbc_xdbc_type(const struct ArrowSchema *field);

#endif /* CFLIGHT_ADBC_SHARED_XDBC_H */
