/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_VALUES_COLUMN_H
#define CFLIGHT_CLI_VALUES_COLUMN_H

#include "cflight/arrow_abi.h"
#include "cflight/error.h"
#include "cli/system/text.h"

/* What a field of a schema holds, worked out once so that values can be printed without looking at
 * format strings. */

enum cli_kind {
    CLI_KIND_NULL,
    CLI_KIND_BOOL,
    CLI_KIND_INT8,
    CLI_KIND_UINT8,
    CLI_KIND_INT16,
    CLI_KIND_UINT16,
    CLI_KIND_INT32,
    CLI_KIND_UINT32,
    CLI_KIND_INT64,
    CLI_KIND_UINT64,
    CLI_KIND_FLOAT16,
    CLI_KIND_FLOAT32,
    CLI_KIND_FLOAT64,
    CLI_KIND_DECIMAL,
    CLI_KIND_BINARY,
    CLI_KIND_LARGE_BINARY,
    CLI_KIND_BINARY_VIEW,
    CLI_KIND_FIXED_BINARY,
    CLI_KIND_UTF8,
    CLI_KIND_LARGE_UTF8,
    CLI_KIND_UTF8_VIEW,
    CLI_KIND_DATE32,
    CLI_KIND_DATE64,
    CLI_KIND_TIME32,
    CLI_KIND_TIME64,
    CLI_KIND_TIMESTAMP,
    CLI_KIND_DURATION,
    CLI_KIND_INTERVAL_MONTHS,
    CLI_KIND_INTERVAL_DAY_TIME,
    CLI_KIND_INTERVAL_MONTH_DAY_NANO,
    CLI_KIND_LIST,
    CLI_KIND_LARGE_LIST,
    CLI_KIND_LIST_VIEW,
    CLI_KIND_LARGE_LIST_VIEW,
    CLI_KIND_FIXED_LIST,
    CLI_KIND_STRUCT,
    CLI_KIND_MAP,
    CLI_KIND_SPARSE_UNION,
    CLI_KIND_DENSE_UNION,
    CLI_KIND_RUN_END_ENCODED,
};

struct cli_column {
    enum cli_kind kind; /* of the indices when `dictionary` is set */
    char *name;
    char *key;               /* `name`, with a suffix where a sibling before it has the same name */
    int32_t size;            /* bytes of a fixed binary or decimal, items of a fixed list */
    int32_t scale;           /* decimals */
    int digits;              /* fraction digits of a time unit: 0, 3, 6 or 9 */
    bool has_zone;           /* timestamps: a time zone is given, values are UTC */
    int8_t union_child[128]; /* child of a union type id, -1 for none */
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

/* Numbers are shown flush right. */
bool cli_column_is_number(const struct cli_column *column);

/* Bytes of the buffers behind the rows of an array, for progress and reports: exact for the common
 * types, views count their inline part. */
uint64_t cli_array_bytes(const struct cli_column *column, const struct ArrowArray *array);
/* A sum that stays at its largest value instead of starting again. */
uint64_t cli_add_bytes(uint64_t a, uint64_t b);

#endif /* CFLIGHT_CLI_VALUES_COLUMN_H */
