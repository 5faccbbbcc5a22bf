/* SPDX-License-Identifier: Apache-2.0 */
/* Waits for signals, and turns them into cancelled calls.
 *
 * A server waits for them in its main thread. For a client a thread does; SIGUSR2 tells it to end.
 * After the first signal it sends SIGUSR1 to the main thread every KICK_MS: its handler does
 * nothing, but a blocked read() or write() returns EINTR and cli_interrupt_signal() is looked at.
 * Process-wide state, one interrupter at a time. */
#include "cli/system/interrupt.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "cli/system/clock.h"
#include "cli/system/os_error.h"

enum { KICK_MS = 50, SIGNAL_EXIT_BASE = 128 };

static atomic_int interrupt_signal;
static pthread_t main_thread;
static pthread_t waiting_thread;
static pthread_mutex_t cancel_mutex = PTHREAD_MUTEX_INITIALIZER; /* a leaf */
static cflight_cancel *cancel_to_trigger;                        /* under the mutex */
static atomic_bool goes_on;                                      /* after a SIGINT */

static void ignore_kick(int number)
{
    (void)number;
}

static void make_set(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGHUP);
    (void)sigaddset(set, SIGUSR2);
}

void cli_signals_block(void)
{
    sigset_t set;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction kick = {.sa_handler = ignore_kick};
    make_set(&set);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGXFSZ, &ignore, NULL); /* a limit on file sizes shows as EFBIG */
    (void)sigaction(SIGUSR1, &kick, NULL);   /* no SA_RESTART: waits must end */
}

int cli_signal_wait(int64_t timeout_ms)
{
    const struct timespec limit = {.tv_sec = (time_t)(timeout_ms / 1000),
                                   .tv_nsec = (long)(timeout_ms % 1000 * CLI_NS_PER_MS)};
    sigset_t set;
    make_set(&set);
    int number = sigtimedwait(&set, NULL, timeout_ms < 0 ? NULL : &limit);
    return number > 0 ? number : 0;
}

static void take_signal(int number)
{
    int before = cli_interrupt_signal();
    if (before != 0 && (!atomic_load(&goes_on) || before != SIGINT)) {
        _exit(SIGNAL_EXIT_BASE + number);
    }
    atomic_store(&interrupt_signal, number);
    (void)pthread_mutex_lock(&cancel_mutex);
    cflight_cancel *cancel = cflight_cancel_ref(cancel_to_trigger);
    (void)pthread_mutex_unlock(&cancel_mutex);
    cflight_cancel_trigger(cancel);
    cflight_cancel_unref(cancel);
}

static void *wait_for_signals(void *argument)
{
    sigset_t others; /* are the main thread's: the last two are the terminal's */
    (void)argument;
    (void)sigemptyset(&others);
    (void)sigaddset(&others, SIGUSR1);
    (void)sigaddset(&others, SIGWINCH);
    (void)sigaddset(&others, SIGCONT);
    (void)pthread_sigmask(SIG_BLOCK, &others, NULL);
    for (;;) {
        int number = cli_signal_wait(cli_interrupt_signal() != 0 ? KICK_MS : -1);
        if (number == SIGUSR2) {
            return NULL;
        }
        if (number > 0) {
            take_signal(number);
        }
        if (cli_interrupt_signal() != 0) {
            (void)pthread_kill(main_thread, SIGUSR1);
        }
    }
}

cflight_status cli_interrupt_start(cflight_cancel *cancel, cflight_error **reterr)
{
    main_thread = pthread_self();
    cancel_to_trigger = cflight_cancel_ref(cancel);
    int os_code = pthread_create(&waiting_thread, NULL, wait_for_signals, NULL);
    if (os_code != 0) {
        cflight_cancel_unref(cancel_to_trigger);
        cancel_to_trigger = NULL;
        return cli_error_from_errno(reterr, os_code, "start", "the signal thread");
    }
    return CFLIGHT_OK;
}

void cli_interrupt_renew(cflight_cancel *cancel)
{
    int interrupted = SIGINT;
    atomic_store(&goes_on, true);
    (void)pthread_mutex_lock(&cancel_mutex);
    cflight_cancel *before = cancel_to_trigger;
    cancel_to_trigger = cflight_cancel_ref(cancel);
    (void)pthread_mutex_unlock(&cancel_mutex);
    cflight_cancel_unref(before);
    (void)atomic_compare_exchange_strong(&interrupt_signal, &interrupted, 0);
    if (cli_interrupt_signal() != 0) {
        cflight_cancel_trigger(cancel); /* it came before */
    }
}

void cli_interrupt_stop(void)
{
    if (cancel_to_trigger == NULL) {
        return;
    }
    (void)pthread_kill(waiting_thread, SIGUSR2);
    (void)pthread_join(waiting_thread, NULL);
    cflight_cancel_unref(cancel_to_trigger);
    cancel_to_trigger = NULL;
}

int cli_interrupt_signal(void)
{
    return atomic_load(&interrupt_signal);
}
