/* SPDX-License-Identifier: Apache-2.0 */
/* Handshake authentication: Python handlers behind the library's tables, and the readers and
 * senders that are given to them.
 *
 * Reader and sender of a handshake end with the handler's method: later uses are a ValueError.
 * Thread class: the tables' functions are free and take the GIL; objects: with the GIL. */
#include "base/callbacks.h"

#include <pthread.h>

#include "base/attach.h"
#include "base/convert.h"
#include "base/exceptions.h"
#include "base/wait.h"

struct handshake_end {
    CFP_HEAD
    pthread_mutex_t lock;         /* taken without the GIL */
    cflight_handshake *handshake; /* under the lock; NULL once the method returned */
};

static PyObject *end_new(PyTypeObject *type, cflight_handshake *handshake)
{
    struct handshake_end *self = (struct handshake_end *)type->tp_alloc(type, 0);
    if (self != NULL) {
        (void)pthread_mutex_init(&self->lock, NULL);
        self->handshake = handshake;
    }
    return (PyObject *)self;
}

static void end_dealloc(PyObject *self)
{
    cfp_object_begin_dealloc(self);
    (void)pthread_mutex_destroy(&((struct handshake_end *)self)->lock);
    cfp_object_end_dealloc(self);
}

static PyObject *refuse_late(const char *what)
{
    return PyErr_Format(PyExc_ValueError, "Cannot use %s after the method it was given to returned",
                        what);
}

static PyObject *end_read(PyObject *object, PyObject *unused)
{
    (void)unused;
    struct handshake_end *self = (struct handshake_end *)object;
    struct cfp_wait wait;
    cflight_buffer *payload = NULL;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    if (cfp_wait_begin(&wait, cfp_state_of(object), NULL, NULL) < 0) {
        return NULL;
    }
    pthread_mutex_lock(&self->lock);
    bool is_late = self->handshake == NULL;
    if (!is_late) {
        status = cflight_handshake_read(self->handshake, &payload, &error);
    }
    pthread_mutex_unlock(&self->lock);
    if (cfp_wait_end(&wait, status, error) < 0) {
        return NULL;
    }
    if (is_late) {
        return refuse_late("the reader of a handshake");
    }
    if (payload == NULL) {
        return PyErr_Format(PyExc_OSError, "the peer has ended its side of the handshake");
    }
    return cfp_bytes_take(payload);
}

static PyObject *end_write(PyObject *object, PyObject *value)
{
    struct handshake_end *self = (struct handshake_end *)object;
    PyObject *bytes = cfp_to_bytes(value);
    struct cfp_wait wait;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    bool is_late = false;
    int code = -1;
    if (bytes != NULL && cfp_wait_begin(&wait, cfp_state_of(object), NULL, NULL) == 0) {
        pthread_mutex_lock(&self->lock);
        is_late = self->handshake == NULL;
        if (!is_late) {
            status = cflight_handshake_write(self->handshake, cfp_view(bytes), &error);
        }
        pthread_mutex_unlock(&self->lock);
        code = cfp_wait_end(&wait, status, error);
    }
    Py_XDECREF(bytes);
    if (code == 0 && is_late) {
        return refuse_late("the sender of a handshake");
    }
    return code < 0 ? NULL : Py_NewRef(Py_None);
}

static PyMethodDef reader_methods[] = {
    {"read", end_read, METH_NOARGS,
     PyDoc_STR("read($self)\n--\n\n"
               "Return the peer's next payload as bytes; OSError when it has ended its side.")},
    {NULL, NULL, 0, NULL},
};

static PyMethodDef sender_methods[] = {
    {"write", end_write, METH_O,
     PyDoc_STR("write($self, message, /)\n--\n\nSend a payload, bytes or str.")},
    {NULL, NULL, 0, NULL},
};

#define DEFINE_END(identifier, class_name, methods, text)                \
    static PyType_Slot identifier##_slots[] = {                          \
        {Py_tp_doc, (void *)(uintptr_t)(text)},                          \
        {Py_tp_dealloc, (void *)end_dealloc},                            \
        {Py_tp_methods, methods},                                        \
        {Py_tp_members, cfp_members},                                    \
        {0, NULL},                                                       \
    };                                                                   \
    PyType_Spec cfp_##identifier##_spec = {                              \
        .name = "cflight." class_name,                                   \
        .basicsize = sizeof(struct handshake_end),                       \
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, \
        .slots = identifier##_slots,                                     \
    };

DEFINE_END(client_auth_reader, "ClientAuthReader", reader_methods,
           "Receives the server's payloads of a handshake; see :class:`ClientAuthHandler`.")
DEFINE_END(client_auth_sender, "ClientAuthSender", sender_methods,
           "Sends the client's payloads of a handshake; see :class:`ClientAuthHandler`.")
DEFINE_END(server_auth_reader, "ServerAuthReader", reader_methods,
           "Receives the client's payloads of a handshake; see :class:`ServerAuthHandler`.")
DEFINE_END(server_auth_sender, "ServerAuthSender", sender_methods,
           "Sends the server's payloads of a handshake; see :class:`ServerAuthHandler`.")

static void end_finish(PyObject *end)
{
    struct handshake_end *self = (struct handshake_end *)end;
    if (self == NULL) {
        return;
    }
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&self->lock);
    self->handshake = NULL;
    pthread_mutex_unlock(&self->lock);
    Py_END_ALLOW_THREADS
    Py_DECREF(end);
}

/* How an exception of a handler is told to the library. */
typedef cflight_status (*describe_fn)(struct cfp_state *state, cflight_error **reterr);

static cflight_status describe_of_server(struct cfp_state *state, cflight_error **reterr)
{
    return cfp_error_from_python(state, NULL, reterr);
}

