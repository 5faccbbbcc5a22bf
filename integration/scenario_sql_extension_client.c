/* SPDX-License-Identifier: Apache-2.0 */
/* flight_sql:extension, the client: a plan outside of transactions, and cancelling it; text and
 * plan in a transaction; savepoints. Thread class: one at a time. */
#include "integration/info.h"
#include "integration/scenario_sql.h"
#include "integration/sql_checks.h"
#include "integration/sql_facts.h"
#include "integration/sql_values.h"

static cflight_status expect_cancelled(enum cflight_cancel_status found, cflight_error **reterr)
{
    return found == CFLIGHT_CANCEL_STATUS_CANCELLED
               ? CFLIGHT_OK
               : cflight_error_set(reterr, ITG_MISMATCH, "cancelling gave status %d", (int)found);
}

/* By the action of Flight SQL, which is older than that of Flight. */
static cflight_status cancel_query(cflight_client *client, const struct cflight_info *info,
                                   cflight_error **reterr)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_CANCEL_QUERY};
    struct cflight_action action = {.type = cflight_bytes_from_text(CFLIGHT_ACTION_CANCEL_QUERY)};
    struct cflight_sql_message *answer = NULL;
    cflight_buffer *bytes = NULL;
    cflight_buffer *packed = NULL;
    cflight_buffer *body = NULL;

    cflight_status status = cflight_info_serialize(info, &bytes, reterr);
    if (status == CFLIGHT_OK) {
        message.info = cflight_buffer_bytes(bytes);
        status = cflight_sql_message_pack(&message, &packed, reterr);
    }
    if (status == CFLIGHT_OK) {
        action.body = cflight_buffer_bytes(packed);
        status = itg_run_action(client, &action, &body, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_sql_message_unpack(cflight_buffer_bytes(body), &answer, reterr);
    }
    if (status == CFLIGHT_OK && answer->type != CFLIGHT_SQL_CANCEL_QUERY_RESULT) {
        status = cflight_error_set_message(reterr, ITG_MISMATCH, "CancelQuery gave another result");
    }
    if (status == CFLIGHT_OK) {
        status = expect_cancelled(answer->cancel_status, reterr);
    }
    cflight_sql_message_free(answer);
    cflight_buffer_unref(body);
    cflight_buffer_unref(packed);
    cflight_buffer_unref(bytes);
    return status;
}

static cflight_status check_cancel(cflight_client *client, cflight_error **reterr)
{
    const struct cflight_sql_options options = itg_sql_options();
    const struct cflight_sql_message plan = itg_sql_plan_message();
    enum cflight_cancel_status outcome = CFLIGHT_CANCEL_STATUS_UNSPECIFIED;
    struct cflight_info *info = NULL;

    cflight_status status = cflight_sql_get_info(client, &plan, &options, &info, reterr);
    if (status == CFLIGHT_OK) {
        status = cancel_query(client, info, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_sql_cancel(client, info, &options, &outcome, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = expect_cancelled(outcome, reterr);
    }
    cflight_info_free(info);
    return status;
}

static cflight_status expect_id(struct cflight_bytes found, const char *expected,
                                cflight_error **reterr)
{
    return cflight_bytes_equal(found, cflight_bytes_from_text(expected))
               ? CFLIGHT_OK
               : cflight_error_set(reterr, ITG_MISMATCH, "the id is %.*s, expected %s",
                                   (int)found.len_bytes, (const char *)found.data, expected);
}

static cflight_status begin(cflight_client *client, cflight_sql_transaction **ret_transaction,
                            cflight_error **reterr)
{
    const struct cflight_sql_options options = itg_sql_options();

    cflight_status status = cflight_sql_begin(client, &options, ret_transaction, reterr);
    return status == CFLIGHT_OK ? expect_id(cflight_sql_transaction_id(*ret_transaction),
                                            ITG_SQL_TRANSACTION, reterr)
                                : status;
}

static cflight_status begin_savepoint(cflight_sql_transaction *transaction,
                                      cflight_buffer **ret_savepoint, cflight_error **reterr)
{
    const struct cflight_sql_options options = itg_sql_options();

    cflight_status status =
        cflight_sql_savepoint(transaction, cflight_bytes_from_text(ITG_SQL_SAVEPOINT_NAME),
                              &options, ret_savepoint, reterr);
    return status == CFLIGHT_OK
               ? expect_id(cflight_buffer_bytes(*ret_savepoint), ITG_SQL_SAVEPOINT, reterr)
               : status;
}

static cflight_status end_savepoint(cflight_sql_transaction *transaction, cflight_buffer *savepoint,
                                    enum cflight_sql_end_action action, cflight_error **reterr)
{
    const struct cflight_sql_options options = itg_sql_options();
    return cflight_sql_savepoint_end(transaction, cflight_buffer_bytes(savepoint), action, &options,
                                     reterr);
}

/* Text and plan, between a savepoint and its rollback. */
static cflight_status check_statements(cflight_client *client, cflight_sql_transaction *transaction,
                                       cflight_error **reterr)
{
    struct cflight_sql_options inside = itg_sql_options();
    cflight_buffer *savepoint = NULL;

    inside.transaction = transaction;
    cflight_status status = begin_savepoint(transaction, &savepoint, reterr);
    if (status == CFLIGHT_OK) {
        status = itg_sql_check_statements(client, false, &inside, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = itg_sql_check_statements(client, true, &inside, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = end_savepoint(transaction, savepoint, CFLIGHT_SQL_END_ROLLBACK, reterr);
    }
    cflight_buffer_unref(savepoint);
    return status;
}

static cflight_status check_release(cflight_sql_transaction *transaction, cflight_error **reterr)
{
    cflight_buffer *savepoint = NULL;

    cflight_status status = begin_savepoint(transaction, &savepoint, reterr);
    if (status == CFLIGHT_OK) {
        status = end_savepoint(transaction, savepoint, CFLIGHT_SQL_END_RELEASE, reterr);
    }
    cflight_buffer_unref(savepoint);
    return status;
}

static cflight_status check_transactions(cflight_client *client, cflight_error **reterr)
{
    const struct cflight_sql_options options = itg_sql_options();
    cflight_sql_transaction *first = NULL;
    cflight_sql_transaction *second = NULL;

    cflight_status status = begin(client, &first, reterr);
    if (status == CFLIGHT_OK) {
        status = check_statements(client, first, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = check_release(first, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_sql_transaction_commit(first, &options, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = begin(client, &second, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_sql_transaction_rollback(second, &options, reterr);
    }
    cflight_sql_transaction_free(second);
    cflight_sql_transaction_free(first);
    return status;
}

cflight_status itg_sql_extension_run_client(const struct itg_target *target, cflight_error **reterr)
{
    const struct cflight_sql_options options = itg_sql_options();
    cflight_client *client = NULL;

    cflight_status status = cflight_client_new(target->location, NULL, &client, reterr);
    if (status == CFLIGHT_OK) {
        status = itg_sql_check_facts(client, &itg_sql_extension_facts, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = itg_sql_check_statements(client, true, &options, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = check_cancel(client, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = check_transactions(client, reterr);
    }
    cflight_client_free(client);
    return status;
}
