/* SPDX-License-Identifier: Apache-2.0 */
/* The client against servers made by hand: what every kind of answer becomes. */
#include <stdlib.h>

#include "grpc/wire.h"
#include "grpc_pair.h"
#include "raw.h"

struct raw_server {
    struct t_grpc_pair pair; /* only its client is used */
    struct t_user user;
    struct t_raw raw;
    struct t_raw out;
};

static void server_open(struct raw_server *server)
{
    cflight_error *error = NULL;
    memset(&server->user, 0, sizeof server->user);
    memset(&server->raw, 0, sizeof server->raw);
    memset(&server->out, 0, sizeof server->out);
    CHECK_OK(t_grpc_pair_open(&server->pair, &error), error);
    CHECK_OK(t_call(&server->pair, &server->user, &error), error);
    t_raw_take(&server->pair.client_end, &server->out);
    t_raw_frame(&server->raw, T_SETTINGS, 0, 0, NULL, 0);
}

static void server_feed(struct raw_server *server)
{
    t_feed(&server->pair.client_end, server->raw.data, server->raw.len_bytes, SIZE_MAX);
    t_raw_clear(&server->raw);
    t_raw_clear(&server->out);
    t_raw_take(&server->pair.client_end, &server->out);
}

static void server_close(struct raw_server *server)
{
    assert_int_equal(server->user.end_count, 1);
    t_user_done(&server->user);
    t_grpc_pair_done(&server->pair);
    t_raw_done(&server->raw);
    t_raw_done(&server->out);
}

static const struct t_field OK_HEADERS[] = {
    {":status", "200"}, {"content-type", "application/grpc"}, {NULL, NULL}};

static void check_end(const struct raw_server *server, cflight_status status, const char *message,
                      bool is_from_peer)
{
    const struct cfl_grpc_call *call = server->user.call;
    assert_int_equal(server->user.end_count, 1);
    CHECK_STATUS(cfl_grpc_call_status(call), status);
    if (strstr(cfl_grpc_call_message(call), message) == NULL) {
        fail_msg("'%s' is not in '%s'", message, cfl_grpc_call_message(call));
    }
    assert_int_equal(cfl_grpc_call_status_is_from_peer(call), is_from_peer);
    assert_int_equal(cfl_grpc_call_count(server->pair.client), 0);
}

/* Answers of headers alone, and how they end a call. */
static const struct {
    struct t_field fields[6];
    cflight_status status;
    const char *message;
    bool is_from_peer;
} HEADERS_ALONE[] = {
    {{{":status", "200"},
      {"content-type", "application/grpc"},
      {"grpc-status", "5"},
      {"grpc-message", "not %e2%82%ac here"}},
     CFLIGHT_NOT_FOUND,
     "not \xe2\x82\xac here",
     true},
    {{{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "0"}},
     CFLIGHT_OK,
     "",
     true},
    {{{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "77"}},
     CFLIGHT_UNKNOWN,
     "",
     true},
    {{{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "x"}},
     CFLIGHT_UNKNOWN,
     "no number",
     false},
    {{{":status", "200"}, {"content-type", "application/grpc"}},
     CFLIGHT_UNKNOWN,
     "without a status",
     false},
    {{{":status", "200"}, {"content-type", "text/html"}},
     CFLIGHT_UNKNOWN,
     "HTTP status 200, content-type 'text/html'",
     false},
    {{{":status", "200"}}, CFLIGHT_UNKNOWN, "content-type ''", false},
    {{{":status", "400"}}, CFLIGHT_INTERNAL, "HTTP status 400", false},
    {{{":status", "401"}}, CFLIGHT_UNAUTHENTICATED, "HTTP status 401", false},
    {{{":status", "403"}}, CFLIGHT_PERMISSION_DENIED, "HTTP status 403", false},
    {{{":status", "404"}}, CFLIGHT_UNIMPLEMENTED, "HTTP status 404", false},
    {{{":status", "413"}}, CFLIGHT_RESOURCE_EXHAUSTED, "HTTP status 413", false},
    {{{":status", "431"}}, CFLIGHT_INTERNAL, "HTTP status 431", false},
    {{{":status", "429"}}, CFLIGHT_UNAVAILABLE, "HTTP status 429", false},
    {{{":status", "503"}, {"content-type", "text/plain"}},
     CFLIGHT_UNAVAILABLE,
     "'text/plain'",
     false},
    {{{":status", "500"}}, CFLIGHT_UNKNOWN, "HTTP status 500", false},
    {{{":status", "503"}, {"grpc-status", "7"}, {"grpc-message", "no"}},
     CFLIGHT_PERMISSION_DENIED,
     "no",
     true},
};

