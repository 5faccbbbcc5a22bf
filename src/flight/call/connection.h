/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_CONNECTION_H
#define CFL_FLIGHT_CALL_CONNECTION_H

#include <pthread.h>
#include <sys/types.h>

#include "base/body.h"
#include "base/budget.h"
#include "base/list.h"
#include "base/refcount.h"
#include "flight/call/linger.h"
#include "flight/call/loop_fd.h"
#include "flight/call/shares.h"
#include "flight/count/counts.h"
#include "grpc/conn.h"

/* One connection: a transport, a gRPC session, a lock, and the rule for who does the I/O.
 *
 * There is no I/O thread. A thread that waits for something drives the connection: it flushes what
 * is to be sent, reads what is there, and polls. One thread drives at a time; the others that wait
 * sleep on a condition, and after each step the driver wakes those whose wish came true. When the
 * driver has what it wants it hands the wheel to a waiting thread, or back to the poller of the
 * owner: a server's pool, or what listens on a client's connection while it is idle.
 *
 * Thread class: free. Functions that end in _locked assume the mutex. Lock order:
 * docs/internals/threads.md. */

struct cfl_connection;
struct cfl_call;

/* A server, or what listens on a client's connection while nobody drives it. */
struct cfl_connection_owner {
    /* Server: what a call awaited (cfl_call_await_locked) has come. Under the lock, and inside the
     * session's callbacks: only to be noted. NULL at a client, as is the next. */
    void (*on_ready)(void *user_data, struct cfl_call *call);
    /* Server: a step of whoever drives is over, or nobody drives any more; calls may be ready.
     * Under the lock. */
    void (*on_step)(void *user_data, struct cfl_connection *connection);
    /* The owner's poller is to watch the socket for `wanted` (0: for nothing, a thread of a call
     * drives it). Under the lock. NULL at a client that is not listened on between calls. */
    void (*arm)(void *user_data, struct cfl_connection *connection, unsigned int wanted);
    /* The earliest moment at which the connection wants cfl_connection_process. Under the lock. */
    void (*on_deadline)(void *user_data, int64_t deadline_ns);
    /* Small batches are held back: the owner is to call cfl_connection_flush_held_back_locked at
     * that moment. Under the lock. NULL: none are. */
    void (*on_held_back)(void *user_data, struct cfl_connection *connection, int64_t until_ns);
    /* Server: `owner_deadline_ns` has passed; sets the next. Under the lock. */
    void (*on_time)(void *user_data, struct cfl_connection *connection, int64_t now_ns);
    /* Server: a call was cancelled, which its handler may want to be told. Under the lock. NULL at
     * a client. */
    void (*on_cancelled)(void *user_data, struct cfl_call *call);
    /* The last reference is gone. After the return the owner does not touch it any more. NULL for
     * none. */
    void (*on_gone)(void *user_data);
    void *user_data;
    /* Server: for what calls have received and not taken, before anybody knows whose they are. NULL
     * at a client. */
    struct cfl_budget *unread;
    /* Server: where a thread that polls borrows what wakes it. NULL at a client, whose connections
     * have their own. */
    struct cfl_waker_cache *wakers;
    struct cfl_counts *counts; /* NULL: nothing is counted */
};

