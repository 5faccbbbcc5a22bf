/* SPDX-License-Identifier: Apache-2.0 */
/* The provider of bearer tokens, and tokens that expire. */
#include <stdio.h>

#include "event_loop.h"
#include "service.h"
#include "test.h"

enum { CALLER_COUNT = 8 };

static cflight_status ask_with(cflight_client *client, const struct cflight_call_options *options,
                               cflight_error **reterr)
{
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD, .cmd = t_text("any")};
    struct cflight_info *info = NULL;
    cflight_status status =
        cflight_client_get_flight_info(client, &descriptor, options, &info, reterr);
    if (status == CFLIGHT_OK) {
        cflight_info_free(info);
    }
    return status;
}

static cflight_status ask(cflight_client *client, cflight_error **reterr)
{
    return ask_with(client, NULL, reterr);
}

static void check_refused(cflight_client *client, const char *part)
{
    cflight_error *error = NULL;
    CHECK_STATUS(ask(client, &error), CFLIGHT_UNAUTHENTICATED);
    assert_non_null(strstr(cflight_error_message(error), part));
    cflight_error_free(error);
}

/* A server that takes one bearer token at a time, "t-N", and a client's provider of them. */
struct issuer {
    struct t_service service;
    struct cflight_server_auth auth;
    struct cflight_server_middleware middleware;
    struct cflight_token_provider provider;
    cflight_client *client;
    pthread_mutex_t mutex;
    int valid;         /* the token that the server takes */
    int held;          /* the token that the client has */
    int attempt_count; /* calls that reached the server */
    int get_count;
    int renewal_count;
    bool is_stuck;      /* the provider has no newer token */
    bool does_log_in;   /* the provider asks the server for tokens */
    bool gives_nothing; /* the provider gives no token */
    cflight_status provider_failure;
};

static cflight_status issuer_authenticate(void *user_data, cflight_server_context *context,
                                          cflight_handshake *handshake, cflight_error **reterr)
{
    struct issuer *issuer = user_data;
    char bearer[32];
    (void)handshake;
    (void)pthread_mutex_lock(&issuer->mutex);
    (void)snprintf(bearer, sizeof bearer, "Bearer t-%d", issuer->valid);
    (void)pthread_mutex_unlock(&issuer->mutex);
    return cflight_server_context_add_trailer(context, t_text("authorization"), t_text(bearer),
                                              reterr);
}

static cflight_status issuer_start_call(void *user_data, cflight_server_context *context,
                                        enum cflight_method method, void **ret_instance,
                                        cflight_error **reterr)
{
    struct issuer *issuer = user_data;
    char expected[32];
    (void)ret_instance;
    if (method == CFLIGHT_METHOD_HANDSHAKE) {
        return CFLIGHT_OK;
    }
    (void)pthread_mutex_lock(&issuer->mutex);
    issuer->attempt_count++;
    (void)snprintf(expected, sizeof expected, "Bearer t-%d", issuer->valid);
    (void)pthread_mutex_unlock(&issuer->mutex);
    if (!t_is_text(cflight_server_context_header(context, "authorization"), expected)) {
        return cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED, "the token has expired");
    }
    return CFLIGHT_OK;
}

static cflight_status log_in(struct issuer *issuer, cflight_buffer **ret_token,
                             cflight_error **reterr)
{
    return cflight_client_authenticate_basic(issuer->client, t_text("user"), t_text("password"),
                                             NULL, ret_token, reterr);
}

static cflight_status issuer_get(void *user_data, struct cflight_bytes refused,
                                 cflight_buffer **ret_token, cflight_error **reterr)
{
    struct issuer *issuer = user_data;
    char token[32];
    (void)pthread_mutex_lock(&issuer->mutex);
    issuer->get_count++;
    (void)snprintf(token, sizeof token, "t-%d", issuer->held);
    bool is_due = refused.len_bytes > 0 && t_is_text(refused, token);
    if (is_due && !issuer->is_stuck) {
        issuer->held = issuer->valid;
        issuer->renewal_count++;
        (void)snprintf(token, sizeof token, "t-%d", issuer->held);
    }
    cflight_status failure = issuer->provider_failure;
    (void)pthread_mutex_unlock(&issuer->mutex);
    if (failure != CFLIGHT_OK) {
        return cflight_error_set_message(reterr, failure, "the vault is closed");
    }
    if (issuer->gives_nothing) {
        return CFLIGHT_OK;
    }
    if (issuer->does_log_in && refused.len_bytes > 0) {
        return log_in(issuer, ret_token, reterr);
    }
    return cflight_buffer_new_copy(t_text(token), ret_token, reterr);
}

