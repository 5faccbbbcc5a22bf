/* SPDX-License-Identifier: Apache-2.0 */
/* Context variables of a server's call. A Context can be entered once at a time; the library runs
 * one function of a call after another, or one inside the other: headers that middleware adds when
 * a method writes first, on the thread of the method, or on one that the method has started, which
 * has variables of its own. Thread class: with the GIL. */
#include "base/variables.h"

#include "base/exceptions.h"

PyObject *cfp_variables_enter(PyObject *variables)
{
    if (variables == NULL) {
        return NULL;
    }
    if (PyContext_Enter(variables) < 0) {
        PyErr_Clear();
        return NULL;
    }
    return Py_NewRef(variables);
}

void cfp_variables_leave(PyObject *variables)
{
    if (variables == NULL) {
        return;
    }
    PyObject *exception = cfp_exception_take();
    if (PyContext_Exit(variables) < 0) {
        cfp_warn_unraisable("the variables of a call");
    }
    Py_DECREF(variables);
    cfp_exception_restore(exception);
}
