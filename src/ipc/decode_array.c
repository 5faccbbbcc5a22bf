/* SPDX-License-Identifier: Apache-2.0 */
/* Record batches to arrays.
 *
 * The schema's tree is walked depth first, which is the order of field nodes and buffers in the
 * message (Arrow columnar: RecordBatch message). Whatever the validation level, an array that
 * leaves here has buffers of the size its length asks for, first and last offsets inside the data,
 * and children as long as their parent needs. What lies between is the business of validate.c.
 * Recursion is as deep as the schema, which is bounded. Owner: the arrays, of references to the
 * body. Thread class: one at a time per message. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/pieces.h"
#include "ipc/array_build.h"
#include "ipc/bitmap.h"
#include "ipc/decode.h"
#include "ipc/dictionary_set.h"
#include "ipc/run_ends.h"
#include "ipc/validate.h"
#include "ipc/views.h"

enum {
    NODE_NULL_COUNT_AT = 8,
    ALIGNMENT_BYTES_MAX = 8,
};

cflight_status cfl_decode_skip_node(struct cfl_decode *decode, cflight_error **reterr)
{
    if (decode->node_index == decode->nodes.count) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "field nodes are missing: the message has %zu",
                                 decode->nodes.count);
    }
    decode->node_index++;
    return CFLIGHT_OK;
}

struct cfl_node cfl_decode_node_at(const struct cfl_decode *decode, size_t index)
{
    const struct cfl_node node = {cfl_fb_vector_i64(&decode->nodes, index, 0),
                                  cfl_fb_vector_i64(&decode->nodes, index, NODE_NULL_COUNT_AT)};
    return node;
}

cflight_status cfl_decode_node(struct cfl_decode *decode, struct cfl_node *ret_node,
                               cflight_error **reterr)
{
    cflight_status status = cfl_decode_skip_node(decode, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    size_t index = decode->node_index - 1;
    *ret_node = cfl_decode_node_at(decode, index);
    /* -1 stands for "not counted" in the C data interface, and some writers pass it on. */
    if (ret_node->length < 0 || ret_node->null_count < -1 ||
        ret_node->null_count > ret_node->length) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "field node %zu has %" PRId64 " values, %" PRId64 " of them null",
                                 index, ret_node->length, ret_node->null_count);
    }
    return CFLIGHT_OK;
}

cflight_status cfl_decode_bytes_needed(int64_t count, int64_t extra, int64_t width_bytes,
                                       uint64_t *ret_bytes, cflight_error **reterr)
{
    int64_t total = 0;
    if (__builtin_add_overflow(count, extra, &total) ||
        __builtin_mul_overflow(total, width_bytes, &total)) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "a field node claims %" PRId64 " values", count);
    }
    *ret_bytes = (uint64_t)total;
    return CFLIGHT_OK;
}

/* Takes the next buffer into the array. An empty one points at zeros, because consumers follow the
 * pointer. */
