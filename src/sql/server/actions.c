/* SPDX-License-Identifier: Apache-2.0 */
/* DoAction and ListActions: prepared statements, transactions, savepoints, cancelling, tickets for
 * longer, sessions. Thread class: free. */
#include <string.h>

#include "cflight/types.h"
#include "sql/server/handlers.h"
#include "sql/server/result.h"
#include "sql/server/ticket.h"

static cflight_status respond(cflight_response *response, const struct cflight_sql_message *message,
                              cflight_error **reterr)
{
    cflight_buffer *bytes = NULL;
    cflight_status status = cflight_sql_message_pack(message, &bytes, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_response_result(response, cflight_buffer_bytes(bytes), reterr);
    }
    cflight_buffer_unref(bytes);
    return status;
}

/* ---- prepared statements ---- */

static cflight_status respond_prepared(const struct cfl_sql_statement *statement,
                                       cflight_response *response, cflight_error **reterr)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_CREATE_PREPARED_RESULT};
    message.prepared.handle = cflight_bytes_make(statement->handle.id, CFL_SQL_ID_BYTES);
    message.prepared.dataset_schema = cflight_buffer_bytes(statement->schema);
    message.prepared.parameter_schema = cflight_buffer_bytes(statement->parameters);
    message.prepared.is_update = statement->is_update;
    return respond(response, &message, reterr);
}

static cflight_status prepare(cflight_sql_call *call, const struct cflight_sql_message *request,
                              cflight_response *response, cflight_error **reterr)
{
    struct cfl_sql_transaction *transaction = NULL;
    struct cfl_sql_source *source = NULL;
    struct cfl_sql_statement *statement = NULL;
    if (call->server->handlers.prepare == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_UNIMPLEMENTED,
                                         "This server has no prepared statements");
    }
    cflight_status status = cfl_sql_query_enter(call, request, &source, &transaction, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_sql_statement_new(call, source, transaction, &statement, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = respond_prepared(statement, response, reterr);
        if (status != CFLIGHT_OK) {
            (void)cfl_sql_handle_remove(&statement->handle);
        }
        cfl_sql_handle_unref(&statement->handle);
    }
    cfl_sql_handle_put(cfl_sql_transaction_handle(transaction));
    cfl_sql_source_unref(source);
    return status;
}

/* One that is unknown is closed already. */
static cflight_status close_prepared(cflight_sql_call *call, struct cflight_bytes id)
{
    struct cfl_sql_handle *handle = NULL;
    if (cfl_sql_handle_find(call, CFL_SQL_HANDLE_STATEMENT, id, &handle, NULL) == CFLIGHT_OK) {
        (void)cfl_sql_handle_remove(handle);
        cfl_sql_handle_put(handle);
    }
    return CFLIGHT_OK;
}

/* ---- transactions ---- */

static cflight_status begin_transaction(cflight_sql_call *call, cflight_response *response,
                                        cflight_error **reterr)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_BEGIN_TRANSACTION_RESULT};
    uint8_t id[CFL_SQL_ID_BYTES];
    cflight_status status = cfl_sql_transaction_begin(call, id, reterr);
    message.handle = cflight_bytes_make(id, sizeof id);
    return status == CFLIGHT_OK ? respond(response, &message, reterr) : status;
}

static cflight_status begin_savepoint(cflight_sql_call *call,
                                      const struct cflight_sql_savepoint_name *name,
                                      cflight_response *response, cflight_error **reterr)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_BEGIN_SAVEPOINT_RESULT};
    uint8_t id[CFL_SQL_SAVEPOINT_BYTES];
    cflight_status status = cfl_sql_savepoint_begin(call, name, id, reterr);
    message.handle = cflight_bytes_make(id, sizeof id);
    return status == CFLIGHT_OK ? respond(response, &message, reterr) : status;
}

/* ---- results ---- */

