/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the database for tests: what is in them, uploads, lists. */
#include "sql_engine_tables.h"

#include <stdio.h>

#include "test.h"

struct t_table *t_find_table(struct t_engine *engine, const char *name)
{
    for (size_t i = 0; i < engine->tables.count; i++) {
        if (strcmp(engine->tables.tables[i].name, name) == 0) {
            return &engine->tables.tables[i];
        }
    }
    return NULL;
}

bool t_create_table(struct t_engine *engine, const char *name)
{
    if (t_find_table(engine, name) != NULL || engine->tables.count == T_TABLES) {
        return false;
    }
    struct t_table *table = &engine->tables.tables[engine->tables.count++];
    memset(table, 0, sizeof *table);
    (void)snprintf(table->name, sizeof table->name, "%.31s", name);
    return true;
}

void t_drop_table(struct t_engine *engine, struct t_table *table)
{
    struct t_table *last = &engine->tables.tables[engine->tables.count - 1];
    if (table != last) {
        *table = *last;
    }
    engine->tables.count--;
}

bool t_insert(struct t_table *table, int64_t value)
{
    if (table->row_count == T_ROWS) {
        return false;
    }
    table->rows[table->row_count++] = value;
    return true;
}

int64_t t_engine_rows(struct t_engine *engine, const char *name)
{
    (void)pthread_mutex_lock(&engine->mutex);
    const struct t_table *table = t_find_table(engine, name);
    int64_t row_count = table == NULL ? -1 : (int64_t)table->row_count;
    (void)pthread_mutex_unlock(&engine->mutex);
    return row_count;
}

void t_int_schema(struct ArrowSchema *ret_schema)
{
    static const struct cflight_field FIELDS[] = {{.name = "n", .format = "l"}};
    CHECK_OK(cflight_schema_new(FIELDS, 1, ret_schema, NULL), NULL);
}

/* ---- ingest ---- */

static cflight_status take_rows(struct t_table *table, struct ArrowArrayStream *rows,
                                int64_t *ret_row_count, cflight_error **reterr)
{
    int64_t row_count = 0;
    for (;;) {
        struct ArrowArray batch;
        if (rows->get_next(rows, &batch) != 0) {
            return cflight_error_set(reterr, CFLIGHT_INTERNAL, "%s", rows->get_last_error(rows));
        }
        if (batch.release == NULL) {
            *ret_row_count = row_count;
            return CFLIGHT_OK;
        }
        const int64_t *values = batch.children[0]->buffers[1];
        for (int64_t i = 0; i < batch.length; i++) {
            (void)t_insert(table, values[batch.children[0]->offset + i]);
        }
        row_count += batch.length;
        batch.release(&batch);
    }
}

cflight_status t_engine_ingest(void *user_data, cflight_sql_call *call,
                               const struct cflight_sql_ingest_target *target,
                               struct ArrowArrayStream *rows, int64_t *ret_row_count,
                               cflight_error **reterr)
{
    struct t_engine *engine = user_data;
    struct ArrowSchema schema;
    char name[32] = "";
    (void)call;
    memcpy(name, target->name.table.data,
           target->name.table.len_bytes < 31 ? target->name.table.len_bytes : 31);
    if (rows->get_schema(rows, &schema) != 0) {
        return cflight_error_set(reterr, CFLIGHT_INTERNAL, "no schema");
    }
    bool fits = schema.n_children == 1 && strcmp(schema.children[0]->format, "l") == 0;
    schema.release(&schema);
    if (!fits) {
        return cflight_error_set(reterr, CFLIGHT_ALREADY_EXISTS, "the schema does not fit");
    }
    struct t_table fresh;
    memset(&fresh, 0, sizeof fresh);
    cflight_status status = take_rows(&fresh, rows, ret_row_count, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    (void)pthread_mutex_lock(&engine->mutex);
    struct t_table *table = t_find_table(engine, name);
    if (table != NULL && target->if_exists == CFLIGHT_SQL_IF_EXISTS_FAIL) {
        status = cflight_error_set(reterr, CFLIGHT_ALREADY_EXISTS, "%s is there", name);
    } else if (table == NULL && target->if_missing == CFLIGHT_SQL_IF_MISSING_FAIL) {
        status = cflight_error_set(reterr, CFLIGHT_NOT_FOUND, "%s is not there", name);
    } else {
        if (table != NULL && target->if_exists == CFLIGHT_SQL_IF_EXISTS_REPLACE) {
            table->row_count = 0;
        } else if (table == NULL) {
            assert_true(t_create_table(engine, name));
            table = t_find_table(engine, name);
        }
        for (size_t i = 0; i < fresh.row_count; i++) {
            (void)t_insert(table, fresh.rows[i]);
        }
    }
    (void)pthread_mutex_unlock(&engine->mutex);
    return status;
}

/* ---- lists: a catalog "main", without schemas ---- */

static cflight_status list_catalogs(void *user_data, cflight_sql_call *call, cflight_sql_rows *rows,
                                    cflight_error **reterr)
{
    (void)user_data;
    (void)call;
    return cflight_sql_rows_add_catalog(rows, t_text("main"), reterr);
}

static cflight_status list_db_schemas(void *user_data, cflight_sql_call *call,
                                      const struct cflight_sql_db_schemas *filter,
                                      cflight_sql_rows *rows, cflight_error **reterr)
{
    (void)user_data;
    (void)call;
    (void)filter;
    return cflight_sql_rows_add_db_schema(rows, t_text("main"), t_text(""), reterr);
}

static cflight_status list_tables(void *user_data, cflight_sql_call *call,
                                  const struct cflight_sql_tables *filter, cflight_sql_rows *rows,
                                  cflight_error **reterr)
{
    struct t_engine *engine = user_data;
    struct ArrowSchema schema;
    cflight_status status = CFLIGHT_OK;
    (void)call;
    (void)filter;
    t_int_schema(&schema);
    (void)pthread_mutex_lock(&engine->mutex);
    for (size_t i = 0; i < engine->tables.count && status == CFLIGHT_OK; i++) {
        struct cflight_sql_table_name name = {t_text("main"), t_text(""),
                                              t_text(engine->tables.tables[i].name)};
        status = cflight_sql_rows_add_table(rows, &name, t_text("TABLE"), &schema, reterr);
    }
    (void)pthread_mutex_unlock(&engine->mutex);
    schema.release(&schema);
    return status;
}

static cflight_status list_table_types(void *user_data, cflight_sql_call *call,
                                       cflight_sql_rows *rows, cflight_error **reterr)
{
    (void)user_data;
    (void)call;
    return cflight_sql_rows_add_table_type(rows, t_text("TABLE"), reterr);
}

void t_engine_add_lists(struct t_engine *engine)
{
    engine->handlers.list_catalogs = list_catalogs;
    engine->handlers.list_db_schemas = list_db_schemas;
    engine->handlers.list_tables = list_tables;
    engine->handlers.list_table_types = list_table_types;
}
