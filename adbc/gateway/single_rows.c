/* SPDX-License-Identifier: Apache-2.0 */
/* Rows one by one: each a batch that points into the one it was cut from.
 *
 * A cut batch has columns of its own, whose offset says where the row is; their memory is that of
 * the whole, which lives as long as any of them. A driver may keep what was bound last. Thread
 * class: one at a time, but for the release of a row. Arrow C data interface. */
#include "adbc/gateway/single_rows.h"

#include <stdlib.h>
#include <string.h>

#include "cflight/builder.h"

struct whole {
    atomic_uint hold_count;
    struct ArrowArray batch;
};

struct gateway_single_rows {
    struct ArrowArrayStream *source;
    struct ArrowSchema schema;
    struct whole *whole; /* NULL before the first batch, and at the end */
    int64_t next;
};

static void drop(struct whole *whole)
{
    if (whole != NULL && atomic_fetch_sub(&whole->hold_count, 1) == 1) {
        whole->batch.release(&whole->batch);
        free(whole);
    }
}

/* What a column has is borrowed from the whole. */
static void release_column(struct ArrowArray *column)
{
    column->release = NULL;
}

static void release_row(struct ArrowArray *row)
{
    for (int64_t i = 0; i < row->n_children; i++) {
        if (row->children[i]->release != NULL) {
            row->children[i]->release(row->children[i]);
        }
    }
    drop(row->private_data);
    free(row->children[0]);
    free(row->children);
    row->release = NULL;
}

/* A row of no columns would have nothing to bind. */
static bool cut(struct whole *whole, int64_t index, struct ArrowArray *ret_row)
{
    static const void *const NO_BUFFERS[1] = {NULL};
    size_t count = (size_t)whole->batch.n_children;
    struct ArrowArray *columns = count == 0 ? NULL : calloc(count, sizeof *columns);
    struct ArrowArray **children = count == 0 ? NULL : calloc(count, sizeof *children);
    if (columns == NULL || children == NULL) {
        free(columns);
        free(children);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        columns[i] = *whole->batch.children[i];
        columns[i].offset += whole->batch.offset + index;
        columns[i].length = 1;
        columns[i].null_count = columns[i].null_count == 0 ? 0 : -1;
        columns[i].release = release_column;
        columns[i].private_data = NULL;
        children[i] = &columns[i];
    }
    memset(ret_row, 0, sizeof *ret_row);
    ret_row->length = 1;
    ret_row->n_buffers = 1;
    ret_row->buffers = (const void **)(uintptr_t)NO_BUFFERS;
    ret_row->n_children = (int64_t)count;
    ret_row->children = children;
    ret_row->release = release_row;
    ret_row->private_data = whole;
    atomic_fetch_add(&whole->hold_count, 1);
    return true;
}

static cflight_status blame(struct ArrowArrayStream *source, cflight_error **reterr)
{
    const char *text = source->get_last_error(source);
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "the rows could not be read: %s",
                             text == NULL ? "no reason was given" : text);
}

cflight_status gateway_single_rows_new(struct ArrowArrayStream *source,
                                       struct gateway_single_rows **ret_rows,
                                       cflight_error **reterr)
{
    struct gateway_single_rows *rows = calloc(1, sizeof *rows);
    if (rows == NULL) {
        return gateway_no_memory(reterr);
    }
    rows->source = source;
    if (source->get_schema(source, &rows->schema) != 0) {
        free(rows);
        return blame(source, reterr);
    }
    *ret_rows = rows;
    return CFLIGHT_OK;
}

/* The next batch that has rows; none at the end. */
static cflight_status fetch(struct gateway_single_rows *rows, cflight_error **reterr)
{
    drop(rows->whole);
    rows->whole = NULL;
    rows->next = 0;
    struct ArrowArray batch;
    do {
        memset(&batch, 0, sizeof batch);
        if (rows->source->get_next(rows->source, &batch) != 0) {
            return blame(rows->source, reterr);
        }
        if (batch.release != NULL && batch.length == 0) {
            batch.release(&batch);
            batch.length = -1;
        }
    } while (batch.length == -1);
    if (batch.release == NULL) {
        return CFLIGHT_OK;
    }
    rows->whole = calloc(1, sizeof *rows->whole);
    if (rows->whole == NULL) {
        batch.release(&batch);
        return gateway_no_memory(reterr);
    }
    atomic_init(&rows->whole->hold_count, 1);
    rows->whole->batch = batch;
    return CFLIGHT_OK;
}

cflight_status gateway_single_rows_next(struct gateway_single_rows *rows, bool *ret_has_row,
                                        struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    struct ArrowArray row;
    if (rows->whole == NULL || rows->next == rows->whole->batch.length) {
        cflight_status status = fetch(rows, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    *ret_has_row = rows->whole != NULL;
    if (!*ret_has_row) {
        return CFLIGHT_OK;
    }
    if (!cut(rows->whole, rows->next++, &row)) {
        return gateway_no_memory(reterr);
    }
    cflight_status status = cflight_batches_to_stream(&rows->schema, &row, 1, ret_stream, reterr);
    if (status != CFLIGHT_OK) {
        row.release(&row);
    }
    return status;
}

void gateway_single_rows_free(struct gateway_single_rows *rows)
{
    if (rows != NULL) {
        drop(rows->whole);
        rows->schema.release(&rows->schema);
        free(rows);
    }
}
