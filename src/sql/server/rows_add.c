/* SPDX-License-Identifier: Apache-2.0 */
/* What applications call to give the rows of listings, and the filters of the commands, which are
 * applied here whatever the application did with them. Thread class: one at a time. */
#include <string.h>

#include "base/ascii.h"
#include "cflight/ipc.h"
#include "sql/server/rows.h"

static struct cfl_sql_cell text(struct cflight_bytes bytes)
{
    struct cfl_sql_cell cell = {.has_value = true, .bytes = bytes};
    return cell;
}

/* Absent is NULL. */
static struct cfl_sql_cell optional_text(struct cflight_bytes bytes)
{
    struct cfl_sql_cell cell = {.has_value = bytes.data != NULL, .bytes = bytes};
    return cell;
}

static struct cfl_sql_cell number(int64_t value)
{
    struct cfl_sql_cell cell = {.has_value = true, .number = value};
    return cell;
}

static struct cfl_sql_cell optional_number(bool has_value, int64_t value)
{
    struct cfl_sql_cell cell = {.has_value = has_value, .number = has_value ? value : 0};
    return cell;
}

static struct cfl_sql_cell flag(enum cflight_sql_flag value)
{
    return optional_number(value != CFLIGHT_SQL_FLAG_NONE, value == CFLIGHT_SQL_FLAG_YES);
}

static cflight_status check_listing(const cflight_sql_rows *rows, enum cflight_sql_type type,
                                    const char *what, cflight_error **reterr)
{
    return rows->command->type == type
               ? CFLIGHT_OK
               : cflight_error_set(reterr, CFLIGHT_FAILED_PRECONDITION,
                                   "A row of %s was given to %s", what,
                                   cflight_sql_type_name(rows->command->type));
}

/* ---- filters ---- */

static bool equal_names(const cflight_sql_rows *rows, struct cflight_bytes a,
                        struct cflight_bytes b)
{
    return rows->server->ignores_case ? cfl_ascii_compare(a, b) == 0 : cflight_bytes_equal(a, b);
}

/* An exact filter: absent is any, empty those without a name. */
static bool passes(const cflight_sql_rows *rows, struct cflight_bytes filter,
                   struct cflight_bytes name)
{
    return filter.data == NULL || equal_names(rows, filter, name);
}

static bool matches(const cflight_sql_rows *rows, struct cflight_bytes pattern,
                    struct cflight_bytes name)
{
    return pattern.data == NULL ||
           cflight_sql_pattern_matches(pattern, name, rows->server->ignores_case);
}

/* Names that a pattern with '_' says letter by letter come first: some clients mean just those. */
static uint32_t rank(struct cflight_bytes pattern, struct cflight_bytes name)
{
    bool is_ambiguous =
        pattern.len_bytes > 0 && memchr(pattern.data, '_', pattern.len_bytes) != NULL;
    return is_ambiguous && !cflight_bytes_equal(pattern, name) ? 1 : 0;
}

/* An empty name is that of all tables, where the application takes it so. */
static bool passes_table(const cflight_sql_rows *rows, const struct cflight_sql_table_name *filter,
                         const struct cflight_sql_table_name *name)
{
    return passes(rows, filter->catalog, name->catalog) &&
           passes(rows, filter->db_schema, name->db_schema) &&
           (filter->table.len_bytes == 0 || equal_names(rows, filter->table, name->table));
}

static bool passes_type(const struct cflight_sql_tables *filter, struct cflight_bytes type)
{
    bool is_wanted = filter->table_type_count == 0;
    for (size_t i = 0; !is_wanted && i < filter->table_type_count; i++) {
        is_wanted = cfl_ascii_compare(filter->table_types[i], type) == 0;
    }
    return is_wanted;
}

/* ---- catalogs, schemas, tables ---- */

