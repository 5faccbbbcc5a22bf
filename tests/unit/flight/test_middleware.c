/* SPDX-License-Identifier: Apache-2.0 */
/* Middleware at both ends: the order of its functions, headers of every kind, what it is told. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "cflight/cflight.h"
#include "test.h"

enum {
    EVENT_BYTES_MAX = 4096,
    RESULT_COUNT = 3,
    BINARY_BYTES = 256,
    COOKIE_COUNT = 1000,
    BODY_BYTES = 15 << 20,
    WINDOW_BYTES = 4 << 20
};

/* What happened, word by word, at one end. */
struct events {
    pthread_mutex_t mutex;
    char words[EVENT_BYTES_MAX];
};

static void add(struct events *events, const char *who, const char *what)
{
    (void)pthread_mutex_lock(&events->mutex);
    size_t used = strlen(events->words);
    (void)snprintf(events->words + used, sizeof events->words - used, "%s%s%s", used > 0 ? " " : "",
                   who, what);
    (void)pthread_mutex_unlock(&events->mutex);
}

/* Compares and starts anew. */
static void check_events(struct events *events, const char *expected)
{
    (void)pthread_mutex_lock(&events->mutex);
    assert_string_equal(events->words, expected);
    events->words[0] = '\0';
    (void)pthread_mutex_unlock(&events->mutex);
}

/* ---- the server ---- */

struct layer {
    struct world *world;
    const char *name;
    pthread_mutex_t mutex;               /* calls end on threads of their own */
    struct cflight_call_summary summary; /* of the last call; locked */
};

static void keep_summary(struct layer *layer, const struct cflight_call_summary *summary)
{
    (void)pthread_mutex_lock(&layer->mutex);
    layer->summary = *summary;
    (void)pthread_mutex_unlock(&layer->mutex);
}

static struct cflight_call_summary last_summary(struct layer *layer)
{
    (void)pthread_mutex_lock(&layer->mutex);
    struct cflight_call_summary summary = layer->summary;
    (void)pthread_mutex_unlock(&layer->mutex);
    return summary;
}

struct world {
    struct events server_events;
    struct events client_events;
    struct layer outer;
    struct layer inner;
    struct layer client;
    cflight_server *server;
    cflight_client *connection;
    bool refuses_token;
    bool inner_refuses;
    bool handler_fails;
    bool sends_many_cookies;
    bool sends_bad_headers;
    char seen[256]; /* values of x-twice at the server, joined */
    uint8_t binary[BINARY_BYTES];
    char got[256]; /* values of x-answer at the client, joined */
    bool got_binary;
    bool saw_binary;
};

static void join(char *target, size_t size_bytes, struct cflight_bytes value)
{
    size_t used = strlen(target);
    (void)snprintf(target + used, size_bytes - used, "%.*s;", (int)value.len_bytes,
                   (const char *)value.data);
}

static cflight_status is_valid(void *user_data, cflight_server_context *context,
                               struct cflight_bytes token, cflight_buffer **ret_identity,
                               cflight_error **reterr)
{
    struct world *world = user_data;
    (void)context;
    (void)token;
    (void)ret_identity;
    add(&world->server_events, "", "is_valid");
    return world->refuses_token
               ? cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED, "bad token")
               : CFLIGHT_OK;
}

static cflight_status server_start(void *user_data, cflight_server_context *context,
                                   enum cflight_method method, void **ret_instance,
                                   cflight_error **reterr)
{
    struct layer *layer = user_data;
    struct world *world = layer->world;
    const struct cflight_header *headers = NULL;
    size_t count = cflight_server_context_headers(context, &headers);
    assert_int_equal(method, CFLIGHT_METHOD_DO_ACTION);
    add(&world->server_events, layer->name, ".start");
    (void)pthread_mutex_lock(&world->server_events.mutex); /* of seen and saw_binary too */
    for (size_t i = 0; layer == &world->outer && i < count; i++) {
        if (cflight_bytes_equal(headers[i].name, t_text("x-twice"))) {
            join(world->seen, sizeof world->seen, headers[i].value);
        }
        world->saw_binary = world->saw_binary ||
                            (cflight_bytes_equal(headers[i].name, t_text("x-bytes-bin")) &&
                             cflight_bytes_equal(headers[i].value,
                                                 cflight_bytes_make(world->binary, BINARY_BYTES)));
    }
    (void)pthread_mutex_unlock(&world->server_events.mutex);
    if (layer == &world->inner && world->inner_refuses) {
        return cflight_error_set_message(reterr, CFLIGHT_PERMISSION_DENIED, "not you");
    }
    *ret_instance = layer;
    return CFLIGHT_OK;
}

