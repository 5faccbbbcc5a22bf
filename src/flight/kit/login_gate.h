/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_KIT_LOGIN_GATE_H
#define CFL_FLIGHT_KIT_LOGIN_GATE_H

#include <pthread.h>

#include "base/list.h"
#include "cflight/alloc.h"
#include "cflight/error.h"
#include "flight/value/peer_address.h"

/* Who may verify a password now, and who waits for how long. See login_gate.c for the rules. Thread
 * class: free. */

struct cfl_login_address;

struct cfl_login_limits {
    size_t running_max; /* passwords that are verified at once */
    size_t waiting_max; /* calls that wait for that */
};

struct cfl_login_gate {
    const struct cflight_allocator *alloc;
    struct cfl_login_limits limits;
    pthread_mutex_t mutex;
    struct {
        struct cfl_login_address **addresses; /* in the order of their bytes */
        size_t count;
        size_t capacity;
        size_t running_count;
        size_t waiting_count;
        struct cfl_list waiting; /* oldest first */
        uint64_t served_count;
    } locked;
};

enum cfl_login_result {
    CFL_LOGIN_RIGHT = 0,
    CFL_LOGIN_WRONG = 1,
    CFL_LOGIN_UNDECIDED = 2, /* the verifier failed */
};

/* False when there is no mutex. */
bool cfl_login_gate_init(struct cfl_login_gate *gate, const struct cflight_allocator *alloc,
                         const struct cfl_login_limits *limits);
/* Nobody may be inside. */
void cfl_login_gate_done(struct cfl_login_gate *gate);

/* Waits for a turn, five seconds at most. On success the caller has one until
 * cfl_login_gate_leave(). @return CFLIGHT_OK, CFLIGHT_UNAVAILABLE (no place or no turn),
 * CFLIGHT_RESOURCE_EXHAUSTED (no memory) */
cflight_status cfl_login_gate_enter(struct cfl_login_gate *gate,
                                    const struct cfl_peer_address *address, cflight_error **reterr);
void cfl_login_gate_leave(struct cfl_login_gate *gate, const struct cfl_peer_address *address,
                          enum cfl_login_result result);

#endif /* CFL_FLIGHT_KIT_LOGIN_GATE_H */
