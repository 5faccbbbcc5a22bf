/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata commands: which function of the application answers which. Thread class: free. */
#include <string.h>

#include "sql/server/rows.h"

bool cfl_sql_is_listing(enum cflight_sql_type type)
{
    return type >= CFLIGHT_SQL_GET_CATALOGS && type <= CFLIGHT_SQL_GET_XDBC_TYPE_INFO;
}

static bool has_function(const struct cflight_sql_handlers *handlers, enum cflight_sql_type type)
{
    switch ((int)type) {
    case CFLIGHT_SQL_GET_CATALOGS:
        return handlers->list_catalogs != NULL;
    case CFLIGHT_SQL_GET_DB_SCHEMAS:
        return handlers->list_db_schemas != NULL;
    case CFLIGHT_SQL_GET_TABLES:
        return handlers->list_tables != NULL;
    case CFLIGHT_SQL_GET_TABLE_TYPES:
        return handlers->list_table_types != NULL;
    case CFLIGHT_SQL_GET_PRIMARY_KEYS:
        return handlers->list_primary_keys != NULL;
    case CFLIGHT_SQL_GET_EXPORTED_KEYS:
    case CFLIGHT_SQL_GET_IMPORTED_KEYS:
    case CFLIGHT_SQL_GET_CROSS_REFERENCE:
        return handlers->list_foreign_keys != NULL;
    case CFLIGHT_SQL_GET_XDBC_TYPE_INFO:
        return handlers->list_types != NULL;
    default: /* SqlInfo is the kit's */
        return true;
    }
}

cflight_status cfl_sql_listing_check(const cflight_sql_server *server,
                                     const struct cflight_sql_message *command,
                                     cflight_error **reterr)
{
    return has_function(&server->handlers, command->type)
               ? CFLIGHT_OK
               : cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED, "This server has no %s",
                                   cflight_sql_type_name(command->type));
}

static cflight_status list_foreign_keys(cflight_sql_call *call,
                                        const struct cflight_sql_message *command,
                                        cflight_sql_rows *rows, cflight_error **reterr)
{
    const struct cflight_sql_handlers *handlers = &call->server->handlers;
    struct cflight_sql_cross_reference filter;
    memset(&filter, 0, sizeof filter);
    if (command->type == CFLIGHT_SQL_GET_CROSS_REFERENCE) {
        filter = command->cross_reference;
    } else if (command->type == CFLIGHT_SQL_GET_EXPORTED_KEYS) {
        filter.pk = command->table;
    } else {
        filter.fk = command->table;
    }
    return handlers->list_foreign_keys(handlers->user_data, call, &filter, rows, reterr);
}

static cflight_status list(cflight_sql_call *call, const struct cflight_sql_message *command,
                           cflight_sql_rows *rows, cflight_error **reterr)
{
    const struct cflight_sql_handlers *handlers = &call->server->handlers;
    void *user_data = handlers->user_data;
    switch ((int)command->type) {
    case CFLIGHT_SQL_GET_CATALOGS:
        return handlers->list_catalogs(user_data, call, rows, reterr);
    case CFLIGHT_SQL_GET_DB_SCHEMAS:
        return handlers->list_db_schemas(user_data, call, &command->db_schemas, rows, reterr);
    case CFLIGHT_SQL_GET_TABLES:
        return handlers->list_tables(user_data, call, &command->tables, rows, reterr);
    case CFLIGHT_SQL_GET_TABLE_TYPES:
        return handlers->list_table_types(user_data, call, rows, reterr);
    case CFLIGHT_SQL_GET_PRIMARY_KEYS:
        return handlers->list_primary_keys(user_data, call, &command->table, rows, reterr);
    case CFLIGHT_SQL_GET_XDBC_TYPE_INFO:
        return handlers->list_types(user_data, call, rows, reterr);
    default:
        return list_foreign_keys(call, command, rows, reterr);
    }
}

cflight_status cfl_sql_listing_stream(cflight_sql_call *call,
                                      const struct cflight_sql_message *command,
                                      struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    cflight_sql_rows rows;
    cflight_status status = cfl_sql_rows_begin(&rows, call->server, command, reterr);
    if (status == CFLIGHT_OK) {
        status = list(call, command, &rows, reterr);
        status = cfl_sql_failure(status, call, cflight_sql_type_name(command->type), reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_sql_rows_stream(&rows, ret_stream, reterr);
    }
    cfl_sql_rows_done(&rows);
    return status;
}
