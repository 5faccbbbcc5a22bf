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
#include "ipc/array_build.h"
#include "ipc/validate.h"

enum {
    PART_COUNT = 2,
    BITS_PER_BYTE = 8,
    VIEW_BYTES = 16,
    VIEW_INLINE_BYTES_MAX = 12,
    VIEW_INDEX_AT = 8,
    VIEW_BUFFERS_FIXED = 2,
    VIEW_BUFFERS_OTHER = 3, /* validity, views, sizes */
    UNION_ID_COUNT = 256,
};

struct part {
    const struct ArrowArray *array;
    int64_t start;
    int64_t length;
};

struct concat {
    const struct cflight_allocator *alloc;
    struct cfl_pool *pool;
    uint64_t fresh_bytes;
};

static cflight_status concat_field(struct concat *concat, const struct cfl_field *field,
                                   const struct part *parts, struct ArrowArray *ret_array,
                                   cflight_error **reterr);
static cflight_status concat_value(struct concat *concat, const struct cfl_field *field,
                                   const struct part *parts, struct ArrowArray *ret_array,
                                   cflight_error **reterr);

static cflight_status too_large(cflight_error **reterr)
{
    return cflight_error_set_message(reterr, CFLIGHT_DATA_LOSS,
                                     "a delta makes a dictionary larger than its type can address");
}

static cflight_status bad_offsets(cflight_error **reterr)
{
    return cflight_error_set_message(reterr, CFLIGHT_DATA_LOSS,
                                     "a dictionary has offsets that are not ascending");
}

static struct part whole(const struct ArrowArray *array)
{
    struct part part = {array, 0, array->length};
    return part;
}

/* Gives the array a new buffer of count * width bytes; NULL for no memory. A buffer of no bytes is
 * one of zeros. */
static uint8_t *new_buffer(struct concat *concat, struct ArrowArray *array, size_t index,
                           int64_t count, int64_t width_bytes)
{
    int64_t len_bytes = 0;
    if (__builtin_mul_overflow(count, width_bytes, &len_bytes)) {
        return NULL;
    }
    cflight_buffer *buffer = cfl_body_new(concat->pool, concat->alloc, (size_t)len_bytes);
    if (buffer == NULL) {
        return NULL;
    }
    cfl_array_set_buffer(array, index, cfl_body_data(buffer), buffer);
    concat->fresh_bytes += (uint64_t)len_bytes;
    uint8_t *data = cfl_body_data(buffer);
    cflight_buffer_unref(buffer);
    return data;
}

/* Copies `count` bits to any bit of a target whose later bits are zero. */
static void copy_bits(uint8_t *target, int64_t target_bit, const uint8_t *source,
                      int64_t source_bit, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t from = source_bit + i;
        int64_t to = target_bit + i;
        unsigned int bit =
            source == NULL
                ? 1U
                : ((unsigned int)source[from / BITS_PER_BYTE] >> (from % BITS_PER_BYTE)) & 1U;
        target[to / BITS_PER_BYTE] =
            (uint8_t)(target[to / BITS_PER_BYTE] | (bit << (to % BITS_PER_BYTE)));
    }
}

static cflight_status concat_bits(struct concat *concat, const struct part *parts, size_t index,
                                  struct ArrowArray *array, cflight_error **reterr)
{
    int64_t byte_count = array->length / BITS_PER_BYTE + 1;
    uint8_t *bits = new_buffer(concat, array, index, byte_count, 1);
    int64_t at = 0;
    if (bits == NULL) {
        return cfl_error_no_memory(reterr);
    }
    memset(bits, 0, (size_t)byte_count);
    for (size_t i = 0; i < PART_COUNT; i++) {
        copy_bits(bits, at, parts[i].array->buffers[index], parts[i].start, parts[i].length);
        at += parts[i].length;
    }
    return CFLIGHT_OK;
}

/* Begins the result: length and, where the layout has one and a part has nulls, the validity
 * bitmap. */
