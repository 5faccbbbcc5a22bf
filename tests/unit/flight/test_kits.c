/* SPDX-License-Identifier: Apache-2.0 */
/* The ready-made middleware at work between a client and a server over loopback: passwords and
 * tokens, sessions and cookies, trace context and the log of requests. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "cflight/cflight.h"
#include "flight/kit/log_text.h"
#include "test.h"

enum { LINES_MAX = 32, LINE_BYTES_MAX = 512 };

/* What one test runs. */
struct kit {
    cflight_bearer_auth *auth;
    cflight_session_store *store;
    struct cflight_server_auth handshake;
    struct cflight_server_middleware middleware[3];
    struct cflight_request_log log;
    cflight_server *server;
    cflight_client *client;
    pthread_mutex_t mutex;
    pthread_cond_t has_line;
    char lines[LINES_MAX][LINE_BYTES_MAX]; /* under the mutex, as the next */
    size_t line_count;
};

/* Answers "whoami" with the caller's names, "trace" with the headers for the next server, and "new"
 * with whether the call began its session and whether the client comes back to it. */
static cflight_status do_action(void *user_data, cflight_server_context *context,
                                const struct cflight_action *action, cflight_response *response,
                                cflight_error **reterr)
{
    (void)user_data;
    bool is_answered = false;
    cflight_status status = cflight_session_answer(context, action, response, &is_answered, reterr);
    if (status != CFLIGHT_OK || is_answered) {
        return status;
    }
    if (cflight_bytes_equal(action->type, t_text("whoami"))) {
        struct cflight_bytes by_kit = cflight_bearer_auth_identity(context);
        status = cflight_response_result(response, by_kit, reterr);
        return status != CFLIGHT_OK
                   ? status
                   : cflight_response_result(response,
                                             cflight_server_context_peer_identity(context), reterr);
    }
    if (cflight_bytes_equal(action->type, t_text("new"))) {
        status = cflight_response_result(
            response, t_text(cflight_session_is_new(context) ? "yes" : "no"), reterr);
        return status != CFLIGHT_OK
                   ? status
                   : cflight_response_result(
                         response, t_text(cflight_session_is_kept(context) ? "kept" : ""), reterr);
    }
    struct cflight_trace trace;
    struct cflight_trace child;
    struct cflight_header headers[2];
    char text[CFLIGHT_TRACEPARENT_BYTES + 1];
    if (!cflight_bytes_equal(action->type, t_text("trace")) || !cflight_trace_of(context, &trace)) {
        return cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND, "no such\naction");
    }
    status = cflight_trace_child(&trace, &child, reterr);
    size_t count = status != CFLIGHT_OK ? 0 : cflight_trace_headers(&child, text, headers);
    for (size_t i = 0; i < count && status == CFLIGHT_OK; i++) {
        status = cflight_response_result(response, headers[i].value, reterr);
    }
    return status;
}

static cflight_status list_actions(void *user_data, cflight_server_context *context,
                                   cflight_response *response, cflight_error **reterr)
{
    (void)user_data;
    (void)context;
    return cflight_session_list_actions(response, reterr);
}

static cflight_status verify(void *user_data, struct cflight_bytes username,
                             struct cflight_bytes password, cflight_buffer **ret_identity,
                             cflight_error **reterr)
{
    (void)user_data;
    (void)username;
    (void)ret_identity;
    return cflight_bytes_equal(password, t_text("secret"))
               ? CFLIGHT_OK
               : cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED,
                                           "Wrong user name or password");
}

static void take_line(void *user_data, const char *line)
{
    struct kit *kit = user_data;
    (void)pthread_mutex_lock(&kit->mutex);
    if (kit->line_count < LINES_MAX) {
        (void)snprintf(kit->lines[kit->line_count++], LINE_BYTES_MAX, "%s", line);
    }
    (void)pthread_cond_signal(&kit->has_line);
    (void)pthread_mutex_unlock(&kit->mutex);
}

