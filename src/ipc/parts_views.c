/* SPDX-License-Identifier: Apache-2.0 */
/* Binary and text views.
 *
 * The last buffer of the C data interface holds the lengths of the data buffers; a message lists
 * those instead, with their number in variadicBufferCounts. The views of a slice go out from where
 * they are, and so do all data buffers, unless the slice uses less than half of those: then each
 * buffer is cut to the range in use, unused ones are left out, and the views are rewritten in
 * scratch memory. Splitting a batch therefore splits its data. Spec: Arrow columnar "Variable-size
 * Binary View Layout", The Arrow C data interface "Binary view arrays". Thread class: one at a
 * time. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "ipc/bitmap.h"
#include "ipc/offsets.h"
#include "ipc/parts_build.h"
#include "ipc/views.h"

/* The part of one data buffer that a slice uses. */
struct use {
    int64_t begin;
    int64_t end; /* 0: unused */
    int32_t new_index;
};

/* What is known of the array's views. */
struct views {
    const uint8_t *validity; /* NULL: no nulls */
    const uint8_t *entries;
    const uint8_t *sizes; /* int64 length of each data buffer */
    int64_t data_count;
};

/* A view into a data buffer (a longer one than fits inline). */
struct entry {
    int64_t len_bytes;
    int64_t buffer_index;
    int64_t offset;
};

/* False for a null or an inline value. */
static bool load_entry(const struct views *views, int64_t row, struct entry *ret_entry)
{
    const uint8_t *data = views->entries + CFL_VIEW_BYTES * row;
    struct entry entry = {cfl_load_offset(data, 0, false), cfl_load_offset(data, 2, false),
                          cfl_load_offset(data, 3, false)};

    *ret_entry = entry;
    return entry.len_bytes > CFL_VIEW_INLINE_BYTES_MAX &&
           (views->validity == NULL || cfl_bitmap_get(views->validity, row));
}

static bool find_uses(const struct views *views, const struct cfl_rows *slice, struct use *uses)
{
    struct entry entry;

    for (int64_t row = slice->first; row < slice->first + slice->length; row++) {
        if (!load_entry(views, row, &entry)) {
            continue;
        }
        if (entry.buffer_index < 0 || entry.buffer_index >= views->data_count || entry.offset < 0 ||
            entry.offset + entry.len_bytes >
                cfl_load_offset(views->sizes, entry.buffer_index, true)) {
            return false;
        }
        struct use *use = &uses[entry.buffer_index];
        int64_t end = entry.offset + entry.len_bytes;
        use->begin = use->end == 0 || entry.offset < use->begin ? entry.offset : use->begin;
        use->end = end > use->end ? end : use->end;
    }
    return true;
}

/* Numbers the buffers in use; tells whether leaving out the rest is worth new views. */
static bool number_uses(const struct views *views, struct use *uses, int64_t *ret_used_count)
{
    uint64_t total_bytes = 0;
    uint64_t used_bytes = 0;
    int32_t used_count = 0;

    for (int64_t i = 0; i < views->data_count; i++) {
        total_bytes += (uint64_t)cfl_load_offset(views->sizes, i, true) / 2;
        used_bytes += (uint64_t)(uses[i].end - uses[i].begin);
        uses[i].new_index = used_count;
        used_count += uses[i].end > 0;
    }
    *ret_used_count = used_count;
    return used_bytes < total_bytes;
}

/* Null rows become empty values. */
static void copy_entries(uint8_t *target, const struct views *views, const struct cfl_rows *slice,
                         const struct use *uses)
{
    struct entry entry;

    for (int64_t i = 0; i < slice->length; i++) {
        int64_t row = slice->first + i;
        bool is_long = load_entry(views, row, &entry);
        memcpy(target + CFL_VIEW_BYTES * i, views->entries + CFL_VIEW_BYTES * row, CFL_VIEW_BYTES);
        if (is_long) {
            const struct use *use = &uses[entry.buffer_index];
            cfl_store_offset(target + CFL_VIEW_BYTES * i, 2, use->new_index, false);
            cfl_store_offset(target + CFL_VIEW_BYTES * i, 3, entry.offset - use->begin, false);
        } else if (entry.len_bytes > CFL_VIEW_INLINE_BYTES_MAX) {
            memset(target + CFL_VIEW_BYTES * i, 0, CFL_VIEW_BYTES);
        }
    }
}

