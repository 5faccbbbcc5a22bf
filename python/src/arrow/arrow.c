/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas, batches and tables as users see them: pyarrow's objects, or where that cannot be
 * imported our own. A structure that was taken is moved (its release is NULL afterwards) or
 * released, on failure too. Thread class: with the GIL. */
#include "arrow/arrow.h"

#include "base/convert.h"
#include "base/exceptions.h"

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

/* A copy as an object: pyarrow's, where that is there. */
static PyObject *copy_as_object(struct cfp_state *state, const struct ArrowSchema *schema)
{
    struct ArrowSchema copy;
    cflight_error *error = NULL;
    cflight_status status = cflight_schema_copy(schema, &copy, &error);
    return status == CFLIGHT_OK ? cfp_schema_take(state, &copy) : cfp_raise(state, status, error);
}

int cfp_schema_equal(struct cfp_state *state, const struct ArrowSchema *a,
                     const struct ArrowSchema *b)
{
    if (cflight_schema_equal(a, b, false)) {
        return 1;
    }
    if (state->pa == NULL) {
        return 0;
    }
    PyObject *object_a = copy_as_object(state, a);
    PyObject *object_b = object_a == NULL ? NULL : copy_as_object(state, b);
    int is_equal = object_b == NULL ? -1 : PyObject_RichCompareBool(object_a, object_b, Py_EQ);
    Py_XDECREF(object_a);
    Py_XDECREF(object_b);
    return is_equal;
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

PyObject *cfp_batch_take(struct cfp_state *state, PyObject *schema, struct ArrowArray *array)
{
    if (state->pa == NULL) {
        return cfp_own_batch_take(state, schema, array);
    }
    PyObject *address = PyLong_FromVoidPtr(array);
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
