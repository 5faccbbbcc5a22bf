/* SPDX-License-Identifier: Apache-2.0 */
/* A call of a service's method that is a Python callable: handler(context, request) gives the
 * answer, where `request` is the one message, or an iterator of them, and the answer likewise.
 * Messages are bytes.
 *
 * The iterator may be read on another thread than the handler's. It ends with the handler: later
 * uses are a ValueError, and the handler's end waits for a read that is under way. Thread class:
 * free, the iterator: with the GIL. */
#include <pthread.h>

#include "base/attach.h"
#include "base/convert.h"
#include "base/exceptions.h"
#include "base/wait.h"
#include "server/handler.h"
#include "server/services.h"

struct requests {
    CFP_HEAD
    pthread_mutex_t lock;       /* taken without the GIL */
    cflight_service_call *call; /* under the lock; NULL once the handler returned */
};

static PyObject *requests_new(struct cfp_state *state, cflight_service_call *call)
{
    PyTypeObject *type = state->service_requests_type;
    struct requests *self = (struct requests *)type->tp_alloc(type, 0);
    if (self != NULL) {
        (void)pthread_mutex_init(&self->lock, NULL);
        self->call = call;
    }
    return (PyObject *)self;
}

static void requests_dealloc(PyObject *object)
{
    cfp_object_begin_dealloc(object);
    (void)pthread_mutex_destroy(&((struct requests *)object)->lock);
    cfp_object_end_dealloc(object);
}

/* The next message; NULL at the end, without an exception. */
static PyObject *requests_next(PyObject *object)
{
    struct requests *self = (struct requests *)object;
    struct cfp_wait wait;
    cflight_buffer *message = NULL;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    if (cfp_wait_begin(&wait, cfp_state_of(object), NULL, NULL) < 0) {
        return NULL;
    }
    pthread_mutex_lock(&self->lock);
    bool is_over = self->call == NULL;
    if (!is_over) {
        status = cflight_service_call_read(self->call, &message, &error);
    }
    pthread_mutex_unlock(&self->lock);
    if (cfp_wait_end(&wait, status, error) < 0) {
        return NULL;
    }
    if (is_over) {
        return PyErr_Format(PyExc_ValueError, "the call of these requests is over");
    }
    return message == NULL ? NULL : cfp_bytes_take(message);
}

static void requests_detach(PyObject *object)
{
    struct requests *self = (struct requests *)object;
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&self->lock);
    self->call = NULL;
    pthread_mutex_unlock(&self->lock);
    Py_END_ALLOW_THREADS
}

static int send_message(struct cfp_handler *handler, cflight_service_call *call, PyObject *message)
{
    Py_buffer view;
    struct cfp_wait wait;
    cflight_error *error = NULL;
    int code = -1;
    if (!PyObject_CheckBuffer(message)) {
        PyErr_Format(PyExc_TypeError,
                     "a method of a service gives messages as bytes-like objects, not %.200s",
                     Py_TYPE(message)->tp_name);
        return -1;
    }
    if (PyObject_GetBuffer(message, &view, PyBUF_SIMPLE) < 0) {
        return -1;
    }
    if (cfp_wait_begin(&wait, handler->state, NULL, NULL) == 0) {
        struct cflight_bytes bytes = cflight_bytes_make(view.buf, (size_t)view.len);
        code = cfp_wait_end(&wait, cflight_service_call_write(call, bytes, &error), error);
    }
    PyBuffer_Release(&view);
    return code;
}

/* Sends each message when the iterable gives it. */
static void send_messages(struct cfp_handler *handler, cflight_service_call *call,
                          PyObject *messages)
{
    PyObject *iterator = PyObject_GetIter(messages);
    PyObject *message = NULL;
    int code = 0;
    while (iterator != NULL && code == 0 && (message = PyIter_Next(iterator)) != NULL) {
        code = send_message(handler, call, message);
        Py_DECREF(message);
    }
    Py_XDECREF(iterator);
}

static void answer(struct cfp_handler *handler, const struct cfp_service_method *method,
                   cflight_service_call *call, PyObject *requests)
{
    PyObject *request = method->client_streams ? Py_NewRef(requests) : requests_next(requests);
    PyObject *result = NULL;
    if (request != NULL) {
        PyObject *arguments[] = {handler->context_object, request};
        result = PyObject_Vectorcall(method->handler->object, arguments, 2, NULL);
    }
    if (result != NULL && !method->server_streams) {
        (void)send_message(handler, call, result);
    } else if (result != NULL && result != Py_None) {
        send_messages(handler, call, result);
    }
    Py_XDECREF(result);
    Py_XDECREF(request);
}

cflight_status cfp_service_handle(void *user_data, cflight_server_context *context,
                                  cflight_service_call *call, cflight_error **reterr)
{
    struct cfp_service_method *method = user_data;
    struct cfp_handler handler;
    cflight_status status = cfp_handler_begin(&handler, method->link, context, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    PyObject *requests = handler.context_object == NULL ? NULL : requests_new(handler.state, call);
    if (requests != NULL) {
        answer(&handler, method, call, requests);
        requests_detach(requests);
        Py_DECREF(requests);
    }
    return cfp_handler_end(&handler, reterr);
}

/* Nothing is left to be told of once the interpreter ends. */
void cfp_service_on_shutdown(void *user_data)
{
    struct cfp_service_method *method = user_data;
    if (!Py_IsInitialized()) {
        return;
    }
    PyGILState_STATE gil = cfp_attach();
    PyObject *exception = cfp_exception_take();
    PyObject *on_shutdown = Py_NewRef(method->on_shutdown->object);
    PyObject *result = on_shutdown == Py_None ? NULL : PyObject_CallNoArgs(on_shutdown);
    if (PyErr_Occurred() != NULL) {
        cfp_warn_unraisable("on_shutdown of a service's method");
    }
    Py_XDECREF(result);
    Py_DECREF(on_shutdown);
    cfp_exception_restore(exception);
    cfp_detach(gil);
}

PyDoc_STRVAR(requests_doc, "The messages of a client that streams, as bytes: an iterator, which "
                           "waits for each. It ends with the method that it was given to.");

static PyType_Slot requests_slots[] = {
    {Py_tp_doc, (void *)requests_doc},
    {Py_tp_dealloc, (void *)requests_dealloc},
    {Py_tp_iter, (void *)PyObject_SelfIter},
    {Py_tp_iternext, (void *)requests_next},
    {Py_tp_members, cfp_members},
    {0, NULL},
};

PyType_Spec cfp_service_requests_spec = {
    .name = "cflight.ServiceRequests",
    .basicsize = sizeof(struct requests),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = requests_slots,
};
