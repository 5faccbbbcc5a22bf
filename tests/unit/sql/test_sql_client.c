/* SPDX-License-Identifier: Apache-2.0 */
/* The client: commands with a result. */
#include <stdio.h>
#include <stdlib.h>

#include "sql_peer.h"

static int64_t query(struct t_sql_peer *peer, const char *text,
                     const struct cflight_sql_options *options)
{
    struct ArrowArrayStream stream;
    cflight_error *error = NULL;
    CHECK_OK(cflight_sql_query(peer->client, t_text(text), options, &stream, &error), error);
    return t_sql_drain(&stream);
}

/* ---- queries ---- */

static cflight_status answer_three(struct t_sql_peer *peer,
                                   const struct cflight_descriptor *descriptor,
                                   cflight_response *response, cflight_error **reterr)
{
    (void)peer;
    return t_sql_answer_info(response, descriptor, 3, NULL, reterr);
}

/* Goal: a query is asked for once and its rows come from all endpoints as one stream, which knows
 * how far it is. */
TEST(sql_client, a_query_is_one_stream_over_all_endpoints)
{
    struct t_sql_peer peer;
    struct ArrowArrayStream stream;
    struct cflight_fetch_counts counts;
    cflight_error *error = NULL;
    const struct t_sql_script script = {.info = answer_three};
    t_sql_peer_start(&peer, &script);
    CHECK_OK(cflight_sql_query(peer.client, t_text("SELECT 1"), NULL, &stream, &error), error);
    assert_true(cflight_fetch_progress(&stream, &counts));
    assert_int_equal(counts.endpoint_count, 3);
    assert_int_equal(t_sql_drain(&stream), 9);
    assert_int_equal(peer.locked.call_count, 4);
    t_sql_peer_stop(&peer);
}

static cflight_status answer_schema(struct t_sql_peer *peer,
                                    const struct cflight_descriptor *descriptor,
                                    cflight_response *response, cflight_error **reterr)
{
    struct ArrowSchema schema;
    (void)peer;
    t_schema(&schema);
    cflight_status status = t_sql_answer_info(response, descriptor, 0, &schema, reterr);
    schema.release(&schema);
    return status;
}

static cflight_status answer_nothing(struct t_sql_peer *peer,
                                     const struct cflight_descriptor *descriptor,
                                     cflight_response *response, cflight_error **reterr)
{
    (void)peer;
    return t_sql_answer_info(response, descriptor, 0, NULL, reterr);
}

/* Goal: no endpoints with a schema are an empty result; without one the server has failed. */
TEST(sql_client, no_endpoints_are_an_empty_result)
{
    struct t_sql_peer peer;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    cflight_error *error = NULL;
    struct t_sql_script script = {.info = answer_schema};
    t_sql_peer_start(&peer, &script);
    CHECK_OK(cflight_sql_query(peer.client, t_text("q"), NULL, &stream, &error), error);
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_int_equal(schema.n_children, 2);
    schema.release(&schema);
    assert_int_equal(t_sql_drain(&stream), 0);
    t_sql_peer_stop(&peer);

    script.info = answer_nothing;
    t_sql_peer_start(&peer, &script);
    CHECK_STATUS(cflight_sql_query(peer.client, t_text("q"), NULL, &stream, &error),
                 CFLIGHT_INTERNAL);
    assert_string_equal(cflight_error_message(error), "CommandStatementQuery: the server gave "
                                                      "neither endpoints nor a schema");
    cflight_error_free(error);
    t_sql_peer_stop(&peer);
}

static cflight_status answer_other_schema(struct t_sql_peer *peer,
                                          const struct cflight_descriptor *descriptor,
                                          cflight_response *response, cflight_error **reterr)
{
    static const struct cflight_field FIELDS[] = {{.name = "table_type", .format = "u"}};
    struct ArrowSchema schema;
    (void)peer;
    cflight_status status = cflight_schema_new(FIELDS, 1, &schema, reterr);
    if (status == CFLIGHT_OK) {
        status = t_sql_answer_info(response, descriptor, 1, &schema, reterr);
        schema.release(&schema);
    }
    return status;
}

