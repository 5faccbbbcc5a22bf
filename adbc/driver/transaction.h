/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_TRANSACTION_H
#define CFLIGHT_ADBC_DRIVER_TRANSACTION_H

#include "adbc/driver/connection.h"

/* Transactions of a connection. With autocommit off the first statement begins one. */

/* Has a statement's calls run in the transaction of the connection, which begins now if it must. */
AdbcStatusCode adbc_transaction_enter(struct adbc_connection *connection, struct adbc_call *call,
                                      struct AdbcError *error);
AdbcStatusCode adbc_connection_commit(struct AdbcConnection *connection, struct AdbcError *error);
AdbcStatusCode adbc_connection_rollback(struct AdbcConnection *connection, struct AdbcError *error);
/* Rolls back what is open, within a second, whatever comes of it. */
void adbc_transaction_abandon(struct adbc_connection *connection);

/* The option adbc.connection.autocommit. Turned on, it commits what is open. */
AdbcStatusCode adbc_autocommit_set(struct adbc_object *object, const struct adbc_option *option,
                                   const char *name, const struct adbc_value *value,
                                   struct AdbcError *error);
AdbcStatusCode adbc_autocommit_get(struct adbc_object *object, const struct adbc_option *option,
                                   const char *name, struct adbc_value *ret_value,
                                   struct AdbcError *error);

#endif /* CFLIGHT_ADBC_DRIVER_TRANSACTION_H */
