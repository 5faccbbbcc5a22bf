/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CLIENT_CLIENT_H
#define CFL_FLIGHT_CLIENT_CLIENT_H

#include <sys/types.h>

#include "cflight/client.h"
#include "cflight/loop.h"
#include "cflight/types.h"
#include "flight/call/call.h"
#include "flight/client/loop_set.h"
#include "flight/count/registry.h"
#include "net/dial.h"

/* The client's inside, shared by the client_*.c files. */

/* The table of a handshake. Counted: a call that uses it may outlast its replacement. */
struct cfl_client_auth {
    struct cfl_refcount refs;
    const struct cflight_allocator *alloc;
    struct cflight_client_auth table;
};

/* Which connection a call goes to. */
struct cfl_route {
    enum {
        CFL_ROUTE_OWN = 0, /* the client's own */
        CFL_ROUTE_TURN,    /* that of the next address */
        CFL_ROUTE_TICKET,  /* that of the server that gave the ticket */
    } kind;
    uint64_t ticket_id;
};

struct cfl_spread;

struct cflight_client {
    struct cfl_refcount refs;
    const struct cflight_allocator *alloc;
    struct cflight_client_options
        options; /* loaded; pointers in it are not used after cflight_client_new */
    struct cfl_limits limits;
    struct cfl_grpc_keepalive keepalive;
    struct cfl_pool *pool;
    struct cflight_location *location;
    int32_t port; /* where the location is a host */
    bool is_tls;
    const char
        *stray_tls; /* an option of TLS that came without it, so that no call is made; NULL */
    char *tls_name; /* NULL: the location's host */
    struct cfl_proxy *proxy;   /* NULL for none */
    struct cfl_spread *spread; /* connections to all addresses; NULL: there is one connection */
    char *authority;
    char *user_agent;
    struct cflight_client_middleware *middleware;
    size_t middleware_count;
    struct cflight_token_provider tokens; /* zero when there is none */
    struct cflight_metrics *metrics;      /* NULL: nothing is counted, and the next two are empty */
    struct cfl_counts *counts;
    struct cfl_method_counts *counted[CFL_METHODS_END]; /* by number */
    /* Abandons a connect that an event loop began, for the last reference; NULL when none ever did.
     */
    void (*end_dial)(struct cflight_client *client);
    pid_t pid;       /* of the process that made it: a child of fork() must not use it */
    bool is_counted; /* by the idle watch; of the thread that dials, and the last reference */
    pthread_mutex_t mutex;
    struct {
        pthread_cond_t dialled; /* a dial ended, or a lookup for several addresses */
        bool is_dialling;
        bool is_closed;
        struct cfl_tls_client *tls;        /* NULL for plain */
        struct cfl_client_dial *dial;      /* NULL, or a connect for an event loop */
        cflight_cancel *dial_stop;         /* what interrupts it */
        struct cfl_loop_set *loop_set;     /* NULL until an event loop asks */
        struct cfl_list starting;          /* calls of an event loop that wait for a connection */
        struct cfl_connection *connection; /* NULL when there is none */
        struct cfl_client_auth *auth;      /* NULL when there is none */
        cflight_buffer *refused_token; /* the next call asks for another; NULL when there is none */
    } locked;
};

/* ---- client_auth_table.c ---- */
/* Takes the table on success. */
cflight_status cfl_client_auth_new(const struct cflight_allocator *alloc,
                                   const struct cflight_client_auth *table,
                                   struct cfl_client_auth **ret_auth, cflight_error **reterr);
/* The client's table with a reference of the caller's, or NULL. */
struct cfl_client_auth *cfl_client_auth_current(struct cflight_client *client);
void cfl_client_auth_unref(struct cfl_client_auth *auth);

/* ---- client_token.c ---- */
/* Adds the provider's token to a request that has no `authorization`. `*ret_token` is what was
 * used, NULL for none; unref it. */
cflight_status cfl_client_add_bearer(struct cflight_client *client, struct cfl_metadata *metadata,
                                     cflight_buffer **ret_token, cflight_error **reterr);
/* A server refused this token: the next call asks for another. */
void cfl_client_refuse_token(struct cflight_client *client, cflight_buffer *token);

/* Until when a connection may be made, and what has set that, for the error. */
struct cfl_client_limit {
    const char *name;
    int64_t deadline_ns;
};

