/* SPDX-License-Identifier: Apache-2.0 */
/* flight_sql, the server: over the kit, with a database that knows four statements and has nothing
 * to list. Its functions check what the client has asked for; handles and tickets are the kit's, as
 * is the answer to GetSqlInfo. Thread class: free. */
#include "integration/scenario_sql.h"

#include "integration/sql_answers.h"
#include "integration/sql_values.h"

struct statement {
    const char *text;
    bool is_update;
    bool is_prepared; /* and has parameters if it is a query */
};

static const struct statement STATEMENTS[] = {
    {ITG_SQL_SELECT, .is_update = false, .is_prepared = false},
    {ITG_SQL_UPDATE, .is_update = true, .is_prepared = false},
    {ITG_SQL_SELECT_PREPARED, .is_update = false, .is_prepared = true},
    {ITG_SQL_UPDATE_PREPARED, .is_update = true, .is_prepared = true},
};

static cflight_status find(const struct cflight_sql_query *query,
                           const struct statement **ret_statement, cflight_error **reterr)
{
    for (size_t i = 0; i < sizeof STATEMENTS / sizeof STATEMENTS[0]; i++) {
        if (cflight_bytes_equal(query->text, cflight_bytes_from_text(STATEMENTS[i].text))) {
            *ret_statement = &STATEMENTS[i];
            return CFLIGHT_OK;
        }
    }
    return itg_sql_refuse("the statement", "not one of the scenario", reterr);
}

static cflight_status prepare(void *user_data, cflight_sql_call *call,
                              const struct cflight_sql_query *query,
                              struct cflight_sql_plan *ret_plan, cflight_error **reterr)
{
    const struct statement *statement = NULL;

