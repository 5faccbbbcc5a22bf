/* SPDX-License-Identifier: Apache-2.0 */
/* Thread states of the library's threads. One that is kept is counted once more than it is used, so
 * that no PyGILState_Release takes it apart; the thread's end does, unless the interpreter has
 * ended before, with all states. Thread class: free. */
#include "base/attach.h"

/* From 3.13 on what threading.local holds cannot be told from outside, so nothing is kept. */
#define KEEPS_THREAD_STATES (PY_VERSION_HEX < 0x030d0000)

#if KEEPS_THREAD_STATES

#include <pthread.h>
#include <stdatomic.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;
static bool is_ready;              /* with the GIL */
static atomic_uint interpreter_no; /* grows when an interpreter ends, with all thread states */
static _Thread_local PyThreadState *kept;
static _Thread_local unsigned int kept_of; /* which interpreter's */
static _Thread_local int depth;

static bool is_kept(void)
{
    return kept != NULL && kept_of == atomic_load(&interpreter_no);
}

/* By now what PyGILState_Ensure finds a thread's state by may be gone. Nothing is in the state that
 * could run code when it goes. */
static void end_thread(void *unused)
{
    (void)unused;
    if (Py_IsInitialized() && !_Py_IsFinalizing() && is_kept()) {
        PyEval_RestoreThread(kept);
        PyThreadState_Clear(kept);
        PyThreadState_DeleteCurrent();
    }
}

static void make_key(void)
{
    has_key = pthread_key_create(&key, end_thread) == 0;
}

static void end_interpreter(void)
{
    is_ready = false;
    atomic_fetch_add(&interpreter_no, 1);
}

void cfp_attach_prepare(void)
{
    (void)pthread_once(&once, make_key);
    if (!is_ready && has_key) {
        is_ready = Py_AtExit(end_interpreter) == 0;
    }
}

/* A thread that has a state is another library's, or Python's, and left alone. */
static PyGILState_STATE attach_first(void)
{
    bool is_new = PyGILState_GetThisThreadState() == NULL;
    PyGILState_STATE gil = PyGILState_Ensure();
    if (is_new && is_ready && pthread_setspecific(key, &key) == 0) {
        (void)PyGILState_Ensure();
        kept = PyThreadState_Get();
        kept_of = atomic_load(&interpreter_no);
    }
    return gil;
}

static bool has_things(const PyThreadState *thread)
{
    return thread->dict != NULL || thread->context != NULL || thread->c_tracefunc != NULL ||
           thread->c_profilefunc != NULL;
}

/* As PyThreadState_Clear does it. What goes may run code, which finds a thread without the thing.
 */
static void forget(PyThreadState *thread)
{
    if (thread->c_tracefunc != NULL) {
        PyEval_SetTrace(NULL, NULL);
    }
    if (thread->c_profilefunc != NULL) {
        PyEval_SetProfile(NULL, NULL);
    }
    Py_CLEAR(thread->dict);
    Py_CLEAR(thread->context);
    thread->context_ver++;
}

PyGILState_STATE cfp_attach(void)
{
    PyGILState_STATE gil = is_kept() ? PyGILState_Ensure() : attach_first();
    depth++;
    return gil;
}

void cfp_detach(PyGILState_STATE gil)
{
    depth--;
    if (depth == 0 && is_kept() && has_things(kept)) {
        forget(kept);
    }
    PyGILState_Release(gil);
}

void cfp_attach_tidy(void)
{
    if (depth == 0 && is_kept() && has_things(kept)) {
        cfp_detach(cfp_attach());
    }
}

#else

void cfp_attach_prepare(void)
{
}

PyGILState_STATE cfp_attach(void)
{
    return PyGILState_Ensure();
}

void cfp_detach(PyGILState_STATE gil)
{
    PyGILState_Release(gil);
}

void cfp_attach_tidy(void)
{
}

#endif
