/* SPDX-License-Identifier: Apache-2.0 */
/* The table of messages. Several have one shape, and then one layout. Thread class: free. (Flight
 * SQL: FlightSql.proto) */
#include "sql/value/layouts.h"

#include <flight_sql.pb-c.h>

#define AT(member) offsetof(struct cflight_sql_message, member)
#define FIELD(kind_, member)                                \
    {                                                       \
        .kind = CFL_SQL_FIELD_##kind_, .offset = AT(member) \
    }
#define WITH(kind_, member, second_)                                               \
    {                                                                              \
        .kind = CFL_SQL_FIELD_##kind_, .offset = AT(member), .second = AT(second_) \
    }
#define ENUM(member, max_)                                              \
    {                                                                   \
        .kind = CFL_SQL_FIELD_ENUM, .offset = AT(member), .max = (max_) \
    }
#define MESSAGE(layout_)                                     \
    {                                                        \
        .kind = CFL_SQL_FIELD_MESSAGE, .message = &(layout_) \
    }
#define LAYOUT(name, fields_)                                 \
    {                                                         \
        &arrow__flight__protocol__sql__##name##__descriptor,  \
            sizeof(fields_) / sizeof((fields_)[0]), (fields_) \
    }

static const struct cfl_sql_layout NOTHING = {&arrow__flight__protocol__sql__nothing__descriptor, 0,
                                              NULL};

static const struct cfl_sql_field DB_SCHEMAS_FIELDS[] = {
    FIELD(OPTIONAL_TEXT, db_schemas.catalog),
    FIELD(OPTIONAL_TEXT, db_schemas.schema_pattern),
};
static const struct cfl_sql_layout DB_SCHEMAS = LAYOUT(command_get_db_schemas, DB_SCHEMAS_FIELDS);

static const struct cfl_sql_field TABLES_FIELDS[] = {
    FIELD(OPTIONAL_TEXT, tables.catalog),
    FIELD(OPTIONAL_TEXT, tables.schema_pattern),
    FIELD(OPTIONAL_TEXT, tables.table_pattern),
    WITH(TEXTS, tables.table_types, tables.table_type_count),
    FIELD(BOOL, tables.include_schema),
};
static const struct cfl_sql_layout TABLES = LAYOUT(command_get_tables, TABLES_FIELDS);

static const struct cfl_sql_field TABLE_FIELDS[] = {
    FIELD(OPTIONAL_TEXT, table.catalog),
    FIELD(OPTIONAL_TEXT, table.db_schema),
    FIELD(TEXT, table.table),
};
static const struct cfl_sql_layout TABLE = LAYOUT(table_name, TABLE_FIELDS);

static const struct cfl_sql_field CROSS_REFERENCE_FIELDS[] = {
    FIELD(OPTIONAL_TEXT, cross_reference.pk.catalog),
    FIELD(OPTIONAL_TEXT, cross_reference.pk.db_schema),
    FIELD(TEXT, cross_reference.pk.table),
    FIELD(OPTIONAL_TEXT, cross_reference.fk.catalog),
    FIELD(OPTIONAL_TEXT, cross_reference.fk.db_schema),
    FIELD(TEXT, cross_reference.fk.table),
};
static const struct cfl_sql_layout CROSS_REFERENCE =
    LAYOUT(command_get_cross_reference, CROSS_REFERENCE_FIELDS);

static const struct cfl_sql_field SQL_INFO_FIELDS[] = {
    WITH(NUMBERS, sql_info.codes, sql_info.code_count),
};
static const struct cfl_sql_layout SQL_INFO = LAYOUT(command_get_sql_info, SQL_INFO_FIELDS);

static const struct cfl_sql_field TYPE_INFO_FIELDS[] = {
    WITH(OPTIONAL_NUMBER, type_info.data_type, type_info.has_data_type),
};
static const struct cfl_sql_layout TYPE_INFO = LAYOUT(command_get_xdbc_type_info, TYPE_INFO_FIELDS);

static const struct cfl_sql_field STATEMENT_FIELDS[] = {
    FIELD(TEXT, statement.query),
    FIELD(ID, statement.transaction_id),
};
static const struct cfl_sql_layout STATEMENT = LAYOUT(statement, STATEMENT_FIELDS);

