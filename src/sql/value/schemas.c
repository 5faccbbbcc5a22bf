/* SPDX-License-Identifier: Apache-2.0 */
/* The schemas of results, exact to the last nullability: some drivers compare them as a whole.
 *
 * In primary keys `key_sequence` comes before `key_name`, and the items of lists differ in whether
 * they may be null: so all implementations have it. Thread class: free. (Flight SQL:
 * FlightSql.proto) */
#include "cflight/sql.h"

#include "base/error.h"
#include "cflight/builder.h"

#define COLUMN(name_, format_)               \
    {                                        \
        .name = (name_), .format = (format_) \
    }
#define REQUIRED(name_, format_)                                  \
    {                                                             \
        .name = (name_), .format = (format_), .is_required = true \
    }
#define NESTED(name_, format_, is_required_, children_)                                    \
    {                                                                                      \
        .name = (name_), .format = (format_), .is_required = (is_required_),               \
        .children = (children_), .child_count = sizeof(children_) / sizeof((children_)[0]) \
    }

static const struct cflight_field TEXT_ITEM[] = {COLUMN("item", "u")};
static const struct cflight_field REQUIRED_TEXT_ITEM[] = {REQUIRED("item", "u")};
static const struct cflight_field NUMBER_ITEM[] = {COLUMN("item", "i")};

static const struct cflight_field CATALOGS[] = {REQUIRED("catalog_name", "u")};

static const struct cflight_field DB_SCHEMAS[] = {
    COLUMN("catalog_name", "u"),
    REQUIRED("db_schema_name", "u"),
};

static const struct cflight_field TABLES[] = {
    COLUMN("catalog_name", "u"), COLUMN("db_schema_name", "u"), REQUIRED("table_name", "u"),
    REQUIRED("table_type", "u"), REQUIRED("table_schema", "z"),
};

static const struct cflight_field TABLE_TYPES[] = {REQUIRED("table_type", "u")};

static const struct cflight_field PRIMARY_KEYS[] = {
    COLUMN("catalog_name", "u"),  COLUMN("db_schema_name", "u"), REQUIRED("table_name", "u"),
    REQUIRED("column_name", "u"), REQUIRED("key_sequence", "i"), COLUMN("key_name", "u"),
};

static const struct cflight_field FOREIGN_KEYS[] = {
    COLUMN("pk_catalog_name", "u"), COLUMN("pk_db_schema_name", "u"),
    REQUIRED("pk_table_name", "u"), REQUIRED("pk_column_name", "u"),
    COLUMN("fk_catalog_name", "u"), COLUMN("fk_db_schema_name", "u"),
    REQUIRED("fk_table_name", "u"), REQUIRED("fk_column_name", "u"),
    REQUIRED("key_sequence", "i"),  COLUMN("fk_key_name", "u"),
    COLUMN("pk_key_name", "u"),     REQUIRED("update_rule", "C"),
    REQUIRED("delete_rule", "C"),
};

static const struct cflight_field MAP_ENTRY[] = {
    REQUIRED("key", "i"),
    NESTED("value", "+l", false, NUMBER_ITEM),
};
static const struct cflight_field MAP_ENTRIES[] = {NESTED("entries", "+s", true, MAP_ENTRY)};
static const struct cflight_field INFO_VALUES[] = {
    REQUIRED("string_value", "u"),
    REQUIRED("bool_value", "b"),
    REQUIRED("bigint_value", "l"),
    REQUIRED("int32_bitmask", "i"),
    NESTED("string_list", "+l", true, TEXT_ITEM),
    NESTED("int32_to_int32_list_map", "+m", true, MAP_ENTRIES),
};
static const struct cflight_field SQL_INFO[] = {
    REQUIRED("info_name", "I"),
    NESTED("value", "+ud:0,1,2,3,4,5", true, INFO_VALUES),
};

static const struct cflight_field TYPE_INFO[] = {
    REQUIRED("type_name", "u"),        REQUIRED("data_type", "i"),
    COLUMN("column_size", "i"),        COLUMN("literal_prefix", "u"),
    COLUMN("literal_suffix", "u"),     NESTED("create_params", "+l", false, REQUIRED_TEXT_ITEM),
    REQUIRED("nullable", "i"),         REQUIRED("case_sensitive", "b"),
    REQUIRED("searchable", "i"),       COLUMN("unsigned_attribute", "b"),
    REQUIRED("fixed_prec_scale", "b"), COLUMN("auto_increment", "b"),
    COLUMN("local_type_name", "u"),    COLUMN("minimum_scale", "i"),
    COLUMN("maximum_scale", "i"),      REQUIRED("sql_data_type", "i"),
    COLUMN("datetime_subcode", "i"),   COLUMN("num_prec_radix", "i"),
    COLUMN("interval_precision", "i"),
};

#define FIELDS(fields_)                                   \
    {                                                     \
        (fields_), sizeof(fields_) / sizeof((fields_)[0]) \
    }
static const struct {
    const struct cflight_field *fields;
    size_t count;
} SCHEMAS[] = {
    [CFLIGHT_SQL_GET_CATALOGS] = FIELDS(CATALOGS),
    [CFLIGHT_SQL_GET_DB_SCHEMAS] = FIELDS(DB_SCHEMAS),
    [CFLIGHT_SQL_GET_TABLES] = FIELDS(TABLES),
    [CFLIGHT_SQL_GET_TABLE_TYPES] = FIELDS(TABLE_TYPES),
    [CFLIGHT_SQL_GET_PRIMARY_KEYS] = FIELDS(PRIMARY_KEYS),
    [CFLIGHT_SQL_GET_EXPORTED_KEYS] = FIELDS(FOREIGN_KEYS),
    [CFLIGHT_SQL_GET_IMPORTED_KEYS] = FIELDS(FOREIGN_KEYS),
    [CFLIGHT_SQL_GET_CROSS_REFERENCE] = FIELDS(FOREIGN_KEYS),
    [CFLIGHT_SQL_GET_SQL_INFO] = FIELDS(SQL_INFO),
    [CFLIGHT_SQL_GET_XDBC_TYPE_INFO] = FIELDS(TYPE_INFO),
};

cflight_status cflight_sql_result_schema(const struct cflight_sql_message *command,
                                         struct ArrowSchema *ret_schema, cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(command), CFL_ARG(ret_schema));
    if (status != CFLIGHT_OK) {
        return status;
    }
    size_t type = (size_t)command->type;
    if (type >= sizeof SCHEMAS / sizeof SCHEMAS[0] || SCHEMAS[type].fields == NULL) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "message type %d is no command of metadata", (int)command->type);
    }
    bool is_short = command->type == CFLIGHT_SQL_GET_TABLES && !command->tables.include_schema;
    return cflight_schema_new(SCHEMAS[type].fields, SCHEMAS[type].count - (is_short ? 1 : 0),
                              ret_schema, reterr);
}
