/* SPDX-License-Identifier: Apache-2.0 */
/* FlightDataStream, RecordBatchStream and GeneratorStream: what a server's do_get returns, see
 * data_source.c. Thread class: with the GIL. */
#include "server/data_stream.h"

#include "arrow/arrow.h"
#include "arrow/ipc_options.h"
#include "base/convert.h"

static int stream_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((struct cfp_data_stream *)self)->source);
    return 0;
}

static int stream_clear(PyObject *self)
{
    Py_CLEAR(((struct cfp_data_stream *)self)->source);
    return 0;
}

static void stream_dealloc(PyObject *self)
{
    struct cfp_data_stream *stream = (struct cfp_data_stream *)self;
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
    struct cfp_data_stream *self = (struct cfp_data_stream *)object;
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
    struct cfp_data_stream *self = (struct cfp_data_stream *)object;
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
    .basicsize = sizeof(struct cfp_data_stream),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = data_stream_slots,
};

PyDoc_STRVAR(record_batch_stream_doc,
             "RecordBatchStream(data_source, options=None)\n--\n\n"
             "Serves a table or a stream. Once it has started, no Python runs, and no thread waits "
             "for the client.\n\n"
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
    .basicsize = sizeof(struct cfp_data_stream),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = record_batch_stream_slots,
};

PyDoc_STRVAR(
    generator_stream_doc,
    "GeneratorStream(schema, generator, options=None)\n--\n\n"
    "Serves what a Python iterator gives, item by item.\n\n"
    "The next item is asked for when the client has taken the last one, and until then no thread "
    "waits: another one may ask for it. Context variables stay the stream's own; what "
    "belongs to one thread, such as a connection of sqlite3, does not go from item to item.\n\n"
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
    .basicsize = sizeof(struct cfp_data_stream),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = generator_stream_slots,
};
