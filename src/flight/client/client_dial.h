/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CLIENT_CLIENT_DIAL_H
#define CFL_FLIGHT_CLIENT_CLIENT_DIAL_H

#include <stdatomic.h>

#include "flight/call/cancel.h"
#include "flight/client/client.h"

/* A connect for an event loop, on a thread of its own. Owned by the client, one at a time. */
struct cfl_client_dial {
    struct cflight_client *client;
    struct cfl_client_call_options options;
    bool is_limited;               /* somebody's options end it, which are not everybody's */
    cflight_cancel *stop;          /* interrupts the thread, */
    struct cfl_cancel_entry entry; /* also when the caller's handle is triggered */
    pthread_t thread;
    struct cfl_waker waker; /* set by the thread when it is done, and by cfl_client_dial_wake */
    atomic_bool is_done;
    cflight_status status;
    cflight_error *error;
    cflight_connected_fn on_connected;
    void *user_data;
};

/* What the client's loop drives, made when it is first needed; NULL without memory or descriptors.
 * Under the client's mutex. */
struct cfl_loop_set *cfl_client_loop_set_locked(struct cflight_client *client);
/* Has the client connect, unless it does already. */
cflight_status cfl_client_dial_join(struct cflight_client *client, cflight_error **reterr);
/* Has the loop look around while a connect is under way. Any thread. */
void cfl_client_dial_wake(struct cflight_client *client);
/* The connect whose thread is done, to be freed; NULL while there is none. */
struct cfl_client_dial *cfl_client_dial_take_done(struct cflight_client *client);
void cfl_client_dial_free(struct cfl_client_dial *dial);

#endif /* CFL_FLIGHT_CLIENT_CLIENT_DIAL_H */
