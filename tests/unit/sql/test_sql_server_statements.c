/* SPDX-License-Identifier: Apache-2.0 */
/* The server kit: statements by text, once each, and what their clients send. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "sql_engine.h"
#include "sql_support.h"
#include "test.h"

static const struct cflight_bytes NONE = {NULL, 0};

struct fixture {
    struct t_engine engine;
    cflight_client *client;
};

static void start(struct fixture *fixture, const struct cflight_sql_server_options *options)
{
    t_engine_init(&fixture->engine);
    t_engine_start(&fixture->engine, options);
    fixture->client = t_sql_client(&fixture->engine, NULL);
}

static void stop(struct fixture *fixture)
{
    cflight_client_free(fixture->client);
    t_engine_stop(&fixture->engine);
}

static struct cflight_info *info_of(struct fixture *fixture, const char *text)
{
    struct cflight_sql_message message = t_query(text);
    struct cflight_info *info = NULL;
    cflight_error *error = NULL;
    CHECK_OK(t_sql_info(fixture->client, &message, &info, &error), error);
    return info;
}

static void check_error(cflight_status status, cflight_status expected, cflight_error **error,
                        const char *part)
{
    CHECK_STATUS(status, expected);
    if (strstr(cflight_error_message(*error), part) == NULL) {
        fail_msg("no \"%s\" in: %s", part, cflight_error_message(*error));
    }
    cflight_error_free(*error);
    *error = NULL;
}

TEST(sql_server, a_query_gives_its_rows_and_counts_small_results)
{
    struct fixture fixture;
    struct t_sum sum;
    start(&fixture, NULL);
    struct cflight_info *info = info_of(&fixture, "COUNT 1500");
    assert_int_equal(info->total_records, 1500);
    assert_int_equal(info->endpoint_count, 1);
    assert_true(info->schema.len_bytes > 0);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(t_sql_fetch(fixture.client, info, 0, &sum, NULL), NULL);
        assert_int_equal(sum.row_count, 1500);
        assert_int_equal(sum.sum, 1499 * 1500 / 2);
    }
    assert_int_equal(atomic_load(&fixture.engine.execute_count), 1);
    cflight_info_free(info);
    stop(&fixture);
}

TEST(sql_server, a_large_query_runs_again_for_a_second_reader)
{
    struct fixture fixture;
    struct t_sum sum;
    start(&fixture, NULL);
    struct cflight_info *info = info_of(&fixture, "COUNT 200000");
    assert_int_equal(info->total_records, -1);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(t_sql_fetch(fixture.client, info, 0, &sum, NULL), NULL);
        assert_int_equal(sum.row_count, 200000);
    }
    assert_int_equal(atomic_load(&fixture.engine.execute_count), 2);
    cflight_info_free(info);
    stop(&fixture);
}

TEST(sql_server, an_update_by_get_flight_info_runs_once)
{
    struct fixture fixture;
    struct t_sum sum;
    start(&fixture, NULL);
    assert_int_equal(t_sql_run(fixture.client, "CREATE t", NONE), 0);
    for (int fetch_count = 0; fetch_count < 3; fetch_count++) {
        struct cflight_info *info = info_of(&fixture, "INSERT t 5");
        assert_int_equal(info->total_records, 1);
        for (int i = 0; i < fetch_count; i++) {
            CHECK_OK(t_sql_fetch(fixture.client, info, 0, &sum, NULL), NULL);
            assert_int_equal(sum.row_count, 0);
        }
        assert_int_equal(t_engine_rows(&fixture.engine, "t"), fetch_count + 1);
        cflight_info_free(info);
    }
    stop(&fixture);
}

TEST(sql_server, get_schema_runs_nothing)
{
    struct fixture fixture;
    start(&fixture, NULL);
    for (int i = 0; i < 2; i++) {
        struct cflight_sql_message message = t_query(i == 0 ? "COUNT 5" : "CREATE t");
        cflight_buffer *bytes = t_sql_pack(&message);
        cflight_buffer *serialized = NULL;
        struct ArrowSchema schema;
        struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
        descriptor.cmd = cflight_buffer_bytes(bytes);
        CHECK_OK(cflight_client_get_schema(fixture.client, &descriptor, NULL, &serialized, NULL),
                 NULL);
        CHECK_OK(cflight_ipc_schema_parse(cflight_buffer_bytes(serialized), &schema, NULL), NULL);
        assert_int_equal(schema.n_children, 1 - i);
        schema.release(&schema);
        cflight_buffer_unref(serialized);
        cflight_buffer_unref(bytes);
    }
    assert_int_equal(atomic_load(&fixture.engine.execute_count), 0);
    stop(&fixture);
}

TEST(sql_server, an_update_is_answered_and_ended_with_the_clients_half_open)
{
    /* Goal: Java's way, which never ends its side: one answer, then the end of the call. */
    struct fixture fixture;
    struct ArrowSchema schema;
    cflight_writer *writer = NULL;
    cflight_metadata_reader *reader = NULL;
    cflight_buffer *answer = NULL;
    start(&fixture, NULL);
    struct cflight_sql_message message = t_update("CREATE t");
    cflight_buffer *bytes = t_sql_pack(&message);
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
    descriptor.cmd = cflight_buffer_bytes(bytes);
    CHECK_OK(cflight_schema_new(NULL, 0, &schema, NULL), NULL);
    CHECK_OK(
        cflight_client_do_put(fixture.client, &descriptor, &schema, NULL, &writer, &reader, NULL),
        NULL);
    CHECK_OK(cflight_metadata_reader_next(reader, &answer, NULL), NULL);
    assert_non_null(answer);
    assert_int_equal(cflight_buffer_bytes(answer).len_bytes, 0); /* record_count 0 has no bytes */
    cflight_buffer_unref(answer);
    CHECK_OK(cflight_metadata_reader_next(reader, &answer, NULL), NULL);
    assert_null(answer);
    assert_int_equal(t_sql_run(fixture.client, "INSERT t 1", NONE), 1); /* the connection goes on */
    CHECK_OK(cflight_writer_close(writer, NULL), NULL);
    cflight_metadata_reader_free(reader);
    cflight_writer_free(writer);
    schema.release(&schema);
    cflight_buffer_unref(bytes);
    stop(&fixture);
}

