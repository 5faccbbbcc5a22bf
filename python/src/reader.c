/* SPDX-License-Identifier: Apache-2.0 */
/* MetadataRecordBatchReader and FlightStreamReader.
 *
 * Reading on the main thread waits in slices and runs signal handlers between them: Ctrl+C raises,
 * other handlers run and the read goes on, and nothing of the stream is lost. Other threads wait in
 * one piece. Statistics are copied out after each step, so reading them never blocks.
 * Thread class: free; reads of one stream take turns. */
#include "streams.h"

#include <errno.h>
#include <string.h>

#include "arrow.h"
#include "convert.h"
#include "exceptions.h"
#include "loop.h"
#include "wait.h"

struct reader {
    CFP_HEAD
    PyObject *dict;               /* callers may keep attributes here */
    struct cfp_notifier notifier; /* event loops */
    struct cfp_read_core *core;   /* one without a reader in what unit tests make */
    _Atomic(PyObject *) schema;   /* once it arrived; never replaced */
    cfp_mutex stats_mutex;
    struct cflight_ipc_stats stats;
    bool may_start_again; /* the call failed, and the server certainly did no work */
};

static cflight_status reader_is_over(cflight_error **reterr)
{
    return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                     "the reader is closed, or its call is over");
}

PyObject *cfp_reader_new(struct cfp_state *state, struct cfp_read_core *core)
{
    if (core == NULL) {
        return NULL;
    }
    PyTypeObject *type = core->is_owned ? state->stream_reader_type : state->reader_type;
    struct reader *self = (struct reader *)type->tp_alloc(type, 0);
    if (self == NULL) {
        cfp_read_core_unref(core);
        return NULL;
    }
    self->core = core;
    return (PyObject *)self;
}

/* A reader that belongs to no call, for unit tests of handlers. */
static PyObject *reader_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    struct cfp_read_core *core = cfp_read_core_new(cfp_state_of_type(type), NULL, false);
    struct reader *self = core == NULL ? NULL : (struct reader *)type->tp_alloc(type, 0);
    if (self == NULL) {
        cfp_read_core_unref(core);
        return NULL;
    }
    self->core = core;
    return (PyObject *)self;
}

static void release_core(void *core)
{
    cfp_read_core_unref(core);
}

/* Has a callback called once when trying to read helps; None takes it back. */
static PyObject *reader_notify(PyObject *self, PyObject *callback)
{
    struct reader *reader = (struct reader *)self;
    struct cfp_read_core *core = reader->core;
    bool is_set = cfp_notifier_set(&reader->notifier, callback);
    Py_BEGIN_ALLOW_THREADS pthread_mutex_lock(&core->lock);
    if (core->reader != NULL) {
        cflight_reader_notify(core->reader, is_set ? cfp_notifier_ready : NULL, &reader->notifier);
    }
    pthread_mutex_unlock(&core->lock);
    Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

static int reader_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((struct reader *)self)->dict);
    Py_VISIT(((struct reader *)self)->notifier.callback);
    return 0;
}

static int reader_clear(PyObject *self)
{
    Py_CLEAR(((struct reader *)self)->dict);
    Py_CLEAR(((struct reader *)self)->notifier.callback);
    return 0;
}

static void reader_dealloc(PyObject *self)
{
    struct reader *reader = (struct reader *)self;
    cfp_object_begin_dealloc(self);
    if (reader->notifier.callback != NULL) {
        Py_XDECREF(reader_notify(self, Py_None));
    }
    Py_CLEAR(reader->dict);
    Py_XDECREF(atomic_exchange(&reader->schema, NULL));
    if (reader->core != NULL) {
        cfp_release(release_core, reader->core);
    }
    cfp_object_end_dealloc(self);
}

/* Under the core's lock: copies what was read so far, when the call is not over. */
static void copy_stats(const struct cfp_read_core *core, struct cflight_ipc_stats *stats)
{
    if (core->reader != NULL) {
        *stats = cflight_reader_stats(core->reader);
    }
}

static struct cflight_ipc_stats get_stats(struct reader *self)
{
    cfp_mutex_lock(&self->stats_mutex);
    struct cflight_ipc_stats stats = self->stats;
    cfp_mutex_unlock(&self->stats_mutex);
    return stats;
}

