/* SPDX-License-Identifier: Apache-2.0 */
/* A client and servers that no library would make: scripted peers on real sockets. Whatever they
 * say, every call ends, with a status and a text that tell what was seen. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "peer.h"
#include "rpcs.h"
#include "service.h"
#include "test.h"

enum { IDLE_MS = 200, DEADLINE_MS = 30000 };

/* What a server answers to each request, and whether it then closes or keeps silent. */
struct answer {
    const char *name;
    void (*say)(struct t_raw *raw, uint32_t stream_id);
    cflight_status status;
    const char *text;
    bool closes;
    bool is_for_unary_only;
};

static const struct t_field RESPONSE[] = {
    {":status", "200"}, {"content-type", "application/grpc"}, {NULL, NULL}};
static const struct t_field WELL[] = {{"grpc-status", "0"}, {NULL, NULL}};

static void headers(struct t_raw *raw, uint32_t stream_id)
{
    t_raw_headers(raw, 0, stream_id, RESPONSE);
}

/* The first `len_bytes` of a message of 100 bytes and its prefix. */
static void part(struct t_raw *raw, uint32_t stream_id, size_t len_bytes, int flags)
{
    uint8_t message[105] = {0, 0, 0, 0, 100};
    t_raw_frame(raw, T_DATA, flags, stream_id, message, len_bytes);
}

static void empty_message(struct t_raw *raw, uint32_t stream_id)
{
    static const uint8_t MESSAGE[5] = {0};
    t_raw_frame(raw, T_DATA, 0, stream_id, MESSAGE, sizeof MESSAGE);
}

static void say_nothing(struct t_raw *raw, uint32_t stream_id)
{
    (void)raw;
    (void)stream_id;
}

static void say_half_a_message(struct t_raw *raw, uint32_t stream_id)
{
    headers(raw, stream_id);
    part(raw, stream_id, 50, 0);
}

static void say_half_a_prefix(struct t_raw *raw, uint32_t stream_id)
{
    headers(raw, stream_id);
    part(raw, stream_id, 3, 0);
}

static void say_trailers_early(struct t_raw *raw, uint32_t stream_id)
{
    headers(raw, stream_id);
    t_raw_headers(raw, T_END_STREAM, stream_id, WELL);
}

static void say_trailers_only(struct t_raw *raw, uint32_t stream_id)
{
    static const struct t_field FIELDS[] = {{":status", "200"},
                                            {"content-type", "application/grpc"},
                                            {"grpc-status", "9"},
                                            {"grpc-message", "not%20now"},
                                            {NULL, NULL}};
    t_raw_headers(raw, T_END_STREAM, stream_id, FIELDS);
}

static void say_no_trailers(struct t_raw *raw, uint32_t stream_id)
{
    headers(raw, stream_id);
    t_raw_frame(raw, T_DATA, T_END_STREAM, stream_id, NULL, 0);
}

static void say_no_status(struct t_raw *raw, uint32_t stream_id)
{
    static const struct t_field FIELDS[] = {{"x", "y"}, {NULL, NULL}};
    headers(raw, stream_id);
    t_raw_headers(raw, T_END_STREAM, stream_id, FIELDS);
}

static void say_html(struct t_raw *raw, uint32_t stream_id)
{
    static const struct t_field FIELDS[] = {
        {":status", "200"}, {"content-type", "text/html"}, {NULL, NULL}};
    t_raw_headers(raw, 0, stream_id, FIELDS);
    t_raw_frame(raw, T_DATA, T_END_STREAM, stream_id, "<html>", 6);
}

static void say_http(struct t_raw *raw, uint32_t stream_id, const char *http_status)
{
    const struct t_field fields[] = {
        {":status", http_status}, {"content-type", "text/plain"}, {NULL, NULL}};
    t_raw_headers(raw, T_END_STREAM, stream_id, fields);
}

static void say_503(struct t_raw *raw, uint32_t stream_id)
{
    say_http(raw, stream_id, "503");
}

static void say_404(struct t_raw *raw, uint32_t stream_id)
{
    say_http(raw, stream_id, "404");
}

static void say_401(struct t_raw *raw, uint32_t stream_id)
{
    say_http(raw, stream_id, "401");
}

static void say_403(struct t_raw *raw, uint32_t stream_id)
{
    say_http(raw, stream_id, "403");
}

