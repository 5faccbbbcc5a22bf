/* SPDX-License-Identifier: Apache-2.0 */
/* flight_sql:extension, the actions of its server: preparing, cancelling, transactions. Thread
 * class: free. */
#include "integration/sql_answers.h"
#include "integration/sql_statements.h"
#include "integration/sql_values.h"

static cflight_status respond_result(cflight_response *response,
                                     const struct cflight_sql_message *message,
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

/* Only the plan is cancelled. */
static cflight_status check_cancelled(const struct cflight_info *info, cflight_error **reterr)
{
    struct cflight_sql_message *ticket = NULL;
    struct itg_sql_subject subject = {.statement = NULL};

    if (info->endpoint_count != 1) {
        return itg_sql_refuse("the info", "not exactly one endpoint", reterr);
    }
    cflight_status status = cflight_sql_message_unpack(info->endpoints[0].ticket, &ticket, reterr);
    if (status == CFLIGHT_OK) {
        status = itg_sql_find(ticket, &subject, reterr);
    }
    if (status == CFLIGHT_OK &&
        (subject.is_sql_info || subject.statement->text != NULL || subject.in_transaction)) {
        status = itg_sql_refuse("the info", "not that of the plan", reterr);
    }
    cflight_sql_message_free(ticket);
    return status;
}

static cflight_status cancel_info(struct cflight_bytes body, cflight_response *response,
                                  cflight_error **reterr)
{
    struct cflight_info *info = NULL;
    cflight_buffer *result = NULL;

    cflight_status status = cflight_cancel_request_parse(body, &info, reterr);
    if (status == CFLIGHT_OK) {
        status = check_cancelled(info, reterr);
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

static cflight_status cancel_query(const struct cflight_sql_message *message,
                                   cflight_response *response, cflight_error **reterr)
{
    const struct cflight_sql_message answer = {.type = CFLIGHT_SQL_CANCEL_QUERY_RESULT,
                                               .cancel_status = CFLIGHT_CANCEL_STATUS_CANCELLED};
    struct cflight_info *info = NULL;

    cflight_status status = cflight_info_parse(message->info, &info, reterr);
    if (status == CFLIGHT_OK) {
        status = check_cancelled(info, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = respond_result(response, &answer, reterr);
    }
    cflight_info_free(info);
    return status;
}

static cflight_status prepare(const struct cflight_sql_message *message, cflight_response *response,
                              cflight_error **reterr)
{
    struct cflight_sql_message answer = {.type = CFLIGHT_SQL_CREATE_PREPARED_RESULT};
    struct itg_sql_subject subject = {.statement = NULL};

    cflight_status status = itg_sql_find_by_text(message, ITG_SQL_USE_PREPARE, &subject, reterr);
    if (status == CFLIGHT_OK) {
        answer.prepared.handle = itg_sql_handle_of(&subject);
        status = respond_result(response, &answer, reterr);
    }
    return status;
}

static cflight_status begin(const struct cflight_sql_message *message, cflight_response *response,
                            cflight_error **reterr)
{
    struct cflight_sql_message answer = {.type = CFLIGHT_SQL_BEGIN_TRANSACTION_RESULT};

    answer.handle = cflight_bytes_from_text(ITG_SQL_TRANSACTION);
    if (message->type == CFLIGHT_SQL_BEGIN_SAVEPOINT) {
        if (!itg_sql_is(message->savepoint.transaction_id, ITG_SQL_TRANSACTION) ||
            !itg_sql_is(message->savepoint.name, ITG_SQL_SAVEPOINT_NAME)) {
            return itg_sql_refuse("the savepoint", "another transaction or name", reterr);
        }
        answer.type = CFLIGHT_SQL_BEGIN_SAVEPOINT_RESULT;
        answer.handle = cflight_bytes_from_text(ITG_SQL_SAVEPOINT);
    }
    return respond_result(response, &answer, reterr);
}

static cflight_status end(const struct cflight_sql_message *message, cflight_error **reterr)
{
    bool is_transaction = message->type == CFLIGHT_SQL_END_TRANSACTION;

    if (!itg_sql_is(message->end.id, is_transaction ? ITG_SQL_TRANSACTION : ITG_SQL_SAVEPOINT)) {
        return itg_sql_refuse(cflight_sql_type_name(message->type), "another id", reterr);
    }
    if (message->end.action == CFLIGHT_SQL_END_UNSPECIFIED) {
        return itg_sql_refuse(cflight_sql_type_name(message->type), "no action", reterr);
    }
    return CFLIGHT_OK;
}

static cflight_status act(const struct cflight_sql_message *message, cflight_response *response,
                          cflight_error **reterr)
{
    struct itg_sql_subject subject = {.statement = NULL};

    switch ((int)message->type) {
    case CFLIGHT_SQL_CREATE_PREPARED_STATEMENT:
    case CFLIGHT_SQL_CREATE_PREPARED_SUBSTRAIT_PLAN:
        return prepare(message, response, reterr);
    case CFLIGHT_SQL_CLOSE_PREPARED_STATEMENT:
        return itg_sql_find_by_handle(message, ITG_SQL_USE_PREPARE, &subject, reterr);
    case CFLIGHT_SQL_CANCEL_QUERY:
        return cancel_query(message, response, reterr);
    case CFLIGHT_SQL_BEGIN_TRANSACTION:
    case CFLIGHT_SQL_BEGIN_SAVEPOINT:
        return begin(message, response, reterr);
    default:
        return end(message, reterr);
    }
}

cflight_status itg_sql_do_action(void *user_data, cflight_server_context *context,
                                 const struct cflight_action *action, cflight_response *response,
                                 cflight_error **reterr)
{
    static const struct {
        const char *name;
        enum cflight_sql_type type;
    } ACTIONS[] = {
        {CFLIGHT_ACTION_CREATE_PREPARED_STATEMENT, CFLIGHT_SQL_CREATE_PREPARED_STATEMENT},
        {CFLIGHT_ACTION_CREATE_PREPARED_SUBSTRAIT_PLAN, CFLIGHT_SQL_CREATE_PREPARED_SUBSTRAIT_PLAN},
        {CFLIGHT_ACTION_CLOSE_PREPARED_STATEMENT, CFLIGHT_SQL_CLOSE_PREPARED_STATEMENT},
        {CFLIGHT_ACTION_CANCEL_QUERY, CFLIGHT_SQL_CANCEL_QUERY},
        {CFLIGHT_ACTION_BEGIN_TRANSACTION, CFLIGHT_SQL_BEGIN_TRANSACTION},
        {CFLIGHT_ACTION_BEGIN_SAVEPOINT, CFLIGHT_SQL_BEGIN_SAVEPOINT},
        {CFLIGHT_ACTION_END_TRANSACTION, CFLIGHT_SQL_END_TRANSACTION},
        {CFLIGHT_ACTION_END_SAVEPOINT, CFLIGHT_SQL_END_SAVEPOINT},
    };
    struct cflight_sql_message *message = NULL;

    (void)user_data;
    (void)context;
    if (itg_sql_is(action->type, CFLIGHT_ACTION_CANCEL_FLIGHT_INFO)) {
        return cancel_info(action->body, response, reterr);
    }
    for (size_t i = 0; i < sizeof ACTIONS / sizeof ACTIONS[0]; i++) {
        if (!itg_sql_is(action->type, ACTIONS[i].name)) {
            continue;
        }
        cflight_status status = cflight_sql_message_unpack(action->body, &message, reterr);
        if (status == CFLIGHT_OK) {
            status = message->type == ACTIONS[i].type
                         ? act(message, response, reterr)
                         : itg_sql_refuse(ACTIONS[i].name, "the body of another action", reterr);
        }
        cflight_sql_message_free(message);
        return status;
    }
    return itg_sql_refuse("the action", "not of the scenario", reterr);
}
