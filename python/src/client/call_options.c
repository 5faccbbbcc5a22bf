/* SPDX-License-Identifier: Apache-2.0 */
/* FlightCallOptions. Immutable: IPC options are copied when it is made, and a CancelToken refers to
 * nothing, so there is no cycle through it.
 * Thread class: with the GIL. */
#include "client/call_options.h"

#include <string.h>

#include "arrow/ipc_options.h"
#include "base/convert.h"
#include "base/exceptions.h"
#include "base/settings.h"

struct call_options {
    CFP_VALUE_HEAD
    double timeout;                    /* seconds; negative is none */
    struct cflight_call_options plain; /* the members that call_settings names */
    PyObject *headers;                 /* tuple of (bytes, bytes) */
    struct cfp_ipc_options ipc;
    PyObject *cancel; /* CancelToken or NULL */
};

#define SETTING(name, kind, member) CFP_SETTING(name, kind, cflight_call_options, member)
static const struct cfp_setting call_settings[] = {
    SETTING("first_byte_timeout", SECONDS, first_byte_timeout_ms),
    SETTING("idle_timeout", SECONDS, idle_timeout_ms),
    SETTING("message_bytes_max", U64, message_bytes_max),
    SETTING("write_size_limit_bytes", U64, write_size_limit_bytes),
    SETTING("split_batch_bytes", U64, split_batch_bytes),
    SETTING("is_sticky", FLAG, is_sticky),
    {NULL, CFP_SETTING_FLAG, 0},
};

/* One (bytes, bytes) pair out of any iterable of two. */
static PyObject *header_of(PyObject *item)
{
    PyObject *pair = PySequence_Tuple(item);
    if (pair == NULL) {
        return NULL;
    }
    Py_ssize_t size = PyTuple_GET_SIZE(pair);
    if (size != 2) {
        Py_DECREF(pair);
        return PyErr_Format(PyExc_ValueError, "a header is a pair of name and value, not %zd items",
                            size);
    }
    PyObject *parts[2] = {NULL, NULL};
    for (Py_ssize_t i = 0; i < 2; i++) {
        PyObject *part = PyTuple_GET_ITEM(pair, i);
        if (cfp_is_bytes(part)) {
            parts[i] = cfp_to_bytes(part);
        } else {
            PyErr_Format(PyExc_TypeError, "expected bytes, %.200s found", Py_TYPE(part)->tp_name);
        }
        if (parts[i] == NULL) {
            break;
        }
    }
    Py_DECREF(pair);
    PyObject *result = parts[1] == NULL ? NULL : PyTuple_Pack(2, parts[0], parts[1]);
    Py_XDECREF(parts[0]);
    Py_XDECREF(parts[1]);
    return result;
}

static PyObject *headers_of(PyObject *value)
{
    PyObject *list = cfp_is_absent(value) ? PyList_New(0) : PySequence_List(value);
    PyObject *headers = list == NULL ? NULL : PyTuple_New(PyList_GET_SIZE(list));
    for (Py_ssize_t i = 0; headers != NULL && i < PyList_GET_SIZE(list); i++) {
        PyObject *pair = header_of(PyList_GET_ITEM(list, i));
        if (pair == NULL) {
            Py_CLEAR(headers);
            break;
        }
        PyTuple_SET_ITEM(headers, i, pair);
    }
    Py_XDECREF(list);
    return headers;
}

struct option_arguments {
    PyObject *timeout;
    PyObject *write_options;
    PyObject *headers;
    PyObject *read_options;
    PyObject *cancel;
};

static int options_fill(struct cfp_state *state, struct call_options *self,
                        const struct option_arguments *given)
{
    self->timeout = -1.0;
    if (given->timeout != Py_None) {
        self->timeout = PyFloat_AsDouble(given->timeout);
        if (PyErr_Occurred() != NULL) {
            return -1;
        }
    }
    if (cfp_ipc_options_begin(state, &self->ipc, given->write_options, given->read_options) < 0) {
        return -1;
    }
    if (given->cancel != Py_None) {
        if (cfp_check_type(given->cancel, state->cancel_token_type, "cancel",
                           "cflight.CancelToken") < 0) {
            return -1;
        }
        self->cancel = Py_NewRef(given->cancel);
    }
    self->headers = headers_of(given->headers);
    return self->headers == NULL ? -1 : 0;
}

static PyObject *options_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    struct call_options *self = (struct call_options *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->timeout = -1.0;
        self->headers = PyTuple_New(0);
        if (self->headers == NULL) {
            Py_CLEAR(self);
        }
    }
    return cfp_value_open((PyObject *)self);
}

static void drop_members(struct call_options *options)
{
    Py_CLEAR(options->headers);
    Py_CLEAR(options->cancel);
    cfp_ipc_options_end(&options->ipc);
}

/* Moves everything behind the head. */
static void take_members(struct call_options *self, const struct call_options *filled)
{
    size_t begin = offsetof(struct call_options, timeout);
    memcpy((char *)self + begin, (const char *)filled + begin, sizeof(*self) - begin);
}

