/* SPDX-License-Identifier: Apache-2.0 */
/* The driver over its table: what Python's driver manager does not let through. */
#include <errno.h>
#include <stdlib.h>

#include "adbc_fixture.h"
#include "cflight/builder.h"

enum { GARBAGE = 0xA5 };

/* ---- options ---- */

TEST(adbc_driver, getters_tell_the_length_and_write_what_fits)
{
    struct t_adbc adbc;
    char text[64];
    uint8_t bytes[64];
    size_t len_bytes = 0;
    int64_t integer = 0;
    t_adbc_start(&adbc);
    struct AdbcStatement statement = t_adbc_statement(&adbc, NULL);
    CHECK_CODE(
        adbc.driver.StatementSetOption(&statement, "adbc.ingest.target_table", "name", &adbc.error),
        0, &adbc.error);
    CHECK_CODE(adbc.driver.StatementGetOption(&statement, "adbc.ingest.target_table", NULL,
                                              &len_bytes, &adbc.error),
               0, &adbc.error);
    assert_int_equal(len_bytes, 5);
    memset(text, GARBAGE, sizeof text);
    len_bytes = 4;
    CHECK_CODE(adbc.driver.StatementGetOption(&statement, "adbc.ingest.target_table", text,
                                              &len_bytes, &adbc.error),
               0, &adbc.error);
    assert_int_equal(len_bytes, 5);
    assert_int_equal((uint8_t)text[0], GARBAGE);
    CHECK_CODE(adbc.driver.StatementGetOption(&statement, "adbc.ingest.target_table", text,
                                              &len_bytes, &adbc.error),
               0, &adbc.error);
    assert_string_equal(text, "name");
    memset(bytes, GARBAGE, sizeof bytes);
    len_bytes = sizeof bytes;
    CHECK_CODE(adbc.driver.StatementGetOptionBytes(&statement, "adbc.ingest.target_table", bytes,
                                                   &len_bytes, &adbc.error),
               0, &adbc.error);
    assert_int_equal(len_bytes, 4);
    assert_int_equal(bytes[4], GARBAGE);
    CHECK_CODE(
        adbc.driver.StatementSetOptionInt(&statement, "adbc.rpc.result_queue_size", 9, &adbc.error),
        0, &adbc.error);
    CHECK_CODE(adbc.driver.StatementGetOptionInt(&statement, "adbc.rpc.result_queue_size", &integer,
                                                 &adbc.error),
               0, &adbc.error);
    assert_int_equal(integer, 9);
    CHECK_CODE(adbc.driver.StatementSetOptionDouble(
                   &statement, "adbc.flight.sql.rpc.timeout_seconds.query", -1.0, &adbc.error),
               ADBC_STATUS_INVALID_ARGUMENT, &adbc.error);
    CHECK_CODE(adbc.driver.StatementSetOption(&statement, "adbc.statement.exec.progress", "1",
                                              &adbc.error),
               ADBC_STATUS_INVALID_ARGUMENT, &adbc.error);
    CHECK_CODE(adbc.driver.StatementRelease(&statement, &adbc.error), 0, &adbc.error);
    t_adbc_stop(&adbc);
}

/* ---- rows in ---- */

static void numbers(struct ArrowSchema *ret_schema, struct ArrowArray *ret_batch, int64_t count)
{
    static const struct cflight_field FIELDS[] = {{.name = "n", .format = "l"}};
    cflight_builder *builder = NULL;
    CHECK_OK(cflight_schema_new(FIELDS, 1, ret_schema, NULL), NULL);
    CHECK_OK(cflight_builder_new(ret_schema, NULL, &builder, NULL), NULL);
    for (int64_t i = 0; i < count; i++) {
        cflight_append_int(cflight_builder_column(builder, 0), i);
        cflight_builder_end_row(builder);
    }
    CHECK_OK(cflight_builder_finish(builder, ret_batch, NULL), NULL);
    cflight_builder_free(builder);
}

