/* SPDX-License-Identifier: Apache-2.0 */
/* The schema of a table, the types of tables, and statistics, which Flight SQL has none of. Thread
 * class: one at a time. */
#include "adbc/driver/metadata.h"
#include "adbc/driver/result.h"

AdbcStatusCode adbc_connection_get_table_schema(struct AdbcConnection *connection,
                                                const char *catalog, const char *db_schema,
                                                const char *table_name,
                                                struct ArrowSchema *ret_schema,
                                                struct AdbcError *error)
{
    const struct cflight_sql_table_name name = {.catalog = cflight_bytes_from_text(catalog),
                                                .db_schema = cflight_bytes_from_text(db_schema),
                                                .table = cflight_bytes_from_text(table_name)};
    struct adbc_call *call = NULL;
    cflight_error *cause = NULL;
    struct adbc_connection *self = adbc_connection_of(connection, error);
    if (self == NULL) {
        return ADBC_STATUS_INVALID_STATE;
    }
    if (table_name == NULL) {
        return adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT, "the name of the table is NULL");
    }
    AdbcStatusCode code = adbc_connection_begin(self, &call, error);
    if (code == ADBC_STATUS_OK) {
        cflight_status status = cflight_sql_get_table_schema(self->link.client, &name, &call->query,
                                                             ret_schema, &cause);
        code = adbc_outcome(status, cause, error);
    }
    adbc_call_end(call);
    return code;
}

AdbcStatusCode adbc_connection_get_table_types(struct AdbcConnection *connection,
                                               struct ArrowArrayStream *ret_stream,
                                               struct AdbcError *error)
{
    const struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_TABLE_TYPES};
    struct adbc_call *call = NULL;
    struct adbc_connection *self = adbc_connection_of(connection, error);
    if (self == NULL) {
        return ADBC_STATUS_INVALID_STATE;
    }
    AdbcStatusCode code = adbc_connection_begin(self, &call, error);
    if (code == ADBC_STATUS_OK) {
        code = adbc_result_run(call, self->link.client, &command, ret_stream, NULL, error);
    }
    if (code != ADBC_STATUS_OK) {
        adbc_call_end(call);
    }
    return code;
}

AdbcStatusCode adbc_connection_get_statistics(struct AdbcConnection *connection,
                                              const char *catalog, const char *db_schema,
                                              const char *table_name, char approximate,
                                              struct ArrowArrayStream *ret_stream,
                                              struct AdbcError *error)
{
    (void)catalog;
    (void)db_schema;
    (void)table_name;
    (void)approximate;
    (void)ret_stream;
    return adbc_connection_of(connection, error) == NULL
               ? ADBC_STATUS_INVALID_STATE
               : adbc_fail(error, ADBC_STATUS_NOT_IMPLEMENTED, "Flight SQL has no statistics");
}

AdbcStatusCode adbc_connection_get_statistic_names(struct AdbcConnection *connection,
                                                   struct ArrowArrayStream *ret_stream,
                                                   struct AdbcError *error)
{
    static const struct cflight_field FIELDS[] = {
        {.name = "statistic_name", .format = "u", .is_required = true},
        {.name = "statistic_key", .format = "s", .is_required = true},
    };
    return adbc_connection_of(connection, error) == NULL
               ? ADBC_STATUS_INVALID_STATE
               : adbc_result_empty(FIELDS, sizeof FIELDS / sizeof *FIELDS, ret_stream, error);
}
