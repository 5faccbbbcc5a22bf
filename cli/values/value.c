/* SPDX-License-Identifier: Apache-2.0 */
/* Finds a value in an array and prints it.
 *
 * Buffers are laid out as the Arrow columnar format says ("Physical memory layout"); every access
 * adds the array's own offset. Little-endian hosts only, as the rest of cflight. Values of 64-bit
 * integers inside structs of day and nanoseconds are loaded with memcpy, so no alignment is assumed
 * beyond that of the buffers. */
#include "cli/values/value.h"

#include <string.h>

/* What remains of a column after dictionaries and runs were looked through. */
struct place {
    const struct cli_column *column;
    const struct ArrowArray *array;
    int64_t index;
    bool is_null;
};

static bool bit_is_set(const void *bitmap, int64_t index)
{
    return (((const uint8_t *)bitmap)[index / 8] >> (index % 8) & 1) != 0;
}

static bool has_validity(enum cflight_type_id type)
{
    return type != CFLIGHT_TYPE_NULL && type != CFLIGHT_TYPE_SPARSE_UNION &&
           type != CFLIGHT_TYPE_DENSE_UNION && type != CFLIGHT_TYPE_RUN_END_ENCODED;
}

static bool is_null_here(const struct cli_column *column, const struct ArrowArray *array,
                         int64_t index)
{
    if (column->type.id == CFLIGHT_TYPE_NULL) {
        return true;
    }
    return has_validity(column->type.id) && array->null_count != 0 && array->n_buffers > 0 &&
           array->buffers[0] != NULL && !bit_is_set(array->buffers[0], array->offset + index);
}

static int64_t load_integer(enum cflight_type_id type, const void *buffer, int64_t index)
{
    switch ((int)type) {
    case CFLIGHT_TYPE_INT8:
        return ((const int8_t *)buffer)[index];
    case CFLIGHT_TYPE_UINT8:
        return ((const uint8_t *)buffer)[index];
    case CFLIGHT_TYPE_INT16:
        return ((const int16_t *)buffer)[index];
    case CFLIGHT_TYPE_UINT16:
        return ((const uint16_t *)buffer)[index];
    case CFLIGHT_TYPE_INT32:
        return ((const int32_t *)buffer)[index];
    case CFLIGHT_TYPE_UINT32:
        return ((const uint32_t *)buffer)[index];
    default:
        return ((const int64_t *)buffer)[index];
    }
}

