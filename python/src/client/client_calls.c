/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of FlightClient.
 *
 * Each follows the same path: parse, load the options, run without the GIL, make the result. Views
 * of Python objects stay valid because the arguments hold them. Thread class: free. */
#include "client/client.h"

#include "arrow/arrow.h"
#include "base/callbacks.h"
#include "base/convert.h"
#include "base/exceptions.h"
#include "client/client_frame.h"
#include "streams/streams.h"

/* Parses (descriptor, options) and makes the view. */
static int parse_descriptor(PyObject *self, PyObject *args, PyObject *kwargs,
                            struct cfp_frame *frame, enum cfp_call_kind kind,
                            struct cflight_descriptor *ret_descriptor)
{
    static char *names[] = {"descriptor", "options", NULL};
    PyObject *descriptor = NULL;
    PyObject *options = NULL;
    struct cfp_state *state = cfp_state_of(self);
    frame->call = (struct cfp_call){0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O", names, &descriptor, &options) ||
        cfp_check_type(descriptor, state->descriptor_type, "descriptor",
                       "cflight.FlightDescriptor") < 0 ||
        cfp_frame_begin(frame, self, options, kind) < 0) {
        return -1;
    }
    return cfp_descriptor_view(descriptor, &frame->call.scratch, ret_descriptor);
}

PyObject *cfp_client_get_flight_info(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct cfp_frame frame;
    struct cflight_descriptor descriptor;
    struct cflight_info *info = NULL;
    PyObject *result = NULL;
    if (parse_descriptor(self, args, kwargs, &frame, CFP_CALL_UNARY, &descriptor) < 0 ||
        cfp_frame_block(&frame) < 0) {
        goto done;
    }
    cflight_status status = cflight_client_get_flight_info(
        frame.client, &descriptor, &frame.call.options, &info, &frame.error);
    if (cfp_frame_unblock(&frame, status) == 0) {
        result = cfp_info_new(frame.state, info);
        cflight_info_free(info);
    }

done:
    cfp_frame_end(&frame);
    return result;
}

PyObject *cfp_client_poll_flight_info(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct cfp_frame frame;
    struct cflight_descriptor descriptor;
    struct cflight_poll_info *poll_info = NULL;
    PyObject *result = NULL;
    if (parse_descriptor(self, args, kwargs, &frame, CFP_CALL_UNARY, &descriptor) < 0 ||
        cfp_frame_block(&frame) < 0) {
        goto done;
    }
    cflight_status status = cflight_client_poll_flight_info(
        frame.client, &descriptor, &frame.call.options, &poll_info, &frame.error);
    if (cfp_frame_unblock(&frame, status) == 0) {
        result = cfp_poll_info_new(frame.state, poll_info);
        cflight_poll_info_free(poll_info);
    }

done:
    cfp_frame_end(&frame);
    return result;
}

PyObject *cfp_client_get_schema(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct cfp_frame frame;
    struct cflight_descriptor descriptor;
    cflight_buffer *schema = NULL;
    PyObject *result = NULL;
    if (parse_descriptor(self, args, kwargs, &frame, CFP_CALL_UNARY, &descriptor) < 0 ||
        cfp_frame_block(&frame) < 0) {
        goto done;
    }
    cflight_status status = cflight_client_get_schema(frame.client, &descriptor,
                                                      &frame.call.options, &schema, &frame.error);
    if (cfp_frame_unblock(&frame, status) == 0) {
        result = cfp_schema_result_new(frame.state, cflight_buffer_bytes(schema));
        cflight_buffer_unref(schema);
    }

done:
    cfp_frame_end(&frame);
    return result;
}

PyObject *cfp_client_list_flights(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"criteria", "options", NULL};
    PyObject *criteria = Py_None;
    PyObject *options = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:list_flights", names, &criteria,
                                     &options)) {
        return NULL;
    }
    if (criteria != Py_None && !cfp_is_bytes(criteria)) {
        return cfp_argument_error("criteria", "bytes", criteria);
    }
    criteria = criteria == Py_None ? Py_NewRef(criteria) : cfp_to_bytes(criteria);
    PyObject *iterator = criteria == NULL
                             ? NULL
                             : cfp_info_iterator_new(cfp_state_of(self), self, criteria, options);
    Py_XDECREF(criteria);
    return iterator;
}

