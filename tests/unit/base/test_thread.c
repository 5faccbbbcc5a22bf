/* SPDX-License-Identifier: Apache-2.0 */
/* Starting threads, and the signals that they block. */
#include "base/thread.h"

#include "cut_file.h"
#include "test.h"

static const int FAULTS[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};

static void *tell_blocked(void *user_data)
{
    (void)pthread_sigmask(SIG_SETMASK, NULL, user_data);
    return NULL;
}

static void *read_first_byte(void *user_data)
{
    struct t_cut_file *file = user_data;
    volatile const char *bytes = file->address;
    return bytes[0] == 0 ? file : NULL;
}

static void *run(const sigset_t *blocked, void *(*main)(void *user_data), void *user_data)
{
    pthread_t thread;
    void *result = NULL;
    assert_int_equal(cfl_thread_start(&thread, NULL, blocked, main, user_data), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    return result;
}

static void expect_no_faults(const sigset_t *signals)
{
    for (size_t i = 0; i < sizeof FAULTS / sizeof FAULTS[0]; i++) {
        assert_int_equal(sigismember(signals, FAULTS[i]), 0);
    }
}

/* Goal: a thread blocks all signals, or those it is told, and never those of faults; the one that
 * starts it keeps its own. Method: both threads say what they block. */
TEST(thread, blocks_what_it_is_told_but_faults)
{
    sigset_t found;
    sigset_t told;
    sigset_t before;
    sigset_t after;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &before);
    (void)run(NULL, tell_blocked, &found);
    assert_int_equal(sigismember(&found, SIGTERM), 1);
    assert_int_equal(sigismember(&found, SIGUSR1), 1);
    expect_no_faults(&found);
    (void)sigemptyset(&told);
    (void)sigaddset(&told, SIGUSR1);
    (void)sigaddset(&told, SIGSEGV);
    (void)run(&told, tell_blocked, &found);
    assert_int_equal(sigismember(&found, SIGTERM), 0);
    assert_int_equal(sigismember(&found, SIGUSR1), 1);
    expect_no_faults(&found);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
    assert_int_equal(sigismember(&after, SIGUSR1), 0);
}

/* Goal: a fault on the thread meets the handler of the application. Method: a byte of a mapped file
 * that was cut; where SIGBUS is blocked, the process ends. */
TEST(thread, a_fault_meets_its_handler)
{
    struct t_cut_file file = t_cut_file_new(4096);
    assert_ptr_equal(run(NULL, read_first_byte, &file), &file);
    t_cut_file_done(&file);
}
