/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_WAIT_H
#define CFP_WAIT_H

#include "base/state.h"

/* The frame around every blocking call: releases the GIL, and on the main thread sees to it that
 * Ctrl+C (SIGINT, and SIGTERM where Python has a handler) interrupts the call.
 *
 *     struct cfp_wait wait;
 *     if (cfp_wait_begin(&wait, state, cfp_interrupt_cancel, cancel) < 0) {
 *         return NULL;
 *     }
 *     status = cflight_something(..., &error);           // without the GIL
 *     if (cfp_wait_end(&wait, status, error) < 0) {      // takes the GIL, the error, and raises
 *         return NULL;
 *     }
 */
typedef void (*cfp_interrupt_fn)(void *object);

struct cfp_interrupt {
    cfp_interrupt_fn function; /* NULL: signals wait until the call is over */
    void *object;
};

struct cfp_wait {
    struct cfp_state *state;
    PyThreadState *thread;
    bool is_watched;
    int former_fd;
    struct cfp_interrupt former;
    PyObject *raised; /* what a signal handler raised in cfp_wait_watch */
};

/* Whether the calling thread is the one that runs signal handlers. */
bool cfp_is_main_thread(const struct cfp_state *state);
/* `interrupt` is called with `object` on another thread, while the call runs; either may be NULL.
 * On 0 the GIL is released; -1 when a signal handler raised. */
int cfp_wait_begin(struct cfp_wait *wait, struct cfp_state *state, cfp_interrupt_fn interrupt,
                   void *object);
int cfp_wait_end(struct cfp_wait *wait, cflight_status status, cflight_error *error);

/* The same for a call that seldom waits, as watching costs system calls. Begun like this, Ctrl+C is
 * seen when the call is over; before the call really waits, cfp_wait_watch makes it interrupt. That
 * is called without the GIL, and runs signal handlers: -1 when one raised, which cfp_wait_end
 * raises instead of the call's error. */
void cfp_wait_begin_unwatched(struct cfp_wait *wait, struct cfp_state *state);
int cfp_wait_watch(struct cfp_wait *wait, cfp_interrupt_fn interrupt, void *object);

/* The same for a callback that must not raise: signal handlers run later, when the thread is back
 * in Python, and the status is the caller's business. The GIL is held before and after. */
void cfp_wait_begin_deferred(struct cfp_wait *wait, struct cfp_state *state,
                             cfp_interrupt_fn interrupt, void *object);
void cfp_wait_end_deferred(struct cfp_wait *wait);

/* Triggers a cflight_cancel. */
void cfp_interrupt_cancel(void *cancel);

/* Slices of waits that can be resumed, on the main thread: after each one signal handlers run. */
#define CFP_WAIT_SLICE_MS 50

/* Runs a release function of the library without the GIL, keeping a pending exception. Such
 * functions may call back into Python (middleware). */
void cfp_release(void (*release)(void *), void *handle);

#endif /* CFP_WAIT_H */
