/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes and their tokens. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "flight/server/server.h"
#include "rpcs.h"
#include "service.h"
#include "test.h"

enum { BIG_TOKEN_BYTES = 1 << 20 };

static void check_refused(cflight_client *client, const char *part)
{
    cflight_error *error = NULL;
    CHECK_STATUS(t_rpc(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", NULL, &error),
                 CFLIGHT_UNAUTHENTICATED);
    assert_non_null(strstr(cflight_error_message(error), part));
    cflight_error_free(error);
}

/* ---- a server with a handshake ---- */

/* A handshake of questions and answers: payloads are echoed in upper case until the client ends its
 * side; "fail" is refused in the middle. The only good token is "open sesame". */
struct keeper {
    struct t_service service;
    struct cflight_server_auth auth;
    struct cflight_server_middleware middleware;
    atomic_int payload_count;
    atomic_int call_count; /* that got past the check of the token */
    pthread_mutex_t mutex;
    char identity[64]; /* of the last of them */
};

static cflight_status keeper_authenticate(void *user_data, cflight_server_context *context,
                                          cflight_handshake *handshake, cflight_error **reterr)
{
    struct keeper *keeper = user_data;
    (void)context;
    for (;;) {
        char answer[64] = "";
        cflight_buffer *payload = NULL;
        cflight_status status = cflight_handshake_read(handshake, &payload, reterr);
        if (status != CFLIGHT_OK || payload == NULL) {
            return status;
        }
        atomic_fetch_add(&keeper->payload_count, 1);
        struct cflight_bytes bytes = cflight_buffer_bytes(payload);
        bool is_refused = t_is_text(bytes, "fail");
        for (size_t i = 0; i < bytes.len_bytes && i < sizeof answer - 1; i++) {
            answer[i] = (char)(bytes.data[i] & ~0x20);
        }
        cflight_buffer_unref(payload);
        if (is_refused) {
            return cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED, "not like this");
        }
        status = cflight_handshake_write(handshake, t_text(answer), reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
}

static cflight_status keeper_is_valid(void *user_data, cflight_server_context *context,
                                      struct cflight_bytes token, cflight_buffer **ret_identity,
                                      cflight_error **reterr)
{
    (void)user_data;
    (void)context;
    if (!t_is_text(token, "open sesame")) {
        return cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED, "the door stays shut");
    }
    return cflight_buffer_new_copy(t_text("ali"), ret_identity, reterr);
}

static cflight_status keeper_start_call(void *user_data, cflight_server_context *context,
                                        enum cflight_method method, void **ret_instance,
                                        cflight_error **reterr)
{
    struct keeper *keeper = user_data;
    struct cflight_bytes identity = cflight_server_context_peer_identity(context);
    (void)method;
    (void)ret_instance;
    (void)reterr;
    (void)pthread_mutex_lock(&keeper->mutex);
    (void)snprintf(keeper->identity, sizeof keeper->identity, "%.*s", (int)identity.len_bytes,
                   (const char *)identity.data);
    (void)pthread_mutex_unlock(&keeper->mutex);
    atomic_fetch_add(&keeper->call_count, 1);
    return CFLIGHT_OK;
}

static void keeper_start_with(struct keeper *keeper, uint32_t handlers_max)
{
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    memset(keeper, 0, sizeof *keeper);
    (void)pthread_mutex_init(&keeper->mutex, NULL);
    keeper->auth = (struct cflight_server_auth)CFLIGHT_SERVER_AUTH_INIT;
    keeper->auth.user_data = keeper;
    keeper->auth.authenticate = keeper_authenticate;
    keeper->auth.is_valid = keeper_is_valid;
    keeper->middleware = (struct cflight_server_middleware)CFLIGHT_SERVER_MIDDLEWARE_INIT;
    keeper->middleware.user_data = keeper;
    keeper->middleware.start_call = keeper_start_call;
    options.auth = &keeper->auth;
    options.middleware = &keeper->middleware;
    options.middleware_count = 1;
    options.handlers_max = handlers_max;
    t_service_start(&keeper->service, NULL, &options);
}

static void keeper_start(struct keeper *keeper)
{
    keeper_start_with(keeper, 0);
}

static void keeper_stop(struct keeper *keeper)
{
    t_service_stop(&keeper->service);
    (void)pthread_mutex_destroy(&keeper->mutex);
}

/* ---- a client with a handshake ---- */

struct visitor {
    const char *payloads[4];
    const char *token;
    size_t token_bytes; /* 0: the length of the text */
    cflight_status own_failure;
    atomic_int release_count;
    atomic_int use_count; /* of the token, now */
    atomic_bool was_used_after_release;
};

static cflight_status visitor_authenticate(void *user_data, cflight_handshake *handshake,
                                           cflight_error **reterr)
{
    const struct visitor *visitor = user_data;
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; status == CFLIGHT_OK && i < 4 && visitor->payloads[i] != NULL; i++) {
        cflight_buffer *answer = NULL;
        status = cflight_handshake_write(handshake, t_text(visitor->payloads[i]), reterr);
        if (status == CFLIGHT_OK) {
            status = cflight_handshake_read(handshake, &answer, reterr);
        }
        if (status == CFLIGHT_OK) {
            assert_true(cflight_buffer_bytes(answer).len_bytes == strlen(visitor->payloads[i]));
        }
        cflight_buffer_unref(answer);
    }
    if (status == CFLIGHT_OK && visitor->own_failure != CFLIGHT_OK) {
        status = cflight_error_set_message(reterr, visitor->own_failure, "second thoughts");
    }
    return status;
}

