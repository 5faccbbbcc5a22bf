/* SPDX-License-Identifier: Apache-2.0 */
/* The rows that a client has bound, value by value (Arrow columnar: Physical memory layout).
 *
 * Arrays have been checked when they came, so offsets and indices are in range. Owner: an
 * execution. Thread class: one at a time. */
#include "sql/server/parameters.h"

#include <errno.h>
#include <string.h>

cflight_status cfl_sql_parameters_check(int64_t found_count, int64_t expected_count,
                                        cflight_error **reterr)
{
    if (expected_count < 0 || found_count == expected_count) {
        return CFLIGHT_OK;
    }
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                             "The statement has %lld parameters, and %lld columns are bound",
                             (long long)expected_count, (long long)found_count);
}

/* The type of the values, behind a dictionary. */
static const struct ArrowSchema *value_field(const struct ArrowSchema *field)
{
    return field->dictionary != NULL ? field->dictionary : field;
}

static cflight_status stream_error(struct ArrowArrayStream *stream, const char *what,
                                   cflight_error **reterr)
{
    const char *text = stream->get_last_error(stream);
    return cflight_error_set(reterr, CFLIGHT_INTERNAL, "%s: %s", what, text == NULL ? "" : text);
}

cflight_status cfl_sql_parameters_begin(struct cflight_sql_parameters *parameters,
                                        const struct cflight_allocator *alloc,
                                        struct ArrowArrayStream *stream, cflight_error **reterr)
{
    memset(parameters, 0, sizeof *parameters);
    parameters->alloc = alloc;
    parameters->stream = *stream;
    parameters->row = -1;
    stream->release = NULL;
    if (parameters->stream.get_schema(&parameters->stream, &parameters->schema) != 0) {
        return stream_error(&parameters->stream, "The bound rows have no schema", reterr);
    }
    size_t count = (size_t)parameters->schema.n_children;
    parameters->types = cfl_alloc_array(alloc, count, sizeof *parameters->types);
    if (count > 0 && parameters->types == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; i < count && status == CFLIGHT_OK; i++) {
        const struct ArrowSchema *field = value_field(parameters->schema.children[i]);
        status = cflight_type_parse(field->format, &parameters->types[i], reterr);
    }
    return status;
}

static void drop_batch(struct cflight_sql_parameters *parameters)
{
    if (parameters->batch.release != NULL) {
        parameters->batch.release(&parameters->batch);
    }
    parameters->row = -1;
}

void cfl_sql_parameters_done(struct cflight_sql_parameters *parameters)
{
    drop_batch(parameters);
    cfl_free_array(parameters->alloc, parameters->types, (size_t)parameters->schema.n_children,
                   sizeof *parameters->types);
    parameters->types = NULL;
    if (parameters->schema.release != NULL) {
        parameters->schema.release(&parameters->schema);
    }
    if (parameters->stream.release != NULL) {
        parameters->stream.release(&parameters->stream);
    }
}

cflight_status cflight_sql_parameters_next(cflight_sql_parameters *parameters, bool *ret_has_row,
                                           cflight_error **reterr)
{
    if (parameters->stream.release == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "The bound rows were taken as a stream");
    }
    parameters->row++;
    while (parameters->batch.release == NULL || parameters->row >= parameters->batch.length) {
        drop_batch(parameters);
        if (parameters->stream.get_next(&parameters->stream, &parameters->batch) != 0) {
            parameters->has_row = false;
            return stream_error(&parameters->stream, "The bound rows cannot be read", reterr);
        }
        if (parameters->batch.release == NULL) {
            parameters->has_row = false;
            *ret_has_row = false;
            return CFLIGHT_OK;
        }
        parameters->row = 0;
    }
    parameters->has_row = true;
    *ret_has_row = true;
    return CFLIGHT_OK;
}

size_t cflight_sql_parameters_ready(const cflight_sql_parameters *parameters)
{
    return parameters->batch.release == NULL
               ? 0
               : (size_t)(parameters->batch.length - parameters->row - 1);
}

size_t cflight_sql_parameters_count(const cflight_sql_parameters *parameters)
{
    return (size_t)parameters->schema.n_children;
}

cflight_status cflight_sql_parameters_stream(cflight_sql_parameters *parameters,
                                             struct ArrowArrayStream *ret_stream,
                                             cflight_error **reterr)
{
    if (parameters->stream.release == NULL || parameters->batch.release != NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "The bound rows were read, or taken, before");
    }
    *ret_stream = parameters->stream;
    parameters->stream.release = NULL;
    return CFLIGHT_OK;
}

