/* SPDX-License-Identifier: Apache-2.0 */
/* What execute() takes and gives: parameters as tuples, and results as Arrow streams.
 *
 * An iterable of batches becomes a stream that asks for the next one when the client has room, on
 * whatever thread that is. Column data is not copied: each batch is moved out of its capsule.
 * Thread class: one at a time; the stream takes the GIL. */
#include "sql/engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arrow/arrow.h"
#include "base/attach.h"
#include "base/convert.h"
#include "base/exceptions.h"
#include "base/variables.h"
#include "sql/sql.h"

/* ---- parameters ---- */

static PyObject *value_object(const struct cflight_sql_value *value)
{
    switch (value->kind) {
    case CFLIGHT_SQL_VALUE_NULL:
        return Py_NewRef(Py_None);
    case CFLIGHT_SQL_VALUE_BOOL:
        return PyBool_FromLong(value->boolean);
    case CFLIGHT_SQL_VALUE_INT:
        return PyLong_FromLongLong(value->integer);
    case CFLIGHT_SQL_VALUE_UINT:
        return PyLong_FromUnsignedLongLong(value->unsigned_integer);
    case CFLIGHT_SQL_VALUE_DOUBLE:
        return PyFloat_FromDouble(value->real);
    case CFLIGHT_SQL_VALUE_TEXT:
        return cfp_text_new(value->bytes);
    case CFLIGHT_SQL_VALUE_BYTES:
        return cfp_bytes_new(value->bytes);
    case CFLIGHT_SQL_VALUE_OTHER:
        break;
    }
    return PyErr_Format(PyExc_NotImplementedError,
                        "parameter '%s' has the type '%s', which is not taken", value->field->name,
                        value->field->format);
}

static PyObject *row_tuple(struct cfp_state *state, const cflight_sql_parameters *parameters)
{
    size_t count = cflight_sql_parameters_count(parameters);
    PyObject *row = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; row != NULL && i < count; i++) {
        struct cflight_sql_value value;
        cflight_error *error = NULL;
        cflight_status status = cflight_sql_parameters_value(parameters, i, &value, &error);
        PyObject *object =
            status != CFLIGHT_OK ? cfp_raise(state, status, error) : value_object(&value);
        if (object == NULL) {
            Py_CLEAR(row);
        } else {
            PyTuple_SET_ITEM(row, (Py_ssize_t)i, object);
        }
    }
    return row;
}

/* Goes to the next row, which the client may still have to send. */
static cflight_status next_row(cflight_sql_parameters *parameters, bool *ret_has_row,
                               cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    if (cflight_sql_parameters_ready(parameters) > 0) {
        return cflight_sql_parameters_next(parameters, ret_has_row, reterr);
    }
    Py_BEGIN_ALLOW_THREADS
    status = cflight_sql_parameters_next(parameters, ret_has_row, reterr);
    Py_END_ALLOW_THREADS
    return status;
}

PyObject *cfp_sql_parameters_list(struct cfp_state *state, cflight_sql_parameters *parameters)
{
    if (parameters == NULL) {
        return Py_NewRef(Py_None);
    }
    PyObject *list = PyList_New(0);
    bool has_row = true;
    while (list != NULL && has_row) {
        cflight_error *error = NULL;
        cflight_status status = next_row(parameters, &has_row, &error);
        if (status != CFLIGHT_OK) {
            Py_DECREF(list);
            return cfp_raise(state, status, error);
        }
        PyObject *row = has_row ? row_tuple(state, parameters) : NULL;
        if (has_row && (row == NULL || PyList_Append(list, row) < 0)) {
            Py_CLEAR(list);
        }
        Py_XDECREF(row);
    }
    return list;
}

/* ---- an iterable of batches ---- */

struct batches {
    struct cfp_state *state;
    PyObject *iterator;
    PyObject *first;     /* that told the schema, or NULL */
    PyObject *variables; /* as they were when execute() returned */
    struct ArrowSchema schema;
    char failure[512];
};

