/* SPDX-License-Identifier: Apache-2.0 */
/* What the driver can tell of a statement before it runs: parameters and the schema of its result.
 *
 * A client that prepares is told; of a statement that runs at once nobody asks, and nothing is
 * looked up. Where the driver has no ExecuteSchema, a statement that is a query by its words is run
 * for its schema and dropped: many clients take a statement without one for an update. Thread
 * class: one at a time, with the turn of the session. */
#include <stdlib.h>
#include <string.h>

#include "adbc/gateway/rows.h"
#include "cflight/schema.h"

/* Takes over a schema that the driver has given, if it is one. */
static void adopt(struct ArrowSchema *schema, struct ArrowSchema *ret_schema)
{
    if (schema->release != NULL) {
        if (cflight_schema_copy(schema, ret_schema, NULL) != CFLIGHT_OK) {
            ret_schema->release = NULL;
        }
        schema->release(schema);
    }
}

/* Writes text for the types of parameters that the driver does not know: JDBC binds nothing to the
 * null type, and engines that have none until a value is there take text for it. The schema has
 * been checked; its fields get their formats back, which the driver frees. */
static cflight_status copy_with_text(struct ArrowSchema *schema, struct ArrowSchema *ret_schema)
{
    size_t count = (size_t)schema->n_children;
    const char **formats = calloc(count + 1, sizeof *formats);
    if (formats == NULL) {
        return CFLIGHT_RESOURCE_EXHAUSTED;
    }
    for (size_t i = 0; i < count; i++) {
        formats[i] = schema->children[i]->format;
        schema->children[i]->format = strcmp(formats[i], "n") == 0 ? "u" : formats[i];
    }
    cflight_status status = cflight_schema_copy(schema, ret_schema, NULL);
    for (size_t i = 0; i < count; i++) {
        schema->children[i]->format = formats[i];
    }
    free(formats);
    return status;
}

static void adopt_parameters(struct ArrowSchema *schema, struct ArrowSchema *ret_schema)
{
    struct ArrowSchema checked;
    if (schema->release == NULL) {
        return;
    }
    if (cflight_schema_copy(schema, &checked, NULL) == CFLIGHT_OK) {
        checked.release(&checked);
        if (copy_with_text(schema, ret_schema) != CFLIGHT_OK) {
            ret_schema->release = NULL;
        }
    }
    schema->release(schema);
}

static void describe_parameters(struct gateway_statement *statement,
                                struct cflight_sql_plan *ret_plan)
{
    const struct gateway_driver *driver = &statement->session->gateway->driver;
    struct AdbcError error = gateway_error_init(driver);
    struct ArrowSchema schema;
    memset(&schema, 0, sizeof schema);
    if (driver->table.StatementGetParameterSchema(&statement->adbc, &schema, &error) ==
        ADBC_STATUS_OK) {
        adopt_parameters(&schema, &ret_plan->parameters);
    }
    gateway_error_release(&error);
}

static cflight_status run_for_schema(struct gateway_statement *statement,
                                     struct ArrowSchema *ret_schema, cflight_error **reterr)
{
    struct gateway *gateway = statement->session->gateway;
    struct ArrowArrayStream stream;
    int64_t row_count = -1;
    cflight_status status =
        gateway_connection_hold_back(gateway, statement->session->connection, reterr);
    if (status == CFLIGHT_OK) {
        status = gateway_statement_execute(statement, &stream, &row_count, NULL, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = gateway_stream_schema(gateway, &stream, ret_schema, reterr);
        stream.release(&stream);
    }
    return status;
}

static cflight_status describe_result(struct gateway_statement *statement,
                                      struct gateway_plan *plan, struct cflight_sql_plan *ret_plan,
                                      cflight_error **reterr)
{
    const struct gateway_driver *driver = &statement->session->gateway->driver;
    struct AdbcError error = gateway_error_init(driver);
    struct ArrowSchema schema;
    memset(&schema, 0, sizeof schema);
    cflight_status status = CFLIGHT_OK;
    if (plan->words.kind == GATEWAY_KIND_UPDATE) {
        return CFLIGHT_OK;
    }
    AdbcStatusCode code = driver->table.StatementExecuteSchema(&statement->adbc, &schema, &error);
    gateway_error_release(&error);
    if (code == ADBC_STATUS_OK) {
        adopt(&schema, &ret_plan->schema);
    } else if (plan->words.kind == GATEWAY_KIND_QUERY) {
        status = run_for_schema(statement, &ret_plan->schema, reterr);
    }
    if (ret_plan->schema.release != NULL && ret_plan->schema.n_children == 0) {
        ret_plan->schema.release(&ret_plan->schema);
        ret_plan->is_update = CFLIGHT_SQL_UPDATE_YES;
        plan->words.kind = GATEWAY_KIND_UPDATE;
    }
    return status;
}

static cflight_status prepare(struct gateway_statement *statement, cflight_error **reterr)
{
    const struct gateway_driver *driver = &statement->session->gateway->driver;
    struct AdbcError error = gateway_error_init(driver);
    struct gateway_run run;
    gateway_run_begin(&run, statement->session, &statement->adbc, -1);
    AdbcStatusCode code = driver->table.StatementPrepare(&statement->adbc, &error);
    (void)gateway_run_end(&run);
    if (code == ADBC_STATUS_NOT_IMPLEMENTED) {
        gateway_error_release(&error);
        code = ADBC_STATUS_OK;
    }
    return gateway_fail(code, &error, NULL, reterr);
}

cflight_status gateway_describe(struct gateway_session *session, struct gateway_plan *plan,
                                bool is_for_schema, struct cflight_sql_plan *ret_plan,
                                cflight_error **reterr)
{
    struct gateway_statement *statement = NULL;
    cflight_status status = gateway_statement_new(session, plan->text, &statement, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = prepare(statement, reterr);
    if (status == CFLIGHT_OK) {
        describe_parameters(statement, ret_plan);
        /* Who prepares is not told of a failure: maybe the driver wants parameters first. What is
         * wrong with the statement shows when it runs. */
        cflight_status told =
            describe_result(statement, plan, ret_plan, is_for_schema ? reterr : NULL);
        status = is_for_schema ? told : CFLIGHT_OK;
    }
    gateway_statement_free(statement);
    return status;
}
