/* SPDX-License-Identifier: Apache-2.0 */
/* MetadataRecordBatchReader and FlightStreamReader: the types. See reader.h. Thread class: free. */
#include "streams/reader.h"

#include "arrow/arrow.h"
#include "base/convert.h"
#include "base/exceptions.h"
#include "base/wait.h"

PyObject *cfp_reader_new(struct cfp_state *state, struct cfp_read_core *core)
{
    if (core == NULL) {
        return NULL;
    }
    PyTypeObject *type = core->is_owned ? state->stream_reader_type : state->reader_type;
    struct cfp_reader *self = (struct cfp_reader *)type->tp_alloc(type, 0);
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
    struct cfp_reader *self = core == NULL ? NULL : (struct cfp_reader *)type->tp_alloc(type, 0);
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

static int reader_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((struct cfp_reader *)self)->dict);
    Py_VISIT(((struct cfp_reader *)self)->notifier.callback);
    return 0;
}

static int reader_clear(PyObject *self)
{
    Py_CLEAR(((struct cfp_reader *)self)->dict);
    Py_CLEAR(((struct cfp_reader *)self)->notifier.callback);
    return 0;
}

static void reader_dealloc(PyObject *self)
{
    struct cfp_reader *reader = (struct cfp_reader *)self;
    cfp_object_begin_dealloc(self);
    if (reader->notifier.callback != NULL) {
        Py_XDECREF(cfp_reader_notify(self, Py_None));
    }
    Py_CLEAR(reader->dict);
    Py_XDECREF(atomic_exchange(&reader->schema, NULL));
    if (reader->core != NULL) {
        cfp_release(release_core, reader->core);
    }
    cfp_object_end_dealloc(self);
}

/* The batch of a chunk as a Python object; None when it has none. Empties that part of the chunk.
 */
static PyObject *batch_of(struct cfp_reader *self, struct cflight_chunk *chunk)
{
    if (!chunk->has_batch) {
        Py_RETURN_NONE;
    }
    if (cfp_reader_load_schema((PyObject *)self) < 0) {
        return NULL;
    }
    chunk->has_batch = false;
    return cfp_batch_take(cfp_state_of((PyObject *)self), self->schema, &chunk->batch);
}

static PyObject *chunk_of(struct cfp_reader *self, struct cflight_chunk *chunk)
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
    struct cfp_reader *self = (struct cfp_reader *)object;
    struct cflight_chunk chunk;
    if (cfp_reader_read_next(self, &chunk) < 0) {
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
    struct cfp_reader *self = (struct cfp_reader *)object;
    struct cflight_chunk chunk;
    int outcome = cfp_reader_read_for(self, 0, &chunk);
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

static int read_batches(struct cfp_reader *self, PyObject *batches)
{
    for (;;) {
        struct cflight_chunk chunk;
        if (cfp_reader_read_next(self, &chunk) < 0) {
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

static void cancel_call(struct cfp_reader *self)
{
    Py_BEGIN_ALLOW_THREADS
    cfp_read_core_cancel(self->core);
    Py_END_ALLOW_THREADS
}

static PyObject *reader_read_all(PyObject *object, PyObject *unused)
{
    (void)unused;
    struct cfp_reader *self = (struct cfp_reader *)object;
    PyObject *table = NULL;
    PyObject *batches = PyList_New(0);
    if (batches == NULL || cfp_reader_load_schema((PyObject *)self) < 0) {
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

static PyObject *reader_to_reader(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct cfp_state *state = cfp_state_of(self);
    struct ArrowArrayStream stream;
    if (cfp_reader_load_schema(self) < 0) {
        return NULL;
    }
    if (state->pa == NULL) {
        cfp_read_core_export(((struct cfp_reader *)self)->core, &stream);
        return cfp_own_stream_take(state, &stream);
    }
    /* An Arrow stream would leave of an exception no more than a number and a text. */
    PyObject *batches = PyObject_CallOneArg(state->batches_of, self);
    PyObject *result = NULL;
    if (batches != NULL) {
        PyObject *arguments[] = {((struct cfp_reader *)self)->schema, batches};
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
        cfp_reader_load_schema(self) < 0) {
        return NULL;
    }
    cfp_read_core_export(((struct cfp_reader *)self)->core, &stream);
    return cfp_stream_capsule(&stream);
}

static PyObject *reader_schema(PyObject *self, void *unused)
{
    (void)unused;
    return cfp_reader_load_schema(self) < 0 ? NULL : Py_NewRef(((struct cfp_reader *)self)->schema);
}

static PyObject *reader_stats(PyObject *self, void *unused)
{
    (void)unused;
    return cfp_stats_new(cfp_state_of(self)->read_stats,
                         cfp_reader_stats((struct cfp_reader *)self));
}

static PyObject *reader_cancel(PyObject *self, PyObject *unused)
{
    (void)unused;
    cancel_call((struct cfp_reader *)self);
    Py_RETURN_NONE;
}

static PyObject *reader_close(PyObject *self, PyObject *unused)
{
    (void)unused;
    Py_XDECREF(cfp_reader_notify(self, Py_None));
    cancel_call((struct cfp_reader *)self);
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
        "__dictoffset__", T_PYSSIZET, offsetof(struct cfp_reader, dict), READONLY, NULL        \
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
    .basicsize = sizeof(struct cfp_reader),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = reader_slots,
};

static PyObject *reader_keep_digest(PyObject *self, PyObject *args)
{
    unsigned long long seed = 0;
    int is_sampled = 0;
    if (!PyArg_ParseTuple(args, "Kp", &seed, &is_sampled) ||
        cfp_reader_keep_digest((struct cfp_reader *)self, seed,
                               is_sampled ? CFP_DIGEST_SAMPLE : CFP_DIGEST_WHOLE) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *reader_digest(PyObject *self, PyObject *unused)
{
    (void)unused;
    uint8_t digest[CFP_DIGEST_BYTES];
    if (!cfp_reader_digest((struct cfp_reader *)self, digest)) {
        Py_RETURN_NONE;
    }
    return PyBytes_FromStringAndSize((const char *)digest, sizeof(digest));
}

static PyMethodDef stream_reader_methods[] = {
    {"cancel", reader_cancel, METH_NOARGS,
     PyDoc_STR("cancel($self)\n--\n\n"
               "End the call; reads of it raise FlightCancelledError. Any thread may call it.")},
    {"_cflight_try_chunk", reader_try_chunk, METH_NOARGS,
     PyDoc_STR("Return (is ready, chunk), None at the end; for event loops.")},
    {"_cflight_make_table", reader_make_table, METH_VARARGS,
     PyDoc_STR("Make a table of a schema and a list of batches.")},
    {"_cflight_keep_digest", reader_keep_digest, METH_VARARGS,
     PyDoc_STR("Digest the batches that are read from now on, with a seed of 64 bits; of long "
               "buffers both ends alone when the second argument says so.")},
    {"_cflight_digest", reader_digest, METH_NOARGS,
     PyDoc_STR("Return the digest of the batches that were read, or None when none is kept.")},
    {"_cflight_notify", cfp_reader_notify, METH_O,
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
    .basicsize = sizeof(struct cfp_reader),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = stream_reader_slots,
};