static cflight_status write_with_metadata(struct t_sql_peer *peer, struct cflight_bytes ticket,
                                          cflight_writer *writer, cflight_error **reterr)
{
    struct ArrowSchema schema;
    struct ArrowSchema told;
    const struct cflight_metadata pair = {t_text("origin"), t_text("stream")};
    (void)peer;
    (void)ticket;
    t_schema(&schema);
    cflight_status status = cflight_schema_set_metadata(&schema, &pair, 1, &told, reterr);
    schema.release(&schema);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_begin(writer, &told, NULL, reterr);
        told.release(&told);
    }
    return status;
}

/* Goal: rule 4. What the info says of the schema does not matter where a stream says it: not for
 * metadata, and not when the server has mixed up its schemas, as one of the scenarios' does. */
TEST(sql_client, the_schema_of_the_stream_decides)
{
    struct t_sql_peer peer;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    cflight_error *error = NULL;
    const struct t_sql_script script = {.info = answer_other_schema, .get = write_with_metadata};
    t_sql_peer_start(&peer, &script);
    CHECK_OK(cflight_sql_query(peer.client, t_text("q"), NULL, &stream, &error), error);
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_int_equal(schema.n_children, 2);
    assert_true(t_is_text(cflight_schema_metadata(&schema, t_text("origin")), "stream"));
    schema.release(&schema);
    assert_int_equal(t_sql_drain(&stream), 0);
    t_sql_peer_stop(&peer);
}

static cflight_status fail_info(struct t_sql_peer *peer,
                                const struct cflight_descriptor *descriptor,
                                cflight_response *response, cflight_error **reterr)
{
    const struct cflight_sql_error_state state = {.sqlstate = "42P01", .position = 15};
    (void)peer;
    (void)descriptor;
    (void)response;
    (void)cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT, "no such table: birds");
    cflight_sql_error_set_state(*reterr, &state);
    return CFLIGHT_INVALID_ARGUMENT;
}

/* Goal: an error names the call and the command, and has the database's state. */
TEST(sql_client, an_error_names_the_command_and_has_the_state)
{
    struct t_sql_peer peer;
    struct ArrowArrayStream stream;
    struct cflight_sql_error_state seen;
    cflight_error *error = NULL;
    const struct t_sql_script script = {.info = fail_info};
    t_sql_peer_start(&peer, &script);
    CHECK_STATUS(
        cflight_sql_query(peer.client, t_text("SELECT * FROM birds"), NULL, &stream, &error),
        CFLIGHT_INVALID_ARGUMENT);
    assert_string_equal(cflight_error_message(error),
                        "CommandStatementQuery: no such table: birds");
    assert_string_equal(cflight_error_operation(error), "GetFlightInfo");
    assert_int_equal(cflight_error_retry(error), CFLIGHT_RETRY_NEVER);
    assert_true(cflight_sql_error_get_state(error, &seen));
    assert_string_equal(seen.sqlstate, "42P01");
    assert_int_equal(seen.position, 15);
    cflight_error_free(error);
    t_sql_peer_stop(&peer);
}

static cflight_status fail_unavailable(struct t_sql_peer *peer,
                                       const struct cflight_descriptor *descriptor,
                                       cflight_response *response, cflight_error **reterr)
{
    (void)peer;
    (void)descriptor;
    (void)response;
    return cflight_error_set_message(reterr, CFLIGHT_UNAVAILABLE, "the engine restarts");
}

static cflight_status fail_first_get(struct t_sql_peer *peer, struct cflight_bytes ticket,
                                     cflight_writer *writer, cflight_error **reterr)
{
    (void)ticket;
    if (peer->locked.call_count < 3) { /* GetFlightInfo, DoGet */
        return cflight_error_set_message(reterr, CFLIGHT_UNAVAILABLE, "the engine restarts");
    }
    return t_sql_write_rows(writer, 0, 3, reterr);
}

/* Goal: rule 6. A server that says UNAVAILABLE may have run the statement: it is not asked again.
 * Fetching, which has no effect, is tried again before its first message. */
