/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_INCREMENTAL_H
#define CFLIGHT_ADBC_DRIVER_INCREMENTAL_H

#include "adbc/driver/statement.h"

/* Queries that run long, by PollFlightInfo: each call gives the partitions that are new, none at
 * the end. */
AdbcStatusCode adbc_incremental_next(struct adbc_statement *statement, struct adbc_call *call,
                                     const struct cflight_sql_message *command,
                                     struct ArrowSchema *ret_schema,
                                     struct AdbcPartitions *ret_partitions, int64_t *ret_row_count,
                                     struct AdbcError *error);

#endif /* CFLIGHT_ADBC_DRIVER_INCREMENTAL_H */
