/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_GATEWAY_INTERNAL_H
#define CFLIGHT_ADBC_GATEWAY_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "adbc/gateway/error.h"
#include "adbc/gateway/gateway.h"
#include "adbc/gateway/memory.h"
#include "adbc/gateway/source.h"
#include "adbc/gateway/vendor.h"

/* What the files of the gateway share. */

/* A connection of the driver. Used by one session at a time. */
struct gateway_connection {
    struct AdbcConnection adbc;
    struct gateway_connection *next; /* idle ones */
    int64_t idle_since_ms;
    bool is_dirty;             /* something was left in it: not for another session */
    bool is_broken;            /* not for this one either */
    bool has_own_transactions; /* SQL may have begun one */
};

/* A call of the driver that may be cancelled. */
struct gateway_run {
    struct gateway_run *next; /* those that are watched */
    struct gateway_session *session;
    struct AdbcStatement *statement; /* NULL: of the connection */
    int64_t deadline_ms;
    bool is_late; /* under the lock of the watch */
};

enum { GATEWAY_METRICS = 8 };

struct gateway {
    struct gateway_driver driver;
    struct AdbcDatabase database;
    const struct gateway_vendor *vendor;
    struct gateway_connection *anchor; /* keeps a database alive that ends with its connections */
    char *description;
    char *init_sql;
    cflight_sql_info *info;
    bool is_read_only;
    struct gateway *reader; /* the same database for those who may read; NULL: for nobody */
    enum gateway_right (*right_of)(void *user_data, struct cflight_bytes identity);
    void *right_user_data;
    int64_t query_ms;
    uint64_t result_rows_max;
    uint32_t connections_max;
    atomic_bool has_no_partitions; /* found out by the first query */

    struct gateway_counts {
        atomic_uint_fast64_t refused; /* connections */
        atomic_uint_fast64_t statements;
        atomic_uint_fast64_t failed;
        atomic_uint_fast64_t cancelled;
        atomic_uint_fast64_t late;
    } own_counts;
    struct gateway_counts *counts; /* of a reader: those of whom it reads for */
    cflight_metric *metrics[GATEWAY_METRICS];
    size_t metric_count;

    struct gateway_pool {
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        struct gateway_connection *idle; /* the latest first */
        uint32_t connection_count;       /* in use and idle */
        uint32_t idle_count;
        uint32_t waiting_count; /* calls */
    } pool;

    struct gateway_watch {
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        pthread_t thread;
        bool has_thread;
        bool is_over;
        struct gateway_run *runs;
    } watch;
};

/* An engine session of the kit. It has a connection while something needs one: a statement, a
 * stream, a transaction, or what SQL has left in it. With the turn, but for what is locked. */
struct gateway_session {
    struct gateway *gateway; /* or its reader, as the user's right is */
    struct gateway_connection *connection;
    unsigned hold_count;
    bool wants_transaction; /* the first statement begins it */
    bool is_in_transaction;
    pthread_mutex_t mutex;
    struct gateway_run *running; /* locked */
};

/* Who it is that may not write, for errors. */
static inline const char *gateway_who_reads(const struct gateway *gateway)
{
    return gateway->counts == &gateway->own_counts ? "this server" : "for this user, this server";
}

/* ---- clock.c ---- */

int64_t gateway_now_ms(void);

/* ---- pool.c: connections, bounded in number ---- */

/* Takes an idle connection or opens one; waits for one for a while when there are too many. */
cflight_status gateway_pool_take(struct gateway *gateway,
                                 struct gateway_connection **ret_connection,
                                 cflight_error **reterr);
/* Gives a connection back: closes it if it is dirty, or cannot be made as new. */
void gateway_pool_give(struct gateway *gateway, struct gateway_connection *connection);
/* Closes connections that nobody has used since `before_ms`. */
void gateway_pool_close_idle(struct gateway *gateway, int64_t before_ms);
/* Runs SQL of the operator on a connection, statement by statement. */
cflight_status gateway_connection_run(struct gateway *gateway,
                                      struct gateway_connection *connection, const char *sql,
                                      cflight_error **reterr);
/* Before each statement of a gateway that is read only: a query may have called a function that
 * took the setting back. */
cflight_status gateway_connection_hold_back(struct gateway *gateway,
                                            struct gateway_connection *connection,
                                            cflight_error **reterr);

/* ---- metrics.c ---- */

/* Before the lock of the pool ends. */
void gateway_remove_metrics(struct gateway *gateway);

/* ---- session.c ---- */

void gateway_add_session_handlers(struct cflight_sql_handlers *handlers);
/* The session of a call, of whose user the rights are looked at. @return CFLIGHT_OK;
 * CFLIGHT_PERMISSION_DENIED */
cflight_status gateway_session_of(struct gateway *gateway, cflight_sql_call *call,
                                  struct gateway_session **ret_session, cflight_error **reterr);
/* Sees to that the session has a connection until gateway_session_drop(). */
cflight_status gateway_session_hold(struct gateway_session *session, cflight_error **reterr);
void gateway_session_drop(struct gateway_session *session);

/* Begins the transaction that the client has asked for, if it has not begun yet. The session is
 * held. */
cflight_status gateway_session_enter(struct gateway_session *session, cflight_error **reterr);
/* Begins and ends a transaction, as a client's or around what must be done as a whole. */
cflight_status gateway_transaction_begin(struct gateway_session *session, cflight_error **reterr);
cflight_status gateway_transaction_end(struct gateway_session *session, bool is_commit,
                                       cflight_error **reterr);

/* ---- watch.c: calls that can be cancelled, and those with a limit ---- */

cflight_status gateway_watch_start(struct gateway *gateway, cflight_error **reterr);
void gateway_watch_stop(struct gateway *gateway);
/* Around a call of the driver. `left_ms` is what is left of the limit, negative for none.
 * gateway_run_end() tells whether the limit has passed. */
void gateway_run_begin(struct gateway_run *run, struct gateway_session *session,
                       struct AdbcStatement *statement, int64_t left_ms);
bool gateway_run_end(struct gateway_run *run);
/* Cancels what runs in a session; any thread. */
void gateway_session_interrupt(struct gateway_session *session);
/* The error of what ran too long. @return CFLIGHT_DEADLINE_EXCEEDED */
cflight_status gateway_fail_late(const struct gateway *gateway, cflight_error **reterr);

/* ---- statement.c, ingest.c, listing.c ---- */

void gateway_add_statement_handlers(struct cflight_sql_handlers *handlers);
cflight_status gateway_ingest(void *user_data, cflight_sql_call *call,
                              const struct cflight_sql_ingest_target *target,
                              struct ArrowArrayStream *rows, int64_t *ret_row_count,
                              cflight_error **reterr);
void gateway_add_listing_handlers(struct cflight_sql_handlers *handlers);

/* ---- info.c ---- */

/* Asks a connection what the database is, and chooses the vendor. */
cflight_status gateway_info_read(struct gateway *gateway, struct gateway_connection *connection,
                                 const char *library, cflight_error **reterr);

#endif /* CFLIGHT_ADBC_GATEWAY_INTERNAL_H */
