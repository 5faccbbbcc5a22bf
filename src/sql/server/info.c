/* SPDX-License-Identifier: Apache-2.0 */
/* GetFlightInfo, PollFlightInfo and GetSchema.
 *
 * A statement runs here, once, whether it gives rows or changes something (Flight SQL: updates by
 * GetFlightInfo); its ticket leads to what it gave. Metadata commands are their own tickets. A poll
 * begins a statement that runs on by itself. Thread class: free. */
#include <string.h>

#include "cflight/builder.h"
#include "cflight/ipc.h"
#include "sql/server/handlers.h"
#include "sql/server/poll.h"
#include "sql/server/result.h"
#include "sql/server/rows.h"
#include "sql/server/sql_info.h"
#include "sql/server/ticket.h"

/* Takes an info before its memory goes. */
typedef cflight_status (*answer_fn)(cflight_response *response, const struct cflight_info *info,
                                    cflight_error **reterr);

static cflight_status answer_info(cflight_response *response, const struct cflight_info *info,
                                  cflight_error **reterr)
{
    return cflight_response_info(response, info, reterr);
}

static cflight_status answer_poll(cflight_response *response, const struct cflight_info *info,
                                  cflight_error **reterr)
{
    struct cflight_poll_info poll;
    memset(&poll, 0, sizeof poll);
    poll.info = info;
    poll.has_progress = true;
    poll.progress = 1;
    return cflight_response_poll_info(response, &poll, reterr);
}

/* ---- metadata ---- */