PyObject *cfp_client_do_get(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"ticket", "options", NULL};
    PyObject *ticket = NULL;
    PyObject *options = NULL;
    struct cfp_frame frame = {0};
    cflight_reader *handle = NULL;
    PyObject *reader = NULL;
    struct cfp_state *state = cfp_state_of(self);
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:do_get", names, &ticket, &options) ||
        cfp_check_type(ticket, state->ticket_type, "ticket", "cflight.Ticket") < 0 ||
        cfp_frame_begin(&frame, self, options, CFP_CALL_STREAM) < 0 ||
        cfp_frame_block(&frame) < 0) {
        goto done;
    }
    cflight_status status =
        cflight_client_do_get(frame.client, cfp_view(((struct cfp_ticket *)ticket)->ticket),
                              &frame.call.options, &handle, &frame.error);
    if (cfp_frame_unblock(&frame, status) < 0) {
        goto done;
    }
    reader = cfp_reader_new(state, cfp_read_core_new(state, handle, true));
    if (reader != NULL && cfp_reader_load_schema(reader) < 0) {
        Py_CLEAR(reader);
    }

done:
    cfp_frame_end(&frame);
    return reader;
}

/* Whether a descriptor fits a message; raises what other clients raise when it does not. */
static int check_descriptor_size(const struct cflight_descriptor *descriptor, PyObject *class)
{
    size_t size = descriptor->cmd.len_bytes;
    for (size_t i = 0; i < descriptor->path_count; i++) {
        size += descriptor->path[i].len_bytes;
    }
    if (size <= CFLIGHT_MESSAGE_BYTES_MAX) {
        return 0;
    }
    PyErr_SetString(class, "Failed to serialize Flight descriptor");
    return -1;
}

/* A pair of the two, taking both; either may be NULL with an exception set. */
static PyObject *pair_of(PyObject *writer, PyObject *other, bool never_waits)
{
    PyObject *pair = writer == NULL || other == NULL ? NULL : PyTuple_Pack(2, writer, other);
    if (pair != NULL && never_waits) {
        cfp_writer_never_waits(writer);
    }
    Py_XDECREF(writer);
    Py_XDECREF(other);
    return pair;
}

PyObject *cfp_client_put_pair(struct cfp_state *state, cflight_writer *writer,
                              struct ArrowSchema *schema, cflight_metadata_reader *answers,
                              bool never_waits)
{
    PyObject *reader_object = cfp_metadata_reader_new(state, answers);
    PyObject *writer_object = cfp_writer_new(state, writer, true, schema);
    if (writer_object != NULL && reader_object != NULL) {
        cfp_writer_set_answers(writer_object, reader_object);
    }
    return pair_of(writer_object, reader_object, never_waits);
}

PyObject *cfp_client_exchange_pair(struct cfp_state *state, cflight_writer *writer,
                                   cflight_reader *reader, bool never_waits)
{
    PyObject *reader_object = cfp_reader_new(state, cfp_read_core_new(state, reader, true));
    PyObject *writer_object = cfp_writer_new(state, writer, true, NULL);
    return pair_of(writer_object, reader_object, never_waits);
}

static PyObject *put_with_schema(struct cfp_frame *frame,
                                 const struct cflight_descriptor *descriptor,
                                 struct ArrowSchema *schema)
{
    cflight_writer *writer = NULL;
    cflight_metadata_reader *metadata = NULL;
    if (cfp_frame_block(frame) < 0) {
        schema->release(schema);
        return NULL;
    }
    cflight_status status = cflight_client_do_put(
        frame->client, descriptor, schema, &frame->call.options, &writer, &metadata, &frame->error);
    if (cfp_frame_unblock(frame, status) < 0) {
        schema->release(schema);
        return NULL;
    }
    return cfp_client_put_pair(frame->state, writer, schema, metadata, false);
}

PyObject *cfp_client_do_put(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"descriptor", "schema", "options", NULL};
    PyObject *descriptor_object = NULL;
    PyObject *schema_object = NULL;
    PyObject *options = NULL;
    PyObject *result = NULL;
    struct cfp_frame frame = {0};
    struct cflight_descriptor descriptor;
    struct ArrowSchema schema;
    struct cfp_state *state = cfp_state_of(self);
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|O:do_put", names, &descriptor_object,
                                     &schema_object, &options) ||
        cfp_check_type(descriptor_object, state->descriptor_type, "descriptor",
                       "cflight.FlightDescriptor") < 0 ||
        cfp_frame_begin(&frame, self, options, CFP_CALL_STREAM) < 0 ||
        cfp_descriptor_view(descriptor_object, &frame.call.scratch, &descriptor) < 0 ||
        check_descriptor_size(&descriptor, PyExc_OSError) < 0 ||
        cfp_schema_get(schema_object, "schema", &schema) < 0) {
        goto done;
    }
    result = put_with_schema(&frame, &descriptor, &schema);

done:
    cfp_frame_end(&frame);
    return result;
}

