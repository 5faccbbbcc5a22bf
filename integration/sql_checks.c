/* SPDX-License-Identifier: Apache-2.0 */
/* What the clients of the scenarios of Flight SQL check. Thread class: one at a time. */
#include "integration/sql_checks.h"

#include <inttypes.h>

#include "integration/batches.h"
#include "integration/info.h"
#include "integration/scenario.h"
#include "integration/sql_values.h"

struct cflight_sql_options itg_sql_options(void)
{
    struct cflight_sql_options options = CFLIGHT_SQL_OPTIONS_INIT;
    options.inline_is_off = true;
    return options;
}

struct cflight_sql_message itg_sql_plan_message(void)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN};
    message.substrait.plan = cflight_bytes_from_text(ITG_SQL_PLAN);
    message.substrait.version = cflight_bytes_from_text(ITG_SQL_PLAN_VERSION);
    return message;
}

cflight_status itg_sql_expect_rows(struct ArrowArrayStream *rows,
                                   const struct ArrowSchema *expected, const char *what,
                                   cflight_error **reterr)
{
    struct itg_batches found = {.count = 0};

    cflight_status status = itg_batches_read_stream(&found, rows, what, reterr);
    if (status == CFLIGHT_OK && !cflight_schema_equal(&found.schema, expected, true)) {
        status =
            cflight_error_set(reterr, ITG_MISMATCH, "the rows of %s have another schema", what);
    }
    rows->release(rows);
    itg_batches_done(&found);
    return status;
}