static cflight_status visitor_get_token(void *user_data, cflight_buffer **ret_token,
                                        cflight_error **reterr)
{
    struct visitor *visitor = user_data;
    struct cflight_bytes token = cflight_bytes_make(
        visitor->token, visitor->token_bytes > 0 ? visitor->token_bytes : strlen(visitor->token));
    atomic_fetch_add(&visitor->use_count, 1);
    if (atomic_load(&visitor->release_count) > 0) {
        atomic_store(&visitor->was_used_after_release, true);
    }
    cflight_status status = cflight_buffer_new_copy(token, ret_token, reterr);
    atomic_fetch_sub(&visitor->use_count, 1);
    return status;
}

static void visitor_release(void *user_data)
{
    struct visitor *visitor = user_data;
    assert_int_equal(atomic_load(&visitor->use_count), 0);
    atomic_fetch_add(&visitor->release_count, 1);
}

static struct cflight_client_auth visitor_table(struct visitor *visitor)
{
    struct cflight_client_auth table = CFLIGHT_CLIENT_AUTH_INIT;
    table.user_data = visitor;
    table.authenticate = visitor_authenticate;
    table.get_token = visitor_get_token;
    table.release = visitor_release;
    return table;
}

/* Goal: a handshake exchanges any number of payloads, its token comes with every later call, and
 * the identity it stands for is in the context. Method: three rounds, then a call; a call before is
 * refused before any middleware runs and without the details of a handler's failure. */
