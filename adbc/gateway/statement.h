/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_GATEWAY_STATEMENT_H
#define CFLIGHT_ADBC_GATEWAY_STATEMENT_H

#include "adbc/gateway/internal.h"
#include "adbc/gateway/words.h"

/* A statement of the driver, for one run: its session is held as long. Drivers differ in what they
 * make of a second run (that of SQLite goes on behind the rows that were read of the first), and a
 * client that has prepared something and waits shall hold no connection. */
struct gateway_statement {
    struct gateway_session *session;
    struct AdbcStatement adbc;
};

/* @param sql  NULL: none is set. */
cflight_status gateway_statement_new(struct gateway_session *session, const char *sql,
                                     struct gateway_statement **ret_statement,
                                     cflight_error **reterr);
/* NULL is ignored. */
void gateway_statement_free(struct gateway_statement *statement);

/* Executes, within the limit of time. With `ret_stream` NULL the driver is asked for a count
 * alone. `ret_left_ms` is what is left of the limit, negative for none; it may be NULL. */
cflight_status gateway_statement_execute(struct gateway_statement *statement,
                                         struct ArrowArrayStream *ret_stream,
                                         int64_t *ret_row_count, int64_t *ret_left_ms,
                                         cflight_error **reterr);

/* What is kept of a statement between its planning and its runs. */
struct gateway_plan {
    struct gateway_words words;
    char *text;
};

/* Asks the driver what it can tell of a statement before it runs.
 * @param is_for_schema  It is run no further, so what is wrong with it shows here. */
cflight_status gateway_describe(struct gateway_session *session, struct gateway_plan *plan,
                                bool is_for_schema, struct cflight_sql_plan *ret_plan,
                                cflight_error **reterr);

#endif /* CFLIGHT_ADBC_GATEWAY_STATEMENT_H */
