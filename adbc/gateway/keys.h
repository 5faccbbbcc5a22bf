/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_GATEWAY_KEYS_H
#define CFLIGHT_ADBC_GATEWAY_KEYS_H

#include "adbc/gateway/objects.h"

/* Keys among the constraints of a table, as rows of a list. */
cflight_status gateway_add_primary_keys(cflight_sql_rows *rows, const struct gateway_table *table,
                                        cflight_error **reterr);
cflight_status gateway_add_foreign_keys(cflight_sql_rows *rows, const struct gateway_table *table,
                                        cflight_error **reterr);

#endif /* CFLIGHT_ADBC_GATEWAY_KEYS_H */