TEST(sql_server, an_unknown_count_travels)
{
    struct fixture fixture;
    cflight_buffer *bytes = NULL;
    start(&fixture, NULL);
    struct cflight_sql_message message = t_update("DROP t");
    CHECK_OK(t_sql_put(fixture.client, &message, NULL, 0, &bytes, NULL), NULL);
    assert_int_equal(cflight_buffer_bytes(bytes).len_bytes,
                     11); /* a tag, and ten bytes of varint */
    cflight_buffer_unref(bytes);
    assert_int_equal(t_sql_run(fixture.client, "DROP t", NONE), -1);
    stop(&fixture);
}

TEST(sql_server, rows_are_counted_when_a_count_is_wanted)
{
    struct fixture fixture;
    start(&fixture, NULL);
    assert_int_equal(t_sql_run(fixture.client, "COUNT 2500", NONE), 2500);
    stop(&fixture);
}

TEST(sql_server, any_prefix_is_taken_and_others_are_told_apart)
{
    struct fixture fixture;
    struct cflight_info *info = NULL;
    cflight_error *error = NULL;
    start(&fixture, NULL);
    struct t_golden golden = t_golden("0a 2e 'x.y/arrow.flight.protocol.sql.CommandGetSqlInfo'");
    golden.data[1] = (uint8_t)(golden.len_bytes - 2);
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
    descriptor.cmd = GOLDEN(golden);
    CHECK_OK(cflight_client_get_flight_info(fixture.client, &descriptor, NULL, &info, &error),
             error);
    cflight_info_free(info);
    golden = t_golden("0a 2e 'x.y/arrow.flight.protocol.sql.CommandGetNothing'");
    golden.data[1] = (uint8_t)(golden.len_bytes - 2);
    descriptor.cmd = GOLDEN(golden);
    CHECK_STATUS(cflight_client_get_flight_info(fixture.client, &descriptor, NULL, &info, NULL),
                 CFLIGHT_UNIMPLEMENTED);
    descriptor.cmd = t_text("no Any");
    CHECK_STATUS(cflight_client_get_flight_info(fixture.client, &descriptor, NULL, &info, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    stop(&fixture);
}

static cflight_status plain_info(void *user_data, cflight_server_context *context,
                                 const struct cflight_descriptor *descriptor,
                                 cflight_response *response, cflight_error **reterr)
{
    (void)user_data;
    (void)context;
    return t_answer_info(response, descriptor, reterr);
}

TEST(sql_server, what_is_not_flight_sql_goes_to_the_applications_handlers)
{
    struct fixture fixture;
    struct cflight_info *info = NULL;
    struct t_sum sum;
    struct cflight_server_handlers flight = CFLIGHT_SERVER_HANDLERS_INIT;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    flight.get_flight_info = plain_info;
    options.flight = &flight;
    start(&fixture, &options);
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
    descriptor.cmd = t_text("rows=3");
    CHECK_OK(cflight_client_get_flight_info(fixture.client, &descriptor, NULL, &info, NULL), NULL);
    assert_true(t_is_text(info->endpoints[0].ticket, "rows=3"));
    cflight_info_free(info);
    CHECK_OK(t_sql_rows(fixture.client, "COUNT 3", &sum, NULL), NULL);
    stop(&fixture);
}

TEST(sql_server, statements_of_any_bytes_reach_the_engine)
{
    /* Goal: empty text, zero bytes, a megabyte, comments: the engine judges them. */
    struct fixture fixture;
    struct cflight_info *info = NULL;
    char *large = malloc(1 << 20);
    assert_non_null(large);
    memset(large, 'x', 1 << 20);
    start(&fixture, NULL);
    const struct cflight_bytes texts[] = {cflight_bytes_make("", 0), cflight_bytes_make("x\0y", 3),
                                          cflight_bytes_make(large, 1 << 20),
                                          t_text("-- a comment"), t_text(";;")};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct cflight_sql_message message = t_query("");
        cflight_error *error = NULL;
        char expected[64];
        message.statement.query = texts[i];
        (void)snprintf(expected, sizeof expected, "syntax error in %zu bytes", texts[i].len_bytes);
        check_error(t_sql_info(fixture.client, &message, &info, &error), CFLIGHT_INVALID_ARGUMENT,
                    &error, expected);
    }
    free(large);
    stop(&fixture);
}

TEST(sql_server, a_long_error_text_arrives_cut)
{
    struct fixture fixture;
    struct cflight_info *info = NULL;
    cflight_error *error = NULL;
    char *text = malloc(100001);
    assert_non_null(text);
    memset(text, 'x', 100000);
    memcpy(text, "FAIL line\n\xc3\xa9 ", 13);
    text[100000] = '\0';
    start(&fixture, NULL);
    struct cflight_sql_message message = t_query(text);
    CHECK_STATUS(t_sql_info(fixture.client, &message, &info, &error), CFLIGHT_INVALID_ARGUMENT);
    assert_true(strlen(cflight_error_message(error)) <= 2200);
    assert_non_null(strstr(cflight_error_message(error), "FAIL line\n\xc3\xa9"));
    assert_non_null(strstr(cflight_error_message(error), "[...]"));
    cflight_error_free(error);
    free(text);
    stop(&fixture);
}

/* Goal: a count of locations without locations is an error with words, as elsewhere. Method: the
 * engine gives one with a partition. */
TEST(sql_server, locations_without_an_array_are_refused)
{
    struct fixture fixture;
    struct cflight_info *info = NULL;
    cflight_error *error = NULL;
    start(&fixture, NULL);
    struct cflight_sql_message message = t_query("PARTS 1 1");
    CHECK_STATUS(t_sql_info(fixture.client, &message, &info, &error), CFLIGHT_INVALID_ARGUMENT);
    assert_non_null(strstr(cflight_error_message(error), "locations"));
    cflight_error_free(error);
    stop(&fixture);
}

TEST(sql_server, partitions_are_endpoints_of_their_own)
{
    struct fixture fixture;
    struct t_sum sum;
    start(&fixture, NULL);
    struct cflight_info *info = info_of(&fixture, "PARTS 3");
    assert_int_equal(info->endpoint_count, 3);
    for (size_t i = 3; i-- > 0;) {
        CHECK_OK(t_sql_fetch(fixture.client, info, i, &sum, NULL), NULL);
        assert_int_equal(sum.row_count, 1000 * (int64_t)(i + 1));
    }
    cflight_info_free(info);
    stop(&fixture);
}

TEST(sql_server, a_poll_is_answered_when_the_statement_has_run)
{
    struct fixture fixture;
    struct cflight_poll_info *poll = NULL;
    struct t_sum sum;
    start(&fixture, NULL);
    struct cflight_sql_message messages[] = {t_query("COUNT 7"),
                                             {.type = CFLIGHT_SQL_GET_SQL_INFO}};
    for (size_t i = 0; i < 2; i++) {
        cflight_buffer *bytes = t_sql_pack(&messages[i]);
        struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
        descriptor.cmd = cflight_buffer_bytes(bytes);
        CHECK_OK(cflight_client_poll_flight_info(fixture.client, &descriptor, NULL, &poll, NULL),
                 NULL);
        assert_null(poll->descriptor);
        assert_non_null(poll->info);
        assert_true(poll->has_progress && poll->progress >= 1);
        CHECK_OK(t_sql_fetch(fixture.client, poll->info, 0, &sum, NULL), NULL);
        assert_true(sum.row_count > 0);
        cflight_poll_info_free(poll);
        cflight_buffer_unref(bytes);
    }
    assert_int_equal(atomic_load(&fixture.engine.execute_count), 1);
    stop(&fixture);
}

TEST(sql_server, a_ticket_that_nobody_gave_is_unknown)
{
    struct fixture fixture;
    struct t_sum sum;
    start(&fixture, NULL);
    const char *const handles[] = {"", "short", "0123456789abcdef", "0123456789abcdef0000"};
    for (size_t i = 0; i < 4; i++) {
        struct cflight_sql_message ticket = {.type = CFLIGHT_SQL_TICKET_STATEMENT_QUERY};
        ticket.handle = t_text(handles[i]);
        cflight_buffer *bytes = t_sql_pack(&ticket);
        struct cflight_endpoint endpoint = {.ticket = cflight_buffer_bytes(bytes)};
        struct cflight_info info = {.endpoints = &endpoint, .endpoint_count = 1};
        CHECK_STATUS(t_sql_fetch(fixture.client, &info, 0, &sum, NULL), CFLIGHT_NOT_FOUND);
        cflight_buffer_unref(bytes);
    }
    stop(&fixture);
}

static bool nothing_waits(const struct cflight_sql_server_counts *counts)
{
    return counts->result_count == 0 && counts->session_count == 0 && counts->result_bytes == 0;
}

TEST(sql_server, tickets_end_and_streams_that_wait_are_closed)
{
    struct fixture fixture;
    struct t_sum sum;
    cflight_error *error = NULL;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    options.result_ms = 20;
    start(&fixture, &options);
    struct cflight_info *small = info_of(&fixture, "COUNT 3");
    struct cflight_info *large = info_of(&fixture, "COUNT 200000");
    t_sql_wait_counts(&fixture.engine, nothing_waits);
    check_error(t_sql_fetch(fixture.client, small, 0, &sum, &error), CFLIGHT_NOT_FOUND, &error,
                "not used in time");
    cflight_info_free(small);
    cflight_info_free(large);
    stop(&fixture);
}

static bool no_session(const struct cflight_sql_server_counts *counts)
{
    return counts->session_count == 0;
}

TEST(sql_server, a_stream_that_waits_too_long_is_run_again)
{
    struct fixture fixture;
    struct t_sum sum;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    options.result_open_ms = 10;
    start(&fixture, &options);
    struct cflight_info *info = info_of(&fixture, "COUNT 200000");
    t_sql_wait_counts(&fixture.engine, no_session);
    CHECK_OK(t_sql_fetch(fixture.client, info, 0, &sum, NULL), NULL);
    assert_int_equal(sum.row_count, 200000);
    cflight_info_free(info);
    stop(&fixture);
}

TEST(sql_server, limits_are_named)
{
    struct fixture fixture;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    options.results_per_owner_max = 2;
    start(&fixture, &options);
    cflight_info_free(info_of(&fixture, "COUNT 3"));
    cflight_info_free(info_of(&fixture, "COUNT 3"));
    struct cflight_sql_message message = t_query("COUNT 3");
    struct cflight_info *info = NULL;
    cflight_error *error = NULL;
    check_error(t_sql_info(fixture.client, &message, &info, &error), CFLIGHT_RESOURCE_EXHAUSTED,
                &error, "results_per_owner_max");
    assert_int_equal(atomic_load(&fixture.engine.execute_count), 2);
    stop(&fixture);
}

TEST(sql_server, rows_come_with_the_first_answer_for_who_asks)
{
    struct fixture fixture;
    struct cflight_info *info = NULL;
    struct cflight_call_options call = CFLIGHT_CALL_OPTIONS_INIT;
    struct cflight_header header = {t_text("cflight-inline-max"), t_text("65536")};
    start(&fixture, NULL);
    struct cflight_sql_message message = t_query("COUNT 10");
    cflight_buffer *bytes = t_sql_pack(&message);
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
    descriptor.cmd = cflight_buffer_bytes(bytes);
    const char *const limits[] = {"65536", "100", "-1", ""};
    for (size_t i = 0; i < 4; i++) {
        header.value = t_text(limits[i]);
        call.headers = &header;
        call.header_count = 1;
        CHECK_OK(cflight_client_get_flight_info(fixture.client, &descriptor, &call, &info, NULL),
                 NULL);
        struct cflight_bytes rows = info->endpoints[0].app_metadata;
        assert_int_equal(rows.len_bytes > 0, i == 0);
        if (i == 0) {
            assert_memory_equal(rows.data, "CFINLN01", 8);
            cflight_buffer *buffer = NULL;
            cflight_ipc_file *file = NULL;
            CHECK_OK(cflight_buffer_new_copy(cflight_bytes_make(rows.data + 8, rows.len_bytes - 8),
                                             &buffer, NULL),
                     NULL);
            CHECK_OK(cflight_ipc_file_open_buffer(buffer, NULL, &file, NULL), NULL);
            assert_int_equal(cflight_ipc_file_row_count(file), 10);
            cflight_ipc_file_free(file);
            cflight_buffer_unref(buffer);
        }
        cflight_info_free(info);
    }
    cflight_buffer_unref(bytes);
    stop(&fixture);
}

TEST(sql_server, every_handshake_is_answered_without_authentication)
{
    struct fixture fixture;
    cflight_buffer *bearer = NULL;
    start(&fixture, NULL);
    CHECK_OK(cflight_client_authenticate_basic(fixture.client, t_text("who"), t_text("ever"), NULL,
                                               &bearer, NULL),
             NULL);
    assert_non_null(bearer);
    assert_memory_equal(cflight_buffer_bytes(bearer).data, "Bearer ", 7);
    cflight_buffer_unref(bearer);
    stop(&fixture);
}

TEST(sql_server, the_list_of_actions_has_what_is_there)
{
    struct fixture fixture;
    static const char *const NAMES[] = {
        "CancelFlightInfo", "RenewFlightEndpoint",     "BeginSavepoint",         "BeginTransaction",
        "CancelQuery",      "CreatePreparedStatement", "ClosePreparedStatement", "EndSavepoint",
        "EndTransaction",   "SetSessionOptions",       "GetSessionOptions",      "CloseSession"};
    cflight_action_type_stream *stream = NULL;
    struct cflight_action_type *type = NULL;
    start(&fixture, NULL);
    CHECK_OK(cflight_client_list_actions(fixture.client, NULL, &stream, NULL), NULL);
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        CHECK_OK(cflight_action_type_stream_next(stream, &type, NULL), NULL);
        assert_non_null(type);
        assert_true(t_is_text(type->type, NAMES[i]));
        cflight_action_type_free(type);
    }
    CHECK_OK(cflight_action_type_stream_next(stream, &type, NULL), NULL);
    assert_null(type);
    cflight_action_type_stream_free(stream);
    stop(&fixture);
}

