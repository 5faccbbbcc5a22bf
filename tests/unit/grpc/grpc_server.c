/* SPDX-License-Identifier: Apache-2.0 */
/* The server against clients made by hand: which requests become calls, and what the others hear.
 */
#include <stdio.h>
#include <stdlib.h>

#include "grpc_pair.h"
#include "raw.h"

/* What came back on a stream, told by a session that only collects. */
struct answer {
    struct cfl_h2_session *session;
    struct t_end end;
    char fields[80000]; /* of the last block */
    size_t header_blocks;
    size_t data_bytes;
    size_t closed_count;
    uint32_t close_code;
};

static void answer_headers(void *user_data, struct cfl_h2_stream *stream,
                           const struct cfl_h2_field *fields, size_t field_count,
                           bool is_end_stream, bool is_too_large)
{
    struct answer *answer = user_data;
    size_t offset = 0;
    (void)stream;
    (void)is_end_stream;
    (void)is_too_large;
    answer->header_blocks++;
    for (size_t i = 0; i < field_count && offset < sizeof answer->fields; i++) {
        offset +=
            (size_t)snprintf(answer->fields + offset, sizeof answer->fields - offset, "%.*s=%.*s\n",
                             (int)fields[i].name.len_bytes, (const char *)fields[i].name.data,
                             (int)fields[i].value.len_bytes, (const char *)fields[i].value.data);
    }
}

static void answer_data(void *user_data, struct cfl_h2_stream *stream, const uint8_t *data,
                        size_t len_bytes)
{
    struct answer *answer = user_data;
    (void)data;
    answer->data_bytes += len_bytes;
    cfl_h2_stream_consume(stream, len_bytes);
}

static void answer_end(void *user_data, struct cfl_h2_stream *stream)
{
    (void)user_data;
    (void)stream;
}

static void answer_close(void *user_data, struct cfl_h2_stream *stream, uint32_t h2_error_code,
                         bool was_processed_never)
{
    struct answer *answer = user_data;
    (void)stream;
    (void)was_processed_never;
    answer->closed_count++;
    answer->close_code = h2_error_code;
}

static const struct cfl_h2_callbacks ANSWER = {
    .on_headers = answer_headers,
    .on_data = answer_data,
    .on_end_stream = answer_end,
    .on_close = answer_close,
};

struct raw_client {
    struct t_grpc_pair pair;
    struct answer answer;
    struct cfl_h2_stream *stream;
};

static void client_open(struct raw_client *client)
{
    cflight_error *error = NULL;
    CHECK_OK(t_grpc_pair_open(&client->pair, &error), error);
    memset(&client->answer, 0, sizeof client->answer);
    CHECK_OK(cfl_h2_session_new(NULL, CFL_H2_CLIENT, &client->pair.limits,
                                &client->pair.clock.clock, &ANSWER, &client->answer,
                                &client->answer.session, &error),
             error);
    client->answer.end = t_end_h2(client->answer.session);
}

static void client_pump(struct raw_client *client)
{
    t_pump(&client->answer.end, &client->pair.server_end, 65536);
    CHECK_STATUS(client->pair.server_end.status, CFLIGHT_OK);
}

static void client_close(struct raw_client *client)
{
    cfl_h2_session_free(client->answer.session);
    t_grpc_pair_done(&client->pair);
}

/* A request with these fields in place of the usual ones; a NULL value takes the field out. */
static void client_request(struct raw_client *client, const struct t_field *changes,
                           size_t change_count)
{
    struct t_field fields[24] = {
        {":method", "POST"}, {":scheme", "http"}, {":path", "/a/b"},
        {":authority", "x"}, {"te", "trailers"},  {"content-type", "application/grpc"},
    };
    size_t count = 6;
    for (size_t i = 0; i < change_count; i++) {
        size_t at = 0;
        while (at < 6 && strcmp(fields[at].name, changes[i].name) != 0) {
            at++;
        }
        fields[at < 6 ? at : count++] = changes[i];
    }
    struct cfl_h2_field list[24];
    memset(list, 0, sizeof list);
    size_t list_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (fields[i].value != NULL) {
            list[list_count].name = cflight_bytes_from_text(fields[i].name);
            list[list_count++].value = cflight_bytes_from_text(fields[i].value);
        }
    }
    cflight_error *error = NULL;
    CHECK_OK(cfl_h2_submit_request(client->answer.session, list, list_count, false, &client->answer,
                                   &client->stream, &error),
             error);
    client_pump(client);
}