TEST(sql_client, only_fetching_is_tried_again)
{
    struct t_sql_peer peer;
    struct ArrowArrayStream stream;
    cflight_error *error = NULL;
    struct t_sql_script script = {.info = fail_unavailable};
    t_sql_peer_start(&peer, &script);
    CHECK_STATUS(cflight_sql_query(peer.client, t_text("q"), NULL, &stream, &error),
                 CFLIGHT_UNAVAILABLE);
    assert_int_not_equal(cflight_error_retry(error), CFLIGHT_RETRY_SAFE);
    cflight_error_free(error);
    t_sql_peer_check(&peer, "GetFlightInfo CommandStatementQuery q\n");
    t_sql_peer_stop(&peer);

    script = (struct t_sql_script){.get = fail_first_get};
    t_sql_peer_start(&peer, &script);
    assert_int_equal(query(&peer, "q", NULL), 3);
    t_sql_peer_check(&peer, "GetFlightInfo CommandStatementQuery q\n"
                            "DoGet CommandStatementQuery q\n"
                            "DoGet CommandStatementQuery q\n");
    t_sql_peer_stop(&peer);
}

/* Goal: rule 11. Headers, deadline and cancel handle of the options reach every call. */
TEST(sql_client, every_call_has_the_options)
{
    struct t_sql_peer peer;
    struct ArrowArrayStream stream;
    cflight_error *error = NULL;
    int64_t count = 0;
    struct cflight_call_options call_options = CFLIGHT_CALL_OPTIONS_INIT;
    struct cflight_sql_options options = CFLIGHT_SQL_OPTIONS_INIT;
    const struct cflight_header header = {t_text("tag"), t_text("mine")};
    t_sql_peer_start(&peer, NULL);
    call_options.headers = &header;
    call_options.header_count = 1;
    options.call_options = &call_options;
    assert_int_equal(query(&peer, "q", &options), 3);
    t_sql_peer_check(&peer, "GetFlightInfo CommandStatementQuery q\n"
                            "DoGet CommandStatementQuery q\n");
    assert_string_equal(peer.locked.tag, "mine");
    peer.locked.tag[0] = '\0';
    CHECK_OK(cflight_sql_update(peer.client, t_text("u"), &options, &count, &error), error);
    t_sql_peer_check(&peer,
                     "DoPut CommandStatementUpdate u [0 fields, 0 batches, 0 rows, 1 messages]\n");
    assert_string_equal(peer.locked.tag, "mine");

    CHECK_OK(cflight_cancel_new(&call_options.cancel, &error), error);
    cflight_cancel_trigger(call_options.cancel);
    CHECK_STATUS(cflight_sql_query(peer.client, t_text("q"), &options, &stream, &error),
                 CFLIGHT_CANCELLED);
    cflight_error_free(error);
    error = NULL;
    CHECK_STATUS(cflight_sql_update(peer.client, t_text("u"), &options, &count, &error),
                 CFLIGHT_CANCELLED);
    cflight_error_free(error);
    error = NULL;
    cflight_cancel_unref(call_options.cancel);
    call_options.cancel = NULL;
    call_options.timeout_is_set = true; /* now */
    CHECK_STATUS(cflight_sql_query(peer.client, t_text("q"), &options, &stream, &error),
                 CFLIGHT_DEADLINE_EXCEEDED);
    cflight_error_free(error);
    t_sql_peer_stop(&peer);
}

/* ---- other commands with a result ---- */

static cflight_status write_table_types(struct t_sql_peer *peer, struct cflight_bytes ticket,
                                        cflight_writer *writer, cflight_error **reterr)
{
    struct cflight_sql_message *command = NULL;
    struct ArrowSchema schema;
    (void)peer;
    cflight_status status = cflight_sql_message_unpack(ticket, &command, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_sql_result_schema(command, &schema, reterr);
        cflight_sql_message_free(command);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_begin(writer, &schema, NULL, reterr);
        schema.release(&schema);
    }
    return status;
}