static void kit_open(struct kit *kit, bool with_auth, bool with_sessions,
                     const struct cflight_client_middleware *client_middleware)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    struct cflight_server_options server_options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct cflight_client_options client_options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct cflight_bearer_auth_options auth_options = CFLIGHT_BEARER_AUTH_OPTIONS_INIT;
    cflight_error *error = NULL;
    memset(kit, 0, sizeof *kit);
    kit->log = (struct cflight_request_log)CFLIGHT_REQUEST_LOG_INIT;
    kit->log.write = take_line;
    kit->log.user_data = kit;
    assert_int_equal(pthread_mutex_init(&kit->mutex, NULL), 0);
    assert_int_equal(pthread_cond_init(&kit->has_line, NULL), 0);
    cflight_request_log_middleware(&kit->log, &kit->middleware[server_options.middleware_count++]);
    if (with_auth) {
        auth_options.verify = verify;
        CHECK_OK(cflight_bearer_auth_new(&auth_options, &kit->auth, &error), error);
        cflight_bearer_auth_server(kit->auth, &kit->handshake,
                                   &kit->middleware[server_options.middleware_count++]);
        server_options.auth = &kit->handshake;
    }
    if (with_sessions) {
        CHECK_OK(cflight_session_store_new(NULL, &kit->store, &error), error);
        cflight_session_store_middleware(kit->store,
                                         &kit->middleware[server_options.middleware_count++]);
    }
    server_options.middleware = kit->middleware;
    handlers.do_action = do_action;
    handlers.list_actions = list_actions;
    CHECK_OK(
        cflight_server_new("grpc://127.0.0.1:0", &handlers, &server_options, &kit->server, &error),
        error);
    client_options.middleware = client_middleware;
    client_options.middleware_count = client_middleware == NULL ? 0 : 1;
    CHECK_OK(cflight_client_new(cflight_server_location(kit->server), &client_options, &kit->client,
                                &error),
             error);
}

static void kit_close(struct kit *kit)
{
    cflight_client_free(kit->client);
    cflight_server_free(kit->server);
    cflight_session_store_unref(kit->store);
    cflight_bearer_auth_unref(kit->auth);
    (void)pthread_cond_destroy(&kit->has_line);
    (void)pthread_mutex_destroy(&kit->mutex);
}

/* Runs an action; results are copied as texts. */
static cflight_status run(struct kit *kit, const char *type, const struct cflight_header *headers,
                          size_t header_count, char results[2][128], cflight_error **reterr)
{
    struct cflight_action action = {t_text(type), t_text("")};
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    cflight_result_stream *stream = NULL;
    options.headers = headers;
    options.header_count = header_count;
    cflight_status status =
        cflight_client_do_action(kit->client, &action, &options, &stream, reterr);
    for (size_t i = 0; status == CFLIGHT_OK; i++) {
        cflight_buffer *body = NULL;
        status = cflight_result_stream_next(stream, &body, reterr);
        if (body == NULL) {
            break;
        }
        struct cflight_bytes bytes = cflight_buffer_bytes(body);
        if (i < 2 && results != NULL) {
            (void)snprintf(results[i], 128, "%.*s", (int)bytes.len_bytes, (const char *)bytes.data);
        }
        cflight_buffer_unref(body);
    }
    cflight_result_stream_free(stream);
    return status;
}

/* Goal: a client gets in with a password once, then with the token, until it is revoked. Method:
 * the whole way. */
TEST(kits, a_password_opens_and_a_token_keeps_open)
{
    struct kit kit;
    cflight_buffer *bearer = NULL;
    cflight_error *error = NULL;
    char results[2][128] = {"", ""};
    kit_open(&kit, true, false, NULL);
    CHECK_STATUS(run(&kit, "whoami", NULL, 0, NULL, NULL), CFLIGHT_UNAUTHENTICATED);
    CHECK_STATUS(cflight_client_authenticate_basic(kit.client, t_text("alice"), t_text("wrong"),
                                                   NULL, &bearer, NULL),
                 CFLIGHT_UNAUTHENTICATED);
    CHECK_OK(cflight_client_authenticate_basic(kit.client, t_text("alice"), t_text("secret"), NULL,
                                               &bearer, &error),
             error);
    assert_non_null(bearer);
    struct cflight_header with_token = {t_text("authorization"), cflight_buffer_bytes(bearer)};
    CHECK_OK(run(&kit, "whoami", &with_token, 1, results, &error), error);
    assert_string_equal(results[0], "alice");
    assert_string_equal(results[1], "alice");
    struct cflight_header with_password = {t_text("authorization"),
                                           t_text("Basic Ym9iOnNlY3JldA")}; /* bob:secret */
    CHECK_OK(run(&kit, "whoami", &with_password, 1, results, &error), error);
    assert_string_equal(results[0], "bob");
    assert_true(cflight_bearer_auth_revoke(kit.auth, cflight_buffer_bytes(bearer)));
    CHECK_STATUS(run(&kit, "whoami", &with_token, 1, NULL, &error), CFLIGHT_UNAUTHENTICATED);
    assert_string_equal(cflight_error_message(error), "The bearer token is unknown or has expired");
    cflight_error_free(error);
    cflight_buffer_unref(bearer);
    kit_close(&kit);
}

