/* SPDX-License-Identifier: Apache-2.0 */
/* Structure of arrays of unknown origin.
 *
 * The C data interface carries no buffer sizes, so a pointer that is there is taken to reach as far
 * as length and offset ask; everything that the structs do tell is checked: counts, NULL pointers,
 * lengths of children, first and last offsets. After it, validate.c may look at every value.
 * Recursion is as deep as the schema, which is bounded. Thread class: free. (Arrow C data
 * interface: ArrowArray) */
#include <inttypes.h>

#include "base/error.h"
#include "cflight/ipc.h"
#include "ipc/bitmap.h"
#include "ipc/layout.h"
#include "ipc/run_ends.h"
#include "ipc/validate.h"
#include "ipc/views.h"

struct shape_check {
    cflight_status bad_status;
    cflight_error **reterr;
};

static cflight_status check_value(const struct shape_check *check, const struct cfl_field *field,
                                  bool as_index, const struct ArrowArray *array);

/* Rows that the buffers must have: offset + length. */
static int64_t row_end(const struct ArrowArray *array)
{
    return array->offset + array->length;
}

static cflight_status check_counts(const struct shape_check *check, const struct ArrowArray *array)
{
    int64_t end = 0;
    if (array->release == NULL) {
        return cflight_error_set_message(check->reterr, check->bad_status, "the array is released");
    }
    if (array->length < 0 || array->offset < 0 ||
        __builtin_add_overflow(array->length, array->offset, &end) || end == INT64_MAX) {
        return cflight_error_set(check->reterr, check->bad_status,
                                 "length is %" PRId64 " and offset %" PRId64, array->length,
                                 array->offset);
    }
    if (array->null_count < -1 || array->null_count > array->length) {
        return cflight_error_set(check->reterr, check->bad_status,
                                 "%" PRId64 " of %" PRId64 " values are null", array->null_count,
                                 array->length);
    }
    return CFLIGHT_OK;
}

static cflight_status check_buffer_count(const struct shape_check *check,
                                         const struct cfl_field *field, bool as_index,
                                         const struct ArrowArray *array)
{
    int64_t expected = cfl_layout_buffer_count(field, as_index);
    bool is_view = !as_index && field->type.layout == CFL_LAYOUT_VIEW;
    bool is_right = is_view ? array->n_buffers >= expected : array->n_buffers == expected;
    if (!is_right || (expected > 0 && array->buffers == NULL)) {
        return cflight_error_set(check->reterr, check->bad_status,
                                 "there are %" PRId64 " buffers; %" PRId64 " were expected",
                                 array->n_buffers, expected);
    }
    int64_t child_count = as_index ? 0 : field->child_count;
    if (array->n_children != child_count || (child_count > 0 && array->children == NULL)) {
        return cflight_error_set(check->reterr, check->bad_status,
                                 "there are %" PRId64 " children; %" PRId64 " were expected",
                                 array->n_children, child_count);
    }
    if ((array->dictionary != NULL) != as_index) {
        return cflight_error_set(check->reterr, check->bad_status, "a dictionary is %s",
                                 as_index ? "missing" : "there, but not in the schema");
    }
    return CFLIGHT_OK;
}

static cflight_status missing_buffer(const struct shape_check *check, int64_t index)
{
    return cflight_error_set(check->reterr, check->bad_status, "buffer %" PRId64 " is NULL", index);
}

/* Buffers of a fixed number of bytes per value must be there as soon as there are values. */
static cflight_status check_pointers(const struct shape_check *check, const struct cfl_field *field,
                                     bool as_index, const struct ArrowArray *array)
{
    bool has_validity = cfl_layout_has_validity(field, as_index);
    int64_t count = cfl_layout_buffer_count(field, as_index);
    if (has_validity && array->buffers[0] == NULL && array->null_count > 0) {
        return missing_buffer(check, 0);
    }
    if (row_end(array) == 0 ||
        (!as_index && field->type.layout == CFL_LAYOUT_FIXED && field->type.width_bytes == 0)) {
        return CFLIGHT_OK;
    }
    bool has_data = !as_index && (field->type.layout == CFL_LAYOUT_VARIABLE_32 ||
                                  field->type.layout == CFL_LAYOUT_VARIABLE_64);
    bool is_view = !as_index && field->type.layout == CFL_LAYOUT_VIEW;
    int64_t end = has_data || is_view ? count - 1 : count;
    for (int64_t i = has_validity ? 1 : 0; i < end; i++) {
        if (array->buffers[i] == NULL) {
            return missing_buffer(check, i);
        }
    }
    return CFLIGHT_OK;
}