/* The result that a ticket names; of one that carries its statement, a reading of it. */
static cflight_status find_by_ticket(const cflight_sql_call *call, struct cflight_bytes bytes,
                                     struct cfl_sql_result **ret_result, cflight_error **reterr)
{
    struct cflight_sql_message *ticket = NULL;
    uint8_t id[CFL_SQL_ID_BYTES];
    size_t partition = 0;
    cflight_status status = cflight_sql_message_unpack(bytes, &ticket, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cflight_bytes handle = ticket->handle;
    if (ticket->type != CFLIGHT_SQL_TICKET_STATEMENT_QUERY) {
        status = cfl_sql_not_here(ticket, "a ticket", reterr);
    } else if (cfl_sql_is_sealed(handle)) {
        cfl_sql_ticket_id(handle, id);
        handle = cflight_bytes_make(id, sizeof id);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_sql_result_find(call, handle, ret_result, &partition, reterr);
    }
    cflight_sql_message_free(ticket);
    return status;
}

/* The result that any of the tickets of an info names. */
static cflight_status find_any(const cflight_sql_call *call, const struct cflight_info *info,
                               struct cfl_sql_result **ret_result, cflight_error **reterr)
{
    for (size_t i = 0; i < info->endpoint_count; i++) {
        if (find_by_ticket(call, info->endpoints[i].ticket, ret_result, NULL) == CFLIGHT_OK) {
            return CFLIGHT_OK;
        }
    }
    /* While a client polls there are no tickets: the descriptor names the statement. */
    if (info->endpoint_count == 0 &&
        find_by_ticket(call, info->descriptor.cmd, ret_result, NULL) == CFLIGHT_OK) {
        return CFLIGHT_OK;
    }
    return cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND,
                                     "None of the tickets is of a statement that is known");
}

/* A ticket that carries its statement may be read several times at once: all of them end. */
static cflight_status cancel(const cflight_sql_call *call, const struct cflight_info *info,
                             cflight_error **reterr)
{
    struct cfl_sql_result *result = NULL;
    cflight_status status = find_any(call, info, &result, reterr);
    for (cflight_status more = status; more == CFLIGHT_OK;
         more = find_any(call, info, &result, NULL)) {
        cfl_sql_result_cancel(result);
        cfl_sql_handle_put(&result->handle);
    }
    return status;
}

static cflight_status cancel_query(cflight_sql_call *call, struct cflight_bytes bytes,
                                   cflight_response *response, cflight_error **reterr)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_CANCEL_QUERY_RESULT};
    struct cflight_info *info = NULL;
    cflight_status status = cflight_info_parse(bytes, &info, reterr);
    if (status == CFLIGHT_OK) {
        status = cancel(call, info, reterr);
    }
    cflight_info_free(info);
    message.cancel_status = CFLIGHT_CANCEL_STATUS_CANCELLED;
    return status == CFLIGHT_OK ? respond(response, &message, reterr) : status;
}

