/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_SERVER_SERVER_H
#define CFL_FLIGHT_SERVER_SERVER_H

#include <signal.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "base/blocking.h"
#include "base/budget.h"
#include "cflight/server.h"
#include "flight/call/call.h"
#include "flight/count/registry.h"
#include "base/timers.h"
#include "net/listen.h"

/* The server's inside, shared by the server_*.c files. The model: docs/internals/threads.md.
 *
 * Lock order: a connection's mutex, then the server's, then the timers'. */

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

/* What kind of user code a ready call has to run: each kind has its own slots, so that streams go
 * on while handlers are as many as may run. */
enum cfl_server_kind {
    CFL_SERVER_ARRIVAL, /* a call whose caller is to be identified, when handlers have no slot left
                         */
    CFL_SERVER_HANDLER, /* a call that starts */
    CFL_SERVER_STREAM,  /* a stream that was handed over, or a call to clean up after */
    CFL_SERVER_KIND_COUNT,
};

struct cfl_server_worker;

/* A method of another service: what calls know of it, and what its user gave. */
struct cfl_server_service {
    struct cfl_method method;           /* the path is a copy */
    struct cfl_counted_method *counted; /* NULL: it is not */
    struct cflight_service_method table;
};

/* A location that the server listens on, with a socket for each of its addresses. */
struct cfl_server_listener {
    struct cfl_listener *sockets;
    char *location;
    int port; /* -1 for Unix sockets */
    bool is_tls;
};

enum { CFL_SERVER_LISTENERS_MAX = 64 };

/* Tags of the poller's events: sockets that listen count down from here, by their listener and
 * their number in it; connections are generation and slot. */
#define CFL_SERVER_LISTENER_TAG UINT64_MAX
#define CFL_SERVER_LISTENER_TAGS ((uint64_t)CFL_SERVER_LISTENERS_MAX * CFL_LISTENER_FDS_MAX)

/* What a server keeps of a connection; the connection's owner. Under the connection's lock but for
 * what says otherwise. */
struct cfl_server_connection {
    struct cflight_server *server;
    struct cfl_connection *connection; /* not counted: this lives as long as it */
    struct cfl_timer timer;     /* locked by the timers; its tag is that of the poller's events */
    struct cfl_list queue_node; /* in the run queue; server's lock, as are the next three */
    struct cfl_list starved_nodes[CFL_SERVER_KIND_COUNT]; /* instead: wait for slots */
    bool is_queued;
    bool is_starved;           /* queued, in the latter sense */
    bool is_due;               /* its time has come; server's lock */
    struct cfl_budget unknown; /* shares for what callers hold before they are known, and after */
    struct cfl_budget known;
    struct cfl_list ready[CFL_SERVER_KIND_COUNT]; /* of struct cfl_server_call */
    struct cfl_list ended;                        /* answered and over: to be dropped */
    struct cfl_list arriving; /* wait for their first message, the one that waits longest first */
    struct cfl_list leaving;  /* wait for the socket to take something, likewise */
    const struct cfl_server_worker *holder; /* whose turn it is; NULL: nobody's */
    uint32_t call_count;
    uint32_t pending_count;  /* calls whose handlers have not begun */
    uint32_t answered_count; /* calls that were answered and whose answers are on their way */
    uint64_t answered_bytes;
    int64_t idle_since_ns; /* without calls; CFL_TIME_NEVER while there are some */
    unsigned int shard;    /* in which its calls are counted */
};