PyObject *cfp_client_do_exchange(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct cfp_frame frame;
    struct cflight_descriptor descriptor;
    cflight_writer *writer = NULL;
    cflight_reader *reader = NULL;
    PyObject *result = NULL;
    if (parse_descriptor(self, args, kwargs, &frame, CFP_CALL_STREAM, &descriptor) < 0 ||
        check_descriptor_size(&descriptor, frame.state->flight_internal_error) < 0 ||
        cfp_frame_block(&frame) < 0) {
        goto done;
    }
    cflight_status status = cflight_client_do_exchange(
        frame.client, &descriptor, &frame.call.options, &writer, &reader, &frame.error);
    if (cfp_frame_unblock(&frame, status) < 0) {
        goto done;
    }
    result = cfp_client_exchange_pair(frame.state, writer, reader, false);

done:
    cfp_frame_end(&frame);
    return result;
}

/* An Action from what callers may give. */
static PyObject *action_of(struct cfp_state *state, PyObject *value)
{
    if (PyObject_TypeCheck(value, state->action_type)) {
        return Py_NewRef(value);
    }
    if (cfp_is_text(value)) {
        return PyObject_CallFunction((PyObject *)state->action_type, "Oy#", value, "",
                                     (Py_ssize_t)0);
    }
    if (PyTuple_Check(value)) {
        return PyObject_Call((PyObject *)state->action_type, value, NULL);
    }
    return PyErr_Format(PyExc_TypeError, "Action must be Action instance, string, or tuple");
}

PyObject *cfp_client_do_action(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"action", "options", NULL};
    struct cfp_state *state = cfp_state_of(self);
    PyObject *value = NULL;
    PyObject *options = Py_None;
    Py_buffer view;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:do_action", names, &value, &options)) {
        return NULL;
    }
    PyObject *object = action_of(state, value);
    if (object == NULL) {
        return NULL;
    }
    struct cfp_action *action = (struct cfp_action *)object;
    PyObject *result = NULL;
    if (PyObject_GetBuffer(action->body, &view, PyBUF_SIMPLE) == 0) {
        struct cflight_action request = {cfp_view(action->type),
                                         cflight_bytes_make(view.buf, (size_t)view.len)};
        result = cfp_result_iterator_new(state, self, &request, options);
        PyBuffer_Release(&view);
    }
    Py_DECREF(object);
    return result;
}

/* Reads all action types into the list. */
static int read_action_types(struct cfp_frame *frame, cflight_action_type_stream *stream,
                             PyObject *list)
{
    for (;;) {
        struct cflight_action_type *type = NULL;
        frame->error = NULL;
        if (cfp_frame_block(frame) < 0) {
            return -1;
        }
        cflight_status status = cflight_action_type_stream_next(stream, &type, &frame->error);
        if (cfp_frame_unblock(frame, status) < 0) {
            return -1;
        }
        if (type == NULL) {
            return 0;
        }
        PyObject *object = cfp_action_type_new(frame->state, type);
        cflight_action_type_free(type);
        int code = object == NULL ? -1 : PyList_Append(list, object);
        Py_XDECREF(object);
        if (code < 0) {
            return -1;
        }
    }
}

static void free_action_types(void *stream)
{
    cflight_action_type_stream_free(stream);
}

PyObject *cfp_client_list_actions(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"options", NULL};
    PyObject *options = NULL;
    PyObject *list = NULL;
    struct cfp_frame frame = {0};
    cflight_action_type_stream *stream = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:list_actions", names, &options) ||
        cfp_frame_begin(&frame, self, options, CFP_CALL_STREAM) < 0 ||
        cfp_frame_block(&frame) < 0) {
        goto done;
    }
    cflight_status status =
        cflight_client_list_actions(frame.client, &frame.call.options, &stream, &frame.error);
    if (cfp_frame_unblock(&frame, status) < 0) {
        goto done;
    }
    list = PyList_New(0);
    if (list != NULL && read_action_types(&frame, stream, list) < 0) {
        Py_CLEAR(list);
    }
    cfp_release(free_action_types, stream);

done:
    cfp_frame_end(&frame);
    return list;
}

