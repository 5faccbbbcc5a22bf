/* SPDX-License-Identifier: Apache-2.0 */
/* Format strings, both ways (The Arrow C data interface: "Data type description -- format
 * strings"). Nothing here allocates. Thread class: free. */
#include "ipc/format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "ipc/schema_build.h"

/* Formats that say everything by themselves. */
static const struct plain_format {
    const char *text;
    enum cflight_type_id id;
    enum cfl_type_id family;
    int32_t bit_width;
    bool is_signed;
    int32_t unit;
    const char *words;
} plain_formats[] = {
    /* clang-format off */
    {"n", CFLIGHT_TYPE_NULL, CFL_TYPE_NULL, 0, false, 0, "null"},
    {"b", CFLIGHT_TYPE_BOOL, CFL_TYPE_BOOL, 0, false, 0, "bool"},
    {"c", CFLIGHT_TYPE_INT8, CFL_TYPE_INT, 8, true, 0, "int8"},
    {"C", CFLIGHT_TYPE_UINT8, CFL_TYPE_INT, 8, false, 0, "uint8"},
    {"s", CFLIGHT_TYPE_INT16, CFL_TYPE_INT, 16, true, 0, "int16"},
    {"S", CFLIGHT_TYPE_UINT16, CFL_TYPE_INT, 16, false, 0, "uint16"},
    {"i", CFLIGHT_TYPE_INT32, CFL_TYPE_INT, 32, true, 0, "int32"},
    {"I", CFLIGHT_TYPE_UINT32, CFL_TYPE_INT, 32, false, 0, "uint32"},
    {"l", CFLIGHT_TYPE_INT64, CFL_TYPE_INT, 64, true, 0, "int64"},
    {"L", CFLIGHT_TYPE_UINT64, CFL_TYPE_INT, 64, false, 0, "uint64"},
    {"e", CFLIGHT_TYPE_FLOAT16, CFL_TYPE_FLOATING_POINT, 0, false, 0, "halffloat"},
    {"f", CFLIGHT_TYPE_FLOAT32, CFL_TYPE_FLOATING_POINT, 0, false, 1, "float"},
    {"g", CFLIGHT_TYPE_FLOAT64, CFL_TYPE_FLOATING_POINT, 0, false, 2, "double"},
    {"z", CFLIGHT_TYPE_BINARY, CFL_TYPE_BINARY, 0, false, 0, "binary"},
    {"Z", CFLIGHT_TYPE_LARGE_BINARY, CFL_TYPE_LARGE_BINARY, 0, false, 0, "large_binary"},
    {"vz", CFLIGHT_TYPE_BINARY_VIEW, CFL_TYPE_BINARY_VIEW, 0, false, 0, "binary_view"},
    {"u", CFLIGHT_TYPE_UTF8, CFL_TYPE_UTF8, 0, false, 0, "string"},
    {"U", CFLIGHT_TYPE_LARGE_UTF8, CFL_TYPE_LARGE_UTF8, 0, false, 0, "large_string"},
    {"vu", CFLIGHT_TYPE_UTF8_VIEW, CFL_TYPE_UTF8_VIEW, 0, false, 0, "string_view"},
    {"tdD", CFLIGHT_TYPE_DATE32, CFL_TYPE_DATE, 0, false, 0, "date32[day]"},
    {"tdm", CFLIGHT_TYPE_DATE64, CFL_TYPE_DATE, 0, false, 1, "date64[ms]"},
    {"tts", CFLIGHT_TYPE_TIME32, CFL_TYPE_TIME, 32, false, 0, "time32[s]"},
    {"ttm", CFLIGHT_TYPE_TIME32, CFL_TYPE_TIME, 32, false, 1, "time32[ms]"},
    {"ttu", CFLIGHT_TYPE_TIME64, CFL_TYPE_TIME, 64, false, 2, "time64[us]"},
    {"ttn", CFLIGHT_TYPE_TIME64, CFL_TYPE_TIME, 64, false, 3, "time64[ns]"},
    {"tDs", CFLIGHT_TYPE_DURATION, CFL_TYPE_DURATION, 0, false, 0, "duration[s]"},
    {"tDm", CFLIGHT_TYPE_DURATION, CFL_TYPE_DURATION, 0, false, 1, "duration[ms]"},
    {"tDu", CFLIGHT_TYPE_DURATION, CFL_TYPE_DURATION, 0, false, 2, "duration[us]"},
    {"tDn", CFLIGHT_TYPE_DURATION, CFL_TYPE_DURATION, 0, false, 3, "duration[ns]"},
    {"tiM", CFLIGHT_TYPE_INTERVAL_MONTHS, CFL_TYPE_INTERVAL, 0, false, 0, "month_interval"},
    {"tiD", CFLIGHT_TYPE_INTERVAL_DAY_TIME, CFL_TYPE_INTERVAL, 0, false, 1, "day_time_interval"},
    {"tin", CFLIGHT_TYPE_INTERVAL_MONTH_DAY_NANO, CFL_TYPE_INTERVAL, 0, false, 2,
     "month_day_nano_interval"},
    {"+l", CFLIGHT_TYPE_LIST, CFL_TYPE_LIST, 0, false, 0, "list"},
    {"+L", CFLIGHT_TYPE_LARGE_LIST, CFL_TYPE_LARGE_LIST, 0, false, 0, "large_list"},
    {"+vl", CFLIGHT_TYPE_LIST_VIEW, CFL_TYPE_LIST_VIEW, 0, false, 0, "list_view"},
    {"+vL", CFLIGHT_TYPE_LARGE_LIST_VIEW, CFL_TYPE_LARGE_LIST_VIEW, 0, false, 0, "large_list_view"},
    {"+s", CFLIGHT_TYPE_STRUCT, CFL_TYPE_STRUCT, 0, false, 0, "struct"},
    {"+m", CFLIGHT_TYPE_MAP, CFL_TYPE_MAP, 0, false, 0, "map"},
    {"+r", CFLIGHT_TYPE_RUN_END_ENCODED, CFL_TYPE_RUN_END_ENCODED, 0, false, 0, "run_end_encoded"},
    /* clang-format on */
};

