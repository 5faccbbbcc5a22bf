/* SPDX-License-Identifier: Apache-2.0 */
/* Action: a named request with an opaque body. Immutable. Thread class: with the GIL. */
#include "values/values.h"

#include "base/convert.h"
#include "base/exceptions.h"
#include "values/value_class.h"

/* Takes both; either may be NULL with an exception set. */
static PyObject *action_alloc(PyTypeObject *class, PyObject *type, PyObject *body)
{
    struct cfp_action *self = NULL;
    if (type != NULL && body != NULL) {
        self = (struct cfp_action *)class->tp_alloc(class, 0);
    }
    if (self == NULL) {
        Py_XDECREF(type);
        Py_XDECREF(body);
        return NULL;
    }
    self->type = type;
    self->body = body;
    return (PyObject *)self;
}

PyObject *cfp_action_new(struct cfp_state *state, const struct cflight_action *action)
{
    PyObject *type = cfp_bytes_new(action->type);
    PyObject *body = type == NULL ? NULL : cfp_buffer_copy(state, action->body);
    return action_alloc(state->action_type, type, body);
}

PyObject *cfp_action_type_new(struct cfp_state *state, const struct cflight_action_type *value)
{
    PyObject *type = cfp_text_new(value->type);
    PyObject *description = type == NULL ? NULL : cfp_text_new(value->description);
    PyObject *result = NULL;
    if (description != NULL) {
        PyObject *arguments[] = {type, description};
        result = PyObject_Vectorcall(state->action_type_class, arguments, 2, NULL);
    }
    Py_XDECREF(type);
    Py_XDECREF(description);
    return result;
}

static PyObject *action_new(PyTypeObject *class, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    PyObject *type = PyBytes_FromStringAndSize(NULL, 0);
    return cfp_value_open(action_alloc(class, type, PyBytes_FromStringAndSize(NULL, 0)));
}

static int action_init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"action_type", "buf", NULL};
    struct cfp_action *self = (struct cfp_action *)object;
    PyObject *type = NULL;
    PyObject *body = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO:Action", names, &type, &body)) {
        return -1;
    }
    type = cfp_to_bytes(type);
    body = type == NULL ? NULL : cfp_buffer_from_object(cfp_state_of(object), body);
    if (body == NULL || cfp_value_fill(object) < 0) {
        Py_XDECREF(type);
        Py_XDECREF(body);
        return -1;
    }
    Py_SETREF(self->type, type);
    Py_SETREF(self->body, body);
    return 0;
}

static void action_dealloc(PyObject *self)
{
    struct cfp_action *action = (struct cfp_action *)self;
    cfp_object_begin_dealloc(self);
    Py_CLEAR(action->type);
    Py_CLEAR(action->body);
    cfp_object_end_dealloc(self);
}

static PyObject *action_type(PyObject *self, void *unused)
{
    (void)unused;
    return cfp_text_new(cfp_view(((struct cfp_action *)self)->type));
}

static PyObject *action_body(PyObject *self, void *unused)
{
    (void)unused;
    return cfp_buffer_from_object(cfp_state_of(self), ((struct cfp_action *)self)->body);
}

static PyObject *action_key(PyObject *self)
{
    struct cfp_action *action = (struct cfp_action *)self;
    return PyTuple_Pack(2, action->type, action->body);
}

DEFINE_COMPARE(action, "cflight.Action")

static PyObject *action_repr(PyObject *self)
{
    struct cfp_action *action = (struct cfp_action *)self;
    PyObject *type = action_type(self, NULL);
    PyObject *text = NULL;
    Py_buffer view;
    if (type != NULL && PyObject_GetBuffer(action->body, &view, PyBUF_SIMPLE) == 0) {
        text = PyUnicode_FromFormat("<pyarrow.flight.Action type=%R body=(%zd bytes)>", type,
                                    view.len);
        PyBuffer_Release(&view);
    }
    Py_XDECREF(type);
    return text;
}

static PyObject *action_serialize(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct cfp_action *action = (struct cfp_action *)self;
    cflight_buffer *buffer = NULL;
    cflight_error *error = NULL;
    Py_buffer view;
    if (PyObject_GetBuffer(action->body, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    struct cflight_action value = {cfp_view(action->type),
                                   cflight_bytes_make(view.buf, (size_t)view.len)};
    cflight_status status = cflight_action_serialize(&value, &buffer, &error);
    PyBuffer_Release(&view);
    return cfp_serialized(cfp_state_of(self), status, buffer, error);
}

DEFINE_DESERIALIZE(action)

/* Parses an ActionType, which has no class of ours; for the package. */
static PyObject *action_parse_type(PyObject *type, PyObject *data)
{
    struct cfp_state *state = cfp_state_of_type((PyTypeObject *)type);
    Py_buffer view;
    struct cflight_action_type *action_type = NULL;
    cflight_error *error = NULL;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    cflight_status status = cflight_action_type_parse(
        cflight_bytes_make(view.buf, (size_t)view.len), &action_type, &error);
    PyBuffer_Release(&view);
    if (status != CFLIGHT_OK) {
        return cfp_raise(state, status, error);
    }
    PyObject *result = cfp_action_type_new(state, action_type);
    cflight_action_type_free(action_type);
    return result;
}

static PyMethodDef action_methods[] = {
    CFP_SERIALIZED_METHODS(action),
    {"_cflight_parse_type", action_parse_type, METH_O | METH_CLASS,
     PyDoc_STR("Parse the message of an ActionType.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef action_getset[] = {
    {"type", action_type, NULL, PyDoc_STR("The name, as str."), NULL},
    {"body", action_body, NULL, PyDoc_STR("The body: a pyarrow.Buffer, or a :class:`Buffer`."),
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(action_doc, "Action(action_type, buf)\n--\n\n"
                         "A named request with an opaque body.\n\n"
                         "Parameters\n----------\naction_type : str or bytes\n    Its name.\n"
                         "buf : bytes-like\n    Its body; kept, not copied.\n\n"
                         "Raises\n------\nTypeError\n    One of them has another type.\n\n"
                         "Examples\n--------\n>>> list(client.do_action(Action(\"ping\", b\"\")))");

DEFINE_VALUE_SPEC(action, "cflight.Action", cfp_action)
