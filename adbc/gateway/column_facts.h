/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_GATEWAY_COLUMN_FACTS_H
#define CFLIGHT_ADBC_GATEWAY_COLUMN_FACTS_H

#include "adbc/gateway/objects.h"

/* What is known of the columns of tables. */

/* The schema of a table, with what GetObjects says of its columns in the metadata of the fields. A
 * table whose schema the driver cannot give (a view that is broken) has no fields. */
cflight_status gateway_table_schema(struct gateway_session *session,
                                    const struct gateway_table *table,
                                    struct ArrowSchema *ret_schema, cflight_error **reterr);
/* The types that the columns of a table have, as rows of a list. */
cflight_status gateway_add_types(cflight_sql_rows *rows, const struct gateway_table *table,
                                 cflight_error **reterr);

#endif /* CFLIGHT_ADBC_GATEWAY_COLUMN_FACTS_H */
