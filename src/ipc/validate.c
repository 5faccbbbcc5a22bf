/* SPDX-License-Identifier: Apache-2.0 */
/* Validation of values, SAFE and FULL.
 *
 * The common case is one pass without branches over the whole buffer, which compilers turn into
 * vector code; only when it finds something are values looked at one by one, because what lies
 * under a null does not matter for indices, views and text. Offsets are checked under nulls too:
 * consumers subtract neighbours. The sign-bit trick: for numbers that are not negative, x <= limit
 * exactly when limit - x has no sign bit, so or-ing x and limit - x over all values and looking at
 * the sign bit once tells whether all were in range. Recursion is as deep as the schema, which is
 * bounded. Thread class: free. (Arrow columnar: Physical Memory Layout) */
#include "ipc/validate.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"
#include "ipc/bitmap.h"
#include "ipc/layout.h"
#include "ipc/run_ends.h"
#include "ipc/views.h"

enum { UNION_ID_COUNT = 256 };

/* Views may share data; the text that is read for them is bounded by this and a multiple of the
 * data. */
#define VIEW_TEXT_BYTES_MIN (UINT64_C(64) << 20)
#define VIEW_TEXT_FACTOR 16
#define HIGH_BITS UINT64_C(0x8080808080808080)

struct view {
    int32_t len_bytes;
    uint8_t prefix[CFL_VIEW_PREFIX_BYTES];
    int32_t buffer_index;
    int32_t offset;
};

static bool is_valid(const struct ArrowArray *array, int64_t index)
{
    return array->buffers[0] == NULL || cfl_bitmap_get(array->buffers[0], array->offset + index);
}

static cflight_status check_null_count(const struct ArrowArray *array, cflight_status bad_status,
                                       cflight_error **reterr)
{
    const uint8_t *bits = array->buffers[0];
    if (bits == NULL || array->null_count < 0) {
        return CFLIGHT_OK;
    }
    int64_t null_count = array->length - cfl_bitmap_count(bits, array->offset, array->length);
    if (null_count != array->null_count) {
        return cflight_error_set(reterr, bad_status,
                                 "null_count says %" PRId64 "; the validity bitmap has %" PRId64
                                 " nulls",
                                 array->null_count, null_count);
    }
    return CFLIGHT_OK;
}

/* All of offsets[0..count] ascend from at least 0. */
static bool ascends_32(const int32_t *offsets, int64_t count)
{
    const uint32_t *values = (const uint32_t *)offsets;
    uint32_t bits = values[0];
    for (int64_t i = 0; i < count; i++) {
        bits |= values[i + 1] | (values[i + 1] - values[i]);
    }
    return bits >> 31 == 0;
}

static bool ascends_64(const int64_t *offsets, int64_t count)
{
    const uint64_t *values = (const uint64_t *)offsets;
    uint64_t bits = values[0];
    for (int64_t i = 0; i < count; i++) {
        bits |= values[i + 1] | (values[i + 1] - values[i]);
    }
    return bits >> 63 == 0;
}

static cflight_status check_offsets(const struct ArrowArray *array, bool is_large,
                                    cflight_status bad_status, cflight_error **reterr)
{
    if (array->length == 0) {
        return CFLIGHT_OK;
    }
    bool ascends =
        is_large ? ascends_64((const int64_t *)array->buffers[1] + array->offset, array->length)
                 : ascends_32((const int32_t *)array->buffers[1] + array->offset, array->length);
    if (!ascends) {
        return cflight_error_set_message(reterr, bad_status, "offsets do not ascend");
    }
    return CFLIGHT_OK;
}

static int64_t offset_at(const struct ArrowArray *array, bool is_large, int64_t index)
{
    return cfl_load_offset(array->buffers[1], array->offset + index, is_large);
}

/* Without a branch, whatever is found. */
static bool all_start_32(const uint8_t *data, const int32_t *offsets, int64_t count)
{
    bool all_start = true;
    for (int64_t i = 0; i < count; i++) {
        all_start &= cfl_utf8_is_start(data[offsets[i]]);
    }
    return all_start;
}

