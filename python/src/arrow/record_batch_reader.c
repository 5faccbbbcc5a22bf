/* SPDX-License-Identifier: Apache-2.0 */
/* RecordBatchReader: what the module hands out where pyarrow's is not to be had, and where failures
 * are to keep their class.
 *
 * Owns one Arrow stream and gives it away once, or is iterated. Thread class: with the GIL. */
#include "arrow/arrow.h"

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
