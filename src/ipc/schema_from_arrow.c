/* SPDX-License-Identifier: Apache-2.0 */
/* ArrowSchema to schema tree.
 *
 * The source is a caller's structure: its pointers are trusted, what they point at is checked as
 * far as the interface allows, and depth and number of fields are bounded. Thread class: free. */
#include "ipc/schema_from_arrow.h"

#include <string.h>

#include "base/error.h"
#include "ipc/format.h"
#include "ipc/metadata.h"
#include "ipc/schema_build.h"

struct importer {
    struct cfl_schema_builder builder;
    int64_t next_dictionary_id;
};

static cflight_status parse_format(struct importer *importer, const char *format,
                                   struct cfl_field *field, cflight_error **reterr)
{
    struct cfl_format parsed;

    if (!cfl_format_parse(format, &parsed)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "unknown format string \"%.100s\"", format);
    }
    field->type = parsed.type;
    if (parsed.timezone != NULL) {
        return cfl_schema_set_timezone(&importer->builder, field,
                                       cflight_bytes_from_text(parsed.timezone), reterr);
    }
    return parsed.type.id != CFL_TYPE_UNION
               ? CFLIGHT_OK
               : cfl_schema_set_union_ids(&importer->builder, field, parsed.union_ids,
                                          parsed.union_id_count, reterr);
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
    struct cfl_format index;
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
    if (!cfl_format_parse(source->format, &index) || index.type.id != CFL_TYPE_INT) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "format string \"%.100s\" is not an index type for a dictionary",
                                 source->format);
    }
    field->index_type = index.type;
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
