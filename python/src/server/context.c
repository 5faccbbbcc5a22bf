/* SPDX-License-Identifier: Apache-2.0 */
/* ServerCallContext: what a handler learns about its call. Ends with the handler, or with the
 * stream that do_get returned: later uses are a ValueError. Also who is in a handler, and how its
 * failure becomes the call's. Thread class: with the GIL. */
#include "server/server.h"

#include "base/convert.h"
#include "base/exceptions.h"

static _Thread_local int handler_depth;

bool cfp_is_in_handler(void)
{
    return handler_depth > 0;
}

void cfp_handler_enter(void)
{
    handler_depth++;
}

void cfp_handler_leave(void)
{
    handler_depth--;
}

struct context {
    CFP_HEAD
    cfp_mutex mutex;
    cflight_server_context *context; /* NULL once the handler returned, and for stand-ins */
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
    struct context *self = (struct context *)context;
    cfp_mutex_lock(&self->mutex);
    self->context = NULL;
    cfp_mutex_unlock(&self->mutex);
}

cflight_status cfp_handler_failed(struct cfp_state *state, cflight_server_context *context,
                                  cflight_error **reterr)
{
    PyObject *exception = NULL;
    cflight_status status = cfp_error_from_python(state, &exception, reterr);
    struct cfp_server_call *call = cfp_server_call_of(context);
    if (call != NULL) {
        Py_XSETREF(call->exception, Py_XNewRef(exception));
    }
    Py_XDECREF(exception);
    return status;
}

/* A stand-in for unit tests of handlers, which belongs to no call. */
static PyObject *context_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    return type->tp_alloc(type, 0);
}

static void context_dealloc(PyObject *self)
{
    cfp_object_begin_dealloc(self);
    cfp_object_end_dealloc(self);
}

/* What a method does with the context, which stays until then. Runs no Python code. */
typedef PyObject *(*use_fn)(cflight_server_context *context, void *argument);

static PyObject *with_context(PyObject *object, use_fn use, void *argument)
{
    struct context *self = (struct context *)object;
    cfp_mutex_lock(&self->mutex);
    bool is_over = self->context == NULL;
    PyObject *result = is_over ? NULL : use(self->context, argument);
    cfp_mutex_unlock(&self->mutex);
    if (is_over) {
        PyErr_SetString(PyExc_ValueError, "the call of this context is over, or it never had one");
    }
    return result;
}

static PyObject *text_of(const char *text)
{
    return cfp_text_new(cflight_bytes_from_text(text));
}

static PyObject *peer_identity(cflight_server_context *context, void *unused)
{
    (void)unused;
    return cfp_bytes_new(cflight_server_context_peer_identity(context));
}

static PyObject *peer(cflight_server_context *context, void *unused)
{
    (void)unused;
    return text_of(cflight_server_context_peer(context));
}

static PyObject *tls_subject(cflight_server_context *context, void *unused)
{
    (void)unused;
    return text_of(cflight_server_context_tls_subject(context));
}

static PyObject *tls_names(cflight_server_context *context, void *unused)
{
    (void)unused;
    const char *const *sans = NULL;
    size_t count = cflight_server_context_tls_sans(context, &sans);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *name = text_of(sans[i]);
        if (name == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, (Py_ssize_t)i, name);
    }
    return list;
}

static PyObject *is_cancelled(cflight_server_context *context, void *unused)
{
    (void)unused;
    return PyBool_FromLong(cflight_server_context_is_cancelled(context));
}

static PyObject *headers(cflight_server_context *context, void *unused)
{
    (void)unused;
    const struct cflight_header *fields = NULL;
    size_t count = cflight_server_context_headers(context, &fields);
    return cfp_headers_dict(fields, count);
}

static PyObject *time_remaining(cflight_server_context *context, void *unused)
{
    (void)unused;
    int64_t remaining_ms = cflight_server_context_remaining_ms(context);
    if (remaining_ms < 0) {
        Py_RETURN_NONE;
    }
    return PyFloat_FromDouble((double)remaining_ms / 1000);
}

