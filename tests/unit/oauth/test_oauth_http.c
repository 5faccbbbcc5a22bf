/* SPDX-License-Identifier: Apache-2.0 */
/* Asking a token server by HTTP, over a socket. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cflight/oauth.h"
#include "peer.h"
#include "test.h"

/* Loads nothing while it is set. */
static bool no_library_is_there;

void *dlopen(const char *name, int flags)
{
    void *(*next)(const char *, int) = NULL;
    void *found = dlsym(RTLD_NEXT, "dlopen");
    memcpy(&next, &found, sizeof next);
    return next(no_library_is_there ? "/nowhere/libcurl.so.4" : name, flags);
}

enum { ANSWER_COUNT = 6, REQUEST_BYTES = 4096 };

/* A server that gives its answers in turn, and keeps what it was asked. */
struct token_server {
    struct t_peer peer;
    char uri[96];
    const char *answers[ANSWER_COUNT]; /* whole HTTP answers; NULL: the connection just ends */
    char requests[ANSWER_COUNT][REQUEST_BYTES];
    size_t count;
};

/* Whether a request is whole: its head, and as many bytes as that says. */
static bool is_whole(const char *request)
{
    const char *length = strstr(request, "Content-Length: ");
    const char *body = strstr(request, "\r\n\r\n");
    return body != NULL && length != NULL &&
           strlen(body + 4) >= (size_t)strtol(length + 16, NULL, 10);
}

static void serve(void *user_data, int fd)
{
    struct token_server *server = user_data;
    struct t_raw input = {0};
    struct t_raw output = {0};
    assert_true(server->count < ANSWER_COUNT);
    char *request = server->requests[server->count];
    while (!is_whole(request) && t_socket_read(fd, &input)) {
        size_t len_bytes = input.len_bytes < REQUEST_BYTES ? input.len_bytes : REQUEST_BYTES - 1;
        memcpy(request, input.data, len_bytes);
        request[len_bytes] = '\0';
    }
    const char *answer = server->answers[server->count++];
    if (answer != NULL) {
        t_raw_append(&output, answer, strlen(answer));
        (void)t_socket_send(fd, &output);
    }
    t_raw_done(&input);
    t_raw_done(&output);
}

static void server_start(struct token_server *server)
{
    memset(server, 0, sizeof *server);
    (void)unsetenv("http_proxy");
    t_peer_start(&server->peer, serve, server);
    (void)snprintf(server->uri, sizeof server->uri, "http://%s/token?tenant=1",
                   server->peer.location + strlen("grpc://"));
}

static struct cflight_oauth_options options_of(const struct token_server *server)
{
    struct cflight_oauth_options options = CFLIGHT_OAUTH_OPTIONS_INIT;
    options.flow = CFLIGHT_OAUTH_CLIENT_CREDENTIALS;
    options.token_uri = server->uri;
    options.client_id = "a b";
    options.client_secret = "p:w&\xc3\xa9";
    options.scope = "read write";
    return options;
}

static cflight_status get_with(const struct cflight_oauth_options *options, char token[static 64],
                               cflight_error **reterr)
{
    cflight_token_cache *cache = NULL;
    cflight_buffer *given = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cflight_oauth_new(options, &cache, &error), error);
    cflight_status status = cflight_token_cache_get(cache, t_text(""), &given, reterr);
    if (status == CFLIGHT_OK) {
        struct cflight_bytes bytes = cflight_buffer_bytes(given);
        (void)snprintf(token, 64, "%.*s", (int)bytes.len_bytes, (const char *)bytes.data);
    }
    cflight_buffer_unref(given);
    cflight_token_cache_unref(cache);
    return status;
}

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
#define GOOD OK_HEAD "{\"access_token\":\"t1\",\"token_type\":\"Bearer\",\"expires_in\":600}"

/* Goal: client credentials are asked for as RFC 6749 has it. Method: look at the request. */
TEST(oauth_http, client_credentials_are_asked_for)
{
    struct token_server server;
    cflight_error *error = NULL;
    char token[64];
    server_start(&server);
    server.answers[0] = GOOD;
    struct cflight_oauth_options options = options_of(&server);
    CHECK_OK(get_with(&options, token, &error), error);
    assert_string_equal(token, "t1");
    t_peer_stop(&server.peer);
    const char *request = server.requests[0];
    assert_int_equal(strncmp(request, "POST /token?tenant=1 HTTP/1.1\r\n", 31), 0);
    /* "a%20b:p%3Aw%26%C3%A9" */
    assert_non_null(strstr(request, "Authorization: Basic YSUyMGI6cCUzQXclMjYlQzMlQTk=\r\n"));
    assert_non_null(strstr(request, "Content-Type: application/x-www-form-urlencoded\r\n"));
    assert_non_null(strstr(request, "\r\n\r\ngrant_type=client_credentials&scope=read%20write"));
    assert_null(strstr(request, "Expect"));
}

