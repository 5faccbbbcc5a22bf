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

/* Bits of a row in the buffers of fixed width. */
static uint64_t row_bits(const struct cflight_type *type)
{
    switch ((int)type->id) {
    case CFLIGHT_TYPE_BOOL:
        return 1;
    case CFLIGHT_TYPE_SPARSE_UNION:
        return 8;
    case CFLIGHT_TYPE_BINARY:
    case CFLIGHT_TYPE_UTF8:
    case CFLIGHT_TYPE_LIST:
    case CFLIGHT_TYPE_MAP:
        return 32;
    case CFLIGHT_TYPE_DENSE_UNION:
        return 40;
    case CFLIGHT_TYPE_LARGE_BINARY:
    case CFLIGHT_TYPE_LARGE_UTF8:
    case CFLIGHT_TYPE_LARGE_LIST:
    case CFLIGHT_TYPE_LIST_VIEW:
        return 64;
    case CFLIGHT_TYPE_BINARY_VIEW:
    case CFLIGHT_TYPE_UTF8_VIEW:
    case CFLIGHT_TYPE_LARGE_LIST_VIEW:
        return 128;
    default:
        return (uint64_t)type->value_bytes * 8;
    }
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
    range.start = cli_column_offset(column, array, 1, rows->start);
    range.count = cli_column_offset(column, array, 1, rows->start + rows->count) - range.start;
    return range;
}

static bool has_data_buffer(enum cflight_type_id type)
{
    return type == CFLIGHT_TYPE_BINARY || type == CFLIGHT_TYPE_UTF8 ||
           type == CFLIGHT_TYPE_LARGE_BINARY || type == CFLIGHT_TYPE_LARGE_UTF8;
}

/* The rows of a child that the rows of its parent stand for. Layouts that point anywhere count the
 * whole child. */
static struct rows child_rows(const struct cli_column *column, const struct rows *rows,
                              size_t child)
{
    struct rows result = {.array = rows->array->children[child]};
    int64_t first = rows->array->offset + rows->start;
    if (column->type.id == CFLIGHT_TYPE_STRUCT || column->type.id == CFLIGHT_TYPE_SPARSE_UNION) {
        result.start = first;
        result.count = rows->count;
    } else if (column->type.id == CFLIGHT_TYPE_FIXED_SIZE_LIST) {
        result.start = first * column->type.list_size;
        result.count = rows->count * column->type.list_size;
    } else if (column->type.id == CFLIGHT_TYPE_LIST || column->type.id == CFLIGHT_TYPE_LARGE_LIST ||
               column->type.id == CFLIGHT_TYPE_MAP) {
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
    uint64_t total_bytes = bytes_of(rows->count, row_bits(&column->type));
    if (has_data_buffer(column->type.id)) {
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