static cflight_status take_buffer(struct cfl_decode *decode, const struct cfl_buffer_want *want,
                                  struct ArrowArray *array, size_t index, size_t *ret_len_bytes,
                                  cflight_error **reterr)
{
    struct cfl_slice slice = {0};
    cflight_status status = cfl_decode_buffer(decode, want, &slice, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (slice.len_bytes == 0) {
        cfl_array_set_buffer(array, index, cfl_zeros, NULL);
    } else {
        cfl_array_set_buffer(array, index, slice.data, slice.owner);
    }
    if (ret_len_bytes != NULL) {
        *ret_len_bytes = slice.len_bytes;
    }
    cfl_slice_done(&slice);
    return CFLIGHT_OK;
}

/* The bitmap is left out when there are no nulls, whatever the message carries. */
static cflight_status take_validity(struct cfl_decode *decode, const struct cfl_node *node,
                                    struct ArrowArray *array, cflight_error **reterr)
{
    if (node->null_count == 0) {
        return cfl_decode_skip_buffers(decode, 1, reterr);
    }
    struct cfl_slice slice = {0};
    struct cfl_buffer_want want = {.swap = CFL_SWAP_NONE, .alignment_bytes = 1};
    want.needed_bytes = node->null_count > 0 ? cfl_bitmap_bytes(node->length) : 0;
    cflight_status status = cfl_decode_buffer(decode, &want, &slice, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (slice.len_bytes == 0) {
        array->null_count = 0;
    } else if (slice.len_bytes < cfl_bitmap_bytes(node->length)) {
        status =
            cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                              "a validity bitmap has %zu bytes; %" PRId64 " values need %" PRIu64,
                              slice.len_bytes, node->length, cfl_bitmap_bytes(node->length));
    } else {
        cfl_array_set_buffer(array, 0, slice.data, slice.owner);
        if (node->null_count < 0) {
            array->null_count = node->length - cfl_bitmap_count(slice.data, 0, node->length);
        }
    }
    cfl_slice_done(&slice);
    return status;
}

/* Begins an array: its node, its bookkeeping and, where the layout has one, its validity bitmap. */
static cflight_status begin_array(struct cfl_decode *decode, const struct cfl_array_shape *shape,
                                  bool has_validity, struct cfl_node *ret_node,
                                  struct ArrowArray *ret_array, cflight_error **reterr)
{
    cflight_status status = cfl_decode_node(decode, ret_node, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_array_new(decode->env->alloc, shape, ret_array, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    ret_array->length = ret_node->length;
    ret_array->null_count = has_validity ? ret_node->null_count : 0;
    return has_validity ? take_validity(decode, ret_node, ret_array, reterr) : CFLIGHT_OK;
}

static cflight_status decode_null(struct cfl_decode *decode, struct ArrowArray *array,
                                  cflight_error **reterr)
{
    const struct cfl_array_shape shape = {0};
    struct cfl_node node = {0};
    cflight_status status = begin_array(decode, &shape, false, &node, array, reterr);
    array->null_count = node.length;
    return status;
}

static cflight_status decode_bool(struct cfl_decode *decode, struct ArrowArray *array,
                                  cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 2};
    struct cfl_node node = {0};
    cflight_status status = begin_array(decode, &shape, true, &node, array, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    const struct cfl_buffer_want want = {cfl_bitmap_bytes(node.length), CFL_SWAP_NONE, 1};
    return take_buffer(decode, &want, array, 1, NULL, reterr);
}

/* Plain values have the alignment of their width, up to that of a 64-bit word; bytes have none. */
static size_t alignment_of(const struct cfl_type *type)
{
    if (type->id == CFL_TYPE_FIXED_SIZE_BINARY) {
        return 1;
    }
    return type->width_bytes < ALIGNMENT_BYTES_MAX ? (size_t)type->width_bytes
                                                   : ALIGNMENT_BYTES_MAX;
}

static cflight_status decode_fixed(struct cfl_decode *decode, const struct cfl_type *type,
                                   bool has_dictionary, struct ArrowArray *array,
                                   cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 2, .has_dictionary = has_dictionary};
    struct cfl_node node = {0};
    struct cfl_buffer_want want = {.swap = cfl_swap_of(type),
                                   .alignment_bytes = alignment_of(type)};
    cflight_status status = begin_array(decode, &shape, true, &node, array, reterr);
    if (status == CFLIGHT_OK) {
        status =
            cfl_decode_bytes_needed(node.length, 0, type->width_bytes, &want.needed_bytes, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = take_buffer(decode, &want, array, 1, NULL, reterr);
    }
    return status;
}

/* Takes an offsets buffer of `count` elements; an array without rows may come without. */
static cflight_status take_offsets(struct cfl_decode *decode, int64_t length, int64_t extra,
                                   bool is_large, struct ArrowArray *array, size_t buffer_index,
                                   cflight_error **reterr)
{
    int64_t width_bytes = is_large ? (int64_t)sizeof(int64_t) : (int64_t)sizeof(int32_t);
    struct cfl_buffer_want want = {
        .swap = is_large ? CFL_SWAP_64 : CFL_SWAP_32,
        .alignment_bytes = (size_t)width_bytes,
    };
    cflight_status status = CFLIGHT_OK;
    if (length > 0) {
        status = cfl_decode_bytes_needed(length, extra, width_bytes, &want.needed_bytes, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = take_buffer(decode, &want, array, buffer_index, NULL, reterr);
    }
    /* Without rows the first offset is never used, and may say anything. */
    if (status == CFLIGHT_OK && length == 0) {
        array->buffers[buffer_index] = cfl_zeros;
    }
    return status;
}

/* The first and the last offset bound all others once FULL validation has found them ascending. */
static cflight_status check_offsets(const struct ArrowArray *array, bool is_large, int64_t end,
                                    const char *what, cflight_error **reterr)
{
    int64_t first = cfl_load_offset(array->buffers[1], 0, is_large);
    int64_t last = cfl_load_offset(array->buffers[1], array->length, is_large);
    if (first < 0 || last < first || last > end) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "offsets run from %" PRId64 " to %" PRId64 "; there are %" PRId64
                                 " %s",
                                 first, last, end, what);
    }
    return CFLIGHT_OK;
}

static cflight_status decode_variable(struct cfl_decode *decode, bool is_large,
                                      struct ArrowArray *array, cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 3};
    const struct cfl_buffer_want want = {.alignment_bytes = 1};
    struct cfl_node node = {0};
    size_t data_len_bytes = 0;
    cflight_status status = begin_array(decode, &shape, true, &node, array, reterr);
    if (status == CFLIGHT_OK) {
        status = take_offsets(decode, node.length, 1, is_large, array, 1, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = take_buffer(decode, &want, array, 2, &data_len_bytes, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = check_offsets(array, is_large, (int64_t)data_len_bytes, "bytes of data", reterr);
    }
    return status;
}

/* How many data buffers the next view array has (Message.fbs: RecordBatch.variadicBufferCounts). */
cflight_status cfl_decode_view_count(struct cfl_decode *decode, size_t *ret_count,
                                     cflight_error **reterr)
{
    if (decode->view_count_index == decode->view_counts.count) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "the message tells the buffers of %zu view arrays; there are more",
                                 decode->view_counts.count);
    }
    int64_t count = cfl_fb_vector_i64(&decode->view_counts, decode->view_count_index++, 0);
    size_t left = decode->buffers.count - decode->buffer_index;
    if (count < 0 || (uint64_t)count > left) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "a view array has %" PRId64 " data buffers; %zu buffers are left",
                                 count, left);
    }
    *ret_count = (size_t)count;
    return CFLIGHT_OK;
}

