/* SPDX-License-Identifier: Apache-2.0 */
/* Table and RecordBatchReader: what the module hands out where pyarrow's are not to be had.
 *
 * A table is a schema and a list of record batches; its stream export shares them. A reader owns
 * one Arrow stream and gives it away once, or is iterated. Thread class: with the GIL. Exported
 * streams: one at a time, without the GIL. */
#include "arrow.h"

#include <errno.h>

#include "convert.h"
#include "exceptions.h"

struct own_table {
    CFP_HEAD
    PyObject *schema;
    PyObject *batches; /* tuple of RecordBatch */
};

PyObject *cfp_own_table_new(struct cfp_state *state, PyObject *schema, PyObject *batches)
{
    PyTypeObject *type = state->table_type;
    struct own_table *self = (struct own_table *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->schema = Py_NewRef(schema);
    self->batches = PySequence_Tuple(batches);
    if (self->batches == NULL) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static void table_dealloc(PyObject *self)
{
    struct own_table *table = (struct own_table *)self;
    cfp_object_begin_dealloc(self);
    Py_CLEAR(table->schema);
    Py_CLEAR(table->batches);
    cfp_object_end_dealloc(self);
}

/* A stream over shared arrays; needs no Python once it is made. */
struct batch_list {
    struct ArrowSchema schema;
    struct ArrowArray *arrays;
    size_t count;
    size_t next;
};

static int list_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret_schema)
{
    struct batch_list *list = stream->private_data;
    cflight_status status = cflight_schema_copy(&list->schema, ret_schema, NULL);
    return status == CFLIGHT_OK ? 0 : ENOMEM;
}

static int list_get_next(struct ArrowArrayStream *stream, struct ArrowArray *ret_array)
{
    struct batch_list *list = stream->private_data;
    if (list->next == list->count) {
        ret_array->release = NULL;
        return 0;
    }
    *ret_array = list->arrays[list->next];
    list->arrays[list->next].release = NULL;
    list->next++;
    return 0;
}

static const char *list_get_last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "out of memory";
}

static void list_free(struct batch_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->arrays[i].release != NULL) {
            list->arrays[i].release(&list->arrays[i]);
        }
    }
    if (list->schema.release != NULL) {
        list->schema.release(&list->schema);
    }
    PyMem_RawFree(list->arrays);
    PyMem_RawFree(list);
}

static void list_release(struct ArrowArrayStream *stream)
{
    list_free(stream->private_data);
    stream->release = NULL;
}

static struct batch_list *list_new(struct own_table *table)
{
    size_t count = (size_t)PyTuple_GET_SIZE(table->batches);
    struct batch_list *list = PyMem_RawCalloc(1, sizeof(*list));
    if (list == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    list->arrays = PyMem_RawCalloc(count == 0 ? 1 : count, sizeof(*list->arrays));
    if (list->arrays == NULL || cfp_schema_get(table->schema, "schema", &list->schema) < 0) {
        goto failed;
    }
    for (size_t i = 0; i < count; i++) {
        PyObject *batch = PyTuple_GET_ITEM(table->batches, (Py_ssize_t)i);
        if (cfp_own_batch_share(batch, &list->arrays[i]) < 0) {
            goto failed;
        }
        list->count = i + 1;
    }
    return list;

failed:
    list_free(list);
    return PyErr_Occurred() == NULL ? (struct batch_list *)(void *)PyErr_NoMemory() : NULL;
}

static PyObject *table_stream(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"requested_schema", NULL};
    PyObject *requested_schema = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", names, &requested_schema)) {
        return NULL;
    }
    struct batch_list *list = list_new((struct own_table *)self);
    if (list == NULL) {
        return NULL;
    }
    struct ArrowArrayStream stream = {
        .get_schema = list_get_schema,
        .get_next = list_get_next,
        .get_last_error = list_get_last_error,
        .release = list_release,
        .private_data = list,
    };
    return cfp_stream_capsule(&stream);
}

static int64_t row_count(PyObject *self)
{
    PyObject *batches = ((struct own_table *)self)->batches;
    int64_t rows = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(batches); i++) {
        rows += cfp_own_batch_rows(PyTuple_GET_ITEM(batches, i));
    }
    return rows;
}

