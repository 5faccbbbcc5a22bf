/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of nodes and buffers: their storage, and the kinds of buffers that many layouts share.
 *
 * Values of fixed width are sent from where they are, at any offset; bitmaps only when they start
 * at a whole byte. Sums are checked for overflow, since lengths and offsets are a caller's. Owner:
 * scratch owns what is made, the caller the rest. Spec: Arrow columnar "Physical memory layout".
 * Thread class: one at a time. */
#include "ipc/parts.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "ipc/bitmap.h"
#include "ipc/message_write.h"
#include "ipc/parts_build.h"

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

void cfl_parts_clear(struct cfl_parts *parts)
{
    cfl_scratch_reset(&parts->scratch);
    parts->node_count = 0;
    parts->buffer_count = 0;
    parts->variadic_count = 0;
    parts->row_count = 0;
}

cflight_status cfl_parts_refuse(cflight_error **reterr, const char *what)
{
    return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT, what);
}

cflight_status cfl_parts_add_node(struct cfl_parts *parts, int64_t length, int64_t null_count,
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

cflight_status cfl_parts_add_buffer(struct cfl_parts *parts, const void *data, uint64_t len_bytes,
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
cflight_status cfl_parts_add_scratch(struct cfl_parts *parts, uint64_t len_bytes,
                                     uint8_t **ret_target, cflight_error **reterr)
{
    *ret_target = NULL;
    if (len_bytes > 0 && !parts->is_measuring) {
        *ret_target = cfl_scratch_take(&parts->scratch, len_bytes);
        if (*ret_target == NULL) {
            return cfl_error_no_memory(reterr);
        }
    }
    return cfl_parts_add_buffer(parts, *ret_target, len_bytes, reterr);
}

cflight_status cfl_parts_add_bits(struct cfl_parts *parts, const uint8_t *bits, int64_t first,
                                  int64_t length, cflight_error **reterr)
{
    uint64_t len_bytes = cfl_bitmap_bytes(length);
    uint8_t *target = NULL;

    if (first % 8 == 0) {
        return cfl_parts_add_buffer(parts, bits + first / 8, len_bytes, reterr);
    }
    cflight_status status = cfl_parts_add_scratch(parts, len_bytes, &target, reterr);
    if (status == CFLIGHT_OK && target != NULL) {
        cfl_bitmap_copy(target, bits, first, length);
    }
    return status;
}

/* Adds the node and, from buffer 0 of the array, its validity bitmap: left out when no row is null.
 */
cflight_status cfl_parts_add_node_and_validity(struct cfl_parts *parts,
                                               const struct cfl_rows *slice, cflight_error **reterr)
{
    const struct ArrowArray *array = slice->array;
    const uint8_t *bits = cfl_array_buffer(array, 0);
    int64_t null_count = 0;
    cflight_status status = CFLIGHT_OK;

    if (bits == NULL) {
        if (array->null_count > 0 && slice->length > 0) {
            return cfl_parts_refuse(reterr, "there are nulls but no validity bitmap");
        }
    } else if (array->null_count > 0 && slice->length == array->length) {
        null_count = array->null_count;
    } else if (array->null_count != 0) {
        null_count = slice->length - cfl_bitmap_count(bits, slice->first, slice->length);
    }
    if (null_count > slice->length) {
        return cfl_parts_refuse(reterr, "there are more nulls than rows");
    }
    status = cfl_parts_add_node(parts, slice->length, null_count, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    return null_count == 0 ? cfl_parts_add_buffer(parts, NULL, 0, reterr)
                           : cfl_parts_add_bits(parts, bits, slice->first, slice->length, reterr);
}

/* `width_bytes` for each row, sent from where they are. */
cflight_status cfl_parts_add_fixed(struct cfl_parts *parts, const struct cfl_rows *slice,
                                   int64_t buffer_index, int64_t width_bytes,
                                   cflight_error **reterr)
{
    const uint8_t *data = cfl_array_buffer(slice->array, buffer_index);
    int64_t skipped_bytes = 0;
    int64_t len_bytes = 0;

    if (__builtin_mul_overflow(slice->first, width_bytes, &skipped_bytes) ||
        __builtin_mul_overflow(slice->length, width_bytes, &len_bytes)) {
        return cfl_parts_refuse(reterr, "the buffer is larger than memory");
    }
    if (len_bytes == 0) {
        return cfl_parts_add_buffer(parts, NULL, 0, reterr);
    }
    if (data == NULL) {
        return cfl_parts_refuse(reterr, "a buffer is missing");
    }
    return cfl_parts_add_buffer(parts, data + skipped_bytes, (uint64_t)len_bytes, reterr);
}

cflight_status cfl_parts_copy(struct cfl_parts *target, const struct cfl_parts *source,
                              cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;

    cfl_parts_clear(target);
    target->row_count = source->row_count;
    for (size_t i = 0; status == CFLIGHT_OK && i < source->node_count; i++) {
        status = cfl_parts_add_node(target, source->nodes[i].length, source->nodes[i].null_count,
                                    reterr);
        if (status == CFLIGHT_OK) {
            target->nodes[i].first_buffer = source->nodes[i].first_buffer;
        }
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < source->buffer_count; i++) {
        uint8_t *copy = NULL;
        status = cfl_parts_add_scratch(target, source->buffers[i].len_bytes, &copy, reterr);
        if (status == CFLIGHT_OK && copy != NULL) {
            memcpy(copy, source->buffers[i].data, source->buffers[i].len_bytes);
        }
    }
    return status;
}

uint64_t cfl_parts_size(const struct cfl_parts *parts)
{
    uint64_t size_bytes = 0;

    for (size_t i = 0; i < parts->buffer_count; i++) {
        size_bytes += parts->buffers[i].len_bytes;
    }
    return size_bytes;
}

size_t cfl_field_node_count(const struct cfl_field *field)
{
    size_t node_count = 1;

    for (int64_t i = 0; !field->is_dictionary && i < field->child_count; i++) {
        node_count += cfl_field_node_count(&field->children[i]);
    }
    return node_count;
}
