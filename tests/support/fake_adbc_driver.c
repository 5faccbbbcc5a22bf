/* SPDX-License-Identifier: Apache-2.0 */
/* An ADBC driver that does what drivers should not, for tests of those that load one. A statement
 * is a word that says what goes wrong:
 *
 *     ROWS 5         rows 0 to 4; COUNT 5 is an update of so many
 *     FAIL           an error with all parts; LONG: of 100,000 bytes; SILENT: without text
 *     BYTES          an error whose text is not UTF-8
 *     NOTHING        succeeds, and gives no stream; NO SCHEMA: a stream without one
 *     BAD SCHEMA     a type that is none; BAD ROWS: offsets that go back; BAD TEXT: no UTF-8
 *     BAD LENGTH     a batch whose column is shorter
 *     BREAK          a stream that fails after its first batch; BREAK WHOLE: with all parts of an
 * error SLOW           runs until it is cancelled; SLOW ROWS: its stream does
 *
 * Entry points: AdbcDriverFakeInit (1.1, and 1.0), FakeOldInit (1.0 alone: touches nothing of 1.1),
 * FakeBareInit (what is needed, and no more), FakeHollowInit (less than that), FakeFailInit. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adbc/abi/adbc.h"

#define EXPORT __attribute__((visibility("default")))

struct statement {
    char text[64];
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int is_cancelled;
};

static void release_error(struct AdbcError *error)
{
    free(error->message);
    error->message = NULL;
    error->release = NULL;
}

static AdbcStatusCode fail(struct AdbcError *error, AdbcStatusCode code, const char *text,
                           size_t len_bytes)
{
    if (error != NULL) {
        error->message = calloc(1, len_bytes + 1);
        memcpy(error->message, text, len_bytes);
        memcpy(error->sqlstate, "42P01", 5);
        error->vendor_code = 77;
        error->release = release_error;
    }
    return code;
}

/* ---- rows ---- */

struct rows {
    struct statement *statement;
    const char *format;
    int64_t batch_count; /* that are left */
    int is_slow;
    int breaks;
    int has_error; /* of the stream, beyond its text */
    int is_torn;   /* the array is wrong */
    int64_t row_count;
};

static void release_schema(struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        schema->children[i]->release(schema->children[i]);
        free(schema->children[i]);
    }
    free(schema->children);
    schema->release = NULL;
}

static void make_field(struct ArrowSchema *field, const char *format, const char *name)
{
    memset(field, 0, sizeof *field);
    field->format = format;
    field->name = name;
    field->flags = ARROW_FLAG_NULLABLE;
    field->release = release_schema;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret_schema)
{
    const struct rows *rows = stream->private_data;
    memset(ret_schema, 0, sizeof *ret_schema);
    if (rows->format == NULL) {
        return 0;
    }
    make_field(ret_schema, "+s", "");
    ret_schema->n_children = 1;
    ret_schema->children = calloc(1, sizeof(struct ArrowSchema *));
    ret_schema->children[0] = calloc(1, sizeof(struct ArrowSchema));
    make_field(ret_schema->children[0], rows->format, "a");
    return 0;
}

static void release_array(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_children; i++) {
        array->children[i]->release(array->children[i]);
        free(array->children[i]);
    }
    for (int64_t i = 0; i < array->n_buffers; i++) {
        free((void *)(uintptr_t)array->buffers[i]);
    }
    free(array->children);
    free((void *)(uintptr_t)array->buffers);
    array->release = NULL;
}

static void make_array(struct ArrowArray *array, int64_t length, int64_t buffer_count)
{
    memset(array, 0, sizeof *array);
    array->length = length;
    array->n_buffers = buffer_count;
    array->buffers = calloc((size_t)buffer_count, sizeof(void *));
    array->release = release_array;
}

