/* SPDX-License-Identifier: Apache-2.0 */
/* The iterators of list_flights and do_action: messages as the server sends them.
 *
 * An iterator owns its stream; dropping or closing it cancels the call. The stream is for one
 * thread at a time: steps take turns under the lock, which is taken without the GIL only. Thread
 * class: free. */
#include "client/client.h"

#include <pthread.h>

#include "base/convert.h"
#include "base/exceptions.h"
#include "base/wait.h"
#include "client/call.h"
#include "client/client_frame.h"

struct iterator {
    CFP_HEAD
    pthread_mutex_t lock;
    bool has_lock;
    atomic_bool is_over;
    struct cfp_call call;
    PyObject *client;            /* list_flights */
    PyObject *criteria;          /* list_flights: bytes or None */
    bool has_started;            /* list_flights; under the lock */
    _Atomic(PyObject *) failure; /* do_action: what the first step raises */
    cflight_info_stream *infos;
    cflight_result_stream *results;
};

static struct iterator *iterator_new(PyTypeObject *type)
{
    struct iterator *self = (struct iterator *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->has_lock = pthread_mutex_init(&self->lock, NULL) == 0;
    }
    return self;
}

static void release_streams(void *pointer)
{
    struct iterator *self = pointer;
    pthread_mutex_lock(&self->lock);
    cflight_info_stream_free(self->infos);
    cflight_result_stream_free(self->results);
    self->infos = NULL;
    self->results = NULL;
    pthread_mutex_unlock(&self->lock);
}

/* Ends the iteration: cancels the call if it runs. A thread that is in a step gets Cancelled. */
static PyObject *iterator_close(PyObject *object, PyObject *unused)
{
    (void)unused;
    struct iterator *self = (struct iterator *)object;
    self->is_over = true;
    if (self->call.cancel != NULL) {
        cflight_cancel_trigger(self->call.cancel);
        cfp_release(release_streams, self);
    }
    Py_RETURN_NONE;
}

static int iterator_traverse(PyObject *object, visitproc visit, void *arg)
{
    const struct iterator *self = (struct iterator *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->client);
    Py_VISIT(self->call.source);
    Py_VISIT(atomic_load(&((struct iterator *)object)->failure));
    return 0;
}

/* The options stay until the call is over: it refers to what they hold. */
static int iterator_clear(PyObject *object)
{
    struct iterator *self = (struct iterator *)object;
    self->is_over = true;
    Py_CLEAR(self->client);
    Py_XDECREF(atomic_exchange(&self->failure, NULL));
    return 0;
}

static void iterator_dealloc(PyObject *object)
{
    struct iterator *self = (struct iterator *)object;
    cfp_object_begin_dealloc(object);
    if (self->infos != NULL || self->results != NULL) {
        cfp_release(release_streams, self);
    }
    cfp_call_end(&self->call);
    Py_CLEAR(self->client);
    Py_CLEAR(self->criteria);
    Py_XDECREF(atomic_exchange(&self->failure, NULL));
    if (self->has_lock) {
        (void)pthread_mutex_destroy(&self->lock);
    }
    cfp_object_end_dealloc(object);
}

PyObject *cfp_info_iterator_new(struct cfp_state *state, PyObject *client, PyObject *criteria,
                                PyObject *options)
{
    struct iterator *self = iterator_new(state->info_iterator_type);
    if (self == NULL) {
        return NULL;
    }
    self->client = Py_NewRef(client);
    self->criteria = Py_NewRef(criteria);
    if (cfp_client_handle(client) == NULL ||
        cfp_call_begin(state, options, CFP_CALL_ITERATOR, &self->call) < 0) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

/* Starts the call with the first step. Under the lock, without the GIL. */
static cflight_status next_info_locked(struct iterator *self, struct cflight_info **ret_info,
                                       cflight_error **reterr)
{
    struct cflight_bytes criteria = {0};
    cflight_status status = CFLIGHT_OK;
    if (!self->has_started) {
        self->has_started = true;
        if (self->criteria != Py_None) {
            criteria = cfp_view(self->criteria);
        }
        status = cflight_client_list_flights(((struct cfp_client *)self->client)->client, criteria,
                                             &self->call.options, &self->infos, reterr);
    }
    if (status == CFLIGHT_OK && self->infos != NULL) {
        status = cflight_info_stream_next(self->infos, ret_info, reterr);
    }
    return status;
}

static PyObject *info_iterator_next(PyObject *object)
{
    struct iterator *self = (struct iterator *)object;
    struct cfp_state *state = cfp_state_of(object);
    struct cflight_info *info = NULL;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    struct cfp_wait wait;
    if (self->is_over) {
        return NULL;
    }
    if (cfp_wait_begin(&wait, state, cfp_interrupt_cancel, self->call.cancel) < 0) {
        return NULL;
    }
    pthread_mutex_lock(&self->lock);
    status = next_info_locked(self, &info, &error);
    pthread_mutex_unlock(&self->lock);
    if (cfp_wait_end(&wait, status, error) < 0) {
        self->is_over = true;
        return NULL;
    }
    if (info == NULL) {
        self->is_over = true;
        return NULL;
    }
    PyObject *result = cfp_info_new(state, info);
    cflight_info_free(info);
    return result;
}

/* Misuse is found before anything is sent, on no peer. */
static bool is_misuse(cflight_status status, const cflight_error *error)
{
    return (status == CFLIGHT_FAILED_PRECONDITION || status == CFLIGHT_INVALID_ARGUMENT) &&
           cflight_error_peer(error)[0] == '\0';
}

/* Keeps a failure of the call for the first step; Ctrl+C is raised now. */
static int postpone_failure(struct iterator *self)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        return -1;
    }
    self->failure = cfp_exception_take();
    return 0;
}

