/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_NET_POLLER_H
#define CFL_NET_POLLER_H

#include <stdint.h>

#include "base/clock.h"
#include "cflight/alloc.h"
#include "cflight/error.h"
#include "net/ready.h"

/* Readiness: the one file that knows epoll, and a way to wake a thread that waits. */

/* A set of descriptors that several threads wait on. A descriptor is armed for one event; after it
 * was reported it stays silent until armed again, so exactly one thread works on it. Thread class:
 * free. */
struct cfl_poller;

cflight_status cfl_poller_new(const struct cflight_allocator *alloc, struct cfl_poller **ret_poller,
                              cflight_error **reterr);
void cfl_poller_free(struct cfl_poller *poller);
/* `wanted` is a set of enum cfl_ready; 0 adds it silent. `tag` comes back with the event. */
cflight_status cfl_poller_add(struct cfl_poller *poller, int fd, unsigned int wanted, void *tag,
                              cflight_error **reterr);
void cfl_poller_arm(struct cfl_poller *poller, int fd, unsigned int wanted, void *tag);
void cfl_poller_remove(struct cfl_poller *poller, int fd);
/* Waits for one event. `timeout_ns` negative is for ever. Returns true with `*ret_tag` and
 * `*ret_ready`; false when the deadline passed, or cfl_poller_wake was called (then one waiting
 * thread returns per call; a call that nobody waits for is kept for the next). */
bool cfl_poller_wait(struct cfl_poller *poller, int64_t timeout_ns, void **ret_tag,
                     unsigned int *ret_ready);
void cfl_poller_wake(struct cfl_poller *poller);
/* A descriptor that is readable when cfl_poller_wait would return at once: for a poller inside
 * another event loop. */
int cfl_poller_fd(const struct cfl_poller *poller);

/* A descriptor that any thread can make readable: what interrupts a poll on a socket. */
struct cfl_waker {
    int fd;
};
cflight_status cfl_waker_init(struct cfl_waker *waker, cflight_error **reterr);
void cfl_waker_done(struct cfl_waker *waker);
void cfl_waker_set(struct cfl_waker *waker);
void cfl_waker_clear(struct cfl_waker *waker);

/* Wakers that threads borrow while they poll, so that there are as many as threads that poll at
 * once, and not as many as there are sockets. Thread class: free. */
struct cfl_waker_cache;
struct cfl_waker_cache *cfl_waker_cache_new(const struct cflight_allocator *alloc);
void cfl_waker_cache_free(struct cfl_waker_cache *cache);
/* NULL when descriptors or memory ran out. */
struct cfl_waker *cfl_waker_borrow(struct cfl_waker_cache *cache);
/* Takes it back; NULL is ignored. `was_set`: it may have been since it was borrowed, and has to be
 * cleared, which takes a system call. */
void cfl_waker_give_back(struct cfl_waker_cache *cache, struct cfl_waker *waker, bool was_set);

/* Waits on one descriptor and a waker: poll(2). `timeout_ns` negative is for ever. Returns the set
 * of enum cfl_ready of `fd`; errors and hang-ups count as both. The waker is cleared when it fired.
 */
unsigned int cfl_wait_fd(int fd, unsigned int wanted, struct cfl_waker *waker, int64_t timeout_ns);

#endif /* CFL_NET_POLLER_H */
