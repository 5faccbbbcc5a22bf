/* SPDX-License-Identifier: Apache-2.0 */
/* Statements: planned, kept for the next one with the same text, run, their rows made into batches.
 *
 * SQLite gives each value a type; a batch has one for each column: the declared one, or that of the
 * first row where an expression has none. Values are converted to it as SQLite's CAST does. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

enum { BATCH_ROWS = 8192 };

const char *engine_format(const char *declared)
{
    static const char *const RULES[][2] = {{"INT", "l"},  {"CHAR", "u"}, {"CLOB", "u"},
                                           {"TEXT", "u"}, {"BLOB", "z"}, {"REAL", "g"},
                                           {"FLOA", "g"}, {"DOUB", "g"}};
    for (size_t i = 0; declared != NULL && i < sizeof RULES / sizeof *RULES; i++) {
        for (const char *at = declared; *at != '\0'; at++) {
            if (sqlite3_strnicmp(at, RULES[i][0], (int)strlen(RULES[i][0])) == 0) {
                return RULES[i][1];
            }
        }
    }
    return declared == NULL ? NULL : "u";
}

/* ---- statements that are kept ---- */

static struct statement *take_kept(struct connection *connection, struct cflight_bytes text)
{
    for (size_t i = 0; i < STATEMENTS_KEPT && connection->kept[i] != NULL; i++) {
        struct statement *found = connection->kept[i];
        if (strlen(found->text) == text.len_bytes &&
            memcmp(found->text, text.data, text.len_bytes) == 0) {
            memmove(&connection->kept[i], &connection->kept[i + 1],
                    (STATEMENTS_KEPT - 1 - i) * sizeof found);
            connection->kept[STATEMENTS_KEPT - 1] = NULL;
            return found;
        }
    }
    return NULL;
}

static void statement_free(struct statement *statement)
{
    if (statement != NULL) {
        (void)sqlite3_finalize(statement->compiled);
        free(statement->text);
        free(statement);
    }
}

static void free_statement(void *user_data, void *session, void *used)
{
    struct connection *connection = session;
    struct statement *statement = used;
    (void)user_data;
    (void)sqlite3_reset(statement->compiled);
    (void)sqlite3_clear_bindings(statement->compiled);
    statement_free(connection->kept[STATEMENTS_KEPT - 1]);
    memmove(&connection->kept[1], &connection->kept[0],
            (STATEMENTS_KEPT - 1) * sizeof connection->kept[0]);
    connection->kept[0] = statement;
}

static cflight_status compile(struct connection *connection, struct cflight_bytes text,
                              struct statement **ret_statement, cflight_error **reterr)
{
    struct statement *statement = calloc(1, sizeof *statement);
    if (statement != NULL) {
        statement->text = strndup((const char *)text.data, text.len_bytes);
    }
    if (statement == NULL || statement->text == NULL) {
        statement_free(statement);
        return cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "no memory for a statement");
    }
    int code = sqlite3_prepare_v3(connection->database, statement->text, -1,
                                  SQLITE_PREPARE_PERSISTENT, &statement->compiled, NULL);
    if (code == SQLITE_OK && statement->compiled != NULL) {
        *ret_statement = statement;
        return CFLIGHT_OK;
    }
    statement_free(statement);
    return code != SQLITE_OK ? engine_fail(connection, code, reterr)
                             : cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "no statement");
}

/* ---- planning ---- */

static const char *format_of_value(sqlite3_stmt *compiled, int column)
{
    switch (sqlite3_column_type(compiled, column)) {
    case SQLITE_INTEGER:
        return "l";
    case SQLITE_FLOAT:
        return "g";
    case SQLITE_BLOB:
        return "z";
    default:
        return "u";
    }
}