static bool all_start_64(const uint8_t *data, const int64_t *offsets, int64_t count)
{
    bool all_start = true;
    for (int64_t i = 0; i < count; i++) {
        all_start &= cfl_utf8_is_start(data[offsets[i]]);
    }
    return all_start;
}

/* The text of all rows is valid as one, and no row begins inside a character. */
static bool is_text_as_one(const struct ArrowArray *array, bool is_large)
{
    const uint8_t *data = array->buffers[2];
    int64_t first = offset_at(array, is_large, 0);
    int64_t last = offset_at(array, is_large, array->length);
    if (first == last) {
        return true;
    }
    if (cfl_utf8_is_ascii(data + first, (size_t)(last - first))) {
        return true;
    }
    if (!cfl_utf8_is_valid(data + first, (size_t)(last - first))) {
        return false;
    }
    int64_t count = array->length; /* without the empty rows at the end */
    while (offset_at(array, is_large, count - 1) == last) {
        count--;
    }
    const void *offsets = array->buffers[1];
    return is_large ? all_start_64(data, (const int64_t *)offsets + array->offset, count)
                    : all_start_32(data, (const int32_t *)offsets + array->offset, count);
}

static cflight_status check_text(const struct ArrowArray *array, bool is_large,
                                 cflight_status bad_status, cflight_error **reterr)
{
    const uint8_t *data = array->buffers[2];
    if (array->length == 0 || is_text_as_one(array, is_large)) {
        return CFLIGHT_OK;
    }
    for (int64_t i = 0; i < array->length; i++) {
        int64_t first = offset_at(array, is_large, i);
        int64_t last = offset_at(array, is_large, i + 1);
        if (first < last && is_valid(array, i) &&
            !cfl_utf8_is_valid(data + first, (size_t)(last - first))) {
            return cflight_error_set(reterr, bad_status, "row %" PRId64 " is not valid UTF-8", i);
        }
    }
    return CFLIGHT_OK;
}

static cflight_status check_variable(const struct cfl_field *field, const struct ArrowArray *array,
                                     bool with_text, cflight_status bad_status,
                                     cflight_error **reterr)
{
    bool is_large = field->type.layout == CFL_LAYOUT_VARIABLE_64;
    bool is_text = field->type.id == CFL_TYPE_UTF8 || field->type.id == CFL_TYPE_LARGE_UTF8;
    cflight_status status = check_offsets(array, is_large, bad_status, reterr);
    return status != CFLIGHT_OK || !is_text || !with_text
               ? status
               : check_text(array, is_large, bad_status, reterr);
}

/* What is known about the data of a view array. */
struct view_data {
    const void *const *buffers;
    const int64_t *sizes;
    int64_t buffer_count;
    bool with_content; /* what long views show is looked at */
    bool is_text;
    bool is_whole_text;       /* each data buffer is valid UTF-8 as one */
    uint64_t text_bytes_left; /* that may still be looked at, one view after the other */
};

static struct view_data view_data_of(const struct ArrowArray *array, bool is_text,
                                     bool with_content)
{
    struct view_data data = {
        .buffers = array->buffers + CFL_VIEW_BUFFERS_BEFORE,
        .sizes = array->buffers[array->n_buffers - 1],
        .buffer_count = array->n_buffers - CFL_VIEW_BUFFERS_OTHER,
        .with_content = with_content,
        .is_text = is_text,
        .is_whole_text = is_text,
        .text_bytes_left = VIEW_TEXT_BYTES_MIN,
    };
    for (int64_t i = 0; is_text && i < data.buffer_count; i++) {
        uint64_t size_bytes = (uint64_t)data.sizes[i];
        data.is_whole_text =
            data.is_whole_text && cfl_utf8_is_valid(data.buffers[i], (size_t)size_bytes);
        data.text_bytes_left += size_bytes < UINT64_MAX / 64 ? size_bytes * VIEW_TEXT_FACTOR : 0;
    }
    return data;
}