static int batches_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret_schema)
{
    struct batches *batches = stream->private_data;
    cflight_status status = cflight_schema_copy(&batches->schema, ret_schema, NULL);
    return status == CFLIGHT_OK ? 0 : ENOMEM;
}

/* Moves an item's batch; 0 or -1. */
static int take_batch(struct batches *batches, PyObject *item, struct ArrowArray *ret_array)
{
    struct cfp_batch batch;
    if (!cfp_is_batch(batches->state, item)) {
        cfp_argument_error("a batch of the result", "an object with __arrow_c_array__", item);
        return -1;
    }
    if (cfp_batch_get(batches->state, item, &batch) < 0) {
        return -1;
    }
    int result = -1;
    int is_equal = cfp_schema_equal(batches->state, &batches->schema, batch.schema);
    if (is_equal > 0) {
        struct ArrowArray *array =
            PyCapsule_GetPointer(PyTuple_GET_ITEM(batch.capsules, 1), "arrow_array");
        *ret_array = *array;
        array->release = NULL;
        result = 0;
    } else if (is_equal == 0) {
        PyObject *difference =
            cfp_schema_difference(batches->state, &batches->schema, batch.schema);
        if (difference != NULL) {
            PyErr_Format(PyExc_ValueError, "a batch of the result has another schema: %U",
                         difference);
            Py_DECREF(difference);
        }
    }
    cfp_batch_done(&batch);
    return result;
}

/* Keeps the text of the pending exception, and gives its errno. */
static int keep_failure(struct batches *batches)
{
    PyObject *exception = cfp_exception_take();
    int code = EIO;
    if (PyErr_GivenExceptionMatches(exception, PyExc_ValueError) ||
        PyErr_GivenExceptionMatches(exception, PyExc_TypeError)) {
        code = EINVAL;
    } else if (PyErr_GivenExceptionMatches(exception, PyExc_MemoryError)) {
        code = ENOMEM;
    } else if (PyErr_GivenExceptionMatches(exception, PyExc_NotImplementedError)) {
        code = ENOSYS;
    }
    PyObject *text = PyObject_Str(exception);
    const char *utf8 = text == NULL ? NULL : PyUnicode_AsUTF8(text);
    (void)snprintf(batches->failure, sizeof(batches->failure), "%s: %s",
                   Py_TYPE(exception)->tp_name, utf8 == NULL ? "" : utf8);
    PyErr_Clear();
    Py_XDECREF(text);
    Py_DECREF(exception);
    return code;
}

static int batches_next(struct ArrowArrayStream *stream, struct ArrowArray *ret_array)
{
    struct batches *batches = stream->private_data;
    int code = 0;
    *ret_array = (struct ArrowArray){0};
    if (!Py_IsInitialized()) {
        return ECANCELED;
    }
    PyGILState_STATE gil = cfp_attach();
    PyObject *variables = cfp_variables_enter(batches->variables);
    cfp_handler_enter();
    PyObject *item = batches->first;
    batches->first = NULL;
    if (item == NULL) {
        item = PyIter_Next(batches->iterator);
    }
    if (item != NULL) {
        (void)take_batch(batches, item, ret_array);
        Py_DECREF(item);
    }
    if (PyErr_Occurred() != NULL) {
        code = keep_failure(batches);
    }
    cfp_handler_leave();
    cfp_variables_leave(variables);
    cfp_detach(gil);
    return code;
}

static const char *batches_last_error(struct ArrowArrayStream *stream)
{
    return ((struct batches *)stream->private_data)->failure;
}

/* With the GIL. */
static void batches_free(struct batches *batches)
{
    if (batches->schema.release != NULL) {
        batches->schema.release(&batches->schema);
    }
    Py_XDECREF(batches->first);
    Py_XDECREF(batches->iterator);
    Py_XDECREF(batches->variables);
    PyMem_RawFree(batches);
}