/* A thread of the pool. Locked by the server but for what says otherwise. */
struct cfl_server_worker {
    struct cflight_server *server;
    struct cfl_list node; /* among the workers, or among those that left */
    pthread_t thread;
    struct cfl_blocking blocking;       /* its own */
    struct cfl_connection *turn;        /* of which it runs calls; NULL: of none */
    atomic_uint_least32_t step_number;  /* odd: it is in user code */
    uint32_t seen_number;               /* the clock's */
    bool is_away;                       /* it lost its turn: it will be back some time */
    struct cfl_server_connection *line; /* own: of the call that it runs; NULL: of none */
    enum cfl_server_kind slot_kind;     /* own: of the slot that it has meanwhile */
    atomic_uint_least32_t *slowness;    /* of that call's method; the connection's lock */
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
    struct cfl_server_service *services; /* methods of other services; paths are copies */
    size_t service_count;
    struct cflight_metrics *metrics; /* NULL: nothing is counted, and the next two are empty */
    struct cfl_counts *counts;
    struct cfl_counted_method *counted[CFL_METHODS_END]; /* of Flight's, by number */
    struct cfl_gauge_source gauges;
    struct cflight_ipc_write_options write_options;
    struct cflight_ipc_read_options read_options;
    uint64_t split_batch_bytes;
    struct cfl_limits limits;
    struct cfl_grpc_keepalive keepalive;
    struct cfl_pool *pool;
    struct cfl_budget unread;   /* of what calls received and handlers have not taken */
    struct cfl_budget unknown;  /* the part of it for callers that nobody identified */
    struct cfl_tls_server *tls; /* NULL when no listener needs it */
    struct cfl_server_listener listeners[CFL_SERVER_LISTENERS_MAX];
    const char *locations[CFL_SERVER_LISTENERS_MAX]; /* theirs */
    size_t listener_count;
    struct cfl_poller *poller;
    struct cfl_waker_cache *wakers;
    struct cfl_timers timers;
    uint32_t workers_least; /* threads that are not away */
    void *(*worker_main)(void *user_data);
    sigset_t worker_signals; /* blocked where the server was made, and by whoever runs handlers */
    atomic_uint_least32_t polling_count;
    atomic_uint_least32_t running[CFL_SERVER_KIND_COUNT];
    atomic_uint_least32_t starved_count[CFL_SERVER_KIND_COUNT];
    atomic_uint_least32_t waiting_count; /* handlers that sleep for a peer */
    atomic_uint_least32_t pending_count;
    atomic_uint_least32_t pending_connections; /* that have such calls */
    atomic_uint_least32_t call_count;
    atomic_uint_least32_t slowness[16]; /* of methods, by their number (server_turn.c) */
    atomic_bool has_cancelled;
    atomic_bool is_draining;
    atomic_int_least64_t greet_until_ns; /* while draining: for who is in the middle of it */
    atomic_bool is_ticking;              /* the clock looks at turns */
    atomic_int_least64_t log_due_ns;     /* when the clock tells which lines were left out */
    atomic_uint_least32_t turn_count;
    pthread_mutex_t mutex;
    struct {
        pthread_cond_t changed; /* a thread left, or the state changed */
        pthread_cond_t clock;   /* the clock has something to do */
        enum cfl_server_state state;
        int64_t grace_ns; /* when draining ends, absolute */
        bool grace_is_over;
        bool accept_is_paused; /* out of descriptors: tried again later */
        int64_t accept_ns;
        int64_t complain_ns; /* when the next log line about that may come */
        int64_t relieve_ns;  /* when stalled calls may be looked for again */
        int reserve_fd;      /* for a moment without descriptors; -1 when it is in use */
        struct cfl_server_slot *slots;
        uint32_t slot_count;
        uint32_t first_free;
        uint32_t connection_count;
        struct cfl_server_address *addresses; /* that have connections (server_addresses.c) */
        size_t address_count;
        size_t address_room;
        struct cfl_list queue; /* of struct cfl_server_connection: wait for a thread */
        struct cfl_list starved[CFL_SERVER_KIND_COUNT]; /* likewise: for a slot of a kind */
        struct cfl_list cancelled; /* of struct cfl_cancel_wish: due to be called */
        uint32_t handshake_count;  /* running, with callers whom nobody has identified yet */
        struct cfl_list workers;
        uint32_t thread_count;
        uint32_t away_count;
        struct cfl_list left; /* workers that ended and wait to be joined */
        bool lacks_threads;   /* the system gave none: tried again later */
        bool has_clock;
        bool clock_is_wanted;
        pthread_t clock_thread;
    } locked;
};

static inline struct cfl_server_connection *cfl_server_connection_of(
    const struct cfl_connection *connection)
{
    return connection->owner.user_data;
}

/* Functions by file, from the lowest up: each file uses those above it here. */

/* ---- server_options.c ---- */
/* Fills limits, budgets and tables from the options. */
void cfl_server_load_limits(struct cflight_server *server);
cflight_status cfl_server_load_tables(struct cflight_server *server,
                                      const struct cflight_server_handlers *handlers,
                                      cflight_error **reterr);
