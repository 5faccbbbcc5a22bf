/* SPDX-License-Identifier: Apache-2.0 */
/* The service's answers to Flight SQL. */
#include "guide/weather_sql.h"

#include "guide/weather.h"

static cflight_status write_table(cflight_writer *writer, cflight_error **reterr)
{
    struct weather weather;
    weather_init(&weather);
    cflight_status status = cflight_writer_begin(writer, &weather.schema, NULL, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_write(writer, &weather.batch, NULL, reterr);
    }
    return status;
}

static cflight_status list_table(const struct ArrowSchema *schema, struct ArrowArray *ret_batch,
                                 cflight_error **reterr)
{
    struct weather weather;
    cflight_builder *builder = NULL;
    cflight_buffer *bytes = NULL;
    weather_init(&weather);
    cflight_status status = cflight_ipc_schema_serialize(&weather.schema, &bytes, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_builder_new(schema, NULL, &builder, reterr);
    }
    if (status == CFLIGHT_OK) {
        cflight_append_null(cflight_builder_column(builder, 0));
        cflight_append_null(cflight_builder_column(builder, 1));
        cflight_append_text(cflight_builder_column(builder, 2), "weather");
        cflight_append_text(cflight_builder_column(builder, 3), "TABLE");
        cflight_append_bytes(cflight_builder_column(builder, 4), cflight_buffer_bytes(bytes));
        cflight_builder_end_row(builder);
        status = cflight_builder_finish(builder, ret_batch, reterr);
    }
    cflight_builder_free(builder);
    cflight_buffer_unref(bytes);
    return status;
}

static cflight_status tell(const struct cflight_sql_info_codes *codes, struct ArrowArray *ret_batch,
                           cflight_error **reterr)
{
    cflight_sql_info *info = NULL;
    cflight_status status = cflight_sql_info_new(&info, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_sql_info_set_text(info, CFLIGHT_SQL_INFO_SERVER_NAME,
                                           cflight_bytes_from_text("weather"), reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_sql_info_batch(info, codes->codes, codes->code_count, ret_batch, reterr);
    }
    cflight_sql_info_free(info);
    return status;
}

cflight_status weather_sql_get(struct cflight_bytes ticket, cflight_writer *writer,
                               cflight_error **reterr)
{
    struct ArrowSchema schema;
    struct ArrowArray batch = {.release = NULL};
    struct cflight_sql_message *command = NULL;
    cflight_status status = cflight_sql_message_unpack(ticket, &command, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (cflight_sql_result_schema(command, &schema, NULL) != CFLIGHT_OK) {
        cflight_sql_message_free(command);
        return write_table(writer, reterr);
    }
    status = cflight_writer_begin(writer, &schema, NULL, reterr);
    if (status == CFLIGHT_OK && command->type == CFLIGHT_SQL_GET_TABLES) {
        status = list_table(&schema, &batch, reterr);
    } else if (status == CFLIGHT_OK && command->type == CFLIGHT_SQL_GET_SQL_INFO) {
        status = tell(&command->sql_info, &batch, reterr);
    }
    if (status == CFLIGHT_OK && batch.release != NULL) {
        status = cflight_writer_write(writer, &batch, NULL, reterr);
    }
    if (batch.release != NULL) {
        batch.release(&batch);
    }
    schema.release(&schema);
    cflight_sql_message_free(command);
    return status;
}

cflight_status weather_sql_put(struct cflight_bytes command, cflight_metadata_writer *writer,
                               cflight_error **reterr)
{
    struct cflight_sql_message answer = {.type = CFLIGHT_SQL_UPDATE_RESULT, .record_count = 1};
    cflight_buffer *bytes = NULL;
    if (cflight_sql_type_of(command) == CFLIGHT_SQL_PREPARED_STATEMENT_QUERY) {
        answer.type = CFLIGHT_SQL_PREPARED_PUT_RESULT;
        answer.handle = cflight_bytes_from_text("1");
    }
    cflight_status status = cflight_sql_message_serialize(&answer, &bytes, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_metadata_writer_write(writer, cflight_buffer_bytes(bytes), reterr);
    }
    cflight_buffer_unref(bytes);
    return status;
}

cflight_status weather_sql_act(const struct cflight_action *action, cflight_response *response,
                               cflight_error **reterr)
{
    struct cflight_sql_message answer = {.type = CFLIGHT_SQL_NONE};
    cflight_buffer *bytes = NULL;
    enum cflight_sql_type type = cflight_sql_type_of(action->body);
    if (type == CFLIGHT_SQL_CREATE_PREPARED_STATEMENT) {
        answer.type = CFLIGHT_SQL_CREATE_PREPARED_RESULT;
        answer.prepared.handle = cflight_bytes_from_text("1");
    } else if (type == CFLIGHT_SQL_BEGIN_TRANSACTION || type == CFLIGHT_SQL_BEGIN_SAVEPOINT) {
        answer.type = type == CFLIGHT_SQL_BEGIN_TRANSACTION ? CFLIGHT_SQL_BEGIN_TRANSACTION_RESULT
                                                            : CFLIGHT_SQL_BEGIN_SAVEPOINT_RESULT;
        answer.handle = cflight_bytes_from_text("1");
    } else {
        return CFLIGHT_OK;
    }
    cflight_status status = cflight_sql_message_pack(&answer, &bytes, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_response_result(response, cflight_buffer_bytes(bytes), reterr);
    }
    cflight_buffer_unref(bytes);
    return status;
}