TEST(sql_server, functions_that_belong_together_are_wanted_together)
{
    struct t_engine engine;
    cflight_sql_server *server = NULL;
    cflight_error *error = NULL;
    t_engine_init(&engine);
    engine.handlers.commit = NULL;
    check_error(
        cflight_sql_server_new("grpc://localhost:0", &engine.handlers, NULL, &server, &error),
        CFLIGHT_INVALID_ARGUMENT, &error, "commit");
    t_engine_init(&engine);
    engine.handlers.execute = NULL;
    check_error(
        cflight_sql_server_new("grpc://localhost:0", &engine.handlers, NULL, &server, &error),
        CFLIGHT_INVALID_ARGUMENT, &error, "execute");
}

/* Whatever comes of it: each call ends. */
static void try_poll(cflight_client *client, const struct cflight_sql_message *message)
{
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
    struct cflight_poll_info *poll = NULL;
    cflight_buffer *bytes = t_sql_pack(message);
    descriptor.cmd = cflight_buffer_bytes(bytes);
    (void)!cflight_client_poll_flight_info(client, &descriptor, NULL, &poll, NULL);
    cflight_poll_info_free(poll);
    cflight_buffer_unref(bytes);
}

static void try_everything(cflight_client *client)
{
    static const int64_t VALUES[] = {1, 2};
    struct cflight_sql_message messages[] = {t_query("COUNT 3"),
                                             t_query("COUNT 100000"),
                                             t_query("PARTS 2"),
                                             t_query("SELECT ?"),
                                             {.type = CFLIGHT_SQL_BEGIN_TRANSACTION},
                                             {.type = CFLIGHT_SQL_GET_TABLES}};
    struct cflight_info *info = NULL;
    struct cflight_sql_message *result = NULL;
    cflight_buffer *bytes = NULL;
    struct t_sum sum;
    for (size_t i = 0; i < 3; i++) {
        if (t_sql_info(client, &messages[i], &info, NULL) == CFLIGHT_OK) {
            (void)!t_sql_fetch(client, info, 0, &sum, NULL);
            cflight_info_free(info);
        }
    }
    try_poll(client, &messages[1]);
    messages[3].type = CFLIGHT_SQL_CREATE_PREPARED_STATEMENT;
    if (t_sql_action(client, CFLIGHT_ACTION_CREATE_PREPARED_STATEMENT, &messages[3], &result,
                     NULL) == CFLIGHT_OK) {
        messages[3].type = CFLIGHT_SQL_PREPARED_STATEMENT_QUERY;
        messages[3].handle = result->prepared.handle;
        (void)!t_sql_put(client, &messages[3], VALUES, 2, &bytes, NULL);
        cflight_buffer_unref(bytes);
        if (t_sql_info(client, &messages[3], &info, NULL) == CFLIGHT_OK) {
            cflight_info_free(info);
        }
    }
    cflight_sql_message_free(result);
    (void)!t_sql_action(client, CFLIGHT_ACTION_BEGIN_TRANSACTION, &messages[4], &result, NULL);
    cflight_sql_message_free(result);
    if (t_sql_info(client, &messages[5], &info, NULL) == CFLIGHT_OK) {
        (void)!t_sql_fetch(client, info, 0, &sum, NULL);
        cflight_info_free(info);
    }
}