enum { PLAIN_COUNT = sizeof plain_formats / sizeof plain_formats[0] };

static bool parse_plain(const char *format, struct cfl_format *ret_format)
{
    for (size_t i = 0; i < PLAIN_COUNT; i++) {
        const struct plain_format *plain = &plain_formats[i];
        if (strcmp(format, plain->text) == 0) {
            ret_format->id = plain->id;
            ret_format->type.id = plain->family;
            ret_format->type.bit_width = plain->bit_width;
            ret_format->type.is_signed = plain->is_signed;
            ret_format->type.unit = plain->unit;
            return true;
        }
    }
    return false;
}

static const struct plain_format *find_plain(const struct cfl_type *type)
{
    for (size_t i = 0; i < PLAIN_COUNT; i++) {
        const struct plain_format *plain = &plain_formats[i];
        if (plain->family == type->id && plain->bit_width == type->bit_width &&
            plain->is_signed == type->is_signed && plain->unit == type->unit) {
            return plain;
        }
    }
    return NULL;
}

const char *cfl_format_of_type(const struct cfl_type *type)
{
    const struct plain_format *plain = find_plain(type);
    return plain == NULL ? NULL : plain->text;
}

const char *cfl_format_words(const struct cfl_type *type)
{
    const struct plain_format *plain = find_plain(type);
    return plain == NULL ? NULL : plain->words;
}

/* Reads a decimal number that fits an int32 and moves past it; no blanks, no plus sign. */
static bool parse_number(const char **text, int32_t *ret_value)
{
    const char *digits = **text == '-' ? *text + 1 : *text;
    char *end = NULL;

    if (*digits < '0' || *digits > '9') {
        return false;
    }
    errno = 0;
    long value = strtol(*text, &end, 10);
    if (errno != 0 || value < INT32_MIN || value > INT32_MAX) {
        return false;
    }
    *text = end;
    *ret_value = (int32_t)value;
    return true;
}

/* The formats with parameters; each is given what follows the prefix. */

static bool parse_last_number(const char *text, int32_t *ret_value)
{
    return parse_number(&text, ret_value) && *text == '\0';
}

static bool parse_width(const char *text, struct cfl_format *format)
{
    return parse_last_number(text, &format->type.width_bytes);
}

static bool parse_list_size(const char *text, struct cfl_format *format)
{
    return parse_last_number(text, &format->type.list_size);
}

/* "precision,scale" is 128 bits wide, "precision,scale,bits" says so. */
static bool parse_decimal(const char *text, struct cfl_format *format)
{
    struct cfl_type *type = &format->type;

    type->bit_width = 128;
    if (!parse_number(&text, &type->precision) || *text++ != ',' ||
        !parse_number(&text, &type->scale)) {
        return false;
    }
    return *text == '\0' || (*text == ',' && parse_last_number(text + 1, &type->bit_width));
}

/* The unit and a colon, with a time zone or nothing after it. */
static bool parse_timestamp(const char *text, struct cfl_format *format)
{
    static const char letters[] = "smun";
    const char *found = text[0] == '\0' ? NULL : strchr(letters, text[0]);

    if (found == NULL || text[1] != ':') {
        return false;
    }
    format->type.unit = (int32_t)(found - letters);
    format->timezone = text[2] == '\0' ? NULL : text + 2;
    return true;
}

