/* SPDX-License-Identifier: Apache-2.0 */
/* The server kit: metadata commands, their schemas, filters and order, and SqlInfo. */
#include <stdio.h>

#include "sql_engine.h"
#include "test.h"

struct fixture {
    struct t_engine engine;
    cflight_client *client;
};

static const struct cflight_bytes NONE = {NULL, 0};

static cflight_status list_catalogs(void *user_data, cflight_sql_call *call, cflight_sql_rows *rows,
                                    cflight_error **reterr)
{
    (void)user_data;
    (void)call;
    static const char *const NAMES[] = {"zoo", "main", "zoo", "abc"};
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; i < 4 && status == CFLIGHT_OK; i++) {
        status = cflight_sql_rows_add_catalog(rows, t_text(NAMES[i]), reterr);
    }
    return status;
}

static cflight_status list_db_schemas(void *user_data, cflight_sql_call *call,
                                      const struct cflight_sql_db_schemas *filter,
                                      cflight_sql_rows *rows, cflight_error **reterr)
{
    (void)user_data;
    (void)call;
    (void)filter;
    static const char *const NAMES[][2] = {{"main", "public"}, {NULL, "none"},
                                           {"main", "a_b"},    {"main", "axb"},
                                           {"abc", "a_b"},     {"main", "\xc3\xa4"}};
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; i < 6 && status == CFLIGHT_OK; i++) {
        status =
            cflight_sql_rows_add_db_schema(rows, t_text(NAMES[i][0]), t_text(NAMES[i][1]), reterr);
    }
    return status;
}

static cflight_status list_tables(void *user_data, cflight_sql_call *call,
                                  const struct cflight_sql_tables *filter, cflight_sql_rows *rows,
                                  cflight_error **reterr)
{
    (void)user_data;
    (void)call;
    static const char *const NAMES[] = {"axb", "a_b", "other"};
    static const struct cflight_field FIELDS[] = {{.name = "n", .format = "l"}};
    struct ArrowSchema schema;
    cflight_status status = cflight_schema_new(FIELDS, 1, &schema, reterr);
    for (size_t i = 0; i < 3 && status == CFLIGHT_OK; i++) {
        struct cflight_sql_table_name name = {t_text("main"), NONE, t_text(NAMES[i])};
        status = cflight_sql_rows_add_table(rows, &name, t_text(i == 2 ? "VIEW" : "TABLE"),
                                            filter->include_schema ? &schema : NULL, reterr);
    }
    schema.release(&schema);
    return status;
}

static cflight_status list_table_types(void *user_data, cflight_sql_call *call,
                                       cflight_sql_rows *rows, cflight_error **reterr)
{
    (void)user_data;
    (void)call;
    cflight_status status = cflight_sql_rows_add_table_type(rows, t_text("VIEW"), reterr);
    return status != CFLIGHT_OK ? status
                                : cflight_sql_rows_add_table_type(rows, t_text("TABLE"), reterr);
}

static cflight_status list_primary_keys(void *user_data, cflight_sql_call *call,
                                        const struct cflight_sql_table_name *table,
                                        cflight_sql_rows *rows, cflight_error **reterr)
{
    (void)user_data;
    (void)call;
    (void)table;
    static const char *const TABLES[] = {"t", "t", "u"};
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; i < 3 && status == CFLIGHT_OK; i++) {
        struct cflight_sql_table_name name = {t_text("main"), NONE, t_text(TABLES[i])};
        status = cflight_sql_rows_add_primary_key(rows, &name, t_text(i == 0 ? "b" : "a"),
                                                  i == 0 ? 2 : 1, NONE, reterr);
    }
    return status;
}

static cflight_status list_foreign_keys(void *user_data, cflight_sql_call *call,
                                        const struct cflight_sql_cross_reference *filter,
                                        cflight_sql_rows *rows, cflight_error **reterr)
{
    (void)user_data;
    (void)call;
    (void)filter;
    static const char *const TABLES[][2] = {{"t", "u"}, {"t", "v"}, {"u", "v"}};
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; i < 3 && status == CFLIGHT_OK; i++) {
        struct cflight_sql_foreign_key key;
        memset(&key, 0, sizeof key);
        key.pk_table.table = t_text(TABLES[i][0]);
        key.pk_column = t_text("id");
        key.fk_table.table = t_text(TABLES[i][1]);
        key.fk_column = t_text("ref");
        key.sequence = 1;
        key.update_rule = CFLIGHT_SQL_RULE_NO_ACTION;
        status = cflight_sql_rows_add_foreign_key(rows, &key, reterr);
    }
    return status;
}

