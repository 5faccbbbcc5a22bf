/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_SERVER_KIT_H
#define CFL_SQL_SERVER_KIT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"
#include "base/refcount.h"
#include "cflight/sql_server.h"

/* What the files of the server kit share: the server, sessions with their turn, and calls.
 *
 * Locks: the server's mutex and a session's are leaves, neither is held while the other is taken,
 * and no function of the application runs under one. */

struct cfl_sql_session;

/* Something that may only be ended with the turn of its session. */
struct cfl_sql_garbage {
    struct cfl_list node;
    /* Ends it, and drops what it holds, but not the session. */
    void (*run)(struct cfl_sql_session *session, struct cfl_sql_garbage *garbage);
};

/* A stream that a client reads, who may go before it is ended. */
struct cfl_sql_open_stream {
    struct cfl_list node;           /* of its session: the session's lock */
    const cflight_sql_call *reader; /* not over before the stream is taken off the list */
    /* Ends the stream alone, with the turn. */
    void (*cut)(struct cfl_sql_open_stream *open);
};

/* An engine session, and whose turn it is. Counted. */
struct cfl_sql_session {
    struct cfl_refcount refs;
    cflight_sql_server *server;
    void *engine;         /* NULL without open_session */
    struct cfl_list node; /* among the idle ones: the server's lock */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct {
        bool is_taken;
        cflight_sql_call *running; /* who has the turn */
        uint32_t interrupting_count;
        struct cfl_list garbage; /* a reference to the session each */
        struct cfl_list open_streams;
        const struct cfl_sql_open_stream *looked_at; /* its reader is in use */
    } locked;
};

struct cflight_sql_call {
    cflight_sql_server *server;
    cflight_server_context *context; /* NULL while its client polls */
    struct cfl_sql_session *session; /* a reference */
    struct cflight_bytes identity;
    bool keeps_session;
    bool may_keep_session; /* it prepares; what runs the statement shows whether it does */
    bool is_in_transaction;
    bool has_turn;
    bool is_watched;  /* by the context */
    double *progress; /* where its statement tells how far it is; the server's lock; or NULL */
    atomic_bool is_cancelled;
};

enum cfl_sql_handle_kind {
    CFL_SQL_HANDLE_STATEMENT,
    CFL_SQL_HANDLE_TRANSACTION,
    CFL_SQL_HANDLE_RESULT,
    CFL_SQL_HANDLE_KINDS,
};

enum {
    CFL_SQL_ID_BYTES = 16,
    CFL_SQL_BUCKETS = 4096,
    CFL_SQL_FORMER_MAX = 1024,
};

struct cflight_sql_server {
    const struct cflight_allocator *alloc;
    struct cflight_sql_handlers handlers;
    struct cflight_sql_server_options options;
    struct cflight_server_handlers flight; /* of what is not Flight SQL */
    cflight_sql_info *info;
    cflight_session_store *store;
    cflight_server *server;
    bool ignores_case;
    struct cfl_buf ticket_key;
    uint8_t token[CFL_SQL_ID_BYTES]; /* what handshakes are answered with, without authentication */
    atomic_uint_fast64_t result_bytes;
    atomic_uint_fast64_t bound_bytes;
    atomic_uint_fast64_t session_count;
    atomic_uint_fast64_t running_count;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_cond_t polled; /* a statement has run whose client polls */
    pthread_t clock;
    bool has_clock;
    struct {
        bool is_over;
        int64_t wake_ns; /* when the clock looks again */
        struct cfl_list buckets[CFL_SQL_BUCKETS];
        struct cfl_list owners;
        struct cfl_list idle_sessions;
        struct cfl_list spare_results; /* that may make room, the longest unused first */
        struct cfl_list open_cursors;  /* those that nobody has fetched yet, oldest first */
        struct cfl_list runs;          /* statements whose clients poll */
        struct cfl_list ended_runs;    /* their threads are to be joined */
        uint32_t run_count;
        uint32_t idle_count;
        uint32_t counts[CFL_SQL_HANDLE_KINDS];
        uint32_t former_next;
        struct {
            uint8_t id[CFL_SQL_ID_BYTES];
            const char *why; /* it ended; NULL: nothing did */
        } former[CFL_SQL_FORMER_MAX];
    } locked;
};

