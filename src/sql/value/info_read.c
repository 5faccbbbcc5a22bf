/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of SqlInfo that a server has sent, read into a set.
 *
 * The batch is checked as a whole first, so that offsets can be followed; then its columns are
 * found by name and must have the types of the standard, in which names of members and nullability
 * do not count. Row by row the values are views into the batch until the set copies them. Thread
 * class: one at a time. (Arrow C data interface; Flight SQL: FlightSql.proto, CommandGetSqlInfo) */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "cflight/ipc.h"
#include "sql/value/info.h"

enum { MEMBER_COUNT = 6 };

/* An array of the batch; rows count from its own beginning. */
static bool is_null(const struct ArrowArray *array, int64_t row)
{
    const uint8_t *bits = array->buffers[0];
    int64_t at = array->offset + row;
    return bits != NULL && (bits[at / 8] >> (at % 8) & 1) == 0;
}

static struct cflight_bytes text_at(const struct ArrowArray *array, int64_t row)
{
    const int32_t *offsets = array->buffers[1];
    const uint8_t *data = array->buffers[2];
    int32_t start = offsets[array->offset + row];
    int32_t end = offsets[array->offset + row + 1];
    return cflight_bytes_make(end == start ? NULL : data + start, (size_t)(end - start));
}

static int32_t number_at(const struct ArrowArray *array, int64_t row)
{
    const int32_t *numbers = array->buffers[1];
    return numbers[array->offset + row];
}

/* The items of a list: from `*ret_start` on, as rows of its child. */
static size_t items_at(const struct ArrowArray *array, int64_t row, int64_t *ret_start)
{
    const int32_t *offsets = array->buffers[1];
    *ret_start = offsets[array->offset + row];
    return (size_t)(offsets[array->offset + row + 1] - *ret_start);
}

/* ---- values with memory of their own ---- */

static cflight_status keep_texts(cflight_sql_info *info, const struct ArrowArray *array,
                                 int64_t row, struct cflight_sql_info_value *value,
                                 cflight_error **reterr)
{
    int64_t start = 0;
    size_t count = items_at(array, row, &start);
    struct cflight_bytes *texts = cfl_alloc_array(NULL, count, sizeof *texts);
    if (texts == NULL && count > 0) {
        return cfl_error_no_memory(reterr);
    }
    for (size_t i = 0; i < count; i++) {
        texts[i] = text_at(array->children[0], start + (int64_t)i);
    }
    value->texts = texts;
    value->text_count = count;
    cflight_status status = cfl_sql_info_keep(info, value, reterr);
    cfl_free_array(NULL, texts, count, sizeof *texts);
    return status;
}

/* The values of an entry are neighbours in the child of the lists, so they are viewed in place. */
static void view_entry(const struct ArrowArray *entries, int64_t row,
                       struct cflight_sql_info_entry *ret_entry)
{
    const struct ArrowArray *lists = entries->children[1];
    int64_t at = entries->offset + row;
    int64_t start = 0;
    ret_entry->key = number_at(entries->children[0], at);
    ret_entry->value_count = is_null(lists, at) ? 0 : items_at(lists, at, &start);
    const int32_t *numbers = lists->children[0]->buffers[1];
    ret_entry->values =
        ret_entry->value_count == 0 ? NULL : numbers + lists->children[0]->offset + start;
}

static cflight_status keep_map(cflight_sql_info *info, const struct ArrowArray *array, int64_t row,
                               struct cflight_sql_info_value *value, cflight_error **reterr)
{
    int64_t start = 0;
    size_t count = items_at(array, row, &start);
    struct cflight_sql_info_entry *entries = cfl_alloc_array(NULL, count, sizeof *entries);
    if (entries == NULL && count > 0) {
        return cfl_error_no_memory(reterr);
    }
    for (size_t i = 0; i < count; i++) {
        view_entry(array->children[0], start + (int64_t)i, &entries[i]);
    }
    value->entries = entries;
    value->entry_count = count;
    cflight_status status = cfl_sql_info_keep(info, value, reterr);
    cfl_free_array(NULL, entries, count, sizeof *entries);
    return status;
}

static cflight_status keep_value(cflight_sql_info *info, const struct ArrowArray *array,
                                 int64_t row, struct cflight_sql_info_value *value,
                                 cflight_error **reterr)
{
    const uint8_t *bits = array->buffers[1];
    const int64_t *wide = array->buffers[1];
    int64_t at = array->offset + row;
    if (is_null(array, row)) {
        return CFLIGHT_OK; /* the standard has no nulls: as if it were not there */
    }
    switch (value->kind) {
    case CFLIGHT_SQL_INFO_KIND_TEXT:
        value->text = text_at(array, row);
        break;
    case CFLIGHT_SQL_INFO_KIND_BOOL:
        value->boolean = (bits[at / 8] >> (at % 8) & 1) != 0;
        break;
    case CFLIGHT_SQL_INFO_KIND_INT64:
        value->number = wide[at];
        break;
    case CFLIGHT_SQL_INFO_KIND_INT32:
        value->number = number_at(array, row);
        break;
    case CFLIGHT_SQL_INFO_KIND_TEXTS:
        return keep_texts(info, array, row, value, reterr);
    case CFLIGHT_SQL_INFO_KIND_MAP:
    default:
        return keep_map(info, array, row, value, reterr);
    }
    return cfl_sql_info_keep(info, value, reterr);
}

