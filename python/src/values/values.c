/* SPDX-License-Identifier: Apache-2.0 */
/* What the value classes share: scratch memory, points in time, serialising.
 * Thread class: with the GIL. */
#include "values/values.h"

#include <stdint.h>

#include "base/convert.h"
#include "base/exceptions.h"

PyObject *cfp_value_open(PyObject *self)
{
    if (self != NULL) {
        atomic_store(&((struct cfp_value *)self)->is_open, true);
    }
    return self;
}

int cfp_value_fill(PyObject *self)
{
    if (atomic_exchange(&((struct cfp_value *)self)->is_open, false)) {
        return 0;
    }
    PyErr_Format(PyExc_ValueError, "this %.200s is made already", Py_TYPE(self)->tp_name);
    return -1;
}

union block {
    union block *next;
    max_align_t alignment;
};

void *cfp_scratch_new(struct cfp_scratch *scratch, size_t count, size_t size_bytes)
{
    if (size_bytes != 0 && count > (PY_SSIZE_T_MAX - sizeof(union block)) / size_bytes) {
        return PyErr_NoMemory();
    }
    union block *block = PyMem_Calloc(1, sizeof(*block) + count * size_bytes);
    if (block == NULL) {
        return PyErr_NoMemory();
    }
    block->next = scratch->blocks;
    scratch->blocks = block;
    return block + 1;
}

void cfp_scratch_done(struct cfp_scratch *scratch)
{
    union block *block = scratch->blocks;
    while (block != NULL) {
        union block *next = block->next;
        PyMem_Free(block);
        block = next;
    }
    scratch->blocks = NULL;
}

/* Nanoseconds of a pyarrow.TimestampScalar of any unit; a null one is unset. */
static int time_of_scalar(struct cfp_state *state, PyObject *scalar, struct cflight_time *ret_time)
{
    PyObject *type = PyObject_GetAttrString(scalar, "type");
    PyObject *zone = type == NULL ? NULL : PyObject_GetAttrString(type, "tz");
    PyObject *wanted =
        zone == NULL ? NULL : PyObject_CallFunction(state->pa_timestamp, "sO", "ns", zone);
    PyObject *cast = wanted == NULL ? NULL : cfp_call_method(scalar, "cast", &wanted, 1);
    PyObject *value = cast == NULL ? NULL : PyObject_GetAttrString(cast, "value");
    int result = -1;
    if (value == Py_None) {
        result = 0;
    } else if (value != NULL) {
        ret_time->has_value = true;
        ret_time->unix_ns = PyLong_AsLongLong(value);
        result = ret_time->unix_ns == -1 && PyErr_Occurred() != NULL ? -1 : 0;
    }
    Py_XDECREF(type);
    Py_XDECREF(zone);
    Py_XDECREF(wanted);
    Py_XDECREF(cast);
    Py_XDECREF(value);
    return result;
}

int cfp_time_get(struct cfp_state *state, PyObject *value, struct cflight_time *ret_time)
{
    *ret_time = (struct cflight_time){0};
    if (value == NULL || value == Py_None) {
        return 0;
    }
    if (PyLong_CheckExact(value)) {
        ret_time->has_value = true;
        ret_time->unix_ns = PyLong_AsLongLong(value);
        return ret_time->unix_ns == -1 && PyErr_Occurred() != NULL ? -1 : 0;
    }
    int is_scalar =
        state->pa == NULL ? 0 : PyObject_IsInstance(value, state->pa_timestamp_scalar_class);
    if (is_scalar > 0) {
        return time_of_scalar(state, value, ret_time);
    }
    if (is_scalar == 0) {
        PyErr_Format(PyExc_TypeError,
                     "Argument expiration_time must be a TimestampScalar, not '%R'",
                     (PyObject *)Py_TYPE(value));
    }
    return -1;
}

PyObject *cfp_time_new(struct cfp_state *state, struct cflight_time time)
{
    if (!time.has_value) {
        Py_RETURN_NONE;
    }
    PyObject *value = PyLong_FromLongLong(time.unix_ns);
    if (value == NULL || state->pa == NULL) {
        return value;
    }
    PyObject *arguments[] = {value, state->pa_timestamp_ns_utc};
    PyObject *scalar = PyObject_Vectorcall(state->pa_scalar, arguments, 2, NULL);
    Py_DECREF(value);
    return scalar;
}

int cfp_serialized_get(PyObject *args, PyObject *kwargs, Py_buffer *ret_view)
{
    static char *names[] = {"serialized", NULL};
    PyObject *data = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:deserialize", names, &data)) {
        return -1;
    }
    return PyObject_GetBuffer(data, ret_view, PyBUF_SIMPLE);
}

PyObject *cfp_serialized(struct cfp_state *state, cflight_status status, cflight_buffer *buffer,
                         cflight_error *error)
{
    return status == CFLIGHT_OK ? cfp_bytes_take(buffer) : cfp_raise(state, status, error);
}
