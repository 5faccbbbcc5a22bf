/* SPDX-License-Identifier: Apache-2.0 */
/* Counts whose arrays are NULL, wherever the public headers have both. */
#include <stdio.h>

#include "cflight/builder.h"
#include "cflight/sql_client.h"
#include "rpcs.h"
#include "service.h"
#include "test.h"

/* All are tried, so that a failure names each. */
static size_t wrong_count;

static void note(cflight_status status, cflight_error *error, const char *call)
{
    if (status != CFLIGHT_INVALID_ARGUMENT || cflight_error_message(error)[0] == '\0') {
        fprintf(stderr, "%s gave %s: %s\n", call, cflight_status_name(status),
                status == CFLIGHT_OK ? "" : cflight_error_message(error));
        wrong_count++;
    }
    cflight_error_free(error);
}

#define REFUSED(call)                    \
    do {                                 \
        cflight_error *why = NULL;       \
        cflight_status status_ = (call); \
        note(status_, why, #call);       \
    } while (0)

/* Goal: a count without an array is an error with words. Method: each value that has one, as a
 * whole and inside of others. */
TEST(counts, of_values_without_arrays_are_refused)
{
    struct cflight_descriptor path = {.type = CFLIGHT_DESCRIPTOR_PATH, .path_count = 1};
    struct cflight_endpoint endpoint = {.location_count = 1};
    struct cflight_info infos[] = {
        {.endpoint_count = 1},
        {.descriptor = path},
        {.endpoints = &endpoint, .endpoint_count = 1},
    };
    struct cflight_session_option list = {
        .name = t_text("n"), .type = CFLIGHT_SESSION_VALUE_STRING_LIST, .list_count = 1};
    struct cflight_session_options lists = {&list, 1};
    struct cflight_session_options options = {NULL, 1};
    struct cflight_session_errors errors = {NULL, 1};
    struct cflight_poll_info poll = {.descriptor = &path};
    struct cflight_descriptor *copy = NULL;
    cflight_buffer *buffer = NULL;
    wrong_count = 0;
    REFUSED(cflight_descriptor_serialize(&path, &buffer, &why));
    REFUSED(cflight_descriptor_copy(&path, &copy, &why));
    REFUSED(cflight_endpoint_serialize(&endpoint, &buffer, &why));
    REFUSED(cflight_renew_request_serialize(&endpoint, &buffer, &why));
    REFUSED(cflight_poll_info_serialize(&poll, &buffer, &why));
    for (size_t i = 0; i < sizeof infos / sizeof infos[0]; i++) {
        struct cflight_poll_info of_info = {.info = &infos[i]};
        REFUSED(cflight_info_serialize(&infos[i], &buffer, &why));
        REFUSED(cflight_cancel_request_serialize(&infos[i], &buffer, &why));
        REFUSED(cflight_poll_info_serialize(&of_info, &buffer, &why));
    }
    REFUSED(cflight_session_options_serialize(&options, &buffer, &why));
    REFUSED(cflight_session_options_serialize(&lists, &buffer, &why));
    REFUSED(cflight_session_errors_serialize(&errors, &buffer, &why));
    assert_int_equal(wrong_count, 0);
}

/* The same of clients, servers and calls. */
TEST(counts, of_options_without_arrays_are_refused)
{
    struct cflight_client_options client_options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct cflight_server_options server_options[2] = {CFLIGHT_SERVER_OPTIONS_INIT,
                                                       CFLIGHT_SERVER_OPTIONS_INIT};
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    struct cflight_call_options call_options = CFLIGHT_CALL_OPTIONS_INIT;
    struct cflight_descriptor path = {.type = CFLIGHT_DESCRIPTOR_PATH, .path_count = 1};
    struct cflight_info *info = NULL;
    cflight_info_stream *stream = NULL;
    cflight_async *async = NULL;
    cflight_client *client = NULL;
    cflight_server *server = NULL;
    struct t_service service;
    client_options.middleware_count = 1;
    server_options[0].middleware_count = 1;
    server_options[1].tls.key_pair_count = 1;
    call_options.header_count = 1;
    wrong_count = 0;
    REFUSED(cflight_client_new("grpc://h:1", &client_options, &client, &why));
    REFUSED(cflight_server_new("grpc://localhost:0", &handlers, &server_options[0], &server, &why));
    REFUSED(
        cflight_server_new("grpc+tls://localhost:0", &handlers, &server_options[1], &server, &why));
    t_service_start(&service, NULL, NULL);
    client = t_client(&service, NULL);
    REFUSED(cflight_client_connect(client, &call_options, &why));
    REFUSED(cflight_client_get_flight_info(client, &path, NULL, &info, &why));
    REFUSED(cflight_client_list_flights(client, t_text(""), &call_options, &stream, &why));
    REFUSED(cflight_async_start(client, CFLIGHT_METHOD_LIST_FLIGHTS, t_text(""), &call_options,
                                &async, &why));
    cflight_client_free(client);
    t_service_stop(&service);
    assert_int_equal(wrong_count, 0);
}

/* The same of schemas and batches. */
TEST(counts, of_builders_without_arrays_are_refused)
{
    struct cflight_field list = {.name = "l", .format = "+l", .child_count = 1};
    struct cflight_field field = {.name = "a", .format = "l"};
    struct ArrowSchema schema = {0};
    struct ArrowSchema made = {0};
    struct ArrowArrayStream stream = {0};
    cflight_error *error = NULL;
    wrong_count = 0;
    CHECK_OK(cflight_schema_new(&field, 1, &schema, &error), error);
    REFUSED(cflight_schema_new(NULL, 1, &made, &why));
    REFUSED(cflight_schema_new(&list, 1, &made, &why));
    REFUSED(cflight_schema_set_metadata(&schema, NULL, 1, &made, &why));
    REFUSED(cflight_batches_to_stream(&schema, NULL, 1, &stream, &why));
    schema.release(&schema);
    assert_int_equal(wrong_count, 0);
}

/* The same of Flight SQL. */
TEST(counts, of_sql_without_arrays_are_refused)
{
    struct cflight_sql_message messages[] = {
        {.type = CFLIGHT_SQL_GET_TABLES, .tables = {.table_type_count = 1}},
        {.type = CFLIGHT_SQL_GET_SQL_INFO, .sql_info = {.code_count = 1}},
        {.type = CFLIGHT_SQL_STATEMENT_INGEST,
         .ingest = {.if_missing = CFLIGHT_SQL_IF_MISSING_CREATE,
                    .if_exists = CFLIGHT_SQL_IF_EXISTS_FAIL,
                    .name = {.table = {(const uint8_t *)"t", 1}},
                    .option_count = 1}},
    };
    struct cflight_sql_info_entry entry = {.key = 1, .value_count = 1};
    struct cflight_sql_info_value values[] = {
        {.code = 10001, .kind = CFLIGHT_SQL_INFO_KIND_TEXTS, .text_count = 1},
        {.code = 10001, .kind = CFLIGHT_SQL_INFO_KIND_MAP, .entry_count = 1},
        {.code = 10001, .kind = CFLIGHT_SQL_INFO_KIND_MAP, .entries = &entry, .entry_count = 1},
    };
    struct ArrowArray batch = {0};
    cflight_sql_info *info = NULL;
    cflight_sql_info *got = NULL;
    cflight_buffer *buffer = NULL;
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cflight_sql_info_new(&info, &error), error);
    CHECK_OK(cflight_client_new("grpc+unix:///no/such/socket", NULL, &client, &error), error);
    wrong_count = 0;
    for (size_t i = 0; i < 3; i++) {
        REFUSED(cflight_sql_message_pack(&messages[i], &buffer, &why));
        REFUSED(cflight_sql_message_serialize(&messages[i], &buffer, &why));
        REFUSED(cflight_sql_info_set(info, &values[i], &why));
    }
    REFUSED(cflight_sql_info_set_texts(info, 10001, NULL, 1, &why));
    REFUSED(cflight_sql_info_batch(info, NULL, 1, &batch, &why));
    REFUSED(cflight_sql_get_sql_info(client, NULL, 1, NULL, &got, &why));
    cflight_client_free(client);
    cflight_sql_info_free(info);
    assert_int_equal(wrong_count, 0);
}
