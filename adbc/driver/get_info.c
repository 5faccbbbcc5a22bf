/* SPDX-License-Identifier: Apache-2.0 */
/* GetInfo: what the server says of itself under the codes of ADBC, and what the driver is.
 *
 * Codes of 500 and more are the same in Flight SQL; the first seven have other numbers there. A
 * server that tells nothing of itself leaves the driver's own. Thread class: one at a time. */
#include "adbc/driver/metadata.h"
#include "adbc/driver/result.h"
#include "cflight/builder.h"
#include "cflight/version.h"

static const struct {
    uint32_t adbc;
    uint32_t sql;
} VENDOR_CODES[] = {
    {ADBC_INFO_VENDOR_NAME, CFLIGHT_SQL_INFO_SERVER_NAME},
    {ADBC_INFO_VENDOR_VERSION, CFLIGHT_SQL_INFO_SERVER_VERSION},
    {ADBC_INFO_VENDOR_ARROW_VERSION, CFLIGHT_SQL_INFO_SERVER_ARROW_VERSION},
    {ADBC_INFO_VENDOR_SQL, CFLIGHT_SQL_INFO_SERVER_SQL},
    {ADBC_INFO_VENDOR_SUBSTRAIT, CFLIGHT_SQL_INFO_SERVER_SUBSTRAIT},
    {ADBC_INFO_VENDOR_SUBSTRAIT_MIN_VERSION, CFLIGHT_SQL_INFO_SERVER_SUBSTRAIT_MIN_VERSION},
    {ADBC_INFO_VENDOR_SUBSTRAIT_MAX_VERSION, CFLIGHT_SQL_INFO_SERVER_SUBSTRAIT_MAX_VERSION},
};
enum {
    VENDOR_CODE_COUNT = sizeof VENDOR_CODES / sizeof *VENDOR_CODES,
    SAME_FIRST = 500, /* from here to the next the numbers are the same */
    SAME_END = 1000,
    CODES_MAX = 1024,
};

/* The branches of the union. */
enum { TEXT, BOOL, INT64, INT32, TEXTS, MAP };

static const struct cflight_field ITEM_TEXT = {.name = "item", .format = "u"};
static const struct cflight_field ITEM_INT = {.name = "item", .format = "i"};
static const struct cflight_field ENTRY[] = {
    {.name = "key", .format = "i", .is_required = true},
    {.name = "value", .format = "+l", .children = &ITEM_INT, .child_count = 1}};
static const struct cflight_field ENTRIES = {
    .name = "entries", .format = "+s", .is_required = true, .children = ENTRY, .child_count = 2};
static const struct cflight_field BRANCHES[] = {
    [TEXT] = {.name = "string_value", .format = "u"},
    [BOOL] = {.name = "bool_value", .format = "b"},
    [INT64] = {.name = "int64_value", .format = "l"},
    [INT32] = {.name = "int32_bitmask", .format = "i"},
    [TEXTS] = {.name = "string_list", .format = "+l", .children = &ITEM_TEXT, .child_count = 1},
    [MAP] = {.name = "int32_to_int32_list_map",
             .format = "+m",
             .children = &ENTRIES,
             .child_count = 1},
};
static const struct cflight_field FIELDS[] = {
    {.name = "info_name", .format = "I", .is_required = true},
    {.name = "info_value", .format = "+ud:0,1,2,3,4,5", .children = BRANCHES, .child_count = 6}};

/* ---- the server's ---- */

/* What a code is in Flight SQL; false when the server knows nothing of it. */
static bool to_sql(uint32_t code, uint32_t *ret_code)
{
    for (size_t i = 0; i < VENDOR_CODE_COUNT; i++) {
        if (VENDOR_CODES[i].adbc == code) {
            *ret_code = VENDOR_CODES[i].sql;
            return true;
        }
    }
    *ret_code = code;
    return code >= SAME_FIRST && code < SAME_END;
}

/* Asks for the codes that are the server's, or for all. *ret_info stays NULL when there is nothing
 * to ask, or the server does not tell. */
static AdbcStatusCode ask(struct adbc_connection *connection, struct adbc_call *call,
                          const uint32_t *codes, size_t code_count, cflight_sql_info **ret_info,
                          struct AdbcError *error)
{
    uint32_t asked[CODES_MAX + 1];
    size_t asked_count = 0;
    cflight_error *cause = NULL;
    bool asks_all = codes == NULL || code_count > CODES_MAX;
    for (size_t i = 0; !asks_all && i < code_count; i++) {
        asked_count += to_sql(codes[i], &asked[asked_count]) ? 1 : 0;
    }
    if (!asks_all && asked_count == 0) {
        return ADBC_STATUS_OK;
    }
    if (cflight_sql_get_sql_info(connection->link.client, asked, asked_count, &call->query,
                                 ret_info, &cause) == CFLIGHT_UNIMPLEMENTED) {
        cflight_error_free(cause);
        return ADBC_STATUS_OK;
    }
    return adbc_fail_by(error, cause);
}

static void append_map(cflight_column *map, const struct cflight_sql_info_value *value)
{
    cflight_column *entries = cflight_column_child(map, 0);
    cflight_column *list = cflight_column_child(entries, 1);
    for (size_t i = 0; i < value->entry_count; i++) {
        cflight_append_int(cflight_column_child(entries, 0), value->entries[i].key);
        for (size_t j = 0; j < value->entries[i].value_count; j++) {
            cflight_append_int(cflight_column_child(list, 0), value->entries[i].values[j]);
        }
        cflight_append_nested(list);
        cflight_append_nested(entries);
    }
    cflight_append_nested(map);
}

