/* SPDX-License-Identifier: Apache-2.0 */
/* FlightDataStream, RecordBatchStream and GeneratorStream: what a server's do_get returns.
 *
 * A RecordBatchStream is exported as an Arrow stream and written without the GIL from its first
 * batch to its last. A GeneratorStream asks its iterator for one item at a time; items that are
 * streams themselves are written without the GIL. Thread class: with the GIL. */
#include "data_stream.h"

#include "arrow.h"
#include "call_options.h"
#include "convert.h"
#include "values.h"

/* How many streams without a batch a generator may give in a row. */
#define EMPTY_STREAMS_MAX 128

struct data_stream {
    CFP_VALUE_HEAD
    PyObject *source;          /* RecordBatchStream: the data; GeneratorStream: the iterator */
    struct ArrowSchema schema; /* GeneratorStream */
    bool has_options;
    struct cflight_ipc_write_options options;
};

static int stream_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((struct data_stream *)self)->source);
    return 0;
}

static int stream_clear(PyObject *self)
{
    Py_CLEAR(((struct data_stream *)self)->source);
    return 0;
}

static void stream_dealloc(PyObject *self)
{
    struct data_stream *stream = (struct data_stream *)self;
    cfp_object_begin_dealloc(self);
    Py_CLEAR(stream->source);
    if (stream->schema.release != NULL) {
        stream->schema.release(&stream->schema);
    }
    cfp_object_end_dealloc(self);
}

/* All three classes; a FlightDataStream takes any arguments. */
static PyObject *stream_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    return cfp_value_open(type->tp_alloc(type, 0));
}

/* Options that are false are not given; 0 or -1. */
static int options_get(PyObject *object, PyObject *options,
                       struct cflight_ipc_write_options *ret_options)
{
    int is_given = options == NULL ? 0 : PyObject_IsTrue(options);
    if (is_given <= 0) {
        return is_given;
    }
    return cfp_write_options_get(cfp_state_of(object), options, ret_options) < 0 ? -1 : 1;
}

static int record_batch_stream_init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"data_source", "options", NULL};
    struct data_stream *self = (struct data_stream *)object;
    PyObject *source = NULL;
    PyObject *options = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:RecordBatchStream", names, &source,
                                     &options)) {
        return -1;
    }
    if (!cfp_is_stream(source)) {
        PyErr_Format(PyExc_TypeError, "Expected RecordBatchReader or Table, but got: %R",
                     (PyObject *)Py_TYPE(source));
        return -1;
    }
    int has_options = options_get(object, options, &self->options);
    if (has_options < 0 || cfp_value_fill(object) < 0) {
        return -1;
    }
    self->has_options = has_options != 0;
    self->source = Py_NewRef(source);
    return 0;
}

static int generator_stream_init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"schema", "generator", "options", NULL};
    struct data_stream *self = (struct data_stream *)object;
    PyObject *schema_object = NULL;
    PyObject *generator = NULL;
    PyObject *options = NULL;
    struct ArrowSchema schema;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|O:GeneratorStream", names, &schema_object,
                                     &generator, &options)) {
        return -1;
    }
    int has_options = options_get(object, options, &self->options);
    if (has_options < 0 || cfp_schema_get(schema_object, "schema", &schema) < 0) {
        return -1;
    }
    PyObject *source = PyObject_GetIter(generator);
    if (source == NULL || cfp_value_fill(object) < 0) {
        Py_XDECREF(source);
        schema.release(&schema);
        return -1;
    }
    self->has_options = has_options != 0;
    self->schema = schema;
    self->source = source;
    return 0;
}

/* Raises what differs between the schemas; 0 when nothing does. */
static int check_schema(struct cfp_state *state, const struct ArrowSchema *expected,
                        const struct ArrowSchema *actual)
{
    if (cflight_schema_equal(expected, actual, false)) {
        return 0;
    }
    PyObject *difference = cfp_schema_difference(state, expected, actual);
    if (difference != NULL) {
        PyErr_Format(PyExc_ValueError,
                     "Stream returned by generator has another schema than the GeneratorStream: %U",
                     difference);
        Py_DECREF(difference);
    }
    return -1;
}

/* Writes an object's stream behind a schema that was sent. Returns the number of batches, or -1. */
static int64_t send_stream(PyObject *source, const struct ArrowSchema *schema,
                           struct cfp_sink *sink)
{
    struct ArrowArrayStream stream;
    struct ArrowSchema actual;
    if (cfp_stream_get(source, &stream) < 0) {
        return -1;
    }
    int code = stream.get_schema(&stream, &actual);
    if (code != 0) {
        cfp_stream_raise(sink->state, &stream, code);
    } else {
        code = check_schema(sink->state, schema, &actual);
        actual.release(&actual);
    }
    if (code != 0) {
        stream.release(&stream);
        return -1;
    }
    return cfp_sink_write_stream(sink, &stream);
}

