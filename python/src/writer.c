/* SPDX-License-Identifier: Apache-2.0 */
/* MetadataRecordBatchWriter and FlightStreamWriter.
 *
 * Each operation is a step that runs under the writer's lock without the GIL; what it writes is
 * borrowed from capsules that outlive it, so no column is copied. A batch is compared with the
 * schema the stream began with before anything is sent. Thread class: free; writes of one stream
 * take turns. */
#include "streams.h"

#include "arrow.h"
#include "call_options.h"
#include "convert.h"
#include "exceptions.h"
#include "loop.h"
#include "wait.h"

struct writer {
    CFP_HEAD
    struct cfp_write_core core;
    struct cfp_notifier notifier; /* event loops */
    struct cfp_batch batch;       /* of a write under an event loop that is not done */
    struct ArrowArray rows;       /* a view of what of it is written */
    Py_buffer metadata;           /* of the same */
    struct ArrowSchema schema;    /* what the stream began with; set once, before has_begun */
    atomic_bool has_begun;
    atomic_bool is_done;        /* done_writing or close was called */
    bool never_waits;           /* an event loop's: there is nothing for Ctrl+C to interrupt */
    atomic_bool is_in_handlers; /* the main thread runs signal handlers, under the core's lock */
};

PyObject *cfp_writer_new(struct cfp_state *state, cflight_writer *handle, bool is_owned,
                         struct ArrowSchema *schema)
{
    PyTypeObject *type = is_owned ? state->stream_writer_type : state->writer_type;
    struct writer *self = (struct writer *)type->tp_alloc(type, 0);
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

static void release_core(void *pointer)
{
    struct cfp_write_core *core = pointer;
    if (core->is_owned) {
        cflight_writer_notify(core->writer, NULL, NULL);
        cflight_writer_free(core->writer);
    }
    (void)pthread_mutex_destroy(&core->lock);
}

/* Lets go of what a write under an event loop holds. */
static void drop_pending(struct writer *self)
{
    cfp_batch_done(&self->batch);
    if (self->metadata.obj != NULL) {
        PyBuffer_Release(&self->metadata);
    }
}

static void writer_dealloc(PyObject *self)
{
    struct writer *writer = (struct writer *)self;
    cfp_object_begin_dealloc(self);
    cfp_release(release_core, &writer->core);
    Py_CLEAR(writer->notifier.callback);
    drop_pending(writer);
    if (writer->schema.release != NULL) {
        writer->schema.release(&writer->schema);
    }
    cfp_object_end_dealloc(self);
}

void cfp_writer_detach(PyObject *object)
{
    struct cfp_write_core *core = &((struct writer *)object)->core;
    Py_BEGIN_ALLOW_THREADS pthread_mutex_lock(&core->lock);
    core->writer = NULL;
    pthread_mutex_unlock(&core->lock);
    Py_END_ALLOW_THREADS
}

/* What a step works with. Each step uses its own members. */
struct step {
    const struct ArrowSchema *schema;
    const struct cflight_ipc_write_options *options;
    const struct ArrowArray *array;
    const struct cflight_bytes *metadata;
    struct ArrowArrayStream *stream;
    int64_t rows_max;
    int stream_code; /* what the stream's get_next returned */
    bool is_done;    /* whether a write that does not wait is done */
};

typedef cflight_status (*step_fn)(cflight_writer *writer, struct step *step,
                                  cflight_error **reterr);

static cflight_status call_is_over(cflight_error **reterr)
{
    return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                     "the writer's call is over");
}

/* While a step runs: the writer is there, as the step holds the lock. */
static void interrupt_core(void *pointer)
{
    struct cfp_write_core *core = pointer;
    cflight_writer *writer = core->writer;
    if (writer != NULL) {
        cflight_writer_cancel(writer);
    }
}

void cfp_writer_never_waits(PyObject *writer)
{
    ((struct writer *)writer)->never_waits = true;
}

/* A signal handler that runs in the middle of a write cannot use the writer. */
static int check_not_interrupting(const struct writer *self)
{
    if (self->is_in_handlers && cfp_is_main_thread(cfp_state_of((PyObject *)self))) {
        PyErr_SetString(PyExc_RuntimeError, "the signal interrupted a write of this writer");
        return -1;
    }
    return 0;
}