static bool is_view_text(struct view_data *data, const uint8_t *text, size_t len_bytes,
                         const uint8_t *end)
{
    if (data->is_whole_text) {
        return cfl_utf8_is_start(text[0]) &&
               (text + len_bytes == end || cfl_utf8_is_start(text[len_bytes]));
    }
    if (len_bytes > data->text_bytes_left) {
        return false;
    }
    data->text_bytes_left -= len_bytes;
    return cfl_utf8_is_valid(text, len_bytes);
}

/* Looks at all twelve bytes at once; those after a short text are zero with most writers. */
static bool is_ascii_view(const uint8_t *bytes)
{
    uint64_t first;
    uint32_t last;
    memcpy(&first, bytes + CFL_VIEW_PREFIX_BYTES, sizeof first);
    memcpy(&last, bytes + CFL_VIEW_PREFIX_BYTES + sizeof first, sizeof last);
    return ((first | last) & HIGH_BITS) == 0;
}

static bool is_view(struct view_data *data, const uint8_t *bytes)
{
    struct view view;
    memcpy(&view, bytes, sizeof view);
    if (view.len_bytes < 0) {
        return false;
    }
    if (view.len_bytes <= CFL_VIEW_INLINE_BYTES_MAX) {
        return !data->is_text || is_ascii_view(bytes) ||
               cfl_utf8_is_valid(bytes + CFL_VIEW_PREFIX_BYTES, (size_t)view.len_bytes);
    }
    if (view.buffer_index < 0 || view.buffer_index >= data->buffer_count || view.offset < 0 ||
        (int64_t)view.offset + view.len_bytes > data->sizes[view.buffer_index]) {
        return false;
    }
    if (!data->with_content) {
        return true;
    }
    const uint8_t *buffer = data->buffers[view.buffer_index];
    const uint8_t *value = buffer + view.offset;
    if (memcmp(value, view.prefix, sizeof view.prefix) != 0) {
        return false;
    }
    return !data->is_text || is_view_text(data, value, (size_t)view.len_bytes,
                                          buffer + data->sizes[view.buffer_index]);
}

static cflight_status check_views(const struct cfl_field *field, const struct ArrowArray *array,
                                  bool with_text, cflight_status bad_status, cflight_error **reterr)
{
    bool is_text = with_text && field->type.id == CFL_TYPE_UTF8_VIEW;
    struct view_data data = view_data_of(array, is_text, with_text);
    const uint8_t *views = array->buffers[1];
    for (int64_t i = 0; i < array->length; i++) {
        if (!is_view(&data, views + (array->offset + i) * CFL_VIEW_BYTES) && is_valid(array, i)) {
            return cflight_error_set(reterr, bad_status,
                                     "the view of row %" PRId64 " does not lie in its %" PRId64
                                     " data buffers, has another prefix, or is not valid UTF-8",
                                     i, data.buffer_count);
        }
    }
    return CFLIGHT_OK;
}

static bool list_views_fit_32(const int32_t *offsets, const int32_t *sizes, int64_t count,
                              int64_t end)
{
    uint64_t bits = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t offset = offsets[i];
        int64_t size = sizes[i];
        bits |= (uint64_t)offset | (uint64_t)size | (uint64_t)(end - offset - size);
    }
    return bits >> 63 == 0;
}

static bool list_views_fit_64(const int64_t *offsets, const int64_t *sizes, int64_t count,
                              int64_t end)
{
    uint64_t bits = 0;
    for (int64_t i = 0; i < count; i++) {
        uint64_t offset = (uint64_t)offsets[i];
        uint64_t size = (uint64_t)sizes[i];
        uint64_t left = (uint64_t)end - offset;
        bits |= offset | size | left | (left - size);
    }
    return bits >> 63 == 0;
}