static void client_send(struct raw_client *client, const void *data, size_t len_bytes, bool is_end)
{
    cflight_error *error = NULL;
    struct cflight_bytes view = cflight_bytes_make(data, len_bytes);
    CHECK_OK(cfl_h2_stream_send(client->stream, &view, 1, &error), error);
    if (is_end) {
        CHECK_OK(cfl_h2_stream_end(client->stream, &error), error);
    }
    client_pump(client);
}

static void check_answer(const struct raw_client *client, const char *part)
{
    if (strstr(client->answer.fields, part) == NULL) {
        fail_msg("'%s' is not in the answer:\n%s", part, client->answer.fields);
    }
}

/* Goal: every form of request that peers send is taken.
 * Method: one change at a time. */
TEST(grpc_server, valid_requests_become_calls)
{
    const struct t_field cases[] = {
        {"content-type", "application/grpc+proto"},
        {"content-type", "application/grpc;x=y"},
        {"te", NULL},
        {"grpc-encoding", "identity"},
        {"grpc-accept-encoding", "gzip, snappy"},
        {"grpc-timeout", "10S"},
        {"x-unknown", "value"},
        {"x-raw-bin", "AAE="},
        {"x-raw-bin", "AAE,AAI"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct raw_client client;
        t_grpc_pair_init(&client.pair);
        client_open(&client);
        client_request(&client, &cases[i], 1);
        assert_int_equal(client.pair.served_count, 1);
        assert_int_equal(client.answer.header_blocks, 0);
        client_close(&client);
    }
}

/* Goal: metadata of a request reaches the handler decoded, without the protocol's own fields.
 * Method: a list of binary values, and `host` in place of `:authority`; a second timeout. */
TEST(grpc_server, request_metadata_is_decoded)
{
    struct raw_client client;
    t_grpc_pair_init(&client.pair);
    client_open(&client);
    const struct t_field changes[] = {
        {":authority", NULL},     {"host", "by-host"},    {"x-raw-bin", "AAE, /w"},
        {"grpc-timeout", "10S"},  {"grpc-timeout", "1S"}, {"x-text", "t"},
        {"grpc-tags-bin", "AAE"},
    };
    client_request(&client, changes, 7);
    assert_int_equal(client.pair.served_count, 1);
    struct cfl_grpc_call *call = client.pair.served[0].call;
    const struct cfl_metadata *metadata = cfl_grpc_call_headers(call);
    assert_int_equal(metadata->count, 4);
    assert_true(cflight_bytes_equal(metadata->fields[0].value, cflight_bytes_make("\0\1", 2)));
    assert_true(cflight_bytes_equal(metadata->fields[1].value, cflight_bytes_make("\xff", 1)));
    assert_true(cfl_grpc_call_deadline_ns(call) == client.pair.clock.now_ns + 10 * CFL_NS_PER_S);
    client_close(&client);
}

/* Goal: what gRPC takes from proxies and clients is taken: blanks at the edges of values, fields of
 * single hops. Method: a request of both; the values come without the blanks. */
TEST(grpc_server, odd_fields_of_a_request_are_taken)
{
    const struct t_field changes[] = {
        {"content-type", " application/grpc "},
        {"te", "trailers "},
        {"grpc-timeout", "\t10S "},
        {"connection", "keep-alive"},
        {"keep-alive", "timeout=5"},
        {"authorization", "Bearer "},
        {"x-note", "\t from the client "},
        {"x-blank", " \t "},
    };
    struct raw_client client;
    struct cflight_bytes value = {NULL, 0};
    t_grpc_pair_init(&client.pair);
    client_open(&client);
    client_request(&client, changes, sizeof changes / sizeof changes[0]);
    assert_int_equal(client.answer.closed_count, 0);
    assert_int_equal(client.pair.served_count, 1);
    struct cfl_grpc_call *call = client.pair.served[0].call;
    const struct cfl_metadata *got = cfl_grpc_call_headers(call);
    assert_true(cfl_metadata_get(got, "authorization", &value));
    assert_true(cflight_bytes_equal(value, cflight_bytes_from_text("Bearer")));
    assert_true(cfl_metadata_get(got, "x-note", &value));
    assert_true(cflight_bytes_equal(value, cflight_bytes_from_text("from the client")));
    assert_true(cfl_metadata_get(got, "x-blank", &value));
    assert_int_equal(value.len_bytes, 0);
    assert_true(cfl_grpc_call_deadline_ns(call) == client.pair.clock.now_ns + 10 * CFL_NS_PER_S);
    client_close(&client);
}

/* Goal: an authority is the client's to choose: stock clients send socket paths, zones and names
 * that no rule for hosts allows. Method: each alone. */
TEST(grpc_server, odd_authorities_are_taken)
{
    static const char *const authorities[] = {
        "",
        "a_b.example:1",
        "[fe80::1%25eth0]:80",
        "[fe80::1%eth0]:80",
        "user@host:1",
        "with/slash",
        "%2Ftmp%2Fsock",
        "a b",
        " host:1 ",
        "host:99999999",
        "host:",
        "\"quoted\"",
        "h?q#f",
        "h\xc3\xb6st:1",
    };
    for (size_t i = 0; i < sizeof authorities / sizeof authorities[0]; i++) {
        const struct t_field change = {":authority", authorities[i]};
        struct raw_client client;
        t_grpc_pair_init(&client.pair);
        client_open(&client);
        client_request(&client, &change, 1);
        if (client.pair.served_count != 1 || client.answer.closed_count != 0) {
            fail_msg("the authority '%s' is refused: %s", authorities[i], client.answer.fields);
        }
        client_close(&client);
    }
}

/* Goal: requests that are no gRPC calls are refused alone, with a status that says why.
 * Method: one change at a time; the connection serves a good request afterwards. */
TEST(grpc_server, invalid_requests_are_refused)
{
    const struct {
        struct t_field change;
        const char *http;
        const char *status;
        const char *message;
    } cases[] = {
        {{":method", "PUT"}, ":status=405\n", "grpc-status=13\n", "POST"},
        {{"content-type", "text/html"}, ":status=415\n", "grpc-status=13\n", "application/grpc"},
        {{"content-type", NULL}, ":status=415\n", "grpc-status=13\n", "application/grpc"},
        {{"content-type", "application/grpc-web"},
         ":status=415\n",
         "grpc-status=13\n",
         "application"},
        {{"grpc-encoding", "snappy"}, ":status=200\n", "grpc-status=12\n", "identity"},
        {{"grpc-encoding", "snappy"},
         ":status=200\n",
         "grpc-accept-encoding=identity\n",
         "compressed"},
        {{"grpc-timeout", "10 seconds"}, ":status=200\n", "grpc-status=13\n", "grpc-timeout"},
        {{"grpc-timeout", "123456789S"}, ":status=200\n", "grpc-status=13\n", "grpc-timeout"},
        {{"grpc-timeout", ""}, ":status=200\n", "grpc-status=13\n", "grpc-timeout"},
        {{"x-raw-bin", "!!!!"}, ":status=200\n", "grpc-status=13\n", "base64"},
        {{"x-raw-bin", "AAE=,AA!E"}, ":status=200\n", "grpc-status=13\n", "base64"},
    };
    struct raw_client client;
    t_grpc_pair_init(&client.pair);
    client_open(&client);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        client_request(&client, &cases[i].change, 1);
        assert_int_equal(client.pair.served_count, 0);
        assert_int_equal(client.answer.closed_count, i + 1);
        assert_int_equal(client.answer.close_code, CFL_H2_NO_ERROR);
        check_answer(&client, cases[i].http);
        check_answer(&client, cases[i].status);
        check_answer(&client, cases[i].message);
    }
    client_request(&client, NULL, 0);
    assert_int_equal(client.pair.served_count, 1);
    client_close(&client);
}

