/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that have a result: its description, its schema, its rows; long queries, and an end to
 * them. Thread class: free. */
#include "base/alloc.h"
#include "base/error.h"
#include "cflight/ipc.h"
#include "sql/client/rows.h"

static cflight_status check_command(const struct cflight_sql_message *command,
                                    cflight_error **reterr)
{
    const char *name = cflight_sql_type_name(command->type);
    if (cfl_sql_has_result(command->type)) {
        return CFLIGHT_OK;
    }
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s is no command with a result",
                             name == NULL ? "a message without a type" : name);
}

/* Loads the options and packs the command. */
static cflight_status prepare(struct cfl_sql_request *request, cflight_client *client,
                              const struct cflight_sql_options *options,
                              const struct cflight_sql_message *command, cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(command));
    if (status == CFLIGHT_OK) {
        status = check_command(command, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_sql_request_init(request, client, options, reterr);
    }
    return status;
}

static cflight_status pack(const struct cfl_sql_request *request,
                           const struct cflight_sql_message *command,
                           struct cflight_descriptor *ret_descriptor, cflight_buffer **ret_command,
                           cflight_error **reterr)
{
    const struct cflight_sql_message complete = cfl_sql_request_message(request, command);
    return cfl_sql_request_command(&complete, ret_descriptor, ret_command, reterr);
}

cflight_status cfl_sql_info_get(const struct cfl_sql_request *request,
                                const struct cflight_sql_message *command, bool with_rows,
                                struct cflight_info **ret_info, cflight_error **reterr)
{
    char text[CFL_SQL_INLINE_TEXT_BYTES];
    struct cflight_call_options call_options = request->call_options;
    struct cflight_descriptor descriptor;
    struct cflight_header *headers = NULL;
    cflight_buffer *packed = NULL;
    cflight_status status = pack(request, command, &descriptor, &packed, reterr);
    call_options.is_sticky = cfl_sql_is_sticky(request, command);
    if (status == CFLIGHT_OK && with_rows && !request->options.inline_is_off) {
        status = cfl_sql_rows_ask_inline(request, text, &headers, reterr);
        call_options.headers = headers;
        call_options.header_count++;
    }
    if (status == CFLIGHT_OK) {
        status = cflight_client_get_flight_info(request->client, &descriptor, &call_options,
                                                ret_info, reterr);
    }
    cfl_free_array(NULL, headers, request->call_options.header_count + 1, sizeof *headers);
    cflight_buffer_unref(packed);
    return status;
}

