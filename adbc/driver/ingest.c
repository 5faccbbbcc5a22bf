/* SPDX-License-Identifier: Apache-2.0 */
/* Ingest: one upload, in the transaction of the connection if there is one. An empty catalog or
 * schema is as one that is not set: it is how programs take it back. Thread class: one at a time.
 */
#include "adbc/driver/ingest.h"

#include <stdlib.h>

static bool is_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

AdbcStatusCode adbc_ingest_check(const struct adbc_statement *statement, struct AdbcError *error)
{
    const struct adbc_ingest *ingest = &statement->ingest;
    if (!adbc_bound_has_rows(&statement->bound)) {
        return adbc_fail(error, ADBC_STATUS_INVALID_STATE,
                         "no rows are bound to be put into the table '%s'", ingest->table);
    }
    if (ingest->is_temporary && (is_given(ingest->catalog) || is_given(ingest->db_schema))) {
        return adbc_fail(error, ADBC_STATUS_INVALID_STATE,
                         "a temporary table has no catalog or schema of its own");
    }
    return ADBC_STATUS_OK;
}

AdbcStatusCode adbc_ingest_run(struct adbc_statement *statement, struct adbc_call *call,
                               int64_t *ret_row_count, struct AdbcError *error)
{
    const struct adbc_ingest *ingest = &statement->ingest;
    struct cflight_sql_ingest_target target = {.if_missing = ingest->if_missing,
                                               .if_exists = ingest->if_exists,
                                               .temporary = ingest->is_temporary};
    struct cflight_sql_option *options = NULL;
    struct ArrowArrayStream rows;
    cflight_error *cause = NULL;
    target.name.table = cflight_bytes_from_text(ingest->table);
    target.name.catalog =
        cflight_bytes_from_text(is_given(ingest->catalog) ? ingest->catalog : NULL);
    target.name.db_schema =
        cflight_bytes_from_text(is_given(ingest->db_schema) ? ingest->db_schema : NULL);
    if (ingest->options.count > 0) {
        options = calloc(ingest->options.count, sizeof *options);
        if (options == NULL) {
            return adbc_fail_no_memory(error);
        }
    }
    for (size_t i = 0; i < ingest->options.count; i++) {
        options[i].name = ingest->options.items[i].name;
        options[i].value = ingest->options.items[i].value;
    }
    target.options = options;
    target.option_count = ingest->options.count;
    adbc_bound_open(&statement->bound, &rows);
    cflight_status status = cflight_sql_ingest(statement->connection->link.client, &target, &rows,
                                               &call->update, ret_row_count, &cause);
    rows.release(&rows);
    free(options);
    return adbc_outcome(status, cause, error);
}
