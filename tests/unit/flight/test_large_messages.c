/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that are not FlightData, of sizes that once were too large, and what holds them. */
#include <stdlib.h>
#include <string.h>

#include "service.h"
#include "test.h"

/* ThreadSanitizer, which keeps shadows of all memory, looks at threads and not at sizes. */
#if defined(__SANITIZE_THREAD__)
enum { BIG_BYTES = 17 << 20 };
#else
enum { BIG_BYTES = 65 << 20 };
#endif

/* Memory of BIG_BYTES in which every position can be told from all others. */
static cflight_buffer *make_big(void)
{
    uint8_t *bytes = malloc(BIG_BYTES);
    cflight_buffer *buffer = NULL;
    assert_non_null(bytes);
    for (size_t i = 0; i < BIG_BYTES; i += sizeof i) {
        memcpy(bytes + i, &i, sizeof i);
    }
    CHECK_OK(cflight_buffer_new_copy(cflight_bytes_make(bytes, BIG_BYTES), &buffer, NULL), NULL);
    free(bytes);
    return buffer;
}

static cflight_status echo_action(void *user_data, cflight_server_context *context,
                                  const struct cflight_action *action, cflight_response *response,
                                  cflight_error **reterr)
{
    (void)user_data;
    (void)context;
    return cflight_response_result(response, action->body, reterr);
}

static cflight_status echo_info(void *user_data, cflight_server_context *context,
                                const struct cflight_descriptor *descriptor,
                                cflight_response *response, cflight_error **reterr)
{
    (void)user_data;
    (void)context;
    return t_answer_info(response, descriptor, reterr);
}

static cflight_status nothing(void *user_data, cflight_server_context *context,
                              struct cflight_bytes ticket, cflight_writer *writer,
                              cflight_error **reterr)
{
    (void)user_data;
    (void)context;
    (void)writer;
    return ticket.len_bytes == BIG_BYTES || ticket.len_bytes == 0
               ? CFLIGHT_OK
               : cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT, "another size");
}

static cflight_server *start(const struct cflight_server_options *options)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    cflight_server *server = NULL;
    cflight_error *error = NULL;
    handlers.do_action = echo_action;
    handlers.get_flight_info = echo_info;
    handlers.do_get = nothing;
    CHECK_OK(cflight_server_new("grpc://localhost:0", &handlers, options, &server, &error), error);
    return server;
}

static cflight_client *connect_to(cflight_server *server,
                                  const struct cflight_client_options *options)
{
    cflight_client *client = NULL;
    CHECK_OK(cflight_client_new(cflight_server_location(server), options, &client, NULL), NULL);
    return client;
}

static cflight_status act(cflight_client *client, struct cflight_bytes body,
                          cflight_buffer **ret_result, cflight_error **reterr)
{
    struct cflight_action action = {cflight_bytes_from_text("echo"), body};
    cflight_result_stream *stream = NULL;
    cflight_status status = cflight_client_do_action(client, &action, NULL, &stream, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_result_stream_next(stream, ret_result, reterr);
    }
    cflight_result_stream_free(stream);
    return status;
}

/* Goal: bodies of actions, results, descriptors, infos and tickets of any size arrive byte for
 * byte. Method: 65 MiB in each place, there and back. */
TEST(large_messages, every_kind_of_message_passes_64_mib)
{
    cflight_server *server = start(NULL);
    cflight_client *client = connect_to(server, NULL);
    cflight_buffer *big = make_big();
    cflight_buffer *result = NULL;
    cflight_error *error = NULL;
    CHECK_OK(act(client, cflight_buffer_bytes(big), &result, &error), error);
    assert_true(cflight_bytes_equal(cflight_buffer_bytes(result), cflight_buffer_bytes(big)));
    cflight_buffer_unref(result);

    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                            .cmd = cflight_buffer_bytes(big)};
    struct cflight_info *info = NULL;
    CHECK_OK(cflight_client_get_flight_info(client, &descriptor, NULL, &info, &error), error);
    assert_int_equal(info->endpoint_count, 1);
    assert_true(cflight_bytes_equal(info->endpoints[0].ticket, cflight_buffer_bytes(big)));
    assert_true(cflight_bytes_equal(info->descriptor.cmd, cflight_buffer_bytes(big)));
    cflight_info_free(info);

    cflight_reader *reader = NULL;
    struct cflight_chunk chunk;
    CHECK_OK(cflight_client_do_get(client, cflight_buffer_bytes(big), NULL, &reader, &error),
             error);
    CHECK_STATUS(cflight_reader_next(reader, &chunk, &error), CFLIGHT_NOT_FOUND);
    cflight_error_free(error);
    cflight_reader_free(reader);
    cflight_buffer_unref(big);
    cflight_client_free(client);
    cflight_server_free(server);
}