/* Goal: metadata over the limit costs one call, not the connection.
 * Method: a request with too much, then a good one. */
TEST(grpc_server, large_metadata_is_refused)
{
    struct raw_client client;
    t_grpc_pair_init(&client.pair);
    client.pair.limits.metadata_bytes_max = 4096;
    client_open(&client);
    char value[4000];
    memset(value, 'v', sizeof value);
    value[sizeof value - 1] = '\0';
    const struct t_field big = {"x-big", value};
    client_request(&client, &big, 1);
    assert_int_equal(client.pair.served_count, 0);
    check_answer(&client, "grpc-status=8\n");
    check_answer(&client, "4096");
    client_request(&client, NULL, 0);
    assert_int_equal(client.pair.served_count, 1);
    client_close(&client);
}

/* Goal: a request that ends inside a message is an error, never a short message.
 * Method: cut at each byte of the prefix and inside the message. */
TEST(grpc_server, a_cut_message_is_refused)
{
    const uint8_t bytes[] = {0, 0, 0, 0, 3, 'a', 'b', 'c'};
    const char *expected[] = {NULL,           "after 1 of 5", "after 2 of 5",
                              "after 3 of 5", "after 4 of 5", "after 0 of 3",
                              "after 1 of 3", "after 2 of 3", NULL};
    for (size_t len_bytes = 0; len_bytes <= sizeof bytes; len_bytes++) {
        struct raw_client client;
        t_grpc_pair_init(&client.pair);
        client_open(&client);
        client_request(&client, NULL, 0);
        client_send(&client, bytes, len_bytes, true);
        struct t_user *served = &client.pair.served[0];
        assert_int_equal(served->message_count, len_bytes == sizeof bytes);
        if (expected[len_bytes] != NULL) {
            assert_int_equal(served->half_close_count, 0);
            assert_int_equal(served->end_count, 1);
            assert_true(cfl_grpc_call_is_cancelled(served->call));
            check_answer(&client, "grpc-status=13\n");
            check_answer(&client, expected[len_bytes]);
        } else {
            assert_int_equal(served->half_close_count, 1);
            assert_int_equal(served->end_count, 0);
        }
        client_close(&client);
    }
}