static void say_compressed(struct t_raw *raw, uint32_t stream_id)
{
    static const struct t_field FIELDS[] = {{":status", "200"},
                                            {"content-type", "application/grpc"},
                                            {"grpc-encoding", "br"},
                                            {NULL, NULL}};
    static const uint8_t MESSAGE[] = {1, 0, 0, 0, 2, 'x', 'y'};
    t_raw_headers(raw, 0, stream_id, FIELDS);
    t_raw_frame(raw, T_DATA, 0, stream_id, MESSAGE, sizeof MESSAGE);
}

static void say_two_messages(struct t_raw *raw, uint32_t stream_id)
{
    headers(raw, stream_id);
    empty_message(raw, stream_id);
    empty_message(raw, stream_id);
    t_raw_headers(raw, T_END_STREAM, stream_id, WELL);
}

static void cut_prefix(struct t_raw *raw, uint32_t stream_id, size_t len_bytes)
{
    headers(raw, stream_id);
    part(raw, stream_id, len_bytes, 0);
    t_raw_headers(raw, T_END_STREAM, stream_id, WELL);
}

static void cut_after_1(struct t_raw *raw, uint32_t stream_id)
{
    cut_prefix(raw, stream_id, 1);
}

static void cut_after_2(struct t_raw *raw, uint32_t stream_id)
{
    cut_prefix(raw, stream_id, 2);
}

static void cut_after_3(struct t_raw *raw, uint32_t stream_id)
{
    cut_prefix(raw, stream_id, 3);
}

static void cut_after_4(struct t_raw *raw, uint32_t stream_id)
{
    cut_prefix(raw, stream_id, 4);
}

static void cut_in_message(struct t_raw *raw, uint32_t stream_id)
{
    cut_prefix(raw, stream_id, 50);
}

static void say_reset(struct t_raw *raw, uint32_t stream_id)
{
    t_raw_u32_frame(raw, T_RST_STREAM, 0, stream_id, 2);
}

static void say_goaway(struct t_raw *raw, uint32_t stream_id)
{
    (void)stream_id;
    t_raw_goaway(raw, 0, 0);
}

static void say_garbage(struct t_raw *raw, uint32_t stream_id)
{
    (void)stream_id;
    static const char GARBAGE[] = "\xff\xff\xff garbage that is no frame at all";
    t_raw_append(raw, GARBAGE, sizeof GARBAGE);
}

static void say_data_first(struct t_raw *raw, uint32_t stream_id)
{
    empty_message(raw, stream_id);
}

static void say_headers_twice(struct t_raw *raw, uint32_t stream_id)
{
    headers(raw, stream_id);
    headers(raw, stream_id);
}

static void say_bad_status(struct t_raw *raw, uint32_t stream_id)
{
    static const struct t_field FIELDS[] = {{"grpc-status", "many"}, {NULL, NULL}};
    headers(raw, stream_id);
    t_raw_headers(raw, T_END_STREAM, stream_id, FIELDS);
}

static void say_much_metadata(struct t_raw *raw, uint32_t stream_id)
{
    enum { VALUE_BYTES = 16000, VALUE_COUNT = 5 };
    struct t_raw block = {0};
    char value[VALUE_BYTES];
    memset(value, 'v', sizeof value);
    t_raw_literal(&block, ":status", "200", 3, false);
    t_raw_literal(&block, "content-type", "application/grpc", 16, false);
    t_raw_frame(raw, T_HEADERS, 0, stream_id, block.data, block.len_bytes);
    for (int i = 0; i < VALUE_COUNT; i++) {
        t_raw_clear(&block);
        t_raw_literal(&block, "x-long", value, sizeof value, false);
        t_raw_frame(raw, T_CONTINUATION, i + 1 == VALUE_COUNT ? T_END_HEADERS : 0, stream_id,
                    block.data, block.len_bytes);
    }
    t_raw_done(&block);
}

/* One connection: settings, then the answer to each request that comes. */
static void serve(void *user_data, int fd)
{
    const struct answer *answer = user_data;
    struct t_raw input = {0};
    struct t_raw output = {0};
    t_raw_frame(&output, T_SETTINGS, 0, 0, NULL, 0);
    t_raw_ack(&output);
    bool goes_on = t_socket_send(fd, &output);
    for (uint32_t stream_id = 1; goes_on; stream_id += 2) {
        goes_on = t_socket_read_request(fd, stream_id, &input);
        if (goes_on) {
            t_raw_clear(&output);
            answer->say(&output, stream_id);
            goes_on = t_socket_send(fd, &output) && !answer->closes;
        }
    }
    t_raw_done(&output);
    t_raw_done(&input);
}

