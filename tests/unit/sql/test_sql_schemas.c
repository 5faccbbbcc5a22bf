/* SPDX-License-Identifier: Apache-2.0 */
/* The schemas of results, and what is said of columns. */
#include <stdio.h>

#include "cflight/builder.h"
#include "cflight/ipc.h"
#include "sql_support.h"

/* Writes "name format" of each field, with '!' for those that are never null. */
static void write_fields(const struct ArrowSchema *schema, char *target, size_t target_bytes)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        const struct ArrowSchema *field = schema->children[i];
        size_t used_bytes = strlen(target);
        assert_true(field->metadata == NULL);
        (void)snprintf(target + used_bytes, target_bytes - used_bytes, "%s%s %s%s",
                       i == 0 ? "" : ", ", field->name, field->format,
                       (field->flags & ARROW_FLAG_NULLABLE) != 0 ? "" : "!");
        if (field->n_children > 0) {
            (void)snprintf(target + strlen(target), target_bytes - strlen(target), "(");
            write_fields(field, target, target_bytes);
            (void)snprintf(target + strlen(target), target_bytes - strlen(target), ")");
        }
    }
}

static void check_schema(const struct cflight_sql_message *command, const char *expected)
{
    cflight_error *error = NULL;
    struct ArrowSchema schema;
    cflight_buffer *bytes = NULL;
    char text[2048] = "";
    CHECK_OK(cflight_sql_result_schema(command, &schema, &error), error);
    assert_string_equal(schema.format, "+s");
    assert_true(schema.metadata == NULL);
    write_fields(&schema, text, sizeof text);
    assert_string_equal(text, expected);
    CHECK_OK(cflight_ipc_schema_serialize(&schema, &bytes, &error), error);
    cflight_buffer_unref(bytes);
    schema.release(&schema);
}

/* Goal: names, order, types and nullability are those that drivers compare with. */
TEST(sql_schemas, are_exact_to_the_last_nullability)
{
    static const char FOREIGN_KEYS[] =
        "pk_catalog_name u, pk_db_schema_name u, pk_table_name u!, pk_column_name u!, "
        "fk_catalog_name u, fk_db_schema_name u, fk_table_name u!, fk_column_name u!, "
        "key_sequence i!, fk_key_name u, pk_key_name u, update_rule C!, delete_rule C!";
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_CATALOGS};
    check_schema(&command, "catalog_name u!");
    command.type = CFLIGHT_SQL_GET_DB_SCHEMAS;
    check_schema(&command, "catalog_name u, db_schema_name u!");
    command.type = CFLIGHT_SQL_GET_TABLES;
    check_schema(&command, "catalog_name u, db_schema_name u, table_name u!, table_type u!");
    command.tables.include_schema = true;
    check_schema(&command, "catalog_name u, db_schema_name u, table_name u!, table_type u!, "
                           "table_schema z!");
    command.type = CFLIGHT_SQL_GET_TABLE_TYPES;
    check_schema(&command, "table_type u!");
    command.type = CFLIGHT_SQL_GET_PRIMARY_KEYS;
    check_schema(&command, "catalog_name u, db_schema_name u, table_name u!, column_name u!, "
                           "key_sequence i!, key_name u");
    command.type = CFLIGHT_SQL_GET_EXPORTED_KEYS;
    check_schema(&command, FOREIGN_KEYS);
    command.type = CFLIGHT_SQL_GET_IMPORTED_KEYS;
    check_schema(&command, FOREIGN_KEYS);
    command.type = CFLIGHT_SQL_GET_CROSS_REFERENCE;
    check_schema(&command, FOREIGN_KEYS);
    command.type = CFLIGHT_SQL_GET_SQL_INFO;
    check_schema(&command, "info_name I!, value +ud:0,1,2,3,4,5!(string_value u!, bool_value b!, "
                           "bigint_value l!, int32_bitmask i!, string_list +l!(item u), "
                           "int32_to_int32_list_map +m!(entries +s!(key i!, value +l(item i))))");
    command.type = CFLIGHT_SQL_GET_XDBC_TYPE_INFO;
    check_schema(&command,
                 "type_name u!, data_type i!, column_size i, literal_prefix u, literal_suffix u, "
                 "create_params +l(item u!), nullable i!, case_sensitive b!, searchable i!, "
                 "unsigned_attribute b, fixed_prec_scale b!, auto_increment b, local_type_name u, "
                 "minimum_scale i, maximum_scale i, sql_data_type i!, datetime_subcode i, "
                 "num_prec_radix i, interval_precision i");
}

/* Goal: only commands of metadata have such a schema. */
TEST(sql_schemas, are_of_metadata_commands_only)
{
    for (int type = -1; type < 100; type++) {
        cflight_error *error = NULL;
        struct ArrowSchema schema = {.release = NULL};
        struct cflight_sql_message command = {.type = (enum cflight_sql_type)type};
        bool is_metadata =
            type >= CFLIGHT_SQL_GET_CATALOGS && type <= CFLIGHT_SQL_GET_XDBC_TYPE_INFO;
        CHECK_STATUS(cflight_sql_result_schema(&command, &schema, &error),
                     is_metadata ? CFLIGHT_OK : CFLIGHT_INVALID_ARGUMENT);
        if (is_metadata) {
            schema.release(&schema);
        }
        cflight_error_free(error);
    }
}

static void check_text(struct cflight_bytes text, const char *expected)
{
    assert_true(cflight_bytes_equal(text, t_text(expected)));
    assert_int_equal(text.data == NULL, expected == NULL);
}

