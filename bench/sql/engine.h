/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite as the engine of a Flight SQL server: what its files share. */
#ifndef BENCH_SQL_ENGINE_H
#define BENCH_SQL_ENGINE_H

#include <cflight/cflight.h>
#include <pthread.h>
#include <sqlite3.h>

/* A database file. SQLite has one writer at a time; those of this process wait for each other
 * here, in line, instead of asking again and again whether the file is free. */
struct engine {
    const char *path;
    pthread_mutex_t writing;
};

struct statement {
    sqlite3_stmt *compiled;
    char *text;
};

enum { STATEMENTS_KEPT = 16 };

/* An engine session. Statements that nobody uses are kept by their text, the last one first. */
struct connection {
    struct engine *engine;
    sqlite3 *database;
    struct statement *kept[STATEMENTS_KEPT];
    sqlite3_stmt *begin; /* NULL until they are needed */
    sqlite3_stmt *commit;
};

/* Makes an error of what SQLite says. */
cflight_status engine_fail(struct connection *connection, int code, cflight_error **reterr);

/* Runs a text that gives no rows. */
cflight_status engine_run(struct connection *connection, const char *text, cflight_error **reterr);
cflight_status engine_begin(struct connection *connection, cflight_error **reterr);
cflight_status engine_commit(struct connection *connection, cflight_error **reterr);

/* Takes the right to write, if no transaction is open, and begins one. */
cflight_status engine_begin_unit(struct connection *connection, bool *ret_is_begun,
                                 cflight_error **reterr);
/* Ends it: keeps what it did, or not. Returns `status`, or what went wrong with keeping. */
cflight_status engine_end_unit(struct connection *connection, bool is_begun, cflight_status status,
                               cflight_error **reterr);

/* The format of a column that is declared so, by SQLite's own rules; NULL: nothing is declared. */
const char *engine_format(const char *declared);

/* What the handlers table has, by file. */
void engine_set_sessions(struct cflight_sql_handlers *handlers);   /* sessions.c */
void engine_set_statements(struct cflight_sql_handlers *handlers); /* statements.c */
void engine_set_tables(struct cflight_sql_handlers *handlers);     /* tables.c */
void engine_set_ingest(struct cflight_sql_handlers *handlers);     /* ingest.c */

#endif
