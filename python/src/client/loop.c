/* SPDX-License-Identifier: Apache-2.0 */
/* Calls under an event loop: AsyncCall, and what FlightClient offers to the package's asyncio part.
 *
 * Nothing here waits. Callbacks come from _loop_process, on the loop's thread, which keeps the GIL:
 * an object that another thread's garbage collection takes away is then not about to be called.
 * Thread class: loop only. */
#include "client/loop.h"

#include "base/convert.h"
#include "base/exceptions.h"
#include "base/wait.h"
#include "client/call.h"
#include "client/client_frame.h"

PyObject *cfp_client_loop_state(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct cflight_loop_state state = {.fd = -1, .timeout_ms = -1};
    cflight_client *client = cfp_client_handle(self);
    if (client == NULL) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    cflight_client_loop_state(client, &state);
    Py_END_ALLOW_THREADS
    return Py_BuildValue("ii", state.fd, state.timeout_ms);
}

PyObject *cfp_client_loop_process(PyObject *self, PyObject *unused)
{
    (void)unused;
    cflight_client *client = cfp_client_handle(self);
    if (client == NULL) {
        return NULL;
    }
    cflight_client_loop_process(client);
    Py_RETURN_NONE;
}

PyObject *cfp_client_loop_is_connected(PyObject *self, PyObject *unused)
{
    (void)unused;
    bool is_connected = false;
    cflight_client *client = cfp_client_handle(self);
    if (client == NULL) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    is_connected = cflight_client_is_connected(client);
    Py_END_ALLOW_THREADS
    return PyBool_FromLong(is_connected);
}

/* The callback gets None, or the exception. */
static void on_connected(void *user_data, cflight_status status, const cflight_error *error)
{
    PyObject *self = user_data;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *outcome = Py_NewRef(Py_None);
    if (status != CFLIGHT_OK) {
        Py_SETREF(outcome, cfp_exception_new(cfp_state_of(self), status, error));
    }
    if (outcome == NULL) {
        outcome = PyErr_Occurred() == NULL ? Py_NewRef(Py_None) : Py_NewRef(PyExc_MemoryError);
        PyErr_Clear();
    }
    struct cfp_client *client = (struct cfp_client *)self;
    cflight_cancel_unref(atomic_exchange(&client->connect_cancel, NULL));
    cfp_notifier_run(&client->on_connected, outcome);
    Py_DECREF(outcome);
    PyGILState_Release(gil);
}

PyObject *cfp_client_loop_connect(PyObject *self, PyObject *callback)
{
    struct cfp_client *object = (struct cfp_client *)self;
    cflight_client *client = cfp_client_handle(self);
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    cflight_error *error = NULL;
    if (client == NULL) {
        return NULL;
    }
    cflight_status status = cflight_cancel_new(&options.cancel, &error);
    if (status == CFLIGHT_OK) {
        status = cflight_client_loop_connect(client, &options, on_connected, self, &error);
    }
    if (status != CFLIGHT_OK) {
        cflight_cancel_unref(options.cancel);
        return cfp_raise(cfp_state_of(self), status, error);
    }
    object->connect_cancel = options.cancel;
    cfp_notifier_set(&object->on_connected, callback);
    Py_RETURN_NONE;
}

void cfp_client_loop_end_connect(struct cfp_client *client)
{
    cflight_cancel *cancel = atomic_exchange(&client->connect_cancel, NULL);
    if (cancel != NULL) {
        cflight_cancel_trigger(cancel);
        cflight_cancel_unref(cancel);
    }
}

struct async_call {
    CFP_HEAD
    cflight_async *async; /* NULL once closed */
    struct cfp_notifier notifier;
    struct cfp_call call;
    bool may_start_again; /* it failed, and the server certainly did no work */
};

PyObject *cfp_client_loop_start(PyObject *self, PyObject *args)
{
    struct cfp_state *state = cfp_state_of(self);
    cflight_client *client = cfp_client_handle(self);
    int method = 0;
    Py_buffer request;
    PyObject *options = NULL;
    cflight_error *error = NULL;
    struct cfp_wait wait;
    if (client == NULL || !PyArg_ParseTuple(args, "iy*O", &method, &request, &options)) {
        return NULL;
    }
    PyTypeObject *type = state->async_call_type;
    struct async_call *call = (struct async_call *)type->tp_alloc(type, 0);
    if (call == NULL || cfp_call_begin(state, options, CFP_CALL_LOOP, &call->call) < 0 ||
        cfp_wait_begin(&wait, state, NULL, NULL) < 0) {
        Py_CLEAR(call);
        goto done;
    }
    cflight_status status = cflight_async_start(
        client, (enum cflight_method)method, cflight_bytes_make(request.buf, (size_t)request.len),
        &call->call.options, &call->async, &error);
    if (cfp_wait_end(&wait, status, error) < 0) {
        Py_CLEAR(call);
    }

done:
    PyBuffer_Release(&request);
    return (PyObject *)call;
}