static void server_headers(void *user_data, void *instance, cflight_header_sink *headers)
{
    struct layer *layer = user_data;
    struct world *world = layer->world;
    assert_ptr_equal(instance, layer);
    add(&world->server_events, layer->name, ".headers");
    assert_int_equal(
        cflight_header_sink_add(headers, t_text("X-Answer"), t_text(layer->name), NULL),
        CFLIGHT_OK);
    if (layer != &world->inner) {
        return;
    }
    assert_int_equal(cflight_header_sink_add(headers, t_text("x-bytes-bin"),
                                             cflight_bytes_make(world->binary, BINARY_BYTES), NULL),
                     CFLIGHT_OK);
    for (int i = 0; world->sends_many_cookies && i < COOKIE_COUNT; i++) {
        (void)cflight_header_sink_add(headers, t_text("set-cookie"), t_text("a=b"), NULL);
    }
    if (world->sends_bad_headers) {
        const char *const NAMES[] = {"",   "bad name", ":status", "grpc-status", "content-type",
                                     "x\n"};
        for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
            CHECK_STATUS(cflight_header_sink_add(headers, t_text(NAMES[i]), t_text("v"), NULL),
                         CFLIGHT_INVALID_ARGUMENT);
        }
        CHECK_STATUS(cflight_header_sink_add(headers, t_text("x-good"), t_text("a\r\nb: c"), NULL),
                     CFLIGHT_INVALID_ARGUMENT);
    }
}

static void server_completed(void *user_data, void *instance,
                             const struct cflight_call_summary *summary)
{
    struct layer *layer = user_data;
    (void)instance;
    char what[64];
    (void)snprintf(what, sizeof what, ".%s", cflight_status_name(summary->status));
    assert_int_equal(summary->error == NULL, summary->status == CFLIGHT_OK);
    keep_summary(layer, summary);
    add(&layer->world->server_events, layer->name, what);
}

static cflight_status do_action(void *user_data, cflight_server_context *context,
                                const struct cflight_action *action, cflight_response *response,
                                cflight_error **reterr)
{
    struct world *world = user_data;
    cflight_status status = CFLIGHT_OK;
    (void)action;
    add(&world->server_events, "", "handler");
    assert_ptr_equal(cflight_server_context_middleware(context, "inner"), &world->inner);
    assert_ptr_equal(cflight_server_context_middleware(context, "outer"), &world->outer);
    assert_null(cflight_server_context_middleware(context, "nobody"));
    if (world->handler_fails) {
        return cflight_error_set_message(reterr, CFLIGHT_ABORTED, "no luck");
    }
    for (int i = 0; i < RESULT_COUNT && status == CFLIGHT_OK; i++) {
        status = cflight_response_result(response, t_text("result"), reterr);
    }
    return status;
}

/* ---- the client ---- */

static cflight_status client_start(void *user_data, enum cflight_method method, void **ret_instance,
                                   cflight_error **reterr)
{
    struct layer *layer = user_data;
    (void)reterr;
    assert_int_equal(method, CFLIGHT_METHOD_DO_ACTION);
    add(&layer->world->client_events, "", "start");
    *ret_instance = layer;
    return CFLIGHT_OK;
}

