/* SPDX-License-Identifier: Apache-2.0 */
/* Middleware: Python factories behind the library's tables.
 *
 * A client has one table per factory; an instance is the Python middleware. A server has one table
 * for all factories, because its keys are Python objects; an instance is a dict of key to
 * middleware and remembers what the handler raised. Falsy middleware counts as none. Exceptions are
 * reported, not passed on, except that a server's factory may refuse the call. Thread class: free;
 * every function takes the GIL. */
#include "base/callbacks.h"

#include "base/attach.h"
#include "base/convert.h"
#include "base/exceptions.h"
#include "base/variables.h"

typedef void (*report_fn)(const char *what);

/* What goes wrong in a client's middleware is reported; Ctrl+C and the program's end are raised in
 * the thread once it is back in Python. */
static void report_of_client(const char *what)
{
    if (PyErr_ExceptionMatches(PyExc_Exception)) {
        cfp_warn_unraisable(what);
        return;
    }
    PyObject *exception = cfp_exception_take();
    cfp_caller_keep_exit(exception);
    Py_DECREF(exception);
}

/* Adds one value to the sink; a failure is reported. */
static void sink_add(cflight_header_sink *sink, PyObject *name, PyObject *value, report_fn report)
{
    cflight_error *error = NULL;
    PyObject *name_bytes = cfp_to_bytes(name);
    PyObject *value_bytes = name_bytes == NULL ? NULL : cfp_to_bytes(value);
    if (value_bytes != NULL &&
        cflight_header_sink_add(sink, cfp_view(name_bytes), cfp_view(value_bytes), &error) !=
            CFLIGHT_OK) {
        PyErr_SetString(PyExc_ValueError, cflight_error_message(error));
        cflight_error_free(error);
    }
    if (PyErr_Occurred() != NULL) {
        report("a header of sending_headers()");
    }
    Py_XDECREF(name_bytes);
    Py_XDECREF(value_bytes);
}

static void sink_add_all(cflight_header_sink *sink, PyObject *name, PyObject *values,
                         report_fn report)
{
    if (cfp_is_text(values)) {
        sink_add(sink, name, values, report);
        return;
    }
    PyObject *list = PySequence_List(values);
    if (list == NULL) {
        report("the values of sending_headers()");
        return;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        sink_add(sink, name, PyList_GET_ITEM(list, i), report);
    }
    Py_DECREF(list);
}

static void send_headers(PyObject *middleware, cflight_header_sink *sink, report_fn report)
{
    PyObject *headers = PyObject_CallMethod(middleware, "sending_headers", NULL);
    PyObject *items = NULL;
    if (headers == Py_None) {
        Py_DECREF(headers);
        return;
    }
    if (headers != NULL) {
        items = PyMapping_Items(headers);
    }
    if (items == NULL) {
        report("sending_headers() of middleware");
    }
    for (Py_ssize_t i = 0; items != NULL && i < PyList_GET_SIZE(items); i++) {
        PyObject *pair = PyList_GET_ITEM(items, i);
        sink_add_all(sink, PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1), report);
    }
    Py_XDECREF(headers);
    Py_XDECREF(items);
}

/* Middleware of this package may have a method that is told the status, too. */
static void complete(PyObject *middleware, PyObject *exception, cflight_status status,
                     report_fn report)
{
    PyObject *own = PyObject_GetAttrString(middleware, "_cflight_completed");
    PyErr_Clear();
    PyObject *result = own == NULL
                           ? PyObject_CallMethod(middleware, "call_completed", "(O)", exception)
                           : PyObject_CallFunction(own, "Oi", exception, (int)status);
    Py_XDECREF(own);
    if (result == NULL) {
        report("call_completed() of middleware");
    }
    Py_XDECREF(result);
}

/* None, or the exception for how a call ended. */
static PyObject *exception_of(struct cfp_state *state, const struct cflight_call_summary *summary)
{
    PyObject *exception = NULL;
    if (summary->status != CFLIGHT_OK) {
        exception = cfp_exception_new(state, summary->status, summary->error);
        PyErr_Clear();
    }
    return exception == NULL ? Py_NewRef(Py_None) : exception;
}

