/* SPDX-License-Identifier: Apache-2.0 */
/* How requests of an event loop begin: the method of Flight that a message goes by, and what is
 * sent first. Thread class: loop only. */
#include "base/alloc.h"
#include "base/error.h"
#include "cflight/loop.h"
#include "sql/client/async.h"
#include "sql/client/rows.h"
#include "sql/client/upload.h"

static cflight_status refuse(enum cflight_sql_type type, const char *expected,
                             cflight_error **reterr)
{
    const char *name = cflight_sql_type_name(type);
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s is no %s",
                             name == NULL ? "a message without a type" : name, expected);
}

static cflight_status choose_method(cflight_sql_async *async, cflight_error **reterr)
{
    const char *action = cfl_sql_action_name(async->type, &async->answer_type);
    if (action != NULL) {
        async->name = action;
        async->method = CFLIGHT_METHOD_DO_ACTION;
    } else if (cfl_sql_has_result(async->type)) {
        async->method = CFLIGHT_METHOD_GET_FLIGHT_INFO;
    } else if (async->type == CFLIGHT_SQL_STATEMENT_UPDATE ||
               async->type == CFLIGHT_SQL_PREPARED_STATEMENT_UPDATE) {
        async->method = CFLIGHT_METHOD_DO_PUT;
        async->answer_type = CFLIGHT_SQL_UPDATE_RESULT;
    } else {
        return refuse(async->type, "command with a result, update or action", reterr);
    }
    return CFLIGHT_OK;
}

/* The serialised request of Flight. `descriptor` is NULL, or goes in the place of the message. */
static cflight_status make_request(const cflight_sql_async *async,
                                   const struct cflight_sql_message *message,
                                   const struct cflight_descriptor *descriptor,
                                   cflight_buffer **ret_request, cflight_error **reterr)
{
    struct cflight_descriptor own;
    cflight_buffer *packed = NULL;
    cflight_status status = CFLIGHT_OK;
    if (descriptor == NULL) {
        status = cfl_sql_request_command(message, &own, &packed, reterr);
        descriptor = &own;
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (async->method == CFLIGHT_METHOD_DO_ACTION) {
        const struct cflight_action action = {cflight_bytes_from_text(async->name),
                                              descriptor->cmd};
        status = cflight_action_serialize(&action, ret_request, reterr);
    } else {
        status = cflight_descriptor_serialize(descriptor, ret_request, reterr);
    }
    cflight_buffer_unref(packed);
    return status;
}

static cflight_status send(cflight_sql_async *async, const struct cfl_sql_request *request,
                           const struct cflight_sql_message *message,
                           const struct cflight_descriptor *descriptor, cflight_error **reterr)
{
    char text[CFL_SQL_INLINE_TEXT_BYTES];
    struct cflight_call_options call_options = request->call_options;
    struct cflight_header *headers = NULL;
    cflight_buffer *bytes = NULL;
    const struct cflight_sql_message complete = cfl_sql_request_message(request, message);
    call_options.is_sticky = cfl_sql_is_sticky(request, message);
    cflight_status status = make_request(async, &complete, descriptor, &bytes, reterr);
    if (status == CFLIGHT_OK && async->method == CFLIGHT_METHOD_GET_FLIGHT_INFO &&
        !request->options.inline_is_off) {
        status = cfl_sql_rows_ask_inline(request, text, &headers, reterr);
        call_options.headers = headers;
        call_options.header_count++;
    }
    if (status == CFLIGHT_OK) {
        status = cflight_async_start(request->client, async->method, cflight_buffer_bytes(bytes),
                                     &call_options, &async->call, reterr);
    }
    cfl_free_array(NULL, headers, request->call_options.header_count + 1, sizeof *headers);
    cflight_buffer_unref(bytes);
    return status == CFLIGHT_OK ? status : cfl_error_prefix(reterr, status, "%s", async->name);
}

/* What all begin with: the request, and an object without a method yet. */
static cflight_status begin(cflight_client *client, const struct cflight_sql_message *message,
                            const struct cflight_sql_options *options,
                            cflight_sql_async **ret_async, struct cfl_sql_request *ret_request,
                            cflight_error **reterr)
{
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(message), CFL_ARG(ret_async));
    if (status == CFLIGHT_OK) {
        status = cfl_sql_request_init(ret_request, client, options, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    cflight_sql_async *async = cfl_alloc_zeroed(NULL, sizeof *async);
    if (async == NULL) {
        return cfl_error_no_memory(reterr);
    }
    async->type = message->type;
    async->name = cflight_sql_type_name(message->type);
    async->schema = cfl_sql_no_fields();
    *ret_async = async;
    return CFLIGHT_OK;
}

/* Gives away what has begun well, and frees what has not. */
static cflight_status give(cflight_status status, cflight_sql_async *async,
                           cflight_sql_async **ret_async)
{
    if (status == CFLIGHT_OK) {
        *ret_async = async;
    } else {
        cflight_sql_async_free(async);
    }
    return status;
}

cflight_status cflight_sql_async_start(cflight_client *client,
                                       const struct cflight_sql_message *message,
                                       const struct cflight_sql_options *options,
                                       cflight_sql_async **ret_async, cflight_error **reterr)
{
    struct cfl_sql_request request;
    cflight_sql_async *async = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_async));
    if (status == CFLIGHT_OK) {
        status = begin(client, message, options, &async, &request, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = choose_method(async, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = send(async, &request, message, NULL, reterr);
    }
    return give(status, async, ret_async);
}

/* Asks for something else than the info of a command with a result. */
static cflight_status start_with(cflight_client *client, const struct cflight_sql_message *command,
                                 enum cflight_method method,
                                 const struct cflight_descriptor *descriptor,
                                 const struct cflight_sql_options *options,
                                 cflight_sql_async **ret_async, cflight_error **reterr)
{
    struct cfl_sql_request request;
    cflight_sql_async *async = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_async));
    if (status == CFLIGHT_OK) {
        status = begin(client, command, options, &async, &request, reterr);
    }
    if (status == CFLIGHT_OK && !cfl_sql_has_result(command->type)) {
        status = refuse(command->type, "command with a result", reterr);
    }
    if (status == CFLIGHT_OK) {
        async->method = method;
        status = send(async, &request, command, descriptor, reterr);
    }
    return give(status, async, ret_async);
}

