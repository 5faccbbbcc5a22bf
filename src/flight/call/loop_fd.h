/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_LOOP_FD_H
#define CFL_FLIGHT_CALL_LOOP_FD_H

#include "base/alloc.h"
#include "net/poller.h"

/* The one descriptor that a foreign event loop polls for a socket: readable when the socket is
 * ready, or another thread woke it. Embedded in its connection; zeroed, there is none until a loop
 * asks. Thread class: one at a time. */
struct cfl_loop_fd {
    struct cfl_poller *poller;
    unsigned int armed;
    bool is_woken;
};

void cfl_loop_fd_done(struct cfl_loop_fd *loop);
/* The descriptor, armed for `wanted` of the socket `fd`; -1 when there is none to be had. */
int cfl_loop_fd_arm(struct cfl_loop_fd *loop, const struct cflight_allocator *alloc, int fd,
                    unsigned int wanted);
/* Makes it readable; `is_asleep` tells that there is a loop and it was not woken yet. */
void cfl_loop_fd_wake(struct cfl_loop_fd *loop);
bool cfl_loop_fd_is_asleep(const struct cfl_loop_fd *loop);
/* Whether a loop has asked for it. */
bool cfl_loop_fd_is_open(const struct cfl_loop_fd *loop);
/* Takes the events that made the loop come; the socket's is silent until armed again. */
void cfl_loop_fd_drain(struct cfl_loop_fd *loop);

#endif /* CFL_FLIGHT_CALL_LOOP_FD_H */
