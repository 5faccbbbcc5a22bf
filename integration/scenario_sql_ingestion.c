/* SPDX-License-Identifier: Apache-2.0 */
/* flight_sql:ingestion: rows for a table. The transaction is one that nobody has begun, which the
 * kit would not take; so the server is written by hand. Thread class: free. */
#include "integration/batches.h"
#include "integration/scenario.h"
#include "integration/sql_answers.h"
#include "integration/sql_checks.h"
#include "integration/sql_facts.h"
#include "integration/sql_values.h"

/* ---- the server ---- */

static bool has_option(const struct cflight_sql_ingest_target *target,
                       const struct cflight_sql_option *expected)
{
    for (size_t i = 0; i < target->option_count; i++) {
        if (cflight_bytes_equal(target->options[i].name, expected->name)) {
            return cflight_bytes_equal(target->options[i].value, expected->value);
        }
    }
    return false;
}

static cflight_status check_target(const struct cflight_sql_ingest_target *target,
                                   cflight_error **reterr)
{
    const struct cflight_sql_ingest_target *expected = &itg_sql_ingest_target;
    bool has_options = target->option_count == expected->option_count;

    for (size_t i = 0; i < expected->option_count; i++) {
        has_options = has_options && has_option(target, &expected->options[i]);
    }
    if (target->if_missing != expected->if_missing || target->if_exists != expected->if_exists) {
        return itg_sql_refuse("the ingest", "another mode", reterr);
    }
    if (!itg_sql_same_name(&target->name, &expected->name)) {
        return itg_sql_refuse("the ingest", "another table", reterr);
    }
    if (!target->temporary) {
        return itg_sql_refuse("the ingest", "not for a temporary table", reterr);
    }
    if (!cflight_bytes_equal(target->transaction_id, expected->transaction_id)) {
        return itg_sql_refuse("the ingest", "another transaction", reterr);
    }
    return has_options ? CFLIGHT_OK : itg_sql_refuse("the ingest", "other options", reterr);
}

static cflight_status count_rows(cflight_reader *reader, int64_t *ret_count, cflight_error **reterr)
{
    struct itg_batches found = {.count = 0};
    struct ArrowSchema expected;
    struct ArrowArrayStream rows;

    cflight_status status = itg_sql_ingest_schema(&expected, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cflight_reader_to_stream(reader, &rows, reterr);
    if (status == CFLIGHT_OK) {
        status = itg_batches_read_stream(&found, &rows, "the upload", reterr);
        if (status == CFLIGHT_OK && !cflight_schema_equal(&found.schema, &expected, true)) {
            status = itg_sql_refuse("the upload", "another schema", reterr);
        }
        *ret_count = itg_batches_row_count(&found);
        itg_batches_done(&found);
        rows.release(&rows);
    }
    expected.release(&expected);
    return status;
}

static cflight_status do_put(void *user_data, cflight_server_context *context,
                             const struct cflight_descriptor *descriptor, cflight_reader *reader,
                             cflight_metadata_writer *writer, cflight_error **reterr)
{
    struct cflight_sql_message *message = NULL;
    int64_t count = 0;

    (void)user_data;
    (void)context;
    cflight_status status = cflight_sql_message_unpack(descriptor->cmd, &message, reterr);
    if (status == CFLIGHT_OK) {
        status = message->type == CFLIGHT_SQL_STATEMENT_INGEST
                     ? check_target(&message->ingest, reterr)
                     : itg_sql_refuse("the upload", "not for an ingest", reterr);
    }
    if (status == CFLIGHT_OK) {
        status = count_rows(reader, &count, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = itg_sql_respond_count(writer, count, reterr);
    }
    cflight_sql_message_free(message);
    return status;
}

static cflight_status read_sql_info(struct cflight_bytes any,
                                    struct cflight_sql_message **ret_message,
                                    cflight_error **reterr)
{
    cflight_status status = cflight_sql_message_unpack(any, ret_message, reterr);
    if (status == CFLIGHT_OK && (*ret_message)->type != CFLIGHT_SQL_GET_SQL_INFO) {
        status = itg_sql_refuse(cflight_sql_type_name((*ret_message)->type), "not of the scenario",
                                reterr);
    }
    return status;
}

static cflight_status get_flight_info(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr)
{
    struct cflight_sql_message *message = NULL;
    struct ArrowSchema schema;

    (void)user_data;
    (void)context;
    cflight_status status = read_sql_info(descriptor->cmd, &message, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_sql_result_schema(message, &schema, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = itg_sql_respond_info(response, descriptor, &schema, descriptor->cmd, reterr);
        schema.release(&schema);
    }
    cflight_sql_message_free(message);
    return status;
}

static cflight_status do_get(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr)
{
    struct cflight_sql_message *message = NULL;

    (void)context;
    cflight_status status = read_sql_info(ticket, &message, reterr);
    if (status == CFLIGHT_OK) {
        status = itg_sql_write_info(user_data, message, writer, reterr);
    }
    cflight_sql_message_free(message);
    return status;
}

static cflight_status make_service(struct itg_service *service, cflight_error **reterr)
{
    service->handlers.get_flight_info = get_flight_info;
    service->handlers.do_get = do_get;
    service->handlers.do_put = do_put;
    return itg_sql_facts_serve(&itg_sql_ingestion_facts, service, reterr);
}

/* ---- the client ---- */

static cflight_status make_rows(struct ArrowArrayStream *ret_rows, cflight_error **reterr)
{
    struct ArrowSchema schema;

    cflight_status status = itg_sql_ingest_schema(&schema, reterr);
    if (status == CFLIGHT_OK) {
        status = itg_sql_make_rows(&schema, NULL, ITG_SQL_INGEST_ROWS, ret_rows, reterr);
        schema.release(&schema);
    }
    return status;
}

static cflight_status check_ingest(cflight_client *client, cflight_error **reterr)
{
    const struct cflight_sql_options options = itg_sql_options();
    struct ArrowArrayStream rows;
    int64_t count = 0;

    cflight_status status = make_rows(&rows, reterr);
    if (status == CFLIGHT_OK) {
        status =
            cflight_sql_ingest(client, &itg_sql_ingest_target, &rows, &options, &count, reterr);
        rows.release(&rows);
    }
    return status == CFLIGHT_OK
               ? itg_sql_expect_count(count, ITG_SQL_INGEST_ROWS, "an ingest", reterr)
               : status;
}

static cflight_status run_client(const struct itg_target *target, cflight_error **reterr)
{
    cflight_client *client = NULL;

    cflight_status status = cflight_client_new(target->location, NULL, &client, reterr);
    if (status == CFLIGHT_OK) {
        status = check_ingest(client, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = itg_sql_check_facts(client, &itg_sql_ingestion_facts, reterr);
    }
    cflight_client_free(client);
    return status;
}

const struct itg_scenario itg_flight_sql_ingestion = {"flight_sql:ingestion", make_service,
                                                      run_client};
