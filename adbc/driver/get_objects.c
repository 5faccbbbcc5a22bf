/* SPDX-License-Identifier: Apache-2.0 */
/* GetObjects: catalogs, their schemas, the tables of these, their columns and keys, as one nested
 * row for each catalog.
 *
 * Flight SQL lists each kind by itself. The listings are kept and sorted, and walked once side by
 * side. A catalog or schema that only a table is in is added: servers without catalogs list none.
 * Below the depth that is asked for lists are null. ADBC filters catalogs by a pattern, Flight SQL
 * by a name, so patterns are matched here. Thread class: one at a time. */
#include "adbc/driver/constraints.h"
#include "adbc/driver/listing.h"
#include "adbc/driver/metadata.h"
#include "adbc/driver/objects_schema.h"
#include "adbc/driver/result.h"
#include "adbc/driver/table_columns.h"

enum { TABLE_TYPES_MAX = 1024 };

/* What is asked for, and what the server has. */
struct objects {
    struct adbc_connection *connection;
    struct adbc_call *call;
    int depth;
    const char *catalog;
    const char *db_schema;
    const char *table;
    const char *column;
    struct cflight_bytes types[TABLE_TYPES_MAX];
    size_t type_count;
    struct adbc_listing catalogs;
    struct adbc_listing schemas;
    struct adbc_listing tables;
    struct adbc_constraints constraints;
    size_t next_schema; /* while walking */
    size_t next_table;
};

static bool wants(const struct objects *objects, int depth)
{
    return objects->depth == ADBC_OBJECT_DEPTH_ALL || objects->depth >= depth;
}

/* ---- listings ---- */

static bool catalog_matches(const struct objects *objects, struct cflight_bytes catalog)
{
    if (catalog.data == NULL) {
        catalog = cflight_bytes_from_text("");
    }
    return objects->catalog == NULL ||
           cflight_sql_pattern_matches(cflight_bytes_from_text(objects->catalog), catalog, false);
}

/* Keeps the rows of a batch whose catalog matches; the columns are the first `part_count`. */
static AdbcStatusCode keep(struct objects *objects, struct adbc_listing *listing, size_t part_count,
                           const struct ArrowSchema *schema, const struct ArrowArray *batch,
                           struct AdbcError *error)
{
    static const char *const NAMES[ADBC_PARTS] = {"catalog_name", "db_schema_name", "table_name",
                                                  "table_type", "table_schema"};
    static const char *const FORMATS[ADBC_PARTS] = {"uU", "uU", "uU", "uU", "zZ"};
    struct adbc_column columns[ADBC_PARTS];
    AdbcStatusCode code = ADBC_STATUS_OK;
    for (size_t i = 0; code == ADBC_STATUS_OK && i < part_count; i++) {
        code = adbc_column_find(schema, batch, NAMES[i], FORMATS[i], &columns[i], error);
    }
    for (int64_t row = 0; code == ADBC_STATUS_OK && row < batch->length; row++) {
        struct cflight_bytes parts[ADBC_PARTS];
        for (size_t i = 0; i < part_count; i++) {
            parts[i] = adbc_column_text(&columns[i], row);
        }
        if (parts[ADBC_CATALOG].data == NULL) {
            parts[ADBC_CATALOG] = cflight_bytes_from_text("");
        }
        if (catalog_matches(objects, parts[ADBC_CATALOG])) {
            code = adbc_listing_add(listing, parts, part_count, error);
        }
    }
    return code;
}

static AdbcStatusCode keep_catalogs(void *user_data, const struct ArrowSchema *schema,
                                    const struct ArrowArray *batch, struct AdbcError *error)
{
    struct objects *objects = user_data;
    return keep(objects, &objects->catalogs, ADBC_CATALOG + 1, schema, batch, error);
}

static AdbcStatusCode keep_schemas(void *user_data, const struct ArrowSchema *schema,
                                   const struct ArrowArray *batch, struct AdbcError *error)
{
    struct objects *objects = user_data;
    return keep(objects, &objects->schemas, ADBC_DB_SCHEMA + 1, schema, batch, error);
}

static AdbcStatusCode keep_tables(void *user_data, const struct ArrowSchema *schema,
                                  const struct ArrowArray *batch, struct AdbcError *error)
{
    struct objects *objects = user_data;
    bool has_schemas = objects->depth == ADBC_OBJECT_DEPTH_ALL;
    return keep(objects, &objects->tables, (has_schemas ? ADBC_SCHEMA : ADBC_TYPE) + 1, schema,
                batch, error);
}

static AdbcStatusCode list(struct objects *objects, const struct cflight_sql_message *command,
                           adbc_batch_fn take, struct AdbcError *error)
{
    struct ArrowArrayStream stream;
    cflight_error *cause = NULL;
    if (cflight_sql_get_rows(objects->connection->link.client, command, &objects->call->query,
                             &stream, &cause) != CFLIGHT_OK) {
        return adbc_fail_by(error, cause);
    }
    return adbc_rows_each(&stream, take, objects, error);
}