static void free_async(void *async)
{
    cflight_async_free(async);
}

static PyObject *async_call_close(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct async_call *call = (struct async_call *)self;
    cflight_async *async = call->async;
    call->async = NULL;
    if (async != NULL) {
        cfp_release(free_async, async);
    }
    Py_CLEAR(call->notifier.callback);
    Py_RETURN_NONE;
}

static int async_call_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((struct async_call *)self)->notifier.callback);
    return 0;
}

static int async_call_clear(PyObject *self)
{
    Py_CLEAR(((struct async_call *)self)->notifier.callback);
    return 0;
}

static void async_call_dealloc(PyObject *self)
{
    cfp_object_begin_dealloc(self);
    Py_XDECREF(async_call_close(self, NULL));
    cfp_call_end(&((struct async_call *)self)->call);
    cfp_object_end_dealloc(self);
}

static int check_open(struct async_call *call)
{
    if (call->async == NULL) {
        PyErr_SetString(PyExc_ValueError, "the call is closed");
        return -1;
    }
    return 0;
}

/* (is_ready, message or None at the end). */
static PyObject *async_call_try_next(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct async_call *call = (struct async_call *)self;
    struct cfp_wait wait;
    cflight_error *error = NULL;
    cflight_buffer *message = NULL;
    bool is_ready = false;
    if (check_open(call) < 0 || cfp_wait_begin(&wait, cfp_state_of(self), NULL, NULL) < 0) {
        return NULL;
    }
    cflight_status status = cflight_async_try_next(call->async, &is_ready, &message, &error);
    call->may_start_again =
        status != CFLIGHT_OK && cflight_error_retry(error) == CFLIGHT_RETRY_SAFE;
    if (cfp_wait_end(&wait, status, error) < 0) {
        return NULL;
    }
    PyObject *object = cfp_buffer_take(cfp_state_of(self), message);
    return object == NULL ? NULL : Py_BuildValue("ON", is_ready ? Py_True : Py_False, object);
}

static PyObject *async_call_notify(PyObject *self, PyObject *callback)
{
    struct async_call *call = (struct async_call *)self;
    if (check_open(call) < 0) {
        return NULL;
    }
    bool is_set = cfp_notifier_set(&call->notifier, callback);
    Py_BEGIN_ALLOW_THREADS
    cflight_async_notify(call->async, is_set ? cfp_notifier_ready : NULL, &call->notifier);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyMethodDef async_call_methods[] = {
    {"try_next", async_call_try_next, METH_NOARGS,
     PyDoc_STR("try_next($self)\n--\n\nReturn (is ready, message), None at the end.")},
    {"notify", async_call_notify, METH_O,
     PyDoc_STR("notify($self, callback, /)\n--\n\nHave `callback` called once when trying helps.")},
    {"close", async_call_close, METH_NOARGS,
     PyDoc_STR("close($self)\n--\n\nCancel the call if it runs. Safe to repeat.")},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef async_call_members[] = {
    {"_cflight_may_start_again", T_BOOL, offsetof(struct async_call, may_start_again), READONLY,
     PyDoc_STR("Whether the call failed and the server certainly did no work.")},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(struct cfp_object, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyDoc_STRVAR(async_call_doc, "A call with one request, driven by an event loop.");

static PyType_Slot async_call_slots[] = {
    {Py_tp_doc, (void *)async_call_doc},
    {Py_tp_dealloc, (void *)async_call_dealloc},
    {Py_tp_traverse, (void *)async_call_traverse},
    {Py_tp_clear, (void *)async_call_clear},
    {Py_tp_methods, async_call_methods},
    {Py_tp_members, async_call_members},
    {0, NULL},
};

PyType_Spec cfp_async_call_spec = {
    .name = "cflight.AsyncCall",
    .basicsize = sizeof(struct async_call),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_GC,
    .slots = async_call_slots,
};