/* ---- values ---- */

static bool bit_at(const void *bits, int64_t index)
{
    return (((const uint8_t *)bits)[index / 8] >> (index % 8) & 1) != 0;
}

static bool is_null(const struct ArrowArray *array, const struct cflight_type *type, int64_t index)
{
    if (type->id == CFLIGHT_TYPE_NULL) {
        return true;
    }
    bool has_bitmap = array->n_buffers > 0 && type->id != CFLIGHT_TYPE_SPARSE_UNION &&
                      type->id != CFLIGHT_TYPE_DENSE_UNION &&
                      type->id != CFLIGHT_TYPE_RUN_END_ENCODED;
    return has_bitmap && array->null_count != 0 && array->buffers[0] != NULL &&
           !bit_at(array->buffers[0], index);
}

static int64_t read_signed(const void *data, int32_t width_bytes, int64_t index)
{
    switch (width_bytes) {
    case 1:
        return ((const int8_t *)data)[index];
    case 2:
        return ((const int16_t *)data)[index];
    case 4:
        return ((const int32_t *)data)[index];
    default:
        return ((const int64_t *)data)[index];
    }
}

static uint64_t read_unsigned(const void *data, int32_t width_bytes, int64_t index)
{
    switch (width_bytes) {
    case 1:
        return ((const uint8_t *)data)[index];
    case 2:
        return ((const uint16_t *)data)[index];
    case 4:
        return ((const uint32_t *)data)[index];
    default:
        return ((const uint64_t *)data)[index];
    }
}