cflight_status cfl_server_load_tls(struct cflight_server *server, cflight_error **reterr);

/* ---- server_listen.c ---- */
/* Listens on `location`, which may be NULL, and on all that the options name. */
cflight_status cfl_server_start_listening(struct cflight_server *server, const char *location,
                                          cflight_error **reterr);
/* No new connections. Under the server's lock. */
void cfl_server_stop_listening_locked(struct cflight_server *server);
/* Closes the sockets. */
void cfl_server_free_listeners(struct cflight_server *server);

/* ---- service.c ---- */
cflight_status cfl_server_load_services(struct cflight_server *server, cflight_error **reterr);
void cfl_server_free_services(struct cflight_server *server);
/* NULL when no service has the path. */
const struct cfl_method *cfl_server_find_service(const struct cflight_server *server,
                                                 const char *path);
/* What the user gave for a method that cfl_server_find_service() found. */
const struct cflight_service_method *cfl_server_service_of(const struct cfl_method *method);
/* Tells services that the server begins to shut down. Under no lock. */
void cfl_server_shut_services(struct cflight_server *server);

/* ---- server_counts.c ---- */
/* Begins to count, if the options say so; after services are loaded. */
cflight_status cfl_server_load_counts(struct cflight_server *server, cflight_error **reterr);
/* Has the server asked for what it holds, once it runs; the last thing that may fail is over. */
void cfl_server_attach_gauges(struct cflight_server *server);
/* Lets go of all that; whoever asks is waited for. */
void cfl_server_end_counts(struct cflight_server *server);
/* Where calls of the method are counted; NULL: nowhere. */
struct cfl_method_counts *cfl_server_counts_of(const struct cfl_server_connection *line,
                                               const struct cfl_method *method);
/* A call that was sent away before it was taken on. */
void cfl_server_count_refused(const struct cfl_server_connection *line,
                              const struct cfl_method *method, enum cfl_refusal refusal,
                              cflight_status status);

/* ---- server_wake.c ---- */
/* Has the clock look around; under the server's lock. */
void cfl_server_wake_clock_locked(struct cflight_server *server);
/* Has the clock watch over the turn that begins. */
void cfl_server_start_ticking(struct cflight_server *server);
/* Has the clock tell which lines were left out of the log, in time. */
void cfl_server_watch_log(struct cflight_server *server);
/* One thread that polls looks into the run queue; others will by themselves. */
void cfl_server_wake_worker(struct cflight_server *server);

/* ---- server_addresses.c ---- */
enum cfl_server_room {
    CFL_SERVER_ROOM,
    CFL_SERVER_ROOM_TO_TELL, /* for a connection that is told that it is too many */
    CFL_SERVER_NO_ROOM,
};
/* Whether the address of a new connection may have one more. Under the server's lock, as are the
 * next two. */
enum cfl_server_room cfl_server_address_room_locked(const struct cflight_server *server,
                                                    const struct cfl_server_connection *line);
/* Counts the connection; false when memory ran out. */
bool cfl_server_count_address_locked(struct cflight_server *server,
                                     const struct cfl_server_connection *line);
void cfl_server_forget_address_locked(struct cflight_server *server,
                                      const struct cfl_server_connection *line);
/* When no connection is left. */
void cfl_server_free_addresses(struct cflight_server *server);

/* ---- server_table.c ---- */
/* Puts a connection in a slot; false when memory ran out. Under the server's lock. */
bool cfl_server_add_slot_locked(struct cflight_server *server, struct cfl_server_connection *line);
/* Takes it out; false when it was not there. */
bool cfl_server_free_slot(struct cflight_server *server, struct cfl_server_connection *line);
/* The connection of a tag with a reference of the caller's; NULL when it is gone. */
struct cfl_connection *cfl_server_find_connection(struct cflight_server *server, uint64_t tag);
/* Calls `visit` with each connection, under no lock. */
void cfl_server_for_each_connection(struct cflight_server *server,
                                    void (*visit)(struct cflight_server *server,
                                                  struct cfl_connection *connection));

