/* SPDX-License-Identifier: Apache-2.0 */
/* Concatenation, for delta dictionaries.
 *
 * Works on parts: a range of rows of an array. Children of lists are taken by the range that the
 * offsets name, those of list views and dense unions whole. Inputs have offset 0 and passed the
 * decoder's checks of buffer sizes, so whole arrays are safe to read; ranges that come from offsets
 * in the middle are checked here. Owner: the result, of new buffers. Thread class: free. (Arrow
 * columnar: Dictionary Messages, isDelta) */
#include "ipc/array_concat.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/pieces.h"
#include "ipc/array_concat_parts.h"
#include "ipc/bitmap.h"
#include "ipc/decode.h"
#include "ipc/offsets.h"
#include "ipc/validate.h"
#include "ipc/views.h"

static cflight_status bad_offsets(cflight_error **reterr)
{
    return cflight_error_set_message(reterr, CFLIGHT_DATA_LOSS,
                                     "a dictionary has offsets that are not ascending");
}

/* Counts nulls that cfl_concat_begin left open; consumers of maps and run ends read the number. */
static void count_nulls(struct ArrowArray *array)
{
    if (array->null_count < 0) {
        array->null_count = array->length - cfl_bitmap_count(array->buffers[0], 0, array->length);
    }
}

static cflight_status concat_null(struct cfl_concat *concat, const struct cfl_part_range *parts,
                                  struct ArrowArray *array, cflight_error **reterr)
{
    const struct cfl_array_shape shape = {0};
    cflight_status status = cfl_concat_begin(concat, &shape, false, parts, array, reterr);
    array->null_count = array->length;
    return status;
}

static cflight_status concat_bool(struct cfl_concat *concat, const struct cfl_part_range *parts,
                                  struct ArrowArray *array, cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 2};
    cflight_status status = cfl_concat_begin(concat, &shape, true, parts, array, reterr);
    return status != CFLIGHT_OK ? status : cfl_concat_bits(concat, parts, 1, array, reterr);
}

static cflight_status concat_fixed(struct cfl_concat *concat, const struct cfl_type *type,
                                   const struct cfl_part_range *parts, struct ArrowArray *array,
                                   cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 2};
    cflight_status status = cfl_concat_begin(concat, &shape, true, parts, array, reterr);
    return status != CFLIGHT_OK
               ? status
               : cfl_concat_fixed_values(concat, parts, 1, type->width_bytes, array, reterr);
}

/* What the offsets of a part name: a range of bytes or items, checked against the last offset of
 * the whole array, which the decoder found inside the data. */
static bool range_of(const struct cfl_part_range *part, bool is_large, int64_t *ret_first,
                     int64_t *ret_last)
{
    const void *offsets = part->array->buffers[1];
    int64_t end = cfl_load_offset(offsets, part->array->length, is_large);
    *ret_first = cfl_load_offset(offsets, part->start, is_large);
    *ret_last = cfl_load_offset(offsets, part->start + part->length, is_large);
    return *ret_first >= 0 && *ret_first <= *ret_last && *ret_last <= end;
}

/* New offsets that begin at 0; `ret_ranges` are the parts of the data or of the child that they
 * name. */
static cflight_status concat_offsets(struct cfl_concat *concat, const struct cfl_part_range *parts,
                                     bool is_large, struct ArrowArray *array,
                                     struct cfl_part_range *ret_ranges, cflight_error **reterr)
{
    int64_t width_bytes = is_large ? (int64_t)sizeof(int64_t) : (int64_t)sizeof(int32_t);
    size_t first_part = 0;
    void *offsets = array->length == INT64_MAX
                        ? NULL
                        : cfl_concat_target(concat, parts, array, 1, array->length + 1, width_bytes,
                                            &first_part);
    int64_t base = 0;
    int64_t at = 0;
    if (offsets == NULL) {
        return cfl_error_no_memory(reterr);
    }
    for (size_t i = 0; i < CFL_CONCAT_PARTS; i++) {
        int64_t first = 0;
        int64_t last = 0;
        if (!range_of(&parts[i], is_large, &first, &last)) {
            return bad_offsets(reterr);
        }
        if (__builtin_add_overflow(base, last - first, &ret_ranges[i].length) ||
            (!is_large && base + (last - first) > INT32_MAX)) {
            return cfl_concat_too_large(reterr);
        }
        /* The first offset of the second part is the last of the first. */
        int64_t j = i == 0 ? 0 : 1;
        for (; i >= first_part && j <= parts[i].length; j++) {
            int64_t offset =
                cfl_load_offset(parts[i].array->buffers[1], parts[i].start + j, is_large);
            uint64_t moved = (uint64_t)offset - (uint64_t)first + (uint64_t)base;
            cfl_store_offset(offsets, at + j, (int64_t)moved, is_large);
        }
        at += parts[i].length;
        ret_ranges[i].start = first;
        ret_ranges[i].length = last - first;
        base += last - first;
    }
    return CFLIGHT_OK;
}