cflight_status cflight_sql_async_get_schema(cflight_client *client,
                                            const struct cflight_sql_message *command,
                                            const struct cflight_sql_options *options,
                                            cflight_sql_async **ret_async, cflight_error **reterr)
{
    return start_with(client, command, CFLIGHT_METHOD_GET_SCHEMA, NULL, options, ret_async, reterr);
}

cflight_status cflight_sql_async_poll(cflight_client *client,
                                      const struct cflight_sql_message *command,
                                      const struct cflight_descriptor *descriptor,
                                      const struct cflight_sql_options *options,
                                      cflight_sql_async **ret_async, cflight_error **reterr)
{
    return start_with(client, command, CFLIGHT_METHOD_POLL_FLIGHT_INFO, descriptor, options,
                      ret_async, reterr);
}

/* ---- uploads ---- */

/* What an upload answers with; NONE for what is none. */
static enum cflight_sql_type upload_answer(enum cflight_sql_type type, bool has_rows)
{
    static const struct {
        enum cflight_sql_type type;
        bool has_rows;
        enum cflight_sql_type answer;
    } UPLOADS[] = {
        {CFLIGHT_SQL_PREPARED_STATEMENT_QUERY, true, CFLIGHT_SQL_PREPARED_PUT_RESULT},
        {CFLIGHT_SQL_PREPARED_STATEMENT_UPDATE, true, CFLIGHT_SQL_UPDATE_RESULT},
        {CFLIGHT_SQL_PREPARED_STATEMENT_UPDATE, false, CFLIGHT_SQL_UPDATE_RESULT},
        {CFLIGHT_SQL_STATEMENT_INGEST, true, CFLIGHT_SQL_UPDATE_RESULT},
        {CFLIGHT_SQL_STATEMENT_UPDATE, false, CFLIGHT_SQL_UPDATE_RESULT},
        {CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN, false, CFLIGHT_SQL_UPDATE_RESULT},
    };
    for (size_t i = 0; i < sizeof UPLOADS / sizeof *UPLOADS; i++) {
        if (UPLOADS[i].type == type && UPLOADS[i].has_rows == has_rows) {
            return UPLOADS[i].answer;
        }
    }
    return CFLIGHT_SQL_NONE;
}

static cflight_status take_schema(cflight_sql_async *async,
                                  const struct cflight_sql_message *message,
                                  struct ArrowArrayStream *rows, cflight_error **reterr)
{
    async->method = CFLIGHT_METHOD_DO_PUT;
    async->answer_type = upload_answer(message->type, rows != NULL);
    if (async->answer_type == CFLIGHT_SQL_NONE) {
        return refuse(message->type, rows == NULL ? "update without rows" : "upload of rows",
                      reterr);
    }
    if (message->type == CFLIGHT_SQL_STATEMENT_INGEST) {
        cflight_status status = cfl_sql_check_target(&message->ingest, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    return cfl_sql_rows_schema(rows, &async->schema, reterr);
}

cflight_status cflight_sql_async_upload(cflight_client *client,
                                        const struct cflight_sql_message *message,
                                        struct ArrowArrayStream *rows,
                                        const struct cflight_sql_options *options,
                                        cflight_sql_async **ret_async, cflight_error **reterr)
{
    struct cfl_sql_request request;
    cflight_sql_async *async = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_async));
    if (status == CFLIGHT_OK) {
        status = begin(client, message, options, &async, &request, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = take_schema(async, message, rows, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = send(async, &request, message, NULL, reterr);
    }
    if (status == CFLIGHT_OK && rows != NULL) {
        async->rows = *rows;
        rows->release = NULL;
    }
    return give(status, async, ret_async);
}
