/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions and savepoints. A transaction is over when the server has said so, and not before:
 * after a commit that failed it can still be rolled back. Thread class: one at a time. */
#include "base/alloc.h"
#include "base/error.h"
#include "sql/client/remote.h"

/* Runs an action whose result is an id. */
static cflight_status ask_for_id(const struct cfl_sql_request *request,
                                 const struct cflight_sql_message *message,
                                 struct cflight_sql_message **ret_answer, cflight_error **reterr)
{
    struct cflight_sql_message *answer = NULL;
    cflight_status status = cfl_sql_request_action(request, message, &answer, reterr);
    if (status == CFLIGHT_OK && answer->handle.len_bytes == 0) {
        status = cflight_error_set(reterr, CFLIGHT_INTERNAL, "%s: the server gave an empty id",
                                   cflight_sql_type_name(answer->type));
    }
    if (status != CFLIGHT_OK) {
        cflight_sql_message_free(answer);
        return status;
    }
    *ret_answer = answer;
    return CFLIGHT_OK;
}

cflight_status cflight_sql_begin(cflight_client *client, const struct cflight_sql_options *options,
                                 cflight_sql_transaction **ret_transaction, cflight_error **reterr)
{
    struct cfl_sql_request request;
    struct cflight_sql_message *answer = NULL;
    const struct cflight_sql_message message = {.type = CFLIGHT_SQL_BEGIN_TRANSACTION};
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(ret_transaction));
    if (status == CFLIGHT_OK) {
        status = cfl_sql_request_init(&request, client, options, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = ask_for_id(&request, &message, &answer, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    cflight_sql_transaction *transaction = cfl_alloc_zeroed(NULL, sizeof *transaction);
    if (transaction == NULL) {
        status = cfl_error_no_memory(reterr);
    } else {
        status = cfl_sql_remote_init(&transaction->remote, "transaction", &request, answer->handle,
                                     reterr);
    }
    cflight_sql_message_free(answer);
    if (status != CFLIGHT_OK) {
        cflight_sql_transaction_free(transaction);
        return status;
    }
    *ret_transaction = transaction;
    return CFLIGHT_OK;
}

/* A request of a transaction that is not over. */
static cflight_status begin_request(struct cfl_sql_request *request,
                                    const cflight_sql_transaction *transaction,
                                    const struct cflight_sql_options *options,
                                    cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(transaction));
    if (status == CFLIGHT_OK) {
        status = cfl_sql_remote_check(&transaction->remote, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_sql_request_init(request, transaction->remote.client, options, reterr);
    }
    return status;
}

static struct cflight_sql_message end_message(const cflight_sql_transaction *transaction,
                                              enum cflight_sql_end_action action)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_END_TRANSACTION};
    message.end.id = cflight_sql_transaction_id(transaction);
    message.end.action = action;
    return message;
}

static cflight_status end(cflight_sql_transaction *transaction, enum cflight_sql_end_action action,
                          const struct cflight_sql_options *options, cflight_error **reterr)
{
    struct cfl_sql_request request;
    cflight_status status = begin_request(&request, transaction, options, reterr);
    if (status == CFLIGHT_OK) {
        const struct cflight_sql_message message = end_message(transaction, action);
        status = cfl_sql_request_action(&request, &message, NULL, reterr);
    }
    if (status == CFLIGHT_OK) {
        transaction->remote.is_over = true;
    }
    return status;
}

cflight_status cflight_sql_transaction_commit(cflight_sql_transaction *transaction,
                                              const struct cflight_sql_options *options,
                                              cflight_error **reterr)
{
    return end(transaction, CFLIGHT_SQL_END_COMMIT, options, reterr);
}

cflight_status cflight_sql_transaction_rollback(cflight_sql_transaction *transaction,
                                                const struct cflight_sql_options *options,
                                                cflight_error **reterr)
{
    return end(transaction, CFLIGHT_SQL_END_ROLLBACK, options, reterr);
}

struct cflight_bytes cflight_sql_transaction_id(const cflight_sql_transaction *transaction)
{
    return cflight_buffer_bytes(transaction->remote.id);
}

void cflight_sql_transaction_free(cflight_sql_transaction *transaction)
{
    if (transaction == NULL) {
        return;
    }
    const struct cflight_sql_message message = end_message(transaction, CFLIGHT_SQL_END_ROLLBACK);
    cfl_sql_remote_abandon(&transaction->remote, &message);
    cfl_sql_remote_done(&transaction->remote);
    cfl_free(NULL, transaction, sizeof *transaction);
}

cflight_status cflight_sql_savepoint(cflight_sql_transaction *transaction,
                                     struct cflight_bytes name,
                                     const struct cflight_sql_options *options,
                                     cflight_buffer **ret_savepoint, cflight_error **reterr)
{
    struct cfl_sql_request request;
    struct cflight_sql_message *answer = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(transaction), CFL_ARG(ret_savepoint));
    if (status == CFLIGHT_OK) {
        status = begin_request(&request, transaction, options, reterr);
    }
    if (status == CFLIGHT_OK) {
        struct cflight_sql_message message = {.type = CFLIGHT_SQL_BEGIN_SAVEPOINT};
        message.savepoint.transaction_id = cflight_sql_transaction_id(transaction);
        message.savepoint.name = name;
        status = ask_for_id(&request, &message, &answer, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_buffer_new_copy(answer->handle, ret_savepoint, reterr);
    }
    cflight_sql_message_free(answer);
    return status;
}

cflight_status cflight_sql_savepoint_end(cflight_sql_transaction *transaction,
                                         struct cflight_bytes savepoint,
                                         enum cflight_sql_end_action action,
                                         const struct cflight_sql_options *options,
                                         cflight_error **reterr)
{
    struct cfl_sql_request request;
    cflight_status status = begin_request(&request, transaction, options, reterr);
    if (status == CFLIGHT_OK) {
        struct cflight_sql_message message = {.type = CFLIGHT_SQL_END_SAVEPOINT};
        message.end.id = savepoint;
        message.end.action = action;
        status = cfl_sql_request_action(&request, &message, NULL, reterr);
    }
    return status;
}