static const struct cfl_sql_field PLAN_FIELDS[] = {
    FIELD(BYTES, substrait.plan),
    FIELD(TEXT, substrait.version),
};
static const struct cfl_sql_layout PLAN = LAYOUT(substrait_plan, PLAN_FIELDS);
static const struct cfl_sql_field SUBSTRAIT_FIELDS[] = {
    MESSAGE(PLAN),
    FIELD(ID, substrait.transaction_id),
};
static const struct cfl_sql_layout SUBSTRAIT = LAYOUT(substrait_statement, SUBSTRAIT_FIELDS);

static const struct cfl_sql_field DEFINITION_FIELDS[] = {
    ENUM(ingest.if_missing, CFLIGHT_SQL_IF_MISSING_FAIL),
    ENUM(ingest.if_exists, CFLIGHT_SQL_IF_EXISTS_REPLACE),
};
static const struct cfl_sql_layout DEFINITION = LAYOUT(table_definition_options, DEFINITION_FIELDS);
static const struct cfl_sql_field INGEST_FIELDS[] = {
    MESSAGE(DEFINITION),
    FIELD(TEXT, ingest.name.table),
    FIELD(OPTIONAL_TEXT, ingest.name.db_schema),
    FIELD(OPTIONAL_TEXT, ingest.name.catalog),
    FIELD(BOOL, ingest.temporary),
    FIELD(ID, ingest.transaction_id),
    WITH(OPTIONS, ingest.options, ingest.option_count),
};
static const struct cfl_sql_layout INGEST = LAYOUT(command_statement_ingest, INGEST_FIELDS);

static const struct cfl_sql_field HANDLE_FIELDS[] = {
    FIELD(BYTES, handle),
};
static const struct cfl_sql_layout HANDLE = LAYOUT(handle, HANDLE_FIELDS);

static const struct cfl_sql_field INFO_FIELDS[] = {
    FIELD(BYTES, info),
};
static const struct cfl_sql_layout INFO = LAYOUT(handle, INFO_FIELDS);

static const struct cfl_sql_field UPDATE_RESULT_FIELDS[] = {
    FIELD(COUNT, record_count),
};
static const struct cfl_sql_layout UPDATE_RESULT =
    LAYOUT(do_put_update_result, UPDATE_RESULT_FIELDS);

static const struct cfl_sql_field PUT_RESULT_FIELDS[] = {
    FIELD(OPTIONAL_BYTES, handle),
};
static const struct cfl_sql_layout PUT_RESULT =
    LAYOUT(do_put_prepared_statement_result, PUT_RESULT_FIELDS);

static const struct cfl_sql_field PREPARED_FIELDS[] = {
    FIELD(BYTES, prepared.handle),
    FIELD(BYTES, prepared.dataset_schema),
    FIELD(BYTES, prepared.parameter_schema),
    FIELD(YES_OR_NO, prepared.is_update),
};
static const struct cfl_sql_layout PREPARED =
    LAYOUT(action_create_prepared_statement_result, PREPARED_FIELDS);

static const struct cfl_sql_field SAVEPOINT_FIELDS[] = {
    FIELD(BYTES, savepoint.transaction_id),
    FIELD(TEXT, savepoint.name),
};
static const struct cfl_sql_layout SAVEPOINT =
    LAYOUT(action_begin_savepoint_request, SAVEPOINT_FIELDS);

static const struct cfl_sql_field END_FIELDS[] = {
    FIELD(BYTES, end.id),
    ENUM(end.action, CFLIGHT_SQL_END_ROLLBACK),
};
static const struct cfl_sql_layout END = LAYOUT(end, END_FIELDS);

static const struct cfl_sql_field CANCEL_RESULT_FIELDS[] = {
    FIELD(ANY_ENUM, cancel_status),
};
static const struct cfl_sql_layout CANCEL_RESULT =
    LAYOUT(action_cancel_query_result, CANCEL_RESULT_FIELDS);