/* Goal: a token is exchanged as RFC 8693 has it. Method: look at the request; without a secret the
 * client names itself in the form. */
TEST(oauth_http, a_token_is_exchanged)
{
    struct token_server server;
    cflight_error *error = NULL;
    char token[64];
    server_start(&server);
    server.answers[0] = GOOD;
    struct cflight_oauth_options options = options_of(&server);
    options.flow = CFLIGHT_OAUTH_TOKEN_EXCHANGE;
    options.client_secret = NULL;
    options.subject_token = "subject";
    options.subject_token_type = "urn:ietf:params:oauth:token-type:jwt";
    options.actor_token = "actor";
    options.actor_token_type = "urn:x";
    options.requested_token_type = "urn:y";
    options.resource = "https://db";
    options.audience = "db";
    CHECK_OK(get_with(&options, token, &error), error);
    t_peer_stop(&server.peer);
    assert_null(strstr(server.requests[0], "Authorization"));
    assert_non_null(strstr(
        server.requests[0],
        "\r\n\r\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&scope="
        "read%20write&resource=https%3A%2F%2Fdb&audience=db&subject_token=subject&subject_token_"
        "type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt&actor_token=actor&actor_token_type="
        "urn%3Ax&requested_token_type=urn%3Ay&client_id=a%20b"));
}

#define REFUSAL                                              \
    "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n" \
    "{\"error\":\"invalid_client\",\"error_description\":\"unknown\"}"

/* Goal: a server that does not take the secret in a header gets it in the form, and from then on
 * at once; one that takes neither is believed. Method: refuse the first request. */
TEST(oauth_http, the_secret_goes_into_the_form_where_the_server_wants_it)
{
    struct token_server server;
    cflight_error *error = NULL;
    cflight_token_cache *cache = NULL;
    cflight_buffer *token = NULL;
    server_start(&server);
    server.answers[0] = REFUSAL;
    server.answers[1] = GOOD;
    server.answers[2] = REFUSAL;
    struct cflight_oauth_options options = options_of(&server);
    CHECK_OK(cflight_oauth_new(&options, &cache, &error), error);
    CHECK_OK(cflight_token_cache_get(cache, t_text(""), &token, &error), error);
    cflight_buffer_unref(token);
    CHECK_STATUS(cflight_token_cache_get(cache, t_text("t1"), &token, &error),
                 CFLIGHT_UNAUTHENTICATED);
    assert_non_null(strstr(cflight_error_message(error), "answered 401: invalid_client: unknown"));
    assert_null(strstr(cflight_error_message(error), "tenant")); /* queries may hold secrets */
    cflight_error_free(error);
    cflight_token_cache_unref(cache);
    t_peer_stop(&server.peer);
    assert_int_equal(server.count, 3);
    assert_non_null(strstr(server.requests[0], "Authorization"));
    for (size_t i = 1; i < 3; i++) {
        assert_null(strstr(server.requests[i], "Authorization"));
        assert_non_null(
            strstr(server.requests[i], "&client_id=a%20b&client_secret=p%3Aw%26%C3%A9"));
    }
}

/* Goal: a refresh token is used first, replaced when another comes, and left when it has ended.
 * Method: give one, give another, refuse it. */
TEST(oauth_http, refresh_tokens_are_used)
{
    struct token_server server;
    cflight_error *error = NULL;
    cflight_token_cache *cache = NULL;
    cflight_buffer *token = NULL;
    server_start(&server);
    server.answers[0] = OK_HEAD "{\"access_token\":\"t1\",\"refresh_token\":\"r1\"}";
    server.answers[1] = OK_HEAD "{\"access_token\":\"t2\",\"refresh_token\":\"r2\"}";
    server.answers[2] =
        "HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n{\"error\":\"invalid_grant\"}";
    server.answers[3] = OK_HEAD "{\"access_token\":\"t3\"}";
    struct cflight_oauth_options options = options_of(&server);
    CHECK_OK(cflight_oauth_new(&options, &cache, &error), error);
    static const char *const REFUSED[] = {"", "t1", "t2"};
    for (size_t i = 0; i < 3; i++) {
        CHECK_OK(cflight_token_cache_get(cache, t_text(REFUSED[i]), &token, &error), error);
        cflight_buffer_unref(token);
    }
    cflight_token_cache_unref(cache);
    t_peer_stop(&server.peer);
    assert_int_equal(server.count, 4);
    assert_non_null(strstr(server.requests[1], "grant_type=refresh_token&refresh_token=r1"));
    assert_non_null(strstr(server.requests[2], "grant_type=refresh_token&refresh_token=r2"));
    assert_non_null(strstr(server.requests[3], "grant_type=client_credentials"));
}

