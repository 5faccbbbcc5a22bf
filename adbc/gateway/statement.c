/* SPDX-License-Identifier: Apache-2.0 */
/* Statements of the driver, each for one run. Owner: the frame that runs it, or the stream of its
 * rows. Thread class: one at a time, with the turn of the session. */
#include "adbc/gateway/statement.h"

#include <stdlib.h>
#include <string.h>

static cflight_status make(struct gateway_statement *statement, const char *sql,
                           cflight_error **reterr)
{
    struct gateway_session *session = statement->session;
    const struct AdbcDriver *table = &session->gateway->driver.table;
    struct AdbcError error = gateway_error_init(&session->gateway->driver);
    AdbcStatusCode code = table->StatementNew(&session->connection->adbc, &statement->adbc, &error);
    if (code != ADBC_STATUS_OK) {
        session->connection->is_broken = true;
        return gateway_fail(code, &error, NULL, reterr);
    }
    if (sql != NULL) {
        code = table->StatementSetSqlQuery(&statement->adbc, sql, &error);
    }
    return gateway_fail(code, &error, NULL, reterr);
}

cflight_status gateway_statement_new(struct gateway_session *session, const char *sql,
                                     struct gateway_statement **ret_statement,
                                     cflight_error **reterr)
{
    struct gateway_statement *statement = calloc(1, sizeof *statement);
    if (statement == NULL) {
        return gateway_no_memory(reterr);
    }
    statement->session = session;
    cflight_status status = gateway_session_hold(session, reterr);
    if (status != CFLIGHT_OK) {
        free(statement);
        return status;
    }
    status = gateway_session_enter(session, reterr);
    if (status == CFLIGHT_OK) {
        status = make(statement, sql, reterr);
    }
    if (status != CFLIGHT_OK) {
        gateway_statement_free(statement);
        return status;
    }
    *ret_statement = statement;
    return CFLIGHT_OK;
}

void gateway_statement_free(struct gateway_statement *statement)
{
    if (statement == NULL) {
        return;
    }
    const struct gateway_driver *driver = &statement->session->gateway->driver;
    struct AdbcError error = gateway_error_init(driver);
    if (statement->adbc.private_data != NULL) {
        (void)driver->table.StatementRelease(&statement->adbc, &error);
    }
    gateway_error_release(&error);
    gateway_session_drop(statement->session);
    free(statement);
}

cflight_status gateway_statement_execute(struct gateway_statement *statement,
                                         struct ArrowArrayStream *ret_stream,
                                         int64_t *ret_row_count, int64_t *ret_left_ms,
                                         cflight_error **reterr)
{
    struct gateway *gateway = statement->session->gateway;
    struct AdbcError error = gateway_error_init(&gateway->driver);
    struct gateway_run run;
    int64_t begin_ms = gateway_now_ms();
    int64_t left_ms = gateway->query_ms > 0 ? gateway->query_ms : -1;
    if (ret_stream != NULL) {
        memset(ret_stream, 0, sizeof *ret_stream);
    }
    *ret_row_count = -1;
    gateway_run_begin(&run, statement->session, &statement->adbc, left_ms);
    AdbcStatusCode code = gateway->driver.table.StatementExecuteQuery(&statement->adbc, ret_stream,
                                                                      ret_row_count, &error);
    bool is_late = gateway_run_end(&run);
    atomic_fetch_add(&gateway->counts->statements, 1);
    atomic_fetch_add(&gateway->counts->failed, code == ADBC_STATUS_OK ? 0 : 1);
    if (code != ADBC_STATUS_OK && ret_stream != NULL && ret_stream->release != NULL &&
        gateway->vendor->leaves_failed_rows) {
        ret_stream->release(ret_stream);
    }
    if (is_late && (code != ADBC_STATUS_OK || ret_stream != NULL)) {
        if (code == ADBC_STATUS_OK && ret_stream->release != NULL) {
            ret_stream->release(ret_stream);
        }
        gateway_error_release(&error);
        return gateway_fail_late(gateway, reterr);
    }
    if (left_ms >= 0) {
        left_ms -= gateway_now_ms() - begin_ms;
        left_ms = left_ms < 0 ? 0 : left_ms;
    }
    if (ret_left_ms != NULL) {
        *ret_left_ms = left_ms;
    }
    return gateway_fail(code, &error, NULL, reterr);
}