static void check_answer(const struct answer *answer, enum cflight_method method,
                         cflight_client *client)
{
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    cflight_error *error = NULL;
    options.timeout_ms = DEADLINE_MS; /* a watchdog: no case may reach it */
    options.idle_timeout_ms = answer->status == CFLIGHT_DEADLINE_EXCEEDED ? IDLE_MS : 0;
    cflight_status status = t_rpc(client, method, "x", &options, &error);
    if (status != answer->status || strstr(cflight_error_message(error), answer->text) == NULL) {
        fail_msg("%s, %s: %s: %s; expected %s with '%s'", answer->name, cflight_method_name(method),
                 cflight_status_name(status), cflight_error_message(error),
                 cflight_status_name(answer->status), answer->text);
    }
    cflight_error_free(error);
}

/* Each answer against each method, and again over the same client: what went wrong in the first
 * call must not hold up the second. Waits for a limit are repeated for one method alone. */
static void check_answers(const struct answer *answers, size_t answer_count)
{
    for (size_t i = 0; i < answer_count; i++) {
        struct t_peer peer;
        t_peer_start(&peer, serve, (void *)(uintptr_t)&answers[i]);
        for (int method = T_METHOD_FIRST; method <= T_METHOD_LAST; method++) {
            cflight_client *client = NULL;
            cflight_error *error = NULL;
            if (answers[i].is_for_unary_only && !t_rpc_is_unary((enum cflight_method)method)) {
                continue;
            }
            CHECK_OK(cflight_client_new(peer.location, NULL, &client, &error), error);
            check_answer(&answers[i], (enum cflight_method)method, client);
            if (answers[i].status != CFLIGHT_DEADLINE_EXCEEDED ||
                method == CFLIGHT_METHOD_GET_FLIGHT_INFO) {
                check_answer(&answers[i], (enum cflight_method)method, client);
            }
            cflight_client_free(client);
        }
        t_peer_stop(&peer);
    }
}

/* Goal: a server that stops in the middle of anything ends every call by the idle limit, which the
 * error names. Method: each place to stop, each method. */
TEST(peers, a_server_that_stops_is_left_after_the_idle_limit)
{
    static const struct answer ANSWERS[] = {
        {.name = "nothing", .say = say_nothing},
        {.name = "headers", .say = headers},
        {.name = "half a prefix", .say = say_half_a_prefix},
        {.name = "half a message", .say = say_half_a_message},
    };
    struct answer answers[4];
    for (size_t i = 0; i < 4; i++) {
        answers[i] = ANSWERS[i];
        answers[i].status = CFLIGHT_DEADLINE_EXCEEDED;
        answers[i].text = "idle limit of 200 ms";
    }
    check_answers(answers, 4);
}

/* Goal: a server that accepts and never says a word is left after the connect timeout, whatever
 * limits a call has. */
TEST(peers, a_server_that_never_speaks_is_left_after_the_connect_timeout)
{
    struct t_peer peer;
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct answer answer = {.name = "no settings",
                            .status = CFLIGHT_DEADLINE_EXCEEDED,
                            .text = "the connect timeout passed while waiting for the first words"};
    options.connect_timeout_ms = IDLE_MS;
    t_peer_start(&peer, t_peer_say_nothing, NULL);
    for (int method = T_METHOD_FIRST; method <= T_METHOD_LAST; method++) {
        cflight_client *client = NULL;
        cflight_error *error = NULL;
        CHECK_OK(cflight_client_new(peer.location, &options, &client, &error), error);
        check_answer(&answer, (enum cflight_method)method, client);
        cflight_client_free(client);
    }
    t_peer_stop(&peer);
}

/* Goal: where the time of the call is over before that of connecting, the error says so. */
TEST(peers, a_call_whose_limit_passes_while_connecting_names_that_limit)
{
    struct t_peer peer;
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    options.timeout_ms = IDLE_MS;
    t_peer_start(&peer, t_peer_say_nothing, NULL);
    CHECK_OK(cflight_client_new(peer.location, NULL, &client, &error), error);
    CHECK_STATUS(cflight_client_connect(client, &options, &error), CFLIGHT_DEADLINE_EXCEEDED);
    assert_non_null(strstr(cflight_error_message(error),
                           "the call's limit passed while waiting for the first words of grpc://"));
    cflight_error_free(error);
    cflight_client_free(client);
    t_peer_stop(&peer);
}

/* Goal: an answer that is no gRPC, or breaks its rules, ends the call with a status and a reason.
 */
