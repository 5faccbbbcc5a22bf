/* SPDX-License-Identifier: Apache-2.0 */
/* flight_sql, the client: every command for metadata, then statements as text, at once and
 * prepared. Thread class: one at a time. */
#include "integration/info.h"
#include "integration/scenario_sql.h"
#include "integration/sql_checks.h"
#include "integration/sql_values.h"

/* Runs a command by the function that there is for it. */
static cflight_status get_rows(cflight_client *client, const struct cflight_sql_message *command,
                               struct ArrowArrayStream *ret_rows, cflight_error **reterr)
{
    const struct cflight_sql_options options = itg_sql_options();

    switch ((int)command->type) {
    case CFLIGHT_SQL_GET_CATALOGS:
        return cflight_sql_get_catalogs(client, &options, ret_rows, reterr);
    case CFLIGHT_SQL_GET_DB_SCHEMAS:
        return cflight_sql_get_db_schemas(client, &command->db_schemas, &options, ret_rows, reterr);
    case CFLIGHT_SQL_GET_TABLES:
        return cflight_sql_get_tables(client, &command->tables, &options, ret_rows, reterr);
    case CFLIGHT_SQL_GET_TABLE_TYPES:
        return cflight_sql_get_table_types(client, &options, ret_rows, reterr);
    case CFLIGHT_SQL_GET_PRIMARY_KEYS:
        return cflight_sql_get_primary_keys(client, &command->table, &options, ret_rows, reterr);
    case CFLIGHT_SQL_GET_EXPORTED_KEYS:
        return cflight_sql_get_exported_keys(client, &command->table, &options, ret_rows, reterr);
    case CFLIGHT_SQL_GET_IMPORTED_KEYS:
        return cflight_sql_get_imported_keys(client, &command->table, &options, ret_rows, reterr);
    case CFLIGHT_SQL_GET_CROSS_REFERENCE:
        return cflight_sql_get_cross_reference(client, &command->cross_reference, &options,
                                               ret_rows, reterr);
    case CFLIGHT_SQL_GET_XDBC_TYPE_INFO:
        return cflight_sql_get_type_info(client, NULL, &options, ret_rows, reterr);
    default: /* whose own function reads the rows */
        return cflight_sql_get_rows(client, command, &options, ret_rows, reterr);
    }
}

static cflight_status check_rows(cflight_client *client, const struct cflight_sql_message *command,
                                 cflight_error **reterr)
{
    struct ArrowArrayStream rows;
    struct ArrowSchema expected;

    cflight_status status = cflight_sql_result_schema(command, &expected, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = get_rows(client, command, &rows, reterr);
    if (status == CFLIGHT_OK) {
        status =
            itg_sql_expect_rows(&rows, &expected, cflight_sql_type_name(command->type), reterr);
    }
    expected.release(&expected);
    return status;
}

/* Of a command without its filters. */
static cflight_status check_schema(cflight_client *client, enum cflight_sql_type type,
                                   bool include_schema, cflight_error **reterr)
{
    const struct cflight_sql_options options = itg_sql_options();
    struct cflight_sql_message command = {.type = type};
    struct ArrowSchema expected;

    if (type == CFLIGHT_SQL_GET_TABLES) {
        command.tables.include_schema = include_schema;
    }
    cflight_status status = cflight_sql_result_schema(&command, &expected, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = itg_sql_expect_schema(client, &command, &options, &expected, reterr);
    expected.release(&expected);
    return status;
}

static cflight_status check_metadata(cflight_client *client, cflight_error **reterr)
{
    const struct cflight_sql_message commands[] = {
        {.type = CFLIGHT_SQL_GET_CATALOGS},
        {.type = CFLIGHT_SQL_GET_DB_SCHEMAS, .db_schemas = itg_sql_db_schemas},
        {.type = CFLIGHT_SQL_GET_TABLES, .tables = itg_sql_tables},
        {.type = CFLIGHT_SQL_GET_TABLE_TYPES},
        {.type = CFLIGHT_SQL_GET_PRIMARY_KEYS, .table = itg_sql_table},
        {.type = CFLIGHT_SQL_GET_EXPORTED_KEYS, .table = itg_sql_table},
        {.type = CFLIGHT_SQL_GET_IMPORTED_KEYS, .table = itg_sql_table},
        {.type = CFLIGHT_SQL_GET_CROSS_REFERENCE, .cross_reference = itg_sql_cross_reference},
        {.type = CFLIGHT_SQL_GET_XDBC_TYPE_INFO},
        {.type = CFLIGHT_SQL_GET_SQL_INFO, .sql_info = itg_sql_codes},
    };
    cflight_status status = CFLIGHT_OK;

    for (size_t i = 0; status == CFLIGHT_OK && i < sizeof commands / sizeof commands[0]; i++) {
        status = check_rows(client, &commands[i], reterr);
        if (status == CFLIGHT_OK) {
            status = check_schema(client, commands[i].type, true, reterr);
        }
    }
    if (status == CFLIGHT_OK) {
        status = check_schema(client, CFLIGHT_SQL_GET_TABLES, false, reterr);
    }
    return status;
}

cflight_status itg_sql_run_client(const struct itg_target *target, cflight_error **reterr)
{
    const struct cflight_sql_options options = itg_sql_options();
    cflight_client *client = NULL;

    cflight_status status = cflight_client_new(target->location, NULL, &client, reterr);
    if (status == CFLIGHT_OK) {
        status = check_metadata(client, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = itg_sql_check_statements(client, false, &options, reterr);
    }
    cflight_client_free(client);
    return status;
}