/* A query without parameters is asked for its first row if that is what tells a type. */
static cflight_status result_schema(sqlite3_stmt *compiled, struct ArrowSchema *ret_schema,
                                    cflight_error **reterr)
{
    int count = sqlite3_column_count(compiled);
    bool has_row = false;
    struct cflight_field *fields = calloc((size_t)count, sizeof *fields);
    if (fields == NULL) {
        return cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "no memory for columns");
    }
    for (int i = 0; i < count; i++) {
        fields[i].name = sqlite3_column_name(compiled, i);
        fields[i].format = engine_format(sqlite3_column_decltype(compiled, i));
        if (fields[i].format == NULL && !has_row && sqlite3_stmt_readonly(compiled) &&
            sqlite3_bind_parameter_count(compiled) == 0) {
            has_row = sqlite3_step(compiled) == SQLITE_ROW;
        }
        if (fields[i].format == NULL) {
            fields[i].format = has_row ? format_of_value(compiled, i) : "u";
        }
    }
    cflight_status status = cflight_schema_new(fields, (size_t)count, ret_schema, reterr);
    (void)sqlite3_reset(compiled);
    free(fields);
    return status;
}

static cflight_status parameters_schema(sqlite3_stmt *compiled, struct ArrowSchema *ret_schema,
                                        cflight_error **reterr)
{
    size_t count = (size_t)sqlite3_bind_parameter_count(compiled);
    struct cflight_field *fields = calloc(count, sizeof *fields);
    if (fields == NULL) {
        return cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "no memory for parameters");
    }
    for (size_t i = 0; i < count; i++) {
        fields[i] = (struct cflight_field){.name = "", .format = "n"};
    }
    cflight_status status = cflight_schema_new(fields, count, ret_schema, reterr);
    free(fields);
    return status;
}

