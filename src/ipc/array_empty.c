/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays without rows, for dictionaries that a writer left out. Buffers point at zeros, because
 * consumers follow the pointers of offsets. Owner: the result owns static memory only. Thread
 * class: free. */
#include "base/error.h"
#include "base/pieces.h"
#include "ipc/array_build.h"
#include "ipc/decode.h"
#include "ipc/layout.h"

static cflight_status empty_value(const struct cflight_allocator *alloc,
                                  const struct cfl_field *field, bool as_index,
                                  struct ArrowArray *ret_values, cflight_error **reterr);

static cflight_status empty_parts(const struct cflight_allocator *alloc,
                                  const struct cfl_field *field, bool as_index,
                                  struct ArrowArray *array, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    if (as_index) {
        return empty_value(alloc, field, false, array->dictionary, reterr);
    }
    for (int64_t i = 0; status == CFLIGHT_OK && i < field->child_count; i++) {
        const struct cfl_field *child = &field->children[i];
        status = empty_value(alloc, child, child->is_dictionary, array->children[i], reterr);
    }
    return status;
}

static cflight_status empty_value(const struct cflight_allocator *alloc,
                                  const struct cfl_field *field, bool as_index,
                                  struct ArrowArray *ret_values, cflight_error **reterr)
{
    const struct cfl_array_shape shape = {
        .buffer_count = (size_t)cfl_layout_buffer_count(field, as_index),
        .child_count = as_index ? 0 : (size_t)field->child_count,
        .has_dictionary = as_index,
    };
    struct ArrowArray values = {0};
    cflight_status status = cfl_array_new(alloc, &shape, &values, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    size_t first = cfl_layout_has_validity(field, as_index) ? 1 : 0;
    for (size_t i = first; i < shape.buffer_count; i++) {
        cfl_array_set_buffer(&values, i, cfl_zeros, NULL);
    }
    status = empty_parts(alloc, field, as_index, &values, reterr);
    if (status != CFLIGHT_OK) {
        cfl_array_drop(&values);
        return status;
    }
    *ret_values = values;
    return CFLIGHT_OK;
}

cflight_status cfl_decode_empty(const struct cflight_allocator *alloc,
                                const struct cfl_field *field, struct ArrowArray *ret_values,
                                cflight_error **reterr)
{
    return empty_value(alloc, field, false, ret_values, reterr);
}
