/* SPDX-License-Identifier: Apache-2.0 */
/* Which handler a call is for, and what it is given. Runs on a pool thread, under no lock.
 *
 * Spec: flight-api, methods. */
#include "base/error.h"
#include "flight/call/handshake.h"
#include "flight/call/metadata_stream.h"
#include "flight/call/reader.h"
#include "flight/server/server_call.h"
#include "pb/single_field.h"
#include "flight/value/values.h"
#include "flight/call/writer.h"

static cflight_status not_offered(const struct cfl_call *call, cflight_error **reterr)
{
    return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED, "%s is not implemented by this server",
                             call->method->name);
}

/* The one message of a request. */
static cflight_status receive_request(struct cfl_call *call, cflight_buffer **ret_request,
                                      cflight_error **reterr)
{
    struct cfl_message message = {0};
    bool has_message = false;
    cflight_status status = cfl_call_receive(call, -1, NULL, &has_message, &message, reterr);
    if (status == CFLIGHT_OK && !has_message) {
        return cflight_error_set(reterr, CFLIGHT_INTERNAL, "%s needs a request message; none came",
                                 call->method->name);
    }
    if (status == CFLIGHT_OK) {
        *ret_request = message.raw;
    }
    return status;
}

/* ---- handlers by kind of request ---- */

static cflight_status run_list_flights(cflight_server_context *context,
                                       struct cflight_bytes request, cflight_response *response,
                                       cflight_error **reterr)
{
    const struct cflight_server_handlers *handlers = &context->server->handlers;
    struct cflight_bytes criteria = {NULL, 0};
    if (handlers->list_flights == NULL) {
        return not_offered(context->call, reterr);
    }
    cflight_status status = cfl_single_field_read(request, CFL_FIELD_CRITERIA_EXPRESSION,
                                                  "Criteria", &criteria, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    return handlers->list_flights(handlers->user_data, context, criteria, response, reterr);
}

typedef cflight_status (*descriptor_handler)(void *user_data, cflight_server_context *context,
                                             const struct cflight_descriptor *descriptor,
                                             cflight_response *response, cflight_error **reterr);

static cflight_status run_with_descriptor(cflight_server_context *context,
                                          descriptor_handler handler, struct cflight_bytes request,
                                          cflight_response *response, cflight_error **reterr)
{
    void *descriptor = NULL;
    struct cfl_budget *budget = context->call->locked.inbox.budget;
    if (handler == NULL) {
        return not_offered(context->call, reterr);
    }
    cflight_status status = cfl_value_parse_counted(&cfl_value_descriptor, context->server->alloc,
                                                    request, budget, &descriptor, reterr);
    if (status == CFLIGHT_OK) {
        status =
            handler(context->server->handlers.user_data, context, descriptor, response, reterr);
    }
    if (status == CFLIGHT_OK && response->count == 0) {
        status = cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND, "Flight not found");
    }
    cfl_value_free_counted(descriptor, budget);
    return status;
}

static cflight_status run_do_action(cflight_server_context *context, struct cflight_bytes request,
                                    cflight_response *response, cflight_error **reterr)
{
    const struct cflight_server_handlers *handlers = &context->server->handlers;
    void *action = NULL;
    struct cfl_budget *budget = context->call->locked.inbox.budget;
    if (handlers->do_action == NULL) {
        return not_offered(context->call, reterr);
    }
    cflight_status status = cfl_value_parse_counted(&cfl_value_action, context->server->alloc,
                                                    request, budget, &action, reterr);
    if (status == CFLIGHT_OK) {
        status = handlers->do_action(handlers->user_data, context, action, response, reterr);
    }
    cfl_value_free_counted(action, budget);
    return status;
}

static cflight_status new_writer(cflight_server_context *context, cflight_writer **ret_writer,
                                 cflight_error **reterr)
{
    struct cfl_writer_params params = {
        .options = &context->server->write_options,
        .split_batch_bytes = context->server->split_batch_bytes,
    };
    return cfl_writer_new(context->call, &params, ret_writer, reterr);
}

