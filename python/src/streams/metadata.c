/* SPDX-License-Identifier: Apache-2.0 */
/* FlightMetadataReader (a DoPut client's) and FlightMetadataWriter (a DoPut server's): the messages
 * that go back while data flows.
 * Thread class: free; uses of one object take turns, beside the data's reader or writer. */
#include "streams/streams.h"

#include "cflight/loop.h"

#include "base/convert.h"
#include "base/exceptions.h"
#include "base/wait.h"
#include "streams/notifier.h"

int cfp_check_metadata(struct cfp_state *state, Py_ssize_t len_bytes)
{
    if (len_bytes <= CFLIGHT_MESSAGE_BYTES_MAX) {
        return 0;
    }
    PyErr_SetString(state->arrow_capacity_error, "app_metadata size overflow (>= 2**31)");
    return -1;
}

struct metadata_reader {
    CFP_HEAD
    struct cfp_notifier notifier; /* event loops */
    pthread_mutex_t lock;
    cflight_metadata_reader *reader;
    atomic_bool is_told; /* of the call's failure, by the writer */
};

PyObject *cfp_metadata_reader_new(struct cfp_state *state, cflight_metadata_reader *reader)
{
    PyTypeObject *type = state->metadata_reader_type;
    struct metadata_reader *self = (struct metadata_reader *)type->tp_alloc(type, 0);
    if (self == NULL) {
        cflight_metadata_reader_free(reader);
        return NULL;
    }
    (void)pthread_mutex_init(&self->lock, NULL);
    self->reader = reader;
    return (PyObject *)self;
}

/* One that belongs to no call, for unit tests. */
static PyObject *metadata_reader_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    struct metadata_reader *self = (struct metadata_reader *)type->tp_alloc(type, 0);
    if (self != NULL) {
        (void)pthread_mutex_init(&self->lock, NULL);
    }
    return (PyObject *)self;
}

static void release_reader(void *pointer)
{
    struct metadata_reader *self = pointer;
    if (self->reader != NULL) {
        cflight_metadata_reader_notify(self->reader, NULL, NULL);
    }
    cflight_metadata_reader_free(self->reader);
    (void)pthread_mutex_destroy(&self->lock);
}

static int metadata_reader_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((struct metadata_reader *)self)->notifier.callback);
    return 0;
}

static int metadata_reader_clear(PyObject *self)
{
    Py_CLEAR(((struct metadata_reader *)self)->notifier.callback);
    return 0;
}

static void metadata_reader_dealloc(PyObject *self)
{
    cfp_object_begin_dealloc(self);
    cfp_release(release_reader, self);
    Py_CLEAR(((struct metadata_reader *)self)->notifier.callback);
    cfp_object_end_dealloc(self);
}

void cfp_metadata_reader_tell(PyObject *reader)
{
    atomic_store(&((struct metadata_reader *)reader)->is_told, true);
}

/* Whether the server ended the call, rather than a limit, a cancellation or the connection. To a
 * reader of answers that is their end; writing, or closing the writer, tells of the failure first.
 */
static bool is_of_server(cflight_status status, const cflight_error *error)
{
    return cflight_error_arrow_code(error) >= 0 || cflight_error_trailer_count(error) > 0 ||
           (status != CFLIGHT_CANCELLED && status != CFLIGHT_DEADLINE_EXCEEDED &&
            status != CFLIGHT_UNAVAILABLE && cflight_error_peer(error)[0] != '\0');
}

/* Reads the next answer, waiting at most so long (negative: without limit). 1, 0 when the time is
 * up, or -1. */
