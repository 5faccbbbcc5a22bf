/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays to nodes and buffers: the walk down the schema tree and the arrays together.
 *
 * A slice of an array is (start, length), counted from the array's own offset; `first` is the sum
 * of both, the index into its buffers. What comes out follows what readers demand of a message:
 * offsets start at 0, children hold what parents refer to.
 *
 * The arrays come from a caller: their pointers are trusted, as the C data interface gives buffers
 * no length; counts, lengths and every offset that is followed into a child are checked. Recursion
 * is bounded by the schema's depth. Spec: Arrow columnar "Physical memory layout", The Arrow C data
 * interface. Thread class: one at a time. */
#include "base/error.h"
#include "ipc/bitmap.h"
#include "ipc/layout.h"
#include "ipc/parts_build.h"

static cflight_status add_values(struct cfl_parts *parts, const struct cfl_field *field,
                                 const struct cfl_rows *slice, cflight_error **reterr);

/* Node of a type without validity bitmap; V4 has an empty one anyway. */
static cflight_status add_node_without_validity(struct cfl_parts *parts, int64_t length,
                                                cflight_error **reterr)
{
    cflight_status status = cfl_parts_add_node(parts, length, 0, reterr);

    if (status == CFLIGHT_OK && parts->has_v4_validities) {
        status = cfl_parts_add_buffer(parts, NULL, 0, reterr);
    }
    return status;
}

static cflight_status add_bool(struct cfl_parts *parts, const struct cfl_rows *slice,
                               cflight_error **reterr)
{
    const uint8_t *bits = cfl_array_buffer(slice->array, 1);

    if (slice->length == 0) {
        return cfl_parts_add_buffer(parts, NULL, 0, reterr);
    }
    if (bits == NULL) {
        return cfl_parts_refuse(reterr, "a buffer is missing");
    }
    return cfl_parts_add_bits(parts, bits, slice->first, slice->length, reterr);
}

static cflight_status check_shape(const struct ArrowArray *array, enum cfl_layout layout,
                                  int64_t child_count, cflight_error **reterr)
{
    int64_t buffer_count = cfl_layout_type_buffer_count(layout);
    bool may_have_more = layout == CFL_LAYOUT_NULL || layout == CFL_LAYOUT_VIEW;

    if (array->n_buffers < buffer_count || (array->n_buffers > buffer_count && !may_have_more)) {
        return cflight_error_set(
            reterr, CFLIGHT_INVALID_ARGUMENT, "buffers: the array has %lld, the type %s%lld",
            (long long)array->n_buffers, may_have_more ? "at least " : "", (long long)buffer_count);
    }
    if (array->n_children != child_count || (child_count > 0 && array->children == NULL)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "children: the array has %lld, the type %lld",
                                 (long long)array->n_children, (long long)child_count);
    }
    return CFLIGHT_OK;
}

static cflight_status make_slice(const struct ArrowArray *array, int64_t start, int64_t length,
                                 struct cfl_rows *ret_slice, cflight_error **reterr)
{
    int64_t end = 0;

    if (array == NULL || array->length < 0 || array->offset < 0 ||
        __builtin_add_overflow(array->offset, array->length, &end) || end == INT64_MAX) {
        return cfl_parts_refuse(reterr,
                                "the array is missing or has an impossible length or offset");
    }
    if (start < 0 || length < 0 || start > array->length || length > array->length - start) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "%lld rows from row %lld are wanted, the array has %lld",
                                 (long long)length, (long long)start, (long long)array->length);
    }
    struct cfl_rows slice = {array, start, array->offset + start, length};
    *ret_slice = slice;
    return CFLIGHT_OK;
}

static cflight_status add_indices(struct cfl_parts *parts, const struct cfl_field *field,
                                  const struct cfl_rows *slice, cflight_error **reterr)
{
    cflight_status status = check_shape(slice->array, CFL_LAYOUT_FIXED, 0, reterr);

    if (status == CFLIGHT_OK) {
        status = cfl_parts_add_node_and_validity(parts, slice, reterr);
    }
    return status == CFLIGHT_OK
               ? cfl_parts_add_fixed(parts, slice, 1, field->index_type.width_bytes, reterr)
               : status;
}

