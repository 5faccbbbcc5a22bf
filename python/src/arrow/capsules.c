/* SPDX-License-Identifier: Apache-2.0 */
/* Arrow data in and out by capsules.
 *
 * Invariants: column data is never copied; a structure that was taken is moved (its release is NULL
 * afterwards) or released, on failure too; a borrowed one stays with its capsule.
 * Thread class: with the GIL. Spec: The Arrow PyCapsule interface. */
#include "arrow/arrow.h"

#include <errno.h>

#include "base/convert.h"
#include "base/exceptions.h"

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