/* Goal: each function of metadata sends its command, and its filter. */
TEST(sql_client, metadata_has_a_function_for_each_command)
{
    struct t_sql_peer peer;
    struct ArrowArrayStream streams[9];
    cflight_error *error = NULL;
    const struct t_sql_script script = {.get = write_table_types};
    const struct cflight_sql_table_name table = {.table = t_text("t")};
    const struct cflight_sql_cross_reference tables = {{.table = t_text("a")},
                                                       {.table = t_text("b")}};
    const struct cflight_sql_tables filter = {.table_pattern = t_text("a%")};
    t_sql_peer_start(&peer, &script);
    CHECK_OK(cflight_sql_get_catalogs(peer.client, NULL, &streams[0], &error), error);
    CHECK_OK(cflight_sql_get_db_schemas(peer.client, NULL, NULL, &streams[1], &error), error);
    CHECK_OK(cflight_sql_get_tables(peer.client, &filter, NULL, &streams[2], &error), error);
    CHECK_OK(cflight_sql_get_table_types(peer.client, NULL, &streams[3], &error), error);
    CHECK_OK(cflight_sql_get_primary_keys(peer.client, &table, NULL, &streams[4], &error), error);
    CHECK_OK(cflight_sql_get_exported_keys(peer.client, &table, NULL, &streams[5], &error), error);
    CHECK_OK(cflight_sql_get_imported_keys(peer.client, &table, NULL, &streams[6], &error), error);
    CHECK_OK(cflight_sql_get_cross_reference(peer.client, &tables, NULL, &streams[7], &error),
             error);
    CHECK_OK(cflight_sql_get_type_info(peer.client, NULL, NULL, &streams[8], &error), error);
    static const int COLUMNS[] = {1, 2, 4, 1, 6, 13, 13, 13, 19};
    for (int i = 0; i < 9; i++) {
        struct ArrowSchema schema;
        assert_int_equal(streams[i].get_schema(&streams[i], &schema), 0);
        assert_int_equal(schema.n_children, COLUMNS[i]);
        schema.release(&schema);
        assert_int_equal(t_sql_drain(&streams[i]), 0);
    }
    t_sql_peer_check(&peer, "GetFlightInfo CommandGetCatalogs\nDoGet CommandGetCatalogs\n"
                            "GetFlightInfo CommandGetDbSchemas\nDoGet CommandGetDbSchemas\n"
                            "GetFlightInfo CommandGetTables a%\nDoGet CommandGetTables a%\n"
                            "GetFlightInfo CommandGetTableTypes\nDoGet CommandGetTableTypes\n"
                            "GetFlightInfo CommandGetPrimaryKeys\nDoGet CommandGetPrimaryKeys\n"
                            "GetFlightInfo CommandGetExportedKeys\nDoGet CommandGetExportedKeys\n"
                            "GetFlightInfo CommandGetImportedKeys\nDoGet CommandGetImportedKeys\n"
                            "GetFlightInfo CommandGetCrossReference\n"
                            "DoGet CommandGetCrossReference\n"
                            "GetFlightInfo CommandGetXdbcTypeInfo\nDoGet CommandGetXdbcTypeInfo\n");
    t_sql_peer_stop(&peer);
}

/* Goal: the description and the schema of a result can be had alone; a command without a result is
 * refused before anything is sent. */
TEST(sql_client, infos_and_schemas_can_be_had_alone)
{
    struct t_sql_peer peer;
    struct cflight_info *info = NULL;
    struct ArrowSchema schema;
    cflight_error *error = NULL;
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN};
    command.substrait.plan = t_text("plan");
    t_sql_peer_start(&peer, NULL);
    CHECK_OK(cflight_sql_get_info(peer.client, &command, NULL, &info, &error), error);
    assert_int_equal(info->endpoint_count, 1);
    cflight_info_free(info);
    CHECK_OK(cflight_sql_get_schema(peer.client, &command, NULL, &schema, &error), error);
    assert_int_equal(schema.n_children, 2);
    schema.release(&schema);
    t_sql_peer_check(&peer, "GetFlightInfo CommandStatementSubstraitPlan plan\n"
                            "GetSchema CommandStatementSubstraitPlan plan\n");
    assert_string_equal(peer.locked.inline_max, ""); /* endpoints are for others */
    command.type = CFLIGHT_SQL_STATEMENT_UPDATE;
    CHECK_STATUS(cflight_sql_get_info(peer.client, &command, NULL, &info, &error),
                 CFLIGHT_INVALID_ARGUMENT);
    assert_string_equal(cflight_error_message(error),
                        "CommandStatementUpdate is no command with a result");
    cflight_error_free(error);
    t_sql_peer_check(&peer, "");
    t_sql_peer_stop(&peer);
}

