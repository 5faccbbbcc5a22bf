/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of tables: their types by GetTableSchema, and what GetObjects knows besides.
 *
 * ADBC has no list of types. Those that columns have are what is known of them, so that is what is
 * listed. Thread class: one at a time, with the turn of the session. */
#include "adbc/gateway/column_facts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cflight/builder.h"
#include "cflight/schema.h"

static int64_t find_column(const struct gateway_table *table, const char *name)
{
    struct gateway_column names = gateway_column_member(table->columns, "column_name");
    for (int64_t row = table->column_range.begin; row < table->column_range.end; row++) {
        struct cflight_bytes text = gateway_cell_text(names, row);
        if (name != NULL && text.data != NULL && text.len_bytes == strlen(name) &&
            memcmp(text.data, name, text.len_bytes) == 0) {
            return row;
        }
    }
    return -1;
}

static bool fact_int32(const struct gateway_table *table, const char *name, int64_t row,
                       int32_t *ret_value)
{
    int64_t value = 0;
    if (!gateway_cell_int(gateway_column_member(table->columns, name), row, &value) ||
        value < INT32_MIN || value > INT32_MAX) {
        return false;
    }
    *ret_value = (int32_t)value;
    return true;
}

static cflight_status annotate(const struct gateway_table *table, struct ArrowSchema *field,
                               cflight_error **reterr)
{
    struct cflight_sql_column column;
    struct ArrowSchema annotated;
    int64_t row = find_column(table, field->name);
    int32_t is_auto_increment = 0;
    int32_t nullable = CFLIGHT_SQL_NULLABLE_UNKNOWN;
    memset(&column, 0, sizeof column);
    column.catalog_name = table->name.catalog;
    column.db_schema_name = table->name.db_schema;
    column.table_name = table->name.table;
    if (row >= 0) {
        column.type_name =
            gateway_cell_text(gateway_column_member(table->columns, "xdbc_type_name"), row);
        column.remarks = gateway_cell_text(gateway_column_member(table->columns, "remarks"), row);
        column.has_precision = fact_int32(table, "xdbc_column_size", row, &column.precision);
        column.has_scale = fact_int32(table, "xdbc_decimal_digits", row, &column.scale);
        if (fact_int32(table, "xdbc_is_autoincrement", row, &is_auto_increment)) {
            column.is_auto_increment =
                is_auto_increment != 0 ? CFLIGHT_SQL_FLAG_YES : CFLIGHT_SQL_FLAG_NO;
        }
        /* Flight SQL has one place for both, and GetTableSchema often leaves it open. */
        if (fact_int32(table, "xdbc_nullable", row, &nullable) &&
            nullable == CFLIGHT_SQL_NULLABLE_NO) {
            field->flags &= ~(int64_t)ARROW_FLAG_NULLABLE;
        }
    }
    cflight_status status = cflight_sql_column_write(field, &column, &annotated, reterr);
    if (status == CFLIGHT_OK) {
        field->release(field);
        *field = annotated;
    }
    return status;
}

