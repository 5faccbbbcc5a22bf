/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_ADBC_FIXTURE_H
#define CFLIGHT_TESTS_ADBC_FIXTURE_H

#include "adbc/driver/init.h"
#include "sql_engine.h"
#include "test.h"

/* The driver's table and a server, with a database and a connection to it. */
struct t_adbc {
    struct t_engine engine;
    struct AdbcDriver driver;
    struct AdbcDatabase database;
    struct AdbcConnection connection;
    struct AdbcError error;
};

#define CHECK_CODE(actual, expected, error)                                                  \
    do {                                                                                     \
        AdbcStatusCode check_actual_ = (actual);                                             \
        if (check_actual_ != (expected)) {                                                   \
            fail_msg("%s gave %d, expected %d: %s", #actual, check_actual_, (int)(expected), \
                     (error)->message == NULL ? "" : (error)->message);                      \
        }                                                                                    \
    } while (0)

static inline void t_adbc_serve(struct t_adbc *adbc)
{
    memset(adbc, 0, sizeof *adbc);
    t_engine_init(&adbc->engine);
    t_engine_add_lists(&adbc->engine);
    t_engine_start(&adbc->engine, NULL);
    adbc->error = (struct AdbcError)ADBC_ERROR_INIT;
}

/* Makes a database and a connection to what is served. */
static inline void t_adbc_open(struct t_adbc *adbc, AdbcDriverInitFunc init)
{
    CHECK_CODE(init(ADBC_VERSION_1_1_0, &adbc->driver, &adbc->error), 0, &adbc->error);
    CHECK_CODE(adbc->driver.DatabaseNew(&adbc->database, &adbc->error), 0, &adbc->error);
    CHECK_CODE(adbc->driver.DatabaseSetOption(
                   &adbc->database, "uri",
                   cflight_server_location(cflight_sql_server_flight(adbc->engine.server)),
                   &adbc->error),
               0, &adbc->error);
    CHECK_CODE(adbc->driver.DatabaseInit(&adbc->database, &adbc->error), 0, &adbc->error);
    CHECK_CODE(adbc->driver.ConnectionNew(&adbc->connection, &adbc->error), 0, &adbc->error);
    CHECK_CODE(adbc->driver.ConnectionInit(&adbc->connection, &adbc->database, &adbc->error), 0,
               &adbc->error);
}

static inline void t_adbc_start(struct t_adbc *adbc)
{
    t_adbc_serve(adbc);
    t_adbc_open(adbc, AdbcDriverInit);
}

/* Releases what has not been. */
static inline void t_adbc_close(struct t_adbc *adbc)
{
    if (adbc->connection.private_data != NULL) {
        CHECK_CODE(adbc->driver.ConnectionRelease(&adbc->connection, &adbc->error), 0,
                   &adbc->error);
    }
    if (adbc->database.private_data != NULL) {
        CHECK_CODE(adbc->driver.DatabaseRelease(&adbc->database, &adbc->error), 0, &adbc->error);
    }
    CHECK_CODE(adbc->driver.release(&adbc->driver, &adbc->error), 0, &adbc->error);
    if (adbc->error.release != NULL) {
        adbc->error.release(&adbc->error);
    }
}

static inline void t_adbc_stop(struct t_adbc *adbc)
{
    t_adbc_close(adbc);
    t_engine_stop(&adbc->engine);
}

/* A statement with a query. */
static inline struct AdbcStatement t_adbc_statement(struct t_adbc *adbc, const char *query)
{
    struct AdbcStatement statement = {NULL, NULL};
    CHECK_CODE(adbc->driver.StatementNew(&adbc->connection, &statement, &adbc->error), 0,
               &adbc->error);
    if (query != NULL) {
        CHECK_CODE(adbc->driver.StatementSetSqlQuery(&statement, query, &adbc->error), 0,
                   &adbc->error);
    }
    return statement;
}

/* Rows of a stream, which is released; -1 when it fails. */
static inline int64_t t_adbc_drain(struct ArrowArrayStream *stream)
{
    int64_t row_count = 0;
    struct ArrowArray batch;
    while (row_count >= 0) {
        if (stream->get_next(stream, &batch) != 0) {
            row_count = -1;
        } else if (batch.release == NULL) {
            break;
        } else {
            row_count += batch.length;
            batch.release(&batch);
        }
    }
    stream->release(stream);
    return row_count;
}

#endif /* CFLIGHT_TESTS_ADBC_FIXTURE_H */
