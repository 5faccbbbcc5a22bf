/* SPDX-License-Identifier: Apache-2.0 */
/* MetadataRecordBatchWriter and FlightStreamWriter: the objects and their methods.
 * Thread class: free; writes of one stream take turns. */
#include "streams/writer.h"

#include "arrow/ipc_options.h"
#include "base/convert.h"
#include "base/exceptions.h"
#include "base/wait.h"

PyObject *cfp_writer_new(struct cfp_state *state, cflight_writer *handle, bool is_owned,
                         struct ArrowSchema *schema)
{
    PyTypeObject *type = is_owned ? state->stream_writer_type : state->writer_type;
    struct cfp_writer *self = (struct cfp_writer *)type->tp_alloc(type, 0);
    if (self == NULL) {
        if (schema != NULL) {
            schema->release(schema);
        }
        if (is_owned) {
            cflight_writer_free(handle);
        }
        return NULL;
    }
    (void)pthread_mutex_init(&self->core.lock, NULL);
    self->core.writer = handle;
    self->core.is_owned = is_owned;
    if (schema != NULL) {
        self->schema = *schema;
        schema->release = NULL;
        atomic_store(&self->has_begun, true);
    }
    return (PyObject *)self;
}

void cfp_writer_set_answers(PyObject *writer, PyObject *reader)
{
    Py_XSETREF(((struct cfp_writer *)writer)->answers, Py_NewRef(reader));
}

/* A writer that belongs to no call, for unit tests of handlers. */
static PyObject *writer_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    struct cfp_writer *self = (struct cfp_writer *)type->tp_alloc(type, 0);
    if (self != NULL) {
        (void)pthread_mutex_init(&self->core.lock, NULL);
    }
    return (PyObject *)self;
}

static void release_core(void *pointer)
{
    struct cfp_write_core *core = pointer;
    if (core->is_owned) {
        cflight_writer_notify(core->writer, NULL, NULL);
        cflight_writer_free(core->writer);
    }
    (void)pthread_mutex_destroy(&core->lock);
}

static int writer_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((struct cfp_writer *)self)->notifier.callback);
    Py_VISIT(((struct cfp_writer *)self)->answers);
    return 0;
}

static int writer_clear(PyObject *self)
{
    Py_CLEAR(((struct cfp_writer *)self)->notifier.callback);
    Py_CLEAR(((struct cfp_writer *)self)->answers);
    return 0;
}

static void writer_dealloc(PyObject *self)
{
    struct cfp_writer *writer = (struct cfp_writer *)self;
    cfp_object_begin_dealloc(self);
    cfp_release(release_core, &writer->core);
    Py_CLEAR(writer->notifier.callback);
    Py_CLEAR(writer->answers);
    cfp_writer_drop_pending(writer);
    Py_XDECREF(atomic_exchange(&writer->known, NULL));
    if (writer->schema.release != NULL) {
        writer->schema.release(&writer->schema);
    }
    cfp_object_end_dealloc(self);
}

void cfp_writer_detach(PyObject *object)
{
    struct cfp_write_core *core = &((struct cfp_writer *)object)->core;
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&core->lock);
    core->writer = NULL;
    pthread_mutex_unlock(&core->lock);
    Py_END_ALLOW_THREADS
}

void cfp_writer_never_waits(PyObject *writer)
{
    ((struct cfp_writer *)writer)->never_waits = true;
}

static cflight_status begin_step(cflight_writer *writer, struct cfp_step *step,
                                 cflight_error **reterr)
{
    return cflight_writer_begin(writer, step->schema, step->options, reterr);
}

static cflight_status metadata_step(cflight_writer *writer, struct cfp_step *step,
                                    cflight_error **reterr)
{
    return cflight_writer_write_metadata(writer, *step->metadata, reterr);
}

static cflight_status done_step(cflight_writer *writer, struct cfp_step *step,
                                cflight_error **reterr)
{
    (void)step;
    return cflight_writer_done_writing(writer, reterr);
}

static cflight_status close_step(cflight_writer *writer, struct cfp_step *step,
                                 cflight_error **reterr)
{
    (void)step;
    return cflight_writer_close(writer, reterr);
}

