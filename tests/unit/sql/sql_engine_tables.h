/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_SQL_ENGINE_TABLES_H
#define CFLIGHT_TESTS_SQL_ENGINE_TABLES_H

#include "sql_engine.h"

/* Of the files of the database alone. The tables are protected by the engine's mutex, which the
 * caller has. */

/* NULL when it is not there. */
struct t_table *t_find_table(struct t_engine *engine, const char *name);
/* False when it is there, or there are too many. */
bool t_create_table(struct t_engine *engine, const char *name);
void t_drop_table(struct t_engine *engine, struct t_table *table);
bool t_insert(struct t_table *table, int64_t value);
/* That of all tables and queries. */
void t_int_schema(struct ArrowSchema *ret_schema);

/* The handler; it takes the mutex. */
cflight_status t_engine_ingest(void *user_data, cflight_sql_call *call,
                               const struct cflight_sql_ingest_target *target,
                               struct ArrowArrayStream *rows, int64_t *ret_row_count,
                               cflight_error **reterr);

#endif /* CFLIGHT_TESTS_SQL_ENGINE_TABLES_H */