/* Goal: an answer of headers alone ends the call with what they say.
 * Method: Trailers-Only replies, HTTP errors of proxies, and missing or odd fields. */
TEST(grpc_client, headers_alone_end_the_call)
{
    for (size_t i = 0; i < 2 * sizeof HEADERS_ALONE / sizeof HEADERS_ALONE[0]; i++) {
        struct raw_server server;
        bool has_end = i % 2 == 0;
        if (!has_end && HEADERS_ALONE[i / 2].fields[2].name != NULL) {
            continue; /* a status needs END_STREAM */
        }
        if (!has_end && HEADERS_ALONE[i / 2].fields[1].name != NULL &&
            strcmp(HEADERS_ALONE[i / 2].fields[1].value, "application/grpc") == 0) {
            continue; /* this begins an answer */
        }
        t_grpc_pair_init(&server.pair);
        server_open(&server);
        t_raw_headers(&server.raw, has_end ? T_END_STREAM : 0, 1, HEADERS_ALONE[i / 2].fields);
        server_feed(&server);
        check_end(&server, HEADERS_ALONE[i / 2].status, HEADERS_ALONE[i / 2].message,
                  HEADERS_ALONE[i / 2].is_from_peer);
        assert_int_equal(server.user.headers_count, 0);
        assert_int_equal(t_raw_count(&server.out, T_RST_STREAM), 1);
        assert_int_equal(cfl_grpc_call_retry(server.user.call), CFLIGHT_RETRY_NEVER);
        server_close(&server);
    }
}

/* Goal: an ordinary answer is told in order: headers, messages, status with trailers.
 * Method: informational headers first; binary trailers, one of them damaged. */
TEST(grpc_client, an_answer_is_delivered)
{
    struct raw_server server;
    const struct t_field informational[] = {{":status", "103"}, {"link", "x"}, {NULL, NULL}};
    const struct t_field headers[] = {{":status", "200"},
                                      {"content-type", "application/grpc+proto"},
                                      {"grpc-encoding", "identity"},
                                      {"x-head", "1"},
                                      {NULL, NULL}};
    const struct t_field trailers[] = {{"grpc-status", "0"},
                                       {"x-a-bin", "AAE=,/w"},
                                       {"x-bad-bin", "!"},
                                       {"x-t", "t"},
                                       {"grpc-status-details-bin", "AA"},
                                       {NULL, NULL}};
    t_grpc_pair_init(&server.pair);
    server_open(&server);
    t_raw_headers(&server.raw, 0, 1, informational);
    server_feed(&server);
    assert_int_equal(server.user.headers_count, 0);
    t_raw_headers(&server.raw, 0, 1, headers);
    t_raw_frame(&server.raw, T_DATA, 0, 1, "\0\0\0\0\2ab\0\0\0", 10);
    t_raw_frame(&server.raw, T_DATA, 0, 1, "\0\1c", 3);
    server_feed(&server);
    assert_int_equal(server.user.headers_count, 1);
    assert_int_equal(server.user.message_count, 2);
    assert_memory_equal(server.user.bytes, "abc", 3);
    t_raw_headers(&server.raw, T_END_STREAM, 1, trailers);
    server_feed(&server);
    check_end(&server, CFLIGHT_OK, "", true);
    assert_int_equal(cfl_grpc_call_headers(server.user.call)->count, 1);
    const struct cfl_metadata *metadata = cfl_grpc_call_trailers(server.user.call);
    assert_int_equal(metadata->count, 4);
    struct cflight_bytes value = {NULL, 0};
    assert_true(cfl_metadata_get(metadata, "grpc-status-details-bin", &value));
    assert_int_equal(value.len_bytes, 1);
    server_close(&server);
}

/* Goal: what gRPC takes from proxies and servers is taken: blanks at the edges of values, fields of
 * single hops. Method: an answer of both; the values come without the blanks. */