/* ---- server_threads.c ---- */
/* Starts one more thread; false when the system gives none. */
bool cfl_server_start_thread_locked(struct cflight_server *server);
/* Starts threads when too few are at hand; under the server's lock. */
void cfl_server_ensure_workers_locked(struct cflight_server *server);
/* Waits for the end of a server that is stopping. */
void cfl_server_join_threads(struct cflight_server *server);

/* ---- server_queue.c ---- */
bool cfl_server_take_slot(struct cflight_server *server, enum cfl_server_kind kind);
/* Gives a slot back; a connection that was starved of one is queued. */
void cfl_server_give_slot(struct cflight_server *server, enum cfl_server_kind kind);
/* A thread looks after the connection: it waits for no slot meanwhile. Under its lock. */
void cfl_server_stop_starving_locked(struct cfl_server_connection *line);
/* Queues connections that are starved of slots which are free. */
void cfl_server_pass_slots_on(struct cflight_server *server);
/* A peer that does not take its answers gets no more of them made. */
bool cfl_server_is_stuffed(const struct cfl_server_connection *line);
/* The connection has calls that are ready: a thread is to look after it. Under its lock. */
void cfl_server_queue_ready_locked(struct cfl_server_connection *line);
/* Has a thread visit the connection, because its time has come. Under no lock of it. */
void cfl_server_queue_due(struct cflight_server *server, struct cfl_connection *connection);
/* The next connection of the run queue, with the queue's reference, or NULL; under the server's
 * lock. */
struct cfl_server_connection *cfl_server_next_locked(struct cflight_server *server,
                                                     bool *ret_is_due);

/* ---- server_cancel.c ---- */
/* Has the call's wish, if there is one, run by a pool thread. Under the connection's lock. */
void cfl_server_on_cancelled(void *user_data, struct cfl_call *call);
/* Runs the wishes that are due. Under no lock. */
void cfl_server_run_cancelled(struct cflight_server *server);

/* ---- server_intake.c ---- */
/* A connection's session reports a new call. */
extern const struct cfl_grpc_conn_handlers cfl_server_intake;

/* ---- server_turn.c ---- */
/* Takes the connection's turn if it is free: drives the connection first if `is_due`, then runs
 * ready calls. */
void cfl_server_take_turn(struct cfl_server_worker *worker, struct cfl_server_connection *line,
                          bool is_due);
/* Gives the worker's turn away while it is in user code; under the connection's lock. */
void cfl_server_lose_turn_locked(struct cfl_server_worker *worker,
                                 struct cfl_server_connection *line);
/* As above, if it still runs the step that it ran when the clock looked. Under no lock. */
void cfl_server_take_turn_away(struct cfl_server_worker *worker, struct cfl_connection *connection,
                               uint32_t step_number);

/* ---- server_waiting.c ---- */
/* What a worker does around its waits. */
void cfl_server_begin_waiting(void *user_data);
void cfl_server_end_waiting(void *user_data);

/* ---- server_connections.c ---- */
/* Makes a connection of an accepted transport (taken). */
cflight_status cfl_server_adopt(struct cflight_server *server, struct cfl_transport *transport,
                                bool is_tls, cflight_error **reterr);
/* Takes a turn on the connection and lets go of it when it is spent. The caller holds a reference.
 */
void cfl_server_visit(struct cfl_server_worker *worker, struct cfl_connection *connection,
                      bool is_due);

/* ---- server_accept.c ---- */
cflight_status cfl_server_watch_listeners(struct cflight_server *server, cflight_error **reterr);
/* `number` is how far the event's tag is from that of the first socket. */
void cfl_server_on_listener(struct cflight_server *server, size_t number);
/* After a pause; under the server's lock. */
void cfl_server_resume_accepting_locked(struct cflight_server *server);

/* ---- server_drain.c ---- */
/* Begins to drain: GOAWAY to all, idle connections close. */
void cfl_server_drain_connections(struct cflight_server *server);
/* Moves a shutdown along; by the clock. Returns when it wants to be called again. */
int64_t cfl_server_advance_shutdown(struct cflight_server *server, int64_t now_ns);

/* ---- server_clock.c ---- */
void *cfl_server_clock_main(void *user_data);

/* ---- server_pool.c ---- */
cflight_status cfl_server_start_threads(struct cflight_server *server, cflight_error **reterr);

#endif /* CFL_FLIGHT_SERVER_SERVER_H */
