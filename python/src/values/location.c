/* SPDX-License-Identifier: Apache-2.0 */
/* Location: a URI, kept as it was given. Immutable. Thread class: with the GIL. */
#include "values/values.h"

#include <string.h>

#include "base/convert.h"
#include "base/exceptions.h"

/* Takes the bytes. */
static PyObject *location_alloc(PyTypeObject *type, PyObject *uri)
{
    struct cfp_location *self = (struct cfp_location *)type->tp_alloc(type, 0);
    if (self == NULL) {
        Py_DECREF(uri);
        return NULL;
    }
    self->uri = uri;
    return (PyObject *)self;
}

PyObject *cfp_location_new(struct cfp_state *state, PyObject *uri)
{
    return location_alloc(state->location_type, Py_NewRef(uri));
}

/* Takes the bytes and gives them back when they are a URI. */
static PyObject *check_uri(struct cfp_state *state, PyObject *uri)
{
    struct cflight_location *location = NULL;
    cflight_error *error = NULL;
    if (uri == NULL) {
        return NULL;
    }
    cflight_status status = cflight_location_parse(cfp_view(uri), &location, &error);
    if (status != CFLIGHT_OK) {
        Py_DECREF(uri);
        return cfp_raise(state, status, error);
    }
    cflight_location_free(location);
    return uri;
}

PyObject *cfp_location_uri(struct cfp_state *state, PyObject *value, const char *message)
{
    if (PyObject_TypeCheck(value, state->location_type)) {
        return Py_NewRef(((struct cfp_location *)value)->uri);
    }
    return check_uri(state, cfp_to_bytes_argument(value, message));
}

static PyObject *location_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    PyObject *uri = PyBytes_FromStringAndSize(NULL, 0);
    return uri == NULL ? NULL : cfp_value_open(location_alloc(type, uri));
}

static int location_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"uri", NULL};
    PyObject *value = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:Location", names, &value)) {
        return -1;
    }
    PyObject *uri = check_uri(cfp_state_of(self), cfp_to_bytes(value));
    if (uri == NULL || cfp_value_fill(self) < 0) {
        Py_XDECREF(uri);
        return -1;
    }
    Py_SETREF(((struct cfp_location *)self)->uri, uri);
    return 0;
}

static void location_dealloc(PyObject *self)
{
    cfp_object_begin_dealloc(self);
    Py_CLEAR(((struct cfp_location *)self)->uri);
    cfp_object_end_dealloc(self);
}

static PyObject *location_uri(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef(((struct cfp_location *)self)->uri);
}

static PyObject *location_richcompare(PyObject *self, PyObject *other, int op)
{
    if ((op != Py_EQ && op != Py_NE) ||
        !PyObject_TypeCheck(other, cfp_state_of(self)->location_type)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    return PyObject_RichCompare(((struct cfp_location *)self)->uri,
                                ((struct cfp_location *)other)->uri, op);
}

static PyObject *location_equals(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"other", NULL};
    PyTypeObject *type = cfp_state_of(self)->location_type;
    PyObject *other = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:equals", names, &other)) {
        return NULL;
    }
    if (other == Py_None) {
        Py_RETURN_FALSE;
    }
    if (cfp_check_type(other, type, "other", "cflight.Location") < 0) {
        return NULL;
    }
    return location_richcompare(self, other, Py_EQ);
}

static PyObject *location_repr(PyObject *self)
{
    return PyUnicode_FromFormat("<pyarrow.flight.Location %R>", ((struct cfp_location *)self)->uri);
}

/* Takes the text and makes bytes of it, or raises. */
static PyObject *bytes_of_text(struct cfp_state *state, cflight_status status, char *text,
                               cflight_error *error)
{
    if (status != CFLIGHT_OK) {
        return cfp_raise(state, status, error);
    }
    PyObject *uri = PyBytes_FromString(text);
    cflight_text_free(text);
    return uri;
}

PyObject *cfp_host_uri(struct cfp_state *state, const char *scheme, PyObject *host, int port)
{
    char *text = NULL;
    cflight_error *error = NULL;
    cflight_status status = cflight_location_of_host(scheme, cfp_view(host), port, &text, &error);
    return bytes_of_text(state, status, text, error);
}