/* 0 when the call has begun, or failed in a way that its first step raises. */
static int start_action(struct iterator *self, struct cfp_state *state, cflight_client *client,
                        const struct cflight_action *action)
{
    cflight_error *error = NULL;
    struct cfp_wait wait;
    if (cfp_wait_begin(&wait, state, cfp_interrupt_cancel, self->call.cancel) < 0) {
        return -1;
    }
    cflight_status status =
        cflight_client_do_action(client, action, &self->call.options, &self->results, &error);
    if (status == CFLIGHT_OK) {
        status = cflight_result_stream_wait(self->results, &error);
    }
    bool is_raised_now = is_misuse(status, error);
    if (cfp_wait_end(&wait, status, error) == 0) {
        return 0;
    }
    return is_raised_now ? -1 : postpone_failure(self);
}

PyObject *cfp_result_iterator_new(struct cfp_state *state, PyObject *client,
                                  const struct cflight_action *action, PyObject *options)
{
    struct iterator *self = iterator_new(state->result_iterator_type);
    if (self == NULL) {
        return NULL;
    }
    cflight_client *handle = cfp_client_handle(client);
    if (handle == NULL || cfp_call_begin(state, options, CFP_CALL_ITERATOR, &self->call) < 0 ||
        start_action(self, state, handle, action) < 0) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static PyObject *result_iterator_next(PyObject *object)
{
    struct iterator *self = (struct iterator *)object;
    struct cfp_state *state = cfp_state_of(object);
    cflight_buffer *body = NULL;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    struct cfp_wait wait;
    if (self->is_over) {
        return NULL;
    }
    PyObject *failure = atomic_exchange(&self->failure, NULL);
    if (failure != NULL) {
        self->is_over = true;
        cfp_exception_restore(failure);
        return NULL;
    }
    if (cfp_wait_begin(&wait, state, cfp_interrupt_cancel, self->call.cancel) < 0) {
        return NULL;
    }
    pthread_mutex_lock(&self->lock);
    if (self->results != NULL) {
        status = cflight_result_stream_next(self->results, &body, &error);
    }
    pthread_mutex_unlock(&self->lock);
    if (cfp_wait_end(&wait, status, error) < 0 || body == NULL) {
        self->is_over = true;
        return NULL;
    }
    return cfp_result_take(state, body);
}

static PyObject *iterator_enter(PyObject *self, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(self);
}

static PyMethodDef iterator_methods[] = {
    {"close", iterator_close, METH_NOARGS,
     PyDoc_STR("close($self)\n--\n\nCancel the call if it runs. Safe to repeat.")},
    {"__enter__", iterator_enter, METH_NOARGS, PyDoc_STR("__enter__($self)\n--\n\nReturn self.")},
    {"__exit__", iterator_close, METH_VARARGS,
     PyDoc_STR("__exit__($self, *args)\n--\n\nCall close().")},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(info_iterator_doc,
             "Iterates the :class:`FlightInfo` that a server lists, as they come.\n\n"
             "Examples\n--------\n>>> for info in client.list_flights():\n...     print(info)");

static PyType_Slot info_iterator_slots[] = {
    {Py_tp_doc, (void *)info_iterator_doc},
    {Py_tp_dealloc, (void *)iterator_dealloc},
    {Py_tp_traverse, (void *)iterator_traverse},
    {Py_tp_clear, (void *)iterator_clear},
    {Py_tp_iter, (void *)PyObject_SelfIter},
    {Py_tp_iternext, (void *)info_iterator_next},
    {Py_tp_methods, iterator_methods},
    {Py_tp_members, cfp_members},
    {0, NULL},
};

PyType_Spec cfp_info_iterator_spec = {
    .name = "cflight.FlightInfoIterator",
    .basicsize = sizeof(struct iterator),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_GC,
    .slots = info_iterator_slots,
};

PyDoc_STRVAR(result_iterator_doc,
             "Iterates the :class:`Result` of an action, as they come. Dropping it cancels the "
             "action.\n\n"
             "Examples\n--------\n>>> for result in client.do_action(\"ping\"):\n"
             "...     print(result.body.to_pybytes())");

static PyType_Slot result_iterator_slots[] = {
    {Py_tp_doc, (void *)result_iterator_doc},
    {Py_tp_dealloc, (void *)iterator_dealloc},
    {Py_tp_traverse, (void *)iterator_traverse},
    {Py_tp_clear, (void *)iterator_clear},
    {Py_tp_iter, (void *)PyObject_SelfIter},
    {Py_tp_iternext, (void *)result_iterator_next},
    {Py_tp_methods, iterator_methods},
    {Py_tp_members, cfp_members},
    {0, NULL},
};

PyType_Spec cfp_result_iterator_spec = {
    .name = "cflight.FlightResultIterator",
    .basicsize = sizeof(struct iterator),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_GC,
    .slots = result_iterator_slots,
};