static cflight_status prepare(void *user_data, cflight_sql_call *call,
                              const struct cflight_sql_query *query,
                              struct cflight_sql_plan *ret_plan, cflight_error **reterr)
{
    struct connection *connection = cflight_sql_call_session(call);
    struct statement *statement = take_kept(connection, query->text);
    cflight_status status = CFLIGHT_OK;
    if (statement == NULL) {
        status = compile(connection, query->text, &statement, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    sqlite3_stmt *compiled = statement->compiled;
    bool is_query = sqlite3_column_count(compiled) > 0;
    ret_plan->is_update = !is_query                         ? CFLIGHT_SQL_UPDATE_YES
                          : sqlite3_stmt_readonly(compiled) ? CFLIGHT_SQL_UPDATE_NO
                                                            : CFLIGHT_SQL_UPDATE_UNKNOWN;
    if (is_query) {
        status = result_schema(compiled, &ret_plan->schema, reterr);
    }
    if (status == CFLIGHT_OK && sqlite3_bind_parameter_count(compiled) > 0) {
        status = parameters_schema(compiled, &ret_plan->parameters, reterr);
    }
    if (status == CFLIGHT_OK) {
        ret_plan->statement = statement;
    } else {
        free_statement(user_data, connection, statement);
    }
    return status;
}

/* ---- binding ---- */

static int bind_value(sqlite3_stmt *compiled, int place, const struct cflight_sql_value *value)
{
    switch ((int)value->kind) {
    case CFLIGHT_SQL_VALUE_NULL:
        return sqlite3_bind_null(compiled, place);
    case CFLIGHT_SQL_VALUE_BOOL:
        return sqlite3_bind_int(compiled, place, value->boolean);
    case CFLIGHT_SQL_VALUE_INT:
        return sqlite3_bind_int64(compiled, place, value->integer);
    case CFLIGHT_SQL_VALUE_DOUBLE:
        return sqlite3_bind_double(compiled, place, value->real);
    case CFLIGHT_SQL_VALUE_TEXT:
        return sqlite3_bind_text64(compiled, place, (const char *)value->bytes.data,
                                   value->bytes.len_bytes, SQLITE_STATIC, SQLITE_UTF8);
    case CFLIGHT_SQL_VALUE_BYTES:
        return sqlite3_bind_blob64(compiled, place, value->bytes.data, value->bytes.len_bytes,
                                   SQLITE_STATIC);
    default:
        return SQLITE_MISMATCH;
    }
}

static cflight_status bind_row(sqlite3_stmt *compiled, cflight_sql_parameters *parameters,
                               cflight_error **reterr)
{
    size_t count = cflight_sql_parameters_count(parameters);
    for (size_t i = 0; i < count; i++) {
        struct cflight_sql_value value;
        cflight_status status = cflight_sql_parameters_value(parameters, i, &value, reterr);
        if (status == CFLIGHT_OK && bind_value(compiled, (int)i + 1, &value) != SQLITE_OK) {
            status = cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED,
                                       "parameter %zu: a value of the format %s", i + 1,
                                       value.field->format);
        }
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    return CFLIGHT_OK;
}

/* ---- rows ---- */

struct column {
    cflight_column *builder;
    char format; /* the first letter */
};

struct rows {
    struct connection *connection;
    sqlite3_stmt *compiled;
    cflight_builder *builder;
    struct ArrowSchema schema;
    struct column *columns;
    bool is_over;
    cflight_error *error;
};

/* The value is looked at where it is: nobody else uses the connection meanwhile. */
static void append_value(cflight_column *column, char format, sqlite3_value *value)
{
    struct cflight_bytes bytes;
    int type = sqlite3_value_type(value);
    if (type == SQLITE_NULL) {
        cflight_append_null(column);
        return;
    }
    switch (format) {
    case 'l':
        cflight_append_int(column, sqlite3_value_int64(value));
        break;
    case 'g':
        cflight_append_double(column, sqlite3_value_double(value));
        break;
    default:
        /* As bytes it needs no zero after it, for which SQLite would copy it. */
        bytes.data = format == 'z' || type == SQLITE_TEXT ? sqlite3_value_blob(value)
                                                          : sqlite3_value_text(value);
        bytes.len_bytes = (size_t)sqlite3_value_bytes(value);
        cflight_append_bytes(column, bytes);
    }
}

static int rows_next(struct ArrowArrayStream *stream, struct ArrowArray *ret_batch)
{
    struct rows *rows = stream->private_data;
    int column_count = (int)rows->schema.n_children;
    int code = SQLITE_ROW;
    ret_batch->release = NULL;
    while (!rows->is_over && code == SQLITE_ROW &&
           cflight_builder_row_count(rows->builder) < BATCH_ROWS) {
        code = sqlite3_step(rows->compiled);
        for (int i = 0; code == SQLITE_ROW && i < column_count; i++) {
            append_value(rows->columns[i].builder, rows->columns[i].format,
                         sqlite3_column_value(rows->compiled, i));
        }
        if (code == SQLITE_ROW) {
            cflight_builder_end_row(rows->builder);
        }
    }
    rows->is_over = rows->is_over || code != SQLITE_ROW;
    cflight_error_free(rows->error);
    rows->error = NULL;
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        (void)engine_fail(rows->connection, code, &rows->error);
        return EIO;
    }
    if (cflight_builder_row_count(rows->builder) == 0) {
        return 0;
    }
    return cflight_builder_finish(rows->builder, ret_batch, &rows->error) == CFLIGHT_OK ? 0 : EIO;
}

static int rows_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret_schema)
{
    struct rows *rows = stream->private_data;
    return cflight_schema_set_metadata(&rows->schema, NULL, 0, ret_schema, NULL) == CFLIGHT_OK
               ? 0
               : ENOMEM;
}

static const char *rows_error(struct ArrowArrayStream *stream)
{
    struct rows *rows = stream->private_data;
    return rows->error == NULL ? NULL : cflight_error_message(rows->error);
}

static void rows_free(struct rows *rows)
{
    (void)sqlite3_reset(rows->compiled);
    cflight_builder_free(rows->builder);
    if (rows->schema.release != NULL) {
        rows->schema.release(&rows->schema);
    }
    cflight_error_free(rows->error);
    free(rows->columns);
    free(rows);
}

static void rows_release(struct ArrowArrayStream *stream)
{
    rows_free(stream->private_data);
    stream->release = NULL;
}

