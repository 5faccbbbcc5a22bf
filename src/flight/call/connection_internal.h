/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_CONNECTION_INTERNAL_H
#define CFL_FLIGHT_CALL_CONNECTION_INTERNAL_H

#include "flight/call/connection.h"

/* What the connection*.c files share. Functions that end in _locked assume the connection's lock.
 */

/* Ends the transport. In a child of fork() the socket is the parent's, too, and stays as it is. */
void cfl_connection_shut_down(struct cfl_connection *connection);

/* ---- connection_linger.c ---- */
/* Begins to close. A connection that ends in good order delivers all of it to a peer that goes on
 * taking; one that failed, or whose server must stop, is not waited for that long. */
void cfl_connection_start_lingering_locked(struct cfl_connection *connection, bool is_orderly);
void cfl_connection_limit_lingering_locked(struct cfl_connection *connection, bool is_orderly);
/* Goes on with closing: once nothing that was written can be lost, or the limit passed, it is over.
 */
void cfl_connection_linger_locked(struct cfl_connection *connection);

/* ---- connection_loop.c ---- */
/* An event loop sleeps in its own poll: it is told when another thread's step made one of its
 * watches due. */
void cfl_connection_wake_loop_locked(struct cfl_connection *connection);
/* Takes the events that made the loop come; the socket's is silent until armed again. */
void cfl_connection_drain_loop_locked(struct cfl_connection *connection);

#endif /* CFL_FLIGHT_CALL_CONNECTION_INTERNAL_H */
