/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_BUILDER_INTERNAL_H
#define CFL_IPC_BUILDER_INTERNAL_H

#include "base/buf.h"
#include "cflight/builder.h"
#include "ipc/schema.h"

/* What the files of the builder share. Thread class: one at a time. */

struct cflight_column {
    cflight_builder *builder;
    const cflight_column *parent; /* NULL of a column of the table */
    const struct cfl_field *field;
    cflight_column *children;
    size_t child_count;
    int64_t length;
    /* Of its values, those that belong to a value of the parent, or to a row that has ended. */
    int64_t claimed_count;
    int64_t null_count;
    struct cfl_buf validity; /* empty until the first null */
    struct cfl_buf offsets;  /* of texts and lists; of unions the place in the member */
    struct cfl_buf values;   /* numbers, bits, bytes; of unions the type ids */
};

struct cflight_builder {
    const struct cflight_allocator *alloc;
    struct cfl_schema *schema;
    uint64_t bytes_max;
    uint64_t used_bytes;
    int64_t row_count;
    cflight_error *failure; /* the first */
    cflight_column root;    /* its children are the columns */
};

/* Remembers what is wrong with a column, if it is the first thing, with its name and the row. */
void cfl_builder_fail(cflight_column *column, cflight_status status, const char *format, ...)
    CFLIGHT_PRINTF(3, 4);
/* Appends a value that is valid or null, without its content, and counts `len_bytes` of it. False
 * when something is or was wrong. */
bool cfl_builder_begin_value(cflight_column *column, bool is_valid, size_t len_bytes);
/* Makes an array of what a column has. */
cflight_status cfl_builder_export(const cflight_column *column, struct ArrowArray *ret_array,
                                  cflight_error **reterr);

#endif /* CFL_IPC_BUILDER_INTERNAL_H */
