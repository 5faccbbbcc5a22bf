/* SPDX-License-Identifier: Apache-2.0 */
/* Statements: what they run, and preparing it.
 *
 * What is prepared belongs to the transaction that was open then, or to none: once that has changed
 * it is prepared anew, by the first execution. Thread class: one at a time. */
#include "adbc/driver/statement.h"

#include <stdlib.h>

#include "adbc/driver/transaction.h"

struct adbc_statement *adbc_statement_of(struct AdbcStatement *statement, struct AdbcError *error)
{
    if (statement == NULL || statement->private_data == NULL) {
        (void)adbc_fail(error, ADBC_STATUS_INVALID_STATE,
                        "the statement has not been made, or has been released");
        return NULL;
    }
    struct adbc_statement *self = statement->private_data;
    if (self->connection->is_released) {
        (void)adbc_fail(error, ADBC_STATUS_INVALID_STATE,
                        "the connection of the statement has been released");
        return NULL;
    }
    return self;
}

AdbcStatusCode adbc_statement_begin(struct adbc_statement *statement, struct adbc_call **ret_call,
                                    struct AdbcError *error)
{
    struct adbc_call *call = NULL;
    adbc_object_interrupt(&statement->base);
    AdbcStatusCode code =
        adbc_call_begin(&statement->base, &statement->connection->link.elsewhere, &call, error);
    if (code == ADBC_STATUS_OK) {
        code = adbc_transaction_enter(statement->connection, call, error);
    }
    if (code != ADBC_STATUS_OK) {
        adbc_call_end(call);
        return code;
    }
    *ret_call = call;
    return ADBC_STATUS_OK;
}

AdbcStatusCode adbc_statement_check_query(const struct adbc_statement *statement,
                                          struct AdbcError *error)
{
    return statement->query != NULL || statement->plan != NULL
               ? ADBC_STATUS_OK
               : adbc_fail(error, ADBC_STATUS_INVALID_STATE, "the statement has no query");
}

AdbcStatusCode adbc_statement_begin_query(struct AdbcStatement *statement,
                                          struct adbc_statement **ret_self,
                                          struct adbc_call **ret_call, struct AdbcError *error)
{
    struct adbc_statement *self = adbc_statement_of(statement, error);
    if (self == NULL) {
        return ADBC_STATUS_INVALID_STATE;
    }
    AdbcStatusCode code = adbc_statement_check_query(self, error);
    if (code == ADBC_STATUS_OK) {
        code = adbc_statement_begin(self, ret_call, error);
    }
    *ret_self = self;
    return code;
}

struct cflight_sql_message adbc_statement_command(const struct adbc_statement *statement)
{
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_STATEMENT_QUERY};
    if (statement->plan != NULL) {
        command.type = CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN;
        command.substrait.plan = cflight_buffer_bytes(statement->plan);
        command.substrait.version = cflight_bytes_from_text(statement->substrait_version);
        command.substrait.transaction_id = cflight_bytes_make(NULL, 0);
    } else {
        command.statement.query = cflight_bytes_from_text(statement->query);
    }
    return command;
}

static void unprepare(struct adbc_statement *statement)
{
    cflight_sql_statement_free(statement->prepared);
    statement->prepared = NULL;
    statement->bound_is_sent = false;
}

AdbcStatusCode adbc_statement_prepare_for(struct adbc_statement *statement, struct adbc_call *call,
                                          struct AdbcError *error)
{
    const struct cflight_sql_message command = adbc_statement_command(statement);
    struct adbc_connection *connection = statement->connection;
    cflight_error *cause = NULL;
    if (statement->prepared != NULL &&
        statement->prepared_number == connection->transaction_number) {
        return ADBC_STATUS_OK;
    }
    unprepare(statement);
    cflight_status status =
        statement->plan != NULL
            ? cflight_sql_prepare_plan(connection->link.client, &command.substrait, &call->update,
                                       &statement->prepared, &cause)
            : cflight_sql_prepare(connection->link.client, command.statement.query, &call->update,
                                  &statement->prepared, &cause);
    if (status != CFLIGHT_OK) {
        return adbc_fail_by(error, cause);
    }
    statement->prepared_number = connection->transaction_number;
    return ADBC_STATUS_OK;
}

void adbc_incremental_clear(struct adbc_statement *statement)
{
    struct adbc_incremental *incremental = &statement->incremental;
    cflight_poll_info_free(incremental->answer);
    incremental->answer = NULL;
    incremental->given_count = 0;
    incremental->is_begun = false;
    incremental->is_complete = false;
    (void)pthread_mutex_lock(&statement->base.lock);
    cflight_buffer_unref(incremental->last_info);
    incremental->last_info = NULL;
    incremental->progress = 0;
    (void)pthread_mutex_unlock(&statement->base.lock);
}

void adbc_statement_clear(struct adbc_statement *statement)
{
    adbc_object_interrupt(&statement->base);
    unprepare(statement);
    adbc_incremental_clear(statement);
    statement->is_prepared = false;
    free(statement->query);
    statement->query = NULL;
    cflight_buffer_unref(statement->plan);
    statement->plan = NULL;
    (void)pthread_mutex_lock(&statement->base.lock);
    char *table = statement->ingest.table;
    statement->ingest.table = NULL;
    (void)pthread_mutex_unlock(&statement->base.lock);
    free(table);
}

void adbc_statement_forget_used(struct adbc_statement *statement)
{
    if (statement->bound_is_used) {
        adbc_bound_clear(&statement->bound);
        statement->bound_is_used = false;
    }
}
