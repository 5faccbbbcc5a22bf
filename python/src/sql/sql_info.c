/* SPDX-License-Identifier: Apache-2.0 */
/* SqlInfo, what a server says of itself, as a dict: of sql.Client.sql_info, and for sql.Server.
 * Thread class: free. */
#include "sql/sql.h"

#include <string.h>

#include "sql/engine.h"

#include "base/convert.h"
#include "base/exceptions.h"

static PyObject *texts_list(const struct cflight_sql_info_value *value)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < value->text_count; i++) {
        PyObject *text = cfp_text_new(value->texts[i]);
        if (text == NULL || PyList_Append(list, text) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(text);
    }
    return list;
}

static PyObject *numbers_list(const struct cflight_sql_info_entry *entry)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < entry->value_count; i++) {
        PyObject *number = PyLong_FromLong(entry->values[i]);
        if (number == NULL || PyList_Append(list, number) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(number);
    }
    return list;
}

static PyObject *map_dict(const struct cflight_sql_info_value *value)
{
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < value->entry_count; i++) {
        PyObject *key = PyLong_FromLong(value->entries[i].key);
        PyObject *list = numbers_list(&value->entries[i]);
        if (key == NULL || list == NULL || PyDict_SetItem(dict, key, list) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(key);
        Py_XDECREF(list);
    }
    return dict;
}

static PyObject *value_object(const struct cflight_sql_info_value *value)
{
    switch (value->kind) {
    case CFLIGHT_SQL_INFO_KIND_TEXT:
        return cfp_text_new(value->text);
    case CFLIGHT_SQL_INFO_KIND_BOOL:
        return PyBool_FromLong(value->boolean);
    case CFLIGHT_SQL_INFO_KIND_INT64:
    case CFLIGHT_SQL_INFO_KIND_INT32:
        return PyLong_FromLongLong(value->number);
    case CFLIGHT_SQL_INFO_KIND_TEXTS:
        return texts_list(value);
    case CFLIGHT_SQL_INFO_KIND_MAP:
        break;
    }
    return map_dict(value);
}

/* By the names of the specification; what has none, by its number. */
PyObject *cfp_sql_info_dict(const cflight_sql_info *info)
{
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < cflight_sql_info_count(info); i++) {
        const struct cflight_sql_info_value *value = cflight_sql_info_at(info, i);
        const char *name = cflight_sql_info_name(value->code);
        PyObject *key =
            name == NULL ? PyLong_FromUnsignedLong(value->code) : PyUnicode_FromString(name);
        PyObject *object = value_object(value);
        if (key == NULL || object == NULL || PyDict_SetItem(dict, key, object) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(key);
        Py_XDECREF(object);
    }
    return dict;
}

static int code_of_name(PyObject *object, uint32_t *ret_code)
{
    const char *text = PyUnicode_AsUTF8(object);
    if (text == NULL) {
        return -1;
    }
    for (uint32_t code = 0; code < CFLIGHT_SQL_INFO_OWN; code++) {
        const char *name = cflight_sql_info_name(code);
        if (name != NULL && strcmp(name, text) == 0) {
            *ret_code = code;
            return 0;
        }
    }
    PyErr_Format(PyExc_ValueError, "%R is no name of SqlInfo", object);
    return -1;
}

static int code_of(PyObject *object, uint32_t *ret_code)
{
    int64_t number = 0;
    if (PyUnicode_Check(object)) {
        return code_of_name(object, ret_code);
    }
    if (cfp_int64_get(object, &number) < 0) {
        return -1;
    }
    if (number < 0 || number > UINT32_MAX) {
        PyErr_Format(PyExc_ValueError, "a code of SqlInfo is between 0 and %llu, not %R",
                     (unsigned long long)UINT32_MAX, object);
        return -1;
    }
    *ret_code = (uint32_t)number;
    return 0;
}