/* Goal: which of two credentials counts is nobody's choice. Method: two headers, both good. */
TEST(kits, two_authorization_headers_are_refused)
{
    struct kit kit;
    cflight_buffer *token = NULL;
    cflight_error *error = NULL;
    char value[128];
    kit_open(&kit, true, false, NULL);
    CHECK_OK(cflight_bearer_auth_issue(kit.auth, t_text("bob"), &token, &error), error);
    (void)snprintf(value, sizeof value, "Bearer %.*s", (int)cflight_buffer_bytes(token).len_bytes,
                   (const char *)cflight_buffer_bytes(token).data);
    struct cflight_header headers[] = {{t_text("authorization"), t_text(value)},
                                       {t_text("authorization"), t_text(value)}};
    CHECK_OK(run(&kit, "whoami", headers, 1, NULL, &error), error);
    CHECK_STATUS(run(&kit, "whoami", headers, 2, NULL, &error), CFLIGHT_UNAUTHENTICATED);
    assert_string_equal(cflight_error_message(error),
                        "The call carries more than one authorization header");
    cflight_error_free(error);
    headers[1].value = t_text("Basic Ym9iOnNlY3JldA");
    CHECK_STATUS(run(&kit, "whoami", headers, 2, NULL, NULL), CFLIGHT_UNAUTHENTICATED);
    cflight_buffer_unref(token);
    kit_close(&kit);
}

/* Goal: half of the kit lets nobody in. Method: a server with the handshake table alone, and one
 * with another middleware beside it; calls and handshakes, with and without credentials. */
TEST(kits, a_handshake_without_its_middleware_refuses)
{
    for (size_t middleware_count = 0; middleware_count < 2; middleware_count++) {
        struct kit kit;
        struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
        struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
        struct cflight_header header = {t_text("authorization"), t_text("Basic Ym9iOnNlY3JldA")};
        cflight_buffer *bearer = NULL;
        cflight_error *error = NULL;
        kit_open(&kit, true, false, NULL);
        cflight_client_free(kit.client);
        cflight_server_free(kit.server);
        handlers.do_action = do_action;
        options.auth = &kit.handshake;
        options.middleware = kit.middleware; /* the log of requests */
        options.middleware_count = middleware_count;
        CHECK_OK(cflight_server_new("grpc://127.0.0.1:0", &handlers, &options, &kit.server, &error),
                 error);
        CHECK_OK(cflight_client_new(cflight_server_location(kit.server), NULL, &kit.client, &error),
                 error);
        CHECK_STATUS(run(&kit, "whoami", NULL, 0, NULL, &error), CFLIGHT_INTERNAL);
        assert_non_null(strstr(cflight_error_message(error), "lacks the middleware"));
        cflight_error_free(error);
        CHECK_STATUS(run(&kit, "whoami", &header, 1, NULL, NULL), CFLIGHT_INTERNAL);
        CHECK_STATUS(cflight_client_authenticate_basic(kit.client, t_text("bob"), t_text("secret"),
                                                       NULL, &bearer, NULL),
                     CFLIGHT_INTERNAL);
        assert_null(bearer);
        kit_close(&kit);
    }
}

static size_t option_count(struct kit *kit)
{
    struct cflight_session_options *options = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cflight_client_get_session_options(kit->client, NULL, &options, &error), error);
    size_t count = options->count;
    cflight_session_options_free(options);
    return count;
}

/* Goal: options stay with a client that keeps cookies, end with the session, and a dead cookie is
 * forgotten. Method: set, get, close; then end the session behind the client's back. */
