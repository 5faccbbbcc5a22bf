/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_CONSTRAINTS_H
#define CFLIGHT_ADBC_DRIVER_CONSTRAINTS_H

#include "adbc/driver/keys.h"
#include "cflight/builder.h"

/* Primary and foreign keys of tables, for GetObjects: two calls for each table, or for all of them.
 * One at a time. */

struct adbc_constraints {
    struct adbc_connection *connection;
    struct adbc_call *call;
    size_t table_count; /* that will be asked for */
    bool is_begun;
    bool is_of_all;
    struct adbc_keys primary; /* of one table, or of all */
    struct adbc_keys foreign;
};

/* Appends the keys of a table to a column of lists of constraints, and ends the list. */
AdbcStatusCode adbc_constraints_append(struct adbc_constraints *constraints,
                                       const struct cflight_sql_table_name *table,
                                       cflight_column *list, struct AdbcError *error);
void adbc_constraints_done(struct adbc_constraints *constraints);

#endif /* CFLIGHT_ADBC_DRIVER_CONSTRAINTS_H */