static int send_batch(PyObject *object, PyObject *metadata, const struct ArrowSchema *schema,
                      struct cfp_sink *sink)
{
    struct cfp_batch batch;
    if (cfp_batch_get(sink->state, object, &batch) < 0) {
        return -1;
    }
    int code = check_schema(sink->state, schema, batch.schema);
    if (code == 0) {
        code = cfp_sink_write(sink, batch.array, metadata);
    }
    cfp_batch_done(&batch);
    return code;
}

static int64_t send_generated(struct data_stream *self, const struct ArrowSchema *schema,
                              struct cfp_sink *sink);

static int check_has_data(PyObject *stream)
{
    if (((struct data_stream *)stream)->source != NULL) {
        return 0;
    }
    PyErr_Format(PyExc_TypeError,
                 "a %.200s has no data; return a RecordBatchStream or a GeneratorStream that was "
                 "made with some",
                 Py_TYPE(stream)->tp_name);
    return -1;
}

static int64_t send_item(PyObject *item, const struct ArrowSchema *schema, struct cfp_sink *sink);

/* Writes an item that came with metadata, or with None for none. */
static int64_t send_pair(PyObject *item, PyObject *metadata, const struct ArrowSchema *schema,
                         struct cfp_sink *sink)
{
    if (metadata == Py_None && !PyTuple_Check(item) && !PyList_Check(item)) {
        return send_item(item, schema, sink);
    }
    if (!cfp_is_batch(sink->state, item)) {
        PyErr_SetString(PyExc_ValueError, "Can only return metadata with a RecordBatch");
        return -1;
    }
    return send_batch(item, metadata, schema, sink) < 0 ? -1 : 1;
}

/* Writes one item of a generator; returns the number of batches, or -1. */
static int64_t send_item(PyObject *item, const struct ArrowSchema *schema, struct cfp_sink *sink)
{
    struct cfp_state *state = sink->state;
    if (PyObject_TypeCheck(item, state->data_stream_type) && check_has_data(item) < 0) {
        return -1;
    }
    if (PyObject_TypeCheck(item, state->generator_stream_type)) {
        struct data_stream *inner = (struct data_stream *)item;
        if (check_schema(sink->state, schema, &inner->schema) < 0 ||
            Py_EnterRecursiveCall(" in nested GeneratorStreams") != 0) {
            return -1;
        }
        int64_t count = send_generated(inner, schema, sink);
        Py_LeaveRecursiveCall();
        return count;
    }
    if (PyObject_TypeCheck(item, state->record_batch_stream_type)) {
        return send_stream(((struct data_stream *)item)->source, schema, sink);
    }
    if (PyTuple_Check(item) || PyList_Check(item)) {
        PyObject *pair = PySequence_Tuple(item);
        if (pair == NULL || PyTuple_GET_SIZE(pair) != 2) {
            Py_XDECREF(pair);
            PyErr_SetString(PyExc_ValueError, "an item with metadata is a pair of batch and bytes");
            return -1;
        }
        int64_t count =
            send_pair(PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1), schema, sink);
        Py_DECREF(pair);
        return count;
    }
    if (cfp_is_batch(state, item)) {
        return send_batch(item, NULL, schema, sink) < 0 ? -1 : 1;
    }
    if (cfp_is_stream(item)) {
        return send_stream(item, schema, sink);
    }
    PyErr_Format(PyExc_TypeError,
                 "GeneratorStream must be initialized with an iterator of FlightDataStream, Table, "
                 "RecordBatch, or RecordBatchStreamReader objects, not %R",
                 (PyObject *)Py_TYPE(item));
    return -1;
}

static int64_t send_generated(struct data_stream *self, const struct ArrowSchema *schema,
                              struct cfp_sink *sink)
{
    int64_t total = 0;
    int empty_count = 0;
    PyObject *item = NULL;
    while ((item = PyIter_Next(self->source)) != NULL) {
        int64_t count = send_item(item, schema, sink);
        Py_DECREF(item);
        if (count < 0) {
            return -1;
        }
        total += count;
        empty_count = count == 0 ? empty_count + 1 : 0;
        if (empty_count > EMPTY_STREAMS_MAX) {
            PyErr_Format(PyExc_RuntimeError,
                         "the generator gave more than %d streams without data in a row "
                         "(application server implementation error)",
                         EMPTY_STREAMS_MAX);
            return -1;
        }
    }
    return PyErr_Occurred() == NULL ? total : -1;
}

