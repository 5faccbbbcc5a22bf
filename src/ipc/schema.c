/* SPDX-License-Identifier: Apache-2.0 */
/* The schema tree: its life and its rules.
 *
 * A schema is built once through cfl_schema_builder, checked field by field, and never changes
 * afterwards, so any number of threads may read it. A field that passed cfl_schema_finish_field has
 * a layout, a width and children that fit its type: encoder and decoder rely on that and do not
 * check it again. The schema owns every string and array in the tree. Spec: Arrow columnar "Schema
 * message", Schema.fbs. Thread class: free once built. */
#include "ipc/schema.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/refcount.h"
#include "ipc/metadata.h"
#include "ipc/schema_build.h"

struct cfl_schema {
    struct cfl_refcount refs;
    const struct cflight_allocator *alloc;
    struct cfl_field root;
    bool is_swapped;
};

const struct cfl_field *cfl_schema_root(const struct cfl_schema *schema)
{
    return &schema->root;
}

bool cfl_schema_is_swapped(const struct cfl_schema *schema)
{
    return schema->is_swapped;
}

const struct cflight_allocator *cfl_schema_alloc(const struct cfl_schema *schema)
{
    return schema->alloc;
}

struct cfl_schema *cfl_schema_ref(struct cfl_schema *schema)
{
    if (schema != NULL) {
        cfl_refcount_up(&schema->refs);
    }
    return schema;
}

/* Recursion is bounded by schema_depth_max, which every child passed. */
static void free_field(const struct cflight_allocator *alloc, struct cfl_field *field)
{
    for (int64_t i = 0; i < field->child_count; i++) {
        free_field(alloc, &field->children[i]);
    }
    cfl_free_array(alloc, field->children, (size_t)field->child_count, sizeof *field->children);
    cfl_strfree(alloc, field->name);
    cfl_strfree(alloc, field->type.timezone);
    cfl_free(alloc, field->type.union_ids, (size_t)field->type.union_id_count);
    cfl_free(alloc, (void *)(uintptr_t)field->metadata.data, field->metadata.len_bytes);
}

void cfl_schema_unref(struct cfl_schema *schema)
{
    if (schema == NULL || !cfl_refcount_down(&schema->refs)) {
        return;
    }
    free_field(schema->alloc, &schema->root);
    cfl_free(schema->alloc, schema, sizeof *schema);
}