static int run(struct writer *self, step_fn function, struct step *step)
{
    struct cfp_write_core *core = &self->core;
    struct cfp_wait wait;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    if (check_not_interrupting(self) < 0 ||
        cfp_wait_begin(&wait, cfp_state_of((PyObject *)self),
                       self->never_waits ? NULL : interrupt_core, core) < 0) {
        return -1;
    }
    pthread_mutex_lock(&core->lock);
    status = core->writer == NULL ? call_is_over(&error) : function(core->writer, step, &error);
    pthread_mutex_unlock(&core->lock);
    return cfp_wait_end(&wait, status, error);
}

static cflight_status write_step(cflight_writer *writer, struct step *step, cflight_error **reterr)
{
    return cflight_writer_write(writer, step->array, step->metadata, reterr);
}

/* A write of which something has not left yet: waits for it, watching for Ctrl+C. When a signal
 * handler raises, the call is over, as it would be later. */
static cflight_status finish_write(struct writer *self, struct cfp_wait *wait, struct step *step,
                                   cflight_error **reterr)
{
    struct cfp_write_core *core = &self->core;
    self->is_in_handlers = cfp_is_main_thread(wait->state);
    if (cfp_wait_watch(wait, interrupt_core, core) < 0) {
        cflight_writer_cancel(core->writer);
    }
    self->is_in_handlers = false;
    return write_step(core->writer, step, reterr);
}

/* Writes a batch. Mostly the system takes it at once; only then can the wait go unwatched. */
static int run_write(struct writer *self, struct step *step)
{
    struct cfp_write_core *core = &self->core;
    struct cfp_wait wait;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    if (check_not_interrupting(self) < 0) {
        return -1;
    }
    cfp_wait_begin_unwatched(&wait, cfp_state_of((PyObject *)self));
    if (pthread_mutex_trylock(&core->lock) != 0) {
        (void)cfp_wait_end(&wait, CFLIGHT_OK, NULL);
        return run(self, write_step, step);
    }
    if (core->writer == NULL) {
        status = call_is_over(&error);
    } else {
        status = cflight_writer_try_write(core->writer, step->array, step->metadata, &step->is_done,
                                          &error);
        if (status == CFLIGHT_OK && !step->is_done) {
            status = finish_write(self, &wait, step, &error);
        }
    }
    pthread_mutex_unlock(&core->lock);
    return cfp_wait_end(&wait, status, error);
}

static cflight_status begin_step(cflight_writer *writer, struct step *step, cflight_error **reterr)
{
    return cflight_writer_begin(writer, step->schema, step->options, reterr);
}

static cflight_status metadata_step(cflight_writer *writer, struct step *step,
                                    cflight_error **reterr)
{
    return cflight_writer_write_metadata(writer, *step->metadata, reterr);
}

/* At most `rows_max` rows of an array from a row on: a view with another offset and length. */
static struct ArrowArray slice_of(const struct ArrowArray *array, int64_t row, int64_t rows_max)
{
    struct ArrowArray slice = *array;
    slice.offset = array->offset + row;
    slice.length = array->length - row < rows_max ? array->length - row : rows_max;
    slice.null_count = array->null_count == 0 ? 0 : -1;
    return slice;
}

static cflight_status write_slices(cflight_writer *writer, const struct ArrowArray *array,
                                   int64_t rows_max, cflight_error **reterr)
{
    struct ArrowArray slice = {0};
    cflight_status status = CFLIGHT_OK;
    for (int64_t row = 0; row < array->length && status == CFLIGHT_OK; row += slice.length) {
        slice = slice_of(array, row, rows_max);
        status = cflight_writer_write(writer, &slice, NULL, reterr);
    }
    return status;
}

static cflight_status table_step(cflight_writer *writer, struct step *step, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    while (status == CFLIGHT_OK) {
        struct ArrowArray array = {0};
        step->stream_code = step->stream->get_next(step->stream, &array);
        if (step->stream_code != 0 || array.release == NULL) {
            break;
        }
        status = step->rows_max > 0 ? write_slices(writer, &array, step->rows_max, reterr)
                                    : cflight_writer_write(writer, &array, NULL, reterr);
        array.release(&array);
    }
    return status;
}