/* Numbers, or three texts of which the offsets or the bytes may be wrong. */
static void make_column(struct ArrowArray *column, const struct rows *rows)
{
    static const int32_t GOOD[] = {0, 1, 2, 3};
    static const int32_t BACK[] = {0, 2, 1, 3};
    if (strcmp(rows->format, "u") == 0) {
        make_array(column, 3, 3);
        int32_t *offsets = malloc(sizeof GOOD);
        memcpy(offsets, rows->is_torn ? BACK : GOOD, sizeof GOOD);
        char *text = malloc(3);
        memcpy(text,
               rows->is_torn ? "abc"
                             : "a\xff"
                               "c",
               3);
        column->buffers[1] = offsets;
        column->buffers[2] = text;
        return;
    }
    make_array(column, rows->is_torn ? rows->row_count - 1 : rows->row_count, 2);
    int64_t *numbers = calloc((size_t)rows->row_count + 1, sizeof *numbers);
    for (int64_t i = 0; i < rows->row_count; i++) {
        numbers[i] = i;
    }
    column->buffers[1] = numbers;
}

/* True when it was cancelled. */
static int wait_for_cancel(struct statement *statement)
{
    (void)pthread_mutex_lock(&statement->mutex);
    while (!statement->is_cancelled) {
        (void)pthread_cond_wait(&statement->changed, &statement->mutex);
    }
    (void)pthread_mutex_unlock(&statement->mutex);
    return 1;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *ret_array)
{
    struct rows *rows = stream->private_data;
    memset(ret_array, 0, sizeof *ret_array);
    if (rows->is_slow && wait_for_cancel(rows->statement)) {
        return ECANCELED;
    }
    if (rows->batch_count == 0) {
        return rows->breaks ? EIO : 0;
    }
    rows->batch_count--;
    make_array(ret_array, strcmp(rows->format, "u") == 0 ? 3 : rows->row_count, 1);
    ret_array->n_children = 1;
    ret_array->children = calloc(1, sizeof(struct ArrowArray *));
    ret_array->children[0] = calloc(1, sizeof(struct ArrowArray));
    make_column(ret_array->children[0], rows);
    return 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    const struct rows *rows = stream->private_data;
    return rows->breaks ? "the stream broke" : NULL;
}

static const struct AdbcError *error_of_stream(struct ArrowArrayStream *stream,
                                               AdbcStatusCode *ret_code)
{
    static char text[] = "the stream broke";
    static const struct AdbcError ERROR = {
        .message = text, .vendor_code = 77, .sqlstate = {'2', '2', '0', '1', '2'}};
    const struct rows *rows = stream->private_data;
    *ret_code = ADBC_STATUS_INVALID_ARGUMENT;
    return rows->has_error ? &ERROR : NULL;
}

static void release_stream(struct ArrowArrayStream *stream)
{
    free(stream->private_data);
    stream->release = NULL;
}

static void make_stream(struct ArrowArrayStream *ret_stream, const struct rows *from)
{
    struct rows *rows = malloc(sizeof *rows);
    *rows = *from;
    ret_stream->get_schema = get_schema;
    ret_stream->get_next = get_next;
    ret_stream->get_last_error = get_last_error;
    ret_stream->release = release_stream;
    ret_stream->private_data = rows;
}

/* ---- statements ---- */

static AdbcStatusCode statement_new(struct AdbcConnection *connection,
                                    struct AdbcStatement *ret_statement, struct AdbcError *error)
{
    struct statement *statement = calloc(1, sizeof *statement);
    (void)connection;
    (void)error;
    (void)pthread_mutex_init(&statement->mutex, NULL);
    (void)pthread_cond_init(&statement->changed, NULL);
    ret_statement->private_data = statement;
    return ADBC_STATUS_OK;
}

static AdbcStatusCode statement_release(struct AdbcStatement *statement, struct AdbcError *error)
{
    struct statement *own = statement->private_data;
    (void)error;
    (void)pthread_mutex_destroy(&own->mutex);
    (void)pthread_cond_destroy(&own->changed);
    free(own);
    statement->private_data = NULL;
    return ADBC_STATUS_OK;
}

