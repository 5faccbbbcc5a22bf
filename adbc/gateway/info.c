/* SPDX-License-Identifier: Apache-2.0 */
/* What the database says of itself: GetInfo, as the values of Flight SQL.
 *
 * The rows of both have the same form, but not the same codes: below 500 only the names are shared.
 * Thread class: one at a time, before the server runs. ADBC 1.1, GetInfo; Flight SQL: SqlInfo. */
#include <stdlib.h>
#include <string.h>

#include "adbc/gateway/rows.h"
#include "adbc/shared/all_keys.h"

enum { SHARED_CODES_FROM = 500 };

/* The column of values is "info_value" in ADBC, and "value" in Flight SQL. All but the name is
 * borrowed from `schema`. */
struct renamed {
    struct ArrowSchema schema;
    struct ArrowSchema value;
    struct ArrowSchema *children[2];
};

static cflight_status rename_value(const struct ArrowSchema *schema, struct renamed *renamed,
                                   cflight_error **reterr)
{
    if (schema->n_children != 2) {
        return cflight_error_set(reterr, CFLIGHT_INTERNAL,
                                 "the driver's GetInfo has %lld columns, not 2",
                                 (long long)schema->n_children);
    }
    renamed->schema = *schema;
    renamed->value = *schema->children[1];
    renamed->value.name = "value";
    renamed->children[0] = schema->children[0];
    renamed->children[1] = &renamed->value;
    renamed->schema.children = renamed->children;
    return CFLIGHT_OK;
}

static cflight_status read_rows(struct gateway *gateway, struct ArrowArrayStream *stream,
                                cflight_sql_info *info, cflight_error **reterr)
{
    struct ArrowSchema schema;
    struct renamed renamed;
    cflight_status status = gateway_stream_schema(gateway, stream, &schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = rename_value(&schema, &renamed, reterr);
    for (bool is_over = false; status == CFLIGHT_OK && !is_over;) {
        struct ArrowArray batch;
        status = gateway_stream_next(gateway, stream, &schema, &batch, reterr);
        is_over = status == CFLIGHT_OK && batch.release == NULL;
        if (status == CFLIGHT_OK && !is_over) {
            status = cflight_sql_info_add_batch(info, &renamed.schema, &batch, reterr);
            batch.release(&batch);
        }
    }
    schema.release(&schema);
    return status;
}

static cflight_status ask(struct gateway *gateway, struct gateway_connection *connection,
                          cflight_sql_info *info, cflight_error **reterr)
{
    struct AdbcError error = gateway_error_init(&gateway->driver);
    struct ArrowArrayStream stream;
    memset(&stream, 0, sizeof stream);
    AdbcStatusCode code =
        gateway->driver.table.ConnectionGetInfo(&connection->adbc, NULL, 0, &stream, &error);
    if (code == ADBC_STATUS_NOT_IMPLEMENTED) {
        gateway_error_release(&error);
        return CFLIGHT_OK;
    }
    cflight_status status = gateway_fail(code, &error, "ask the database for its name", reterr);
    if (status == CFLIGHT_OK) {
        status = read_rows(gateway, &stream, info, reterr);
    }
    if (stream.release != NULL) {
        stream.release(&stream);
    }
    return status;
}

static bool is_shared(uint32_t code)
{
    return code == ADBC_INFO_VENDOR_NAME || code == ADBC_INFO_VENDOR_VERSION ||
           code == ADBC_INFO_VENDOR_ARROW_VERSION || code >= SHARED_CODES_FROM;
}

static cflight_status take_over(const cflight_sql_info *from, cflight_sql_info *to,
                                cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; i < cflight_sql_info_count(from) && status == CFLIGHT_OK; i++) {
        const struct cflight_sql_info_value *value = cflight_sql_info_at(from, i);
        /* A value that does not fit its code is the driver's mistake, and not worth the server. */
        if (is_shared(value->code) &&
            cflight_sql_info_set(to, value, NULL) == CFLIGHT_RESOURCE_EXHAUSTED) {
            status = gateway_no_memory(reterr);
        }
    }
    return status;
}

static cflight_status add_own(struct gateway *gateway, cflight_error **reterr)
{
    cflight_status status = cflight_sql_info_set_bool(
        gateway->info, CFLIGHT_SQL_INFO_SERVER_READ_ONLY, gateway->is_read_only, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_sql_info_set_bool(gateway->info, ADBC_SQL_INFO_HAS_ALL_KEYS, true, reterr);
    }
    if (status == CFLIGHT_OK && gateway->vendor->quote != NULL &&
        cflight_sql_info_find(gateway->info, CFLIGHT_SQL_INFO_IDENTIFIER_QUOTE_CHAR) == NULL) {
        status = cflight_sql_info_set_text(gateway->info, CFLIGHT_SQL_INFO_IDENTIFIER_QUOTE_CHAR,
                                           cflight_bytes_from_text(gateway->vendor->quote), reterr);
    }
    return status;
}

cflight_status gateway_info_read(struct gateway *gateway, struct gateway_connection *connection,
                                 const char *library, cflight_error **reterr)
{
    cflight_sql_info *said = NULL;
    cflight_status status = cflight_sql_info_new(&said, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_sql_info_new(&gateway->info, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = ask(gateway, connection, said, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = take_over(said, gateway->info, reterr);
    }
    if (status == CFLIGHT_OK) {
        struct cflight_bytes name = cflight_sql_info_text(gateway->info, ADBC_INFO_VENDOR_NAME);
        struct cflight_bytes version =
            cflight_sql_info_text(gateway->info, ADBC_INFO_VENDOR_VERSION);
        gateway->description = gateway_format_text(
            "%.*s%s%.*s%sby %s", (int)name.len_bytes, (const char *)name.data,
            version.len_bytes > 0 ? " " : "", (int)version.len_bytes, (const char *)version.data,
            name.len_bytes > 0 ? ", " : "", library);
        char *text = gateway_copy_text((const char *)name.data, name.len_bytes);
        gateway->vendor = gateway_vendor_find(text == NULL ? "" : text);
        status = text == NULL || gateway->description == NULL ? gateway_no_memory(reterr)
                                                              : add_own(gateway, reterr);
        free(text);
    }
    cflight_sql_info_free(said);
    return status;
}
