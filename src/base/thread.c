/* SPDX-License-Identifier: Apache-2.0 */
/* Starting threads. The new one inherits its signals, so that there is no moment with others.
 * Thread class: free. */
#include "base/thread.h"

#include <stddef.h>

static const int FAULTS[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};

int cfl_thread_start(pthread_t *ret_thread, const pthread_attr_t *attributes,
                     const sigset_t *blocked, void *(*main)(void *user_data), void *user_data)
{
    sigset_t signals;
    sigset_t before;
    if (blocked != NULL) {
        signals = *blocked;
    } else {
        (void)sigfillset(&signals);
    }
    for (size_t i = 0; i < sizeof FAULTS / sizeof FAULTS[0]; i++) {
        (void)sigdelset(&signals, FAULTS[i]);
    }
    (void)pthread_sigmask(SIG_SETMASK, &signals, &before);
    int code = pthread_create(ret_thread, attributes, main, user_data);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}
