/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_SERVER_SERVER_CALL_H
#define CFL_FLIGHT_SERVER_SERVER_CALL_H

#include "flight/call/writer.h"
#include "flight/server/server_context.h"

/* How far a call has come. A thread does one step at a time (cfl_server_step); between steps the
 * call awaits something, or is ready. */
enum cfl_server_stage {
    CFL_SERVER_ARRIVED,   /* its headers are there: to be identified */
    CFL_SERVER_ADMITTED,  /* its handler is to run when the first message is there */
    CFL_SERVER_STREAMING, /* the handler has returned, and its stream is pulled */
    CFL_SERVER_ANSWERED,  /* nothing is left but its bytes, on their way */
};

/* What a server keeps of a call, from its headers until its answer has left. What a step changes
 * belongs to the thread that does it; the rest is under the connection's lock. */
struct cfl_server_call {
    struct cflight_server_context context;
    struct cfl_list ready_node;    /* in the connection's list of its kind, or of the ended */
    struct cfl_list patience_node; /* among those that arrive or leave */
    int64_t patient_until_ns;
    uint64_t progress_bytes; /* unsent, as of then */
    enum cfl_server_kind kind;
    enum cfl_server_stage stage;
    bool is_pending;        /* counted among the connection's */
    bool is_leaving;        /* likewise, among the answered */
    uint64_t header_bytes;  /* counted in the budget */
    uint64_t answer_bytes;  /* counted among the connection's */
    bool is_known;          /* which share of the budget it counts in */
    cflight_writer *writer; /* of a stream that was handed over */
    struct cflight_source source;
    struct cflight_chunk chunk;     /* that is being sent */
    struct cflight_message message; /* or this */
    bool has_chunk;                 /* one of them */
};

/* Whether a stream was handed over. */
static inline bool cfl_server_has_source(const struct cfl_server_call *call)
{
    return call->source.next != NULL || call->source.next_message != NULL;
}

/* Functions by file, from the lowest up. */

/* ---- server_patience.c: limits of states that have no thread; under the connection's lock ---- */
void cfl_server_await_message_locked(struct cfl_server_call *call);
void cfl_server_await_sent_locked(struct cfl_server_call *call);
void cfl_server_stop_waiting_locked(struct cfl_server_call *call);
/* Sets the connection's next moment. */
void cfl_server_plan_locked(struct cfl_server_connection *line);
/* A connection's owner: that moment has come. */
void cfl_server_on_time(void *user_data, struct cfl_connection *connection, int64_t now_ns);
/* Ends calls that have stood still for a while, in favour of those that want their place; not more
 * often than once a second. Under no lock. */
void cfl_server_relieve(struct cflight_server *server);

/* ---- server_ready.c: under the connection's lock ---- */
void cfl_server_make_ready_locked(struct cfl_server_call *call);
/* A connection's owner: what the call awaited has come. */
void cfl_server_on_ready(void *user_data, struct cfl_call *call);
/* A connection's owner: a step of whoever drives is over. */
void cfl_server_on_step(void *user_data, struct cfl_connection *connection);
/* The call's handler begins, or never will. */
void cfl_server_end_pending_locked(struct cfl_server_call *call);
/* Whether a thread would find something to do. */
bool cfl_server_is_runnable(const struct cfl_server_connection *line);

/* ---- server_answer.c ---- */
/* Completes middleware, sends status and trailers; the rest of the call is the answer's way. */
void cfl_server_answer(struct cfl_server_call *call, cflight_status status,
                       const cflight_error *error);
/* As above, for a caller whom nobody let in: middleware has not seen the call, and the x-arrow
 * trailers are left out. */
void cfl_server_turn_away(struct cfl_server_call *call, cflight_status status,
                          const cflight_error *error);

/* ---- server_stream.c ---- */
/* Pulls what comes next of the stream and sends it, or ends the call. */
void cfl_server_pull(struct cfl_server_call *call);

/* ---- service.c ---- */
/* Runs the handler of a method of another service. */
cflight_status cfl_server_run_service(struct cflight_server_context *context,
                                      cflight_error **reterr);

/* ---- server_dispatch.c ---- */
/* Runs the handler of the method. The call has a writer afterwards when it handed a stream over. */
cflight_status cfl_server_run_handler(struct cfl_server_call *call, cflight_error **reterr);

/* ---- server_call.c ---- */
/* Does the call's next step; without `may_run` no handler is begun. Under no lock; afterwards the
 * call is not to be touched any more. */
void cfl_server_step(struct cfl_server_call *call, bool may_run);

#endif /* CFL_FLIGHT_SERVER_SERVER_CALL_H */
