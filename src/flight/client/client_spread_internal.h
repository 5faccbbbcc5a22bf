/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CLIENT_CLIENT_SPREAD_INTERNAL_H
#define CFL_FLIGHT_CLIENT_CLIENT_SPREAD_INTERNAL_H

#include "flight/client/client_spread.h"
#include "net/resolve.h"

/* The inside of client_spread.h, shared by the client_spread*.c files. */

enum { CFL_SPREAD_TICKETS = 4096 /* that are remembered; a power of two */ };

/* One address. */
struct cfl_lane {
    uint32_t id; /* never used again; not 0 */
    struct cfl_address address;
    struct cfl_connection *connection; /* NULL when there is none */
    bool is_dialling;
    unsigned int failure_count; /* since it worked last */
    int64_t rests_until_ns;
};

/* A place by the last bits of the number; the newest stays. */
struct cfl_spread_ticket {
    uint64_t id;
    uint32_t lane_id; /* 0 for none */
};

/* All under the client's mutex. */
struct cfl_spread {
    const struct cflight_allocator *alloc;
    int64_t patience_ns; /* for connecting, to all addresses together */
    struct cfl_lane lanes[CFL_ADDRESSES_MAX];
    size_t count;
    size_t next; /* whose turn it is, modulo count */
    uint32_t last_id;
    uint32_t own_id; /* whose connection was the client's own; 0 before there was one */
    bool is_bound;
    bool is_stale; /* a connection ended since the last lookup */
    bool is_looking_up;
    struct cfl_resolve *resolve;       /* a lookup that nobody waits for; NULL while looked at */
    int64_t lookup_ns;                 /* none before */
    struct cfl_spread_ticket *tickets; /* NULL until there is one */
};

struct cfl_lane *cfl_spread_lane_locked(struct cfl_spread *spread, uint32_t id);
/* Sees to it that there are addresses, which may wait for a lookup; and, without waiting, to newer
 * ones when a connection ended. */
cflight_status cfl_spread_look_up(struct cflight_client *client, int64_t deadline_ns,
                                  cflight_cancel *cancel, cflight_error **reterr);

#endif /* CFL_FLIGHT_CLIENT_CLIENT_SPREAD_INTERNAL_H */