static cflight_status list_types(void *user_data, cflight_sql_call *call, cflight_sql_rows *rows,
                                 cflight_error **reterr)
{
    (void)user_data;
    (void)call;
    static const struct cflight_bytes PARAMS[] = {{(const uint8_t *)"length", 6}};
    cflight_status status = CFLIGHT_OK;
    for (int i = 0; i < 2 && status == CFLIGHT_OK; i++) {
        struct cflight_sql_type_row type;
        memset(&type, 0, sizeof type);
        type.type_name = t_text(i == 0 ? "varchar" : "bigint");
        type.data_type = i == 0 ? CFLIGHT_SQL_XDBC_VARCHAR : CFLIGHT_SQL_XDBC_BIGINT;
        type.sql_data_type = type.data_type;
        type.create_params = i == 0 ? PARAMS : NULL;
        type.create_param_count = i == 0 ? 1 : 0;
        type.is_unsigned = i == 0 ? CFLIGHT_SQL_FLAG_NONE : CFLIGHT_SQL_FLAG_NO;
        status = cflight_sql_rows_add_type(rows, &type, reterr);
    }
    return status;
}

static void start_with(struct fixture *fixture, const struct cflight_sql_server_options *options)
{
    t_engine_init(&fixture->engine);
    struct cflight_sql_handlers *handlers = &fixture->engine.handlers;
    handlers->list_catalogs = list_catalogs;
    handlers->list_db_schemas = list_db_schemas;
    handlers->list_tables = list_tables;
    handlers->list_table_types = list_table_types;
    handlers->list_primary_keys = list_primary_keys;
    handlers->list_foreign_keys = list_foreign_keys;
    handlers->list_types = list_types;
    t_engine_start(&fixture->engine, options);
    fixture->client = t_sql_client(&fixture->engine, NULL);
}

static void stop(struct fixture *fixture)
{
    cflight_client_free(fixture->client);
    t_engine_stop(&fixture->engine);
}

/* Reads a command's rows; joins the texts of a column: "a b c ". */
static int64_t names(struct fixture *fixture, const struct cflight_sql_message *command,
                     int64_t column, char *text, size_t text_bytes)
{
    struct cflight_info *info = NULL;
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    int64_t row_count = 0;
    text[0] = '\0';
    CHECK_OK(t_sql_info(fixture->client, command, &info, &error), error);
    CHECK_OK(cflight_client_do_get(fixture->client, info->endpoints[0].ticket, NULL, &reader, NULL),
             NULL);
    for (bool is_over = false; !is_over;) {
        struct cflight_chunk chunk;
        CHECK_OK(cflight_reader_next(reader, &chunk, &error), error);
        is_over = chunk.is_end;
        for (int64_t i = 0; chunk.has_batch && column >= 0 && i < chunk.batch.length; i++) {
            const int32_t *offsets = chunk.batch.children[column]->buffers[1];
            const char *data = chunk.batch.children[column]->buffers[2];
            size_t used = strlen(text);
            (void)snprintf(text + used, text_bytes - used, "%.*s ", offsets[i + 1] - offsets[i],
                           data + offsets[i]);
        }
        row_count += chunk.has_batch ? chunk.batch.length : 0;
        cflight_chunk_release(&chunk);
    }
    cflight_reader_free(reader);
    cflight_info_free(info);
    return row_count;
}

static void check_names(struct fixture *fixture, const struct cflight_sql_message *command,
                        int64_t column, const char *expected)
{
    char text[512];
    (void)names(fixture, command, column, text, sizeof text);
    assert_string_equal(text, expected);
}

TEST(sql_listings, every_command_has_one_schema_in_all_three_calls)
{
    struct fixture fixture;
    start_with(&fixture, NULL);
    for (int type = CFLIGHT_SQL_GET_CATALOGS; type <= CFLIGHT_SQL_GET_XDBC_TYPE_INFO; type++) {
        struct cflight_sql_message command = {.type = (enum cflight_sql_type)type};
        struct cflight_info *info = NULL;
        cflight_buffer *serialized = NULL;
        cflight_reader *reader = NULL;
        struct ArrowSchema expected;
        struct ArrowSchema streamed;
        if (type == CFLIGHT_SQL_GET_TABLES) {
            command.tables.include_schema = true;
        }
        cflight_buffer *bytes = t_sql_pack(&command);
        struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
        descriptor.cmd = cflight_buffer_bytes(bytes);
        CHECK_OK(t_sql_info(fixture.client, &command, &info, NULL), NULL);
        assert_true(cflight_bytes_equal(info->endpoints[0].ticket, descriptor.cmd));
        assert_true(cflight_descriptor_equal(&info->descriptor, &descriptor));
        assert_int_equal(info->total_records, -1);
        CHECK_OK(cflight_client_get_schema(fixture.client, &descriptor, NULL, &serialized, NULL),
                 NULL);
        assert_true(cflight_bytes_equal(info->schema, cflight_buffer_bytes(serialized)));
        CHECK_OK(cflight_sql_result_schema(&command, &expected, NULL), NULL);
        CHECK_OK(
            cflight_client_do_get(fixture.client, info->endpoints[0].ticket, NULL, &reader, NULL),
            NULL);
        CHECK_OK(cflight_reader_schema(reader, &streamed, NULL), NULL);
        assert_true(cflight_schema_equal(&expected, &streamed, true));
        streamed.release(&streamed);
        expected.release(&expected);
        cflight_reader_free(reader);
        cflight_buffer_unref(serialized);
        cflight_info_free(info);
        cflight_buffer_unref(bytes);
    }
    stop(&fixture);
}

