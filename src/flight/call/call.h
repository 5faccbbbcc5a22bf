/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_CALL_H
#define CFL_FLIGHT_CALL_CALL_H

#include "base/process.h"
#include "cflight/call.h"
#include "cflight/middleware.h"
#include "flight/call/cancel.h"
#include "flight/call/connection.h"
#include "flight/call/inbox.h"
#include "flight/call/method.h"
#include "flight/count/counts.h"

/* One RPC, at either end: messages in, messages out, limits, cancellation, and its end.
 *
 * Everything blocks by cfl_connection_wait_locked on the call's connection. Reading and writing are
 * independent of each other: one thread each. Counted: the handles given to users, the cancel
 * handle's registry and a running handler hold references. Thread class: one reader and one writer
 * at a time; cancel is free. */

struct cfl_call_limits {
    int64_t deadline_ns;   /* whole call, absolute */
    int64_t first_byte_ns; /* until the first byte of the answer, absolute */
    int64_t timeout_ms;    /* the durations as the user gave them, for messages */
    int64_t first_byte_timeout_ms;
    int64_t idle_timeout_ms;    /* 0 is none */
    uint64_t message_bytes_max; /* of one inbound message; 0 is none but that of the format */
};

/* What a client asks of its server, kept until the call is over: it is sent again when the server
 * certainly did not process it. */
struct cfl_call_request {
    struct cfl_grpc_call_params params;
    struct cflight_bytes message; /* the one request message; none for client-streaming methods */
    /* Gives a connection for the call, with a reference of the caller's; without `may_wait` only
     * one that is at hand. `cancel` interrupts. Not under a lock. */
    cflight_status (*connect)(void *user_data, bool may_wait, int64_t deadline_ns,
                              cflight_cancel *cancel, struct cfl_connection **ret_connection,
                              cflight_error **reterr);
    void *user_data;
    bool is_of_loop;                  /* an event loop begins it: it may leave with others */
    unsigned int restart_count;       /* how often it was sent again already, as another call */
    struct cfl_method_counts *counts; /* NULL: nothing is counted, here and in the next */
    struct cfl_counts *client_counts;
};

/* A wish to be called back once by whoever drives the connection from an event loop. */
struct cfl_watch {
    struct cfl_watch_base base; /* in the connection's watches, or among those that are due */
    struct cfl_call *call;
    bool is_write;
    void (*on_ready)(void *user_data);
    void *user_data;
    int64_t deadline_ns;     /* when the call's idle or first-byte limit passes */
    uint64_t progress_bytes; /* as of when the deadline was set */
};

/* What is to come before a server's call is ready for a thread. The end of the call is awaited,
 * too, with each but the first. */
enum cfl_awaited {
    CFL_AWAITED_NOTHING = 0, /* it is ready, or a thread runs it */
    CFL_AWAITED_MESSAGE,     /* the first message, half a window of it, or that none will come */
    CFL_AWAITED_SENT,        /* that the socket took everything */
    CFL_AWAITED_END,
};

/* What a call's observer was told. */
enum cfl_observed {
    CFL_OBSERVED_NOTHING = 0,
    CFL_OBSERVED_BUSY, /* a thread is telling it about headers, and will go on with the end */
    CFL_OBSERVED_HEADERS,
    CFL_OBSERVED_END,
};

/* What a handler wants called when its call is cancelled. Runs on a pool thread, under no lock. */
struct cfl_cancel_wish {
    struct cfl_list node; /* in the server's list of those that are due */
    void (*on_cancel)(void *user_data);
    void *user_data;
    bool is_running;
    pthread_t runner;
};

/* How long a thread has waited in pieces while nothing moved. */
struct cfl_idle {
    uint64_t progress;
    int64_t waited_ns;
};

