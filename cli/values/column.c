/* SPDX-License-Identifier: Apache-2.0 */
/* From the format strings of the C data interface to kinds ("The Arrow C data interface: Data type
 * description").
 *
 * A column owns its children, dictionary and texts. Depth is bounded here as well as in the
 * library, so a schema of any origin cannot exhaust the stack. Thread class: one at a time to
 * build, free to read. */
#include "cli/values/column.h"

#include <stdlib.h>
#include <string.h>

#include "cli/system/memory.h"

enum { DEPTH_MAX = 128, UNION_TYPES_MAX = 127 };

struct simple_format {
    const char *format;
    enum cli_kind kind;
    int digits;
};

/* Formats without a parameter; a format that ends in ':' is followed by a time zone. */
static const struct simple_format simple_formats[] = {
    {"n", CLI_KIND_NULL, 0},
    {"b", CLI_KIND_BOOL, 0},
    {"c", CLI_KIND_INT8, 0},
    {"C", CLI_KIND_UINT8, 0},
    {"s", CLI_KIND_INT16, 0},
    {"S", CLI_KIND_UINT16, 0},
    {"i", CLI_KIND_INT32, 0},
    {"I", CLI_KIND_UINT32, 0},
    {"l", CLI_KIND_INT64, 0},
    {"L", CLI_KIND_UINT64, 0},
    {"e", CLI_KIND_FLOAT16, 0},
    {"f", CLI_KIND_FLOAT32, 0},
    {"g", CLI_KIND_FLOAT64, 0},
    {"z", CLI_KIND_BINARY, 0},
    {"Z", CLI_KIND_LARGE_BINARY, 0},
    {"vz", CLI_KIND_BINARY_VIEW, 0},
    {"u", CLI_KIND_UTF8, 0},
    {"U", CLI_KIND_LARGE_UTF8, 0},
    {"vu", CLI_KIND_UTF8_VIEW, 0},
    {"tdD", CLI_KIND_DATE32, 0},
    {"tdm", CLI_KIND_DATE64, 3},
    {"tts", CLI_KIND_TIME32, 0},
    {"ttm", CLI_KIND_TIME32, 3},
    {"ttu", CLI_KIND_TIME64, 6},
    {"ttn", CLI_KIND_TIME64, 9},
    {"tss:", CLI_KIND_TIMESTAMP, 0},
    {"tsm:", CLI_KIND_TIMESTAMP, 3},
    {"tsu:", CLI_KIND_TIMESTAMP, 6},
    {"tsn:", CLI_KIND_TIMESTAMP, 9},
    {"tDs", CLI_KIND_DURATION, 0},
    {"tDm", CLI_KIND_DURATION, 3},
    {"tDu", CLI_KIND_DURATION, 6},
    {"tDn", CLI_KIND_DURATION, 9},
    {"tiM", CLI_KIND_INTERVAL_MONTHS, 0},
    {"tiD", CLI_KIND_INTERVAL_DAY_TIME, 3},
    {"tin", CLI_KIND_INTERVAL_MONTH_DAY_NANO, 9},
    {"+l", CLI_KIND_LIST, 0},
    {"+L", CLI_KIND_LARGE_LIST, 0},
    {"+vl", CLI_KIND_LIST_VIEW, 0},
    {"+vL", CLI_KIND_LARGE_LIST_VIEW, 0},
    {"+s", CLI_KIND_STRUCT, 0},
    {"+m", CLI_KIND_MAP, 0},
    {"+r", CLI_KIND_RUN_END_ENCODED, 0},
};

static bool parse_simple(struct cli_column *column, const char *format)
{
    for (size_t i = 0; i < sizeof simple_formats / sizeof simple_formats[0]; i++) {
        const struct simple_format *simple = &simple_formats[i];
        size_t len_bytes = strlen(simple->format);
        bool has_parameter = simple->format[len_bytes - 1] == ':';
        bool matches = has_parameter ? strncmp(format, simple->format, len_bytes) == 0
                                     : strcmp(format, simple->format) == 0;
        if (matches) {
            column->kind = simple->kind;
            column->digits = simple->digits;
            column->has_zone = has_parameter && format[len_bytes] != '\0';
            return true;
        }
    }
    return false;
}

/* Reads a decimal number that ends at `end` and moves past that character (unless it is the end of
 * the text). */
static bool parse_number(const char **cursor, char end, long minimum, long maximum,
                         int32_t *ret_number)
{
    char *after = NULL;
    long number = strtol(*cursor, &after, 10);
    if (after == *cursor || *after != end || number < minimum || number > maximum) {
        return false;
    }
    *cursor = end == '\0' ? after : after + 1;
    *ret_number = (int32_t)number;
    return true;
}

/* "precision,scale" or "precision,scale,bits". */
static bool parse_decimal(struct cli_column *column, const char *parameter)
{
    int32_t precision = 0;
    int32_t bits = 128;
    if (!parse_number(&parameter, ',', 1, 76, &precision)) {
        return false;
    }
    char end = strchr(parameter, ',') != NULL ? ',' : '\0';
    if (!parse_number(&parameter, end, INT32_MIN, INT32_MAX, &column->scale) ||
        (end == ',' && !parse_number(&parameter, '\0', 32, 256, &bits))) {
        return false;
    }
    column->kind = CLI_KIND_DECIMAL;
    column->size = bits / 8;
    return bits == 32 || bits == 64 || bits == 128 || bits == 256;
}

