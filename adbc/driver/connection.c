/* SPDX-License-Identifier: Apache-2.0 */
/* Connections, and calls on them. Thread class: one at a time, but for getters and cancel. */
#include "adbc/driver/connection.h"

struct adbc_connection *adbc_connection_made(struct AdbcConnection *connection,
                                             struct AdbcError *error)
{
    if (connection == NULL || connection->private_data == NULL) {
        (void)adbc_fail(error, ADBC_STATUS_INVALID_STATE,
                        "the connection has not been made, or has been released");
        return NULL;
    }
    return connection->private_data;
}

struct adbc_connection *adbc_connection_of(struct AdbcConnection *connection,
                                           struct AdbcError *error)
{
    struct adbc_connection *self = adbc_connection_made(connection, error);
    if (self != NULL && self->database == NULL) {
        (void)adbc_fail(error, ADBC_STATUS_INVALID_STATE,
                        "the connection has not been initialised");
        return NULL;
    }
    return self;
}

AdbcStatusCode adbc_connection_begin(struct adbc_connection *connection,
                                     struct adbc_call **ret_call, struct AdbcError *error)
{
    if (connection->database == NULL) {
        return adbc_fail(error, ADBC_STATUS_INVALID_STATE,
                         "the connection has not been initialised");
    }
    return adbc_call_begin(&connection->base, &connection->link.elsewhere, ret_call, error);
}