static int read_for(struct metadata_reader *self, int64_t timeout_ms, cflight_buffer **ret_metadata)
{
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    bool is_ready = true;
    cfp_caller_enter();
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&self->lock);
    status = self->reader == NULL ? cflight_error_set_message(&error, CFLIGHT_FAILED_PRECONDITION,
                                                              "this reader never had a call")
                                  : cflight_metadata_reader_try_next(
                                        self->reader, timeout_ms, &is_ready, ret_metadata, &error);
    pthread_mutex_unlock(&self->lock);
    Py_END_ALLOW_THREADS
    PyObject *own = cfp_caller_leave();
    if (own == NULL && status != CFLIGHT_OK && is_of_server(status, error) &&
        !atomic_load(&self->is_told)) {
        cflight_error_free(error);
        return 1;
    }
    if (status != CFLIGHT_OK) {
        cfp_raise_own(cfp_state_of((PyObject *)self), status, error, own);
        return -1;
    }
    Py_XDECREF(own);
    return is_ready ? 1 : 0;
}

static PyObject *metadata_reader_read(PyObject *object, PyObject *unused)
{
    (void)unused;
    struct metadata_reader *self = (struct metadata_reader *)object;
    struct cfp_state *state = cfp_state_of(object);
    int64_t timeout_ms = cfp_is_main_thread(state) ? CFP_WAIT_SLICE_MS : -1;
    for (;;) {
        cflight_buffer *metadata = NULL;
        int outcome = read_for(self, timeout_ms, &metadata);
        if (outcome != 0) {
            return outcome < 0 ? NULL : cfp_buffer_take(state, metadata);
        }
        if (PyErr_CheckSignals() < 0) {
            return NULL;
        }
    }
}

/* (is ready, answer or None at the end), without waiting. */
static PyObject *metadata_reader_try_read(PyObject *object, PyObject *unused)
{
    (void)unused;
    cflight_buffer *metadata = NULL;
    int outcome = read_for((struct metadata_reader *)object, 0, &metadata);
    if (outcome < 0) {
        return NULL;
    }
    PyObject *answer = cfp_buffer_take(cfp_state_of(object), metadata);
    return answer == NULL ? NULL : Py_BuildValue("ON", outcome ? Py_True : Py_False, answer);
}

static PyObject *metadata_reader_notify(PyObject *object, PyObject *callback)
{
    struct metadata_reader *self = (struct metadata_reader *)object;
    bool is_set = cfp_notifier_set(&self->notifier, callback);
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&self->lock);
    if (self->reader != NULL) {
        cflight_metadata_reader_notify(self->reader, is_set ? cfp_notifier_ready : NULL,
                                       &self->notifier);
    }
    pthread_mutex_unlock(&self->lock);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyMethodDef metadata_reader_methods[] = {
    {"read", metadata_reader_read, METH_NOARGS,
     PyDoc_STR(
         "read($self)\n--\n\n"
         "Return the next answer as a pyarrow.Buffer, or a :class:`Buffer`; None at the end, also "
         "when the server ends the call with a failure, until the writer has raised that.\n\n"
         "Blocks; may run while another thread writes.")},
    {"_cflight_try_read", metadata_reader_try_read, METH_NOARGS,
     PyDoc_STR("Return (is ready, answer), None at the end; for event loops.")},
    {"_cflight_notify", metadata_reader_notify, METH_O,
     PyDoc_STR("Have a callback called once when _try_read helps.")},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(metadata_reader_doc,
             "Reads what a DoPut server answers while data flows.\n\n"
             "Examples\n--------\n>>> writer, answers = client.do_put(descriptor, schema)\n"
             ">>> writer.write_batch(batch)\n>>> answers.read().to_pybytes()");

static PyType_Slot metadata_reader_slots[] = {
    {Py_tp_doc, (void *)metadata_reader_doc},
    {Py_tp_new, (void *)metadata_reader_new},
    {Py_tp_init, (void *)cfp_init_any},
    {Py_tp_dealloc, (void *)metadata_reader_dealloc},
    {Py_tp_traverse, (void *)metadata_reader_traverse},
    {Py_tp_clear, (void *)metadata_reader_clear},
    {Py_tp_methods, metadata_reader_methods},
    {Py_tp_members, cfp_members},
    {0, NULL},
};

PyType_Spec cfp_metadata_reader_spec = {
    .name = "cflight.FlightMetadataReader",
    .basicsize = sizeof(struct metadata_reader),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = metadata_reader_slots,
};

struct metadata_writer {
    CFP_HEAD
    pthread_mutex_t lock;
    cflight_metadata_writer
        *writer; /* under the lock; NULL once the handler returned, and in tests */
};

PyObject *cfp_metadata_writer_new(struct cfp_state *state, cflight_metadata_writer *writer)
{
    PyTypeObject *type = state->metadata_writer_type;
    struct metadata_writer *self = (struct metadata_writer *)type->tp_alloc(type, 0);
    if (self != NULL) {
        (void)pthread_mutex_init(&self->lock, NULL);
        self->writer = writer;
    }
    return (PyObject *)self;
}

/* One that belongs to no call, for unit tests of handlers. */
static PyObject *metadata_writer_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    struct metadata_writer *self = (struct metadata_writer *)type->tp_alloc(type, 0);
    if (self != NULL) {
        (void)pthread_mutex_init(&self->lock, NULL);
    }
    return (PyObject *)self;
}

