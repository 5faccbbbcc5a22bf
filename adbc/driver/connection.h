/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_CONNECTION_H
#define CFLIGHT_ADBC_DRIVER_CONNECTION_H

#include "adbc/driver/call.h"
#include "adbc/driver/connect.h"

/* A connection: a client of its own, whose first call connects. */

struct adbc_pending_option {
    char *key;
    struct adbc_value value;
};

struct adbc_connection {
    struct adbc_object base;
    struct adbc_database *database; /* held; NULL before it is initialised */
    struct adbc_link link;
    bool is_released; /* by the program; statements and streams may still hold it */
    bool constraints_are_on;
    bool autocommit_is_off;               /* locked */
    cflight_sql_transaction *transaction; /* NULL before its first statement */
    /* Counts transactions that begin and end: what was prepared under another number is stale. */
    uint64_t transaction_number;
    struct adbc_pending_option *pending; /* options that were set before it was initialised */
    size_t pending_count;
};

extern const struct adbc_option_table adbc_connection_options;

/* The object behind a struct of the program, ready for calls; NULL, with an error, when it is not
 * there, not initialised, or released. */
struct adbc_connection *adbc_connection_of(struct AdbcConnection *connection,
                                           struct AdbcError *error);
/* The same for functions that need no initialised one. */
struct adbc_connection *adbc_connection_made(struct AdbcConnection *connection,
                                             struct AdbcError *error);
AdbcStatusCode adbc_connection_begin(struct adbc_connection *connection,
                                     struct adbc_call **ret_call, struct AdbcError *error);

AdbcStatusCode adbc_connection_new(struct AdbcConnection *connection, struct AdbcError *error);
AdbcStatusCode adbc_connection_init(struct AdbcConnection *connection,
                                    struct AdbcDatabase *database, struct AdbcError *error);
AdbcStatusCode adbc_connection_release(struct AdbcConnection *connection, struct AdbcError *error);
AdbcStatusCode adbc_connection_cancel(struct AdbcConnection *connection, struct AdbcError *error);
/* A setter of any type: kept until the connection is initialised, applied at once from then on. */
AdbcStatusCode adbc_connection_set(struct AdbcConnection *connection, const char *key,
                                   const struct adbc_value *value, struct AdbcError *error);

#endif /* CFLIGHT_ADBC_DRIVER_CONNECTION_H */