TEST(grpc_client, odd_fields_of_an_answer_are_taken)
{
    struct raw_server server;
    const struct t_field headers[] = {{":status", "200"},
                                      {"content-type", " application/grpc "},
                                      {"connection", "keep-alive"},
                                      {"keep-alive", "timeout=5"},
                                      {"x-note", "\t from the server "},
                                      {NULL, NULL}};
    const struct t_field trailers[] = {
        {"grpc-status", "16"}, {"grpc-message", " the token has expired "}, {NULL, NULL}};
    t_grpc_pair_init(&server.pair);
    server_open(&server);
    t_raw_headers(&server.raw, 0, 1, headers);
    t_raw_headers(&server.raw, T_END_STREAM, 1, trailers);
    server_feed(&server);
    check_end(&server, CFLIGHT_UNAUTHENTICATED, "the token has expired", true);
    struct cflight_bytes value = {NULL, 0};
    const struct cfl_metadata *got = cfl_grpc_call_headers(server.user.call);
    assert_int_equal(got->count, 1);
    assert_true(cfl_metadata_get(got, "x-note", &value));
    assert_true(cflight_bytes_equal(value, cflight_bytes_from_text("from the server")));
    server_close(&server);
}

/* Goal: a reset of ours is not reported as the server's, and says what was wrong. Method: a value
 * with a line break; names with what RFC 9113 8.2.1 forbids. */