/* Goal: messages that are compressed or too long are refused before any memory is taken for them.
 * Method: prefixes alone. */
TEST(grpc_server, bad_prefixes_are_refused)
{
    const struct {
        const char *bytes;
        const char *status;
        const char *message;
    } cases[] = {
        {"\1\0\0\0\3", "grpc-status=13\n", "compressed"},
        {"\7\0\0\0\3", "grpc-status=13\n", "0x07"},
        {"\0\0\0\3\xe9", "grpc-status=8\n", "1001 bytes; the limit is 1000 bytes"},
        {"\0\xff\xff\xff\xff", "grpc-status=8\n", "4294967295 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct raw_client client;
        t_grpc_pair_init(&client.pair);
        client.pair.limits.message_bytes_max = 1000;
        client_open(&client);
        client_request(&client, NULL, 0);
        client_send(&client, cases[i].bytes, 5, false);
        check_answer(&client, cases[i].status);
        check_answer(&client, cases[i].message);
        assert_int_equal(client.answer.closed_count, 1);
        assert_int_equal(client.pair.served[0].begun_count, 0);
        assert_int_equal(client.pair.served[0].end_count, 1);
        client_close(&client);
    }
    struct raw_client client;
    t_grpc_pair_init(&client.pair);
    client.pair.limits.message_bytes_max = 1000;
    client_open(&client);
    client_request(&client, NULL, 0);
    client_send(&client, "\0\0\0\3\xe8", 5, false);
    assert_int_equal(client.pair.served[0].begun_count, 1);
    client_close(&client);
}

/* Goal: a stream of messages that nobody takes comes to rest, and memory with it.
 * Method: a lazy handler; empty messages after one that was not taken; then credit. */
TEST(grpc_server, messages_that_nobody_takes_stop_the_client)
{
    const size_t total_bytes = 400000;
    struct raw_client client;
    t_grpc_pair_init(&client.pair);
    client.pair.limits.stream_window_bytes = 65536;
    client.pair.next_served.is_lazy = true;
    client_open(&client);
    client_request(&client, NULL, 0);
    client_send(&client, "\0\0\0\0\1x", 6, false);
    uint8_t *empties = calloc(1, total_bytes);
    client_send(&client, empties, total_bytes, false);
    struct t_user *served = &client.pair.served[0];
    assert_in_range(served->message_count, 13000, 13107);
    cfl_grpc_call_consume(served->call, 1);
    client_pump(&client);
    assert_int_equal(served->message_count, 1 + total_bytes / 5);
    client_close(&client);
    free(empties);
}

/* Goal: what a handler refuses ends the call with its status, past data that waits.
 * Method: a handler that fails in on_message_begin. */
TEST(grpc_server, a_handler_can_refuse_a_message)
{
    struct raw_client client;
    t_grpc_pair_init(&client.pair);
    client.pair.next_served.refuse_with = CFLIGHT_OUT_OF_RANGE;
    client_open(&client);
    client_request(&client, NULL, 0);
    client_send(&client, "\0\0\0\0\2ab", 7, false);
    check_answer(&client, "grpc-status=11\n");
    check_answer(&client, "2 bytes are not wanted");
    assert_int_equal(client.pair.served[0].end_count, 1);
    client_close(&client);
}

static void add_sized(struct cfl_metadata *trailers, const char *name, struct cflight_bytes value)
{
    CHECK_OK(cfl_metadata_add(trailers, cflight_bytes_from_text(name), value, NULL), NULL);
}

/* Goal: a status with much text stays within what the client accepts, and the status is always
 * there; what fits goes whole, what is cut or left out is told. Method: limits that clients
 * announce, sizes of message and trailers around them; the list as it arrives. */
TEST(grpc_server, trailers_fit_what_the_client_takes)
{
    enum { TEXT_BYTES = 30000 };
    static const struct {
        uint32_t announced_bytes;
        size_t list_bytes; /* that may come */
    } limits[] = {{8192, 8192}, {16384, 8192}, {65536, 65536}};
    static const size_t sizes[] = {0, 100, 2000, 6000, TEXT_BYTES};
    char *text = malloc(TEXT_BYTES + 1);
    assert_non_null(text);
    memset(text, 'm', TEXT_BYTES);
    memcpy(text + TEXT_BYTES - 4, "last", 5);
    for (size_t i = 0; i < 3 * 5 * 5; i++) {
        struct raw_client client;
        struct cfl_metadata trailers;
        size_t list_bytes = limits[i / 25].list_bytes;
        size_t detail_bytes = sizes[i / 5 % 5];
        size_t message_bytes = sizes[i % 5];
        t_grpc_pair_init(&client.pair);
        client.pair.limits.metadata_bytes_max = limits[i / 25].announced_bytes;
        client_open(&client);
        client_request(&client, NULL, 0);
        cfl_metadata_init(&trailers, NULL);
        struct cflight_bytes detail = {(const uint8_t *)text + TEXT_BYTES - detail_bytes,
                                       detail_bytes};
        CHECK_OK(cfl_metadata_add(&trailers, cflight_bytes_from_text("x-arrow-status"),
                                  cflight_bytes_from_text("5"), NULL),
                 NULL);
        add_sized(&trailers, "x-arrow-status-message-bin", detail);
        add_sized(&trailers, "x-arrow-status-detail-bin", detail);
        add_sized(&trailers, "grpc-status-details-bin", detail);
        cfl_grpc_call_finish(client.pair.served[0].call, CFLIGHT_INTERNAL,
                             text + TEXT_BYTES - message_bytes, &trailers);
        client_pump(&client);
        check_answer(&client, "grpc-status=13\n");
        check_answer(&client, "x-arrow-status=5\n");
        assert_in_range(strlen(client.answer.fields), 1, list_bytes);
        assert_int_equal(client.answer.close_code, CFL_H2_NO_ERROR);
        bool has_details = strstr(client.answer.fields, "grpc-status-details-bin=") != NULL;
        assert_int_equal(has_details, detail_bytes * 4 / 3 + 3500 < list_bytes);
        if (message_bytes > 0 && !has_details) {
            check_answer(&client, "did not fit: grpc-status-details-bin]");
        } else if (message_bytes > 0) {
            check_answer(&client, "last\n"); /* the end is kept */
        }
        bool fits = message_bytes + detail_bytes * 4 + 1000 < list_bytes;
        bool is_marked = strstr(client.answer.fields, "bytes are left out") != NULL;
        assert_false(fits && is_marked);
        assert_true(message_bytes < list_bytes || is_marked);
        cfl_metadata_done(&trailers);
        client_close(&client);
    }
    free(text);
}

/* Goal: thousands of small trailers do not cost the status at clients that count fields.
 * Method: more than any peer takes, at a client that announces room for all of them. */
TEST(grpc_server, the_number_of_trailers_is_bounded)
{
    enum { SENT = 2000, KEPT = 256 };
    struct raw_client client;
    struct cfl_metadata trailers;
    size_t line_count = 0;
    t_grpc_pair_init(&client.pair);
    client.pair.limits.metadata_bytes_max = 1 << 20;
    client_open(&client);
    client_request(&client, NULL, 0);
    cfl_metadata_init(&trailers, NULL);
    for (int i = 0; i < SENT; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "x-%d", i);
        CHECK_OK(cfl_metadata_add(&trailers, cflight_bytes_from_text(name),
                                  cflight_bytes_from_text("v"), NULL),
                 NULL);
    }
    cfl_grpc_call_finish(client.pair.served[0].call, CFLIGHT_INTERNAL, "failed", &trailers);
    client_pump(&client);
    check_answer(&client, "grpc-status=13\n");
    check_answer(&client, "x-0=v\n");
    check_answer(&client, "x-255=v\n");
    check_answer(&client, "failed [1744 trailers of 1744 bytes did not fit: x-256, ...]");
    for (const char *at = client.answer.fields; (at = strstr(at, "x-")) != NULL; at++) {
        line_count++;
    }
    assert_int_equal(line_count, KEPT + 1); /* one is in the message */
    cfl_metadata_done(&trailers);
    client_close(&client);
}