static cflight_status check_list_views(const struct cfl_field *field,
                                       const struct ArrowArray *array, cflight_status bad_status,
                                       cflight_error **reterr)
{
    int64_t end = array->children[0]->length;
    bool fits = true;
    if (array->length == 0) {
        return CFLIGHT_OK;
    }
    if (field->type.layout == CFL_LAYOUT_LIST_VIEW_64) {
        fits = list_views_fit_64((const int64_t *)array->buffers[1] + array->offset,
                                 (const int64_t *)array->buffers[2] + array->offset, array->length,
                                 end);
    } else {
        fits = list_views_fit_32((const int32_t *)array->buffers[1] + array->offset,
                                 (const int32_t *)array->buffers[2] + array->offset, array->length,
                                 end);
    }
    if (!fits) {
        return cflight_error_set(reterr, bad_status,
                                 "a list view does not lie inside its %" PRId64 " items", end);
    }
    return CFLIGHT_OK;
}

static cflight_status check_union_ids(const struct cfl_field *field, const struct ArrowArray *array,
                                      cflight_status bad_status, cflight_error **reterr)
{
    const uint8_t *ids = (const uint8_t *)array->buffers[0] + array->offset;
    uint8_t is_unknown[UNION_ID_COUNT];
    uint8_t found = 0;
    memset(is_unknown, 1, sizeof is_unknown);
    for (int32_t i = 0; i < field->type.union_id_count; i++) {
        is_unknown[(uint8_t)field->type.union_ids[i]] = 0;
    }
    for (int64_t i = 0; i < array->length; i++) {
        found |= is_unknown[ids[i]];
    }
    if (found != 0) {
        return cflight_error_set_message(reterr, bad_status,
                                         "a union value has a type id that the type has not");
    }
    return CFLIGHT_OK;
}

static cflight_status check_dense_offsets(const struct cfl_field *field,
                                          const struct ArrowArray *array, cflight_status bad_status,
                                          cflight_error **reterr)
{
    const uint8_t *ids = (const uint8_t *)array->buffers[0] + array->offset;
    const int32_t *offsets = (const int32_t *)array->buffers[1] + array->offset;
    int64_t lengths[UNION_ID_COUNT] = {0};
    uint64_t bits = 0;
    for (int64_t i = 0; i < field->child_count; i++) {
        lengths[(uint8_t)field->type.union_ids[i]] = array->children[i]->length;
    }
    for (int64_t i = 0; i < array->length; i++) {
        int64_t offset = offsets[i];
        bits |= (uint64_t)offset | (uint64_t)(lengths[ids[i]] - 1 - offset);
    }
    if (bits >> 63 != 0) {
        return cflight_error_set_message(reterr, bad_status,
                                         "a union value lies outside its child");
    }
    return CFLIGHT_OK;
}

static cflight_status check_union(const struct cfl_field *field, const struct ArrowArray *array,
                                  cflight_status bad_status, cflight_error **reterr)
{
    if (array->length == 0) {
        return CFLIGHT_OK;
    }
    cflight_status status = check_union_ids(field, array, bad_status, reterr);
    if (status != CFLIGHT_OK || field->type.layout == CFL_LAYOUT_SPARSE_UNION) {
        return status;
    }
    return check_dense_offsets(field, array, bad_status, reterr);
}

static bool run_ends_ascend(const struct ArrowArray *run_ends, int32_t width_bytes)
{
    const void *values = run_ends->buffers[1];
    int64_t end = run_ends->offset + run_ends->length;
    int64_t last = 0;
    bool ascends = true;
    for (int64_t i = run_ends->offset; i < end; i++) {
        int64_t value = cfl_load_run_end(values, i, width_bytes);
        ascends = ascends && value > last;
        last = value;
    }
    return ascends;
}