struct cfl_call {
    struct cfl_refcount refs;
    const struct cflight_allocator *alloc;
    const struct cfl_method *method;
    /* A client's call moves to another connection when it is sent again. That is done by its
     * reader, under the lock of the connection it leaves; others lock the one they find, and look
     * again. */
    struct cfl_connection *connection;
    pthread_mutex_t connection_mutex;       /* a leaf: of the pointer */
    pid_t pid;                              /* of its connections' process */
    const struct cfl_call_request *request; /* client: until the observer was told of the end */
    struct cfl_call_limits limits;
    int64_t started_ns;
    cflight_cancel *cancel; /* NULL when the call has none */
    struct cfl_cancel_entry cancel_entry;
    /* Client: told about response headers, then about the end, once each, on a thread of the user,
     * not under the lock; the latter at the latest when the call is freed. */
    void (*observe)(void *user_data, struct cfl_call *call, bool is_end);
    void *observe_user_data;
    atomic_int observed;            /* enum cfl_observed */
    struct cfl_watch inbound_watch; /* locked by the connection, as is the next */
    struct cfl_watch sent_watch;
    struct cfl_cancel_wish cancel_wish; /* server: locked by the server */
    void *server_call;                  /* server: what it keeps of the call */
    struct cfl_method_counts *counts;   /* where it is counted; NULL: nowhere */
    /* Server: sent before the first message; NULL for none. */
    struct cfl_metadata *response_headers;
    struct {
        struct cfl_awaitable awaitable;
        struct cfl_grpc_call *grpc; /* NULL while the request is on no connection */
        /* Client: the request is to be put on a connection, by the thread that waits for the
         * answer: nothing was sent yet, or the server certainly did not process it. */
        bool needs_connection;
        unsigned int restart_count;
        cflight_cancel *connecting; /* interrupts that thread */
        struct cfl_inbox inbox;
        bool wants_message;  /* a thread waits for one, or none was complete yet: bytes are credited
                                on arrival */
        bool has_answer;     /* client: headers or anything else came */
        bool is_half_closed; /* server: the client sends no more */
        bool is_cancelled_here; /* this side cancelled it */
        bool is_over;
        enum cfl_awaited awaited; /* server */
        bool headers_are_sent;    /* server */
        int64_t headers_due_ns; /* server: when a handler has waited too long without them; or 0 */
        bool is_cancelled;
        bool was_cut;           /* server: the half-close is not the client's */
        cflight_status status;  /* meaningful when over */
        cflight_error *error;   /* the call's one failure; NULL while it runs or ended well */
        uint64_t refused_bytes; /* length of a message that was over `refused_limit_bytes` */
        uint64_t refused_limit_bytes;
        uint64_t sent_count;
        uint64_t sent_bytes;
        /* Small batches that are held back (call_gather.c). */
        uint64_t received_before_sent; /* messages of the peer, when the first one was posted */
        int64_t batch_posted_ns;       /* the last one; 0: none */
        uint64_t held_bytes;           /* if the connection is in the same round still */
        uint64_t held_round;
        /* Server: since when a thread of it sleeps without a byte having moved. */
        struct cfl_list waiting_node;
        int64_t waiting_since_ns;
        uint64_t waiting_progress;
        bool waiting_is_write;
        struct cfl_idle read_idle; /* of waits that were given up before their end */
        struct cfl_idle write_idle;
    } locked;
};

/* Client: puts the request (borrowed, see above) on a connection. Register it with the cancel
 * handle afterwards by cfl_call_watch_cancel; `cancel` interrupts only the connecting. */
cflight_status cfl_call_start(const struct cfl_method *method,
                              const struct cfl_call_request *request,
                              const struct cfl_call_limits *limits, bool may_wait,
                              cflight_cancel *cancel, struct cfl_call **ret_call,
                              cflight_error **reterr);
/* Server: takes a call on. It is ready at once. */
cflight_status cfl_call_accept_locked(struct cfl_connection *connection,
                                      const struct cfl_method *method, struct cfl_grpc_call *grpc,
                                      struct cfl_call **ret_call, cflight_error **reterr);
/* Server: has the owner's on_ready called once when what is awaited has come; false when it is
 * there already. */
bool cfl_call_await_locked(struct cfl_call *call, enum cfl_awaited awaited);
/* Not in a child of fork(); see cfl_check_process(). */
static inline bool cfl_call_is_ours(const struct cfl_call *call)
{
    return call->pid == cfl_process_id();
}

struct cfl_call *cfl_call_ref(struct cfl_call *call);
/* Server: drops a reference of a call that is over, with the lock held; the connection must have
 * other references. */
void cfl_call_drop_locked(struct cfl_call *call);
void cfl_call_unref(struct cfl_call *call);

/* Registers the call with a cancel handle (may be NULL); a triggered one ends the call at once. Not
 * under the lock. */
void cfl_call_watch_cancel(struct cfl_call *call, cflight_cancel *cancel);

/* Waits for a message and takes it. `*ret_has_message` false is the end of the stream: at a client
 * with the status OK, at a server the client's half-close. `timeout_ns` >= 0 bounds this wait
 * alone: then `*ret_is_ready` (may be NULL when timeout_ns is negative) tells whether anything is
 * known. A failure is the call's failure, the same every time. */