static const struct {
    const char *name;
    const struct cfl_sql_layout *layout;
} MESSAGES[] = {
    [CFLIGHT_SQL_GET_CATALOGS] = {"CommandGetCatalogs", &NOTHING},
    [CFLIGHT_SQL_GET_DB_SCHEMAS] = {"CommandGetDbSchemas", &DB_SCHEMAS},
    [CFLIGHT_SQL_GET_TABLES] = {"CommandGetTables", &TABLES},
    [CFLIGHT_SQL_GET_TABLE_TYPES] = {"CommandGetTableTypes", &NOTHING},
    [CFLIGHT_SQL_GET_PRIMARY_KEYS] = {"CommandGetPrimaryKeys", &TABLE},
    [CFLIGHT_SQL_GET_EXPORTED_KEYS] = {"CommandGetExportedKeys", &TABLE},
    [CFLIGHT_SQL_GET_IMPORTED_KEYS] = {"CommandGetImportedKeys", &TABLE},
    [CFLIGHT_SQL_GET_CROSS_REFERENCE] = {"CommandGetCrossReference", &CROSS_REFERENCE},
    [CFLIGHT_SQL_GET_SQL_INFO] = {"CommandGetSqlInfo", &SQL_INFO},
    [CFLIGHT_SQL_GET_XDBC_TYPE_INFO] = {"CommandGetXdbcTypeInfo", &TYPE_INFO},
    [CFLIGHT_SQL_STATEMENT_QUERY] = {"CommandStatementQuery", &STATEMENT},
    [CFLIGHT_SQL_STATEMENT_UPDATE] = {"CommandStatementUpdate", &STATEMENT},
    [CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN] = {"CommandStatementSubstraitPlan", &SUBSTRAIT},
    [CFLIGHT_SQL_PREPARED_STATEMENT_QUERY] = {"CommandPreparedStatementQuery", &HANDLE},
    [CFLIGHT_SQL_PREPARED_STATEMENT_UPDATE] = {"CommandPreparedStatementUpdate", &HANDLE},
    [CFLIGHT_SQL_STATEMENT_INGEST] = {"CommandStatementIngest", &INGEST},
    [CFLIGHT_SQL_TICKET_STATEMENT_QUERY] = {"TicketStatementQuery", &HANDLE},
    [CFLIGHT_SQL_UPDATE_RESULT] = {"DoPutUpdateResult", &UPDATE_RESULT},
    [CFLIGHT_SQL_PREPARED_PUT_RESULT] = {"DoPutPreparedStatementResult", &PUT_RESULT},
    [CFLIGHT_SQL_CREATE_PREPARED_STATEMENT] = {"ActionCreatePreparedStatementRequest", &STATEMENT},
    [CFLIGHT_SQL_CREATE_PREPARED_SUBSTRAIT_PLAN] = {"ActionCreatePreparedSubstraitPlanRequest",
                                                    &SUBSTRAIT},
    [CFLIGHT_SQL_CREATE_PREPARED_RESULT] = {"ActionCreatePreparedStatementResult", &PREPARED},
    [CFLIGHT_SQL_CLOSE_PREPARED_STATEMENT] = {"ActionClosePreparedStatementRequest", &HANDLE},
    [CFLIGHT_SQL_BEGIN_TRANSACTION] = {"ActionBeginTransactionRequest", &NOTHING},
    [CFLIGHT_SQL_BEGIN_TRANSACTION_RESULT] = {"ActionBeginTransactionResult", &HANDLE},
    [CFLIGHT_SQL_END_TRANSACTION] = {"ActionEndTransactionRequest", &END},
    [CFLIGHT_SQL_BEGIN_SAVEPOINT] = {"ActionBeginSavepointRequest", &SAVEPOINT},
    [CFLIGHT_SQL_BEGIN_SAVEPOINT_RESULT] = {"ActionBeginSavepointResult", &HANDLE},
    [CFLIGHT_SQL_END_SAVEPOINT] = {"ActionEndSavepointRequest", &END},
    [CFLIGHT_SQL_CANCEL_QUERY] = {"ActionCancelQueryRequest", &INFO},
    [CFLIGHT_SQL_CANCEL_QUERY_RESULT] = {"ActionCancelQueryResult", &CANCEL_RESULT},
};
enum { MESSAGE_COUNT = sizeof MESSAGES / sizeof MESSAGES[0] };

static bool is_known(enum cflight_sql_type type)
{
    return (int)type >= 0 && (int)type < MESSAGE_COUNT && MESSAGES[type].name != NULL;
}

const struct cfl_sql_layout *cfl_sql_layout_of(enum cflight_sql_type type)
{
    return is_known(type) ? MESSAGES[type].layout : NULL;
}

const char *cflight_sql_type_name(enum cflight_sql_type type)
{
    return is_known(type) ? MESSAGES[type].name : NULL;
}

enum cflight_sql_type cfl_sql_type_by_name(struct cflight_bytes name)
{
    for (int type = 0; type < MESSAGE_COUNT; type++) {
        if (MESSAGES[type].name != NULL &&
            cflight_bytes_equal(name, cflight_bytes_from_text(MESSAGES[type].name))) {
            return (enum cflight_sql_type)type;
        }
    }
    return CFLIGHT_SQL_UNKNOWN;
}
