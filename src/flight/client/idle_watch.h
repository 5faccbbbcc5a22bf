/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CLIENT_IDLE_WATCH_H
#define CFL_FLIGHT_CLIENT_IDLE_WATCH_H

#include "flight/call/connection.h"

/* The one thread of the process that listens on connections of clients while nobody drives them:
 * it answers pings, hears a GOAWAY and the end, and sends keepalive. It starts when a connection is
 * first left alone and ends with the last client that is counted. Thread class: free. */

/* Counts a client in. Not under a lock: may wait for a thread that is just ending. */
void cfl_idle_watch_join(void);
/* Counts it out; returns when no thread is left, if it was the last. Its connections are closed. */
void cfl_idle_watch_leave(void);
/* What a client's connection is to be made with. It is taken by the connection; otherwise
 * cfl_idle_watch_discard() frees it. */
cflight_status cfl_idle_watch_owner(struct cfl_connection_owner *ret_owner, cflight_error **reterr);
void cfl_idle_watch_discard(struct cfl_connection_owner *owner);

#endif /* CFL_FLIGHT_CLIENT_IDLE_WATCH_H */