cflight_status cflight_sql_rows_add_catalog(cflight_sql_rows *rows, struct cflight_bytes catalog,
                                            cflight_error **reterr)
{
    cflight_status status = check_listing(rows, CFLIGHT_SQL_GET_CATALOGS, "catalogs", reterr);
    struct cfl_sql_cell cells[] = {text(catalog)};
    return status != CFLIGHT_OK ? status : cfl_sql_rows_add(rows, cells, 0, reterr);
}

cflight_status cflight_sql_rows_add_db_schema(cflight_sql_rows *rows, struct cflight_bytes catalog,
                                              struct cflight_bytes db_schema,
                                              cflight_error **reterr)
{
    const struct cflight_sql_db_schemas *filter = &rows->command->db_schemas;
    cflight_status status = check_listing(rows, CFLIGHT_SQL_GET_DB_SCHEMAS, "schemas", reterr);
    if (status != CFLIGHT_OK || !passes(rows, filter->catalog, catalog) ||
        !matches(rows, filter->schema_pattern, db_schema)) {
        return status;
    }
    struct cfl_sql_cell cells[] = {optional_text(catalog), text(db_schema)};
    return cfl_sql_rows_add(rows, cells, rank(filter->schema_pattern, db_schema), reterr);
}

static cflight_status add_with_schema(cflight_sql_rows *rows, struct cfl_sql_cell *cells,
                                      uint32_t row_rank, const struct ArrowSchema *schema,
                                      cflight_error **reterr)
{
    cflight_buffer *buffer = NULL;
    if (schema == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "The listing is to have the schemas of the tables, and "
                                         "one has none");
    }
    cflight_status status = cflight_ipc_schema_serialize(schema, &buffer, reterr);
    if (status == CFLIGHT_OK) {
        cells[4] = text(cflight_buffer_bytes(buffer));
        status = cfl_sql_rows_add(rows, cells, row_rank, reterr);
    }
    cflight_buffer_unref(buffer);
    return status;
}

cflight_status cflight_sql_rows_add_table(cflight_sql_rows *rows,
                                          const struct cflight_sql_table_name *name,
                                          struct cflight_bytes type,
                                          const struct ArrowSchema *schema, cflight_error **reterr)
{
    const struct cflight_sql_tables *filter = &rows->command->tables;
    cflight_status status = check_listing(rows, CFLIGHT_SQL_GET_TABLES, "tables", reterr);
    if (status != CFLIGHT_OK || !passes(rows, filter->catalog, name->catalog) ||
        !matches(rows, filter->schema_pattern, name->db_schema) ||
        !matches(rows, filter->table_pattern, name->table) || !passes_type(filter, type)) {
        return status;
    }
    struct cfl_sql_cell cells[5] = {optional_text(name->catalog), optional_text(name->db_schema),
                                    text(name->table), text(type)};
    uint32_t row_rank =
        rank(filter->schema_pattern, name->db_schema) + rank(filter->table_pattern, name->table);
    return filter->include_schema ? add_with_schema(rows, cells, row_rank, schema, reterr)
                                  : cfl_sql_rows_add(rows, cells, row_rank, reterr);
}

cflight_status cflight_sql_rows_add_table_type(cflight_sql_rows *rows, struct cflight_bytes type,
                                               cflight_error **reterr)
{
    cflight_status status =
        check_listing(rows, CFLIGHT_SQL_GET_TABLE_TYPES, "types of tables", reterr);
    struct cfl_sql_cell cells[] = {text(type)};
    return status != CFLIGHT_OK ? status : cfl_sql_rows_add(rows, cells, 0, reterr);
}

/* ---- keys ---- */

cflight_status cflight_sql_rows_add_primary_key(cflight_sql_rows *rows,
                                                const struct cflight_sql_table_name *table,
                                                struct cflight_bytes column, int32_t sequence,
                                                struct cflight_bytes key_name,
                                                cflight_error **reterr)
{
    cflight_status status =
        check_listing(rows, CFLIGHT_SQL_GET_PRIMARY_KEYS, "primary keys", reterr);
    if (status != CFLIGHT_OK || !passes_table(rows, &rows->command->table, table)) {
        return status;
    }
    struct cfl_sql_cell cells[] = {optional_text(table->catalog),
                                   optional_text(table->db_schema),
                                   text(table->table),
                                   text(column),
                                   number(sequence),
                                   optional_text(key_name)};
    return cfl_sql_rows_add(rows, cells, 0, reterr);
}