/* Type ids in the order of the children: "0,5". */
static bool parse_union(struct cli_column *column, enum cli_kind kind, const char *ids)
{
    column->kind = kind;
    memset(column->union_child, -1, sizeof column->union_child);
    for (int child = 0; *ids != '\0'; child++) {
        int32_t id = 0;
        char end = strchr(ids, ',') != NULL ? ',' : '\0';
        if (child > UNION_TYPES_MAX || !parse_number(&ids, end, 0, UNION_TYPES_MAX, &id) ||
            column->union_child[id] != -1) {
            return false;
        }
        column->union_child[id] = (int8_t)child;
    }
    return true;
}

static bool parse_format(struct cli_column *column, const char *format)
{
    if (parse_simple(column, format)) {
        return true;
    }
    const char *parameter = strchr(format, ':');
    if (parameter == NULL) {
        return false;
    }
    parameter++;
    if (strncmp(format, "d:", 2) == 0) {
        return parse_decimal(column, parameter);
    }
    if (strncmp(format, "w:", 2) == 0) {
        column->kind = CLI_KIND_FIXED_BINARY;
        return parse_number(&parameter, '\0', 0, INT32_MAX, &column->size);
    }
    if (strncmp(format, "+w:", 3) == 0) {
        column->kind = CLI_KIND_FIXED_LIST;
        return parse_number(&parameter, '\0', 0, INT32_MAX, &column->size);
    }
    if (strncmp(format, "+us:", 4) == 0) {
        return parse_union(column, CLI_KIND_SPARSE_UNION, parameter);
    }
    if (strncmp(format, "+ud:", 4) == 0) {
        return parse_union(column, CLI_KIND_DENSE_UNION, parameter);
    }
    return false;
}

/* Number of children the kind must have; -1 when any number will do. */
static int64_t expected_children(enum cli_kind kind)
{
    if (kind == CLI_KIND_STRUCT || kind == CLI_KIND_SPARSE_UNION || kind == CLI_KIND_DENSE_UNION) {
        return -1;
    }
    if (kind == CLI_KIND_RUN_END_ENCODED) {
        return 2;
    }
    bool is_list = (kind >= CLI_KIND_LIST && kind <= CLI_KIND_FIXED_LIST) || kind == CLI_KIND_MAP;
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
    *ret_key = key.failed ? NULL : cli_strdup(cli_text_terminated(&key));
    cli_text_done(&key);
    return *ret_key != NULL;
}

/* Gives every child a key that no sibling has: its name, or its name with a number. */
static bool make_keys(struct cli_column *column)
{
    size_t count = column->child_count;
    struct named *sorted = cli_alloc_array(count, sizeof *sorted);
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
            *key = cli_strdup(name);
            is_done = *key != NULL;
        } else {
            is_done = make_key(sorted, count, name, &suffix, key);
        }
    }
    cli_free(sorted);
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
    int64_t expected = expected_children(column->kind);
    if (schema->n_children < 0 || (expected >= 0 && schema->n_children != expected)) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS, "field '%s' has %lld children",
                                 column->name, (long long)schema->n_children);
    }
    size_t count = (size_t)schema->n_children;
    column->children = cli_alloc_array(count, sizeof *column->children);
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
    for (size_t id = 0; id < sizeof column->union_child; id++) {
        if ((column->kind == CLI_KIND_SPARSE_UNION || column->kind == CLI_KIND_DENSE_UNION) &&
            column->union_child[id] >= (int64_t)count) {
            return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                     "union '%s' has more type ids than children", column->name);
        }
    }
    return CFLIGHT_OK;
}

static bool is_map_shape(const struct cli_column *column)
{
    return column->children[0].kind == CLI_KIND_STRUCT && column->children[0].child_count == 2;
}

static cflight_status init_at_depth(struct cli_column *column, const struct ArrowSchema *schema,
                                    int depth, cflight_error **reterr)
{
    memset(column, 0, sizeof *column);
    cflight_status status = CFLIGHT_OK;
    column->name = cli_strdup(schema->name == NULL ? "" : schema->name);
    if (column->name == NULL) {
        return no_memory(reterr);
    }
    if (depth > DEPTH_MAX) {
        status = cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                   "the schema is nested deeper than %d levels", DEPTH_MAX);
    } else if (schema->format == NULL || !parse_format(column, schema->format)) {
        status =
            cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED, "field '%s' has the unknown type '%s'",
                              column->name, schema->format == NULL ? "" : schema->format);
    } else {
        status = init_children(column, schema, depth, reterr);
    }
    if (status == CFLIGHT_OK && column->kind == CLI_KIND_MAP && !is_map_shape(column)) {
        status = cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                   "map '%s' does not hold key and value", column->name);
    }
    if (status == CFLIGHT_OK && schema->dictionary != NULL) {
        column->dictionary = cli_alloc_array(1, sizeof *column->dictionary);
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
    cli_free(column->children);
    cli_free(column->dictionary);
    cli_free(column->name);
    cli_free(column->key);
    memset(column, 0, sizeof *column);
}

bool cli_column_is_number(const struct cli_column *column)
{
    if (column->dictionary != NULL) {
        return cli_column_is_number(column->dictionary);
    }
    if (column->kind == CLI_KIND_RUN_END_ENCODED) {
        return cli_column_is_number(&column->children[1]);
    }
    return column->kind >= CLI_KIND_INT8 && column->kind <= CLI_KIND_DECIMAL;
}