cflight_status itg_sql_expect_schema(cflight_client *client,
                                     const struct cflight_sql_message *command,
                                     const struct cflight_sql_options *options,
                                     const struct ArrowSchema *expected, cflight_error **reterr)
{
    struct ArrowSchema found;

    cflight_status status = cflight_sql_get_schema(client, command, options, &found, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (!cflight_schema_equal(&found, expected, true)) {
        status = cflight_error_set(reterr, ITG_MISMATCH, "GetSchema of %s gave another schema",
                                   cflight_sql_type_name(command->type));
    }
    found.release(&found);
    return status;
}

cflight_status itg_sql_expect_count(int64_t found, int64_t expected, const char *what,
                                    cflight_error **reterr)
{
    if (found == expected) {
        return CFLIGHT_OK;
    }
    return cflight_error_set(reterr, ITG_MISMATCH, "%s changed %" PRId64 " rows, expected %" PRId64,
                             what, found, expected);
}

/* One row of parameters. */
static cflight_status make_parameters(struct ArrowArrayStream *ret_rows, cflight_error **reterr)
{
    static const int64_t VALUE = 1;
    struct ArrowSchema schema;

    cflight_status status = itg_sql_query_schema(false, &schema, reterr);
    if (status == CFLIGHT_OK) {
        status = itg_sql_make_rows(&schema, &VALUE, 1, ret_rows, reterr);
        schema.release(&schema);
    }
    return status;
}

static cflight_status bind(cflight_sql_statement *statement,
                           const struct cflight_sql_options *options, cflight_error **reterr)
{
    struct ArrowArrayStream parameters;

    cflight_status status = make_parameters(&parameters, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_sql_statement_bind(statement, &parameters, options, reterr);
        parameters.release(&parameters);
    }
    return status;
}

static cflight_status prepare(cflight_client *client, const char *text,
                              const struct cflight_sql_options *options,
                              cflight_sql_statement **ret_statement, cflight_error **reterr)
{
    const struct cflight_sql_message plan = itg_sql_plan_message();

    if (text == NULL) {
        return cflight_sql_prepare_plan(client, &plan.substrait, options, ret_statement, reterr);
    }
    return cflight_sql_prepare(client, cflight_bytes_from_text(text), options, ret_statement,
                               reterr);
}

/* Bound, run and described. `text` NULL is the plan. */
static cflight_status check_prepared_query(cflight_client *client, const char *text,
                                           const struct cflight_sql_options *options,
                                           const struct ArrowSchema *expected,
                                           cflight_error **reterr)
{
    struct cflight_sql_options plain = itg_sql_options();
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_PREPARED_STATEMENT_QUERY};
    struct ArrowArrayStream rows;
    cflight_sql_statement *statement = NULL;

    cflight_status status = prepare(client, text, options, &statement, reterr);
    if (status == CFLIGHT_OK) {
        status = bind(statement, &plain, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_sql_statement_query(statement, &plain, &rows, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = itg_sql_expect_rows(&rows, expected, "a prepared query", reterr);
    }
    if (status == CFLIGHT_OK) {
        command.handle = cflight_sql_statement_handle(statement);
        status = itg_sql_expect_schema(client, &command, &plain, expected, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_sql_statement_close(statement, &plain, reterr);
    }
    cflight_sql_statement_free(statement);
    return status;
}

static cflight_status check_prepared_update(cflight_client *client, const char *text,
                                            const struct cflight_sql_options *options,
                                            cflight_error **reterr)
{
    struct cflight_sql_options plain = itg_sql_options();
    cflight_sql_statement *statement = NULL;
    int64_t count = 0;

    cflight_status status = prepare(client, text, options, &statement, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_sql_statement_update(statement, NULL, &plain, &count, reterr);
    }
    if (status == CFLIGHT_OK) {
        status =
            itg_sql_expect_count(count, itg_sql_update_count(true, options->transaction != NULL),
                                 "a prepared update", reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_sql_statement_close(statement, &plain, reterr);
    }
    cflight_sql_statement_free(statement);
    return status;
}

static cflight_status check_query(cflight_client *client, bool is_plan,
                                  const struct cflight_sql_options *options,
                                  const struct ArrowSchema *expected, cflight_error **reterr)
{
    struct cflight_bytes text = cflight_bytes_from_text(ITG_SQL_SELECT);
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_STATEMENT_QUERY};
    struct ArrowArrayStream rows;
    cflight_status status;

    if (is_plan) {
        command = itg_sql_plan_message();
        status = cflight_sql_get_rows(client, &command, options, &rows, reterr);
    } else {
        command.statement.query = text;
        status = cflight_sql_query(client, text, options, &rows, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = itg_sql_expect_rows(&rows, expected, cflight_sql_type_name(command.type), reterr);
    }
    if (status == CFLIGHT_OK) {
        status = itg_sql_expect_schema(client, &command, options, expected, reterr);
    }
    return status;
}

static cflight_status check_update(cflight_client *client, bool is_plan,
                                   const struct cflight_sql_options *options,
                                   cflight_error **reterr)
{
    const struct cflight_sql_message plan = itg_sql_plan_message();
    int64_t count = 0;

    cflight_status status =
        is_plan ? cflight_sql_update_by_plan(client, &plan.substrait, options, &count, reterr)
                : cflight_sql_update(client, cflight_bytes_from_text(ITG_SQL_UPDATE), options,
                                     &count, reterr);
    if (status == CFLIGHT_OK) {
        status = itg_sql_expect_count(
            count, itg_sql_update_count(false, options->transaction != NULL), "an update", reterr);
    }
    return status;
}

cflight_status itg_sql_check_statements(cflight_client *client, bool is_plan,
                                        const struct cflight_sql_options *options,
                                        cflight_error **reterr)
{
    struct ArrowSchema expected;

    cflight_status status = itg_sql_query_schema(options->transaction != NULL, &expected, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = check_query(client, is_plan, options, &expected, reterr);
    if (status == CFLIGHT_OK) {
        status = check_update(client, is_plan, options, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = check_prepared_query(client, is_plan ? NULL : ITG_SQL_SELECT_PREPARED, options,
                                      &expected, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = check_prepared_update(client, is_plan ? NULL : ITG_SQL_UPDATE_PREPARED, options,
                                       reterr);
    }
    expected.release(&expected);
    return status;
}
