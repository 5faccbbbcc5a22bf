/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas as columns.
 *
 * A column owns its children, dictionary and texts. Depth is bounded here as well as in the
 * library, so a schema of any origin cannot exhaust the stack. Thread class: one at a time to
 * build, free to read. */
#include "cli/values/column.h"

#include <stdlib.h>
#include <string.h>

#include "cli/system/text.h"

enum { DEPTH_MAX = 128 };

/* Number of children a type must have; -1 when any number will do. */
static int64_t expected_children(enum cflight_type_id type)
{
    if (type == CFLIGHT_TYPE_STRUCT || type == CFLIGHT_TYPE_SPARSE_UNION ||
        type == CFLIGHT_TYPE_DENSE_UNION) {
        return -1;
    }
    if (type == CFLIGHT_TYPE_RUN_END_ENCODED) {
        return 2;
    }
    bool is_list = (type >= CFLIGHT_TYPE_LIST && type <= CFLIGHT_TYPE_FIXED_SIZE_LIST) ||
                   type == CFLIGHT_TYPE_MAP;
    return is_list ? 1 : 0;
}

/* A child by its name; in order of names, and of position where names are equal. */
struct named {
    const char *name;
    size_t index;
};

static int compare_named(const void *a, const void *b)
{
    const struct named *first = a;
    const struct named *second = b;
    int order = strcmp(first->name, second->name);
    return order != 0 ? order : (first->index > second->index) - (first->index < second->index);
}

static int compare_names(const void *name, const void *named)
{
    return strcmp(name, ((const struct named *)named)->name);
}

/* Appends to `key` what the next child of a name that appears again is called: "a_2", "a_3", but
 * never as another child. Such keys of different names cannot be equal: the last '_' tells them
 * apart. */
static bool make_key(const struct named *sorted, size_t count, const char *name, size_t *suffix,
                     char **ret_key)
{
    struct cli_text key = CLI_TEXT_INIT;
    do {
        cli_text_clear(&key);
        cli_text_append_format(&key, "%s_%zu", name, ++*suffix);
    } while (!key.failed && bsearch(cli_text_terminated(&key), sorted, count, sizeof *sorted,
                                    compare_names) != NULL);
    return cli_text_take(&key, ret_key, NULL) == CFLIGHT_OK;
}

/* Gives every child a key that no sibling has: its name, or its name with a number. */
static bool make_keys(struct cli_column *column)
{
    size_t count = column->child_count;
    struct named *sorted = calloc(count, sizeof *sorted);
    bool is_done = count == 0 || sorted != NULL;
    size_t suffix = 1;
    for (size_t i = 0; is_done && i < count; i++) {
        sorted[i] = (struct named){column->children[i].name, i};
    }
    if (is_done && count > 0) {
        qsort(sorted, count, sizeof *sorted, compare_named);
    }
    for (size_t i = 0; is_done && i < count; i++) {
        const char *name = sorted[i].name;
        bool is_first = i == 0 || strcmp(sorted[i - 1].name, name) != 0;
        char **key = &column->children[sorted[i].index].key;
        suffix = is_first ? 1 : suffix;
        if (is_first) {
            *key = strdup(name);
            is_done = *key != NULL;
        } else {
            is_done = make_key(sorted, count, name, &suffix, key);
        }
    }
    free(sorted);
    return is_done;
}

static cflight_status no_memory(cflight_error **reterr)
{
    return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                     "out of memory while reading a schema");
}

static cflight_status init_at_depth(struct cli_column *column, const struct ArrowSchema *schema,
                                    int depth, cflight_error **reterr);

