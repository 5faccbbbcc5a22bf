/* SPDX-License-Identifier: Apache-2.0 */
/* The session calls of FlightClient: options as Python values and back.
 * Thread class: free. */
#include "client/client.h"

#include "base/convert.h"
#include "base/exceptions.h"
#include "client/client_frame.h"

static int keep_bytes(PyObject *kept, PyObject *value, struct cflight_bytes *ret_view)
{
    PyObject *bytes = cfp_to_bytes(value);
    if (bytes == NULL || PyList_Append(kept, bytes) < 0) {
        Py_XDECREF(bytes);
        return -1;
    }
    *ret_view = cfp_view(bytes);
    Py_DECREF(bytes);
    return 0;
}

static int list_value(PyObject *kept, struct cfp_scratch *scratch, PyObject *value,
                      struct cflight_session_option *option)
{
    PyObject *items = PySequence_List(value);
    if (items == NULL || PyList_Append(kept, items) < 0) {
        Py_XDECREF(items);
        return -1;
    }
    Py_DECREF(items);
    size_t count = (size_t)PyList_GET_SIZE(items);
    struct cflight_bytes *values = cfp_scratch_new(scratch, count, sizeof(*values));
    if (values == NULL) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (keep_bytes(kept, PyList_GET_ITEM(items, (Py_ssize_t)i), &values[i]) < 0) {
            return -1;
        }
    }
    option->type = CFLIGHT_SESSION_VALUE_STRING_LIST;
    option->list_values = values;
    option->list_count = count;
    return 0;
}

/* bool before int: it is one. */
static int option_value(PyObject *kept, struct cfp_scratch *scratch, PyObject *value,
                        struct cflight_session_option *option)
{
    if (value == Py_None) {
        option->type = CFLIGHT_SESSION_VALUE_NONE;
        return 0;
    }
    if (PyBool_Check(value)) {
        option->type = CFLIGHT_SESSION_VALUE_BOOL;
        option->bool_value = value == Py_True;
        return 0;
    }
    if (PyLong_Check(value)) {
        option->type = CFLIGHT_SESSION_VALUE_INT64;
        option->int64_value = PyLong_AsLongLong(value);
        return PyErr_Occurred() == NULL ? 0 : -1;
    }
    if (PyFloat_Check(value)) {
        option->type = CFLIGHT_SESSION_VALUE_DOUBLE;
        option->double_value = PyFloat_AS_DOUBLE(value);
        return 0;
    }
    if (PyUnicode_Check(value) || PyBytes_Check(value)) {
        option->type = CFLIGHT_SESSION_VALUE_STRING;
        return keep_bytes(kept, value, &option->string_value);
    }
    if (PyList_Check(value) || PyTuple_Check(value)) {
        return list_value(kept, scratch, value, option);
    }
    PyErr_Format(PyExc_TypeError,
                 "a session option is str, bool, int, float, a list of str, or None, not %R",
                 (PyObject *)Py_TYPE(value));
    return -1;
}

int cfp_session_options_view(PyObject *dict, PyObject *kept, struct cfp_scratch *scratch,
                             struct cflight_session_options *ret_options)
{
    dict = PyDict_Copy(dict); /* what another thread changes meanwhile does not matter */
    if (dict == NULL || PyList_Append(kept, dict) < 0) {
        Py_XDECREF(dict);
        return -1;
    }
    Py_DECREF(dict);
    size_t count = (size_t)PyDict_Size(dict);
    struct cflight_session_option *options = cfp_scratch_new(scratch, count, sizeof(*options));
    PyObject *name = NULL;
    PyObject *value = NULL;
    Py_ssize_t position = 0;
    if (options == NULL) {
        return -1;
    }
    for (size_t i = 0; i < count && PyDict_Next(dict, &position, &name, &value); i++) {
        if (keep_bytes(kept, name, &options[i].name) < 0 ||
            option_value(kept, scratch, value, &options[i]) < 0) {
            return -1;
        }
    }
    ret_options->options = options;
    ret_options->count = count;
    return 0;
}

/* Puts the pair in the dict, taking the value. */
static int set_item(PyObject *dict, struct cflight_bytes name, PyObject *value)
{
    PyObject *key = value == NULL ? NULL : cfp_text_new(name);
    int code = key == NULL ? -1 : PyDict_SetItem(dict, key, value);
    Py_XDECREF(key);
    Py_XDECREF(value);
    return code;
}

PyObject *cfp_session_errors_dict(struct cfp_state *state,
                                  const struct cflight_session_errors *errors)
{
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < errors->count; i++) {
        PyObject *code =
            PyObject_CallFunction(state->session_error, "i", (int)errors->errors[i].code);
        if (set_item(dict, errors->errors[i].name, code) < 0) {
            Py_CLEAR(dict);
        }
    }
    return dict;
}