static AdbcStatusCode statement_set_query(struct AdbcStatement *statement, const char *text,
                                          struct AdbcError *error)
{
    struct statement *own = statement->private_data;
    (void)error;
    (void)snprintf(own->text, sizeof own->text, "%s", text);
    return ADBC_STATUS_OK;
}

static AdbcStatusCode statement_cancel(struct AdbcStatement *statement, struct AdbcError *error)
{
    struct statement *own = statement->private_data;
    (void)error;
    (void)pthread_mutex_lock(&own->mutex);
    own->is_cancelled = 1;
    (void)pthread_cond_broadcast(&own->changed);
    (void)pthread_mutex_unlock(&own->mutex);
    return ADBC_STATUS_OK;
}

static int says(const struct statement *statement, const char *word)
{
    return strncmp(statement->text, word, strlen(word)) == 0;
}

static AdbcStatusCode go_wrong(const struct statement *statement, struct AdbcError *error)
{
    static char text[100000];
    memset(text, 'x', sizeof text);
    if (says(statement, "LONG")) {
        return fail(error, ADBC_STATUS_INTERNAL, text, sizeof text - 1);
    }
    if (says(statement, "BYTES")) {
        return fail(error, ADBC_STATUS_NOT_FOUND, "no \xff\x01 such\nthing", 15);
    }
    return says(statement, "FAIL") ? fail(error, ADBC_STATUS_NOT_FOUND, "no such bird", 12)
                                   : ADBC_STATUS_INTERNAL;
}

static AdbcStatusCode statement_execute(struct AdbcStatement *statement,
                                        struct ArrowArrayStream *ret_stream, int64_t *ret_count,
                                        struct AdbcError *error)
{
    struct statement *own = statement->private_data;
    struct rows rows = {.statement = own, .format = "l", .batch_count = 1, .row_count = 1};
    if (says(own, "FAIL") || says(own, "LONG") || says(own, "SILENT") || says(own, "BYTES")) {
        return go_wrong(own, error);
    }
    if (says(own, "SLOW ROWS")) {
        rows.is_slow = 1;
    } else if (says(own, "SLOW") && wait_for_cancel(own)) {
        return fail(error, ADBC_STATUS_CANCELLED, "cancelled", 9);
    }
    if (says(own, "COUNT")) {
        *ret_count = strtol(own->text + 5, NULL, 10);
    }
    if (ret_stream == NULL || says(own, "NOTHING")) {
        return ADBC_STATUS_OK;
    }
    rows.format = says(own, "NO SCHEMA")                           ? NULL
                  : says(own, "BAD SCHEMA")                        ? "zz9"
                  : says(own, "BAD ROWS") || says(own, "BAD TEXT") ? "u"
                                                                   : "l";
    rows.is_torn = says(own, "BAD ROWS") || says(own, "BAD LENGTH");
    rows.breaks = says(own, "BREAK");
    rows.has_error = says(own, "BREAK WHOLE");
    rows.row_count = says(own, "ROWS") ? strtol(own->text + 4, NULL, 10) : 100;
    make_stream(ret_stream, &rows);
    return ADBC_STATUS_OK;
}

/* ---- what a query without types gives where others are expected ---- */

static AdbcStatusCode get_objects(struct AdbcConnection *connection, int depth, const char *catalog,
                                  const char *db_schema, const char *table, const char **types,
                                  const char *column, struct ArrowArrayStream *ret_stream,
                                  struct AdbcError *error)
{
    const struct rows rows = {.format = "l", .batch_count = 1, .row_count = 3};
    (void)connection;
    (void)depth;
    (void)catalog;
    (void)db_schema;
    (void)table;
    (void)types;
    (void)column;
    (void)error;
    make_stream(ret_stream, &rows);
    return ADBC_STATUS_OK;
}