/* What the handler handed over is kept when all is well, with the writer. */
static void keep_stream(struct cfl_server_call *call, cflight_status status, cflight_writer *writer)
{
    if (cfl_server_has_source(call) && status == CFLIGHT_OK) {
        call->writer = writer;
        return;
    }
    if (call->source.release != NULL) {
        call->source.release(call->source.user_data);
        call->source.release = NULL;
    }
    cfl_writer_done(writer);
}

static cflight_status run_do_get(cflight_server_context *context, struct cflight_bytes request,
                                 cflight_error **reterr)
{
    const struct cflight_server_handlers *handlers = &context->server->handlers;
    cflight_writer *writer = NULL;
    cflight_buffer *ticket = NULL;
    if (handlers->do_get == NULL) {
        return not_offered(context->call, reterr);
    }
    cflight_status status = cflight_ticket_parse(request, &ticket, reterr);
    if (status == CFLIGHT_OK) {
        status = new_writer(context, &writer, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = handlers->do_get(handlers->user_data, context, cflight_buffer_bytes(ticket),
                                  writer, reterr);
    }
    if (status == CFLIGHT_OK && !cfl_writer_has_begun(writer) &&
        !cfl_server_has_source(context->call->server_call)) {
        /* An empty stream is no answer that clients understand. */
        status = cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND, "No data in this flight");
    }
    keep_stream(context->call->server_call, status, writer);
    cflight_buffer_unref(ticket);
    return status;
}

