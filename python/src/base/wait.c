/* SPDX-License-Identifier: Apache-2.0 */
/* Blocking calls and signals.
 *
 * Python runs signal handlers on the main thread, between bytecodes: a main thread that is blocked
 * in the library would not see Ctrl+C. While it is blocked, Python's C-level handler is made to
 * write the signal number into our pipe (signal.set_wakeup_fd, whose former value is put back
 * afterwards and gets the byte too). A thread of our own waits on the pipe and interrupts the call,
 * which returns CANCELLED; the main thread runs the handlers, which raise KeyboardInterrupt or
 * whatever they like.
 *
 * The pipe is read only under the lock, by the watcher or by the main thread when its call ends: a
 * signal never cancels a call later than the one it came in. The watcher never touches Python. It
 * starts with the first blocking call of the main thread; after fork() a new one is made. Calls on
 * other threads pay nothing, nor do those that turn out not to wait (cfp_wait_begin_unwatched).
 * Thread class: with the GIL; the watcher's thread: its own functions only. */
#include "base/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/exceptions.h"

#define WATCHER_STACK_BYTES (256 * 1024)

static struct {
    pthread_mutex_t lock;
    pid_t pid; /* of the process whose watcher runs; 0 is none */
    int read_fd;
    int write_fd;
    int forward_fd; /* what the application had set, or -1 */
    struct cfp_interrupt target;
    bool was_interrupted;
} watcher = {.lock = PTHREAD_MUTEX_INITIALIZER, .read_fd = -1, .write_fd = -1, .forward_fd = -1};

/* Reads what signals wrote, passes it on, and interrupts the call in hand. */
static void consume_locked(void)
{
    unsigned char signals[64];
    ssize_t count = read(watcher.read_fd, signals, sizeof(signals));
    if (count <= 0) {
        return;
    }
    if (watcher.forward_fd >= 0) {
        ssize_t ignored = write(watcher.forward_fd, signals, (size_t)count);
        (void)ignored;
    }
    for (ssize_t i = 0; i < count; i++) {
        bool is_for_us = signals[i] == SIGINT || signals[i] == SIGTERM;
        if (is_for_us && !watcher.was_interrupted && watcher.target.function != NULL) {
            watcher.was_interrupted = true;
            watcher.target.function(watcher.target.object);
        }
    }
}

static void *watch(void *unused)
{
    (void)unused;
    for (;;) {
        struct pollfd interest = {.fd = watcher.read_fd, .events = POLLIN};
        if (poll(&interest, 1, -1) < 0 && errno != EINTR) {
            return NULL;
        }
        pthread_mutex_lock(&watcher.lock);
        consume_locked();
        pthread_mutex_unlock(&watcher.lock);
    }
}

