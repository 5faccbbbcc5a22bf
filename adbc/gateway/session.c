/* SPDX-License-Identifier: Apache-2.0 */
/* Engine sessions of the kit, and transactions in them.
 *
 * A session costs nothing until it runs something: it takes a connection then, and gives it back
 * when nothing of it is left that could be missed. A client that waits, or has gone, keeps none.
 * What leaves something behind (a temporary table, SET, an option) keeps its connection, which
 * nobody else gets afterwards: it is closed with the session. Thread class: one at a time, as the
 * kit sees to, but for interrupt. */
#include <stdlib.h>
#include <string.h>

#include "adbc/gateway/internal.h"

/* Whose connections a user gets. */
static cflight_status choose(struct gateway *gateway, const cflight_sql_call *call,
                             struct gateway **ret_chosen, cflight_error **reterr)
{
    enum gateway_right right = GATEWAY_RIGHT_WRITE;
    if (gateway->right_of != NULL) {
        right = gateway->right_of(gateway->right_user_data, cflight_sql_call_identity(call));
    }
    if (right == GATEWAY_RIGHT_NONE) {
        return cflight_error_set_message(reterr, CFLIGHT_PERMISSION_DENIED,
                                         "this user may neither read nor write this database");
    }
    *ret_chosen =
        right == GATEWAY_RIGHT_READ && gateway->reader != NULL ? gateway->reader : gateway;
    return CFLIGHT_OK;
}

