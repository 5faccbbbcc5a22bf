/* SPDX-License-Identifier: Apache-2.0 */
/* Life of the driver's objects: made twice, released twice, in any order; structs full of garbage.
 */
#include <stdlib.h>

#include "adbc_fixture.h"

enum { GARBAGE = 0xA5 };

static bool is_garbage(const void *bytes, size_t len_bytes)
{
    const uint8_t *byte = bytes;
    for (size_t i = 0; i < len_bytes; i++) {
        if (byte[i] != GARBAGE) {
            return false;
        }
    }
    return true;
}

TEST(adbc_life, a_table_of_version_1_0_is_not_written_past_its_end)
{
    struct AdbcDriver driver;
    struct AdbcError error = ADBC_ERROR_INIT;
    memset(&driver, GARBAGE, sizeof driver);
    CHECK_CODE(AdbcDriverInit(ADBC_VERSION_1_0_0, &driver, &error), 0, &error);
    assert_true(is_garbage((char *)&driver + ADBC_DRIVER_1_0_0_SIZE,
                           sizeof driver - ADBC_DRIVER_1_0_0_SIZE));
    assert_non_null(driver.StatementSetSubstraitPlan);
    CHECK_CODE(driver.release(&driver, &error), 0, &error);
}

TEST(adbc_life, a_table_of_version_1_1_has_every_function)
{
    struct AdbcDriver driver;
    struct AdbcError error = ADBC_ERROR_INIT;
    void *functions[(sizeof driver - offsetof(struct AdbcDriver, release)) / sizeof(void *)];
    memset(&driver, GARBAGE, sizeof driver);
    CHECK_CODE(AdbcDriverCflightInit(ADBC_VERSION_1_1_0, &driver, &error), 0, &error);
    memcpy(functions, (char *)&driver + offsetof(struct AdbcDriver, release), sizeof functions);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        assert_non_null(functions[i]);
    }
}

TEST(adbc_life, other_versions_are_refused)
{
    struct AdbcDriver driver;
    struct AdbcError error = ADBC_ERROR_INIT;
    memset(&driver, GARBAGE, sizeof driver);
    CHECK_CODE(AdbcDriverInit(424242, &driver, &error), ADBC_STATUS_NOT_IMPLEMENTED, &error);
    assert_true(is_garbage(&driver, sizeof driver));
    CHECK_CODE(AdbcDriverInit(ADBC_VERSION_1_1_0, NULL, &error), ADBC_STATUS_INVALID_ARGUMENT,
               &error);
    CHECK_CODE(AdbcDriverInit(424242, &driver, NULL), ADBC_STATUS_NOT_IMPLEMENTED, &error);
    error.release(&error);
    assert_null(error.release);
}

TEST(adbc_life, what_is_made_twice_or_released_twice_is_refused)
{
    struct t_adbc adbc;
    struct AdbcStatement garbage;
    t_adbc_start(&adbc);
    struct AdbcStatement statement = t_adbc_statement(&adbc, NULL);
    memset(&garbage, GARBAGE, sizeof garbage);
    CHECK_CODE(adbc.driver.StatementNew(&adbc.connection, &garbage, &adbc.error),
               ADBC_STATUS_INVALID_STATE, &adbc.error);
    assert_true(is_garbage(&garbage, sizeof garbage));
    CHECK_CODE(adbc.driver.StatementNew(&adbc.connection, &statement, &adbc.error),
               ADBC_STATUS_INVALID_STATE, &adbc.error);
    CHECK_CODE(adbc.driver.ConnectionNew((struct AdbcConnection *)&garbage, NULL),
               ADBC_STATUS_INVALID_STATE, &adbc.error);
    CHECK_CODE(adbc.driver.DatabaseNew((struct AdbcDatabase *)&garbage, NULL),
               ADBC_STATUS_INVALID_STATE, &adbc.error);
    CHECK_CODE(adbc.driver.DatabaseInit(&adbc.database, &adbc.error), ADBC_STATUS_INVALID_STATE,
               &adbc.error);
    CHECK_CODE(adbc.driver.ConnectionInit(&adbc.connection, &adbc.database, &adbc.error),
               ADBC_STATUS_INVALID_STATE, &adbc.error);
    CHECK_CODE(adbc.driver.StatementRelease(&statement, &adbc.error), 0, &adbc.error);
    CHECK_CODE(adbc.driver.StatementRelease(&statement, &adbc.error), ADBC_STATUS_INVALID_STATE,
               &adbc.error);
    CHECK_CODE(adbc.driver.ConnectionRelease(&adbc.connection, &adbc.error), 0, &adbc.error);
    CHECK_CODE(adbc.driver.ConnectionRelease(&adbc.connection, &adbc.error),
               ADBC_STATUS_INVALID_STATE, &adbc.error);
    CHECK_CODE(adbc.driver.DatabaseRelease(&adbc.database, &adbc.error), 0, &adbc.error);
    CHECK_CODE(adbc.driver.DatabaseRelease(&adbc.database, &adbc.error), ADBC_STATUS_INVALID_STATE,
               &adbc.error);
    t_adbc_stop(&adbc);
}

