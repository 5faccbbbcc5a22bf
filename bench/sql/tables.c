/* SPDX-License-Identifier: Apache-2.0 */
/* What tables there are, and their columns: one pass over SQLite's own list. */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

/* In the order of the tables, so that the columns of one stand together. */
static const char TABLES[] =
    "SELECT name, type FROM sqlite_schema "
    "WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
static const char COLUMNS[] =
    "SELECT t.name, t.type, c.name, c.type, c.\"notnull\" "
    "FROM sqlite_schema t JOIN pragma_table_info(t.name) c "
    "WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
    "ORDER BY t.name, c.cid";

enum { COLUMNS_MAX = 2000 }; /* SQLite's own limit */

/* A table whose columns are being read. */
struct table {
    char *name;
    char *type;
    struct cflight_field fields[COLUMNS_MAX];
    size_t field_count;
};

static cflight_status list_catalogs(void *user_data, cflight_sql_call *call, cflight_sql_rows *rows,
                                    cflight_error **reterr)
{
    (void)user_data;
    (void)call;
    return cflight_sql_rows_add_catalog(rows, cflight_bytes_from_text("main"), reterr);
}

static cflight_status list_db_schemas(void *user_data, cflight_sql_call *call,
                                      const struct cflight_sql_db_schemas *filter,
                                      cflight_sql_rows *rows, cflight_error **reterr)
{
    (void)user_data;
    (void)call;
    (void)filter;
    return cflight_sql_rows_add_db_schema(rows, cflight_bytes_from_text("main"),
                                          cflight_bytes_from_text(""), reterr);
}

static cflight_status list_table_types(void *user_data, cflight_sql_call *call,
                                       cflight_sql_rows *rows, cflight_error **reterr)
{
    (void)user_data;
    (void)call;
    cflight_status status =
        cflight_sql_rows_add_table_type(rows, cflight_bytes_from_text("table"), reterr);
    return status != CFLIGHT_OK
               ? status
               : cflight_sql_rows_add_table_type(rows, cflight_bytes_from_text("view"), reterr);
}

static cflight_status add_table(cflight_sql_rows *rows, const char *name, const char *type,
                                const struct ArrowSchema *schema, cflight_error **reterr)
{
    struct cflight_sql_table_name full = {.catalog = cflight_bytes_from_text("main"),
                                          .db_schema = cflight_bytes_from_text(""),
                                          .table = cflight_bytes_from_text(name)};
    return cflight_sql_rows_add_table(rows, &full, cflight_bytes_from_text(type), schema, reterr);
}

static const char *text_at(sqlite3_stmt *compiled, int column)
{
    const unsigned char *text = sqlite3_column_text(compiled, column);
    return text == NULL ? "" : (const char *)text;
}

static void drop_columns(struct table *table)
{
    for (size_t i = 0; i < table->field_count; i++) {
        free((char *)table->fields[i].name);
    }
    free(table->name);
    free(table->type);
    table->name = NULL;
    table->type = NULL;
    table->field_count = 0;
}

static cflight_status end_table(struct table *table, cflight_sql_rows *rows, cflight_error **reterr)
{
    struct ArrowSchema schema;
    if (table->name == NULL) {
        return CFLIGHT_OK;
    }
    cflight_status status = cflight_schema_new(table->fields, table->field_count, &schema, reterr);
    if (status == CFLIGHT_OK) {
        status = add_table(rows, table->name, table->type, &schema, reterr);
        schema.release(&schema);
    }
    drop_columns(table);
    return status;
}

/* A row of COLUMNS. */
static cflight_status take_column(struct table *table, sqlite3_stmt *compiled,
                                  cflight_sql_rows *rows, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    if (table->name == NULL || strcmp(table->name, text_at(compiled, 0)) != 0) {
        status = end_table(table, rows, reterr);
        table->name = strdup(text_at(compiled, 0));
        table->type = strdup(text_at(compiled, 1));
    }
    char *name = strdup(text_at(compiled, 2));
    if (table->name == NULL || table->type == NULL || name == NULL ||
        table->field_count == COLUMNS_MAX) {
        free(name);
        return cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "no room for a column");
    }
    table->fields[table->field_count++] =
        (struct cflight_field){.name = name,
                               .format = engine_format(text_at(compiled, 3)),
                               .is_required = sqlite3_column_int(compiled, 4) != 0};
    return status;
}

static cflight_status list_tables(void *user_data, cflight_sql_call *call,
                                  const struct cflight_sql_tables *filter, cflight_sql_rows *rows,
                                  cflight_error **reterr)
{
    struct connection *connection = cflight_sql_call_session(call);
    struct table *table = calloc(1, sizeof *table);
    sqlite3_stmt *compiled = NULL;
    cflight_status status = CFLIGHT_OK;
    (void)user_data;
    if (table == NULL) {
        return cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "no memory for a table");
    }
    int code = sqlite3_prepare_v2(connection->database, filter->include_schema ? COLUMNS : TABLES,
                                  -1, &compiled, NULL);
    while (code == SQLITE_OK && status == CFLIGHT_OK && sqlite3_step(compiled) == SQLITE_ROW) {
        status = filter->include_schema
                     ? take_column(table, compiled, rows, reterr)
                     : add_table(rows, text_at(compiled, 0), text_at(compiled, 1), NULL, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = end_table(table, rows, reterr);
    }
    if (sqlite3_finalize(compiled) != SQLITE_OK && status == CFLIGHT_OK) {
        code = sqlite3_errcode(connection->database);
    }
    if (code != SQLITE_OK && status == CFLIGHT_OK) {
        status = engine_fail(connection, code, reterr);
    }
    drop_columns(table);
    free(table);
    return status;
}

void engine_set_tables(struct cflight_sql_handlers *handlers)
{
    handlers->list_catalogs = list_catalogs;
    handlers->list_db_schemas = list_db_schemas;
    handlers->list_tables = list_tables;
    handlers->list_table_types = list_table_types;
}
