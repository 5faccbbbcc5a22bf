/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a set of SqlInfo. Thread class: free, for a set that nobody changes. (Flight SQL:
 * FlightSql.proto, CommandGetSqlInfo) */
#include "base/alloc.h"
#include "base/error.h"
#include "cflight/builder.h"
#include "cflight/sql.h"
#include "sql/value/info.h"

static void append_texts(cflight_column *column, const struct cflight_sql_info_value *value)
{
    for (size_t i = 0; i < value->text_count; i++) {
        cflight_append_bytes(cflight_column_child(column, 0), value->texts[i]);
    }
    cflight_append_nested(column);
}

static void append_map(cflight_column *column, const struct cflight_sql_info_value *value)
{
    cflight_column *entries = cflight_column_child(column, 0);
    cflight_column *lists = cflight_column_child(entries, 1);
    for (size_t i = 0; i < value->entry_count; i++) {
        const struct cflight_sql_info_entry *entry = &value->entries[i];
        cflight_append_int(cflight_column_child(entries, 0), entry->key);
        for (size_t k = 0; k < entry->value_count; k++) {
            cflight_append_int(cflight_column_child(lists, 0), entry->values[k]);
        }
        cflight_append_nested(lists);
        cflight_append_nested(entries);
    }
    cflight_append_nested(column);
}

static void append_row(cflight_builder *builder, const struct cflight_sql_info_value *value)
{
    cflight_column *values = cflight_builder_column(builder, 1);
    cflight_column *member = cflight_column_child(values, (size_t)value->kind);
    cflight_append_uint(cflight_builder_column(builder, 0), value->code);
    switch (value->kind) {
    case CFLIGHT_SQL_INFO_KIND_TEXT:
        cflight_append_bytes(member, value->text);
        break;
    case CFLIGHT_SQL_INFO_KIND_BOOL:
        cflight_append_bool(member, value->boolean);
        break;
    case CFLIGHT_SQL_INFO_KIND_TEXTS:
        append_texts(member, value);
        break;
    case CFLIGHT_SQL_INFO_KIND_MAP:
        append_map(member, value);
        break;
    case CFLIGHT_SQL_INFO_KIND_INT64:
    case CFLIGHT_SQL_INFO_KIND_INT32:
    default:
        cflight_append_int(member, value->number);
        break;
    }
    cflight_append_union(values, (size_t)value->kind);
    cflight_builder_end_row(builder);
}

static void append_all(cflight_builder *builder, const cflight_sql_info *info)
{
    for (size_t i = 0; i < cflight_sql_info_count(info); i++) {
        const struct cflight_sql_info_value *value = cflight_sql_info_at(info, i);
        if (value->code < CFLIGHT_SQL_INFO_OWN) {
            append_row(builder, value);
        }
    }
}

/* A peer may ask for a code any number of times: what was given is marked. */
static cflight_status append_asked(cflight_builder *builder, const cflight_sql_info *info,
                                   const uint32_t *codes, size_t code_count, cflight_error **reterr)
{
    size_t value_count = cflight_sql_info_count(info);
    if (value_count == 0) {
        return CFLIGHT_OK;
    }
    bool *is_given = cfl_alloc_array(NULL, value_count, sizeof *is_given);
    if (is_given == NULL) {
        return cfl_error_no_memory(reterr);
    }
    for (size_t i = 0; i < code_count; i++) {
        size_t index = 0;
        if (cfl_sql_info_index(info, codes[i], &index) && !is_given[index]) {
            is_given[index] = true;
            append_row(builder, cflight_sql_info_at(info, index));
        }
    }
    cfl_free_array(NULL, is_given, value_count, sizeof *is_given);
    return CFLIGHT_OK;
}

cflight_status cflight_sql_info_batch(const cflight_sql_info *info, const uint32_t *codes,
                                      size_t code_count, struct ArrowArray *ret_batch,
                                      cflight_error **reterr)
{
    const struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_SQL_INFO};
    struct ArrowSchema schema = {.release = NULL};
    cflight_builder *builder = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(info), CFL_ARG(ret_batch));
    if (status == CFLIGHT_OK && codes == NULL && code_count > 0) {
        status = cfl_error_null_argument(reterr, "codes");
    }
    if (status == CFLIGHT_OK) {
        status = cflight_sql_result_schema(&command, &schema, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cflight_builder_new(&schema, NULL, &builder, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    if (code_count == 0) {
        append_all(builder, info);
    } else {
        status = append_asked(builder, info, codes, code_count, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_builder_finish(builder, ret_batch, reterr);
    }

done:
    cflight_builder_free(builder);
    schema.release(&schema);
    return status;
}
