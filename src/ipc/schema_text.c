/* SPDX-License-Identifier: Apache-2.0 */
/* Types in words, and comparison of ArrowSchemas: what people and tests look at.
 *
 * Both parse into the schema tree first, so they know every type the library knows and refuse what
 * it refuses. Thread class: free. */
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"
#include "cflight/ipc.h"
#include "ipc/metadata.h"
#include "ipc/schema_from_arrow.h"

static const char *const unit_names[] = {"s", "ms", "us", "ns"};
static const char *const float_names[] = {"halffloat", "float", "double"};
static const char *const date_names[] = {"date32[day]", "date64[ms]"};
static const char *const interval_names[] = {"month_interval", "day_time_interval",
                                             "month_day_nano_interval"};

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
    cfl_buf_append_format(text, ", indices=%sint%d, ordered=%d>",
                          field->index_type.is_signed ? "" : "u", field->index_type.bit_width,
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

static void append_int(struct cfl_buf *text, const struct cfl_field *field)
{
    cfl_buf_append_format(text, "%sint%d", field->type.is_signed ? "" : "u", field->type.bit_width);
}

static void append_float(struct cfl_buf *text, const struct cfl_field *field)
{
    cfl_buf_append_text(text, float_names[field->type.unit]);
}

static void append_decimal(struct cfl_buf *text, const struct cfl_field *field)
{
    cfl_buf_append_format(text, "decimal%d(%d, %d)", field->type.bit_width, field->type.precision,
                          field->type.scale);
}

static void append_date(struct cfl_buf *text, const struct cfl_field *field)
{
    cfl_buf_append_text(text, date_names[field->type.unit]);
}

static void append_time(struct cfl_buf *text, const struct cfl_field *field)
{
    cfl_buf_append_format(text, "time%d[%s]", field->type.bit_width, unit_names[field->type.unit]);
}

static void append_timestamp(struct cfl_buf *text, const struct cfl_field *field)
{
    cfl_buf_append_format(text, "timestamp[%s", unit_names[field->type.unit]);
    if (field->type.timezone != NULL) {
        cfl_buf_append_text(text, ", tz=");
        cfl_buf_append_text(text, field->type.timezone);
    }
    cfl_buf_append_text(text, "]");
}

static void append_interval(struct cfl_buf *text, const struct cfl_field *field)
{
    cfl_buf_append_text(text, interval_names[field->type.unit]);
}

static void append_duration(struct cfl_buf *text, const struct cfl_field *field)
{
    cfl_buf_append_format(text, "duration[%s]", unit_names[field->type.unit]);
}

static void append_union(struct cfl_buf *text, const struct cfl_field *field)
{
    bool is_dense = field->type.layout == CFL_LAYOUT_DENSE_UNION;
    append_nested(text, is_dense ? "dense_union" : "sparse_union", field);
}

static void append_fixed_size_binary(struct cfl_buf *text, const struct cfl_field *field)
{
    cfl_buf_append_format(text, "fixed_size_binary[%d]", field->type.width_bytes);
}

static void append_fixed_size_list(struct cfl_buf *text, const struct cfl_field *field)
{
    append_nested(text, "fixed_size_list", field);
    cfl_buf_append_format(text, "[%d]", field->type.list_size);
}

/* How a type is put in words: by its name alone, its name and its children, or by a function. */
static const struct type_text {
    const char *name;
    bool has_children;
    void (*append)(struct cfl_buf *text, const struct cfl_field *field);
} type_texts[] = {
    [CFL_TYPE_NONE] = {"none", false, NULL},
    [CFL_TYPE_NULL] = {"null", false, NULL},
    [CFL_TYPE_INT] = {NULL, false, append_int},
    [CFL_TYPE_FLOATING_POINT] = {NULL, false, append_float},
    [CFL_TYPE_BINARY] = {"binary", false, NULL},
    [CFL_TYPE_UTF8] = {"string", false, NULL},
    [CFL_TYPE_BOOL] = {"bool", false, NULL},
    [CFL_TYPE_DECIMAL] = {NULL, false, append_decimal},
    [CFL_TYPE_DATE] = {NULL, false, append_date},
    [CFL_TYPE_TIME] = {NULL, false, append_time},
    [CFL_TYPE_TIMESTAMP] = {NULL, false, append_timestamp},
    [CFL_TYPE_INTERVAL] = {NULL, false, append_interval},
    [CFL_TYPE_LIST] = {"list", true, NULL},
    [CFL_TYPE_STRUCT] = {"struct", true, NULL},
    [CFL_TYPE_UNION] = {NULL, false, append_union},
    [CFL_TYPE_FIXED_SIZE_BINARY] = {NULL, false, append_fixed_size_binary},
    [CFL_TYPE_FIXED_SIZE_LIST] = {NULL, false, append_fixed_size_list},
    [CFL_TYPE_MAP] = {NULL, false, append_map},
    [CFL_TYPE_DURATION] = {NULL, false, append_duration},
    [CFL_TYPE_LARGE_BINARY] = {"large_binary", false, NULL},
    [CFL_TYPE_LARGE_UTF8] = {"large_string", false, NULL},
    [CFL_TYPE_LARGE_LIST] = {"large_list", true, NULL},
    [CFL_TYPE_RUN_END_ENCODED] = {NULL, false, append_run_end_encoded},
    [CFL_TYPE_BINARY_VIEW] = {"binary_view", false, NULL},
    [CFL_TYPE_UTF8_VIEW] = {"string_view", false, NULL},
    [CFL_TYPE_LIST_VIEW] = {"list_view", true, NULL},
    [CFL_TYPE_LARGE_LIST_VIEW] = {"large_list_view", true, NULL},
};

static void append_value_type(struct cfl_buf *text, const struct cfl_field *field)
{
    const struct type_text *type_text = &type_texts[field->type.id];

    if (type_text->append != NULL) {
        type_text->append(text, field);
    } else if (type_text->has_children) {
        append_nested(text, type_text->name, field);
    } else {
        cfl_buf_append_text(text, type_text->name);
    }
}

cflight_status cflight_schema_type_text(const struct ArrowSchema *field, char **ret_text,
                                        cflight_error **reterr)
{
    struct cfl_schema *schema = NULL;
    struct cfl_buf text;
    cflight_status status = CFLIGHT_OK;

    cfl_buf_init(&text, NULL);
    if (ret_text == NULL) {
        return cfl_error_null_argument(reterr, "ret_text");
    }
    status = cfl_schema_from_arrow_field(NULL, field, NULL, &schema, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    append_type(&text, &cfl_schema_root(schema)->children[0]);
    char *copy = text.failed ? NULL : cfl_strndup(NULL, (const char *)text.data, text.len_bytes);
    if (copy == NULL) {
        status = cfl_error_no_memory(reterr);
        goto done;
    }
    *ret_text = copy;

done:
    cfl_buf_done(&text);
    cfl_schema_unref(schema);
    return status;
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