/* ThreadSanitizer takes minutes for all. */
#ifdef __SANITIZE_THREAD__
enum { SKIPPED_FAILURES = 15 };
#else
enum { SKIPPED_FAILURES = 0 };
#endif

/* The counting allocator is for one thread at a time. */
struct guarded {
    pthread_mutex_t mutex;
    struct t_alloc *alloc;
};

static void *guarded_allocate(void *user_data, size_t size_bytes, size_t alignment_bytes)
{
    struct guarded *guarded = user_data;
    const struct cflight_allocator *inner = &guarded->alloc->allocator;
    (void)pthread_mutex_lock(&guarded->mutex);
    void *memory = inner->allocate(inner->user_data, size_bytes, alignment_bytes);
    (void)pthread_mutex_unlock(&guarded->mutex);
    return memory;
}

static void *guarded_reallocate(void *user_data, void *memory, size_t old_size_bytes,
                                size_t new_size_bytes)
{
    struct guarded *guarded = user_data;
    const struct cflight_allocator *inner = &guarded->alloc->allocator;
    (void)pthread_mutex_lock(&guarded->mutex);
    void *moved = inner->reallocate(inner->user_data, memory, old_size_bytes, new_size_bytes);
    (void)pthread_mutex_unlock(&guarded->mutex);
    return moved;
}

