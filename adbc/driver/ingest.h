/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_INGEST_H
#define CFLIGHT_ADBC_DRIVER_INGEST_H

#include "adbc/driver/statement.h"

/* Putting bound rows into a table. */

/* INVALID_STATE without rows, INVALID_ARGUMENT for options that exclude each other. */
AdbcStatusCode adbc_ingest_check(const struct adbc_statement *statement, struct AdbcError *error);
AdbcStatusCode adbc_ingest_run(struct adbc_statement *statement, struct adbc_call *call,
                               int64_t *ret_row_count, struct AdbcError *error);

#endif /* CFLIGHT_ADBC_DRIVER_INGEST_H */
