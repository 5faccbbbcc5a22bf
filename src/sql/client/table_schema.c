/* SPDX-License-Identifier: Apache-2.0 */
/* The schema of one table.
 *
 * GetTables takes patterns. A name is sent as it is, since it matches itself with every server,
 * whether it knows an escape or not; the other tables that it matches are left out here. Batches
 * were checked when they were read, types were not. Thread class: free. */
#include <inttypes.h>

#include "base/error.h"
#include "cflight/ipc.h"
#include "sql/client/rows.h"

/* The columns that are looked at, and the table that was found. */
struct search {
    const struct cflight_sql_table_name *name;
    struct ArrowSchema schema;
    bool is_found;
};

/* A text of a column of texts or bytes; a null has NULL data. */
static struct cflight_bytes text_at(const struct ArrowSchema *field, const struct ArrowArray *array,
                                    int64_t row)
{
    const uint8_t *bits = array->buffers[0];
    const uint8_t *data = array->buffers[2];
    int64_t start = 0;
    int64_t end = 0;
    if (bits != NULL && (bits[row / 8] >> (row % 8) & 1) == 0) {
        return cflight_bytes_make(NULL, 0);
    }
    if (field->format[0] == 'u' || field->format[0] == 'z') {
        const int32_t *offsets = array->buffers[1];
        start = offsets[row];
        end = offsets[row + 1];
    } else {
        const int64_t *offsets = array->buffers[1];
        start = offsets[row];
        end = offsets[row + 1];
    }
    return start == end ? cflight_bytes_from_text("")
                        : cflight_bytes_make(data + start, (size_t)(end - start));
}

/* Finds a column by its name; its values are one of the types in `formats`. */
static cflight_status find_column(const struct ArrowSchema *schema, const char *name,
                                  const char *formats, int64_t *ret_index, cflight_error **reterr)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        const struct ArrowSchema *field = schema->children[i];
        if (field->name == NULL || strcmp(field->name, name) != 0) {
            continue;
        }
        if (strlen(field->format) != 1 || strchr(formats, field->format[0]) == NULL ||
            field->dictionary != NULL) {
            return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                     "not rows of tables: '%s' has the type '%s'", name,
                                     field->format);
        }
        *ret_index = i;
        return CFLIGHT_OK;
    }
    return cflight_error_set(reterr, CFLIGHT_DATA_LOSS, "not rows of tables: no column '%s'", name);
}

/* Whether a value is what is asked for: anything where nothing is, and a null counts as empty. */
static bool fits(struct cflight_bytes wanted, struct cflight_bytes value)
{
    return wanted.data == NULL || cflight_bytes_equal(wanted, value);
}

static cflight_status keep(struct search *search, struct cflight_bytes schema,
                           cflight_error **reterr)
{
    if (search->is_found) {
        return cflight_error_set(reterr, CFLIGHT_FAILED_PRECONDITION,
                                 "there are several tables of this name: say the catalog and the "
                                 "schema");
    }
    cflight_status status = cflight_ipc_schema_parse(schema, &search->schema, reterr);
    search->is_found = status == CFLIGHT_OK;
    return status;
}

static cflight_status search_batch(void *user_data, const struct ArrowSchema *schema,
                                   const struct ArrowArray *batch, cflight_error **reterr)
{
    static const struct {
        const char *name;
        const char *formats;
    } COLUMNS[] = {{"catalog_name", "uU"},
                   {"db_schema_name", "uU"},
                   {"table_name", "uU"},
                   {"table_schema", "zZ"}};
    enum { COLUMN_COUNT = sizeof COLUMNS / sizeof *COLUMNS };
    struct search *search = user_data;
    const struct cflight_bytes wanted[] = {search->name->catalog, search->name->db_schema,
                                           search->name->table};
    int64_t indices[COLUMN_COUNT];
    cflight_status status = CFLIGHT_OK;
    for (int i = 0; status == CFLIGHT_OK && i < COLUMN_COUNT; i++) {
        status = find_column(schema, COLUMNS[i].name, COLUMNS[i].formats, &indices[i], reterr);
    }
    for (int64_t row = 0; status == CFLIGHT_OK && row < batch->length; row++) {
        struct cflight_bytes values[COLUMN_COUNT];
        bool is_it = true;
        for (int i = 0; i < COLUMN_COUNT; i++) {
            const struct ArrowArray *column = batch->children[indices[i]];
            values[i] =
                text_at(schema->children[indices[i]], column, batch->offset + column->offset + row);
            is_it = is_it && (i == COLUMN_COUNT - 1 || fits(wanted[i], values[i]));
        }
        if (is_it) {
            status = keep(search, values[COLUMN_COUNT - 1], reterr);
        }
    }
    return status;
}

cflight_status cflight_sql_find_table_schema(struct ArrowArrayStream *rows,
                                             const struct cflight_sql_table_name *name,
                                             struct ArrowSchema *ret_schema, cflight_error **reterr)
{
    struct search search = {.name = name};
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(rows), CFL_ARG(name), CFL_ARG(ret_schema));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_sql_rows_each(rows, search_batch, &search, reterr);
    if (status == CFLIGHT_OK && !search.is_found) {
        status = cflight_error_set(reterr, CFLIGHT_NOT_FOUND, "there is no table '%.*s'",
                                   (int)name->table.len_bytes, (const char *)name->table.data);
    }
    if (status != CFLIGHT_OK) {
        if (search.is_found) {
            search.schema.release(&search.schema);
        }
        return cfl_sql_blame(CFLIGHT_SQL_GET_TABLES, status, reterr);
    }
    *ret_schema = search.schema;
    return CFLIGHT_OK;
}

cflight_status cflight_sql_get_table_schema(cflight_client *client,
                                            const struct cflight_sql_table_name *name,
                                            const struct cflight_sql_options *options,
                                            struct ArrowSchema *ret_schema, cflight_error **reterr)
{
    struct ArrowArrayStream stream;
    struct cflight_sql_tables filter = {.include_schema = true};
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(name), CFL_ARG(ret_schema));
    if (status != CFLIGHT_OK) {
        return status;
    }
    filter.catalog = name->catalog;
    filter.schema_pattern = name->db_schema;
    filter.table_pattern = name->table;
    status = cflight_sql_get_tables(client, &filter, options, &stream, reterr);
    return status == CFLIGHT_OK ? cflight_sql_find_table_schema(&stream, name, ret_schema, reterr)
                                : status;
}