/* IEEE 754 binary16. */
static double read_half(const void *data, int64_t index)
{
    uint16_t bits = ((const uint16_t *)data)[index];
    int exponent = bits >> 10 & 31;
    double fraction = (bits & 1023) / 1024.0;
    double magnitude = 0;
    if (exponent == 31) {
        magnitude = fraction == 0 ? (double)__builtin_inff() : (double)__builtin_nanf("");
    } else if (exponent == 0) {
        magnitude = fraction / 16384.0;
    } else {
        magnitude = (1 + fraction) * (exponent >= 15 ? (double)(1 << (exponent - 15))
                                                     : 1.0 / (double)(1 << (15 - exponent)));
    }
    return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

static struct cflight_bytes read_text(const struct ArrowArray *array, bool is_large, int64_t index)
{
    int64_t start = is_large ? ((const int64_t *)array->buffers[1])[index]
                             : ((const int32_t *)array->buffers[1])[index];
    int64_t end = is_large ? ((const int64_t *)array->buffers[1])[index + 1]
                           : ((const int32_t *)array->buffers[1])[index + 1];
    const uint8_t *data = array->buffers[2];
    return end == start ? cflight_bytes_make("", 0)
                        : cflight_bytes_make(data + start, (size_t)(end - start));
}

/* Of a view: up to 12 bytes are in it, others lie in a buffer that it names. */
static struct cflight_bytes read_view(const struct ArrowArray *array, int64_t index)
{
    const uint8_t *view = (const uint8_t *)array->buffers[1] + 16 * index;
    int32_t words[4];
    memcpy(words, view, sizeof words);
    if (words[0] <= 12) {
        return cflight_bytes_make(view + 4, (size_t)words[0]);
    }
    const uint8_t *data = array->buffers[2 + words[2]];
    return cflight_bytes_make(data + words[3], (size_t)words[0]);
}

static void read_integer(const struct cflight_type *type, const void *data, int64_t index,
                         struct cflight_sql_value *value)
{
    bool is_unsigned = type->id == CFLIGHT_TYPE_UINT8 || type->id == CFLIGHT_TYPE_UINT16 ||
                       type->id == CFLIGHT_TYPE_UINT32 || type->id == CFLIGHT_TYPE_UINT64;
    value->kind = CFLIGHT_SQL_VALUE_INT;
    if (!is_unsigned) {
        value->integer = read_signed(data, type->value_bytes, index);
        return;
    }
    uint64_t number = read_unsigned(data, type->value_bytes, index);
    if (number > INT64_MAX) {
        value->kind = CFLIGHT_SQL_VALUE_UINT;
        value->unsigned_integer = number;
    } else {
        value->integer = (int64_t)number;
    }
}

static void read_value(const struct cflight_type *type, const struct ArrowArray *array,
                       int64_t index, struct cflight_sql_value *value)
{
    const void *data = array->n_buffers > 1 ? array->buffers[1] : NULL;
    switch ((int)type->id) {
    case CFLIGHT_TYPE_BOOL:
        value->kind = CFLIGHT_SQL_VALUE_BOOL;
        value->boolean = bit_at(data, index);
        break;
    case CFLIGHT_TYPE_FLOAT16:
        value->kind = CFLIGHT_SQL_VALUE_DOUBLE;
        value->real = read_half(data, index);
        break;
    case CFLIGHT_TYPE_FLOAT32:
        value->kind = CFLIGHT_SQL_VALUE_DOUBLE;
        value->real = (double)((const float *)data)[index];
        break;
    case CFLIGHT_TYPE_FLOAT64:
        value->kind = CFLIGHT_SQL_VALUE_DOUBLE;
        value->real = ((const double *)data)[index];
        break;
    case CFLIGHT_TYPE_UTF8:
    case CFLIGHT_TYPE_LARGE_UTF8:
        value->kind = CFLIGHT_SQL_VALUE_TEXT;
        value->bytes = read_text(array, type->id == CFLIGHT_TYPE_LARGE_UTF8, index);
        break;
    case CFLIGHT_TYPE_UTF8_VIEW:
        value->kind = CFLIGHT_SQL_VALUE_TEXT;
        value->bytes = read_view(array, index);
        break;
    case CFLIGHT_TYPE_BINARY:
    case CFLIGHT_TYPE_LARGE_BINARY:
        value->kind = CFLIGHT_SQL_VALUE_BYTES;
        value->bytes = read_text(array, type->id == CFLIGHT_TYPE_LARGE_BINARY, index);
        break;
    case CFLIGHT_TYPE_BINARY_VIEW:
        value->kind = CFLIGHT_SQL_VALUE_BYTES;
        value->bytes = read_view(array, index);
        break;
    case CFLIGHT_TYPE_FIXED_SIZE_BINARY:
        value->kind = CFLIGHT_SQL_VALUE_BYTES;
        value->bytes = cflight_bytes_make((const uint8_t *)data + index * type->value_bytes,
                                          (size_t)type->value_bytes);
        break;
    case CFLIGHT_TYPE_INT8:
    case CFLIGHT_TYPE_UINT8:
    case CFLIGHT_TYPE_INT16:
    case CFLIGHT_TYPE_UINT16:
    case CFLIGHT_TYPE_INT32:
    case CFLIGHT_TYPE_UINT32:
    case CFLIGHT_TYPE_INT64:
    case CFLIGHT_TYPE_UINT64:
    case CFLIGHT_TYPE_DATE32:
    case CFLIGHT_TYPE_DATE64:
    case CFLIGHT_TYPE_TIME32:
    case CFLIGHT_TYPE_TIME64:
    case CFLIGHT_TYPE_TIMESTAMP:
    case CFLIGHT_TYPE_DURATION:
        read_integer(type, data, index, value);
        break;
    default:
        value->kind = CFLIGHT_SQL_VALUE_OTHER;
        break;
    }
}

cflight_status cflight_sql_parameters_value(const cflight_sql_parameters *parameters, size_t column,
                                            struct cflight_sql_value *ret_value,
                                            cflight_error **reterr)
{
    size_t count = cflight_sql_parameters_count(parameters);
    if (!parameters->has_row) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "There is no row of parameters");
    }
    if (column >= count) {
        return cflight_error_set(reterr, CFLIGHT_OUT_OF_RANGE,
                                 "Parameter %zu is past the end: there are %zu", column, count);
    }
    const struct ArrowArray *array = parameters->batch.children[column];
    const struct ArrowSchema *field = parameters->schema.children[column];
    int64_t index = parameters->batch.offset + parameters->row + array->offset;
    struct cflight_sql_value value = {.kind = CFLIGHT_SQL_VALUE_NULL};
    if (field->dictionary != NULL) {
        struct cflight_type indices;
        cflight_status status = cflight_type_parse(field->format, &indices, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        bool has_value = !is_null(array, &indices, index);
        struct cflight_sql_value place = {.integer = 0};
        if (has_value) {
            read_integer(&indices, array->buffers[1], index, &place);
        }
        index = place.integer;
        array = array->dictionary;
        index += array->offset;
        field = field->dictionary;
        if (!has_value) {
            value.field = field;
            *ret_value = value;
            return CFLIGHT_OK;
        }
    }
    value.field = field;
    value.array = array;
    value.row = index - array->offset;
    if (!is_null(array, &parameters->types[column], index)) {
        read_value(&parameters->types[column], array, index, &value);
    }
    *ret_value = value;
    return CFLIGHT_OK;
}
