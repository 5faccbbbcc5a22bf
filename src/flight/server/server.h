/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_SERVER_SERVER_H
#define CFL_FLIGHT_SERVER_SERVER_H

#include <stdatomic.h>
#include <sys/types.h>

#include "base/budget.h"
#include "cflight/server.h"
#include "flight/call/call.h"
#include "net/listen.h"

/* The server's inside, shared by the server_*.c files.
 *
 * Threads of a pool share one poller. A thread that gets an event works on that connection without
 * blocking, takes a call that became ready, if any, and runs its handler itself; before it does, it
 * makes sure that another thread is left to poll. Lock order: a connection's mutex, then the
 * server's. */

enum cfl_server_state {
    CFL_SERVER_RUNNING,
    CFL_SERVER_DRAINING, /* no new calls; running ones go on until the grace ends */
    CFL_SERVER_STOPPED,  /* threads leave */
};

/* A place for a connection; `generation` tells a late event of its former holder apart. */
struct cfl_server_slot {
    struct cfl_connection *connection;
    uint32_t generation;
    uint32_t next_free;
};

struct cflight_server {
    const struct cflight_allocator *alloc;
    pid_t pid; /* of the process that made it: a child of fork() has none of its threads */
    struct cflight_server_options options; /* loaded; pointers in it are not used after start */
    struct cflight_server_handlers handlers;
    struct cflight_server_auth auth; /* zero when there is none */
    bool has_auth;
    struct cflight_server_middleware *middleware; /* keys are copies */
    size_t middleware_count;
    struct cflight_ipc_write_options write_options;
    struct cflight_ipc_read_options read_options;
    uint64_t split_batch_bytes;
    struct cfl_limits limits;
    struct cfl_grpc_keepalive keepalive;
    struct cfl_pool *pool;
    struct cfl_budget unread;   /* of what calls received and handlers have not taken */
    struct cfl_tls_server *tls; /* NULL for plain */
    struct cfl_listener *listener;
    char *location;
    int port;
    struct cfl_poller *poller;
    atomic_int_fast64_t next_deadline_ns; /* no connection needs a thread before */
    pthread_mutex_t mutex;
    struct {
        pthread_cond_t changed; /* a thread left, or the state changed */
        enum cfl_server_state state;
        int64_t grace_ns; /* when draining ends, absolute */
        bool grace_is_over;
        bool accept_is_paused; /* out of descriptors: tried again later */
        struct cfl_server_slot *slots;
        uint32_t slot_count;
        uint32_t first_free;
        uint32_t connection_count;
        struct cfl_list queue; /* of struct cfl_call by fresh_node: wait for a thread */
        uint32_t queue_count;
        struct cfl_list cancelled; /* of struct cfl_cancel_wish: due to be called */
        struct cfl_list calls;     /* of struct cfl_call by server_node: all that were accepted */
        uint32_t call_count;
        uint32_t running_count;   /* threads inside a handler */
        uint32_t handshake_count; /* of those, with callers whom nobody has identified yet */
        uint32_t thread_count;
        pthread_t *left; /* threads that ended and wait to be joined */
        uint32_t left_count;
        uint32_t thread_max;
    } locked;
};

/* ---- server_pool.c ---- */
cflight_status cfl_server_start_threads(struct cflight_server *server, cflight_error **reterr);
void cfl_server_join_left(struct cflight_server *server);

/* ---- server_cancel.c ---- */
/* Has the call's wish, if there is one, run by a pool thread. Under the connection's lock. */
void cfl_server_on_cancelled(void *user_data, struct cfl_call *call);
/* Runs the wishes that are due. Under no lock. */
void cfl_server_run_cancelled(struct cflight_server *server);

/* ---- server_connections.c ---- */
cflight_status cfl_server_watch_listener(struct cflight_server *server, cflight_error **reterr);
/* Handles one event of the poller. */
void cfl_server_on_event(struct cflight_server *server, void *tag);
/* Gives every connection whose time has come a step. */
void cfl_server_on_time(struct cflight_server *server, int64_t now_ns);
/* Begins or continues draining: GOAWAY to all, idle connections close. */
void cfl_server_drain_connections(struct cflight_server *server);
void cfl_server_cancel_calls(struct cflight_server *server);
/* Closes every connection that has sent all it had to. */
void cfl_server_close_connections(struct cflight_server *server);

/* ---- server_dispatch.c ---- */
/* Runs a call from its first message to its trailers, and drops the server's reference. */
void cfl_server_run_call(struct cflight_server *server, struct cfl_call *call);

#endif /* CFL_FLIGHT_SERVER_SERVER_H */
