/* SPDX-License-Identifier: Apache-2.0 */
/* Table: what the module hands out where pyarrow.Table is not to be had. A schema and record
 * batches of it, which its stream export shares. Thread class: with the GIL. */
#include "arrow/arrow.h"

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

static PyObject *table_stream(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct own_table *table = (struct own_table *)self;
    return cfp_own_batches_stream(table->schema, table->batches, args, kwargs);
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
