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

void cfp_notifier_run(struct cfp_notifier *notifier, PyObject *argument)
{
    PyObject *callback = notifier->callback;
    notifier->callback = NULL;
    if (callback == NULL) {
        return;
    }
    PyObject *result = PyObject_CallFunctionObjArgs(callback, argument, NULL);
    if (result == NULL) {
        cfp_warn_unraisable("a callback of the event loop");
    }
    Py_XDECREF(result);
    Py_DECREF(callback);
}

void cfp_notifier_ready(void *notifier)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    cfp_notifier_run(notifier, NULL);
    PyGILState_Release(gil);
}
