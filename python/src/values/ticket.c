/* SPDX-License-Identifier: Apache-2.0 */
/* Ticket: an opaque token. Immutable. Thread class: with the GIL. */
#include "values/values.h"

#include "base/convert.h"
#include "base/exceptions.h"
#include "values/value_class.h"

static PyObject *ticket_alloc(PyTypeObject *type, PyObject *bytes)
{
    struct cfp_ticket *self = (struct cfp_ticket *)type->tp_alloc(type, 0);
    if (self == NULL) {
        Py_DECREF(bytes);
        return NULL;
    }
    self->ticket = bytes;
    return (PyObject *)self;
}

PyObject *cfp_ticket_new(struct cfp_state *state, struct cflight_bytes ticket)
{
    PyObject *bytes = cfp_bytes_new(ticket);
    return bytes == NULL ? NULL : ticket_alloc(state->ticket_type, bytes);
}

static PyObject *ticket_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, 0);
    return bytes == NULL ? NULL : cfp_value_open(ticket_alloc(type, bytes));
}

static int ticket_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"ticket", NULL};
    PyObject *value = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:Ticket", names, &value)) {
        return -1;
    }
    PyObject *bytes = cfp_to_bytes(value);
    if (bytes == NULL || cfp_value_fill(self) < 0) {
        Py_XDECREF(bytes);
        return -1;
    }
    Py_SETREF(((struct cfp_ticket *)self)->ticket, bytes);
    return 0;
}

static void ticket_dealloc(PyObject *self)
{
    cfp_object_begin_dealloc(self);
    Py_CLEAR(((struct cfp_ticket *)self)->ticket);
    cfp_object_end_dealloc(self);
}

static PyObject *ticket_ticket(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef(((struct cfp_ticket *)self)->ticket);
}

static PyObject *ticket_key(PyObject *self)
{
    return ticket_ticket(self, NULL);
}

DEFINE_COMPARE(ticket, "cflight.Ticket")

static PyObject *ticket_repr(PyObject *self)
{
    return PyUnicode_FromFormat("<pyarrow.flight.Ticket ticket=%R>",
                                ((struct cfp_ticket *)self)->ticket);
}

static PyObject *ticket_serialize(PyObject *self, PyObject *unused)
{
    (void)unused;
    cflight_buffer *buffer = NULL;
    cflight_error *error = NULL;
    cflight_status status =
        cflight_ticket_serialize(cfp_view(((struct cfp_ticket *)self)->ticket), &buffer, &error);
    return cfp_serialized(cfp_state_of(self), status, buffer, error);
}

static PyObject *ticket_deserialize(PyObject *type, PyObject *args, PyObject *kwargs)
{
    struct cfp_state *state = cfp_state_of_type((PyTypeObject *)type);
    Py_buffer view;
    cflight_buffer *ticket = NULL;
    cflight_error *error = NULL;
    if (cfp_serialized_get(args, kwargs, &view) < 0) {
        return NULL;
    }
    cflight_status status =
        cflight_ticket_parse(cflight_bytes_make(view.buf, (size_t)view.len), &ticket, &error);
    PyBuffer_Release(&view);
    if (status != CFLIGHT_OK) {
        return cfp_raise(state, status, error);
    }
    PyObject *bytes = cfp_bytes_take(ticket);
    return bytes == NULL ? NULL : ticket_alloc(state->ticket_type, bytes);
}

static PyMethodDef ticket_methods[] = {
    CFP_SERIALIZED_METHODS(ticket),
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef ticket_getset[] = {
    {"ticket", ticket_ticket, NULL, PyDoc_STR("The token, as bytes."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(ticket_doc, "Ticket(ticket)\n--\n\n"
                         "A token with which the data of one endpoint is fetched.\n\n"
                         "Parameters\n----------\nticket : bytes or str\n    Opaque to the client; "
                         "a str is taken as UTF-8.\n\n"
                         "Raises\n------\nTypeError\n    `ticket` is neither.\n\n"
                         "Examples\n--------\n>>> client.do_get(Ticket(b\"airports\")).read_all()");

DEFINE_VALUE_SPEC(ticket, "cflight.Ticket", cfp_ticket)