cflight_status cflight_sql_get_info(cflight_client *client,
                                    const struct cflight_sql_message *command,
                                    const struct cflight_sql_options *options,
                                    struct cflight_info **ret_info, cflight_error **reterr)
{
    struct cfl_sql_request request;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_info));
    if (status == CFLIGHT_OK) {
        status = prepare(&request, client, options, command, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_sql_info_get(&request, command, false, ret_info, reterr);
    return cfl_sql_blame(command->type, status, reterr);
}

cflight_status cflight_sql_get_schema(cflight_client *client,
                                      const struct cflight_sql_message *command,
                                      const struct cflight_sql_options *options,
                                      struct ArrowSchema *ret_schema, cflight_error **reterr)
{
    struct cfl_sql_request request;
    struct cflight_descriptor descriptor;
    cflight_buffer *packed = NULL;
    cflight_buffer *schema = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_schema));
    if (status == CFLIGHT_OK) {
        status = prepare(&request, client, options, command, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = pack(&request, command, &descriptor, &packed, reterr);
    request.call_options.is_sticky = cfl_sql_is_sticky(&request, command);
    if (status == CFLIGHT_OK) {
        status =
            cflight_client_get_schema(client, &descriptor, &request.call_options, &schema, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_ipc_schema_parse(cflight_buffer_bytes(schema), ret_schema, reterr);
    }
    cflight_buffer_unref(schema);
    cflight_buffer_unref(packed);
    return cfl_sql_blame(command->type, status, reterr);
}

cflight_status cflight_sql_get_rows(cflight_client *client,
                                    const struct cflight_sql_message *command,
                                    const struct cflight_sql_options *options,
                                    struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    struct cfl_sql_request request;
    struct cflight_info *info = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_stream));
    if (status == CFLIGHT_OK) {
        status = prepare(&request, client, options, command, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_sql_info_get(&request, command, true, &info, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_sql_rows_open(&request, info, ret_stream, reterr);
    }
    if (info != NULL && request.options.ret_info != NULL) {
        *request.options.ret_info = info;
    } else {
        cflight_info_free(info);
    }
    return cfl_sql_blame(command->type, status, reterr);
}

cflight_status cflight_sql_query(cflight_client *client, struct cflight_bytes query,
                                 const struct cflight_sql_options *options,
                                 struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_STATEMENT_QUERY};
    command.statement.query = query;
    return cflight_sql_get_rows(client, &command, options, ret_stream, reterr);
}

/* ---- long queries ---- */

cflight_status cflight_sql_poll(cflight_client *client, const struct cflight_sql_message *command,
                                const struct cflight_descriptor *descriptor,
                                const struct cflight_sql_options *options,
                                struct cflight_poll_info **ret_poll_info, cflight_error **reterr)
{
    struct cfl_sql_request request;
    struct cflight_descriptor first;
    cflight_buffer *packed = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_poll_info));
    if (status == CFLIGHT_OK) {
        status = prepare(&request, client, options, command, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (descriptor == NULL) {
        status = pack(&request, command, &first, &packed, reterr);
        descriptor = &first;
    }
    if (status == CFLIGHT_OK) {
        status = cflight_client_poll_flight_info(client, descriptor, &request.call_options,
                                                 ret_poll_info, reterr);
    }
    cflight_buffer_unref(packed);
    return cfl_sql_blame(command->type, status, reterr);
}

/* The older way, of servers that do not know CancelFlightInfo. */
static cflight_status cancel_query(const struct cfl_sql_request *request,
                                   const struct cflight_info *info,
                                   enum cflight_cancel_status *ret_cancel_status,
                                   cflight_error **reterr)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_CANCEL_QUERY};
    struct cflight_sql_message *answer = NULL;
    cflight_buffer *bytes = NULL;
    cflight_status status = cflight_info_serialize(info, &bytes, reterr);
    if (status == CFLIGHT_OK) {
        message.info = cflight_buffer_bytes(bytes);
        status = cfl_sql_request_action(request, &message, &answer, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_cancel_status = answer->cancel_status;
    }
    cflight_sql_message_free(answer);
    cflight_buffer_unref(bytes);
    return status;
}

/* Asks by the action of Flight. */
static cflight_status cancel_info(const struct cfl_sql_request *request,
                                  const struct cflight_info *info,
                                  enum cflight_cancel_status *ret_cancel_status,
                                  cflight_error **reterr)
{
    cflight_buffer *body = NULL;
    cflight_buffer *result = NULL;
    cflight_status status = cflight_cancel_request_serialize(info, &body, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_sql_request_run(request, CFLIGHT_ACTION_CANCEL_FLIGHT_INFO,
                                     cflight_buffer_bytes(body), &result, reterr);
    }
    if (status == CFLIGHT_OK) {
        status =
            cflight_cancel_result_parse(cflight_buffer_bytes(result), ret_cancel_status, reterr);
    }
    cflight_buffer_unref(result);
    cflight_buffer_unref(body);
    return status;
}

cflight_status cflight_sql_cancel(cflight_client *client, const struct cflight_info *info,
                                  const struct cflight_sql_options *options,
                                  enum cflight_cancel_status *ret_cancel_status,
                                  cflight_error **reterr)
{
    struct cfl_sql_request request;
    cflight_error *error = NULL;
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(info), CFL_ARG(ret_cancel_status));
    if (status == CFLIGHT_OK) {
        status = cfl_sql_request_init(&request, client, options, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cancel_info(&request, info, ret_cancel_status, &error);
    if (status == CFLIGHT_UNIMPLEMENTED || status == CFLIGHT_INVALID_ARGUMENT) {
        /* what servers say of actions that they do not know */
        cflight_error_free(error);
        error = NULL;
        status = cancel_query(&request, info, ret_cancel_status, &error);
    }
    if (reterr != NULL) {
        *reterr = error;
    } else {
        cflight_error_free(error);
    }
    return status;
}