TEST(auth, a_handshake_gives_later_calls_an_identity)
{
    struct keeper keeper;
    struct visitor visitor = {.payloads = {"who", "goes", "there"}, .token = "open sesame"};
    struct cflight_client_auth table = visitor_table(&visitor);
    cflight_error *error = NULL;
    keeper_start(&keeper);
    cflight_client *client = t_client(&keeper.service, NULL);
    CHECK_STATUS(t_rpc(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", NULL, &error),
                 CFLIGHT_UNAUTHENTICATED);
    assert_string_equal(cflight_error_message(error), "the door stays shut");
    assert_int_equal(cflight_error_arrow_code(error), -1);
    cflight_error_free(error);
    error = NULL;
    assert_int_equal(atomic_load(&keeper.call_count), 0);

    CHECK_OK(cflight_client_authenticate(client, &table, NULL, &error), error);
    assert_int_equal(atomic_load(&keeper.payload_count), 3);
    CHECK_OK(t_rpc(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", NULL, &error), error);
    (void)pthread_mutex_lock(&keeper.mutex);
    assert_string_equal(keeper.identity, "ali");
    (void)pthread_mutex_unlock(&keeper.mutex);
    assert_int_equal(atomic_load(&keeper.call_count), 2); /* the handshake, the call */
    cflight_client_free(client);
    assert_int_equal(atomic_load(&visitor.release_count), 1);
    keeper_stop(&keeper);
}

/* Goal: a handshake that either side gives up in the middle fails with that side's reason, and both
 * go on. Method: a payload that the server refuses; a client that changes its mind; then a good
 * handshake on the same connection. */
TEST(auth, a_handshake_may_fail_in_the_middle)
{
    struct keeper keeper;
    struct visitor refused = {.payloads = {"who", "fail", "there"}, .token = "x"};
    struct visitor fickle = {
        .payloads = {"who"}, .token = "x", .own_failure = CFLIGHT_FAILED_PRECONDITION};
    struct visitor good = {.payloads = {"who"}, .token = "open sesame"};
    struct cflight_client_auth table = visitor_table(&refused);
    cflight_error *error = NULL;
    keeper_start(&keeper);
    cflight_client *client = t_client(&keeper.service, NULL);
    CHECK_STATUS(cflight_client_authenticate(client, &table, NULL, &error),
                 CFLIGHT_UNAUTHENTICATED);
    assert_string_equal(cflight_error_message(error), "not like this");
    cflight_error_free(error);
    error = NULL;
    check_refused(client, "the door stays shut"); /* the table and its token are kept */

    table = visitor_table(&fickle);
    CHECK_STATUS(cflight_client_authenticate(client, &table, NULL, &error),
                 CFLIGHT_FAILED_PRECONDITION);
    assert_string_equal(cflight_error_message(error), "second thoughts");
    cflight_error_free(error);
    error = NULL;
    assert_int_equal(atomic_load(&refused.release_count), 1);

    table = visitor_table(&good);
    CHECK_OK(cflight_client_authenticate(client, &table, NULL, &error), error);
    CHECK_OK(t_rpc(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", NULL, &error), error);
    cflight_client_free(client);
    keeper_stop(&keeper);
}

/* Goal: a token larger than any header may be is refused with a reason at the client, and nobody
 * else suffers. Method: 1 MiB as token of a handshake; then a good one on the same connection. */
TEST(auth, a_token_of_a_mebibyte_is_refused)
{
    struct keeper keeper;
    char *big = malloc(BIG_TOKEN_BYTES);
    assert_non_null(big);
    memset(big, 't', BIG_TOKEN_BYTES);
    struct visitor visitor = {.payloads = {"who"}, .token = big, .token_bytes = BIG_TOKEN_BYTES};
    struct visitor good = {.payloads = {"who"}, .token = "open sesame"};
    struct cflight_client_auth table = visitor_table(&visitor);
    cflight_error *error = NULL;
    keeper_start(&keeper);
    cflight_client *client = t_client(&keeper.service, NULL);
    cflight_client *other = t_client(&keeper.service, NULL);
    CHECK_OK(cflight_client_authenticate(client, &table, NULL, &error), error);
    CHECK_STATUS(t_rpc(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", NULL, &error),
                 CFLIGHT_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(cflight_error_message(error), "metadata"));
    assert_null(strstr(cflight_error_message(error), "tttt"));
    cflight_error_free(error);
    error = NULL;
    table = visitor_table(&good);
    CHECK_OK(cflight_client_authenticate(client, &table, NULL, &error), error);
    CHECK_OK(t_rpc(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", NULL, &error), error);
    check_refused(other, "the door stays shut");
    cflight_client_free(other);
    cflight_client_free(client);
    keeper_stop(&keeper);
    free(big);
}

/* Goal: the comparison of secrets tells equal from different bytes, wherever they differ. */
TEST(auth, secrets_are_compared_whole)
{
    assert_true(cflight_bytes_equal_in_constant_time(t_text("abc"), t_text("abc")));
    assert_true(cflight_bytes_equal_in_constant_time(t_text(""), cflight_bytes_make(NULL, 0)));
    assert_false(cflight_bytes_equal_in_constant_time(t_text("abc"), t_text("abd")));
    assert_false(cflight_bytes_equal_in_constant_time(t_text("abc"), t_text("bbc")));
    assert_false(cflight_bytes_equal_in_constant_time(t_text("abc"), t_text("ab")));
    assert_false(cflight_bytes_equal_in_constant_time(t_text(""), t_text("a")));
}

struct staller {
    cflight_client *client;
    struct t_gate begun;
    struct t_gate may_end;
};

static cflight_status stall(void *user_data, cflight_handshake *handshake, cflight_error **reterr)
{
    struct staller *staller = user_data;
    cflight_buffer *answer = NULL;
    cflight_status status = cflight_handshake_write(handshake, t_text("who"), reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_handshake_read(handshake, &answer, reterr); /* the server is at it */
    }
    cflight_buffer_unref(answer);
    t_gate_open(&staller->begun);
    t_gate_wait(&staller->may_end);
    return status;
}

static void *stall_in_thread(void *user_data)
{
    struct staller *staller = user_data;
    struct cflight_client_auth table = CFLIGHT_CLIENT_AUTH_INIT;
    cflight_error *error = NULL;
    table.user_data = staller;
    table.authenticate = stall;
    CHECK_OK(cflight_client_authenticate(staller->client, &table, NULL, &error), error);
    return NULL;
}

/* Goal: callers whom nobody knows cannot take all handlers from those who are known. Method: a
 * server with two handlers; a handshake that stalls takes one, a second is refused and may try
 * again, and a call with a token is served meanwhile. */
TEST(auth, handshakes_leave_handlers_to_known_callers)
{
    struct keeper keeper;
    struct staller staller;
    struct visitor visitor = {.payloads = {"who"}, .token = "open sesame"};
    struct cflight_client_auth table = visitor_table(&visitor);
    pthread_t thread;
    cflight_error *error = NULL;
    keeper_start_with(&keeper, 2);
    staller.client = t_client(&keeper.service, NULL);
    t_gate_init(&staller.begun);
    t_gate_init(&staller.may_end);
    assert_int_equal(pthread_create(&thread, NULL, stall_in_thread, &staller), 0);
    t_gate_wait(&staller.begun);

    cflight_client *client = t_client(&keeper.service, NULL);
    CHECK_STATUS(cflight_client_authenticate(client, &table, NULL, &error), CFLIGHT_UNAVAILABLE);
    assert_non_null(strstr(cflight_error_message(error), "handshakes"));
    cflight_error_free(error);
    error = NULL;
    CHECK_OK(t_rpc(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", NULL, &error), error);
    t_gate_open(&staller.may_end);
    (void)pthread_join(thread, NULL);
    CHECK_OK(cflight_client_authenticate(client, NULL, NULL, &error), error);

    cflight_client_free(client);
    cflight_client_free(staller.client);
    keeper_stop(&keeper);
    t_gate_done(&staller.may_end);
    t_gate_done(&staller.begun);
}

static cflight_status say_nothing(void *user_data, cflight_handshake *handshake,
                                  cflight_error **reterr)
{
    cflight_buffer *payload = NULL;
    (void)user_data;
    cflight_status status = cflight_handshake_read(handshake, &payload, reterr);
    cflight_buffer_unref(payload);
    return status;
}

/* Goal: a caller who never goes on with a handshake is sent away after the server's limit, which is
 * two minutes, and told why. Method: a server with a shorter limit; a client that
 * waits for the server instead of speaking. */
TEST(auth, a_handshake_that_stalls_is_ended)
{
    struct keeper keeper;
    struct visitor visitor = {.payloads = {"who"}, .token = "open sesame"};
    struct cflight_client_auth silent = CFLIGHT_CLIENT_AUTH_INIT;
    struct cflight_client_auth table = visitor_table(&visitor);
    cflight_error *error = NULL;
    keeper_start(&keeper);
    assert_int_equal(keeper.service.server->limits.authenticate_ms, 120000);
    keeper.service.server->limits.authenticate_ms = 300; /* no connection is there yet */
    silent.authenticate = say_nothing;
    cflight_client *client = t_client(&keeper.service, NULL);
    CHECK_STATUS(cflight_client_authenticate(client, &silent, NULL, &error),
                 CFLIGHT_DEADLINE_EXCEEDED);
    assert_non_null(strstr(cflight_error_message(error), "limit of 300 ms"));
    cflight_error_free(error);
    error = NULL;
    CHECK_OK(cflight_client_authenticate(client, &table, NULL, &error), error);
    cflight_client_free(client);
    keeper_stop(&keeper);
}

struct replacer {
    cflight_client *client;
    atomic_bool is_over;
};

static void *keep_asking(void *user_data)
{
    struct replacer *replacer = user_data;
    while (!atomic_load(&replacer->is_over)) {
        cflight_error *error = NULL;
        CHECK_OK(t_rpc(replacer->client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", NULL, &error),
                 error);
    }
    return NULL;
}

/* Goal: a handshake's table may be replaced while calls use it; each is let go of once, after its
 * last use. Method: threads call without a pause while twenty tables follow each other. */
TEST(auth, a_table_outlives_the_calls_that_use_it)
{
    enum { TABLE_COUNT = 20, THREAD_COUNT = 3 };
    struct keeper keeper;
    struct visitor visitors[TABLE_COUNT] = {{{NULL}, NULL, 0, CFLIGHT_OK, 0, 0, false}};
    pthread_t threads[THREAD_COUNT];
    cflight_error *error = NULL;
    keeper_start(&keeper);
    struct replacer replacer = {.client = t_client(&keeper.service, NULL)};
    for (int i = 0; i < TABLE_COUNT; i++) {
        visitors[i].token = "open sesame";
        struct cflight_client_auth table = visitor_table(&visitors[i]);
        CHECK_OK(cflight_client_authenticate(replacer.client, &table, NULL, &error), error);
        for (int t = 0; i == 0 && t < THREAD_COUNT; t++) {
            assert_int_equal(pthread_create(&threads[t], NULL, keep_asking, &replacer), 0);
        }
    }
    atomic_store(&replacer.is_over, true);
    for (int t = 0; t < THREAD_COUNT; t++) {
        (void)pthread_join(threads[t], NULL);
    }
    cflight_client_free(replacer.client);
    for (int i = 0; i < TABLE_COUNT; i++) {
        assert_int_equal(atomic_load(&visitors[i].release_count), 1);
        assert_false(atomic_load(&visitors[i].was_used_after_release));
    }
    keeper_stop(&keeper);
}

/* Goal: a user name that would be cut off at the server is refused, and a client without a table
 * says so. */
TEST(auth, misuse_is_refused)
{
    struct keeper keeper;
    cflight_buffer *bearer = NULL;
    cflight_error *error = NULL;
    keeper_start(&keeper);
    cflight_client *client = t_client(&keeper.service, NULL);
    CHECK_STATUS(cflight_client_authenticate_basic(client, t_text("ali:baba"), t_text("pw"), NULL,
                                                   &bearer, &error),
                 CFLIGHT_INVALID_ARGUMENT);
    assert_non_null(strstr(cflight_error_message(error), "colon"));
    cflight_error_free(error);
    error = NULL;
    CHECK_STATUS(cflight_client_authenticate(client, NULL, NULL, &error),
                 CFLIGHT_FAILED_PRECONDITION);
    cflight_error_free(error);
    cflight_client_free(client);
    keeper_stop(&keeper);
}

/* ---- life ---- */

static void count_release(void *user_data)
{
    atomic_fetch_add((atomic_int *)user_data, 1);
}

/* Goal: no allocation failure of a client with all its tables leaks or takes a table it did not
 * get. Method: every allocation fails once; tables are let go of exactly when the client was made.
 */
TEST(auth, every_allocation_failure_of_a_client_is_reported)
{
    T_EACH_ALLOC_FAILURE(alloc) {
        atomic_int release_count = 0;
        struct cflight_client_auth auth = CFLIGHT_CLIENT_AUTH_INIT;
        struct cflight_token_provider provider = CFLIGHT_TOKEN_PROVIDER_INIT;
        struct cflight_client_middleware middleware = CFLIGHT_CLIENT_MIDDLEWARE_INIT;
        struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
        cflight_client *client = NULL;
        cflight_error *error = NULL;
        auth.release = provider.release = middleware.release = count_release;
        auth.user_data = provider.user_data = middleware.user_data = &release_count;
        options.allocator = &alloc->allocator;
        options.auth = &auth;
        options.token_provider = &provider;
        options.middleware = &middleware;
        options.middleware_count = 1;
        cflight_status status = cflight_client_new("grpc://localhost:1", &options, &client, &error);
        CHECK_STATUS(status, alloc->did_fail ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_OK);
        assert_int_equal(atomic_load(&release_count), 0);
        cflight_client_free(client);
        assert_int_equal(atomic_load(&release_count), status == CFLIGHT_OK ? 3 : 0);
        cflight_error_free(error);
    }
}

/* Goal: texts that become headers hold no control characters. Method: a line break in each. */
TEST(auth, header_texts_of_a_client_are_checked)
{
    static const char *const LOCATIONS[] = {"grpc://localhost:1", "grpc://local%0Ahost:1"};
    for (int i = 0; i < 3; i++) {
        struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
        cflight_client *client = NULL;
        cflight_error *error = NULL;
        options.user_agent = i == 0 ? "a\r\nb" : NULL;
        options.authority = i == 1 ? "host\nx: y" : NULL;
        CHECK_STATUS(cflight_client_new(LOCATIONS[i == 2], &options, &client, &error),
                     CFLIGHT_INVALID_ARGUMENT);
        assert_null(client);
        cflight_error_free(error);
    }
}