/* Goal: the limits on messages hold for these too, and the error carries both numbers. Method: a
 * limit of 1 MiB at the one end, then at the other. */
TEST(large_messages, message_bytes_max_holds_at_both_ends)
{
    enum { LIMIT_BYTES = 1 << 20, SENT_BYTES = 2 << 20 };
    static const uint8_t zeros[SENT_BYTES];
    for (int is_server = 0; is_server < 2; is_server++) {
        struct cflight_server_options server_options = CFLIGHT_SERVER_OPTIONS_INIT;
        struct cflight_client_options client_options = CFLIGHT_CLIENT_OPTIONS_INIT;
        cflight_buffer *result = NULL;
        cflight_error *error = NULL;
        *(is_server ? &server_options.message_bytes_max : &client_options.message_bytes_max) =
            LIMIT_BYTES;
        cflight_server *server = start(&server_options);
        cflight_client *client = connect_to(server, &client_options);
        CHECK_STATUS(act(client, cflight_bytes_make(zeros, SENT_BYTES), &result, &error),
                     CFLIGHT_RESOURCE_EXHAUSTED);
        assert_non_null(strstr(cflight_error_message(error), "1048576"));
        cflight_error_free(error);
        error = NULL;
        CHECK_OK(act(client, cflight_bytes_make(zeros, LIMIT_BYTES / 2), &result, &error), error);
        cflight_buffer_unref(result);
        cflight_client_free(client);
        cflight_server_free(server);
    }
}

/* Goal: what a server keeps for messages that no handler has taken is bounded. Method: a budget
 * that is smaller than the message; a smaller one still passes. */
TEST(large_messages, the_budget_of_unread_bytes_holds)
{
    enum { BUDGET_BYTES = 8 << 20 };
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    cflight_buffer *big = make_big();
    cflight_buffer *result = NULL;
    cflight_error *error = NULL;
    options.unread_bytes_max = (uint64_t)BUDGET_BYTES * 2; /* of which a connection may have half */
    cflight_server *server = start(&options);
    cflight_client *client = connect_to(server, NULL);
    CHECK_STATUS(act(client, cflight_buffer_bytes(big), &result, &error), CFLIGHT_UNAVAILABLE);
    assert_non_null(strstr(cflight_error_message(error), "8388608"));
    cflight_error_free(error);
    error = NULL;
    struct cflight_bytes part = {cflight_buffer_bytes(big).data, BUDGET_BYTES / 2};
    CHECK_OK(act(client, part, &result, &error), error);
    assert_true(cflight_bytes_equal(cflight_buffer_bytes(result), part));
    cflight_buffer_unref(result);
    cflight_buffer_unref(big);
    cflight_client_free(client);
    cflight_server_free(server);
}

/* Goal: a DoGet that ends well without a schema is told as C++ servers tell it. */
TEST(large_messages, a_get_without_a_schema_is_not_found)
{
    cflight_server *server = start(NULL);
    cflight_client *client = connect_to(server, NULL);
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    struct ArrowSchema schema;
    CHECK_OK(cflight_client_do_get(client, cflight_bytes_make(NULL, 0), NULL, &reader, &error),
             error);
    CHECK_STATUS(cflight_reader_schema(reader, &schema, &error), CFLIGHT_NOT_FOUND);
    assert_string_equal(cflight_error_message(error), "No data in this flight");
    cflight_error_free(error);
    cflight_reader_free(reader);
    cflight_client_free(client);
    cflight_server_free(server);
}
