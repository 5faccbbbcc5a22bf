/* SPDX-License-Identifier: Apache-2.0 */
/* Buffer: bytes that belong to the library or to another Python object, without a copy.
 *
 * With pyarrow present users see a pyarrow.Buffer over it, which keeps it alive through the buffer
 * protocol; without pyarrow they see it itself. Exactly one of `buffer` and `view` is in use.
 * Thread class: with the GIL. */
#include "base/convert.h"

#include "base/exceptions.h"

struct buffer {
    CFP_HEAD
    cflight_buffer *buffer;
    Py_buffer view;
};

static struct buffer *buffer_alloc(struct cfp_state *state)
{
    return (struct buffer *)state->buffer_type->tp_alloc(state->buffer_type, 0);
}

static struct cflight_bytes bytes_of(PyObject *self)
{
    struct buffer *buffer = (struct buffer *)self;
    if (buffer->buffer != NULL) {
        return cflight_buffer_bytes(buffer->buffer);
    }
    return cflight_bytes_make(buffer->view.buf, (size_t)buffer->view.len);
}

/* Gives users the object they expect, and drops ours. */
static PyObject *dress(struct cfp_state *state, PyObject *own)
{
    if (own == NULL || state->pa == NULL) {
        return own;
    }
    PyObject *result = PyObject_CallOneArg(state->pa_py_buffer, own);
    Py_DECREF(own);
    return result;
}

PyObject *cfp_buffer_from_object(struct cfp_state *state, PyObject *value)
{
    if (state->pa != NULL) {
        int is_buffer = PyObject_IsInstance(value, state->pa_buffer_class);
        if (is_buffer != 0) {
            return is_buffer < 0 ? NULL : Py_NewRef(value);
        }
        return PyObject_CallOneArg(state->pa_py_buffer, value);
    }
    if (PyObject_TypeCheck(value, state->buffer_type)) {
        return Py_NewRef(value);
    }
    struct buffer *self = buffer_alloc(state);
    if (self != NULL && PyObject_GetBuffer(value, &self->view, PyBUF_SIMPLE) < 0) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

PyObject *cfp_own_buffer_take(struct cfp_state *state, cflight_buffer *buffer)
{
    if (buffer == NULL) {
        Py_RETURN_NONE;
    }
    struct buffer *self = buffer_alloc(state);
    if (self == NULL) {
        cflight_buffer_unref(buffer);
        return NULL;
    }
    self->buffer = buffer;
    return (PyObject *)self;
}

PyObject *cfp_buffer_take(struct cfp_state *state, cflight_buffer *buffer)
{
    PyObject *own = cfp_own_buffer_take(state, buffer);
    return own == Py_None ? own : dress(state, own);
}

PyObject *cfp_buffer_copy(struct cfp_state *state, struct cflight_bytes view)
{
    cflight_buffer *buffer = NULL;
    cflight_error *error = NULL;
    cflight_status status = cflight_buffer_new_copy(view, &buffer, &error);
    return status == CFLIGHT_OK ? cfp_buffer_take(state, buffer) : cfp_raise(state, status, error);
}

static void buffer_dealloc(PyObject *self)
{
    struct buffer *buffer = (struct buffer *)self;
    cfp_object_begin_dealloc(self);
    cflight_buffer_unref(buffer->buffer);
    if (buffer->view.obj != NULL) {
        PyBuffer_Release(&buffer->view);
    }
    cfp_object_end_dealloc(self);
}

static PyObject *buffer_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"data", NULL};
    PyObject *data = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O", names, &data)) {
        return NULL;
    }
    struct buffer *self = (struct buffer *)type->tp_alloc(type, 0);
    if (self != NULL && PyObject_GetBuffer(data, &self->view, PyBUF_SIMPLE) < 0) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static int buffer_get(PyObject *self, Py_buffer *ret_view, int flags)
{
    struct cflight_bytes bytes = bytes_of(self);
    void *data = bytes.data == NULL ? (void *)"" : (void *)(uintptr_t)bytes.data;
    return PyBuffer_FillInfo(ret_view, self, data, (Py_ssize_t)bytes.len_bytes, 1, flags);
}

static PyObject *buffer_to_pybytes(PyObject *self, PyObject *unused)
{
    (void)unused;
    return cfp_bytes_new(bytes_of(self));
}

static PyObject *buffer_size(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromSize_t(bytes_of(self).len_bytes);
}

static Py_ssize_t buffer_length(PyObject *self)
{
    return (Py_ssize_t)bytes_of(self).len_bytes;
}

static PyObject *buffer_richcompare(PyObject *self, PyObject *other, int op)
{
    Py_buffer view;
    if ((op != Py_EQ && op != Py_NE) || !PyObject_CheckBuffer(other)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    if (PyObject_GetBuffer(other, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    bool is_equal =
        cflight_bytes_equal(bytes_of(self), cflight_bytes_make(view.buf, (size_t)view.len));
    PyBuffer_Release(&view);
    return PyBool_FromLong(is_equal == (op == Py_EQ));
}

static PyObject *buffer_repr(PyObject *self)
{
    return PyUnicode_FromFormat("<cflight.Buffer size=%zu>", bytes_of(self).len_bytes);
}

static PyMethodDef buffer_methods[] = {
    {"to_pybytes", buffer_to_pybytes, METH_NOARGS,
     PyDoc_STR("to_pybytes($self)\n--\n\nReturn a copy as bytes.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef buffer_getset[] = {
    {"size", buffer_size, NULL, PyDoc_STR("The number of bytes."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(buffer_doc,
             "Buffer(data)\n--\n\n"
             "Bytes that are shared, not copied; used where pyarrow cannot be imported.\n\n"
             "It has the buffer protocol and equals any bytes-like object of the same "
             "content.\n\n"
             "Parameters\n----------\ndata : bytes-like\n    Kept alive.\n\n"
             "Raises\n------\nTypeError\n    `data` is not bytes-like.\n\n"
             "Examples\n--------\n>>> bytes(result.body)\n");

static PyType_Slot buffer_slots[] = {
    {Py_tp_doc, (void *)buffer_doc},
    {Py_tp_new, (void *)buffer_new},
    {Py_tp_dealloc, (void *)buffer_dealloc},
    {Py_tp_repr, (void *)buffer_repr},
    {Py_tp_richcompare, (void *)buffer_richcompare},
    {Py_bf_getbuffer, (void *)buffer_get},
    {Py_sq_length, (void *)buffer_length},
    {Py_tp_methods, buffer_methods},
    {Py_tp_getset, buffer_getset},
    {Py_tp_members, cfp_members},
    {0, NULL},
};

PyType_Spec cfp_buffer_spec = {
    .name = "cflight.Buffer",
    .basicsize = sizeof(struct buffer),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = buffer_slots,
};
