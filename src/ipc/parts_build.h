/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_PARTS_BUILD_H
#define CFL_IPC_PARTS_BUILD_H

#include "ipc/parts.h"

/* What the files that make parts share: one file for each family of layouts, which all add to the
 * end of the lists. Only src/ipc/parts*.c include this. Thread class: one at a time. */

/* Rows [start, start + length) of `array`, which has them. */
struct cfl_rows {
    const struct ArrowArray *array;
    int64_t start;
    int64_t first; /* array->offset + start; first + length is below INT64_MAX */
    int64_t length;
};

/* Rows of a child that its parent refers to; the child may not have them. */
struct cfl_child_rows {
    int64_t start;
    int64_t length;
};

/* Buffer `index` of an array, which has that many; NULL when it is not there. */
static inline const uint8_t *cfl_array_buffer(const struct ArrowArray *array, int64_t index)
{
    return array->buffers == NULL ? NULL : array->buffers[index];
}

void cfl_parts_clear(struct cfl_parts *parts);
/* INVALID_ARGUMENT with this message; the walk puts the column's name before it. */
cflight_status cfl_parts_refuse(cflight_error **reterr, const char *what);

cflight_status cfl_parts_add_node(struct cfl_parts *parts, int64_t length, int64_t null_count,
                                  cflight_error **reterr);
/* A buffer that is sent from where it is. */
cflight_status cfl_parts_add_buffer(struct cfl_parts *parts, const void *data, uint64_t len_bytes,
                                    cflight_error **reterr);
/* A buffer in scratch memory. `*ret_target` is NULL when there is nothing to write. */
cflight_status cfl_parts_add_scratch(struct cfl_parts *parts, uint64_t len_bytes,
                                     uint8_t **ret_target, cflight_error **reterr);
cflight_status cfl_parts_add_bits(struct cfl_parts *parts, const uint8_t *bits, int64_t first,
                                  int64_t length, cflight_error **reterr);
/* Buffer `buffer_index` of the array with `width_bytes` for each row. */
cflight_status cfl_parts_add_fixed(struct cfl_parts *parts, const struct cfl_rows *slice,
                                   int64_t buffer_index, int64_t width_bytes,
                                   cflight_error **reterr);
/* The node and, from buffer 0 of the array, its validity bitmap: left out when no row is null. */
cflight_status cfl_parts_add_node_and_validity(struct cfl_parts *parts,
                                               const struct cfl_rows *slice,
                                               cflight_error **reterr);

/* What follows the node (and validity) in each layout. Children are not added: the rows of them
 * that follow are returned. */
cflight_status cfl_parts_add_variable(struct cfl_parts *parts, const struct cfl_rows *slice,
                                      bool is_64, cflight_error **reterr);
cflight_status cfl_parts_add_view(struct cfl_parts *parts, const struct cfl_rows *slice,
                                  cflight_error **reterr);
cflight_status cfl_parts_add_list(struct cfl_parts *parts, const struct cfl_rows *slice, bool is_64,
                                  struct cfl_child_rows *ret_rows, cflight_error **reterr);
cflight_status cfl_parts_add_list_view(struct cfl_parts *parts, const struct cfl_rows *slice,
                                       bool is_64, struct cfl_child_rows *ret_rows,
                                       cflight_error **reterr);
cflight_status cfl_parts_fixed_list_rows(const struct cfl_rows *slice, int64_t list_size,
                                         struct cfl_child_rows *ret_rows, cflight_error **reterr);
/* One entry of `ret_rows` for each child. A whole array is sent as it is, unlooked at; of a slice
 * only what it refers to. */
cflight_status cfl_parts_add_dense_union(struct cfl_parts *parts, const struct cfl_field *field,
                                         const struct cfl_rows *slice,
                                         struct cfl_child_rows *ret_rows, cflight_error **reterr);
/* With the run ends; `ret_rows` is of the values. */
cflight_status cfl_parts_add_run_ends(struct cfl_parts *parts, const struct cfl_field *field,
                                      const struct cfl_rows *slice, struct cfl_child_rows *ret_rows,
                                      cflight_error **reterr);

#endif /* CFL_IPC_PARTS_BUILD_H */
