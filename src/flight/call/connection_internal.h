/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_CONNECTION_INTERNAL_H
#define CFL_FLIGHT_CALL_CONNECTION_INTERNAL_H

#include "flight/call/connection.h"

/* What the connection*.c files share. Functions that end in _locked assume the connection's lock.
 */

/* ---- connection.c ---- */
void cfl_connection_wake(struct cfl_waiter *waiter);
/* Has a driver that sleeps in poll look around. */
void cfl_connection_wake_driver_locked(struct cfl_connection *connection);
/* Wakes those whose wish came true. */
void cfl_connection_wake_done_locked(struct cfl_connection *connection);
/* Closes with an error that is freed here; what the session still has to say (a GOAWAY) was flushed
 * before. */
void cfl_connection_fail_locked(struct cfl_connection *connection, cflight_error *error);
/* Goes on with closing. */
void cfl_connection_linger_locked(struct cfl_connection *connection);

/* ---- connection_io.c ---- */
void cfl_connection_handshake_locked(struct cfl_connection *connection);
/* Reads while there is something, at most until the driver's wish came true. */
bool cfl_connection_read_locked(struct cfl_connection *connection, bool (*is_done)(void *user_data),
                                void *user_data);
void cfl_connection_tick_locked(struct cfl_connection *connection);

#endif /* CFL_FLIGHT_CALL_CONNECTION_INTERNAL_H */
