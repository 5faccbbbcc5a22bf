/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_GATEWAY_CELLS_H
#define CFLIGHT_ADBC_GATEWAY_CELLS_H

#include <stdbool.h>
#include <stdint.h>

#include "cflight/arrow_abi.h"
#include "cflight/bytes.h"

/* Reading single values of arrays that were validated against their schema. A column that is not
 * there, or of another type than what is asked for, has nulls only. Thread class: free. */
struct gateway_column {
    const struct ArrowSchema *field;
    const struct ArrowArray *array;
};

/* A batch as a column of structs. */
struct gateway_column gateway_column_of(const struct ArrowSchema *schema,
                                        const struct ArrowArray *batch);
/* A member of a struct, by its name. The row of a struct is that of its members. */
struct gateway_column gateway_column_member(struct gateway_column column, const char *name);
/* The items of a list. */
struct gateway_column gateway_column_items(struct gateway_column column);

bool gateway_cell_is_null(struct gateway_column column, int64_t row);
/* Text; NULL data for a null. */
struct cflight_bytes gateway_cell_text(struct gateway_column column, int64_t row);
/* An integer or boolean; false for a null. */
bool gateway_cell_int(struct gateway_column column, int64_t row, int64_t *ret_value);
/* The rows of the items that a list has; none for a null. */
struct gateway_range {
    int64_t begin;
    int64_t end;
};
struct gateway_range gateway_cell_list(struct gateway_column column, int64_t row);

#endif /* CFLIGHT_ADBC_GATEWAY_CELLS_H */
