/* SPDX-License-Identifier: Apache-2.0 */
/* The client of Flight SQL and the server kit with one another. */
#include <stdio.h>

#include "sql_engine.h"
#include "test.h"

struct fixture {
    struct t_engine engine;
    cflight_client *client;
};

static void start(struct fixture *fixture)
{
    t_engine_init(&fixture->engine);
    t_engine_add_lists(&fixture->engine);
    t_engine_start(&fixture->engine, NULL);
    fixture->client = t_sql_client(&fixture->engine, NULL);
}

static void stop(struct fixture *fixture)
{
    cflight_client_free(fixture->client);
    t_engine_stop(&fixture->engine);
}

/* Rows of a stream, which is released. */
static int64_t drain(struct ArrowArrayStream *stream)
{
    int64_t row_count = 0;
    for (;;) {
        struct ArrowArray batch;
        int code = stream->get_next(stream, &batch);
        if (code != 0) {
            fail_msg("%s", stream->get_last_error(stream));
        }
        if (batch.release == NULL) {
            break;
        }
        row_count += batch.length;
        batch.release(&batch);
    }
    stream->release(stream);
    return row_count;
}

static void numbers(int64_t first, size_t count, struct ArrowArrayStream *ret_stream)
{
    static const struct cflight_field FIELDS[] = {{.name = "n", .format = "l"}};
    struct ArrowSchema schema;
    struct ArrowArray batch;
    cflight_builder *builder = NULL;
    CHECK_OK(cflight_schema_new(FIELDS, 1, &schema, NULL), NULL);
    CHECK_OK(cflight_builder_new(&schema, NULL, &builder, NULL), NULL);
    for (size_t i = 0; i < count; i++) {
        cflight_append_int(cflight_builder_column(builder, 0), first + (int64_t)i);
        cflight_builder_end_row(builder);
    }
    CHECK_OK(cflight_builder_finish(builder, &batch, NULL), NULL);
    CHECK_OK(cflight_batches_to_stream(&schema, &batch, 1, ret_stream, NULL), NULL);
    cflight_builder_free(builder);
    schema.release(&schema);
}

static int64_t update(struct fixture *fixture, const char *text,
                      const struct cflight_sql_options *options)
{
    int64_t row_count = -100;
    cflight_error *error = NULL;
    CHECK_OK(cflight_sql_update(fixture->client, t_text(text), options, &row_count, &error), error);
    return row_count;
}

TEST(sql_both, queries_small_and_large_and_in_parts)
{
    /* Goal: rows with the first answer, an open stream, and three endpoints, through one call. */
    static const struct {
        const char *text;
        int64_t row_count;
    } CASES[] = {{"COUNT 0", 0}, {"COUNT 1", 1}, {"COUNT 300000", 300000}, {"PARTS 3", 6000}};
    struct fixture fixture;
    start(&fixture);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        for (int is_off = 0; is_off < 2; is_off++) {
            struct cflight_sql_options options = CFLIGHT_SQL_OPTIONS_INIT;
            struct ArrowArrayStream stream;
            cflight_error *error = NULL;
            options.inline_is_off = is_off == 1;
            CHECK_OK(
                cflight_sql_query(fixture.client, t_text(CASES[i].text), &options, &stream, &error),
                error);
            assert_int_equal(drain(&stream), CASES[i].row_count);
        }
    }
    assert_int_equal(atomic_load(&fixture.engine.execute_count), 8);
    stop(&fixture);
}

