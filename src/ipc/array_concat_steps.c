/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of concatenation that every layout is made of: buffers, with room to grow or without,
 * bits, values of one width. Owner: the result, of new buffers. Thread class: free. */
#include <string.h>

#include "base/error.h"
#include "ipc/array_concat_parts.h"
#include "ipc/bitmap.h"

cflight_status cfl_concat_too_large(cflight_error **reterr)
{
    return cflight_error_set_message(reterr, CFLIGHT_DATA_LOSS,
                                     "a delta makes a dictionary larger than its type can address");
}

/* Whether the result may have that much more. */
static bool may_take(struct cfl_concat *concat, uint64_t len_bytes)
{
    const struct cfl_concat_limits *limits = &concat->limits;
    if (concat->fresh_bytes > limits->bytes_max ||
        len_bytes > limits->bytes_max - concat->fresh_bytes) {
        concat->over_limit_bytes = concat->fresh_bytes + len_bytes;
        return false;
    }
    if (!cfl_budget_take(limits->budget, len_bytes)) {
        concat->over_budget_bytes = len_bytes;
        return false;
    }
    concat->taken_bytes += len_bytes;
    return true;
}

uint8_t *cfl_concat_buffer(struct cfl_concat *concat, struct ArrowArray *array, size_t index,
                           int64_t count, int64_t width_bytes)
{
    int64_t len_bytes = 0;
    if (__builtin_mul_overflow(count, width_bytes, &len_bytes)) {
        return NULL;
    }
    if (!may_take(concat, (uint64_t)len_bytes)) {
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

/* Bytes that a buffer of `len_bytes` is given, so that appending again and again copies each value
 * a few times only. */
static size_t with_room(size_t len_bytes)
{
    return len_bytes > SIZE_MAX / 4 ? len_bytes : len_bytes + len_bytes / 2;
}

uint8_t *cfl_concat_target(struct cfl_concat *concat, const struct cfl_part_range *parts,
                           struct ArrowArray *array, size_t index, int64_t count,
                           int64_t width_bytes, size_t *ret_first)
{
    int64_t len_bytes = 0;
    *ret_first = 0;
    if (!concat->has_room) {
        return cfl_concat_buffer(concat, array, index, count, width_bytes);
    }
    if (__builtin_mul_overflow(count, width_bytes, &len_bytes)) {
        return NULL;
    }
    cflight_buffer *room = NULL;
    if (concat->is_room_shared) {
        room = cfl_array_buffer_owner(parts[0].array, index);
    }
    if (room == NULL || cfl_body_len(room) < (size_t)len_bytes) {
        return cfl_concat_buffer(concat, array, index, (int64_t)with_room((size_t)len_bytes), 1);
    }
    cfl_array_set_buffer(array, index, cfl_body_data(room), room);
    concat->fresh_bytes += cfl_body_len(room);
    *ret_first = 1;
    return cfl_body_data(room);
}

/* Copies whole bytes of bits; returns how many bits that were. */
static int64_t copy_bytes_of_bits(uint8_t *target, int64_t target_bit, const uint8_t *source,
                                  int64_t source_bit, int64_t count)
{
    int64_t byte_count = count / 8;
    if (target_bit % 8 != 0 || source_bit % 8 != 0) {
        return 0;
    }
    if (source == NULL) {
        memset(target + target_bit / 8, 0xFF, (size_t)byte_count);
    } else {
        memcpy(target + target_bit / 8, source + source_bit / 8, (size_t)byte_count);
    }
    return byte_count * 8;
}

/* Copies `count` bits to any bit of a target whose later bits are zero. */
static void copy_bits(uint8_t *target, int64_t target_bit, const uint8_t *source,
                      int64_t source_bit, int64_t count)
{
    int64_t done = copy_bytes_of_bits(target, target_bit, source, source_bit, count);
    for (int64_t i = done; i < count; i++) {
        int64_t from = source_bit + i;
        int64_t to = target_bit + i;
        unsigned int bit = source == NULL || cfl_bitmap_get(source, from);
        target[to / 8] = (uint8_t)(target[to / 8] | (bit << (to % 8)));
    }
}

cflight_status cfl_concat_bits(struct cfl_concat *concat, const struct cfl_part_range *parts,
                               size_t index, struct ArrowArray *array, cflight_error **reterr)
{
    int64_t byte_count = array->length / 8 + 1;
    uint8_t *bits = cfl_concat_buffer(concat, array, index, byte_count, 1);
    int64_t at = 0;
    if (bits == NULL) {
        return cfl_error_no_memory(reterr);
    }
    memset(bits, 0, (size_t)byte_count);
    for (size_t i = 0; i < CFL_CONCAT_PARTS; i++) {
        copy_bits(bits, at, parts[i].array->buffers[index], parts[i].start, parts[i].length);
        at += parts[i].length;
    }
    return CFLIGHT_OK;
}

cflight_status cfl_concat_begin(struct cfl_concat *concat, const struct cfl_array_shape *shape,
                                bool has_validity, const struct cfl_part_range *parts,
                                struct ArrowArray *array, cflight_error **reterr)
{
    int64_t length = 0;
    if (__builtin_add_overflow(parts[0].length, parts[1].length, &length)) {
        return cfl_concat_too_large(reterr);
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
    return cfl_concat_bits(concat, parts, 0, array, reterr);
}

cflight_status cfl_concat_fixed_values(struct cfl_concat *concat,
                                       const struct cfl_part_range *parts, size_t index,
                                       int64_t width_bytes, struct ArrowArray *array,
                                       cflight_error **reterr)
{
    size_t first = 0;
    uint8_t *values =
        cfl_concat_target(concat, parts, array, index, array->length, width_bytes, &first);
    if (values == NULL) {
        return cfl_error_no_memory(reterr);
    }
    for (size_t i = 0; i < CFL_CONCAT_PARTS; i++) {
        size_t len_bytes = (size_t)(parts[i].length * width_bytes);
        const uint8_t *source = parts[i].array->buffers[index];
        if (len_bytes > 0 && i >= first) {
            memcpy(values, source + parts[i].start * width_bytes, len_bytes);
        }
        values += len_bytes;
    }
    return CFLIGHT_OK;
}
