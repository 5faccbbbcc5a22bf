/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_CANCEL_H
#define CFL_FLIGHT_CALL_CANCEL_H

#include "base/list.h"
#include "cflight/call.h"

struct cfl_call;

/* Registers a call, which is cancelled at once when the handle was triggered already. The handle
 * keeps no reference: the call unregisters before it goes. Neither may be called under a
 * connection's lock (lock order: cancel, connection). */
void cfl_cancel_register(cflight_cancel *cancel, struct cfl_call *call);
void cfl_cancel_unregister(cflight_cancel *cancel, struct cfl_call *call);
/* A descriptor that is readable once the handle was triggered; -1 for NULL. */
int cfl_cancel_fd(const cflight_cancel *cancel);

#endif /* CFL_FLIGHT_CALL_CANCEL_H */
