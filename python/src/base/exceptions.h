/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_EXCEPTIONS_H
#define CFP_EXCEPTIONS_H

#include "base/state.h"

/* The one place where statuses become exceptions and exceptions become statuses. */

/* Raises the exception for a failure and takes the error, which may be NULL. Always returns NULL.
 */
PyObject *cfp_raise(struct cfp_state *state, cflight_status status, cflight_error *error);
/* The same, but for `own`, which is taken, where that is not NULL. */
void cfp_raise_own(struct cfp_state *state, cflight_status status, cflight_error *error,
                   PyObject *own);
/* Makes the exception that cfp_raise would raise; the error is borrowed. */
PyObject *cfp_exception_new(struct cfp_state *state, cflight_status status,
                            const cflight_error *error);
/* The class of the exception behind a text of Arrow C++ ("Key error: ..."), borrowed, with
 * `*ret_text` moved behind its name; NULL when the text is none. Arrow streams know no finer codes
 * than errno's. */
PyObject *cfp_class_of_text(struct cfp_state *state, const char **ret_text);
/* Takes the pending exception and describes it to the library, for a handler's return. The status
 * is never OK. `ret_exception` may be NULL; it receives the exception object (or NULL). */
cflight_status cfp_error_from_python(struct cfp_state *state, PyObject **ret_exception,
                                     cflight_error **reterr);
/* Exceptions of the caller's own code (auth handlers, token providers, middleware) come out of the
 * call as they are. The library runs that code on the thread that makes the call; between
 * cfp_caller_enter and cfp_caller_leave the thread keeps the last of them. The latter gives it, new
 * reference or NULL: the reason, if the call failed. Calls nest. */
void cfp_caller_enter(void);
PyObject *cfp_caller_leave(void);
/* Keeps an exception that is no Exception (Ctrl+C, the program's end), which middleware cannot
 * refuse a call with: raised by the call if that fails, and otherwise when the thread is back in
 * Python. */
void cfp_caller_keep_exit(PyObject *exception);
/* As cfp_error_from_python, and keeps the exception. */
cflight_status cfp_error_from_caller(struct cfp_state *state, cflight_error **reterr);

/* Takes the pending exception, new reference (NULL when there is none), and raises it again, which
 * takes it. */
PyObject *cfp_exception_take(void);
void cfp_exception_restore(PyObject *exception);
/* Reports the pending exception as a warning that names what failed, and clears it. */
void cfp_warn_unraisable(const char *what);

#endif /* CFP_EXCEPTIONS_H */
