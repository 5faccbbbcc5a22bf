/* SPDX-License-Identifier: Apache-2.0 */
/* Results in parts, from drivers of databases that run on several machines. The first query finds
 * out whether this driver has them. Thread class: one at a time, with the turn of the session. ADBC
 * 1.1, ExecutePartitions, ReadPartition. */
#include "adbc/gateway/partitions.h"

#include <string.h>

#include "adbc/gateway/rows.h"
#include "cflight/schema.h"

static int64_t limit_ms(const struct gateway *gateway)
{
    return gateway->query_ms > 0 ? gateway->query_ms : -1;
}

static cflight_status give_partitions(const struct ArrowSchema *schema,
                                      const struct AdbcPartitions *partitions,
                                      cflight_sql_execution *execution, cflight_error **reterr)
{
    struct ArrowSchema copy;
    cflight_status status =
        schema->release == NULL
            ? cflight_error_set_message(reterr, CFLIGHT_INTERNAL,
                                        "the driver has given partitions without a schema")
            : cflight_schema_copy(schema, &copy, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    for (size_t i = 0; i < partitions->num_partitions && status == CFLIGHT_OK; i++) {
        struct cflight_bytes name =
            cflight_bytes_make(partitions->partitions[i], partitions->partition_lengths[i]);
        status = cflight_sql_execution_add_partition(execution, &copy, name, NULL, 0, reterr);
    }
    copy.release(&copy);
    return status;
}

cflight_status gateway_run_partitions(struct gateway_statement *statement,
                                      cflight_sql_execution *execution, bool *ret_is_done,
                                      cflight_error **reterr)
{
    struct gateway_session *session = statement->session;
    struct gateway *gateway = session->gateway;
    struct AdbcError error = gateway_error_init(&gateway->driver);
    struct AdbcPartitions partitions;
    struct ArrowSchema schema;
    struct gateway_run run;
    int64_t row_count = -1;
    if (session->is_in_transaction || session->connection->is_dirty ||
        atomic_load(&gateway->has_no_partitions)) {
        return CFLIGHT_OK;
    }
    memset(&partitions, 0, sizeof partitions);
    memset(&schema, 0, sizeof schema);
    gateway_run_begin(&run, session, &statement->adbc, limit_ms(gateway));
    AdbcStatusCode code = gateway->driver.table.StatementExecutePartitions(
        &statement->adbc, &schema, &partitions, &row_count, &error);
    bool is_late = gateway_run_end(&run);
    cflight_status status = CFLIGHT_OK;
    *ret_is_done = code != ADBC_STATUS_NOT_IMPLEMENTED;
    if (!*ret_is_done) {
        atomic_store(&gateway->has_no_partitions, true);
        gateway_error_release(&error);
    } else if (is_late) {
        gateway_error_release(&error);
        status = gateway_fail_late(gateway, reterr);
    } else {
        status = gateway_fail(code, &error, NULL, reterr);
    }
    if (status == CFLIGHT_OK && *ret_is_done) {
        status = give_partitions(&schema, &partitions, execution, reterr);
        cflight_sql_execution_set_total(execution, row_count, -1);
    }
    if (schema.release != NULL) {
        schema.release(&schema);
    }
    if (partitions.release != NULL) {
        partitions.release(&partitions);
    }
    return status;
}

static cflight_status open_partition(struct gateway_session *session,
                                     struct cflight_bytes partition,
                                     struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    struct gateway *gateway = session->gateway;
    struct AdbcError error = gateway_error_init(&gateway->driver);
    struct gateway_run run;
    gateway_run_begin(&run, session, NULL, limit_ms(gateway));
    AdbcStatusCode code = gateway->driver.table.ConnectionReadPartition(
        &session->connection->adbc, partition.data, partition.len_bytes, ret_stream, &error);
    (void)gateway_run_end(&run);
    return gateway_fail(code, &error, NULL, reterr);
}

cflight_status gateway_read_partition(void *user_data, cflight_sql_call *call,
                                      struct cflight_bytes partition,
                                      struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    struct gateway_session *session = NULL;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    memset(&stream, 0, sizeof stream);
    memset(&schema, 0, sizeof schema);
    cflight_status status = gateway_session_of(user_data, call, &session, reterr);
    if (status == CFLIGHT_OK) {
        status = gateway_session_hold(session, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = open_partition(session, partition, &stream, reterr);
    if (status == CFLIGHT_OK) {
        status = gateway_stream_schema(session->gateway, &stream, &schema, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = gateway_rows_wrap(session, NULL, &stream, &schema, limit_ms(session->gateway),
                                   ret_stream, reterr);
    }
    if (schema.release != NULL) {
        schema.release(&schema);
    }
    if (stream.release != NULL) {
        stream.release(&stream);
    }
    gateway_session_drop(session);
    return status;
}