/* Takes the bytes, which may be NULL with an exception set. */
static PyObject *location_of(struct cfp_state *state, PyObject *uri)
{
    return uri == NULL ? NULL : location_alloc(state->location_type, uri);
}

static PyObject *for_host(PyObject *type, PyObject *args, PyObject *kwargs, const char *scheme)
{
    static char *names[] = {"host", "port", NULL};
    struct cfp_state *state = cfp_state_of_type((PyTypeObject *)type);
    PyObject *host = NULL;
    PyObject *port = NULL;
    PyObject *uri = NULL;
    int number = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO", names, &host, &port)) {
        return NULL;
    }
    PyObject *bytes = cfp_to_bytes(host);
    if (bytes != NULL && cfp_int_get(port, &number) == 0) {
        uri = cfp_host_uri(state, scheme, bytes, number);
    }
    Py_XDECREF(bytes);
    return location_of(state, uri);
}

static PyObject *location_for_grpc_tcp(PyObject *type, PyObject *args, PyObject *kwargs)
{
    return for_host(type, args, kwargs, "grpc+tcp");
}

static PyObject *location_for_grpc_tls(PyObject *type, PyObject *args, PyObject *kwargs)
{
    return for_host(type, args, kwargs, "grpc+tls");
}

static PyObject *location_for_grpc_unix(PyObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"path", NULL};
    PyObject *path = NULL;
    char *text = NULL;
    cflight_error *error = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O", names, &path)) {
        return NULL;
    }
    PyObject *bytes = cfp_to_bytes(path);
    if (bytes == NULL) {
        return NULL;
    }
    struct cfp_state *state = cfp_state_of_type((PyTypeObject *)type);
    cflight_status status = cflight_location_of_socket(cfp_view(bytes), &text, &error);
    Py_DECREF(bytes);
    return location_of(state, bytes_of_text(state, status, text, error));
}

static PyMethodDef location_methods[] = {
    {"for_grpc_tcp", CFP_KEYWORDS(location_for_grpc_tcp), METH_VARARGS | METH_KEYWORDS | METH_CLASS,
     PyDoc_STR("for_grpc_tcp($type, host, port)\n--\n\n"
               "A plaintext location. An IPv6 `host` may be in brackets.")},
    {"for_grpc_tls", CFP_KEYWORDS(location_for_grpc_tls), METH_VARARGS | METH_KEYWORDS | METH_CLASS,
     PyDoc_STR("for_grpc_tls($type, host, port)\n--\n\n"
               "A TLS location. An IPv6 `host` may be in brackets.")},
    {"for_grpc_unix", CFP_KEYWORDS(location_for_grpc_unix),
     METH_VARARGS | METH_KEYWORDS | METH_CLASS,
     PyDoc_STR("for_grpc_unix($type, path)\n--\n\n"
               "A Unix socket. Bytes of `path` that a URI cannot hold are escaped.")},
    {"equals", CFP_KEYWORDS(location_equals), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("equals($self, other)\n--\n\nTell whether the URIs are the same text.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef location_getset[] = {
    {"uri", location_uri, NULL, PyDoc_STR("The URI as it was given, as bytes."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(location_doc,
             "Location(uri)\n--\n\n"
             "Where a service, or a part of a dataset, can be reached.\n\n"
             "Parameters\n----------\nuri : bytes or str\n"
             "    RFC 3986, with any scheme; clients connect to grpc, grpc+tcp, grpc+tls and "
             "grpc+unix.\n\n"
             "Raises\n------\nArrowInvalid\n    It cannot be parsed.\n\n"
             "Examples\n--------\n>>> Location(\"grpc://localhost:32010\").uri\n"
             "b'grpc://localhost:32010'");

static PyType_Slot location_slots[] = {
    {Py_tp_doc, (void *)location_doc},   {Py_tp_new, (void *)location_new},
    {Py_tp_init, (void *)location_init}, {Py_tp_dealloc, (void *)location_dealloc},
    {Py_tp_repr, (void *)location_repr}, {Py_tp_richcompare, (void *)location_richcompare},
    {Py_tp_methods, location_methods},   {Py_tp_getset, location_getset},
    {Py_tp_members, cfp_members},        {0, NULL},
};

PyType_Spec cfp_location_spec = {
    .name = "cflight.Location",
    .basicsize = sizeof(struct cfp_location),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = location_slots,
};
