/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_PARTS_H
#define CFL_IPC_PARTS_H

#include "cflight/error.h"
#include "ipc/schema.h"
#include "ipc/scratch.h"

/* Rows of Arrow arrays as a record batch message lists them: nodes and buffers in depth-first
 * order, every array starting at its first row (Arrow columnar: RecordBatch message). Buffers point
 * into the caller's arrays where those bytes can be sent as they are, otherwise into scratch
 * memory. Thread class: one at a time. */

struct cfl_part_node {
    int64_t length;
    int64_t null_count;
    size_t first_buffer; /* index of its first buffer */
};

struct cfl_part_buffer {
    const uint8_t *data;
    uint64_t len_bytes; /* without padding */
};

struct cfl_parts {
    const struct cflight_allocator *alloc;
    struct cfl_scratch scratch;
    int64_t row_count;
    struct cfl_part_node *nodes;
    size_t node_count;
    size_t node_capacity;
    struct cfl_part_buffer *buffers;
    size_t buffer_count;
    size_t buffer_capacity;
    int64_t *variadic_counts; /* data buffers of each view array, in order */
    size_t variadic_count;
    size_t variadic_capacity;
    bool is_measuring; /* only lengths are wanted: nothing is written to scratch, buffers made there
                          are NULL */
    bool has_v4_validities; /* metadata V4: unions and run-end encoded arrays have a validity buffer
                               too */
};

void cfl_parts_init(struct cfl_parts *parts, const struct cflight_allocator *alloc,
                    int16_t metadata_version);
void cfl_parts_done(struct cfl_parts *parts);

/* Both replace what was there. `batch` is a struct array whose children are those of `root`;
 * `array` holds values of the type of `field`, whose dictionary encoding is not looked at. Rows
 * count from the array's own offset. Rows that the array does not have, missing buffers and
 * children, and offsets that point outside children are INVALID_ARGUMENT.
 */
cflight_status cfl_parts_set_batch(struct cfl_parts *parts, const struct cfl_field *root,
                                   const struct ArrowArray *batch, int64_t row_offset,
                                   int64_t row_count, cflight_error **reterr);
cflight_status cfl_parts_set_values(struct cfl_parts *parts, const struct cfl_field *field,
                                    const struct ArrowArray *array, int64_t row_offset,
                                    int64_t row_count, cflight_error **reterr);

/* Makes `target` hold its own copy of nodes and buffers; variadic counts are left out. */
cflight_status cfl_parts_copy(struct cfl_parts *target, const struct cfl_parts *source,
                              cflight_error **reterr);

/* Nodes that a field contributes: itself and, unless it is dictionary-encoded, what is below it. */
size_t cfl_field_node_count(const struct cfl_field *field);

/* Compares rows [0, row_count) of two sets of values of `field`. Bytes of null values do not count,
 * nor do positions of data; floating point numbers are compared by their bits, so that a NaN equals
 * itself and 0 is not -0. Both must have that many rows. False also when that takes more than so
 * many steps, about one for each value; UINT64_MAX: as many as it takes. */
bool cfl_parts_equal(const struct cfl_field *field, const struct cfl_parts *a,
                     const struct cfl_parts *b, int64_t row_count, uint64_t steps_max);

/* The bytes of all buffers. */
uint64_t cfl_parts_size(const struct cfl_parts *parts);

#endif /* CFL_IPC_PARTS_H */
