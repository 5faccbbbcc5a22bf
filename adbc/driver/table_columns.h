/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_TABLE_COLUMNS_H
#define CFLIGHT_ADBC_DRIVER_TABLE_COLUMNS_H

#include "adbc/driver/error.h"
#include "cflight/builder.h"

/* Appends the columns of a table to a column of lists, and ends the list. One at a time.
 * @param schema   Of the table, an encapsulated IPC message; empty is not known.
 * @param pattern  Of the names that are wanted; NULL for all. */
AdbcStatusCode adbc_table_columns_append(struct cflight_bytes schema, const char *pattern,
                                         cflight_column *list, struct AdbcError *error);

#endif /* CFLIGHT_ADBC_DRIVER_TABLE_COLUMNS_H */
