/* SPDX-License-Identifier: Apache-2.0 */
/* The server kit: uploads that become tables. */
#include "sql_engine.h"
#include "test.h"

struct fixture {
    struct t_engine engine;
    cflight_client *client;
};

static const struct cflight_bytes NONE = {NULL, 0};

static void start(struct fixture *fixture)
{
    t_engine_init(&fixture->engine);
    t_engine_start(&fixture->engine, NULL);
    fixture->client = t_sql_client(&fixture->engine, NULL);
    (void)t_sql_run(fixture->client, "CREATE t", NONE);
}

static void stop(struct fixture *fixture)
{
    cflight_client_free(fixture->client);
    t_engine_stop(&fixture->engine);
}

static bool no_session(const struct cflight_sql_server_counts *counts)
{
    return counts->session_count == 0;
}

static int64_t ingest(struct fixture *fixture, const char *table, int if_missing, int if_exists,
                      struct cflight_bytes transaction_id, size_t count, cflight_status *ret_status)
{
    static const int64_t VALUES[] = {1, 2, 3, 4};
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_STATEMENT_INGEST};
    struct cflight_sql_message *result = NULL;
    cflight_buffer *bytes = NULL;
    message.ingest.name.table = t_text(table);
    message.ingest.if_missing = (enum cflight_sql_if_missing)if_missing;
    message.ingest.if_exists = (enum cflight_sql_if_exists)if_exists;
    message.ingest.transaction_id = transaction_id;
    *ret_status = t_sql_put(fixture->client, &message, VALUES, count, &bytes, NULL);
    int64_t row_count = -100;
    if (*ret_status == CFLIGHT_OK) {
        CHECK_OK(cflight_sql_message_parse(CFLIGHT_SQL_UPDATE_RESULT, cflight_buffer_bytes(bytes),
                                           &result, NULL),
                 NULL);
        row_count = result->record_count;
        cflight_sql_message_free(result);
    }
    cflight_buffer_unref(bytes);
    return row_count;
}

TEST(sql_ingest, the_modes_do_what_they_say)
{
    static const struct {
        int if_missing;
        int if_exists;
        bool is_there;
        cflight_status status;
        int64_t rows; /* after it, of 1 before where the table was there */
    } CASES[] = {
        {1, 1, false, CFLIGHT_OK, 4},
        {1, 1, true, CFLIGHT_ALREADY_EXISTS, 1},
        {2, 2, false, CFLIGHT_NOT_FOUND, -1},
        {2, 2, true, CFLIGHT_OK, 5},
        {1, 2, false, CFLIGHT_OK, 4},
        {1, 2, true, CFLIGHT_OK, 5},
        {1, 3, false, CFLIGHT_OK, 4},
        {1, 3, true, CFLIGHT_OK, 4},
        {2, 3, false, CFLIGHT_NOT_FOUND, -1},
        {2, 3, true, CFLIGHT_OK, 4},
        {2, 1, true, CFLIGHT_INVALID_ARGUMENT, 1},
        {0, 1, false, CFLIGHT_INVALID_ARGUMENT, -1},
        {1, 0, false, CFLIGHT_INVALID_ARGUMENT, -1},
    };
    struct fixture fixture;
    start(&fixture);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        cflight_status status = CFLIGHT_OK;
        (void)t_sql_run(fixture.client, "DROP u", NONE);
        if (CASES[i].is_there) {
            (void)t_sql_run(fixture.client, "CREATE u", NONE);
            (void)t_sql_run(fixture.client, "INSERT u 9", NONE);
        }
        int64_t count =
            ingest(&fixture, "u", CASES[i].if_missing, CASES[i].if_exists, NONE, 4, &status);
        CHECK_STATUS(status, CASES[i].status);
        assert_int_equal(count, status == CFLIGHT_OK ? 4 : -100);
        assert_int_equal(t_engine_rows(&fixture.engine, "u"), CASES[i].rows);
    }
    stop(&fixture);
}

TEST(sql_ingest, no_rows_make_the_table)
{
    struct fixture fixture;
    cflight_status status = CFLIGHT_UNKNOWN;
    start(&fixture);
    assert_int_equal(ingest(&fixture, "u", 1, 1, NONE, 0, &status), 0);
    assert_int_equal(t_engine_rows(&fixture.engine, "u"), 0);
    stop(&fixture);
}

TEST(sql_ingest, it_is_part_of_its_transaction)
{
    struct fixture fixture;
    cflight_status status = CFLIGHT_UNKNOWN;
    start(&fixture);
    struct cflight_sql_message *begun = t_sql_begin(fixture.client);
    assert_int_equal(ingest(&fixture, "t", 2, 2, begun->handle, 4, &status), 4);
    assert_int_equal(t_engine_rows(&fixture.engine, "t"), 4);
    CHECK_OK(t_sql_end(fixture.client, begun->handle, CFLIGHT_SQL_END_ROLLBACK, NULL), NULL);
    assert_int_equal(t_engine_rows(&fixture.engine, "t"), 0);
    cflight_sql_message_free(begun);
    stop(&fixture);
}

TEST(sql_ingest, a_temporary_table_needs_a_session)
{
    struct fixture fixture;
    cflight_buffer *bytes = NULL;
    static const int64_t ANY[] = {1};
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_STATEMENT_INGEST};
    start(&fixture);
    message.ingest.name.table = t_text("u");
    message.ingest.if_missing = CFLIGHT_SQL_IF_MISSING_CREATE;
    message.ingest.if_exists = CFLIGHT_SQL_IF_EXISTS_FAIL;
    message.ingest.temporary = true;
    CHECK_STATUS(t_sql_put(fixture.client, &message, ANY, 1, &bytes, NULL),
                 CFLIGHT_FAILED_PRECONDITION);
    stop(&fixture);
}

TEST(sql_ingest, an_upload_that_is_cancelled_leaves_nothing)
{
    struct fixture fixture;
    struct ArrowSchema schema;
    cflight_writer *writer = NULL;
    cflight_metadata_reader *reader = NULL;
    static const struct cflight_field FIELDS[] = {{.name = "0", .format = "l"}};
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_STATEMENT_INGEST};
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
    start(&fixture);
    message.ingest.name.table = t_text("u");
    message.ingest.if_missing = CFLIGHT_SQL_IF_MISSING_CREATE;
    message.ingest.if_exists = CFLIGHT_SQL_IF_EXISTS_FAIL;
    cflight_buffer *bytes = t_sql_pack(&message);
    descriptor.cmd = cflight_buffer_bytes(bytes);
    CHECK_OK(cflight_schema_new(FIELDS, 1, &schema, NULL), NULL);
    CHECK_OK(
        cflight_client_do_put(fixture.client, &descriptor, &schema, NULL, &writer, &reader, NULL),
        NULL);
    cflight_writer_cancel(writer);
    CHECK_STATUS(cflight_writer_close(writer, NULL), CFLIGHT_CANCELLED);
    t_sql_wait_counts(&fixture.engine, no_session);
    assert_int_equal(t_engine_rows(&fixture.engine, "u"), -1);
    cflight_metadata_reader_free(reader);
    cflight_writer_free(writer);
    schema.release(&schema);
    cflight_buffer_unref(bytes);
    stop(&fixture);
}
