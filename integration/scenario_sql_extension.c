/* SPDX-License-Identifier: Apache-2.0 */
/* flight_sql:extension, the server: Substrait plans, transactions, cancelling. Clients compare the
 * ids of transactions and savepoints with those of the scenario, and the kit makes its own; so this
 * one is written by hand, over the messages. It keeps nothing: what a handle stands for is in its
 * text. Thread class: free. */
#include "integration/scenario_sql.h"
#include "integration/sql_answers.h"
#include "integration/sql_facts.h"
#include "integration/sql_statements.h"
#include "integration/sql_values.h"

static cflight_status result_schema(const struct cflight_sql_message *message,
                                    const struct itg_sql_subject *subject,
                                    struct ArrowSchema *ret_schema, cflight_error **reterr)
{
    return subject->is_sql_info ? cflight_sql_result_schema(message, ret_schema, reterr)
                                : itg_sql_query_schema(subject->in_transaction, ret_schema, reterr);
}

/* ---- queries ---- */

/* Statements get a ticket of their own, other commands are theirs. */
static cflight_status respond_info(const struct cflight_sql_message *message,
                                   const struct itg_sql_subject *subject,
                                   const struct cflight_descriptor *descriptor,
                                   const struct ArrowSchema *schema, cflight_response *response,
                                   cflight_error **reterr)
{
    struct cflight_sql_message ticket = {.type = CFLIGHT_SQL_TICKET_STATEMENT_QUERY};
    cflight_buffer *bytes = NULL;

    if (subject->is_sql_info || message->type == CFLIGHT_SQL_PREPARED_STATEMENT_QUERY) {
        return itg_sql_respond_info(response, descriptor, schema, descriptor->cmd, reterr);
    }
    ticket.handle = itg_sql_handle_of(subject);
    cflight_status status = cflight_sql_message_pack(&ticket, &bytes, reterr);
    if (status == CFLIGHT_OK) {
        status =
            itg_sql_respond_info(response, descriptor, schema, cflight_buffer_bytes(bytes), reterr);
    }
    cflight_buffer_unref(bytes);
    return status;
}