/* ---- SqlInfo ---- */

static cflight_status write_sql_info(struct t_sql_peer *peer, struct cflight_bytes ticket,
                                     cflight_writer *writer, cflight_error **reterr)
{
    struct cflight_sql_message *command = NULL;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    cflight_sql_info *info = NULL;
    (void)peer;
    CHECK_OK(cflight_sql_message_unpack(ticket, &command, reterr), *reterr);
    CHECK_OK(cflight_sql_info_new(&info, reterr), *reterr);
    CHECK_OK(cflight_sql_info_set_text(info, CFLIGHT_SQL_INFO_SERVER_NAME, t_text("db"), reterr),
             *reterr);
    CHECK_OK(cflight_sql_info_set_number(info, CFLIGHT_SQL_INFO_SERVER_TRANSACTION, 2, reterr),
             *reterr);
    CHECK_OK(cflight_sql_info_set_number(info, CFLIGHT_SQL_INFO_IDENTIFIER_CASE, 3, reterr),
             *reterr);
    CHECK_OK(cflight_sql_info_batch(info, command->sql_info.codes, command->sql_info.code_count,
                                    &batch, reterr),
             *reterr);
    CHECK_OK(cflight_sql_result_schema(command, &schema, reterr), *reterr);
    CHECK_OK(cflight_writer_begin(writer, &schema, NULL, reterr), *reterr);
    cflight_status status = cflight_writer_write(writer, &batch, NULL, reterr);
    batch.release(&batch);
    schema.release(&schema);
    cflight_sql_info_free(info);
    cflight_sql_message_free(command);
    return status;
}

/* Goal: rule 8. What a server says of itself is read by type, from either branch of numbers (one of
 * the two here is an int32, the other an int64). */
TEST(sql_client, sql_info_is_read_by_type)
{
    static const uint32_t CODES[] = {CFLIGHT_SQL_INFO_SERVER_NAME};
    struct t_sql_peer peer;
    cflight_sql_info *info = NULL;
    cflight_error *error = NULL;
    struct t_sql_script script = {.get = write_sql_info};
    t_sql_peer_start(&peer, &script);
    CHECK_OK(cflight_sql_get_sql_info(peer.client, NULL, 0, NULL, &info, &error), error);
    assert_int_equal(cflight_sql_info_count(info), 3);
    assert_int_equal(cflight_sql_info_number(info, CFLIGHT_SQL_INFO_SERVER_TRANSACTION, -1), 2);
    assert_int_equal(cflight_sql_info_number(info, CFLIGHT_SQL_INFO_IDENTIFIER_CASE, -1), 3);
    cflight_sql_info_free(info);
    CHECK_OK(cflight_sql_get_sql_info(peer.client, CODES, 1, NULL, &info, &error), error);
    assert_int_equal(cflight_sql_info_count(info), 1);
    assert_true(t_is_text(cflight_sql_info_text(info, CFLIGHT_SQL_INFO_SERVER_NAME), "db"));
    cflight_sql_info_free(info);
    t_sql_peer_stop(&peer);

    script.get = NULL; /* rows of something else */
    t_sql_peer_start(&peer, &script);
    CHECK_STATUS(cflight_sql_get_sql_info(peer.client, NULL, 0, NULL, &info, &error),
                 CFLIGHT_DATA_LOSS);
    assert_string_equal(
        cflight_error_message(error),
        "CommandGetSqlInfo: not rows of SqlInfo: no columns 'info_name' and 'value'");
    cflight_error_free(error);
    t_sql_peer_stop(&peer);
}

