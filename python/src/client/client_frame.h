/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_CLIENT_FRAME_H
#define CFP_CLIENT_FRAME_H

#include "base/wait.h"
#include "client/call.h"

/* The client inside a FlightClient; NULL with an exception set when __init__ was never called. */
cflight_client *cfp_client_handle(PyObject *client);

/* What every call of a client needs: its options, the wait without the GIL, and the error. In this
 * order: begin, views of the arguments, block, the library's function with `client`,
 * `call.options` and `error`, unblock; end in any case. */
struct cfp_frame {
    struct cfp_state *state;
    cflight_client *client;
    struct cfp_call call;
    struct cfp_wait wait;
    cflight_error *error;
};

/* 0, or -1 with an exception set. `self` is a FlightClient, and `options` its CallOptions or NULL.
 */
int cfp_frame_begin(struct cfp_frame *frame, PyObject *self, PyObject *options,
                    enum cfp_call_kind kind);
/* Goes without the GIL; 0 or -1. */
int cfp_frame_block(struct cfp_frame *frame);
/* Takes the GIL back; -1 with an exception set when the call failed. */
int cfp_frame_unblock(struct cfp_frame *frame, cflight_status status);
/* Safe on what cfp_frame_begin left after a failure, and on a zeroed frame. */
void cfp_frame_end(struct cfp_frame *frame);

#endif /* CFP_CLIENT_FRAME_H */