static void guarded_release(void *user_data, void *memory, size_t size_bytes)
{
    struct guarded *guarded = user_data;
    const struct cflight_allocator *inner = &guarded->alloc->allocator;
    (void)pthread_mutex_lock(&guarded->mutex);
    inner->release(inner->user_data, memory, size_bytes);
    (void)pthread_mutex_unlock(&guarded->mutex);
}

/* Goal: whichever allocation of a server fails, each call ends and nothing is left. */
static void fail_each_allocation(const char *ticket_key)
{
    struct guarded guarded;
    struct cflight_allocator allocator = {&guarded, guarded_allocate, guarded_reallocate,
                                          guarded_release};
    (void)pthread_mutex_init(&guarded.mutex, NULL);
    T_EACH_ALLOC_FAILURE(alloc) {
        struct t_engine engine;
        struct cflight_server_options flight = CFLIGHT_SERVER_OPTIONS_INIT;
        struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
        guarded.alloc = alloc;
        flight.allocator = &allocator;
        options.server = &flight;
        options.ticket_key = t_text(ticket_key);
        options.result_inline_bytes = 4096; /* the larger result stays open */
        t_engine_init(&engine);
        t_engine_add_lists(&engine);
        if (cflight_sql_server_new("grpc://localhost:0", &engine.handlers, &options, &engine.server,
                                   NULL) == CFLIGHT_OK) {
            cflight_client *client = t_sql_client(&engine, NULL);
            try_everything(client);
            cflight_client_free(client);
        }
        t_engine_stop(&engine);
        assert_int_equal(alloc->live_count, 0);
        alloc->fail_at += SKIPPED_FAILURES;
        t_watchdog_restart();
    }
    (void)pthread_mutex_destroy(&guarded.mutex);
}

TEST(sql_server, every_allocation_may_fail)
{
    fail_each_allocation("");
}

TEST(sql_tickets, every_allocation_may_fail)
{
    fail_each_allocation("0123456789abcdef0123456789abcdef");
}