static cflight_status begin(struct concat *concat, const struct cfl_array_shape *shape,
                            bool has_validity, const struct part *parts, struct ArrowArray *array,
                            cflight_error **reterr)
{
    int64_t length = 0;
    if (__builtin_add_overflow(parts[0].length, parts[1].length, &length)) {
        return too_large(reterr);
    }
    cflight_status status = cfl_array_new(concat->alloc, shape, array, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    array->length = length;
    if (!has_validity ||
        (parts[0].array->buffers[0] == NULL && parts[1].array->buffers[0] == NULL)) {
        return CFLIGHT_OK;
    }
    array->null_count = -1;
    return concat_bits(concat, parts, 0, array, reterr);
}

/* Counts nulls that `begin` left open; consumers of maps and run ends read the number. */
static void count_nulls(struct ArrowArray *array)
{
    if (array->null_count < 0) {
        array->null_count = array->length - cfl_count_set_bits(array->buffers[0], 0, array->length);
    }
}

static cflight_status concat_null(struct concat *concat, const struct part *parts,
                                  struct ArrowArray *array, cflight_error **reterr)
{
    const struct cfl_array_shape shape = {0};
    cflight_status status = begin(concat, &shape, false, parts, array, reterr);
    array->null_count = array->length;
    return status;
}

static cflight_status concat_bool(struct concat *concat, const struct part *parts,
                                  struct ArrowArray *array, cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 2};
    cflight_status status = begin(concat, &shape, true, parts, array, reterr);
    return status != CFLIGHT_OK ? status : concat_bits(concat, parts, 1, array, reterr);
}

/* Values of one width, from buffer `index` of both parts. */
static cflight_status concat_values(struct concat *concat, const struct part *parts, size_t index,
                                    int64_t width_bytes, struct ArrowArray *array,
                                    cflight_error **reterr)
{
    uint8_t *values = new_buffer(concat, array, index, array->length, width_bytes);
    if (values == NULL) {
        return cfl_error_no_memory(reterr);
    }
    for (size_t i = 0; i < PART_COUNT; i++) {
        size_t len_bytes = (size_t)(parts[i].length * width_bytes);
        const uint8_t *source = parts[i].array->buffers[index];
        if (len_bytes > 0) {
            memcpy(values, source + parts[i].start * width_bytes, len_bytes);
            values += len_bytes;
        }
    }
    return CFLIGHT_OK;
}

static cflight_status concat_fixed(struct concat *concat, const struct cfl_type *type,
                                   const struct part *parts, struct ArrowArray *array,
                                   cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 2};
    cflight_status status = begin(concat, &shape, true, parts, array, reterr);
    return status != CFLIGHT_OK ? status
                                : concat_values(concat, parts, 1, type->width_bytes, array, reterr);
}

static int64_t offset_at(const struct ArrowArray *array, bool is_large, int64_t index)
{
    const void *offsets = array->buffers[1];
    return is_large ? ((const int64_t *)offsets)[index] : ((const int32_t *)offsets)[index];
}

/* What the offsets of a part name: a range of bytes or items, checked against the last offset of
 * the whole array, which the decoder found inside the data. */
static bool range_of(const struct part *part, bool is_large, int64_t *ret_first, int64_t *ret_last)
{
    int64_t end = offset_at(part->array, is_large, part->array->length);
    *ret_first = offset_at(part->array, is_large, part->start);
    *ret_last = offset_at(part->array, is_large, part->start + part->length);
    return *ret_first >= 0 && *ret_first <= *ret_last && *ret_last <= end;
}

/* New offsets that begin at 0; `ret_ranges` are the parts of the data or of the child that they
 * name. */