static cflight_status client_start_call(void *user_data, enum cflight_method method,
                                        void **ret_instance, cflight_error **reterr)
{
    struct cfp_hold *hold = user_data;
    cflight_status status = CFLIGHT_OK;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *info = cfp_call_info_new(hold->state, method, NULL);
    PyObject *middleware =
        info == NULL ? NULL : PyObject_CallMethod(hold->object, "start_call", "(O)", info);
    int is_given = middleware == NULL ? -1 : PyObject_IsTrue(middleware);
    if (is_given < 0 && !PyErr_ExceptionMatches(PyExc_Exception)) {
        status = cfp_error_from_caller(hold->state, reterr); /* Ctrl+C, or the program ends */
    } else if (is_given < 0) {
        report_of_client("start_call() of client middleware");
    }
    if (is_given > 0) {
        *ret_instance = middleware;
    } else {
        Py_XDECREF(middleware);
    }
    Py_XDECREF(info);
    PyGILState_Release(gil);
    return status;
}

static void client_sending_headers(void *user_data, void *instance, cflight_header_sink *headers)
{
    (void)user_data;
    PyGILState_STATE gil = PyGILState_Ensure();
    send_headers(instance, headers, report_of_client);
    PyGILState_Release(gil);
}

static void client_received_headers(void *user_data, void *instance,
                                    const struct cflight_header *headers, size_t header_count)
{
    (void)user_data;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *dict = cfp_headers_dict(headers, header_count);
    PyObject *result =
        dict == NULL ? NULL : PyObject_CallMethod(instance, "received_headers", "(O)", dict);
    if (result == NULL) {
        report_of_client("received_headers() of client middleware");
    }
    Py_XDECREF(dict);
    Py_XDECREF(result);
    PyGILState_Release(gil);
}

static void client_call_completed(void *user_data, void *instance,
                                  const struct cflight_call_summary *summary)
{
    struct cfp_hold *hold = user_data;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *exception = exception_of(hold->state, summary);
    complete(instance, exception, summary->status, report_of_client);
    Py_DECREF(exception);
    Py_DECREF((PyObject *)instance);
    PyGILState_Release(gil);
}

int cfp_client_middleware_table(struct cfp_state *state, PyObject *factory,
                                struct cflight_client_middleware *ret_table)
{
    struct cfp_hold *hold = cfp_hold_new(state, factory);
    if (hold == NULL) {
        return -1;
    }
    *ret_table = (struct cflight_client_middleware)CFLIGHT_CLIENT_MIDDLEWARE_INIT;
    ret_table->user_data = hold;
    ret_table->start_call = client_start_call;
    ret_table->sending_headers = client_sending_headers;
    ret_table->received_headers = client_received_headers;
    ret_table->call_completed = client_call_completed;
    ret_table->release = cfp_hold_free;
    return 0;
}

/* Calls every middleware of a call's dict, in order. */
static void complete_all(PyObject *instances, PyObject *exception, cflight_status status)
{
    PyObject *key = NULL;
    PyObject *middleware = NULL;
    Py_ssize_t position = 0;
    while (PyDict_Next(instances, &position, &key, &middleware)) {
        complete(middleware, exception, status, cfp_warn_unraisable);
    }
}

/* Runs the factories; 0, or -1 with the exception of the one that refused. */
static int run_factories(PyObject *factories, PyObject *info, PyObject *headers,
                         PyObject *instances)
{
    PyObject *key = NULL;
    PyObject *factory = NULL;
    Py_ssize_t position = 0;
    while (PyDict_Next(factories, &position, &key, &factory)) {
        PyObject *middleware = PyObject_CallMethod(factory, "start_call", "OO", info, headers);
        int is_given = middleware == NULL ? -1 : PyObject_IsTrue(middleware);
        int code = is_given > 0 ? PyDict_SetItem(instances, key, middleware) : 0;
        Py_XDECREF(middleware);
        if (is_given < 0 || code < 0) {
            return -1;
        }
    }
    return 0;
}

static cflight_status refuse(struct cfp_state *state, PyObject *instances, cflight_error **reterr)
{
    PyObject *exception = NULL;
    cflight_status status = cfp_error_from_python(state, &exception, reterr);
    complete_all(instances, exception == NULL ? Py_None : exception, status);
    Py_XDECREF(exception);
    return status;
}