int cfp_sql_parse_sql_info(PyObject *args, PyObject *kwargs, struct cfp_sql_command *command)
{
    static char *names[] = {"codes", "options", NULL};
    PyObject *given = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:sql_info", names, &given,
                                     &command->options)) {
        return -1;
    }
    command->message.type = CFLIGHT_SQL_GET_SQL_INFO;
    command->kept = given == Py_None ? PyList_New(0) : PySequence_List(given);
    if (command->kept == NULL) {
        return -1;
    }
    size_t count = (size_t)PyList_GET_SIZE(command->kept);
    uint32_t *codes = cfp_scratch_new(&command->scratch, count, sizeof(*codes));
    for (size_t i = 0; codes != NULL && i < count; i++) {
        if (code_of(PyList_GET_ITEM(command->kept, (Py_ssize_t)i), &codes[i]) < 0) {
            return -1;
        }
    }
    command->message.sql_info = (struct cflight_sql_info_codes){codes, count};
    return codes == NULL ? -1 : 0;
}

PyObject *cfp_sql_client_sql_info(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct cfp_sql_command command = CFP_SQL_COMMAND_INIT;
    struct cfp_sql_call call = {0};
    PyObject *result = NULL;
    cflight_sql_info *info = NULL;
    if (cfp_sql_parse_sql_info(args, kwargs, &command) == 0 &&
        cfp_sql_call_begin(&call, self, NULL, command.options, NULL) == 0 &&
        cfp_frame_block(&call.frame) == 0) {
        const struct cflight_sql_info_codes *asked = &command.message.sql_info;
        cflight_status status =
            cflight_sql_get_sql_info(call.frame.client, asked->codes, asked->code_count,
                                     &call.options, &info, &call.frame.error);
        if (cfp_frame_unblock(&call.frame, status) == 0) {
            result = cfp_sql_info_dict(info);
            cflight_sql_info_free(info);
        }
    }
    cfp_sql_call_end(&call);
    cfp_sql_command_done(&command);
    return result;
}

static int put_texts(cflight_sql_info *info, uint32_t code, PyObject *value,
                     cflight_status *ret_status, cflight_error **reterr)
{
    struct cfp_scratch scratch = CFP_SCRATCH_INIT;
    size_t count = (size_t)PyList_GET_SIZE(value);
    struct cflight_bytes *texts = cfp_scratch_new(&scratch, count, sizeof(*texts));
    int result = texts == NULL ? -1 : 0;
    for (size_t i = 0; result == 0 && i < count; i++) {
        Py_ssize_t len_bytes = 0;
        const char *text =
            PyUnicode_AsUTF8AndSize(PyList_GET_ITEM(value, (Py_ssize_t)i), &len_bytes);
        texts[i] = cflight_bytes_make(text, (size_t)len_bytes);
        result = text == NULL ? -1 : 0;
    }
    if (result == 0) {
        *ret_status = cflight_sql_info_set_texts(info, code, texts, count, reterr);
    }
    cfp_scratch_done(&scratch);
    return result;
}

int cfp_sql_info_put(struct cfp_state *state, cflight_sql_info *info, PyObject *key,
                     PyObject *value)
{
    uint32_t code = 0;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    if (code_of(key, &code) < 0) {
        return -1;
    }
    if (PyUnicode_Check(value)) {
        Py_ssize_t len_bytes = 0;
        const char *text = PyUnicode_AsUTF8AndSize(value, &len_bytes);
        if (text == NULL) {
            return -1;
        }
        status = cflight_sql_info_set_text(info, code, cflight_bytes_make(text, (size_t)len_bytes),
                                           &error);
    } else if (PyBool_Check(value)) {
        status = cflight_sql_info_set_bool(info, code, value == Py_True, &error);
    } else if (PyList_Check(value)) {
        if (put_texts(info, code, value, &status, &error) < 0) {
            return -1;
        }
    } else {
        int64_t number = 0;
        if (cfp_int64_get(value, &number) < 0) {
            return -1;
        }
        status = cflight_sql_info_set_number(info, code, number, &error);
    }
    if (status != CFLIGHT_OK) {
        cfp_raise(state, status, error);
        return -1;
    }
    return 0;
}
