/* SPDX-License-Identifier: Apache-2.0 */
/* The library's handlers: each calls the Python server's method of the same name.
 *
 * A handler runs on a thread of the library. It takes the GIL, holds the server for as long as it
 * runs, and wraps what it was given; at its end the wrappers are detached, so that Python code that
 * kept one finds the call over instead of freed memory. Answers are written without the GIL. What
 * do_get returns is handed over: then server and context stay until that stream has ended
 * (data_source.c). Thread class: free. */
#include "server/handler.h"

#include "arrow/arrow.h"
#include "base/convert.h"
#include "base/exceptions.h"
#include "base/variables.h"
#include "base/wait.h"
#include "server/data_stream.h"
#include "streams/streams.h"
#include "values/values.h"

/* Calls server.name(context, first, second, third); trailing arguments may be NULL. */
static PyObject *call(struct cfp_handler *handler, const char *name, PyObject *first,
                      PyObject *second, PyObject *third)
{
    PyObject *arguments[4] = {handler->context_object, first, second, third};
    size_t count = 1;
    if (handler->context_object == NULL) {
        return NULL;
    }
    while (count < 4 && arguments[count] != NULL) {
        count++;
    }
    return cfp_call_method(handler->server, name, arguments, count);
}

/* Checks the type of a result; on failure the result is dropped. */
static PyObject *expect(PyObject *result, PyTypeObject *type, const char *what)
{
    if (result != NULL && !PyObject_TypeCheck(result, type)) {
        PyErr_Format(PyExc_TypeError, "FlightServerBase.%s instance, but got %R", what,
                     (PyObject *)Py_TYPE(result));
        Py_CLEAR(result);
    }
    return result;
}

/* Calls server.name(context, about), which must return an instance of `type`. Takes `about`; NULL
 * stands for an exception that is set. */
static PyObject *ask(struct cfp_handler *handler, const char *name, PyObject *about,
                     PyTypeObject *type, const char *what)
{
    PyObject *result = about == NULL ? NULL : call(handler, name, about, NULL, NULL);
    Py_XDECREF(about);
    return expect(result, type, what);
}

static int send_info(struct cfp_handler *handler, cflight_response *response, PyObject *object)
{
    struct cfp_scratch scratch = CFP_SCRATCH_INIT;
    struct cflight_info info;
    struct cfp_wait wait;
    cflight_error *error = NULL;
    int code = -1;
    if (cfp_info_view(object, &scratch, &info) == 0 &&
        cfp_wait_begin(&wait, handler->state, NULL, NULL) == 0) {
        code = cfp_wait_end(&wait, cflight_response_info(response, &info, &error), error);
    }
    cfp_scratch_done(&scratch);
    return code;
}

/* Sends every FlightInfo of an iterable, which is read to its end first. */
static void send_infos(struct cfp_handler *handler, cflight_response *response, PyObject *flights)
{
    PyObject *list = PySequence_List(flights);
    for (Py_ssize_t i = 0; list != NULL && i < PyList_GET_SIZE(list); i++) {
        PyObject *info = PyList_GET_ITEM(list, i);
        if (!PyObject_TypeCheck(info, handler->state->info_type)) {
            PyErr_Format(
                PyExc_TypeError,
                "FlightServerBase.list_flights must return FlightInfo instances, but got %R",
                (PyObject *)Py_TYPE(info));
            break;
        }
        if (send_info(handler, response, info) < 0) {
            break;
        }
    }
    Py_XDECREF(list);
}