static cflight_status add_child(struct cfl_parts *parts, const struct cfl_field *parent,
                                const struct cfl_rows *parent_slice, int64_t index,
                                struct cfl_child_rows rows, cflight_error **reterr)
{
    const struct cfl_field *field = &parent->children[index];
    struct cfl_rows slice = {NULL, 0, 0, 0};
    cflight_status status =
        make_slice(parent_slice->array->children[index], rows.start, rows.length, &slice, reterr);

    if (status == CFLIGHT_OK) {
        status = field->is_dictionary ? add_indices(parts, field, &slice, reterr)
                                      : add_values(parts, field, &slice, reterr);
    }
    if (status == CFLIGHT_INVALID_ARGUMENT) {
        (void)cfl_error_prefix(reterr, status, "column \"%.100s\"", field->name);
    }
    return status;
}

/* Children of structs and sparse unions run in parallel to their parent, whose offset counts for
 * them too. */
static cflight_status add_parallel_children(struct cfl_parts *parts, const struct cfl_field *field,
                                            const struct cfl_rows *slice, cflight_error **reterr)
{
    const struct cfl_child_rows rows = {slice->first, slice->length};
    cflight_status status = CFLIGHT_OK;

    for (int64_t i = 0; status == CFLIGHT_OK && i < field->child_count; i++) {
        status = add_child(parts, field, slice, i, rows, reterr);
    }
    return status;
}

static cflight_status add_sparse_union(struct cfl_parts *parts, const struct cfl_field *field,
                                       const struct cfl_rows *slice, cflight_error **reterr)
{
    cflight_status status = cfl_parts_add_fixed(parts, slice, 0, 1, reterr);

    return status == CFLIGHT_OK ? add_parallel_children(parts, field, slice, reterr) : status;
}

static cflight_status add_dense_union(struct cfl_parts *parts, const struct cfl_field *field,
                                      const struct cfl_rows *slice, cflight_error **reterr)
{
    struct cfl_child_rows rows[CFL_UNION_TYPES_MAX];
    cflight_status status = cfl_parts_add_dense_union(parts, field, slice, rows, reterr);

    for (int64_t i = 0; status == CFLIGHT_OK && i < field->child_count; i++) {
        status = add_child(parts, field, slice, i, rows[i], reterr);
    }
    return status;
}

/* Layouts with one child whose rows they refer to. */
static cflight_status add_with_child(struct cfl_parts *parts, const struct cfl_field *field,
                                     const struct cfl_rows *slice, cflight_error **reterr)
{
    enum cfl_layout layout = field->type.layout;
    struct cfl_child_rows rows = {0, 0};
    int64_t child = 0;
    cflight_status status = CFLIGHT_OK;

    if (layout == CFL_LAYOUT_LIST_32 || layout == CFL_LAYOUT_LIST_64) {
        status = cfl_parts_add_list(parts, slice, layout == CFL_LAYOUT_LIST_64, &rows, reterr);
    } else if (layout == CFL_LAYOUT_LIST_VIEW_32 || layout == CFL_LAYOUT_LIST_VIEW_64) {
        status =
            cfl_parts_add_list_view(parts, slice, layout == CFL_LAYOUT_LIST_VIEW_64, &rows, reterr);
    } else if (layout == CFL_LAYOUT_FIXED_LIST) {
        status = cfl_parts_fixed_list_rows(slice, field->type.list_size, &rows, reterr);
    } else {
        status = cfl_parts_add_run_ends(parts, field, slice, &rows, reterr);
        child = 1;
    }
    return status == CFLIGHT_OK ? add_child(parts, field, slice, child, rows, reterr) : status;
}