static bool parse_union(const char *text, struct cfl_format *format)
{
    format->type.layout =
        format->id == CFLIGHT_TYPE_DENSE_UNION ? CFL_LAYOUT_DENSE_UNION : CFL_LAYOUT_SPARSE_UNION;
    while (*text != '\0') {
        if (format->union_id_count == CFL_UNION_TYPES_MAX ||
            (format->union_id_count > 0 && *text++ != ',') ||
            !parse_number(&text, &format->union_ids[format->union_id_count])) {
            return false;
        }
        format->union_id_count++;
    }
    return true;
}

static const struct parametric_format {
    const char *prefix;
    enum cflight_type_id id;
    enum cfl_type_id family;
    bool (*parse)(const char *text, struct cfl_format *format);
} parametric_formats[] = {
    {"ts", CFLIGHT_TYPE_TIMESTAMP, CFL_TYPE_TIMESTAMP, parse_timestamp},
    {"d:", CFLIGHT_TYPE_DECIMAL, CFL_TYPE_DECIMAL, parse_decimal},
    {"w:", CFLIGHT_TYPE_FIXED_SIZE_BINARY, CFL_TYPE_FIXED_SIZE_BINARY, parse_width},
    {"+w:", CFLIGHT_TYPE_FIXED_SIZE_LIST, CFL_TYPE_FIXED_SIZE_LIST, parse_list_size},
    {"+us:", CFLIGHT_TYPE_SPARSE_UNION, CFL_TYPE_UNION, parse_union},
    {"+ud:", CFLIGHT_TYPE_DENSE_UNION, CFL_TYPE_UNION, parse_union},
};

bool cfl_format_parse(const char *format, struct cfl_format *ret_format)
{
    ret_format->type = (struct cfl_type){.id = CFL_TYPE_NONE};
    ret_format->timezone = NULL;
    ret_format->union_id_count = 0;
    if (parse_plain(format, ret_format)) {
        return true;
    }
    for (size_t i = 0; i < sizeof parametric_formats / sizeof parametric_formats[0]; i++) {
        const struct parametric_format *parametric = &parametric_formats[i];
        size_t prefix_bytes = strlen(parametric->prefix);
        if (strncmp(format, parametric->prefix, prefix_bytes) == 0) {
            ret_format->id = parametric->id;
            ret_format->type.id = parametric->family;
            return parametric->parse(format + prefix_bytes, ret_format);
        }
    }
    return false;
}

/* Turns the list of type ids round; false when one is out of range or given twice. */
static bool index_union(const struct cfl_format *format, struct cflight_type *type)
{
    memset(type->union_child, -1, sizeof type->union_child);
    for (int64_t i = 0; i < format->union_id_count; i++) {
        int32_t id = format->union_ids[i];
        if (id < 0 || id >= CFL_UNION_TYPES_MAX || type->union_child[id] != -1) {
            return false;
        }
        type->union_child[id] = (int8_t)i;
    }
    type->union_child_count = (int32_t)format->union_id_count;
    return true;
}

/* The units of dates and intervals count otherwise (struct cfl_type). */
static enum cflight_time_unit unit_of(const struct cfl_format *format)
{
    if (format->type.id == CFL_TYPE_FLOATING_POINT) {
        return CFLIGHT_TIME_UNIT_SECOND;
    }
    return format->id == CFLIGHT_TYPE_INTERVAL_MONTH_DAY_NANO
               ? CFLIGHT_TIME_UNIT_NANOSECOND
               : (enum cflight_time_unit)format->type.unit;
}

cflight_status cflight_type_parse(const char *format, struct cflight_type *ret_type,
                                  cflight_error **reterr)
{
    struct cfl_format parsed;
    struct cflight_type type = {CFLIGHT_TYPE_NULL};
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(format), CFL_ARG(ret_type));

    if (status != CFLIGHT_OK) {
        return status;
    }
    if (!cfl_format_parse(format, &parsed)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "unknown format string \"%.100s\"", format);
    }
    if (!cfl_type_resolve(&parsed.type) ||
        (parsed.type.id == CFL_TYPE_UNION && !index_union(&parsed, &type))) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "format string \"%.100s\" has impossible parameters", format);
    }
    type.id = parsed.id;
    type.value_bytes = parsed.type.width_bytes;
    type.precision = parsed.type.precision;
    type.scale = parsed.type.scale;
    type.list_size = parsed.type.list_size;
    type.unit = unit_of(&parsed);
    type.timezone = parsed.timezone;
    *ret_type = type;
    return CFLIGHT_OK;
}