static cflight_status take_view_buffers(struct cfl_decode *decode, size_t count,
                                        struct ArrowArray *array, cflight_error **reterr)
{
    const struct cfl_buffer_want want = {.alignment_bytes = 1};
    int64_t *sizes = cfl_array_view_sizes(array);
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; status == CFLIGHT_OK && i < count; i++) {
        size_t len_bytes = 0;
        status = take_buffer(decode, &want, array, CFL_VIEW_BUFFERS_BEFORE + i, &len_bytes, reterr);
        sizes[i] = (int64_t)len_bytes;
    }
    /* The C data interface adds one buffer: the sizes of the others. */
    array->buffers[CFL_VIEW_BUFFERS_BEFORE + count] = count == 0 ? (const void *)cfl_zeros : sizes;
    return status;
}

static cflight_status decode_view(struct cfl_decode *decode, struct ArrowArray *array,
                                  cflight_error **reterr)
{
    size_t count = 0;
    struct cfl_node node = {0};
    struct cfl_buffer_want want = {.swap = CFL_SWAP_VIEW, .alignment_bytes = ALIGNMENT_BYTES_MAX};
    cflight_status status = cfl_decode_view_count(decode, &count, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    const struct cfl_array_shape shape = {
        .buffer_count = CFL_VIEW_BUFFERS_BEFORE + count + 1,
        .view_buffer_count = count,
    };
    status = begin_array(decode, &shape, true, &node, array, reterr);
    if (status == CFLIGHT_OK) {
        status =
            cfl_decode_bytes_needed(node.length, 0, CFL_VIEW_BYTES, &want.needed_bytes, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = take_buffer(decode, &want, array, 1, NULL, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = take_view_buffers(decode, count, array, reterr);
    }
    return status;
}

/* Consumers dereference a map's entries and keys without looking at nulls (Schema.fbs: Map). */
static cflight_status check_map(const struct ArrowArray *array, cflight_error **reterr)
{
    const struct ArrowArray *entries = array->children[0];
    if (entries->null_count != 0 || entries->children[0]->null_count != 0) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "a map has %" PRId64 " null entries and %" PRId64
                                 " null keys; both must be 0",
                                 entries->null_count, entries->children[0]->null_count);
    }
    return CFLIGHT_OK;
}

static cflight_status decode_list(struct cfl_decode *decode, const struct cfl_field *field,
                                  bool is_large, struct ArrowArray *array, cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 2, .child_count = 1};
    struct cfl_node node = {0};
    cflight_status status = begin_array(decode, &shape, true, &node, array, reterr);
    if (status == CFLIGHT_OK) {
        status = take_offsets(decode, node.length, 1, is_large, array, 1, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_decode_field(decode, &field->children[0], array->children[0], reterr);
    }
    if (status == CFLIGHT_OK) {
        status = check_offsets(array, is_large, array->children[0]->length, "items", reterr);
    }
    if (status == CFLIGHT_OK && field->type.id == CFL_TYPE_MAP) {
        status = check_map(array, reterr);
    }
    return status;
}

static cflight_status decode_list_view(struct cfl_decode *decode, const struct cfl_field *field,
                                       bool is_large, struct ArrowArray *array,
                                       cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 3, .child_count = 1};
    struct cfl_node node = {0};
    cflight_status status = begin_array(decode, &shape, true, &node, array, reterr);
    if (status == CFLIGHT_OK) {
        status = take_offsets(decode, node.length, 0, is_large, array, 1, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = take_offsets(decode, node.length, 0, is_large, array, 2, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_decode_field(decode, &field->children[0], array->children[0], reterr);
    }
    return status;
}

static cflight_status check_child_length(const struct ArrowArray *child, int64_t needed,
                                         cflight_error **reterr)
{
    if (child->length < needed) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "a child has %" PRId64 " values; its parent needs %" PRId64,
                                 child->length, needed);
    }
    return CFLIGHT_OK;
}

