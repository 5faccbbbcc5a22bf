/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_CONSTRAINTS_H
#define CFLIGHT_ADBC_DRIVER_CONSTRAINTS_H

#include "adbc/driver/connection.h"
#include "cflight/builder.h"

/* Primary and foreign keys of tables, for GetObjects: two calls for each table. One at a time. */

struct adbc_constraints {
    struct adbc_connection *connection;
    struct adbc_call *call;
    /* The server has no such listing: it is not asked again. */
    bool primary_is_unknown;
    bool foreign_is_unknown;
};

/* Appends the keys of a table to a column of lists of constraints, and ends the list. */
AdbcStatusCode adbc_constraints_append(struct adbc_constraints *constraints,
                                       const struct cflight_sql_table_name *table,
                                       cflight_column *list, struct AdbcError *error);

#endif /* CFLIGHT_ADBC_DRIVER_CONSTRAINTS_H */
