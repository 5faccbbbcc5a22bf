/* SPDX-License-Identifier: Apache-2.0 */
/* The benchmark's client by cflight/sql_client.h. */
#include <cflight/cflight.h>
#include <stdlib.h>

#include "client.h"

struct connection {
    cflight_client *client;
    cflight_sql_transaction *transaction;
};

static void check(const char *what, cflight_status status, cflight_error *error)
{
    if (status != CFLIGHT_OK) {
        give_up(what, cflight_error_message(error));
    }
}

static struct cflight_sql_options options_of(const struct connection *connection)
{
    struct cflight_sql_options options = CFLIGHT_SQL_OPTIONS_INIT;
    options.transaction = connection->transaction;
    return options;
}

static void load(const char *library)
{
    (void)library;
}

static void *open_connection(const char *location)
{
    struct connection *connection = calloc(1, sizeof *connection);
    cflight_error *error = NULL;
    if (connection == NULL) {
        give_up("connect", "no memory");
    }
    check("connect", cflight_client_new(location, NULL, &connection->client, &error), error);
    return connection;
}

static void close_connection(void *closed)
{
    struct connection *connection = closed;
    cflight_sql_transaction_free(connection->transaction);
    cflight_client_free(connection->client);
    free(connection);
}

static int64_t query(void *used, const char *text)
{
    struct connection *connection = used;
    struct cflight_sql_options options = options_of(connection);
    struct ArrowArrayStream rows;
    cflight_error *error = NULL;
    check("query",
          cflight_sql_query(connection->client, cflight_bytes_from_text(text), &options, &rows,
                            &error),
          error);
    return drain(&rows);
}

static void update(void *used, const char *text)
{
    struct connection *connection = used;
    struct cflight_sql_options options = options_of(connection);
    cflight_error *error = NULL;
    int64_t row_count = 0;
    check("update",
          cflight_sql_update(connection->client, cflight_bytes_from_text(text), &options,
                             &row_count, &error),
          error);
}

static void *prepare(void *used, const char *text)
{
    struct connection *connection = used;
    struct cflight_sql_options options = options_of(connection);
    cflight_sql_statement *statement = NULL;
    cflight_error *error = NULL;
    check("prepare",
          cflight_sql_prepare(connection->client, cflight_bytes_from_text(text), &options,
                              &statement, &error),
          error);
    return statement;
}

static int64_t execute(void *statement)
{
    struct ArrowArrayStream rows;
    cflight_error *error = NULL;
    check("execute", cflight_sql_statement_query(statement, NULL, &rows, &error), error);
    return drain(&rows);
}

static void execute_update(void *statement, struct ArrowArrayStream *rows)
{
    cflight_error *error = NULL;
    int64_t row_count = 0;
    check("execute", cflight_sql_statement_update(statement, rows, NULL, &row_count, &error),
          error);
    if (rows != NULL) {
        rows->release(rows);
    }
}

static void close_statement(void *statement)
{
    cflight_error *error = NULL;
    check("close", cflight_sql_statement_close(statement, NULL, &error), error);
    cflight_sql_statement_free(statement);
}

static void ingest(void *used, const char *table, struct ArrowArrayStream *rows)
{
    struct connection *connection = used;
    struct cflight_sql_options options = options_of(connection);
    struct cflight_sql_ingest_target target = {.if_missing = CFLIGHT_SQL_IF_MISSING_CREATE,
                                               .if_exists = CFLIGHT_SQL_IF_EXISTS_REPLACE};
    cflight_error *error = NULL;
    int64_t row_count = 0;
    target.name.table = cflight_bytes_from_text(table);
    check("ingest",
          cflight_sql_ingest(connection->client, &target, rows, &options, &row_count, &error),
          error);
    rows->release(rows);
}

static void begin(void *used)
{
    struct connection *connection = used;
    cflight_error *error = NULL;
    check("begin", cflight_sql_begin(connection->client, NULL, &connection->transaction, &error),
          error);
}

static void commit(void *used)
{
    struct connection *connection = used;
    cflight_error *error = NULL;
    check("commit", cflight_sql_transaction_commit(connection->transaction, NULL, &error), error);
    cflight_sql_transaction_free(connection->transaction);
    connection->transaction = NULL;
}

static void leave_out_keys(void *connection)
{
    (void)connection;
}

/* The last column of GetTables is the schema of each table, as bytes. */
static int64_t count_of_batch(const struct ArrowArray *batch)
{
    const struct ArrowArray *column = batch->children[batch->n_children - 1];
    const int32_t *offsets = column->buffers[1];
    const uint8_t *data = column->buffers[2];
    int64_t column_count = 0;
    for (int64_t i = column->offset; i < column->offset + column->length; i++) {
        struct ArrowSchema schema;
        struct cflight_bytes bytes = {data + offsets[i], (size_t)(offsets[i + 1] - offsets[i])};
        cflight_error *error = NULL;
        check("schema", cflight_ipc_schema_parse(bytes, &schema, &error), error);
        column_count += schema.n_children;
        schema.release(&schema);
    }
    return column_count;
}

static int64_t count_columns(void *used)
{
    struct connection *connection = used;
    struct cflight_sql_tables filter = {.include_schema = true};
    struct ArrowArrayStream rows;
    struct ArrowArray batch;
    cflight_error *error = NULL;
    int64_t column_count = 0;
    check("catalogs", cflight_sql_get_catalogs(connection->client, NULL, &rows, &error), error);
    (void)drain(&rows);
    check("schemas", cflight_sql_get_db_schemas(connection->client, NULL, NULL, &rows, &error),
          error);
    (void)drain(&rows);
    check("tables", cflight_sql_get_tables(connection->client, &filter, NULL, &rows, &error),
          error);
    while (rows.get_next(&rows, &batch) == 0 && batch.release != NULL) {
        column_count += count_of_batch(&batch);
        batch.release(&batch);
    }
    rows.release(&rows);
    return column_count;
}

const struct client client_cflight = {
    load,    open_connection, close_connection, query,           update,
    prepare, execute,         execute_update,   close_statement, ingest,
    begin,   commit,          leave_out_keys,   count_columns};
