/* SPDX-License-Identifier: Apache-2.0 */
/* Appending values to the columns of a builder.
 *
 * Every value begins with cfl_builder_begin_value(), which looks at the bound and writes the
 * validity bit; what follows writes offsets and content. Thread class: one at a time. (Arrow
 * columnar: Physical memory layout) */
#include <string.h>

#include "base/utf8.h"
#include "ipc/builder_internal.h"

static void fail_memory(cflight_column *column)
{
    cfl_builder_fail(column, CFLIGHT_RESOURCE_EXHAUSTED, "out of memory");
}

/* ---- validity ---- */

static bool append_bit(struct cfl_buf *bits, int64_t index, bool is_set)
{
    if (index % 8 == 0 && !cfl_buf_append_u8(bits, 0)) {
        return false;
    }
    if (is_set) {
        bits->data[index / 8] |= (uint8_t)(1u << index % 8);
    }
    return true;
}

/* Makes the bitmap of a column that had no null so far. */
static bool begin_validity(cflight_column *column)
{
    size_t map_bytes = (size_t)(column->length + 7) / 8;
    uint8_t *target = cfl_buf_space(&column->validity, map_bytes + 1);
    if (target == NULL) {
        return false;
    }
    memset(target, 0xFF, map_bytes);
    if (column->length % 8 != 0) {
        target[map_bytes - 1] = (uint8_t)((1u << column->length % 8) - 1);
    }
    cfl_buf_add_len(&column->validity, map_bytes);
    return true;
}

bool cfl_builder_begin_value(cflight_column *column, bool is_valid, size_t len_bytes)
{
    cflight_builder *builder = column->builder;
    if (builder->failure != NULL) {
        return false;
    }
    uint64_t left_bytes = builder->bytes_max - builder->used_bytes;
    if (len_bytes > left_bytes) {
        cfl_builder_fail(column, CFLIGHT_RESOURCE_EXHAUSTED,
                         "the batch would have more than %llu bytes",
                         (unsigned long long)builder->bytes_max);
        return false;
    }
    if (column->length == INT32_MAX - 1) {
        cfl_builder_fail(column, CFLIGHT_RESOURCE_EXHAUSTED, "more than 2147483646 values");
        return false;
    }
    bool has_map = column->null_count > 0;
    if ((!has_map && !is_valid && !begin_validity(column)) ||
        ((has_map || !is_valid) && !append_bit(&column->validity, column->length, is_valid))) {
        fail_memory(column);
        return false;
    }
    builder->used_bytes += len_bytes;
    column->null_count += is_valid ? 0 : 1;
    column->length++;
    return true;
}

/* ---- values of fixed size ---- */

/* Ends a value: what was written to the buffers has memory. */
static void end_value(cflight_column *column)
{
    if (column->values.failed || column->offsets.failed) {
        fail_memory(column);
    }
}

static void fail_kind(cflight_column *column, const char *what)
{
    cfl_builder_fail(column, CFLIGHT_INVALID_ARGUMENT, "%s does not fit the type of the column",
                     what);
}

static void append_fixed(cflight_column *column, const void *value, size_t value_bytes)
{
    if (cfl_builder_begin_value(column, true, value_bytes)) {
        (void)cfl_buf_append(&column->values, value, value_bytes);
        end_value(column);
    }
}

void cflight_append_bool(cflight_column *column, bool value)
{
    if (column == NULL) {
        return;
    }
    if (column->field->type.layout != CFL_LAYOUT_BOOL) {
        fail_kind(column, "a boolean");
        return;
    }
    if (cfl_builder_begin_value(column, true, 1) &&
        !append_bit(&column->values, column->length - 1, value)) {
        fail_memory(column);
    }
}

static bool takes_integers(const struct cfl_type *type)
{
    return type->id == CFL_TYPE_INT || type->id == CFL_TYPE_DATE || type->id == CFL_TYPE_TIME ||
           type->id == CFL_TYPE_TIMESTAMP || type->id == CFL_TYPE_DURATION ||
           (type->id == CFL_TYPE_INTERVAL && type->width_bytes == 4);
}

/* A number as two's complement bits, which is in the range of the type already. */
static void append_bits(cflight_column *column, uint64_t bits)
{
    uint8_t narrow8 = (uint8_t)bits;
    uint16_t narrow16 = (uint16_t)bits;
    uint32_t narrow32 = (uint32_t)bits;
    switch (column->field->type.width_bytes) {
    case 1:
        append_fixed(column, &narrow8, sizeof narrow8);
        break;
    case 2:
        append_fixed(column, &narrow16, sizeof narrow16);
        break;
    case 4:
        append_fixed(column, &narrow32, sizeof narrow32);
        break;
    default:
        append_fixed(column, &bits, sizeof bits);
        break;
    }
}

static bool is_unsigned(const struct cfl_type *type)
{
    return type->id == CFL_TYPE_INT && !type->is_signed;
}

