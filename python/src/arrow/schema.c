/* SPDX-License-Identifier: Apache-2.0 */
/* Schema: what the module hands out where pyarrow.Schema is not to be had.
 *
 * Owner of one ArrowSchema; immutable. Thread class: with the GIL. */
#include "arrow/arrow.h"

#include <string.h>

#include "base/convert.h"
#include "base/exceptions.h"

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

static const struct ArrowSchema *view_of(PyObject *schema)
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
    cflight_status status = cflight_schema_copy(view_of(self), &copy, &error);
    return status == CFLIGHT_OK ? cfp_schema_capsule(&copy)
                                : cfp_raise(cfp_state_of(self), status, error);
}

/* A field's type, and whether it takes nulls, as text. */
static PyObject *type_text(struct cfp_state *state, const struct ArrowSchema *field)
{
    char *text = NULL;
    cflight_error *error = NULL;
    cflight_status status = cflight_schema_type_text(field, &text, &error);
    if (status != CFLIGHT_OK) {
        return cfp_raise(state, status, error);
    }
    bool is_nullable = (field->flags & ARROW_FLAG_NULLABLE) != 0;
    PyObject *result = PyUnicode_FromFormat("%s%s", text, is_nullable ? "" : " not null");
    cflight_text_free(text);
    return result;
}

static const char *name_of(const struct ArrowSchema *field)
{
    return field->name == NULL ? "" : field->name;
}

static PyObject *field_text(struct cfp_state *state, const struct ArrowSchema *field)
{
    PyObject *type = type_text(state, field);
    PyObject *text = type == NULL ? NULL : PyUnicode_FromFormat("%s: %U", name_of(field), type);
    Py_XDECREF(type);
    return text;
}

static PyObject *schema_str(PyObject *self)
{
    const struct ArrowSchema *schema = view_of(self);
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
    const struct ArrowSchema *schema = view_of(self);
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
    return (Py_ssize_t)view_of(self)->n_children;
}

static PyObject *schema_richcompare(PyObject *self, PyObject *other, int op)
{
    struct cfp_state *state = cfp_state_of(self);
    if ((op != Py_EQ && op != Py_NE) || !PyObject_TypeCheck(other, state->schema_type)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    bool is_equal = cflight_schema_equal(view_of(self), view_of(other), false);
    return PyBool_FromLong(is_equal == (op == Py_EQ));
}

static void keep_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

/* Two fields, by the comparison of schemas. */
static bool is_same_field(const struct ArrowSchema *a, const struct ArrowSchema *b)
{
    struct ArrowSchema *field_a = (struct ArrowSchema *)(uintptr_t)a;
    struct ArrowSchema *field_b = (struct ArrowSchema *)(uintptr_t)b;
    struct ArrowSchema whole_a = {
        .format = "+s", .n_children = 1, .children = &field_a, .release = keep_schema};
    struct ArrowSchema whole_b = {
        .format = "+s", .n_children = 1, .children = &field_b, .release = keep_schema};
    return cflight_schema_equal(&whole_a, &whole_b, false);
}

/* A type, and which extension type it is the storage of. */
static PyObject *type_text_with_extension(struct cfp_state *state, const struct ArrowSchema *field)
{
    PyObject *type = type_text(state, field);
    struct cflight_bytes name =
        cflight_schema_metadata(field, cflight_bytes_from_text("ARROW:extension:name"));
    if (type == NULL || name.data == NULL) {
        return type;
    }
    PyObject *extension = cfp_text_new(name);
    PyObject *text =
        extension == NULL ? NULL : PyUnicode_FromFormat("%U of extension type %R", type, extension);
    Py_DECREF(type);
    Py_XDECREF(extension);
    return text;
}

static PyObject *type_difference(struct cfp_state *state, const struct ArrowSchema *want,
                                 const struct ArrowSchema *have)
{
    PyObject *text = NULL;
    PyObject *had = type_text_with_extension(state, have);
    PyObject *wanted = had == NULL ? NULL : type_text_with_extension(state, want);
    int is_same_text = wanted == NULL ? -1 : PyUnicode_Compare(had, wanted) == 0;
    if (is_same_text > 0) {
        text = PyUnicode_FromFormat("field '%s' is %U, but not with the extension types "
                                    "and parameters that are expected",
                                    name_of(want), had);
    } else if (is_same_text == 0) {
        text = PyUnicode_FromFormat("field '%s' is %U, expected %U", name_of(want), had, wanted);
    }
    Py_XDECREF(had);
    Py_XDECREF(wanted);
    return text;
}

PyObject *cfp_schema_difference(struct cfp_state *state, const struct ArrowSchema *expected,
                                const struct ArrowSchema *actual)
{
    for (int64_t i = 0; i < expected->n_children && i < actual->n_children; i++) {
        const struct ArrowSchema *want = expected->children[i];
        const struct ArrowSchema *have = actual->children[i];
        if (strcmp(name_of(want), name_of(have)) != 0) {
            return PyUnicode_FromFormat("field %lld is '%s', expected '%s'", (long long)i,
                                        name_of(have), name_of(want));
        }
        if (!is_same_field(want, have)) {
            return type_difference(state, want, have);
        }
    }
    bool is_short = actual->n_children < expected->n_children;
    const struct ArrowSchema *longer = is_short ? expected : actual;
    int64_t common = is_short ? actual->n_children : expected->n_children;
    return PyUnicode_FromFormat("it has %lld fields, expected %lld; field '%s' is %s",
                                (long long)actual->n_children, (long long)expected->n_children,
                                common < longer->n_children ? name_of(longer->children[common])
                                                            : "",
                                is_short ? "missing" : "one too many");
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