struct cfl_connection {
    struct cfl_refcount refs;
    const struct cflight_allocator *alloc;
    struct cfl_pool *pool;
    struct cfl_limits limits;
    struct cfl_transport *transport;
    struct cfl_waker waker; /* client */
    struct cfl_connection_owner owner;
    bool is_server;
    pid_t pid;      /* of the process that made it: a child of fork() shares the socket and must not
                       touch it */
    bool may_share; /* bodies in shared memory: a Unix socket to a process of the same user */
    pthread_mutex_t mutex;
    struct {
        struct cfl_grpc_conn *grpc;
        struct cfl_shares *shares; /* set once; NULL: no channel was made, or none came */
        bool has_offered;          /* client: a channel, or tried to */
        bool is_driven;
        bool is_polling;              /* the driver sleeps in poll: changes must wake it */
        struct cfl_waker *poll_waker; /* by this, while it polls; NULL: it looks up by itself */
        bool is_woken;                /* it was set in this poll */
        /* Server: a thread answers several calls and sends all at its end; until then what it posts
         * is held back, and the poller does not watch. */
        bool is_held;
        pthread_t holder;
        size_t held_bytes;
        /* Small batches of calls are held back until then, or CFL_TIME_NEVER; a new round begins
         * with each flush (call_gather.c). */
        int64_t held_until_ns;
        uint64_t held_round;
        /* Server: callers wait to be identified; until they are nothing more is read, so that
         * strangers' bytes stay few. The pool sees to it at once. */
        bool has_arrivals;
        bool is_closed;           /* no more calls, and no I/O but lingering */
        struct cfl_linger linger; /* server: closed, and what was written is still on its way */
        /* Client: a call was given up, and not all was sent since. */
        bool has_given_up;
        bool is_gone; /* the peer: nothing that is written reaches it */
        bool is_handshaking;
        bool is_readable; /* the last read was not short: there may be more */
        unsigned int
            read_wait; /* what the last read, write or handshake waits for (TLS may want either) */
        unsigned int write_wait;
        bool has_received;  /* anything at all */
        unsigned int armed; /* what the owner's poller watches */
        int64_t handshake_deadline_ns;
        int64_t owner_deadline_ns; /* the owner's; see on_time */
        struct cfl_list waiters;   /* of struct cfl_waiter */
        struct cfl_list others;    /* those of them that wait for no awaitable */
        struct cfl_list stirred; /* of struct cfl_awaitable: changed since its waiters were asked */
        struct cfl_list waiting_calls; /* server: of struct cfl_call, whose threads sleep */
        struct cfl_list watches;       /* client: of struct cfl_watch_base, for event loops */
        struct cfl_list
            stirred_watches;       /* the same, of calls that changed since they were looked at */
        int64_t watch_deadline_ns; /* no later than the first of the watches' deadlines */
        /* Client: what an event loop polls: readable when the socket is ready, or another thread's
         * step made a watch due. */
        struct cfl_loop_fd loop;
        bool has_begun_calls;   /* client: an event loop did, since its last step; see kick_soon */
        cflight_error *failure; /* why it closed; NULL when in good order */
        /* Why writing failed. Nothing is written any more, but what the peer said before is still
         * read: it may hold the end of calls. */
        cflight_error *write_failure;
        uint64_t last_bytes; /* then: at most so much of it is read */
    } locked;
};

/* What an event loop waits for; part of a larger struct (call.h). `is_due` is called under the
 * lock. */
struct cfl_watch_base {
    struct cfl_list node;
    bool (*is_due)(struct cfl_watch_base *watch);
};

/* What threads wait for at a connection that has many such: a call. Part of a larger struct. Who
 * changes one says so, and only those who wait for it are asked whether that was it: what happens
 * to one call costs the same beside thousands. */
struct cfl_awaitable {
    struct cfl_list node;    /* in the connection's `stirred` */
    struct cfl_list waiters; /* of struct cfl_waiter */
};

/* A thread that waits. Lives on its stack. */
struct cfl_waiter {
    struct cfl_list node;
    struct cfl_list about_node;  /* among the awaitable's, or in the connection's `others` */
    struct cfl_awaitable *about; /* NULL: asked after each step */
    pthread_cond_t condition;
    struct cfl_waker *waker; /* instead of the condition; NULL for none */
    bool (*is_done)(void *user_data);
    void *user_data;
};

/* What a thread that drives has to poll for, until when. */
struct cfl_connection_wait {
    int fd;
    unsigned int wanted;
    struct cfl_waker *waker; /* what others wake the driver with */
    int64_t until_ns;
};

/* Takes the transport on success. */
cflight_status cfl_connection_new(const struct cflight_allocator *alloc, enum cfl_grpc_role role,
                                  const struct cfl_limits *limits, struct cfl_pool *pool,
                                  struct cfl_transport *transport,
                                  const struct cfl_grpc_keepalive *keepalive,
                                  const struct cfl_grpc_conn_handlers *handlers,
                                  void *handlers_user_data,
                                  const struct cfl_connection_owner *owner,
                                  struct cfl_connection **ret_connection, cflight_error **reterr);
struct cfl_connection *cfl_connection_ref(struct cfl_connection *connection);
void cfl_connection_unref(struct cfl_connection *connection);

/* UNAVAILABLE in a process other than `pid`, which made the connection or the call. In a child of
 * fork() a thread that is not there may hold the lock for ever, in the middle of a change: what is
 * public looks at this first, takes no lock, and leaves everything as it is. */
cflight_status cfl_check_process(pid_t pid, cflight_error **reterr);

