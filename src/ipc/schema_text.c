/* SPDX-License-Identifier: Apache-2.0 */
/* Types in words, and comparison of ArrowSchemas: what people and tests look at.
 *
 * Both parse into the schema tree first, so they know every type the library knows and refuse what
 * it refuses. Thread class: free. */
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "cflight/schema.h"
#include "ipc/format.h"
#include "ipc/metadata.h"
#include "ipc/schema_from_arrow.h"

static void append_field(struct cfl_buf *text, const struct cfl_field *field);
static void append_value_type(struct cfl_buf *text, const struct cfl_field *field);

static void append_type(struct cfl_buf *text, const struct cfl_field *field)
{
    if (!field->is_dictionary) {
        append_value_type(text, field);
        return;
    }
    cfl_buf_append_text(text, "dictionary<values=");
    append_value_type(text, field);
    cfl_buf_append_format(text, ", indices=%s, ordered=%d>", cfl_format_words(&field->index_type),
                          field->dictionary_is_ordered ? 1 : 0);
}

static void append_field(struct cfl_buf *text, const struct cfl_field *field)
{
    cfl_buf_append_text(text, field->name);
    cfl_buf_append_text(text, ": ");
    append_type(text, field);
    if (!field->is_nullable) {
        cfl_buf_append_text(text, " not null");
    }
}

static void append_nested(struct cfl_buf *text, const char *name, const struct cfl_field *field)
{
    cfl_buf_append_text(text, name);
    cfl_buf_append_text(text, "<");
    for (int64_t i = 0; i < field->child_count; i++) {
        cfl_buf_append_text(text, i == 0 ? "" : ", ");
        append_field(text, &field->children[i]);
        if (field->type.id == CFL_TYPE_UNION) {
            cfl_buf_append_format(text, "=%d", field->type.union_ids[i]);
        }
    }
    cfl_buf_append_text(text, ">");
}

/* Field names of a map's entries are shown only when they are not the usual ones. */
static void append_map_part(struct cfl_buf *text, const struct cfl_field *part,
                            const char *usual_name)
{
    append_type(text, part);
    if (strcmp(part->name, usual_name) != 0) {
        cfl_buf_append_format(text, " ('%s')", part->name);
    }
}

static void append_map(struct cfl_buf *text, const struct cfl_field *field)
{
    const struct cfl_field *entries = &field->children[0];

    cfl_buf_append_text(text, "map<");
    append_map_part(text, &entries->children[0], "key");
    cfl_buf_append_text(text, ", ");
    append_map_part(text, &entries->children[1], "value");
    if (field->type.keys_sorted) {
        cfl_buf_append_text(text, ", keys_sorted");
    }
    if (strcmp(entries->name, "entries") != 0) {
        cfl_buf_append_format(text, " ('%s')", entries->name);
    }
    cfl_buf_append_text(text, ">");
}

/* Nullability of the two children says nothing: run ends never are null, values decide by
 * themselves. */
static void append_run_end_encoded(struct cfl_buf *text, const struct cfl_field *field)
{
    cfl_buf_append_text(text, "run_end_encoded<run_ends: ");
    append_type(text, &field->children[0]);
    cfl_buf_append_text(text, ", values: ");
    append_type(text, &field->children[1]);
    cfl_buf_append_text(text, ">");
}

static void append_timestamp(struct cfl_buf *text, const struct cfl_type *type)
{
    static const char *const unit_names[] = {"s", "ms", "us", "ns"};

    cfl_buf_append_format(text, "timestamp[%s", unit_names[type->unit]);
    if (type->timezone != NULL) {
        cfl_buf_append_text(text, ", tz=");
        cfl_buf_append_text(text, type->timezone);
    }
    cfl_buf_append_text(text, "]");
}

static void append_parametric(struct cfl_buf *text, const struct cfl_field *field)
{
    const struct cfl_type *type = &field->type;

    if (type->id == CFL_TYPE_TIMESTAMP) {
        append_timestamp(text, type);
    } else if (type->id == CFL_TYPE_DECIMAL) {
        cfl_buf_append_format(text, "decimal%d(%d, %d)", type->bit_width, type->precision,
                              type->scale);
    } else if (type->id == CFL_TYPE_FIXED_SIZE_BINARY) {
        cfl_buf_append_format(text, "fixed_size_binary[%d]", type->width_bytes);
    } else if (type->id == CFL_TYPE_FIXED_SIZE_LIST) {
        append_nested(text, "fixed_size_list", field);
        cfl_buf_append_format(text, "[%d]", type->list_size);
    } else if (type->id == CFL_TYPE_UNION) {
        bool is_dense = type->layout == CFL_LAYOUT_DENSE_UNION;
        append_nested(text, is_dense ? "dense_union" : "sparse_union", field);
    }
}

static void append_value_type(struct cfl_buf *text, const struct cfl_field *field)
{
    const char *words = cfl_format_words(&field->type);

    if (words == NULL) {
        append_parametric(text, field);
    } else if (field->type.id == CFL_TYPE_MAP) {
        append_map(text, field);
    } else if (field->type.id == CFL_TYPE_RUN_END_ENCODED) {
        append_run_end_encoded(text, field);
    } else if (field->type.id == CFL_TYPE_STRUCT || field->child_count > 0) {
        append_nested(text, words, field);
    } else {
        cfl_buf_append_text(text, words);
    }
}

cflight_status cflight_schema_type_text(const struct ArrowSchema *field, char **ret_text,
                                        cflight_error **reterr)
{
    struct cfl_schema *schema = NULL;
    struct cfl_buf buf;

    if (ret_text == NULL) {
        return cfl_error_null_argument(reterr, "ret_text");
    }
    cflight_status status = cfl_schema_from_arrow_field(NULL, field, NULL, &schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_buf_init(&buf, NULL);
    append_type(&buf, &cfl_schema_root(schema)->children[0]);
    cfl_schema_unref(schema);
    char *text = cfl_buf_take_text(&buf);
    if (text == NULL) {
        return cfl_error_no_memory(reterr);
    }
    *ret_text = text;
    return CFLIGHT_OK;
}

/* Both trees have the same shape already. */
static bool equal_metadata(const struct cfl_field *a, const struct cfl_field *b)
{
    if (!cfl_metadata_equal(a->metadata, b->metadata)) {
        return false;
    }
    for (int64_t i = 0; i < a->child_count; i++) {
        if (!equal_metadata(&a->children[i], &b->children[i])) {
            return false;
        }
    }
    return true;
}

bool cflight_schema_equal(const struct ArrowSchema *a, const struct ArrowSchema *b,
                          bool with_metadata)
{
    struct cfl_schema *tree_a = NULL;
    struct cfl_schema *tree_b = NULL;
    bool is_equal = false;

    if (cfl_schema_from_arrow(NULL, a, NULL, &tree_a, NULL) != CFLIGHT_OK ||
        cfl_schema_from_arrow(NULL, b, NULL, &tree_b, NULL) != CFLIGHT_OK) {
        goto done;
    }
    is_equal = cfl_schema_equal(tree_a, tree_b) &&
               (!with_metadata || equal_metadata(cfl_schema_root(tree_a), cfl_schema_root(tree_b)));

done:
    cfl_schema_unref(tree_a);
    cfl_schema_unref(tree_b);
    return is_equal;
}
