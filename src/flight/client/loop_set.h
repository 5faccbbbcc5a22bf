/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CLIENT_LOOP_SET_H
#define CFL_FLIGHT_CLIENT_LOOP_SET_H

#include "flight/call/connection.h"

/* The connections that an event loop drives for a client: the current one, and former ones as long
 * as anybody has a call on them; and the one descriptor that stands for all of them.
 *
 * Thread class: loop only, but cfl_loop_set_add is free. */
struct cfl_loop_set;

/* `mutex` (borrowed) guards the list; no other lock is taken under it. NULL when memory or
 * descriptors ran out. */
struct cfl_loop_set *cfl_loop_set_new(const struct cflight_allocator *alloc,
                                      pthread_mutex_t *mutex);
void cfl_loop_set_free(struct cfl_loop_set *set);
/* Takes a connection up, with a reference, unless it is in the set. Under the mutex. False when
 * memory ran out. */
bool cfl_loop_set_add(struct cfl_loop_set *set, struct cfl_connection *connection);
/* Also watches this descriptor, which is readable once; -1 is none. It must be taken out before it
 * is closed. */
void cfl_loop_set_watch(struct cfl_loop_set *set, int fd);
/* Readies everything to be watched, lets go of connections that nobody uses but `current` (which
 * may be NULL), and returns the earliest deadline. */
int64_t cfl_loop_set_prepare(struct cfl_loop_set *set, const struct cfl_connection *current,
                             int64_t now_ns);
/* Takes the events that made the loop come. What happens from here on is an event anew, so whatever
 * is watched is looked at afterwards. */
void cfl_loop_set_drain(struct cfl_loop_set *set);
/* Does the I/O that is possible on each, and runs the callbacks that are due. */
void cfl_loop_set_process(struct cfl_loop_set *set);
/* The descriptor; the same for the set's whole life. */
int cfl_loop_set_fd(const struct cfl_loop_set *set);

#endif /* CFL_FLIGHT_CLIENT_LOOP_SET_H */
