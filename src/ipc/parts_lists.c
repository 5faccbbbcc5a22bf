/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts with offsets: strings, binary, lists and list views, and fixed-size lists.
 *
 * Readers want offsets that start at 0 and children that hold no more than what is referred to, so
 * a slice whose first offset is not 0 gets new offsets in scratch memory; the data or child is then
 * sliced by pointer. Only the first and last offset are looked at, except in list views, where any
 * row may be the outermost. Spec: Arrow columnar "Variable-size Binary Layout", "List Layout",
 * "ListView Layout", "Fixed-Size List Layout". Thread class: one at a time. */
#include "base/pieces.h"
#include "ipc/offsets.h"
#include "ipc/parts_build.h"

/* Unsigned arithmetic: offsets in between were not looked at, so a difference may wrap. The width
 * is a constant in each of the two calls, which lets compilers use vectors. */
static inline void rebase(uint8_t *target, const uint8_t *source, int64_t count, int64_t base,
                          bool is_64)
{
    for (int64_t i = 0; i < count; i++) {
        uint64_t offset = (uint64_t)cfl_load_offset(source, i, is_64) - (uint64_t)base;
        cfl_store_offset(target, i, (int64_t)offset, is_64);
    }
}

static void copy_rebased(uint8_t *target, const uint8_t *source, int64_t count, int64_t base,
                         bool is_64)
{
    if (is_64) {
        rebase(target, source, count, base, true);
    } else {
        rebase(target, source, count, base, false);
    }
}

/* Adds length + 1 offsets that start at 0 and tells which range of the data they stand for. An
 * array without rows has one offset, 0 (Arrow columnar: Variable-size Binary Layout). */
static cflight_status add_offsets(struct cfl_parts *parts, const struct cfl_rows *slice, bool is_64,
                                  int64_t *ret_begin, int64_t *ret_end, cflight_error **reterr)
{
    const uint8_t *offsets = cfl_array_buffer(slice->array, 1);
    int64_t width_bytes = is_64 ? 8 : 4;
    int64_t unused = 0;
    uint8_t *target = NULL;

    *ret_begin = 0;
    *ret_end = 0;
    if (slice->length == 0) {
        return cfl_parts_add_buffer(parts, cfl_zeros, (uint64_t)width_bytes, reterr);
    }
    if (offsets == NULL) {
        return cfl_parts_refuse(reterr, "the offsets are missing");
    }
    if (__builtin_mul_overflow(slice->first + slice->length + 1, width_bytes, &unused)) {
        return cfl_parts_refuse(reterr, "the offsets are larger than memory");
    }
    *ret_begin = cfl_load_offset(offsets, slice->first, is_64);
    *ret_end = cfl_load_offset(offsets, slice->first + slice->length, is_64);
    if (*ret_begin < 0 || *ret_end < *ret_begin) {
        return cfl_parts_refuse(reterr, "offsets are negative or fall");
    }
    offsets += slice->first * width_bytes;
    uint64_t len_bytes = (uint64_t)((slice->length + 1) * width_bytes);
    if (*ret_begin == 0) {
        return cfl_parts_add_buffer(parts, offsets, len_bytes, reterr);
    }
    cflight_status status = cfl_parts_add_scratch(parts, len_bytes, &target, reterr);
    if (status == CFLIGHT_OK && target != NULL) {
        copy_rebased(target, offsets, slice->length + 1, *ret_begin, is_64);
    }
    return status;
}

cflight_status cfl_parts_add_variable(struct cfl_parts *parts, const struct cfl_rows *slice,
                                      bool is_64, cflight_error **reterr)
{
    const uint8_t *data = cfl_array_buffer(slice->array, 2);
    int64_t begin = 0;
    int64_t end = 0;
    cflight_status status = add_offsets(parts, slice, is_64, &begin, &end, reterr);

    if (status != CFLIGHT_OK) {
        return status;
    }
    if (data == NULL && end > begin) {
        return cfl_parts_refuse(reterr, "the data buffer is missing");
    }
    return cfl_parts_add_buffer(parts, data == NULL ? NULL : data + begin, (uint64_t)(end - begin),
                                reterr);
}