/* Goal: a server without a handler for calls says so.
 * Method: a connection with no handlers at all. */
TEST(grpc_server, calls_without_a_handler_are_unimplemented)
{
    struct raw_client client;
    t_grpc_pair_init(&client.pair);
    client.pair.refuses = true;
    client_open(&client);
    client_request(&client, NULL, 0);
    check_answer(&client, "grpc-status=12\n");
    check_answer(&client, "no such method");
    assert_int_equal(cfl_grpc_call_count(client.pair.server), 0);
    client_close(&client);
}

/* Goal: a list of binary values cannot become a field for each of its bytes.
 * Method: as many commas as the metadata limit allows. */
TEST(grpc_server, a_list_of_binary_values_is_bounded)
{
    struct raw_client client;
    char commas[20001];
    memset(commas, ',', 20000);
    commas[20000] = '\0';
    t_grpc_pair_init(&client.pair);
    client_open(&client);
    const struct t_field list = {"x-raw-bin", commas};
    client_request(&client, &list, 1);
    assert_int_equal(client.pair.served_count, 0);
    check_answer(&client, "grpc-status=13\n");
    client_close(&client);
}

/* Goal: a connection without handlers answers every call and keeps nothing.
 * Method: a request to one. */
TEST(grpc_server, a_connection_without_handlers_serves_nothing)
{
    struct raw_client client;
    t_grpc_pair_init(&client.pair);
    client_open(&client);
    cfl_grpc_conn_free(client.pair.server);
    CHECK_OK(cfl_grpc_conn_new(NULL, CFL_GRPC_SERVER, &client.pair.limits, &client.pair.clock.clock,
                               NULL, NULL, NULL, &client.pair.server, NULL),
             NULL);
    client.pair.server_end = t_end_grpc(client.pair.server);
    client_request(&client, NULL, 0);
    check_answer(&client, "grpc-status=12\n");
    assert_int_equal(cfl_grpc_call_count(client.pair.server), 0);
    client_close(&client);
}