static cflight_status done_step(cflight_writer *writer, struct step *step, cflight_error **reterr)
{
    (void)step;
    return cflight_writer_done_writing(writer, reterr);
}

static cflight_status close_step(cflight_writer *writer, struct step *step, cflight_error **reterr)
{
    (void)step;
    return cflight_writer_close(writer, reterr);
}

/* A write after done_writing, or before begin when it needs a schema. */
static int check_is_open(struct writer *self, bool needs_schema)
{
    struct cfp_state *state = cfp_state_of((PyObject *)self);
    if (self->is_done) {
        PyErr_SetString(state->arrow_invalid, "Destination already closed");
        return -1;
    }
    if (needs_schema && !atomic_load(&self->has_begun)) {
        PyErr_SetString(state->arrow_invalid,
                        "This writer is not started. Call begin() with a schema");
        return -1;
    }
    return 0;
}

static int check_schema(struct writer *self, const struct ArrowSchema *schema)
{
    if (cflight_schema_equal(&self->schema, schema, false)) {
        return 0;
    }
    PyErr_SetString(cfp_state_of((PyObject *)self)->arrow_invalid,
                    "Tried to write record batch with different schema");
    return -1;
}

static PyObject *writer_begin(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"schema", "options", NULL};
    struct writer *self = (struct writer *)object;
    PyObject *schema_object = NULL;
    PyObject *options_object = Py_None;
    struct cflight_ipc_write_options options = CFLIGHT_IPC_WRITE_OPTIONS_INIT;
    struct ArrowSchema schema;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:begin", names, &schema_object,
                                     &options_object)) {
        return NULL;
    }
    if (options_object != Py_None &&
        cfp_write_options_get(cfp_state_of(object), options_object, &options) < 0) {
        return NULL;
    }
    if (check_is_open(self, false) < 0 || cfp_schema_get(schema_object, "schema", &schema) < 0) {
        return NULL;
    }
    struct step step = {.schema = &schema, .options = &options};
    if (atomic_load(&self->has_begun)) {
        PyErr_SetString(cfp_state_of(object)->arrow_invalid,
                        "This writer has already been started.");
    } else if (run(self, begin_step, &step) == 0) { /* for one thread alone */
        self->schema = schema;
        atomic_store(&self->has_begun, true);
        Py_RETURN_NONE;
    }
    schema.release(&schema);
    return NULL;
}

/* Writes all of an object's stream, for tables and data frames. */
static int write_stream(struct writer *self, PyObject *table, int64_t rows_max)
{
    struct cfp_state *state = cfp_state_of((PyObject *)self);
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    int result = -1;
    if (check_is_open(self, true) < 0 || cfp_stream_get(table, &stream) < 0) {
        return -1;
    }
    int code = stream.get_schema(&stream, &schema);
    if (code != 0) {
        cfp_stream_raise(state, &stream, code);
        goto done;
    }
    struct step step = {.stream = &stream, .rows_max = rows_max};
    if (check_schema(self, &schema) == 0 && run(self, table_step, &step) == 0) {
        result = step.stream_code == 0 ? 0 : cfp_stream_raise(state, &stream, step.stream_code);
    }
    schema.release(&schema);

done:
    stream.release(&stream);
    return result;
}

/* Writes one batch; `metadata` is a bytes-like object or NULL. */
static int write_batch(struct writer *self, PyObject *object, PyObject *metadata)
{
    struct cfp_state *state = cfp_state_of((PyObject *)self);
    struct cfp_batch batch;
    Py_buffer view = {0};
    struct cflight_bytes bytes;
    int result = -1;
    if (!cfp_is_batch(state, object)) {
        cfp_argument_error("batch", "pyarrow.lib.RecordBatch", object);
        return -1;
    }
    if (check_is_open(self, true) < 0 || cfp_batch_get(state, object, &batch) < 0) {
        return -1;
    }
    struct step step = {.array = batch.array};
    if (metadata != NULL) {
        if (PyObject_GetBuffer(metadata, &view, PyBUF_SIMPLE) < 0 ||
            cfp_check_metadata(state, view.len) < 0) {
            goto done;
        }
        bytes = cflight_bytes_make(view.buf, (size_t)view.len);
        step.metadata = &bytes;
    }
    if (check_schema(self, batch.schema) == 0) {
        result = run_write(self, &step);
    }

done:
    if (view.obj != NULL) {
        PyBuffer_Release(&view);
    }
    cfp_batch_done(&batch);
    return result;
}