void cflight_append_int(cflight_column *column, int64_t value)
{
    if (column == NULL) {
        return;
    }
    const struct cfl_type *type = &column->field->type;
    if (!takes_integers(type)) {
        fail_kind(column, "an integer");
        return;
    }
    if (is_unsigned(type) && value >= 0) {
        cflight_append_uint(column, (uint64_t)value);
        return;
    }
    int64_t max = INT64_MAX >> (64 - 8 * type->width_bytes);
    if (is_unsigned(type) || value > max || value < -max - 1) {
        cfl_builder_fail(column, CFLIGHT_INVALID_ARGUMENT,
                         "%lld is out of the range of the column's type", (long long)value);
        return;
    }
    append_bits(column, (uint64_t)value);
}

void cflight_append_uint(cflight_column *column, uint64_t value)
{
    if (column == NULL) {
        return;
    }
    const struct cfl_type *type = &column->field->type;
    if (!takes_integers(type)) {
        fail_kind(column, "an integer");
        return;
    }
    uint64_t max = UINT64_MAX >> (64 - 8 * type->width_bytes + (is_unsigned(type) ? 0 : 1));
    if (value > max) {
        cfl_builder_fail(column, CFLIGHT_INVALID_ARGUMENT,
                         "%llu is out of the range of the column's type",
                         (unsigned long long)value);
        return;
    }
    append_bits(column, value);
}

void cflight_append_double(cflight_column *column, double value)
{
    if (column == NULL) {
        return;
    }
    const struct cfl_type *type = &column->field->type;
    float narrow = (float)value;
    if (type->id != CFL_TYPE_FLOATING_POINT || type->width_bytes < 4) {
        fail_kind(column, "a floating point number");
    } else if (type->width_bytes == 4) {
        append_fixed(column, &narrow, sizeof narrow);
    } else {
        append_fixed(column, &value, sizeof value);
    }
}

/* ---- texts, and where lists end ---- */

static bool has_wide_offsets(const cflight_column *column)
{
    return column->field->type.layout == CFL_LAYOUT_VARIABLE_64 ||
           column->field->type.layout == CFL_LAYOUT_LIST_64;
}

/* Appends where a text or list ends; the first also where it begins. */
static void append_offset(cflight_column *column, int64_t offset)
{
    int32_t narrow = (int32_t)offset;
    bool is_wide = has_wide_offsets(column);
    size_t offset_bytes = is_wide ? sizeof offset : sizeof narrow;
    if (column->offsets.len_bytes == 0) {
        (void)cfl_buf_append_zeros(&column->offsets, offset_bytes);
    }
    (void)cfl_buf_append(&column->offsets, is_wide ? (const void *)&offset : &narrow, offset_bytes);
}

static void append_variable(cflight_column *column, struct cflight_bytes value)
{
    bool is_text =
        column->field->type.id == CFL_TYPE_UTF8 || column->field->type.id == CFL_TYPE_LARGE_UTF8;
    if (is_text && !cfl_utf8_is_valid(value.data, value.len_bytes)) {
        cfl_builder_fail(column, CFLIGHT_INVALID_ARGUMENT, "a text is not UTF-8");
        return;
    }
    if (!has_wide_offsets(column) && value.len_bytes > INT32_MAX - column->values.len_bytes) {
        cfl_builder_fail(column, CFLIGHT_RESOURCE_EXHAUSTED,
                         "more than 2147483647 bytes, which is what the type can have");
        return;
    }
    if (cfl_builder_begin_value(column, true,
                                value.len_bytes + (has_wide_offsets(column) ? 8 : 4))) {
        (void)cfl_buf_append_bytes(&column->values, value);
        append_offset(column, (int64_t)column->values.len_bytes);
        end_value(column);
    }
}

void cflight_append_bytes(cflight_column *column, struct cflight_bytes value)
{
    if (column == NULL) {
        return;
    }
    const struct cfl_type *type = &column->field->type;
    if (value.data == NULL && value.len_bytes > 0) {
        cfl_builder_fail(column, CFLIGHT_INVALID_ARGUMENT, "bytes with a length and no data");
    } else if (type->layout == CFL_LAYOUT_VARIABLE_32 || type->layout == CFL_LAYOUT_VARIABLE_64) {
        append_variable(column, value);
    } else if (type->layout == CFL_LAYOUT_FIXED && !takes_integers(type)) {
        if (value.len_bytes != (size_t)type->width_bytes) {
            cfl_builder_fail(column, CFLIGHT_INVALID_ARGUMENT,
                             "%zu bytes, but a value of the type has %d", value.len_bytes,
                             (int)type->width_bytes);
            return;
        }
        append_fixed(column, value.data, value.len_bytes);
    } else {
        fail_kind(column, "a text or bytes");
    }
}

void cflight_append_text(cflight_column *column, const char *text)
{
    if (text == NULL) {
        cflight_append_null(column);
    } else {
        cflight_append_bytes(column, cflight_bytes_from_text(text));
    }
}

/* ---- nulls ---- */

/* Claims `count` values of a child for one of its parent. */
static bool claim(cflight_column *child, int64_t count)
{
    if (child->length - child->claimed_count != count) {
        cfl_builder_fail(child, CFLIGHT_INVALID_ARGUMENT,
                         "%lld values for one of its parent, not %lld",
                         (long long)(child->length - child->claimed_count), (long long)count);
        return false;
    }
    child->claimed_count += count;
    return true;
}