static void client_sending(void *user_data, void *instance, cflight_header_sink *headers)
{
    struct layer *layer = user_data;
    struct world *world = layer->world;
    (void)instance;
    add(&world->client_events, "", "sending");
    assert_int_equal(cflight_header_sink_add(headers, t_text("X-Twice"), t_text("three"), NULL),
                     CFLIGHT_OK);
    assert_int_equal(cflight_header_sink_add(headers, t_text("x-bytes-bin"),
                                             cflight_bytes_make(world->binary, BINARY_BYTES), NULL),
                     CFLIGHT_OK);
}

static void client_received(void *user_data, void *instance, const struct cflight_header *headers,
                            size_t header_count)
{
    struct layer *layer = user_data;
    struct world *world = layer->world;
    (void)instance;
    add(&world->client_events, "", "received");
    for (size_t i = 0; i < header_count; i++) {
        if (cflight_bytes_equal(headers[i].name, t_text("x-answer"))) {
            join(world->got, sizeof world->got, headers[i].value);
        }
        world->got_binary = world->got_binary ||
                            (cflight_bytes_equal(headers[i].name, t_text("x-bytes-bin")) &&
                             cflight_bytes_equal(headers[i].value,
                                                 cflight_bytes_make(world->binary, BINARY_BYTES)));
        assert_false(cflight_bytes_equal(headers[i].name, t_text("x-good")));
    }
}

static void client_completed(void *user_data, void *instance,
                             const struct cflight_call_summary *summary)
{
    struct layer *layer = user_data;
    (void)instance;
    keep_summary(layer, summary);
    add(&layer->world->client_events, "", cflight_status_name(summary->status));
}

static struct cflight_server_middleware server_table(struct layer *layer)
{
    struct cflight_server_middleware table = CFLIGHT_SERVER_MIDDLEWARE_INIT;
    table.user_data = layer;
    table.key = layer->name;
    table.start_call = server_start;
    table.sending_headers = server_headers;
    table.call_completed = server_completed;
    return table;
}

static void world_start(struct world *world)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct cflight_client_options client_options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct cflight_server_auth auth = CFLIGHT_SERVER_AUTH_INIT;
    struct cflight_client_middleware client_table = CFLIGHT_CLIENT_MIDDLEWARE_INIT;
    cflight_error *error = NULL;
    memset(world, 0, sizeof *world);
    for (int i = 0; i < BINARY_BYTES; i++) {
        world->binary[i] = (uint8_t)i;
    }
    (void)pthread_mutex_init(&world->server_events.mutex, NULL);
    (void)pthread_mutex_init(&world->client_events.mutex, NULL);
    world->outer =
        (struct layer){.world = world, .name = "outer", .mutex = PTHREAD_MUTEX_INITIALIZER};
    world->inner =
        (struct layer){.world = world, .name = "inner", .mutex = PTHREAD_MUTEX_INITIALIZER};
    world->client =
        (struct layer){.world = world, .name = "client", .mutex = PTHREAD_MUTEX_INITIALIZER};
    auth.user_data = world;
    auth.is_valid = is_valid;
    handlers.user_data = world;
    handlers.do_action = do_action;
    struct cflight_server_middleware tables[] = {server_table(&world->outer),
                                                 server_table(&world->inner)};
    options.auth = &auth;
    options.middleware = tables;
    options.middleware_count = 2;
    CHECK_OK(cflight_server_new("grpc://localhost:0", &handlers, &options, &world->server, &error),
             error);
    client_table.user_data = &world->client;
    client_table.start_call = client_start;
    client_table.sending_headers = client_sending;
    client_table.received_headers = client_received;
    client_table.call_completed = client_completed;
    client_options.middleware = &client_table;
    client_options.middleware_count = 1;
    CHECK_OK(cflight_client_new(cflight_server_location(world->server), &client_options,
                                &world->connection, &error),
             error);
}

static void world_stop(struct world *world)
{
    cflight_client_free(world->connection);
    cflight_server_free(world->server);
    (void)pthread_mutex_destroy(&world->client_events.mutex);
    (void)pthread_mutex_destroy(&world->server_events.mutex);
}