TEST(adbc_life, what_is_not_there_or_not_ready_is_refused)
{
    struct t_adbc adbc;
    struct AdbcConnection fresh = {NULL, NULL};
    struct AdbcStatement none = {NULL, NULL};
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    double number = 0;
    t_adbc_start(&adbc);
    CHECK_CODE(adbc.driver.StatementNew(&fresh, &none, &adbc.error), ADBC_STATUS_INVALID_STATE,
               &adbc.error);
    CHECK_CODE(adbc.driver.ConnectionNew(&fresh, &adbc.error), 0, &adbc.error);
    CHECK_CODE(adbc.driver.ConnectionGetTableTypes(&fresh, &stream, &adbc.error),
               ADBC_STATUS_INVALID_STATE, &adbc.error);
    CHECK_CODE(adbc.driver.ConnectionCancel(&fresh, &adbc.error), ADBC_STATUS_INVALID_STATE,
               &adbc.error);
    CHECK_CODE(adbc.driver.ConnectionRelease(&fresh, &adbc.error), 0, &adbc.error);
    CHECK_CODE(adbc.driver.StatementExecuteQuery(&none, &stream, NULL, &adbc.error),
               ADBC_STATUS_INVALID_STATE, &adbc.error);
    CHECK_CODE(adbc.driver.StatementExecuteSchema(&none, &schema, &adbc.error),
               ADBC_STATUS_INVALID_STATE, &adbc.error);
    CHECK_CODE(adbc.driver.StatementGetOptionDouble(&none, "x", &number, &adbc.error),
               ADBC_STATUS_INVALID_STATE, &adbc.error);
    CHECK_CODE(adbc.driver.StatementCancel(&none, NULL), ADBC_STATUS_INVALID_STATE, &adbc.error);
    CHECK_CODE(adbc.driver.ConnectionGetObjects(&adbc.connection, 7, NULL, NULL, NULL, NULL, NULL,
                                                &stream, &adbc.error),
               ADBC_STATUS_INVALID_ARGUMENT, &adbc.error);
    CHECK_CODE(adbc.driver.DatabaseSetOption(&adbc.database, NULL, "x", &adbc.error),
               ADBC_STATUS_INVALID_ARGUMENT, &adbc.error);
    CHECK_CODE(adbc.driver.ConnectionSetOption(&adbc.connection, "adbc.connection.autocommit", NULL,
                                               &adbc.error),
               ADBC_STATUS_INVALID_ARGUMENT, &adbc.error);
    t_adbc_stop(&adbc);
}

TEST(adbc_life, objects_may_be_released_in_any_order)
{
    struct t_adbc adbc;
    struct ArrowArrayStream stream;
    t_adbc_start(&adbc);
    struct AdbcStatement statement = t_adbc_statement(&adbc, "COUNT 300000");
    memset(&stream, GARBAGE, sizeof stream);
    CHECK_CODE(adbc.driver.StatementExecuteQuery(&statement, &stream, NULL, &adbc.error), 0,
               &adbc.error);
    CHECK_CODE(adbc.driver.DatabaseRelease(&adbc.database, &adbc.error), 0, &adbc.error);
    CHECK_CODE(adbc.driver.ConnectionRelease(&adbc.connection, &adbc.error), 0, &adbc.error);
    CHECK_CODE(adbc.driver.StatementPrepare(&statement, &adbc.error), ADBC_STATUS_INVALID_STATE,
               &adbc.error);
    CHECK_CODE(adbc.driver.StatementRelease(&statement, &adbc.error), 0, &adbc.error);
    assert_int_equal(t_adbc_drain(&stream), 300000);
    t_adbc_stop(&adbc);
}

/* Goal: what a database is told of OAuth is freed, whenever that is, and its connections may
 * outlive it. Method: no token server listens; initialise without what is needed first. */
