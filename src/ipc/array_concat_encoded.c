/* SPDX-License-Identifier: Apache-2.0 */
/* Concatenation of layouts that refer to their values: unions, run-end encoded arrays,
 * dictionaries.
 *
 * References of the second part move behind what the first part brought along. Numbers that
 * validation at the BOUNDS level leaves open may wrap, and are then as wrong as they were. Owner:
 * the result, of new buffers. Thread class: free. (Arrow columnar: Union Layout, Run-End Encoded
 * Layout, Dictionary-encoded Layout) */
#include "base/error.h"
#include "ipc/array_concat_parts.h"
#include "ipc/run_ends.h"

enum { UNION_ID_COUNT = 256 };

cflight_status cfl_concat_shift_union(const struct cfl_field *field,
                                      const struct cfl_part_range *parts, struct ArrowArray *array,
                                      cflight_error **reterr)
{
    const uint8_t *ids = array->buffers[0];
    uint32_t *offsets = (uint32_t *)(uintptr_t)array->buffers[1];
    uint32_t shifts[UNION_ID_COUNT] = {0};
    for (int64_t i = 0; i < field->child_count; i++) {
        if (array->children[i]->length > INT32_MAX) {
            return cfl_concat_too_large(reterr);
        }
        shifts[(uint8_t)field->type.union_ids[i]] = (uint32_t)parts[0].array->children[i]->length;
    }
    for (int64_t i = parts[0].length; i < array->length; i++) {
        offsets[i] += shifts[ids[i]];
    }
    return CFLIGHT_OK;
}

cflight_status cfl_concat_union_ids(struct cfl_concat *concat, const struct cfl_field *field,
                                    bool is_dense, const struct cfl_part_range *parts,
                                    struct ArrowArray *array, cflight_error **reterr)
{
    const struct cfl_array_shape shape = {
        .buffer_count = is_dense ? 2 : 1,
        .child_count = (size_t)field->child_count,
    };
    cflight_status status = cfl_concat_begin(concat, &shape, false, parts, array, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_concat_fixed_values(concat, parts, 0, 1, array, reterr);
    }
    if (status == CFLIGHT_OK && is_dense) {
        status = cfl_concat_fixed_values(concat, parts, 1, sizeof(int32_t), array, reterr);
    }
    return status;
}

/* The runs that a range of rows touches. */
static struct cfl_part_range runs_of(const struct cfl_part_range *part, int32_t width_bytes)
{
    const struct ArrowArray *run_ends = part->array->children[0];
    struct cfl_part_range runs = {run_ends, 0, 0};
    while (runs.start < run_ends->length &&
           cfl_load_run_end(run_ends->buffers[1], runs.start, width_bytes) <= part->start) {
        runs.start++;
    }
    int64_t last = runs.start;
    while (part->length > 0 && last < run_ends->length) {
        last++;
        if (cfl_load_run_end(run_ends->buffers[1], last - 1, width_bytes) >=
            part->start + part->length) {
            break;
        }
    }
    runs.length = last - runs.start;
    return runs;
}

static cflight_status concat_run_ends(struct cfl_concat *concat, int32_t width_bytes,
                                      const struct cfl_part_range *parts,
                                      const struct cfl_part_range *runs, struct ArrowArray *array,
                                      cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 2};
    struct ArrowArray *run_ends = array->children[0];
    cflight_status status = cfl_concat_begin(concat, &shape, false, runs, run_ends, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if ((width_bytes == 2 && array->length > INT16_MAX) ||
        (width_bytes == 4 && array->length > INT32_MAX)) {
        return cfl_concat_too_large(reterr);
    }
    void *values = cfl_concat_buffer(concat, run_ends, 1, run_ends->length, width_bytes);
    int64_t at = 0;
    int64_t base = 0;
    if (values == NULL) {
        return cfl_error_no_memory(reterr);
    }
    for (size_t i = 0; i < CFL_CONCAT_PARTS; i++) {
        for (int64_t j = 0; j < runs[i].length; j++, at++) {
            int64_t end =
                cfl_load_run_end(runs[i].array->buffers[1], runs[i].start + j, width_bytes);
            end = end < parts[i].start ? 0 : end - parts[i].start;
            cfl_store_run_end(values, at, base + (end < parts[i].length ? end : parts[i].length),
                              width_bytes);
        }
        base += parts[i].length;
    }
    return CFLIGHT_OK;
}

cflight_status cfl_concat_run_ends(struct cfl_concat *concat, const struct cfl_field *field,
                                   const struct cfl_part_range *parts, struct ArrowArray *array,
                                   struct cfl_part_range *ret_runs, cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.child_count = 2};
    int32_t width_bytes = field->children[0].type.width_bytes;
    for (size_t i = 0; i < CFL_CONCAT_PARTS; i++) {
        ret_runs[i] = runs_of(&parts[i], width_bytes);
    }
    cflight_status status = cfl_concat_begin(concat, &shape, false, parts, array, reterr);
    return status != CFLIGHT_OK
               ? status
               : concat_run_ends(concat, width_bytes, parts, ret_runs, array, reterr);
}

/* Moves the indices of the second part up; those of nulls may be anything, so the addition wraps.
 */
static void shift_indices(struct ArrowArray *array, int64_t first, int32_t width_bytes,
                          int64_t shift)
{
    uint8_t *indices = (uint8_t *)(uintptr_t)array->buffers[1];
    for (int64_t i = first; i < array->length; i++) {
        switch (width_bytes) {
        case 1:
            indices[i] = (uint8_t)(indices[i] + (uint64_t)shift);
            break;
        case 2:
            ((uint16_t *)(void *)indices)[i] =
                (uint16_t)(((uint16_t *)(void *)indices)[i] + (uint64_t)shift);
            break;
        case 4:
            ((uint32_t *)(void *)indices)[i] += (uint32_t)shift;
            break;
        default:
            ((uint64_t *)(void *)indices)[i] += (uint64_t)shift;
            break;
        }
    }
}

static bool index_fits(const struct cfl_type *type, int64_t dictionary_length)
{
    int32_t bits = type->bit_width - (type->is_signed ? 1 : 0);
    return bits >= 63 || dictionary_length <= (INT64_C(1) << bits);
}

cflight_status cfl_concat_indices(struct cfl_concat *concat, const struct cfl_field *field,
                                  const struct cfl_part_range *parts, struct ArrowArray *array,
                                  cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 2, .has_dictionary = true};
    cflight_status status = cfl_concat_begin(concat, &shape, true, parts, array, reterr);
    return status != CFLIGHT_OK
               ? status
               : cfl_concat_fixed_values(concat, parts, 1, field->index_type.width_bytes, array,
                                         reterr);
}

cflight_status cfl_concat_shift_indices(const struct cfl_field *field,
                                        const struct cfl_part_range *parts,
                                        struct ArrowArray *array, cflight_error **reterr)
{
    if (!index_fits(&field->index_type, array->dictionary->length)) {
        return cfl_concat_too_large(reterr);
    }
    shift_indices(array, parts[0].length, field->index_type.width_bytes,
                  parts[0].array->dictionary->length);
    return CFLIGHT_OK;
}