static PyObject *context_peer_identity(PyObject *self, PyObject *unused)
{
    (void)unused;
    return with_context(self, peer_identity, NULL);
}

static PyObject *context_peer(PyObject *self, PyObject *unused)
{
    (void)unused;
    return with_context(self, peer, NULL);
}

static PyObject *context_tls_subject(PyObject *self, PyObject *unused)
{
    (void)unused;
    return with_context(self, tls_subject, NULL);
}

static PyObject *context_tls_names(PyObject *self, PyObject *unused)
{
    (void)unused;
    return with_context(self, tls_names, NULL);
}

static PyObject *context_is_cancelled(PyObject *self, PyObject *unused)
{
    (void)unused;
    return with_context(self, is_cancelled, NULL);
}

static PyObject *context_headers(PyObject *self, PyObject *unused)
{
    (void)unused;
    return with_context(self, headers, NULL);
}

static PyObject *context_time_remaining(PyObject *self, PyObject *unused)
{
    (void)unused;
    return with_context(self, time_remaining, NULL);
}

static PyObject *method(cflight_server_context *context, void *unused)
{
    (void)unused;
    return PyLong_FromLong((long)cflight_server_context_method(context));
}

static PyObject *context_method(PyObject *self, void *unused)
{
    (void)unused;
    PyObject *number = with_context(self, method, NULL);
    PyObject *result =
        number == NULL ? NULL : PyObject_CallOneArg(cfp_state_of(self)->flight_method, number);
    Py_XDECREF(number);
    return result;
}

static PyObject *path(cflight_server_context *context, void *unused)
{
    (void)unused;
    return text_of(cflight_server_context_path(context));
}

static PyObject *context_path(PyObject *self, void *unused)
{
    (void)unused;
    return with_context(self, path, NULL);
}

static PyObject *set_subject(cflight_server_context *context, void *subject)
{
    cflight_server_context_set_subject(context, cfp_view(subject));
    Py_RETURN_NONE;
}

static PyObject *context_set_subject(PyObject *self, PyObject *subject)
{
    PyObject *bytes = cfp_to_bytes(subject);
    PyObject *result = bytes == NULL ? NULL : with_context(self, set_subject, bytes);
    Py_XDECREF(bytes);
    return result;
}

struct onward {
    cflight_status status;
    cflight_error *error;
};

/* The headers of a new span below the caller's, as pairs. */
static PyObject *trace_headers(cflight_server_context *context, void *argument)
{
    struct onward *onward = argument;
    struct cflight_trace trace;
    struct cflight_trace child;
    struct cflight_header fields[2];
    char text[CFLIGHT_TRACEPARENT_BYTES + 1];
    size_t count = 0;
    if (cflight_trace_of(context, &trace)) {
        onward->status = cflight_trace_child(&trace, &child, &onward->error);
        count = onward->status == CFLIGHT_OK ? cflight_trace_headers(&child, text, fields) : 0;
    }
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *pair =
            Py_BuildValue("(NN)", cfp_bytes_new(fields[i].name), cfp_bytes_new(fields[i].value));
        if (pair == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, (Py_ssize_t)i, pair);
    }
    return list;
}

static PyObject *context_trace_headers(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct onward onward = {0};
    PyObject *list = with_context(self, trace_headers, &onward);
    if (onward.status != CFLIGHT_OK) {
        Py_CLEAR(list);
        return cfp_raise(cfp_state_of(self), onward.status, onward.error);
    }
    return list;
}

typedef cflight_status (*add_fn)(cflight_server_context *context, struct cflight_bytes name,
                                 struct cflight_bytes value, cflight_error **reterr);

struct addition {
    add_fn add;
    struct cflight_bytes name;
    struct cflight_bytes value;
    cflight_status status;
    cflight_error *error;
};

