/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_KIT_SESSIONS_H
#define CFL_FLIGHT_KIT_SESSIONS_H

#include "base/clock.h"
#include "cflight/sessions.h"

/* Sessions apart from a server. Thread class: free. */

/* As cflight_session_store_new(), with the clock that tests set; NULL is the operating system's. */
cflight_status cfl_session_store_new(const struct cflight_session_store_options *options,
                                     const struct cfl_clock *clock,
                                     cflight_session_store **ret_store, cflight_error **reterr);
/* The first byte of an owner's key. */
enum { CFL_SESSION_OWNER_IDENTITY = 'i', CFL_SESSION_OWNER_ADDRESS = 'a' };
/* Begins a session for an owner. The caller owns a reference. */
cflight_status cfl_session_store_begin(cflight_session_store *store, struct cflight_bytes owner,
                                       cflight_session **ret_session, cflight_error **reterr);
/* The session with this id, if it is the owner's, with a reference for the caller, and marks it
 * used; NULL when there is none. */
cflight_session *cfl_session_store_find(cflight_session_store *store, struct cflight_bytes owner,
                                        struct cflight_bytes id);
const struct cflight_allocator *cfl_session_store_allocator(const cflight_session_store *store);
void cfl_session_unref(cflight_session *session);

#endif /* CFL_FLIGHT_KIT_SESSIONS_H */
