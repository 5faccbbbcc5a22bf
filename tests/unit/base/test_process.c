/* SPDX-License-Identifier: Apache-2.0 */
/* Which process this is. */
#define _GNU_SOURCE /* syscall() */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "test.h"

/* In a child: 0 when it knows who it is. */
static int tell(void)
{
    return cfl_process_id() == getpid() && cfl_process_id() == getpid() ? 0 : 1;
}

static void check_child(pid_t child)
{
    int status = 0;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* Goal: a child is never taken for its parent, however it is made.
 * Method: ask in the parent, then in a child of fork(), in its own child, and in one that the C
 * library does not know of. */
TEST(process, a_child_knows_that_it_is_one)
{
    assert_int_equal(cfl_process_id(), getpid());
    pid_t child = fork();
    if (child == 0) {
        int status = tell();
        pid_t inner = fork();
        if (inner == 0) {
            _exit(tell());
        }
        int inner_status = 1;
        (void)waitpid(inner, &inner_status, 0);
        _exit(status + inner_status);
    }
    check_child(child);
    child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
        _exit(tell());
    }
    check_child(child);
    assert_int_equal(cfl_process_id(), getpid());
}
