/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: what of the options and of the message goes out, and what comes back of an action.
 *
 * No request is sent twice here. What the flight layer sends again, the server has certainly not
 * processed. Thread class: free. */
#include "sql/client/request.h"

#include "base/error.h"
#include "base/options.h"
#include "sql/client/remote.h"

cflight_status cfl_sql_request_init(struct cfl_sql_request *request, cflight_client *client,
                                    const struct cflight_sql_options *options,
                                    cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(client));
    request->client = client;
    if (status == CFLIGHT_OK) {
        status = cfl_options_load(&request->options, sizeof request->options, options, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_options_load(&request->call_options, sizeof request->call_options,
                                  request->options.call_options, reterr);
    }
    if (status == CFLIGHT_OK && request->options.transaction != NULL) {
        status = cfl_sql_remote_check(&request->options.transaction->remote, reterr);
    }
    return status;
}

/* Where a message has its transaction; NULL when it cannot have one. */
static struct cflight_bytes *transaction_of(struct cflight_sql_message *message)
{
    enum cflight_sql_type type = message->type;
    if (type == CFLIGHT_SQL_STATEMENT_QUERY || type == CFLIGHT_SQL_STATEMENT_UPDATE ||
        type == CFLIGHT_SQL_CREATE_PREPARED_STATEMENT) {
        return &message->statement.transaction_id;
    }
    if (type == CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN ||
        type == CFLIGHT_SQL_CREATE_PREPARED_SUBSTRAIT_PLAN) {
        return &message->substrait.transaction_id;
    }
    return type == CFLIGHT_SQL_STATEMENT_INGEST ? &message->ingest.transaction_id : NULL;
}

struct cflight_sql_message cfl_sql_request_message(const struct cfl_sql_request *request,
                                                   const struct cflight_sql_message *message)
{
    struct cflight_sql_message copy = *message;
    struct cflight_bytes *transaction_id = transaction_of(&copy);
    if (transaction_id != NULL && transaction_id->len_bytes == 0 &&
        request->options.transaction != NULL) {
        *transaction_id = cflight_buffer_bytes(request->options.transaction->remote.id);
    }
    return copy;
}

bool cfl_sql_is_sticky(const struct cfl_sql_request *request,
                       const struct cflight_sql_message *message)
{
    struct cflight_sql_message complete = cfl_sql_request_message(request, message);
    const struct cflight_bytes *transaction_id = transaction_of(&complete);
    return request->call_options.is_sticky ||
           message->type == CFLIGHT_SQL_PREPARED_STATEMENT_QUERY ||
           (transaction_id != NULL && transaction_id->len_bytes > 0);
}