static void set_stats(struct reader *self, const struct cflight_ipc_stats *stats)
{
    cfp_mutex_lock(&self->stats_mutex);
    self->stats = *stats;
    cfp_mutex_unlock(&self->stats_mutex);
}

static void interrupt_core(void *core)
{
    cfp_read_core_cancel(core);
}

static bool has_no_schema(cflight_status status, const cflight_error *error)
{
    return status == CFLIGHT_FAILED_PRECONDITION && cflight_error_peer(error)[0] == '\0';
}

static int load_schema(struct reader *self)
{
    struct cfp_state *state = cfp_state_of((PyObject *)self);
    struct cfp_read_core *core = self->core;
    struct ArrowSchema schema;
    struct cflight_ipc_stats stats = get_stats(self);
    struct cfp_wait wait;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    if (self->schema != NULL) {
        return 0;
    }
    if (cfp_wait_begin(&wait, state, interrupt_core, core) < 0) {
        return -1;
    }
    pthread_mutex_lock(&core->lock);
    if (core->reader == NULL) {
        status = reader_is_over(&error);
    } else {
        status = cflight_reader_schema(core->reader, &schema, &error);
        if (has_no_schema(status, error)) {
            status = cflight_error_set_message(&error, CFLIGHT_INTERNAL,
                                               "Server never sent a data message");
        }
    }
    copy_stats(core, &stats);
    pthread_mutex_unlock(&core->lock);
    if (cfp_wait_end(&wait, status, error) < 0) {
        return -1;
    }
    set_stats(self, &stats);
    PyObject *object = cfp_schema_take(state, &schema);
    if (object == NULL) {
        return -1;
    }
    PyObject *expected = NULL;
    if (!atomic_compare_exchange_strong(&self->schema, &expected, object)) {
        Py_DECREF(object); /* another thread was first */
    }
    return 0;
}

int cfp_reader_prefetch(PyObject *reader)
{
    return load_schema((struct reader *)reader);
}

void cfp_reader_detach(PyObject *object)
{
    struct reader *self = (struct reader *)object;
    struct cfp_read_core *core = self->core;
    struct cflight_ipc_stats stats = get_stats(self);
    Py_BEGIN_ALLOW_THREADS pthread_mutex_lock(&core->lock);
    copy_stats(core, &stats);
    cfp_read_core_detach_locked(core);
    pthread_mutex_unlock(&core->lock);
    Py_END_ALLOW_THREADS set_stats(self, &stats);
}

void cfp_reader_refresh(PyObject *object)
{
    struct reader *self = (struct reader *)object;
    copy_stats(self->core, &self->stats);
}

/* Reads the next message, waiting at most so long (negative: without limit). 1, 0 when the time is
 * up, or -1. */
static int read_for(struct reader *self, int64_t timeout_ms, struct cflight_chunk *ret_chunk)
{
    struct cfp_read_core *core = self->core;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    struct cflight_ipc_stats stats = get_stats(self);
    bool is_ready = true;
    cfp_caller_enter();
    Py_BEGIN_ALLOW_THREADS pthread_mutex_lock(&core->lock);
    if (core->reader == NULL) {
        status = reader_is_over(&error);
    } else if (atomic_load(&core->is_cancelled)) {
        status = cflight_error_set_message(&error, CFLIGHT_CANCELLED, "the call was cancelled");
    } else {
        status = cflight_reader_try_next(core->reader, timeout_ms, &is_ready, ret_chunk, &error);
    }
    copy_stats(core, &stats);
    pthread_mutex_unlock(&core->lock);
    Py_END_ALLOW_THREADS set_stats(self, &stats);
    PyObject *own = cfp_caller_leave();
    if (status != CFLIGHT_OK) {
        self->may_start_again = cflight_error_retry(error) == CFLIGHT_RETRY_SAFE;
        cfp_raise_own(core->state, status, error, own);
        return -1;
    }
    Py_XDECREF(own);
    return is_ready ? 1 : 0;
}

/* Reads the next message; 0 or -1. */
static int read_next(struct reader *self, struct cflight_chunk *ret_chunk)
{
    int64_t timeout_ms = cfp_is_main_thread(self->core->state) ? CFP_WAIT_SLICE_MS : -1;
    for (;;) {
        int outcome = read_for(self, timeout_ms, ret_chunk);
        if (outcome != 0) {
            return outcome < 0 ? -1 : 0;
        }
        if (PyErr_CheckSignals() < 0) {
            return -1;
        }
    }
}

