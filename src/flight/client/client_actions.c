/* SPDX-License-Identifier: Apache-2.0 */
/* The standard actions as functions: one request message, one result, which may not be missing.
 * Spec: flight-api, standard DoAction types. Thread class: free. */
#include "base/error.h"
#include "flight/client/client.h"
#include "flight/value/values.h"

/* Runs an action that has exactly one result; takes `body`. */
static cflight_status run(struct cflight_client *client, const char *type, cflight_buffer *body,
                          const struct cflight_call_options *options, cflight_buffer **ret_result,
                          cflight_error **reterr)
{
    struct cflight_action action = {cflight_bytes_from_text(type), cflight_buffer_bytes(body)};
    cflight_result_stream *stream = NULL;
    cflight_buffer *result = NULL;
    cflight_buffer *surplus = NULL;
    cflight_status status = cflight_client_do_action(client, &action, options, &stream, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_result_stream_next(stream, &result, reterr);
    }
    if (status == CFLIGHT_OK && result == NULL) {
        status = cflight_error_set(reterr, CFLIGHT_INTERNAL, "%s: the server sent no result", type);
    }
    while (status == CFLIGHT_OK) {
        status = cflight_result_stream_next(stream, &surplus, reterr);
        if (status == CFLIGHT_OK && surplus == NULL) {
            break;
        }
        cflight_buffer_unref(surplus);
        surplus = NULL;
    }
    cflight_result_stream_free(stream);
    cflight_buffer_unref(body);
    if (status != CFLIGHT_OK) {
        cflight_buffer_unref(result);
        return status;
    }
    *ret_result = result;
    return CFLIGHT_OK;
}

/* The same for an action whose request is a value. */
static cflight_status run_with(struct cflight_client *client, const char *action,
                               const struct cfl_value_type *type, const void *request,
                               const struct cflight_call_options *options,
                               cflight_buffer **ret_result, cflight_error **reterr)
{
    cflight_buffer *body = NULL;
    cflight_status status = cfl_value_serialize(type, NULL, request, &body, reterr);
    return status == CFLIGHT_OK ? run(client, action, body, options, ret_result, reterr) : status;
}

/* Parses a result, and gives it back. */
static cflight_status take_value(const struct cfl_value_type *type, cflight_buffer *result,
                                 void **ret_value, cflight_error **reterr)
{
    cflight_status status =
        cfl_value_parse(type, NULL, cflight_buffer_bytes(result), ret_value, reterr);
    cflight_buffer_unref(result);
    return status;
}

cflight_status cflight_client_cancel_flight_info(cflight_client *client,
                                                 const struct cflight_info *info,
                                                 const struct cflight_call_options *options,
                                                 enum cflight_cancel_status *ret_cancel_status,
                                                 cflight_error **reterr)
{
    cflight_buffer *result = NULL;
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(info), CFL_ARG(ret_cancel_status));
    if (status == CFLIGHT_OK) {
        status = run_with(client, CFLIGHT_ACTION_CANCEL_FLIGHT_INFO, &cfl_value_cancel_request,
                          info, options, &result, reterr);
    }
    if (status == CFLIGHT_OK) {
        status =
            cflight_cancel_result_parse(cflight_buffer_bytes(result), ret_cancel_status, reterr);
    }
    cflight_buffer_unref(result);
    return status;
}

cflight_status cflight_client_renew_flight_endpoint(cflight_client *client,
                                                    const struct cflight_endpoint *endpoint,
                                                    const struct cflight_call_options *options,
                                                    struct cflight_endpoint **ret_endpoint,
                                                    cflight_error **reterr)
{
    cflight_buffer *result = NULL;
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(endpoint), CFL_ARG(ret_endpoint));
    if (status == CFLIGHT_OK) {
        status = run_with(client, CFLIGHT_ACTION_RENEW_FLIGHT_ENDPOINT, &cfl_value_renew_request,
                          endpoint, options, &result, reterr);
    }
    return status != CFLIGHT_OK
               ? status
               : take_value(&cfl_value_endpoint, result, (void **)ret_endpoint, reterr);
}

cflight_status cflight_client_set_session_options(
    cflight_client *client, const struct cflight_session_options *session_options,
    const struct cflight_call_options *options, struct cflight_session_errors **ret_errors,
    cflight_error **reterr)
{
    cflight_buffer *result = NULL;
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(session_options), CFL_ARG(ret_errors));
    if (status == CFLIGHT_OK) {
        status = run_with(client, CFLIGHT_ACTION_SET_SESSION_OPTIONS, &cfl_value_session_options,
                          session_options, options, &result, reterr);
    }
    return status != CFLIGHT_OK
               ? status
               : take_value(&cfl_value_session_errors, result, (void **)ret_errors, reterr);
}

cflight_status cflight_client_get_session_options(
    cflight_client *client, const struct cflight_call_options *options,
    struct cflight_session_options **ret_session_options, cflight_error **reterr)
{
    cflight_buffer *result = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(ret_session_options));
    if (status == CFLIGHT_OK) {
        status = run(client, CFLIGHT_ACTION_GET_SESSION_OPTIONS, NULL, options, &result, reterr);
    }
    return status != CFLIGHT_OK ? status
                                : take_value(&cfl_value_session_options, result,
                                             (void **)ret_session_options, reterr);
}

cflight_status cflight_client_close_session(cflight_client *client,
                                            const struct cflight_call_options *options,
                                            enum cflight_close_session_status *ret_close_status,
                                            cflight_error **reterr)
{
    cflight_buffer *result = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(ret_close_status));
    if (status == CFLIGHT_OK) {
        status = run(client, CFLIGHT_ACTION_CLOSE_SESSION, NULL, options, &result, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_close_result_parse(cflight_buffer_bytes(result), ret_close_status, reterr);
    }
    cflight_buffer_unref(result);
    return status;
}
