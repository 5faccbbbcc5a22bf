/* SPDX-License-Identifier: Apache-2.0 */
/* Messages with columns: record batches, and the values of dictionaries.
 *
 * Columns that the caller does not want are passed over: their nodes and buffers are counted and
 * not looked at. Owner: of nothing. Thread class: one at a time per message. (Message.fbs:
 * RecordBatch) */
#include <inttypes.h>

#include "base/error.h"
#include "base/pieces.h"
#include "ipc/array_build.h"
#include "ipc/decode.h"
#include "ipc/layout.h"
#include "ipc/validate.h"

/* In a message a view array has its data buffers, and no buffer for their sizes. */
static cflight_status add_view_buffers(struct cfl_decode *decode, uint64_t *buffer_count,
                                       cflight_error **reterr)
{
    size_t view_count = 0;
    cflight_status status = cfl_decode_view_count(decode, &view_count, reterr);
    *buffer_count += (uint64_t)view_count - 1;
    return status;
}

static cflight_status skip_field(struct cfl_decode *decode, const struct cfl_field *field,
                                 cflight_error **reterr)
{
    uint64_t buffer_count = (uint64_t)cfl_layout_buffer_count(field, field->is_dictionary);
    cflight_status status = cfl_decode_skip_node(decode, reterr);
    if (status == CFLIGHT_OK && !field->is_dictionary && field->type.layout == CFL_LAYOUT_VIEW) {
        status = add_view_buffers(decode, &buffer_count, reterr);
    }
    bool is_without_validity = !cfl_layout_has_validity(field, field->is_dictionary);
    if (is_without_validity && field->type.id != CFL_TYPE_NULL &&
        decode->metadata_version < CFL_METADATA_V5) {
        buffer_count++; /* V4 gave them one */
    }
    if (status == CFLIGHT_OK) {
        status = cfl_decode_skip_buffers(decode, buffer_count, reterr);
    }
    /* The children of a dictionary-encoded field are in its dictionary's message. */
    int64_t child_count = field->is_dictionary ? 0 : field->child_count;
    for (int64_t i = 0; status == CFLIGHT_OK && i < child_count; i++) {
        status = skip_field(decode, &field->children[i], reterr);
    }
    return status;
}

cflight_status cfl_decode_check_column_length(const struct cfl_decode *decode,
                                              const struct cfl_field *field, int64_t length,
                                              cflight_error **reterr)
{
    if (length == decode->batch_length) {
        return CFLIGHT_OK;
    }
    return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                             "field '%s' has the length %" PRId64 ", the record batch %" PRId64,
                             field->name, length, decode->batch_length);
}

cflight_status cfl_decode_check_values_length(const struct cfl_decode *decode, int64_t length,
                                              cflight_error **reterr)
{
    if (length == decode->batch_length) {
        return CFLIGHT_OK;
    }
    return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                             "the dictionary has the length %" PRId64 ", its message %" PRId64,
                             length, decode->batch_length);
}

static cflight_status decode_column(struct cfl_decode *decode, const struct cfl_field *field,
                                    struct ArrowArray *ret_array, cflight_error **reterr)
{
    cflight_status status = cfl_decode_field(decode, field, ret_array, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_decode_check_column_length(decode, field, ret_array->length, reterr);
    if (status != CFLIGHT_OK || decode->env->validation == CFLIGHT_VALIDATION_BOUNDS) {
        return status;
    }
    return cfl_validate_values(field, ret_array, decode->env->validation, CFLIGHT_DATA_LOSS,
                               reterr);
}

static cflight_status decode_columns(struct cfl_decode *decode, struct ArrowArray *batch,
                                     cflight_error **reterr)
{
    const struct cfl_decode_env *env = decode->env;
    const struct cfl_field *root = cfl_schema_root(env->schema);
    cflight_status status = CFLIGHT_OK;
    size_t kept = 0;
    for (int64_t i = 0; status == CFLIGHT_OK && i < root->child_count; i++) {
        bool is_kept =
            env->included == NULL || (kept < env->included_count && env->included[kept] == i);
        if (is_kept) {
            status = decode_column(decode, &root->children[i], batch->children[kept], reterr);
            kept++;
        } else {
            status = skip_field(decode, &root->children[i], reterr);
        }
    }
    return status;
}

cflight_status cfl_decode_batch(const struct cfl_decode_env *env, const struct cfl_message *message,
                                struct cfl_body_view body, struct ArrowArray *ret_batch,
                                cflight_error **reterr)
{
    const struct cfl_field *root = cfl_schema_root(env->schema);
    const struct cfl_array_shape shape = {
        .buffer_count = 1,
        .child_count = env->included == NULL ? (size_t)root->child_count : env->included_count,
    };
    struct cfl_decode decode;
    struct ArrowArray batch = {0};
    cflight_status status = cfl_decode_init(&decode, env, message, &message->header, body, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_array_new(env->alloc, &shape, &batch, reterr);
    }
    if (status == CFLIGHT_OK) {
        batch.length = decode.batch_length;
        status = decode_columns(&decode, &batch, reterr);
    }
    cfl_decode_done(&decode);
    if (status != CFLIGHT_OK) {
        cfl_array_drop(&batch);
        return status;
    }
    cfl_copy_count_received(0, decode.copied_bytes);
    *ret_batch = batch;
    return CFLIGHT_OK;
}

cflight_status cfl_decode_values(const struct cfl_decode_env *env,
                                 const struct cfl_message *message,
                                 const struct cfl_fb_table *record_batch, struct cfl_body_view body,
                                 const struct cfl_field *field, struct ArrowArray *ret_values,
                                 uint64_t *ret_bytes, cflight_error **reterr)
{
    struct cfl_decode decode;
    struct ArrowArray values = {0};
    cflight_status status = cfl_decode_init(&decode, env, message, record_batch, body, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_decode_value(&decode, field, &values, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_decode_check_values_length(&decode, values.length, reterr);
    }
    if (status == CFLIGHT_OK && env->validation != CFLIGHT_VALIDATION_BOUNDS) {
        status = cfl_validate_dictionary_values(field, &values, env->validation, CFLIGHT_DATA_LOSS,
                                                reterr);
    }
    uint64_t fresh_bytes = decode.fresh_bytes;
    cfl_decode_done(&decode);
    if (status != CFLIGHT_OK) {
        cfl_array_drop(&values);
        return status;
    }
    cfl_copy_count_received(0, decode.copied_bytes);
    *ret_values = values;
    *ret_bytes = body.bytes.len_bytes + fresh_bytes;
    return CFLIGHT_OK;
}
