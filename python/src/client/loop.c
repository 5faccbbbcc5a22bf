/* SPDX-License-Identifier: Apache-2.0 */
/* Calls under an event loop: AsyncCall, and what FlightClient offers to the package's asyncio part.
 *
 * Nothing here waits. Callbacks come from _loop_process, on the loop's thread, which keeps the GIL:
 * an object that another thread's garbage collection takes away is then not about to be called.
 * Thread class: loop only. */
#include "client/loop.h"

#include "arrow/arrow.h"
#include "base/convert.h"
#include "base/exceptions.h"
#include "base/wait.h"
#include "client/call.h"
#include "client/client_frame.h"
#include "streams/notifier.h"
#include "streams/streams.h"

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

struct async_call {
    CFP_HEAD
    cflight_async *async; /* NULL once closed */
    struct cfp_notifier notifier;
    int method;
    struct ArrowSchema schema; /* of a DoPut, until its streams are taken */
};

/* Starts the call; 0 or -1. */
static int start(struct async_call *call, cflight_client *client, const Py_buffer *request,
                 PyObject *options)
{
    struct cfp_state *state = cfp_state_of((PyObject *)call);
    struct cfp_call borrowed;
    struct cfp_wait wait;
    cflight_error *error = NULL;
    int result = cfp_call_begin(state, options, CFP_CALL_LOOP, &borrowed);
    if (result == 0) {
        result = cfp_wait_begin(&wait, state, NULL, NULL);
    }
    if (result == 0) {
        cflight_status status =
            cflight_async_start(client, (enum cflight_method)call->method,
                                cflight_bytes_make(request->buf, (size_t)request->len),
                                &borrowed.options, &call->async, &error);
        result = cfp_wait_end(&wait, status, error);
    }
    cfp_call_end(&borrowed);
    return result;
}

PyObject *cfp_client_loop_start(PyObject *self, PyObject *args)
{
    cflight_client *client = cfp_client_handle(self);
    PyTypeObject *type = cfp_state_of(self)->async_call_type;
    int method = 0;
    Py_buffer request;
    PyObject *options = NULL;
    PyObject *schema = NULL;
    if (client == NULL || !PyArg_ParseTuple(args, "iy*O|O", &method, &request, &options, &schema)) {
        return NULL;
    }
    struct async_call *call = (struct async_call *)type->tp_alloc(type, 0);
    if (call != NULL) {
        call->method = method;
        if ((schema != NULL && cfp_schema_get(schema, "schema", &call->schema) < 0) ||
            start(call, client, &request, options) < 0) {
            Py_CLEAR(call);
        }
    }
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
    if (call->schema.release != NULL) {
        call->schema.release(&call->schema);
    }
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

/* What a call gave: a message, or its streams. */
struct answer {
    bool is_ready;
    cflight_buffer *message;
    cflight_reader *reader;
    cflight_writer *writer;
    cflight_metadata_reader *metadata;
};

static cflight_status take(struct async_call *call, struct answer *answer, cflight_error **reterr)
{
    cflight_status status =
        cflight_async_try_next(call->async, &answer->is_ready, &answer->message, reterr);
    if (status != CFLIGHT_OK || !answer->is_ready) {
        return status;
    }
    if (call->method == CFLIGHT_METHOD_DO_GET) {
        return cflight_async_take_reader(call->async, &answer->reader, reterr);
    }
    if (call->method == CFLIGHT_METHOD_DO_PUT) {
        return cflight_async_take_put(call->async, &call->schema, &answer->writer,
                                      &answer->metadata, reterr);
    }
    if (call->method == CFLIGHT_METHOD_DO_EXCHANGE) {
        return cflight_async_take_exchange(call->async, &answer->writer, &answer->reader, reterr);
    }
    return CFLIGHT_OK;
}

static PyObject *object_of(struct async_call *call, const struct answer *answer)
{
    struct cfp_state *state = cfp_state_of((PyObject *)call);
    if (answer->metadata != NULL) {
        return cfp_client_put_pair(state, answer->writer, &call->schema, answer->metadata, true);
    }
    if (answer->writer != NULL) {
        return cfp_client_exchange_pair(state, answer->writer, answer->reader, true);
    }
    if (answer->reader != NULL) {
        return cfp_reader_new(state, cfp_read_core_new(state, answer->reader, true));
    }
    return cfp_own_buffer_take(state, answer->message); /* to be parsed, no user sees it */
}

/* (is_ready, message or None at the end; a reader, or a pair of writer and reader). */
static PyObject *async_call_try_next(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct async_call *call = (struct async_call *)self;
    struct cfp_wait wait;
    struct answer answer = {.is_ready = false};
    cflight_error *error = NULL;
    if (check_open(call) < 0 || cfp_wait_begin(&wait, cfp_state_of(self), NULL, NULL) < 0) {
        return NULL;
    }
    cflight_status status = take(call, &answer, &error);
    if (cfp_wait_end(&wait, status, error) < 0) {
        return NULL;
    }
    PyObject *object = object_of(call, &answer);
    return object == NULL ? NULL
                          : Py_BuildValue("ON", answer.is_ready ? Py_True : Py_False, object);
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
     PyDoc_STR("try_next($self)\n--\n\nReturn (is ready, message or streams), None at the end.")},
    {"notify", async_call_notify, METH_O,
     PyDoc_STR("notify($self, callback, /)\n--\n\nHave `callback` called once when trying helps.")},
    {"close", async_call_close, METH_NOARGS,
     PyDoc_STR("close($self)\n--\n\nCancel the call if it runs. Safe to repeat.")},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(async_call_doc, "A call that is driven by an event loop.");

static PyType_Slot async_call_slots[] = {
    {Py_tp_doc, (void *)async_call_doc},
    {Py_tp_dealloc, (void *)async_call_dealloc},
    {Py_tp_traverse, (void *)async_call_traverse},
    {Py_tp_clear, (void *)async_call_clear},
    {Py_tp_methods, async_call_methods},
    {Py_tp_members, cfp_members},
    {0, NULL},
};

PyType_Spec cfp_async_call_spec = {
    .name = "cflight.AsyncCall",
    .basicsize = sizeof(struct async_call),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_GC,
    .slots = async_call_slots,
};