    (void)user_data;
    (void)call;
    cflight_status status = find(query, &statement, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    ret_plan->is_update = statement->is_update ? CFLIGHT_SQL_UPDATE_YES : CFLIGHT_SQL_UPDATE_NO;
    if (statement->is_update) {
        return CFLIGHT_OK;
    }
    status = itg_sql_query_schema(false, &ret_plan->schema, reterr);
    if (status == CFLIGHT_OK && statement->is_prepared) {
        status = itg_sql_query_schema(false, &ret_plan->parameters, reterr);
    }
    return status;
}

static cflight_status check_bound(cflight_sql_parameters *parameters, cflight_error **reterr)
{
    struct ArrowArrayStream rows;

    if (parameters == NULL) {
        return itg_sql_refuse("the bound rows", "there are none", reterr);
    }
    cflight_status status = cflight_sql_parameters_stream(parameters, &rows, reterr);
    return status == CFLIGHT_OK ? itg_sql_check_parameters(&rows, reterr) : status;
}

/* No rows. */
static cflight_status give_result(cflight_sql_execution *execution, cflight_error **reterr)
{
    struct ArrowSchema schema;
    struct ArrowArrayStream rows;

    cflight_status status = itg_sql_query_schema(false, &schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cflight_batches_to_stream(&schema, NULL, 0, &rows, reterr);
    schema.release(&schema);
    if (status == CFLIGHT_OK) {
        status = cflight_sql_execution_set_stream(execution, &rows, reterr);
    }
    return status;
}

static cflight_status execute(void *user_data, cflight_sql_call *call,
                              const struct cflight_sql_query *query, void *plan,
                              cflight_sql_parameters *parameters, cflight_sql_execution *execution,
                              cflight_error **reterr)
{
    const struct statement *statement = NULL;

    (void)user_data;
    (void)call;
    (void)plan;
    cflight_status status = find(query, &statement, reterr);
    if (status == CFLIGHT_OK &&
        cflight_sql_execution_wants_rows(execution) == statement->is_update) {
        status = itg_sql_refuse(statement->text, "run the other way", reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (statement->is_update) {
        cflight_sql_execution_set_row_count(execution,
                                            itg_sql_update_count(statement->is_prepared, false));
        return CFLIGHT_OK;
    }
    if (statement->is_prepared) {
        status = check_bound(parameters, reterr);
    }
    return status == CFLIGHT_OK ? give_result(execution, reterr) : status;
}

/* ---- listings ---- */

static cflight_status check(bool is_right, const char *what, cflight_error **reterr)
{
    return is_right ? CFLIGHT_OK : itg_sql_refuse(what, "another filter", reterr);
}

static cflight_status list_nothing(void *user_data, cflight_sql_call *call, cflight_sql_rows *rows,
                                   cflight_error **reterr)
{
    (void)user_data;
    (void)call;
    (void)rows;
    (void)reterr;
    return CFLIGHT_OK;
}

static cflight_status list_db_schemas(void *user_data, cflight_sql_call *call,
                                      const struct cflight_sql_db_schemas *filter,
                                      cflight_sql_rows *rows, cflight_error **reterr)
{
    const struct cflight_sql_db_schemas *expected = &itg_sql_db_schemas;

    (void)user_data;
    (void)call;
    (void)rows;
    return check(itg_sql_same_text(filter->catalog, expected->catalog) &&
                     itg_sql_same_text(filter->schema_pattern, expected->schema_pattern),
                 "schemas", reterr);
}

static cflight_status list_tables(void *user_data, cflight_sql_call *call,
                                  const struct cflight_sql_tables *filter, cflight_sql_rows *rows,
                                  cflight_error **reterr)
{
    const struct cflight_sql_tables *expected = &itg_sql_tables;

    (void)user_data;
    (void)call;
    (void)rows;
    bool is_right = itg_sql_same_text(filter->catalog, expected->catalog) &&
                    itg_sql_same_text(filter->schema_pattern, expected->schema_pattern) &&
                    itg_sql_same_text(filter->table_pattern, expected->table_pattern) &&
                    filter->table_type_count == expected->table_type_count &&
                    filter->include_schema;
    for (size_t i = 0; is_right && i < expected->table_type_count; i++) {
        is_right = cflight_bytes_equal(filter->table_types[i], expected->table_types[i]);
    }
    return check(is_right, "tables", reterr);
}

static cflight_status list_primary_keys(void *user_data, cflight_sql_call *call,
                                        const struct cflight_sql_table_name *table,
                                        cflight_sql_rows *rows, cflight_error **reterr)
{
    (void)user_data;
    (void)call;
    (void)rows;
    return check(itg_sql_same_name(table, &itg_sql_table), "primary keys", reterr);
}

/* Of three commands: with both tables, or one of them. */
static cflight_status list_foreign_keys(void *user_data, cflight_sql_call *call,
                                        const struct cflight_sql_cross_reference *filter,
                                        cflight_sql_rows *rows, cflight_error **reterr)
{
    const struct cflight_sql_cross_reference *expected = &itg_sql_cross_reference;
    bool has_pk = filter->pk.table.data != NULL;
    bool has_fk = filter->fk.table.data != NULL;

    (void)user_data;
    (void)call;
    (void)rows;
    if (has_pk && has_fk) {
        return check(itg_sql_same_name(&filter->pk, &expected->pk) &&
                         itg_sql_same_name(&filter->fk, &expected->fk),
                     "keys between two tables", reterr);
    }
    return check(itg_sql_same_name(has_pk ? &filter->pk : &filter->fk, &itg_sql_table),
                 has_pk ? "exported keys" : "imported keys", reterr);
}

static cflight_status make_service(struct itg_service *service, cflight_error **reterr)
{
    struct cflight_sql_handlers *handlers = &service->sql;

    (void)reterr;
    service->has_sql = true;
    handlers->prepare = prepare;
    handlers->execute = execute;
    handlers->list_catalogs = list_nothing;
    handlers->list_db_schemas = list_db_schemas;
    handlers->list_tables = list_tables;
    handlers->list_table_types = list_nothing;
    handlers->list_primary_keys = list_primary_keys;
    handlers->list_foreign_keys = list_foreign_keys;
    handlers->list_types = list_nothing;
    return CFLIGHT_OK;
}

const struct itg_scenario itg_flight_sql = {"flight_sql", make_service, itg_sql_run_client};
