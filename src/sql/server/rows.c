/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of listings: collected, sorted as Flight SQL has them, and built into batches.
 *
 * Texts are copied into one arena, whose limit is that of a listing. Owner: the handler's frame.
 * Thread class: one at a time. */
#include "sql/server/rows.h"

#include <stdlib.h>
#include <string.h>

#include "cflight/builder.h"

enum { BATCH_ROWS = 16384, KEYS_MAX = 5 };

/* The columns that the rows are sorted by. */
static const struct {
    enum cflight_sql_type type;
    int8_t keys[KEYS_MAX]; /* -1 ends them */
} ORDERS[] = {
    {CFLIGHT_SQL_GET_CATALOGS, {0, -1}},
    {CFLIGHT_SQL_GET_DB_SCHEMAS, {0, 1, -1}},
    {CFLIGHT_SQL_GET_TABLES, {0, 1, 2, 3, -1}},
    {CFLIGHT_SQL_GET_TABLE_TYPES, {0, -1}},
    {CFLIGHT_SQL_GET_PRIMARY_KEYS, {0, 1, 2, 5, 4}},
    {CFLIGHT_SQL_GET_EXPORTED_KEYS, {4, 5, 6, 9, 8}},
    {CFLIGHT_SQL_GET_IMPORTED_KEYS, {0, 1, 2, 10, 8}},
    {CFLIGHT_SQL_GET_CROSS_REFERENCE, {0, 1, 2, 10, 8}},
    {CFLIGHT_SQL_GET_XDBC_TYPE_INFO, {1, 0, -1}},
};

cflight_status cfl_sql_rows_begin(cflight_sql_rows *rows, cflight_sql_server *server,
                                  const struct cflight_sql_message *command, cflight_error **reterr)
{
    uint64_t bytes_max = server->options.listing_bytes_max;
    rows->server = server;
    rows->command = command;
    rows->rows = NULL;
    rows->row_count = 0;
    rows->row_capacity = 0;
    rows->schema.release = NULL;
    cfl_arena_init(&rows->arena, server->alloc,
                   bytes_max > SIZE_MAX ? SIZE_MAX : (size_t)bytes_max);
    cflight_status status = cflight_sql_result_schema(command, &rows->schema, reterr);
    rows->column_count = status == CFLIGHT_OK ? (size_t)rows->schema.n_children : 0;
    return status;
}

void cfl_sql_rows_done(cflight_sql_rows *rows)
{
    cfl_free_array(rows->server->alloc, rows->rows, rows->row_capacity, sizeof *rows->rows);
    cfl_arena_done(&rows->arena);
    if (rows->schema.release != NULL) {
        rows->schema.release(&rows->schema);
    }
}

/* ---- adding ---- */

static bool copy_bytes(struct cfl_arena *arena, struct cflight_bytes *bytes)
{
    uint8_t *copy = cfl_arena_alloc(arena, bytes->len_bytes);
    if (copy == NULL) {
        return false;
    }
    if (bytes->len_bytes > 0) {
        memcpy(copy, bytes->data, bytes->len_bytes);
    }
    bytes->data = copy;
    return true;
}

static bool copy_cell(struct cfl_arena *arena, struct cfl_sql_cell *cell)
{
    if (!cell->has_value) {
        return true;
    }
    struct cflight_bytes *items = cfl_arena_array(arena, cell->item_count, sizeof *items);
    bool is_copied = items != NULL && copy_bytes(arena, &cell->bytes);
    for (size_t i = 0; is_copied && i < cell->item_count; i++) {
        items[i] = cell->items[i];
        is_copied = copy_bytes(arena, &items[i]);
    }
    cell->items = items;
    return is_copied;
}

cflight_status cfl_sql_rows_add(cflight_sql_rows *rows, const struct cfl_sql_cell *cells,
                                uint32_t rank, cflight_error **reterr)
{
    size_t cells_bytes = rows->column_count * sizeof *cells;
    struct cfl_sql_row *row = cfl_arena_alloc(&rows->arena, sizeof *row + cells_bytes);
    bool is_copied = row != NULL;
    if (is_copied) {
        row->rows = rows;
        row->rank = rank;
        memcpy(row->cells, cells, cells_bytes);
    }
    for (size_t i = 0; is_copied && i < rows->column_count; i++) {
        is_copied = copy_cell(&rows->arena, &row->cells[i]);
    }
    if (!is_copied) {
        return rows->arena.is_over_limit ? cfl_sql_limit(reterr, "listing_bytes_max",
                                                         rows->server->options.listing_bytes_max,
                                                         "The listing is too large")
                                         : cfl_error_no_memory(reterr);
    }
    if (!cfl_grow_array(rows->server->alloc, (void **)&rows->rows, &rows->row_capacity,
                        rows->row_count + 1, sizeof *rows->rows)) {
        return cfl_error_no_memory(reterr);
    }
    rows->rows[rows->row_count++] = row;
    return CFLIGHT_OK;
}

/* ---- order ---- */

