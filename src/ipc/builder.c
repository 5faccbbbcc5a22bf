/* SPDX-License-Identifier: Apache-2.0 */
/* A builder of record batches: its columns, its rows, and what went wrong.
 *
 * Columns keep their values in buffers that stay when a batch is given out; the batch has copies of
 * exactly their size, aligned. The first thing that goes wrong is kept, and until the batch is
 * asked for everything after it is dropped. Owner: the builder, of all its columns. Thread class:
 * one at a time. (Arrow columnar: Physical memory layout) */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "ipc/array_build.h"
#include "ipc/bitmap.h"
#include "ipc/builder_internal.h"

/* ---- making and freeing ---- */

static void column_done(cflight_column *column)
{
    for (size_t i = 0; i < column->child_count; i++) {
        column_done(&column->children[i]);
    }
    cfl_free_array(column->builder->alloc, column->children, column->child_count,
                   sizeof *column->children);
    cfl_buf_done(&column->validity);
    cfl_buf_done(&column->offsets);
    cfl_buf_done(&column->values);
}

static bool is_built(const struct cfl_field *field)
{
    switch (field->type.layout) {
    case CFL_LAYOUT_NULL:
    case CFL_LAYOUT_BOOL:
    case CFL_LAYOUT_FIXED:
    case CFL_LAYOUT_VARIABLE_32:
    case CFL_LAYOUT_VARIABLE_64:
    case CFL_LAYOUT_LIST_32:
    case CFL_LAYOUT_LIST_64:
    case CFL_LAYOUT_FIXED_LIST:
    case CFL_LAYOUT_STRUCT:
    case CFL_LAYOUT_DENSE_UNION:
        return !field->is_dictionary;
    case CFL_LAYOUT_VIEW:
    case CFL_LAYOUT_LIST_VIEW_32:
    case CFL_LAYOUT_LIST_VIEW_64:
    case CFL_LAYOUT_SPARSE_UNION:
    case CFL_LAYOUT_RUN_END_ENCODED:
    default:
        return false;
    }
}