static cflight_status run_unary(cflight_server_context *context, cflight_error **reterr)
{
    const struct cflight_server_handlers *handlers = &context->server->handlers;
    cflight_response response = {context, 0};
    cflight_buffer *message = NULL;
    cflight_status status = receive_request(context->call, &message, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cflight_bytes request = cflight_buffer_bytes(message);
    switch (context->call->method->id) {
    case CFLIGHT_METHOD_LIST_FLIGHTS:
        status = run_list_flights(context, request, &response, reterr);
        break;
    case CFLIGHT_METHOD_GET_FLIGHT_INFO:
        status =
            run_with_descriptor(context, handlers->get_flight_info, request, &response, reterr);
        break;
    case CFLIGHT_METHOD_POLL_FLIGHT_INFO:
        status =
            run_with_descriptor(context, handlers->poll_flight_info, request, &response, reterr);
        break;
    case CFLIGHT_METHOD_GET_SCHEMA:
        status = run_with_descriptor(context, handlers->get_schema, request, &response, reterr);
        break;
    case CFLIGHT_METHOD_DO_GET:
        status = run_do_get(context, request, reterr);
        break;
    case CFLIGHT_METHOD_DO_ACTION:
        status = run_do_action(context, request, &response, reterr);
        break;
    case CFLIGHT_METHOD_LIST_ACTIONS:
        status = handlers->list_actions == NULL
                     ? not_offered(context->call, reterr)
                     : handlers->list_actions(handlers->user_data, context, &response, reterr);
        break;
    case CFLIGHT_METHOD_INVALID:
    case CFLIGHT_METHOD_HANDSHAKE:
    case CFLIGHT_METHOD_DO_PUT:
    case CFLIGHT_METHOD_DO_EXCHANGE:
    case CFLIGHT_METHOD_SERVICE:
    default:
        status = not_offered(context->call, reterr);
        break;
    }
    cflight_buffer_unref(message);
    return status;
}

static cflight_status run_upload(cflight_server_context *context, cflight_error **reterr)
{
    const struct cflight_server_handlers *handlers = &context->server->handlers;
    bool is_put = context->call->method->id == CFLIGHT_METHOD_DO_PUT;
    cflight_reader *reader = NULL;
    cflight_writer *writer = NULL;
    cflight_metadata_writer metadata_writer = {context->call, {0}};
    if (is_put ? handlers->do_put == NULL : handlers->do_exchange == NULL) {
        return not_offered(context->call, reterr);
    }
    cfl_buf_init(&metadata_writer.message, context->call->alloc);
    cflight_status status =
        cfl_reader_new(context->call, &context->server->read_options, &reader, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_reader_open(reader, reterr);
    }
    if (status == CFLIGHT_OK && !is_put) {
        status = new_writer(context, &writer, reterr);
    }
    if (status == CFLIGHT_OK) {
        const struct cflight_descriptor *descriptor = cflight_reader_descriptor(reader);
        status = is_put ? handlers->do_put(handlers->user_data, context, descriptor, reader,
                                           &metadata_writer, reterr)
                        : handlers->do_exchange(handlers->user_data, context, descriptor, reader,
                                                writer, reterr);
    }
    cfl_writer_done(writer);
    cfl_reader_done(reader);
    cfl_buf_done(&metadata_writer.message);
    return status;
}

static cflight_status run_handshake(cflight_server_context *context, cflight_error **reterr)
{
    struct cflight_handshake handshake = {context->call};
    if (context->server->auth.authenticate == NULL) {
        return cflight_error_set_message(
            reterr, CFLIGHT_UNIMPLEMENTED,
            "This service does not have an authentication mechanism enabled.");
    }
    return context->server->auth.authenticate(context->server->auth.user_data, context, &handshake,
                                              reterr);
}

/* Handshakes hold a handler without anybody knowing for whom, so they get half of them: the other
 * half is left to callers who are known. */
static cflight_status run_some_handshakes(cflight_server_context *context, cflight_error **reterr)
{
    struct cflight_server *server = context->server;
    uint32_t handshakes_max = (server->options.handlers_max + 1) / 2;
    (void)pthread_mutex_lock(&server->mutex);
    bool may_run = server->locked.handshake_count < handshakes_max;
    server->locked.handshake_count += may_run ? 1 : 0;
    (void)pthread_mutex_unlock(&server->mutex);
    if (!may_run) {
        CFL_COUNT(server->counts, limits[CFL_LIMIT_HANDSHAKES], 1);
        CFL_COUNT(server->counts, refused[CFL_REFUSAL_LIMIT], 1);
        return cflight_error_set(reterr, CFLIGHT_UNAVAILABLE,
                                 "as many handshakes run (%u) as the server allows; try again",
                                 handshakes_max);
    }
    cflight_status status = run_handshake(context, reterr);
    (void)pthread_mutex_lock(&server->mutex);
    server->locked.handshake_count--;
    (void)pthread_mutex_unlock(&server->mutex);
    return status;
}

cflight_status cfl_server_run_handler(struct cfl_server_call *call, cflight_error **reterr)
{
    cflight_server_context *context = &call->context;
    switch (context->call->method->id) {
    case CFLIGHT_METHOD_HANDSHAKE:
        return run_some_handshakes(context, reterr);
    case CFLIGHT_METHOD_DO_PUT:
    case CFLIGHT_METHOD_DO_EXCHANGE:
        return run_upload(context, reterr);
    case CFLIGHT_METHOD_SERVICE:
        return cfl_server_run_service(context, reterr);
    case CFLIGHT_METHOD_INVALID:
    case CFLIGHT_METHOD_LIST_FLIGHTS:
    case CFLIGHT_METHOD_GET_FLIGHT_INFO:
    case CFLIGHT_METHOD_GET_SCHEMA:
    case CFLIGHT_METHOD_DO_GET:
    case CFLIGHT_METHOD_DO_ACTION:
    case CFLIGHT_METHOD_LIST_ACTIONS:
    case CFLIGHT_METHOD_POLL_FLIGHT_INFO:
    default:
        return run_unary(context, reterr);
    }
}
