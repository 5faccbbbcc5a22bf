/* SPDX-License-Identifier: Apache-2.0 */
/* The walk of decode_array.c without arrays: nodes, counts, the place and the size of every buffer,
 * and what compressed ones claim. What leaves here, decodes, unless its values or its compressed
 * bytes are bad. Recursion is as deep as the schema, which is bounded. Owner: of nothing. Thread
 * class: free. (Message.fbs: RecordBatch; Arrow columnar: Buffer Listing for Each Layout) */
#include "ipc/structure.h"

#include <inttypes.h>

#include "base/error.h"
#include "ipc/bitmap.h"
#include "ipc/dictionary_set.h"
#include "ipc/layout.h"
#include "ipc/views.h"

static cflight_status check_field(struct cfl_decode *decode, const struct cfl_field *field,
                                  struct cfl_node *ret_node, cflight_error **reterr);

/* The buffers of a layout behind its validity bitmap. */
struct buffer_sizes {
    size_t count;
    uint64_t needed_bytes[2];
    size_t free_count; /* more that may have any size */
};

/* Offsets and sizes of arrays without rows may be missing. */
static cflight_status offset_bytes(int64_t length, int64_t extra, bool is_large,
                                   uint64_t *ret_bytes, cflight_error **reterr)
{
    *ret_bytes = 0;
    return length == 0
               ? CFLIGHT_OK
               : cfl_decode_bytes_needed(length, extra, is_large ? 8 : 4, ret_bytes, reterr);
}

static cflight_status sizes_of(const struct cfl_type *type, int64_t length,
                               struct buffer_sizes *ret_sizes, cflight_error **reterr)
{
    struct buffer_sizes *sizes = ret_sizes;
    cflight_status status = CFLIGHT_OK;
    switch (type->layout) {
    case CFL_LAYOUT_NULL:
    case CFL_LAYOUT_STRUCT:
    case CFL_LAYOUT_FIXED_LIST:
    case CFL_LAYOUT_RUN_END_ENCODED:
        return CFLIGHT_OK;
    case CFL_LAYOUT_BOOL:
        sizes->count = 1;
        sizes->needed_bytes[0] = cfl_bitmap_bytes(length);
        return CFLIGHT_OK;
    case CFL_LAYOUT_FIXED:
        sizes->count = 1;
        return cfl_decode_bytes_needed(length, 0, type->width_bytes, &sizes->needed_bytes[0],
                                       reterr);
    case CFL_LAYOUT_VIEW:
        sizes->count = 1;
        return cfl_decode_bytes_needed(length, 0, CFL_VIEW_BYTES, &sizes->needed_bytes[0], reterr);
    case CFL_LAYOUT_VARIABLE_32:
    case CFL_LAYOUT_VARIABLE_64:
        sizes->free_count = 1;
        sizes->count = 1;
        return offset_bytes(length, 1, type->layout == CFL_LAYOUT_VARIABLE_64,
                            &sizes->needed_bytes[0], reterr);
    case CFL_LAYOUT_LIST_32:
    case CFL_LAYOUT_LIST_64:
        sizes->count = 1;
        return offset_bytes(length, 1, type->layout == CFL_LAYOUT_LIST_64, &sizes->needed_bytes[0],
                            reterr);
    case CFL_LAYOUT_LIST_VIEW_32:
    case CFL_LAYOUT_LIST_VIEW_64:
        sizes->count = 2;
        status = offset_bytes(length, 0, type->layout == CFL_LAYOUT_LIST_VIEW_64,
                              &sizes->needed_bytes[0], reterr);
        sizes->needed_bytes[1] = sizes->needed_bytes[0];
        return status;
    case CFL_LAYOUT_SPARSE_UNION:
    case CFL_LAYOUT_DENSE_UNION:
        sizes->count = type->layout == CFL_LAYOUT_DENSE_UNION ? 2 : 1;
        sizes->needed_bytes[0] = (uint64_t)length;
        return offset_bytes(length, 0, false, &sizes->needed_bytes[1], reterr);
    }
    return cflight_error_set_message(reterr, CFLIGHT_INTERNAL, "a field has no layout");
}