TEST(adbc_driver, bound_rows_are_taken_and_a_batch_can_be_sent_again)
{
    struct t_adbc adbc;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    int64_t row_count = 0;
    t_adbc_start(&adbc);
    struct AdbcStatement statement = t_adbc_statement(&adbc, "CREATE t");
    CHECK_CODE(adbc.driver.StatementExecuteQuery(&statement, NULL, NULL, &adbc.error), 0,
               &adbc.error);
    CHECK_CODE(adbc.driver.StatementSetSqlQuery(&statement, "INSERT t ?", &adbc.error), 0,
               &adbc.error);
    numbers(&schema, &batch, 3);
    CHECK_CODE(adbc.driver.StatementBind(&statement, &batch, &schema, &adbc.error), 0, &adbc.error);
    assert_null(batch.release);
    assert_null(schema.release);
    CHECK_CODE(adbc.driver.StatementBind(&statement, &batch, &schema, &adbc.error),
               ADBC_STATUS_INVALID_ARGUMENT, &adbc.error);
    for (int i = 1; i <= 2; i++) {
        CHECK_CODE(adbc.driver.StatementExecuteQuery(&statement, NULL, &row_count, &adbc.error), 0,
                   &adbc.error);
        assert_int_equal(row_count, 3);
        assert_int_equal(t_engine_rows(&adbc.engine, "t"), 3 * i);
    }
    CHECK_CODE(adbc.driver.StatementRelease(&statement, &adbc.error), 0, &adbc.error);
    t_adbc_stop(&adbc);
}

/* ---- rows out ---- */

TEST(adbc_driver, a_query_that_was_not_prepared_is_one_call)
{
    struct t_adbc adbc;
    struct ArrowArrayStream stream;
    int64_t row_count = 0;
    t_adbc_start(&adbc);
    struct AdbcStatement statement = t_adbc_statement(&adbc, "COUNT 10");
    CHECK_CODE(adbc.driver.StatementExecuteQuery(&statement, &stream, &row_count, &adbc.error), 0,
               &adbc.error);
    assert_int_equal(row_count, 10);
    assert_int_equal(t_adbc_drain(&stream), 10);
    assert_int_equal(atomic_load(&adbc.engine.execute_count), 1);
    CHECK_CODE(adbc.driver.StatementRelease(&statement, &adbc.error), 0, &adbc.error);
    t_adbc_stop(&adbc);
}

TEST(adbc_driver, partitions_are_read_by_any_connection)
{
    struct t_adbc adbc;
    struct AdbcPartitions partitions;
    struct ArrowSchema schema;
    struct ArrowArrayStream stream;
    int64_t row_count = 0;
    int64_t sum = 0;
    t_adbc_start(&adbc);
    struct AdbcStatement statement = t_adbc_statement(&adbc, "PARTS 3");
    memset(&partitions, GARBAGE, sizeof partitions);
    memset(&schema, GARBAGE, sizeof schema);
    CHECK_CODE(adbc.driver.StatementExecutePartitions(&statement, &schema, &partitions, &row_count,
                                                      &adbc.error),
               0, &adbc.error);
    assert_int_equal(partitions.num_partitions, 3);
    for (size_t i = 0; i < partitions.num_partitions; i++) {
        CHECK_CODE(adbc.driver.ConnectionReadPartition(&adbc.connection, partitions.partitions[i],
                                                       partitions.partition_lengths[i], &stream,
                                                       &adbc.error),
                   0, &adbc.error);
        sum += t_adbc_drain(&stream);
    }
    assert_int_equal(sum, 6000);
    CHECK_CODE(adbc.driver.ConnectionReadPartition(&adbc.connection, partitions.partitions[0], 3,
                                                   &stream, &adbc.error),
               ADBC_STATUS_INVALID_ARGUMENT, &adbc.error);
    partitions.release(&partitions);
    assert_null(partitions.release);
    schema.release(&schema);
    CHECK_CODE(adbc.driver.StatementRelease(&statement, &adbc.error), 0, &adbc.error);
    t_adbc_stop(&adbc);
}

/* ---- cancel ---- */

struct canceller {
    struct t_adbc *adbc;
    struct AdbcStatement *statement;
    AdbcStatusCode code;
};

static void *cancel_when_it_hangs(void *user_data)
{
    struct canceller *canceller = user_data;
    t_engine_wait_running(&canceller->adbc->engine, 1);
    canceller->code = canceller->adbc->driver.StatementCancel(canceller->statement, NULL);
    return NULL;
}

TEST(adbc_driver, a_statement_that_hangs_is_cancelled_from_another_thread)
{
    struct t_adbc adbc;
    struct ArrowArrayStream stream;
    pthread_t thread;
    t_adbc_start(&adbc);
    struct AdbcStatement statement = t_adbc_statement(&adbc, "SLEEP");
    struct canceller canceller = {&adbc, &statement, ADBC_STATUS_UNKNOWN};
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_it_hangs, &canceller), 0);
    CHECK_CODE(adbc.driver.StatementExecuteQuery(&statement, NULL, NULL, &adbc.error),
               ADBC_STATUS_CANCELLED, &adbc.error);
    assert_int_equal(pthread_join(thread, NULL), 0);
    CHECK_CODE(canceller.code, 0, &adbc.error);
    CHECK_CODE(adbc.driver.StatementCancel(&statement, &adbc.error), ADBC_STATUS_INVALID_STATE,
               &adbc.error);
    CHECK_CODE(adbc.driver.StatementSetSqlQuery(&statement, "COUNT 3", &adbc.error), 0,
               &adbc.error);
    CHECK_CODE(adbc.driver.StatementExecuteQuery(&statement, &stream, NULL, &adbc.error), 0,
               &adbc.error);
    assert_int_equal(t_adbc_drain(&stream), 3);
    CHECK_CODE(adbc.driver.StatementRelease(&statement, &adbc.error), 0, &adbc.error);
    t_adbc_stop(&adbc);
}