static void make_field(struct ArrowSchema *ret_schema)
{
    static const struct cflight_field FIELDS[] = {{.name = "n", .format = "l"}};
    cflight_error *error = NULL;
    CHECK_OK(cflight_schema_new(FIELDS, 1, ret_schema, &error), error);
}

/* Goal: all that is said of a column comes back, nothing else, and other metadata stays. */
TEST(sql_schemas, say_of_a_column_what_is_known)
{
    const struct cflight_sql_column column = {
        .catalog_name = t_text("catalog_test"),
        .db_schema_name = t_text("schema_test"),
        .table_name = t_text("test"),
        .type_name = t_text("type_test"),
        .remarks = t_text(""),
        .has_precision = true,
        .precision = 100,
        .has_scale = true,
        .scale = -2,
        .is_auto_increment = CFLIGHT_SQL_FLAG_YES,
        .is_case_sensitive = CFLIGHT_SQL_FLAG_NO,
        .is_searchable = CFLIGHT_SQL_FLAG_YES,
    };
    const struct cflight_metadata before[] = {
        {t_text("mine"), t_text("stays")},
        {t_text("ARROW:FLIGHT:SQL:DB_SCHEMA_NAME"), t_text("old")},
        {t_text("ARROW:FLIGHT:SQL:SCALE"), t_text("7")},
    };
    cflight_error *error = NULL;
    struct ArrowSchema schema;
    struct ArrowSchema marked;
    struct ArrowSchema field;
    struct cflight_sql_column read;
    make_field(&schema);
    CHECK_OK(cflight_schema_set_metadata(schema.children[0], before, 3, &marked, &error), error);
    CHECK_OK(cflight_sql_column_write(&marked, &column, &field, &error), error);
    assert_true(cflight_sql_column_read(&field, &read));
    check_text(read.catalog_name, "catalog_test");
    check_text(read.db_schema_name, "schema_test");
    check_text(read.table_name, "test");
    check_text(read.type_name, "type_test");
    check_text(read.remarks, "");
    assert_true(read.has_precision && read.precision == 100);
    assert_true(read.has_scale && read.scale == -2);
    assert_int_equal(read.is_auto_increment, CFLIGHT_SQL_FLAG_YES);
    assert_int_equal(read.is_case_sensitive, CFLIGHT_SQL_FLAG_NO);
    assert_int_equal(read.is_read_only, CFLIGHT_SQL_FLAG_NONE);
    assert_int_equal(read.is_searchable, CFLIGHT_SQL_FLAG_YES);
    check_text(cflight_schema_metadata(&field, t_text("mine")), "stays");
    check_text(cflight_schema_metadata(&field, t_text("ARROW:FLIGHT:SQL:SCHEMA_NAME")),
               "schema_test");
    check_text(cflight_schema_metadata(&field, t_text("ARROW:FLIGHT:SQL:DB_SCHEMA_NAME")), NULL);
    check_text(cflight_schema_metadata(&field, t_text("ARROW:FLIGHT:SQL:IS_READ_ONLY")), NULL);
    check_text(cflight_schema_metadata(&field, t_text("ARROW:FLIGHT:SQL:PRECISION")), "100");
    assert_string_equal(field.name, "n");
    field.release(&field);
    marked.release(&marked);
    schema.release(&schema);
}

/* Goal: the key of the specification is read too, and what is no number or flag is not taken for
 * one. */
TEST(sql_schemas, read_columns_as_others_write_them)
{
    static const struct {
        const char *precision;
        bool has_precision;
        int32_t value;
    } CASES[] = {
        {"0", true, 0},
        {"2147483647", true, INT32_MAX},
        {"2147483648", false, 0},
        {"-2147483648", true, INT32_MIN},
        {"", false, 0},
        {"-", false, 0},
        {"1x", false, 0},
        {" 1", false, 0},
        {"99999999999999999", false, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct cflight_metadata pairs[] = {
            {t_text("ARROW:FLIGHT:SQL:DB_SCHEMA_NAME"), t_text("s")},
            {t_text("ARROW:FLIGHT:SQL:IS_READ_ONLY"), t_text("true")},
            {t_text("ARROW:FLIGHT:SQL:PRECISION"), t_text(CASES[i].precision)},
        };
        cflight_error *error = NULL;
        struct ArrowSchema schema;
        struct ArrowSchema field;
        struct cflight_sql_column column;
        make_field(&schema);
        assert_false(cflight_sql_column_read(schema.children[0], &column));
        CHECK_OK(cflight_schema_set_metadata(schema.children[0], pairs, 3, &field, &error), error);
        assert_true(cflight_sql_column_read(&field, &column));
        check_text(column.db_schema_name, "s");
        assert_int_equal(column.is_read_only, CFLIGHT_SQL_FLAG_NO);
        assert_int_equal(column.has_precision, CASES[i].has_precision);
        assert_true(!column.has_precision || column.precision == CASES[i].value);
        field.release(&field);
        schema.release(&schema);
    }
}

/* Goal: a text that is not UTF-8 is refused, with its key. */
TEST(sql_schemas, refuse_to_say_what_is_not_text)
{
    const struct cflight_sql_column column = {.remarks = t_text("\xff")};
    cflight_error *error = NULL;
    struct ArrowSchema schema;
    struct ArrowSchema field;
    make_field(&schema);
    CHECK_STATUS(cflight_sql_column_write(schema.children[0], &column, &field, &error),
                 CFLIGHT_INVALID_ARGUMENT);
    assert_non_null(strstr(cflight_error_message(error), "REMARKS"));
    cflight_error_free(error);
    schema.release(&schema);
}
