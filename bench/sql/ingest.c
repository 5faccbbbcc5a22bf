/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads into a table: columns of int64, float64 and text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

struct ingest {
    struct connection *connection;
    struct ArrowArrayStream *rows;
    struct ArrowSchema schema;
    sqlite3_stmt *insert;
};

static const char *type_of(const char *format)
{
    static const char *const TYPES[][2] = {{"l", "INTEGER"}, {"g", "REAL"}, {"u", "TEXT"}};
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        if (strcmp(format, TYPES[i][0]) == 0) {
            return TYPES[i][1];
        }
    }
    return NULL;
}

static cflight_status run_and_free(struct connection *connection, char *text,
                                   cflight_error **reterr)
{
    cflight_status status = text == NULL ? cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                                             "no memory for a statement")
                                         : engine_run(connection, text, reterr);
    sqlite3_free(text);
    return status;
}

/* "CREATE TABLE ..." or "INSERT INTO ...". The caller frees it. */
static char *write_text(sqlite3_str *text, const struct ArrowSchema *schema, bool is_create)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        const struct ArrowSchema *field = schema->children[i];
        sqlite3_str_appendall(text, i == 0 ? "(" : ", ");
        if (is_create) {
            sqlite3_str_appendf(text, "\"%w\" %s", field->name, type_of(field->format));
        } else {
            sqlite3_str_appendall(text, "?");
        }
    }
    sqlite3_str_appendall(text, ")");
    return sqlite3_str_finish(text);
}

static cflight_status make_table(struct ingest *ingest,
                                 const struct cflight_sql_ingest_target *target, const char *name,
                                 cflight_error **reterr)
{
    struct connection *connection = ingest->connection;
    bool is_there = sqlite3_table_column_metadata(connection->database, NULL, name, NULL, NULL,
                                                  NULL, NULL, NULL, NULL) == SQLITE_OK;
    if (is_there && target->if_exists == CFLIGHT_SQL_IF_EXISTS_FAIL) {
        return cflight_error_set(reterr, CFLIGHT_ALREADY_EXISTS, "there is a table %s", name);
    }
    if (!is_there && target->if_missing == CFLIGHT_SQL_IF_MISSING_FAIL) {
        return cflight_error_set(reterr, CFLIGHT_NOT_FOUND, "there is no table %s", name);
    }
    if (is_there && target->if_exists == CFLIGHT_SQL_IF_EXISTS_REPLACE) {
        cflight_status status =
            run_and_free(connection, sqlite3_mprintf("DROP TABLE \"%w\"", name), reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        is_there = false;
    }
    if (is_there) {
        return CFLIGHT_OK;
    }
    sqlite3_str *text = sqlite3_str_new(connection->database);
    sqlite3_str_appendf(text, "CREATE TABLE \"%w\" ", name);
    return run_and_free(connection, write_text(text, &ingest->schema, true), reterr);
}

static cflight_status prepare_insert(struct ingest *ingest, const char *name,
                                     cflight_error **reterr)
{
    sqlite3 *database = ingest->connection->database;
    sqlite3_str *text = sqlite3_str_new(database);
    sqlite3_str_appendf(text, "INSERT INTO \"%w\" VALUES ", name);
    char *insert = write_text(text, &ingest->schema, false);
    int code = insert == NULL ? SQLITE_NOMEM
                              : sqlite3_prepare_v2(database, insert, -1, &ingest->insert, NULL);
    sqlite3_free(insert);
    return code == SQLITE_OK ? CFLIGHT_OK : engine_fail(ingest->connection, code, reterr);
}

static int bind(sqlite3_stmt *insert, int place, const struct ArrowArray *column, char format,
                int64_t row)
{
    const uint8_t *validity = column->buffers[0];
    const int32_t *offsets = column->buffers[1];
    row += column->offset;
    if (validity != NULL && (validity[row / 8] >> (row % 8) & 1) == 0) {
        return sqlite3_bind_null(insert, place);
    }
    switch (format) {
    case 'l':
        return sqlite3_bind_int64(insert, place, ((const int64_t *)column->buffers[1])[row]);
    case 'g':
        return sqlite3_bind_double(insert, place, ((const double *)column->buffers[1])[row]);
    default:
        return sqlite3_bind_text(insert, place, (const char *)column->buffers[2] + offsets[row],
                                 offsets[row + 1] - offsets[row], SQLITE_STATIC);
    }
}

static cflight_status insert_batch(struct ingest *ingest, const struct ArrowArray *batch,
                                   cflight_error **reterr)
{
    int code = SQLITE_OK;
    for (int64_t row = 0; row < batch->length; row++) {
        for (int64_t i = 0; code == SQLITE_OK && i < batch->n_children; i++) {
            code = bind(ingest->insert, (int)i + 1, batch->children[i],
                        ingest->schema.children[i]->format[0], row + batch->offset);
        }
        if (code == SQLITE_OK && sqlite3_step(ingest->insert) != SQLITE_DONE) {
            code = sqlite3_errcode(ingest->connection->database);
        }
        (void)sqlite3_reset(ingest->insert);
        if (code != SQLITE_OK) {
            return engine_fail(ingest->connection, code, reterr);
        }
    }
    return CFLIGHT_OK;
}

static cflight_status insert_all(struct ingest *ingest, int64_t *ret_row_count,
                                 cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    *ret_row_count = 0;
    for (;;) {
        struct ArrowArray batch = {.release = NULL};
        if (ingest->rows->get_next(ingest->rows, &batch) != 0) {
            return cflight_error_set(reterr, CFLIGHT_INTERNAL, "%s",
                                     ingest->rows->get_last_error(ingest->rows));
        }
        if (batch.release == NULL) {
            return status;
        }
        status = insert_batch(ingest, &batch, reterr);
        *ret_row_count += batch.length;
        batch.release(&batch);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
}

static cflight_status check_types(const struct ArrowSchema *schema, cflight_error **reterr)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (type_of(schema->children[i]->format) == NULL) {
            return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED, "column %s: format %s",
                                     schema->children[i]->name, schema->children[i]->format);
        }
    }
    return CFLIGHT_OK;
}

static cflight_status store(void *user_data, cflight_sql_call *call,
                            const struct cflight_sql_ingest_target *target,
                            struct ArrowArrayStream *rows, int64_t *ret_row_count,
                            cflight_error **reterr)
{
    struct ingest ingest = {.connection = cflight_sql_call_session(call), .rows = rows};
    char *name = strndup((const char *)target->name.table.data, target->name.table.len_bytes);
    bool is_begun = false;
    (void)user_data;
    if (name == NULL || rows->get_schema(rows, &ingest.schema) != 0) {
        free(name);
        return cflight_error_set(reterr, CFLIGHT_INTERNAL, "no schema, or no memory");
    }
    cflight_status status = check_types(&ingest.schema, reterr);
    if (status == CFLIGHT_OK) {
        status = engine_begin_unit(ingest.connection, &is_begun, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = make_table(&ingest, target, name, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = prepare_insert(&ingest, name, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = insert_all(&ingest, ret_row_count, reterr);
    }
    (void)sqlite3_finalize(ingest.insert);
    status = engine_end_unit(ingest.connection, is_begun, status, reterr);
    ingest.schema.release(&ingest.schema);
    free(name);
    return status;
}

void engine_set_ingest(struct cflight_sql_handlers *handlers)
{
    handlers->ingest = store;
}