static PyObject *writer_begin(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"schema", "options", NULL};
    struct cfp_writer *self = (struct cfp_writer *)object;
    PyObject *schema_object = NULL;
    PyObject *options_object = Py_None;
    struct cflight_ipc_write_options options = cfp_write_defaults;
    struct ArrowSchema schema;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:begin", names, &schema_object,
                                     &options_object)) {
        return NULL;
    }
    if (options_object != Py_None &&
        cfp_write_options_get(cfp_state_of(object), options_object, &options) < 0) {
        return NULL;
    }
    if (cfp_writer_check_is_open(self, false) < 0 ||
        cfp_schema_get(schema_object, "schema", &schema) < 0) {
        return NULL;
    }
    struct cfp_step step = {.schema = &schema, .options = &options};
    if (atomic_load(&self->has_begun)) {
        PyErr_SetString(cfp_state_of(object)->arrow_invalid,
                        "This writer has already been started.");
    } else if (cfp_writer_run(self, begin_step, &step) == 0) { /* for one thread alone */
        self->schema = schema;
        atomic_store(&self->has_begun, true);
        Py_RETURN_NONE;
    }
    schema.release(&schema);
    return NULL;
}

/* A client's writer stays as long as the object, so no lock is needed. */
static PyObject *writer_cancel(PyObject *object, PyObject *unused)
{
    (void)unused;
    cflight_writer *writer = ((struct cfp_writer *)object)->core.writer;
    if (writer != NULL) {
        Py_BEGIN_ALLOW_THREADS
        cflight_writer_cancel(writer);
        Py_END_ALLOW_THREADS
    }
    Py_RETURN_NONE;
}

static PyObject *none_or_null(int code)
{
    return code < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *writer_write_batch(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"batch", NULL};
    PyObject *batch = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:write_batch", names, &batch)) {
        return NULL;
    }
    if (!cfp_is_batch(cfp_state_of(self), batch) && cfp_is_stream(batch)) {
        return none_or_null(cfp_writer_write_stream((struct cfp_writer *)self, batch, 0));
    }
    return none_or_null(cfp_writer_write_batch((struct cfp_writer *)self, batch, NULL));
}

static PyObject *writer_write_with_metadata(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"batch", "buf", NULL};
    PyObject *batch = NULL;
    PyObject *metadata = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO:write_with_metadata", names, &batch,
                                     &metadata)) {
        return NULL;
    }
    return none_or_null(cfp_writer_write_batch((struct cfp_writer *)self, batch, metadata));
}

static PyObject *writer_write_metadata(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"buf", NULL};
    struct cfp_writer *self = (struct cfp_writer *)object;
    PyObject *metadata = NULL;
    Py_buffer view;
    int code = -1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:write_metadata", names, &metadata) ||
        cfp_writer_check_is_open(self, false) < 0 ||
        PyObject_GetBuffer(metadata, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    if (cfp_check_metadata(cfp_state_of(object), view.len) == 0) {
        struct cflight_bytes bytes = cflight_bytes_make(view.buf, (size_t)view.len);
        struct cfp_step step = {.metadata = &bytes};
        code = cfp_writer_run(self, metadata_step, &step);
    }
    PyBuffer_Release(&view);
    return none_or_null(code);
}

/* max_chunksize, or its former name; other keywords are ignored, as ever. */
static int rows_max_of(PyObject *args, PyObject *kwargs, int64_t *ret_rows_max)
{
    PyObject *value = PyTuple_GET_SIZE(args) > 1 ? PyTuple_GET_ITEM(args, 1) : Py_None;
    if (kwargs != NULL && PyDict_GetItemString(kwargs, "max_chunksize") != NULL) {
        value = PyDict_GetItemString(kwargs, "max_chunksize");
    } else if (kwargs != NULL && PyDict_GetItemString(kwargs, "chunksize") != NULL) {
        value = PyDict_GetItemString(kwargs, "chunksize");
        if (PyErr_WarnEx(PyExc_FutureWarning, "chunksize has been renamed to max_chunksize", 1) <
            0) {
            return -1;
        }
    }
    *ret_rows_max = 0;
    if (value != Py_None && cfp_int64_get(value, ret_rows_max) < 0) {
        return -1;
    }
    if (value != Py_None && *ret_rows_max <= 0) {
        PyErr_SetString(PyExc_ValueError, "max_chunksize must be 1 or more");
        return -1;
    }
    return 0;
}