TEST(grpc_client, our_own_reset_names_the_fault)
{
    const struct t_field bad[] = {
        {"x", "a\nb"}, {"Grpc-Status", "0"}, {"x y", "a"}, {"x\xff", "a"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct raw_server server;
        const struct t_field headers[] = {
            {":status", "200"}, {"content-type", "application/grpc"}, bad[i], {NULL, NULL}};
        t_grpc_pair_init(&server.pair);
        server_open(&server);
        t_raw_headers(&server.raw, 0, 1, headers);
        server_feed(&server);
        check_end(&server, CFLIGHT_INTERNAL, "the server broke the HTTP/2 protocol", false);
        check_end(&server, CFLIGHT_INTERNAL, "a byte that HTTP forbids", false);
        server_close(&server);
    }
}

/* Goal: why a server went away is told. Method: GOAWAY with a code and a text that is not all
 * printable. */
TEST(grpc_client, the_reason_of_a_goaway_is_told)
{
    struct raw_server server;
    t_grpc_pair_init(&server.pair);
    server_open(&server);
    t_raw_frame(&server.raw, T_GOAWAY, 0, 0, "\0\0\0\0\0\0\0\x0btoo_many\npings", 22);
    server_feed(&server);
    check_end(&server, CFLIGHT_UNAVAILABLE, "GOAWAY ENHANCE_YOUR_CALM: too_many?pings", false);
    check_end(&server, CFLIGHT_UNAVAILABLE, "did not process the call", false);
    server_close(&server);
}

/* Goal: a stream that ends wrongly gives a status that says how.
 * Method: end without trailers, inside a message, with a second header block, with bad messages. */
TEST(grpc_client, broken_answers_end_the_call)
{
    const struct t_field trailers[] = {{"grpc-status", "0"}, {NULL, NULL}};
    const struct t_field failed[] = {{"grpc-status", "3"}, {"grpc-message", "bad"}, {NULL, NULL}};
    for (int i = 0; i < 8; i++) {
        struct raw_server server;
        t_grpc_pair_init(&server.pair);
        server.pair.limits.message_bytes_max = 1000;
        server.pair.limits.metadata_bytes_max = 1000;
        server_open(&server);
        t_raw_headers(&server.raw, 0, 1, OK_HEADERS);
        switch (i) {
        case 0:
            t_raw_frame(&server.raw, T_DATA, T_END_STREAM, 1, "\0\0\0\0\1x", 6);
            server_feed(&server);
            check_end(&server, CFLIGHT_UNKNOWN, "without a status", false);
            break;
        case 1:
            t_raw_frame(&server.raw, T_DATA, T_END_STREAM, 1, "\0\0\0\0\2x", 6);
            server_feed(&server);
            check_end(&server, CFLIGHT_INTERNAL, "after 1 of 2 bytes", false);
            break;
        case 2:
            t_raw_frame(&server.raw, T_DATA, 0, 1, "\0\0\0\0\2x", 6);
            t_raw_headers(&server.raw, T_END_STREAM, 1, trailers);
            server_feed(&server);
            check_end(&server, CFLIGHT_INTERNAL, "after 1 of 2 bytes", false);
            break;
        case 3:
            t_raw_frame(&server.raw, T_DATA, 0, 1, "\0\0\0\0\2x", 6);
            t_raw_headers(&server.raw, T_END_STREAM, 1, failed);
            server_feed(&server);
            check_end(&server, CFLIGHT_INVALID_ARGUMENT, "bad", true);
            break;
        case 4:
            t_raw_headers(&server.raw, 0, 1, trailers);
            server_feed(&server);
            check_end(&server, CFLIGHT_INTERNAL, "headers twice", false);
            break;
        case 5:
            t_raw_frame(&server.raw, T_DATA, 0, 1, "\1\0\0\0\2x", 6);
            server_feed(&server);
            check_end(&server, CFLIGHT_INTERNAL, "compressed", false);
            break;
        case 6:
            t_raw_frame(&server.raw, T_DATA, 0, 1, "\0\0\0\3\xe9x", 6);
            server_feed(&server);
            check_end(&server, CFLIGHT_RESOURCE_EXHAUSTED, "1001 bytes; the limit is 1000", false);
            break;
        default: {
            char text[1001];
            memset(text, 't', 1000);
            text[1000] = '\0';
            const struct t_field big[] = {{"grpc-status", "0"}, {"x", text}, {NULL, NULL}};
            t_raw_headers(&server.raw, T_END_STREAM, 1, big);
            server_feed(&server);
            check_end(&server, CFLIGHT_RESOURCE_EXHAUSTED, "limit of 1000 bytes", false);
            break;
        }
        }
        assert_int_equal(t_raw_count(&server.out, T_RST_STREAM), 1);
        assert_int_equal(server.pair.client_end.status, CFLIGHT_OK);
        server_close(&server);
    }
}

/* Goal: a reset becomes the status that gRPC gives its code, and says when trying again is safe.
 * Method: each code, before and after headers. */
TEST(grpc_client, resets_become_statuses)
{
    const struct {
        uint32_t code;
        cflight_status status;
        enum cflight_retry retry;
    } cases[] = {
        {CFL_H2_NO_ERROR, CFLIGHT_INTERNAL, CFLIGHT_RETRY_NEVER},
        {CFL_H2_PROTOCOL_ERROR, CFLIGHT_INTERNAL, CFLIGHT_RETRY_NEVER},
        {CFL_H2_INTERNAL_ERROR, CFLIGHT_INTERNAL, CFLIGHT_RETRY_NEVER},
        {CFL_H2_REFUSED_STREAM, CFLIGHT_UNAVAILABLE, CFLIGHT_RETRY_SAFE},
        {CFL_H2_CANCEL, CFLIGHT_CANCELLED, CFLIGHT_RETRY_NEVER},
        {CFL_H2_ENHANCE_YOUR_CALM, CFLIGHT_RESOURCE_EXHAUSTED, CFLIGHT_RETRY_UNSAFE},
        {CFL_H2_INADEQUATE_SECURITY, CFLIGHT_PERMISSION_DENIED, CFLIGHT_RETRY_NEVER},
    };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        struct raw_server server;
        t_grpc_pair_init(&server.pair);
        server_open(&server);
        if (i % 2 == 1) {
            t_raw_headers(&server.raw, 0, 1, OK_HEADERS);
        }
        t_raw_u32_frame(&server.raw, T_RST_STREAM, 0, 1, cases[i / 2].code);
        server_feed(&server);
        check_end(&server, cases[i / 2].status, cfl_grpc_h2_code_name(cases[i / 2].code), false);
        assert_int_equal(cfl_grpc_call_retry(server.user.call), cases[i / 2].retry);
        server_close(&server);
    }
}

/* Goal: when the server ends a call, the client stops sending and forgets the memory it was lent.
 * Method: a status while most of a message is not written; the memory is freed in between. */
