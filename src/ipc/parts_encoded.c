/* SPDX-License-Identifier: Apache-2.0 */
/* Dense unions and run-end encoded arrays: layouts whose rows point into children.
 *
 * Of a slice only what it refers to is sent: ranges of children, with offsets or run ends counted
 * from there. A whole dense union is sent as it is, unlooked at. Every index that is followed here
 * was checked here. Spec: Arrow columnar "Dense Union", "Run-End Encoded Layout". Thread class: one
 * at a time. */
#include <string.h>

#include "ipc/offsets.h"
#include "ipc/run_ends.h"
#include "ipc/parts_build.h"

/* For each type id of a dense union, the range of its child that a slice refers to. */
struct union_ranges {
    bool is_known[CFL_UNION_TYPES_MAX];
    int64_t begin[CFL_UNION_TYPES_MAX];
    int64_t end[CFL_UNION_TYPES_MAX];
};

static bool find_union_ranges(const struct cfl_field *field, const uint8_t *ids,
                              const uint8_t *offsets, const struct cfl_rows *slice,
                              struct union_ranges *ret_ranges)
{
    memset(ret_ranges, 0, sizeof *ret_ranges);
    for (int32_t i = 0; i < field->type.union_id_count; i++) {
        ret_ranges->is_known[field->type.union_ids[i]] = true;
        ret_ranges->begin[field->type.union_ids[i]] = INT64_MAX;
    }
    for (int64_t i = slice->first; i < slice->first + slice->length; i++) {
        int64_t offset = cfl_load_offset(offsets, i, false);
        uint8_t id = ids[i];
        if (id >= CFL_UNION_TYPES_MAX || !ret_ranges->is_known[id] || offset < 0) {
            return false;
        }
        ret_ranges->begin[id] = offset < ret_ranges->begin[id] ? offset : ret_ranges->begin[id];
        ret_ranges->end[id] = offset + 1 > ret_ranges->end[id] ? offset + 1 : ret_ranges->end[id];
    }
    for (int32_t i = 0; i < field->type.union_id_count; i++) {
        int8_t id = field->type.union_ids[i];
        if (ret_ranges->end[id] == 0) {
            ret_ranges->begin[id] = 0;
        }
    }
    return true;
}

static cflight_status add_dense_union_slice(struct cfl_parts *parts, const struct cfl_field *field,
                                            const struct cfl_rows *slice,
                                            struct cfl_child_rows *ret_rows, cflight_error **reterr)
{
    const uint8_t *ids = cfl_array_buffer(slice->array, 0);
    const uint8_t *offsets = cfl_array_buffer(slice->array, 1);
    struct union_ranges ranges;
    uint8_t *target = NULL;

    if (slice->length > 0 && (ids == NULL || offsets == NULL)) {
        return cfl_parts_refuse(reterr, "the type ids or offsets are missing");
    }
    if (!find_union_ranges(field, ids, offsets, slice, &ranges)) {
        return cfl_parts_refuse(reterr, "a type id is unknown or an offset negative");
    }
    cflight_status status =
        cfl_parts_add_scratch(parts, (uint64_t)slice->length * 4, &target, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    for (int64_t i = 0; target != NULL && i < slice->length; i++) {
        int64_t base = ranges.begin[ids[slice->first + i]];
        cfl_store_offset(target, i, cfl_load_offset(offsets, slice->first + i, false) - base,
                         false);
    }
    for (int32_t i = 0; i < field->type.union_id_count; i++) {
        int8_t id = field->type.union_ids[i];
        ret_rows[i] = (struct cfl_child_rows){ranges.begin[id], ranges.end[id] - ranges.begin[id]};
    }
    return CFLIGHT_OK;
}

cflight_status cfl_parts_add_dense_union(struct cfl_parts *parts, const struct cfl_field *field,
                                         const struct cfl_rows *slice,
                                         struct cfl_child_rows *ret_rows, cflight_error **reterr)
{
    const struct ArrowArray *array = slice->array;
    cflight_status status = cfl_parts_add_fixed(parts, slice, 0, 1, reterr);

    if (status != CFLIGHT_OK) {
        return status;
    }
    if (slice->first != 0 || slice->length != array->length) {
        return add_dense_union_slice(parts, field, slice, ret_rows, reterr);
    }
    status = cfl_parts_add_fixed(parts, slice, 1, 4, reterr);
    for (int64_t i = 0; status == CFLIGHT_OK && i < field->child_count; i++) {
        if (array->children[i] == NULL) {
            return cfl_parts_refuse(reterr, "a child is missing");
        }
        ret_rows[i] = (struct cfl_child_rows){0, array->children[i]->length};
    }
    return status;
}

/* Run ends count from the first row that is sent, and the last one is the length. */
static cflight_status add_run_ends(struct cfl_parts *parts, const struct cfl_rows *slice,
                                   const uint8_t *run_ends, int32_t width_bytes, int64_t run_count,
                                   cflight_error **reterr)
{
    uint8_t *target = NULL;
    cflight_status status = cfl_parts_add_node(parts, run_count, 0, reterr);

    if (status == CFLIGHT_OK) {
        status = cfl_parts_add_buffer(parts, NULL, 0, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    uint64_t len_bytes = (uint64_t)run_count * (uint64_t)width_bytes;
    if (run_count == 0 || (slice->first == 0 && cfl_load_run_end(run_ends, run_count - 1,
                                                                 width_bytes) == slice->length)) {
        return cfl_parts_add_buffer(parts, run_ends, len_bytes, reterr);
    }
    status = cfl_parts_add_scratch(parts, len_bytes, &target, reterr);
    for (int64_t i = 0; status == CFLIGHT_OK && target != NULL && i < run_count; i++) {
        int64_t run_end = cfl_load_run_end(run_ends, i, width_bytes);
        run_end = run_end < slice->first ? 0 : run_end - slice->first;
        cfl_store_run_end(target, i, run_end < slice->length ? run_end : slice->length,
                          width_bytes);
    }
    return status;
}

cflight_status cfl_parts_add_run_ends(struct cfl_parts *parts, const struct cfl_field *field,
                                      const struct cfl_rows *slice, struct cfl_child_rows *ret_rows,
                                      cflight_error **reterr)
{
    const struct ArrowArray *child = slice->array->children[0];
    int32_t width_bytes = field->children[0].type.width_bytes;
    int64_t first_run = 0;
    int64_t run_count = 0;
    int64_t unused = 0;

    if (child == NULL || child->n_buffers != 2 || child->length < 0 || child->offset < 0 ||
        __builtin_add_overflow(child->offset, child->length, &unused) ||
        __builtin_mul_overflow(unused, (int64_t)width_bytes, &unused)) {
        return cfl_parts_refuse(reterr, "the run ends are malformed");
    }
    const uint8_t *run_ends = cfl_array_buffer(child, 1);
    if (slice->length > 0) {
        if (run_ends == NULL) {
            return cfl_parts_refuse(reterr, "the run ends are missing");
        }
        run_ends += child->offset * width_bytes;
        first_run = cfl_find_run(run_ends, child->length, width_bytes, slice->first);
        int64_t last_run =
            cfl_find_run(run_ends, child->length, width_bytes, slice->first + slice->length - 1);
        if (last_run == child->length || last_run < first_run) {
            return cfl_parts_refuse(reterr, "the run ends do not cover all rows, or do not rise");
        }
        run_count = last_run - first_run + 1;
        run_ends += first_run * width_bytes;
    }
    *ret_rows = (struct cfl_child_rows){first_run, run_count};
    return add_run_ends(parts, slice, run_ends, width_bytes, run_count, reterr);
}
