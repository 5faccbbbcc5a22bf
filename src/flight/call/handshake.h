/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_HANDSHAKE_H
#define CFL_FLIGHT_CALL_HANDSHAKE_H

#include "cflight/auth.h"
#include "flight/call/call.h"

/* The two directions of a Handshake call; on the stack of whoever runs it. */
struct cflight_handshake {
    struct cfl_call *call;
};

#endif /* CFL_FLIGHT_CALL_HANDSHAKE_H */