static cflight_status decode_fixed_list(struct cfl_decode *decode, const struct cfl_field *field,
                                        struct ArrowArray *array, cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 1, .child_count = 1};
    struct cfl_node node = {0};
    uint64_t item_count = 0;
    cflight_status status = begin_array(decode, &shape, true, &node, array, reterr);
    if (status == CFLIGHT_OK) {
        status =
            cfl_decode_bytes_needed(node.length, 0, field->type.list_size, &item_count, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_decode_field(decode, &field->children[0], array->children[0], reterr);
    }
    if (status == CFLIGHT_OK) {
        status = check_child_length(array->children[0], (int64_t)item_count, reterr);
    }
    return status;
}

static cflight_status decode_children(struct cfl_decode *decode, const struct cfl_field *field,
                                      int64_t child_length_min, struct ArrowArray *array,
                                      cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    for (int64_t i = 0; status == CFLIGHT_OK && i < field->child_count; i++) {
        status = cfl_decode_field(decode, &field->children[i], array->children[i], reterr);
        if (status == CFLIGHT_OK) {
            status = check_child_length(array->children[i], child_length_min, reterr);
        }
    }
    return status;
}

static cflight_status decode_struct(struct cfl_decode *decode, const struct cfl_field *field,
                                    struct ArrowArray *array, cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.buffer_count = 1,
                                          .child_count = (size_t)field->child_count};
    struct cfl_node node = {0};
    cflight_status status = begin_array(decode, &shape, true, &node, array, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    return decode_children(decode, field, node.length, array, reterr);
}

/* Before V5, unions had a validity bitmap, and Arrow C++ gives run-end encoded arrays of V4 one
 * too. The C data interface has no place for it, so one that matters is refused (Message.fbs:
 * MetadataVersion). */
static cflight_status pass_v4_validity(struct cfl_decode *decode, const struct cfl_node *node,
                                       cflight_error **reterr)
{
    if (decode->metadata_version >= CFL_METADATA_V5) {
        return CFLIGHT_OK;
    }
    const struct cfl_buffer_want want = {.alignment_bytes = 1};
    struct cfl_slice slice = {0};
    if (node->null_count == 0) {
        return cfl_decode_skip_buffers(decode, 1, reterr);
    }
    cflight_status status = cfl_decode_buffer(decode, &want, &slice, reterr);
    if (status == CFLIGHT_OK && slice.len_bytes > 0) {
        status = cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED,
                                   "an array of metadata version V4 has %" PRId64
                                   " null values of its own; only its children may have some",
                                   node->null_count);
    }
    cfl_slice_done(&slice);
    return status;
}

static cflight_status decode_union(struct cfl_decode *decode, const struct cfl_field *field,
                                   bool is_dense, struct ArrowArray *array, cflight_error **reterr)
{
    const struct cfl_array_shape shape = {
        .buffer_count = is_dense ? 2 : 1,
        .child_count = (size_t)field->child_count,
    };
    struct cfl_node node = {0};
    struct cfl_buffer_want want = {.alignment_bytes = 1};
    cflight_status status = begin_array(decode, &shape, false, &node, array, reterr);
    if (status == CFLIGHT_OK) {
        status = pass_v4_validity(decode, &node, reterr);
    }
    if (status == CFLIGHT_OK) {
        want.needed_bytes = (uint64_t)node.length;
        status = take_buffer(decode, &want, array, 0, NULL, reterr);
    }
    if (status == CFLIGHT_OK && is_dense) {
        status = take_offsets(decode, node.length, 0, false, array, 1, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = decode_children(decode, field, is_dense ? 0 : node.length, array, reterr);
    }
    return status;
}

static cflight_status check_runs(const struct cfl_field *field, const struct ArrowArray *array,
                                 cflight_error **reterr)
{
    const struct ArrowArray *run_ends = array->children[0];
    if (run_ends->null_count != 0) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS, "%" PRId64 " run ends are null",
                                 run_ends->null_count);
    }
    cflight_status status = check_child_length(array->children[1], run_ends->length, reterr);
    if (status != CFLIGHT_OK || array->length == 0) {
        return status;
    }
    int64_t last = 0;
    if (run_ends->length > 0) {
        last = cfl_load_run_end(run_ends->buffers[1], run_ends->length - 1,
                                field->children[0].type.width_bytes);
    }
    if (last < array->length) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "the last run ends at %" PRId64 "; there are %" PRId64 " values",
                                 last, array->length);
    }
    return CFLIGHT_OK;
}

