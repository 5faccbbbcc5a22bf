/* SPDX-License-Identifier: Apache-2.0 */
/* What a client of Flight SQL sends, with a client of Flight. */
#include "sql_engine.h"
#include "test.h"

cflight_client *t_sql_client(const struct t_engine *engine, cflight_cookie_jar *jar)
{
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct cflight_client_middleware middleware;
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    if (jar != NULL) {
        cflight_cookie_jar_middleware(jar, &middleware);
        options.middleware = &middleware;
        options.middleware_count = 1;
    }
    const char *location = cflight_server_location(cflight_sql_server_flight(engine->server));
    CHECK_OK(cflight_client_new(location, &options, &client, &error), error);
    return client;
}

cflight_buffer *t_sql_pack(const struct cflight_sql_message *message)
{
    cflight_buffer *bytes = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cflight_sql_message_pack(message, &bytes, &error), error);
    return bytes;
}

struct cflight_sql_message t_query(const char *text)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_STATEMENT_QUERY};
    message.statement.query = t_text(text);
    return message;
}

struct cflight_sql_message t_update(const char *text)
{
    struct cflight_sql_message message = t_query(text);
    message.type = CFLIGHT_SQL_STATEMENT_UPDATE;
    return message;
}

static struct cflight_descriptor descriptor_of(const cflight_buffer *bytes)
{
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
    descriptor.cmd = cflight_buffer_bytes(bytes);
    return descriptor;
}

/* ---- users ---- */

static cflight_status take_user(void *user_data, cflight_server_context *context,
                                struct cflight_bytes token, cflight_buffer **ret_identity,
                                cflight_error **reterr)
{
    (void)user_data;
    (void)token;
    return cflight_buffer_new_copy(cflight_server_context_header(context, "x-user"), ret_identity,
                                   reterr);
}

void t_sql_take_users(struct cflight_server_auth *auth)
{
    const struct cflight_server_auth empty = CFLIGHT_SERVER_AUTH_INIT;
    *auth = empty;
    auth->is_valid = take_user;
}

/* Options of a call as this user; NULL is nobody. */
static void be_user(const char *user, struct cflight_header *header,
                    struct cflight_call_options *options)
{
    const struct cflight_call_options none = CFLIGHT_CALL_OPTIONS_INIT;
    *options = none;
    if (user != NULL) {
        header->name = t_text("x-user");
        header->value = t_text(user);
        options->headers = header;
        options->header_count = 1;
    }
}

/* ---- queries ---- */

cflight_status t_sql_info_as(cflight_client *client, const char *user,
                             const struct cflight_sql_message *message,
                             struct cflight_info **ret_info, cflight_error **reterr)
{
    cflight_buffer *bytes = t_sql_pack(message);
    struct cflight_descriptor descriptor = descriptor_of(bytes);
    struct cflight_call_options options;
    struct cflight_header header;
    be_user(user, &header, &options);
    cflight_status status =
        cflight_client_get_flight_info(client, &descriptor, &options, ret_info, reterr);
    cflight_buffer_unref(bytes);
    return status;
}

cflight_status t_sql_info(cflight_client *client, const struct cflight_sql_message *message,
                          struct cflight_info **ret_info, cflight_error **reterr)
{
    return t_sql_info_as(client, NULL, message, ret_info, reterr);
}

static void add(const struct ArrowArray *batch, struct t_sum *sum)
{
    sum->row_count += batch->length;
    if (batch->n_children > 0 && batch->children[0]->n_buffers == 2) {
        const int64_t *values = batch->children[0]->buffers[1];
        for (int64_t i = 0; i < batch->length; i++) {
            sum->sum += values[batch->children[0]->offset + i];
        }
    }
}

cflight_status t_sql_fetch(cflight_client *client, const struct cflight_info *info, size_t endpoint,
                           struct t_sum *ret_sum, cflight_error **reterr)
{
    assert_true(endpoint < info->endpoint_count);
    return t_sql_get_as(client, NULL, info->endpoints[endpoint].ticket, ret_sum, reterr);
}

cflight_status t_sql_get_as(cflight_client *client, const char *user, struct cflight_bytes ticket,
                            struct t_sum *ret_sum, cflight_error **reterr)
{
    cflight_reader *reader = NULL;
    struct t_sum sum = {0, 0};
    struct cflight_call_options options;
    struct cflight_header header;
    be_user(user, &header, &options);
    cflight_status status = cflight_client_do_get(client, ticket, &options, &reader, reterr);
    bool is_over = false;
    while (status == CFLIGHT_OK && !is_over) {
        struct cflight_chunk chunk;
        status = cflight_reader_next(reader, &chunk, reterr);
        if (status == CFLIGHT_OK) {
            is_over = chunk.is_end;
            if (chunk.has_batch) {
                add(&chunk.batch, &sum);
            }
            cflight_chunk_release(&chunk);
        }
    }
    cflight_reader_free(reader);
    *ret_sum = sum;
    return status;
}

cflight_status t_sql_rows(cflight_client *client, const char *text, struct t_sum *ret_sum,
                          cflight_error **reterr)
{
    struct cflight_sql_message message = t_query(text);
    struct cflight_info *info = NULL;
    cflight_status status = t_sql_info(client, &message, &info, reterr);
    if (status == CFLIGHT_OK) {
        status = t_sql_fetch(client, info, 0, ret_sum, reterr);
    }
    cflight_info_free(info);
    return status;
}