static cflight_status start_query(struct connection *connection, sqlite3_stmt *compiled,
                                  cflight_sql_execution *execution, cflight_error **reterr)
{
    size_t column_count = (size_t)sqlite3_column_count(compiled);
    struct rows *rows = calloc(1, sizeof *rows);
    struct ArrowArrayStream stream = {rows_schema, rows_next, rows_error, rows_release, rows};
    cflight_status status = CFLIGHT_OK;
    if (rows == NULL || (rows->columns = calloc(column_count, sizeof *rows->columns)) == NULL) {
        free(rows);
        return cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "no memory for rows");
    }
    rows->connection = connection;
    rows->compiled = compiled;
    status = result_schema(compiled, &rows->schema, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_builder_new(&rows->schema, NULL, &rows->builder, reterr);
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < column_count; i++) {
        rows->columns[i].builder = cflight_builder_column(rows->builder, i);
        rows->columns[i].format = rows->schema.children[i]->format[0];
    }
    if (status == CFLIGHT_OK) {
        status = cflight_sql_execution_set_stream(execution, &stream, reterr);
    }
    if (status != CFLIGHT_OK) {
        rows_free(rows);
    }
    return status;
}

/* One row of parameters at most. */
static cflight_status query_with(struct connection *connection, sqlite3_stmt *compiled,
                                 cflight_sql_parameters *parameters,
                                 cflight_sql_execution *execution, cflight_error **reterr)
{
    bool has_row = false;
    cflight_status status = cflight_sql_parameters_next(parameters, &has_row, reterr);
    if (status == CFLIGHT_OK && has_row) {
        status = bind_row(compiled, parameters, reterr);
    }
    return status == CFLIGHT_OK ? start_query(connection, compiled, execution, reterr) : status;
}

/* ---- updates ---- */

static cflight_status step_update(struct connection *connection, sqlite3_stmt *compiled,
                                  cflight_error **reterr)
{
    int code = sqlite3_step(compiled);
    while (code == SQLITE_ROW) {
        code = sqlite3_step(compiled);
    }
    (void)sqlite3_reset(compiled);
    return code == SQLITE_DONE ? CFLIGHT_OK : engine_fail(connection, code, reterr);
}

static cflight_status update(struct connection *connection, sqlite3_stmt *compiled,
                             cflight_error **reterr)
{
    /* With a transaction open the file is this session's already. */
    bool is_alone = sqlite3_get_autocommit(connection->database) != 0;
    if (is_alone) {
        (void)pthread_mutex_lock(&connection->engine->writing);
    }
    cflight_status status = step_update(connection, compiled, reterr);
    if (is_alone) {
        (void)pthread_mutex_unlock(&connection->engine->writing);
    }
    return status;
}

static cflight_status update_with(struct connection *connection, sqlite3_stmt *compiled,
                                  cflight_sql_parameters *parameters, cflight_error **reterr)
{
    bool is_begun = false;
    bool has_row = true;
    cflight_status status = engine_begin_unit(connection, &is_begun, reterr);
    while (status == CFLIGHT_OK && has_row) {
        status = cflight_sql_parameters_next(parameters, &has_row, reterr);
        if (status == CFLIGHT_OK && has_row) {
            status = bind_row(compiled, parameters, reterr);
        }
        if (status == CFLIGHT_OK && has_row) {
            status = step_update(connection, compiled, reterr);
        }
    }
    return engine_end_unit(connection, is_begun, status, reterr);
}

static cflight_status execute(void *user_data, cflight_sql_call *call,
                              const struct cflight_sql_query *query, void *planned,
                              cflight_sql_parameters *parameters, cflight_sql_execution *execution,
                              cflight_error **reterr)
{
    struct connection *connection = cflight_sql_call_session(call);
    struct statement *statement = planned;
    sqlite3_stmt *compiled = statement->compiled;
    (void)user_data;
    (void)query;
    if (sqlite3_column_count(compiled) > 0) {
        return parameters == NULL ? start_query(connection, compiled, execution, reterr)
                                  : query_with(connection, compiled, parameters, execution, reterr);
    }
    int64_t before_count = sqlite3_total_changes64(connection->database);
    cflight_status status = parameters == NULL
                                ? update(connection, compiled, reterr)
                                : update_with(connection, compiled, parameters, reterr);
    if (status == CFLIGHT_OK) {
        cflight_sql_execution_set_row_count(
            execution, sqlite3_total_changes64(connection->database) - before_count);
    }
    return status;
}

void engine_set_statements(struct cflight_sql_handlers *handlers)
{
    handlers->prepare = prepare;
    handlers->free_statement = free_statement;
    handlers->execute = execute;
}
