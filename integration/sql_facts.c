/* SPDX-License-Identifier: Apache-2.0 */
/* What servers of the scenarios of Flight SQL say of themselves, and the client's check of it.
 * Thread class: free. */
#include "integration/sql_facts.h"

#include <inttypes.h>

#include "integration/batches.h"
#include "integration/info.h"
#include "integration/sql_checks.h"

enum { CODES_MAX = 16 };

static const struct cflight_sql_info_value EXTENSION_VALUES[] = {
    {.code = CFLIGHT_SQL_INFO_SERVER_SQL, .kind = CFLIGHT_SQL_INFO_KIND_BOOL, .boolean = false},
    {.code = CFLIGHT_SQL_INFO_SERVER_SUBSTRAIT,
     .kind = CFLIGHT_SQL_INFO_KIND_BOOL,
     .boolean = true},
    {.code = CFLIGHT_SQL_INFO_SERVER_SUBSTRAIT_MIN_VERSION,
     .kind = CFLIGHT_SQL_INFO_KIND_TEXT,
     .text = ITG_TEXT("min_version")},
    {.code = CFLIGHT_SQL_INFO_SERVER_SUBSTRAIT_MAX_VERSION,
     .kind = CFLIGHT_SQL_INFO_KIND_TEXT,
     .text = ITG_TEXT("max_version")},
    {.code = CFLIGHT_SQL_INFO_SERVER_TRANSACTION,
     .kind = CFLIGHT_SQL_INFO_KIND_INT32,
     .number = CFLIGHT_SQL_TRANSACTION_SAVEPOINT},
    {.code = CFLIGHT_SQL_INFO_SERVER_CANCEL, .kind = CFLIGHT_SQL_INFO_KIND_BOOL, .boolean = true},
    {.code = CFLIGHT_SQL_INFO_SERVER_STATEMENT_TIMEOUT,
     .kind = CFLIGHT_SQL_INFO_KIND_INT32,
     .number = 42},
    {.code = CFLIGHT_SQL_INFO_SERVER_TRANSACTION_TIMEOUT,
     .kind = CFLIGHT_SQL_INFO_KIND_INT32,
     .number = 7},
};
const struct itg_sql_facts itg_sql_extension_facts = {
    EXTENSION_VALUES, sizeof EXTENSION_VALUES / sizeof EXTENSION_VALUES[0]};

static const struct cflight_sql_info_value INGESTION_VALUES[] = {
    {.code = CFLIGHT_SQL_INFO_SERVER_BULK_INGESTION,
     .kind = CFLIGHT_SQL_INFO_KIND_BOOL,
     .boolean = true},
    {.code = CFLIGHT_SQL_INFO_SERVER_INGEST_TRANSACTIONS_SUPPORTED,
     .kind = CFLIGHT_SQL_INFO_KIND_BOOL,
     .boolean = true},
};
const struct itg_sql_facts itg_sql_ingestion_facts = {
    INGESTION_VALUES, sizeof INGESTION_VALUES / sizeof INGESTION_VALUES[0]};

static void release(void *state)
{
    cflight_sql_info_free(state);
}

cflight_status itg_sql_facts_serve(const struct itg_sql_facts *facts, struct itg_service *service,
                                   cflight_error **reterr)
{
    cflight_sql_info *info = NULL;

    cflight_status status = cflight_sql_info_new(&info, reterr);
    service->state = info;
    service->release = release;
    for (size_t i = 0; status == CFLIGHT_OK && i < facts->count; i++) {
        status = cflight_sql_info_set(info, &facts->values[i], reterr);
    }
    return status;
}

/* The branch of each value (Flight SQL: CommandGetSqlInfo); add_batch() takes a number from either
 * of two. */
static cflight_status check_branches(const struct ArrowArray *batch,
                                     const struct itg_sql_facts *facts, cflight_error **reterr)
{
    const struct ArrowArray *codes = batch->children[0];
    const struct ArrowArray *values = batch->children[1];
    cflight_status status = CFLIGHT_OK;

    for (int64_t row = 0; status == CFLIGHT_OK && row < batch->length; row++) {
        uint32_t code = ((const uint32_t *)codes->buffers[1])[codes->offset + row];
        int branch = ((const int8_t *)values->buffers[0])[values->offset + row];
        bool is_right = false;
        for (size_t i = 0; i < facts->count; i++) {
            is_right =
                is_right || (facts->values[i].code == code && branch == (int)facts->values[i].kind);
        }
        if (!is_right) {
            status = cflight_error_set(reterr, ITG_MISMATCH,
                                       "SqlInfo %" PRIu32 " came, in branch %d", code, branch);
        }
    }
    return status;
}

static cflight_status check_values(const cflight_sql_info *info, const struct itg_sql_facts *facts,
                                   cflight_error **reterr)
{
    for (size_t i = 0; i < facts->count; i++) {
        const struct cflight_sql_info_value *expected = &facts->values[i];
        const struct cflight_sql_info_value *found = cflight_sql_info_find(info, expected->code);
        if (found == NULL || found->kind != expected->kind || found->number != expected->number ||
            found->boolean != expected->boolean ||
            !cflight_bytes_equal(found->text, expected->text)) {
            return cflight_error_set(reterr, ITG_MISMATCH, "SqlInfo %s is missing or other",
                                     cflight_sql_info_name(expected->code));
        }
    }
    return CFLIGHT_OK;
}

/* All rows, against the schema of the standard. */
static cflight_status check_rows(const struct itg_batches *rows,
                                 const struct cflight_sql_message *command,
                                 const struct itg_sql_facts *facts, cflight_error **reterr)
{
    struct ArrowSchema expected;
    cflight_sql_info *info = NULL;

    cflight_status status = cflight_sql_result_schema(command, &expected, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (!cflight_schema_equal(&rows->schema, &expected, true)) {
        status = cflight_error_set_message(reterr, ITG_MISMATCH,
                                           "the rows of CommandGetSqlInfo have another schema");
    } else if (itg_batches_row_count(rows) != (int64_t)facts->count) {
        status =
            cflight_error_set(reterr, ITG_MISMATCH, "SqlInfo has %" PRId64 " rows, expected %zu",
                              itg_batches_row_count(rows), facts->count);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_sql_info_new(&info, reterr);
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < rows->count; i++) {
        status = check_branches(&rows->items[i], facts, reterr);
        if (status == CFLIGHT_OK) {
            status = cflight_sql_info_add_batch(info, &rows->schema, &rows->items[i], reterr);
        }
    }
    if (status == CFLIGHT_OK) {
        status = check_values(info, facts, reterr);
    }
    cflight_sql_info_free(info);
    expected.release(&expected);
    return status;
}

cflight_status itg_sql_check_facts(cflight_client *client, const struct itg_sql_facts *facts,
                                   cflight_error **reterr)
{
    const struct cflight_sql_options options = itg_sql_options();
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_SQL_INFO};
    uint32_t codes[CODES_MAX];
    struct itg_batches found = {.count = 0};
    struct ArrowArrayStream rows;

    for (size_t i = 0; i < facts->count; i++) {
        codes[i] = facts->values[i].code;
    }
    command.sql_info.codes = codes;
    command.sql_info.code_count = facts->count;
    cflight_status status = cflight_sql_get_rows(client, &command, &options, &rows, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = itg_batches_read_stream(&found, &rows, "SqlInfo", reterr);
    rows.release(&rows);
    if (status == CFLIGHT_OK) {
        status = check_rows(&found, &command, facts, reterr);
    }
    itg_batches_done(&found);
    return status;
}