static cflight_status cancel_flight_info(cflight_sql_call *call, struct cflight_bytes body,
                                         cflight_response *response, cflight_error **reterr)
{
    struct cflight_info *info = NULL;
    cflight_buffer *result = NULL;
    cflight_status status = cflight_cancel_request_parse(body, &info, reterr);
    if (status == CFLIGHT_OK) {
        status = cancel(call, info, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_cancel_result_serialize(CFLIGHT_CANCEL_STATUS_CANCELLED, &result, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_response_result(response, cflight_buffer_bytes(result), reterr);
    }
    cflight_buffer_unref(result);
    cflight_info_free(info);
    return status;
}

/* Keeps the result of a ticket for longer; one that carries its statement becomes another, which
 * *ret_ticket is then. */
static cflight_status renew_ticket(const cflight_sql_call *call, struct cflight_bytes bytes,
                                   cflight_buffer **ret_ticket, cflight_error **reterr)
{
    struct cflight_sql_message *ticket = NULL;
    struct cfl_sql_result *result = NULL;
    cflight_status status = cflight_sql_message_unpack(bytes, &ticket, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (ticket->type == CFLIGHT_SQL_TICKET_STATEMENT_QUERY && cfl_sql_is_sealed(ticket->handle)) {
        status = cfl_sql_ticket_renew(call, ticket->handle, ret_ticket, reterr);
    } else {
        status = find_by_ticket(call, bytes, &result, reterr);
    }
    if (result != NULL) {
        status = cfl_sql_result_check_ready(result, reterr);
        if (status == CFLIGHT_OK) {
            cfl_sql_handle_extend(&result->handle, call->server->options.result_ms);
        }
        cfl_sql_handle_put(&result->handle);
    }
    cflight_sql_message_free(ticket);
    return status;
}

static cflight_status renew(cflight_sql_call *call, struct cflight_bytes body,
                            cflight_response *response, cflight_error **reterr)
{
    struct cflight_endpoint *endpoint = NULL;
    cflight_buffer *ticket = NULL;
    cflight_buffer *bytes = NULL;
    cflight_status status = cflight_renew_request_parse(body, &endpoint, reterr);
    if (status == CFLIGHT_OK) {
        status = renew_ticket(call, endpoint->ticket, &ticket, reterr);
    }
    if (status == CFLIGHT_OK) {
        struct cflight_endpoint renewed = *endpoint;
        renewed.ticket = ticket == NULL ? endpoint->ticket : cflight_buffer_bytes(ticket);
        renewed.expiration_time.has_value = true;
        renewed.expiration_time.unix_ns = cfl_sql_ticket_end_unix_ns(call->server);
        status = cflight_endpoint_serialize(&renewed, &bytes, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_response_result(response, cflight_buffer_bytes(bytes), reterr);
    }
    cflight_buffer_unref(bytes);
    cflight_buffer_unref(ticket);
    cflight_endpoint_free(endpoint);
    return status;
}

/* ---- sessions ---- */

/* Asks the application about each option first; those that it refuses are not kept. */
static cflight_status set_options(cflight_sql_call *call, struct cflight_bytes body,
                                  cflight_response *response, cflight_error **reterr)
{
    const struct cflight_sql_handlers *handlers = &call->server->handlers;
    const struct cflight_allocator *alloc = call->server->alloc;
    struct cflight_session_options *asked = NULL;
    struct cflight_session_errors *refused = NULL;
    struct cflight_session_errors all = {NULL, 0};
    struct cflight_session_error *errors = NULL;
    cflight_buffer *bytes = NULL;
    size_t error_count = 0;
    size_t error_capacity = 0;
    call->keeps_session = true; /* who sets something means to come back */
    cflight_status status = cflight_session_options_parse(body, &asked, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_sql_call_enter(call, NULL, reterr);
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < asked->count; i++) {
        struct cflight_session_options one = {&asked->options[i], 1};
        struct cflight_session_error error = {asked->options[i].name, 0};
        error.code =
            handlers->set_option(handlers->user_data, call->session->engine, &asked->options[i]);
        if (error.code == CFLIGHT_SESSION_ERROR_UNSPECIFIED) {
            status = cflight_session_set_options(cflight_session_of(call->context), &one, &refused,
                                                 reterr);
            error.code = status == CFLIGHT_OK && refused->count > 0
                             ? refused->errors[0].code
                             : CFLIGHT_SESSION_ERROR_UNSPECIFIED;
            cflight_session_errors_free(refused);
            refused = NULL;
        }
        if (status == CFLIGHT_OK && error.code != CFLIGHT_SESSION_ERROR_UNSPECIFIED) {
            if (cfl_grow_array(alloc, (void **)&errors, &error_capacity, error_count + 1,
                               sizeof *errors)) {
                errors[error_count++] = error;
            } else {
                status = cfl_error_no_memory(reterr);
            }
        }
    }
    if (status == CFLIGHT_OK) {
        all.errors = errors;
        all.count = error_count;
        status = cflight_session_errors_serialize(&all, &bytes, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_response_result(response, cflight_buffer_bytes(bytes), reterr);
    }
    cflight_buffer_unref(bytes);
    cfl_free_array(alloc, errors, error_capacity, sizeof *errors);
    cflight_session_options_free(asked);
    return status;
}

/* ---- which ---- */

static cflight_status answer(cflight_sql_call *call, const struct cflight_sql_message *request,
                             cflight_response *response, cflight_error **reterr)
{
    switch ((int)request->type) {
    case CFLIGHT_SQL_CREATE_PREPARED_STATEMENT:
    case CFLIGHT_SQL_CREATE_PREPARED_SUBSTRAIT_PLAN:
        return prepare(call, request, response, reterr);
    case CFLIGHT_SQL_CLOSE_PREPARED_STATEMENT:
        return close_prepared(call, request->handle);
    case CFLIGHT_SQL_BEGIN_TRANSACTION:
        return begin_transaction(call, response, reterr);
    case CFLIGHT_SQL_END_TRANSACTION:
        return cfl_sql_transaction_end(call, &request->end, reterr);
    case CFLIGHT_SQL_BEGIN_SAVEPOINT:
        return begin_savepoint(call, &request->savepoint, response, reterr);
    case CFLIGHT_SQL_END_SAVEPOINT:
        return cfl_sql_savepoint_end(call, &request->end, reterr);
    default:
        return cancel_query(call, request->info, response, reterr);
    }
}

/* What is listed, in the order of other servers, and what its body must be; NONE: not an Any. */
static const struct {
    const char *name;
    const char *description;
    enum cflight_sql_type type;
} ACTIONS[] = {
    {CFLIGHT_ACTION_CANCEL_FLIGHT_INFO,
     "Cancels a statement. Request: CancelFlightInfoRequest. Response: CancelFlightInfoResult.",
     CFLIGHT_SQL_NONE},
    {CFLIGHT_ACTION_RENEW_FLIGHT_ENDPOINT,
     "Keeps a result for longer. Request: RenewFlightEndpointRequest. Response: FlightEndpoint.",
     CFLIGHT_SQL_NONE},
    {CFLIGHT_ACTION_BEGIN_SAVEPOINT,
     "Begins a savepoint. Request: ActionBeginSavepointRequest. Response: "
     "ActionBeginSavepointResult.",
     CFLIGHT_SQL_BEGIN_SAVEPOINT},
    {CFLIGHT_ACTION_BEGIN_TRANSACTION,
     "Begins a transaction. Request: ActionBeginTransactionRequest. Response: "
     "ActionBeginTransactionResult.",
     CFLIGHT_SQL_BEGIN_TRANSACTION},
    {CFLIGHT_ACTION_CANCEL_QUERY,
     "Cancels a statement; see CancelFlightInfo. Request: ActionCancelQueryRequest. Response: "
     "ActionCancelQueryResult.",
     CFLIGHT_SQL_CANCEL_QUERY},
    {CFLIGHT_ACTION_CREATE_PREPARED_STATEMENT,
     "Prepares a statement. Request: ActionCreatePreparedStatementRequest. Response: "
     "ActionCreatePreparedStatementResult.",
     CFLIGHT_SQL_CREATE_PREPARED_STATEMENT},
    {CFLIGHT_ACTION_CREATE_PREPARED_SUBSTRAIT_PLAN,
     "Prepares a Substrait plan. Request: ActionCreatePreparedSubstraitPlanRequest. Response: "
     "ActionCreatePreparedStatementResult.",
     CFLIGHT_SQL_CREATE_PREPARED_SUBSTRAIT_PLAN},
    {CFLIGHT_ACTION_CLOSE_PREPARED_STATEMENT,
     "Closes a prepared statement. Request: ActionClosePreparedStatementRequest. Response: none.",
     CFLIGHT_SQL_CLOSE_PREPARED_STATEMENT},
    {CFLIGHT_ACTION_END_SAVEPOINT,
     "Releases a savepoint, or rolls back to it. Request: ActionEndSavepointRequest. Response: "
     "none.",
     CFLIGHT_SQL_END_SAVEPOINT},
    {CFLIGHT_ACTION_END_TRANSACTION,
     "Commits a transaction, or rolls it back. Request: ActionEndTransactionRequest. Response: "
     "none.",
     CFLIGHT_SQL_END_TRANSACTION},
};
enum { ACTION_COUNT = sizeof ACTIONS / sizeof ACTIONS[0] };

static bool is_offered(const cflight_sql_server *server, enum cflight_sql_type type)
{
    const struct cflight_sql_handlers *handlers = &server->handlers;
    switch ((int)type) {
    case CFLIGHT_SQL_BEGIN_SAVEPOINT:
    case CFLIGHT_SQL_END_SAVEPOINT:
        return handlers->savepoint != NULL;
    case CFLIGHT_SQL_BEGIN_TRANSACTION:
    case CFLIGHT_SQL_END_TRANSACTION:
        return handlers->begin != NULL;
    case CFLIGHT_SQL_CREATE_PREPARED_STATEMENT:
    case CFLIGHT_SQL_CLOSE_PREPARED_STATEMENT:
        return handlers->prepare != NULL;
    case CFLIGHT_SQL_CREATE_PREPARED_SUBSTRAIT_PLAN:
        return handlers->prepare != NULL && server->options.takes_substrait;
    default:
        return true;
    }
}

/* The number of an action of the table; ACTION_COUNT for others. */
static size_t action_of(struct cflight_bytes name)
{
    size_t i = 0;
    while (i < ACTION_COUNT &&
           !cflight_bytes_equal(name, cflight_bytes_from_text(ACTIONS[i].name))) {
        i++;
    }
    return i;
}

static cflight_status answer_packed(cflight_sql_call *call, const struct cflight_action *action,
                                    enum cflight_sql_type type, cflight_response *response,
                                    cflight_error **reterr)
{
    struct cflight_sql_message *request = NULL;
    cflight_status status = cflight_sql_message_unpack(action->body, &request, reterr);
    if (status == CFLIGHT_OK && request->type != type) {
        status = cflight_error_set(
            reterr, CFLIGHT_INVALID_ARGUMENT, "The body of the action is a %s, not a %s",
            cflight_sql_type_name(request->type), cflight_sql_type_name(type));
    }
    if (status == CFLIGHT_OK) {
        status = answer(call, request, response, reterr);
    }
    cflight_sql_message_free(request);
    return status;
}

/* Those that are not of the table. */
static cflight_status answer_other(cflight_sql_call *call, const struct cflight_action *action,
                                   cflight_response *response, cflight_error **reterr)
{
    cflight_sql_server *server = call->server;
    bool is_answered = false;
    bool is_set = cflight_bytes_equal(action->type,
                                      cflight_bytes_from_text(CFLIGHT_ACTION_SET_SESSION_OPTIONS));
    if (is_set && server->handlers.set_option != NULL) {
        return set_options(call, action->body, response, reterr);
    }
    cflight_status status =
        cflight_session_answer(call->context, action, response, &is_answered, reterr);
    if (status != CFLIGHT_OK || is_answered) {
        return status;
    }
    if (server->flight.do_action != NULL) {
        return server->flight.do_action(server->flight.user_data, call->context, action, response,
                                        reterr);
    }
    return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED, "This server has no action \"%.*s\"",
                             (int)(action->type.len_bytes > 64 ? 64 : action->type.len_bytes),
                             (const char *)action->type.data);
}

cflight_status cfl_sql_do_action(void *user_data, cflight_server_context *context,
                                 const struct cflight_action *action, cflight_response *response,
                                 cflight_error **reterr)
{
    cflight_sql_call call;
    size_t index = action_of(action->type);
    cflight_status status = CFLIGHT_OK;
    cfl_sql_call_begin(&call, user_data, context);
    if (index == ACTION_COUNT) {
        status = answer_other(&call, action, response, reterr);
    } else if (ACTIONS[index].type != CFLIGHT_SQL_NONE) {
        status = answer_packed(&call, action, ACTIONS[index].type, response, reterr);
    } else if (index == 0) {
        status = cancel_flight_info(&call, action->body, response, reterr);
    } else {
        status = renew(&call, action->body, response, reterr);
    }
    cfl_sql_call_end(&call);
    return cfl_sql_answered(status, reterr);
}

cflight_status cfl_sql_list_actions(void *user_data, cflight_server_context *context,
                                    cflight_response *response, cflight_error **reterr)
{
    cflight_sql_server *server = user_data;
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; i < ACTION_COUNT && status == CFLIGHT_OK; i++) {
        struct cflight_action_type type = {cflight_bytes_from_text(ACTIONS[i].name),
                                           cflight_bytes_from_text(ACTIONS[i].description)};
        if (is_offered(server, ACTIONS[i].type)) {
            status = cflight_response_action_type(response, &type, reterr);
        }
    }
    if (status == CFLIGHT_OK) {
        status = cflight_session_list_actions(response, reterr);
    }
    if (status == CFLIGHT_OK && server->flight.list_actions != NULL) {
        status = server->flight.list_actions(server->flight.user_data, context, response, reterr);
    }
    return status;
}
