/* SPDX-License-Identifier: Apache-2.0 */
/* Uses a server of Flight SQL that others wrote, over SQLite and its example tables (intTable of
 * four rows, foreignTable of three): what works is checked, what such a server lacks is written
 * down. A line for each step; the first that fails ends the program with 1.
 *
 *     sql_sqlite LOCATION */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cflight/cflight.h"

static cflight_client *client;
static cflight_error *error;

static void check(const char *step, bool is_good)
{
    printf("%s: %s%s%s\n", is_good ? "ok" : "FAILED", step, error == NULL ? "" : ": ",
           error == NULL ? "" : cflight_error_message(error));
    cflight_error_free(error);
    error = NULL;
    if (!is_good) {
        exit(1);
    }
}

static struct cflight_bytes text(const char *words)
{
    return cflight_bytes_from_text(words);
}

/* Reads a stream to its end; -1 when it fails. */
static int64_t count(cflight_status status, struct ArrowArrayStream *stream)
{
    int64_t row_count = 0;
    bool is_end = status != CFLIGHT_OK;
    while (!is_end) {
        struct ArrowArray batch = {.release = NULL};
        if (stream->get_next(stream, &batch) != 0) {
            error = cflight_fetch_error(stream);
            status = CFLIGHT_INTERNAL;
        }
        is_end = batch.release == NULL;
        if (!is_end) {
            row_count += batch.length;
            batch.release(&batch);
        }
    }
    if (status == CFLIGHT_OK || error == NULL) {
        stream->release(stream);
    }
    return status == CFLIGHT_OK ? row_count : -1;
}

static int64_t query(const char *words, const struct cflight_sql_options *options)
{
    struct ArrowArrayStream stream = {.release = NULL};
    return count(cflight_sql_query(client, text(words), options, &stream, &error), &stream);
}

static int64_t update(const char *words, const struct cflight_sql_options *options)
{
    int64_t row_count = -2;
    return cflight_sql_update(client, text(words), options, &row_count, &error) == CFLIGHT_OK
               ? row_count
               : -2;
}

static void check_queries(void)
{
    struct ArrowArrayStream stream;
    check("a query has the rows of the table", query("SELECT * FROM intTable", NULL) == 4);
    check("a query may have no rows", query("SELECT * FROM intTable WHERE id < 0", NULL) == 0);
    cflight_status status = cflight_sql_query(client, text("SELECT birds"), NULL, &stream, &error);
    check("an error in the SQL is an error", status != CFLIGHT_OK);
}

static void check_metadata(void)
{
    struct ArrowArrayStream stream;
    struct ArrowSchema schema = {.release = NULL};
    const struct cflight_sql_table_name table = {.table = text("intTable")};
    const struct cflight_sql_tables filter = {.table_pattern = text("int%")};
    cflight_sql_info *info = NULL;
    check("catalogs", count(cflight_sql_get_catalogs(client, NULL, &stream, &error), &stream) >= 1);
    check("schemas",
          count(cflight_sql_get_db_schemas(client, NULL, NULL, &stream, &error), &stream) >= 0);
    check("tables",
          count(cflight_sql_get_tables(client, NULL, NULL, &stream, &error), &stream) >= 2);
    check("tables by a pattern",
          count(cflight_sql_get_tables(client, &filter, NULL, &stream, &error), &stream) == 1);
    check("types of tables",
          count(cflight_sql_get_table_types(client, NULL, &stream, &error), &stream) >= 1);
    check("primary keys",
          count(cflight_sql_get_primary_keys(client, &table, NULL, &stream, &error), &stream) == 1);
    check("imported keys",
          count(cflight_sql_get_imported_keys(client, &table, NULL, &stream, &error), &stream) ==
              1);
    check("types",
          count(cflight_sql_get_type_info(client, NULL, NULL, &stream, &error), &stream) > 0);
    cflight_status status = cflight_sql_get_table_schema(client, &table, NULL, &schema, &error);
    check("the schema of a table", status == CFLIGHT_OK && schema.n_children == 4);
    schema.release(&schema);
    status = cflight_sql_get_sql_info(client, NULL, 0, NULL, &info, &error);
    check("what the server says of itself",
          status == CFLIGHT_OK &&
              cflight_sql_info_text(info, CFLIGHT_SQL_INFO_SERVER_NAME).len_bytes > 0);
    cflight_sql_info_free(info);
}

