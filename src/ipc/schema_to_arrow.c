/* SPDX-License-Identifier: Apache-2.0 */
/* Schema tree to ArrowSchema, and deep copies of ArrowSchema.
 *
 * Every node that is handed out owns its strings and the memory of its children, so a consumer may
 * move a child out as the C data interface allows: the parent then only frees the emptied
 * structure. The result refers to the allocator but to nothing else of the library. Thread class:
 * free. */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"
#include "cflight/schema.h"
#include "ipc/format.h"
#include "ipc/metadata.h"
#include "ipc/schema_build.h"

enum { COPY_DEPTH_MAX = 64 };

/* What ArrowSchema.private_data points at. */
struct exported {
    const struct cflight_allocator *alloc;
    char *format;
    char *name;
    struct cflight_bytes metadata;
    size_t child_count;
    struct ArrowSchema *child_structs;
    struct ArrowSchema **child_pointers;
    struct ArrowSchema *dictionary;
};

static void release_child(struct ArrowSchema *child)
{
    if (child->release != NULL) {
        child->release(child);
    }
}

static void release_exported(struct ArrowSchema *schema)
{
    struct exported *exported = schema->private_data;
    const struct cflight_allocator *alloc = exported->alloc;

    for (size_t i = 0; i < exported->child_count; i++) {
        release_child(&exported->child_structs[i]);
    }
    if (exported->dictionary != NULL) {
        release_child(exported->dictionary);
    }
    cfl_free(alloc, exported->dictionary, sizeof *exported->dictionary);
    cfl_free_array(alloc, exported->child_structs, exported->child_count,
                   sizeof *exported->child_structs);
    cfl_free_array(alloc, exported->child_pointers, exported->child_count,
                   sizeof(struct ArrowSchema *));
    cfl_strfree(alloc, exported->format);
    cfl_strfree(alloc, exported->name);
    cfl_free(alloc, (void *)(uintptr_t)exported->metadata.data, exported->metadata.len_bytes);
    cfl_free(alloc, exported, sizeof *exported);
    schema->release = NULL;
    schema->private_data = NULL;
}

/* What a node is made from. Children and dictionary are filled in by the caller afterwards. */
struct node {
    const char *format;
    const char *name; /* NULL stays NULL */
    struct cflight_bytes metadata;
    int64_t flags;
    int64_t child_count;
    bool has_dictionary;
};

static bool fill_exported(struct exported *exported, const struct node *node)
{
    const struct cflight_allocator *alloc = exported->alloc;
    size_t child_count = (size_t)node->child_count;

    exported->format = cfl_strndup(alloc, node->format, strlen(node->format));
    if (node->name != NULL) {
        exported->name = cfl_strndup(alloc, node->name, strlen(node->name));
    }
    if (exported->format == NULL || (node->name != NULL && exported->name == NULL)) {
        return false;
    }
    if (node->metadata.len_bytes > 0) {
        uint8_t *copy = cfl_alloc(alloc, node->metadata.len_bytes);
        if (copy == NULL) {
            return false;
        }
        memcpy(copy, node->metadata.data, node->metadata.len_bytes);
        exported->metadata = cflight_bytes_make(copy, node->metadata.len_bytes);
    }
    if (node->has_dictionary) {
        exported->dictionary = cfl_alloc_zeroed(alloc, sizeof *exported->dictionary);
        if (exported->dictionary == NULL) {
            return false;
        }
    }
    if (child_count == 0) {
        return true;
    }
    exported->child_structs = cfl_alloc_array(alloc, child_count, sizeof *exported->child_structs);
    if (exported->child_structs == NULL) {
        return false;
    }
    exported->child_count = child_count;
    exported->child_pointers = cfl_alloc_array(alloc, child_count, sizeof(struct ArrowSchema *));
    return exported->child_pointers != NULL;
}

/* Makes `schema` a releasable node with zeroed children; on failure it is released again. */
static cflight_status export_node(const struct cflight_allocator *alloc, const struct node *node,
                                  struct ArrowSchema *schema, cflight_error **reterr)
{
    struct exported *exported = cfl_alloc_zeroed(alloc, sizeof *exported);

    memset(schema, 0, sizeof *schema);
    if (exported == NULL) {
        return cfl_error_no_memory(reterr);
    }
    exported->alloc = alloc;
    schema->private_data = exported;
    schema->release = release_exported;
    if (!fill_exported(exported, node)) {
        schema->release(schema);
        return cfl_error_no_memory(reterr);
    }
    for (size_t i = 0; i < exported->child_count; i++) {
        exported->child_pointers[i] = &exported->child_structs[i];
    }
    schema->format = exported->format;
    schema->name = exported->name;
    schema->metadata = (const char *)exported->metadata.data;
    schema->flags = node->flags;
    schema->n_children = node->child_count;
    schema->children = exported->child_pointers;
    schema->dictionary = exported->dictionary;
    return CFLIGHT_OK;
}

static void append_union_format(struct cfl_buf *format, const struct cfl_type *type)
{
    cfl_buf_append_text(format, type->layout == CFL_LAYOUT_DENSE_UNION ? "+ud:" : "+us:");
    for (int32_t i = 0; i < type->union_id_count; i++) {
        cfl_buf_append_format(format, i == 0 ? "%d" : ",%d", type->union_ids[i]);
    }
}

static void append_decimal_format(struct cfl_buf *format, const struct cfl_type *type)
{
    cfl_buf_append_format(format, "d:%d,%d", type->precision, type->scale);
    if (type->bit_width != 128) {
        cfl_buf_append_format(format, ",%d", type->bit_width);
    }
}