/* ---- the schema of one table ---- */

/* Rows of tables: catalog, schema, name, and the name of the one column, NULL for a broken schema.
 * Columns are in another order than the standard's. */
struct table_row {
    const char *catalog;
    const char *db_schema;
    const char *table;
    const char *column;
};

static cflight_status write_tables(cflight_writer *writer, const struct table_row *rows,
                                   size_t row_count, cflight_error **reterr)
{
    static const struct cflight_field FIELDS[] = {{.name = "table_schema", .format = "z"},
                                                  {.name = "table_name", .format = "u"},
                                                  {.name = "db_schema_name", .format = "u"},
                                                  {.name = "catalog_name", .format = "U"}};
    struct ArrowSchema schema;
    struct ArrowArray batch;
    cflight_builder *builder = NULL;
    CHECK_OK(cflight_schema_new(FIELDS, 4, &schema, reterr), *reterr);
    CHECK_OK(cflight_builder_new(&schema, NULL, &builder, reterr), *reterr);
    for (size_t i = 0; i < row_count; i++) {
        const struct cflight_field field = {.name = rows[i].column, .format = "l"};
        struct ArrowSchema table;
        cflight_buffer *bytes = NULL;
        CHECK_OK(cflight_schema_new(&field, 1, &table, reterr), *reterr);
        CHECK_OK(cflight_ipc_schema_serialize(&table, &bytes, reterr), *reterr);
        cflight_append_bytes(cflight_builder_column(builder, 0), rows[i].column == NULL
                                                                     ? t_text("broken")
                                                                     : cflight_buffer_bytes(bytes));
        cflight_append_text(cflight_builder_column(builder, 1), rows[i].table);
        cflight_append_text(cflight_builder_column(builder, 2), rows[i].db_schema);
        cflight_append_text(cflight_builder_column(builder, 3), rows[i].catalog);
        cflight_builder_end_row(builder);
        cflight_buffer_unref(bytes);
        table.release(&table);
    }
    CHECK_OK(cflight_builder_finish(builder, &batch, reterr), *reterr);
    CHECK_OK(cflight_writer_begin(writer, &schema, NULL, reterr), *reterr);
    cflight_status status = cflight_writer_write(writer, &batch, NULL, reterr);
    batch.release(&batch);
    schema.release(&schema);
    cflight_builder_free(builder);
    return status;
}

static cflight_status write_birds(struct t_sql_peer *peer, struct cflight_bytes ticket,
                                  cflight_writer *writer, cflight_error **reterr)
{
    static const struct table_row ROWS[] = {
        {NULL, "north", "bird_s", "north_bird_s"},
        {NULL, "north", "birds", "north_birds"},
        {"attic", "south", "birds", "south_birds"},
        {NULL, NULL, "eggs", "eggs"},
        {NULL, "north", "broken", NULL},
    };
    (void)peer;
    (void)ticket;
    return write_tables(writer, ROWS, sizeof ROWS / sizeof *ROWS, reterr);
}

static cflight_status table_schema(struct t_sql_peer *peer, const char *catalog,
                                   const char *db_schema, const char *table, const char *column,
                                   cflight_error **reterr)
{
    const struct cflight_sql_table_name name = {t_text(catalog), t_text(db_schema), t_text(table)};
    struct ArrowSchema schema;
    cflight_status status =
        cflight_sql_get_table_schema(peer->client, &name, NULL, &schema, reterr);
    if (status == CFLIGHT_OK) {
        assert_string_equal(schema.children[0]->name, column);
        schema.release(&schema);
    }
    return status;
}

/* Goal: the schema of a table is that of its exact name, whatever else the pattern matches; columns
 * are found by name (rule 9) and checked. */