static cflight_status concat_variable(struct cfl_concat *concat, bool is_large,
                                      const struct cfl_part_range *parts, struct ArrowArray *array,
                                      cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 3};
    struct cfl_part_range ranges[CFL_CONCAT_PARTS] = {{0}};
    cflight_status status = cfl_concat_begin(concat, &shape, true, parts, array, reterr);
    if (status == CFLIGHT_OK) {
        status = concat_offsets(concat, parts, is_large, array, ranges, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    size_t first = 0;
    uint8_t *data =
        cfl_concat_target(concat, parts, array, 2, ranges[0].length + ranges[1].length, 1, &first);
    if (data == NULL) {
        return cfl_error_no_memory(reterr);
    }
    for (size_t i = 0; i < CFL_CONCAT_PARTS; i++) {
        const uint8_t *source = parts[i].array->buffers[2];
        if (ranges[i].length > 0 && i >= first) {
            memcpy(data, source + ranges[i].start, (size_t)ranges[i].length);
        }
        data += ranges[i].length;
    }
    return CFLIGHT_OK;
}

/* Long views name a data buffer by its index, which moves up by `index_shift`. */
static void shift_views(uint8_t *views, int64_t count, uint32_t index_shift)
{
    for (int64_t i = 0; i < count; i++) {
        int32_t len_bytes = 0;
        uint32_t index = 0;
        uint8_t *view = views + i * CFL_VIEW_BYTES;
        memcpy(&len_bytes, view, sizeof len_bytes);
        if (len_bytes > CFL_VIEW_INLINE_BYTES_MAX) {
            memcpy(&index, view + CFL_VIEW_INDEX_AT, sizeof index);
            index += index_shift;
            memcpy(view + CFL_VIEW_INDEX_AT, &index, sizeof index);
        }
    }
}

static cflight_status concat_views(struct cfl_concat *concat, const struct cfl_part_range *parts,
                                   struct ArrowArray *array, cflight_error **reterr)
{
    size_t counts[CFL_CONCAT_PARTS];
    for (size_t i = 0; i < CFL_CONCAT_PARTS; i++) {
        counts[i] = (size_t)parts[i].array->n_buffers - CFL_VIEW_BUFFERS_OTHER;
    }
    const struct cfl_array_shape shape = {
        .buffer_count = counts[0] + counts[1] + CFL_VIEW_BUFFERS_OTHER,
        .view_buffer_count = counts[0] + counts[1],
    };
    if (shape.view_buffer_count > INT32_MAX) {
        return cfl_concat_too_large(reterr);
    }
    cflight_status status = cfl_concat_begin(concat, &shape, true, parts, array, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_concat_fixed_values(concat, parts, 1, CFL_VIEW_BYTES, array, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    shift_views((uint8_t *)(uintptr_t)array->buffers[1] + parts[0].length * CFL_VIEW_BYTES,
                parts[1].length, (uint32_t)counts[0]);
    int64_t *sizes = cfl_array_view_sizes(array);
    size_t at = 0;
    for (size_t i = 0; i < CFL_CONCAT_PARTS; i++) {
        const struct ArrowArray *source = parts[i].array;
        for (size_t j = CFL_VIEW_BUFFERS_BEFORE; j < CFL_VIEW_BUFFERS_BEFORE + counts[i];
             j++, at++) {
            cfl_array_set_buffer(array, CFL_VIEW_BUFFERS_BEFORE + at, source->buffers[j],
                                 cfl_array_buffer_owner(source, j));
            sizes[at] = cfl_array_view_sizes(source)[j - CFL_VIEW_BUFFERS_BEFORE];
        }
    }
    array->buffers[CFL_VIEW_BUFFERS_BEFORE + at] = at == 0 ? (const void *)cfl_zeros : sizes;
    return CFLIGHT_OK;
}

static cflight_status concat_field(struct cfl_concat *concat, const struct cfl_field *field,
                                   const struct cfl_part_range *parts, struct ArrowArray *ret_array,
                                   cflight_error **reterr);

/* Child `index` of both parts, by the rows in `ranges`. */
static cflight_status concat_child(struct cfl_concat *concat, const struct cfl_field *field,
                                   const struct cfl_part_range *parts,
                                   const struct cfl_part_range *ranges, int64_t index,
                                   struct ArrowArray *array, cflight_error **reterr)
{
    struct cfl_part_range child_parts[CFL_CONCAT_PARTS];
    for (size_t i = 0; i < CFL_CONCAT_PARTS; i++) {
        child_parts[i] = ranges[i];
        child_parts[i].array = parts[i].array->children[index];
    }
    return concat_field(concat, &field->children[index], child_parts, array->children[index],
                        reterr);
}

static cflight_status concat_whole_child(struct cfl_concat *concat, const struct cfl_field *field,
                                         const struct cfl_part_range *parts, int64_t index,
                                         struct ArrowArray *array, cflight_error **reterr)
{
    const struct cfl_part_range child_parts[CFL_CONCAT_PARTS] = {
        cfl_concat_whole(parts[0].array->children[index]),
        cfl_concat_whole(parts[1].array->children[index]),
    };
    return concat_field(concat, &field->children[index], child_parts, array->children[index],
                        reterr);
}

static cflight_status concat_list(struct cfl_concat *concat, const struct cfl_field *field,
                                  bool is_large, const struct cfl_part_range *parts,
                                  struct ArrowArray *array, cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 2, .child_count = 1};
    struct cfl_part_range ranges[CFL_CONCAT_PARTS] = {{0}};
    cflight_status status = cfl_concat_begin(concat, &shape, true, parts, array, reterr);
    if (status == CFLIGHT_OK) {
        status = concat_offsets(concat, parts, is_large, array, ranges, reterr);
    }
    return status != CFLIGHT_OK ? status
                                : concat_child(concat, field, parts, ranges, 0, array, reterr);
}

/* Moves the offsets of the second part behind the first part's child. */
static cflight_status shift_offsets(struct ArrowArray *array, bool is_large,
                                    const struct cfl_part_range *parts, cflight_error **reterr)
{
    int64_t shift = parts[0].array->children[0]->length;
    void *offsets = (void *)(uintptr_t)array->buffers[1];
    if (!is_large && array->children[0]->length > INT32_MAX) {
        return cfl_concat_too_large(reterr);
    }
    for (int64_t i = parts[0].length; i < array->length; i++) {
        if (is_large) {
            ((uint64_t *)offsets)[i] += (uint64_t)shift;
        } else {
            ((uint32_t *)offsets)[i] += (uint32_t)shift;
        }
    }
    return CFLIGHT_OK;
}

static cflight_status concat_list_view(struct cfl_concat *concat, const struct cfl_field *field,
                                       bool is_large, const struct cfl_part_range *parts,
                                       struct ArrowArray *array, cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 3, .child_count = 1};
    int64_t width_bytes = is_large ? (int64_t)sizeof(int64_t) : (int64_t)sizeof(int32_t);
    cflight_status status = cfl_concat_begin(concat, &shape, true, parts, array, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_concat_fixed_values(concat, parts, 1, width_bytes, array, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_concat_fixed_values(concat, parts, 2, width_bytes, array, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = concat_whole_child(concat, field, parts, 0, array, reterr);
    }
    return status != CFLIGHT_OK ? status : shift_offsets(array, is_large, parts, reterr);
}

static cflight_status concat_fixed_list(struct cfl_concat *concat, const struct cfl_field *field,
                                        const struct cfl_part_range *parts,
                                        struct ArrowArray *array, cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 1, .child_count = 1};
    struct cfl_part_range ranges[CFL_CONCAT_PARTS] = {{0}};
    cflight_status status = cfl_concat_begin(concat, &shape, true, parts, array, reterr);
    for (size_t i = 0; i < CFL_CONCAT_PARTS; i++) {
        ranges[i].start = parts[i].start * field->type.list_size;
        ranges[i].length = parts[i].length * field->type.list_size;
    }
    return status != CFLIGHT_OK ? status
                                : concat_child(concat, field, parts, ranges, 0, array, reterr);
}

/* All children, whole or by the rows of the parts. */
static cflight_status concat_children(struct cfl_concat *concat, const struct cfl_field *field,
                                      bool is_whole, const struct cfl_part_range *parts,
                                      struct ArrowArray *array, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    for (int64_t i = 0; status == CFLIGHT_OK && i < field->child_count; i++) {
        status = is_whole ? concat_whole_child(concat, field, parts, i, array, reterr)
                          : concat_child(concat, field, parts, parts, i, array, reterr);
    }
    return status;
}

static cflight_status concat_struct(struct cfl_concat *concat, const struct cfl_field *field,
                                    const struct cfl_part_range *parts, struct ArrowArray *array,
                                    cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 1,
                                          .child_count = (size_t)field->child_count};
    cflight_status status = cfl_concat_begin(concat, &shape, true, parts, array, reterr);
    return status != CFLIGHT_OK ? status
                                : concat_children(concat, field, false, parts, array, reterr);
}

static cflight_status concat_union(struct cfl_concat *concat, const struct cfl_field *field,
                                   bool is_dense, const struct cfl_part_range *parts,
                                   struct ArrowArray *array, cflight_error **reterr)
{
    cflight_status status = cfl_concat_union_ids(concat, field, is_dense, parts, array, reterr);
    if (status == CFLIGHT_OK) {
        status = concat_children(concat, field, is_dense, parts, array, reterr);
    }
    return status != CFLIGHT_OK || !is_dense ? status
                                             : cfl_concat_shift_union(field, parts, array, reterr);
}

static cflight_status concat_runs(struct cfl_concat *concat, const struct cfl_field *field,
                                  const struct cfl_part_range *parts, struct ArrowArray *array,
                                  cflight_error **reterr)
{
    struct cfl_part_range runs[CFL_CONCAT_PARTS] = {{0}};
    cflight_status status = cfl_concat_run_ends(concat, field, parts, array, runs, reterr);
    return status != CFLIGHT_OK ? status
                                : concat_child(concat, field, parts, runs, 1, array, reterr);
}

static cflight_status concat_layout(struct cfl_concat *concat, const struct cfl_field *field,
                                    const struct cfl_part_range *parts, struct ArrowArray *array,
                                    cflight_error **reterr)
{
    switch (field->type.layout) {
    case CFL_LAYOUT_NULL:
        return concat_null(concat, parts, array, reterr);
    case CFL_LAYOUT_BOOL:
        return concat_bool(concat, parts, array, reterr);
    case CFL_LAYOUT_FIXED:
        return concat_fixed(concat, &field->type, parts, array, reterr);
    case CFL_LAYOUT_VARIABLE_32:
    case CFL_LAYOUT_VARIABLE_64:
        return concat_variable(concat, field->type.layout == CFL_LAYOUT_VARIABLE_64, parts, array,
                               reterr);
    case CFL_LAYOUT_VIEW:
        return concat_views(concat, parts, array, reterr);
    case CFL_LAYOUT_LIST_32:
    case CFL_LAYOUT_LIST_64:
        return concat_list(concat, field, field->type.layout == CFL_LAYOUT_LIST_64, parts, array,
                           reterr);
    case CFL_LAYOUT_LIST_VIEW_32:
    case CFL_LAYOUT_LIST_VIEW_64:
        return concat_list_view(concat, field, field->type.layout == CFL_LAYOUT_LIST_VIEW_64, parts,
                                array, reterr);
    case CFL_LAYOUT_FIXED_LIST:
        return concat_fixed_list(concat, field, parts, array, reterr);
    case CFL_LAYOUT_STRUCT:
        return concat_struct(concat, field, parts, array, reterr);
    case CFL_LAYOUT_SPARSE_UNION:
    case CFL_LAYOUT_DENSE_UNION:
        return concat_union(concat, field, field->type.layout == CFL_LAYOUT_DENSE_UNION, parts,
                            array, reterr);
    case CFL_LAYOUT_RUN_END_ENCODED:
        return concat_runs(concat, field, parts, array, reterr);
    }
    return cflight_error_set_message(reterr, CFLIGHT_INTERNAL, "a field has no layout");
}

static cflight_status finish(cflight_status status, struct ArrowArray *array,
                             struct ArrowArray *ret_array)
{
    if (status != CFLIGHT_OK) {
        cfl_array_drop(array);
        return status;
    }
    count_nulls(array);
    *ret_array = *array;
    return CFLIGHT_OK;
}

/* An array of the value type of the field, whether it is dictionary-encoded or not. */
static cflight_status concat_value(struct cfl_concat *concat, const struct cfl_field *field,
                                   const struct cfl_part_range *parts, struct ArrowArray *ret_array,
                                   cflight_error **reterr)
{
    struct ArrowArray array = {0};
    cflight_status status = concat_layout(concat, field, parts, &array, reterr);
    return finish(status, &array, ret_array);
}

/* Joined unless both are of one lineage: then the longer has all values of the other. */
static cflight_status concat_dictionaries(struct cfl_concat *concat, const struct cfl_field *field,
                                          const struct cfl_part_range *parts,
                                          struct ArrowArray *array, cflight_error **reterr)
{
    const struct ArrowArray *a = parts[0].array->dictionary;
    const struct ArrowArray *b = parts[1].array->dictionary;
    if (cfl_array_lineage(a) != 0 && cfl_array_lineage(a) == cfl_array_lineage(b)) {
        return cfl_array_clone(concat->alloc, a->length > b->length ? a : b, array->dictionary,
                               reterr);
    }
    const struct cfl_part_range values[CFL_CONCAT_PARTS] = {cfl_concat_whole(a),
                                                            cfl_concat_whole(b)};
    cflight_status status = concat_value(concat, field, values, array->dictionary, reterr);
    return status != CFLIGHT_OK ? status : cfl_concat_shift_indices(field, parts, array, reterr);
}

static cflight_status concat_field(struct cfl_concat *concat, const struct cfl_field *field,
                                   const struct cfl_part_range *parts, struct ArrowArray *ret_array,
                                   cflight_error **reterr)
{
    struct ArrowArray array = {0};
    if (!field->is_dictionary) {
        return concat_value(concat, field, parts, ret_array, reterr);
    }
    cflight_status status = cfl_concat_indices(concat, field, parts, &array, reterr);
    if (status == CFLIGHT_OK) {
        status = concat_dictionaries(concat, field, parts, &array, reterr);
    }
    return finish(status, &array, ret_array);
}

/* Values in the first two buffers after validity, without children. */
static bool can_have_room(const struct cfl_field *field)
{
    return field->type.layout == CFL_LAYOUT_FIXED || field->type.layout == CFL_LAYOUT_VARIABLE_32 ||
           field->type.layout == CFL_LAYOUT_VARIABLE_64;
}

/* Who makes a buffer knows of no limits: he says that there is no memory. */
static cflight_status explain(const struct cfl_concat *concat, cflight_status status,
                              cflight_error *error, cflight_error **reterr)
{
    if (concat->over_limit_bytes > 0) {
        status = cfl_error_set_size_limit(
            reterr, "the memory of a joined dictionary (read option unpacked_bytes_max)",
            concat->over_limit_bytes, concat->limits.bytes_max);
    } else if (concat->over_budget_bytes > 0) {
        status = cfl_decode_over_budget(concat->limits.budget, concat->over_budget_bytes, reterr);
    } else if (reterr != NULL) {
        *reterr = error;
        return status;
    }
    cflight_error_free(error);
    return status;
}

cflight_status cfl_array_concat(const struct cflight_allocator *alloc, struct cfl_pool *pool,
                                const struct cfl_field *field, const struct ArrowArray *a,
                                bool has_a_room, const struct ArrowArray *b,
                                const struct cfl_concat_limits *limits,
                                struct cfl_concat_result *ret_result, cflight_error **reterr)
{
    struct cfl_concat concat = {
        .alloc = alloc,
        .pool = pool,
        .has_room = can_have_room(field),
        .is_room_shared = has_a_room,
        .limits = *limits,
    };
    const struct cfl_part_range parts[CFL_CONCAT_PARTS] = {cfl_concat_whole(a),
                                                           cfl_concat_whole(b)};
    cflight_error *error = NULL;
    cflight_status status = concat_value(&concat, field, parts, &ret_result->array, &error);
    cfl_budget_give_back(limits->budget, concat.taken_bytes);
    if (status != CFLIGHT_OK) {
        status = explain(&concat, status, error, reterr);
    } else {
        ret_result->len_bytes = concat.fresh_bytes;
        ret_result->has_room = concat.has_room;
    }
    return status;
}
