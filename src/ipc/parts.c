/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays to nodes and buffers.
 *
 * The walk goes down the schema tree and the arrays together. A slice of an array is (start,
 * length), counted from the array's own offset; `first` is the sum of both, the index into its
 * buffers. Rules for each layout follow what readers demand of a message: offsets start at 0,
 * children hold exactly what parents refer to.
 *
 * The arrays come from a caller: their pointers are trusted, as the C data interface gives buffers
 * no length; counts, lengths and every offset that this code itself follows into a child are
 * checked. Sums are checked for overflow. Recursion is bounded by the schema's depth. Owner:
 * scratch owns what is made, the caller the rest. Spec: Arrow columnar "Physical memory layout",
 * The Arrow C data interface. Thread class: one at a time. */
#include "ipc/parts.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/pieces.h"
#include "ipc/bitmap.h"
#include "ipc/message_write.h"

/* Rows [start, start + length) of `array`. */
struct slice {
    const struct ArrowArray *array;
    int64_t start;
    int64_t first; /* array->offset + start */
    int64_t length;
};

static cflight_status add_field(struct cfl_parts *parts, const struct cfl_field *field,
                                const struct ArrowArray *array, int64_t start, int64_t length,
                                cflight_error **reterr);
static cflight_status add_values(struct cfl_parts *parts, const struct cfl_field *field,
                                 const struct slice *slice, cflight_error **reterr);

void cfl_parts_init(struct cfl_parts *parts, const struct cflight_allocator *alloc,
                    int16_t metadata_version)
{
    memset(parts, 0, sizeof *parts);
    parts->alloc = alloc;
    parts->has_v4_validities = metadata_version < CFL_METADATA_V5;
    cfl_scratch_init(&parts->scratch, alloc);
}

void cfl_parts_done(struct cfl_parts *parts)
{
    cfl_scratch_done(&parts->scratch);
    cfl_free_array(parts->alloc, parts->nodes, parts->node_capacity, sizeof *parts->nodes);
    cfl_free_array(parts->alloc, parts->buffers, parts->buffer_capacity, sizeof *parts->buffers);
    cfl_free_array(parts->alloc, parts->variadic_counts, parts->variadic_capacity,
                   sizeof *parts->variadic_counts);
    memset(parts, 0, sizeof *parts);
}

static void clear(struct cfl_parts *parts)
{
    cfl_scratch_reset(&parts->scratch);
    parts->node_count = 0;
    parts->buffer_count = 0;
    parts->variadic_count = 0;
    parts->row_count = 0;
}

static cflight_status bad_array(cflight_error **reterr, const char *what)
{
    return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT, what);
}

static cflight_status add_node(struct cfl_parts *parts, int64_t length, int64_t null_count,
                               cflight_error **reterr)
{
    if (!cfl_grow_array(parts->alloc, (void **)&parts->nodes, &parts->node_capacity,
                        parts->node_count + 1, sizeof *parts->nodes)) {
        return cfl_error_no_memory(reterr);
    }
    struct cfl_part_node node = {length, null_count, parts->buffer_count};
    parts->nodes[parts->node_count++] = node;
    return CFLIGHT_OK;
}

static cflight_status add_buffer(struct cfl_parts *parts, const void *data, uint64_t len_bytes,
                                 cflight_error **reterr)
{
    if (!cfl_grow_array(parts->alloc, (void **)&parts->buffers, &parts->buffer_capacity,
                        parts->buffer_count + 1, sizeof *parts->buffers)) {
        return cfl_error_no_memory(reterr);
    }
    struct cfl_part_buffer buffer = {len_bytes == 0 ? NULL : data, len_bytes};
    parts->buffers[parts->buffer_count++] = buffer;
    return CFLIGHT_OK;
}

/* Adds a buffer in scratch memory. `*ret_target` is NULL when there is nothing to write. */
static cflight_status add_scratch(struct cfl_parts *parts, uint64_t len_bytes, uint8_t **ret_target,
                                  cflight_error **reterr)
{
    *ret_target = NULL;
    if (len_bytes > 0 && !parts->is_measuring) {
        *ret_target = cfl_scratch_take(&parts->scratch, len_bytes);
        if (*ret_target == NULL) {
            return cfl_error_no_memory(reterr);
        }
    }
    return add_buffer(parts, *ret_target, len_bytes, reterr);
}