static PyObject *writer_write_table(PyObject *self, PyObject *args, PyObject *kwargs)
{
    int64_t rows_max = 0;
    PyObject *table = PyTuple_GET_SIZE(args) > 0 ? PyTuple_GET_ITEM(args, 0) : NULL;
    if (table == NULL && kwargs != NULL) {
        table = PyDict_GetItemString(kwargs, "table");
    }
    if (table == NULL) {
        return PyErr_Format(PyExc_TypeError, "write_table() needs a table");
    }
    if (!cfp_is_stream(table)) {
        return cfp_argument_error("table", "pyarrow.lib.Table", table);
    }
    if (rows_max_of(args, kwargs, &rows_max) < 0) {
        return NULL;
    }
    return none_or_null(cfp_writer_write_stream((struct cfp_writer *)self, table, rows_max));
}

static PyObject *writer_write(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"table_or_batch", NULL};
    PyObject *object = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:write", names, &object)) {
        return NULL;
    }
    if (cfp_is_batch(cfp_state_of(self), object)) {
        return none_or_null(cfp_writer_write_batch((struct cfp_writer *)self, object, NULL));
    }
    if (cfp_is_stream(object)) {
        return none_or_null(cfp_writer_write_stream((struct cfp_writer *)self, object, 0));
    }
    return PyErr_Format(PyExc_ValueError, "%R", (PyObject *)Py_TYPE(object));
}

static PyObject *writer_close(PyObject *object, PyObject *unused)
{
    (void)unused;
    struct cfp_writer *self = (struct cfp_writer *)object;
    struct cfp_step step = {0};
    if (self->core.is_owned) {
        self->is_done = true;
    }
    return none_or_null(cfp_writer_run(self, close_step, &step));
}

static PyObject *writer_done_writing(PyObject *object, PyObject *unused)
{
    (void)unused;
    struct cfp_writer *self = (struct cfp_writer *)object;
    struct cfp_step step = {0};
    self->is_done = true;
    return none_or_null(cfp_writer_run(self, done_step, &step));
}

static PyObject *writer_enter(PyObject *self, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(self);
}

static PyObject *writer_stats(PyObject *object, void *unused)
{
    (void)unused;
    struct cfp_writer *self = (struct cfp_writer *)object;
    struct cfp_write_core *core = &self->core;
    struct cflight_ipc_stats stats = {0};
    if (!atomic_load(&self->has_begun)) {
        return PyErr_Format(PyExc_ValueError, "the writer has not begun: there are no statistics");
    }
    if (cfp_writer_check_not_interrupting(self) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&core->lock);
    if (core->writer != NULL) {
        stats = cflight_writer_stats(core->writer);
    }
    pthread_mutex_unlock(&core->lock);
    Py_END_ALLOW_THREADS
    return cfp_stats_new(cfp_state_of(object)->write_stats, stats);
}