static cflight_status try_write_step(cflight_writer *writer, struct step *step,
                                     cflight_error **reterr)
{
    return cflight_writer_try_write(writer, step->array, step->metadata, &step->is_done, reterr);
}

/* Starts the write that the writer holds, or goes on with it: whether it is done. */
static PyObject *try_write(struct writer *self)
{
    struct cflight_bytes bytes = cflight_bytes_make(self->metadata.buf, (size_t)self->metadata.len);
    struct step step = {.array = &self->rows,
                        .metadata = self->metadata.obj == NULL ? NULL : &bytes};
    int code = run(self, try_write_step, &step);
    if (code < 0 || step.is_done) {
        drop_pending(self);
    }
    return code < 0 ? NULL : PyBool_FromLong(step.is_done);
}

static PyObject *writer_start_write(PyObject *object, PyObject *args)
{
    struct writer *self = (struct writer *)object;
    PyObject *batch = NULL;
    PyObject *metadata = NULL;
    long long row = 0;
    long long rows_max = INT64_MAX;
    if (!PyArg_ParseTuple(args, "OO|LL", &batch, &metadata, &row, &rows_max)) {
        return NULL;
    }
    if (self->batch.capsules != NULL) {
        return PyErr_Format(PyExc_RuntimeError, "a write is under way");
    }
    if (!cfp_is_batch(cfp_state_of(object), batch)) {
        return cfp_argument_error("batch", "pyarrow.lib.RecordBatch", batch);
    }
    if (check_is_open(self, true) < 0 ||
        cfp_batch_get(cfp_state_of(object), batch, &self->batch) < 0) {
        return NULL;
    }
    bool has_metadata = metadata != Py_None;
    if ((has_metadata && PyObject_GetBuffer(metadata, &self->metadata, PyBUF_SIMPLE) < 0) ||
        cfp_check_metadata(cfp_state_of(object), self->metadata.len) < 0 ||
        check_schema(self, self->batch.schema) < 0) {
        drop_pending(self);
        return NULL;
    }
    if (row < 0 || row > self->batch.array->length || rows_max < 0) {
        drop_pending(self);
        return PyErr_Format(PyExc_IndexError, "the batch has no such rows");
    }
    self->rows =
        rows_max == INT64_MAX ? *self->batch.array : slice_of(self->batch.array, row, rows_max);
    return try_write(self);
}

static PyObject *writer_go_on_writing(PyObject *object, PyObject *unused)
{
    (void)unused;
    struct writer *self = (struct writer *)object;
    if (self->batch.capsules == NULL) {
        Py_RETURN_TRUE;
    }
    return try_write(self);
}

static PyObject *writer_notify(PyObject *object, PyObject *callback)
{
    struct writer *self = (struct writer *)object;
    struct cfp_write_core *core = &self->core;
    bool is_set = cfp_notifier_set(&self->notifier, callback);
    Py_BEGIN_ALLOW_THREADS pthread_mutex_lock(&core->lock);
    if (core->writer != NULL) {
        cflight_writer_notify(core->writer, is_set ? cfp_notifier_ready : NULL, &self->notifier);
    }
    pthread_mutex_unlock(&core->lock);
    Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

/* A client's writer stays as long as the object, so no lock is needed. */
static PyObject *writer_cancel(PyObject *object, PyObject *unused)
{
    (void)unused;
    cflight_writer *writer = ((struct writer *)object)->core.writer;
    Py_BEGIN_ALLOW_THREADS cflight_writer_cancel(writer);
    Py_END_ALLOW_THREADS Py_RETURN_NONE;
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
        return none_or_null(write_stream((struct writer *)self, batch, 0));
    }
    return none_or_null(write_batch((struct writer *)self, batch, NULL));
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
    return none_or_null(write_batch((struct writer *)self, batch, metadata));
}