/* ---- client_welcome.c ---- */
/* Waits until the server has said its first words on a new connection. `cancel` may be NULL. */
cflight_status cfl_client_await_welcome(const struct cflight_client *client,
                                        struct cfl_connection *connection,
                                        const struct cfl_client_limit *limit,
                                        cflight_cancel *cancel, cflight_error **reterr);

/* ---- client_reach.c ---- */
/* Connects, within the limit and the client's own. `address` is one of the host's, NULL: any. */
cflight_status cfl_client_dial(struct cflight_client *client, const struct cfl_address *address,
                               const struct cfl_client_limit *limit, cflight_cancel *cancel,
                               struct cfl_connection **ret_connection, cflight_error **reterr);
/* Waits, with the client's mutex, until somebody's dial or lookup has ended, or for a moment; fails
 * when the call is at its end. */
cflight_status cfl_client_wait_dialled_locked(struct cflight_client *client, int64_t deadline_ns,
                                              cflight_cancel *cancel, cflight_error **reterr);
/* Whether it can carry a call. One that idles is looked at first. */
bool cfl_client_is_fit(struct cfl_connection *connection);
cflight_status cfl_client_fail_closed(cflight_error **reterr);

/* Call options, loaded and resolved against the client's. */
struct cfl_client_call_options {
    struct cflight_call_options user;
    struct cfl_call_limits limits;
    bool never_waits;           /* of an event loop: only for a connection that is at hand */
    unsigned int restart_count; /* how often the request was sent again already */
};
cflight_status cfl_client_load_options(struct cflight_client *client,
                                       const struct cflight_call_options *options,
                                       struct cfl_client_call_options *ret_options,
                                       cflight_error **reterr);

/* Gives a connection that can carry a call of that route if there is one at hand;
 * CFLIGHT_UNAVAILABLE otherwise. */
cflight_status cfl_client_connection_at_hand(struct cflight_client *client, struct cfl_route route,
                                             struct cfl_connection **ret_connection,
                                             cflight_error **reterr);
/* Gives a connection that can carry a call, making one if need be. `cancel` may be NULL. The caller
 * owns a reference. */
cflight_status cfl_client_connection(struct cflight_client *client, struct cfl_route route,
                                     int64_t deadline_ns, cflight_cancel *cancel,
                                     struct cfl_connection **ret_connection,
                                     cflight_error **reterr);
/* Starts a call: headers, token, middleware, connection, request. `message` (shared) is NULL for
 * client-streaming methods. `extra` (may be NULL) is one more header. `*ret_has_token` tells
 * whether it went out with a token of the provider. */
cflight_status cfl_client_attempt(struct cflight_client *client, enum cflight_method method,
                                  const struct cfl_client_call_options *options,
                                  cflight_buffer *message, const struct cflight_header *extra,
                                  bool *ret_has_token, struct cfl_call **ret_call,
                                  cflight_error **reterr);
/* As attempt. With a token of the provider, a call of one request message has its first answer when
 * this returns, and was started again if the token was refused. */
cflight_status cfl_client_begin(struct cflight_client *client, enum cflight_method method,
                                const struct cfl_client_call_options *options,
                                cflight_buffer *message, const struct cflight_header *extra,
                                struct cfl_call **ret_call, cflight_error **reterr);
/* As begin, for methods that answer with one message, to the end. `ret_message` is the answer's
 * bytes. */
cflight_status cfl_client_unary(struct cflight_client *client, enum cflight_method method,
                                const struct cfl_client_call_options *options,
                                cflight_buffer *message, cflight_buffer **ret_message,
                                cflight_error **reterr);

/* ---- client_streams.c ---- */
/* The streams of a DoPut or DoExchange that is on its way. Each has a reference of its own on the
 * call. */
cflight_status cfl_client_put_streams(struct cfl_call *call,
                                      const struct cfl_client_call_options *options,
                                      struct cflight_bytes descriptor,
                                      const struct ArrowSchema *schema, cflight_writer **ret_writer,
                                      cflight_metadata_reader **ret_metadata,
                                      cflight_error **reterr);
cflight_status cfl_client_exchange_streams(struct cfl_call *call,
                                           const struct cfl_client_call_options *options,
                                           struct cflight_bytes descriptor,
                                           cflight_writer **ret_writer, cflight_reader **ret_reader,
                                           cflight_error **reterr);

#endif /* CFL_FLIGHT_CLIENT_CLIENT_H */