TEST(adbc_driver, a_cancelled_stream_says_so)
{
    struct t_adbc adbc;
    struct ArrowArrayStream stream;
    struct ArrowArray batch;
    AdbcStatusCode code = ADBC_STATUS_OK;
    int number = 0;
    t_adbc_start(&adbc);
    struct AdbcStatement statement = t_adbc_statement(&adbc, "COUNT 100000000");
    CHECK_CODE(adbc.driver.StatementExecuteQuery(&statement, &stream, NULL, &adbc.error), 0,
               &adbc.error);
    assert_null(adbc.driver.ErrorFromArrayStream(&stream, &code));
    CHECK_CODE(adbc.driver.StatementCancel(&statement, &adbc.error), 0, &adbc.error);
    while (number == 0) {
        number = stream.get_next(&stream, &batch);
        assert_true(number != 0 || batch.release != NULL);
        if (number == 0) {
            batch.release(&batch);
        }
    }
    assert_int_equal(number, ECANCELED);
    const struct AdbcError *error = adbc.driver.ErrorFromArrayStream(&stream, &code);
    assert_non_null(error);
    assert_int_equal(code, ADBC_STATUS_CANCELLED);
    assert_string_equal(error->message, stream.get_last_error(&stream));
    stream.release(&stream);
    CHECK_CODE(adbc.driver.StatementRelease(&statement, &adbc.error), 0, &adbc.error);
    t_adbc_stop(&adbc);
}

/* Goal: rows that are in memory are cancelled with their operation, also after a release. Method:
 * what the driver puts together, and what came with the answer to a query. */
TEST(adbc_driver, rows_that_are_in_memory_are_cancelled_too)
{
    struct t_adbc adbc;
    struct ArrowArrayStream streams[2];
    struct ArrowArray batch;
    AdbcStatusCode code = ADBC_STATUS_OK;
    t_adbc_start(&adbc);
    struct AdbcStatement statement = t_adbc_statement(&adbc, "COUNT 3");
    CHECK_CODE(adbc.driver.ConnectionGetObjects(&adbc.connection, ADBC_OBJECT_DEPTH_CATALOGS, NULL,
                                                NULL, NULL, NULL, NULL, &streams[0], &adbc.error),
               0, &adbc.error);
    CHECK_CODE(adbc.driver.ConnectionCancel(&adbc.connection, &adbc.error), 0, &adbc.error);
    CHECK_CODE(adbc.driver.StatementExecuteQuery(&statement, &streams[1], NULL, &adbc.error), 0,
               &adbc.error);
    CHECK_CODE(adbc.driver.StatementCancel(&statement, &adbc.error), 0, &adbc.error);
    CHECK_CODE(adbc.driver.StatementRelease(&statement, &adbc.error), 0, &adbc.error);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(streams[i].get_next(&streams[i], &batch), ECANCELED);
        assert_non_null(strstr(streams[i].get_last_error(&streams[i]), "cancelled"));
        assert_non_null(adbc.driver.ErrorFromArrayStream(&streams[i], &code));
        assert_int_equal(code, ADBC_STATUS_CANCELLED);
        streams[i].release(&streams[i]);
    }
    CHECK_CODE(adbc.driver.ConnectionCancel(&adbc.connection, &adbc.error),
               ADBC_STATUS_INVALID_STATE, &adbc.error);
    t_adbc_stop(&adbc);
}

TEST(adbc_driver, the_stream_of_another_driver_has_no_error)
{
    struct t_adbc adbc;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    struct ArrowArrayStream stream;
    t_adbc_start(&adbc);
    numbers(&schema, &batch, 1);
    CHECK_OK(cflight_batches_to_stream(&schema, &batch, 1, &stream, NULL), NULL);
    assert_null(adbc.driver.ErrorFromArrayStream(&stream, NULL));
    stream.release(&stream);
    schema.release(&schema);
    t_adbc_stop(&adbc);
}
