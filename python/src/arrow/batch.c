/* SPDX-License-Identifier: Apache-2.0 */
/* Batches that are borrowed from Python objects.
 *
 * Any object with __arrow_c_array__ gives schema and array. Streams of batches want the same schema
 * each time, and to export, import and compare it costs more than the rows do. So pyarrow's own
 * batches are asked for the array alone once one of their schemas was found equal: pyarrow compares
 * that schema with the next batch's by their identity, or their fingerprints.
 * Thread class: with the GIL. */
#include "arrow/arrow.h"

/* From the Arrow C device data interface. */
#define ARROW_DEVICE_CPU 1
struct ArrowDeviceArray {
    struct ArrowArray array;
    int64_t device_id;
    int32_t device_type;
    void *sync_event;
    int64_t reserved[3];
};

bool cfp_is_batch(struct cfp_state *state, PyObject *object)
{
    return (PyObject *)Py_TYPE(object) == state->pa_record_batch_class ||
           (!PyType_Check(object) && PyObject_HasAttr(object, state->name_c_array) == 1);
}

int cfp_batch_get(struct cfp_state *state, PyObject *object, struct cfp_batch *ret_batch)
{
    PyObject *pair = PyObject_CallMethodNoArgs(object, state->name_c_array);
    if (pair == NULL) {
        return -1;
    }
    *ret_batch = (struct cfp_batch){.capsules = pair};
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
    if (batch->own.release != NULL) {
        batch->own.release(&batch->own);
    }
    Py_XDECREF(batch->capsules);
    *batch = (struct cfp_batch){NULL};
}

/* ---- batches of a stream ---- */

static PyObject *schema_of(struct cfp_state *state, PyObject *batch)
{
    return PyObject_GetAttr(batch, state->name_schema);
}

/* Whether pyarrow finds the schema of its batch equal to the known one; -1 on failure. */
static int has_schema(struct cfp_state *state, PyObject *batch, PyObject *known)
{
    PyObject *schema = schema_of(state, batch);
    if (schema == NULL || schema == known) {
        Py_XDECREF(schema);
        return schema == NULL ? -1 : 1;
    }
    PyObject *arguments[] = {known, schema};
    PyObject *result = PyObject_VectorcallMethod(state->name_equals, arguments, 2, NULL);
    int code = result == NULL ? -1 : PyObject_IsTrue(result);
    Py_XDECREF(result);
    Py_DECREF(schema);
    return code;
}

/* Has pyarrow export the rows alone; 0 when they are not in this machine's memory. */
static int export_rows(struct cfp_state *state, PyObject *object, struct cfp_batch *ret_batch)
{
    struct ArrowDeviceArray exported = {.array = {.release = NULL}};
    PyObject *address = PyLong_FromVoidPtr(&exported);
    PyObject *arguments[] = {object, address};
    PyObject *result =
        address == NULL ? NULL : PyObject_VectorcallMethod(state->name_export, arguments, 2, NULL);
    Py_XDECREF(address);
    if (result == NULL) {
        return -1;
    }
    Py_DECREF(result);
    if (exported.device_type != ARROW_DEVICE_CPU) {
        exported.array.release(&exported.array);
        return 0;
    }
    *ret_batch = (struct cfp_batch){.own = exported.array};
    ret_batch->array = &ret_batch->own;
    return 1;
}

/* Remembers the schema of a batch that was found equal; 0 or -1. */
static int remember(struct cfp_state *state, PyObject *batch, cfp_known_schema *known)
{
    PyObject *schema = schema_of(state, batch);
    PyObject *nothing = NULL;
    if (schema != NULL && !atomic_compare_exchange_strong(known, &nothing, schema)) {
        Py_DECREF(schema); /* another thread was first */
    }
    return schema == NULL ? -1 : 0;
}

int cfp_batch_get_like(struct cfp_state *state, PyObject *object,
                       const struct ArrowSchema *expected, cfp_known_schema *known,
                       struct cfp_batch *ret_batch)
{
    PyObject *former = atomic_load(known);
    bool is_simple =
        state->can_export_rows && (PyObject *)Py_TYPE(object) == state->pa_record_batch_class;
    int code = is_simple && former != NULL ? has_schema(state, object, former) : 0;
    if (code > 0) {
        code = export_rows(state, object, ret_batch);
    }
    if (code != 0) {
        return code;
    }
    if (cfp_batch_get(state, object, ret_batch) < 0) {
        return -1;
    }
    code = cfp_schema_equal(state, expected, ret_batch->schema);
    if (code > 0 && is_simple && former == NULL) {
        code = remember(state, object, known) < 0 ? -1 : 1;
    }
    if (code < 0) {
        cfp_batch_done(ret_batch);
    }
    return code;
}