/* ---- session.c ---- */

/* Makes a session, or takes an idle one. `call` is who wants it, and has no session. */
cflight_status cfl_sql_session_open(cflight_sql_call *call, struct cfl_sql_session **ret_session,
                                    cflight_error **reterr);
struct cfl_sql_session *cfl_sql_session_ref(struct cfl_sql_session *session);
/* The last reference resets or closes it. NULL is ignored. */
void cfl_sql_session_unref(struct cfl_sql_session *session);
/* Waits for the turn. DEADLINE_EXCEEDED, CANCELLED. */
cflight_status cfl_sql_session_take(struct cfl_sql_session *session, cflight_sql_call *call,
                                    cflight_error **reterr);
/* Ends what waits for that, then gives the turn back. */
void cfl_sql_session_give(struct cfl_sql_session *session);
/* Has something ended by whoever has the turn, at once if nobody has. */
void cfl_sql_session_defer(struct cfl_sql_session *session, struct cfl_sql_garbage *garbage);
/* Lists a stream that a client reads: who gets the turn ends it first if that client has gone. */
void cfl_sql_session_add_stream(struct cfl_sql_session *session, struct cfl_sql_open_stream *open);
/* The same as cfl_sql_session_defer() for a stream that may be listed, before its context ends: who
 * gets the turn finds it listed, or put aside. */
void cfl_sql_session_defer_stream(struct cfl_sql_session *session, struct cfl_sql_open_stream *open,
                                  struct cfl_sql_garbage *garbage);
/* Interrupts the engine if what runs has been cancelled, and wakes who waits. */
void cfl_sql_session_wake(struct cfl_sql_session *session);
/* Closes those that are kept for reuse. */
void cfl_sql_sessions_close_idle(cflight_sql_server *server);

/* ---- call.c ---- */

void cfl_sql_call_begin(cflight_sql_call *call, cflight_sql_server *server,
                        cflight_server_context *context);
/* Opens a session with the options that the caller has set. */
cflight_status cfl_sql_session_open_like(cflight_sql_call *call,
                                         struct cfl_sql_session **ret_session,
                                         cflight_error **reterr);
/* Goes into a session, which is borrowed, or NULL for the caller's own, and takes its turn. */
cflight_status cfl_sql_call_enter(cflight_sql_call *call, struct cfl_sql_session *session,
                                  cflight_error **reterr);
/* The same without taking the turn. */
cflight_status cfl_sql_call_attach(cflight_sql_call *call, struct cfl_sql_session *session,
                                   cflight_error **reterr);
/* Ties a session to the caller's Flight session, when its client keeps that, it is the one named,
 * and it has none yet. */
void cfl_sql_call_adopt(cflight_sql_call *call, struct cfl_sql_session *session,
                        const char *flight_session_id);
/* Lets go of the context: what called goes, and the call goes on. */
void cfl_sql_call_detach(cflight_sql_call *call);
/* Gives back the turn for now. */
void cfl_sql_call_pause(cflight_sql_call *call);
void cfl_sql_call_end(cflight_sql_call *call);
/* The client's address without its port: who pays for the handles of those without a name. */
struct cflight_bytes cfl_sql_call_address(const cflight_sql_call *call);
/* ---- failure.c ---- */

/* What a function of the application has returned: CANCELLED once its call is, and an error in any
 * case. */
cflight_status cfl_sql_failure(cflight_status status, const cflight_sql_call *call,
                               const char *function, cflight_error **reterr);
/* An options' limit was reached. */
cflight_status cfl_sql_limit(cflight_error **reterr, const char *option, uint64_t limit,
                             const char *what);

#endif /* CFL_SQL_SERVER_KIT_H */
