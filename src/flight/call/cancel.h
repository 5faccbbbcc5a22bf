/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_CANCEL_H
#define CFL_FLIGHT_CALL_CANCEL_H

#include "base/list.h"
#include "cflight/call.h"

/* Who is told when a handle is triggered; part of a larger struct. */
struct cfl_cancel_entry {
    struct cfl_list node;
    /* May come twice, from two threads; with the handle's mutex held, which must not be taken
     * again. */
    void (*on_trigger)(struct cfl_cancel_entry *entry);
};

/* Registers an entry, which is told at once when the handle was triggered already. It stays where
 * it is until it is unregistered. Neither may be called under a connection's lock (lock order:
 * cancel, connection). */
void cfl_cancel_register(cflight_cancel *cancel, struct cfl_cancel_entry *entry);
void cfl_cancel_unregister(cflight_cancel *cancel, struct cfl_cancel_entry *entry);
/* A descriptor that is readable once the handle was triggered; -1 for NULL. */
int cfl_cancel_fd(const cflight_cancel *cancel);

#endif /* CFL_FLIGHT_CALL_CANCEL_H */
