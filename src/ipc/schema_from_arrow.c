/* SPDX-License-Identifier: Apache-2.0 */
/* ArrowSchema to schema tree.
 *
 * The format string of each field is parsed here and nowhere else (The Arrow C data interface:
 * "Data type description
 * -- format strings"). The source is a caller's structure: its pointers are trusted, what they
 * point at is checked as far as the interface allows, and depth and number of fields are bounded.
 * Thread class: free. */
#include "ipc/schema_from_arrow.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "ipc/metadata.h"
#include "ipc/schema_build.h"

struct importer {
    struct cfl_schema_builder builder;
    int64_t next_dictionary_id;
};

/* Formats that say everything by themselves. */
struct plain_format {
    const char *text;
    enum cfl_type_id id;
    int32_t bit_width;
    bool is_signed;
    int32_t unit;
};

static const struct plain_format plain_formats[] = {
    {"n", CFL_TYPE_NULL, 0, false, 0},
    {"b", CFL_TYPE_BOOL, 0, false, 0},
    {"c", CFL_TYPE_INT, 8, true, 0},
    {"C", CFL_TYPE_INT, 8, false, 0},
    {"s", CFL_TYPE_INT, 16, true, 0},
    {"S", CFL_TYPE_INT, 16, false, 0},
    {"i", CFL_TYPE_INT, 32, true, 0},
    {"I", CFL_TYPE_INT, 32, false, 0},
    {"l", CFL_TYPE_INT, 64, true, 0},
    {"L", CFL_TYPE_INT, 64, false, 0},
    {"e", CFL_TYPE_FLOATING_POINT, 0, false, 0},
    {"f", CFL_TYPE_FLOATING_POINT, 0, false, 1},
    {"g", CFL_TYPE_FLOATING_POINT, 0, false, 2},
    {"z", CFL_TYPE_BINARY, 0, false, 0},
    {"Z", CFL_TYPE_LARGE_BINARY, 0, false, 0},
    {"vz", CFL_TYPE_BINARY_VIEW, 0, false, 0},
    {"u", CFL_TYPE_UTF8, 0, false, 0},
    {"U", CFL_TYPE_LARGE_UTF8, 0, false, 0},
    {"vu", CFL_TYPE_UTF8_VIEW, 0, false, 0},
    {"tdD", CFL_TYPE_DATE, 0, false, 0},
    {"tdm", CFL_TYPE_DATE, 0, false, 1},
    {"tts", CFL_TYPE_TIME, 32, false, 0},
    {"ttm", CFL_TYPE_TIME, 32, false, 1},
    {"ttu", CFL_TYPE_TIME, 64, false, 2},
    {"ttn", CFL_TYPE_TIME, 64, false, 3},
    {"tDs", CFL_TYPE_DURATION, 0, false, 0},
    {"tDm", CFL_TYPE_DURATION, 0, false, 1},
    {"tDu", CFL_TYPE_DURATION, 0, false, 2},
    {"tDn", CFL_TYPE_DURATION, 0, false, 3},
    {"tiM", CFL_TYPE_INTERVAL, 0, false, 0},
    {"tiD", CFL_TYPE_INTERVAL, 0, false, 1},
    {"tin", CFL_TYPE_INTERVAL, 0, false, 2},
    {"+l", CFL_TYPE_LIST, 0, false, 0},
    {"+L", CFL_TYPE_LARGE_LIST, 0, false, 0},
    {"+vl", CFL_TYPE_LIST_VIEW, 0, false, 0},
    {"+vL", CFL_TYPE_LARGE_LIST_VIEW, 0, false, 0},
    {"+s", CFL_TYPE_STRUCT, 0, false, 0},
    {"+m", CFL_TYPE_MAP, 0, false, 0},
    {"+r", CFL_TYPE_RUN_END_ENCODED, 0, false, 0},
};