/* The batch of a chunk as a Python object; None when it has none. Empties that part of the chunk.
 */
static PyObject *batch_of(struct reader *self, struct cflight_chunk *chunk)
{
    if (!chunk->has_batch) {
        Py_RETURN_NONE;
    }
    if (load_schema(self) < 0) {
        return NULL;
    }
    chunk->has_batch = false;
    return cfp_batch_take(cfp_state_of((PyObject *)self), self->schema, &chunk->batch);
}

static PyObject *chunk_of(struct reader *self, struct cflight_chunk *chunk)
{
    struct cfp_state *state = cfp_state_of((PyObject *)self);
    PyObject *data = batch_of(self, chunk);
    PyObject *metadata = NULL;
    if (data != NULL) {
        metadata = cfp_buffer_take(state, chunk->app_metadata);
        chunk->app_metadata = NULL;
    }
    cflight_chunk_release(chunk);
    return cfp_chunk_new(state, data, metadata);
}

static PyObject *reader_next(PyObject *object)
{
    struct reader *self = (struct reader *)object;
    struct cflight_chunk chunk;
    if (read_next(self, &chunk) < 0) {
        return NULL;
    }
    if (chunk.is_end || (!chunk.has_batch && chunk.app_metadata == NULL)) {
        cflight_chunk_release(&chunk);
        return NULL;
    }
    return chunk_of(self, &chunk);
}

/* (is ready, chunk or None at the end), without waiting. */
static PyObject *reader_try_chunk(PyObject *object, PyObject *unused)
{
    (void)unused;
    struct reader *self = (struct reader *)object;
    struct cflight_chunk chunk;
    int outcome = read_for(self, 0, &chunk);
    if (outcome < 0) {
        return NULL;
    }
    if (outcome == 0 || chunk.is_end) {
        return PyTuple_Pack(2, outcome == 0 ? Py_False : Py_True, Py_None);
    }
    PyObject *result = chunk_of(self, &chunk);
    return result == NULL ? NULL : Py_BuildValue("ON", Py_True, result);
}

static PyObject *reader_read_chunk(PyObject *self, PyObject *unused)
{
    (void)unused;
    PyObject *chunk = reader_next(self);
    if (chunk == NULL && PyErr_Occurred() == NULL) {
        PyErr_SetNone(PyExc_StopIteration);
    }
    return chunk;
}

static int read_batches(struct reader *self, PyObject *batches)
{
    for (;;) {
        struct cflight_chunk chunk;
        if (read_next(self, &chunk) < 0) {
            return -1;
        }
        if (chunk.is_end || !chunk.has_batch) {
            cflight_chunk_release(&chunk);
            return 0;
        }
        PyObject *batch = batch_of(self, &chunk);
        cflight_chunk_release(&chunk);
        int code = batch == NULL ? -1 : PyList_Append(batches, batch);
        Py_XDECREF(batch);
        /* A stream that never makes us wait must still see Ctrl+C. */
        if (code < 0 || PyErr_CheckSignals() < 0) {
            return -1;
        }
    }
}

/* A table of batches that were read elsewhere; for event loops. */
static PyObject *reader_make_table(PyObject *self, PyObject *args)
{
    PyObject *schema = NULL;
    PyObject *batches = NULL;
    if (!PyArg_ParseTuple(args, "OO", &schema, &batches)) {
        return NULL;
    }
    return cfp_table_new(cfp_state_of(self), schema, batches);
}

static void cancel_call(struct reader *self)
{
    Py_BEGIN_ALLOW_THREADS cfp_read_core_cancel(self->core);
    Py_END_ALLOW_THREADS
}

static PyObject *reader_read_all(PyObject *object, PyObject *unused)
{
    (void)unused;
    struct reader *self = (struct reader *)object;
    PyObject *table = NULL;
    PyObject *batches = PyList_New(0);
    if (batches == NULL || load_schema(self) < 0) {
        goto done;
    }
    if (read_batches(self, batches) == 0) {
        table = cfp_table_new(cfp_state_of(object), self->schema, batches);
    } else if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        /* Ctrl+C: nobody will read the rest. */
        PyObject *exception = cfp_exception_take();
        cancel_call(self);
        cfp_exception_restore(exception);
    }