TEST(sql_both, prepared_statements_are_bound_and_run)
{
    struct fixture fixture;
    struct ArrowArrayStream rows;
    cflight_sql_statement *statement = NULL;
    int64_t row_count = 0;
    start(&fixture);
    (void)update(&fixture, "CREATE t", NULL);
    CHECK_OK(cflight_sql_prepare(fixture.client, t_text("INSERT t ?"), NULL, &statement, NULL),
             NULL);
    assert_int_equal(cflight_sql_statement_is_update(statement), CFLIGHT_SQL_UPDATE_YES);
    assert_int_equal(cflight_sql_statement_parameters(statement)->n_children, 1);
    numbers(10, 5, &rows);
    CHECK_OK(cflight_sql_statement_update(statement, &rows, NULL, &row_count, NULL), NULL);
    rows.release(&rows);
    assert_int_equal(row_count, 5);
    numbers(20, 2, &rows);
    CHECK_OK(cflight_sql_statement_bind(statement, &rows, NULL, NULL), NULL);
    rows.release(&rows);
    CHECK_OK(cflight_sql_statement_update(statement, NULL, NULL, &row_count, NULL), NULL);
    assert_int_equal(row_count, 2);
    CHECK_OK(cflight_sql_statement_close(statement, NULL, NULL), NULL);
    cflight_sql_statement_free(statement);
    assert_int_equal(t_engine_rows(&fixture.engine, "t"), 7);
    CHECK_OK(cflight_sql_prepare(fixture.client, t_text("SELECT t"), NULL, &statement, NULL), NULL);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(cflight_sql_statement_query(statement, NULL, &rows, NULL), NULL);
        assert_int_equal(drain(&rows), 7);
    }
    cflight_sql_statement_free(statement);
    stop(&fixture);
}

TEST(sql_both, transactions_and_savepoints)
{
    struct fixture fixture;
    struct cflight_sql_options options = CFLIGHT_SQL_OPTIONS_INIT;
    cflight_sql_transaction *transaction = NULL;
    cflight_buffer *savepoint = NULL;
    start(&fixture);
    (void)update(&fixture, "CREATE t", NULL);
    CHECK_OK(cflight_sql_begin(fixture.client, NULL, &transaction, NULL), NULL);
    options.transaction = transaction;
    (void)update(&fixture, "INSERT t 1", &options);
    CHECK_OK(cflight_sql_savepoint(transaction, t_text("here"), NULL, &savepoint, NULL), NULL);
    (void)update(&fixture, "INSERT t 2", &options);
    CHECK_OK(cflight_sql_savepoint_end(transaction, cflight_buffer_bytes(savepoint),
                                       CFLIGHT_SQL_END_ROLLBACK, NULL, NULL),
             NULL);
    cflight_buffer_unref(savepoint);
    CHECK_OK(cflight_sql_transaction_commit(transaction, NULL, NULL), NULL);
    cflight_sql_transaction_free(transaction);
    assert_int_equal(t_engine_rows(&fixture.engine, "t"), 1);
    CHECK_OK(cflight_sql_begin(fixture.client, NULL, &transaction, NULL), NULL);
    options.transaction = transaction;
    (void)update(&fixture, "INSERT t 3", &options);
    cflight_sql_transaction_free(transaction); /* left open: rolled back */
    assert_int_equal(atomic_load(&fixture.engine.rollback_count), 1);
    assert_int_equal(t_engine_rows(&fixture.engine, "t"), 1);
    stop(&fixture);
}