static PyObject *writer_write_metadata(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"buf", NULL};
    struct writer *self = (struct writer *)object;
    PyObject *metadata = NULL;
    Py_buffer view;
    int code = -1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:write_metadata", names, &metadata) ||
        check_is_open(self, false) < 0 || PyObject_GetBuffer(metadata, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    if (cfp_check_metadata(cfp_state_of(object), view.len) == 0) {
        struct cflight_bytes bytes = cflight_bytes_make(view.buf, (size_t)view.len);
        struct step step = {.metadata = &bytes};
        code = run(self, metadata_step, &step);
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
    *ret_rows_max = value == Py_None ? 0 : PyLong_AsLongLong(value);
    if (PyErr_Occurred() != NULL) {
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
    return none_or_null(write_stream((struct writer *)self, table, rows_max));
}

static PyObject *writer_write(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"table_or_batch", NULL};
    PyObject *object = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:write", names, &object)) {
        return NULL;
    }
    if (cfp_is_batch(cfp_state_of(self), object)) {
        return none_or_null(write_batch((struct writer *)self, object, NULL));
    }
    if (cfp_is_stream(object)) {
        return none_or_null(write_stream((struct writer *)self, object, 0));
    }
    return PyErr_Format(PyExc_ValueError, "%R", (PyObject *)Py_TYPE(object));
}

static PyObject *writer_close(PyObject *object, PyObject *unused)
{
    (void)unused;
    struct writer *self = (struct writer *)object;
    struct step step = {0};
    if (self->core.is_owned) {
        self->is_done = true;
    }
    return none_or_null(run(self, close_step, &step));
}

static PyObject *writer_done_writing(PyObject *object, PyObject *unused)
{
    (void)unused;
    struct writer *self = (struct writer *)object;
    struct step step = {0};
    self->is_done = true;
    return none_or_null(run(self, done_step, &step));
}

static PyObject *writer_enter(PyObject *self, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(self);
}

static PyObject *writer_stats(PyObject *object, void *unused)
{
    (void)unused;
    struct writer *self = (struct writer *)object;
    struct cfp_write_core *core = &self->core;
    struct cflight_ipc_stats stats = {0};
    if (!atomic_load(&self->has_begun)) {
        return PyErr_Format(PyExc_ValueError, "the writer has not begun: there are no statistics");
    }
    if (check_not_interrupting(self) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS pthread_mutex_lock(&core->lock);
    if (core->writer != NULL) {
        stats = cflight_writer_stats(core->writer);
    }
    pthread_mutex_unlock(&core->lock);
    Py_END_ALLOW_THREADS return cfp_stats_new(cfp_state_of(object)->write_stats, stats);
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
               "write_batch() or write_table(), whichever fits; ValueError for another type.")},
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
    {Py_tp_doc, (void *)writer_doc}, {Py_tp_dealloc, (void *)writer_dealloc},
    {Py_tp_methods, writer_methods}, {Py_tp_getset, writer_getset},
    {Py_tp_members, cfp_members},    {0, NULL},
};

PyType_Spec cfp_writer_spec = {
    .name = "cflight.MetadataRecordBatchWriter",
    .basicsize = sizeof(struct writer),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
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
    {"_start_write", writer_start_write, METH_VARARGS,
     PyDoc_STR(
         "Write batch and metadata (or None), from a row on and so many rows, without waiting: "
         "whether it is done.")},
    {"_go_on_writing", writer_go_on_writing, METH_NOARGS,
     PyDoc_STR("Go on with the write: whether it is done.")},
    {"_notify", writer_notify, METH_O,
     PyDoc_STR("Have a callback called once when _go_on_writing helps.")},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(stream_writer_doc,
             "A client's writer: of DoPut, or of DoExchange.\n\n"
             "Examples\n--------\n>>> writer, _ = client.do_put(descriptor, table.schema)\n"
             ">>> with writer:\n...     writer.write_table(table)");

static PyType_Slot stream_writer_slots[] = {
    {Py_tp_doc, (void *)stream_writer_doc},
    {Py_tp_dealloc, (void *)writer_dealloc},
    {Py_tp_methods, stream_writer_methods},
    {0, NULL},
};

PyType_Spec cfp_stream_writer_spec = {
    .name = "cflight.FlightStreamWriter",
    .basicsize = sizeof(struct writer),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = stream_writer_slots,
};
