/* SPDX-License-Identifier: Apache-2.0 */
/* BasicAuth: the payload of a username and password handshake. Immutable; the password is never
 * shown. Thread class: with the GIL. */
#include "values/values.h"

#include "base/convert.h"
#include "base/exceptions.h"
#include "values/value_class.h"

struct basic_auth {
    CFP_VALUE_HEAD
    PyObject *username; /* bytes */
    PyObject *password; /* bytes */
};

/* Takes both; either may be NULL with an exception set. */
static PyObject *basic_auth_alloc(PyTypeObject *type, PyObject *username, PyObject *password)
{
    struct basic_auth *self = NULL;
    if (username != NULL && password != NULL) {
        self = (struct basic_auth *)type->tp_alloc(type, 0);
    }
    if (self == NULL) {
        Py_XDECREF(username);
        Py_XDECREF(password);
        return NULL;
    }
    self->username = username;
    self->password = password;
    return (PyObject *)self;
}

/* Anything falsy counts as not given. */
static PyObject *bytes_if_given(PyObject *value)
{
    int is_given = PyObject_IsTrue(value);
    if (is_given < 0) {
        return NULL;
    }
    return is_given ? cfp_to_bytes(value) : PyBytes_FromStringAndSize(NULL, 0);
}

static PyObject *basic_auth_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    PyObject *username = PyBytes_FromStringAndSize(NULL, 0);
    return cfp_value_open(basic_auth_alloc(type, username, PyBytes_FromStringAndSize(NULL, 0)));
}

static int basic_auth_init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"username", "password", NULL};
    struct basic_auth *self = (struct basic_auth *)object;
    PyObject *username = Py_None;
    PyObject *password = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:BasicAuth", names, &username, &password)) {
        return -1;
    }
    username = bytes_if_given(username);
    password = username == NULL ? NULL : bytes_if_given(password);
    if (password == NULL || cfp_value_fill(object) < 0) {
        Py_XDECREF(username);
        Py_XDECREF(password);
        return -1;
    }
    Py_SETREF(self->username, username);
    Py_SETREF(self->password, password);
    return 0;
}

static void basic_auth_dealloc(PyObject *self)
{
    struct basic_auth *auth = (struct basic_auth *)self;
    cfp_object_begin_dealloc(self);
    Py_CLEAR(auth->username);
    Py_CLEAR(auth->password);
    cfp_object_end_dealloc(self);
}

static PyObject *basic_auth_username(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef(((struct basic_auth *)self)->username);
}

static PyObject *basic_auth_password(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef(((struct basic_auth *)self)->password);
}

static PyObject *basic_auth_key(PyObject *self)
{
    struct basic_auth *auth = (struct basic_auth *)self;
    return PyTuple_Pack(2, auth->username, auth->password);
}

DEFINE_COMPARE(basic_auth, "cflight.BasicAuth")

static PyObject *basic_auth_repr(PyObject *self)
{
    return PyUnicode_FromFormat("<pyarrow.flight.BasicAuth username=%R password=(redacted)>",
                                ((struct basic_auth *)self)->username);
}

static PyObject *basic_auth_serialize(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct basic_auth *auth = (struct basic_auth *)self;
    struct cflight_basic_auth value = {cfp_view(auth->username), cfp_view(auth->password)};
    cflight_buffer *buffer = NULL;
    cflight_error *error = NULL;
    cflight_status status = cflight_basic_auth_serialize(&value, &buffer, &error);
    return cfp_serialized(cfp_state_of(self), status, buffer, error);
}

static PyObject *basic_auth_deserialize(PyObject *type, PyObject *args, PyObject *kwargs)
{
    struct cfp_state *state = cfp_state_of_type((PyTypeObject *)type);
    Py_buffer view;
    struct cflight_basic_auth *auth = NULL;
    cflight_error *error = NULL;
    if (cfp_serialized_get(args, kwargs, &view) < 0) {
        return NULL;
    }
    cflight_status status =
        cflight_basic_auth_parse(cflight_bytes_make(view.buf, (size_t)view.len), &auth, &error);
    PyBuffer_Release(&view);
    if (status != CFLIGHT_OK) {
        return cfp_raise(state, status, error);
    }
    PyObject *username = cfp_bytes_new(auth->username);
    PyObject *password = username == NULL ? NULL : cfp_bytes_new(auth->password);
    cflight_basic_auth_free(auth);
    return basic_auth_alloc(state->basic_auth_type, username, password);
}

static PyMethodDef basic_auth_methods[] = {
    CFP_SERIALIZED_METHODS(basic_auth),
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef basic_auth_getset[] = {
    {"username", basic_auth_username, NULL, PyDoc_STR("The username, as bytes."), NULL},
    {"password", basic_auth_password, NULL, PyDoc_STR("The password, as bytes."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(basic_auth_doc,
             "BasicAuth(username=None, password=None)\n--\n\n"
             "The payload of a username and password handshake.\n\n"
             "Parameters\n----------\nusername, password : str or bytes, optional\n"
             "    A str is taken as UTF-8.\n\n"
             "Raises\n------\nTypeError\n    One of them has another type.\n\n"
             "Examples\n--------\n>>> outgoing.write(BasicAuth(\"user\", \"secret\").serialize())");

DEFINE_VALUE_SPEC(basic_auth, "cflight.BasicAuth", basic_auth)
