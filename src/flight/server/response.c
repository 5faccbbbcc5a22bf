/* SPDX-License-Identifier: Apache-2.0 */
/* The answers of handlers. Each function serialises its value and sends it as one message, under
 * the call's flow control. Thread class: one at a time. */
#include "base/error.h"
#include "flight/server/server_context.h"

/* Checks that the method gives such answers, and that a unary one gives only one. */
static cflight_status check(const cflight_response *response, enum cflight_method a,
                            enum cflight_method b, const char *what, cflight_error **reterr)
{
    if (response == NULL) {
        return cfl_error_null_argument(reterr, "response");
    }
    const struct cfl_method *method = response->context->call->method;
    if (method->id != a && method->id != b) {
        return cflight_error_set(reterr, CFLIGHT_FAILED_PRECONDITION, "%s does not answer with %s",
                                 method->name, what);
    }
    if (!method->server_streams && response->count > 0) {
        return cflight_error_set(reterr, CFLIGHT_FAILED_PRECONDITION,
                                 "%s answers once; this is a second answer", method->name);
    }
    return CFLIGHT_OK;
}

/* Sends and drops the buffer. */
static cflight_status send(cflight_response *response, cflight_buffer *message,
                           cflight_error **reterr)
{
    cflight_status status =
        cfl_call_send(response->context->call, cflight_buffer_bytes(message), reterr);
    cflight_buffer_unref(message);
    if (status == CFLIGHT_OK) {
        response->count++;
    }
    return status;
}

cflight_status cflight_response_info(cflight_response *response, const struct cflight_info *info,
                                     cflight_error **reterr)
{
    cflight_buffer *message = NULL;
    cflight_status status = check(response, CFLIGHT_METHOD_GET_FLIGHT_INFO,
                                  CFLIGHT_METHOD_LIST_FLIGHTS, "an info", reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_info_serialize(info, &message, reterr);
    }
    return status == CFLIGHT_OK ? send(response, message, reterr) : status;
}

cflight_status cflight_response_poll_info(cflight_response *response,
                                          const struct cflight_poll_info *poll_info,
                                          cflight_error **reterr)
{
    cflight_buffer *message = NULL;
    cflight_status status = check(response, CFLIGHT_METHOD_POLL_FLIGHT_INFO,
                                  CFLIGHT_METHOD_POLL_FLIGHT_INFO, "a poll info", reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_poll_info_serialize(poll_info, &message, reterr);
    }
    return status == CFLIGHT_OK ? send(response, message, reterr) : status;
}

cflight_status cflight_response_schema(cflight_response *response, struct cflight_bytes schema,
                                       cflight_error **reterr)
{
    cflight_buffer *message = NULL;
    cflight_status status =
        check(response, CFLIGHT_METHOD_GET_SCHEMA, CFLIGHT_METHOD_GET_SCHEMA, "a schema", reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_schema_result_serialize(schema, &message, reterr);
    }
    return status == CFLIGHT_OK ? send(response, message, reterr) : status;
}

cflight_status cflight_response_result(cflight_response *response, struct cflight_bytes body,
                                       cflight_error **reterr)
{
    cflight_buffer *message = NULL;
    cflight_status status =
        check(response, CFLIGHT_METHOD_DO_ACTION, CFLIGHT_METHOD_DO_ACTION, "a result", reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_result_serialize(body, &message, reterr);
    }
    return status == CFLIGHT_OK ? send(response, message, reterr) : status;
}

cflight_status cflight_response_action_type(cflight_response *response,
                                            const struct cflight_action_type *action_type,
                                            cflight_error **reterr)
{
    cflight_buffer *message = NULL;
    cflight_status status = check(response, CFLIGHT_METHOD_LIST_ACTIONS,
                                  CFLIGHT_METHOD_LIST_ACTIONS, "an action type", reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_action_type_serialize(action_type, &message, reterr);
    }
    return status == CFLIGHT_OK ? send(response, message, reterr) : status;
}
