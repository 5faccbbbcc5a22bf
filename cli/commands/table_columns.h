/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_COMMANDS_TABLE_COLUMNS_H
#define CFLIGHT_CLI_COMMANDS_TABLE_COLUMNS_H

#include "cflight/sql_client.h"

/* Turns a list of tables with their schemas into one of their columns.
 * @param name  The only table that is wanted, by its exact names; NULL for all. What is NULL in it
 *              fits any. */
cflight_status cli_table_columns(struct ArrowArrayStream *tables,
                                 const struct cflight_sql_table_name *name,
                                 struct ArrowArrayStream *ret_columns, int64_t *ret_count,
                                 cflight_error **reterr);

#endif /* CFLIGHT_CLI_COMMANDS_TABLE_COLUMNS_H */