static int options_init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"timeout", "write_options", "headers", "read_options", "cancel", NULL};
    struct option_arguments given = {Py_None, Py_None, Py_None, Py_None, Py_None};
    struct call_options *self = (struct call_options *)object;
    struct call_options filled = {.timeout = -1.0};
    PyObject *keywords = kwargs == NULL ? PyDict_New() : PyDict_Copy(kwargs);
    int result = -1;
    if (keywords != NULL && cfp_settings_take(keywords, call_settings, &filled.plain) == 0 &&
        PyArg_ParseTupleAndKeywords(args, keywords, "|OOOO$O:FlightCallOptions", names,
                                    &given.timeout, &given.write_options, &given.headers,
                                    &given.read_options, &given.cancel) &&
        options_fill(cfp_state_of(object), &filled, &given) == 0 && cfp_value_fill(object) == 0) {
        drop_members(self);
        take_members(self, &filled);
        result = 0;
    } else {
        drop_members(&filled);
    }
    Py_XDECREF(keywords);
    return result;
}

static void options_dealloc(PyObject *self)
{
    cfp_object_begin_dealloc(self);
    drop_members((struct call_options *)self);
    cfp_object_end_dealloc(self);
}

static PyObject *options_timeout(PyObject *self, void *unused)
{
    (void)unused;
    return PyFloat_FromDouble(((struct call_options *)self)->timeout);
}

static PyObject *seconds_or_none(int64_t ms)
{
    if (ms == 0) {
        Py_RETURN_NONE;
    }
    return PyFloat_FromDouble((double)ms / 1000);
}

static PyObject *options_idle_timeout(PyObject *self, void *unused)
{
    (void)unused;
    return seconds_or_none(((struct call_options *)self)->plain.idle_timeout_ms);
}

static PyObject *options_first_byte_timeout(PyObject *self, void *unused)
{
    (void)unused;
    return seconds_or_none(((struct call_options *)self)->plain.first_byte_timeout_ms);
}

/* The setting whose offset is the closure. */
static PyObject *options_bytes(PyObject *self, void *offset)
{
    uint64_t amount = 0;
    memcpy(&amount, (const char *)&((struct call_options *)self)->plain + (uintptr_t)offset,
           sizeof(amount));
    if (amount == 0) {
        Py_RETURN_NONE;
    }
    return PyLong_FromUnsignedLongLong(amount);
}

static PyObject *options_is_sticky(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(((struct call_options *)self)->plain.is_sticky);
}

static PyObject *options_cancel(PyObject *self, void *unused)
{
    (void)unused;
    PyObject *cancel = ((struct call_options *)self)->cancel;
    return Py_NewRef(cancel == NULL ? Py_None : cancel);
}

static PyObject *options_headers(PyObject *self, void *unused)
{
    (void)unused;
    return PySequence_List(((struct call_options *)self)->headers);
}

static PyObject *options_write_options(PyObject *self, void *unused)
{
    (void)unused;
    return cfp_write_options_copy(cfp_state_of(self),
                                  ((struct call_options *)self)->ipc.write_source);
}

static PyObject *options_read_options(PyObject *self, void *unused)
{
    (void)unused;
    return cfp_read_options_copy(cfp_state_of(self),
                                 ((struct call_options *)self)->ipc.read_source);
}

static PyObject *options_repr(PyObject *self)
{
    PyObject *timeout = options_timeout(self, NULL);
    PyObject *headers = options_headers(self, NULL);
    PyObject *reading = options_read_options(self, NULL);
    PyObject *writing = options_write_options(self, NULL);
    PyObject *text = NULL;
    if (timeout != NULL && headers != NULL && reading != NULL && writing != NULL) {
        text = PyUnicode_FromFormat("<pyarrow.flight.FlightCallOptions timeout=%S headers=%S\n"
                                    " read_options=%S\n write_options=%S\n>",
                                    timeout, headers, reading, writing);
    }
    Py_XDECREF(timeout);
    Py_XDECREF(headers);
    Py_XDECREF(reading);
    Py_XDECREF(writing);
    return text;
}

static int load_headers(const struct call_options *self, struct cfp_scratch *scratch,
                        struct cflight_call_options *ret_options)
{
    size_t count = (size_t)PyTuple_GET_SIZE(self->headers);
    struct cflight_header *headers = cfp_scratch_new(scratch, count, sizeof(*headers));
    if (headers == NULL) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        PyObject *pair = PyTuple_GET_ITEM(self->headers, (Py_ssize_t)i);
        headers[i].name = cfp_view(PyTuple_GET_ITEM(pair, 0));
        headers[i].value = cfp_view(PyTuple_GET_ITEM(pair, 1));
    }
    ret_options->headers = headers;
    ret_options->header_count = count;
    return 0;
}