static cflight_status listing_schema(const cflight_sql_server *server,
                                     const struct cflight_sql_message *command,
                                     cflight_buffer **ret_schema, cflight_error **reterr)
{
    struct ArrowSchema schema;
    cflight_status status = cfl_sql_listing_check(server, command, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_sql_result_schema(command, &schema, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_ipc_schema_serialize(&schema, ret_schema, reterr);
        schema.release(&schema);
    }
    return status;
}

/* An info of one endpoint. What is not set is not known. */
struct single {
    struct cflight_bytes schema;
    struct cflight_bytes ticket;
    int64_t total_rows;
    int64_t expires_unix_ns; /* -1: never */
};

static cflight_status answer_single(const struct single *single,
                                    const struct cflight_descriptor *descriptor, answer_fn answer,
                                    cflight_response *response, cflight_error **reterr)
{
    struct cflight_endpoint endpoint;
    struct cflight_info info;
    memset(&endpoint, 0, sizeof endpoint);
    memset(&info, 0, sizeof info);
    endpoint.ticket = single->ticket;
    endpoint.expiration_time.has_value = single->expires_unix_ns >= 0;
    endpoint.expiration_time.unix_ns = single->expires_unix_ns;
    info.schema = single->schema;
    info.descriptor = *descriptor;
    info.endpoints = &endpoint;
    info.endpoint_count = 1;
    info.total_records = single->total_rows;
    info.total_bytes = -1;
    return answer(response, &info, reterr);
}

static cflight_status answer_listing(const cflight_sql_server *server,
                                     const struct cflight_descriptor *descriptor,
                                     const struct cflight_sql_message *command, answer_fn answer,
                                     cflight_response *response, cflight_error **reterr)
{
    cflight_buffer *schema = NULL;
    cflight_status status = listing_schema(server, command, &schema, reterr);
    if (status == CFLIGHT_OK) {
        const struct single single = {.schema = cflight_buffer_bytes(schema),
                                      .ticket = descriptor->cmd,
                                      .total_rows = -1,
                                      .expires_unix_ns = -1};
        status = answer_single(&single, descriptor, answer, response, reterr);
    }
    cflight_buffer_unref(schema);
    return status;
}

/* ---- tickets ---- */

/* Receivers take infos of 4 MiB by default. */
enum { INLINE_BYTES_MAX = 1 << 20 };

/* Endpoints of a result, with the memory that they point at. */
struct endpoints {
    const struct cflight_allocator *alloc;
    struct cflight_endpoint *items;
    cflight_buffer **tickets;
    struct cflight_bytes **locations;
    size_t count;
    struct cfl_buf inline_rows;
};

static cflight_status make_ticket(const struct cfl_sql_result *result, size_t index,
                                  cflight_buffer **ret_ticket, cflight_error **reterr)
{
    uint8_t id[CFL_SQL_ID_BYTES + sizeof(uint32_t)];
    uint32_t number = (uint32_t)index;
    memcpy(id, result->handle.id, CFL_SQL_ID_BYTES);
    memcpy(id + CFL_SQL_ID_BYTES, &number, sizeof number);
    struct cflight_sql_message ticket = {.type = CFLIGHT_SQL_TICKET_STATEMENT_QUERY};
    ticket.handle =
        cflight_bytes_make(id, result->partition_count > 0 ? sizeof id : CFL_SQL_ID_BYTES);
    return cflight_sql_message_pack(&ticket, ret_ticket, reterr);
}

static cflight_status fill_endpoint(struct endpoints *endpoints,
                                    const struct cfl_sql_result *result, size_t index,
                                    cflight_error **reterr)
{
    struct cflight_endpoint *endpoint = &endpoints->items[index];
    cflight_status status = make_ticket(result, index, &endpoints->tickets[index], reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    endpoint->ticket = cflight_buffer_bytes(endpoints->tickets[index]);
    int64_t left_ns = result->handle.ends_ns - cfl_clock_now_ns(NULL);
    endpoint->expiration_time.has_value = true;
    endpoint->expiration_time.unix_ns = cfl_clock_wall_ns() + left_ns;
    if (result->partition_count == 0 || result->partitions[index].location_count == 0) {
        return CFLIGHT_OK;
    }
    const struct cfl_sql_partition *partition = &result->partitions[index];
    struct cflight_bytes *locations =
        cfl_alloc_array(endpoints->alloc, partition->location_count, sizeof *locations);
    if (locations == NULL) {
        return cfl_error_no_memory(reterr);
    }
    endpoints->locations[index] = locations;
    for (size_t i = 0; i < partition->location_count; i++) {
        locations[i] = cflight_bytes_from_text(partition->locations[i]);
    }
    endpoint->locations = locations;
    endpoint->location_count = partition->location_count;
    return CFLIGHT_OK;
}

/* How many bytes of rows the client takes with the answer. */
static uint64_t inline_bytes_max(const cflight_server_context *context)
{
    struct cflight_bytes text = cflight_server_context_header(context, "cflight-inline-max");
    uint64_t number = 0;
    for (size_t i = 0; i < text.len_bytes; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || number > UINT32_MAX) {
            return 0;
        }
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    }
    return number;
}

static void add_inline_rows(struct endpoints *endpoints, const struct cfl_sql_result *result,
                            const cflight_server_context *context)
{
    struct cflight_bytes rows = cflight_buffer_bytes(result->rows);
    if (result->rows == NULL || rows.len_bytes > INLINE_BYTES_MAX ||
        rows.len_bytes > inline_bytes_max(context)) {
        return;
    }
    (void)cfl_buf_append_text(&endpoints->inline_rows, "CFINLN01");
    if (cfl_buf_append_bytes(&endpoints->inline_rows, rows)) {
        endpoints->items[0].app_metadata = cfl_buf_bytes(&endpoints->inline_rows);
    }
}

static cflight_status endpoints_begin(struct endpoints *endpoints,
                                      const struct cfl_sql_result *result,
                                      const cflight_server_context *context, cflight_error **reterr)
{
    size_t count = result->partition_count > 0 ? result->partition_count : 1;
    memset(endpoints, 0, sizeof *endpoints);
    endpoints->alloc = result->handle.server->alloc;
    cfl_buf_init(&endpoints->inline_rows, endpoints->alloc);
    endpoints->items = cfl_alloc_array(endpoints->alloc, count, sizeof *endpoints->items);
    endpoints->tickets = cfl_alloc_array(endpoints->alloc, count, sizeof *endpoints->tickets);
    endpoints->locations = cfl_alloc_array(endpoints->alloc, count, sizeof *endpoints->locations);
    endpoints->count = count;
    if (endpoints->items == NULL || endpoints->tickets == NULL || endpoints->locations == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; i < count && status == CFLIGHT_OK; i++) {
        status = fill_endpoint(endpoints, result, i, reterr);
    }
    if (status == CFLIGHT_OK) {
        add_inline_rows(endpoints, result, context);
    }
    return status;
}

static void endpoints_done(struct endpoints *endpoints)
{
    for (size_t i = 0; endpoints->items != NULL && i < endpoints->count; i++) {
        if (endpoints->tickets != NULL) {
            cflight_buffer_unref(endpoints->tickets[i]);
        }
        if (endpoints->locations != NULL) {
            cfl_free_array(endpoints->alloc, endpoints->locations[i],
                           endpoints->items[i].location_count, sizeof(struct cflight_bytes));
        }
    }
    cfl_free_array(endpoints->alloc, endpoints->locations, endpoints->count,
                   sizeof *endpoints->locations);
    cfl_free_array(endpoints->alloc, endpoints->tickets, endpoints->count,
                   sizeof *endpoints->tickets);
    cfl_free_array(endpoints->alloc, endpoints->items, endpoints->count, sizeof *endpoints->items);
    cfl_buf_done(&endpoints->inline_rows);
}

static cflight_status answer_result(struct cfl_sql_result *result,
                                    const struct cflight_descriptor *descriptor,
                                    const cflight_server_context *context, answer_fn answer,
                                    cflight_response *response, cflight_error **reterr)
{
    struct endpoints endpoints;
    struct cflight_info info;
    cflight_status status = endpoints_begin(&endpoints, result, context, reterr);
    if (status == CFLIGHT_OK) {
        memset(&info, 0, sizeof info);
        info.schema = cflight_buffer_bytes(result->schema);
        info.descriptor = *descriptor;
        info.endpoints = endpoints.items;
        info.endpoint_count = endpoints.count;
        info.total_records = result->total_rows;
        info.total_bytes = result->total_bytes;
        info.ordered = result->partition_count > 1;
        status = answer(response, &info, reterr);
    }
    if (status == CFLIGHT_OK && endpoints.items[0].app_metadata.len_bytes > 0) {
        cfl_sql_result_set_taken(result, 0);
    }
    endpoints_done(&endpoints);
    return status;
}

/* ---- statements ---- */

/* What the answer to a statement leads to: a result of this server, or a ticket that carries it. */
struct outcome {
    struct cfl_sql_result *result; /* or NULL: */
    cflight_buffer *ticket;
    cflight_buffer *schema; /* or NULL: not known */
    int64_t total_rows;
};

static void outcome_done(struct outcome *outcome)
{
    cfl_sql_handle_unref(outcome->result == NULL ? NULL : &outcome->result->handle);
    cflight_buffer_unref(outcome->ticket);
    cflight_buffer_unref(outcome->schema);
}

/* Runs a statement whose ticket is to carry all that there is to know; its rows, if it has any
 * against its plan, wait here. */
static cflight_status run_and_seal(cflight_sql_call *call, const struct cfl_sql_origin *origin,
                                   struct outcome *outcome, cflight_error **reterr)
{
    cflight_status status = cfl_sql_result_new(call, origin, &outcome->result, reterr);
    if (status != CFLIGHT_OK || !outcome->result->has_nothing) {
        return status;
    }
    outcome->total_rows = outcome->result->total_rows;
    outcome->schema = cflight_buffer_ref(outcome->result->schema);
    (void)cfl_sql_handle_remove(&outcome->result->handle);
    cfl_sql_handle_unref(&outcome->result->handle);
    outcome->result = NULL;
    return cfl_sql_ticket_seal(call, NULL, NULL, &outcome->ticket, reterr);
}

/* Runs an update, and seals a query. The plan is taken. */
static cflight_status seal_statement(cflight_sql_call *call, const struct cfl_sql_origin *origin,
                                     struct outcome *outcome, cflight_error **reterr)
{
    struct cfl_sql_plan *plan = origin->plan;
    if (plan->plan.is_update != CFLIGHT_SQL_UPDATE_NO || plan->plan.needs_session) {
        return run_and_seal(call, origin, outcome, reterr);
    }
    struct cfl_sql_bound *bound =
        origin->statement == NULL ? NULL : cfl_sql_statement_bound(origin->statement);
    cflight_status status = bound == NULL ? cfl_sql_plan_check_unbound(plan, reterr) : CFLIGHT_OK;
    if (status == CFLIGHT_OK && plan->plan.schema.release != NULL) {
        status = cflight_ipc_schema_serialize(&plan->plan.schema, &outcome->schema, reterr);
    }
    if (status == CFLIGHT_OK) {
        outcome->total_rows = -1;
        status = cfl_sql_ticket_seal(call, origin->source, bound == NULL ? NULL : bound->rows,
                                     &outcome->ticket, reterr);
    }
    cfl_sql_bound_unref(bound);
    cfl_sql_statement_return(origin->statement, plan);
    return status;
}

/* Whether another server could run what this client asks for: it is in no transaction, and has left
 * nothing in a session. */
static bool may_seal(const cflight_sql_call *call)
{
    return cfl_sql_seals(call->server) && !call->keeps_session && !call->is_in_transaction;
}

/* Runs what a command says; the call then has the session that it ran in. */
static cflight_status run_statement(cflight_sql_call *call,
                                    const struct cflight_sql_message *command,
                                    struct outcome *outcome, cflight_error **reterr)
{
    struct cfl_sql_origin origin = {.source = NULL};
    cflight_status status =
        cfl_sql_query_enter(call, command, &origin.source, &origin.transaction, reterr);
    if (status == CFLIGHT_OK && may_seal(call)) {
        status = cfl_sql_plan_new(call, origin.source, &origin.plan, reterr);
        if (status == CFLIGHT_OK) {
            status = seal_statement(call, &origin, outcome, reterr);
        }
    } else if (status == CFLIGHT_OK) {
        status = cfl_sql_result_new(call, &origin, &outcome->result, reterr);
    }
    cfl_sql_handle_put(cfl_sql_transaction_handle(origin.transaction));
    cfl_sql_source_unref(origin.source);
    return status;
}

static cflight_status run_prepared(cflight_sql_call *call, struct cflight_bytes handle,
                                   struct outcome *outcome, cflight_error **reterr)
{
    struct cfl_sql_origin origin = {.source = NULL};
    cflight_status status = cfl_sql_statement_enter(call, handle, &origin.statement, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    origin.source = origin.statement->source;
    if (may_seal(call)) {
        status = cfl_sql_statement_borrow(call, origin.statement, &origin.plan, reterr);
        if (status == CFLIGHT_OK) {
            status = seal_statement(call, &origin, outcome, reterr);
        }
    } else {
        status = cfl_sql_result_new(call, &origin, &outcome->result, reterr);
    }
    cfl_sql_handle_put(&origin.statement->handle);
    return status;
}

static cflight_status answer_outcome(const struct outcome *outcome,
                                     const struct cflight_descriptor *descriptor,
                                     const cflight_sql_call *call, answer_fn answer,
                                     cflight_response *response, cflight_error **reterr)
{
    if (outcome->result != NULL) {
        return answer_result(outcome->result, descriptor, call->context, answer, response, reterr);
    }
    const struct single single = {
        .schema = cflight_buffer_bytes(outcome->schema),
        .ticket = cflight_buffer_bytes(outcome->ticket),
        .total_rows = outcome->total_rows,
        .expires_unix_ns = cfl_sql_ticket_end_unix_ns(call->server),
    };
    return answer_single(&single, descriptor, answer, response, reterr);
}

static cflight_status answer_statement(cflight_sql_server *server, cflight_server_context *context,
                                       const struct cflight_descriptor *descriptor,
                                       const struct cflight_sql_message *command, answer_fn answer,
                                       cflight_response *response, cflight_error **reterr)
{
    cflight_sql_call call;
    struct outcome outcome = {.result = NULL};
    cfl_sql_call_begin(&call, server, context);
    cflight_status status = command->type == CFLIGHT_SQL_PREPARED_STATEMENT_QUERY
                                ? run_prepared(&call, command->handle, &outcome, reterr)
                                : run_statement(&call, command, &outcome, reterr);
    cfl_sql_call_end(&call);
    if (status == CFLIGHT_OK) {
        status = answer_outcome(&outcome, descriptor, &call, answer, response, reterr);
    }
    outcome_done(&outcome);
    return status;
}

/* ---- polls ---- */

static cflight_status answer_running(const struct cfl_sql_result *result,
                                     const struct cfl_sql_poll_state *state,
                                     cflight_response *response, cflight_error **reterr)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_TICKET_STATEMENT_QUERY};
    struct cflight_descriptor next = {.type = CFLIGHT_DESCRIPTOR_CMD};
    struct cflight_info info;
    struct cflight_poll_info poll;
    cflight_buffer *bytes = NULL;
    message.handle = cflight_bytes_make(result->handle.id, CFL_SQL_ID_BYTES);
    cflight_status status = cflight_sql_message_pack(&message, &bytes, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    next.cmd = cflight_buffer_bytes(bytes);
    memset(&info, 0, sizeof info);
    memset(&poll, 0, sizeof poll);
    info.descriptor = next; /* CancelFlightInfo finds the statement by it */
    info.total_records = -1;
    info.total_bytes = -1;
    poll.info = &info;
    poll.descriptor = &next;
    poll.has_progress = state->progress >= 0;
    poll.progress = state->progress;
    poll.expiration_time.has_value = true;
    poll.expiration_time.unix_ns =
        cfl_deadline_after_ms(cfl_clock_wall_ns(), result->handle.server->options.poll_idle_ms);
    status = cflight_response_poll_info(response, &poll, reterr);
    cflight_buffer_unref(bytes);
    return status;
}

/* Waits for a statement that runs, and tells how it is. The result is put back. */
static cflight_status poll_result(struct cfl_sql_result *result, cflight_server_context *context,
                                  const struct cflight_descriptor *descriptor, bool is_first,
                                  cflight_response *response, cflight_error **reterr)
{
    struct cfl_sql_poll_state state;
    cflight_status status = cfl_sql_poll_wait(result, context, &state, reterr);
    if (status == CFLIGHT_OK) {
        status = state.is_running
                     ? answer_running(result, &state, response, reterr)
                     : answer_result(result, descriptor, context, answer_poll, response, reterr);
    }
    if (status != CFLIGHT_OK && is_first) { /* nobody knows it */
        cfl_sql_result_cancel(result);
    }
    cfl_sql_handle_put(&result->handle);
    return status;
}

/* The descriptor that an answer to a poll has given. */
static cflight_status poll_again(cflight_sql_server *server, cflight_server_context *context,
                                 const struct cflight_descriptor *descriptor,
                                 struct cflight_bytes id, cflight_response *response,
                                 cflight_error **reterr)
{
    cflight_sql_call call;
    struct cfl_sql_handle *handle = NULL;
    cfl_sql_call_begin(&call, server, context);
    cflight_status status = cfl_sql_handle_find(&call, CFL_SQL_HANDLE_RESULT, id, &handle, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    return poll_result(CFL_LIST_ENTRY(handle, struct cfl_sql_result, handle), context, descriptor,
                       false, response, reterr);
}

static bool is_statement(enum cflight_sql_type type)
{
    return type == CFLIGHT_SQL_STATEMENT_QUERY || type == CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN ||
           type == CFLIGHT_SQL_PREPARED_STATEMENT_QUERY;
}

/* A statement of one that polls: it runs on, whether this poll waits for its end or not. Where its
 * ticket carries it there is nothing to wait for. */
static cflight_status begin_polling(cflight_sql_server *server, cflight_server_context *context,
                                    const struct cflight_descriptor *descriptor,
                                    const struct cflight_sql_message *command,
                                    cflight_response *response, cflight_error **reterr)
{
    struct cfl_sql_result *result = NULL;
    if (cfl_sql_seals(server)) {
        return answer_statement(server, context, descriptor, command, answer_poll, response,
                                reterr);
    }
    cflight_status status = cfl_sql_poll_begin(server, context, command, &result, reterr);
    return status == CFLIGHT_OK ? poll_result(result, context, descriptor, true, response, reterr)
                                : status;
}

static cflight_status answer(cflight_sql_server *server, cflight_server_context *context,
                             const struct cflight_descriptor *descriptor,
                             const struct cflight_sql_message *command, answer_fn answer_with,
                             cflight_response *response, cflight_error **reterr)
{
    bool polls = answer_with == answer_poll;
    if (cfl_sql_is_listing(command->type)) {
        return answer_listing(server, descriptor, command, answer_with, response, reterr);
    }
    if (polls && command->type == CFLIGHT_SQL_TICKET_STATEMENT_QUERY) {
        return poll_again(server, context, descriptor, command->handle, response, reterr);
    }
    if (!is_statement(command->type)) {
        return cfl_sql_not_here(command, polls ? "PollFlightInfo" : "GetFlightInfo", reterr);
    }
    return polls ? begin_polling(server, context, descriptor, command, response, reterr)
                 : answer_statement(server, context, descriptor, command, answer_with, response,
                                    reterr);
}

typedef cflight_status (*info_handler)(void *user_data, cflight_server_context *context,
                                       const struct cflight_descriptor *descriptor,
                                       cflight_response *response, cflight_error **reterr);

/* What is not of Flight SQL goes to `otherwise`, the application's own, which may be NULL. */
static cflight_status answer_call(cflight_sql_server *server, cflight_server_context *context,
                                  const struct cflight_descriptor *descriptor,
                                  info_handler otherwise, answer_fn answer_with,
                                  cflight_response *response, cflight_error **reterr)
{
    struct cflight_sql_message *command = NULL;
    cflight_status status = cfl_sql_command_read(descriptor, &command, reterr);
    if (status == CFLIGHT_OK && command == NULL) {
        return otherwise == NULL
                   ? cfl_sql_not_known(reterr)
                   : otherwise(server->flight.user_data, context, descriptor, response, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = answer(server, context, descriptor, command, answer_with, response, reterr);
    }
    cflight_sql_message_free(command);
    return cfl_sql_answered(status, reterr);
}

cflight_status cfl_sql_get_flight_info(void *user_data, cflight_server_context *context,
                                       const struct cflight_descriptor *descriptor,
                                       cflight_response *response, cflight_error **reterr)
{
    cflight_sql_server *server = user_data;
    return answer_call(server, context, descriptor, server->flight.get_flight_info, answer_info,
                       response, reterr);
}

cflight_status cfl_sql_poll_flight_info(void *user_data, cflight_server_context *context,
                                        const struct cflight_descriptor *descriptor,
                                        cflight_response *response, cflight_error **reterr)
{
    cflight_sql_server *server = user_data;
    return answer_call(server, context, descriptor, server->flight.poll_flight_info, answer_poll,
                       response, reterr);
}

/* ---- schemas ---- */

/* What a plan says of the result; of an update a schema without fields. */
static cflight_status plan_schema(const struct cfl_sql_plan *plan, cflight_buffer **ret_schema,
                                  cflight_error **reterr)
{
    struct ArrowSchema none;
    if (plan->plan.schema.release != NULL) {
        return cflight_ipc_schema_serialize(&plan->plan.schema, ret_schema, reterr);
    }
    if (plan->plan.is_update != CFLIGHT_SQL_UPDATE_YES) {
        return cflight_error_set_message(reterr, CFLIGHT_UNIMPLEMENTED,
                                         "The schema is not known before the statement runs");
    }
    cflight_status status = cflight_schema_new(NULL, 0, &none, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_ipc_schema_serialize(&none, ret_schema, reterr);
        none.release(&none);
    }
    return status;
}

static cflight_status statement_schema(cflight_sql_call *call,
                                       const struct cflight_sql_message *command,
                                       cflight_buffer **ret_schema, cflight_error **reterr)
{
    struct cfl_sql_transaction *transaction = NULL;
    struct cfl_sql_source *source = NULL;
    struct cfl_sql_plan *plan = NULL;
    cflight_status status = cfl_sql_query_enter(call, command, &source, &transaction, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_sql_plan_new(call, source, &plan, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = plan_schema(plan, ret_schema, reterr);
    }
    cfl_sql_plan_end(plan);
    cfl_sql_handle_put(cfl_sql_transaction_handle(transaction));
    cfl_sql_source_unref(source);
    return status;
}

static cflight_status prepared_schema(cflight_sql_call *call, struct cflight_bytes handle,
                                      cflight_buffer **ret_schema, cflight_error **reterr)
{
    struct cfl_sql_statement *statement = NULL;
    struct cfl_sql_plan *plan = NULL;
    cflight_status status = cfl_sql_statement_enter(call, handle, &statement, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_sql_statement_borrow(call, statement, &plan, reterr);
    if (status == CFLIGHT_OK) {
        status = plan_schema(plan, ret_schema, reterr);
    }
    cfl_sql_statement_return(statement, plan);
    cfl_sql_handle_put(&statement->handle);
    return status;
}

static cflight_status find_schema(cflight_sql_server *server, cflight_server_context *context,
                                  const struct cflight_sql_message *command,
                                  cflight_buffer **ret_schema, cflight_error **reterr)
{
    if (cfl_sql_is_listing(command->type)) {
        return listing_schema(server, command, ret_schema, reterr);
    }
    if (!is_statement(command->type)) {
        return cfl_sql_not_here(command, "GetSchema", reterr);
    }
    cflight_sql_call call;
    cfl_sql_call_begin(&call, server, context);
    cflight_status status = command->type == CFLIGHT_SQL_PREPARED_STATEMENT_QUERY
                                ? prepared_schema(&call, command->handle, ret_schema, reterr)
                                : statement_schema(&call, command, ret_schema, reterr);
    cfl_sql_call_end(&call);
    return status;
}

cflight_status cfl_sql_get_schema(void *user_data, cflight_server_context *context,
                                  const struct cflight_descriptor *descriptor,
                                  cflight_response *response, cflight_error **reterr)
{
    cflight_sql_server *server = user_data;
    struct cflight_sql_message *command = NULL;
    cflight_buffer *schema = NULL;
    cflight_status status = cfl_sql_command_read(descriptor, &command, reterr);
    if (status == CFLIGHT_OK && command == NULL) {
        return server->flight.get_schema == NULL
                   ? cfl_sql_not_known(reterr)
                   : server->flight.get_schema(server->flight.user_data, context, descriptor,
                                               response, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = find_schema(server, context, command, &schema, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_response_schema(response, cflight_buffer_bytes(schema), reterr);
    }
    cflight_buffer_unref(schema);
    cflight_sql_message_free(command);
    return cfl_sql_answered(status, reterr);
}