static PyObject *table_rows(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(row_count(self));
}

static PyObject *table_schema(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef(((struct own_table *)self)->schema);
}

static PyObject *table_columns(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromSsize_t(PyObject_Size(((struct own_table *)self)->schema));
}

static Py_ssize_t table_length(PyObject *self)
{
    return (Py_ssize_t)row_count(self);
}

static PyObject *table_to_batches(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PySequence_List(((struct own_table *)self)->batches);
}

static PyMethodDef table_methods[] = {
    {"__arrow_c_stream__", CFP_KEYWORDS(table_stream), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("__arrow_c_stream__($self, requested_schema=None)\n--\n\n"
               "Export as a capsule of the Arrow C stream interface. Nothing is copied.")},
    {"to_batches", table_to_batches, METH_NOARGS,
     PyDoc_STR("to_batches($self)\n--\n\nReturn the list of :class:`RecordBatch`.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef table_getset[] = {
    {"schema", table_schema, NULL, PyDoc_STR("The :class:`Schema`."), NULL},
    {"num_rows", table_rows, NULL, PyDoc_STR("The number of rows in all batches."), NULL},
    {"num_columns", table_columns, NULL, PyDoc_STR("The number of columns."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(table_doc,
             "Record batches of one schema; used where pyarrow cannot be imported.\n\n"
             "Any library that speaks the Arrow PyCapsule interface takes it, without a copy.\n\n"
             "Examples\n--------\n>>> polars.DataFrame(client.do_get(ticket).read_all())");

static PyType_Slot table_slots[] = {
    {Py_tp_doc, (void *)table_doc},
    {Py_tp_dealloc, (void *)table_dealloc},
    {Py_sq_length, (void *)table_length},
    {Py_tp_methods, table_methods},
    {Py_tp_getset, table_getset},
    {Py_tp_members, cfp_members},
    {0, NULL},
};

PyType_Spec cfp_table_spec = {
    .name = "cflight.Table",
    .basicsize = sizeof(struct own_table),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = table_slots,
};

struct own_reader {
    CFP_HEAD
    PyObject *schema;
    cfp_mutex mutex;
    cfp_stream_raiser *raise;
    struct ArrowArrayStream stream; /* released while in use, and once given away or closed */
    bool is_closed;
};

/* Takes the stream out: another thread finds the reader closed meanwhile. */
static bool take_stream(struct own_reader *reader, struct ArrowArrayStream *ret_stream)
{
    cfp_mutex_lock(&reader->mutex);
    *ret_stream = reader->stream;
    reader->stream.release = NULL;
    cfp_mutex_unlock(&reader->mutex);
    return ret_stream->release != NULL;
}

/* Puts it back, unless the reader was closed. */
static void put_stream(struct own_reader *reader, struct ArrowArrayStream *stream)
{
    cfp_mutex_lock(&reader->mutex);
    bool is_closed = reader->is_closed;
    if (!is_closed) {
        reader->stream = *stream;
    }
    cfp_mutex_unlock(&reader->mutex);
    if (is_closed) {
        stream->release(stream);
    }
}

static PyObject *refuse_closed(void)
{
    return PyErr_Format(PyExc_ValueError, "the reader is closed, or its stream was exported");
}

PyObject *cfp_own_stream_take(struct cfp_state *state, struct ArrowArrayStream *stream)
{
    return cfp_own_stream_take_raising(state, stream, cfp_stream_raise);
}

PyObject *cfp_own_stream_take_raising(struct cfp_state *state, struct ArrowArrayStream *stream,
                                      cfp_stream_raiser *raise)
{
    PyTypeObject *type = state->record_batch_reader_type;
    struct own_reader *self = (struct own_reader *)type->tp_alloc(type, 0);
    if (self == NULL) {
        stream->release(stream);
        return NULL;
    }
    self->raise = raise;
    self->stream = *stream;
    stream->release = NULL;
    struct ArrowSchema schema;
    int code = self->stream.get_schema(&self->stream, &schema);
    if (code == 0) {
        self->schema = cfp_schema_take(state, &schema);
    } else {
        raise(state, &self->stream, code);
    }
    if (self->schema == NULL) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static PyObject *own_reader_close(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct own_reader *reader = (struct own_reader *)self;
    struct ArrowArrayStream stream;
    cfp_mutex_lock(&reader->mutex);
    reader->is_closed = true;
    cfp_mutex_unlock(&reader->mutex);
    if (take_stream(reader, &stream)) {
        stream.release(&stream);
    }
    Py_RETURN_NONE;
}

static void own_reader_dealloc(PyObject *self)
{
    cfp_object_begin_dealloc(self);
    Py_XDECREF(own_reader_close(self, NULL));
    Py_CLEAR(((struct own_reader *)self)->schema);
    cfp_object_end_dealloc(self);
}

static PyObject *own_reader_next(PyObject *self)
{
    struct own_reader *reader = (struct own_reader *)self;
    struct cfp_state *state = cfp_state_of(self);
    struct ArrowArray array = {0};
    struct ArrowArrayStream stream;
    if (!take_stream(reader, &stream)) {
        return refuse_closed();
    }
    int code = 0;
    Py_BEGIN_ALLOW_THREADS
    code = stream.get_next(&stream, &array);
    Py_END_ALLOW_THREADS
    if (code != 0) {
        reader->raise(state, &stream, code);
    }
    put_stream(reader, &stream);
    if (code != 0) {
        return NULL;
    }
    return array.release == NULL ? NULL : cfp_batch_take(state, reader->schema, &array);
}

static PyObject *own_reader_stream(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"requested_schema", NULL};
    struct own_reader *reader = (struct own_reader *)self;
    PyObject *requested_schema = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", names, &requested_schema)) {
        return NULL;
    }
    struct ArrowArrayStream stream;
    return take_stream(reader, &stream) ? cfp_stream_capsule(&stream) : refuse_closed();
}

static PyObject *own_reader_schema(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef(((struct own_reader *)self)->schema);
}

/* A reader over any object's stream; for the package. */
static PyObject *own_reader_of(PyObject *type, PyObject *source)
{
    struct ArrowArrayStream stream;
    return cfp_stream_get(source, &stream) < 0
               ? NULL
               : cfp_own_stream_take(cfp_state_of_type((PyTypeObject *)type), &stream);
}

static PyObject *own_reader_enter(PyObject *self, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(self);
}

static PyMethodDef own_reader_methods[] = {
    {"__arrow_c_stream__", CFP_KEYWORDS(own_reader_stream), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("__arrow_c_stream__($self, requested_schema=None)\n--\n\n"
               "Give the stream away as a capsule. Works once; a second time is a ValueError.")},
    {"_of", own_reader_of, METH_O | METH_CLASS,
     PyDoc_STR("Make a reader over an object with __arrow_c_stream__.")},
    {"close", own_reader_close, METH_NOARGS,
     PyDoc_STR("close($self)\n--\n\nRelease the stream now. Safe to repeat.")},
    {"__enter__", own_reader_enter, METH_NOARGS, PyDoc_STR("__enter__($self)\n--\n\nReturn self.")},
    {"__exit__", own_reader_close, METH_VARARGS,
     PyDoc_STR("__exit__($self, *args)\n--\n\nCall close().")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef own_reader_getset[] = {
    {"schema", own_reader_schema, NULL, PyDoc_STR("The :class:`Schema` of all batches."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(own_reader_doc,
             "A stream of record batches; used where pyarrow cannot be imported.\n\n"
             "Iterate it, or hand it to a library that speaks the Arrow PyCapsule interface.\n\n"
             "Examples\n--------\n>>> for batch in client.do_get(ticket).to_reader():\n"
             "...     print(batch.num_rows)");

static PyType_Slot own_reader_slots[] = {
    {Py_tp_doc, (void *)own_reader_doc},
    {Py_tp_dealloc, (void *)own_reader_dealloc},
    {Py_tp_iter, (void *)PyObject_SelfIter},
    {Py_tp_iternext, (void *)own_reader_next},
    {Py_tp_methods, own_reader_methods},
    {Py_tp_getset, own_reader_getset},
    {Py_tp_members, cfp_members},
    {0, NULL},
};

PyType_Spec cfp_record_batch_reader_spec = {
    .name = "cflight.RecordBatchReader",
    .basicsize = sizeof(struct own_reader),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = own_reader_slots,
};
