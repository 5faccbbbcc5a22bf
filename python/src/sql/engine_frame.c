/* SPDX-License-Identifier: Apache-2.0 */
/* The frame around each function that the library's Flight SQL kit calls: it takes the GIL, and
 * holds the server for as long as the function runs. Thread class: free. */
#include "sql/engine.h"

#include "base/attach.h"
#include "base/convert.h"
#include "base/exceptions.h"
#include "base/variables.h"

PyObject *cfp_sql_text_or_none(struct cflight_bytes text)
{
    return text.data == NULL ? Py_NewRef(Py_None) : cfp_text_new(text);
}

/* ---- how far a statement is ---- */

/* Lives as long as somebody has set_progress(); the execution until its function returns. */
struct progress {
    cfp_mutex mutex;
    cflight_sql_execution *execution; /* NULL afterwards */
};

static const char PROGRESS[] = "cflight.sql.progress";

static void progress_free(PyObject *capsule)
{
    PyMem_Free(PyCapsule_GetPointer(capsule, PROGRESS));
}

static PyObject *progress_new(cflight_sql_execution *execution)
{
    struct progress *progress = PyMem_Calloc(1, sizeof *progress);
    if (progress == NULL) {
        return PyErr_NoMemory();
    }
    progress->execution = execution;
    PyObject *capsule = PyCapsule_New(progress, PROGRESS, progress_free);
    if (capsule == NULL) {
        PyMem_Free(progress);
    }
    return capsule;
}

static void progress_end(PyObject *capsule)
{
    struct progress *progress = PyCapsule_GetPointer(capsule, PROGRESS);
    cfp_mutex_lock(&progress->mutex);
    progress->execution = NULL;
    cfp_mutex_unlock(&progress->mutex);
}

static PyObject *set_progress(PyObject *capsule, PyObject *argument)
{
    struct progress *progress = PyCapsule_GetPointer(capsule, PROGRESS);
    double value = PyFloat_AsDouble(argument);
    if (value == -1.0 && PyErr_Occurred() != NULL) {
        return NULL;
    }
    if (!(value >= 0 && value <= 1)) {
        return PyErr_Format(PyExc_ValueError, "progress is from 0 to 1, not %R", argument);
    }
    cfp_mutex_lock(&progress->mutex);
    if (progress->execution != NULL) {
        cflight_sql_execution_set_progress(progress->execution, value);
    }
    cfp_mutex_unlock(&progress->mutex);
    Py_RETURN_NONE;
}

static PyMethodDef set_progress_def = {"set_progress", set_progress, METH_O, NULL};

/* ---- the frame ---- */

/* Without an execution set_progress() does nothing. */
static PyObject *call_object(struct cfp_sql_frame *frame, bool wants_rows)
{
    const cflight_sql_call *call = frame->call;
    PyObject *session = cflight_sql_call_session(call);
    PyObject *identity = cfp_bytes_new(cflight_sql_call_identity(call));
    PyObject *setter =
        frame->progress == NULL ? NULL : PyCFunction_New(&set_progress_def, frame->progress);
    if (identity == NULL || frame->context == NULL || PyErr_Occurred() != NULL) {
        Py_XDECREF(identity);
        Py_XDECREF(setter);
        return NULL;
    }
    PyObject *result = PyObject_CallFunction(
        frame->state->sql_call_class, setter == NULL ? "OOOOOO" : "OOOOOOO",
        session == NULL ? Py_None : session, frame->context, identity,
        wants_rows ? Py_True : Py_False, cflight_sql_call_keeps_session(call) ? Py_True : Py_False,
        cflight_sql_call_is_in_transaction(call) ? Py_True : Py_False, setter);
    Py_DECREF(identity);
    Py_XDECREF(setter);
    return result;
}

static cflight_status enter(struct cfp_sql_frame *frame, void *user_data, cflight_sql_call *call,
                            bool wants_rows, cflight_sql_execution *execution,
                            cflight_error **reterr)
{
    struct cfp_server_link *link = user_data;
    *frame = (struct cfp_sql_frame){.state = link->state, .call = call};
    if (!Py_IsInitialized()) {
        return cflight_error_set_message(reterr, CFLIGHT_UNAVAILABLE, "the server has gone");
    }
    frame->gil = cfp_attach();
    frame->server = cfp_server_of(link->server);
    if (frame->server == NULL) {
        cfp_detach(frame->gil);
        return cflight_error_set_message(reterr, CFLIGHT_UNAVAILABLE, "the server has gone");
    }
    cfp_handler_enter();
    if (call != NULL) {
        frame->variables =
            cfp_variables_enter(cfp_server_variables(cflight_sql_call_context(call)));
        frame->context = cfp_context_new(link->state, cflight_sql_call_context(call));
        frame->progress = execution == NULL ? NULL : progress_new(execution);
        frame->about = call_object(frame, wants_rows);
        if (frame->about == NULL) {
            return cfp_sql_leave(frame, reterr);
        }
    }
    return CFLIGHT_OK;
}

cflight_status cfp_sql_enter(struct cfp_sql_frame *frame, void *user_data, cflight_sql_call *call,
                             bool wants_rows, cflight_error **reterr)
{
    return enter(frame, user_data, call, wants_rows, NULL, reterr);
}

cflight_status cfp_sql_enter_execution(struct cfp_sql_frame *frame, void *user_data,
                                       cflight_sql_call *call, cflight_sql_execution *execution,
                                       cflight_error **reterr)
{
    bool wants_rows = cflight_sql_execution_wants_rows(execution);
    return enter(frame, user_data, call, wants_rows, execution, reterr);
}

cflight_status cfp_sql_leave(struct cfp_sql_frame *frame, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    if (PyErr_Occurred() != NULL) {
        status =
            frame->call == NULL
                ? cfp_error_from_python(frame->state, NULL, reterr)
                : cfp_handler_failed(frame->state, cflight_sql_call_context(frame->call), reterr);
    }
    if (frame->context != NULL) {
        cfp_context_detach(frame->context);
    }
    if (frame->progress != NULL) {
        progress_end(frame->progress);
    }
    Py_XDECREF(frame->progress);
    Py_XDECREF(frame->about);
    Py_XDECREF(frame->context);
    Py_DECREF(frame->server);
    cfp_handler_leave();
    cfp_variables_leave(frame->variables);
    cfp_detach(frame->gil);
    return status;
}

PyObject *cfp_sql_ask(struct cfp_sql_frame *frame, const char *method, PyObject *argument)
{
    return cfp_call_method(frame->server, method, &argument, 1);
}
