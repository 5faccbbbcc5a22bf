/* SPDX-License-Identifier: Apache-2.0 */
/* What the servers of the scenarios of Flight SQL share. Thread class: free. */
#include "integration/sql_answers.h"

#include "integration/batches.h"
#include "integration/info.h"
#include "integration/sql_values.h"

cflight_status itg_sql_refuse(const char *what, const char *problem, cflight_error **reterr)
{
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s: %s", what, problem);
}

static cflight_status check_row(const struct itg_batches *rows, cflight_error **reterr)
{
    struct ArrowSchema expected;

    cflight_status status = itg_sql_query_schema(false, &expected, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (!cflight_schema_equal(&rows->schema, &expected, true)) {
        status = itg_sql_refuse("the bound rows", "another schema", reterr);
    } else if (itg_batches_row_count(rows) != 1) {
        status = itg_sql_refuse("the bound rows", "not exactly one", reterr);
    }
    expected.release(&expected);
    return status;
}

cflight_status itg_sql_check_parameters(struct ArrowArrayStream *rows, cflight_error **reterr)
{
    struct itg_batches found = {.count = 0};

    cflight_status status = itg_batches_read_stream(&found, rows, "the bound rows", reterr);
    if (status == CFLIGHT_OK) {
        status = check_row(&found, reterr);
    }
    itg_batches_done(&found);
    rows->release(rows);
    return status;
}

cflight_status itg_sql_respond_info(cflight_response *response,
                                    const struct cflight_descriptor *descriptor,
                                    const struct ArrowSchema *schema, struct cflight_bytes ticket,
                                    cflight_error **reterr)
{
    const struct cflight_endpoint endpoint = {.ticket = ticket};
    const struct cflight_info info = {.descriptor = *descriptor,
                                      .endpoints = &endpoint,
                                      .endpoint_count = 1,
                                      .total_records = -1,
                                      .total_bytes = -1};

    return itg_respond_info(response, schema, &info, reterr);
}

cflight_status itg_sql_respond_put(cflight_metadata_writer *writer,
                                   const struct cflight_sql_message *message,
                                   cflight_error **reterr)
{
    cflight_buffer *bytes = NULL;

    cflight_status status = cflight_sql_message_serialize(message, &bytes, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_metadata_writer_write(writer, cflight_buffer_bytes(bytes), reterr);
    }
    cflight_buffer_unref(bytes);
    return status;
}

cflight_status itg_sql_respond_count(cflight_metadata_writer *writer, int64_t row_count,
                                     cflight_error **reterr)
{
    const struct cflight_sql_message answer = {.type = CFLIGHT_SQL_UPDATE_RESULT,
                                               .record_count = row_count};
    return itg_sql_respond_put(writer, &answer, reterr);
}

cflight_status itg_sql_write_info(const cflight_sql_info *info,
                                  const struct cflight_sql_message *command, cflight_writer *writer,
                                  cflight_error **reterr)
{
    struct ArrowSchema schema;
    struct ArrowArray batch;

    cflight_status status = cflight_sql_result_schema(command, &schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cflight_sql_info_batch(info, command->sql_info.codes, command->sql_info.code_count,
                                    &batch, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_begin(writer, &schema, NULL, reterr);
        if (status == CFLIGHT_OK) {
            status = cflight_writer_write(writer, &batch, NULL, reterr);
        }
        batch.release(&batch);
    }
    schema.release(&schema);
    return status;
}
