/* SPDX-License-Identifier: Apache-2.0 */
/* Schema: what the module hands out where pyarrow.Schema is not to be had.
 *
 * Owner of one ArrowSchema; immutable. Thread class: with the GIL. */
#include "arrow.h"

#include "convert.h"
#include "exceptions.h"

struct own_schema {
    CFP_HEAD
    struct ArrowSchema schema;
};

PyObject *cfp_own_schema_take(struct cfp_state *state, struct ArrowSchema *schema)
{
    struct own_schema *self =
        (struct own_schema *)state->schema_type->tp_alloc(state->schema_type, 0);
    if (self == NULL) {
        schema->release(schema);
        return NULL;
    }
    self->schema = *schema;
    schema->release = NULL;
    return (PyObject *)self;
}

const struct ArrowSchema *cfp_own_schema_view(PyObject *schema)
{
    return &((struct own_schema *)schema)->schema;
}

static void schema_dealloc(PyObject *self)
{
    struct own_schema *own = (struct own_schema *)self;
    cfp_object_begin_dealloc(self);
    if (own->schema.release != NULL) {
        own->schema.release(&own->schema);
    }
    cfp_object_end_dealloc(self);
}

static PyObject *schema_capsule(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct ArrowSchema copy;
    cflight_error *error = NULL;
    cflight_status status = cflight_schema_copy(cfp_own_schema_view(self), &copy, &error);
    return status == CFLIGHT_OK ? cfp_schema_capsule(&copy)
                                : cfp_raise(cfp_state_of(self), status, error);
}

static PyObject *field_text(struct cfp_state *state, const struct ArrowSchema *field)
{
    char *type = NULL;
    cflight_error *error = NULL;
    cflight_status status = cflight_schema_type_text(field, &type, &error);
    if (status != CFLIGHT_OK) {
        return cfp_raise(state, status, error);
    }
    bool is_nullable = (field->flags & ARROW_FLAG_NULLABLE) != 0;
    PyObject *text = PyUnicode_FromFormat("%s: %s%s", field->name == NULL ? "" : field->name, type,
                                          is_nullable ? "" : " not null");
    cflight_text_free(type);
    return text;
}

static PyObject *schema_str(PyObject *self)
{
    const struct ArrowSchema *schema = cfp_own_schema_view(self);
    PyObject *lines = PyList_New(0);
    for (int64_t i = 0; lines != NULL && i < schema->n_children; i++) {
        PyObject *line = field_text(cfp_state_of(self), schema->children[i]);
        if (line == NULL || PyList_Append(lines, line) < 0) {
            Py_CLEAR(lines);
        }
        Py_XDECREF(line);
    }
    PyObject *separator = lines == NULL ? NULL : PyUnicode_FromString("\n");
    PyObject *text = separator == NULL ? NULL : PyUnicode_Join(separator, lines);
    Py_XDECREF(lines);
    Py_XDECREF(separator);
    return text;
}

static PyObject *schema_names(PyObject *self, void *unused)
{
    (void)unused;
    const struct ArrowSchema *schema = cfp_own_schema_view(self);
    PyObject *names = PyList_New((Py_ssize_t)schema->n_children);
    for (Py_ssize_t i = 0; names != NULL && i < (Py_ssize_t)schema->n_children; i++) {
        PyObject *name = cfp_text_new(cflight_bytes_from_text(schema->children[i]->name));
        if (name == NULL) {
            Py_CLEAR(names);
            break;
        }
        PyList_SET_ITEM(names, i, name);
    }
    return names;
}

static Py_ssize_t schema_length(PyObject *self)
{
    return (Py_ssize_t)cfp_own_schema_view(self)->n_children;
}

static PyObject *schema_richcompare(PyObject *self, PyObject *other, int op)
{
    struct cfp_state *state = cfp_state_of(self);
    if ((op != Py_EQ && op != Py_NE) || !PyObject_TypeCheck(other, state->schema_type)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    bool is_equal =
        cflight_schema_equal(cfp_own_schema_view(self), cfp_own_schema_view(other), false);
    return PyBool_FromLong(is_equal == (op == Py_EQ));
}

static PyMethodDef schema_methods[] = {
    {"__arrow_c_schema__", schema_capsule, METH_NOARGS,
     PyDoc_STR("__arrow_c_schema__($self)\n--\n\n"
               "Export a copy as a capsule of the Arrow C data interface.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef schema_getset[] = {
    {"names", schema_names, NULL, PyDoc_STR("The names of the columns, as a list of str."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(schema_doc, "The schema of record batches; used where pyarrow cannot be imported.\n\n"
                         "Any library that speaks the Arrow PyCapsule interface takes it.\n\n"
                         "Examples\n--------\n>>> polars.Schema(reader.schema)");

static PyType_Slot schema_slots[] = {
    {Py_tp_doc, (void *)schema_doc},
    {Py_tp_dealloc, (void *)schema_dealloc},
    {Py_tp_str, (void *)schema_str},
    {Py_tp_richcompare, (void *)schema_richcompare},
    {Py_sq_length, (void *)schema_length},
    {Py_tp_methods, schema_methods},
    {Py_tp_getset, schema_getset},
    {Py_tp_members, cfp_members},
    {0, NULL},
};

PyType_Spec cfp_schema_spec = {
    .name = "cflight.Schema",
    .basicsize = sizeof(struct own_schema),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = schema_slots,
};
