/* SPDX-License-Identifier: Apache-2.0 */
/* Arrow data in and out.
 *
 * Invariants: column data is never copied; a structure that was taken is moved (its release is NULL
 * afterwards) or released, on failure too; a borrowed one stays with its capsule.
 * Thread class: with the GIL. Spec: The Arrow PyCapsule interface. */
#include "arrow.h"

#include <errno.h>
#include <string.h>

#include "convert.h"
#include "exceptions.h"

static void schema_capsule_free(PyObject *capsule)
{
    struct ArrowSchema *schema = PyCapsule_GetPointer(capsule, "arrow_schema");
    if (schema->release != NULL) {
        schema->release(schema);
    }
    PyMem_Free(schema);
}

static void array_capsule_free(PyObject *capsule)
{
    struct ArrowArray *array = PyCapsule_GetPointer(capsule, "arrow_array");
    if (array->release != NULL) {
        array->release(array);
    }
    PyMem_Free(array);
}

static void stream_capsule_free(PyObject *capsule)
{
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    if (stream->release != NULL) {
        stream->release(stream);
    }
    PyMem_Free(stream);
}

/* One function per structure: the three differ in nothing but their type. */
#define DEFINE_CAPSULE(function, type, name, destructor)               \
    PyObject *function(struct type *taken)                             \
    {                                                                  \
        struct type *copy = PyMem_Malloc(sizeof(*copy));               \
        if (copy != NULL) {                                            \
            *copy = *taken;                                            \
            PyObject *capsule = PyCapsule_New(copy, name, destructor); \
            if (capsule != NULL) {                                     \
                taken->release = NULL;                                 \
                return capsule;                                        \
            }                                                          \
            PyMem_Free(copy);                                          \
        }                                                              \
        taken->release(taken);                                         \
        return PyErr_Occurred() == NULL ? PyErr_NoMemory() : NULL;     \
    }

DEFINE_CAPSULE(cfp_schema_capsule, ArrowSchema, "arrow_schema", schema_capsule_free)
DEFINE_CAPSULE(cfp_array_capsule, ArrowArray, "arrow_array", array_capsule_free)
DEFINE_CAPSULE(cfp_stream_capsule, ArrowArrayStream, "arrow_array_stream", stream_capsule_free)

/* Whether an object has a method; a failing lookup counts as no. Types themselves do not count. */
static bool has_method(PyObject *object, const char *name)
{
    return !PyType_Check(object) && PyObject_HasAttrString(object, name) == 1;
}

bool cfp_is_batch(struct cfp_state *state, PyObject *object)
{
    return (PyObject *)Py_TYPE(object) == state->pa_record_batch_class ||
           (!PyType_Check(object) && PyObject_HasAttr(object, state->name_c_array) == 1);
}

bool cfp_is_stream(PyObject *object)
{
    return has_method(object, "__arrow_c_stream__");
}

static int schema_of_stream(PyObject *object, struct ArrowSchema *ret_schema)
{
    struct ArrowArrayStream stream;
    if (cfp_stream_get(object, &stream) < 0) {
        return -1;
    }
    int code = stream.get_schema(&stream, ret_schema);
    int result = code == 0 ? 0 : cfp_stream_raise(NULL, &stream, code);
    stream.release(&stream);
    return result;
}

static int schema_of_capsule(PyObject *object, struct ArrowSchema *ret_schema)
{
    PyObject *capsule = cfp_call_method(object, "__arrow_c_schema__", NULL, 0);
    struct ArrowSchema *schema =
        capsule == NULL ? NULL : PyCapsule_GetPointer(capsule, "arrow_schema");
    int result = -1;
    if (schema != NULL && schema->release == NULL) {
        PyErr_SetString(PyExc_ValueError, "the object gave a schema that is already released");
    } else if (schema != NULL) {
        *ret_schema = *schema;
        schema->release = NULL;
        result = 0;
    }
    Py_XDECREF(capsule);
    return result;
}

/* The `schema` attribute of tables and readers: 1 and the schema, 0 when there is none, or -1.
 * Better than asking for a stream, which some objects give away but once. */
static int schema_of_attribute(PyObject *object, struct ArrowSchema *ret_schema)
{
    PyObject *schema = PyObject_GetAttrString(object, "schema");
    if (schema == NULL) {
        PyErr_Clear();
        return 0;
    }
    int result = 0;
    if (has_method(schema, "__arrow_c_schema__")) {
        result = schema_of_capsule(schema, ret_schema) < 0 ? -1 : 1;
    }
    Py_DECREF(schema);
    return result;
}

int cfp_schema_get(PyObject *object, const char *name, struct ArrowSchema *ret_schema)
{
    if (has_method(object, "__arrow_c_schema__")) {
        return schema_of_capsule(object, ret_schema);
    }
    if (cfp_is_stream(object)) {
        int found = schema_of_attribute(object, ret_schema);
        if (found != 0) {
            return found < 0 ? -1 : 0;
        }
        return schema_of_stream(object, ret_schema);
    }
    cfp_argument_error(name, "pyarrow.lib.Schema", object);
    return -1;
}

PyObject *cfp_schema_encode(struct cfp_state *state, PyObject *object, const char *name)
{
    struct ArrowSchema schema;
    cflight_buffer *buffer = NULL;
    cflight_error *error = NULL;
    if (cfp_schema_get(object, name, &schema) < 0) {
        return NULL;
    }
    cflight_status status = cflight_ipc_schema_serialize(&schema, &buffer, &error);
    schema.release(&schema);
    return status == CFLIGHT_OK ? cfp_bytes_take(buffer) : cfp_raise(state, status, error);
}

