/* SPDX-License-Identifier: Apache-2.0 */
/* Results by parts. Thread class: one at a time. */
#include "adbc/driver/partitions.h"

#include "adbc/driver/execute.h"
#include "adbc/driver/incremental.h"
#include "adbc/driver/partition_list.h"
#include "adbc/driver/result.h"

/* What is to be run, as a command: the prepared statement where there is one to be. */
static AdbcStatusCode command_of(struct adbc_statement *statement, struct adbc_call *call,
                                 struct cflight_sql_message *ret_command, struct AdbcError *error)
{
    *ret_command = adbc_statement_command(statement);
    if (!adbc_statement_wants_prepared(statement)) {
        return ADBC_STATUS_OK;
    }
    AdbcStatusCode code = adbc_statement_prepare_for(statement, call, error);
    if (code == ADBC_STATUS_OK) {
        code = adbc_statement_send_bound(statement, call, error);
    }
    if (code == ADBC_STATUS_OK) {
        ret_command->type = CFLIGHT_SQL_PREPARED_STATEMENT_QUERY;
        ret_command->handle = cflight_sql_statement_handle(statement->prepared);
    }
    return code;
}

static AdbcStatusCode all_at_once(struct adbc_statement *statement, struct adbc_call *call,
                                  const struct cflight_sql_message *command,
                                  struct ArrowSchema *ret_schema,
                                  struct AdbcPartitions *ret_partitions, int64_t *ret_row_count,
                                  struct AdbcError *error)
{
    struct cflight_info *info = NULL;
    cflight_error *cause = NULL;
    AdbcStatusCode code = ADBC_STATUS_OK;
    if (cflight_sql_get_info(statement->connection->link.client, command, &call->query, &info,
                             &cause) != CFLIGHT_OK) {
        return adbc_fail_by(error, cause);
    }
    if (ret_schema != NULL) {
        code = adbc_info_schema(info, ret_schema, error);
    }
    if (code == ADBC_STATUS_OK) {
        code = adbc_partitions_of(info, 0, ret_partitions, error);
    }
    if (code != ADBC_STATUS_OK && ret_schema != NULL && ret_schema->release != NULL) {
        ret_schema->release(ret_schema);
    }
    *ret_row_count = info->total_records;
    cflight_info_free(info);
    return code;
}

AdbcStatusCode adbc_statement_execute_partitions(struct AdbcStatement *statement,
                                                 struct ArrowSchema *ret_schema,
                                                 struct AdbcPartitions *ret_partitions,
                                                 int64_t *ret_row_count, struct AdbcError *error)
{
    struct adbc_call *call = NULL;
    struct cflight_sql_message command;
    int64_t row_count = -1;
    struct adbc_statement *self = NULL;
    AdbcStatusCode code = adbc_statement_begin_query(statement, &self, &call, error);
    if (code == ADBC_STATUS_OK) {
        self->bound_is_used = true;
        code = command_of(self, call, &command, error);
    }
    if (code == ADBC_STATUS_OK) {
        code = self->incremental.is_on ? adbc_incremental_next(self, call, &command, ret_schema,
                                                               ret_partitions, &row_count, error)
                                       : all_at_once(self, call, &command, ret_schema,
                                                     ret_partitions, &row_count, error);
    }
    adbc_call_end(call);
    if (code == ADBC_STATUS_OK && ret_row_count != NULL) {
        *ret_row_count = row_count;
    }
    return code;
}

AdbcStatusCode adbc_connection_read_partition(struct AdbcConnection *connection,
                                              const uint8_t *partition, size_t len_bytes,
                                              struct ArrowArrayStream *ret_stream,
                                              struct AdbcError *error)
{
    struct adbc_call *call = NULL;
    struct cflight_info *info = NULL;
    cflight_error *cause = NULL;
    struct adbc_connection *self = adbc_connection_of(connection, error);
    if (self == NULL) {
        return ADBC_STATUS_INVALID_STATE;
    }
    if (partition == NULL || len_bytes == 0) {
        return adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT, "the partition is empty");
    }
    if (cflight_info_parse(cflight_bytes_make(partition, len_bytes), &info, &cause) != CFLIGHT_OK) {
        return adbc_fail_by(error, cause);
    }
    AdbcStatusCode code = ADBC_STATUS_OK;
    if (info->endpoint_count != 1) {
        code = adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT,
                         "a partition has one endpoint, this has %zu", info->endpoint_count);
    }
    if (code == ADBC_STATUS_OK) {
        code = adbc_connection_begin(self, &call, error);
    }
    if (code != ADBC_STATUS_OK) {
        cflight_info_free(info);
        return code;
    }
    code = adbc_result_fetch(call, self->link.client, info, ret_stream, error);
    if (code != ADBC_STATUS_OK) {
        adbc_call_end(call);
    }
    return code;
}