TEST(sql_client, the_schema_of_a_table_is_of_the_exact_name)
{
    struct t_sql_peer peer;
    cflight_error *error = NULL;
    const struct t_sql_script script = {.get = write_birds};
    t_sql_peer_start(&peer, &script);
    CHECK_OK(table_schema(&peer, NULL, NULL, "bird_s", "north_bird_s", &error), error);
    CHECK_OK(table_schema(&peer, NULL, "north", "birds", "north_birds", &error), error);
    CHECK_OK(table_schema(&peer, "attic", NULL, "birds", "south_birds", &error), error);
    CHECK_OK(table_schema(&peer, "", NULL, "birds", "north_birds", &error), error);
    CHECK_OK(table_schema(&peer, "", "", "eggs", "eggs", &error), error);
    t_sql_peer_check(&peer, "GetFlightInfo CommandGetTables bird_s\nDoGet CommandGetTables bird_s\n"
                            "GetFlightInfo CommandGetTables birds\nDoGet CommandGetTables birds\n"
                            "GetFlightInfo CommandGetTables birds\nDoGet CommandGetTables birds\n"
                            "GetFlightInfo CommandGetTables birds\nDoGet CommandGetTables birds\n"
                            "GetFlightInfo CommandGetTables eggs\nDoGet CommandGetTables eggs\n");
    CHECK_STATUS(table_schema(&peer, NULL, NULL, "birds", "", &error), CFLIGHT_FAILED_PRECONDITION);
    cflight_error_free(error);
    error = NULL;
    CHECK_STATUS(table_schema(&peer, NULL, NULL, "nest", "", &error), CFLIGHT_NOT_FOUND);
    assert_string_equal(cflight_error_message(error), "CommandGetTables: there is no table 'nest'");
    cflight_error_free(error);
    error = NULL;
    CHECK_STATUS(table_schema(&peer, NULL, NULL, "broken", "", &error), CFLIGHT_DATA_LOSS);
    cflight_error_free(error);
    t_sql_peer_stop(&peer);

    t_sql_peer_start(&peer, NULL); /* rows of something else */
    error = NULL;
    CHECK_STATUS(table_schema(&peer, NULL, NULL, "birds", "", &error), CFLIGHT_DATA_LOSS);
    assert_string_equal(cflight_error_message(error),
                        "CommandGetTables: not rows of tables: no column 'catalog_name'");
    cflight_error_free(error);
    t_sql_peer_stop(&peer);
}

/* ---- long queries, and their end ---- */

static cflight_status answer_poll(struct t_sql_peer *peer,
                                  const struct cflight_descriptor *descriptor,
                                  cflight_response *response, cflight_error **reterr)
{
    const struct cflight_descriptor next = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                            .cmd = t_text("next, any")};
    const struct cflight_endpoint endpoint = {.ticket = t_text("t")};
    struct cflight_info info = {.descriptor = *descriptor,
                                .endpoints = &endpoint,
                                .endpoint_count = 1,
                                .total_records = -1,
                                .total_bytes = -1};
    struct cflight_poll_info poll_info = {.info = &info};
    (void)peer;
    if (!t_is_text(descriptor->cmd, "next, any")) {
        poll_info.descriptor = &next;
    }
    return cflight_response_poll_info(response, &poll_info, reterr);
}

/* Goal: a long query is started with its command and asked for with whatever the server gave. */
TEST(sql_client, polling_goes_on_with_what_the_server_gave)
{
    struct t_sql_peer peer;
    cflight_error *error = NULL;
    struct cflight_poll_info *first = NULL;
    struct cflight_poll_info *last = NULL;
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_STATEMENT_QUERY};
    const struct t_sql_script script = {.poll = answer_poll};
    command.statement.query = t_text("q");
    t_sql_peer_start(&peer, &script);
    CHECK_OK(cflight_sql_poll(peer.client, &command, NULL, NULL, &first, &error), error);
    CHECK_OK(cflight_sql_poll(peer.client, &command, first->descriptor, NULL, &last, &error),
             error);
    assert_null(last->descriptor);
    assert_int_equal(last->info->endpoint_count, 1);
    cflight_poll_info_free(first);
    cflight_poll_info_free(last);
    t_sql_peer_check(&peer, "PollFlightInfo CommandStatementQuery q\nPollFlightInfo next, any\n");
    t_sql_peer_stop(&peer);
}

