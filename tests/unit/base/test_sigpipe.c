/* SPDX-License-Identifier: Apache-2.0 */
/* SIGPIPE held back. */
#include "base/sigpipe.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "test.h"

static void write_to_nobody(void)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(close(fds[0]), 0);
    errno = 0;
    assert_int_equal(write(fds[1], "x", 1), -1);
    int code = errno;
    assert_int_equal(close(fds[1]), 0);
    errno = code;
}

static bool is_pending(void)
{
    sigset_t pending;
    (void)sigemptyset(&pending);
    (void)sigpending(&pending);
    return sigismember(&pending, SIGPIPE) == 1;
}

/* Goal: a write to nobody does not kill the process, then or later, and what the thread blocks is
 * as before. Method: SIGPIPE has its deadly default, and is not blocked before or after. */
TEST(sigpipe, a_signal_that_came_is_taken_away)
{
    struct cfl_sigpipe sigpipe;
    sigset_t before;
    sigset_t after;
    (void)signal(SIGPIPE, SIG_DFL);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &before);
    cfl_sigpipe_hold(&sigpipe);
    write_to_nobody();
    assert_true(is_pending());
    cfl_sigpipe_release(&sigpipe, true);
    assert_int_equal(errno, EPIPE);
    assert_false(is_pending());
    (void)pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&after, SIGPIPE), sigismember(&before, SIGPIPE));
    cfl_sigpipe_hold(&sigpipe); /* nothing comes: nothing to take, and no wait for it */
    cfl_sigpipe_release(&sigpipe, true);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&after, SIGPIPE), sigismember(&before, SIGPIPE));
}

/* Goal: a signal that waited before is the application's, and stays. Method: block SIGPIPE and
 * raise it; hold it back, raise another by a write, release. */
TEST(sigpipe, a_signal_of_the_application_stays)
{
    struct cfl_sigpipe sigpipe;
    sigset_t signals;
    sigset_t before;
    int number = 0;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &signals, &before);
    assert_int_equal(raise(SIGPIPE), 0);
    cfl_sigpipe_hold(&sigpipe);
    write_to_nobody();
    cfl_sigpipe_release(&sigpipe, true);
    assert_true(is_pending());
    assert_int_equal(sigwait(&signals, &number), 0);
    assert_int_equal(number, SIGPIPE);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}
