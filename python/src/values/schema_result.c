/* SPDX-License-Identifier: Apache-2.0 */
/* SchemaResult: a schema as GetSchema carries it. Immutable; decoded on access.
 * Thread class: with the GIL. */
#include "values/values.h"

#include "arrow/arrow.h"
#include "base/convert.h"
#include "base/exceptions.h"
#include "values/value_class.h"

/* Takes the bytes, which may be NULL with an exception set. */
static PyObject *schema_result_alloc(PyTypeObject *type, PyObject *schema)
{
    struct cfp_schema_result *self =
        schema == NULL ? NULL : (struct cfp_schema_result *)type->tp_alloc(type, 0);
    if (self == NULL) {
        Py_XDECREF(schema);
        return NULL;
    }
    self->schema = schema;
    return (PyObject *)self;
}

PyObject *cfp_schema_result_new(struct cfp_state *state, struct cflight_bytes schema)
{
    return schema_result_alloc(state->schema_result_type, cfp_bytes_new(schema));
}

static PyObject *schema_result_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    return cfp_value_open(schema_result_alloc(type, PyBytes_FromStringAndSize(NULL, 0)));
}

static int schema_result_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"schema", NULL};
    PyObject *schema = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:SchemaResult", names, &schema)) {
        return -1;
    }
    schema = cfp_schema_encode(cfp_state_of(self), schema, "schema");
    if (schema == NULL || cfp_value_fill(self) < 0) {
        Py_XDECREF(schema);
        return -1;
    }
    Py_SETREF(((struct cfp_schema_result *)self)->schema, schema);
    return 0;
}

static void schema_result_dealloc(PyObject *self)
{
    cfp_object_begin_dealloc(self);
    Py_CLEAR(((struct cfp_schema_result *)self)->schema);
    cfp_object_end_dealloc(self);
}

static struct cflight_bytes encoded(PyObject *self)
{
    return cfp_view(((struct cfp_schema_result *)self)->schema);
}

static PyObject *schema_result_schema(PyObject *self, void *unused)
{
    (void)unused;
    return cfp_schema_decode(cfp_state_of(self), encoded(self));
}

static PyObject *schema_result_key(PyObject *self)
{
    return Py_NewRef(((struct cfp_schema_result *)self)->schema);
}

DEFINE_COMPARE(schema_result, "cflight.SchemaResult")

static PyObject *schema_result_repr(PyObject *self)
{
    PyObject *schema = cfp_schema_text(cfp_state_of(self), encoded(self));
    PyObject *text =
        schema == NULL ? NULL
                       : PyUnicode_FromFormat("<pyarrow.flight.SchemaResult schema=(%U)>", schema);
    Py_XDECREF(schema);
    return text;
}

static PyObject *schema_result_serialize(PyObject *self, PyObject *unused)
{
    (void)unused;
    cflight_buffer *buffer = NULL;
    cflight_error *error = NULL;
    cflight_status status = cflight_schema_result_serialize(encoded(self), &buffer, &error);
    return cfp_serialized(cfp_state_of(self), status, buffer, error);
}

static PyObject *schema_result_deserialize(PyObject *type, PyObject *args, PyObject *kwargs)
{
    struct cfp_state *state = cfp_state_of_type((PyTypeObject *)type);
    Py_buffer view;
    cflight_buffer *schema = NULL;
    cflight_error *error = NULL;
    if (cfp_serialized_get(args, kwargs, &view) < 0) {
        return NULL;
    }
    cflight_status status = cflight_schema_result_parse(
        cflight_bytes_make(view.buf, (size_t)view.len), &schema, &error);
    PyBuffer_Release(&view);
    return status == CFLIGHT_OK
               ? schema_result_alloc(state->schema_result_type, cfp_bytes_take(schema))
               : cfp_raise(state, status, error);
}

static PyMethodDef schema_result_methods[] = {
    CFP_SERIALIZED_METHODS(schema_result),
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef schema_result_getset[] = {
    {"schema", schema_result_schema, NULL,
     PyDoc_STR("The schema: a pyarrow.Schema, or a :class:`Schema`. Decoded on every access."),
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(schema_result_doc,
             "SchemaResult(schema)\n--\n\n"
             "The schema of a dataset, as GetSchema carries it.\n\n"
             "Parameters\n----------\nschema : object with ``__arrow_c_schema__``\n"
             "    For example a pyarrow.Schema.\n\n"
             "Raises\n------\nTypeError\n    `schema` is not a schema.\n\n"
             "Examples\n--------\n>>> client.get_schema(descriptor).schema");

DEFINE_VALUE_SPEC(schema_result, "cflight.SchemaResult", cfp_schema_result)