TEST(sql_listings, rows_are_sorted_and_doubles_dropped)
{
    struct fixture fixture;
    start_with(&fixture, NULL);
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_CATALOGS};
    check_names(&fixture, &command, 0, "abc main zoo ");
    command.type = CFLIGHT_SQL_GET_TABLE_TYPES;
    check_names(&fixture, &command, 0, "TABLE VIEW ");
    command.type = CFLIGHT_SQL_GET_XDBC_TYPE_INFO;
    check_names(&fixture, &command, 0, "bigint varchar ");
    command.type_info.has_data_type = true;
    command.type_info.data_type = CFLIGHT_SQL_XDBC_VARCHAR;
    check_names(&fixture, &command, 0, "varchar ");
    stop(&fixture);
}

TEST(sql_listings, patterns_and_exact_names_filter)
{
    static const struct {
        const char *catalog; /* NULL: absent */
        const char *pattern;
        const char *expected;
    } CASES[] = {
        {NULL, NULL, "none a_b a_b axb public \xc3\xa4 "},
        {"main", NULL, "a_b axb public \xc3\xa4 "},
        {"", NULL, "none "},
        {NULL, "", ""},
        {"main", "a_b", "a_b axb "},
        {"main", "a\\_b", "a_b "},
        {"main", "p%", "public "},
        {"main", "_", "\xc3\xa4 "},
        {"MAIN", NULL, ""},
    };
    struct fixture fixture;
    start_with(&fixture, NULL);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_DB_SCHEMAS};
        command.db_schemas.catalog = t_text(CASES[i].catalog);
        command.db_schemas.schema_pattern = t_text(CASES[i].pattern);
        check_names(&fixture, &command, 1, CASES[i].expected);
    }
    stop(&fixture);
}

TEST(sql_listings, a_name_that_is_the_pattern_comes_first)
{
    struct fixture fixture;
    start_with(&fixture, NULL);
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_TABLES};
    check_names(&fixture, &command, 2, "a_b axb other ");
    command.tables.table_pattern = t_text("a_b");
    check_names(&fixture, &command, 2, "a_b axb ");
    struct cflight_bytes types[] = {t_text("view")};
    memset(&command.tables, 0, sizeof command.tables);
    command.tables.table_types = types;
    command.tables.table_type_count = 1;
    check_names(&fixture, &command, 2, "other ");
    stop(&fixture);
}

TEST(sql_listings, names_without_case_are_found_in_any)
{
    struct fixture fixture;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    cflight_sql_info *info = NULL;
    CHECK_OK(cflight_sql_info_new(&info, NULL), NULL);
    CHECK_OK(cflight_sql_info_set_number(info, CFLIGHT_SQL_INFO_IDENTIFIER_CASE,
                                         CFLIGHT_SQL_CASE_INSENSITIVE, NULL),
             NULL);
    options.info = info;
    start_with(&fixture, &options);
    cflight_sql_info_free(info);
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_DB_SCHEMAS};
    command.db_schemas.catalog = t_text("MAIN");
    command.db_schemas.schema_pattern = t_text("PUB%");
    check_names(&fixture, &command, 1, "public ");
    stop(&fixture);
}

TEST(sql_listings, keys_are_those_of_the_table)
{
    struct fixture fixture;
    start_with(&fixture, NULL);
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_PRIMARY_KEYS};
    command.table.table = t_text("t");
    check_names(&fixture, &command, 3, "a b ");
    command.type = CFLIGHT_SQL_GET_EXPORTED_KEYS;
    check_names(&fixture, &command, 6, "u v ");
    command.type = CFLIGHT_SQL_GET_IMPORTED_KEYS;
    command.table.table = t_text("v");
    check_names(&fixture, &command, 2, "t u ");
    memset(&command, 0, sizeof command);
    command.type = CFLIGHT_SQL_GET_CROSS_REFERENCE;
    command.cross_reference.pk.table = t_text("u");
    command.cross_reference.fk.table = t_text("v");
    check_names(&fixture, &command, 2, "u ");
    stop(&fixture);
}