static PyMethodDef writer_methods[] = {
    {"begin", CFP_KEYWORDS(writer_begin), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("begin($self, schema, options=None)\n--\n\n"
               "Send the schema; once, before the first batch. `options` are IpcWriteOptions.\n\n"
               "A second time is ArrowInvalid.")},
    {"write_batch", CFP_KEYWORDS(writer_write_batch), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("write_batch($self, batch)\n--\n\n"
               "Send rows: an object with ``__arrow_c_array__``. Nothing is copied.\n\n"
               "ArrowInvalid before begin() and for another schema.")},
    {"write_with_metadata", CFP_KEYWORDS(writer_write_with_metadata), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("write_with_metadata($self, batch, buf)\n--\n\n"
               "Send rows and metadata (bytes-like) in one message.")},
    {"write_metadata", CFP_KEYWORDS(writer_write_metadata), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("write_metadata($self, buf)\n--\n\n"
               "Send a message with metadata (bytes-like) alone; allowed before begin().")},
    {"write_table", CFP_KEYWORDS(writer_write_table), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR(
         "write_table($self, table, max_chunksize=None, **kwargs)\n--\n\n"
         "Send all rows of an object with ``__arrow_c_stream__``, in its batches, none of more "
         "than `max_chunksize` rows.")},
    {"write", CFP_KEYWORDS(writer_write), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("write($self, table_or_batch)\n--\n\n"
               "write_batch() or write_table(), whichever fits; ValueError for another "
               "type.")},
    {"close", writer_close, METH_NOARGS,
     PyDoc_STR("close($self)\n--\n\n"
               "End the stream. At a client: wait for the server and raise what it ended with; the "
               "same again when repeated.")},
    {"__enter__", writer_enter, METH_NOARGS, PyDoc_STR("__enter__($self)\n--\n\nReturn self.")},
    {"__exit__", writer_close, METH_VARARGS,
     PyDoc_STR("__exit__($self, *args)\n--\n\nCall close().")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef writer_getset[] = {
    {"stats", writer_stats, NULL,
     PyDoc_STR("What was written so far, as :class:`WriteStats`; ValueError before begin()."),
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(writer_doc,
             "Writes record batches and metadata of one call.\n\n"
             "Raises\n------\nFlightError\n    A write fails with what the peer ended the call "
             "with.\nFlightWriteSizeExceededError\n    A message is over the client's "
             "write_size_limit_bytes; the stream stays usable.\n\n"
             "Examples\n--------\n>>> with writer:\n...     writer.begin(table.schema)\n"
             "...     writer.write_table(table)");

static PyType_Slot writer_slots[] = {
    {Py_tp_doc, (void *)writer_doc},
    {Py_tp_new, (void *)writer_new},
    {Py_tp_init, (void *)cfp_init_any},
    {Py_tp_dealloc, (void *)writer_dealloc},
    {Py_tp_traverse, (void *)writer_traverse},
    {Py_tp_clear, (void *)writer_clear},
    {Py_tp_methods, writer_methods},
    {Py_tp_getset, writer_getset},
    {Py_tp_members, cfp_members},
    {0, NULL},
};

PyType_Spec cfp_writer_spec = {
    .name = "cflight.MetadataRecordBatchWriter",
    .basicsize = sizeof(struct cfp_writer),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = writer_slots,
};

static PyMethodDef stream_writer_methods[] = {
    {"done_writing", writer_done_writing, METH_NOARGS,
     PyDoc_STR("done_writing($self)\n--\n\n"
               "Say that nothing more will be written; reading goes on.")},
    {"cancel", writer_cancel, METH_NOARGS,
     PyDoc_STR(
         "cancel($self)\n--\n\n"
         "End the call; reads and writes of it raise FlightCancelledError. Any thread may call "
         "it.")},
    {"_cflight_start_write", cfp_writer_start_write, METH_VARARGS,
     PyDoc_STR(
         "Write batch and metadata (or None), from a row on and so many rows, without waiting: "
         "whether it is done.")},
    {"_cflight_go_on_writing", cfp_writer_go_on_writing, METH_NOARGS,
     PyDoc_STR("Go on with the write: whether it is done.")},
    {"_cflight_notify", cfp_writer_notify, METH_O,
     PyDoc_STR("Have a callback called once when _go_on_writing helps.")},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(stream_writer_doc,
             "A client's writer: of DoPut, or of DoExchange.\n\n"
             "Examples\n--------\n>>> writer, _ = client.do_put(descriptor, table.schema)\n"
             ">>> with writer:\n...     writer.write_table(table)");

static PyType_Slot stream_writer_slots[] = {
    {Py_tp_doc, (void *)stream_writer_doc},    {Py_tp_dealloc, (void *)writer_dealloc},
    {Py_tp_traverse, (void *)writer_traverse}, {Py_tp_clear, (void *)writer_clear},
    {Py_tp_methods, stream_writer_methods},    {0, NULL},
};

PyType_Spec cfp_stream_writer_spec = {
    .name = "cflight.FlightStreamWriter",
    .basicsize = sizeof(struct cfp_writer),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = stream_writer_slots,
};
