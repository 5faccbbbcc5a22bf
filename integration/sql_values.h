/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_INTEGRATION_SQL_VALUES_H
#define CFLIGHT_INTEGRATION_SQL_VALUES_H

#include "cflight/cflight.h"

/* What server and client of the scenarios of Flight SQL agree on. There are statements as text and
 * one as a plan; in a transaction each has another result and other counts. */

#define ITG_SQL_SELECT "SELECT STATEMENT"
#define ITG_SQL_UPDATE "UPDATE STATEMENT"
#define ITG_SQL_SELECT_PREPARED "SELECT PREPARED STATEMENT"
#define ITG_SQL_UPDATE_PREPARED "UPDATE PREPARED STATEMENT"
#define ITG_SQL_PLAN "plan"
#define ITG_SQL_PLAN_VERSION "version"
#define ITG_SQL_TRANSACTION "transaction_id"
#define ITG_SQL_SAVEPOINT "savepoint_id"
#define ITG_SQL_SAVEPOINT_NAME "savepoint_name"

/* The rows that updates say they have changed. */
int64_t itg_sql_update_count(bool is_prepared, bool in_transaction);

/* The result of every query, and outside of transactions the parameters of those that have some:
 * one column, of which much is said. Release it. */
cflight_status itg_sql_query_schema(bool in_transaction, struct ArrowSchema *ret_schema,
                                    cflight_error **reterr);

/* The filters of the commands for metadata, and the codes of GetSqlInfo. */
extern const struct cflight_sql_db_schemas itg_sql_db_schemas;
extern const struct cflight_sql_tables itg_sql_tables;
extern const struct cflight_sql_table_name itg_sql_table;
extern const struct cflight_sql_cross_reference itg_sql_cross_reference;
extern const struct cflight_sql_info_codes itg_sql_codes;

/* Where the rows of an ingest go, their schema, and how many there are, all null. */
enum { ITG_SQL_INGEST_ROWS = 3 };
extern const struct cflight_sql_ingest_target itg_sql_ingest_target;
cflight_status itg_sql_ingest_schema(struct ArrowSchema *ret_schema, cflight_error **reterr);

/* Rows of a schema of one column of int64: these values, or without any nulls. */
cflight_status itg_sql_make_rows(const struct ArrowSchema *schema, const int64_t *values,
                                 int64_t row_count, struct ArrowArrayStream *ret_rows,
                                 cflight_error **reterr);

/* One and the same: both absent, or both there with the same bytes. */
bool itg_sql_same_text(struct cflight_bytes a, struct cflight_bytes b);
bool itg_sql_same_name(const struct cflight_sql_table_name *a,
                       const struct cflight_sql_table_name *b);

#endif /* CFLIGHT_INTEGRATION_SQL_VALUES_H */
