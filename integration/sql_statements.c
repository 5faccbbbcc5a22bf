/* SPDX-License-Identifier: Apache-2.0 */
/* The statements of flight_sql:extension, and how messages name them. Constant. Thread class: free.
 */
#include "integration/sql_statements.h"

#include "integration/sql_answers.h"
#include "integration/sql_values.h"

static const struct itg_sql_statement STATEMENTS[] = {
    {ITG_SQL_SELECT,
     ITG_SQL_USE_QUERY,
     {"SELECT STATEMENT HANDLE", "SELECT STATEMENT WITH TXN HANDLE"}},
    {ITG_SQL_UPDATE, ITG_SQL_USE_UPDATE, {NULL, NULL}},
    {ITG_SQL_SELECT_PREPARED,
     ITG_SQL_USE_PREPARE | ITG_SQL_USE_PREPARED_QUERY,
     {"SELECT PREPARED STATEMENT HANDLE", "SELECT PREPARED STATEMENT WITH TXN HANDLE"}},
    {ITG_SQL_UPDATE_PREPARED,
     ITG_SQL_USE_PREPARE | ITG_SQL_USE_PREPARED_UPDATE,
     {"UPDATE PREPARED STATEMENT HANDLE", "UPDATE PREPARED STATEMENT WITH TXN HANDLE"}},
    {NULL,
     ITG_SQL_USE_QUERY | ITG_SQL_USE_UPDATE | ITG_SQL_USE_PREPARE | ITG_SQL_USE_PREPARED_QUERY |
         ITG_SQL_USE_PREPARED_UPDATE,
     {"PLAN HANDLE", "PLAN WITH TXN HANDLE"}},
};
enum { STATEMENT_COUNT = sizeof STATEMENTS / sizeof STATEMENTS[0] };

bool itg_sql_is(struct cflight_bytes bytes, const char *text)
{
    return cflight_bytes_equal(bytes, cflight_bytes_from_text(text));
}

static cflight_status read_transaction(struct cflight_bytes id, struct itg_sql_subject *subject,
                                       cflight_error **reterr)
{
    subject->in_transaction = id.len_bytes > 0;
    return id.len_bytes == 0 || itg_sql_is(id, ITG_SQL_TRANSACTION)
               ? CFLIGHT_OK
               : itg_sql_refuse("the transaction", "another id", reterr);
}

cflight_status itg_sql_find_by_text(const struct cflight_sql_message *message, enum itg_sql_use use,
                                    struct itg_sql_subject *ret_subject, cflight_error **reterr)
{
    bool is_plan = message->type == CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN ||
                   message->type == CFLIGHT_SQL_CREATE_PREPARED_SUBSTRAIT_PLAN;
    bool is_the_plan = is_plan && itg_sql_is(message->substrait.plan, ITG_SQL_PLAN) &&
                       itg_sql_is(message->substrait.version, ITG_SQL_PLAN_VERSION);

    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        const struct itg_sql_statement *statement = &STATEMENTS[i];
        bool is_found = statement->text == NULL
                            ? is_the_plan
                            : !is_plan && itg_sql_is(message->statement.query, statement->text);
        if (is_found && (statement->uses & use) != 0) {
            ret_subject->statement = statement;
            return read_transaction(is_plan ? message->substrait.transaction_id
                                            : message->statement.transaction_id,
                                    ret_subject, reterr);
        }
    }
    return itg_sql_refuse(cflight_sql_type_name(message->type), "another statement", reterr);
}

cflight_status itg_sql_find_by_handle(const struct cflight_sql_message *message,
                                      enum itg_sql_use use, struct itg_sql_subject *ret_subject,
                                      cflight_error **reterr)
{
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        for (int k = 0; k < 2; k++) {
            const char *handle = STATEMENTS[i].handles[k];
            if ((STATEMENTS[i].uses & use) != 0 && handle != NULL &&
                itg_sql_is(message->handle, handle)) {
                ret_subject->statement = &STATEMENTS[i];
                ret_subject->in_transaction = k == 1;
                return CFLIGHT_OK;
            }
        }
    }
    return itg_sql_refuse(cflight_sql_type_name(message->type), "another handle", reterr);
}

struct cflight_bytes itg_sql_handle_of(const struct itg_sql_subject *subject)
{
    return cflight_bytes_from_text(subject->statement->handles[subject->in_transaction ? 1 : 0]);
}

cflight_status itg_sql_find(const struct cflight_sql_message *message,
                            struct itg_sql_subject *ret_subject, cflight_error **reterr)
{
    switch ((int)message->type) {
    case CFLIGHT_SQL_GET_SQL_INFO:
        ret_subject->is_sql_info = true;
        return CFLIGHT_OK;
    case CFLIGHT_SQL_STATEMENT_QUERY:
    case CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN:
        return itg_sql_find_by_text(message, ITG_SQL_USE_QUERY, ret_subject, reterr);
    case CFLIGHT_SQL_PREPARED_STATEMENT_QUERY:
        return itg_sql_find_by_handle(message, ITG_SQL_USE_PREPARED_QUERY, ret_subject, reterr);
    case CFLIGHT_SQL_TICKET_STATEMENT_QUERY:
        return itg_sql_find_by_handle(message, ITG_SQL_USE_QUERY, ret_subject, reterr);
    default:
        return itg_sql_refuse(cflight_sql_type_name(message->type), "not of the scenario", reterr);
    }
}
