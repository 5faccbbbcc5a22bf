/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_GATEWAY_OBJECTS_H
#define CFLIGHT_ADBC_GATEWAY_OBJECTS_H

#include "adbc/gateway/cells.h"
#include "adbc/gateway/internal.h"

/* GetObjects, walked. */

/* What is to be asked for. Views with NULL data are no filter. Patterns of ADBC have no escape, so
 * only what is the same in both worlds is handed on: the kit filters again. */
struct gateway_objects_filter {
    int depth; /* ADBC_OBJECT_DEPTH_... */
    struct cflight_bytes catalog;
    struct cflight_bytes db_schema;
    struct cflight_bytes table;
};

/* One table, as the walk comes by. All is borrowed. */
struct gateway_table {
    struct cflight_sql_table_name name;
    struct cflight_bytes type;
    struct gateway_column columns; /* structs, of which `column_range` is the table's */
    struct gateway_range column_range;
    struct gateway_column constraints;
    struct gateway_range constraint_range;
};

/* Called for what comes by; each may be NULL. */
struct gateway_visitor {
    void *user_data;
    cflight_status (*catalog)(void *user_data, struct cflight_bytes catalog,
                              cflight_error **reterr);
    cflight_status (*db_schema)(void *user_data, struct cflight_bytes catalog,
                                struct cflight_bytes db_schema, cflight_error **reterr);
    cflight_status (*table)(void *user_data, const struct gateway_table *table,
                            cflight_error **reterr);
};

/* The session must be held. */
cflight_status gateway_objects_walk(struct gateway_session *session,
                                    const struct gateway_objects_filter *filter,
                                    const struct gateway_visitor *visitor, cflight_error **reterr);

#endif /* CFLIGHT_ADBC_GATEWAY_OBJECTS_H */