TEST(sql_listings, what_has_no_function_is_unimplemented)
{
    struct fixture fixture;
    struct cflight_info *info = NULL;
    cflight_error *error = NULL;
    t_engine_init(&fixture.engine);
    t_engine_start(&fixture.engine, NULL);
    fixture.client = t_sql_client(&fixture.engine, NULL);
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_TABLES};
    CHECK_STATUS(t_sql_info(fixture.client, &command, &info, &error), CFLIGHT_UNIMPLEMENTED);
    assert_non_null(strstr(cflight_error_message(error), "CommandGetTables"));
    cflight_error_free(error);
    stop(&fixture);
}

TEST(sql_listings, a_listing_has_a_limit)
{
    struct fixture fixture;
    struct t_sum sum;
    cflight_error *error = NULL;
    struct cflight_info *info = NULL;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    options.listing_bytes_max = 100;
    start_with(&fixture, &options);
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_CATALOGS};
    CHECK_OK(t_sql_info(fixture.client, &command, &info, NULL), NULL);
    CHECK_STATUS(t_sql_fetch(fixture.client, info, 0, &sum, &error), CFLIGHT_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(cflight_error_message(error), "listing_bytes_max"));
    cflight_error_free(error);
    cflight_info_free(info);
    stop(&fixture);
}

/* Goal: what JDBC's driver asks of a database is there, of its kind and claiming nothing; what the
 * application says of it stays. The driver's functions fail where a value is missing. */
TEST(sql_listings, sql_info_is_whole_for_jdbc)
{
    struct fixture fixture;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    cflight_sql_info *info = NULL;
    cflight_sql_info *seen = NULL;
    CHECK_OK(cflight_sql_info_new(&info, NULL), NULL);
    CHECK_OK(cflight_sql_info_set_number(info, CFLIGHT_SQL_INFO_SUPPORTED_UNIONS, 3, NULL), NULL);
    options.info = info;
    start_with(&fixture, &options);
    CHECK_OK(cflight_sql_get_sql_info(fixture.client, NULL, 0, NULL, &seen, NULL), NULL);
    for (uint32_t code = CFLIGHT_SQL_INFO_SUPPORTS_COLUMN_ALIASING;
         code <= CFLIGHT_SQL_INFO_STORED_FUNCTIONS_USING_CALL_SYNTAX_SUPPORTED; code++) {
        enum cflight_sql_info_kind kind;
        assert_true(cflight_sql_info_kind_of(code, &kind));
        const struct cflight_sql_info_value *value = cflight_sql_info_find(seen, code);
        assert_true((value != NULL) == (kind != CFLIGHT_SQL_INFO_KIND_TEXT));
        assert_true(value == NULL || value->kind == kind);
    }
    assert_int_equal(cflight_sql_info_number(seen, CFLIGHT_SQL_INFO_SUPPORTED_UNIONS, 0), 3);
    assert_int_equal(cflight_sql_info_number(seen, CFLIGHT_SQL_INFO_MAX_ROW_SIZE, 7), 0);
    assert_false(cflight_sql_info_bool(seen, CFLIGHT_SQL_INFO_LOCATORS_UPDATE_COPY, true));
    cflight_sql_info_free(seen);
    cflight_sql_info_free(info);
    stop(&fixture);
}

TEST(sql_listings, sql_info_tells_what_is_there)
{
    struct fixture fixture;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    cflight_sql_info *info = NULL;
    char text[16];
    CHECK_OK(cflight_sql_info_new(&info, NULL), NULL);
    CHECK_OK(cflight_sql_info_set_number(info, CFLIGHT_SQL_INFO_OWN, 7, NULL), NULL);
    CHECK_OK(cflight_sql_info_set_text(info, CFLIGHT_SQL_INFO_SERVER_NAME, t_text("mine"), NULL),
             NULL);
    options.info = info;
    start_with(&fixture, &options);
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_SQL_INFO};
    int64_t all_count = names(&fixture, &command, -1, text, sizeof text);
    assert_int_equal(all_count, 72); /* not the own one */
    static const uint32_t CODES[] = {CFLIGHT_SQL_INFO_OWN, 8, 8, 9999, 0};
    command.sql_info.codes = CODES;
    command.sql_info.code_count = 5;
    assert_int_equal(names(&fixture, &command, -1, text, sizeof text), 3);
    cflight_sql_info_free(info);
    stop(&fixture);
}