static bool parse_plain(const char *format, struct cfl_type *type)
{
    for (size_t i = 0; i < sizeof plain_formats / sizeof plain_formats[0]; i++) {
        if (strcmp(format, plain_formats[i].text) == 0) {
            type->id = plain_formats[i].id;
            type->bit_width = plain_formats[i].bit_width;
            type->is_signed = plain_formats[i].is_signed;
            type->unit = plain_formats[i].unit;
            return true;
        }
    }
    return false;
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

/* "d:precision,scale" is 128 bits wide, "d:precision,scale,bits" says so. */
static bool parse_decimal(const char *text, struct cfl_type *type)
{
    type->id = CFL_TYPE_DECIMAL;
    type->bit_width = 128;
    if (!parse_number(&text, &type->precision) || *text++ != ',' ||
        !parse_number(&text, &type->scale)) {
        return false;
    }
    return *text == '\0' ||
           (*text++ == ',' && parse_number(&text, &type->bit_width) && *text == '\0');
}

static bool parse_unit(char letter, int32_t *ret_unit)
{
    static const char letters[] = "smun";
    const char *found = letter == '\0' ? NULL : strchr(letters, letter);

    if (found == NULL) {
        return false;
    }
    *ret_unit = (int32_t)(found - letters);
    return true;
}

static cflight_status parse_union(struct importer *importer, const char *text,
                                  struct cfl_field *field, bool *ret_is_known,
                                  cflight_error **reterr)
{
    int32_t ids[128];
    int64_t id_count = 0;

    *ret_is_known = false;
    while (*text != '\0') {
        if (id_count == 128 || (id_count > 0 && *text++ != ',') ||
            !parse_number(&text, &ids[id_count])) {
            return CFLIGHT_OK;
        }
        id_count++;
    }
    *ret_is_known = true;
    field->type.id = CFL_TYPE_UNION;
    return cfl_schema_set_union_ids(&importer->builder, field, ids, id_count, reterr);
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The formats that carry parameters. */
static cflight_status parse_parametric(struct importer *importer, const char *format,
                                       struct cfl_field *field, bool *ret_is_known,
                                       cflight_error **reterr)
{
    struct cfl_type *type = &field->type;
    const char *number = NULL;

    if (has_prefix(format, "+us:") || has_prefix(format, "+ud:")) {
        type->layout = format[2] == 'd' ? CFL_LAYOUT_DENSE_UNION : CFL_LAYOUT_SPARSE_UNION;
        return parse_union(importer, format + 4, field, ret_is_known, reterr);
    }
    if (has_prefix(format, "ts") && parse_unit(format[2], &type->unit) && format[3] == ':') {
        type->id = CFL_TYPE_TIMESTAMP;
        *ret_is_known = true;
        return format[4] == '\0'
                   ? CFLIGHT_OK
                   : cfl_schema_set_timezone(&importer->builder, field,
                                             cflight_bytes_from_text(format + 4), reterr);
    }
    if (has_prefix(format, "d:")) {
        *ret_is_known = parse_decimal(format + 2, type);
    } else if (has_prefix(format, "w:")) {
        number = format + 2;
        type->id = CFL_TYPE_FIXED_SIZE_BINARY;
        *ret_is_known = parse_number(&number, &type->width_bytes) && *number == '\0';
    } else if (has_prefix(format, "+w:")) {
        number = format + 3;
        type->id = CFL_TYPE_FIXED_SIZE_LIST;
        *ret_is_known = parse_number(&number, &type->list_size) && *number == '\0';
    }
    return CFLIGHT_OK;
}

static cflight_status parse_format(struct importer *importer, const char *format,
                                   struct cfl_field *field, cflight_error **reterr)
{
    bool is_known = parse_plain(format, &field->type);

    if (!is_known) {
        cflight_status status = parse_parametric(importer, format, field, &is_known, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    if (!is_known) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "unknown format string \"%.100s\"", format);
    }
    return CFLIGHT_OK;
}

static cflight_status check_source(const struct ArrowSchema *source, cflight_error **reterr)
{
    if (source == NULL || source->release == NULL || source->format == NULL ||
        source->n_children < 0 || (source->n_children > 0 && source->children == NULL)) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "the ArrowSchema is missing, released or incomplete");
    }
    return CFLIGHT_OK;
}

/* Sets what the dictionary structure says; returns the structure that describes the values. */
static cflight_status import_encoding(struct importer *importer, const struct ArrowSchema *source,
                                      struct cfl_field *field,
                                      const struct ArrowSchema **ret_values, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;

    *ret_values = source;
    if (source->dictionary == NULL) {
        return CFLIGHT_OK;
    }
    status = check_source(source->dictionary, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (source->n_children != 0 || source->dictionary->dictionary != NULL) {
        return cflight_error_set_message(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "indices of a dictionary have children, or the values of a dictionary "
            "are dictionary-encoded themselves, which Arrow IPC cannot express");
    }
    if (!parse_plain(source->format, &field->index_type) || field->index_type.id != CFL_TYPE_INT) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "format string \"%.100s\" is not an index type for a dictionary",
                                 source->format);
    }
    field->is_dictionary = true;
    field->dictionary_is_ordered = (source->flags & ARROW_FLAG_DICTIONARY_ORDERED) != 0;
    field->dictionary_id = importer->next_dictionary_id++;
    *ret_values = source->dictionary;
    return CFLIGHT_OK;
}