static PyObject *list_object(const struct cflight_session_option *option)
{
    PyObject *list = PyList_New((Py_ssize_t)option->list_count);
    for (size_t i = 0; list != NULL && i < option->list_count; i++) {
        PyObject *text = cfp_text_new(option->list_values[i]);
        if (text == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, (Py_ssize_t)i, text);
    }
    return list;
}

PyObject *cfp_session_value(const struct cflight_session_option *option)
{
    switch (option->type) {
    case CFLIGHT_SESSION_VALUE_STRING:
        return cfp_text_new(option->string_value);
    case CFLIGHT_SESSION_VALUE_BOOL:
        return PyBool_FromLong(option->bool_value);
    case CFLIGHT_SESSION_VALUE_INT64:
        return PyLong_FromLongLong(option->int64_value);
    case CFLIGHT_SESSION_VALUE_DOUBLE:
        return PyFloat_FromDouble(option->double_value);
    case CFLIGHT_SESSION_VALUE_STRING_LIST:
        return list_object(option);
    case CFLIGHT_SESSION_VALUE_NONE:
        break;
    }
    Py_RETURN_NONE;
}

PyObject *cfp_session_options_dict(const struct cflight_session_options *options)
{
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < options->count; i++) {
        if (set_item(dict, options->options[i].name, cfp_session_value(&options->options[i])) < 0) {
            Py_CLEAR(dict);
        }
    }
    return dict;
}

PyObject *cfp_client_set_session_options(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"session_options", "options", NULL};
    PyObject *dict = NULL;
    PyObject *call_options = NULL;
    PyObject *kept = NULL;
    PyObject *result = NULL;
    struct cfp_frame frame = {0};
    struct cflight_session_options options;
    struct cflight_session_errors *errors = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|O:set_session_options", names, &PyDict_Type,
                                     &dict, &call_options) ||
        (kept = PyList_New(0)) == NULL ||
        cfp_frame_begin(&frame, self, call_options, CFP_CALL_UNARY) < 0 ||
        cfp_session_options_view(dict, kept, &frame.call.scratch, &options) < 0 ||
        cfp_frame_block(&frame) < 0) {
        goto done;
    }
    cflight_status status = cflight_client_set_session_options(
        frame.client, &options, &frame.call.options, &errors, &frame.error);
    if (cfp_frame_unblock(&frame, status) == 0) {
        result = cfp_session_errors_dict(frame.state, errors);
        cflight_session_errors_free(errors);
    }

done:
    Py_XDECREF(kept);
    cfp_frame_end(&frame);
    return result;
}

/* The start of a call that takes nothing but options. `format` names it for the parser. */
static int begin_with_options(struct cfp_frame *frame, PyObject *self, PyObject *args,
                              PyObject *kwargs, const char *format)
{
    static char *names[] = {"options", NULL};
    PyObject *call_options = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, format, names, &call_options) ||
        cfp_frame_begin(frame, self, call_options, CFP_CALL_UNARY) < 0) {
        return -1;
    }
    return cfp_frame_block(frame);
}

PyObject *cfp_client_get_session_options(PyObject *self, PyObject *args, PyObject *kwargs)
{
    PyObject *result = NULL;
    struct cfp_frame frame = {0};
    struct cflight_session_options *options = NULL;
    if (begin_with_options(&frame, self, args, kwargs, "|O:get_session_options") == 0) {
        cflight_status status = cflight_client_get_session_options(
            frame.client, &frame.call.options, &options, &frame.error);
        if (cfp_frame_unblock(&frame, status) == 0) {
            result = cfp_session_options_dict(options);
            cflight_session_options_free(options);
        }
    }
    cfp_frame_end(&frame);
    return result;
}

PyObject *cfp_client_close_session(PyObject *self, PyObject *args, PyObject *kwargs)
{
    PyObject *result = NULL;
    struct cfp_frame frame = {0};
    enum cflight_close_session_status outcome = CFLIGHT_CLOSE_SESSION_UNSPECIFIED;
    if (begin_with_options(&frame, self, args, kwargs, "|O:close_session") == 0) {
        cflight_status status =
            cflight_client_close_session(frame.client, &frame.call.options, &outcome, &frame.error);
        if (cfp_frame_unblock(&frame, status) == 0) {
            result = PyObject_CallFunction(frame.state->close_session_status, "i", (int)outcome);
        }
    }
    cfp_frame_end(&frame);
    return result;
}