/* The run that holds a logical row: the first whose end is past it ("Run-End Encoded Layout"). */
static int64_t find_run(const struct cli_column *column, const struct ArrowArray *array,
                        int64_t index)
{
    const struct ArrowArray *ends = array->children[0];
    int64_t row = array->offset + index;
    int64_t low = 0;
    int64_t high = ends->length - 1;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (load_integer(column->children[0].type.id, ends->buffers[1], ends->offset + middle) >
            row) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* The child that holds a union's value ("Union Layout"). False for a type id that is not declared.
 */
static bool enter_union(struct place *place)
{
    const struct cli_column *column = place->column;
    const struct ArrowArray *array = place->array;
    int64_t index = array->offset + place->index;
    int8_t id = ((const int8_t *)array->buffers[0])[index];
    int child = id < 0 ? -1 : column->type.union_child[id];
    if (child < 0) {
        return false;
    }
    if (column->type.id == CFLIGHT_TYPE_DENSE_UNION) {
        index = ((const int32_t *)array->buffers[1])[index];
    }
    place->column = &column->children[child];
    place->array = array->children[child];
    place->index = index;
    return true;
}

/* Looks through dictionaries, runs and unions until there is a value of its own, or null. */
static struct place find_value(const struct cli_column *column, const struct ArrowArray *array,
                               int64_t index)
{
    struct place place = {.column = column, .array = array, .index = index};
    for (;;) {
        place.is_null = is_null_here(place.column, place.array, place.index);
        if (place.is_null) {
            return place;
        }
        if (place.column->dictionary != NULL) {
            int64_t code = load_integer(place.column->type.id, place.array->buffers[1],
                                        place.array->offset + place.index);
            place = (struct place){place.column->dictionary, place.array->dictionary, code, false};
        } else if (place.column->type.id == CFLIGHT_TYPE_RUN_END_ENCODED) {
            int64_t run = find_run(place.column, place.array, place.index);
            place =
                (struct place){&place.column->children[1], place.array->children[1], run, false};
        } else if (place.column->type.id == CFLIGHT_TYPE_SPARSE_UNION ||
                   place.column->type.id == CFLIGHT_TYPE_DENSE_UNION) {
            if (!enter_union(&place)) {
                place.is_null = true;
                return place;
            }
        } else {
            return place;
        }
    }
}

bool cli_value_is_null(const struct cli_column *column, const struct ArrowArray *array,
                       int64_t index)
{
    return find_value(column, array, index).is_null;
}

/* A view: length, then either the bytes themselves or a prefix, a buffer number and an offset
 * ("Variable-size Binary View Layout"). */
static struct cflight_bytes view_bytes(const struct ArrowArray *array, int64_t index)
{
    enum { VIEW_BYTES = 16, INLINE_MAX = 12, VARIADIC_FIRST = 2 };
    const uint8_t *view = (const uint8_t *)array->buffers[1] + index * VIEW_BYTES;
    int32_t len_bytes = 0;
    int32_t buffer_index = 0;
    int32_t offset = 0;
    memcpy(&len_bytes, view, sizeof len_bytes);
    if (len_bytes <= INLINE_MAX) {
        return cflight_bytes_make(view + 4, (size_t)len_bytes);
    }
    memcpy(&buffer_index, view + 8, sizeof buffer_index);
    memcpy(&offset, view + 12, sizeof offset);
    const uint8_t *data = array->buffers[VARIADIC_FIRST + buffer_index];
    return cflight_bytes_make(data + offset, (size_t)len_bytes);
}

/* The bytes of a binary or text value. */
static struct cflight_bytes value_bytes(const struct place *place)
{
    const struct ArrowArray *array = place->array;
    enum cflight_type_id type = place->column->type.id;
    int64_t index = array->offset + place->index;
    if (type == CFLIGHT_TYPE_FIXED_SIZE_BINARY) {
        const uint8_t *data = array->buffers[1];
        size_t size_bytes = (size_t)place->column->type.value_bytes;
        return cflight_bytes_make(size_bytes == 0 ? NULL : data + (size_t)index * size_bytes,
                                  size_bytes);
    }
    if (type == CFLIGHT_TYPE_BINARY_VIEW || type == CFLIGHT_TYPE_UTF8_VIEW) {
        return view_bytes(array, index);
    }
    int64_t start = cli_column_offset(place->column, array, 1, place->index);
    int64_t end = cli_column_offset(place->column, array, 1, place->index + 1);
    if (start == end) {
        return cflight_bytes_make(NULL, 0);
    }
    return cflight_bytes_make((const uint8_t *)array->buffers[2] + start, (size_t)(end - start));
}

/* First item and number of items of a list value. */
static void list_range(const struct place *place, int64_t *ret_start, int64_t *ret_count)
{
    const struct ArrowArray *array = place->array;
    enum cflight_type_id type = place->column->type.id;
    if (type == CFLIGHT_TYPE_FIXED_SIZE_LIST) {
        *ret_count = place->column->type.list_size;
        *ret_start = (array->offset + place->index) * *ret_count;
        return;
    }
    bool is_view = type == CFLIGHT_TYPE_LIST_VIEW || type == CFLIGHT_TYPE_LARGE_LIST_VIEW;
    *ret_start = cli_column_offset(place->column, array, 1, place->index);
    *ret_count = is_view
                     ? cli_column_offset(place->column, array, 2, place->index)
                     : cli_column_offset(place->column, array, 1, place->index + 1) - *ret_start;
}

static void append_list(struct cli_text *text, const struct place *place)
{
    int64_t start = 0;
    int64_t count = 0;
    list_range(place, &start, &count);
    cli_text_append_char(text, '[');
    for (int64_t i = 0; i < count && !text->failed; i++) {
        if (i > 0) {
            cli_text_append_char(text, ',');
        }
        cli_value_append_json(text, &place->column->children[0], place->array->children[0],
                              start + i);
    }
    cli_text_append_char(text, ']');
}

static void append_struct(struct cli_text *text, const struct place *place)
{
    int64_t index = place->array->offset + place->index;
    cli_text_append_char(text, '{');
    for (size_t i = 0; i < place->column->child_count; i++) {
        const struct cli_column *child = &place->column->children[i];
        if (i > 0) {
            cli_text_append_char(text, ',');
        }
        cli_bytes_append_json(text, cflight_bytes_from_text(child->key));
        cli_text_append_char(text, ':');
        cli_value_append_json(text, child, place->array->children[i], index);
    }
    cli_text_append_char(text, '}');
}

/* A map: a list of {"key": ..., "value": ...}, whatever the producer called the two fields. */
static void append_map(struct cli_text *text, const struct place *place)
{
    const struct cli_column *entry = &place->column->children[0];
    const struct ArrowArray *entries = place->array->children[0];
    int64_t start = 0;
    int64_t count = 0;
    list_range(place, &start, &count);
    cli_text_append_char(text, '[');
    for (int64_t i = 0; i < count && !text->failed; i++) {
        int64_t index = entries->offset + start + i;
        cli_text_append_string(text, i > 0 ? ",{\"key\":" : "{\"key\":");
        cli_value_append_json(text, &entry->children[0], entries->children[0], index);
        cli_text_append_string(text, ",\"value\":");
        cli_value_append_json(text, &entry->children[1], entries->children[1], index);
        cli_text_append_char(text, '}');
    }
    cli_text_append_char(text, ']');
}

/* Fraction digits of the unit of a time. */
static int digits_of(const struct cli_column *column)
{
    return 3 * (int)column->type.unit;
}

static void append_interval(struct cli_text *text, const struct place *place)
{
    const struct cli_column *column = place->column;
    int64_t index = place->array->offset + place->index;
    const uint8_t *data = place->array->buffers[1];
    int32_t parts[2] = {0, 0};
    int64_t nanoseconds = 0;
    if (column->type.id == CFLIGHT_TYPE_INTERVAL_MONTHS) {
        cli_time_append_interval(text, ((const int32_t *)place->array->buffers[1])[index], 0, 0, 0);
    } else if (column->type.id == CFLIGHT_TYPE_INTERVAL_DAY_TIME) {
        memcpy(parts, data + index * 8, sizeof parts);
        cli_time_append_interval(text, 0, parts[0], parts[1], digits_of(column));
    } else {
        memcpy(parts, data + index * 16, sizeof parts);
        memcpy(&nanoseconds, data + index * 16 + 8, sizeof nanoseconds);
        cli_time_append_interval(text, parts[0], parts[1], nanoseconds, digits_of(column));
    }
}

/* Milliseconds since 1970: a whole number of days in valid data, otherwise printed with its time.
 */
static void append_date64(struct cli_text *text, int64_t milliseconds)
{
    enum { MILLISECONDS_PER_DAY = 86400000 };
    if (milliseconds % MILLISECONDS_PER_DAY == 0) {
        cli_time_append_date(text, milliseconds / MILLISECONDS_PER_DAY);
    } else {
        cli_time_append_timestamp(text, milliseconds, 3, false);
    }
}

/* Kinds whose plain text is not a JSON number or literal: they are quoted in JSON. */
static void append_temporal(struct cli_text *text, const struct place *place)
{
    const struct cli_column *column = place->column;
    int64_t index = place->array->offset + place->index;
    const void *data = place->array->buffers[1];
    switch ((int)column->type.id) {
    case CFLIGHT_TYPE_DATE32:
        cli_time_append_date(text, ((const int32_t *)data)[index]);
        break;
    case CFLIGHT_TYPE_DATE64:
        append_date64(text, ((const int64_t *)data)[index]);
        break;
    case CFLIGHT_TYPE_TIME32:
        cli_time_append(text, ((const int32_t *)data)[index], digits_of(column));
        break;
    case CFLIGHT_TYPE_TIME64:
        cli_time_append(text, ((const int64_t *)data)[index], digits_of(column));
        break;
    case CFLIGHT_TYPE_TIMESTAMP:
        cli_time_append_timestamp(text, ((const int64_t *)data)[index], digits_of(column),
                                  column->has_zone);
        break;
    case CFLIGHT_TYPE_DURATION:
        cli_time_append_duration(text, ((const int64_t *)data)[index], digits_of(column));
        break;
    default:
        append_interval(text, place);
        break;
    }
}

static void append_number(struct cli_text *text, const struct place *place)
{
    int64_t index = place->array->offset + place->index;
    const void *data = place->array->buffers[1];
    switch ((int)place->column->type.id) {
    case CFLIGHT_TYPE_BOOL:
        cli_text_append_string(text, bit_is_set(data, index) ? "true" : "false");
        break;
    case CFLIGHT_TYPE_UINT64:
        cli_number_append_uint64(text, ((const uint64_t *)data)[index]);
        break;
    case CFLIGHT_TYPE_FLOAT16:
        cli_number_append_float16(text, ((const uint16_t *)data)[index]);
        break;
    case CFLIGHT_TYPE_FLOAT32:
        cli_number_append_float32(text, ((const float *)data)[index]);
        break;
    case CFLIGHT_TYPE_FLOAT64:
        cli_number_append_float64(text, ((const double *)data)[index]);
        break;
    case CFLIGHT_TYPE_DECIMAL:
        cli_decimal_append(text, (const uint8_t *)data + index * place->column->type.value_bytes,
                           (size_t)place->column->type.value_bytes, place->column->type.scale);
        break;
    default:
        cli_number_append_int64(text, load_integer(place->column->type.id, data, index));
        break;
    }
}

static bool is_binary(enum cflight_type_id type)
{
    return type >= CFLIGHT_TYPE_BINARY && type <= CFLIGHT_TYPE_FIXED_SIZE_BINARY;
}

static bool is_utf8(enum cflight_type_id type)
{
    return type >= CFLIGHT_TYPE_UTF8 && type <= CFLIGHT_TYPE_UTF8_VIEW;
}

static bool is_temporal(enum cflight_type_id type)
{
    return type >= CFLIGHT_TYPE_DATE32 && type <= CFLIGHT_TYPE_INTERVAL_MONTH_DAY_NANO;
}

static void append_nested(struct cli_text *text, const struct place *place)
{
    if (place->column->type.id == CFLIGHT_TYPE_STRUCT) {
        append_struct(text, place);
    } else if (place->column->type.id == CFLIGHT_TYPE_MAP) {
        append_map(text, place);
    } else {
        append_list(text, place);
    }
}

struct cflight_bytes cli_value_bytes(const struct cli_column *column,
                                     const struct ArrowArray *array, int64_t index)
{
    struct place place = find_value(column, array, index);
    enum cflight_type_id type = place.column->type.id;
    return !place.is_null && (is_binary(type) || is_utf8(type)) ? value_bytes(&place)
                                                                : cflight_bytes_make(NULL, 0);
}

void cli_value_append_plain(struct cli_text *text, const struct cli_column *column,
                            const struct ArrowArray *array, int64_t index)
{
    struct place place = find_value(column, array, index);
    if (place.is_null) {
        return;
    }
    if (is_utf8(place.column->type.id)) {
        struct cflight_bytes bytes = value_bytes(&place);
        cli_text_append(text, bytes.data, bytes.len_bytes);
    } else if (is_binary(place.column->type.id)) {
        cli_bytes_append_hex(text, value_bytes(&place));
    } else if (is_temporal(place.column->type.id)) {
        append_temporal(text, &place);
    } else if (place.column->type.id >= CFLIGHT_TYPE_LIST) {
        append_nested(text, &place);
    } else {
        append_number(text, &place);
    }
}

/* Decimals are strings in JSON, so that no reader rounds them; so are NaN and the infinities, which
 * JSON lacks. */
static void append_json_number(struct cli_text *text, const struct place *place)
{
    size_t start = text->len_bytes;
    append_number(text, place);
    if (text->failed) {
        return;
    }
    char first = text->data[start] == '-' ? text->data[start + 1] : text->data[start];
    bool is_word = first == 'N' || first == 'I';
    if (!is_word && place->column->type.id != CFLIGHT_TYPE_DECIMAL) {
        return;
    }
    cli_text_append_char(text, '"');
    if (cli_text_reserve(text, 1)) {
        memmove(text->data + start + 1, text->data + start, text->len_bytes - start);
        text->data[start] = '"';
        text->len_bytes++;
    }
}

void cli_value_append_json(struct cli_text *text, const struct cli_column *column,
                           const struct ArrowArray *array, int64_t index)
{
    struct place place = find_value(column, array, index);
    if (place.is_null) {
        cli_text_append_string(text, "null");
    } else if (is_utf8(place.column->type.id)) {
        cli_bytes_append_json(text, value_bytes(&place));
    } else if (is_binary(place.column->type.id)) {
        cli_text_append_char(text, '"');
        cli_bytes_append_base64(text, value_bytes(&place));
        cli_text_append_char(text, '"');
    } else if (is_temporal(place.column->type.id)) {
        cli_text_append_char(text, '"');
        append_temporal(text, &place);
        cli_text_append_char(text, '"');
    } else if (place.column->type.id >= CFLIGHT_TYPE_LIST) {
        append_nested(text, &place);
    } else {
        append_json_number(text, &place);
    }
}