static void issuer_start(struct issuer *issuer)
{
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct cflight_client_options client_options = CFLIGHT_CLIENT_OPTIONS_INIT;
    memset(issuer, 0, sizeof *issuer);
    (void)pthread_mutex_init(&issuer->mutex, NULL);
    issuer->auth = (struct cflight_server_auth)CFLIGHT_SERVER_AUTH_INIT;
    issuer->auth.user_data = issuer;
    issuer->auth.authenticate = issuer_authenticate;
    issuer->middleware = (struct cflight_server_middleware)CFLIGHT_SERVER_MIDDLEWARE_INIT;
    issuer->middleware.user_data = issuer;
    issuer->middleware.start_call = issuer_start_call;
    issuer->provider = (struct cflight_token_provider)CFLIGHT_TOKEN_PROVIDER_INIT;
    issuer->provider.user_data = issuer;
    issuer->provider.get = issuer_get;
    options.auth = &issuer->auth;
    options.middleware = &issuer->middleware;
    options.middleware_count = 1;
    t_service_start(&issuer->service, NULL, &options);
    client_options.token_provider = &issuer->provider;
    issuer->client = t_client(&issuer->service, &client_options);
}

static void issuer_stop(struct issuer *issuer)
{
    cflight_client_free(issuer->client);
    t_service_stop(&issuer->service);
    (void)pthread_mutex_destroy(&issuer->mutex);
}

/* The server takes a new token only, and counting starts anew. */
static void expire(struct issuer *issuer)
{
    (void)pthread_mutex_lock(&issuer->mutex);
    issuer->valid++;
    issuer->attempt_count = 0;
    issuer->get_count = 0;
    issuer->renewal_count = 0;
    (void)pthread_mutex_unlock(&issuer->mutex);
}

static void check_counts(const struct issuer *issuer, int attempts, int renewals)
{
    assert_int_equal(issuer->attempt_count, attempts);
    assert_int_equal(issuer->renewal_count, renewals);
}

static void get_rows(cflight_client *client)
{
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    struct cflight_chunk chunk = {0};
    CHECK_OK(cflight_client_do_get(client, t_text("batches=2 rows=10"), NULL, &reader, &error),
             error);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(cflight_reader_next(reader, &chunk, &error), error);
        assert_int_equal(chunk.is_end, i == 2);
        cflight_chunk_release(&chunk);
    }
    cflight_reader_free(reader);
}

static void list(cflight_client *client)
{
    cflight_info_stream *infos = NULL;
    struct cflight_info *info = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cflight_client_list_flights(client, t_text("flights=1"), NULL, &infos, &error), error);
    CHECK_OK(cflight_info_stream_next(infos, &info, &error), error);
    assert_non_null(info);
    cflight_info_free(info);
    cflight_info_stream_free(infos);
}

static void act(cflight_client *client)
{
    cflight_result_stream *results = NULL;
    cflight_buffer *body = NULL;
    cflight_error *error = NULL;
    struct cflight_action action = {t_text("do"), t_text("results=1")};
    CHECK_OK(cflight_client_do_action(client, &action, NULL, &results, &error), error);
    CHECK_OK(cflight_result_stream_next(results, &body, &error), error);
    assert_non_null(body);
    cflight_buffer_unref(body);
    cflight_result_stream_free(results);
}

static void get_info(cflight_client *client)
{
    cflight_error *error = NULL;
    CHECK_OK(ask(client, &error), error);
}

static void note_ready(void *user_data)
{
    *(bool *)user_data = true;
}

/* Runs a call under an event loop until it is ready. */
static cflight_async *run_by_loop(cflight_client *client, enum cflight_method method,
                                  cflight_buffer *request)
{
    cflight_async *async = NULL;
    cflight_buffer *answer = NULL;
    cflight_error *error = NULL;
    bool is_ready = false;
    CHECK_OK(
        cflight_async_start(client, method, cflight_buffer_bytes(request), NULL, &async, &error),
        error);
    cflight_buffer_unref(request);
    while (!is_ready) {
        bool has_notice = false;
        cflight_async_notify(async, note_ready, &has_notice);
        while (!has_notice) {
            t_turn(client);
        }
        CHECK_OK(cflight_async_try_next(async, &is_ready, &answer, &error), error);
    }
    cflight_buffer_unref(answer);
    return async;
}

static void act_by_loop(cflight_client *client)
{
    struct cflight_action action = {t_text("do"), t_text("results=1")};
    cflight_buffer *request = NULL;
    CHECK_OK(cflight_action_serialize(&action, &request, NULL), NULL);
    cflight_async_free(run_by_loop(client, CFLIGHT_METHOD_DO_ACTION, request));
}

static void get_by_loop(cflight_client *client)
{
    cflight_buffer *request = NULL;
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cflight_ticket_serialize(t_text("batches=1"), &request, &error), error);
    cflight_async *async = run_by_loop(client, CFLIGHT_METHOD_DO_GET, request);
    CHECK_OK(cflight_async_take_reader(async, &reader, &error), error);
    cflight_async_free(async);
    cflight_reader_free(reader);
}