static int send_record_batches(struct data_stream *self, struct cfp_sink *sink)
{
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    if (cfp_stream_get(self->source, &stream) < 0) {
        return -1;
    }
    int code = stream.get_schema(&stream, &schema);
    if (code != 0) {
        cfp_stream_raise(sink->state, &stream, code);
    } else {
        code = cfp_sink_begin(sink, &schema, self->has_options ? &self->options : NULL);
        schema.release(&schema);
    }
    if (code != 0) {
        stream.release(&stream);
        return -1;
    }
    return cfp_sink_write_stream(sink, &stream) < 0 ? -1 : 0;
}

int cfp_data_stream_send(PyObject *object, struct cfp_sink *sink)
{
    struct cfp_state *state = sink->state;
    struct data_stream *self = (struct data_stream *)object;
    if (check_has_data(object) < 0) {
        return -1;
    }
    if (PyObject_TypeCheck(object, state->record_batch_stream_type)) {
        return send_record_batches(self, sink);
    }
    if (cfp_sink_begin(sink, &self->schema, self->has_options ? &self->options : NULL) < 0) {
        return -1;
    }
    return send_generated(self, &self->schema, sink) < 0 ? -1 : 0;
}

PyDoc_STRVAR(data_stream_doc, "FlightDataStream()\n--\n\n"
                              "Base of what :meth:`FlightServerBase.do_get` returns.\n\n"
                              "Examples\n--------\n"
                              ">>> isinstance(RecordBatchStream(table), FlightDataStream)\nTrue");

static PyType_Slot data_stream_slots[] = {
    {Py_tp_doc, (void *)data_stream_doc},
    {Py_tp_new, (void *)stream_new},
    {Py_tp_init, (void *)cfp_init_any},
    {Py_tp_dealloc, (void *)stream_dealloc},
    {Py_tp_traverse, (void *)stream_traverse},
    {Py_tp_clear, (void *)stream_clear},
    {Py_tp_members, cfp_members},
    {0, NULL},
};

PyType_Spec cfp_data_stream_spec = {
    .name = "cflight.FlightDataStream",
    .basicsize = sizeof(struct data_stream),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = data_stream_slots,
};

PyDoc_STRVAR(record_batch_stream_doc,
             "RecordBatchStream(data_source, options=None)\n--\n\n"
             "Serves a table or a stream. Once it has started, no Python runs.\n\n"
             "Parameters\n----------\n"
             "data_source : object with ``__arrow_c_stream__``\n"
             "    For example a pyarrow.Table, a pyarrow.RecordBatchReader or a polars.DataFrame.\n"
             "options : IpcWriteOptions, optional\n\n"
             "Raises\n------\nTypeError\n    A value has another type.\n\n"
             "Examples\n--------\n>>> def do_get(self, context, ticket):\n"
             "...     return RecordBatchStream(self.tables[ticket.ticket])");

static PyType_Slot record_batch_stream_slots[] = {
    {Py_tp_doc, (void *)record_batch_stream_doc}, {Py_tp_init, (void *)record_batch_stream_init},
    {Py_tp_dealloc, (void *)stream_dealloc},      {Py_tp_traverse, (void *)stream_traverse},
    {Py_tp_clear, (void *)stream_clear},          {0, NULL},
};

PyType_Spec cfp_record_batch_stream_spec = {
    .name = "cflight.RecordBatchStream",
    .basicsize = sizeof(struct data_stream),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = record_batch_stream_slots,
};

PyDoc_STRVAR(
    generator_stream_doc,
    "GeneratorStream(schema, generator, options=None)\n--\n\n"
    "Serves what a Python iterator gives, item by item.\n\n"
    "Parameters\n----------\nschema : object with ``__arrow_c_schema__``\n"
    "generator : iterable\n"
    "    Of record batches, pairs of record batch and metadata (bytes-like), tables, streams, "
    "or other FlightDataStreams; all of `schema`.\n"
    "options : IpcWriteOptions, optional\n\n"
    "Raises\n------\nTypeError\n    A value has another type. What goes wrong with an item "
    "later is raised in the call and reaches the client.\n\n"
    "Examples\n--------\n>>> def do_get(self, context, ticket):\n"
    "...     return GeneratorStream(schema, (make(i) for i in range(10)))");

static PyType_Slot generator_stream_slots[] = {
    {Py_tp_doc, (void *)generator_stream_doc}, {Py_tp_init, (void *)generator_stream_init},
    {Py_tp_dealloc, (void *)stream_dealloc},   {Py_tp_traverse, (void *)stream_traverse},
    {Py_tp_clear, (void *)stream_clear},       {0, NULL},
};

PyType_Spec cfp_generator_stream_spec = {
    .name = "cflight.GeneratorStream",
    .basicsize = sizeof(struct data_stream),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = generator_stream_slots,
};