PyObject *cfp_client_authenticate(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"auth_handler", "options", NULL};
    PyObject *handler = NULL;
    PyObject *options = NULL;
    PyObject *result = NULL;
    struct cfp_frame frame = {0};
    struct cflight_client_auth table;
    struct cfp_state *state = cfp_state_of(self);
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:authenticate", names, &handler, &options)) {
        return NULL;
    }
    int is_handler = PyObject_IsInstance(handler, state->client_auth_handler);
    if (is_handler <= 0) {
        return is_handler < 0
                   ? NULL
                   : PyErr_Format(PyExc_TypeError,
                                  "FlightClient.authenticate takes a ClientAuthHandler, not '%R'",
                                  (PyObject *)Py_TYPE(handler));
    }
    if (cfp_frame_begin(&frame, self, options, CFP_CALL_UNARY) < 0 ||
        cfp_client_auth_table(state, handler, &table) < 0) {
        goto done;
    }
    cfp_hold_list_add(&((struct cfp_client *)self)->holds, table.user_data);
    if (cfp_frame_block(&frame) < 0) {
        cfp_hold_free(table.user_data);
        goto done;
    }
    cflight_status status =
        cflight_client_authenticate(frame.client, &table, &frame.call.options, &frame.error);
    if (cfp_frame_unblock(&frame, status) == 0) {
        result = Py_NewRef(Py_None);
    }

done:
    cfp_frame_end(&frame);
    return result;
}

PyObject *cfp_client_authenticate_basic_token(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"username", "password", "options", NULL};
    PyObject *username = NULL;
    PyObject *password = NULL;
    PyObject *options = NULL;
    PyObject *result = NULL;
    struct cfp_frame frame = {0};
    cflight_buffer *bearer = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|O:authenticate_basic_token", names,
                                     &username, &password, &options)) {
        return NULL;
    }
    username = cfp_to_bytes(username);
    password = username == NULL ? NULL : cfp_to_bytes(password);
    if (password == NULL || cfp_frame_begin(&frame, self, options, CFP_CALL_UNARY) < 0 ||
        cfp_frame_block(&frame) < 0) {
        goto done;
    }
    cflight_status status =
        cflight_client_authenticate_basic(frame.client, cfp_view(username), cfp_view(password),
                                          &frame.call.options, &bearer, &frame.error);
    if (cfp_frame_unblock(&frame, status) == 0) {
        struct cflight_bytes value = cflight_buffer_bytes(bearer);
        result = Py_BuildValue("yN", bearer == NULL ? "" : "authorization", cfp_bytes_new(value));
        cflight_buffer_unref(bearer);
    }

done:
    Py_XDECREF(username);
    Py_XDECREF(password);
    cfp_frame_end(&frame);
    return result;
}

PyObject *cfp_client_cancel_flight_info(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"info", "options", NULL};
    PyObject *object = NULL;
    PyObject *options = NULL;
    PyObject *result = NULL;
    struct cfp_frame frame = {0};
    struct cflight_info info;
    enum cflight_cancel_status outcome = CFLIGHT_CANCEL_STATUS_UNSPECIFIED;
    struct cfp_state *state = cfp_state_of(self);
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:cancel_flight_info", names, &object,
                                     &options) ||
        cfp_check_type(object, state->info_type, "info", "cflight.FlightInfo") < 0 ||
        cfp_frame_begin(&frame, self, options, CFP_CALL_UNARY) < 0 ||
        cfp_info_view(object, &frame.call.scratch, &info) < 0 || cfp_frame_block(&frame) < 0) {
        goto done;
    }
    cflight_status status = cflight_client_cancel_flight_info(
        frame.client, &info, &frame.call.options, &outcome, &frame.error);
    if (cfp_frame_unblock(&frame, status) == 0) {
        result = PyObject_CallFunction(state->cancel_status, "i", (int)outcome);
    }

done:
    cfp_frame_end(&frame);
    return result;
}

PyObject *cfp_client_renew_flight_endpoint(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"endpoint", "options", NULL};
    PyObject *object = NULL;
    PyObject *options = NULL;
    PyObject *result = NULL;
    struct cfp_frame frame = {0};
    struct cflight_endpoint endpoint;
    struct cflight_endpoint *renewed = NULL;
    struct cfp_state *state = cfp_state_of(self);
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:renew_flight_endpoint", names, &object,
                                     &options) ||
        cfp_check_type(object, state->endpoint_type, "endpoint", "cflight.FlightEndpoint") < 0 ||
        cfp_frame_begin(&frame, self, options, CFP_CALL_UNARY) < 0 ||
        cfp_endpoint_view(object, &frame.call.scratch, &endpoint) < 0 ||
        cfp_frame_block(&frame) < 0) {
        goto done;
    }
    cflight_status status = cflight_client_renew_flight_endpoint(
        frame.client, &endpoint, &frame.call.options, &renewed, &frame.error);
    if (cfp_frame_unblock(&frame, status) == 0) {
        result = cfp_endpoint_new(state, renewed);
        cflight_endpoint_free(renewed);
    }

done:
    cfp_frame_end(&frame);
    return result;
}
