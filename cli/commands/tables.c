/* SPDX-License-Identifier: Apache-2.0 */
/* cflight tables: the tables of a Flight SQL server, as it lists them, or their columns. */
#include <stdlib.h>

#include "cflight/sql_client.h"
#include "cli/commands/result.h"
#include "cli/commands/table_columns.h"
#include "cli/system/os_error.h"

static cflight_status ask(struct cli_run *run, struct cli_fetch *fetch,
                          struct ArrowArrayStream *ret_tables, cflight_error **reterr)
{
    const struct cli_tables_arguments *given = &run->arguments->tables;
    struct cflight_sql_options options = CFLIGHT_SQL_OPTIONS_INIT;
    struct cflight_bytes *types = calloc(given->types.count + 1, sizeof *types);
    if (types == NULL) {
        return cli_error_no_memory(reterr, "listing tables");
    }
    for (size_t i = 0; i < given->types.count; i++) {
        types[i] = cflight_bytes_from_text(given->types.items[i]);
    }
    const struct cflight_sql_tables filter = {
        .catalog = cflight_bytes_from_text(given->catalog),
        .schema_pattern = cflight_bytes_from_text(given->db_schema),
        .table_pattern = cflight_bytes_from_text(given->pattern),
        .table_types = types,
        .table_type_count = given->types.count,
        .include_schema = given->shows_columns,
    };
    cli_fetch_init(fetch, &run->connection);
    options.call_options = &fetch->call_options;
    options.fetch_options = &fetch->options;
    cflight_status status =
        cflight_sql_get_tables(run->connection.client, &filter, &options, ret_tables, reterr);
    free(types);
    return status;
}

cflight_status cli_run_tables(struct cli_run *run, cflight_error **reterr)
{
    struct cli_result result = {0};
    struct cli_fetch fetch = {.rows_left = CLI_ROWS_ALL};
    struct ArrowArrayStream rows;
    struct ArrowArrayStream tables;

    cflight_status status = cli_result_choose(&result, run, CLI_ROWS_ALL, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_run_connect(run, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = ask(run, &fetch, &rows, reterr);
    }
    if (status == CFLIGHT_OK && run->arguments->tables.shows_columns) {
        tables = rows;
        status = cli_table_columns(&tables, &rows, reterr);
        tables.release(&tables);
    }
    if (status == CFLIGHT_OK) {
        status = cli_result_write(&result, &fetch, &rows, -1, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_result_close(&result, reterr);
    }
    cli_result_done(&result);
    return status;
}