static int open_pipe(int fds[2])
{
    if (pipe(fds) < 0) {
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        (void)fcntl(fds[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(fds[i], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

/* Blocks all signals, which are for the main thread, but those of faults: a blocked one ends the
 * process before faulthandler can tell where. */
static int start_thread(void)
{
    static const int FAULTS[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t blocked;
    sigset_t former;
    if (pthread_attr_init(&attributes) != 0) {
        return -1;
    }
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)pthread_attr_setstacksize(&attributes, WATCHER_STACK_BYTES);
    (void)sigfillset(&blocked);
    for (size_t i = 0; i < sizeof FAULTS / sizeof FAULTS[0]; i++) {
        (void)sigdelset(&blocked, FAULTS[i]);
    }
    (void)pthread_sigmask(SIG_SETMASK, &blocked, &former);
    int code = pthread_create(&thread, &attributes, watch, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &former, NULL);
    (void)pthread_attr_destroy(&attributes);
    return code == 0 ? 0 : -1;
}

/* With the GIL, which makes it happen once. A forked child has the descriptors but not the thread.
 */
static bool is_watching(void)
{
    int fds[2];
    pid_t pid = getpid();
    if (watcher.pid == pid) {
        return true;
    }
    if (watcher.pid != 0) {
        (void)close(watcher.read_fd);
        (void)close(watcher.write_fd);
        (void)pthread_mutex_init(&watcher.lock, NULL);
        watcher.pid = 0;
        watcher.target = (struct cfp_interrupt){0};
    }
    if (open_pipe(fds) < 0) {
        return false;
    }
    watcher.read_fd = fds[0];
    watcher.write_fd = fds[1];
    if (start_thread() < 0) {
        (void)close(fds[0]);
        (void)close(fds[1]);
        return false;
    }
    watcher.pid = pid;
    return true;
}

bool cfp_is_main_thread(const struct cfp_state *state)
{
    return PyThread_get_thread_ident() == state->main_thread_id;
}

/* Sets the descriptor and returns the former one. Python before 3.13 does not export the function
 * that its documentation names. */
static int set_wakeup_fd(struct cfp_state *state, int fd)
{
#if PY_VERSION_HEX >= 0x030d0000
    (void)state;
    return PySignal_SetWakeupFd(fd);
#else
    PyObject *former = PyObject_CallFunction(state->set_wakeup_fd, "i", fd);
    long result = former == NULL ? -1 : PyLong_AsLong(former);
    Py_XDECREF(former);
    PyErr_Clear(); /* the descriptor to put back was closed meanwhile */
    return (int)result;
#endif
}

static void watch_begin(struct cfp_wait *wait, struct cfp_interrupt target)
{
    pthread_mutex_lock(&watcher.lock);
    wait->former = watcher.target;
    watcher.target = target;
    watcher.was_interrupted = false;
    pthread_mutex_unlock(&watcher.lock);
    wait->former_fd = set_wakeup_fd(wait->state, watcher.write_fd);
    if (wait->former_fd != watcher.write_fd) {
        pthread_mutex_lock(&watcher.lock);
        watcher.forward_fd = wait->former_fd;
        pthread_mutex_unlock(&watcher.lock);
    }
}

/* Tells whether a signal cancelled the call. */
static bool watch_end(struct cfp_wait *wait)
{
    (void)set_wakeup_fd(wait->state, wait->former_fd);
    pthread_mutex_lock(&watcher.lock);
    consume_locked();
    bool was_interrupted = watcher.was_interrupted;
    watcher.target = wait->former;
    watcher.was_interrupted = false;
    pthread_mutex_unlock(&watcher.lock);
    return was_interrupted;
}

void cfp_interrupt_cancel(void *cancel)
{
    cflight_cancel_trigger(cancel);
}

int cfp_wait_begin(struct cfp_wait *wait, struct cfp_state *state, cfp_interrupt_fn interrupt,
                   void *object)
{
    *wait = (struct cfp_wait){.state = state, .former_fd = -1};
    bool can_interrupt = interrupt != NULL && object != NULL;
    if (can_interrupt && cfp_is_main_thread(state) && is_watching()) {
        wait->is_watched = true;
        watch_begin(wait, (struct cfp_interrupt){interrupt, object});
        /* A signal that came before the pipe was set is found here. */
        if (PyErr_CheckSignals() < 0) {
            (void)watch_end(wait);
            return -1;
        }
    }
    cfp_caller_enter();
    wait->thread = PyEval_SaveThread();
    return 0;
}

void cfp_wait_begin_unwatched(struct cfp_wait *wait, struct cfp_state *state)
{
    cfp_caller_enter();
    *wait = (struct cfp_wait){.state = state, .former_fd = -1, .thread = PyEval_SaveThread()};
}

int cfp_wait_watch(struct cfp_wait *wait, cfp_interrupt_fn interrupt, void *object)
{
    if (!cfp_is_main_thread(wait->state)) {
        return 0;
    }
    PyEval_RestoreThread(wait->thread);
    if (is_watching()) {
        wait->is_watched = true;
        watch_begin(wait, (struct cfp_interrupt){interrupt, object});
    }
    int code = PyErr_CheckSignals();
    if (code < 0) {
        wait->raised = cfp_exception_take();
    }
    wait->thread = PyEval_SaveThread();
    return code;
}

void cfp_wait_begin_deferred(struct cfp_wait *wait, struct cfp_state *state,
                             cfp_interrupt_fn interrupt, void *object)
{
    *wait = (struct cfp_wait){.state = state, .former_fd = -1};
    if (cfp_is_main_thread(state) && is_watching()) {
        wait->is_watched = true;
        watch_begin(wait, (struct cfp_interrupt){interrupt, object});
    }
    wait->thread = PyEval_SaveThread();
}

void cfp_wait_end_deferred(struct cfp_wait *wait)
{
    PyEval_RestoreThread(wait->thread);
    if (wait->is_watched) {
        (void)watch_end(wait);
    }
}

int cfp_wait_end(struct cfp_wait *wait, cflight_status status, cflight_error *error)
{
    PyEval_RestoreThread(wait->thread);
    bool was_interrupted = wait->is_watched && watch_end(wait);
    PyObject *own = cfp_caller_leave();
    if (wait->raised != NULL) {
        cflight_error_free(error);
        Py_XDECREF(own);
        cfp_exception_restore(wait->raised);
        return -1;
    }
    if (status == CFLIGHT_OK) {
        Py_XDECREF(own);
        return 0;
    }
    if (was_interrupted && PyErr_CheckSignals() < 0) {
        cflight_error_free(error);
        Py_XDECREF(own);
        return -1;
    }
    cfp_raise_own(wait->state, status, error, own);
    return -1;
}

void cfp_release(void (*release)(void *), void *handle)
{
    PyObject *exception = cfp_exception_take();
    Py_BEGIN_ALLOW_THREADS
    release(handle);
    Py_END_ALLOW_THREADS
    cfp_exception_restore(exception);
}
