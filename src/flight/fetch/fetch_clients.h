/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_FETCH_FETCH_CLIENTS_H
#define CFL_FLIGHT_FETCH_FETCH_CLIENTS_H

#include "cflight/fetch.h"

/* The clients of one fetch: the one that gave the info, and one for each other location, made when
 * first needed. */
struct cfl_fetch_clients {
    const struct cflight_allocator *alloc;
    cflight_client *own;
    struct cflight_client_options options;
    const char *(*rewrite)(void *user_data, const char *location);
    bool (*is_trusted)(void *user_data, const char *location);
    void *user_data;
    struct cfl_fetch_place {
        char *location;
        cflight_client *client;
        bool is_trusted;
    } * places;
    size_t place_count;
    size_t place_capacity;
};

/* A client for a location (an empty one means our own). UNIMPLEMENTED when it is not one that
 * Flight can be read from. The client is borrowed. `*ret_is_trusted` tells whether the location may
 * have credentials; the client has those of its options only then. */
cflight_status cfl_fetch_clients_get(struct cfl_fetch_clients *clients,
                                     struct cflight_bytes location, cflight_client **ret_client,
                                     bool *ret_is_trusted, cflight_error **reterr);
void cfl_fetch_clients_done(struct cfl_fetch_clients *clients);

#endif /* CFL_FLIGHT_FETCH_FETCH_CLIENTS_H */