static cflight_status init_children(struct cli_column *column, const struct ArrowSchema *schema,
                                    int depth, cflight_error **reterr)
{
    int64_t expected = expected_children(column->type.id);
    if (schema->n_children < 0 || (expected >= 0 && schema->n_children != expected)) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS, "field '%s' has %lld children",
                                 column->name, (long long)schema->n_children);
    }
    size_t count = (size_t)schema->n_children;
    column->children = calloc(count, sizeof *column->children);
    if (count > 0 && column->children == NULL) {
        return no_memory(reterr);
    }
    for (size_t i = 0; i < count; i++) {
        cflight_status status =
            init_at_depth(&column->children[i], schema->children[i], depth + 1, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        column->child_count = i + 1;
    }
    if (!make_keys(column)) {
        return no_memory(reterr);
    }
    if ((size_t)column->type.union_child_count > count) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "union '%s' has more type ids than children", column->name);
    }
    return CFLIGHT_OK;
}

static bool is_map_shape(const struct cli_column *column)
{
    return column->children[0].type.id == CFLIGHT_TYPE_STRUCT &&
           column->children[0].child_count == 2;
}

static cflight_status init_at_depth(struct cli_column *column, const struct ArrowSchema *schema,
                                    int depth, cflight_error **reterr)
{
    memset(column, 0, sizeof *column);
    cflight_status status = CFLIGHT_OK;
    column->name = strdup(schema->name == NULL ? "" : schema->name);
    if (column->name == NULL) {
        return no_memory(reterr);
    }
    if (depth > DEPTH_MAX) {
        status = cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                   "the schema is nested deeper than %d levels", DEPTH_MAX);
    } else if (schema->format == NULL ||
               cflight_type_parse(schema->format, &column->type, NULL) != CFLIGHT_OK) {
        status =
            cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED, "field '%s' has the unknown type '%s'",
                              column->name, schema->format == NULL ? "" : schema->format);
    } else {
        const char *zone = column->type.timezone;
        column->has_zone = zone != NULL && zone[0] != '\0';
        column->type.timezone = NULL; /* of the schema */
        status = init_children(column, schema, depth, reterr);
    }
    if (status == CFLIGHT_OK && column->type.id == CFLIGHT_TYPE_MAP && !is_map_shape(column)) {
        status = cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                   "map '%s' does not hold key and value", column->name);
    }
    if (status == CFLIGHT_OK && schema->dictionary != NULL) {
        column->dictionary = calloc(1, sizeof *column->dictionary);
        status = column->dictionary == NULL
                     ? no_memory(reterr)
                     : init_at_depth(column->dictionary, schema->dictionary, depth + 1, reterr);
    }
    if (status != CFLIGHT_OK) {
        cli_column_done(column);
    }
    return status;
}

cflight_status cli_column_init(struct cli_column *ret_column, const struct ArrowSchema *schema,
                               cflight_error **reterr)
{
    return init_at_depth(ret_column, schema, 0, reterr);
}

void cli_column_done(struct cli_column *column)
{
    for (size_t i = 0; i < column->child_count; i++) {
        cli_column_done(&column->children[i]);
    }
    if (column->dictionary != NULL) {
        cli_column_done(column->dictionary);
    }
    free(column->children);
    free(column->dictionary);
    free(column->name);
    free(column->key);
    memset(column, 0, sizeof *column);
}

bool cli_column_is_number(const struct cli_column *column)
{
    if (column->dictionary != NULL) {
        return cli_column_is_number(column->dictionary);
    }
    if (column->type.id == CFLIGHT_TYPE_RUN_END_ENCODED) {
        return cli_column_is_number(&column->children[1]);
    }
    return column->type.id >= CFLIGHT_TYPE_INT8 && column->type.id <= CFLIGHT_TYPE_DECIMAL;
}

int64_t cli_column_offset(const struct cli_column *column, const struct ArrowArray *array,
                          size_t buffer, int64_t row)
{
    enum cflight_type_id type = column->type.id;
    bool is_large = type == CFLIGHT_TYPE_LARGE_BINARY || type == CFLIGHT_TYPE_LARGE_UTF8 ||
                    type == CFLIGHT_TYPE_LARGE_LIST || type == CFLIGHT_TYPE_LARGE_LIST_VIEW;
    int64_t index = array->offset + row;
    return is_large ? ((const int64_t *)array->buffers[buffer])[index]
                    : ((const int32_t *)array->buffers[buffer])[index];
}