static cflight_status add_variadic_count(struct cfl_parts *parts, int64_t data_count,
                                         cflight_error **reterr)
{
    if (!cfl_grow_array(parts->alloc, (void **)&parts->variadic_counts, &parts->variadic_capacity,
                        parts->variadic_count + 1, sizeof *parts->variadic_counts)) {
        return cfl_error_no_memory(reterr);
    }
    parts->variadic_counts[parts->variadic_count++] = data_count;
    return CFLIGHT_OK;
}

static cflight_status add_used(struct cfl_parts *parts, const struct cfl_rows *slice,
                               const struct views *views, const struct use *uses,
                               int64_t used_count, cflight_error **reterr)
{
    uint8_t *target = NULL;
    cflight_status status =
        cfl_parts_add_scratch(parts, (uint64_t)slice->length * CFL_VIEW_BYTES, &target, reterr);

    if (status == CFLIGHT_OK && target != NULL) {
        copy_entries(target, views, slice, uses);
    }
    if (status == CFLIGHT_OK) {
        status = add_variadic_count(parts, used_count, reterr);
    }
    for (int64_t i = 0; status == CFLIGHT_OK && i < views->data_count; i++) {
        if (uses[i].end > 0) {
            status =
                cfl_parts_add_buffer(parts, cfl_array_buffer(slice->array, 2 + i) + uses[i].begin,
                                     (uint64_t)(uses[i].end - uses[i].begin), reterr);
        }
    }
    return status;
}

static cflight_status add_whole(struct cfl_parts *parts, const struct cfl_rows *slice,
                                const struct views *views, cflight_error **reterr)
{
    cflight_status status = cfl_parts_add_fixed(parts, slice, 1, CFL_VIEW_BYTES, reterr);

    if (status == CFLIGHT_OK) {
        status = add_variadic_count(parts, views->data_count, reterr);
    }
    for (int64_t i = 0; status == CFLIGHT_OK && i < views->data_count; i++) {
        status = cfl_parts_add_buffer(parts, cfl_array_buffer(slice->array, 2 + i),
                                      (uint64_t)cfl_load_offset(views->sizes, i, true), reterr);
    }
    return status;
}

static cflight_status check_sizes(const struct cfl_rows *slice, const struct views *views,
                                  cflight_error **reterr)
{
    if (views->data_count > 0 && views->sizes == NULL) {
        return cfl_parts_refuse(reterr, "the lengths of the data buffers are missing");
    }
    for (int64_t i = 0; i < views->data_count; i++) {
        int64_t len_bytes = cfl_load_offset(views->sizes, i, true);
        if (len_bytes < 0 || (len_bytes > 0 && cfl_array_buffer(slice->array, 2 + i) == NULL)) {
            return cfl_parts_refuse(reterr, "a data buffer is missing or has a negative length");
        }
    }
    return CFLIGHT_OK;
}

cflight_status cfl_parts_add_view(struct cfl_parts *parts, const struct cfl_rows *slice,
                                  cflight_error **reterr)
{
    const struct ArrowArray *array = slice->array;
    struct views views = {
        .validity = array->null_count == 0 ? NULL : cfl_array_buffer(array, 0),
        .entries = cfl_array_buffer(array, 1),
        .sizes = cfl_array_buffer(array, array->n_buffers - 1),
        .data_count = array->n_buffers - 3,
    };
    struct use *uses = NULL;
    int64_t used_count = 0;
    cflight_status status = check_sizes(slice, &views, reterr);

    if (status != CFLIGHT_OK) {
        return status;
    }
    if (views.data_count == 0 || slice->length == array->length || views.entries == NULL) {
        return add_whole(parts, slice, &views, reterr);
    }
    uses = cfl_alloc_array(parts->alloc, (size_t)views.data_count, sizeof *uses);
    if (uses == NULL) {
        return cfl_error_no_memory(reterr);
    }
    if (!find_uses(&views, slice, uses)) {
        status = cfl_parts_refuse(reterr, "a view points outside the data buffers");
    } else if (number_uses(&views, uses, &used_count)) {
        status = add_used(parts, slice, &views, uses, used_count, reterr);
    } else {
        status = add_whole(parts, slice, &views, reterr);
    }
    cfl_free_array(parts->alloc, uses, (size_t)views.data_count, sizeof *uses);
    return status;
}
