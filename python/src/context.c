/* SPDX-License-Identifier: Apache-2.0 */
/* ServerCallContext: what a handler learns about its call. Ends with the handler: later uses are a
 * ValueError. Thread class: with the GIL. */
#include "server.h"

#include "convert.h"
#include "exceptions.h"

struct context {
    CFP_HEAD
    cflight_server_context *context; /* NULL once the handler returned */
};

PyObject *cfp_context_new(struct cfp_state *state, cflight_server_context *context)
{
    PyTypeObject *type = state->server_context_type;
    struct context *self = (struct context *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->context = context;
    }
    return (PyObject *)self;
}

void cfp_context_detach(PyObject *context)
{
    ((struct context *)context)->context = NULL;
}

static void context_dealloc(PyObject *self)
{
    cfp_object_begin_dealloc(self);
    cfp_object_end_dealloc(self);
}

static cflight_server_context *handle_of(PyObject *self)
{
    cflight_server_context *context = ((struct context *)self)->context;
    if (context == NULL) {
        PyErr_SetString(PyExc_ValueError, "the call of this context is over");
    }
    return context;
}

static PyObject *context_peer_identity(PyObject *self, PyObject *unused)
{
    (void)unused;
    cflight_server_context *context = handle_of(self);
    return context == NULL ? NULL : cfp_bytes_new(cflight_server_context_peer_identity(context));
}

static PyObject *context_peer(PyObject *self, PyObject *unused)
{
    (void)unused;
    cflight_server_context *context = handle_of(self);
    return context == NULL
               ? NULL
               : cfp_text_new(cflight_bytes_from_text(cflight_server_context_peer(context)));
}

static PyObject *context_tls_subject(PyObject *self, PyObject *unused)
{
    (void)unused;
    cflight_server_context *context = handle_of(self);
    return context == NULL
               ? NULL
               : cfp_text_new(cflight_bytes_from_text(cflight_server_context_tls_subject(context)));
}

static PyObject *context_tls_names(PyObject *self, PyObject *unused)
{
    (void)unused;
    const char *const *sans = NULL;
    cflight_server_context *context = handle_of(self);
    size_t count = context == NULL ? 0 : cflight_server_context_tls_sans(context, &sans);
    PyObject *list = context == NULL ? NULL : PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *name = cfp_text_new(cflight_bytes_from_text(sans[i]));
        if (name == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, (Py_ssize_t)i, name);
    }
    return list;
}

static PyObject *context_is_cancelled(PyObject *self, PyObject *unused)
{
    (void)unused;
    cflight_server_context *context = handle_of(self);
    return context == NULL ? NULL : PyBool_FromLong(cflight_server_context_is_cancelled(context));
}

static PyObject *context_method(PyObject *self, void *unused)
{
    (void)unused;
    cflight_server_context *context = handle_of(self);
    return context == NULL ? NULL
                           : PyObject_CallFunction(cfp_state_of(self)->flight_method, "i",
                                                   (int)cflight_server_context_method(context));
}

static PyObject *context_headers(PyObject *self, PyObject *unused)
{
    (void)unused;
    const struct cflight_header *headers = NULL;
    cflight_server_context *context = handle_of(self);
    if (context == NULL) {
        return NULL;
    }
    size_t count = cflight_server_context_headers(context, &headers);
    return cfp_headers_dict(headers, count);
}

static PyObject *context_time_remaining(PyObject *self, PyObject *unused)
{
    (void)unused;
    cflight_server_context *context = handle_of(self);
    if (context == NULL) {
        return NULL;
    }
    int64_t remaining_ms = cflight_server_context_remaining_ms(context);
    if (remaining_ms < 0) {
        Py_RETURN_NONE;
    }
    return PyFloat_FromDouble((double)remaining_ms / 1000);
}

typedef cflight_status (*add_fn)(cflight_server_context *context, struct cflight_bytes name,
                                 struct cflight_bytes value, cflight_error **reterr);