/* Calls handler.authenticate; with the GIL. */
static cflight_status run_handshake(struct cfp_hold *hold, PyTypeObject *sender_type,
                                    PyTypeObject *reader_type, cflight_handshake *handshake,
                                    describe_fn describe, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    PyObject *sender = end_new(sender_type, handshake);
    PyObject *reader = sender == NULL ? NULL : end_new(reader_type, handshake);
    PyObject *result =
        reader == NULL ? NULL
                       : PyObject_CallMethod(hold->object, "authenticate", "OO", sender, reader);
    if (result == NULL) {
        status = describe(hold->state, reterr);
    }
    end_finish(sender);
    end_finish(reader);
    Py_XDECREF(result);
    return status;
}

static cflight_status client_authenticate(void *user_data, cflight_handshake *handshake,
                                          cflight_error **reterr)
{
    struct cfp_hold *hold = user_data;
    PyGILState_STATE gil = PyGILState_Ensure();
    cflight_status status = run_handshake(hold, hold->state->client_auth_sender_type,
                                          hold->state->client_auth_reader_type, handshake,
                                          cfp_error_from_caller, reterr);
    PyGILState_Release(gil);
    return status;
}

/* A token or an identity: str or bytes, taken; anything else is a TypeError. */
static cflight_status give_bytes(struct cfp_state *state, PyObject *value, describe_fn describe,
                                 cflight_buffer **ret_buffer, cflight_error **reterr)
{
    PyObject *bytes = value == NULL ? NULL : cfp_to_bytes(value);
    cflight_status status = bytes == NULL
                                ? describe(state, reterr)
                                : cflight_buffer_new_copy(cfp_view(bytes), ret_buffer, reterr);
    Py_XDECREF(value);
    Py_XDECREF(bytes);
    return status;
}

static cflight_status client_get_token(void *user_data, cflight_buffer **ret_token,
                                       cflight_error **reterr)
{
    struct cfp_hold *hold = user_data;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *token = PyObject_CallMethod(hold->object, "get_token", NULL);
    cflight_status status =
        give_bytes(hold->state, token, cfp_error_from_caller, ret_token, reterr);
    PyGILState_Release(gil);
    return status;
}

int cfp_client_auth_table(struct cfp_state *state, PyObject *handler,
                          struct cflight_client_auth *ret_table)
{
    struct cfp_hold *hold = cfp_hold_new(state, handler);
    if (hold == NULL) {
        return -1;
    }
    *ret_table = (struct cflight_client_auth)CFLIGHT_CLIENT_AUTH_INIT;
    ret_table->user_data = hold;
    ret_table->authenticate = client_authenticate;
    ret_table->get_token = client_get_token;
    ret_table->release = cfp_hold_free;
    return 0;
}

static cflight_status provider_get(void *user_data, struct cflight_bytes refused,
                                   cflight_buffer **ret_token, cflight_error **reterr)
{
    struct cfp_hold *hold = user_data;
    PyGILState_STATE gil = PyGILState_Ensure();
    cflight_status status = CFLIGHT_OK;
    PyObject *argument = refused.len_bytes == 0 ? Py_NewRef(Py_None) : cfp_text_new(refused);
    PyObject *token = argument == NULL ? NULL : PyObject_CallOneArg(hold->object, argument);
    Py_XDECREF(argument);
    if (token == Py_None) {
        *ret_token = NULL;
        Py_DECREF(token);
    } else {
        status = give_bytes(hold->state, token, cfp_error_from_caller, ret_token, reterr);
    }
    PyGILState_Release(gil);
    return status;
}

int cfp_token_provider_table(struct cfp_state *state, PyObject *provider,
                             struct cflight_token_provider *ret_table)
{
    if (!PyCallable_Check(provider)) {
        PyErr_Format(PyExc_TypeError, "token_provider must be callable, not %.200s",
                     Py_TYPE(provider)->tp_name);
        return -1;
    }
    struct cfp_hold *hold = cfp_hold_new(state, provider);
    if (hold == NULL) {
        return -1;
    }
    *ret_table = (struct cflight_token_provider)CFLIGHT_TOKEN_PROVIDER_INIT;
    ret_table->user_data = hold;
    ret_table->get = provider_get;
    ret_table->release = cfp_hold_free;
    return 0;
}

static cflight_status server_authenticate(void *user_data, cflight_server_context *context,
                                          cflight_handshake *handshake, cflight_error **reterr)
{
    (void)context;
    struct cfp_hold *hold = user_data;
    PyGILState_STATE gil = cfp_attach();
    cflight_status status =
        run_handshake(hold, hold->state->server_auth_sender_type,
                      hold->state->server_auth_reader_type, handshake, describe_of_server, reterr);
    cfp_detach(gil);
    return status;
}

static cflight_status server_is_valid(void *user_data, cflight_server_context *context,
                                      struct cflight_bytes token, cflight_buffer **ret_identity,
                                      cflight_error **reterr)
{
    (void)context;
    struct cfp_hold *hold = user_data;
    PyGILState_STATE gil = cfp_attach();
    PyObject *bytes = cfp_bytes_new(token);
    PyObject *identity =
        bytes == NULL ? NULL : PyObject_CallMethod(hold->object, "is_valid", "(O)", bytes);
    cflight_status status =
        give_bytes(hold->state, identity, describe_of_server, ret_identity, reterr);
    Py_XDECREF(bytes);
    cfp_detach(gil);
    return status;
}

void cfp_server_auth_table(struct cfp_hold *hold, struct cflight_server_auth *ret_table)
{
    *ret_table = (struct cflight_server_auth)CFLIGHT_SERVER_AUTH_INIT;
    ret_table->user_data = hold;
    ret_table->authenticate = server_authenticate;
    ret_table->is_valid = server_is_valid;
}