done:
    Py_XDECREF(batches);
    return table;
}

static PyObject *reader_read_pandas(PyObject *self, PyObject *args, PyObject *kwargs)
{
    if (PyTuple_GET_SIZE(args) != 0) {
        return PyErr_Format(PyExc_TypeError, "read_pandas() takes keyword arguments only");
    }
    PyObject *table = reader_read_all(self, NULL);
    PyObject *method = table == NULL ? NULL : PyObject_GetAttrString(table, "to_pandas");
    PyObject *result = method == NULL ? NULL : PyObject_Call(method, args, kwargs);
    Py_XDECREF(table);
    Py_XDECREF(method);
    return result;
}

/* The exported stream shares the core. Whoever reads it may hold the GIL or not, and may be the
 * main thread: it is released while the stream waits, and Ctrl+C ends the wait. The signal's
 * handler runs once the reader's code is back in Python. */
struct pause {
    bool has_gil;
    PyGILState_STATE gil;
    struct cfp_wait wait;
};

static void pause_begin(struct pause *pause, struct cfp_read_core *core)
{
    pause->has_gil = cfp_is_main_thread(core->state) || PyGILState_Check();
    if (pause->has_gil) {
        pause->gil = PyGILState_Ensure();
        cfp_wait_begin_deferred(&pause->wait, core->state, interrupt_core, core);
    }
    pthread_mutex_lock(&core->lock);
}

static void pause_end(struct pause *pause, struct cfp_read_core *core)
{
    pthread_mutex_unlock(&core->lock);
    if (pause->has_gil) {
        cfp_wait_end_deferred(&pause->wait);
        PyGILState_Release(pause->gil);
    }
}

static int stream_failed(struct cfp_read_core *core, cflight_status status, cflight_error *error)
{
    const char *message = cflight_error_message(error);
    size_t size = strlen(message) + 1;
    char *copy = PyMem_RawMalloc(size);
    if (copy != NULL) {
        memcpy(copy, message, size);
    }
    PyMem_RawFree(core->last_error);
    core->last_error = copy;
    cflight_error_free(error);
    switch (status) {
    case CFLIGHT_CANCELLED:
        return ECANCELED;
    case CFLIGHT_INVALID_ARGUMENT:
    case CFLIGHT_FAILED_PRECONDITION:
        return EINVAL;
    case CFLIGHT_DEADLINE_EXCEEDED:
        return ETIMEDOUT;
    case CFLIGHT_UNIMPLEMENTED:
        return ENOSYS;
    default:
        return EIO;
    }
}

static int stream_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret_schema)
{
    struct cfp_read_core *core = stream->private_data;
    cflight_error *error = NULL;
    struct pause pause;
    pause_begin(&pause, core);
    cflight_status status = core->reader == NULL
                                ? reader_is_over(&error)
                                : cflight_reader_schema(core->reader, ret_schema, &error);
    int code = status == CFLIGHT_OK ? 0 : stream_failed(core, status, error);
    pause_end(&pause, core);
    return code;
}