cflight_status t_sql_put(cflight_client *client, const struct cflight_sql_message *message,
                         const int64_t *values, size_t value_count, cflight_buffer **ret_bytes,
                         cflight_error **reterr)
{
    static const struct cflight_field FIELDS[] = {{.name = "0", .format = "l"}};
    struct ArrowSchema schema;
    struct ArrowArray batch;
    cflight_builder *builder = NULL;
    cflight_writer *writer = NULL;
    cflight_metadata_reader *reader = NULL;
    cflight_buffer *bytes = t_sql_pack(message);
    struct cflight_descriptor descriptor = descriptor_of(bytes);
    CHECK_OK(cflight_schema_new(FIELDS, values == NULL ? 0 : 1, &schema, NULL), NULL);
    cflight_status status =
        cflight_client_do_put(client, &descriptor, &schema, NULL, &writer, &reader, reterr);
    if (status == CFLIGHT_OK && value_count > 0) {
        CHECK_OK(cflight_builder_new(&schema, NULL, &builder, NULL), NULL);
        for (size_t i = 0; i < value_count; i++) {
            cflight_append_int(cflight_builder_column(builder, 0), values[i]);
            cflight_builder_end_row(builder);
        }
        CHECK_OK(cflight_builder_finish(builder, &batch, NULL), NULL);
        status = cflight_writer_write(writer, &batch, NULL, reterr);
        batch.release(&batch);
        cflight_builder_free(builder);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_done_writing(writer, reterr);
    }
    *ret_bytes = NULL;
    if (status == CFLIGHT_OK) {
        status = cflight_metadata_reader_next(reader, ret_bytes, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_close(writer, reterr);
    }
    cflight_metadata_reader_free(reader);
    cflight_writer_free(writer);
    schema.release(&schema);
    cflight_buffer_unref(bytes);
    return status;
}

int64_t t_sql_update(cflight_client *client, const struct cflight_sql_message *message,
                     cflight_error **reterr)
{
    cflight_buffer *bytes = NULL;
    struct cflight_sql_message *result = NULL;
    int64_t row_count = -100;
    if (t_sql_put(client, message, NULL, 0, &bytes, reterr) == CFLIGHT_OK) {
        assert_non_null(bytes);
        CHECK_OK(cflight_sql_message_parse(CFLIGHT_SQL_UPDATE_RESULT, cflight_buffer_bytes(bytes),
                                           &result, NULL),
                 NULL);
        row_count = result->record_count;
    }
    cflight_sql_message_free(result);
    cflight_buffer_unref(bytes);
    return row_count;
}

int64_t t_sql_run(cflight_client *client, const char *text, struct cflight_bytes transaction_id)
{
    struct cflight_sql_message message = t_update(text);
    cflight_error *error = NULL;
    message.statement.transaction_id = transaction_id;
    int64_t row_count = t_sql_update(client, &message, &error);
    if (error != NULL) {
        fail_msg("%s: %s", text, cflight_error_message(error));
    }
    return row_count;
}

cflight_status t_sql_action(cflight_client *client, const char *name,
                            const struct cflight_sql_message *message,
                            struct cflight_sql_message **ret_result, cflight_error **reterr)
{
    cflight_buffer *bytes = t_sql_pack(message);
    struct cflight_action action = {t_text(name), cflight_buffer_bytes(bytes)};
    cflight_result_stream *stream = NULL;
    cflight_buffer *body = NULL;
    bool is_over = false;
    *ret_result = NULL;
    cflight_status status = cflight_client_do_action(client, &action, NULL, &stream, reterr);
    while (status == CFLIGHT_OK && !is_over) {
        status = cflight_result_stream_next(stream, &body, reterr);
        is_over = status != CFLIGHT_OK || body == NULL;
        if (!is_over) {
            assert_null(*ret_result);
            CHECK_OK(cflight_sql_message_unpack(cflight_buffer_bytes(body), ret_result, NULL),
                     NULL);
            cflight_buffer_unref(body);
        }
    }
    cflight_result_stream_free(stream);
    cflight_buffer_unref(bytes);
    return status;
}

struct cflight_sql_message *t_sql_prepare(cflight_client *client, const char *text,
                                          struct cflight_bytes transaction_id)
{
    struct cflight_sql_message request = t_query(text);
    struct cflight_sql_message *result = NULL;
    cflight_error *error = NULL;
    request.type = CFLIGHT_SQL_CREATE_PREPARED_STATEMENT;
    request.statement.transaction_id = transaction_id;
    CHECK_OK(
        t_sql_action(client, CFLIGHT_ACTION_CREATE_PREPARED_STATEMENT, &request, &result, &error),
        error);
    assert_non_null(result);
    return result;
}

struct cflight_sql_message *t_sql_begin(cflight_client *client)
{
    struct cflight_sql_message request = {.type = CFLIGHT_SQL_BEGIN_TRANSACTION};
    struct cflight_sql_message *result = NULL;
    cflight_error *error = NULL;
    CHECK_OK(t_sql_action(client, CFLIGHT_ACTION_BEGIN_TRANSACTION, &request, &result, &error),
             error);
    assert_non_null(result);
    return result;
}

cflight_status t_sql_end(cflight_client *client, struct cflight_bytes id,
                         enum cflight_sql_end_action action, cflight_error **reterr)
{
    struct cflight_sql_message request = {.type = CFLIGHT_SQL_END_TRANSACTION};
    struct cflight_sql_message *result = NULL;
    request.end.id = id;
    request.end.action = action;
    cflight_status status =
        t_sql_action(client, CFLIGHT_ACTION_END_TRANSACTION, &request, &result, reterr);
    cflight_sql_message_free(result);
    return status;
}