/* ---- databases and connections ---- */

static AdbcStatusCode database_new(struct AdbcDatabase *database, struct AdbcError *error)
{
    (void)error;
    database->private_data = malloc(1);
    return ADBC_STATUS_OK;
}

static AdbcStatusCode database_init(struct AdbcDatabase *database, struct AdbcError *error)
{
    (void)database;
    (void)error;
    return ADBC_STATUS_OK;
}

static AdbcStatusCode database_release(struct AdbcDatabase *database, struct AdbcError *error)
{
    (void)error;
    free(database->private_data);
    database->private_data = NULL;
    return ADBC_STATUS_OK;
}

static AdbcStatusCode connection_new(struct AdbcConnection *connection, struct AdbcError *error)
{
    (void)error;
    connection->private_data = malloc(1);
    return ADBC_STATUS_OK;
}

static AdbcStatusCode connection_init(struct AdbcConnection *connection,
                                      struct AdbcDatabase *database, struct AdbcError *error)
{
    (void)connection;
    (void)database;
    (void)error;
    return ADBC_STATUS_OK;
}

static AdbcStatusCode connection_release(struct AdbcConnection *connection, struct AdbcError *error)
{
    (void)error;
    free(connection->private_data);
    connection->private_data = NULL;
    return ADBC_STATUS_OK;
}

/* ---- tables ---- */

static void fill_needed(struct AdbcDriver *table)
{
    table->DatabaseNew = database_new;
    table->DatabaseInit = database_init;
    table->DatabaseRelease = database_release;
    table->ConnectionNew = connection_new;
    table->ConnectionInit = connection_init;
    table->ConnectionRelease = connection_release;
    table->StatementNew = statement_new;
    table->StatementSetSqlQuery = statement_set_query;
    table->StatementExecuteQuery = statement_execute;
    table->StatementRelease = statement_release;
}

EXPORT AdbcStatusCode AdbcDriverFakeInit(int version, void *driver, struct AdbcError *error);
EXPORT AdbcStatusCode FakeOldInit(int version, void *driver, struct AdbcError *error);
EXPORT AdbcStatusCode FakeBareInit(int version, void *driver, struct AdbcError *error);
EXPORT AdbcStatusCode FakeHollowInit(int version, void *driver, struct AdbcError *error);
EXPORT AdbcStatusCode FakeFailInit(int version, void *driver, struct AdbcError *error);

AdbcStatusCode AdbcDriverFakeInit(int version, void *driver, struct AdbcError *error)
{
    struct AdbcDriver *table = driver;
    (void)error;
    fill_needed(table);
    table->ConnectionGetObjects = get_objects;
    if (version >= ADBC_VERSION_1_1_0) {
        table->StatementCancel = statement_cancel;
        table->ErrorFromArrayStream = error_of_stream;
    }
    return ADBC_STATUS_OK;
}

AdbcStatusCode FakeOldInit(int version, void *driver, struct AdbcError *error)
{
    return version == ADBC_VERSION_1_0_0
               ? AdbcDriverFakeInit(version, driver, error)
               : fail(error, ADBC_STATUS_NOT_IMPLEMENTED, "only version 1.0", 16);
}

AdbcStatusCode FakeBareInit(int version, void *driver, struct AdbcError *error)
{
    (void)version;
    (void)error;
    fill_needed(driver);
    return ADBC_STATUS_OK;
}

AdbcStatusCode FakeHollowInit(int version, void *driver, struct AdbcError *error)
{
    struct AdbcDriver *table = driver;
    (void)version;
    (void)error;
    fill_needed(table);
    table->StatementExecuteQuery = NULL;
    return ADBC_STATUS_OK;
}

AdbcStatusCode FakeFailInit(int version, void *driver, struct AdbcError *error)
{
    (void)version;
    (void)driver;
    return fail(error, ADBC_STATUS_INTERNAL, "no licence", 10);
}