static cflight_status next_batch(struct cfp_read_core *core, struct ArrowArray *ret_array,
                                 cflight_error **reterr)
{
    for (;;) {
        struct cflight_chunk chunk;
        cflight_status status = core->reader == NULL
                                    ? reader_is_over(reterr)
                                    : cflight_reader_next(core->reader, &chunk, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        bool has_batch = chunk.has_batch;
        bool is_end = chunk.is_end;
        *ret_array = (struct ArrowArray){0};
        if (has_batch) {
            *ret_array = chunk.batch;
            chunk.has_batch = false;
            chunk.batch.release = NULL;
        }
        cflight_chunk_release(&chunk);
        if (has_batch || is_end) {
            return CFLIGHT_OK;
        }
    }
}

static int stream_get_next(struct ArrowArrayStream *stream, struct ArrowArray *ret_array)
{
    struct cfp_read_core *core = stream->private_data;
    cflight_error *error = NULL;
    struct pause pause;
    pause_begin(&pause, core);
    cflight_status status = next_batch(core, ret_array, &error);
    int code = status == CFLIGHT_OK ? 0 : stream_failed(core, status, error);
    pause_end(&pause, core);
    return code;
}

static const char *stream_get_last_error(struct ArrowArrayStream *stream)
{
    return ((struct cfp_read_core *)stream->private_data)->last_error;
}

static void stream_release(struct ArrowArrayStream *stream)
{
    cfp_read_core_unref(stream->private_data);
    stream->release = NULL;
}

static void stream_of(struct reader *self, struct ArrowArrayStream *ret_stream)
{
    *ret_stream = (struct ArrowArrayStream){
        .get_schema = stream_get_schema,
        .get_next = stream_get_next,
        .get_last_error = stream_get_last_error,
        .release = stream_release,
        .private_data = cfp_read_core_ref(self->core),
    };
}

static PyObject *reader_to_reader(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct cfp_state *state = cfp_state_of(self);
    struct ArrowArrayStream stream;
    if (load_schema((struct reader *)self) < 0) {
        return NULL;
    }
    if (state->pa == NULL) {
        stream_of((struct reader *)self, &stream);
        return cfp_own_stream_take(state, &stream);
    }
    /* An Arrow stream would leave of an exception no more than a number and a text. */
    PyObject *batches = PyObject_CallOneArg(state->batches_of, self);
    PyObject *result = NULL;
    if (batches != NULL) {
        PyObject *arguments[] = {((struct reader *)self)->schema, batches};
        result = PyObject_Vectorcall(state->pa_reader_from_batches, arguments, 2, NULL);
    }
    Py_XDECREF(batches);
    return result;
}

static PyObject *reader_stream(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"requested_schema", NULL};
    PyObject *requested_schema = NULL;
    struct ArrowArrayStream stream;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", names, &requested_schema) ||
        load_schema((struct reader *)self) < 0) {
        return NULL;
    }
    stream_of((struct reader *)self, &stream);
    return cfp_stream_capsule(&stream);
}

static PyObject *reader_schema(PyObject *self, void *unused)
{
    (void)unused;
    return load_schema((struct reader *)self) < 0 ? NULL
                                                  : Py_NewRef(((struct reader *)self)->schema);
}

static PyObject *reader_stats(PyObject *self, void *unused)
{
    (void)unused;
    return cfp_stats_new(cfp_state_of(self)->read_stats, get_stats((struct reader *)self));
}

static PyObject *reader_cancel(PyObject *self, PyObject *unused)
{
    (void)unused;
    cancel_call((struct reader *)self);
    Py_RETURN_NONE;
}

static PyObject *reader_close(PyObject *self, PyObject *unused)
{
    (void)unused;
    Py_XDECREF(reader_notify(self, Py_None));
    cancel_call((struct reader *)self);
    cfp_reader_detach(self);
    Py_RETURN_NONE;
}

static PyObject *reader_enter(PyObject *self, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(self);
}