TEST(adbc_life, connections_share_the_tokens_of_their_database)
{
    static const char *const OPTIONS[][2] = {
        {"adbc.flight.sql.oauth.flow", "client_credentials"},
        {"oauth.tokenUri", "http://127.0.0.1:1/"},
        {"adbc.flight.sql.oauth.client_id", "reports"},
        {"adbc.flight.sql.oauth.client_secret", "secret"},
    };
    struct t_adbc adbc;
    struct AdbcDatabase database = {NULL, NULL};
    struct AdbcConnection connections[2] = {{NULL, NULL}, {NULL, NULL}};
    struct ArrowArrayStream stream;
    t_adbc_start(&adbc);
    CHECK_CODE(adbc.driver.DatabaseNew(&database, &adbc.error), 0, &adbc.error);
    CHECK_CODE(adbc.driver.DatabaseSetOption(&database, "uri", "grpc://127.0.0.1:1", &adbc.error),
               0, &adbc.error);
    for (size_t i = 0; i < 4; i++) {
        CHECK_CODE(
            adbc.driver.DatabaseSetOption(&database, OPTIONS[i][0], OPTIONS[i][1], &adbc.error), 0,
            &adbc.error);
        CHECK_CODE(adbc.driver.DatabaseInit(&database, &adbc.error),
                   i < 3 ? ADBC_STATUS_INVALID_ARGUMENT : 0, &adbc.error);
    }
    for (size_t i = 0; i < 2; i++) {
        CHECK_CODE(adbc.driver.ConnectionNew(&connections[i], &adbc.error), 0, &adbc.error);
        CHECK_CODE(adbc.driver.ConnectionInit(&connections[i], &database, &adbc.error), 0,
                   &adbc.error);
    }
    CHECK_CODE(adbc.driver.DatabaseRelease(&database, &adbc.error), 0, &adbc.error);
    for (size_t i = 0; i < 2; i++) {
        CHECK_CODE(adbc.driver.ConnectionGetTableTypes(&connections[i], &stream, &adbc.error),
                   ADBC_STATUS_IO, &adbc.error);
        CHECK_CODE(adbc.driver.ConnectionRelease(&connections[i], &adbc.error), 0, &adbc.error);
    }
    t_adbc_stop(&adbc);
}

TEST(adbc_life, a_connection_that_goes_rolls_back)
{
    struct t_adbc adbc;
    int64_t row_count = 0;
    t_adbc_start(&adbc);
    struct AdbcStatement statement = t_adbc_statement(&adbc, "CREATE kept");
    CHECK_CODE(adbc.driver.StatementExecuteQuery(&statement, NULL, NULL, &adbc.error), 0,
               &adbc.error);
    CHECK_CODE(adbc.driver.ConnectionSetOption(&adbc.connection, ADBC_CONNECTION_OPTION_AUTOCOMMIT,
                                               "false", &adbc.error),
               0, &adbc.error);
    CHECK_CODE(adbc.driver.StatementSetSqlQuery(&statement, "INSERT kept 5", &adbc.error), 0,
               &adbc.error);
    CHECK_CODE(adbc.driver.StatementExecuteQuery(&statement, NULL, &row_count, &adbc.error), 0,
               &adbc.error);
    assert_int_equal(row_count, 1);
    CHECK_CODE(adbc.driver.StatementRelease(&statement, &adbc.error), 0, &adbc.error);
    CHECK_CODE(adbc.driver.ConnectionRelease(&adbc.connection, &adbc.error), 0, &adbc.error);
    assert_int_equal(t_engine_rows(&adbc.engine, "kept"), 0);
    t_adbc_stop(&adbc);
}

TEST(adbc_life, an_error_of_version_1_0_is_not_written_past_its_end)
{
    struct t_adbc adbc;
    struct AdbcError error;
    t_adbc_start(&adbc);
    struct AdbcStatement statement = t_adbc_statement(&adbc, "FAIL on purpose");
    memset(&error, 0, sizeof error);
    memset(&error.private_data, GARBAGE, sizeof error - ADBC_ERROR_1_0_0_SIZE);
    for (int i = 0; i < 2; i++) { /* the second takes the place of the first */
        CHECK_CODE(adbc.driver.StatementExecuteQuery(&statement, NULL, NULL, &error),
                   ADBC_STATUS_INVALID_ARGUMENT, &error);
        assert_int_equal(error.vendor_code, CFLIGHT_INVALID_ARGUMENT);
        assert_non_null(strstr(error.message, "on purpose"));
    }
    assert_int_equal(adbc.driver.ErrorGetDetailCount(&error), 0);
    error.release(&error);
    assert_true(is_garbage(&error.private_data, sizeof error - ADBC_ERROR_1_0_0_SIZE));
    CHECK_CODE(adbc.driver.StatementRelease(&statement, &adbc.error), 0, &adbc.error);
    t_adbc_stop(&adbc);
}
