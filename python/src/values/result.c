/* SPDX-License-Identifier: Apache-2.0 */
/* Result: one answer of an action. Immutable. Thread class: with the GIL. */
#include "values/values.h"

#include "base/convert.h"
#include "base/exceptions.h"
#include "values/value_class.h"

/* Takes the body, which may be NULL with an exception set. */
static PyObject *result_alloc(PyTypeObject *type, PyObject *body)
{
    struct cfp_result *self = body == NULL ? NULL : (struct cfp_result *)type->tp_alloc(type, 0);
    if (self == NULL) {
        Py_XDECREF(body);
        return NULL;
    }
    self->body = body;
    return (PyObject *)self;
}

PyObject *cfp_result_take(struct cfp_state *state, cflight_buffer *body)
{
    return result_alloc(state->result_type, cfp_buffer_take(state, body));
}

static PyObject *result_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    return cfp_value_open(result_alloc(type, PyBytes_FromStringAndSize(NULL, 0)));
}

static int result_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"buf", NULL};
    PyObject *body = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:Result", names, &body)) {
        return -1;
    }
    body = cfp_buffer_from_object(cfp_state_of(self), body);
    if (body == NULL || cfp_value_fill(self) < 0) {
        Py_XDECREF(body);
        return -1;
    }
    Py_SETREF(((struct cfp_result *)self)->body, body);
    return 0;
}

static void result_dealloc(PyObject *self)
{
    cfp_object_begin_dealloc(self);
    Py_CLEAR(((struct cfp_result *)self)->body);
    cfp_object_end_dealloc(self);
}

static PyObject *result_body(PyObject *self, void *unused)
{
    (void)unused;
    return cfp_buffer_from_object(cfp_state_of(self), ((struct cfp_result *)self)->body);
}

static PyObject *result_key(PyObject *self)
{
    return result_body(self, NULL);
}

DEFINE_COMPARE(result, "cflight.Result")

static PyObject *result_repr(PyObject *self)
{
    Py_buffer view;
    if (PyObject_GetBuffer(((struct cfp_result *)self)->body, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    PyObject *text = PyUnicode_FromFormat("<pyarrow.flight.Result body=(%zd bytes)>", view.len);
    PyBuffer_Release(&view);
    return text;
}

static PyObject *result_serialize(PyObject *self, PyObject *unused)
{
    (void)unused;
    cflight_buffer *buffer = NULL;
    cflight_error *error = NULL;
    Py_buffer view;
    if (PyObject_GetBuffer(((struct cfp_result *)self)->body, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    cflight_status status =
        cflight_result_serialize(cflight_bytes_make(view.buf, (size_t)view.len), &buffer, &error);
    PyBuffer_Release(&view);
    return cfp_serialized(cfp_state_of(self), status, buffer, error);
}

static PyObject *result_deserialize(PyObject *type, PyObject *args, PyObject *kwargs)
{
    struct cfp_state *state = cfp_state_of_type((PyTypeObject *)type);
    Py_buffer view;
    cflight_buffer *body = NULL;
    cflight_error *error = NULL;
    if (cfp_serialized_get(args, kwargs, &view) < 0) {
        return NULL;
    }
    cflight_status status =
        cflight_result_parse(cflight_bytes_make(view.buf, (size_t)view.len), &body, &error);
    PyBuffer_Release(&view);
    return status == CFLIGHT_OK ? cfp_result_take(state, body) : cfp_raise(state, status, error);
}

static PyMethodDef result_methods[] = {
    CFP_SERIALIZED_METHODS(result),
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef result_getset[] = {
    {"body", result_body, NULL, PyDoc_STR("The body: a pyarrow.Buffer, or a :class:`Buffer`."),
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(result_doc, "Result(buf)\n--\n\n"
                         "One answer of an action.\n\n"
                         "Parameters\n----------\nbuf : bytes-like\n    Its body; kept, not "
                         "copied.\n\n"
                         "Raises\n------\nTypeError\n    `buf` is not bytes-like.\n\n"
                         "Examples\n--------\n>>> Result(b\"pong\").body.to_pybytes()\nb'pong'");

DEFINE_VALUE_SPEC(result, "cflight.Result", cfp_result)