TEST(sql_both, ingest_and_lists)
{
    struct fixture fixture;
    struct ArrowArrayStream rows;
    struct ArrowSchema schema;
    cflight_sql_info *info = NULL;
    int64_t row_count = 0;
    start(&fixture);
    struct cflight_sql_ingest_target target = {CFLIGHT_SQL_INGEST_CREATE,
                                               .name = {.table = t_text("u")}};
    numbers(0, 9, &rows);
    CHECK_OK(cflight_sql_ingest(fixture.client, &target, &rows, NULL, &row_count, NULL), NULL);
    assert_int_equal(row_count, 9);
    rows.release(&rows);
    numbers(0, 9, &rows);
    CHECK_STATUS(cflight_sql_ingest(fixture.client, &target, &rows, NULL, &row_count, NULL),
                 CFLIGHT_ALREADY_EXISTS);
    rows.release(&rows);
    CHECK_OK(cflight_sql_get_tables(fixture.client, NULL, NULL, &rows, NULL), NULL);
    assert_int_equal(drain(&rows), 1);
    struct cflight_sql_table_name name = {.table = t_text("u")};
    CHECK_OK(cflight_sql_get_table_schema(fixture.client, &name, NULL, &schema, NULL), NULL);
    assert_string_equal(schema.children[0]->name, "n");
    schema.release(&schema);
    CHECK_OK(cflight_sql_get_sql_info(fixture.client, NULL, 0, NULL, &info, NULL), NULL);
    assert_true(t_is_text(cflight_sql_info_text(info, CFLIGHT_SQL_INFO_SERVER_NAME), "cflight"));
    assert_int_equal(cflight_sql_info_number(info, CFLIGHT_SQL_INFO_SERVER_TRANSACTION, 0),
                     CFLIGHT_SQL_TRANSACTION_SAVEPOINT);
    assert_true(cflight_sql_info_bool(info, CFLIGHT_SQL_INFO_SERVER_BULK_INGESTION, false));
    cflight_sql_info_free(info);
    stop(&fixture);
}

TEST(sql_both, a_query_is_cancelled_and_errors_name_it)
{
    struct fixture fixture;
    struct cflight_info *info = NULL;
    struct ArrowArrayStream rows;
    cflight_error *error = NULL;
    enum cflight_cancel_status cancelled = CFLIGHT_CANCEL_STATUS_UNSPECIFIED;
    start(&fixture);
    struct cflight_sql_message message = t_query("COUNT 300000");
    CHECK_OK(cflight_sql_get_info(fixture.client, &message, NULL, &info, NULL), NULL);
    CHECK_OK(cflight_sql_cancel(fixture.client, info, NULL, &cancelled, NULL), NULL);
    assert_int_equal(cancelled, CFLIGHT_CANCEL_STATUS_CANCELLED);
    CHECK_STATUS(cflight_sql_cancel(fixture.client, info, NULL, &cancelled, NULL),
                 CFLIGHT_NOT_FOUND);
    cflight_info_free(info);
    CHECK_STATUS(cflight_sql_query(fixture.client, t_text("FAIL loudly"), NULL, &rows, &error),
                 CFLIGHT_INVALID_ARGUMENT);
    assert_non_null(strstr(cflight_error_message(error), "FAIL loudly"));
    cflight_error_free(error);
    stop(&fixture);
}

/* Goal: who runs a query by its text can stop it at the server, too.
 * Method: the info of a query whose rows are being read, and that of one whose text is wrong. */
TEST(sql_both, a_query_gives_the_info_to_cancel_it_by)
{
    struct fixture fixture;
    struct cflight_info *info = NULL;
    struct ArrowArrayStream rows;
    struct ArrowArray batch;
    enum cflight_cancel_status cancelled = CFLIGHT_CANCEL_STATUS_UNSPECIFIED;
    struct cflight_sql_options options = CFLIGHT_SQL_OPTIONS_INIT;
    options.ret_info = &info;
    start(&fixture);
    CHECK_STATUS(cflight_sql_query(fixture.client, t_text("FAIL"), &options, &rows, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    assert_null(info);
    CHECK_OK(cflight_sql_query(fixture.client, t_text("COUNT 3000000"), &options, &rows, NULL),
             NULL);
    assert_non_null(info);
    CHECK_OK(cflight_sql_cancel(fixture.client, info, NULL, &cancelled, NULL), NULL);
    assert_int_equal(cancelled, CFLIGHT_CANCEL_STATUS_CANCELLED);
    int os_code = 0;
    while ((os_code = rows.get_next(&rows, &batch)) == 0 && batch.release != NULL) {
        batch.release(&batch);
    }
    assert_int_not_equal(os_code, 0);
    rows.release(&rows);
    cflight_info_free(info);
    stop(&fixture);
}