static cflight_status check_view_buffers(const struct shape_check *check,
                                         const struct ArrowArray *array)
{
    int64_t count = array->n_buffers - CFL_VIEW_BUFFERS_OTHER;
    const int64_t *sizes = array->buffers[array->n_buffers - 1];
    if (count > 0 && sizes == NULL) {
        return missing_buffer(check, array->n_buffers - 1);
    }
    for (int64_t i = 0; i < count; i++) {
        if (sizes[i] < 0 || (sizes[i] > 0 && array->buffers[2 + i] == NULL)) {
            return cflight_error_set(check->reterr, check->bad_status,
                                     "data buffer %" PRId64 " has %" PRId64 " bytes, or is NULL", i,
                                     sizes[i]);
        }
    }
    return CFLIGHT_OK;
}

/* First and last offset; `end` is the child's length, or negative when it is not known. */
static cflight_status check_ends(const struct shape_check *check, const struct ArrowArray *array,
                                 bool is_large, int64_t end)
{
    const void *offsets = array->buffers[1];
    if (array->length == 0) {
        return CFLIGHT_OK;
    }
    int64_t first = is_large ? ((const int64_t *)offsets)[array->offset]
                             : ((const int32_t *)offsets)[array->offset];
    int64_t last = is_large ? ((const int64_t *)offsets)[row_end(array)]
                            : ((const int32_t *)offsets)[row_end(array)];
    if (first < 0 || last < first || (end >= 0 && last > end)) {
        return cflight_error_set(check->reterr, check->bad_status,
                                 "offsets run from %" PRId64 " to %" PRId64 "; there are %" PRId64
                                 " items",
                                 first, last, end);
    }
    if (end < 0 && last > 0 && array->buffers[2] == NULL) {
        return missing_buffer(check, 2);
    }
    return CFLIGHT_OK;
}

static cflight_status check_child_lengths(const struct shape_check *check,
                                          const struct ArrowArray *array, int64_t needed)
{
    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i]->length < needed) {
            return cflight_error_set(check->reterr, check->bad_status,
                                     "child %" PRId64 " has %" PRId64 " values; %" PRId64
                                     " are needed",
                                     i, array->children[i]->length, needed);
        }
    }
    return CFLIGHT_OK;
}

static cflight_status check_runs(const struct shape_check *check, const struct cfl_field *field,
                                 const struct ArrowArray *array)
{
    const struct ArrowArray *run_ends = array->children[0];
    if (run_ends->null_count > 0 || run_ends->length > array->children[1]->length) {
        return cflight_error_set(
            check->reterr, check->bad_status,
            "%" PRId64 " run ends, %" PRId64 " of them null, have %" PRId64 " values",
            run_ends->length, run_ends->null_count, array->children[1]->length);
    }
    int64_t last = 0;
    if (run_ends->length > 0) {
        last = cfl_load_run_end(run_ends->buffers[1], row_end(run_ends) - 1,
                                field->children[0].type.width_bytes);
    }
    if (last < row_end(array)) {
        return cflight_error_set(check->reterr, check->bad_status,
                                 "the last run ends at %" PRId64 "; %" PRId64 " values are needed",
                                 last, row_end(array));
    }
    return CFLIGHT_OK;
}

static cflight_status check_fixed_list(const struct shape_check *check,
                                       const struct cfl_field *field,
                                       const struct ArrowArray *array)
{
    int64_t needed = 0;
    if (__builtin_mul_overflow(row_end(array), (int64_t)field->type.list_size, &needed)) {
        needed = INT64_MAX;
    }
    return check_child_lengths(check, array, needed);
}

static cflight_status check_map(const struct shape_check *check, const struct ArrowArray *array)
{
    const struct ArrowArray *entries = array->children[0];
    const struct ArrowArray *keys = entries->children[0];
    bool has_nulls = entries->null_count > 0 || keys->null_count > 0;
    if (entries->null_count < 0 && entries->buffers[0] != NULL) {
        has_nulls = has_nulls || cfl_bitmap_count(entries->buffers[0], entries->offset,
                                                  entries->length) < entries->length;
    }
    if (has_nulls) {
        return cflight_error_set_message(check->reterr, check->bad_status,
                                         "a map has null entries or keys");
    }
    return CFLIGHT_OK;
}

