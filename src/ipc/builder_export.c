/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays of what a builder's columns have, and batches as a stream. Thread class: one at a time.
 * (Arrow C data interface: The ArrowArray structure) */
#include <string.h>

#include "base/alloc.h"
#include "base/body.h"
#include "base/error.h"
#include "base/pieces.h"
#include "cflight/ipc.h"
#include "ipc/array_build.h"
#include "ipc/builder_internal.h"
#include "ipc/layout.h"
#include "ipc/stream_export.h"

/* Copies a buffer into the array; one without content points at zeros, which offsets may be. */
static cflight_status export_buffer(const struct cflight_allocator *alloc,
                                    const struct cfl_buf *buf, size_t index,
                                    struct ArrowArray *array, cflight_error **reterr)
{
    if (buf->len_bytes == 0) {
        cfl_array_set_buffer(array, index, cfl_zeros, NULL);
        return CFLIGHT_OK;
    }
    cflight_buffer *body = cfl_body_new(NULL, alloc, buf->len_bytes);
    if (body == NULL) {
        return cfl_error_no_memory(reterr);
    }
    memcpy(cfl_body_data(body), buf->data, buf->len_bytes);
    cfl_array_set_buffer(array, index, cfl_body_data(body), body);
    cflight_buffer_unref(body); /* the array has its own reference */
    return CFLIGHT_OK;
}

static cflight_status export_buffers(const cflight_column *column, struct ArrowArray *array,
                                     cflight_error **reterr)
{
    const struct cflight_allocator *alloc = column->builder->alloc;
    size_t next = 0;
    cflight_status status = CFLIGHT_OK;
    const struct cfl_buf *offsets = NULL;
    const struct cfl_buf *values = NULL;
    switch (column->field->type.layout) {
    case CFL_LAYOUT_BOOL:
    case CFL_LAYOUT_FIXED:
        values = &column->values;
        break;
    case CFL_LAYOUT_LIST_32:
    case CFL_LAYOUT_LIST_64:
        offsets = &column->offsets;
        break;
    case CFL_LAYOUT_VARIABLE_32:
    case CFL_LAYOUT_VARIABLE_64:
        offsets = &column->offsets;
        values = &column->values;
        break;
    case CFL_LAYOUT_DENSE_UNION: /* type ids come first */
        offsets = &column->values;
        values = &column->offsets;
        break;
    case CFL_LAYOUT_NULL:
    case CFL_LAYOUT_VIEW:
    case CFL_LAYOUT_LIST_VIEW_32:
    case CFL_LAYOUT_LIST_VIEW_64:
    case CFL_LAYOUT_FIXED_LIST:
    case CFL_LAYOUT_STRUCT:
    case CFL_LAYOUT_SPARSE_UNION:
    case CFL_LAYOUT_RUN_END_ENCODED:
    default:
        break;
    }
    if (cfl_layout_has_validity(column->field, false)) {
        next = 1;
        if (column->null_count > 0) {
            status = export_buffer(alloc, &column->validity, 0, array, reterr);
        }
    }
    if (status == CFLIGHT_OK && offsets != NULL) {
        status = export_buffer(alloc, offsets, next++, array, reterr);
    }
    if (status == CFLIGHT_OK && values != NULL) {
        status = export_buffer(alloc, values, next++, array, reterr);
    }
    return status;
}

cflight_status cfl_builder_export(const cflight_column *column, struct ArrowArray *ret_array,
                                  cflight_error **reterr)
{
    const struct cfl_array_shape shape = {
        .buffer_count = (size_t)cfl_layout_buffer_count(column->field, false),
        .child_count = column->child_count,
    };
    struct ArrowArray array = {0};
    cflight_status status = cfl_array_new(column->builder->alloc, &shape, &array, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    array.length = column->length;
    array.null_count =
        column->field->type.layout == CFL_LAYOUT_NULL ? column->length : column->null_count;
    status = export_buffers(column, &array, reterr);
    for (size_t i = 0; status == CFLIGHT_OK && i < column->child_count; i++) {
        status = cfl_builder_export(&column->children[i], array.children[i], reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_array_drop(&array);
        return status;
    }
    *ret_array = array;
    return CFLIGHT_OK;
}

/* ---- batches as a stream ---- */

struct batches {
    struct ArrowSchema schema;
    size_t count;
    size_t next;
    struct ArrowArray batches[];
};

static size_t batches_bytes(size_t count)
{
    return sizeof(struct batches) + count * sizeof(struct ArrowArray);
}

static cflight_status batches_schema(void *user_data, struct ArrowSchema *ret_schema,
                                     cflight_error **reterr)
{
    const struct batches *self = user_data;
    return cflight_schema_copy(&self->schema, ret_schema, reterr);
}

static cflight_status batches_next(void *user_data, struct ArrowArray *ret_batch,
                                   cflight_error **reterr)
{
    struct batches *self = user_data;
    (void)reterr;
    memset(ret_batch, 0, sizeof *ret_batch);
    if (self->next < self->count) {
        *ret_batch = self->batches[self->next];
        self->batches[self->next++].release = NULL;
    }
    return CFLIGHT_OK;
}

static void batches_release(void *user_data)
{
    struct batches *self = user_data;
    for (size_t i = self->next; i < self->count; i++) {
        cfl_array_drop(&self->batches[i]);
    }
    self->schema.release(&self->schema);
    cfl_free(NULL, self, batches_bytes(self->count));
}

cflight_status cflight_batches_to_stream(const struct ArrowSchema *schema,
                                         struct ArrowArray *batches, size_t batch_count,
                                         struct ArrowArrayStream *ret_stream,
                                         cflight_error **reterr)
{
    struct batches *self = NULL;
    struct cfl_stream_source source = {batches_schema, batches_next, batches_release, NULL};
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(schema), CFL_ARG(ret_stream));
    if (status == CFLIGHT_OK && batches == NULL && batch_count > 0) {
        status = cfl_error_null_argument(reterr, "batches");
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    self = batch_count > (SIZE_MAX - sizeof *self) / sizeof self->batches[0]
               ? NULL
               : cfl_alloc_zeroed(NULL, batches_bytes(batch_count));
    if (self == NULL) {
        return cfl_error_no_memory(reterr);
    }
    status = cflight_schema_copy(schema, &self->schema, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    source.user_data = self;
    status = cfl_stream_export(NULL, &source, ret_stream, reterr);
    if (status != CFLIGHT_OK) {
        self->schema.release(&self->schema);
        goto done;
    }
    for (size_t i = 0; i < batch_count; i++) {
        self->batches[i] = batches[i];
        batches[i].release = NULL;
    }
    self->count = batch_count;
    self = NULL; /* the stream's */

done:
    cfl_free(NULL, self, batches_bytes(batch_count));
    return status;
}
