/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_PARTITIONS_H
#define CFLIGHT_ADBC_DRIVER_PARTITIONS_H

#include "adbc/driver/statement.h"

/* Results by parts. A partition is a serialised FlightInfo with one endpoint, as other drivers for
 * Flight SQL make and take them. */

AdbcStatusCode adbc_statement_execute_partitions(struct AdbcStatement *statement,
                                                 struct ArrowSchema *ret_schema,
                                                 struct AdbcPartitions *ret_partitions,
                                                 int64_t *ret_row_count, struct AdbcError *error);
AdbcStatusCode adbc_connection_read_partition(struct AdbcConnection *connection,
                                              const uint8_t *partition, size_t len_bytes,
                                              struct ArrowArrayStream *ret_stream,
                                              struct AdbcError *error);

#endif /* CFLIGHT_ADBC_DRIVER_PARTITIONS_H */
