/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of the standard actions, for the asyncio part, which runs them as any action.
 * Spec: flight-api, standard DoAction types. Thread class: with the GIL. */
#include "client/loop.h"

#include <string.h>

#include "base/convert.h"
#include "base/exceptions.h"

/* One kind: what its request is made of and what its result means. `argument` has been checked to
 * be of the type. */
struct standard_action {
    const char *type;
    cflight_status (*make)(PyObject *argument, struct cfp_scratch *scratch, PyObject *kept,
                           cflight_buffer **ret_body, cflight_error **reterr);
    PyObject *(*read)(struct cfp_state *state, struct cflight_bytes body);
};

/* Makers leave *ret_body NULL and return OK when a Python exception is set. */
static cflight_status make_cancel(PyObject *argument, struct cfp_scratch *scratch, PyObject *kept,
                                  cflight_buffer **ret_body, cflight_error **reterr)
{
    struct cflight_info info;
    (void)kept;
    return cfp_info_view(argument, scratch, &info) < 0
               ? CFLIGHT_OK
               : cflight_cancel_request_serialize(&info, ret_body, reterr);
}

static cflight_status make_renew(PyObject *argument, struct cfp_scratch *scratch, PyObject *kept,
                                 cflight_buffer **ret_body, cflight_error **reterr)
{
    struct cflight_endpoint endpoint;
    (void)kept;
    return cfp_endpoint_view(argument, scratch, &endpoint) < 0
               ? CFLIGHT_OK
               : cflight_renew_request_serialize(&endpoint, ret_body, reterr);
}

static cflight_status make_options(PyObject *argument, struct cfp_scratch *scratch, PyObject *kept,
                                   cflight_buffer **ret_body, cflight_error **reterr)
{
    struct cflight_session_options options;
    return cfp_session_options_view(argument, kept, scratch, &options) < 0
               ? CFLIGHT_OK
               : cflight_session_options_serialize(&options, ret_body, reterr);
}

static cflight_status make_nothing(PyObject *argument, struct cfp_scratch *scratch, PyObject *kept,
                                   cflight_buffer **ret_body, cflight_error **reterr)
{
    (void)argument;
    (void)scratch;
    (void)kept;
    return cflight_buffer_new_copy((struct cflight_bytes){NULL, 0}, ret_body, reterr);
}

static PyObject *read_cancel(struct cfp_state *state, struct cflight_bytes body)
{
    enum cflight_cancel_status outcome = CFLIGHT_CANCEL_STATUS_UNSPECIFIED;
    cflight_error *error = NULL;
    cflight_status status = cflight_cancel_result_parse(body, &outcome, &error);
    return status != CFLIGHT_OK ? cfp_raise(state, status, error)
                                : PyObject_CallFunction(state->cancel_status, "i", (int)outcome);
}

static PyObject *read_renew(struct cfp_state *state, struct cflight_bytes body)
{
    struct cflight_endpoint *endpoint = NULL;
    cflight_error *error = NULL;
    cflight_status status = cflight_endpoint_parse(body, &endpoint, &error);
    if (status != CFLIGHT_OK) {
        return cfp_raise(state, status, error);
    }
    PyObject *result = cfp_endpoint_new(state, endpoint);
    cflight_endpoint_free(endpoint);
    return result;
}

static PyObject *read_set(struct cfp_state *state, struct cflight_bytes body)
{
    struct cflight_session_errors *errors = NULL;
    cflight_error *error = NULL;
    cflight_status status = cflight_session_errors_parse(body, &errors, &error);
    if (status != CFLIGHT_OK) {
        return cfp_raise(state, status, error);
    }
    PyObject *result = cfp_session_errors_dict(state, errors);
    cflight_session_errors_free(errors);
    return result;
}

static PyObject *read_get(struct cfp_state *state, struct cflight_bytes body)
{
    struct cflight_session_options *options = NULL;
    cflight_error *error = NULL;
    cflight_status status = cflight_session_options_parse(body, &options, &error);
    if (status != CFLIGHT_OK) {
        return cfp_raise(state, status, error);
    }
    PyObject *result = cfp_session_options_dict(options);
    cflight_session_options_free(options);
    return result;
}

static PyObject *read_close(struct cfp_state *state, struct cflight_bytes body)
{
    enum cflight_close_session_status outcome = CFLIGHT_CLOSE_SESSION_UNSPECIFIED;
    cflight_error *error = NULL;
    cflight_status status = cflight_close_result_parse(body, &outcome, &error);
    return status != CFLIGHT_OK
               ? cfp_raise(state, status, error)
               : PyObject_CallFunction(state->close_session_status, "i", (int)outcome);
}

static const struct standard_action actions[] = {
    {CFLIGHT_ACTION_CANCEL_FLIGHT_INFO, make_cancel, read_cancel},
    {CFLIGHT_ACTION_RENEW_FLIGHT_ENDPOINT, make_renew, read_renew},
    {CFLIGHT_ACTION_SET_SESSION_OPTIONS, make_options, read_set},
    {CFLIGHT_ACTION_GET_SESSION_OPTIONS, make_nothing, read_get},
    {CFLIGHT_ACTION_CLOSE_SESSION, make_nothing, read_close},
};

static const struct standard_action *action_named(const char *type)
{
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(actions[i].type, type) == 0) {
            return &actions[i];
        }
    }
    PyErr_Format(PyExc_ValueError, "'%s' is no standard action", type);
    return NULL;
}

static int check_argument(struct cfp_state *state, const struct standard_action *action,
                          PyObject *argument)
{
    if (action->make == make_cancel) {
        return cfp_check_type(argument, state->info_type, "info", "cflight.FlightInfo");
    }
    if (action->make == make_renew) {
        return cfp_check_type(argument, state->endpoint_type, "endpoint", "cflight.FlightEndpoint");
    }
    return action->make == make_options
               ? cfp_check_type(argument, &PyDict_Type, "session_options", "dict")
               : 0;
}

PyObject *cfp_client_standard_request(PyObject *self, PyObject *args)
{
    struct cfp_state *state = cfp_state_of(self);
    struct cfp_scratch scratch = CFP_SCRATCH_INIT;
    const char *type = NULL;
    PyObject *argument = NULL;
    PyObject *result = NULL;
    cflight_buffer *body = NULL;
    cflight_error *error = NULL;
    if (!PyArg_ParseTuple(args, "sO", &type, &argument)) {
        return NULL;
    }
    const struct standard_action *action = action_named(type);
    if (action == NULL || check_argument(state, action, argument) < 0) {
        return NULL;
    }
    PyObject *kept = PyList_New(0);
    if (kept != NULL) {
        cflight_status status = action->make(argument, &scratch, kept, &body, &error);
        if (PyErr_Occurred() == NULL) {
            result = cfp_serialized(state, status, body, error);
        }
    }
    Py_XDECREF(kept);
    cfp_scratch_done(&scratch);
    return result;
}

PyObject *cfp_client_standard_result(PyObject *self, PyObject *args)
{
    const char *type = NULL;
    Py_buffer body;
    if (!PyArg_ParseTuple(args, "sy*", &type, &body)) {
        return NULL;
    }
    const struct standard_action *action = action_named(type);
    PyObject *result =
        action == NULL
            ? NULL
            : action->read(cfp_state_of(self), cflight_bytes_make(body.buf, (size_t)body.len));
    PyBuffer_Release(&body);
    return result;
}