static cflight_status decode_runs(struct cfl_decode *decode, const struct cfl_field *field,
                                  struct ArrowArray *array, cflight_error **reterr)
{
    const struct cfl_array_shape shape = {.child_count = 2};
    struct cfl_node node = {0};
    cflight_status status = begin_array(decode, &shape, false, &node, array, reterr);
    if (status == CFLIGHT_OK) {
        status = pass_v4_validity(decode, &node, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = decode_children(decode, field, 0, array, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = check_runs(field, array, reterr);
    }
    return status;
}

cflight_status cfl_decode_no_dictionary(const struct cfl_field *field, cflight_error **reterr)
{
    return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                             "dictionary %" PRId64
                             " did not arrive before the values that refer to it",
                             field->dictionary_id);
}

static cflight_status decode_dictionary(struct cfl_decode *decode, const struct cfl_field *field,
                                        struct ArrowArray *array, cflight_error **reterr)
{
    cflight_status status = decode_fixed(decode, &field->index_type, true, array, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    const struct ArrowArray *dictionary =
        cfl_dictionary_set_find(decode->env->dictionaries, field->dictionary_id);
    if (dictionary != NULL) {
        return cfl_array_clone(decode->env->alloc, dictionary, array->dictionary, reterr);
    }
    /* Some writers leave out a dictionary that no value refers to. */
    if (array->null_count == array->length) {
        return cfl_decode_empty(decode->env->alloc, field, array->dictionary, reterr);
    }
    return cfl_decode_no_dictionary(field, reterr);
}

cflight_status cfl_decode_value(struct cfl_decode *decode, const struct cfl_field *field,
                                struct ArrowArray *array, cflight_error **reterr)
{
    switch (field->type.layout) {
    case CFL_LAYOUT_NULL:
        return decode_null(decode, array, reterr);
    case CFL_LAYOUT_BOOL:
        return decode_bool(decode, array, reterr);
    case CFL_LAYOUT_FIXED:
        return decode_fixed(decode, &field->type, false, array, reterr);
    case CFL_LAYOUT_VARIABLE_32:
    case CFL_LAYOUT_VARIABLE_64:
        return decode_variable(decode, field->type.layout == CFL_LAYOUT_VARIABLE_64, array, reterr);
    case CFL_LAYOUT_VIEW:
        return decode_view(decode, array, reterr);
    case CFL_LAYOUT_LIST_32:
    case CFL_LAYOUT_LIST_64:
        return decode_list(decode, field, field->type.layout == CFL_LAYOUT_LIST_64, array, reterr);
    case CFL_LAYOUT_LIST_VIEW_32:
    case CFL_LAYOUT_LIST_VIEW_64:
        return decode_list_view(decode, field, field->type.layout == CFL_LAYOUT_LIST_VIEW_64, array,
                                reterr);
    case CFL_LAYOUT_FIXED_LIST:
        return decode_fixed_list(decode, field, array, reterr);
    case CFL_LAYOUT_STRUCT:
        return decode_struct(decode, field, array, reterr);
    case CFL_LAYOUT_SPARSE_UNION:
    case CFL_LAYOUT_DENSE_UNION:
        return decode_union(decode, field, field->type.layout == CFL_LAYOUT_DENSE_UNION, array,
                            reterr);
    case CFL_LAYOUT_RUN_END_ENCODED:
        return decode_runs(decode, field, array, reterr);
    }
    return cflight_error_set_message(reterr, CFLIGHT_INTERNAL, "a field has no layout");
}

cflight_status cfl_decode_field(struct cfl_decode *decode, const struct cfl_field *field,
                                struct ArrowArray *ret_array, cflight_error **reterr)
{
    struct ArrowArray array = {0};
    cflight_status status = field->is_dictionary ? decode_dictionary(decode, field, &array, reterr)
                                                 : cfl_decode_value(decode, field, &array, reterr);
    if (status != CFLIGHT_OK) {
        cfl_array_drop(&array);
        return cfl_error_prefix(reterr, status, "field '%s'", field->name);
    }
    *ret_array = array;
    return CFLIGHT_OK;
}