static void call_free(struct cfp_server_call *call)
{
    if (call != NULL) {
        Py_XDECREF(call->instances);
        Py_XDECREF(call->exception);
        Py_XDECREF(call->variables);
        PyMem_RawFree(call);
    }
}

static struct cfp_server_call *call_new(void)
{
    struct cfp_server_call *call = PyMem_RawCalloc(1, sizeof(*call));
    if (call == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    call->instances = PyDict_New();
    call->variables = call->instances == NULL ? NULL : PyContext_New();
    if (call->variables == NULL) {
        call_free(call);
        return NULL;
    }
    return call;
}

struct cfp_server_call *cfp_server_call_of(const cflight_server_context *context)
{
    return context == NULL ? NULL : cflight_server_context_middleware(context, CFP_MIDDLEWARE_KEY);
}

PyObject *cfp_server_variables(const cflight_server_context *context)
{
    struct cfp_server_call *call = cfp_server_call_of(context);
    return call == NULL ? NULL : call->variables;
}

static cflight_status server_start_call(void *user_data, cflight_server_context *context,
                                        enum cflight_method method, void **ret_instance,
                                        cflight_error **reterr)
{
    struct cfp_hold *hold = user_data;
    const struct cflight_header *fields = NULL;
    size_t count = cflight_server_context_headers(context, &fields);
    bool is_service = method == CFLIGHT_METHOD_SERVICE;
    cflight_status status = CFLIGHT_OK;
    PyGILState_STATE gil = cfp_attach();
    struct cfp_server_call *call = call_new();
    PyObject *info = cfp_call_info_new(hold->state, method,
                                       is_service ? cflight_server_context_path(context) : NULL);
    PyObject *headers = info == NULL ? NULL : cfp_headers_dict(fields, count);
    if (call == NULL || headers == NULL) {
        status = cfp_error_from_python(hold->state, NULL, reterr);
    } else {
        PyObject *variables = cfp_variables_enter(call->variables);
        if (run_factories(hold->object, info, headers, call->instances) < 0) {
            status = refuse(hold->state, call->instances, reterr);
        }
        cfp_variables_leave(variables);
    }
    if (status == CFLIGHT_OK) {
        *ret_instance = call;
    } else {
        call_free(call);
    }
    Py_XDECREF(info);
    Py_XDECREF(headers);
    cfp_detach(gil);
    return status;
}

static void server_sending_headers(void *user_data, void *instance, cflight_header_sink *headers)
{
    (void)user_data;
    struct cfp_server_call *call = instance;
    PyObject *key = NULL;
    PyObject *middleware = NULL;
    Py_ssize_t position = 0;
    PyGILState_STATE gil = cfp_attach();
    PyObject *variables = cfp_variables_enter(call->variables);
    while (PyDict_Next(call->instances, &position, &key, &middleware)) {
        send_headers(middleware, headers, cfp_warn_unraisable);
    }
    cfp_variables_leave(variables);
    cfp_detach(gil);
}

static void server_call_completed(void *user_data, void *instance,
                                  const struct cflight_call_summary *summary)
{
    struct cfp_hold *hold = user_data;
    struct cfp_server_call *call = instance;
    PyGILState_STATE gil = cfp_attach();
    PyObject *exception = NULL;
    if (summary->status != CFLIGHT_OK && call->exception != NULL) {
        exception = Py_NewRef(call->exception);
    } else {
        exception = exception_of(hold->state, summary);
    }
    PyObject *variables = cfp_variables_enter(call->variables);
    complete_all(call->instances, exception, summary->status);
    cfp_variables_leave(variables);
    Py_DECREF(exception);
    call_free(call);
    cfp_detach(gil);
}

void cfp_server_middleware_table(struct cfp_hold *hold, struct cflight_server_middleware *ret_table)
{
    *ret_table = (struct cflight_server_middleware)CFLIGHT_SERVER_MIDDLEWARE_INIT;
    ret_table->user_data = hold;
    ret_table->key = CFP_MIDDLEWARE_KEY;
    ret_table->start_call = server_start_call;
    ret_table->sending_headers = server_sending_headers;
    ret_table->call_completed = server_call_completed;
}