void cfp_metadata_writer_detach(PyObject *object)
{
    struct metadata_writer *self = (struct metadata_writer *)object;
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&self->lock);
    self->writer = NULL;
    pthread_mutex_unlock(&self->lock);
    Py_END_ALLOW_THREADS
}

static void metadata_writer_dealloc(PyObject *self)
{
    cfp_object_begin_dealloc(self);
    (void)pthread_mutex_destroy(&((struct metadata_writer *)self)->lock);
    cfp_object_end_dealloc(self);
}

static PyObject *metadata_writer_write(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"message", NULL};
    struct metadata_writer *self = (struct metadata_writer *)object;
    struct cfp_state *state = cfp_state_of(object);
    PyObject *message = NULL;
    Py_buffer view;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:write", names, &message) ||
        PyObject_GetBuffer(message, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    if (cfp_check_metadata(state, view.len) < 0) {
        PyBuffer_Release(&view);
        return NULL;
    }
    struct cflight_bytes bytes = cflight_bytes_make(view.buf, (size_t)view.len);
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&self->lock);
    status = self->writer == NULL
                 ? cflight_error_set_message(&error, CFLIGHT_FAILED_PRECONDITION,
                                             "the writer's call is over, or it never had one")
                 : cflight_metadata_writer_write(self->writer, bytes, &error);
    pthread_mutex_unlock(&self->lock);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&view);
    if (status != CFLIGHT_OK) {
        return cfp_raise(state, status, error);
    }
    Py_RETURN_NONE;
}

static PyMethodDef metadata_writer_methods[] = {
    {"write", CFP_KEYWORDS(metadata_writer_write), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("write($self, message)\n--\n\nSend an answer (bytes-like) to the client.")},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(
    metadata_writer_doc,
    "Answers a DoPut client while data flows; given to :meth:`FlightServerBase.do_put`.\n\n"
    "Raises\n------\nFlightError\n    The call is over.\n\n"
    "Examples\n--------\n>>> for batch, metadata in reader:\n"
    "...     writer.write(b\"stored\")");

static PyType_Slot metadata_writer_slots[] = {
    {Py_tp_doc, (void *)metadata_writer_doc},
    {Py_tp_new, (void *)metadata_writer_new},
    {Py_tp_init, (void *)cfp_init_any},
    {Py_tp_dealloc, (void *)metadata_writer_dealloc},
    {Py_tp_methods, metadata_writer_methods},
    {Py_tp_members, cfp_members},
    {0, NULL},
};

PyType_Spec cfp_metadata_writer_spec = {
    .name = "cflight.FlightMetadataWriter",
    .basicsize = sizeof(struct metadata_writer),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = metadata_writer_slots,
};