/* Goal: servers that fail cost an error that names them, not a hang and not memory. Method: an end
 * without an answer, garbage, an answer without end, one whose headers have none, a redirect. */
TEST(oauth_http, servers_that_fail_are_named)
{
    static char huge_body[3 << 20];
    static char huge_head[3 << 20];
    static const struct {
        const char *answer;
        cflight_status status;
        const char *part;
    } BAD[] = {
        {NULL, CFLIGHT_UNAVAILABLE, "cannot be asked"},
        {"SSH-2.0-OpenSSH\r\n", CFLIGHT_UNAVAILABLE, "cannot be asked"},
        {huge_body, CFLIGHT_INTERNAL, "more than 1048576 bytes"},
        {huge_head, CFLIGHT_INTERNAL, "more than 1048576 bytes"},
        {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nConnection: close\r\n\r\n",
         CFLIGHT_INTERNAL, "is not followed"},
    };
    struct token_server server;
    char token[64];
    memset(huge_body, ' ', sizeof huge_body - 1);
    memcpy(huge_body, OK_HEAD, strlen(OK_HEAD));
    size_t at = (size_t)snprintf(huge_head, sizeof huge_head, "HTTP/1.1 200 OK\r\n");
    while (at + 80 < sizeof huge_head) {
        at += (size_t)snprintf(huge_head + at, sizeof huge_head - at, "X-%zu: %060d\r\n", at, 0);
    }
    server_start(&server);
    struct cflight_oauth_options options = options_of(&server);
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        cflight_error *error = NULL;
        server.answers[i] = BAD[i].answer;
        CHECK_STATUS(get_with(&options, token, &error), BAD[i].status);
        if (strstr(cflight_error_message(error), BAD[i].part) == NULL ||
            strstr(cflight_error_message(error), "http://127.0.0.1:") == NULL) {
            fail_msg("%zu: %s", i, cflight_error_message(error));
        }
        cflight_error_free(error);
    }
    t_peer_stop(&server.peer);
}

/* Goal: a server that says nothing costs the time limit, no more. Method: a peer that reads. */
TEST(oauth_http, a_silent_server_costs_the_limit)
{
    struct token_server server;
    char token[64];
    cflight_error *error = NULL;
    memset(&server, 0, sizeof server);
    t_peer_start(&server.peer, t_peer_say_nothing, NULL);
    (void)snprintf(server.uri, sizeof server.uri, "http://%s/",
                   server.peer.location + strlen("grpc://"));
    struct cflight_oauth_options options = options_of(&server);
    options.timeout_ms = 200;
    CHECK_STATUS(get_with(&options, token, &error), CFLIGHT_UNAVAILABLE);
    assert_non_null(strstr(cflight_error_message(error), "timed out"));
    cflight_error_free(error);
    t_peer_stop(&server.peer);
}

/* Goal: nothing leaks when memory runs out. Method: fail each allocation in turn. */
TEST(oauth_http, running_out_of_memory_leaks_nothing)
{
    struct token_server server;
    cflight_error *error = NULL;
    memset(&server, 0, sizeof server);
    server_start(&server);
    T_EACH_ALLOC_FAILURE(alloc) {
        cflight_token_cache *cache = NULL;
        cflight_buffer *token = NULL;
        server.count = 0;
        memset(server.requests, 0, sizeof server.requests);
        server.answers[0] = OK_HEAD "{\"access_token\":\"t1\",\"refresh_token\":\"r1\"}";
        struct cflight_oauth_options options = options_of(&server);
        options.allocator = &alloc->allocator;
        options.root_certs = t_text("-----BEGIN");
        if (cflight_oauth_new(&options, &cache, &error) == CFLIGHT_OK &&
            cflight_token_cache_get(cache, t_text(""), &token, &error) == CFLIGHT_OK) {
            cflight_buffer_unref(token);
        }
        cflight_error_free(error);
        error = NULL;
        cflight_token_cache_unref(cache);
        assert_int_equal(alloc->live_count, 0);
    }
    t_peer_stop(&server.peer);
}

/* Goal: without libcurl, clients that ask for OAuth are told what is missing. Method: a loader that
 * finds nothing. */
TEST(oauth_http, a_missing_libcurl_is_named)
{
    struct cflight_oauth_options options = CFLIGHT_OAUTH_OPTIONS_INIT;
    cflight_token_cache *cache = NULL;
    cflight_error *error = NULL;
    options.flow = CFLIGHT_OAUTH_CLIENT_CREDENTIALS;
    options.token_uri = "https://localhost/";
    options.client_id = "a";
    options.client_secret = "b";
    no_library_is_there = true;
    CHECK_STATUS(cflight_oauth_new(&options, &cache, &error), CFLIGHT_FAILED_PRECONDITION);
    no_library_is_there = false;
    assert_non_null(strstr(cflight_error_message(error), "package libcurl4"));
    cflight_error_free(error);
}