int cfp_call_options_load(PyObject *object, struct cfp_scratch *scratch,
                          struct cflight_call_options *ret_options)
{
    const struct call_options *self = (struct call_options *)object;
    if (self->timeout >= 0 && self->timeout < 1e12) {
        ret_options->timeout_is_set = true;
        if (cfp_milliseconds(self->timeout, "timeout", &ret_options->timeout_ms) < 0) {
            return -1;
        }
    }
    ret_options->first_byte_timeout_ms = self->plain.first_byte_timeout_ms;
    ret_options->idle_timeout_ms = self->plain.idle_timeout_ms;
    ret_options->message_bytes_max = self->plain.message_bytes_max;
    ret_options->write_size_limit_bytes = self->plain.write_size_limit_bytes;
    ret_options->split_batch_bytes = self->plain.split_batch_bytes;
    ret_options->is_sticky = self->plain.is_sticky;
    ret_options->write_options =
        self->ipc.write_source == NULL ? &cfp_write_defaults : &self->ipc.write;
    ret_options->read_options = self->ipc.read_source == NULL ? NULL : &self->ipc.read;
    if (self->cancel != NULL) {
        ret_options->cancel = cfp_cancel_token_handle(self->cancel);
    }
    return load_headers(self, scratch, ret_options);
}

#define BYTES_OF(member) ((void *)offsetof(struct cflight_call_options, member))

static PyGetSetDef options_getset[] = {
    {"timeout", options_timeout, NULL, PyDoc_STR("Limit on the whole call, seconds; -1.0 is none."),
     NULL},
    {"idle_timeout", options_idle_timeout, NULL,
     PyDoc_STR("Limit on any single wait, seconds; None is none."), NULL},
    {"first_byte_timeout", options_first_byte_timeout, NULL,
     PyDoc_STR("Limit until the answer begins, seconds; None is none."), NULL},
    {"message_bytes_max", options_bytes, NULL,
     PyDoc_STR("Largest message accepted; None is the client's setting."),
     BYTES_OF(message_bytes_max)},
    {"write_size_limit_bytes", options_bytes, NULL,
     PyDoc_STR("Largest message sent; None is the client's setting."),
     BYTES_OF(write_size_limit_bytes)},
    {"split_batch_bytes", options_bytes, NULL,
     PyDoc_STR("Larger batches are sent as several; None sends them whole."),
     BYTES_OF(split_batch_bytes)},
    {"is_sticky", options_is_sticky, NULL,
     PyDoc_STR("Whether the call goes to the client's own connection."), NULL},
    {"cancel", options_cancel, NULL, PyDoc_STR("The :class:`CancelToken`, or None."), NULL},
    {"headers", options_headers, NULL, PyDoc_STR("List of (bytes, bytes)."), NULL},
    {"read_options", options_read_options, NULL, PyDoc_STR("A copy of the IPC read options."),
     NULL},
    {"write_options", options_write_options, NULL, PyDoc_STR("A copy of the IPC write options."),
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(
    options_doc,
    "FlightCallOptions(timeout=None, write_options=None, headers=None, read_options=None, *, "
    "idle_timeout=None, first_byte_timeout=None, cancel=None, message_bytes_max=None, "
    "write_size_limit_bytes=None, split_batch_bytes=None, is_sticky=False)\n--\n\n"
    "What one call may carry.\n\n"
    "Parameters\n----------\n"
    "timeout : float, optional\n    Limit on the whole call, streaming included, in seconds; 0 is "
    "now.\n"
    "write_options : IpcWriteOptions, optional\n    Of pyarrow.ipc or of this module.\n"
    "headers : iterable of (bytes, bytes), optional\n    Request headers; names in lower case.\n"
    "read_options : IpcReadOptions, optional\n    Of pyarrow.ipc or of this module.\n"
    "idle_timeout : float, optional\n    Limit on any single wait for the peer, in seconds.\n"
    "first_byte_timeout : float, optional\n    Limit until the answer begins, in seconds.\n"
    "cancel : CancelToken, optional\n    Ends the call from another thread.\n"
    "message_bytes_max, write_size_limit_bytes : int, optional\n"
    "    Largest message accepted, and sent; None is the client's setting.\n"
    "split_batch_bytes : int, optional\n"
    "    Send larger batches as several, so that a server with a limit takes them.\n"
    "is_sticky : bool\n"
    "    With ``balance=\"round_robin\"``: the call needs what an earlier one left at a server, "
    "and "
    "goes where uploads and actions go.\n\n"
    "Raises\n------\nTypeError\n    A value has another type.\n"
    "ValueError\n    A number is out of its range, or a header is not a pair.\n\n"
    "Examples\n--------\n"
    ">>> options = FlightCallOptions(timeout=30, idle_timeout=5)\n"
    ">>> client.do_get(ticket, options).read_all()");

static PyType_Slot options_slots[] = {
    {Py_tp_doc, (void *)options_doc},   {Py_tp_new, (void *)options_new},
    {Py_tp_init, (void *)options_init}, {Py_tp_dealloc, (void *)options_dealloc},
    {Py_tp_repr, (void *)options_repr}, {Py_tp_getset, options_getset},
    {Py_tp_members, cfp_members},       {0, NULL},
};

PyType_Spec cfp_call_options_spec = {
    .name = "cflight.FlightCallOptions",
    .basicsize = sizeof(struct call_options),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = options_slots,
};