static cflight_status ask(struct gateway_session *session, const struct gateway_table *table,
                          struct ArrowSchema *ret_schema, AdbcStatusCode *ret_code,
                          cflight_error **reterr)
{
    const struct gateway_driver *driver = &session->gateway->driver;
    struct AdbcError error = gateway_error_init(driver);
    char *catalog = NULL;
    char *db_schema = NULL;
    char *name = NULL;
    cflight_status status = CFLIGHT_OK;
    if (table->name.catalog.len_bytes > 0) {
        status = gateway_terminate(table->name.catalog, "a catalog", &catalog, reterr);
    }
    if (status == CFLIGHT_OK && table->name.db_schema.len_bytes > 0) {
        status = gateway_terminate(table->name.db_schema, "a schema", &db_schema, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = gateway_terminate(table->name.table, "a table", &name, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_code = driver->table.ConnectionGetTableSchema(&session->connection->adbc, catalog,
                                                           db_schema, name, ret_schema, &error);
        gateway_error_release(&error);
    }
    free(catalog);
    free(db_schema);
    free(name);
    return status;
}

cflight_status gateway_table_schema(struct gateway_session *session,
                                    const struct gateway_table *table,
                                    struct ArrowSchema *ret_schema, cflight_error **reterr)
{
    struct ArrowSchema given;
    AdbcStatusCode code = ADBC_STATUS_UNKNOWN;
    memset(&given, 0, sizeof given);
    cflight_status status = ask(session, table, &given, &code, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    bool is_given = code == ADBC_STATUS_OK && given.release != NULL &&
                    cflight_schema_copy(&given, ret_schema, NULL) == CFLIGHT_OK;
    if (given.release != NULL) {
        given.release(&given);
    }
    if (!is_given) {
        return cflight_schema_new(NULL, 0, ret_schema, reterr);
    }
    for (int64_t i = 0; i < ret_schema->n_children && status == CFLIGHT_OK; i++) {
        status = annotate(table, ret_schema->children[i], reterr);
    }
    if (status != CFLIGHT_OK) {
        ret_schema->release(ret_schema);
    }
    return status;
}

/* ---- types ---- */

/* Names that mean the same in every database, for drivers that give no number. */
static int32_t number_of(struct cflight_bytes name)
{
    static const struct {
        const char *name;
        int32_t number;
    } names[] = {
        {"INTEGER", CFLIGHT_SQL_XDBC_INTEGER}, {"INT", CFLIGHT_SQL_XDBC_INTEGER},
        {"BIGINT", CFLIGHT_SQL_XDBC_BIGINT},   {"SMALLINT", CFLIGHT_SQL_XDBC_SMALLINT},
        {"TINYINT", CFLIGHT_SQL_XDBC_TINYINT}, {"TEXT", CFLIGHT_SQL_XDBC_VARCHAR},
        {"VARCHAR", CFLIGHT_SQL_XDBC_VARCHAR}, {"CHAR", CFLIGHT_SQL_XDBC_CHAR},
        {"REAL", CFLIGHT_SQL_XDBC_REAL},       {"DOUBLE", CFLIGHT_SQL_XDBC_DOUBLE},
        {"FLOAT", CFLIGHT_SQL_XDBC_FLOAT},     {"NUMERIC", CFLIGHT_SQL_XDBC_NUMERIC},
        {"DECIMAL", CFLIGHT_SQL_XDBC_DECIMAL}, {"BLOB", CFLIGHT_SQL_XDBC_VARBINARY},
        {"BOOLEAN", CFLIGHT_SQL_XDBC_BIT},     {"DATE", CFLIGHT_SQL_XDBC_DATE},
        {"TIME", CFLIGHT_SQL_XDBC_TIME},       {"TIMESTAMP", CFLIGHT_SQL_XDBC_TIMESTAMP},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i].name) == name.len_bytes &&
            strncasecmp(names[i].name, (const char *)name.data, name.len_bytes) == 0) {
            return names[i].number;
        }
    }
    return CFLIGHT_SQL_XDBC_UNKNOWN;
}

cflight_status gateway_add_types(cflight_sql_rows *rows, const struct gateway_table *table,
                                 cflight_error **reterr)
{
    struct gateway_column names = gateway_column_member(table->columns, "xdbc_type_name");
    cflight_status status = CFLIGHT_OK;
    for (int64_t row = table->column_range.begin;
         row < table->column_range.end && status == CFLIGHT_OK; row++) {
        struct cflight_sql_type_row type;
        memset(&type, 0, sizeof type);
        type.type_name = gateway_cell_text(names, row);
        if (type.type_name.len_bytes == 0) {
            continue;
        }
        if (!fact_int32(table, "xdbc_data_type", row, &type.data_type) &&
            !fact_int32(table, "xdbc_sql_data_type", row, &type.data_type)) {
            type.data_type = number_of(type.type_name);
        }
        type.sql_data_type = type.data_type;
        type.nullable = CFLIGHT_SQL_NULLABLE_YES;
        type.is_case_sensitive = true;
        type.searchable = CFLIGHT_SQL_SEARCHABLE_FULL;
        status = cflight_sql_rows_add_type(rows, &type, reterr);
    }
    return status;
}