static bool passes_keys(const cflight_sql_rows *rows, const struct cflight_sql_foreign_key *key)
{
    const struct cflight_sql_message *command = rows->command;
    if (command->type == CFLIGHT_SQL_GET_EXPORTED_KEYS) {
        return passes_table(rows, &command->table, &key->pk_table);
    }
    if (command->type == CFLIGHT_SQL_GET_IMPORTED_KEYS) {
        return passes_table(rows, &command->table, &key->fk_table);
    }
    return passes_table(rows, &command->cross_reference.pk, &key->pk_table) &&
           passes_table(rows, &command->cross_reference.fk, &key->fk_table);
}

cflight_status cflight_sql_rows_add_foreign_key(cflight_sql_rows *rows,
                                                const struct cflight_sql_foreign_key *key,
                                                cflight_error **reterr)
{
    enum cflight_sql_type type = rows->command->type;
    bool is_other =
        type != CFLIGHT_SQL_GET_EXPORTED_KEYS && type != CFLIGHT_SQL_GET_CROSS_REFERENCE;
    cflight_status status =
        is_other ? check_listing(rows, CFLIGHT_SQL_GET_IMPORTED_KEYS, "foreign keys", reterr)
                 : CFLIGHT_OK;
    if (status != CFLIGHT_OK || !passes_keys(rows, key)) {
        return status;
    }
    struct cfl_sql_cell cells[] = {
        optional_text(key->pk_table.catalog),
        optional_text(key->pk_table.db_schema),
        text(key->pk_table.table),
        text(key->pk_column),
        optional_text(key->fk_table.catalog),
        optional_text(key->fk_table.db_schema),
        text(key->fk_table.table),
        text(key->fk_column),
        number(key->sequence),
        optional_text(key->fk_name),
        optional_text(key->pk_name),
        number(key->update_rule),
        number(key->delete_rule),
    };
    return cfl_sql_rows_add(rows, cells, 0, reterr);
}

/* ---- types ---- */

cflight_status cflight_sql_rows_add_type(cflight_sql_rows *rows,
                                         const struct cflight_sql_type_row *type,
                                         cflight_error **reterr)
{
    const struct cflight_sql_type_filter *filter = &rows->command->type_info;
    cflight_status status = check_listing(rows, CFLIGHT_SQL_GET_XDBC_TYPE_INFO, "types", reterr);
    if (status != CFLIGHT_OK || (filter->has_data_type && filter->data_type != type->data_type)) {
        return status;
    }
    struct cfl_sql_cell params = {.has_value = type->create_params != NULL,
                                  .items = type->create_params,
                                  .item_count = type->create_param_count};
    struct cfl_sql_cell cells[CFL_SQL_COLUMNS_MAX] = {
        text(type->type_name),
        number(type->data_type),
        optional_number(type->has_column_size, type->column_size),
        optional_text(type->literal_prefix),
        optional_text(type->literal_suffix),
        params,
        number(type->nullable),
        number(type->is_case_sensitive),
        number(type->searchable),
        flag(type->is_unsigned),
        number(type->has_fixed_precision_scale),
        flag(type->is_auto_increment),
        optional_text(type->local_type_name),
        optional_number(type->has_scales, type->minimum_scale),
        optional_number(type->has_scales, type->maximum_scale),
        number(type->sql_data_type),
        optional_number(type->has_datetime_subcode, type->datetime_subcode),
        optional_number(type->has_num_prec_radix, type->num_prec_radix),
        optional_number(type->has_interval_precision, type->interval_precision),
    };
    return cfl_sql_rows_add(rows, cells, 0, reterr);
}
