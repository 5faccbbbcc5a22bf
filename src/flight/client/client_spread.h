/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CLIENT_CLIENT_SPREAD_H
#define CFL_FLIGHT_CLIENT_CLIENT_SPREAD_H

#include "flight/client/client.h"

/* A client's connections to all addresses of its name, for CFLIGHT_BALANCE_ROUND_ROBIN: one for
 * each, at most CFL_ADDRESSES_MAX, made when it is its turn. Thread class: free. */
struct cfl_spread;

struct cfl_spread *cfl_spread_new(const struct cflight_allocator *alloc,
                                  int64_t connect_timeout_ms);
/* Its connections were taken before. */
void cfl_spread_free(struct cfl_spread *spread);

/* The route of a call that is about to start, with its request message, if it has one. */
struct cfl_route cfl_spread_route(struct cflight_client *client, enum cflight_method method,
                                  const struct cfl_client_call_options *options,
                                  struct cflight_bytes request);
/* As cfl_client_connection() and cfl_client_connection_at_hand(), but for the client's own
 * connection (CFL_ROUTE_OWN) only the one that is to be it from now on. */
cflight_status cfl_spread_connection(struct cflight_client *client, struct cfl_route route,
                                     int64_t deadline_ns, cflight_cancel *cancel,
                                     struct cfl_connection **ret_connection,
                                     cflight_error **reterr);
bool cfl_spread_at_hand(struct cflight_client *client, struct cfl_route route,
                        struct cfl_connection **ret_connection);
/* Whether there is an address to connect to, or to look up. */
bool cfl_spread_is_due(struct cflight_client *client);
/* Connects to all addresses that are due; failures count at the addresses. */
void cfl_spread_connect_all(struct cflight_client *client, int64_t deadline_ns,
                            cflight_cancel *cancel);

/* Remembers who gave the tickets in an answer, if they are in it. Nothing without round robin, as
 * the next ones. */
void cfl_spread_note(struct cflight_client *client, const struct cfl_call *call,
                     const cflight_buffer *answer);
/* From now on every call goes to the client's own connection: there is a session. NULL: as it is.
 * The first one to say so wins. */
void cfl_spread_bind(struct cflight_client *client, struct cfl_connection *connection);
/* The same when the server has set a cookie. */
void cfl_spread_see_headers(struct cflight_client *client, struct cfl_connection *connection,
                            const struct cfl_metadata *headers);

/* Has an event loop drive them. False without memory. */
bool cfl_spread_join_loop_locked(struct cflight_client *client);
/* Gives one connection after another, with its reference; NULL at the end. */
struct cfl_connection *cfl_spread_take_locked(struct cfl_spread *spread);
/* Any connection, borrowed; NULL when there is none. */
struct cfl_connection *cfl_spread_any_locked(const struct cfl_spread *spread);

#endif /* CFL_FLIGHT_CLIENT_CLIENT_SPREAD_H */