static PyObject *add_field(PyObject *self, PyObject *args, PyObject *kwargs, add_fn add)
{
    static char *names[] = {"key", "value", NULL};
    PyObject *key = NULL;
    PyObject *value = NULL;
    cflight_error *error = NULL;
    cflight_server_context *context = handle_of(self);
    if (context == NULL || !PyArg_ParseTupleAndKeywords(args, kwargs, "OO", names, &key, &value)) {
        return NULL;
    }
    key = cfp_to_bytes(key);
    value = key == NULL ? NULL : cfp_to_bytes(value);
    cflight_status status = CFLIGHT_OK;
    if (value != NULL) {
        status = add(context, cfp_view(key), cfp_view(value), &error);
    }
    bool is_complete = value != NULL;
    Py_XDECREF(key);
    Py_XDECREF(value);
    if (!is_complete) {
        return NULL;
    }
    if (status != CFLIGHT_OK) {
        return cfp_raise(cfp_state_of(self), status, error);
    }
    Py_RETURN_NONE;
}

static PyObject *context_add_header(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return add_field(self, args, kwargs, cflight_server_context_add_header);
}

static PyObject *context_add_trailer(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return add_field(self, args, kwargs, cflight_server_context_add_trailer);
}

static PyObject *context_get_middleware(PyObject *self, PyObject *key)
{
    cflight_server_context *context = handle_of(self);
    if (context == NULL) {
        return NULL;
    }
    struct cfp_server_call *call = cflight_server_context_middleware(context, CFP_MIDDLEWARE_KEY);
    PyObject *middleware = call == NULL ? NULL : PyDict_GetItemWithError(call->instances, key);
    if (middleware == NULL && PyErr_Occurred() != NULL) {
        return NULL;
    }
    return Py_NewRef(middleware == NULL ? Py_None : middleware);
}

static PyMethodDef context_methods[] = {
    {"peer_identity", context_peer_identity, METH_NOARGS,
     PyDoc_STR("peer_identity($self)\n--\n\n"
               "Return who the caller is, as bytes: what the auth handler said, or the identity of "
               "the client's certificate.")},
    {"peer", context_peer, METH_NOARGS,
     PyDoc_STR(
         "peer($self)\n--\n\nReturn the caller's address, such as ``ipv4:127.0.0.1:41234``.")},
    {"tls_subject", context_tls_subject, METH_NOARGS,
     PyDoc_STR(
         "tls_subject($self)\n--\n\n"
         "Return the subject of the client's verified certificate; empty when there is none.")},
    {"tls_names", context_tls_names, METH_NOARGS,
     PyDoc_STR("tls_names($self)\n--\n\n"
               "Return the alternative names of that certificate: \"DNS:...\", \"URI:...\".")},
    {"is_cancelled", context_is_cancelled, METH_NOARGS,
     PyDoc_STR(
         "is_cancelled($self)\n--\n\n"
         "Tell whether nobody waits for the answer any more. Long handlers ask now and then.")},
    {"headers", context_headers, METH_NOARGS,
     PyDoc_STR(
         "headers($self)\n--\n\n"
         "Return the request's headers: a dict of str to a list of str (of bytes for ``-bin`` "
         "names).")},
    {"time_remaining", context_time_remaining, METH_NOARGS,
     PyDoc_STR("time_remaining($self)\n--\n\n"
               "Return the seconds until the caller's deadline; None when there is none.")},
    {"add_header", CFP_KEYWORDS(context_add_header), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("add_header($self, key, value)\n--\n\n"
               "Add a response header (str or bytes); before the first message only.")},
    {"add_trailer", CFP_KEYWORDS(context_add_trailer), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("add_trailer($self, key, value)\n--\n\nAdd a response trailer (str or bytes).")},
    {"get_middleware", context_get_middleware, METH_O,
     PyDoc_STR("get_middleware($self, key, /)\n--\n\n"
               "Return the middleware that the factory under `key` made for this call, or None.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef context_getset[] = {
    {"method", context_method, NULL, PyDoc_STR("The :class:`FlightMethod`."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(context_doc, "What a handler learns about its call. It ends with the handler.\n\n"
                          "Raises\n------\nValueError\n    The handler has returned.\n\n"
                          "Examples\n--------\n>>> def do_get(self, context, ticket):\n"
                          "...     print(context.peer(), context.peer_identity())");

static PyType_Slot context_slots[] = {
    {Py_tp_doc, (void *)context_doc}, {Py_tp_dealloc, (void *)context_dealloc},
    {Py_tp_methods, context_methods}, {Py_tp_getset, context_getset},
    {Py_tp_members, cfp_members},     {0, NULL},
};

PyType_Spec cfp_server_context_spec = {
    .name = "cflight.ServerCallContext",
    .basicsize = sizeof(struct context),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = context_slots,
};
