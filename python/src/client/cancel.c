/* SPDX-License-Identifier: Apache-2.0 */
/* CancelToken: ends calls from any thread. Thread class: free (the library's handle is). */
#include "client/call_options.h"

#include "base/exceptions.h"

struct cancel_token {
    CFP_HEAD
    cflight_cancel *cancel;
};

cflight_cancel *cfp_cancel_token_handle(PyObject *token)
{
    return ((struct cancel_token *)token)->cancel;
}

static PyObject *cancel_token_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {NULL};
    cflight_error *error = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, ":CancelToken", names)) {
        return NULL;
    }
    struct cancel_token *self = (struct cancel_token *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    cflight_status status = cflight_cancel_new(&self->cancel, &error);
    if (status != CFLIGHT_OK) {
        Py_DECREF(self);
        return cfp_raise(cfp_state_of_type(type), status, error);
    }
    return (PyObject *)self;
}

static void cancel_token_dealloc(PyObject *self)
{
    cfp_object_begin_dealloc(self);
    cflight_cancel_unref(((struct cancel_token *)self)->cancel);
    cfp_object_end_dealloc(self);
}

static PyObject *cancel_token_cancel(PyObject *self, PyObject *unused)
{
    (void)unused;
    cflight_cancel *cancel = ((struct cancel_token *)self)->cancel;
    Py_BEGIN_ALLOW_THREADS
    cflight_cancel_trigger(cancel);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyObject *cancel_token_is_cancelled(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(cflight_cancel_is_triggered(((struct cancel_token *)self)->cancel));
}

static PyMethodDef cancel_token_methods[] = {
    {"cancel", cancel_token_cancel, METH_NOARGS,
     PyDoc_STR("cancel($self)\n--\n\n"
               "End every call that has this token, now; a thread blocked in one gets "
               "FlightCancelledError. Any thread may call it; safe to repeat.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef cancel_token_getset[] = {
    {"is_cancelled", cancel_token_is_cancelled, NULL, PyDoc_STR("Whether cancel() was called."),
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(
    cancel_token_doc,
    "CancelToken()\n--\n\n"
    "Ends calls from another thread, at any moment: while connecting, before the first byte, "
    "in the middle.\n\n"
    "One token may be given to several calls; a call that starts with a cancelled token ends "
    "at once.\n\n"
    "Examples\n--------\n>>> token = CancelToken()\n"
    ">>> threading.Timer(2.0, token.cancel).start()\n"
    ">>> client.do_get(ticket, FlightCallOptions(cancel=token)).read_all()");

static PyType_Slot cancel_token_slots[] = {
    {Py_tp_doc, (void *)cancel_token_doc},
    {Py_tp_new, (void *)cancel_token_new},
    {Py_tp_dealloc, (void *)cancel_token_dealloc},
    {Py_tp_methods, cancel_token_methods},
    {Py_tp_getset, cancel_token_getset},
    {Py_tp_members, cfp_members},
    {0, NULL},
};

PyType_Spec cfp_cancel_token_spec = {
    .name = "cflight.CancelToken",
    .basicsize = sizeof(struct cancel_token),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = cancel_token_slots,
};