TEST(kits, a_session_lasts_from_call_to_call)
{
    struct kit kit;
    struct cflight_client_middleware middleware;
    cflight_cookie_jar *jar = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cflight_cookie_jar_new(NULL, &jar, &error), error);
    cflight_cookie_jar_middleware(jar, &middleware);
    kit_open(&kit, false, true, &middleware);
    char is_new[2][128] = {"", ""};
    CHECK_OK(run(&kit, "new", NULL, 0, is_new, &error), error);
    assert_string_equal(is_new[0], "yes");
    assert_string_equal(is_new[1], "kept");
    assert_int_equal(option_count(&kit), 0);
    CHECK_OK(run(&kit, "new", NULL, 0, is_new, &error), error);
    assert_string_equal(is_new[0], "no");
    assert_string_equal(is_new[1], "kept");
    struct cflight_session_option option = {
        .name = t_text("n"), .type = CFLIGHT_SESSION_VALUE_INT64, .int64_value = 123};
    struct cflight_session_options options = {&option, 1};
    struct cflight_session_errors *errors = NULL;
    CHECK_OK(cflight_client_set_session_options(kit.client, &options, NULL, &errors, &error),
             error);
    assert_int_equal(errors->count, 0);
    cflight_session_errors_free(errors);
    assert_int_equal(option_count(&kit), 1);
    assert_int_equal(cflight_session_store_count(kit.store), 1);
    enum cflight_close_session_status close_status = CFLIGHT_CLOSE_SESSION_UNSPECIFIED;
    CHECK_OK(cflight_client_close_session(kit.client, NULL, &close_status, &error), error);
    assert_int_equal(close_status, CFLIGHT_CLOSE_SESSION_CLOSED);
    assert_int_equal(cflight_session_store_count(kit.store), 0);
    assert_int_equal(option_count(&kit), 0); /* a new session, without the old cookie */
    CHECK_STATUS(cflight_cookie_jar_set(
                     jar, t_text(CFLIGHT_SESSION_COOKIE "=00112233445566778899aabbccddeeff"), NULL),
                 CFLIGHT_OK);
    CHECK_STATUS(run(&kit, "whoami", NULL, 0, NULL, NULL), CFLIGHT_INVALID_ARGUMENT);
    assert_int_equal(option_count(&kit), 0);
    cflight_cookie_jar_unref(jar);
    kit_close(&kit);
}

/* Goal: a request that could never fit costs no more than its bytes. Method: far more options than
 * a session may have, which would be parsed and looked up one by one; the session goes on. */
TEST(kits, a_session_refuses_requests_without_measure)
{
    enum { COUNT = 100000 };
    struct kit kit;
    cflight_error *error = NULL;
    char is_new[2][128] = {"", ""};
    kit_open(&kit, false, true, NULL);
    CHECK_OK(run(&kit, "new", NULL, 0, is_new, &error), error);
    assert_string_equal(is_new[0], "yes");
    assert_string_equal(is_new[1], ""); /* a client without cookies */
    struct cflight_session_option *many = calloc(COUNT, sizeof *many);
    assert_non_null(many);
    for (size_t i = 0; i < COUNT; i++) {
        many[i] = (struct cflight_session_option){.name = t_text("name"),
                                                  .type = CFLIGHT_SESSION_VALUE_BOOL};
    }
    struct cflight_session_options options = {many, COUNT};
    struct cflight_session_errors *errors = NULL;
    CHECK_STATUS(cflight_client_set_session_options(kit.client, &options, NULL, &errors, &error),
                 CFLIGHT_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(cflight_error_message(error), "a request to set session options"));
    cflight_error_free(error);
    error = NULL;
    options.count = 1;
    CHECK_OK(cflight_client_set_session_options(kit.client, &options, NULL, &errors, &error),
             error);
    cflight_session_errors_free(errors);
    free(many);
    kit_close(&kit);
}

/* Goal: a session is its owner's alone. Method: two users whose clients share a jar of cookies; the
 * second is told that the session is unknown, the first still has it. */