static void check_updates(void)
{
    check("DDL", update("CREATE TABLE birds (id INTEGER, name TEXT)", NULL) >= -1);
    check("an insert", update("INSERT INTO birds VALUES (1, 'wren'), (2, 'owl')", NULL) == 2);
    check("an update", update("UPDATE birds SET name = 'kite' WHERE id = 2", NULL) == 1);
    check("is seen", query("SELECT * FROM birds WHERE name = 'kite'", NULL) == 1);
}

/* One row of one int64. */
static cflight_status make_row(int64_t number, struct ArrowArrayStream *ret_stream)
{
    static const struct cflight_field FIELD = {.name = "1", .format = "l"};
    struct ArrowSchema schema;
    struct ArrowArray batch;
    cflight_builder *builder = NULL;
    cflight_status status = cflight_schema_new(&FIELD, 1, &schema, &error);
    if (status == CFLIGHT_OK) {
        status = cflight_builder_new(&schema, NULL, &builder, &error);
    }
    if (status == CFLIGHT_OK) {
        cflight_append_int(cflight_builder_column(builder, 0), number);
        cflight_builder_end_row(builder);
        status = cflight_builder_finish(builder, &batch, &error);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_batches_to_stream(&schema, &batch, 1, ret_stream, &error);
    }
    cflight_builder_free(builder);
    schema.release(&schema);
    return status;
}

static void check_statements(void)
{
    struct ArrowArrayStream rows;
    struct ArrowArrayStream stream;
    cflight_sql_statement *statement = NULL;
    int64_t row_count = 0;
    cflight_status status = cflight_sql_prepare(client, text("SELECT * FROM intTable WHERE id = ?"),
                                                NULL, &statement, &error);
    check("a statement is prepared", status == CFLIGHT_OK);
    for (int64_t id = 1; id <= 2; id++) {
        check("a row", make_row(id, &rows) == CFLIGHT_OK);
        status = cflight_sql_statement_bind(statement, &rows, NULL, &error);
        rows.release(&rows);
        check("is bound", status == CFLIGHT_OK);
        check("and asked with",
              count(cflight_sql_statement_query(statement, NULL, &stream, &error), &stream) == 1);
    }
    check("it is closed", cflight_sql_statement_close(statement, NULL, &error) == CFLIGHT_OK);
    cflight_sql_statement_free(statement);
    status = cflight_sql_prepare(client, text("DELETE FROM birds WHERE id = ?"), NULL, &statement,
                                 &error);
    check("an update is prepared", status == CFLIGHT_OK);
    check("a row", make_row(1, &rows) == CFLIGHT_OK);
    status = cflight_sql_statement_update(statement, &rows, NULL, &row_count, &error);
    rows.release(&rows);
    check("and run with it", status == CFLIGHT_OK && row_count == 1);
    cflight_sql_statement_free(statement);
}

/* Whether the server has transactions. */
static bool begin(cflight_sql_transaction **ret_transaction)
{
    cflight_status status = cflight_sql_begin(client, NULL, ret_transaction, &error);
    check(status == CFLIGHT_OK ? "a transaction begins" : "no transactions",
          status == CFLIGHT_OK || status == CFLIGHT_UNIMPLEMENTED);
    return status == CFLIGHT_OK;
}

static void check_transactions(void)
{
    struct cflight_sql_options options = CFLIGHT_SQL_OPTIONS_INIT;
    cflight_sql_transaction *transaction = NULL;
    for (int commits = 0; commits < 2 && begin(&transaction); commits++) {
        options.transaction = transaction;
        check("an insert in it", update("INSERT INTO birds VALUES (3, 'rook')", &options) == 1);
        check(commits == 1 ? "is kept" : "is taken back",
              (commits == 1
                   ? cflight_sql_transaction_commit(transaction, NULL, &error)
                   : cflight_sql_transaction_rollback(transaction, NULL, &error)) == CFLIGHT_OK);
        cflight_sql_transaction_free(transaction);
        check("and that is seen",
              query("SELECT * FROM birds WHERE id = 3", NULL) == (commits == 1 ? 1 : 0));
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: sql_sqlite LOCATION\n");
        return 2;
    }
    check("a client", cflight_client_new(argv[1], NULL, &client, &error) == CFLIGHT_OK);
    check_queries();
    check_metadata();
    check_updates();
    check_statements();
    check_transactions();
    check("the table goes", update("DROP TABLE birds", NULL) >= -1);
    cflight_client_free(client);
    return 0;
}
