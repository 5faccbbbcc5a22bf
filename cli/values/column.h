/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_VALUES_COLUMN_H
#define CFLIGHT_CLI_VALUES_COLUMN_H

#include "cflight/schema.h"

/* What a field of a schema holds, worked out once so that values can be printed without looking at
 * format strings. */

struct cli_column {
    struct cflight_type
        type;      /* of the indices when `dictionary` is set; its time zone is not kept */
    bool has_zone; /* timestamps: a time zone is given, values are UTC */
    char *name;
    char *key; /* `name`, with a suffix where a sibling before it has the same name */
    struct cli_column *children;
    size_t child_count;
    struct cli_column *dictionary; /* type of the values, NULL when not dictionary encoded */
};

/* Reads a schema. @return CFLIGHT_OK, CFLIGHT_UNIMPLEMENTED (a type this program does not know),
 * CFLIGHT_DATA_LOSS (not a valid schema), CFLIGHT_RESOURCE_EXHAUSTED. On failure `*ret_column` is
 * empty and needs no done. */
cflight_status cli_column_init(struct cli_column *ret_column, const struct ArrowSchema *schema,
                               cflight_error **reterr);
void cli_column_done(struct cli_column *column);

/* The offset (or, of list views, the size) of a row that stands in a buffer of the array. */
int64_t cli_column_offset(const struct cli_column *column, const struct ArrowArray *array,
                          size_t buffer, int64_t row);

/* Numbers are shown flush right. */
bool cli_column_is_number(const struct cli_column *column);

/* Bytes of the buffers behind the rows of an array, for progress and reports: exact for the common
 * types, views count their inline part. */
uint64_t cli_array_bytes(const struct cli_column *column, const struct ArrowArray *array);
/* A sum that stays at its largest value instead of starting again. */
uint64_t cli_add_bytes(uint64_t a, uint64_t b);

#endif /* CFLIGHT_CLI_VALUES_COLUMN_H */