TEST(kits, a_cookie_of_another_user_is_unknown)
{
    struct kit kit;
    struct cflight_client_middleware middleware;
    cflight_cookie_jar *jar = NULL;
    cflight_error *error = NULL;
    struct cflight_header alice = {t_text("authorization"), t_text("Basic YWxpY2U6c2VjcmV0")};
    struct cflight_header bob = {t_text("authorization"), t_text("Basic Ym9iOnNlY3JldA")};
    char cookie[128] = "";
    CHECK_OK(cflight_cookie_jar_new(NULL, &jar, &error), error);
    cflight_cookie_jar_middleware(jar, &middleware);
    kit_open(&kit, true, true, &middleware);
    CHECK_OK(run(&kit, "whoami", &alice, 1, NULL, &error), error);
    cflight_buffer *kept = NULL;
    CHECK_OK(cflight_cookie_jar_header(jar, &kept, &error), error);
    (void)snprintf(cookie, sizeof cookie, "%.*s", (int)cflight_buffer_bytes(kept).len_bytes,
                   (const char *)cflight_buffer_bytes(kept).data);
    cflight_buffer_unref(kept);
    CHECK_STATUS(run(&kit, "whoami", &bob, 1, NULL, &error), CFLIGHT_INVALID_ARGUMENT);
    assert_non_null(strstr(cflight_error_message(error), "is unknown or has ended"));
    cflight_error_free(error);
    CHECK_STATUS(cflight_cookie_jar_set(jar, t_text(cookie), NULL), CFLIGHT_OK);
    CHECK_OK(run(&kit, "whoami", &alice, 1, NULL, NULL), NULL);
    assert_int_equal(cflight_session_store_count(kit.store), 1);
    cflight_cookie_jar_unref(jar);
    kit_close(&kit);
}

/* Goal: a server without sessions says so, one with them lists its actions. Method: ask both. */
TEST(kits, session_actions_are_listed_and_need_a_store)
{
    struct kit kit;
    struct cflight_session_options *options = NULL;
    cflight_action_type_stream *stream = NULL;
    cflight_error *error = NULL;
    size_t count = 0;
    kit_open(&kit, false, false, NULL);
    CHECK_STATUS(cflight_client_get_session_options(kit.client, NULL, &options, NULL),
                 CFLIGHT_FAILED_PRECONDITION);
    CHECK_OK(cflight_client_list_actions(kit.client, NULL, &stream, &error), error);
    for (;;) {
        struct cflight_action_type *type = NULL;
        CHECK_OK(cflight_action_type_stream_next(stream, &type, &error), error);
        if (type == NULL) {
            break;
        }
        count++;
        cflight_action_type_free(type);
    }
    assert_int_equal(count, 3);
    cflight_action_type_stream_free(stream);
    kit_close(&kit);
}

/* Waits for the line with this index. */
static const char *line_at(struct kit *kit, size_t index)
{
    (void)pthread_mutex_lock(&kit->mutex);
    while (kit->line_count <= index) {
        (void)pthread_cond_wait(&kit->has_line, &kit->mutex);
    }
    (void)pthread_mutex_unlock(&kit->mutex);
    return kit->lines[index];
}

/* Goal: trace context reaches the handler and goes on with the same trace and a new span; the log
 * names it, the caller and the failure, and no token. Method: three calls and their lines. */