cflight_status cfl_parts_add_list(struct cfl_parts *parts, const struct cfl_rows *slice, bool is_64,
                                  struct cfl_child_rows *ret_rows, cflight_error **reterr)
{
    int64_t begin = 0;
    int64_t end = 0;
    cflight_status status = add_offsets(parts, slice, is_64, &begin, &end, reterr);

    *ret_rows = (struct cfl_child_rows){begin, end - begin};
    return status;
}

/* What a slice of a list-view array refers to. */
struct view_range {
    int64_t begin;
    int64_t end;
    int64_t last_empty; /* largest offset of a row without items */
};

static bool find_view_range(const uint8_t *offsets, const uint8_t *sizes,
                            const struct cfl_rows *slice, bool is_64, struct view_range *ret_range)
{
    struct view_range range = {INT64_MAX, 0, 0};

    for (int64_t i = slice->first; i < slice->first + slice->length; i++) {
        int64_t offset = cfl_load_offset(offsets, i, is_64);
        int64_t size = cfl_load_offset(sizes, i, is_64);
        int64_t end = 0;
        if (offset < 0 || size < 0 || __builtin_add_overflow(offset, size, &end)) {
            return false;
        }
        if (size == 0) {
            range.last_empty = offset > range.last_empty ? offset : range.last_empty;
            continue;
        }
        range.begin = offset < range.begin ? offset : range.begin;
        range.end = end > range.end ? end : range.end;
    }
    range.begin = range.begin == INT64_MAX ? 0 : range.begin;
    *ret_range = range;
    return true;
}

/* Offsets of rows without items become 0, as theirs may lie outside what is sent. */
static void copy_view_offsets(uint8_t *target, const uint8_t *offsets, const uint8_t *sizes,
                              const struct cfl_rows *slice, int64_t base, bool is_64)
{
    for (int64_t i = 0; i < slice->length; i++) {
        bool is_empty = cfl_load_offset(sizes, slice->first + i, is_64) == 0;
        int64_t offset = is_empty ? 0 : cfl_load_offset(offsets, slice->first + i, is_64) - base;
        cfl_store_offset(target, i, offset, is_64);
    }
}

cflight_status cfl_parts_add_list_view(struct cfl_parts *parts, const struct cfl_rows *slice,
                                       bool is_64, struct cfl_child_rows *ret_rows,
                                       cflight_error **reterr)
{
    const uint8_t *offsets = cfl_array_buffer(slice->array, 1);
    const uint8_t *sizes = cfl_array_buffer(slice->array, 2);
    int64_t width_bytes = is_64 ? 8 : 4;
    struct view_range range = {0, 0, 0};
    uint8_t *target = NULL;
    cflight_status status = CFLIGHT_OK;

    if (slice->length > 0 && (offsets == NULL || sizes == NULL)) {
        return cfl_parts_refuse(reterr, "the offsets or sizes are missing");
    }
    if (slice->length > 0 && !find_view_range(offsets, sizes, slice, is_64, &range)) {
        return cfl_parts_refuse(reterr, "an offset or a size is negative or too large");
    }
    if (range.begin == 0 && range.last_empty <= range.end) {
        status = cfl_parts_add_fixed(parts, slice, 1, width_bytes, reterr);
    } else {
        status =
            cfl_parts_add_scratch(parts, (uint64_t)(slice->length * width_bytes), &target, reterr);
        if (status == CFLIGHT_OK && target != NULL) {
            copy_view_offsets(target, offsets, sizes, slice, range.begin, is_64);
        }
    }
    *ret_rows = (struct cfl_child_rows){range.begin, range.end - range.begin};
    return status == CFLIGHT_OK ? cfl_parts_add_fixed(parts, slice, 2, width_bytes, reterr)
                                : status;
}

cflight_status cfl_parts_fixed_list_rows(const struct cfl_rows *slice, int64_t list_size,
                                         struct cfl_child_rows *ret_rows, cflight_error **reterr)
{
    if (__builtin_mul_overflow(slice->first, list_size, &ret_rows->start) ||
        __builtin_mul_overflow(slice->length, list_size, &ret_rows->length)) {
        return cfl_parts_refuse(reterr, "the lists are larger than memory");
    }
    return CFLIGHT_OK;
}