/* Adds what the first `part_count` parts of the rows of one listing name to another. */
static AdbcStatusCode add_parents(const struct adbc_listing *rows, struct adbc_listing *parents,
                                  size_t part_count, struct AdbcError *error)
{
    AdbcStatusCode code = ADBC_STATUS_OK;
    for (size_t i = 0; code == ADBC_STATUS_OK && i < rows->count; i++) {
        if (i == 0 || adbc_list_row_compare(&rows->rows[i - 1], &rows->rows[i], part_count) != 0) {
            code = adbc_listing_add(parents, rows->rows[i].parts, part_count, error);
        }
    }
    adbc_listing_sort(parents);
    return code;
}

static AdbcStatusCode list_all(struct objects *objects, struct AdbcError *error)
{
    struct cflight_sql_message catalogs = {.type = CFLIGHT_SQL_GET_CATALOGS};
    struct cflight_sql_message schemas = {.type = CFLIGHT_SQL_GET_DB_SCHEMAS};
    struct cflight_sql_message tables = {.type = CFLIGHT_SQL_GET_TABLES};
    bool is_exact = objects->catalog != NULL && strpbrk(objects->catalog, "%_\\") == NULL;
    schemas.db_schemas.catalog = cflight_bytes_from_text(is_exact ? objects->catalog : NULL);
    schemas.db_schemas.schema_pattern = cflight_bytes_from_text(objects->db_schema);
    tables.tables.catalog = schemas.db_schemas.catalog;
    tables.tables.schema_pattern = schemas.db_schemas.schema_pattern;
    tables.tables.table_pattern = cflight_bytes_from_text(objects->table);
    tables.tables.table_types = objects->types;
    tables.tables.table_type_count = objects->type_count;
    tables.tables.include_schema = objects->depth == ADBC_OBJECT_DEPTH_ALL;
    AdbcStatusCode code = list(objects, &catalogs, keep_catalogs, error);
    if (code == ADBC_STATUS_OK && wants(objects, ADBC_OBJECT_DEPTH_DB_SCHEMAS)) {
        code = list(objects, &schemas, keep_schemas, error);
    }
    if (code == ADBC_STATUS_OK && wants(objects, ADBC_OBJECT_DEPTH_TABLES)) {
        code = list(objects, &tables, keep_tables, error);
    }
    adbc_listing_sort(&objects->tables);
    if (code == ADBC_STATUS_OK) {
        code = add_parents(&objects->tables, &objects->schemas, ADBC_DB_SCHEMA + 1, error);
    }
    if (code == ADBC_STATUS_OK) {
        code = add_parents(&objects->schemas, &objects->catalogs, ADBC_CATALOG + 1, error);
    }
    return code;
}

/* ---- the nested rows ---- */

static AdbcStatusCode append_table(struct objects *objects, const struct adbc_list_row *row,
                                   cflight_column *table, struct AdbcError *error)
{
    const struct cflight_sql_table_name name = {.catalog = row->parts[ADBC_CATALOG],
                                                .db_schema = row->parts[ADBC_DB_SCHEMA],
                                                .table = row->parts[ADBC_TABLE]};
    cflight_column *columns = cflight_column_child(table, 2);
    cflight_column *constraints = cflight_column_child(table, 3);
    AdbcStatusCode code = ADBC_STATUS_OK;
    cflight_append_bytes(cflight_column_child(table, 0), name.table);
    cflight_append_bytes(cflight_column_child(table, 1), row->parts[ADBC_TYPE]);
    if (objects->depth != ADBC_OBJECT_DEPTH_ALL) {
        cflight_append_null(columns);
        cflight_append_null(constraints);
    } else {
        code = adbc_table_columns_append(row->parts[ADBC_SCHEMA], objects->column, columns, error);
        if (code == ADBC_STATUS_OK && objects->connection->constraints_are_on) {
            code = adbc_constraints_append(&objects->constraints, &name, constraints, error);
        } else {
            cflight_append_nested(constraints);
        }
    }
    cflight_append_nested(table);
    return code;
}