static void append_blank(cflight_column *column, bool is_valid);

/* Gives a blank struct or list of fixed size its `count` values of each child. */
static void append_blank_children(cflight_column *column, int32_t count)
{
    for (size_t i = 0; i < column->child_count; i++) {
        cflight_column *child = &column->children[i];
        if (!claim(child, 0)) {
            return;
        }
        for (int32_t k = 0; k < count; k++) {
            append_blank(child, !child->field->is_nullable);
        }
        child->claimed_count = child->length;
    }
}

/* Appends a value with no content, as is under a null. */
static void append_blank(cflight_column *column, bool is_valid)
{
    const struct cfl_type *type = &column->field->type;
    size_t width_bytes = type->layout == CFL_LAYOUT_FIXED ? (size_t)type->width_bytes : 4;
    if (type->layout == CFL_LAYOUT_DENSE_UNION) {
        cflight_column *first = cflight_column_child(column, 0);
        if (first != NULL) {
            append_blank(first, !first->field->is_nullable);
        }
        cflight_append_union(column, 0);
        return;
    }
    if (!cfl_builder_begin_value(column, is_valid, width_bytes)) {
        return;
    }
    switch (type->layout) {
    case CFL_LAYOUT_BOOL:
        if (!append_bit(&column->values, column->length - 1, false)) {
            fail_memory(column);
        }
        break;
    case CFL_LAYOUT_FIXED:
        (void)cfl_buf_append_zeros(&column->values, width_bytes);
        break;
    case CFL_LAYOUT_VARIABLE_32:
    case CFL_LAYOUT_VARIABLE_64:
        append_offset(column, (int64_t)column->values.len_bytes);
        break;
    case CFL_LAYOUT_LIST_32:
    case CFL_LAYOUT_LIST_64:
        append_offset(column, column->children[0].claimed_count);
        break;
    case CFL_LAYOUT_STRUCT:
        append_blank_children(column, 1);
        break;
    case CFL_LAYOUT_FIXED_LIST:
        append_blank_children(column, type->list_size);
        break;
    case CFL_LAYOUT_VIEW:
    case CFL_LAYOUT_LIST_VIEW_32:
    case CFL_LAYOUT_LIST_VIEW_64:
    case CFL_LAYOUT_SPARSE_UNION:
    case CFL_LAYOUT_DENSE_UNION:
    case CFL_LAYOUT_RUN_END_ENCODED:
    case CFL_LAYOUT_NULL:
    default:
        break;
    }
    end_value(column);
}

void cflight_append_null(cflight_column *column)
{
    if (column == NULL) {
        return;
    }
    enum cfl_layout layout = column->field->type.layout;
    if (layout == CFL_LAYOUT_DENSE_UNION) {
        cfl_builder_fail(column, CFLIGHT_INVALID_ARGUMENT,
                         "a union has no nulls but those of its members");
    } else if (!column->field->is_nullable) {
        cfl_builder_fail(column, CFLIGHT_INVALID_ARGUMENT, "null, in a field that is required");
    } else {
        append_blank(column, layout == CFL_LAYOUT_NULL);
    }
}

/* ---- nested values ---- */

void cflight_append_nested(cflight_column *column)
{
    if (column == NULL || column->builder->failure != NULL) {
        return;
    }
    const struct cfl_type *type = &column->field->type;
    bool is_list = type->layout == CFL_LAYOUT_LIST_32 || type->layout == CFL_LAYOUT_LIST_64;
    bool is_fixed = type->layout == CFL_LAYOUT_STRUCT || type->layout == CFL_LAYOUT_FIXED_LIST;
    if (!is_list && !is_fixed) {
        fail_kind(column, "a nested value");
        return;
    }
    for (size_t i = 0; i < column->child_count; i++) {
        cflight_column *child = &column->children[i];
        int64_t count = is_list                             ? child->length - child->claimed_count
                        : type->layout == CFL_LAYOUT_STRUCT ? 1
                                                            : type->list_size;
        if (!claim(child, count)) {
            return;
        }
    }
    if (cfl_builder_begin_value(column, true, is_list ? 8 : 0) && is_list) {
        append_offset(column, column->children[0].claimed_count);
        end_value(column);
    }
}

void cflight_append_union(cflight_column *column, size_t member)
{
    if (column == NULL || column->builder->failure != NULL) {
        return;
    }
    if (column->field->type.layout != CFL_LAYOUT_DENSE_UNION || member >= column->child_count) {
        fail_kind(column, "a value of a union");
        return;
    }
    cflight_column *child = &column->children[member];
    int32_t place = (int32_t)child->claimed_count;
    if (claim(child, 1) && cfl_builder_begin_value(column, true, 5)) {
        (void)cfl_buf_append_u8(&column->values, (uint8_t)column->field->type.union_ids[member]);
        (void)cfl_buf_append(&column->offsets, &place, sizeof place);
        end_value(column);
    }
}