static cflight_status cancel_flight_info(struct t_sql_peer *peer,
                                         const struct cflight_action *action,
                                         cflight_response *response, cflight_error **reterr)
{
    cflight_buffer *body = NULL;
    (void)peer;
    (void)action;
    cflight_status status =
        cflight_cancel_result_serialize(CFLIGHT_CANCEL_STATUS_CANCELLING, &body, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_response_result(response, cflight_buffer_bytes(body), reterr);
    }
    cflight_buffer_unref(body);
    return status;
}

/* Knows the older action alone. */
static cflight_status cancel_query(struct t_sql_peer *peer, const struct cflight_action *action,
                                   cflight_response *response, cflight_error **reterr)
{
    struct cflight_sql_message *message = NULL;
    struct cflight_info *info = NULL;
    struct cflight_sql_message answer = {.type = CFLIGHT_SQL_CANCEL_QUERY_RESULT};
    if (t_is_text(action->type, CFLIGHT_ACTION_CANCEL_FLIGHT_INFO)) {
        return cflight_error_set_message(
            reterr, peer->locked.id_count == 0 ? CFLIGHT_UNIMPLEMENTED : CFLIGHT_INVALID_ARGUMENT,
            "unknown action");
    }
    cflight_status status = cflight_sql_message_unpack(action->body, &message, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_info_parse(message->info, &info, reterr);
    }
    if (status == CFLIGHT_OK && t_is_text(info->endpoints[0].ticket, "0")) {
        answer.cancel_status = CFLIGHT_CANCEL_STATUS_CANCELLED;
        status = t_sql_answer(response, &answer, reterr);
    }
    cflight_info_free(info);
    cflight_sql_message_free(message);
    return status;
}

static cflight_status cancel_unknown(struct t_sql_peer *peer, const struct cflight_action *action,
                                     cflight_response *response, cflight_error **reterr)
{
    (void)peer;
    (void)action;
    (void)response;
    return cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND, "no such query");
}

static cflight_status cancel(struct t_sql_peer *peer, enum cflight_cancel_status *ret_cancel_status,
                             cflight_error **reterr)
{
    const struct cflight_endpoint endpoint = {.ticket = t_text("0")};
    const struct cflight_info info = {
        .descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD, .cmd = t_text("q")},
        .endpoints = &endpoint,
        .endpoint_count = 1};
    return cflight_sql_cancel(peer->client, &info, NULL, ret_cancel_status, reterr);
}

/* Goal: a query is cancelled by the standard action, or by the older one where the server does not
 * know it; a query that the server does not know is no reason to ask again. */
TEST(sql_client, cancelling_goes_back_to_the_older_action)
{
    struct t_sql_peer peer;
    cflight_error *error = NULL;
    enum cflight_cancel_status cancel_status = CFLIGHT_CANCEL_STATUS_UNSPECIFIED;
    struct t_sql_script script = {.action = cancel_flight_info};
    t_sql_peer_start(&peer, &script);
    CHECK_OK(cancel(&peer, &cancel_status, &error), error);
    assert_int_equal(cancel_status, CFLIGHT_CANCEL_STATUS_CANCELLING);
    t_sql_peer_check(&peer, "CancelFlightInfo \n");
    t_sql_peer_stop(&peer);

    script.action = cancel_query;
    t_sql_peer_start(&peer, &script);
    for (peer.locked.id_count = 0; peer.locked.id_count < 2; peer.locked.id_count++) {
        CHECK_OK(cancel(&peer, &cancel_status, &error), error);
        assert_int_equal(cancel_status, CFLIGHT_CANCEL_STATUS_CANCELLED);
        t_sql_peer_check(&peer, "CancelFlightInfo \nDoAction ActionCancelQueryRequest\n");
    }
    t_sql_peer_stop(&peer);

    script.action = cancel_unknown;
    t_sql_peer_start(&peer, &script);
    CHECK_STATUS(cancel(&peer, &cancel_status, &error), CFLIGHT_NOT_FOUND);
    assert_string_equal(cflight_error_message(error), "CancelFlightInfo: no such query");
    cflight_error_free(error);
    t_sql_peer_check(&peer, "CancelFlightInfo \n");
    t_sql_peer_stop(&peer);
}