static void append_format(struct cfl_buf *format, const struct cfl_type *type)
{
    static const char unit_letters[] = "smun";

    const char *plain = cfl_format_of_type(type);

    if (plain != NULL) {
        cfl_buf_append_text(format, plain);
    } else if (type->id == CFL_TYPE_DECIMAL) {
        append_decimal_format(format, type);
    } else if (type->id == CFL_TYPE_TIMESTAMP) {
        cfl_buf_append_format(format, "ts%c:%s", unit_letters[type->unit],
                              type->timezone == NULL ? "" : type->timezone);
    } else if (type->id == CFL_TYPE_UNION) {
        append_union_format(format, type);
    } else if (type->id == CFL_TYPE_FIXED_SIZE_BINARY) {
        cfl_buf_append_format(format, "w:%d", type->width_bytes);
    } else if (type->id == CFL_TYPE_FIXED_SIZE_LIST) {
        cfl_buf_append_format(format, "+w:%d", type->list_size);
    }
}

static int64_t type_flags(const struct cfl_type *type)
{
    return type->keys_sorted ? ARROW_FLAG_MAP_KEYS_SORTED : 0;
}

static cflight_status export_typed_node(const struct cflight_allocator *alloc,
                                        const struct cfl_type *type, struct node *node,
                                        struct ArrowSchema *ret_schema, cflight_error **reterr)
{
    struct cfl_buf format;
    cflight_status status = CFLIGHT_OK;

    cfl_buf_init(&format, alloc);
    append_format(&format, type);
    cfl_buf_append_u8(&format, 0);
    if (format.failed) {
        status = cfl_error_no_memory(reterr);
        goto done;
    }
    node->format = (const char *)format.data;
    status = export_node(alloc, node, ret_schema, reterr);

done:
    cfl_buf_done(&format);
    return status;
}

static cflight_status export_field(const struct cflight_allocator *alloc,
                                   const struct cfl_field *field, struct ArrowSchema *schema,
                                   cflight_error **reterr);

static cflight_status export_children(const struct cflight_allocator *alloc,
                                      const struct cfl_field *field, struct ArrowSchema *schema,
                                      cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;

    for (int64_t i = 0; status == CFLIGHT_OK && i < field->child_count; i++) {
        status = export_field(alloc, &field->children[i], schema->children[i], reterr);
    }
    return status;
}

/* Leaves `schema` released on failure. */
static cflight_status export_field(const struct cflight_allocator *alloc,
                                   const struct cfl_field *field, struct ArrowSchema *schema,
                                   cflight_error **reterr)
{
    struct node node = {
        .name = field->name, .metadata = field->metadata, .has_dictionary = field->is_dictionary};
    struct node values = {.flags = type_flags(&field->type) | ARROW_FLAG_NULLABLE, .name = ""};
    cflight_status status = CFLIGHT_OK;

    node.flags = field->is_nullable ? ARROW_FLAG_NULLABLE : 0;
    if (field->is_dictionary) {
        node.flags |= field->dictionary_is_ordered ? ARROW_FLAG_DICTIONARY_ORDERED : 0;
        values.child_count = field->child_count;
    } else {
        node.flags |= type_flags(&field->type);
        node.child_count = field->child_count;
    }
    status = export_typed_node(alloc, field->is_dictionary ? &field->index_type : &field->type,
                               &node, schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (field->is_dictionary) {
        status = export_typed_node(alloc, &field->type, &values, schema->dictionary, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = export_children(alloc, field, field->is_dictionary ? schema->dictionary : schema,
                                 reterr);
    }
    if (status != CFLIGHT_OK) {
        schema->release(schema);
    }
    return status;
}

cflight_status cfl_schema_to_arrow(const struct cfl_schema *schema, struct ArrowSchema *ret_schema,
                                   cflight_error **reterr)
{
    struct ArrowSchema made = {0};
    cflight_status status =
        export_field(cfl_schema_alloc(schema), cfl_schema_root(schema), &made, reterr);

    if (status == CFLIGHT_OK) {
        *ret_schema = made;
    }
    return status;
}

/* Copies the structures as they are, so that what this library does not use is kept too. */
static cflight_status copy_node(const struct ArrowSchema *source, struct ArrowSchema *target,
                                int depth, cflight_error **reterr)
{
    struct node node = {0};
    cflight_status status = CFLIGHT_OK;

    if (source == NULL || source->release == NULL || source->format == NULL ||
        source->n_children < 0 || (source->n_children > 0 && source->children == NULL) ||
        depth > COPY_DEPTH_MAX || !cfl_metadata_measure(source->metadata, &node.metadata)) {
        return cflight_error_set_message(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "the ArrowSchema is released, incomplete or nested too deeply");
    }
    node.format = source->format;
    node.name = source->name;
    node.flags = source->flags;
    node.child_count = source->n_children;
    node.has_dictionary = source->dictionary != NULL;
    status = export_node(NULL, &node, target, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    for (int64_t i = 0; status == CFLIGHT_OK && i < source->n_children; i++) {
        status = copy_node(source->children[i], target->children[i], depth + 1, reterr);
    }
    if (status == CFLIGHT_OK && source->dictionary != NULL) {
        status = copy_node(source->dictionary, target->dictionary, depth + 1, reterr);
    }
    if (status != CFLIGHT_OK) {
        target->release(target);
    }
    return status;
}

cflight_status cflight_schema_copy(const struct ArrowSchema *schema, struct ArrowSchema *ret_schema,
                                   cflight_error **reterr)
{
    struct ArrowSchema made = {0};
    cflight_status status = CFLIGHT_OK;

    if (ret_schema == NULL) {
        return cfl_error_null_argument(reterr, "ret_schema");
    }
    status = copy_node(schema, &made, 0, reterr);
    if (status == CFLIGHT_OK) {
        *ret_schema = made;
    }
    return status;
}