/* What a layout asks of its first and last offsets and of its children, which were checked before.
 */
static cflight_status check_layout(const struct shape_check *check, const struct cfl_field *field,
                                   const struct ArrowArray *array)
{
    cflight_status status = CFLIGHT_OK;
    switch (field->type.layout) {
    case CFL_LAYOUT_VARIABLE_32:
    case CFL_LAYOUT_VARIABLE_64:
        return check_ends(check, array, field->type.layout == CFL_LAYOUT_VARIABLE_64, -1);
    case CFL_LAYOUT_VIEW:
        return check_view_buffers(check, array);
    case CFL_LAYOUT_LIST_32:
    case CFL_LAYOUT_LIST_64:
        status = check_ends(check, array, field->type.layout == CFL_LAYOUT_LIST_64,
                            array->children[0]->length);
        return status == CFLIGHT_OK && field->type.id == CFL_TYPE_MAP ? check_map(check, array)
                                                                      : status;
    case CFL_LAYOUT_FIXED_LIST:
        return check_fixed_list(check, field, array);
    case CFL_LAYOUT_STRUCT:
    case CFL_LAYOUT_SPARSE_UNION:
        return check_child_lengths(check, array, row_end(array));
    case CFL_LAYOUT_RUN_END_ENCODED:
        return check_runs(check, field, array);
    case CFL_LAYOUT_NULL:
    case CFL_LAYOUT_BOOL:
    case CFL_LAYOUT_FIXED:
    case CFL_LAYOUT_LIST_VIEW_32:
    case CFL_LAYOUT_LIST_VIEW_64:
    case CFL_LAYOUT_DENSE_UNION:
        break;
    }
    return CFLIGHT_OK;
}

static cflight_status check_children(const struct shape_check *check, const struct cfl_field *field,
                                     const struct ArrowArray *array)
{
    cflight_status status = CFLIGHT_OK;
    for (int64_t i = 0; status == CFLIGHT_OK && i < field->child_count; i++) {
        const struct cfl_field *child = &field->children[i];
        if (array->children[i] == NULL) {
            return cflight_error_set(check->reterr, check->bad_status, "child %" PRId64 " is NULL",
                                     i);
        }
        status = check_value(check, child, child->is_dictionary, array->children[i]);
        if (status != CFLIGHT_OK) {
            return cfl_error_prefix(check->reterr, status, "field '%s'", child->name);
        }
    }
    return status;
}

static cflight_status check_value(const struct shape_check *check, const struct cfl_field *field,
                                  bool as_index, const struct ArrowArray *array)
{
    cflight_status status = check_counts(check, array);
    if (status == CFLIGHT_OK) {
        status = check_buffer_count(check, field, as_index, array);
    }
    if (status == CFLIGHT_OK) {
        status = check_pointers(check, field, as_index, array);
    }
    if (status == CFLIGHT_OK && as_index) {
        return check_value(check, field, false, array->dictionary);
    }
    if (status == CFLIGHT_OK) {
        status = check_children(check, field, array);
    }
    if (status == CFLIGHT_OK) {
        status = check_layout(check, field, array);
    }
    return status;
}

cflight_status cfl_validate_shape(const struct cfl_field *field, const struct ArrowArray *array,
                                  cflight_status bad_status, cflight_error **reterr)
{
    const struct shape_check check = {bad_status, reterr};
    return check_value(&check, field, field->is_dictionary, array);
}

cflight_status cflight_array_validate(const struct ArrowSchema *schema,
                                      const struct ArrowArray *array, cflight_error **reterr)
{
    struct cfl_schema *parsed = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(schema), CFL_ARG(array));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_schema_from_arrow(NULL, schema, NULL, &parsed, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    const struct cfl_field *root = cfl_schema_root(parsed);
    status = cfl_validate_shape(root, array, CFLIGHT_INVALID_ARGUMENT, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_validate_all_values(root, array, CFLIGHT_INVALID_ARGUMENT, reterr);
    }
    cfl_schema_unref(parsed);
    return status;
}
