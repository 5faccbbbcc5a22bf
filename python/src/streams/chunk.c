/* SPDX-License-Identifier: Apache-2.0 */
/* FlightStreamChunk: one message of a stream. Immutable. Thread class: with the GIL. */
#include "streams/streams.h"

struct chunk {
    CFP_HEAD
    PyObject *data;
    PyObject *app_metadata;
};

PyObject *cfp_chunk_new(struct cfp_state *state, PyObject *data, PyObject *app_metadata)
{
    struct chunk *self = NULL;
    if (data != NULL && app_metadata != NULL) {
        self = (struct chunk *)state->chunk_type->tp_alloc(state->chunk_type, 0);
    }
    if (self == NULL) {
        Py_XDECREF(data);
        Py_XDECREF(app_metadata);
        return NULL;
    }
    self->data = data;
    self->app_metadata = app_metadata;
    return (PyObject *)self;
}

PyObject *cfp_stats_new(PyObject *class, struct cflight_ipc_stats stats)
{
    return PyObject_CallFunction(
        class, "LLLLL", (long long)stats.message_count, (long long)stats.record_batch_count,
        (long long)stats.dictionary_batch_count, (long long)stats.dictionary_delta_count,
        (long long)stats.replaced_dictionary_count);
}

static PyObject *chunk_new_empty(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    struct chunk *self = (struct chunk *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->data = Py_NewRef(Py_None);
        self->app_metadata = Py_NewRef(Py_None);
    }
    return (PyObject *)self;
}

static void chunk_dealloc(PyObject *self)
{
    struct chunk *chunk = (struct chunk *)self;
    cfp_object_begin_dealloc(self);
    Py_CLEAR(chunk->data);
    Py_CLEAR(chunk->app_metadata);
    cfp_object_end_dealloc(self);
}

static PyObject *chunk_data(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef(((struct chunk *)self)->data);
}

static PyObject *chunk_app_metadata(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef(((struct chunk *)self)->app_metadata);
}

static PyObject *chunk_iter(PyObject *self)
{
    struct chunk *chunk = (struct chunk *)self;
    PyObject *pair = PyTuple_Pack(2, chunk->data, chunk->app_metadata);
    PyObject *iterator = pair == NULL ? NULL : PyObject_GetIter(pair);
    Py_XDECREF(pair);
    return iterator;
}

static PyObject *chunk_repr(PyObject *self)
{
    struct chunk *chunk = (struct chunk *)self;
    return PyUnicode_FromFormat("<FlightStreamChunk with data: %s with metadata: %s>",
                                chunk->data == Py_None ? "False" : "True",
                                chunk->app_metadata == Py_None ? "False" : "True");
}

static PyGetSetDef chunk_getset[] = {
    {"data", chunk_data, NULL,
     PyDoc_STR("The rows: a pyarrow.RecordBatch, or a :class:`RecordBatch`; None when the message "
               "carried metadata alone."),
     NULL},
    {"app_metadata", chunk_app_metadata, NULL,
     PyDoc_STR("The metadata: a pyarrow.Buffer, or a :class:`Buffer`; None when there is none."),
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(chunk_doc, "One message of a stream: rows, metadata, or both.\n\n"
                        "Examples\n--------\n>>> for batch, metadata in reader:\n...     ...");

static PyType_Slot chunk_slots[] = {
    {Py_tp_doc, (void *)chunk_doc},
    {Py_tp_new, (void *)chunk_new_empty},
    {Py_tp_init, (void *)cfp_init_any},
    {Py_tp_dealloc, (void *)chunk_dealloc},
    {Py_tp_repr, (void *)chunk_repr},
    {Py_tp_iter, (void *)chunk_iter},
    {Py_tp_getset, chunk_getset},
    {Py_tp_members, cfp_members},
    {0, NULL},
};

PyType_Spec cfp_chunk_spec = {
    .name = "cflight.FlightStreamChunk",
    .basicsize = sizeof(struct chunk),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = chunk_slots,
};
