/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of tables: the schema of each table that a server lists, taken apart. Thread class: one
 * at a time. */
#include "cli/commands/table_columns.h"

#include "cflight/builder.h"
#include "cli/client/fetch.h"
#include "cli/values/value.h"

/* Columns of what the server lists. */
enum { CATALOG, DB_SCHEMA, TABLE, TYPE, TABLE_SCHEMA, LISTED_COUNT };
/* Columns of what is shown; the first three are of the table. */
enum { COLUMN_NAME = 3 };

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

/* Name, type and whether it may be null, from the column `first` on; ends the row. */
static void append_about(cflight_builder *builder, size_t first, const struct ArrowSchema *field,
                         const char *type_text)
{
    cflight_append_text(cflight_builder_column(builder, first),
                        field->name == NULL ? "" : field->name);
    cflight_append_text(cflight_builder_column(builder, first + 1), type_text);
    cflight_append_bool(cflight_builder_column(builder, first + 2),
                        (field->flags & ARROW_FLAG_NULLABLE) != 0);
    cflight_builder_end_row(builder);
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
    append_about(columns->builder, COLUMN_NAME, field, type_text);
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

cflight_status cli_table_columns(struct ArrowArrayStream *tables,
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

cflight_status cli_schema_columns(const struct ArrowSchema *table,
                                  struct ArrowArrayStream *ret_columns, cflight_error **reterr)
{
    struct ArrowSchema schema = {.release = NULL};
    struct ArrowArray batch;
    cflight_builder *builder = NULL;
    cflight_status status = cflight_schema_new(
        fields + COLUMN_NAME, sizeof fields / sizeof *fields - COLUMN_NAME, &schema, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_builder_new(&schema, NULL, &builder, reterr);
    }
    for (int64_t i = 0; status == CFLIGHT_OK && i < table->n_children; i++) {
        char *type_text = NULL;
        status = cflight_schema_type_text(table->children[i], &type_text, reterr);
        if (status == CFLIGHT_OK) {
            append_about(builder, 0, table->children[i], type_text);
            cflight_text_free(type_text);
        }
    }
    if (status == CFLIGHT_OK) {
        status = cflight_builder_finish(builder, &batch, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_batches_to_stream(&schema, &batch, 1, ret_columns, reterr);
    }
    cflight_builder_free(builder);
    if (schema.release != NULL) {
        schema.release(&schema);
    }
    return status;
}