PyObject *cfp_schema_take(struct cfp_state *state, struct ArrowSchema *schema)
{
    PyObject *own = cfp_own_schema_take(state, schema);
    if (own == NULL || state->pa == NULL) {
        return own;
    }
    PyObject *result = PyObject_CallOneArg(state->pa_schema, own);
    Py_DECREF(own);
    return result;
}

PyObject *cfp_schema_decode(struct cfp_state *state, struct cflight_bytes encoded)
{
    struct ArrowSchema schema;
    cflight_error *error = NULL;
    if (encoded.len_bytes == 0) {
        Py_RETURN_NONE;
    }
    cflight_status status = cflight_ipc_schema_parse(encoded, &schema, &error);
    return status == CFLIGHT_OK ? cfp_schema_take(state, &schema)
                                : cfp_raise(state, CFLIGHT_INVALID_ARGUMENT, error);
}

PyObject *cfp_schema_text(struct cfp_state *state, struct cflight_bytes encoded)
{
    PyObject *schema = cfp_schema_decode(state, encoded);
    PyObject *text = schema == NULL ? NULL : PyObject_Str(schema);
    Py_XDECREF(schema);
    return text;
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
            PyObject *had = type_text(state, have);
            PyObject *wanted = had == NULL ? NULL : type_text(state, want);
            PyObject *text = wanted == NULL ? NULL
                                            : PyUnicode_FromFormat("field '%s' is %U, expected %U",
                                                                   name_of(want), had, wanted);
            Py_XDECREF(had);
            Py_XDECREF(wanted);
            return text;
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

int cfp_batch_get(struct cfp_state *state, PyObject *object, struct cfp_batch *ret_batch)
{
    PyObject *pair = PyObject_CallMethodNoArgs(object, state->name_c_array);
    if (pair == NULL) {
        return -1;
    }
    ret_batch->capsules = pair;
    if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
        PyErr_SetString(PyExc_TypeError, "__arrow_c_array__ did not return a pair of capsules");
        goto failed;
    }
    ret_batch->schema = PyCapsule_GetPointer(PyTuple_GET_ITEM(pair, 0), "arrow_schema");
    if (ret_batch->schema == NULL) {
        goto failed;
    }
    ret_batch->array = PyCapsule_GetPointer(PyTuple_GET_ITEM(pair, 1), "arrow_array");
    if (ret_batch->array == NULL) {
        goto failed;
    }
    if (ret_batch->schema->release == NULL || ret_batch->array->release == NULL) {
        PyErr_SetString(PyExc_ValueError, "the object gave an array that is already released");
        goto failed;
    }
    return 0;

failed:
    cfp_batch_done(ret_batch);
    return -1;
}

void cfp_batch_done(struct cfp_batch *batch)
{
    Py_CLEAR(batch->capsules);
}

int cfp_stream_get(PyObject *object, struct ArrowArrayStream *ret_stream)
{
    PyObject *capsule = cfp_call_method(object, "__arrow_c_stream__", NULL, 0);
    struct ArrowArrayStream *stream =
        capsule == NULL ? NULL : PyCapsule_GetPointer(capsule, "arrow_array_stream");
    int result = -1;
    if (stream != NULL && stream->release == NULL) {
        PyErr_SetString(PyExc_ValueError, "the object gave a stream that is already released");
    } else if (stream != NULL) {
        *ret_stream = *stream;
        stream->release = NULL;
        result = 0;
    }
    Py_XDECREF(capsule);
    return result;
}

int cfp_stream_raise(struct cfp_state *state, struct ArrowArrayStream *stream, int code)
{
    const char *text = stream->get_last_error == NULL ? NULL : stream->get_last_error(stream);
    const char *message = text == NULL ? "the stream failed without a reason" : text;
    PyObject *class = state == NULL ? NULL : cfp_class_of_text(state, &message);
    if (class == NULL) {
        class = PyExc_OSError;
        if (code == EINVAL) {
            class = state == NULL ? PyExc_ValueError : state->arrow_invalid;
        } else if (code == ENOMEM) {
            class = PyExc_MemoryError;
        } else if (code == ENOSYS) {
            class = state == NULL ? PyExc_NotImplementedError : state->arrow_not_implemented_error;
        }
    }
    PyErr_Format(class, "%s", message);
    return -1;
}

static PyObject *address_of(void *pointer)
{
    return PyLong_FromVoidPtr(pointer);
}

PyObject *cfp_stream_take(struct cfp_state *state, struct ArrowArrayStream *stream)
{
    if (state->pa == NULL) {
        return cfp_own_stream_take(state, stream);
    }
    PyObject *address = address_of(stream);
    PyObject *result =
        address == NULL ? NULL : PyObject_CallOneArg(state->pa_import_reader, address);
    Py_XDECREF(address);
    if (stream->release != NULL) {
        stream->release(stream);
    }
    return result;
}

PyObject *cfp_batch_take(struct cfp_state *state, PyObject *schema, struct ArrowArray *array)
{
    if (state->pa == NULL) {
        return cfp_own_batch_take(state, schema, array);
    }
    PyObject *address = address_of(array);
    PyObject *result = NULL;
    if (address != NULL) {
        PyObject *arguments[] = {address, schema};
        result = PyObject_Vectorcall(state->pa_import_batch, arguments, 2, NULL);
    }
    Py_XDECREF(address);
    if (array->release != NULL) {
        array->release(array);
    }
    return result;
}

PyObject *cfp_table_new(struct cfp_state *state, PyObject *schema, PyObject *batches)
{
    if (state->pa == NULL) {
        return cfp_own_table_new(state, schema, batches);
    }
    PyObject *arguments[] = {batches, schema};
    return PyObject_Vectorcall(state->pa_table_from_batches, arguments, 2, NULL);
}