cflight_status cfl_sql_request_command(const struct cflight_sql_message *message,
                                       struct cflight_descriptor *ret_descriptor,
                                       cflight_buffer **ret_command, cflight_error **reterr)
{
    cflight_buffer *command = NULL;
    cflight_status status = cflight_sql_message_pack(message, &command, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    *ret_descriptor = (struct cflight_descriptor){.type = CFLIGHT_DESCRIPTOR_CMD,
                                                  .cmd = cflight_buffer_bytes(command)};
    *ret_command = command;
    return CFLIGHT_OK;
}

static cflight_status blame(const char *name, cflight_status status, cflight_error **reterr)
{
    if (status != CFLIGHT_OK) {
        (void)cfl_error_prefix(reterr, status, "%s", name);
    }
    return status;
}

bool cfl_sql_has_result(enum cflight_sql_type type)
{
    return (type >= CFLIGHT_SQL_GET_CATALOGS && type <= CFLIGHT_SQL_GET_XDBC_TYPE_INFO) ||
           type == CFLIGHT_SQL_STATEMENT_QUERY || type == CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN ||
           type == CFLIGHT_SQL_PREPARED_STATEMENT_QUERY;
}

/* ---- actions ---- */

const char *cfl_sql_action_name(enum cflight_sql_type type, enum cflight_sql_type *ret_result_type)
{
    static const struct {
        enum cflight_sql_type type;
        enum cflight_sql_type result_type;
        const char *name;
    } ACTIONS[] = {
        {CFLIGHT_SQL_CREATE_PREPARED_STATEMENT, CFLIGHT_SQL_CREATE_PREPARED_RESULT,
         CFLIGHT_ACTION_CREATE_PREPARED_STATEMENT},
        {CFLIGHT_SQL_CREATE_PREPARED_SUBSTRAIT_PLAN, CFLIGHT_SQL_CREATE_PREPARED_RESULT,
         CFLIGHT_ACTION_CREATE_PREPARED_SUBSTRAIT_PLAN},
        {CFLIGHT_SQL_CLOSE_PREPARED_STATEMENT, CFLIGHT_SQL_NONE,
         CFLIGHT_ACTION_CLOSE_PREPARED_STATEMENT},
        {CFLIGHT_SQL_BEGIN_TRANSACTION, CFLIGHT_SQL_BEGIN_TRANSACTION_RESULT,
         CFLIGHT_ACTION_BEGIN_TRANSACTION},
        {CFLIGHT_SQL_END_TRANSACTION, CFLIGHT_SQL_NONE, CFLIGHT_ACTION_END_TRANSACTION},
        {CFLIGHT_SQL_BEGIN_SAVEPOINT, CFLIGHT_SQL_BEGIN_SAVEPOINT_RESULT,
         CFLIGHT_ACTION_BEGIN_SAVEPOINT},
        {CFLIGHT_SQL_END_SAVEPOINT, CFLIGHT_SQL_NONE, CFLIGHT_ACTION_END_SAVEPOINT},
        {CFLIGHT_SQL_CANCEL_QUERY, CFLIGHT_SQL_CANCEL_QUERY_RESULT, CFLIGHT_ACTION_CANCEL_QUERY},
    };
    for (size_t i = 0; i < sizeof ACTIONS / sizeof *ACTIONS; i++) {
        if (ACTIONS[i].type == type) {
            *ret_result_type = ACTIONS[i].result_type;
            return ACTIONS[i].name;
        }
    }
    return NULL;
}

/* A server's fault must not look like one of the statement. Takes the cause. */
static cflight_status blame_answer(cflight_status status, cflight_error *cause,
                                   cflight_error **reterr)
{
    status = status == CFLIGHT_RESOURCE_EXHAUSTED ? status : CFLIGHT_INTERNAL;
    status =
        cflight_error_set(reterr, status, "the server's answer: %s", cflight_error_message(cause));
    cflight_error_free(cause);
    return status;
}

cflight_status cfl_sql_answer_read(enum cflight_sql_type type, struct cflight_bytes bytes,
                                   struct cflight_sql_message **ret_answer, cflight_error **reterr)
{
    cflight_error *cause = NULL;
    struct cflight_sql_message *answer = NULL;
    bool is_bare = type == CFLIGHT_SQL_UPDATE_RESULT || type == CFLIGHT_SQL_PREPARED_PUT_RESULT;
    cflight_status status = is_bare ? cflight_sql_message_parse(type, bytes, &answer, &cause)
                                    : cflight_sql_message_unpack(bytes, &answer, &cause);
    if (status != CFLIGHT_OK) {
        return blame_answer(status, cause, reterr);
    }
    if (answer->type != type) {
        status =
            cflight_error_set(reterr, CFLIGHT_INTERNAL, "the server's answer is %s instead of %s",
                              cflight_sql_type_name(answer->type), cflight_sql_type_name(type));
        cflight_sql_message_free(answer);
        return status;
    }
    *ret_answer = answer;
    return CFLIGHT_OK;
}

/* The first result, NULL when there is none; then to the end, where the status is. */
static cflight_status read_results(cflight_result_stream *stream, cflight_buffer **ret_first,
                                   cflight_error **reterr)
{
    cflight_buffer *first = NULL;
    cflight_status status = cflight_result_stream_next(stream, &first, reterr);
    cflight_buffer *next = first;
    while (status == CFLIGHT_OK && next != NULL) {
        if (next != first) {
            cflight_buffer_unref(next);
        }
        status = cflight_result_stream_next(stream, &next, reterr);
    }
    if (status != CFLIGHT_OK) {
        cflight_buffer_unref(first);
        return status;
    }
    *ret_first = first;
    return CFLIGHT_OK;
}

cflight_status cfl_sql_request_run(const struct cfl_sql_request *request, const char *name,
                                   struct cflight_bytes body, cflight_buffer **ret_result,
                                   cflight_error **reterr)
{
    const struct cflight_action action = {cflight_bytes_from_text(name), body};
    cflight_result_stream *stream = NULL;
    cflight_buffer *result = NULL;
    cflight_status status =
        cflight_client_do_action(request->client, &action, &request->call_options, &stream, reterr);
    if (status == CFLIGHT_OK) {
        status = read_results(stream, &result, reterr);
    }
    cflight_result_stream_free(stream);
    if (status == CFLIGHT_OK && result == NULL && ret_result != NULL) {
        status = cflight_error_set_message(reterr, CFLIGHT_INTERNAL, "the server sent no result");
    }
    if (status != CFLIGHT_OK || ret_result == NULL) {
        cflight_buffer_unref(result);
        return blame(name, status, reterr);
    }
    *ret_result = result;
    return CFLIGHT_OK;
}

cflight_status cfl_sql_request_action(const struct cfl_sql_request *request,
                                      const struct cflight_sql_message *message,
                                      struct cflight_sql_message **ret_result,
                                      cflight_error **reterr)
{
    cflight_buffer *body = NULL;
    cflight_buffer *result = NULL;
    enum cflight_sql_type result_type = CFLIGHT_SQL_NONE;
    const struct cflight_sql_message complete = cfl_sql_request_message(request, message);
    const char *name = cfl_sql_action_name(message->type, &result_type);
    bool has_result = result_type != CFLIGHT_SQL_NONE;
    cflight_status status = cflight_sql_message_pack(&complete, &body, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_sql_request_run(request, name, cflight_buffer_bytes(body),
                                     has_result ? &result : NULL, reterr);
    }
    if (status == CFLIGHT_OK && has_result) {
        status = cfl_sql_answer_read(result_type, cflight_buffer_bytes(result), ret_result, reterr);
        status = blame(name, status, reterr);
    }
    cflight_buffer_unref(result);
    cflight_buffer_unref(body);
    return status;
}

cflight_status cfl_sql_blame(enum cflight_sql_type type, cflight_status status,
                             cflight_error **reterr)
{
    return blame(cflight_sql_type_name(type), status, reterr);
}