static cflight_status check_runs(const struct cfl_field *field, const struct ArrowArray *array,
                                 cflight_status bad_status, cflight_error **reterr)
{
    if (!run_ends_ascend(array->children[0], field->children[0].type.width_bytes)) {
        return cflight_error_set_message(reterr, bad_status, "run ends do not ascend from 1");
    }
    return CFLIGHT_OK;
}

/* Branch-free range checks of indices; `last` fits the type without its sign bit. */
#define DEFINE_IN_RANGE(name, type, top_bit)                             \
    static bool name(const void *indices, int64_t count, uint64_t last)  \
    {                                                                    \
        const type *values = indices;                                    \
        const type limit = (type)last;                                   \
        type bits = 0;                                                   \
        for (int64_t i = 0; i < count; i++) {                            \
            bits = (type)(bits | values[i] | (type)(limit - values[i])); \
        }                                                                \
        return bits >> (top_bit) == 0;                                   \
    }

DEFINE_IN_RANGE(in_range_8, uint8_t, 7)
DEFINE_IN_RANGE(in_range_16, uint16_t, 15)
DEFINE_IN_RANGE(in_range_32, uint32_t, 31)
DEFINE_IN_RANGE(in_range_64, uint64_t, 63)

static bool all_in_range(const struct cfl_type *type, const void *indices, int64_t count,
                         uint64_t last)
{
    uint64_t top = (UINT64_C(1) << (type->bit_width - 1)) - 1;
    if (!type->is_signed && last > top) {
        /* The trick does not work beyond the sign bit; the caller looks one by one, unless nothing
         * can be wrong. */
        return last >= 2 * top + 1;
    }
    last = last > top ? top : last;
    switch (type->width_bytes) {
    case 1:
        return in_range_8(indices, count, last);
    case 2:
        return in_range_16(indices, count, last);
    case 4:
        return in_range_32(indices, count, last);
    default:
        return in_range_64(indices, count, last);
    }
}

/* An index as an unsigned number; negative ones become larger than any dictionary. */
static uint64_t index_at(const struct cfl_type *type, const void *indices, int64_t at)
{
    switch (type->width_bytes) {
    case 1:
        return type->is_signed ? (uint64_t)((const int8_t *)indices)[at]
                               : ((const uint8_t *)indices)[at];
    case 2:
        return type->is_signed ? (uint64_t)((const int16_t *)indices)[at]
                               : ((const uint16_t *)indices)[at];
    case 4:
        return type->is_signed ? (uint64_t)((const int32_t *)indices)[at]
                               : ((const uint32_t *)indices)[at];
    default:
        return ((const uint64_t *)indices)[at];
    }
}

static cflight_status check_indices(const struct cfl_field *field, const struct ArrowArray *array,
                                    cflight_status bad_status, cflight_error **reterr)
{
    const struct cfl_type *type = &field->index_type;
    int64_t value_count = array->dictionary->length;
    if (array->length == 0) {
        return CFLIGHT_OK;
    }
    const uint8_t *indices = (const uint8_t *)array->buffers[1] + array->offset * type->width_bytes;
    if (value_count > 0 && all_in_range(type, indices, array->length, (uint64_t)value_count - 1)) {
        return CFLIGHT_OK;
    }
    for (int64_t i = 0; i < array->length; i++) {
        if (index_at(type, indices, i) >= (uint64_t)value_count && is_valid(array, i)) {
            return cflight_error_set(reterr, bad_status,
                                     "row %" PRId64
                                     " has an index outside its dictionary of %" PRId64 " values",
                                     i, value_count);
        }
    }
    return CFLIGHT_OK;
}

