/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads into a table, by the driver's own ingest.
 *
 * All of it is one transaction, the session's if it has one: a stream that breaks off leaves
 * nothing, whatever the driver does with it. Thread class: one at a time, with the turn of the
 * session. */
#include <stdlib.h>
#include <string.h>

#include "adbc/gateway/bound.h"
#include "adbc/gateway/statement.h"

static cflight_status choose_mode(const struct cflight_sql_ingest_target *target,
                                  const char **ret_mode, cflight_error **reterr)
{
    bool creates = target->if_missing == CFLIGHT_SQL_IF_MISSING_CREATE;
    switch (target->if_exists) {
    case CFLIGHT_SQL_IF_EXISTS_APPEND:
        *ret_mode =
            creates ? ADBC_INGEST_OPTION_MODE_CREATE_APPEND : ADBC_INGEST_OPTION_MODE_APPEND;
        return CFLIGHT_OK;
    case CFLIGHT_SQL_IF_EXISTS_REPLACE:
        *ret_mode = ADBC_INGEST_OPTION_MODE_REPLACE;
        break;
    case CFLIGHT_SQL_IF_EXISTS_UNSPECIFIED:
    case CFLIGHT_SQL_IF_EXISTS_FAIL:
        *ret_mode = ADBC_INGEST_OPTION_MODE_CREATE;
        break;
    }
    return creates ? CFLIGHT_OK
                   : cflight_error_set_message(reterr, CFLIGHT_UNIMPLEMENTED,
                                               "ADBC can create, append, create or append, and "
                                               "replace; no other mode");
}

static cflight_status set_text(struct gateway_statement *statement, const char *key,
                               const char *value, cflight_error **reterr)
{
    const struct gateway_driver *driver = &statement->session->gateway->driver;
    struct AdbcError error = gateway_error_init(driver);
    AdbcStatusCode code = driver->table.StatementSetOption(&statement->adbc, key, value, &error);
    return gateway_fail(code, &error, key, reterr);
}

/* Absent is not set. */
static cflight_status set_name(struct gateway_statement *statement, const char *key,
                               struct cflight_bytes value, cflight_error **reterr)
{
    char *text = NULL;
    if (value.len_bytes == 0) {
        return CFLIGHT_OK;
    }
    cflight_status status = gateway_terminate(value, key, &text, reterr);
    if (status == CFLIGHT_OK) {
        status = set_text(statement, key, text, reterr);
    }
    free(text);
    return status;
}

/* Options beyond those of Flight SQL are the driver's; what says where the rows go is not theirs to
 * change. */
static cflight_status set_extra(struct gateway_statement *statement,
                                const struct cflight_sql_option *option, cflight_error **reterr)
{
    char *name = NULL;
    cflight_status status = gateway_terminate(option->name, "an option's name", &name, reterr);
    if (status == CFLIGHT_OK && strncmp(name, "adbc.", 5) == 0) {
        status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                   "the option %s is not for clients", name);
    }
    if (status == CFLIGHT_OK) {
        status = set_name(statement, name, option->value, reterr);
    }
    free(name);
    return status;
}

static cflight_status set_target(struct gateway_statement *statement,
                                 const struct cflight_sql_ingest_target *target,
                                 cflight_error **reterr)
{
    const char *mode = NULL;
    cflight_status status = choose_mode(target, &mode, reterr);
    if (status == CFLIGHT_OK) {
        status = set_name(statement, ADBC_INGEST_OPTION_TARGET_TABLE, target->name.table, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = set_text(statement, ADBC_INGEST_OPTION_MODE, mode, reterr);
    }
    if (status == CFLIGHT_OK) {
        status =
            set_name(statement, ADBC_INGEST_OPTION_TARGET_CATALOG, target->name.catalog, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = set_name(statement, ADBC_INGEST_OPTION_TARGET_DB_SCHEMA, target->name.db_schema,
                          reterr);
    }
    if (status == CFLIGHT_OK && target->temporary) {
        status =
            set_text(statement, ADBC_INGEST_OPTION_TEMPORARY, ADBC_OPTION_VALUE_ENABLED, reterr);
    }
    for (size_t i = 0; i < target->option_count && status == CFLIGHT_OK; i++) {
        status = set_extra(statement, &target->options[i], reterr);
    }
    return status;
}

cflight_status gateway_ingest(void *user_data, cflight_sql_call *call,
                              const struct cflight_sql_ingest_target *target,
                              struct ArrowArrayStream *rows, int64_t *ret_row_count,
                              cflight_error **reterr)
{
    struct gateway_session *session = NULL;
    struct gateway_statement *statement = NULL;
    cflight_status status = gateway_session_of(user_data, call, &session, reterr);
    if (status == CFLIGHT_OK && session->gateway->is_read_only) {
        status = cflight_error_set(reterr, CFLIGHT_PERMISSION_DENIED, "%s is read only",
                                   gateway_who_reads(session->gateway));
    }
    if (status == CFLIGHT_OK) {
        status = gateway_statement_new(session, NULL, &statement, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    session->connection->is_dirty |= target->temporary;
    status = set_target(statement, target, reterr);
    if (status == CFLIGHT_OK) {
        status = gateway_store_rows(statement, rows, false, ret_row_count, reterr);
    }
    gateway_statement_free(statement);
    return status;
}
