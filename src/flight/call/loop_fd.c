/* SPDX-License-Identifier: Apache-2.0 */
/* A client's connection under a foreign event loop: the one descriptor that the loop polls.
 *
 * It belongs to a poller that watches the socket and can be woken, since another thread's step may
 * make a watch of the loop due. Thread class: one at a time. */
#include "flight/call/loop_fd.h"

void cfl_loop_fd_done(struct cfl_loop_fd *loop)
{
    cfl_poller_free(loop->poller);
    loop->poller = NULL;
}

bool cfl_loop_fd_is_open(const struct cfl_loop_fd *loop)
{
    return loop->poller != NULL;
}

bool cfl_loop_fd_is_asleep(const struct cfl_loop_fd *loop)
{
    return cfl_loop_fd_is_open(loop) && !loop->is_woken;
}

void cfl_loop_fd_wake(struct cfl_loop_fd *loop)
{
    if (cfl_loop_fd_is_asleep(loop)) {
        loop->is_woken = true;
        cfl_poller_wake(loop->poller);
    }
}

int cfl_loop_fd_arm(struct cfl_loop_fd *loop, const struct cflight_allocator *alloc, int fd,
                    unsigned int wanted)
{
    if (!cfl_loop_fd_is_open(loop)) {
        if (cfl_poller_new(alloc, &loop->poller, NULL) != CFLIGHT_OK) {
            return -1;
        }
        if (cfl_poller_add(loop->poller, fd, wanted, loop, NULL) != CFLIGHT_OK) {
            cfl_loop_fd_done(loop);
            return -1;
        }
        loop->armed = wanted;
    }
    if (wanted != loop->armed) {
        cfl_poller_arm(loop->poller, fd, wanted, loop);
        loop->armed = wanted;
    }
    return cfl_poller_fd(loop->poller);
}

void cfl_loop_fd_drain(struct cfl_loop_fd *loop)
{
    void *tag = NULL;
    unsigned int ready = 0;
    if (!cfl_loop_fd_is_open(loop)) {
        return;
    }
    for (int i = 0; i < 2; i++) { /* the socket's, and a wake */
        if (cfl_poller_wait(loop->poller, 0, &tag, &ready)) {
            loop->armed = CFL_READY_NONE;
        }
    }
    loop->is_woken = false;
}
