/* SPDX-License-Identifier: Apache-2.0 */
/* How many bytes the rows of an array take, for progress bars and reports. Reads offsets at the
 * ends of a column only, so the cost does not grow with the rows. */
#include "cli/values/column.h"

uint64_t cli_add_bytes(uint64_t a, uint64_t b)
{
    uint64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* Bytes of that many values. Rows without a buffer (nulls, lists of no items) may be any number. */
static uint64_t bytes_of(int64_t count, uint64_t bits)
{
    uint64_t total_bits = 0;
    if (__builtin_mul_overflow((uint64_t)count, bits, &total_bits)) {
        return UINT64_MAX;
    }
    return total_bits / 8 + (total_bits % 8 != 0 ? 1 : 0);
}

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

/* The part of an array that is meant: `start` counts from the array's own offset. */
struct rows {
    const struct ArrowArray *array;
    int64_t start;
    int64_t count;
};

/* What lies between the first and the last offset of the rows: bytes, or items of a list. */
static struct rows offset_range(const struct cli_column *column, const struct rows *rows)
{
    struct rows range = {0};
    const struct ArrowArray *array = rows->array;
    if (rows->count == 0 || array->n_buffers < 2 || array->buffers[1] == NULL) {
        return range;
    }
    int64_t first = array->offset + rows->start;
    if (column->kind == CLI_KIND_LARGE_BINARY || column->kind == CLI_KIND_LARGE_UTF8 ||
        column->kind == CLI_KIND_LARGE_LIST) {
        const int64_t *offsets = array->buffers[1];
        range.start = offsets[first];
        range.count = offsets[first + rows->count] - range.start;
    } else {
        const int32_t *offsets = array->buffers[1];
        range.start = offsets[first];
        range.count = offsets[first + rows->count] - range.start;
    }
    return range;
}

static bool has_data_buffer(enum cli_kind kind)
{
    return kind == CLI_KIND_BINARY || kind == CLI_KIND_UTF8 || kind == CLI_KIND_LARGE_BINARY ||
           kind == CLI_KIND_LARGE_UTF8;
}

/* The rows of a child that the rows of its parent stand for. Layouts that point anywhere count the
 * whole child. */
static struct rows child_rows(const struct cli_column *column, const struct rows *rows,
                              size_t child)
{
    struct rows result = {.array = rows->array->children[child]};
    int64_t first = rows->array->offset + rows->start;
    if (column->kind == CLI_KIND_STRUCT || column->kind == CLI_KIND_SPARSE_UNION) {
        result.start = first;
        result.count = rows->count;
    } else if (column->kind == CLI_KIND_FIXED_LIST) {
        result.start = first * column->size;
        result.count = rows->count * column->size;
    } else if (column->kind == CLI_KIND_LIST || column->kind == CLI_KIND_LARGE_LIST ||
               column->kind == CLI_KIND_MAP) {
        struct rows range = offset_range(column, rows);
        result.start = range.start;
        result.count = range.count;
    } else {
        result.count = result.array->length;
    }
    return result;
}

static uint64_t count_bytes(const struct cli_column *column, const struct rows *rows)
{
    const struct ArrowArray *array = rows->array;
    uint64_t total_bytes = bytes_of(rows->count, value_bits(column));
    if (has_data_buffer(column->kind)) {
        total_bytes = cli_add_bytes(total_bytes, (uint64_t)offset_range(column, rows).count);
    }
    if (array->null_count != 0 && array->n_buffers > 0 && array->buffers[0] != NULL) {
        total_bytes = cli_add_bytes(total_bytes, bytes_of(rows->count, 1));
    }
    for (size_t i = 0; i < column->child_count; i++) {
        struct rows child = child_rows(column, rows, i);
        total_bytes = cli_add_bytes(total_bytes, count_bytes(&column->children[i], &child));
    }
    return total_bytes;
}

uint64_t cli_array_bytes(const struct cli_column *column, const struct ArrowArray *array)
{
    struct rows rows = {array, 0, array->length};
    return count_bytes(column, &rows);
}