static cflight_status check_layout(const struct cfl_field *field, const struct ArrowArray *array,
                                   bool with_text, cflight_status bad_status,
                                   cflight_error **reterr)
{
    switch (field->type.layout) {
    case CFL_LAYOUT_VARIABLE_32:
    case CFL_LAYOUT_VARIABLE_64:
        return check_variable(field, array, with_text, bad_status, reterr);
    case CFL_LAYOUT_VIEW:
        return check_views(field, array, with_text, bad_status, reterr);
    case CFL_LAYOUT_LIST_32:
    case CFL_LAYOUT_LIST_64:
        return check_offsets(array, field->type.layout == CFL_LAYOUT_LIST_64, bad_status, reterr);
    case CFL_LAYOUT_LIST_VIEW_32:
    case CFL_LAYOUT_LIST_VIEW_64:
        return check_list_views(field, array, bad_status, reterr);
    case CFL_LAYOUT_SPARSE_UNION:
    case CFL_LAYOUT_DENSE_UNION:
        return check_union(field, array, bad_status, reterr);
    case CFL_LAYOUT_RUN_END_ENCODED:
        return check_runs(field, array, bad_status, reterr);
    case CFL_LAYOUT_NULL:
    case CFL_LAYOUT_BOOL:
    case CFL_LAYOUT_FIXED:
    case CFL_LAYOUT_FIXED_LIST:
    case CFL_LAYOUT_STRUCT:
        break;
    }
    return CFLIGHT_OK;
}

/* What is being validated: how failures are reported, and whether text and dictionaries are looked
 * into. */
struct validation {
    cflight_status bad_status;
    bool with_text;
    bool with_dictionaries;
    cflight_error **reterr;
};

static cflight_status validate_field(const struct validation *validation,
                                     const struct cfl_field *field, const struct ArrowArray *array);

static cflight_status validate_value(const struct validation *validation,
                                     const struct cfl_field *field, const struct ArrowArray *array)
{
    cflight_status status = CFLIGHT_OK;
    if (cfl_layout_has_validity(field, false)) {
        status = check_null_count(array, validation->bad_status, validation->reterr);
    }
    if (status == CFLIGHT_OK) {
        status = check_layout(field, array, validation->with_text, validation->bad_status,
                              validation->reterr);
    }
    for (int64_t i = 0; status == CFLIGHT_OK && i < field->child_count; i++) {
        status = validate_field(validation, &field->children[i], array->children[i]);
    }
    return status;
}

static cflight_status validate_indices(const struct validation *validation,
                                       const struct cfl_field *field,
                                       const struct ArrowArray *array)
{
    cflight_status status = check_null_count(array, validation->bad_status, validation->reterr);
    if (status == CFLIGHT_OK) {
        status = check_indices(field, array, validation->bad_status, validation->reterr);
    }
    if (status == CFLIGHT_OK && validation->with_dictionaries) {
        status = validate_value(validation, field, array->dictionary);
    }
    return status;
}

static cflight_status validate_field(const struct validation *validation,
                                     const struct cfl_field *field, const struct ArrowArray *array)
{
    cflight_status status = field->is_dictionary ? validate_indices(validation, field, array)
                                                 : validate_value(validation, field, array);
    return status == CFLIGHT_OK
               ? status
               : cfl_error_prefix(validation->reterr, status, "field '%s'", field->name);
}

cflight_status cfl_validate_values(const struct cfl_field *field, const struct ArrowArray *array,
                                   enum cflight_validation level, cflight_status bad_status,
                                   cflight_error **reterr)
{
    const struct validation validation = {bad_status, level == CFLIGHT_VALIDATION_FULL, false,
                                          reterr};
    return validate_field(&validation, field, array);
}

cflight_status cfl_validate_all_values(const struct cfl_field *field,
                                       const struct ArrowArray *array, cflight_status bad_status,
                                       cflight_error **reterr)
{
    const struct validation validation = {bad_status, true, true, reterr};
    return validate_field(&validation, field, array);
}

cflight_status cfl_validate_dictionary_values(const struct cfl_field *field,
                                              const struct ArrowArray *values,
                                              enum cflight_validation level,
                                              cflight_status bad_status, cflight_error **reterr)
{
    const struct validation validation = {bad_status, level == CFLIGHT_VALIDATION_FULL, false,
                                          reterr};
    return validate_value(&validation, field, values);
}
