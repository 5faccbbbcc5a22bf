/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions.
 *
 * Whether the server has any is asked once for each connection, when autocommit is turned off: what
 * it does not have is refused there, where programs are prepared for it, and not with the first
 * statement. A commit that fails leaves the transaction open; a rollback ends it for us in any
 * case, since nothing else can be done with it. Thread class: one at a time. */
#include "adbc/driver/transaction.h"

static void set_transaction(struct adbc_connection *connection,
                            cflight_sql_transaction *transaction)
{
    connection->transaction = transaction;
    connection->transaction_number++;
}

static bool autocommits(struct adbc_connection *connection)
{
    (void)pthread_mutex_lock(&connection->base.lock);
    bool is_on = !connection->autocommit_is_off;
    (void)pthread_mutex_unlock(&connection->base.lock);
    return is_on;
}

AdbcStatusCode adbc_transaction_enter(struct adbc_connection *connection, struct adbc_call *call,
                                      struct AdbcError *error)
{
    cflight_sql_transaction *transaction = NULL;
    cflight_error *cause = NULL;
    if (!autocommits(connection) && connection->transaction == NULL) {
        if (cflight_sql_begin(connection->link.client, &call->update, &transaction, &cause) !=
            CFLIGHT_OK) {
            return adbc_fail_by(error, cause);
        }
        set_transaction(connection, transaction);
    }
    adbc_call_set_transaction(call, connection->transaction);
    return ADBC_STATUS_OK;
}

void adbc_transaction_abandon(struct adbc_connection *connection)
{
    cflight_sql_transaction_free(connection->transaction);
    set_transaction(connection, NULL);
}

/* Ends what is open. */
static AdbcStatusCode end(struct adbc_connection *connection, bool is_commit,
                          struct AdbcError *error)
{
    struct adbc_call *call = NULL;
    cflight_error *cause = NULL;
    if (connection->transaction == NULL) {
        return ADBC_STATUS_OK;
    }
    AdbcStatusCode code = adbc_connection_begin(connection, &call, error);
    if (code != ADBC_STATUS_OK) {
        return code;
    }
    cflight_status status =
        is_commit
            ? cflight_sql_transaction_commit(connection->transaction, &call->update, &cause)
            : cflight_sql_transaction_rollback(connection->transaction, &call->update, &cause);
    if (status == CFLIGHT_OK || !is_commit) {
        adbc_transaction_abandon(connection);
    }
    adbc_call_end(call);
    return adbc_fail_by(error, cause);
}

static AdbcStatusCode end_by_program(struct AdbcConnection *connection, bool is_commit,
                                     struct AdbcError *error)
{
    struct adbc_connection *self = adbc_connection_of(connection, error);
    if (self == NULL) {
        return ADBC_STATUS_INVALID_STATE;
    }
    if (autocommits(self)) {
        return adbc_fail(error, ADBC_STATUS_INVALID_STATE,
                         "autocommit is on: there is no transaction to %s",
                         is_commit ? "commit" : "roll back");
    }
    return end(self, is_commit, error);
}

AdbcStatusCode adbc_connection_commit(struct AdbcConnection *connection, struct AdbcError *error)
{
    return end_by_program(connection, true, error);
}

AdbcStatusCode adbc_connection_rollback(struct AdbcConnection *connection, struct AdbcError *error)
{
    return end_by_program(connection, false, error);
}

/* ---- the option ---- */

static AdbcStatusCode check_support(struct adbc_connection *connection, struct AdbcError *error)
{
    const uint32_t code = CFLIGHT_SQL_INFO_SERVER_TRANSACTION;
    struct adbc_call *call = NULL;
    cflight_sql_info *info = NULL;
    cflight_error *cause = NULL;
    AdbcStatusCode status = adbc_connection_begin(connection, &call, error);
    if (status != ADBC_STATUS_OK) {
        return status;
    }
    cflight_status asked =
        cflight_sql_get_sql_info(connection->link.client, &code, 1, &call->query, &info, &cause);
    bool is_supported =
        asked == CFLIGHT_OK && cflight_sql_info_number(info, code, CFLIGHT_SQL_TRANSACTION_NONE) !=
                                   CFLIGHT_SQL_TRANSACTION_NONE;
    bool is_unreachable = asked == CFLIGHT_UNAVAILABLE || asked == CFLIGHT_UNAUTHENTICATED ||
                          asked == CFLIGHT_CANCELLED || asked == CFLIGHT_DEADLINE_EXCEEDED;
    if (is_unreachable) {
        status = adbc_fail_by(error, cause);
    } else {
        cflight_error_free(cause);
        status = is_supported ? ADBC_STATUS_OK
                              : adbc_fail(error, ADBC_STATUS_NOT_IMPLEMENTED,
                                          "the server does not say that it has transactions, so "
                                          "autocommit cannot be turned off");
    }
    cflight_sql_info_free(info);
    adbc_call_end(call);
    return status;
}

AdbcStatusCode adbc_autocommit_set(struct adbc_object *object, const struct adbc_option *option,
                                   const char *name, const struct adbc_value *value,
                                   struct AdbcError *error)
{
    struct adbc_connection *connection = (struct adbc_connection *)object;
    bool is_on = false;
    (void)name;
    if (!adbc_value_to_bool(value, &is_on)) {
        return adbc_option_refuse(option, value, "'true' or 'false'", error);
    }
    if (is_on == autocommits(connection)) {
        return ADBC_STATUS_OK;
    }
    AdbcStatusCode code = is_on ? end(connection, true, error) : check_support(connection, error);
    if (code == ADBC_STATUS_OK) {
        (void)pthread_mutex_lock(&object->lock);
        connection->autocommit_is_off = !is_on;
        (void)pthread_mutex_unlock(&object->lock);
    }
    return code;
}

AdbcStatusCode adbc_autocommit_get(struct adbc_object *object, const struct adbc_option *option,
                                   const char *name, struct adbc_value *ret_value,
                                   struct AdbcError *error)
{
    (void)option;
    (void)name;
    return adbc_value_give_bool(autocommits((struct adbc_connection *)object), ret_value)
               ? ADBC_STATUS_OK
               : adbc_fail_no_memory(error);
}