static cflight_status describe(const struct cflight_descriptor *descriptor, bool only_schema,
                               cflight_response *response, cflight_error **reterr)
{
    struct cflight_sql_message *message = NULL;
    struct itg_sql_subject subject = {.statement = NULL};
    struct ArrowSchema schema = {.release = NULL};
    cflight_buffer *bytes = NULL;

    cflight_status status = cflight_sql_message_unpack(descriptor->cmd, &message, reterr);
    if (status == CFLIGHT_OK) {
        status = itg_sql_find(message, &subject, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = result_schema(message, &subject, &schema, reterr);
    }
    if (status == CFLIGHT_OK && !only_schema) {
        status = respond_info(message, &subject, descriptor, &schema, response, reterr);
    } else if (status == CFLIGHT_OK) {
        status = cflight_ipc_schema_serialize(&schema, &bytes, reterr);
        if (status == CFLIGHT_OK) {
            status = cflight_response_schema(response, cflight_buffer_bytes(bytes), reterr);
        }
    }
    cflight_buffer_unref(bytes);
    if (schema.release != NULL) {
        schema.release(&schema);
    }
    cflight_sql_message_free(message);
    return status;
}

static cflight_status get_flight_info(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr)
{
    (void)user_data;
    (void)context;
    return describe(descriptor, false, response, reterr);
}

static cflight_status get_schema(void *user_data, cflight_server_context *context,
                                 const struct cflight_descriptor *descriptor,
                                 cflight_response *response, cflight_error **reterr)
{
    (void)user_data;
    (void)context;
    return describe(descriptor, true, response, reterr);
}

static cflight_status write_no_rows(bool in_transaction, cflight_writer *writer,
                                    cflight_error **reterr)
{
    struct ArrowSchema schema;

    cflight_status status = itg_sql_query_schema(in_transaction, &schema, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_begin(writer, &schema, NULL, reterr);
        schema.release(&schema);
    }
    return status;
}

static cflight_status do_get(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr)
{
    struct cflight_sql_message *message = NULL;
    struct itg_sql_subject subject = {.statement = NULL};

    (void)context;
    cflight_status status = cflight_sql_message_unpack(ticket, &message, reterr);
    if (status == CFLIGHT_OK) {
        status = itg_sql_find(message, &subject, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = subject.is_sql_info ? itg_sql_write_info(user_data, message, writer, reterr)
                                     : write_no_rows(subject.in_transaction, writer, reterr);
    }
    cflight_sql_message_free(message);
    return status;
}

/* ---- uploads ---- */

static cflight_status bind(const struct cflight_sql_message *message, cflight_reader *reader,
                           cflight_metadata_writer *writer, cflight_error **reterr)
{
    const struct cflight_sql_message answer = {.type = CFLIGHT_SQL_PREPARED_PUT_RESULT,
                                               .handle = message->handle};
    struct itg_sql_subject subject = {.statement = NULL};
    struct ArrowArrayStream rows;

    cflight_status status =
        itg_sql_find_by_handle(message, ITG_SQL_USE_PREPARED_QUERY, &subject, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_reader_to_stream(reader, &rows, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = itg_sql_check_parameters(&rows, reterr);
    }
    return status == CFLIGHT_OK ? itg_sql_respond_put(writer, &answer, reterr) : status;
}

/* Answered without reading: some clients wait for the answer before they end their side. */
static cflight_status update(const struct cflight_sql_message *message,
                             cflight_metadata_writer *writer, cflight_error **reterr)
{
    bool is_prepared = message->type == CFLIGHT_SQL_PREPARED_STATEMENT_UPDATE;
    struct itg_sql_subject subject = {.statement = NULL};

    cflight_status status =
        is_prepared ? itg_sql_find_by_handle(message, ITG_SQL_USE_PREPARED_UPDATE, &subject, reterr)
                    : itg_sql_find_by_text(message, ITG_SQL_USE_UPDATE, &subject, reterr);
    if (status == CFLIGHT_OK) {
        status = itg_sql_respond_count(
            writer, itg_sql_update_count(is_prepared, subject.in_transaction), reterr);
    }
    return status;
}

static cflight_status do_put(void *user_data, cflight_server_context *context,
                             const struct cflight_descriptor *descriptor, cflight_reader *reader,
                             cflight_metadata_writer *writer, cflight_error **reterr)
{
    struct cflight_sql_message *message = NULL;

    (void)user_data;
    (void)context;
    cflight_status status = cflight_sql_message_unpack(descriptor->cmd, &message, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    switch ((int)message->type) {
    case CFLIGHT_SQL_PREPARED_STATEMENT_QUERY:
        status = bind(message, reader, writer, reterr);
        break;
    case CFLIGHT_SQL_STATEMENT_UPDATE:
    case CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN:
    case CFLIGHT_SQL_PREPARED_STATEMENT_UPDATE:
        status = update(message, writer, reterr);
        break;
    default:
        status =
            itg_sql_refuse(cflight_sql_type_name(message->type), "not of the scenario", reterr);
    }
    cflight_sql_message_free(message);
    return status;
}

static cflight_status make_service(struct itg_service *service, cflight_error **reterr)
{
    service->handlers.get_flight_info = get_flight_info;
    service->handlers.get_schema = get_schema;
    service->handlers.do_get = do_get;
    service->handlers.do_put = do_put;
    service->handlers.do_action = itg_sql_do_action;
    return itg_sql_facts_serve(&itg_sql_extension_facts, service, reterr);
}

const struct itg_scenario itg_flight_sql_extension = {"flight_sql:extension", make_service,
                                                      itg_sql_extension_run_client};