static cflight_status concat_offsets(struct concat *concat, const struct part *parts, bool is_large,
                                     struct ArrowArray *array, struct part *ret_ranges,
                                     cflight_error **reterr)
{
    int64_t width_bytes = is_large ? (int64_t)sizeof(int64_t) : (int64_t)sizeof(int32_t);
    void *offsets = array->length == INT64_MAX
                        ? NULL
                        : new_buffer(concat, array, 1, array->length + 1, width_bytes);
    int64_t base = 0;
    int64_t at = 0;
    if (offsets == NULL) {
        return cfl_error_no_memory(reterr);
    }
    for (size_t i = 0; i < PART_COUNT; i++) {
        int64_t first = 0;
        int64_t last = 0;
        if (!range_of(&parts[i], is_large, &first, &last)) {
            return bad_offsets(reterr);
        }
        if (__builtin_add_overflow(base, last - first, &ret_ranges[i].length) ||
            (!is_large && base + (last - first) > INT32_MAX)) {
            return too_large(reterr);
        }
        for (int64_t j = 0; j <= parts[i].length; j++) {
            uint64_t moved = (uint64_t)offset_at(parts[i].array, is_large, parts[i].start + j) -
                             (uint64_t)first + (uint64_t)base;
            if (is_large) {
                ((int64_t *)offsets)[at + j] = (int64_t)moved;
            } else {
                ((int32_t *)offsets)[at + j] = (int32_t)moved;
            }
        }
        at += parts[i].length;
        ret_ranges[i].start = first;
        ret_ranges[i].length = last - first;
        base += last - first;
    }
    return CFLIGHT_OK;
}

