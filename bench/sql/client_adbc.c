/* SPDX-License-Identifier: Apache-2.0 */
/* The benchmark's client by an ADBC driver, a library that is loaded: the one of Apache Arrow for
 * Flight SQL is written in Go. */
#include <dlfcn.h>
#include <stdlib.h>

#include "adbc/abi/adbc.h"
#include "client.h"

enum { VERSION = 1000000 }; /* 1.0 */

struct connection {
    struct AdbcDatabase database;
    struct AdbcConnection connection;
};

static struct AdbcDriver driver;

static void check(const char *what, AdbcStatusCode code, struct AdbcError *error)
{
    if (code != 0) {
        give_up(what, error->message == NULL ? "no reason" : error->message);
    }
}

static void load(const char *library)
{
    struct AdbcError error = {0};
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    void *found = handle == NULL ? NULL : dlsym(handle, "AdbcDriverInit");
    if (found == NULL) {
        give_up("load", dlerror());
    }
    check("load", ((AdbcDriverInitFunc)found)(VERSION, &driver, &error), &error);
}

static void *open_connection(const char *location)
{
    struct connection *connection = calloc(1, sizeof *connection);
    struct AdbcError error = {0};
    if (connection == NULL) {
        give_up("connect", "no memory");
    }
    check("database", driver.DatabaseNew(&connection->database, &error), &error);
    check("uri", driver.DatabaseSetOption(&connection->database, ADBC_OPTION_URI, location, &error),
          &error);
    check("database", driver.DatabaseInit(&connection->database, &error), &error);
    check("connect", driver.ConnectionNew(&connection->connection, &error), &error);
    check("connect", driver.ConnectionInit(&connection->connection, &connection->database, &error),
          &error);
    return connection;
}

static void close_connection(void *closed)
{
    struct connection *connection = closed;
    struct AdbcError error = {0};
    check("disconnect", driver.ConnectionRelease(&connection->connection, &error), &error);
    check("disconnect", driver.DatabaseRelease(&connection->database, &error), &error);
    free(connection);
}

static void *make_statement(struct connection *connection)
{
    struct AdbcStatement *statement = calloc(1, sizeof *statement);
    struct AdbcError error = {0};
    if (statement == NULL) {
        give_up("statement", "no memory");
    }
    check("statement", driver.StatementNew(&connection->connection, statement, &error), &error);
    return statement;
}

static void *make_statement_of(void *connection, const char *text)
{
    struct AdbcStatement *statement = make_statement(connection);
    struct AdbcError error = {0};
    check("statement", driver.StatementSetSqlQuery(statement, text, &error), &error);
    return statement;
}

/* A statement that is closed before its rows are read takes them along. */
static int64_t execute(void *statement)
{
    struct ArrowArrayStream rows;
    struct AdbcError error = {0};
    int64_t row_count = 0;
    check("execute", driver.StatementExecuteQuery(statement, &rows, &row_count, &error), &error);
    return drain(&rows);
}

static void execute_count(void *statement)
{
    struct AdbcError error = {0};
    int64_t row_count = 0;
    check("execute", driver.StatementExecuteQuery(statement, NULL, &row_count, &error), &error);
}

static void close_statement(void *statement)
{
    struct AdbcError error = {0};
    check("close", driver.StatementRelease(statement, &error), &error);
    free(statement);
}

static int64_t query(void *connection, const char *text)
{
    void *statement = make_statement_of(connection, text);
    int64_t row_count = execute(statement);
    close_statement(statement);
    return row_count;
}

static void update(void *connection, const char *text)
{
    void *statement = make_statement_of(connection, text);
    execute_count(statement);
    close_statement(statement);
}

static void *prepare(void *connection, const char *text)
{
    void *statement = make_statement_of(connection, text);
    struct AdbcError error = {0};
    check("prepare", driver.StatementPrepare(statement, &error), &error);
    return statement;
}

static void execute_update(void *statement, struct ArrowArrayStream *rows)
{
    struct AdbcError error = {0};
    if (rows != NULL) {
        check("bind", driver.StatementBindStream(statement, rows, &error), &error);
    }
    execute_count(statement);
}

static void ingest(void *connection, const char *table, struct ArrowArrayStream *rows)
{
    void *statement = make_statement(connection);
    struct AdbcError error = {0};
    check("ingest",
          driver.StatementSetOption(statement, ADBC_INGEST_OPTION_TARGET_TABLE, table, &error),
          &error);
    check("ingest",
          driver.StatementSetOption(statement, ADBC_INGEST_OPTION_MODE,
                                    ADBC_INGEST_OPTION_MODE_REPLACE, &error),
          &error);
    execute_update(statement, rows);
    close_statement(statement);
}

static void set_autocommit(struct connection *connection, const char *value)
{
    struct AdbcError error = {0};
    check("transaction",
          driver.ConnectionSetOption(&connection->connection, ADBC_CONNECTION_OPTION_AUTOCOMMIT,
                                     value, &error),
          &error);
}

static void begin(void *connection)
{
    set_autocommit(connection, "false");
}

static void commit(void *used)
{
    struct connection *connection = used;
    struct AdbcError error = {0};
    check("commit", driver.ConnectionCommit(&connection->connection, &error), &error);
    set_autocommit(connection, "true");
}

/* Go's driver has no such option, and gives none. */
static void leave_out_keys(void *used)
{
    struct connection *connection = used;
    struct AdbcError error = {0};
    (void)driver.ConnectionSetOption(&connection->connection, "adbc.cflight.objects.constraints",
                                     ADBC_OPTION_VALUE_DISABLED, &error);
    if (error.release != NULL) {
        error.release(&error);
    }
}

/* Catalogs have a list of schemas, those of tables, those of columns. */
static int64_t count_columns(void *used)
{
    struct connection *connection = used;
    struct ArrowArrayStream rows;
    struct ArrowArray batch;
    struct AdbcError error = {0};
    int64_t column_count = 0;
    check("objects",
          driver.ConnectionGetObjects(&connection->connection, ADBC_OBJECT_DEPTH_ALL, NULL, NULL,
                                      NULL, NULL, NULL, &rows, &error),
          &error);
    while (rows.get_next(&rows, &batch) == 0 && batch.release != NULL) {
        const struct ArrowArray *schemas = batch.children[1]->children[0];
        const struct ArrowArray *tables = schemas->children[1]->children[0];
        column_count += tables->children[2]->children[0]->length;
        batch.release(&batch);
    }
    rows.release(&rows);
    return column_count;
}

const struct client client_adbc = {
    load,    open_connection, close_connection, query,           update,
    prepare, execute,         execute_update,   close_statement, ingest,
    begin,   commit,          leave_out_keys,   count_columns};
