/* SPDX-License-Identifier: Apache-2.0 */
/* Callbacks of an event loop, which the library calls on the loop's thread. Thread class: with the
 * GIL, but for cfp_notifier_ready. */
#include "streams/notifier.h"

#include "base/exceptions.h"

bool cfp_notifier_set(struct cfp_notifier *notifier, PyObject *callback)
{
    Py_XSETREF(notifier->callback, callback == Py_None ? NULL : Py_NewRef(callback));
    return notifier->callback != NULL;
}

void cfp_notifier_ready(void *pointer)
{
    struct cfp_notifier *notifier = pointer;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *callback = notifier->callback;
    notifier->callback = NULL;
    PyObject *result = callback == NULL ? NULL : PyObject_CallNoArgs(callback);
    if (callback != NULL && result == NULL) {
        cfp_warn_unraisable("a callback of the event loop");
    }
    Py_XDECREF(result);
    Py_XDECREF(callback);
    PyGILState_Release(gil);
}