/* ---- the columns ---- */

static int64_t find_column(const struct ArrowSchema *schema, const char *name)
{
    int64_t index = 0;
    while (index < schema->n_children && (schema->children[index]->name == NULL ||
                                          strcmp(schema->children[index]->name, name) != 0)) {
        index++;
    }
    return index == schema->n_children ? -1 : index;
}

static bool has_format(const struct ArrowSchema *field, const char *format, int64_t child_count)
{
    return strcmp(field->format, format) == 0 && field->n_children == child_count &&
           field->dictionary == NULL;
}

static bool is_list_of(const struct ArrowSchema *field, const char *format)
{
    return has_format(field, "+l", 1) && has_format(field->children[0], format, 0);
}

static bool is_map(const struct ArrowSchema *field)
{
    return has_format(field, "+m", 1) && has_format(field->children[0], "+s", 2) &&
           has_format(field->children[0]->children[0], "i", 0) &&
           is_list_of(field->children[0]->children[1], "i");
}

/* The six members in their order, whatever the ids in the format are. Sparse, as DuckDB's driver
 * had it before 2.0, it says the same. */
static bool is_info_union(const struct ArrowSchema *field)
{
    static const char DENSE[] = "+ud:";
    static const char SPARSE[] = "+us:";
    return (strncmp(field->format, DENSE, sizeof DENSE - 1) == 0 ||
            strncmp(field->format, SPARSE, sizeof SPARSE - 1) == 0) &&
           field->dictionary == NULL && field->n_children == MEMBER_COUNT &&
           has_format(field->children[0], "u", 0) && has_format(field->children[1], "b", 0) &&
           has_format(field->children[2], "l", 0) && has_format(field->children[3], "i", 0) &&
           is_list_of(field->children[4], "u") && is_map(field->children[5]);
}

struct columns {
    const struct ArrowArray *codes;
    const struct ArrowArray *values;
    struct cflight_type type; /* of the union */
    int64_t offset;           /* of the batch */
};

static cflight_status refuse(const char *what, cflight_error **reterr)
{
    return cflight_error_set(reterr, CFLIGHT_DATA_LOSS, "not rows of SqlInfo: %s", what);
}

static cflight_status find_columns(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                                   struct columns *ret_columns, cflight_error **reterr)
{
    int64_t code_index = find_column(schema, "info_name");
    int64_t value_index = find_column(schema, "value");
    if (code_index < 0 || value_index < 0) {
        return refuse("no columns 'info_name' and 'value'", reterr);
    }
    if (!has_format(schema->children[code_index], "I", 0)) {
        return refuse("'info_name' is not uint32", reterr);
    }
    if (!is_info_union(schema->children[value_index])) {
        return refuse("'value' is not the union of the standard", reterr);
    }
    ret_columns->codes = batch->children[code_index];
    ret_columns->values = batch->children[value_index];
    ret_columns->offset = batch->offset;
    return cflight_type_parse(schema->children[value_index]->format, &ret_columns->type, reterr);
}

static cflight_status add_row(cflight_sql_info *info, const struct columns *columns, int64_t row,
                              cflight_error **reterr)
{
    const uint32_t *codes = columns->codes->buffers[1];
    const struct ArrowArray *values = columns->values;
    bool is_dense = columns->type.id == CFLIGHT_TYPE_DENSE_UNION;
    /* A writer of the old format has a bitmap before the type ids. */
    int64_t first = values->n_buffers - (is_dense ? 2 : 1);
    const int8_t *type_ids = values->buffers[first];
    const int32_t *places = is_dense ? values->buffers[first + 1] : NULL;
    int64_t at = values->offset + columns->offset + row;
    int member = columns->type.union_child[(uint8_t)type_ids[at] & 0x7F];
    struct cflight_sql_info_value value = {
        .code = codes[columns->codes->offset + columns->offset + row],
        .kind = (enum cflight_sql_info_kind)member};
    if (is_null(columns->codes, columns->offset + row)) {
        return CFLIGHT_OK;
    }
    return keep_value(info, values->children[member], is_dense ? places[at] : at, &value, reterr);
}

cflight_status cflight_sql_info_add_batch(cflight_sql_info *info, const struct ArrowSchema *schema,
                                          const struct ArrowArray *batch, cflight_error **reterr)
{
    struct columns columns = {.codes = NULL};
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(info), CFL_ARG(schema), CFL_ARG(batch));
    if (status == CFLIGHT_OK) {
        status = cflight_array_validate(schema, batch, reterr);
        if (status == CFLIGHT_INVALID_ARGUMENT) {
            status = cfl_error_prefix(reterr, status, "not rows of SqlInfo");
        }
    }
    if (status == CFLIGHT_OK) {
        status = find_columns(schema, batch, &columns, reterr);
    }
    for (int64_t row = 0; status == CFLIGHT_OK && row < batch->length; row++) {
        status = add_row(info, &columns, row, reterr);
    }
    return status;
}