static PyMethodDef reader_methods[] = {
    {"read_chunk", reader_read_chunk, METH_NOARGS,
     PyDoc_STR(
         "read_chunk($self)\n--\n\n"
         "Return the next :class:`FlightStreamChunk`; StopIteration at the end.\n\n"
         "Blocks until it is complete, a limit of the call passes, or the call is cancelled.")},
    {"read_all", reader_read_all, METH_NOARGS,
     PyDoc_STR("read_all($self)\n--\n\n"
               "Read the rest as a pyarrow.Table, or a :class:`Table`.\n\n"
               "Metadata is dropped, and reading stops at a message without rows. Ctrl+C cancels "
               "the call.")},
    {"read_pandas", CFP_KEYWORDS(reader_read_pandas), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("read_pandas($self, **options)\n--\n\n"
               "Read the rest as a pandas.DataFrame: ``read_all().to_pandas(**options)``. Needs "
               "pyarrow.")},
    {"to_reader", reader_to_reader, METH_NOARGS,
     PyDoc_STR("to_reader($self)\n--\n\n"
               "Return a pyarrow.RecordBatchReader, or a :class:`RecordBatchReader`, over the same "
               "stream. Messages without rows are skipped.")},
    {"__arrow_c_stream__", CFP_KEYWORDS(reader_stream), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("__arrow_c_stream__($self, requested_schema=None)\n--\n\n"
               "Export the rest as a capsule of the Arrow C stream interface.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef reader_getset[] = {
    {"schema", reader_schema, NULL,
     PyDoc_STR("The schema: a pyarrow.Schema, or a :class:`Schema`. Blocks until it arrived."),
     NULL},
    {"stats", reader_stats, NULL,
     PyDoc_STR(
         "What was read so far, as :class:`ReadStats`. Messages without rows do not count, the "
         "schema does."),
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(reader_doc,
             "Reads record batches and metadata of one call; iterates chunks.\n\n"
             "It has the Arrow PyCapsule interface: ``polars.DataFrame(reader)`` reads it.\n\n"
             "Raises\n------\nFlightError\n    Reading fails as the call does; then every further "
             "read fails the same way.\n\n"
             "Examples\n--------\n>>> for batch, metadata in reader:\n...     ...");

#define READER_MEMBERS                                                                         \
    {"__weaklistoffset__", T_PYSSIZET, offsetof(struct cfp_object, weakrefs), READONLY, NULL}, \
    {                                                                                          \
        "__dictoffset__", T_PYSSIZET, offsetof(struct reader, dict), READONLY, NULL            \
    }

static PyMemberDef reader_members[] = {READER_MEMBERS, {NULL, 0, 0, 0, NULL}};

static PyType_Slot reader_slots[] = {
    {Py_tp_doc, (void *)reader_doc},           {Py_tp_new, (void *)reader_new},
    {Py_tp_init, (void *)cfp_init_any},        {Py_tp_dealloc, (void *)reader_dealloc},
    {Py_tp_traverse, (void *)reader_traverse}, {Py_tp_clear, (void *)reader_clear},
    {Py_tp_iter, (void *)PyObject_SelfIter},   {Py_tp_iternext, (void *)reader_next},
    {Py_tp_methods, reader_methods},           {Py_tp_getset, reader_getset},
    {Py_tp_members, reader_members},           {0, NULL},
};

PyType_Spec cfp_reader_spec = {
    .name = "cflight.MetadataRecordBatchReader",
    .basicsize = sizeof(struct reader),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = reader_slots,
};

static PyMethodDef stream_reader_methods[] = {
    {"cancel", reader_cancel, METH_NOARGS,
     PyDoc_STR("cancel($self)\n--\n\n"
               "End the call; reads of it raise FlightCancelledError. Any thread may call it.")},
    {"_cflight_try_chunk", reader_try_chunk, METH_NOARGS,
     PyDoc_STR("Return (is ready, chunk), None at the end; for event loops.")},
    {"_cflight_make_table", reader_make_table, METH_VARARGS,
     PyDoc_STR("Make a table of a schema and a list of batches.")},
    {"_cflight_notify", reader_notify, METH_O,
     PyDoc_STR("Have a callback called once when _try_chunk helps.")},
    {"close", reader_close, METH_NOARGS,
     PyDoc_STR("close($self)\n--\n\n"
               "End the call if it runs, and let go of its memory now. Safe to repeat.")},
    {"__enter__", reader_enter, METH_NOARGS, PyDoc_STR("__enter__($self)\n--\n\nReturn self.")},
    {"__exit__", reader_close, METH_VARARGS,
     PyDoc_STR("__exit__($self, *args)\n--\n\nCall close().")},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(stream_reader_doc, "A client's reader: of DoGet, or of the answers of DoExchange.\n\n"
                                "Examples\n--------\n>>> with client.do_get(ticket) as reader:\n"
                                "...     first = reader.read_chunk().data");

static PyMemberDef stream_reader_members[] = {
    {"_cflight_may_start_again", T_BOOL, offsetof(struct reader, may_start_again), READONLY,
     PyDoc_STR("Whether the call failed and the server certainly did no work.")},
    READER_MEMBERS,
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot stream_reader_slots[] = {
    {Py_tp_doc, (void *)stream_reader_doc},
    {Py_tp_new, (void *)reader_new},
    {Py_tp_init, (void *)cfp_init_any},
    {Py_tp_dealloc, (void *)reader_dealloc},
    {Py_tp_traverse, (void *)reader_traverse},
    {Py_tp_clear, (void *)reader_clear},
    {Py_tp_methods, stream_reader_methods},
    {Py_tp_members, stream_reader_members},
    {0, NULL},
};

PyType_Spec cfp_stream_reader_spec = {
    .name = "cflight.FlightStreamReader",
    .basicsize = sizeof(struct reader),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = stream_reader_slots,
};