/* One action, to its end. */
static cflight_status act_with(struct world *world, const struct cflight_call_options *options,
                               cflight_error **reterr)
{
    struct cflight_action action = {t_text("act"), t_text("body")};
    cflight_result_stream *results = NULL;
    cflight_buffer *body = NULL;
    (void)pthread_mutex_lock(&world->server_events.mutex);
    world->seen[0] = '\0';
    world->saw_binary = false;
    (void)pthread_mutex_unlock(&world->server_events.mutex);
    world->got[0] = '\0';
    world->got_binary = false;
    cflight_status status =
        cflight_client_do_action(world->connection, &action, options, &results, reterr);
    for (bool has_more = status == CFLIGHT_OK; has_more;) {
        status = cflight_result_stream_next(results, &body, reterr);
        has_more = status == CFLIGHT_OK && body != NULL;
        cflight_buffer_unref(body);
        body = NULL;
    }
    cflight_result_stream_free(results);
    return status;
}

static void check_act(struct world *world, cflight_status expected)
{
    cflight_error *error = NULL;
    CHECK_STATUS(act_with(world, NULL, &error), expected);
    cflight_error_free(error);
}

/* Goal: identity, factories, headers, handler, completion, in this order; whoever refuses ends the
 * call there, and only who has begun is told of the end. Method: the words that each function
 * leaves, for a call that goes well and for a refusal at every station. */
TEST(middleware, runs_in_the_order_that_is_promised)
{
    struct world world;
    world_start(&world);
    check_act(&world, CFLIGHT_OK);
    check_events(&world.server_events, "is_valid outer.start inner.start outer.headers "
                                       "inner.headers handler outer.OK inner.OK");
    check_events(&world.client_events, "start sending received received OK");

    world.handler_fails = true;
    check_act(&world, CFLIGHT_ABORTED);
    check_events(&world.server_events, "is_valid outer.start inner.start outer.headers "
                                       "inner.headers handler outer.ABORTED inner.ABORTED");
    check_events(&world.client_events, "start sending received received ABORTED");

    world.inner_refuses = true;
    check_act(&world, CFLIGHT_PERMISSION_DENIED);
    check_events(&world.server_events, "is_valid outer.start inner.start outer.PERMISSION_DENIED");
    check_events(&world.client_events, "start sending received PERMISSION_DENIED");

    world.refuses_token = true;
    check_act(&world, CFLIGHT_UNAUTHENTICATED);
    check_events(&world.server_events, "is_valid");
    check_events(&world.client_events, "start sending received UNAUTHENTICATED");
    world_stop(&world);
}

/* Goal: headers arrive with their case lowered, in order, as often as they were sent, and with any
 * bytes under a name that ends in -bin; answers also when the handler fails. Method: options of the
 * call and middleware add the same name. */
TEST(middleware, headers_of_every_kind_arrive)
{
    struct world world;
    struct cflight_header headers[] = {{t_text("X-TWICE"), t_text("one")},
                                       {t_text("x-twice"), t_text("two")}};
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    cflight_error *error = NULL;
    options.headers = headers;
    options.header_count = 2;
    world_start(&world);
    for (int i = 0; i < 2; i++) {
        world.handler_fails = i == 1;
        CHECK_STATUS(act_with(&world, &options, &error), i == 1 ? CFLIGHT_ABORTED : CFLIGHT_OK);
        cflight_error_free(error);
        error = NULL;
        assert_string_equal(world.seen, "one;two;three;");
        assert_true(world.saw_binary);
        assert_string_equal(world.got, "outer;inner;");
        assert_true(world.got_binary);
    }
    world_stop(&world);
}

/* Goal: what is no header is refused where it is added, with a reason, and the call or the next one
 * goes on. Method: bad names and values from a call's options, then from a server's middleware. */