static cflight_status import_metadata(struct importer *importer, const struct ArrowSchema *source,
                                      struct cfl_field *field, cflight_error **reterr)
{
    struct cflight_bytes metadata = {NULL, 0};

    if (!cfl_metadata_measure(source->metadata, &metadata)) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "the metadata has negative counts or lengths");
    }
    return cfl_schema_set_metadata(&importer->builder, field, metadata, reterr);
}

static cflight_status import_children(struct importer *importer, const struct ArrowSchema *source,
                                      struct cfl_field *field, uint32_t depth,
                                      cflight_error **reterr);

static cflight_status import_field(struct importer *importer, const struct ArrowSchema *source,
                                   struct cfl_field *field, uint32_t depth, cflight_error **reterr)
{
    const struct ArrowSchema *values = NULL;
    cflight_status status = check_source(source, reterr);

    if (status == CFLIGHT_OK) {
        status = cfl_schema_set_name(&importer->builder, field,
                                     cflight_bytes_from_text(source->name), reterr);
    }
    if (status == CFLIGHT_OK) {
        status = import_metadata(importer, source, field, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = import_encoding(importer, source, field, &values, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = parse_format(importer, values->format, field, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    field->is_nullable = (source->flags & ARROW_FLAG_NULLABLE) != 0;
    field->type.keys_sorted =
        field->type.id == CFL_TYPE_MAP && (values->flags & ARROW_FLAG_MAP_KEYS_SORTED) != 0;
    status = import_children(importer, values, field, depth + 1, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    return cfl_schema_finish_field(&importer->builder, field, reterr);
}

static cflight_status import_child(struct importer *importer, const struct ArrowSchema *source,
                                   struct cfl_field *child, uint32_t depth, cflight_error **reterr)
{
    cflight_status status = import_field(importer, source, child, depth, reterr);

    if (status == CFLIGHT_INVALID_ARGUMENT) {
        (void)cfl_error_prefix(reterr, status, "field \"%.100s\"",
                               child->name == NULL ? "" : child->name);
    }
    return status;
}

static cflight_status import_children(struct importer *importer, const struct ArrowSchema *source,
                                      struct cfl_field *field, uint32_t depth,
                                      cflight_error **reterr)
{
    cflight_status status =
        cfl_schema_add_children(&importer->builder, field, source->n_children, depth, reterr);

    for (int64_t i = 0; status == CFLIGHT_OK && i < field->child_count; i++) {
        status = import_child(importer, source->children[i], &field->children[i], depth, reterr);
    }
    return status;
}

cflight_status cfl_schema_from_arrow(const struct cflight_allocator *alloc,
                                     const struct ArrowSchema *source,
                                     const struct cfl_limits *limits,
                                     struct cfl_schema **ret_schema, cflight_error **reterr)
{
    struct importer importer = {.next_dictionary_id = 0};
    struct cfl_field *root = NULL;
    cflight_status status = check_source(source, reterr);

    if (status != CFLIGHT_OK) {
        return status;
    }
    if (strcmp(source->format, "+s") != 0 || source->dictionary != NULL) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "a schema must be a struct (\"+s\"), not \"%.100s\"",
                                 source->format);
    }
    status =
        cfl_schema_builder_init(&importer.builder, alloc, limits, CFLIGHT_INVALID_ARGUMENT, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    root = cfl_schema_builder_root(&importer.builder);
    root->is_nullable = (source->flags & ARROW_FLAG_NULLABLE) != 0;
    status = import_metadata(&importer, source, root, reterr);
    if (status == CFLIGHT_OK) {
        status = import_children(&importer, source, root, 1, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_schema = cfl_schema_builder_take(&importer.builder);
    }
    cfl_schema_builder_done(&importer.builder);
    return status;
}

cflight_status cfl_schema_from_arrow_field(const struct cflight_allocator *alloc,
                                           const struct ArrowSchema *source,
                                           const struct cfl_limits *limits,
                                           struct cfl_schema **ret_schema, cflight_error **reterr)
{
    struct importer importer = {.next_dictionary_id = 0};
    struct cfl_field *root = NULL;
    cflight_status status =
        cfl_schema_builder_init(&importer.builder, alloc, limits, CFLIGHT_INVALID_ARGUMENT, reterr);

    if (status != CFLIGHT_OK) {
        return status;
    }
    root = cfl_schema_builder_root(&importer.builder);
    status = cfl_schema_add_children(&importer.builder, root, 1, 1, reterr);
    if (status == CFLIGHT_OK) {
        status = import_child(&importer, source, &root->children[0], 1, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_schema = cfl_schema_builder_take(&importer.builder);
    }
    cfl_schema_builder_done(&importer.builder);
    return status;
}
