/* SPDX-License-Identifier: Apache-2.0 */
/* Single values of validated arrays: the types that the metadata of ADBC has, and their large
 * forms. Rows are counted without the offset of the array, which is added here. Thread class: free.
 * Arrow C data interface; Arrow columnar format. */
#include "adbc/gateway/cells.h"

#include <string.h>

struct gateway_column gateway_column_of(const struct ArrowSchema *schema,
                                        const struct ArrowArray *batch)
{
    return (struct gateway_column){schema, batch};
}

struct gateway_column gateway_column_member(struct gateway_column column, const char *name)
{
    if (column.field == NULL || strcmp(column.field->format, "+s") != 0) {
        return (struct gateway_column){NULL, NULL};
    }
    for (int64_t i = 0; i < column.field->n_children; i++) {
        const char *child = column.field->children[i]->name;
        if (child != NULL && strcmp(child, name) == 0) {
            return (struct gateway_column){column.field->children[i], column.array->children[i]};
        }
    }
    return (struct gateway_column){NULL, NULL};
}

static bool is_list(const struct ArrowSchema *field)
{
    return strcmp(field->format, "+l") == 0 || strcmp(field->format, "+L") == 0;
}

struct gateway_column gateway_column_items(struct gateway_column column)
{
    if (column.field == NULL || !is_list(column.field)) {
        return (struct gateway_column){NULL, NULL};
    }
    return (struct gateway_column){column.field->children[0], column.array->children[0]};
}

bool gateway_cell_is_null(struct gateway_column column, int64_t row)
{
    if (column.field == NULL) {
        return true;
    }
    const uint8_t *bits = column.array->n_buffers > 0 ? column.array->buffers[0] : NULL;
    int64_t place = row + column.array->offset;
    return bits != NULL && (bits[place / 8] >> (place % 8) & 1) == 0;
}

/* A pair of offsets of 4 or 8 bytes. */
static struct gateway_range read_offsets(struct gateway_column column, int64_t row, bool is_large)
{
    const char *offsets = column.array->buffers[1];
    int64_t place = row + column.array->offset;
    struct gateway_range range = {0, 0};
    if (is_large) {
        memcpy(&range.begin, offsets + place * 8, 8);
        memcpy(&range.end, offsets + (place + 1) * 8, 8);
    } else {
        int32_t small[2];
        memcpy(small, offsets + place * 4, sizeof small);
        range = (struct gateway_range){small[0], small[1]};
    }
    return range;
}

struct cflight_bytes gateway_cell_text(struct gateway_column column, int64_t row)
{
    struct cflight_bytes none = {NULL, 0};
    if (gateway_cell_is_null(column, row) || column.field->dictionary != NULL) {
        return none;
    }
    bool is_large = strcmp(column.field->format, "U") == 0;
    if (!is_large && strcmp(column.field->format, "u") != 0) {
        return none;
    }
    struct gateway_range range = read_offsets(column, row, is_large);
    const char *data = column.array->buffers[2];
    return cflight_bytes_make(data == NULL ? "" : data + range.begin,
                              (size_t)(range.end - range.begin));
}

bool gateway_cell_int(struct gateway_column column, int64_t row, int64_t *ret_value)
{
    if (gateway_cell_is_null(column, row) || column.field->dictionary != NULL ||
        column.field->format[1] != '\0') {
        return false;
    }
    const char *values = column.array->n_buffers > 1 ? column.array->buffers[1] : NULL;
    int64_t place = row + column.array->offset;
    union {
        int8_t small;
        uint8_t byte;
        int16_t medium;
        int32_t normal;
        uint32_t positive;
    } value;
    switch (column.field->format[0]) {
    case 'b':
        *ret_value = ((const uint8_t *)values)[place / 8] >> (place % 8) & 1;
        return true;
    case 'c':
        memcpy(&value.small, values + place, 1);
        *ret_value = value.small;
        return true;
    case 's':
        memcpy(&value.medium, values + place * 2, 2);
        *ret_value = value.medium;
        return true;
    case 'i':
        memcpy(&value.normal, values + place * 4, 4);
        *ret_value = value.normal;
        return true;
    case 'I':
        memcpy(&value.positive, values + place * 4, 4);
        *ret_value = value.positive;
        return true;
    case 'l':
        memcpy(ret_value, values + place * 8, 8);
        return true;
    default:
        return false;
    }
}

struct gateway_range gateway_cell_list(struct gateway_column column, int64_t row)
{
    if (gateway_cell_is_null(column, row) || !is_list(column.field)) {
        return (struct gateway_range){0, 0};
    }
    return read_offsets(column, row, column.field->format[1] == 'L');
}
