/* SPDX-License-Identifier: Apache-2.0 */
/* What the server says of itself (Flight SQL: SqlInfo): the application's values, and those that
 * follow from its functions and limits. Constant once the server runs. Thread class: free. */
#include "sql/server/sql_info.h"

#include "cflight/builder.h"
#include "cflight/version.h"

static cflight_status copy(const cflight_sql_info *from, cflight_sql_info *to,
                           cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; from != NULL && i < cflight_sql_info_count(from) && status == CFLIGHT_OK;
         i++) {
        status = cflight_sql_info_set(to, cflight_sql_info_at(from, i), reterr);
    }
    return status;
}

/* Numbers and booleans that the application has not set itself. */
struct fact {
    uint32_t code;
    bool is_number;
    int64_t value;
    bool is_certain; /* the application cannot say otherwise */
};

static cflight_status set_facts(cflight_sql_info *info, const struct fact *facts, size_t count,
                                cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; i < count && status == CFLIGHT_OK; i++) {
        const struct fact *fact = &facts[i];
        if (!fact->is_certain && cflight_sql_info_find(info, fact->code) != NULL) {
            continue;
        }
        status = fact->is_number
                     ? cflight_sql_info_set_number(info, fact->code, fact->value, reterr)
                     : cflight_sql_info_set_bool(info, fact->code, fact->value != 0, reterr);
    }
    return status;
}

static cflight_status set_text(cflight_sql_info *info, uint32_t code, const char *text,
                               cflight_error **reterr)
{
    return cflight_sql_info_find(info, code) != NULL
               ? CFLIGHT_OK
               : cflight_sql_info_set_text(info, code, cflight_bytes_from_text(text), reterr);
}

static int64_t as_int32(int64_t value)
{
    return value > INT32_MAX ? INT32_MAX : value;
}

static cflight_status set_what_is_known(cflight_sql_server *server, cflight_error **reterr)
{
    const struct cflight_sql_handlers *handlers = &server->handlers;
    const struct cflight_sql_server_options *options = &server->options;
    bool has_transactions = handlers->begin != NULL;
    bool has_savepoints = handlers->savepoint != NULL;
    bool has_ingest = handlers->ingest != NULL;
    int64_t transactions = has_savepoints     ? CFLIGHT_SQL_TRANSACTION_SAVEPOINT
                           : has_transactions ? CFLIGHT_SQL_TRANSACTION_TRANSACTION
                                              : CFLIGHT_SQL_TRANSACTION_NONE;
    const struct fact facts[] = {
        {CFLIGHT_SQL_INFO_SERVER_READ_ONLY, false, false, false},
        {CFLIGHT_SQL_INFO_SERVER_SQL, false, true, false},
        {CFLIGHT_SQL_INFO_SERVER_SUBSTRAIT, false, options->takes_substrait, true},
        {CFLIGHT_SQL_INFO_SERVER_TRANSACTION, true, transactions, true},
        {CFLIGHT_SQL_INFO_SERVER_CANCEL, false, true, true},
        {CFLIGHT_SQL_INFO_SERVER_BULK_INGESTION, false, has_ingest, true},
        {CFLIGHT_SQL_INFO_SERVER_INGEST_TRANSACTIONS_SUPPORTED, false,
         has_ingest && has_transactions, true},
        {CFLIGHT_SQL_INFO_SERVER_STATEMENT_TIMEOUT, true, as_int32(options->statement_idle_ms),
         true},
        {CFLIGHT_SQL_INFO_SERVER_TRANSACTION_TIMEOUT, true, as_int32(options->transaction_idle_ms),
         true},
        {CFLIGHT_SQL_INFO_TRANSACTIONS_SUPPORTED, false, has_transactions, true},
        {CFLIGHT_SQL_INFO_SAVEPOINTS_SUPPORTED, false, has_savepoints, true},
        {CFLIGHT_SQL_INFO_BATCH_UPDATES_SUPPORTED, false, handlers->prepare != NULL, false},
        {CFLIGHT_SQL_INFO_SUPPORTED_RESULT_SET_TYPES, true, 1 << 1, false},
        {CFLIGHT_SQL_INFO_CONCURRENCIES_FOR_FORWARD_ONLY, true, 1 << 1, false},
    };
    cflight_sql_info *info = server->info;
    cflight_status status = set_facts(info, facts, sizeof facts / sizeof facts[0], reterr);
    if (status == CFLIGHT_OK) {
        status = set_text(info, CFLIGHT_SQL_INFO_SERVER_NAME, "cflight", reterr);
    }
    if (status == CFLIGHT_OK) {
        status = set_text(info, CFLIGHT_SQL_INFO_SERVER_VERSION, cflight_version(), reterr);
    }
    if (status == CFLIGHT_OK) {
        status = set_text(info, CFLIGHT_SQL_INFO_SERVER_ARROW_VERSION, cflight_version(), reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_sql_info_set_text(info, CFLIGHT_SQL_INFO_SEARCH_STRING_ESCAPE,
                                           cflight_bytes_from_text("\\"), reterr);
    }
    return status;
}

/* JDBC drivers cannot do without what databases say of their SQL: where a value is missing, their
 * functions fail, which browsers call when they connect. Nothing is claimed: no, no limit, none. */
static cflight_status set_what_is_missing(cflight_sql_info *info, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    for (uint32_t code = CFLIGHT_SQL_INFO_SUPPORTS_COLUMN_ALIASING;
         code <= CFLIGHT_SQL_INFO_STORED_FUNCTIONS_USING_CALL_SYNTAX_SUPPORTED &&
         status == CFLIGHT_OK;
         code++) {
        struct cflight_sql_info_value value = {.code = code};
        bool is_standard = cflight_sql_info_kind_of(code, &value.kind);
        if (is_standard && value.kind != CFLIGHT_SQL_INFO_KIND_TEXT &&
            value.kind != CFLIGHT_SQL_INFO_KIND_TEXTS &&
            cflight_sql_info_find(info, code) == NULL) {
            status = cflight_sql_info_set(info, &value, reterr);
        }
    }
    return status;
}

cflight_status cfl_sql_info_fill(cflight_sql_server *server, cflight_error **reterr)
{
    cflight_status status = cflight_sql_info_new(&server->info, reterr);
    if (status == CFLIGHT_OK) {
        status = copy(server->options.info, server->info, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = set_what_is_known(server, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = set_what_is_missing(server->info, reterr);
    }
    server->options.info = NULL;
    server->ignores_case =
        status == CFLIGHT_OK &&
        cflight_sql_info_number(server->info, CFLIGHT_SQL_INFO_IDENTIFIER_CASE,
                                CFLIGHT_SQL_CASE_UNKNOWN) != CFLIGHT_SQL_CASE_UNKNOWN;
    return status;
}

cflight_status cfl_sql_info_stream(const cflight_sql_server *server,
                                   const struct cflight_sql_message *command,
                                   struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    struct ArrowSchema schema;
    struct ArrowArray batch;
    cflight_status status = cflight_sql_result_schema(command, &schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    batch.release = NULL;
    status = cflight_sql_info_batch(server->info, command->sql_info.codes,
                                    command->sql_info.code_count, &batch, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_batches_to_stream(&schema, &batch, 1, ret_stream, reterr);
    }
    if (batch.release != NULL) {
        batch.release(&batch);
    }
    schema.release(&schema);
    return status;
}