/* Goal: when a token has expired, every call with one request message is made once more with a new
 * token, and its caller sees nothing of it. Method: each kind of call, before and after the token
 * expires; the server counts what reaches it. */
TEST(token_provider, an_expired_token_is_renewed_once)
{
    static void (*const CALLS[])(cflight_client * client) = {get_info, get_rows,    list,
                                                             act,      act_by_loop, get_by_loop};
    struct issuer issuer;
    issuer_start(&issuer);
    for (size_t i = 0; i < sizeof CALLS / sizeof CALLS[0]; i++) {
        expire(&issuer);
        CALLS[i](issuer.client);
        check_counts(&issuer, 2, 1);
        CALLS[i](issuer.client);
        check_counts(&issuer, 3, 1);
    }
    issuer_stop(&issuer);
}

/* Goal: when the new token is refused too, the caller gets the server's answer, after two attempts
 * and no more. Method: a provider that has nothing newer; for a unary call and a stream. */
TEST(token_provider, a_second_refusal_is_final)
{
    struct issuer issuer;
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    struct cflight_chunk chunk = {0};
    issuer_start(&issuer);
    issuer.is_stuck = true;
    expire(&issuer);
    check_refused(issuer.client, "the token has expired");
    check_counts(&issuer, 2, 0);
    CHECK_OK(cflight_client_do_get(issuer.client, t_text("batches=1"), NULL, &reader, &error),
             error);
    CHECK_STATUS(cflight_reader_next(reader, &chunk, &error), CFLIGHT_UNAUTHENTICATED);
    cflight_error_free(error);
    cflight_reader_free(reader);
    check_counts(&issuer, 4, 0);
    issuer_stop(&issuer);
}

/* Goal: an upload is not repeated, because part of it is gone; but the next call goes out with a
 * new token at once. Method: a DoPut with an expired token, then any call. */
TEST(token_provider, an_upload_is_not_repeated)
{
    struct issuer issuer;
    cflight_error *error = NULL;
    cflight_writer *writer = NULL;
    cflight_metadata_reader *metadata = NULL;
    struct ArrowSchema schema;
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD, .cmd = t_text("any")};
    issuer_start(&issuer);
    expire(&issuer);
    t_schema(&schema);
    cflight_status status = cflight_client_do_put(issuer.client, &descriptor, &schema, NULL,
                                                  &writer, &metadata, &error);
    schema.release(&schema);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_close(writer, &error);
        cflight_metadata_reader_free(metadata);
        cflight_writer_free(writer);
    }
    CHECK_STATUS(status, CFLIGHT_UNAUTHENTICATED);
    cflight_error_free(error);
    check_counts(&issuer, 1, 0);
    get_info(issuer.client);
    check_counts(&issuer, 2, 1);
    issuer_stop(&issuer);
}

/* Goal: a provider may log in with the same client, and may give the header's whole value.
 * Method: a provider that runs a handshake for every token that was refused. */
TEST(token_provider, a_provider_may_log_in_with_its_client)
{
    struct issuer issuer;
    issuer_start(&issuer);
    issuer.does_log_in = true;
    expire(&issuer);
    get_info(issuer.client);
    assert_int_equal(issuer.attempt_count, 2);
    issuer_stop(&issuer);
}

/* Goal: a header of the call's own wins, a provider may give nothing, and its failure is the
 * call's.
 */
TEST(token_provider, a_provider_is_asked_only_when_needed)
{
    struct issuer issuer;
    cflight_error *error = NULL;
    struct cflight_header header = {t_text("Authorization"), t_text("Bearer t-0")};
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    options.headers = &header;
    options.header_count = 1;
    issuer_start(&issuer);
    CHECK_OK(ask_with(issuer.client, &options, &error), error);
    assert_int_equal(issuer.get_count, 0);
    issuer.gives_nothing = true;
    check_refused(issuer.client, "the token has expired");
    assert_int_equal(issuer.attempt_count, 2);
    issuer.provider_failure = CFLIGHT_PERMISSION_DENIED;
    CHECK_STATUS(ask(issuer.client, &error), CFLIGHT_PERMISSION_DENIED);
    assert_string_equal(cflight_error_message(error), "the vault is closed");
    assert_int_equal(issuer.attempt_count, 2);
    cflight_error_free(error);
    issuer_stop(&issuer);
}

static void *get_rows_in_thread(void *user_data)
{
    get_rows(user_data);
    return NULL;
}

/* Goal: calls that are refused at the same time renew the token once. Method: eight threads with a
 * token that expired. */
TEST(token_provider, many_refused_calls_renew_the_token_once)
{
    struct issuer issuer;
    pthread_t threads[CALLER_COUNT];
    issuer_start(&issuer);
    expire(&issuer);
    for (int i = 0; i < CALLER_COUNT; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, get_rows_in_thread, issuer.client), 0);
    }
    for (int i = 0; i < CALLER_COUNT; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    assert_int_equal(issuer.renewal_count, 1);
    issuer_stop(&issuer);
}