static int compare_bytes(struct cflight_bytes a, struct cflight_bytes b)
{
    size_t shared = a.len_bytes < b.len_bytes ? a.len_bytes : b.len_bytes;
    int order = shared == 0 ? 0 : memcmp(a.data, b.data, shared);
    return order != 0 ? order : (a.len_bytes > b.len_bytes) - (a.len_bytes < b.len_bytes);
}

static int compare_cells(const struct cfl_sql_cell *a, const struct cfl_sql_cell *b)
{
    if (a->has_value != b->has_value) {
        return a->has_value ? 1 : -1;
    }
    if (!a->has_value) {
        return 0;
    }
    if (a->number != b->number) {
        return a->number > b->number ? 1 : -1;
    }
    int order = compare_bytes(a->bytes, b->bytes);
    for (size_t i = 0; order == 0 && i < a->item_count && i < b->item_count; i++) {
        order = compare_bytes(a->items[i], b->items[i]);
    }
    return order != 0 ? order : (a->item_count > b->item_count) - (a->item_count < b->item_count);
}

static const int8_t *keys_of(enum cflight_sql_type type)
{
    size_t i = 0;
    while (ORDERS[i].type != type) {
        i++;
    }
    return ORDERS[i].keys;
}

static int compare_rows(const void *a_pointer, const void *b_pointer)
{
    const struct cfl_sql_row *a = *(struct cfl_sql_row *const *)a_pointer;
    const struct cfl_sql_row *b = *(struct cfl_sql_row *const *)b_pointer;
    const int8_t *keys = keys_of(a->rows->command->type);
    if (a->rank != b->rank) {
        return a->rank > b->rank ? 1 : -1;
    }
    int order = 0;
    for (size_t i = 0; order == 0 && i < KEYS_MAX && keys[i] >= 0; i++) {
        order = compare_cells(&a->cells[keys[i]], &b->cells[keys[i]]);
    }
    for (size_t i = 0; order == 0 && i < a->rows->column_count; i++) {
        order = compare_cells(&a->cells[i], &b->cells[i]);
    }
    return order;
}

static void sort(cflight_sql_rows *rows)
{
    size_t kept_count = 0;
    if (rows->row_count == 0) {
        return;
    }
    qsort(rows->rows, rows->row_count, sizeof *rows->rows, compare_rows);
    for (size_t i = 0; i < rows->row_count; i++) {
        if (kept_count == 0 || compare_rows(&rows->rows[kept_count - 1], &rows->rows[i]) != 0) {
            rows->rows[kept_count++] = rows->rows[i];
        }
    }
    rows->row_count = kept_count;
}

/* ---- batches ---- */

static void append_cell(cflight_column *column, const char *format, const struct cfl_sql_cell *cell)
{
    if (!cell->has_value) {
        cflight_append_null(column);
    } else if (format[0] == '+') {
        for (size_t i = 0; i < cell->item_count; i++) {
            cflight_append_bytes(cflight_column_child(column, 0), cell->items[i]);
        }
        cflight_append_nested(column);
    } else if (format[0] == 'u' || format[0] == 'z') {
        cflight_append_bytes(column, cell->bytes);
    } else if (format[0] == 'b') {
        cflight_append_bool(column, cell->number != 0);
    } else {
        cflight_append_int(column, cell->number);
    }
}

static cflight_status build_batch(const cflight_sql_rows *rows, cflight_builder *builder,
                                  size_t first_row, struct ArrowArray *ret_batch,
                                  cflight_error **reterr)
{
    for (size_t i = first_row; i < rows->row_count && i < first_row + BATCH_ROWS; i++) {
        for (size_t j = 0; j < rows->column_count; j++) {
            append_cell(cflight_builder_column(builder, j), rows->schema.children[j]->format,
                        &rows->rows[i]->cells[j]);
        }
        cflight_builder_end_row(builder);
    }
    return cflight_builder_finish(builder, ret_batch, reterr);
}

cflight_status cfl_sql_rows_stream(cflight_sql_rows *rows, struct ArrowArrayStream *ret_stream,
                                   cflight_error **reterr)
{
    const struct cflight_allocator *alloc = rows->server->alloc;
    cflight_builder *builder = NULL;
    sort(rows);
    size_t batch_count = (rows->row_count + BATCH_ROWS - 1) / BATCH_ROWS;
    size_t built_count = 0;
    struct ArrowArray *batches = cfl_alloc_array(alloc, batch_count, sizeof *batches);
    if (batch_count > 0 && batches == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cflight_status status = cflight_builder_new(&rows->schema, NULL, &builder, reterr);
    while (status == CFLIGHT_OK && built_count < batch_count) {
        status =
            build_batch(rows, builder, built_count * BATCH_ROWS, &batches[built_count], reterr);
        built_count += status == CFLIGHT_OK ? 1 : 0;
    }
    if (status == CFLIGHT_OK) {
        status = cflight_batches_to_stream(&rows->schema, batches, batch_count, ret_stream, reterr);
    }
    for (size_t i = 0; i < built_count; i++) {
        if (batches[i].release != NULL) {
            batches[i].release(&batches[i]);
        }
    }
    cflight_builder_free(builder);
    cfl_free_array(alloc, batches, batch_count, sizeof *batches);
    return status;
}