/* Appends the schemas of a catalog: the next ones of the walk that are in it. */
static AdbcStatusCode append_schemas(struct objects *objects, const struct adbc_list_row *catalog,
                                     cflight_column *schema, struct AdbcError *error)
{
    const struct adbc_listing *schemas = &objects->schemas;
    const struct adbc_listing *tables = &objects->tables;
    cflight_column *list_of_tables = cflight_column_child(schema, 1);
    AdbcStatusCode code = ADBC_STATUS_OK;
    while (code == ADBC_STATUS_OK && objects->next_schema < schemas->count &&
           adbc_list_row_compare(&schemas->rows[objects->next_schema], catalog, ADBC_CATALOG + 1) ==
               0) {
        const struct adbc_list_row *row = &schemas->rows[objects->next_schema++];
        adbc_append_text(cflight_column_child(schema, 0), row->parts[ADBC_DB_SCHEMA]);
        while (code == ADBC_STATUS_OK && objects->next_table < tables->count &&
               adbc_list_row_compare(&tables->rows[objects->next_table], row, ADBC_DB_SCHEMA + 1) ==
                   0) {
            code = append_table(objects, &tables->rows[objects->next_table++],
                                cflight_column_child(list_of_tables, 0), error);
        }
        if (wants(objects, ADBC_OBJECT_DEPTH_TABLES)) {
            cflight_append_nested(list_of_tables);
        } else {
            cflight_append_null(list_of_tables);
        }
        cflight_append_nested(schema);
    }
    return code;
}

static AdbcStatusCode append_catalogs(struct objects *objects, cflight_builder *builder,
                                      struct AdbcError *error)
{
    cflight_column *name = cflight_builder_column(builder, 0);
    cflight_column *schemas = cflight_builder_column(builder, 1);
    AdbcStatusCode code = ADBC_STATUS_OK;
    for (size_t i = 0; code == ADBC_STATUS_OK && i < objects->catalogs.count; i++) {
        const struct adbc_list_row *row = &objects->catalogs.rows[i];
        adbc_append_text(name, row->parts[ADBC_CATALOG]);
        code = append_schemas(objects, row, cflight_column_child(schemas, 0), error);
        if (wants(objects, ADBC_OBJECT_DEPTH_DB_SCHEMAS)) {
            cflight_append_nested(schemas);
        } else {
            cflight_append_null(schemas);
        }
        cflight_builder_end_row(builder);
    }
    return code;
}

static AdbcStatusCode make(struct objects *objects, struct ArrowArrayStream *ret_stream,
                           struct AdbcError *error)
{
    struct ArrowSchema schema = {.release = NULL};
    cflight_builder *builder = NULL;
    cflight_error *cause = NULL;
    cflight_status status = adbc_objects_schema(&schema, &cause);
    if (status == CFLIGHT_OK) {
        status = cflight_builder_new(&schema, NULL, &builder, &cause);
    }
    AdbcStatusCode code = adbc_outcome(status, cause, error);
    if (code == ADBC_STATUS_OK) {
        code = append_catalogs(objects, builder, error);
    }
    if (code == ADBC_STATUS_OK) {
        code = adbc_result_keep(objects->call, builder, &schema, ret_stream, error);
    }
    if (schema.release != NULL) {
        schema.release(&schema);
    }
    cflight_builder_free(builder);
    return code;
}

/* ---- the function ---- */

static AdbcStatusCode check(struct objects *objects, const char **table_type,
                            struct AdbcError *error)
{
    if (objects->depth < ADBC_OBJECT_DEPTH_ALL || objects->depth > ADBC_OBJECT_DEPTH_TABLES) {
        return adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT, "%d is no depth of objects: 0 to 3",
                         objects->depth);
    }
    for (size_t i = 0; table_type != NULL && table_type[i] != NULL; i++) {
        if (i == TABLE_TYPES_MAX) {
            return adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT,
                             "more than %d types of tables are asked for", TABLE_TYPES_MAX);
        }
        objects->types[objects->type_count++] = cflight_bytes_from_text(table_type[i]);
    }
    return ADBC_STATUS_OK;
}

AdbcStatusCode adbc_connection_get_objects(struct AdbcConnection *connection, int depth,
                                           const char *catalog, const char *db_schema,
                                           const char *table_name, const char **table_type,
                                           const char *column_name,
                                           struct ArrowArrayStream *ret_stream,
                                           struct AdbcError *error)
{
    struct objects objects = {.depth = depth,
                              .catalog = catalog,
                              .db_schema = db_schema,
                              .table = table_name,
                              .column = column_name};
    objects.connection = adbc_connection_of(connection, error);
    if (objects.connection == NULL) {
        return ADBC_STATUS_INVALID_STATE;
    }
    AdbcStatusCode code = check(&objects, table_type, error);
    if (code == ADBC_STATUS_OK) {
        code = adbc_connection_begin(objects.connection, &objects.call, error);
    }
    objects.constraints.connection = objects.connection;
    objects.constraints.call = objects.call;
    if (code == ADBC_STATUS_OK) {
        code = list_all(&objects, error);
    }
    if (code == ADBC_STATUS_OK) {
        objects.constraints.table_count = objects.tables.count;
        code = make(&objects, ret_stream, error);
    }
    adbc_constraints_done(&objects.constraints);
    adbc_listing_done(&objects.catalogs);
    adbc_listing_done(&objects.schemas);
    adbc_listing_done(&objects.tables);
    if (code != ADBC_STATUS_OK) {
        adbc_call_end(objects.call);
    }
    return code;
}
