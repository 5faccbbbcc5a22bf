/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_STATEMENT_H
#define CFLIGHT_ADBC_DRIVER_STATEMENT_H

#include "adbc/driver/bind.h"
#include "adbc/driver/connection.h"

/* A statement: a query, a plan, or the table that rows are put into. */

struct adbc_ingest {
    char *table; /* NULL: the statement is no ingest */
    char *catalog;
    char *db_schema;
    enum cflight_sql_if_missing if_missing;
    enum cflight_sql_if_exists if_exists;
    bool is_temporary;
    struct adbc_headers options; /* for the server's application: names and values */
};

/* A query that is run by parts: what was handed out of it, and what to ask next. */
struct adbc_incremental {
    bool is_on;
    bool is_begun;
    bool is_complete;                 /* the last answer said so */
    struct cflight_poll_info *answer; /* the last one */
    size_t given_count;               /* endpoints */
    double progress;                  /* locked */
    cflight_buffer *last_info;        /* locked */
};

struct adbc_statement {
    struct adbc_object base;
    struct adbc_connection *connection; /* held */
    char *query;                        /* at most one of this, */
    cflight_buffer *plan;               /* this, */
    struct adbc_ingest ingest;          /* and its table is set */
    char *substrait_version;
    cflight_sql_statement *prepared; /* NULL when it is not */
    bool is_prepared;                /* by the program */
    uint64_t prepared_number;        /* of the transaction that it was prepared in */
    struct adbc_bound bound;
    bool bound_is_sent; /* to what is prepared */
    bool bound_is_used; /* by an execution: another query does not want them */
    int64_t queue_size;
    struct adbc_incremental incremental;
};

/* The object behind a struct of the program; NULL, with an error, when it is not there, or its
 * connection is gone. */
struct adbc_statement *adbc_statement_of(struct AdbcStatement *statement, struct AdbcError *error);
/* Begins an operation: earlier results end. In the transaction of the connection. */
AdbcStatusCode adbc_statement_begin(struct adbc_statement *statement, struct adbc_call **ret_call,
                                    struct AdbcError *error);
/* INVALID_STATE when there is neither a query nor a plan. */
AdbcStatusCode adbc_statement_check_query(const struct adbc_statement *statement,
                                          struct AdbcError *error);
/* The object behind a struct, with a query, in an operation that begins. */
AdbcStatusCode adbc_statement_begin_query(struct AdbcStatement *statement,
                                          struct adbc_statement **ret_self,
                                          struct adbc_call **ret_call, struct AdbcError *error);
/* The query or plan as a command; what it points at is the statement's. */
struct cflight_sql_message adbc_statement_command(const struct adbc_statement *statement);
/* Prepares it at the server, unless it is prepared and that still counts. */
AdbcStatusCode adbc_statement_prepare_for(struct adbc_statement *statement, struct adbc_call *call,
                                          struct AdbcError *error);
/* Forgets query, plan, table and what is prepared; bound rows stay. */
void adbc_statement_clear(struct adbc_statement *statement);
/* Forgets bound rows that an execution has used. */
void adbc_statement_forget_used(struct adbc_statement *statement);
/* Forgets how far a query by parts is. */
void adbc_incremental_clear(struct adbc_statement *statement);

#endif /* CFLIGHT_ADBC_DRIVER_STATEMENT_H */
