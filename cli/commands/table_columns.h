/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_COMMANDS_TABLE_COLUMNS_H
#define CFLIGHT_CLI_COMMANDS_TABLE_COLUMNS_H

#include "cflight/sql_client.h"

/* Turns a list of tables with their schemas into one of their columns. */
cflight_status cli_table_columns(struct ArrowArrayStream *tables,
                                 struct ArrowArrayStream *ret_columns, cflight_error **reterr);
/* The columns of one table, whose names are left out. */
cflight_status cli_schema_columns(const struct ArrowSchema *table,
                                  struct ArrowArrayStream *ret_columns, cflight_error **reterr);

#endif /* CFLIGHT_CLI_COMMANDS_TABLE_COLUMNS_H */
