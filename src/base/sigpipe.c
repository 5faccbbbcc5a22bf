/* SPDX-License-Identifier: Apache-2.0 */
/* SIGPIPE held back from a thread. The signal of a write goes to the thread that wrote, so blocking
 * it there is enough, and no other thread notices. Thread class: free. */
#include "base/sigpipe.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <time.h>

static sigset_t only_sigpipe(void)
{
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGPIPE);
    return signals;
}

void cfl_sigpipe_hold(struct cfl_sigpipe *sigpipe)
{
    const sigset_t signals = only_sigpipe();
    sigset_t pending;
    (void)sigemptyset(&pending);
    (void)sigpending(&pending);
    sigpipe->was_pending = sigismember(&pending, SIGPIPE) == 1;
    (void)pthread_sigmask(SIG_BLOCK, &signals, &sigpipe->before);
}

void cfl_sigpipe_release(const struct cfl_sigpipe *sigpipe, bool may_have_come)
{
    const sigset_t signals = only_sigpipe();
    const struct timespec at_once = {0, 0};
    int saved_errno = errno;
    if (may_have_come && !sigpipe->was_pending) {
        (void)sigtimedwait(&signals, NULL, &at_once);
    }
    (void)pthread_sigmask(SIG_SETMASK, &sigpipe->before, NULL);
    errno = saved_errno;
}