TEST(grpc_client, an_early_status_stops_the_sender)
{
    struct raw_server server;
    const struct t_field early[] = {{":status", "200"},
                                    {"content-type", "application/grpc"},
                                    {"grpc-status", "9"},
                                    {"grpc-message", "early"},
                                    {NULL, NULL}};
    t_grpc_pair_init(&server.pair);
    server_open(&server);
    uint8_t *body = calloc(1, 5000000);
    t_send(&server.user, "head", 4, body, 5000000);
    uint8_t flat[1000];
    (void)t_drain(&server.pair.client_end, flat, sizeof flat);
    t_raw_headers(&server.raw, T_END_STREAM, 1, early);
    t_feed(&server.pair.client_end, server.raw.data, server.raw.len_bytes, SIZE_MAX);
    check_end(&server, CFLIGHT_FAILED_PRECONDITION, "early", true);
    assert_int_equal(cfl_grpc_call_unsent_bytes(server.user.call), 0);
    free(body);
    cflight_error *error = NULL;
    CHECK_STATUS(cfl_grpc_call_send(server.user.call, cflight_bytes_make("x", 1), NULL, &error),
                 CFLIGHT_FAILED_PRECONDITION);
    assert_non_null(strstr(cflight_error_message(error), "early"));
    cflight_error_free(error);
    CHECK_STATUS(cfl_grpc_call_half_close(server.user.call, NULL), CFLIGHT_FAILED_PRECONDITION);
    t_raw_clear(&server.raw);
    server_feed(&server); /* what is left of the frame, then RST_STREAM */
    server_close(&server);
}

/* Goal: GOAWAY ends calls that the server did not take as safe to retry, and stops new ones.
 * Method: two calls, the last id names the first. */
TEST(grpc_client, goaway_marks_calls_as_safe_to_retry)
{
    struct raw_server server;
    struct t_user second = {0};
    cflight_error *error = NULL;
    t_grpc_pair_init(&server.pair);
    server_open(&server);
    CHECK_OK(t_call(&server.pair, &second, &error), error);
    t_raw_take(&server.pair.client_end, &server.out);
    t_raw_goaway(&server.raw, 1, CFL_H2_NO_ERROR);
    server_feed(&server);
    assert_int_equal(server.pair.goaway_count, 1);
    assert_int_equal(second.end_count, 1);
    CHECK_STATUS(cfl_grpc_call_status(second.call), CFLIGHT_UNAVAILABLE);
    assert_int_equal(cfl_grpc_call_retry(second.call), CFLIGHT_RETRY_SAFE);
    assert_int_equal(server.user.end_count, 0);
    assert_false(cfl_grpc_can_start(server.pair.client));
    struct t_user third = {0};
    CHECK_STATUS(t_call(&server.pair, &third, &error), CFLIGHT_UNAVAILABLE);
    assert_int_equal(cflight_error_retry(error), CFLIGHT_RETRY_SAFE);
    cflight_error_free(error);
    cfl_grpc_conn_fail(server.pair.client, NULL);
    CHECK_STATUS(cfl_grpc_call_status(server.user.call), CFLIGHT_UNAVAILABLE);
    assert_int_equal(cfl_grpc_call_retry(server.user.call), CFLIGHT_RETRY_UNSAFE);
    t_user_done(&second);
    server_close(&server);
}

/* Goal: a connection that breaks ends its calls with the cause; those never written may be retried.
 * Method: one call that was written, one that was not. */
TEST(grpc_client, a_broken_connection_ends_calls)
{
    struct raw_server server;
    struct t_user unwritten = {0};
    cflight_error *cause = NULL;
    t_grpc_pair_init(&server.pair);
    server_open(&server);
    CHECK_OK(t_call(&server.pair, &unwritten, &cause), cause);
    uint8_t *body = calloc(1, 100000);
    t_send(&unwritten, NULL, 0, body, 100000);
    (void)cflight_error_set_message(&cause, CFLIGHT_UNAVAILABLE, "read: connection reset");
    cfl_grpc_conn_fail(server.pair.client, cause);
    free(body);
    check_end(&server, CFLIGHT_UNAVAILABLE, "broke: read: connection reset", false);
    assert_int_equal(cfl_grpc_call_retry(server.user.call), CFLIGHT_RETRY_UNSAFE);
    assert_int_equal(cfl_grpc_call_retry(unwritten.call), CFLIGHT_RETRY_SAFE);
    assert_int_equal(unwritten.end_count, 1);
    assert_false(cfl_grpc_can_start(server.pair.client));
    server_feed(&server); /* output after the failure touches no freed memory */
    cflight_error_free(cause);
    t_user_done(&unwritten);
    server_close(&server);
}