static inline void cfl_connection_lock(struct cfl_connection *connection)
{
    (void)pthread_mutex_lock(&connection->mutex);
}
static inline void cfl_connection_unlock(struct cfl_connection *connection)
{
    (void)pthread_mutex_unlock(&connection->mutex);
}

/* Waits, with the lock held on entry and exit, until `is_done` says so (true) or the deadline
 * passed (false). Drives the connection when nobody else does. `is_done` is called under the lock
 * and must become true when the connection closes. */
bool cfl_connection_wait_locked(struct cfl_connection *connection, struct cfl_awaitable *about,
                                bool (*is_done)(void *user_data), void *user_data,
                                int64_t deadline_ns);
/* For a thread that waits for several connections at once. Takes the wheel, unless somebody drives
 * (false), and does what can be done now; the thread polls as `*ret_wait` says, not under the lock,
 * and gives the wheel back with what was ready. */
bool cfl_connection_take_wheel_locked(struct cfl_connection *connection,
                                      bool (*is_done)(void *user_data), void *user_data,
                                      struct cfl_connection_wait *ret_wait);
void cfl_connection_give_wheel_locked(struct cfl_connection *connection,
                                      bool (*is_done)(void *user_data), void *user_data,
                                      unsigned int ready);
/* The same for a connection that another thread drives: has the waiter's waker set when `is_done`
 * becomes true or nobody drives. */
void cfl_connection_follow_locked(struct cfl_connection *connection, struct cfl_waiter *waiter);
void cfl_connection_leave_locked(struct cfl_connection *connection, struct cfl_waiter *waiter);
/* Something that a wait may be for has changed. */
void cfl_connection_stir_locked(struct cfl_connection *connection, struct cfl_awaitable *about);
/* Client: offers the server a channel for shared memory, with what is written next, if that was not
 * done before and the connection may have one. Without memory for it there is none. */
void cfl_connection_offer_shares_locked(struct cfl_connection *connection);
/* Sends what the socket takes now, without waiting. */
void cfl_connection_flush_locked(struct cfl_connection *connection);
/* Sends batches that are held back, if it is time. Returns when it will be; CFL_TIME_NEVER: none
 * are. */
int64_t cfl_connection_flush_held_back_locked(struct cfl_connection *connection, int64_t now_ns);
/* After a change made outside of a wait (a cancel, a finish): flushes, wakes whoever waits for it,
 * has the rest watched. Every thread that changes a call and does not wait itself ends with this.
 */
void cfl_connection_kick_locked(struct cfl_connection *connection);
/* The same for a call that an event loop begins: the first since the loop's last step leaves at
 * once, those that follow leave together, with the next. */
void cfl_connection_kick_soon_locked(struct cfl_connection *connection);
/* The owner's step, on an event or a deadline: handshake, read, write, tick; never blocks. */
void cfl_connection_process(struct cfl_connection *connection);
void cfl_connection_process_locked(struct cfl_connection *connection);
/* Server: what this thread posts from now on is held back until it is a lot, or until the hold
 * ends; then it is sent. Ended by the same thread, or by another when it takes too long. */
void cfl_connection_hold_locked(struct cfl_connection *connection);
void cfl_connection_end_hold_locked(struct cfl_connection *connection);
/* Server: closes the descriptor of a connection that is spent: calls whose handlers still run do
 * not keep it. */
void cfl_connection_close_fd_locked(struct cfl_connection *connection);
/* Ends the connection and all its calls. `cause` is borrowed and may be NULL. At a server, what was
 * written before still reaches the peer: the socket closes when that is certain, or the peer took
 * nothing for a second, or too long for all; with a cause, after a second at most. */
void cfl_connection_close_locked(struct cfl_connection *connection, const cflight_error *cause);
/* What is to be watched for the next step (enum cfl_ready), and when one is due at the latest; for
 * event loops. */
unsigned int cfl_connection_wanted_locked(const struct cfl_connection *connection);
/* The descriptor that an event loop polls for reading, armed for what is wanted now; -1 when there
 * is none to be had. */
int cfl_connection_loop_fd_locked(struct cfl_connection *connection);
int64_t cfl_connection_deadline_locked(const struct cfl_connection *connection);
/* True when nothing is left to do, and the owner can let go of it. */
bool cfl_connection_is_spent_locked(const struct cfl_connection *connection);
/* True when it can carry a new call. */
bool cfl_connection_is_usable_locked(struct cfl_connection *connection);

#endif /* CFL_FLIGHT_CALL_CONNECTION_H */