static cflight_status on_list_flights(void *user_data, cflight_server_context *context,
                                      struct cflight_bytes criteria, cflight_response *response,
                                      cflight_error **reterr)
{
    struct cfp_handler handler;
    cflight_status status = cfp_handler_begin(&handler, user_data, context, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    PyObject *bytes = cfp_bytes_new(criteria);
    PyObject *flights = bytes == NULL ? NULL : call(&handler, "list_flights", bytes, NULL, NULL);
    if (flights != NULL && flights != Py_None) {
        send_infos(&handler, response, flights);
    }
    Py_XDECREF(bytes);
    Py_XDECREF(flights);
    return cfp_handler_end(&handler, reterr);
}

static cflight_status on_get_flight_info(void *user_data, cflight_server_context *context,
                                         const struct cflight_descriptor *descriptor,
                                         cflight_response *response, cflight_error **reterr)
{
    struct cfp_handler handler;
    cflight_status status = cfp_handler_begin(&handler, user_data, context, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    PyObject *info = ask(&handler, "get_flight_info", cfp_descriptor_new(handler.state, descriptor),
                         handler.state->info_type, "get_flight_info must return a FlightInfo");
    if (info != NULL) {
        (void)send_info(&handler, response, info);
    }
    Py_XDECREF(info);
    return cfp_handler_end(&handler, reterr);
}

static void send_poll_info(struct cfp_handler *handler, cflight_response *response,
                           PyObject *object)
{
    struct cfp_scratch scratch = CFP_SCRATCH_INIT;
    struct cflight_poll_info poll_info;
    struct cfp_wait wait;
    cflight_error *error = NULL;
    if (cfp_poll_info_view(object, &scratch, &poll_info) == 0 &&
        cfp_wait_begin(&wait, handler->state, NULL, NULL) == 0) {
        cflight_status status = cflight_response_poll_info(response, &poll_info, &error);
        (void)cfp_wait_end(&wait, status, error);
    }
    cfp_scratch_done(&scratch);
}

static cflight_status on_poll_flight_info(void *user_data, cflight_server_context *context,
                                          const struct cflight_descriptor *descriptor,
                                          cflight_response *response, cflight_error **reterr)
{
    struct cfp_handler handler;
    cflight_status status = cfp_handler_begin(&handler, user_data, context, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    PyObject *poll_info =
        ask(&handler, "poll_flight_info", cfp_descriptor_new(handler.state, descriptor),
            handler.state->poll_info_type, "poll_flight_info must return a PollInfo");
    if (poll_info != NULL) {
        send_poll_info(&handler, response, poll_info);
    }
    Py_XDECREF(poll_info);
    return cfp_handler_end(&handler, reterr);
}

static cflight_status on_get_schema(void *user_data, cflight_server_context *context,
                                    const struct cflight_descriptor *descriptor,
                                    cflight_response *response, cflight_error **reterr)
{
    struct cfp_handler handler;
    struct cfp_wait wait;
    cflight_error *error = NULL;
    cflight_status status = cfp_handler_begin(&handler, user_data, context, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    PyObject *result =
        ask(&handler, "get_schema", cfp_descriptor_new(handler.state, descriptor),
            handler.state->schema_result_type, "get_schema must return a SchemaResult");
    if (result != NULL && cfp_wait_begin(&wait, handler.state, NULL, NULL) == 0) {
        struct cflight_bytes schema = cfp_view(((struct cfp_schema_result *)result)->schema);
        (void)cfp_wait_end(&wait, cflight_response_schema(response, schema, &error), error);
    }
    Py_XDECREF(result);
    return cfp_handler_end(&handler, reterr);
}

static void get(struct cfp_handler *handler, struct cflight_bytes ticket, cflight_writer *writer)
{
    struct cfp_stream_call call = {
        .state = handler->state,
        .context = handler->context,
        .context_object = handler->context_object,
        .server = handler->server,
        .variables = handler->variables,
    };
    PyObject *stream =
        ask(handler, "do_get", cfp_ticket_new(handler->state, ticket),
            handler->state->data_stream_type, "do_get must return a FlightDataStream");
    handler->is_handed_over =
        stream != NULL && cfp_data_stream_hand_over(stream, writer, &call) == 0;
    Py_XDECREF(stream);
}

/* Runs in variables in any case, which go on with the stream. */
static cflight_status on_do_get(void *user_data, cflight_server_context *context,
                                struct cflight_bytes ticket, cflight_writer *writer,
                                cflight_error **reterr)
{
    struct cfp_handler handler;
    cflight_status status = cfp_handler_begin(&handler, user_data, context, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (handler.variables == NULL) {
        PyObject *variables = PyContext_New();
        handler.variables = cfp_variables_enter(variables);
        Py_XDECREF(variables);
    }
    if (handler.variables != NULL) {
        get(&handler, ticket, writer);
    }
    return cfp_handler_end(&handler, reterr);
}

static PyObject *server_reader(struct cfp_handler *handler, cflight_reader *reader)
{
    return cfp_reader_new(handler->state, cfp_read_core_new(handler->state, reader, false));
}

/* Calls the method of an upload; takes `writing`, and ends it with the reader when it is done. */
static cflight_status run_upload(struct cfp_handler *handler, const char *name,
                                 const struct cflight_descriptor *descriptor,
                                 cflight_reader *reader, PyObject *writing,
                                 void (*detach)(PyObject *writing), cflight_error **reterr)
{
    PyObject *object = writing == NULL ? NULL : cfp_descriptor_new(handler->state, descriptor);
    PyObject *reading = object == NULL ? NULL : server_reader(handler, reader);
    if (reading != NULL) {
        cfp_reader_refresh(reading);
        Py_XDECREF(call(handler, name, object, reading, writing));
    }
    if (writing != NULL) {
        detach(writing);
    }
    if (reading != NULL) {
        cfp_reader_detach(reading);
    }
    Py_XDECREF(object);
    Py_XDECREF(reading);
    Py_XDECREF(writing);
    return cfp_handler_end(handler, reterr);
}

static cflight_status on_do_put(void *user_data, cflight_server_context *context,
                                const struct cflight_descriptor *descriptor, cflight_reader *reader,
                                cflight_metadata_writer *writer, cflight_error **reterr)
{
    struct cfp_handler handler;
    cflight_status status = cfp_handler_begin(&handler, user_data, context, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    return run_upload(&handler, "do_put", descriptor, reader,
                      cfp_metadata_writer_new(handler.state, writer), cfp_metadata_writer_detach,
                      reterr);
}

static cflight_status on_do_exchange(void *user_data, cflight_server_context *context,
                                     const struct cflight_descriptor *descriptor,
                                     cflight_reader *reader, cflight_writer *writer,
                                     cflight_error **reterr)
{
    struct cfp_handler handler;
    cflight_status status = cfp_handler_begin(&handler, user_data, context, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    return run_upload(&handler, "do_exchange", descriptor, reader,
                      cfp_writer_new(handler.state, writer, false, NULL), cfp_writer_detach,
                      reterr);
}

static int send_result(struct cfp_handler *handler, cflight_response *response, PyObject *item)
{
    Py_buffer view;
    struct cfp_wait wait;
    cflight_error *error = NULL;
    int code = -1;
    bool is_result = PyObject_TypeCheck(item, handler->state->result_type);
    PyObject *body = is_result ? ((struct cfp_result *)item)->body : item;
    if (PyObject_GetBuffer(body, &view, PyBUF_SIMPLE) < 0) {
        return -1;
    }
    if (cfp_wait_begin(&wait, handler->state, NULL, NULL) == 0) {
        struct cflight_bytes bytes = cflight_bytes_make(view.buf, (size_t)view.len);
        code = cfp_wait_end(&wait, cflight_response_result(response, bytes, &error), error);
    }
    PyBuffer_Release(&view);
    return code;
}

/* Sends the results of an iterable one by one, as it makes them. */
static void send_results(struct cfp_handler *handler, cflight_response *response, PyObject *results)
{
    PyObject *iterator = PyObject_GetIter(results);
    PyObject *item = NULL;
    while (iterator != NULL && (item = PyIter_Next(iterator)) != NULL) {
        int code = send_result(handler, response, item);
        Py_DECREF(item);
        if (code < 0) {
            break;
        }
    }
    Py_XDECREF(iterator);
}

static cflight_status on_do_action(void *user_data, cflight_server_context *context,
                                   const struct cflight_action *action, cflight_response *response,
                                   cflight_error **reterr)
{
    struct cfp_handler handler;
    cflight_status status = cfp_handler_begin(&handler, user_data, context, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    PyObject *object = cfp_action_new(handler.state, action);
    PyObject *results = object == NULL ? NULL : call(&handler, "do_action", object, NULL, NULL);
    if (results != NULL && results != Py_None) {
        send_results(&handler, response, results);
    }
    Py_XDECREF(object);
    Py_XDECREF(results);
    return cfp_handler_end(&handler, reterr);
}

/* An ActionType or a pair, both str or bytes. */
static int send_action_type(struct cfp_handler *handler, cflight_response *response, PyObject *item)
{
    struct cfp_wait wait;
    cflight_error *error = NULL;
    int code = -1;
    if (!PyTuple_Check(item) || PyTuple_GET_SIZE(item) != 2) {
        PyErr_SetString(PyExc_TypeError, "Results of list_actions must be ActionType or tuple");
        return -1;
    }
    PyObject *type = cfp_to_bytes(PyTuple_GET_ITEM(item, 0));
    PyObject *description = type == NULL ? NULL : cfp_to_bytes(PyTuple_GET_ITEM(item, 1));
    if (description != NULL && cfp_wait_begin(&wait, handler->state, NULL, NULL) == 0) {
        struct cflight_action_type value = {cfp_view(type), cfp_view(description)};
        code = cfp_wait_end(&wait, cflight_response_action_type(response, &value, &error), error);
    }
    Py_XDECREF(type);
    Py_XDECREF(description);
    return code;
}

static cflight_status on_list_actions(void *user_data, cflight_server_context *context,
                                      cflight_response *response, cflight_error **reterr)
{
    struct cfp_handler handler;
    cflight_status status = cfp_handler_begin(&handler, user_data, context, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    PyObject *actions = call(&handler, "list_actions", NULL, NULL, NULL);
    PyObject *list = actions == NULL ? NULL : PySequence_List(actions);
    for (Py_ssize_t i = 0; list != NULL && i < PyList_GET_SIZE(list); i++) {
        if (send_action_type(&handler, response, PyList_GET_ITEM(list, i)) < 0) {
            break;
        }
    }
    Py_XDECREF(actions);
    Py_XDECREF(list);
    return cfp_handler_end(&handler, reterr);
}

void cfp_server_handlers(struct cfp_server_link *link, struct cflight_server_handlers *ret_table)
{
    *ret_table = (struct cflight_server_handlers)CFLIGHT_SERVER_HANDLERS_INIT;
    ret_table->user_data = link;
    ret_table->list_flights = on_list_flights;
    ret_table->get_flight_info = on_get_flight_info;
    ret_table->poll_flight_info = on_poll_flight_info;
    ret_table->get_schema = on_get_schema;
    ret_table->do_get = on_do_get;
    ret_table->do_put = on_do_put;
    ret_table->do_exchange = on_do_exchange;
    ret_table->do_action = on_do_action;
    ret_table->list_actions = on_list_actions;
}
