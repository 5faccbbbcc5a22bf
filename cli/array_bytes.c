/* SPDX-License-Identifier: Apache-2.0 */
/* How many bytes the rows of an array take, for progress bars and reports. Reads offsets at the
 * ends of a column only, so the cost does not grow with the rows. */
#include <string.h>

#include "cli/column.h"

/* Bits of one value of a fixed-width kind; 0 for all others. */
static uint64_t value_bits(const struct cli_column *column)
{
    switch (column->kind) {
    case CLI_KIND_BOOL:
        return 1;
    case CLI_KIND_INT8:
    case CLI_KIND_UINT8:
    case CLI_KIND_SPARSE_UNION:
        return 8;
    case CLI_KIND_INT16:
    case CLI_KIND_UINT16:
    case CLI_KIND_FLOAT16:
        return 16;
    case CLI_KIND_INT32:
    case CLI_KIND_UINT32:
    case CLI_KIND_FLOAT32:
    case CLI_KIND_DATE32:
    case CLI_KIND_TIME32:
    case CLI_KIND_INTERVAL_MONTHS:
    case CLI_KIND_BINARY:
    case CLI_KIND_UTF8:
    case CLI_KIND_LIST:
    case CLI_KIND_MAP:
        return 32;
    case CLI_KIND_DENSE_UNION:
        return 40;
    case CLI_KIND_INT64:
    case CLI_KIND_UINT64:
    case CLI_KIND_FLOAT64:
    case CLI_KIND_DATE64:
    case CLI_KIND_TIME64:
    case CLI_KIND_TIMESTAMP:
    case CLI_KIND_DURATION:
    case CLI_KIND_INTERVAL_DAY_TIME:
    case CLI_KIND_LARGE_BINARY:
    case CLI_KIND_LARGE_UTF8:
    case CLI_KIND_LARGE_LIST:
    case CLI_KIND_LIST_VIEW:
        return 64;
    case CLI_KIND_INTERVAL_MONTH_DAY_NANO:
    case CLI_KIND_BINARY_VIEW:
    case CLI_KIND_UTF8_VIEW:
    case CLI_KIND_LARGE_LIST_VIEW:
        return 128;
    case CLI_KIND_DECIMAL:
    case CLI_KIND_FIXED_BINARY:
        return (uint64_t)column->size * 8;
    case CLI_KIND_NULL:
    case CLI_KIND_FIXED_LIST:
    case CLI_KIND_STRUCT:
    case CLI_KIND_RUN_END_ENCODED:
        return 0;
    }
    return 0;
}

/* Bytes between the first and the last offset of a variable-size column. */
static uint64_t data_bytes(const struct cli_column *column, const struct ArrowArray *array)
{
    if (array->length == 0 || array->n_buffers < 3 || array->buffers[1] == NULL) {
        return 0;
    }
    if (column->kind == CLI_KIND_BINARY || column->kind == CLI_KIND_UTF8) {
        const int32_t *offsets = array->buffers[1];
        return (uint64_t)(offsets[array->offset + array->length] - offsets[array->offset]);
    }
    if (column->kind == CLI_KIND_LARGE_BINARY || column->kind == CLI_KIND_LARGE_UTF8) {
        const int64_t *offsets = array->buffers[1];
        return (uint64_t)(offsets[array->offset + array->length] - offsets[array->offset]);
    }
    return 0;
}

uint64_t cli_array_bytes(const struct cli_column *column, const struct ArrowArray *array)
{
    uint64_t rows = (uint64_t)array->length;
    uint64_t total_bytes = (rows * value_bits(column) + 7) / 8 + data_bytes(column, array);
    if (array->null_count != 0 && array->n_buffers > 0 && array->buffers[0] != NULL) {
        total_bytes += (rows + 7) / 8;
    }
    for (size_t i = 0; i < column->child_count; i++) {
        total_bytes += cli_array_bytes(&column->children[i], array->children[i]);
    }
    return total_bytes;
}