TEST(middleware, bad_headers_are_refused_where_they_are_added)
{
    static const struct {
        const char *name;
        const char *value;
        const char *reason;
    } CASES[] = {
        {"x-good", "a\nb", "0x0a"},        {"x-good", "\x7f", "0x7f"},
        {"x-good", "\xc3\xa4", "0xc3"},    {"x good", "v", "0x20"},
        {"x:good", "v", "0x3a"},           {"", "v", "empty"},
        {":authority", "v", "0x3a"},       {"grpc-timeout", "1S", "reserved"},
        {"Content-Type", "a", "reserved"},
    };
    struct world world;
    world_start(&world);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct cflight_header header = {t_text(CASES[i].name), t_text(CASES[i].value)};
        struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
        cflight_error *error = NULL;
        options.headers = &header;
        options.header_count = 1;
        CHECK_STATUS(act_with(&world, &options, &error), CFLIGHT_INVALID_ARGUMENT);
        if (strstr(cflight_error_message(error), CASES[i].reason) == NULL) {
            fail_msg("%s: %s", CASES[i].reason, cflight_error_message(error));
        }
        cflight_error_free(error);
    }
    check_events(&world.server_events, ""); /* nothing was sent */
    world.sends_bad_headers = true;
    check_act(&world, CFLIGHT_OK);
    world_stop(&world);
}

/* Goal: a thousand cookies are more than a client takes: it says so with the limits, and the
 * connection goes on. */
TEST(middleware, a_thousand_cookies_are_refused)
{
    struct world world;
    cflight_error *error = NULL;
    world_start(&world);
    check_act(&world, CFLIGHT_OK);
    world.sends_many_cookies = true;
    CHECK_STATUS(act_with(&world, NULL, &error), CFLIGHT_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(cflight_error_message(error), "512 fields"));
    cflight_error_free(error);
    world.sends_many_cookies = false;
    check_act(&world, CFLIGHT_OK);
    world_stop(&world);
}

/* Goal: who is refused cannot make the server keep a large request first. Method: a refused action
 * of 15 MiB; the outer middleware is told how much of it came. */
TEST(middleware, a_refused_caller_sends_no_more_than_a_window)
{
    struct world world;
    struct cflight_action action = {t_text("act"), {NULL, BODY_BYTES}};
    cflight_result_stream *results = NULL;
    cflight_buffer *body = NULL;
    cflight_error *error = NULL;
    world_start(&world);
    uint8_t *large = calloc(1, BODY_BYTES);
    assert_non_null(large);
    action.body.data = large;
    for (int i = 0; i < 2; i++) {
        world.inner_refuses = i == 0;
        CHECK_OK(cflight_client_do_action(world.connection, &action, NULL, &results, &error),
                 error);
        CHECK_STATUS(cflight_result_stream_next(results, &body, &error),
                     i == 0 ? CFLIGHT_PERMISSION_DENIED : CFLIGHT_OK);
        cflight_error_free(error);
        error = NULL;
        cflight_buffer_unref(body);
        body = NULL;
        cflight_result_stream_free(results);
        if (i == 0) {
            assert_true(last_summary(&world.outer).bytes_received <= 2 * WINDOW_BYTES);
        }
    }
    free(large);
    world_stop(&world);
    assert_true(last_summary(&world.outer).bytes_received > BODY_BYTES); /* it can be sent */
}

/* Goal: both ends count the same messages and bytes, crosswise, and take time. */
TEST(middleware, counts_are_told_at_the_end)
{
    struct world world;
    world_start(&world);
    check_act(&world, CFLIGHT_OK);
    const struct cflight_call_summary last[] = {last_summary(&world.client),
                                                last_summary(&world.inner)};
    const struct cflight_call_summary *client = &last[0];
    const struct cflight_call_summary *server = &last[1];
    assert_int_equal(client->method, CFLIGHT_METHOD_DO_ACTION);
    assert_int_equal(server->method, CFLIGHT_METHOD_DO_ACTION);
    assert_int_equal(client->messages_sent, 1);
    assert_int_equal(client->messages_received, RESULT_COUNT);
    assert_int_equal(server->messages_sent, RESULT_COUNT);
    assert_int_equal(server->messages_received, 1);
    assert_int_equal(client->bytes_sent, server->bytes_received);
    assert_int_equal(client->bytes_received, server->bytes_sent);
    assert_true(client->bytes_received > 0 && client->bytes_sent > 0);
    assert_true(client->duration_ns > 0 && server->duration_ns > 0);
    world_stop(&world);
}
