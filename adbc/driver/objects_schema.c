/* SPDX-License-Identifier: Apache-2.0 */
/* The schema of the answer to GetObjects, as ADBC fixes it. Thread class: free. */
#include "adbc/driver/objects_schema.h"

#include "cflight/builder.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
/* The item of a list of structs with these members. */
#define ITEM_OF(members)                                                                     \
    {                                                                                        \
        .name = "item", .format = "+s", .children = (members), .child_count = COUNT(members) \
    }

static const struct cflight_field USAGE_MEMBERS[] = {
    {.name = "fk_catalog", .format = "u"},
    {.name = "fk_db_schema", .format = "u"},
    {.name = "fk_table", .format = "u", .is_required = true},
    {.name = "fk_column_name", .format = "u", .is_required = true},
};
static const struct cflight_field USAGE = ITEM_OF(USAGE_MEMBERS);
static const struct cflight_field NAME = {.name = "item", .format = "u"};

static const struct cflight_field CONSTRAINT_MEMBERS[] = {
    {.name = "constraint_name", .format = "u"},
    {.name = "constraint_type", .format = "u", .is_required = true},
    {.name = "constraint_column_names",
     .format = "+l",
     .is_required = true,
     .children = &NAME,
     .child_count = 1},
    {.name = "constraint_column_usage", .format = "+l", .children = &USAGE, .child_count = 1},
};
static const struct cflight_field CONSTRAINT = ITEM_OF(CONSTRAINT_MEMBERS);

static const struct cflight_field COLUMN_MEMBERS[] = {
    {.name = "column_name", .format = "u", .is_required = true},
    {.name = "ordinal_position", .format = "i"},
    {.name = "remarks", .format = "u"},
    {.name = "xdbc_data_type", .format = "s"},
    {.name = "xdbc_type_name", .format = "u"},
    {.name = "xdbc_column_size", .format = "i"},
    {.name = "xdbc_decimal_digits", .format = "s"},
    {.name = "xdbc_num_prec_radix", .format = "s"},
    {.name = "xdbc_nullable", .format = "s"},
    {.name = "xdbc_column_def", .format = "u"},
    {.name = "xdbc_sql_data_type", .format = "s"},
    {.name = "xdbc_datetime_sub", .format = "s"},
    {.name = "xdbc_char_octet_length", .format = "i"},
    {.name = "xdbc_is_nullable", .format = "u"},
    {.name = "xdbc_scope_catalog", .format = "u"},
    {.name = "xdbc_scope_schema", .format = "u"},
    {.name = "xdbc_scope_table", .format = "u"},
    {.name = "xdbc_is_autoincrement", .format = "b"},
    {.name = "xdbc_is_generatedcolumn", .format = "b"},
};
static const struct cflight_field COLUMN = ITEM_OF(COLUMN_MEMBERS);

static const struct cflight_field TABLE_MEMBERS[] = {
    {.name = "table_name", .format = "u", .is_required = true},
    {.name = "table_type", .format = "u", .is_required = true},
    {.name = "table_columns", .format = "+l", .children = &COLUMN, .child_count = 1},
    {.name = "table_constraints", .format = "+l", .children = &CONSTRAINT, .child_count = 1},
};
static const struct cflight_field TABLE = ITEM_OF(TABLE_MEMBERS);

static const struct cflight_field SCHEMA_MEMBERS[] = {
    {.name = "db_schema_name", .format = "u"},
    {.name = "db_schema_tables", .format = "+l", .children = &TABLE, .child_count = 1},
};
static const struct cflight_field SCHEMA = ITEM_OF(SCHEMA_MEMBERS);

static const struct cflight_field CATALOG_MEMBERS[] = {
    {.name = "catalog_name", .format = "u"},
    {.name = "catalog_db_schemas", .format = "+l", .children = &SCHEMA, .child_count = 1},
};

cflight_status adbc_objects_schema(struct ArrowSchema *ret_schema, cflight_error **reterr)
{
    return cflight_schema_new(CATALOG_MEMBERS, COUNT(CATALOG_MEMBERS), ret_schema, reterr);
}