TEST(kits, traces_go_on_and_requests_are_logged)
{
    static const char TRACE[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    struct kit kit;
    cflight_buffer *bearer = NULL;
    cflight_error *error = NULL;
    char results[2][128] = {"", ""};
    kit_open(&kit, true, false, NULL);
    CHECK_OK(cflight_client_authenticate_basic(kit.client, t_text("a'b"), t_text("secret"), NULL,
                                               &bearer, &error),
             error);
    struct cflight_header headers[] = {{t_text("authorization"), cflight_buffer_bytes(bearer)},
                                       {t_text("traceparent"), t_text(TRACE)},
                                       {t_text("tracestate"), t_text("x=y")}};
    CHECK_OK(run(&kit, "trace", headers, 3, results, &error), error);
    assert_memory_equal(results[0], TRACE, 36);
    assert_memory_not_equal(results[0] + 36, TRACE + 36, 16);
    assert_string_equal(results[0] + 52, "-01");
    assert_string_equal(results[1], "x=y");
    CHECK_STATUS(run(&kit, "trace", headers, 1, NULL, NULL), CFLIGHT_NOT_FOUND);
    assert_memory_equal(line_at(&kit, 0), "Handshake ipv4:127.0.0.1:", 25);
    assert_non_null(strstr(line_at(&kit, 1), "DoAction ipv4:127.0.0.1:"));
    assert_non_null(strstr(line_at(&kit, 1), " OK "));
    assert_non_null(
        strstr(line_at(&kit, 1), ", user 'a\\x27b', trace 4bf92f3577b34da6a3ce929d0e0e4736"));
    assert_non_null(strstr(line_at(&kit, 2), " NOT_FOUND "));
    assert_non_null(strstr(line_at(&kit, 2), ": no such\\x0aaction"));
    char token[17];
    (void)snprintf(token, sizeof token, "%.16s",
                   (const char *)cflight_buffer_bytes(bearer).data + 7);
    for (size_t i = 0; i < 3; i++) {
        assert_null(strstr(line_at(&kit, i), "secret"));
        assert_null(strstr(line_at(&kit, i), token));
    }
    cflight_buffer_unref(bearer);
    kit_close(&kit);
}

/* Goal: only valid trace context is taken. Method: a table. */
TEST(trace, only_valid_traceparents_are_taken)
{
    static const struct {
        const char *text;
        bool is_valid;
    } cases[] = {
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true},
        {"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", true},
        {"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", false},
        {"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more", false},
        {"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
        {"00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
        {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g", false},
        {"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cflight_trace trace;
        assert_int_equal(cflight_trace_parse(t_text(cases[i].text), &trace), cases[i].is_valid);
    }
}

/* Goal: a trace can begin here. Method: make two and compare. */
TEST(trace, a_new_trace_is_unlike_any_other)
{
    struct cflight_trace a;
    struct cflight_trace b;
    struct cflight_trace parsed;
    struct cflight_header headers[2];
    char text[CFLIGHT_TRACEPARENT_BYTES + 1];
    CHECK_STATUS(cflight_trace_child(NULL, &a, NULL), CFLIGHT_OK);
    CHECK_STATUS(cflight_trace_child(NULL, &b, NULL), CFLIGHT_OK);
    assert_memory_not_equal(a.trace_id, b.trace_id, sizeof a.trace_id);
    assert_int_equal(cflight_trace_headers(&a, text, headers), 1);
    assert_true(cflight_trace_parse(headers[0].value, &parsed));
    assert_memory_equal(parsed.trace_id, a.trace_id, sizeof a.trace_id);
    assert_memory_equal(parsed.span_id, a.span_id, sizeof a.span_id);
    assert_int_equal(parsed.flags, 0);
    CHECK_STATUS(cflight_trace_child(NULL, NULL, NULL), CFLIGHT_INVALID_ARGUMENT);
}

/* Goal: whatever a client calls itself, a line of JSON stays one, also on a terminal. Method: texts
 * that would end a string or are none, and what a reader of JSON makes the same of. */
TEST(log, text_is_a_string_of_json)
{
    static const struct {
        const char *text;
        size_t len_bytes;
        const char *expected;
    } cases[] = {
        {"", 0, "\"\""},
        {"plain", 5, "\"plain\""},
        {"a\"b\\c", 5, "\"a\\\"b\\\\c\""},
        {"\n\t\0\x7f", 4, "\"\\u000a\\u0009\\u0000\\u007f\""},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x98", 9, "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x98\""},
        {"\xc2\x9b[m", 4, "\"\\u009b[m\""}, /* CSI: terminals obey it */
        {"\xe2\x80\xae(\xe2\x80\xa8\xd8\x9c", 9, "\"\\u202e(\\u2028\\u061c\""},
        {"\xf3\xa0\x81\x81", 4, "\"\\udb40\\udc41\""},
        {"\xe2\x80\xa6\xc2\xa0\xef\xbb\xbf", 8, "\"\xe2\x80\xa6\xc2\xa0\\ufeff\""},
        {"\xff\xc3(", 3, "\"\\u00ff\\u00c3(\""},
        {"\xed\xa0\x80", 3, "\"\\u00ed\\u00a0\\u0080\""},
        {"0123456789abc", 13, "\"0123456789...\""},
        {"012345678\xc3\xa9", 11, "\"012345678\\u00c3...\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cfl_buf line;
        cfl_buf_init(&line, NULL);
        cfl_log_json_append(&line, (const uint8_t *)cases[i].text, cases[i].len_bytes, 10);
        (void)cfl_buf_append_u8(&line, '\0');
        assert_string_equal((const char *)line.data, cases[i].expected);
        cfl_buf_done(&line);
    }
}