cflight_status cfl_call_receive(struct cfl_call *call, int64_t timeout_ns, bool *ret_is_ready,
                                bool *ret_has_message, struct cfl_message *ret_message,
                                cflight_error **reterr);
/* Client: waits until the server answered with anything: headers, a message or a status. */
cflight_status cfl_call_wait_answer(struct cfl_call *call, cflight_error **reterr);
/* Client: waits for the first whole message or the end, and takes nothing. */
cflight_status cfl_call_wait_message(struct cfl_call *call, cflight_error **reterr);
/* Client: looks, without waiting, for the first whole message or the end, and takes nothing. */
cflight_status cfl_call_peek(struct cfl_call *call, bool *ret_is_ready, cflight_error **reterr);
/* Client: drops what still comes and waits for the end. @return the call's final status. */
cflight_status cfl_call_finish_reading(struct cfl_call *call, cflight_error **reterr);
/* Queues one message and sends what the socket takes now; small batches that come quickly are sent
 * together, a moment later (call_gather.c). `body` (may be NULL) is borrowed until cfl_call_is_sent
 * says yes; `head` is copied. When the peer has ended the call, that is the failure. */
cflight_status cfl_call_post(struct cfl_call *call, struct cflight_bytes head,
                             const struct cfl_pieces *body, cflight_error **reterr);
/* The channel of the call's connection, with a hold, and the stream for which bodies are passed;
 * NULL when there is none. */
struct cfl_shares *cfl_call_shares(struct cfl_call *call, uint32_t *ret_stream_id);
/* Whether the socket took all that was posted but what was copied to be sent together; the call's
 * failure when it ended before. */
cflight_status cfl_call_is_sent(struct cfl_call *call, bool *ret_is_sent, cflight_error **reterr);
/* Counts that what was posted waits for the peer. */
void cfl_call_count_stall_locked(struct cfl_call *call);
/* Waits for that it was sent. */
cflight_status cfl_call_wait_sent(struct cfl_call *call, cflight_error **reterr);
/* Posts a message without a body, and waits only when much is queued already: for small messages.
 */
cflight_status cfl_call_send(struct cfl_call *call, struct cflight_bytes message,
                             cflight_error **reterr);
cflight_status cfl_call_half_close(struct cfl_call *call, cflight_error **reterr);
/* Tells a client's observer what is new. Not under the lock. */
void cfl_call_observe(struct cfl_call *call);
/* Ends the call from this side. Safe at any time, from any thread. */
void cfl_call_cancel(struct cfl_call *call, cflight_status status, const char *message);
/* Server: sends status and trailers. */
void cfl_call_finish(struct cfl_call *call, cflight_status status, const char *message,
                     const struct cfl_metadata *trailers);
bool cfl_call_is_cancelled(struct cfl_call *call);
/* Server: ends the calls of a connection whose threads have slept for their client for so long
 * without a byte having moved. */
void cfl_call_end_stalled_locked(struct cfl_connection *connection, int64_t limit_ms);
/* Has `on_ready` called once, by cfl_call_run_watches, when a receive without waiting gives
 * something (or, with `is_write`, when what was posted was sent, or the call is over). NULL takes
 * it back. */
void cfl_call_notify(struct cfl_call *call, bool is_write, void (*on_ready)(void *user_data),
                     void *user_data);
/* Takes back who is to be called when there is something to receive; NULL for nobody. */
void cfl_call_take_notify(struct cfl_call *call, void (**ret_on_ready)(void *user_data),
                          void **ret_user_data);
/* Calls back whoever is due on this connection. Not under the lock. */
void cfl_call_run_watches(struct cfl_connection *connection);
/* The earliest moment at which a watch is due: now when one is ready. */
int64_t cfl_call_watch_deadline_locked(struct cfl_connection *connection, int64_t now_ns);
/* Client: response headers and trailers; NULL when there are none. They stay as they are once the
 * observer was told of them. */
const struct cfl_metadata *cfl_call_headers(const struct cfl_call *call);
const struct cfl_metadata *cfl_call_trailers(const struct cfl_call *call);
/* Fills counts and duration; status and error are the caller's to set. */
void cfl_call_summarise(struct cfl_call *call, struct cflight_call_summary *ret_summary);

#endif /* CFL_FLIGHT_CALL_CALL_H */