static cflight_status concat_variable(struct concat *concat, bool is_large,
                                      const struct part *parts, struct ArrowArray *array,
                                      cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 3};
    struct part ranges[PART_COUNT] = {{0}};
    cflight_status status = begin(concat, &shape, true, parts, array, reterr);
    if (status == CFLIGHT_OK) {
        status = concat_offsets(concat, parts, is_large, array, ranges, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    uint8_t *data = new_buffer(concat, array, 2, ranges[0].length + ranges[1].length, 1);
    if (data == NULL) {
        return cfl_error_no_memory(reterr);
    }
    for (size_t i = 0; i < PART_COUNT; i++) {
        const uint8_t *source = parts[i].array->buffers[2];
        if (ranges[i].length > 0) {
            memcpy(data, source + ranges[i].start, (size_t)ranges[i].length);
            data += ranges[i].length;
        }
    }
    return CFLIGHT_OK;
}

/* Long views name a data buffer by its index, which moves up by `index_shift`. */
static void shift_views(uint8_t *views, int64_t count, uint32_t index_shift)
{
    for (int64_t i = 0; i < count; i++) {
        int32_t len_bytes = 0;
        uint32_t index = 0;
        uint8_t *view = views + i * VIEW_BYTES;
        memcpy(&len_bytes, view, sizeof len_bytes);
        if (len_bytes > VIEW_INLINE_BYTES_MAX) {
            memcpy(&index, view + VIEW_INDEX_AT, sizeof index);
            index += index_shift;
            memcpy(view + VIEW_INDEX_AT, &index, sizeof index);
        }
    }
}

static cflight_status concat_views(struct concat *concat, const struct part *parts,
                                   struct ArrowArray *array, cflight_error **reterr)
{
    size_t counts[PART_COUNT];
    for (size_t i = 0; i < PART_COUNT; i++) {
        counts[i] = (size_t)parts[i].array->n_buffers - VIEW_BUFFERS_OTHER;
    }
    const struct cfl_array_shape shape = {
        .buffer_count = counts[0] + counts[1] + VIEW_BUFFERS_OTHER,
        .view_buffer_count = counts[0] + counts[1],
    };
    if (shape.view_buffer_count > INT32_MAX) {
        return too_large(reterr);
    }
    cflight_status status = begin(concat, &shape, true, parts, array, reterr);
    if (status == CFLIGHT_OK) {
        status = concat_values(concat, parts, 1, VIEW_BYTES, array, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    shift_views((uint8_t *)(uintptr_t)array->buffers[1] + parts[0].length * VIEW_BYTES,
                parts[1].length, (uint32_t)counts[0]);
    int64_t *sizes = cfl_array_view_sizes(array);
    size_t at = 0;
    for (size_t i = 0; i < PART_COUNT; i++) {
        const struct ArrowArray *source = parts[i].array;
        for (size_t j = VIEW_BUFFERS_FIXED; j < VIEW_BUFFERS_FIXED + counts[i]; j++, at++) {
            cfl_array_set_buffer(array, VIEW_BUFFERS_FIXED + at, source->buffers[j],
                                 cfl_array_buffer_owner(source, j));
            sizes[at] = cfl_array_view_sizes(source)[j - VIEW_BUFFERS_FIXED];
        }
    }
    array->buffers[VIEW_BUFFERS_FIXED + at] = at == 0 ? (const void *)cfl_zeros : sizes;
    return CFLIGHT_OK;
}

/* Child `index` of both parts, by the rows in `ranges`. */
static cflight_status concat_child(struct concat *concat, const struct cfl_field *field,
                                   const struct part *parts, const struct part *ranges,
                                   int64_t index, struct ArrowArray *array, cflight_error **reterr)
{
    struct part child_parts[PART_COUNT];
    for (size_t i = 0; i < PART_COUNT; i++) {
        child_parts[i] = ranges[i];
        child_parts[i].array = parts[i].array->children[index];
    }
    return concat_field(concat, &field->children[index], child_parts, array->children[index],
                        reterr);
}

static cflight_status concat_whole_child(struct concat *concat, const struct cfl_field *field,
                                         const struct part *parts, int64_t index,
                                         struct ArrowArray *array, cflight_error **reterr)
{
    const struct part child_parts[PART_COUNT] = {
        whole(parts[0].array->children[index]),
        whole(parts[1].array->children[index]),
    };
    return concat_field(concat, &field->children[index], child_parts, array->children[index],
                        reterr);
}

static cflight_status concat_list(struct concat *concat, const struct cfl_field *field,
                                  bool is_large, const struct part *parts, struct ArrowArray *array,
                                  cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 2, .child_count = 1};
    struct part ranges[PART_COUNT] = {{0}};
    cflight_status status = begin(concat, &shape, true, parts, array, reterr);
    if (status == CFLIGHT_OK) {
        status = concat_offsets(concat, parts, is_large, array, ranges, reterr);
    }
    return status != CFLIGHT_OK ? status
                                : concat_child(concat, field, parts, ranges, 0, array, reterr);
}

/* Moves the offsets of the second part behind the first part's child. */
static cflight_status shift_offsets(struct ArrowArray *array, bool is_large,
                                    const struct part *parts, cflight_error **reterr)
{
    int64_t shift = parts[0].array->children[0]->length;
    void *offsets = (void *)(uintptr_t)array->buffers[1];
    if (!is_large && array->children[0]->length > INT32_MAX) {
        return too_large(reterr);
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

static cflight_status concat_list_view(struct concat *concat, const struct cfl_field *field,
                                       bool is_large, const struct part *parts,
                                       struct ArrowArray *array, cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 3, .child_count = 1};
    int64_t width_bytes = is_large ? (int64_t)sizeof(int64_t) : (int64_t)sizeof(int32_t);
    cflight_status status = begin(concat, &shape, true, parts, array, reterr);
    if (status == CFLIGHT_OK) {
        status = concat_values(concat, parts, 1, width_bytes, array, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = concat_values(concat, parts, 2, width_bytes, array, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = concat_whole_child(concat, field, parts, 0, array, reterr);
    }
    return status != CFLIGHT_OK ? status : shift_offsets(array, is_large, parts, reterr);
}

static cflight_status concat_fixed_list(struct concat *concat, const struct cfl_field *field,
                                        const struct part *parts, struct ArrowArray *array,
                                        cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 1, .child_count = 1};
    struct part ranges[PART_COUNT] = {{0}};
    cflight_status status = begin(concat, &shape, true, parts, array, reterr);
    for (size_t i = 0; i < PART_COUNT; i++) {
        ranges[i].start = parts[i].start * field->type.list_size;
        ranges[i].length = parts[i].length * field->type.list_size;
    }
    return status != CFLIGHT_OK ? status
                                : concat_child(concat, field, parts, ranges, 0, array, reterr);
}

static cflight_status concat_children(struct concat *concat, const struct cfl_field *field,
                                      bool is_whole, const struct part *parts,
                                      struct ArrowArray *array, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    for (int64_t i = 0; status == CFLIGHT_OK && i < field->child_count; i++) {
        status = is_whole ? concat_whole_child(concat, field, parts, i, array, reterr)
                          : concat_child(concat, field, parts, parts, i, array, reterr);
    }
    return status;
}

static cflight_status concat_struct(struct concat *concat, const struct cfl_field *field,
                                    const struct part *parts, struct ArrowArray *array,
                                    cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 1,
                                          .child_count = (size_t)field->child_count};
    cflight_status status = begin(concat, &shape, true, parts, array, reterr);
    return status != CFLIGHT_OK ? status
                                : concat_children(concat, field, false, parts, array, reterr);
}

/* Offsets of a dense union's second part move behind the first part's child of their type. */
static cflight_status shift_union_offsets(const struct cfl_field *field, const struct part *parts,
                                          struct ArrowArray *array, cflight_error **reterr)
{
    const uint8_t *ids = array->buffers[0];
    uint32_t *offsets = (uint32_t *)(uintptr_t)array->buffers[1];
    uint32_t shifts[UNION_ID_COUNT] = {0};
    for (int64_t i = 0; i < field->child_count; i++) {
        if (array->children[i]->length > INT32_MAX) {
            return too_large(reterr);
        }
        shifts[(uint8_t)field->type.union_ids[i]] = (uint32_t)parts[0].array->children[i]->length;
    }
    for (int64_t i = parts[0].length; i < array->length; i++) {
        offsets[i] += shifts[ids[i]];
    }
    return CFLIGHT_OK;
}

static cflight_status concat_union(struct concat *concat, const struct cfl_field *field,
                                   bool is_dense, const struct part *parts,
                                   struct ArrowArray *array, cflight_error **reterr)
{
    const struct cfl_array_shape shape = {
        .buffer_count = is_dense ? 2 : 1,
        .child_count = (size_t)field->child_count,
    };
    cflight_status status = begin(concat, &shape, false, parts, array, reterr);
    if (status == CFLIGHT_OK) {
        status = concat_values(concat, parts, 0, 1, array, reterr);
    }
    if (status == CFLIGHT_OK && is_dense) {
        status = concat_values(concat, parts, 1, sizeof(int32_t), array, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = concat_children(concat, field, is_dense, parts, array, reterr);
    }
    return status != CFLIGHT_OK || !is_dense ? status
                                             : shift_union_offsets(field, parts, array, reterr);
}

static int64_t run_end_at(const struct ArrowArray *run_ends, int32_t bit_width, int64_t index)
{
    const void *values = run_ends->buffers[1];
    switch (bit_width) {
    case 16:
        return ((const int16_t *)values)[index];
    case 32:
        return ((const int32_t *)values)[index];
    default:
        return ((const int64_t *)values)[index];
    }
}

static void set_run_end(void *values, int32_t bit_width, int64_t index, int64_t value)
{
    switch (bit_width) {
    case 16:
        ((int16_t *)values)[index] = (int16_t)value;
        break;
    case 32:
        ((int32_t *)values)[index] = (int32_t)value;
        break;
    default:
        ((int64_t *)values)[index] = value;
        break;
    }
}

/* The runs that a range of rows touches. */
static struct part runs_of(const struct part *part, int32_t bit_width)
{
    const struct ArrowArray *run_ends = part->array->children[0];
    struct part runs = {run_ends, 0, 0};
    while (runs.start < run_ends->length &&
           run_end_at(run_ends, bit_width, runs.start) <= part->start) {
        runs.start++;
    }
    int64_t last = runs.start;
    while (part->length > 0 && last < run_ends->length) {
        last++;
        if (run_end_at(run_ends, bit_width, last - 1) >= part->start + part->length) {
            break;
        }
    }
    runs.length = last - runs.start;
    return runs;
}

static cflight_status concat_run_ends(struct concat *concat, int32_t bit_width,
                                      const struct part *parts, const struct part *runs,
                                      struct ArrowArray *array, cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 2};
    struct ArrowArray *run_ends = array->children[0];
    cflight_status status = begin(concat, &shape, false, runs, run_ends, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if ((bit_width == 16 && array->length > INT16_MAX) ||
        (bit_width == 32 && array->length > INT32_MAX)) {
        return too_large(reterr);
    }
    void *values = new_buffer(concat, run_ends, 1, run_ends->length, bit_width / BITS_PER_BYTE);
    int64_t at = 0;
    int64_t base = 0;
    if (values == NULL) {
        return cfl_error_no_memory(reterr);
    }
    for (size_t i = 0; i < PART_COUNT; i++) {
        for (int64_t j = 0; j < runs[i].length; j++, at++) {
            int64_t end = run_end_at(runs[i].array, bit_width, runs[i].start + j);
            end = end < parts[i].start ? 0 : end - parts[i].start;
            set_run_end(values, bit_width, at,
                        base + (end < parts[i].length ? end : parts[i].length));
        }
        base += parts[i].length;
    }
    return CFLIGHT_OK;
}

static cflight_status concat_runs(struct concat *concat, const struct cfl_field *field,
                                  const struct part *parts, struct ArrowArray *array,
                                  cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.child_count = 2};
    int32_t bit_width = field->children[0].type.bit_width;
    const struct part runs[PART_COUNT] = {runs_of(&parts[0], bit_width),
                                          runs_of(&parts[1], bit_width)};
    cflight_status status = begin(concat, &shape, false, parts, array, reterr);
    if (status == CFLIGHT_OK) {
        status = concat_run_ends(concat, bit_width, parts, runs, array, reterr);
    }
    return status != CFLIGHT_OK ? status
                                : concat_child(concat, field, parts, runs, 1, array, reterr);
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

static cflight_status concat_dictionaries(struct concat *concat, const struct cfl_field *field,
                                          const struct part *parts, struct ArrowArray *array,
                                          cflight_error **reterr)
{
    const struct ArrowArray *a = parts[0].array->dictionary;
    const struct ArrowArray *b = parts[1].array->dictionary;
    if (cfl_array_lineage(a) != 0 && cfl_array_lineage(a) == cfl_array_lineage(b)) {
        return cfl_array_clone(concat->alloc, a->length > b->length ? a : b, array->dictionary,
                               reterr);
    }
    const struct part dictionary_parts[PART_COUNT] = {whole(a), whole(b)};
    cflight_status status =
        concat_value(concat, field, dictionary_parts, array->dictionary, reterr);
    if (status == CFLIGHT_OK && !index_fits(&field->index_type, array->dictionary->length)) {
        status = too_large(reterr);
    }
    if (status == CFLIGHT_OK) {
        shift_indices(array, parts[0].length, field->index_type.width_bytes, a->length);
    }
    return status;
}

static cflight_status concat_indices(struct concat *concat, const struct cfl_field *field,
                                     const struct part *parts, struct ArrowArray *array,
                                     cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 2, .has_dictionary = true};
    cflight_status status = begin(concat, &shape, true, parts, array, reterr);
    if (status == CFLIGHT_OK) {
        status = concat_values(concat, parts, 1, field->index_type.width_bytes, array, reterr);
    }
    return status != CFLIGHT_OK ? status : concat_dictionaries(concat, field, parts, array, reterr);
}

static cflight_status concat_layout(struct concat *concat, const struct cfl_field *field,
                                    const struct part *parts, struct ArrowArray *array,
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

static cflight_status concat_value(struct concat *concat, const struct cfl_field *field,
                                   const struct part *parts, struct ArrowArray *ret_array,
                                   cflight_error **reterr)
{
    struct ArrowArray array = {0};
    cflight_status status = concat_layout(concat, field, parts, &array, reterr);
    return finish(status, &array, ret_array);
}

static cflight_status concat_field(struct concat *concat, const struct cfl_field *field,
                                   const struct part *parts, struct ArrowArray *ret_array,
                                   cflight_error **reterr)
{
    struct ArrowArray array = {0};
    if (!field->is_dictionary) {
        return concat_value(concat, field, parts, ret_array, reterr);
    }
    cflight_status status = concat_indices(concat, field, parts, &array, reterr);
    return finish(status, &array, ret_array);
}

cflight_status cfl_array_concat(const struct cflight_allocator *alloc, struct cfl_pool *pool,
                                const struct cfl_field *field, const struct ArrowArray *a,
                                const struct ArrowArray *b, struct ArrowArray *ret_array,
                                uint64_t *ret_bytes, cflight_error **reterr)
{
    struct concat concat = {.alloc = alloc, .pool = pool};
    const struct part parts[PART_COUNT] = {whole(a), whole(b)};
    cflight_status status = concat_value(&concat, field, parts, ret_array, reterr);
    if (status == CFLIGHT_OK) {
        *ret_bytes = concat.fresh_bytes;
    }
    return status;
}