/* The bitmap, or the place that V4 had for one where there is none. */
static cflight_status check_validity(struct cfl_decode *decode, const struct cfl_field *field,
                                     bool as_index, const struct cfl_node *node,
                                     cflight_error **reterr)
{
    if (!cfl_layout_has_validity(field, as_index)) {
        bool has_place =
            field->type.layout != CFL_LAYOUT_NULL && decode->metadata_version < CFL_METADATA_V5;
        return has_place ? cfl_decode_measure(decode, 0, reterr) : CFLIGHT_OK;
    }
    uint64_t needed_bytes = node->null_count > 0 ? cfl_bitmap_bytes(node->length) : 0;
    return cfl_decode_measure(decode, needed_bytes, reterr);
}

static cflight_status check_buffers(struct cfl_decode *decode, const struct buffer_sizes *sizes,
                                    cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; status == CFLIGHT_OK && i < sizes->count; i++) {
        status = cfl_decode_measure(decode, sizes->needed_bytes[i], reterr);
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < sizes->free_count; i++) {
        status = cfl_decode_measure(decode, 0, reterr);
    }
    return status;
}

/* A node with its buffers, before its children. */
static cflight_status check_node(struct cfl_decode *decode, const struct cfl_field *field,
                                 bool as_index, struct cfl_node *ret_node, cflight_error **reterr)
{
    const struct cfl_type *type = as_index ? &field->index_type : &field->type;
    struct buffer_sizes sizes = {0};
    size_t view_count = 0;
    cflight_status status = CFLIGHT_OK;
    if (type->layout == CFL_LAYOUT_VIEW) {
        status = cfl_decode_view_count(decode, &view_count, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_decode_node(decode, ret_node, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = check_validity(decode, field, as_index, ret_node, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = sizes_of(type, ret_node->length, &sizes, reterr);
        sizes.free_count += view_count;
    }
    return status == CFLIGHT_OK ? check_buffers(decode, &sizes, reterr) : status;
}

/* How many values each child must have at least. */
static cflight_status child_length(const struct cfl_field *field, int64_t length,
                                   int64_t *ret_length, cflight_error **reterr)
{
    enum cfl_layout layout = field->type.layout;
    bool is_parallel = layout == CFL_LAYOUT_STRUCT || layout == CFL_LAYOUT_SPARSE_UNION;
    uint64_t needed = 0;
    if (layout != CFL_LAYOUT_FIXED_LIST) {
        *ret_length = is_parallel ? length : 0; /* of lists and dense unions, the values tell */
        return CFLIGHT_OK;
    }
    cflight_status status =
        cfl_decode_bytes_needed(length, 0, field->type.list_size, &needed, reterr);
    *ret_length = (int64_t)needed;
    return status;
}

static cflight_status no_nulls(const struct cfl_node *node, const char *what,
                               cflight_error **reterr)
{
    return node->null_count <= 0
               ? CFLIGHT_OK
               : cflight_error_set(reterr, CFLIGHT_DATA_LOSS, "%" PRId64 " %s are null",
                                   node->null_count, what);
}

/* What a child must be for its parent. */
static cflight_status check_child(const struct cfl_field *field, int64_t index,
                                  const struct cfl_node *node, int64_t *length_min,
                                  cflight_error **reterr)
{
    if (node->length < *length_min) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "a child has %" PRId64 " values; its parent needs %" PRId64,
                                 node->length, *length_min);
    }
    if (field->type.layout == CFL_LAYOUT_RUN_END_ENCODED && index == 0) {
        *length_min = node->length; /* of the values, which come next */
        return no_nulls(node, "run ends", reterr);
    }
    return field->type.id == CFL_TYPE_MAP ? no_nulls(node, "entries of a map", reterr) : CFLIGHT_OK;
}

/* Consumers dereference the keys of a map without looking at nulls (Schema.fbs: Map). */
static cflight_status check_keys(struct cfl_decode *decode, size_t index, cflight_error **reterr)
{
    const struct cfl_node keys = cfl_decode_node_at(decode, index);
    return no_nulls(&keys, "keys of a map", reterr);
}

static cflight_status check_children(struct cfl_decode *decode, const struct cfl_field *field,
                                     int64_t length, cflight_error **reterr)
{
    int64_t length_min = 0;
    size_t keys_index = decode->node_index + 1; /* of a map: behind its entries */
    cflight_status status = child_length(field, length, &length_min, reterr);
    for (int64_t i = 0; status == CFLIGHT_OK && i < field->child_count; i++) {
        struct cfl_node node = {0};
        status = check_field(decode, &field->children[i], &node, reterr);
        if (status == CFLIGHT_OK) {
            status = check_child(field, i, &node, &length_min, reterr);
        }
    }
    return status == CFLIGHT_OK && field->type.id == CFL_TYPE_MAP
               ? check_keys(decode, keys_index, reterr)
               : status;
}

static cflight_status check_value(struct cfl_decode *decode, const struct cfl_field *field,
                                  struct cfl_node *ret_node, cflight_error **reterr)
{
    cflight_status status = check_node(decode, field, false, ret_node, reterr);
    return status == CFLIGHT_OK ? check_children(decode, field, ret_node->length, reterr) : status;
}

/* Indices; the children of such a field are in its dictionary's message. */
static cflight_status check_indices(struct cfl_decode *decode, const struct cfl_field *field,
                                    struct cfl_node *ret_node, cflight_error **reterr)
{
    cflight_status status = check_node(decode, field, true, ret_node, reterr);
    if (status != CFLIGHT_OK || ret_node->null_count == ret_node->length ||
        cfl_dictionary_set_has(decode->env->dictionaries, field->dictionary_id)) {
        return status;
    }
    return cfl_decode_no_dictionary(field, reterr);
}

static cflight_status check_field(struct cfl_decode *decode, const struct cfl_field *field,
                                  struct cfl_node *ret_node, cflight_error **reterr)
{
    cflight_status status = field->is_dictionary ? check_indices(decode, field, ret_node, reterr)
                                                 : check_value(decode, field, ret_node, reterr);
    return status == CFLIGHT_OK ? CFLIGHT_OK
                                : cfl_error_prefix(reterr, status, "field '%s'", field->name);
}

cflight_status cfl_structure_check_batch(const struct cfl_decode_env *env,
                                         const struct cfl_message *message,
                                         struct cfl_body_view body, int64_t *ret_row_count,
                                         cflight_error **reterr)
{
    const struct cfl_field *root = cfl_schema_root(env->schema);
    struct cfl_decode decode;
    cflight_status status = cfl_decode_init(&decode, env, message, &message->header, body, reterr);
    for (int64_t i = 0; status == CFLIGHT_OK && i < root->child_count; i++) {
        struct cfl_node node = {0};
        status = check_field(&decode, &root->children[i], &node, reterr);
        if (status == CFLIGHT_OK) {
            status =
                cfl_decode_check_column_length(&decode, &root->children[i], node.length, reterr);
        }
    }
    if (status == CFLIGHT_OK) {
        *ret_row_count = decode.batch_length;
    }
    return status;
}

cflight_status cfl_structure_check_values(const struct cfl_decode_env *env,
                                          const struct cfl_message *message,
                                          const struct cfl_fb_table *record_batch,
                                          struct cfl_body_view body, const struct cfl_field *field,
                                          cflight_error **reterr)
{
    struct cfl_decode decode;
    struct cfl_node node = {0};
    cflight_status status = cfl_decode_init(&decode, env, message, record_batch, body, reterr);
    if (status == CFLIGHT_OK) {
        status = check_value(&decode, field, &node, reterr);
    }
    return status == CFLIGHT_OK ? cfl_decode_check_values_length(&decode, node.length, reterr)
                                : status;
}

cflight_status cfl_structure_is_packed(const struct cfl_decode_env *env,
                                       const struct cfl_message *message,
                                       const struct cfl_fb_table *record_batch,
                                       struct cfl_body_view body, bool *ret_is_packed,
                                       cflight_error **reterr)
{
    struct cfl_decode decode;
    cflight_status status = cfl_decode_init(&decode, env, message, record_batch, body, reterr);
    *ret_is_packed = decode.codec != CFLIGHT_COMPRESSION_NONE;
    return status;
}