static PyObject *add(cflight_server_context *context, void *argument)
{
    struct addition *addition = argument;
    addition->status = addition->add(context, addition->name, addition->value, &addition->error);
    Py_RETURN_NONE;
}

static PyObject *add_field(PyObject *self, PyObject *args, PyObject *kwargs, add_fn function)
{
    static char *names[] = {"key", "value", NULL};
    PyObject *key = NULL;
    PyObject *value = NULL;
    PyObject *result = NULL;
    struct addition addition = {.add = function};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO", names, &key, &value)) {
        return NULL;
    }
    key = cfp_to_bytes(key);
    value = key == NULL ? NULL : cfp_to_bytes(value);
    if (value != NULL) {
        addition.name = cfp_view(key);
        addition.value = cfp_view(value);
        result = with_context(self, add, &addition);
    }
    Py_XDECREF(key);
    Py_XDECREF(value);
    if (addition.status != CFLIGHT_OK) {
        Py_CLEAR(result);
        return cfp_raise(cfp_state_of(self), addition.status, addition.error);
    }
    return result;
}

static PyObject *context_add_header(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return add_field(self, args, kwargs, cflight_server_context_add_header);
}

static PyObject *context_add_trailer(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return add_field(self, args, kwargs, cflight_server_context_add_trailer);
}

static PyObject *instances(cflight_server_context *context, void *unused)
{
    (void)unused;
    struct cfp_server_call *call = cfp_server_call_of(context);
    return Py_NewRef(call == NULL ? Py_None : call->instances);
}

/* The dict is not changed once the call has begun. */
static PyObject *context_get_middleware(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"key", NULL};
    PyObject *key = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:get_middleware", names, &key)) {
        return NULL;
    }
    PyObject *dict = with_context(self, instances, NULL);
    PyObject *middleware =
        dict == NULL || dict == Py_None ? NULL : PyDict_GetItemWithError(dict, key);
    Py_XINCREF(middleware);
    Py_XDECREF(dict);
    if (middleware == NULL && PyErr_Occurred() == NULL) {
        Py_RETURN_NONE;
    }
    return middleware;
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
    {"set_subject", context_set_subject, METH_O,
     PyDoc_STR(
         "set_subject($self, subject, /)\n--\n\n"
         "Say in a few words (str or bytes) what the call is about, for the log of requests.")},
    {"trace_headers", context_trace_headers, METH_NOARGS,
     PyDoc_STR("trace_headers($self)\n--\n\n"
               "Return headers for a call to another server that is part of the caller's trace: "
               "pairs for :class:`FlightCallOptions`; none when the caller sent no trace.")},
    {"get_middleware", CFP_KEYWORDS(context_get_middleware), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("get_middleware($self, key)\n--\n\n"
               "Return the middleware that the factory under `key` made for this call, or None.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef context_getset[] = {
    {"method", context_method, NULL, PyDoc_STR("The :class:`FlightMethod`."), NULL},
    {"path", context_path, NULL,
     PyDoc_STR("The method as gRPC names it: ``/arrow.flight.protocol.FlightService/DoGet``."),
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(context_doc, "What a handler learns about its call. It ends with the handler, or "
                          "with the stream that do_get returned.\n\n"
                          "Raises\n------\nValueError\n    The call is over.\n\n"
                          "Examples\n--------\n>>> def do_get(self, context, ticket):\n"
                          "...     print(context.peer(), context.peer_identity())");

static PyType_Slot context_slots[] = {
    {Py_tp_doc, (void *)context_doc},   {Py_tp_new, (void *)context_new},
    {Py_tp_init, (void *)cfp_init_any}, {Py_tp_dealloc, (void *)context_dealloc},
    {Py_tp_methods, context_methods},   {Py_tp_getset, context_getset},
    {Py_tp_members, cfp_members},       {0, NULL},
};

PyType_Spec cfp_server_context_spec = {
    .name = "cflight.ServerCallContext",
    .basicsize = sizeof(struct context),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = context_slots,
};