cflight_status gateway_session_of(struct gateway *gateway, cflight_sql_call *call,
                                  struct gateway_session **ret_session, cflight_error **reterr)
{
    struct gateway_session *session = cflight_sql_call_session(call);
    struct gateway *chosen = gateway;
    cflight_status status = choose(gateway, call, &chosen, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (session->gateway != chosen && session->connection == NULL && session->hold_count == 0) {
        session->gateway = chosen; /* its rights have changed, and it has nothing yet */
    } else if (session->gateway != chosen && chosen->is_read_only) {
        return cflight_error_set_message(reterr, CFLIGHT_PERMISSION_DENIED,
                                         "this user may not write any more, and the session has "
                                         "begun before; begin another one");
    }
    *ret_session = session;
    return CFLIGHT_OK;
}

static cflight_status open_session(void *user_data, cflight_sql_call *call, void **ret_session,
                                   cflight_error **reterr)
{
    struct gateway *chosen = NULL;
    cflight_status status = choose(user_data, call, &chosen, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct gateway_session *session = calloc(1, sizeof *session);
    if (session == NULL || pthread_mutex_init(&session->mutex, NULL) != 0) {
        free(session);
        return gateway_no_memory(reterr);
    }
    session->gateway = chosen;
    *ret_session = session;
    return CFLIGHT_OK;
}

static void forget_connection(struct gateway_session *session)
{
    struct gateway_connection *connection = session->connection;
    if (connection != NULL) {
        (void)pthread_mutex_lock(&session->mutex);
        session->connection = NULL;
        (void)pthread_mutex_unlock(&session->mutex);
        gateway_pool_give(session->gateway, connection);
    }
}

static bool reset_session(void *user_data, void *session_pointer)
{
    struct gateway_session *session = session_pointer;
    const struct gateway *gateway = user_data;
    /* With rights, a session is of one user, from its beginning. */
    if (session->hold_count > 0 || session->is_in_transaction || gateway->right_of != NULL) {
        return false;
    }
    forget_connection(session);
    session->wants_transaction = false;
    return true;
}

static void close_session(void *user_data, void *session_pointer)
{
    struct gateway_session *session = session_pointer;
    (void)user_data;
    if (session->connection != NULL) {
        session->connection->is_broken |= session->is_in_transaction;
        forget_connection(session);
    }
    (void)pthread_mutex_destroy(&session->mutex);
    free(session);
}

static void interrupt(void *user_data, void *session)
{
    (void)user_data;
    gateway_session_interrupt(session);
}

cflight_status gateway_session_hold(struct gateway_session *session, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    if (session->connection == NULL) {
        struct gateway_connection *connection = NULL;
        status = gateway_pool_take(session->gateway, &connection, reterr);
        if (status == CFLIGHT_OK) {
            (void)pthread_mutex_lock(&session->mutex);
            session->connection = connection;
            (void)pthread_mutex_unlock(&session->mutex);
        }
    }
    session->hold_count += status == CFLIGHT_OK ? 1 : 0;
    return status;
}

void gateway_session_drop(struct gateway_session *session)
{
    session->hold_count--;
    const struct gateway_connection *connection = session->connection;
    if (session->hold_count == 0 && (!connection->is_dirty || connection->is_broken)) {
        forget_connection(session);
    }
}

/* ---- options ---- */

static char *option_text(const struct cflight_session_option *option)
{
    switch (option->type) {
    case CFLIGHT_SESSION_VALUE_STRING:
        return gateway_format_text(
            "%.*s", (int)option->string_value.len_bytes,
            option->string_value.data == NULL ? "" : (const char *)option->string_value.data);
    case CFLIGHT_SESSION_VALUE_BOOL:
        return gateway_format_text("%s", option->bool_value ? ADBC_OPTION_VALUE_ENABLED
                                                            : ADBC_OPTION_VALUE_DISABLED);
    case CFLIGHT_SESSION_VALUE_INT64:
        return gateway_format_text("%lld", (long long)option->int64_value);
    case CFLIGHT_SESSION_VALUE_DOUBLE:
        return gateway_format_text("%.17g", option->double_value);
    case CFLIGHT_SESSION_VALUE_NONE:
    case CFLIGHT_SESSION_VALUE_STRING_LIST:
        break;
    }
    return NULL;
}

static bool is_named(struct cflight_bytes name, const char *text)
{
    return name.len_bytes == strlen(text) && memcmp(name.data, text, name.len_bytes) == 0;
}

/* Where names are looked up. Other options of a driver may reach beyond the database (files,
 * extensions), so they are the operator's alone. */
static const char *option_key(struct cflight_bytes name)
{
    if (is_named(name, "catalog")) {
        return ADBC_CONNECTION_OPTION_CURRENT_CATALOG;
    }
    return is_named(name, "schema") ? ADBC_CONNECTION_OPTION_CURRENT_DB_SCHEMA : NULL;
}

static enum cflight_session_error_code set_option(void *user_data, void *session_pointer,
                                                  const struct cflight_session_option *option)
{
    struct gateway_session *session = session_pointer;
    struct gateway *gateway = session->gateway;
    (void)user_data;
    const char *key = option_key(option->name);
    if (key == NULL) {
        return CFLIGHT_SESSION_ERROR_INVALID_NAME;
    }
    char *text = option_text(option);
    if (text == NULL) {
        return CFLIGHT_SESSION_ERROR_INVALID_VALUE;
    }
    enum cflight_session_error_code result = CFLIGHT_SESSION_ERROR_ERROR;
    if (gateway_session_hold(session, NULL) == CFLIGHT_OK) {
        struct AdbcError error = gateway_error_init(&gateway->driver);
        AdbcStatusCode code = gateway->driver.table.ConnectionSetOption(&session->connection->adbc,
                                                                        key, text, &error);
        gateway_error_release(&error);
        session->connection->is_dirty |= code == ADBC_STATUS_OK;
        result = code == ADBC_STATUS_OK                ? CFLIGHT_SESSION_ERROR_UNSPECIFIED
                 : code == ADBC_STATUS_NOT_IMPLEMENTED ? CFLIGHT_SESSION_ERROR_INVALID_NAME
                                                       : CFLIGHT_SESSION_ERROR_INVALID_VALUE;
        gateway_session_drop(session);
    }
    free(text);
    return result;
}

/* ---- transactions ---- */

static cflight_status set_autocommit(struct gateway_session *session, bool is_on,
                                     cflight_error **reterr)
{
    const struct gateway_driver *driver = &session->gateway->driver;
    struct AdbcError error = gateway_error_init(driver);
    AdbcStatusCode code = driver->table.ConnectionSetOption(
        &session->connection->adbc, ADBC_CONNECTION_OPTION_AUTOCOMMIT,
        is_on ? ADBC_OPTION_VALUE_ENABLED : ADBC_OPTION_VALUE_DISABLED, &error);
    return gateway_fail(code, &error, is_on ? "end the transaction" : "begin a transaction",
                        reterr);
}

cflight_status gateway_transaction_begin(struct gateway_session *session, cflight_error **reterr)
{
    cflight_status status = gateway_session_hold(session, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = set_autocommit(session, false, reterr);
    session->is_in_transaction = status == CFLIGHT_OK;
    if (status != CFLIGHT_OK) {
        gateway_session_drop(session);
    }
    return status;
}

/* After a commit that has failed the transaction is still open, for a rollback. A connection that
 * cannot be brought back to where it was is not used again. */
cflight_status gateway_transaction_end(struct gateway_session *session, bool is_commit,
                                       cflight_error **reterr)
{
    const struct AdbcDriver *table = &session->gateway->driver.table;
    struct gateway_run run;
    struct AdbcError error = gateway_error_init(&session->gateway->driver);
    gateway_run_begin(&run, session, NULL, -1);
    AdbcStatusCode code = is_commit ? table->ConnectionCommit(&session->connection->adbc, &error)
                                    : table->ConnectionRollback(&session->connection->adbc, &error);
    (void)gateway_run_end(&run);
    cflight_status status = gateway_fail(code, &error, is_commit ? "commit" : "rollback", reterr);
    if (status != CFLIGHT_OK && is_commit) {
        return status;
    }
    session->is_in_transaction = false;
    if (status != CFLIGHT_OK || set_autocommit(session, true, NULL) != CFLIGHT_OK) {
        session->connection->is_broken = true;
    }
    gateway_session_drop(session);
    return status;
}

/* Some clients begin the next transaction as soon as one has ended, and leave it so. It takes a
 * connection once something runs in it. */
static cflight_status begin(void *user_data, void *session_pointer, cflight_error **reterr)
{
    struct gateway_session *session = session_pointer;
    (void)user_data;
    (void)reterr;
    session->wants_transaction = true;
    return CFLIGHT_OK;
}

cflight_status gateway_session_enter(struct gateway_session *session, cflight_error **reterr)
{
    if (!session->wants_transaction || session->is_in_transaction) {
        return CFLIGHT_OK;
    }
    return gateway_transaction_begin(session, reterr);
}

static cflight_status end(struct gateway_session *session, bool is_commit, cflight_error **reterr)
{
    cflight_status status = session->is_in_transaction
                                ? gateway_transaction_end(session, is_commit, reterr)
                                : CFLIGHT_OK;
    session->wants_transaction = session->is_in_transaction;
    return status;
}

static cflight_status commit(void *user_data, void *session, cflight_error **reterr)
{
    (void)user_data;
    return end(session, true, reterr);
}

static cflight_status rollback(void *user_data, void *session, cflight_error **reterr)
{
    (void)user_data;
    return end(session, false, reterr);
}

void gateway_add_session_handlers(struct cflight_sql_handlers *handlers)
{
    handlers->open_session = open_session;
    handlers->reset_session = reset_session;
    handlers->close_session = close_session;
    handlers->set_option = set_option;
    handlers->interrupt = interrupt;
    handlers->begin = begin;
    handlers->commit = commit;
    handlers->rollback = rollback;
}
