/* SPDX-License-Identifier: Apache-2.0 */
/* cflight tables: the tables of a Flight SQL server, as it lists them, or their columns. */
#include <stdlib.h>

#include "cflight/builder.h"
#include "cflight/sql_client.h"
#include "cli/commands/result.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"
#include "cli/values/value.h"

/* ---- columns: the schema of each table, taken apart ---- */

/* Columns of what the server lists. */
enum { CATALOG, DB_SCHEMA, TABLE, TYPE, TABLE_SCHEMA, LISTED_COUNT };
/* Columns of what is shown; the first three are of the table. */
enum { COLUMN_NAME = 3, COLUMN_TYPE, IS_NULLABLE };

static const struct cflight_field fields[] = {
    {.name = "catalog_name", .format = "u"}, {.name = "db_schema_name", .format = "u"},
    {.name = "table_name", .format = "u"},   {.name = "column_name", .format = "u"},
    {.name = "type", .format = "u"},         {.name = "is_nullable", .format = "b"},
};

struct columns {
    struct ArrowSchema listed; /* of the list of tables */
    struct cli_column root;
    cflight_builder *builder;
};

static cflight_status check_list(struct columns *columns, struct ArrowArrayStream *tables,
                                 cflight_error **reterr)
{
    if (tables->get_schema(tables, &columns->listed) != 0) {
        return cli_fetch_fail(tables, reterr);
    }
    cflight_status status = cli_column_init(&columns->root, &columns->listed, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    const struct cli_column *types = columns->root.children;
    if (columns->root.child_count < LISTED_COUNT ||
        types[TABLE_SCHEMA].type.id < CFLIGHT_TYPE_BINARY ||
        types[TABLE_SCHEMA].type.id > CFLIGHT_TYPE_FIXED_SIZE_BINARY) {
        return cflight_error_set_message(reterr, CFLIGHT_DATA_LOSS,
                                         "the server lists no schemas of its tables");
    }
    return CFLIGHT_OK;
}

/* The name of the catalog, schema or table of a row. */
static void append_name(struct columns *columns, const struct ArrowArray *batch, int64_t row,
                        size_t index)
{
    const struct cli_column *column = &columns->root.children[index];
    cflight_column *target = cflight_builder_column(columns->builder, index);
    if (cli_value_is_null(column, batch->children[index], row)) {
        cflight_append_null(target);
        return;
    }
    struct cli_text name = CLI_TEXT_INIT;
    cli_value_append_plain(&name, column, batch->children[index], row);
    cflight_append_bytes(target, cli_text_bytes(&name));
    cli_text_done(&name);
}

static cflight_status append_field(struct columns *columns, const struct ArrowArray *batch,
                                   int64_t row, const struct ArrowSchema *field,
                                   cflight_error **reterr)
{
    char *type_text = NULL;
    cflight_status status = cflight_schema_type_text(field, &type_text, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    for (size_t i = CATALOG; i <= TABLE; i++) {
        append_name(columns, batch, row, i);
    }
    cflight_append_text(cflight_builder_column(columns->builder, COLUMN_NAME),
                        field->name == NULL ? "" : field->name);
    cflight_append_text(cflight_builder_column(columns->builder, COLUMN_TYPE), type_text);
    cflight_append_bool(cflight_builder_column(columns->builder, IS_NULLABLE),
                        (field->flags & ARROW_FLAG_NULLABLE) != 0);
    cflight_builder_end_row(columns->builder);
    cflight_text_free(type_text);
    return CFLIGHT_OK;
}

static cflight_status append_table(struct columns *columns, const struct ArrowArray *batch,
                                   int64_t row, cflight_error **reterr)
{
    struct ArrowSchema schema;
    struct cflight_bytes message =
        cli_value_bytes(&columns->root.children[TABLE_SCHEMA], batch->children[TABLE_SCHEMA], row);
    if (message.len_bytes == 0) {
        return CFLIGHT_OK;
    }
    cflight_status status = cflight_ipc_schema_parse(message, &schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    for (int64_t i = 0; status == CFLIGHT_OK && i < schema.n_children; i++) {
        status = append_field(columns, batch, row, schema.children[i], reterr);
    }
    schema.release(&schema);
    return status;
}

static cflight_status append_all(struct columns *columns, struct ArrowArrayStream *tables,
                                 cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    while (status == CFLIGHT_OK) {
        struct ArrowArray batch = {.release = NULL};
        if (tables->get_next(tables, &batch) != 0) {
            return cli_fetch_fail(tables, reterr);
        }
        if (batch.release == NULL) {
            break;
        }
        for (int64_t row = 0; status == CFLIGHT_OK && row < batch.length; row++) {
            status = append_table(columns, &batch, batch.offset + row, reterr);
        }
        batch.release(&batch);
    }
    return status;
}

/* Turns a list of tables with their schemas into one of their columns. */
static cflight_status list_columns(struct ArrowArrayStream *tables,
                                   struct ArrowArrayStream *ret_columns, cflight_error **reterr)
{
    struct columns columns = {.builder = NULL};
    struct ArrowSchema schema = {.release = NULL};
    struct ArrowArray batch;
    cflight_status status =
        cflight_schema_new(fields, sizeof fields / sizeof *fields, &schema, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_builder_new(&schema, NULL, &columns.builder, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = check_list(&columns, tables, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = append_all(&columns, tables, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_builder_finish(columns.builder, &batch, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_batches_to_stream(&schema, &batch, 1, ret_columns, reterr);
    }
    cflight_builder_free(columns.builder);
    cli_column_done(&columns.root);
    if (columns.listed.release != NULL) {
        columns.listed.release(&columns.listed);
    }
    if (schema.release != NULL) {
        schema.release(&schema);
    }
    return status;
}

/* ---- the command ---- */

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
        status = list_columns(&tables, &rows, reterr);
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