cflight_status cfl_schema_builder_init(struct cfl_schema_builder *builder,
                                       const struct cflight_allocator *alloc,
                                       const struct cfl_limits *limits, cflight_status bad_status,
                                       cflight_error **reterr)
{
    struct cfl_schema *schema = cfl_alloc_zeroed(alloc, sizeof *schema);
    memset(builder, 0, sizeof *builder);
    if (schema == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cfl_refcount_init(&schema->refs);
    schema->alloc = alloc;
    schema->root.type.id = CFL_TYPE_STRUCT;
    schema->root.type.layout = CFL_LAYOUT_STRUCT;
    schema->root.name = cfl_strndup(alloc, "", 0);
    if (schema->root.name == NULL) {
        cfl_free(alloc, schema, sizeof *schema);
        return cfl_error_no_memory(reterr);
    }
    builder->schema = schema;
    builder->limits = limits == NULL ? &cfl_limits_default : limits;
    builder->bad_status = bad_status;
    return CFLIGHT_OK;
}

struct cfl_field *cfl_schema_builder_root(struct cfl_schema_builder *builder)
{
    return &builder->schema->root;
}

const struct cflight_allocator *cfl_schema_builder_alloc(const struct cfl_schema_builder *builder)
{
    return builder->schema->alloc;
}

void cfl_schema_builder_set_swapped(struct cfl_schema_builder *builder, bool is_swapped)
{
    builder->schema->is_swapped = is_swapped;
}

struct cfl_schema *cfl_schema_builder_take(struct cfl_schema_builder *builder)
{
    struct cfl_schema *schema = builder->schema;
    builder->schema = NULL;
    return schema;
}

void cfl_schema_builder_done(struct cfl_schema_builder *builder)
{
    cfl_schema_unref(builder->schema);
    builder->schema = NULL;
}

static cflight_status set_text(struct cfl_schema_builder *builder, char **target,
                               struct cflight_bytes text, const char *what, cflight_error **reterr)
{
    if (text.len_bytes > 0 && memchr(text.data, 0, text.len_bytes) != NULL) {
        return cflight_error_set(
            reterr, builder->bad_status,
            "the %s that begins with \"%.*s\" holds a NUL character, which the "
            "Arrow C data interface cannot pass on",
            what, (int)(text.len_bytes < 40 ? text.len_bytes : 40), (const char *)text.data);
    }
    char *copy = cfl_strndup(builder->schema->alloc, (const char *)text.data, text.len_bytes);
    if (copy == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cfl_strfree(builder->schema->alloc, *target);
    *target = copy;
    return CFLIGHT_OK;
}

cflight_status cfl_schema_set_name(struct cfl_schema_builder *builder, struct cfl_field *field,
                                   struct cflight_bytes name, cflight_error **reterr)
{
    return set_text(builder, &field->name, name, "field name", reterr);
}

cflight_status cfl_schema_set_timezone(struct cfl_schema_builder *builder, struct cfl_field *field,
                                       struct cflight_bytes timezone, cflight_error **reterr)
{
    return set_text(builder, &field->type.timezone, timezone, "time zone", reterr);
}

cflight_status cfl_schema_set_metadata(struct cfl_schema_builder *builder, struct cfl_field *field,
                                       struct cflight_bytes metadata, cflight_error **reterr)
{
    const struct cflight_allocator *alloc = builder->schema->alloc;
    uint8_t *copy = NULL;
    if (metadata.len_bytes > 0) {
        copy = cfl_alloc(alloc, metadata.len_bytes);
        if (copy == NULL) {
            return cfl_error_no_memory(reterr);
        }
        memcpy(copy, metadata.data, metadata.len_bytes);
    }
    cfl_free(alloc, (void *)(uintptr_t)field->metadata.data, field->metadata.len_bytes);
    field->metadata = cflight_bytes_make(copy, metadata.len_bytes);
    return CFLIGHT_OK;
}

cflight_status cfl_schema_set_union_ids(struct cfl_schema_builder *builder, struct cfl_field *field,
                                        const int32_t *ids, int64_t id_count,
                                        cflight_error **reterr)
{
    bool seen[CFL_UNION_TYPES_MAX] = {false};
    if (id_count < 0 || id_count > CFL_UNION_TYPES_MAX) {
        return cflight_error_set(reterr, builder->bad_status,
                                 "a union has %lld types; at most %d are possible",
                                 (long long)id_count, CFL_UNION_TYPES_MAX);
    }
    int8_t *copy = cfl_alloc(builder->schema->alloc, (size_t)id_count);
    if (copy == NULL && id_count > 0) {
        return cfl_error_no_memory(reterr);
    }
    for (int64_t i = 0; i < id_count; i++) {
        int32_t id = ids == NULL ? (int32_t)i : ids[i];
        if (id < 0 || id >= CFL_UNION_TYPES_MAX || seen[id]) {
            cfl_free(builder->schema->alloc, copy, (size_t)id_count);
            return cflight_error_set(reterr, builder->bad_status,
                                     "union type id %d is out of range or given twice", id);
        }
        seen[id] = true;
        copy[i] = (int8_t)id;
    }
    cfl_free(builder->schema->alloc, field->type.union_ids, (size_t)field->type.union_id_count);
    field->type.union_ids = copy;
    field->type.union_id_count = (int32_t)id_count;
    return CFLIGHT_OK;
}

cflight_status cfl_schema_add_children(struct cfl_schema_builder *builder, struct cfl_field *field,
                                       int64_t child_count, uint32_t depth, cflight_error **reterr)
{
    if (child_count < 0) {
        return cflight_error_set(reterr, builder->bad_status, "a field has %lld children",
                                 (long long)child_count);
    }
    if (child_count == 0) {
        return CFLIGHT_OK;
    }
    if (depth > builder->limits->schema_depth_max) {
        return cflight_error_set(reterr, builder->bad_status,
                                 "the schema is nested more than %u levels deep",
                                 builder->limits->schema_depth_max);
    }
    if ((uint64_t)child_count > builder->limits->schema_fields_max - builder->field_count) {
        return cflight_error_set(reterr, builder->bad_status, "the schema has more than %u fields",
                                 builder->limits->schema_fields_max);
    }
    field->children =
        cfl_alloc_array(builder->schema->alloc, (size_t)child_count, sizeof *field->children);
    if (field->children == NULL) {
        return cfl_error_no_memory(reterr);
    }
    field->child_count = child_count;
    builder->field_count += (uint32_t)child_count;
    return CFLIGHT_OK;
}

static const enum cfl_layout layouts[] = {
    [CFL_TYPE_NONE] = CFL_LAYOUT_NULL,
    [CFL_TYPE_NULL] = CFL_LAYOUT_NULL,
    [CFL_TYPE_INT] = CFL_LAYOUT_FIXED,
    [CFL_TYPE_FLOATING_POINT] = CFL_LAYOUT_FIXED,
    [CFL_TYPE_BINARY] = CFL_LAYOUT_VARIABLE_32,
    [CFL_TYPE_UTF8] = CFL_LAYOUT_VARIABLE_32,
    [CFL_TYPE_BOOL] = CFL_LAYOUT_BOOL,
    [CFL_TYPE_DECIMAL] = CFL_LAYOUT_FIXED,
    [CFL_TYPE_DATE] = CFL_LAYOUT_FIXED,
    [CFL_TYPE_TIME] = CFL_LAYOUT_FIXED,
    [CFL_TYPE_TIMESTAMP] = CFL_LAYOUT_FIXED,
    [CFL_TYPE_INTERVAL] = CFL_LAYOUT_FIXED,
    [CFL_TYPE_LIST] = CFL_LAYOUT_LIST_32,
    [CFL_TYPE_STRUCT] = CFL_LAYOUT_STRUCT,
    [CFL_TYPE_UNION] = CFL_LAYOUT_SPARSE_UNION,
    [CFL_TYPE_FIXED_SIZE_BINARY] = CFL_LAYOUT_FIXED,
    [CFL_TYPE_FIXED_SIZE_LIST] = CFL_LAYOUT_FIXED_LIST,
    [CFL_TYPE_MAP] = CFL_LAYOUT_LIST_32,
    [CFL_TYPE_DURATION] = CFL_LAYOUT_FIXED,
    [CFL_TYPE_LARGE_BINARY] = CFL_LAYOUT_VARIABLE_64,
    [CFL_TYPE_LARGE_UTF8] = CFL_LAYOUT_VARIABLE_64,
    [CFL_TYPE_LARGE_LIST] = CFL_LAYOUT_LIST_64,
    [CFL_TYPE_RUN_END_ENCODED] = CFL_LAYOUT_RUN_END_ENCODED,
    [CFL_TYPE_BINARY_VIEW] = CFL_LAYOUT_VIEW,
    [CFL_TYPE_UTF8_VIEW] = CFL_LAYOUT_VIEW,
    [CFL_TYPE_LIST_VIEW] = CFL_LAYOUT_LIST_VIEW_32,
    [CFL_TYPE_LARGE_LIST_VIEW] = CFL_LAYOUT_LIST_VIEW_64,
};

static bool is_int_width(int32_t bit_width)
{
    return bit_width == 8 || bit_width == 16 || bit_width == 32 || bit_width == 64;
}

static bool is_decimal(const struct cfl_type *type)
{
    switch (type->bit_width) {
    case 32:
        return type->precision >= 1 && type->precision <= 9;
    case 64:
        return type->precision >= 1 && type->precision <= 18;
    case 128:
        return type->precision >= 1 && type->precision <= 38;
    case 256:
        return type->precision >= 1 && type->precision <= 76;
    default:
        return false;
    }
}

/* Seconds and milliseconds are 32 bits wide, the finer units 64 (Schema.fbs: Time). */
static bool is_time(const struct cfl_type *type)
{
    return (type->unit >= 0 && type->unit <= 1 && type->bit_width == 32) ||
           (type->unit >= 2 && type->unit <= 3 && type->bit_width == 64);
}

/* Bytes of one value of a fixed-width type, or -1 when its parameters are impossible. */
static int32_t value_width(const struct cfl_type *type)
{
    static const int32_t interval_widths[] = {4, 8, 16};

    switch (type->id) {
    case CFL_TYPE_INT:
        return is_int_width(type->bit_width) ? type->bit_width / 8 : -1;
    case CFL_TYPE_FLOATING_POINT:
        return type->unit >= 0 && type->unit <= 2 ? 2 << type->unit : -1;
    case CFL_TYPE_DECIMAL:
        return is_decimal(type) ? type->bit_width / 8 : -1;
    case CFL_TYPE_DATE:
        return type->unit >= 0 && type->unit <= 1 ? 4 << type->unit : -1;
    case CFL_TYPE_TIME:
        return is_time(type) ? type->bit_width / 8 : -1;
    case CFL_TYPE_TIMESTAMP:
    case CFL_TYPE_DURATION:
        return type->unit >= 0 && type->unit <= 3 ? 8 : -1;
    case CFL_TYPE_INTERVAL:
        return type->unit >= 0 && type->unit <= 2 ? interval_widths[type->unit] : -1;
    case CFL_TYPE_FIXED_SIZE_BINARY:
        return type->width_bytes;
    case CFL_TYPE_FIXED_SIZE_LIST:
        return type->list_size < 0 ? -1 : 0;
    case CFL_TYPE_NONE:
    case CFL_TYPE_NULL:
    case CFL_TYPE_BINARY:
    case CFL_TYPE_UTF8:
    case CFL_TYPE_BOOL:
    case CFL_TYPE_LIST:
    case CFL_TYPE_STRUCT:
    case CFL_TYPE_UNION:
    case CFL_TYPE_MAP:
    case CFL_TYPE_LARGE_BINARY:
    case CFL_TYPE_LARGE_UTF8:
    case CFL_TYPE_LARGE_LIST:
    case CFL_TYPE_RUN_END_ENCODED:
    case CFL_TYPE_BINARY_VIEW:
    case CFL_TYPE_UTF8_VIEW:
    case CFL_TYPE_LIST_VIEW:
    case CFL_TYPE_LARGE_LIST_VIEW:
        break;
    }
    return 0;
}

bool cfl_type_resolve(struct cfl_type *type)
{
    if (type->id <= CFL_TYPE_NONE || type->id > CFL_TYPE_LARGE_LIST_VIEW) {
        return false;
    }
    if (type->id != CFL_TYPE_UNION) {
        type->layout = layouts[type->id];
    } else if (type->layout != CFL_LAYOUT_SPARSE_UNION && type->layout != CFL_LAYOUT_DENSE_UNION) {
        return false;
    }
    type->width_bytes = value_width(type);
    return type->width_bytes >= 0;
}

/* A map is a list of structs of key and value; entries cannot be dictionary-encoded (Schema.fbs:
 * Map). */
static bool is_map_entry(const struct cfl_field *field)
{
    return field->type.id == CFL_TYPE_STRUCT && !field->is_dictionary && field->child_count == 2;
}

/* Signed, 16, 32 or 64 bits, plain (Arrow columnar: Run-End Encoded Layout). */
static bool is_run_ends(const struct cfl_field *field)
{
    return field->type.id == CFL_TYPE_INT && !field->is_dictionary && field->type.is_signed &&
           field->type.bit_width >= 16;
}

static bool has_right_children(const struct cfl_field *field)
{
    switch (field->type.layout) {
    case CFL_LAYOUT_LIST_32:
        return field->child_count == 1 &&
               (field->type.id != CFL_TYPE_MAP || is_map_entry(&field->children[0]));
    case CFL_LAYOUT_LIST_64:
    case CFL_LAYOUT_LIST_VIEW_32:
    case CFL_LAYOUT_LIST_VIEW_64:
    case CFL_LAYOUT_FIXED_LIST:
        return field->child_count == 1;
    case CFL_LAYOUT_STRUCT:
        return true;
    case CFL_LAYOUT_SPARSE_UNION:
    case CFL_LAYOUT_DENSE_UNION:
        return field->child_count == field->type.union_id_count;
    case CFL_LAYOUT_RUN_END_ENCODED:
        return field->child_count == 2 && is_run_ends(&field->children[0]);
    case CFL_LAYOUT_NULL:
    case CFL_LAYOUT_BOOL:
    case CFL_LAYOUT_FIXED:
    case CFL_LAYOUT_VARIABLE_32:
    case CFL_LAYOUT_VARIABLE_64:
    case CFL_LAYOUT_VIEW:
        break;
    }
    return field->child_count == 0;
}

cflight_status cfl_schema_finish_field(struct cfl_schema_builder *builder, struct cfl_field *field,
                                       cflight_error **reterr)
{
    if (field->type.id == CFL_TYPE_INT && field->type.bit_width == 128) {
        return cflight_error_set_message(
            reterr, CFLIGHT_UNIMPLEMENTED,
            "integers of 128 bits are an extension of polars; Arrow has 8 to 64 bits");
    }
    if (!cfl_type_resolve(&field->type)) {
        return cflight_error_set(
            reterr, builder->bad_status,
            "type %d has impossible parameters (unit %d, %d bits, precision %d, size %d)",
            (int)field->type.id, field->type.unit, field->type.bit_width, field->type.precision,
            field->type.list_size);
    }
    if (field->is_dictionary &&
        (field->index_type.id != CFL_TYPE_INT || !cfl_type_resolve(&field->index_type))) {
        return cflight_error_set_message(reterr, builder->bad_status,
                                         "the index type of a dictionary must be an integer");
    }
    if (!has_right_children(field)) {
        return cflight_error_set(reterr, builder->bad_status,
                                 "type %d cannot have these %lld children", (int)field->type.id,
                                 (long long)field->child_count);
    }
    if (field->name == NULL) {
        return cfl_schema_set_name(builder, field, cflight_bytes_make("", 0), reterr);
    }
    return CFLIGHT_OK;
}

bool cfl_type_has_same_values(const struct cfl_type *a, const struct cfl_type *b)
{
    return a->id == b->id && a->layout == b->layout && a->width_bytes == b->width_bytes &&
           a->bit_width == b->bit_width && a->is_signed == b->is_signed && a->unit == b->unit &&
           a->precision == b->precision && a->scale == b->scale && a->list_size == b->list_size &&
           a->union_id_count == b->union_id_count &&
           (a->union_id_count == 0 ||
            memcmp(a->union_ids, b->union_ids, (size_t)a->union_id_count) == 0);
}

static bool equal_text(const char *a, const char *b)
{
    return (a == NULL || b == NULL) ? a == b : strcmp(a, b) == 0;
}

static bool equal_type(const struct cfl_type *a, const struct cfl_type *b)
{
    return cfl_type_has_same_values(a, b) && a->keys_sorted == b->keys_sorted &&
           equal_text(a->timezone, b->timezone);
}

/* An extension type is told by metadata only, but it is a type (Arrow columnar: Extension Types).
 * Parameters that are left out are none. */
static bool equal_extension(struct cflight_bytes a, struct cflight_bytes b)
{
    const struct cflight_bytes name = cflight_bytes_from_text("ARROW:extension:name");
    const struct cflight_bytes parameters = cflight_bytes_from_text("ARROW:extension:metadata");
    struct cflight_bytes name_a = cfl_metadata_find(a, name);
    struct cflight_bytes name_b = cfl_metadata_find(b, name);

    if (name_a.data == NULL || name_b.data == NULL) {
        return name_a.data == name_b.data;
    }
    return cflight_bytes_equal(name_a, name_b) &&
           cflight_bytes_equal(cfl_metadata_find(a, parameters), cfl_metadata_find(b, parameters));
}

static bool equal_field(const struct cfl_field *a, const struct cfl_field *b)
{
    if (strcmp(a->name, b->name) != 0 || a->is_nullable != b->is_nullable ||
        !equal_type(&a->type, &b->type) || a->is_dictionary != b->is_dictionary ||
        a->child_count != b->child_count || !equal_extension(a->metadata, b->metadata)) {
        return false;
    }
    if (a->is_dictionary && (a->dictionary_is_ordered != b->dictionary_is_ordered ||
                             !equal_type(&a->index_type, &b->index_type))) {
        return false;
    }
    for (int64_t i = 0; i < a->child_count; i++) {
        if (!equal_field(&a->children[i], &b->children[i])) {
            return false;
        }
    }
    return true;
}

/* The top level's own name and nullability mean nothing in a schema message, so only the columns
 * are compared. */
bool cfl_schema_equal(const struct cfl_schema *a, const struct cfl_schema *b)
{
    if (a->root.child_count != b->root.child_count) {
        return false;
    }
    for (int64_t i = 0; i < a->root.child_count; i++) {
        if (!equal_field(&a->root.children[i], &b->root.children[i])) {
            return false;
        }
    }
    return true;
}