/* Recursion is as deep as the schema, which is bounded. */
static cflight_status column_init(cflight_column *column, cflight_builder *builder,
                                  const cflight_column *parent, const struct cfl_field *field,
                                  cflight_error **reterr)
{
    column->builder = builder;
    column->parent = parent;
    column->field = field;
    cfl_buf_init(&column->validity, builder->alloc);
    cfl_buf_init(&column->offsets, builder->alloc);
    cfl_buf_init(&column->values, builder->alloc);
    if (!is_built(field)) {
        return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED,
                                 "column '%s' is of a type that is not built row by row: views, "
                                 "dictionaries, sparse unions, run-end encoded",
                                 field->name);
    }
    if (field->child_count == 0) {
        return CFLIGHT_OK;
    }
    column->children =
        cfl_alloc_array(builder->alloc, (size_t)field->child_count, sizeof *column->children);
    if (column->children == NULL) {
        return cfl_error_no_memory(reterr);
    }
    column->child_count = (size_t)field->child_count;
    for (size_t i = 0; i < column->child_count; i++) {
        column->children[i].builder = builder; /* so that it can be freed */
    }
    for (size_t i = 0; i < column->child_count; i++) {
        cflight_status status =
            column_init(&column->children[i], builder, column, &field->children[i], reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    return CFLIGHT_OK;
}

cflight_status cflight_builder_new(const struct ArrowSchema *schema,
                                   const struct cflight_builder_options *options,
                                   cflight_builder **ret_builder, cflight_error **reterr)
{
    struct cflight_builder_options loaded = CFLIGHT_BUILDER_OPTIONS_INIT;
    cflight_builder *builder = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(schema), CFL_ARG(ret_builder));
    if (status == CFLIGHT_OK) {
        status = cfl_options_load(&loaded, sizeof loaded, options, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    builder = cfl_alloc_zeroed(loaded.allocator, sizeof *builder);
    if (builder == NULL) {
        return cfl_error_no_memory(reterr);
    }
    builder->alloc = loaded.allocator;
    builder->bytes_max = loaded.bytes_max == 0 ? UINT64_MAX : loaded.bytes_max;
    builder->root.builder = builder;
    status = cfl_schema_from_arrow(builder->alloc, schema, &cfl_limits_default, &builder->schema,
                                   reterr);
    if (status == CFLIGHT_OK) {
        status =
            column_init(&builder->root, builder, NULL, cfl_schema_root(builder->schema), reterr);
    }
    if (status != CFLIGHT_OK) {
        cflight_builder_free(builder);
        return status;
    }
    *ret_builder = builder;
    return CFLIGHT_OK;
}

void cflight_builder_free(cflight_builder *builder)
{
    if (builder == NULL) {
        return;
    }
    column_done(&builder->root);
    cfl_schema_unref(builder->schema);
    cflight_error_free(builder->failure);
    cfl_free(builder->alloc, builder, sizeof *builder);
}

/* ---- columns and rows ---- */

cflight_column *cflight_column_child(cflight_column *column, size_t index)
{
    return column == NULL || index >= column->child_count ? NULL : &column->children[index];
}

cflight_column *cflight_builder_column(cflight_builder *builder, size_t index)
{
    return builder == NULL ? NULL : cflight_column_child(&builder->root, index);
}

int64_t cflight_builder_row_count(const cflight_builder *builder)
{
    return builder == NULL ? 0 : builder->row_count;
}

uint64_t cflight_builder_bytes(const cflight_builder *builder)
{
    return builder == NULL ? 0 : builder->used_bytes;
}

/* Writes "a.b.c", as much as fits. */
static void write_path(const cflight_column *column, char *target, size_t target_bytes)
{
    if (column->parent != NULL && column->parent->parent != NULL) {
        write_path(column->parent, target, target_bytes);
        (void)snprintf(target + strlen(target), target_bytes - strlen(target), ".");
    }
    (void)snprintf(target + strlen(target), target_bytes - strlen(target), "%s",
                   column->field->name);
}

void cfl_builder_fail(cflight_column *column, cflight_status status, const char *format, ...)
{
    cflight_builder *builder = column->builder;
    char path[128] = "";
    char what[128] = "";
    va_list arguments;
    if (builder->failure != NULL) {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    write_path(column, path, sizeof path);
    (void)cflight_error_set(&builder->failure, status, "column '%s', row %lld: %s", path,
                            (long long)builder->row_count, what);
}

void cflight_builder_end_row(cflight_builder *builder)
{
    if (builder == NULL || builder->failure != NULL) {
        return;
    }
    for (size_t i = 0; i < builder->root.child_count; i++) {
        cflight_column *column = &builder->root.children[i];
        if (column->length != builder->row_count + 1) {
            cfl_builder_fail(column, CFLIGHT_INVALID_ARGUMENT,
                             "the row ends, and the column has %lld values for it, not one",
                             (long long)(column->length - builder->row_count));
            return;
        }
        column->claimed_count = column->length;
    }
    builder->row_count++;
}

/* ---- giving out a batch ---- */

static void column_clear(cflight_column *column)
{
    for (size_t i = 0; i < column->child_count; i++) {
        column_clear(&column->children[i]);
    }
    column->length = 0;
    column->claimed_count = 0;
    column->null_count = 0;
    cfl_buf_clear(&column->validity);
    cfl_buf_clear(&column->offsets);
    cfl_buf_clear(&column->values);
}

static void clear(cflight_builder *builder)
{
    column_clear(&builder->root);
    cflight_error_free(builder->failure);
    builder->failure = NULL;
    builder->row_count = 0;
    builder->used_bytes = 0;
}

/* Finds values that nobody claimed: of a list without its end, or of a row without its end. */
static void check_claims(cflight_column *column)
{
    if (column->length != column->claimed_count) {
        cfl_builder_fail(column, CFLIGHT_INVALID_ARGUMENT,
                         "%lld values belong to no row, list, struct or union",
                         (long long)(column->length - column->claimed_count));
    }
    for (size_t i = 0; i < column->child_count; i++) {
        check_claims(&column->children[i]);
    }
}

cflight_status cflight_builder_finish(cflight_builder *builder, struct ArrowArray *ret_batch,
                                      cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(builder), CFL_ARG(ret_batch));
    if (status != CFLIGHT_OK) {
        return status;
    }
    builder->root.length = builder->row_count;
    builder->root.claimed_count = builder->row_count;
    check_claims(&builder->root);
    if (builder->failure != NULL) {
        status = cflight_error_set_message(reterr, cflight_error_status(builder->failure),
                                           cflight_error_message(builder->failure));
    } else {
        status = cfl_builder_export(&builder->root, ret_batch, reterr);
    }
    clear(builder);
    return status;
}
