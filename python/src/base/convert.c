/* SPDX-License-Identifier: Apache-2.0 */
/* Python values to and from the library's views and buffers.
 *
 * Rules of the module, kept here in one place: text arguments are str (UTF-8) or bytes-like;
 * byte-string results are bytes; comparing a value class with another type is a TypeError, with
 * None it is False. Thread class: with the GIL. */
#include "base/convert.h"

#include <limits.h>
#include <string.h>

#include "base/exceptions.h"

bool cfp_is_bytes(PyObject *value)
{
    return PyBytes_Check(value) || PyByteArray_Check(value) || PyMemoryView_Check(value);
}

bool cfp_is_text(PyObject *value)
{
    return PyUnicode_Check(value) || cfp_is_bytes(value);
}

PyObject *cfp_to_bytes(PyObject *value)
{
    if (PyUnicode_Check(value)) {
        return PyUnicode_AsUTF8String(value);
    }
    if (PyBytes_CheckExact(value)) {
        return Py_NewRef(value);
    }
    if (PyBytes_Check(value)) {
        return PyBytes_FromStringAndSize(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value));
    }
    if (cfp_is_bytes(value)) {
        return PyBytes_FromObject(value);
    }
    return PyErr_Format(PyExc_TypeError, "expected bytes, %.200s found", Py_TYPE(value)->tp_name);
}

PyObject *cfp_to_bytes_argument(PyObject *value, const char *message)
{
    if (cfp_is_text(value)) {
        return cfp_to_bytes(value);
    }
    return PyErr_Format(PyExc_TypeError, "%s, not '%R'", message, (PyObject *)Py_TYPE(value));
}

bool cfp_is_absent(PyObject *value)
{
    int is_true = PyObject_IsTrue(value);
    PyErr_Clear();
    return is_true == 0;
}

int cfp_int64_get(PyObject *value, int64_t *ret_number)
{
    PyObject *number = NULL;
    if (PyNumber_Check(value) && !PyComplex_Check(value)) {
        number = PyNumber_Long(value);
    } else {
        PyErr_Format(PyExc_TypeError, "an integer is required, not %.200s",
                     Py_TYPE(value)->tp_name);
    }
    int64_t result = number == NULL ? -1 : PyLong_AsLongLong(number);
    Py_XDECREF(number);
    if (result == -1 && PyErr_Occurred() != NULL) {
        return -1;
    }
    *ret_number = result;
    return 0;
}

int cfp_tls_version_get(PyObject *value, enum cflight_tls_version *ret_version)
{
    if (value == Py_None) {
        return 0;
    }
    if (PyUnicode_Check(value) && PyUnicode_CompareWithASCIIString(value, "1.2") == 0) {
        *ret_version = CFLIGHT_TLS_VERSION_1_2;
        return 0;
    }
    if (PyUnicode_Check(value) && PyUnicode_CompareWithASCIIString(value, "1.3") == 0) {
        *ret_version = CFLIGHT_TLS_VERSION_1_3;
        return 0;
    }
    PyErr_Format(PyExc_ValueError, "tls_min_version must be \"1.2\", \"1.3\" or None, not %R",
                 value);
    return -1;
}

int cfp_int_get(PyObject *value, int *ret_number)
{
    int64_t number = 0;
    if (cfp_int64_get(value, &number) < 0) {
        return -1;
    }
    if (number < INT_MIN || number > INT_MAX) {
        PyErr_SetString(PyExc_OverflowError, "value too large to convert to int");
        return -1;
    }
    *ret_number = (int)number;
    return 0;
}

struct cflight_bytes cfp_view(PyObject *bytes)
{
    return cflight_bytes_make(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
}

PyObject *cfp_bytes_new(struct cflight_bytes view)
{
    return PyBytes_FromStringAndSize((const char *)view.data, (Py_ssize_t)view.len_bytes);
}

PyObject *cfp_text_new(struct cflight_bytes view)
{
    const char *data = view.data == NULL ? "" : (const char *)view.data;
    return PyUnicode_DecodeUTF8(data, (Py_ssize_t)view.len_bytes, "replace");
}

PyObject *cfp_bytes_take(cflight_buffer *buffer)
{
    PyObject *bytes = cfp_bytes_new(cflight_buffer_bytes(buffer));
    cflight_buffer_unref(buffer);
    return bytes;
}

PyObject *cfp_argument_error(const char *name, const char *expected, PyObject *value)
{
    return PyErr_Format(PyExc_TypeError,
                        "Argument '%s' has incorrect type (expected %s, got %.200s)", name,
                        expected, Py_TYPE(value)->tp_name);
}

int cfp_check_type(PyObject *value, PyTypeObject *type, const char *name, const char *expected)
{
    if (PyObject_TypeCheck(value, type)) {
        return 0;
    }
    cfp_argument_error(name, expected, value);
    return -1;
}

static PyObject *compare_keys(PyObject *self, PyObject *other, int op, cfp_key_fn key)
{
    PyObject *left = key(self);
    PyObject *right = left == NULL ? NULL : key(other);
    PyObject *result = right == NULL ? NULL : PyObject_RichCompare(left, right, op);
    Py_XDECREF(left);
    Py_XDECREF(right);
    return result;
}

PyObject *cfp_richcompare(PyObject *self, PyObject *other, int op, PyTypeObject *type,
                          const char *expected, cfp_key_fn key)
{
    if (op != Py_EQ && op != Py_NE) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    if (other == Py_None) {
        return PyBool_FromLong(op == Py_NE);
    }
    if (cfp_check_type(other, type, "other", expected) < 0) {
        return NULL;
    }
    return compare_keys(self, other, op, key);
}

PyObject *cfp_call_method(PyObject *object, const char *name, PyObject *const *arguments,
                          size_t count)
{
    PyObject *method = PyObject_GetAttrString(object, name);
    PyObject *result = method == NULL ? NULL : PyObject_Vectorcall(method, arguments, count, NULL);
    Py_XDECREF(method);
    return result;
}