static void append_value(cflight_column *column, const struct cflight_sql_info_value *value)
{
    cflight_column *texts = cflight_column_child(column, TEXTS);
    size_t branch = TEXT;
    switch (value->kind) {
    case CFLIGHT_SQL_INFO_KIND_TEXT:
        cflight_append_bytes(cflight_column_child(column, TEXT), value->text);
        break;
    case CFLIGHT_SQL_INFO_KIND_BOOL:
        branch = BOOL;
        cflight_append_bool(cflight_column_child(column, BOOL), value->boolean);
        break;
    case CFLIGHT_SQL_INFO_KIND_INT64:
        branch = INT64;
        cflight_append_int(cflight_column_child(column, INT64), value->number);
        break;
    case CFLIGHT_SQL_INFO_KIND_INT32:
        branch = INT32;
        cflight_append_int(cflight_column_child(column, INT32), value->number);
        break;
    case CFLIGHT_SQL_INFO_KIND_TEXTS:
        branch = TEXTS;
        for (size_t i = 0; i < value->text_count; i++) {
            cflight_append_bytes(cflight_column_child(texts, 0), value->texts[i]);
        }
        cflight_append_nested(texts);
        break;
    case CFLIGHT_SQL_INFO_KIND_MAP:
        branch = MAP;
        append_map(cflight_column_child(column, MAP), value);
        break;
    }
    cflight_append_union(column, branch);
}

/* ---- rows ---- */

static bool append_of_driver(cflight_column *column, uint32_t code)
{
    cflight_column *text = cflight_column_child(column, TEXT);
    switch (code) {
    case ADBC_INFO_DRIVER_NAME:
        cflight_append_text(text, "cflight ADBC driver for Flight SQL");
        break;
    case ADBC_INFO_DRIVER_VERSION:
        cflight_append_text(text, "v" CFLIGHT_VERSION_TEXT);
        break;
    case ADBC_INFO_DRIVER_ARROW_VERSION:
        cflight_append_text(text, "cflight " CFLIGHT_VERSION_TEXT);
        break;
    case ADBC_INFO_DRIVER_ADBC_VERSION:
        cflight_append_int(cflight_column_child(column, INT64), ADBC_VERSION_1_1_0);
        cflight_append_union(column, INT64);
        return true;
    default:
        return false;
    }
    cflight_append_union(column, TEXT);
    return true;
}

/* A row, if anybody knows the code. */
static void append_row(cflight_builder *builder, const cflight_sql_info *info, uint32_t code)
{
    cflight_column *column = cflight_builder_column(builder, 1);
    uint32_t sql_code = 0;
    bool is_known = append_of_driver(column, code);
    if (!is_known && info != NULL && to_sql(code, &sql_code)) {
        const struct cflight_sql_info_value *value = cflight_sql_info_find(info, sql_code);
        is_known = value != NULL;
        if (is_known) {
            append_value(column, value);
        }
    }
    if (is_known) {
        cflight_append_int(cflight_builder_column(builder, 0), code);
        cflight_builder_end_row(builder);
    }
}

static void append_rows(cflight_builder *builder, const cflight_sql_info *info,
                        const uint32_t *codes, size_t code_count)
{
    for (size_t i = 0; codes != NULL && i < code_count; i++) {
        append_row(builder, info, codes[i]);
    }
    for (uint32_t code = 0; codes == NULL && code < SAME_END; code++) {
        append_row(builder, info, code);
    }
}

static AdbcStatusCode make(struct adbc_call *call, const cflight_sql_info *info,
                           const uint32_t *codes, size_t code_count,
                           struct ArrowArrayStream *ret_stream, struct AdbcError *error)
{
    struct ArrowSchema schema = {.release = NULL};
    cflight_builder *builder = NULL;
    cflight_error *cause = NULL;
    cflight_status status =
        cflight_schema_new(FIELDS, sizeof FIELDS / sizeof *FIELDS, &schema, &cause);
    if (status == CFLIGHT_OK) {
        status = cflight_builder_new(&schema, NULL, &builder, &cause);
    }
    AdbcStatusCode code = adbc_outcome(status, cause, error);
    if (code == ADBC_STATUS_OK) {
        append_rows(builder, info, codes, code_count);
        code = adbc_result_keep(call, builder, &schema, ret_stream, error);
    }
    if (schema.release != NULL) {
        schema.release(&schema);
    }
    cflight_builder_free(builder);
    return code;
}

AdbcStatusCode adbc_connection_get_info(struct AdbcConnection *connection, const uint32_t *codes,
                                        size_t code_count, struct ArrowArrayStream *ret_stream,
                                        struct AdbcError *error)
{
    struct adbc_call *call = NULL;
    cflight_sql_info *info = NULL;
    struct adbc_connection *self = adbc_connection_of(connection, error);
    if (self == NULL) {
        return ADBC_STATUS_INVALID_STATE;
    }
    AdbcStatusCode code = adbc_connection_begin(self, &call, error);
    if (code == ADBC_STATUS_OK) {
        code = ask(self, call, codes, code_count, &info, error);
    }
    if (code == ADBC_STATUS_OK) {
        code = make(call, info, codes, code_count, ret_stream, error);
    }
    cflight_sql_info_free(info);
    if (code != ADBC_STATUS_OK) {
        adbc_call_end(call);
    }
    return code;
}