static void batches_release(struct ArrowArrayStream *stream)
{
    struct batches *batches = stream->private_data;
    stream->release = NULL;
    if (Py_IsInitialized()) {
        PyGILState_STATE gil = cfp_attach();
        PyObject *variables = cfp_variables_enter(batches->variables);
        cfp_handler_enter();
        batches_free(batches);
        cfp_handler_leave();
        cfp_variables_leave(variables);
        cfp_detach(gil);
    }
}

/* The schema of the first batch, which is then kept. */
static int peek_schema(struct batches *batches)
{
    batches->first = PyIter_Next(batches->iterator);
    if (batches->first != NULL) {
        struct cfp_batch batch;
        cflight_error *error = NULL;
        if (!cfp_is_batch(batches->state, batches->first)) {
            cfp_argument_error("a batch of the result", "an object with __arrow_c_array__",
                               batches->first);
            return -1;
        }
        if (cfp_batch_get(batches->state, batches->first, &batch) < 0) {
            return -1;
        }
        cflight_status status = cflight_schema_copy(batch.schema, &batches->schema, &error);
        cfp_batch_done(&batch);
        if (status != CFLIGHT_OK) {
            cfp_raise(batches->state, status, error);
        }
        return status == CFLIGHT_OK ? 0 : -1;
    }
    if (PyErr_Occurred() == NULL) {
        PyErr_SetString(PyExc_ValueError, "a result without batches needs a schema: return a pair "
                                          "of schema and iterable");
    }
    return -1;
}

/* `schema` may be NULL: then the first batch tells it. */
static int stream_of_iterable(struct cfp_state *state, PyObject *schema, PyObject *iterable,
                              struct ArrowArrayStream *ret_stream)
{
    struct batches *batches = PyMem_RawCalloc(1, sizeof(*batches));
    if (batches == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    batches->state = state;
    batches->variables = PyContext_CopyCurrent();
    batches->iterator = batches->variables == NULL ? NULL : PyObject_GetIter(iterable);
    int code = -1;
    if (batches->iterator != NULL) {
        code = schema == NULL ? peek_schema(batches)
                              : cfp_schema_get(schema, "schema", &batches->schema);
    }
    if (code < 0) {
        batches_free(batches);
        return -1;
    }
    *ret_stream = (struct ArrowArrayStream){
        .get_schema = batches_schema,
        .get_next = batches_next,
        .get_last_error = batches_last_error,
        .release = batches_release,
        .private_data = batches,
    };
    return 0;
}

/* ---- results ---- */

static int stream_of(struct cfp_state *state, PyObject *result, struct ArrowArrayStream *ret_stream)
{
    if (cfp_is_stream(result) || cfp_is_batch(state, result)) {
        return cfp_sql_rows_get(state, result, "the result of execute()", ret_stream);
    }
    if (PyTuple_Check(result) && PyTuple_GET_SIZE(result) == 2) {
        return stream_of_iterable(state, PyTuple_GET_ITEM(result, 0), PyTuple_GET_ITEM(result, 1),
                                  ret_stream);
    }
    return stream_of_iterable(state, NULL, result, ret_stream);
}

int cfp_sql_give_result(struct cfp_state *state, PyObject *result, cflight_sql_execution *execution)
{
    struct ArrowArrayStream stream = {0};
    cflight_error *error = NULL;
    if (result == Py_None) {
        return 0;
    }
    if (PyLong_Check(result)) {
        int64_t row_count = 0;
        if (cfp_int64_get(result, &row_count) < 0) {
            return -1;
        }
        cflight_sql_execution_set_row_count(execution, row_count);
        return 0;
    }
    if (stream_of(state, result, &stream) < 0) {
        return -1;
    }
    cflight_status status = cflight_sql_execution_set_stream(execution, &stream, &error);
    if (status == CFLIGHT_OK) {
        return 0;
    }
    if (stream.release != NULL) {
        stream.release(&stream);
    }
    cfp_raise(state, status, error);
    return -1;
}