static const uint8_t *buffer_at(const struct ArrowArray *array, int64_t index)
{
    return array->buffers == NULL ? NULL : array->buffers[index];
}

static cflight_status add_bits(struct cfl_parts *parts, const uint8_t *bits, int64_t first,
                               int64_t length, cflight_error **reterr)
{
    uint64_t len_bytes = cfl_bitmap_bytes(length);
    uint8_t *target = NULL;

    if (first % 8 == 0) {
        return add_buffer(parts, bits + first / 8, len_bytes, reterr);
    }
    cflight_status status = add_scratch(parts, len_bytes, &target, reterr);
    if (status == CFLIGHT_OK && target != NULL) {
        cfl_bitmap_copy(target, bits, first, length);
    }
    return status;
}

/* Adds the node and, from buffer 0 of the array, its validity bitmap: left out when no row is null.
 */
static cflight_status add_node_and_validity(struct cfl_parts *parts, const struct slice *slice,
                                            cflight_error **reterr)
{
    const struct ArrowArray *array = slice->array;
    const uint8_t *bits = buffer_at(array, 0);
    int64_t null_count = 0;
    cflight_status status = CFLIGHT_OK;

    if (bits == NULL) {
        if (array->null_count > 0 && slice->length > 0) {
            return bad_array(reterr, "there are nulls but no validity bitmap");
        }
    } else if (array->null_count > 0 && slice->length == array->length) {
        null_count = array->null_count;
    } else if (array->null_count != 0) {
        null_count = slice->length - cfl_bitmap_count(bits, slice->first, slice->length);
    }
    if (null_count > slice->length) {
        return bad_array(reterr, "there are more nulls than rows");
    }
    status = add_node(parts, slice->length, null_count, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    return null_count == 0 ? add_buffer(parts, NULL, 0, reterr)
                           : add_bits(parts, bits, slice->first, slice->length, reterr);
}

/* Node of a type without validity bitmap; V4 has an empty one anyway. */
static cflight_status add_node_without_validity(struct cfl_parts *parts, int64_t length,
                                                cflight_error **reterr)
{
    cflight_status status = add_node(parts, length, 0, reterr);

    if (status == CFLIGHT_OK && parts->has_v4_validities) {
        status = add_buffer(parts, NULL, 0, reterr);
    }
    return status;
}

/* `width_bytes` for each row, sent from where they are. */
static cflight_status add_fixed_buffer(struct cfl_parts *parts, const struct slice *slice,
                                       int64_t buffer_index, int64_t width_bytes,
                                       cflight_error **reterr)
{
    const uint8_t *data = buffer_at(slice->array, buffer_index);
    int64_t skipped_bytes = 0;
    int64_t len_bytes = 0;

    if (__builtin_mul_overflow(slice->first, width_bytes, &skipped_bytes) ||
        __builtin_mul_overflow(slice->length, width_bytes, &len_bytes)) {
        return bad_array(reterr, "the buffer is larger than memory");
    }
    if (len_bytes == 0) {
        return add_buffer(parts, NULL, 0, reterr);
    }
    if (data == NULL) {
        return bad_array(reterr, "a buffer is missing");
    }
    return add_buffer(parts, data + skipped_bytes, (uint64_t)len_bytes, reterr);
}

static cflight_status add_bool(struct cfl_parts *parts, const struct slice *slice,
                               cflight_error **reterr)
{
    const uint8_t *bits = buffer_at(slice->array, 1);

    if (slice->length == 0) {
        return add_buffer(parts, NULL, 0, reterr);
    }
    if (bits == NULL) {
        return bad_array(reterr, "a buffer is missing");
    }
    return add_bits(parts, bits, slice->first, slice->length, reterr);
}

static int64_t load_i32(const uint8_t *data, int64_t index)
{
    int32_t value = 0;
    memcpy(&value, data + 4 * index, sizeof value);
    return value;
}

static int64_t load_i64(const uint8_t *data, int64_t index)
{
    int64_t value = 0;
    memcpy(&value, data + 8 * index, sizeof value);
    return value;
}

static int64_t load_offset(const uint8_t *data, int64_t index, bool is_64)
{
    return is_64 ? load_i64(data, index) : load_i32(data, index);
}

static void store_offset(uint8_t *data, int64_t index, int64_t value, bool is_64)
{
    if (is_64) {
        memcpy(data + 8 * index, &value, sizeof value);
        return;
    }
    int32_t narrow = (int32_t)(uint32_t)(uint64_t)value;
    memcpy(data + 4 * index, &narrow, sizeof narrow);
}

/* Unsigned arithmetic: offsets in between were not looked at, so a difference may wrap. */
static void copy_rebased(uint8_t *target, const uint8_t *source, int64_t count, int64_t base,
                         bool is_64)
{
    if (is_64) {
        for (int64_t i = 0; i < count; i++) {
            store_offset(target, i, (int64_t)((uint64_t)load_i64(source, i) - (uint64_t)base),
                         true);
        }
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        store_offset(target, i, (int64_t)((uint64_t)load_i32(source, i) - (uint64_t)base), false);
    }
}

/* Adds length + 1 offsets that start at 0 and tells which range of the data they stand for. An
 * array without rows has one offset, 0 (Arrow columnar: Variable-size Binary Layout). */
static cflight_status add_offsets(struct cfl_parts *parts, const struct slice *slice, bool is_64,
                                  int64_t *ret_begin, int64_t *ret_end, cflight_error **reterr)
{
    const uint8_t *offsets = buffer_at(slice->array, 1);
    int64_t width_bytes = is_64 ? 8 : 4;
    int64_t unused = 0;
    uint8_t *target = NULL;

    *ret_begin = 0;
    *ret_end = 0;
    if (slice->length == 0) {
        return add_buffer(parts, cfl_zeros, (uint64_t)width_bytes, reterr);
    }
    if (offsets == NULL) {
        return bad_array(reterr, "the offsets are missing");
    }
    if (__builtin_mul_overflow(slice->first + slice->length + 1, width_bytes, &unused)) {
        return bad_array(reterr, "the offsets are larger than memory");
    }
    *ret_begin = load_offset(offsets, slice->first, is_64);
    *ret_end = load_offset(offsets, slice->first + slice->length, is_64);
    if (*ret_begin < 0 || *ret_end < *ret_begin) {
        return bad_array(reterr, "offsets are negative or fall");
    }
    offsets += slice->first * width_bytes;
    uint64_t len_bytes = (uint64_t)((slice->length + 1) * width_bytes);
    if (*ret_begin == 0) {
        return add_buffer(parts, offsets, len_bytes, reterr);
    }
    cflight_status status = add_scratch(parts, len_bytes, &target, reterr);
    if (status == CFLIGHT_OK && target != NULL) {
        copy_rebased(target, offsets, slice->length + 1, *ret_begin, is_64);
    }
    return status;
}

static cflight_status add_variable(struct cfl_parts *parts, const struct slice *slice, bool is_64,
                                   cflight_error **reterr)
{
    const uint8_t *data = buffer_at(slice->array, 2);
    int64_t begin = 0;
    int64_t end = 0;
    cflight_status status = add_offsets(parts, slice, is_64, &begin, &end, reterr);

    if (status != CFLIGHT_OK) {
        return status;
    }
    if (data == NULL && end > begin) {
        return bad_array(reterr, "the data buffer is missing");
    }
    return add_buffer(parts, data == NULL ? NULL : data + begin, (uint64_t)(end - begin), reterr);
}

static cflight_status add_list(struct cfl_parts *parts, const struct cfl_field *field,
                               const struct slice *slice, bool is_64, cflight_error **reterr)
{
    int64_t begin = 0;
    int64_t end = 0;
    cflight_status status = add_offsets(parts, slice, is_64, &begin, &end, reterr);

    if (status != CFLIGHT_OK) {
        return status;
    }
    return add_field(parts, &field->children[0], slice->array->children[0], begin, end - begin,
                     reterr);
}

/* What a slice of a list-view array refers to. */
struct view_range {
    int64_t begin;
    int64_t end;
    int64_t last_empty; /* largest offset of a row without items */
};

static bool find_view_range(const uint8_t *offsets, const uint8_t *sizes, const struct slice *slice,
                            bool is_64, struct view_range *ret_range)
{
    struct view_range range = {INT64_MAX, 0, 0};

    for (int64_t i = slice->first; i < slice->first + slice->length; i++) {
        int64_t offset = load_offset(offsets, i, is_64);
        int64_t size = load_offset(sizes, i, is_64);
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
                              const struct slice *slice, int64_t base, bool is_64)
{
    for (int64_t i = 0; i < slice->length; i++) {
        bool is_empty = load_offset(sizes, slice->first + i, is_64) == 0;
        int64_t offset = is_empty ? 0 : load_offset(offsets, slice->first + i, is_64) - base;
        store_offset(target, i, offset, is_64);
    }
}

static cflight_status add_list_view(struct cfl_parts *parts, const struct cfl_field *field,
                                    const struct slice *slice, bool is_64, cflight_error **reterr)
{
    const uint8_t *offsets = buffer_at(slice->array, 1);
    const uint8_t *sizes = buffer_at(slice->array, 2);
    int64_t width_bytes = is_64 ? 8 : 4;
    struct view_range range = {0, 0, 0};
    uint8_t *target = NULL;
    cflight_status status = CFLIGHT_OK;

    if (slice->length > 0 && (offsets == NULL || sizes == NULL)) {
        return bad_array(reterr, "the offsets or sizes are missing");
    }
    if (slice->length > 0 && !find_view_range(offsets, sizes, slice, is_64, &range)) {
        return bad_array(reterr, "an offset or a size is negative or too large");
    }
    if (range.begin == 0 && range.last_empty <= range.end) {
        status = add_fixed_buffer(parts, slice, 1, width_bytes, reterr);
    } else {
        status = add_scratch(parts, (uint64_t)(slice->length * width_bytes), &target, reterr);
        if (status == CFLIGHT_OK && target != NULL) {
            copy_view_offsets(target, offsets, sizes, slice, range.begin, is_64);
        }
    }
    if (status == CFLIGHT_OK) {
        status = add_fixed_buffer(parts, slice, 2, width_bytes, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    return add_field(parts, &field->children[0], slice->array->children[0], range.begin,
                     range.end - range.begin, reterr);
}

static cflight_status add_fixed_list(struct cfl_parts *parts, const struct cfl_field *field,
                                     const struct slice *slice, cflight_error **reterr)
{
    int64_t start = 0;
    int64_t length = 0;

    if (__builtin_mul_overflow(slice->first, (int64_t)field->type.list_size, &start) ||
        __builtin_mul_overflow(slice->length, (int64_t)field->type.list_size, &length)) {
        return bad_array(reterr, "the lists are larger than memory");
    }
    return add_field(parts, &field->children[0], slice->array->children[0], start, length, reterr);
}

/* Children of structs and sparse unions run in parallel to their parent, whose offset counts for
 * them too. */
static cflight_status add_parallel_children(struct cfl_parts *parts, const struct cfl_field *field,
                                            const struct slice *slice, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;

    for (int64_t i = 0; status == CFLIGHT_OK && i < field->child_count; i++) {
        status = add_field(parts, &field->children[i], slice->array->children[i], slice->first,
                           slice->length, reterr);
    }
    return status;
}

static cflight_status add_sparse_union(struct cfl_parts *parts, const struct cfl_field *field,
                                       const struct slice *slice, cflight_error **reterr)
{
    cflight_status status = add_fixed_buffer(parts, slice, 0, 1, reterr);

    return status == CFLIGHT_OK ? add_parallel_children(parts, field, slice, reterr) : status;
}

/* For each type id of a dense union, the range of its child that a slice refers to. */
struct union_ranges {
    bool is_known[128];
    int64_t begin[128];
    int64_t end[128];
};

static bool find_union_ranges(const struct cfl_field *field, const uint8_t *ids,
                              const uint8_t *offsets, const struct slice *slice,
                              struct union_ranges *ret_ranges)
{
    memset(ret_ranges, 0, sizeof *ret_ranges);
    for (int32_t i = 0; i < field->type.union_id_count; i++) {
        ret_ranges->is_known[field->type.union_ids[i]] = true;
        ret_ranges->begin[field->type.union_ids[i]] = INT64_MAX;
    }
    for (int64_t i = slice->first; i < slice->first + slice->length; i++) {
        int64_t offset = load_i32(offsets, i);
        uint8_t id = ids[i];
        if (id > 127 || !ret_ranges->is_known[id] || offset < 0) {
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
                                            const struct slice *slice, cflight_error **reterr)
{
    const uint8_t *ids = buffer_at(slice->array, 0);
    const uint8_t *offsets = buffer_at(slice->array, 1);
    struct union_ranges ranges;
    uint8_t *target = NULL;

    if (slice->length > 0 && (ids == NULL || offsets == NULL)) {
        return bad_array(reterr, "the type ids or offsets are missing");
    }
    if (!find_union_ranges(field, ids, offsets, slice, &ranges)) {
        return bad_array(reterr, "a type id is unknown or an offset negative");
    }
    cflight_status status = add_scratch(parts, (uint64_t)slice->length * 4, &target, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    for (int64_t i = 0; target != NULL && i < slice->length; i++) {
        int64_t base = ranges.begin[ids[slice->first + i]];
        store_offset(target, i, load_i32(offsets, slice->first + i) - base, false);
    }
    for (int32_t i = 0; status == CFLIGHT_OK && i < field->type.union_id_count; i++) {
        int8_t id = field->type.union_ids[i];
        status = add_field(parts, &field->children[i], slice->array->children[i], ranges.begin[id],
                           ranges.end[id] - ranges.begin[id], reterr);
    }
    return status;
}

/* A whole array is sent as it is, unlooked at; of a slice only what it refers to. */
static cflight_status add_dense_union(struct cfl_parts *parts, const struct cfl_field *field,
                                      const struct slice *slice, cflight_error **reterr)
{
    const struct ArrowArray *array = slice->array;
    cflight_status status = add_fixed_buffer(parts, slice, 0, 1, reterr);

    if (status != CFLIGHT_OK) {
        return status;
    }
    if (slice->first != 0 || slice->length != array->length) {
        return add_dense_union_slice(parts, field, slice, reterr);
    }
    status = add_fixed_buffer(parts, slice, 1, 4, reterr);
    for (int64_t i = 0; status == CFLIGHT_OK && i < field->child_count; i++) {
        if (array->children[i] == NULL) {
            return bad_array(reterr, "a child is missing");
        }
        status = add_field(parts, &field->children[i], array->children[i], 0,
                           array->children[i]->length, reterr);
    }
    return status;
}

static int64_t load_run_end(const uint8_t *data, int64_t index, int32_t width_bytes)
{
    if (width_bytes == 2) {
        int16_t value = 0;
        memcpy(&value, data + 2 * index, sizeof value);
        return value;
    }
    return load_offset(data, index, width_bytes == 8);
}

static void store_run_end(uint8_t *data, int64_t index, int64_t value, int32_t width_bytes)
{
    if (width_bytes == 2) {
        int16_t narrow = (int16_t)value;
        memcpy(data + 2 * index, &narrow, sizeof narrow);
        return;
    }
    store_offset(data, index, value, width_bytes == 8);
}

/* The first run in [0, run_count) that ends after `row`; run_count when there is none. */
static int64_t find_run(const uint8_t *run_ends, int64_t run_count, int32_t width_bytes,
                        int64_t row)
{
    int64_t low = 0;
    int64_t high = run_count;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (load_run_end(run_ends, middle, width_bytes) > row) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* Run ends count from the first row that is sent, and the last one is the length. */
static cflight_status add_run_ends(struct cfl_parts *parts, const struct slice *slice,
                                   const uint8_t *run_ends, int32_t width_bytes, int64_t run_count,
                                   cflight_error **reterr)
{
    uint8_t *target = NULL;
    cflight_status status = add_node(parts, run_count, 0, reterr);

    if (status == CFLIGHT_OK) {
        status = add_buffer(parts, NULL, 0, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    uint64_t len_bytes = (uint64_t)run_count * (uint64_t)width_bytes;
    if (run_count == 0 || (slice->first == 0 &&
                           load_run_end(run_ends, run_count - 1, width_bytes) == slice->length)) {
        return add_buffer(parts, run_ends, len_bytes, reterr);
    }
    status = add_scratch(parts, len_bytes, &target, reterr);
    for (int64_t i = 0; status == CFLIGHT_OK && target != NULL && i < run_count; i++) {
        int64_t run_end = load_run_end(run_ends, i, width_bytes);
        run_end = run_end < slice->first ? 0 : run_end - slice->first;
        store_run_end(target, i, run_end < slice->length ? run_end : slice->length, width_bytes);
    }
    return status;
}

static cflight_status add_run_end_encoded(struct cfl_parts *parts, const struct cfl_field *field,
                                          const struct slice *slice, cflight_error **reterr)
{
    const struct ArrowArray *child = slice->array->children[0];
    int32_t width_bytes = field->children[0].type.width_bytes;
    int64_t first_run = 0;
    int64_t run_count = 0;
    int64_t unused = 0;

    if (child == NULL || child->n_buffers != 2 || child->length < 0 || child->offset < 0 ||
        __builtin_add_overflow(child->offset, child->length, &unused) ||
        __builtin_mul_overflow(unused, (int64_t)width_bytes, &unused)) {
        return bad_array(reterr, "the run ends are malformed");
    }
    const uint8_t *run_ends = buffer_at(child, 1);
    if (slice->length > 0) {
        if (run_ends == NULL) {
            return bad_array(reterr, "the run ends are missing");
        }
        run_ends += child->offset * width_bytes;
        first_run = find_run(run_ends, child->length, width_bytes, slice->first);
        int64_t last_run =
            find_run(run_ends, child->length, width_bytes, slice->first + slice->length - 1);
        if (last_run == child->length || last_run < first_run) {
            return bad_array(reterr, "the run ends do not cover all rows, or do not rise");
        }
        run_count = last_run - first_run + 1;
        run_ends += first_run * width_bytes;
    }
    cflight_status status = add_run_ends(parts, slice, run_ends, width_bytes, run_count, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    return add_field(parts, &field->children[1], slice->array->children[1], first_run, run_count,
                     reterr);
}

/* The last buffer of the C data interface holds the lengths of the data buffers; a message lists
 * those instead. */
static cflight_status add_view(struct cfl_parts *parts, const struct slice *slice,
                               cflight_error **reterr)
{
    const struct ArrowArray *array = slice->array;
    int64_t data_count = array->n_buffers - 3;
    const uint8_t *sizes = buffer_at(array, array->n_buffers - 1);
    cflight_status status = add_fixed_buffer(parts, slice, 1, 16, reterr);

    if (status != CFLIGHT_OK) {
        return status;
    }
    if (data_count > 0 && sizes == NULL) {
        return bad_array(reterr, "the lengths of the data buffers are missing");
    }
    if (!cfl_grow_array(parts->alloc, (void **)&parts->variadic_counts, &parts->variadic_capacity,
                        parts->variadic_count + 1, sizeof *parts->variadic_counts)) {
        return cfl_error_no_memory(reterr);
    }
    parts->variadic_counts[parts->variadic_count++] = data_count;
    for (int64_t i = 0; status == CFLIGHT_OK && i < data_count; i++) {
        int64_t len_bytes = load_i64(sizes, i);
        const uint8_t *data = buffer_at(array, 2 + i);
        if (len_bytes < 0 || (data == NULL && len_bytes > 0)) {
            return bad_array(reterr, "a data buffer is missing or has a negative length");
        }
        status = add_buffer(parts, data, (uint64_t)len_bytes, reterr);
    }
    return status;
}

/* Buffers an array must have; -1 when the number varies. */
static int64_t expected_buffer_count(enum cfl_layout layout)
{
    switch (layout) {
    case CFL_LAYOUT_NULL:
    case CFL_LAYOUT_VIEW:
        break;
    case CFL_LAYOUT_RUN_END_ENCODED:
        return 0;
    case CFL_LAYOUT_FIXED_LIST:
    case CFL_LAYOUT_STRUCT:
    case CFL_LAYOUT_SPARSE_UNION:
        return 1;
    case CFL_LAYOUT_BOOL:
    case CFL_LAYOUT_FIXED:
    case CFL_LAYOUT_LIST_32:
    case CFL_LAYOUT_LIST_64:
    case CFL_LAYOUT_DENSE_UNION:
        return 2;
    case CFL_LAYOUT_VARIABLE_32:
    case CFL_LAYOUT_VARIABLE_64:
    case CFL_LAYOUT_LIST_VIEW_32:
    case CFL_LAYOUT_LIST_VIEW_64:
        return 3;
    }
    return -1;
}

static cflight_status check_shape(const struct ArrowArray *array, enum cfl_layout layout,
                                  int64_t child_count, cflight_error **reterr)
{
    int64_t buffer_count = expected_buffer_count(layout);

    if (buffer_count >= 0 ? array->n_buffers != buffer_count
                          : (layout == CFL_LAYOUT_VIEW && array->n_buffers < 3)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "the array has %lld buffers; the type has %s%lld",
                                 (long long)array->n_buffers, buffer_count < 0 ? "at least " : "",
                                 buffer_count < 0 ? 3LL : (long long)buffer_count);
    }
    if (array->n_children != child_count || (child_count > 0 && array->children == NULL)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "the array has %lld children; the type has %lld",
                                 (long long)array->n_children, (long long)child_count);
    }
    return CFLIGHT_OK;
}

static cflight_status make_slice(const struct ArrowArray *array, int64_t start, int64_t length,
                                 struct slice *ret_slice, cflight_error **reterr)
{
    int64_t end = 0;

    if (array == NULL || array->length < 0 || array->offset < 0 ||
        __builtin_add_overflow(array->offset, array->length, &end) || end == INT64_MAX) {
        return bad_array(reterr, "the array is missing or has an impossible length or offset");
    }
    if (start < 0 || length < 0 || start > array->length || length > array->length - start) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "%lld rows from row %lld are wanted, the array has %lld",
                                 (long long)length, (long long)start, (long long)array->length);
    }
    struct slice slice = {array, start, array->offset + start, length};
    *ret_slice = slice;
    return CFLIGHT_OK;
}

static cflight_status add_indices(struct cfl_parts *parts, const struct cfl_field *field,
                                  const struct slice *slice, cflight_error **reterr)
{
    cflight_status status = check_shape(slice->array, CFL_LAYOUT_FIXED, 0, reterr);

    if (status == CFLIGHT_OK) {
        status = add_node_and_validity(parts, slice, reterr);
    }
    return status == CFLIGHT_OK
               ? add_fixed_buffer(parts, slice, 1, field->index_type.width_bytes, reterr)
               : status;
}

static cflight_status add_field(struct cfl_parts *parts, const struct cfl_field *field,
                                const struct ArrowArray *array, int64_t start, int64_t length,
                                cflight_error **reterr)
{
    struct slice slice = {NULL, 0, 0, 0};
    cflight_status status = make_slice(array, start, length, &slice, reterr);

    if (status == CFLIGHT_OK) {
        status = field->is_dictionary ? add_indices(parts, field, &slice, reterr)
                                      : add_values(parts, field, &slice, reterr);
    }
    if (status == CFLIGHT_INVALID_ARGUMENT) {
        (void)cfl_error_prefix(reterr, status, "column \"%.100s\"", field->name);
    }
    return status;
}

static cflight_status add_head(struct cfl_parts *parts, const struct cfl_field *field,
                               const struct slice *slice, cflight_error **reterr)
{
    cflight_status status =
        check_shape(slice->array, field->type.layout, field->child_count, reterr);

    if (status != CFLIGHT_OK) {
        return status;
    }
    if (field->type.layout == CFL_LAYOUT_NULL) {
        return add_node(parts, slice->length, slice->length, reterr);
    }
    if (field->type.layout == CFL_LAYOUT_SPARSE_UNION ||
        field->type.layout == CFL_LAYOUT_DENSE_UNION ||
        field->type.layout == CFL_LAYOUT_RUN_END_ENCODED) {
        return add_node_without_validity(parts, slice->length, reterr);
    }
    return add_node_and_validity(parts, slice, reterr);
}

static cflight_status add_values(struct cfl_parts *parts, const struct cfl_field *field,
                                 const struct slice *slice, cflight_error **reterr)
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
        return add_fixed_buffer(parts, slice, 1, field->type.width_bytes, reterr);
    case CFL_LAYOUT_VARIABLE_32:
    case CFL_LAYOUT_VARIABLE_64:
        return add_variable(parts, slice, field->type.layout == CFL_LAYOUT_VARIABLE_64, reterr);
    case CFL_LAYOUT_VIEW:
        return add_view(parts, slice, reterr);
    case CFL_LAYOUT_LIST_32:
    case CFL_LAYOUT_LIST_64:
        return add_list(parts, field, slice, field->type.layout == CFL_LAYOUT_LIST_64, reterr);
    case CFL_LAYOUT_LIST_VIEW_32:
    case CFL_LAYOUT_LIST_VIEW_64:
        return add_list_view(parts, field, slice, field->type.layout == CFL_LAYOUT_LIST_VIEW_64,
                             reterr);
    case CFL_LAYOUT_FIXED_LIST:
        return add_fixed_list(parts, field, slice, reterr);
    case CFL_LAYOUT_STRUCT:
        return add_parallel_children(parts, field, slice, reterr);
    case CFL_LAYOUT_SPARSE_UNION:
        return add_sparse_union(parts, field, slice, reterr);
    case CFL_LAYOUT_DENSE_UNION:
        return add_dense_union(parts, field, slice, reterr);
    case CFL_LAYOUT_RUN_END_ENCODED:
        return add_run_end_encoded(parts, field, slice, reterr);
    }
    return CFLIGHT_OK;
}

/* A record batch has no place for nulls of its top level. */
static cflight_status check_top_level(const struct slice *slice, cflight_error **reterr)
{
    const uint8_t *bits = buffer_at(slice->array, 0);

    if (slice->array->null_count != 0 && bits != NULL &&
        cfl_bitmap_count(bits, slice->first, slice->length) != slice->length) {
        return bad_array(reterr, "a record batch cannot have null rows");
    }
    return CFLIGHT_OK;
}

cflight_status cfl_parts_set_batch(struct cfl_parts *parts, const struct cfl_field *root,
                                   const struct ArrowArray *batch, int64_t row_offset,
                                   int64_t row_count, cflight_error **reterr)
{
    struct slice slice = {NULL, 0, 0, 0};
    cflight_status status = make_slice(batch, row_offset, row_count, &slice, reterr);

    clear(parts);
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
    struct slice slice = {NULL, 0, 0, 0};
    cflight_status status = make_slice(array, row_offset, row_count, &slice, reterr);

    clear(parts);
    if (status == CFLIGHT_OK) {
        status = add_values(parts, field, &slice, reterr);
    }
    parts->row_count = row_count;
    return status;
}

cflight_status cfl_parts_copy(struct cfl_parts *target, const struct cfl_parts *source,
                              cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;

    clear(target);
    target->row_count = source->row_count;
    for (size_t i = 0; status == CFLIGHT_OK && i < source->node_count; i++) {
        status = add_node(target, source->nodes[i].length, source->nodes[i].null_count, reterr);
        if (status == CFLIGHT_OK) {
            target->nodes[i].first_buffer = source->nodes[i].first_buffer;
        }
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < source->buffer_count; i++) {
        uint8_t *copy = NULL;
        status = add_scratch(target, source->buffers[i].len_bytes, &copy, reterr);
        if (status == CFLIGHT_OK && copy != NULL) {
            memcpy(copy, source->buffers[i].data, source->buffers[i].len_bytes);
        }
    }
    return status;
}

size_t cfl_field_node_count(const struct cfl_field *field)
{
    size_t node_count = 1;

    for (int64_t i = 0; !field->is_dictionary && i < field->child_count; i++) {
        node_count += cfl_field_node_count(&field->children[i]);
    }
    return node_count;
}