TEST(peers, broken_answers_end_every_call_with_a_reason)
{
    static const struct answer ANSWERS[] = {
        {.name = "status alone",
         .say = say_trailers_only,
         .status = CFLIGHT_FAILED_PRECONDITION,
         .text = "not now"},
        {.name = "trailers early",
         .say = say_trailers_early,
         .status = CFLIGHT_INTERNAL,
         .text = "without an answer",
         .is_for_unary_only = true},
        {.name = "no trailers",
         .say = say_no_trailers,
         .status = CFLIGHT_UNKNOWN,
         .text = "without a status"},
        {.name = "no status",
         .say = say_no_status,
         .status = CFLIGHT_UNKNOWN,
         .text = "without a status"},
        {.name = "status no number",
         .say = say_bad_status,
         .status = CFLIGHT_UNKNOWN,
         .text = "no number"},
        {.name = "html",
         .say = say_html,
         .status = CFLIGHT_UNKNOWN,
         .text = "content-type 'text/html'"},
        {.name = "503", .say = say_503, .status = CFLIGHT_UNAVAILABLE, .text = "HTTP status 503"},
        {.name = "404", .say = say_404, .status = CFLIGHT_UNIMPLEMENTED, .text = "HTTP status 404"},
        {.name = "401",
         .say = say_401,
         .status = CFLIGHT_UNAUTHENTICATED,
         .text = "HTTP status 401"},
        {.name = "403",
         .say = say_403,
         .status = CFLIGHT_PERMISSION_DENIED,
         .text = "HTTP status 403"},
        {.name = "compressed",
         .say = say_compressed,
         .status = CFLIGHT_INTERNAL,
         .text = "compressed"},
        {.name = "two messages",
         .say = say_two_messages,
         .status = CFLIGHT_INTERNAL,
         .text = "second one",
         .is_for_unary_only = true},
        {.name = "headers twice",
         .say = say_headers_twice,
         .status = CFLIGHT_INTERNAL,
         .text = "headers twice"},
        {.name = "metadata over the limit",
         .say = say_much_metadata,
         .status = CFLIGHT_RESOURCE_EXHAUSTED,
         .text = "limit of 65536 bytes"},
    };
    check_answers(ANSWERS, sizeof ANSWERS / sizeof ANSWERS[0]);
}

/* Goal: a message cut anywhere, by trailers that claim success, is an error that says where. */
TEST(peers, cut_messages_end_every_call_with_the_place)
{
    static const struct answer ANSWERS[] = {
        {.name = "after 1 byte",
         .say = cut_after_1,
         .status = CFLIGHT_INTERNAL,
         .text = "prefix, after 1 of 5"},
        {.name = "after 2 bytes",
         .say = cut_after_2,
         .status = CFLIGHT_INTERNAL,
         .text = "prefix, after 2 of 5"},
        {.name = "after 3 bytes",
         .say = cut_after_3,
         .status = CFLIGHT_INTERNAL,
         .text = "prefix, after 3 of 5"},
        {.name = "after 4 bytes",
         .say = cut_after_4,
         .status = CFLIGHT_INTERNAL,
         .text = "prefix, after 4 of 5"},
        {.name = "in the message",
         .say = cut_in_message,
         .status = CFLIGHT_INTERNAL,
         .text = "message, after 45 of 100"},
    };
    check_answers(ANSWERS, sizeof ANSWERS / sizeof ANSWERS[0]);
}

/* Goal: a stream or a connection that ends instead of answering ends the call. */
TEST(peers, lost_connections_end_every_call)
{
    static const struct answer ANSWERS[] = {
        {.name = "reset", .say = say_reset, .status = CFLIGHT_INTERNAL, .text = "INTERNAL_ERROR"},
        {.name = "goaway",
         .say = say_goaway,
         .status = CFLIGHT_UNAVAILABLE,
         .text = "did not process",
         .closes = true},
        {.name = "data first",
         .say = say_data_first,
         .status = CFLIGHT_UNAVAILABLE,
         .text = "PROTOCOL_ERROR"},
        {.name = "garbage",
         .say = say_garbage,
         .status = CFLIGHT_UNAVAILABLE,
         .text = "connection broke"},
        {.name = "close",
         .say = say_nothing,
         .status = CFLIGHT_UNAVAILABLE,
         .text = "connection broke",
         .closes = true},
        {.name = "close in a message",
         .say = say_half_a_message,
         .status = CFLIGHT_UNAVAILABLE,
         .text = "connection broke",
         .closes = true},
    };
    check_answers(ANSWERS, sizeof ANSWERS / sizeof ANSWERS[0]);
}