static cflight_status add_head(struct cfl_parts *parts, const struct cfl_field *field,
                               const struct cfl_rows *slice, cflight_error **reterr)
{
    cflight_status status =
        check_shape(slice->array, field->type.layout, field->child_count, reterr);

    if (status != CFLIGHT_OK) {
        return status;
    }
    if (field->type.layout == CFL_LAYOUT_NULL) {
        return cfl_parts_add_node(parts, slice->length, slice->length, reterr);
    }
    if (field->type.layout == CFL_LAYOUT_SPARSE_UNION ||
        field->type.layout == CFL_LAYOUT_DENSE_UNION ||
        field->type.layout == CFL_LAYOUT_RUN_END_ENCODED) {
        return add_node_without_validity(parts, slice->length, reterr);
    }
    return cfl_parts_add_node_and_validity(parts, slice, reterr);
}

static cflight_status add_values(struct cfl_parts *parts, const struct cfl_field *field,
                                 const struct cfl_rows *slice, cflight_error **reterr)
{
    cflight_status status = add_head(parts, field, slice, reterr);

    if (status != CFLIGHT_OK) {
        return status;
    }
    switch (field->type.layout) {
    case CFL_LAYOUT_NULL:
        break;
    case CFL_LAYOUT_BOOL:
        return add_bool(parts, slice, reterr);
    case CFL_LAYOUT_FIXED:
        return cfl_parts_add_fixed(parts, slice, 1, field->type.width_bytes, reterr);
    case CFL_LAYOUT_VARIABLE_32:
    case CFL_LAYOUT_VARIABLE_64:
        return cfl_parts_add_variable(parts, slice, field->type.layout == CFL_LAYOUT_VARIABLE_64,
                                      reterr);
    case CFL_LAYOUT_VIEW:
        return cfl_parts_add_view(parts, slice, reterr);
    case CFL_LAYOUT_LIST_32:
    case CFL_LAYOUT_LIST_64:
    case CFL_LAYOUT_LIST_VIEW_32:
    case CFL_LAYOUT_LIST_VIEW_64:
    case CFL_LAYOUT_FIXED_LIST:
    case CFL_LAYOUT_RUN_END_ENCODED:
        return add_with_child(parts, field, slice, reterr);
    case CFL_LAYOUT_STRUCT:
        return add_parallel_children(parts, field, slice, reterr);
    case CFL_LAYOUT_SPARSE_UNION:
        return add_sparse_union(parts, field, slice, reterr);
    case CFL_LAYOUT_DENSE_UNION:
        return add_dense_union(parts, field, slice, reterr);
    }
    return CFLIGHT_OK;
}

/* A record batch has no place for nulls of its top level. */
static cflight_status check_top_level(const struct cfl_rows *slice, cflight_error **reterr)
{
    const uint8_t *bits = cfl_array_buffer(slice->array, 0);

    if (slice->array->null_count != 0 && bits != NULL &&
        cfl_bitmap_count(bits, slice->first, slice->length) != slice->length) {
        return cfl_parts_refuse(reterr, "a record batch cannot have null rows");
    }
    return CFLIGHT_OK;
}

cflight_status cfl_parts_set_batch(struct cfl_parts *parts, const struct cfl_field *root,
                                   const struct ArrowArray *batch, int64_t row_offset,
                                   int64_t row_count, cflight_error **reterr)
{
    struct cfl_rows slice = {NULL, 0, 0, 0};
    cflight_status status = make_slice(batch, row_offset, row_count, &slice, reterr);

    cfl_parts_clear(parts);
    if (status == CFLIGHT_OK) {
        status = check_shape(batch, CFL_LAYOUT_STRUCT, root->child_count, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = check_top_level(&slice, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = add_parallel_children(parts, root, &slice, reterr);
    }
    parts->row_count = row_count;
    return status;
}

cflight_status cfl_parts_set_values(struct cfl_parts *parts, const struct cfl_field *field,
                                    const struct ArrowArray *array, int64_t row_offset,
                                    int64_t row_count, cflight_error **reterr)
{
    struct cfl_rows slice = {NULL, 0, 0, 0};
    cflight_status status = make_slice(array, row_offset, row_count, &slice, reterr);

    cfl_parts_clear(parts);
    if (status == CFLIGHT_OK) {
        status = add_values(parts, field, &slice, reterr);
    }
    parts->row_count = row_count;
    return status;
}
