/* SPDX-License-Identifier: Apache-2.0 */
/* Methods of other gRPC services, called over a plain socket: what their handlers read, write and
 * learn, and which tables are refused. Health and reflection are tried by tests/interop. */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"
#include "service.h"
#include "test.h"

#define PATH "/a/b" /* that t_raw_request() asks for */
#define KEY "seen"

/* What a handler has seen, and how it behaves. */
struct seen {
    bool writes_twice;
    bool writes_nothing;
    uint64_t message_count;
    enum cflight_method method;
    char path[32];
    cflight_status second_write;
    uint64_t middleware_count;
    const void *instance; /* of the middleware, as the handler finds it */
    uint64_t shutdown_count;
};

/* Answers every message with itself. */
static cflight_status echo(void *user_data, cflight_server_context *context,
                           cflight_service_call *call, cflight_error **reterr)
{
    struct seen *seen = user_data;
    cflight_buffer *message = NULL;
    cflight_status status = CFLIGHT_OK;
    seen->method = cflight_server_context_method(context);
    seen->instance = cflight_server_context_middleware(context, KEY);
    (void)snprintf(seen->path, sizeof seen->path, "%s", cflight_server_context_path(context));
    while ((status = cflight_service_call_read(call, &message, reterr)) == CFLIGHT_OK &&
           message != NULL) {
        seen->message_count++;
        if (!seen->writes_nothing) {
            status = cflight_service_call_write(call, cflight_buffer_bytes(message), reterr);
        }
        if (seen->writes_twice) {
            seen->second_write =
                cflight_service_call_write(call, cflight_buffer_bytes(message), NULL);
        }
        cflight_buffer_unref(message);
        if (status != CFLIGHT_OK) {
            break;
        }
    }
    return status;
}

static void count_shutdown(void *user_data)
{
    ((struct seen *)user_data)->shutdown_count++;
}

static cflight_status start_call(void *user_data, cflight_server_context *context,
                                 enum cflight_method method, void **ret_instance,
                                 cflight_error **reterr)
{
    (void)context;
    (void)method;
    (void)reterr;
    *ret_instance = user_data;
    ((struct seen *)user_data)->middleware_count++;
    return CFLIGHT_OK;
}

static struct cflight_service_method method_of(struct seen *seen)
{
    struct cflight_service_method method = CFLIGHT_SERVICE_METHOD_INIT;
    method.path = PATH;
    method.handler = echo;
    method.on_shutdown = count_shutdown;
    method.user_data = seen;
    return method;
}

static void start(struct t_service *service, struct seen *seen,
                  const struct cflight_service_method *method)
{
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct cflight_server_middleware middleware = CFLIGHT_SERVER_MIDDLEWARE_INIT;
    middleware.user_data = seen;
    middleware.key = KEY;
    middleware.start_call = start_call;
    options.middleware = &middleware;
    options.middleware_count = 1;
    options.service_methods = method;
    options.service_method_count = 1;
    t_service_start(service, "grpc://127.0.0.1:0", &options);
}

static void append_message(struct t_raw *raw, uint32_t stream_id, int flags, const char *text)
{
    uint8_t message[64] = {0};
    size_t len_bytes = strlen(text);
    message[4] = (uint8_t)len_bytes;
    memcpy(message + 5, text, len_bytes);
    t_raw_frame(raw, T_DATA, flags, stream_id, message, len_bytes + 5);
}

/* Calls the method with `texts`, to a NULL, and gives everything that comes back. The connection is
 * half closed afterwards, so the server ends it. */
static void call(const struct t_service *service, const char *const *texts,
                 struct t_raw *ret_answer)
{
    struct t_raw raw = {0};
    int fd = t_socket_connect(cflight_server_port(service->server));
    t_raw_client_start(&raw);
    t_raw_ack(&raw);
    t_raw_request(&raw, 1, NULL);
    for (size_t i = 0; texts[i] != NULL; i++) {
        append_message(&raw, 1, texts[i + 1] == NULL ? T_END_STREAM : 0, texts[i]);
    }
    if (texts[0] == NULL) {
        t_raw_frame(&raw, T_DATA, T_END_STREAM, 1, NULL, 0);
    }
    assert_true(t_socket_send(fd, &raw));
    for (bool is_over = false; !is_over;) {
        struct t_frame frame;
        assert_true(t_socket_read(fd, ret_answer));
        for (size_t i = 0; t_raw_find(ret_answer, T_HEADERS, i, &frame); i++) {
            is_over = is_over || (frame.flags & T_END_STREAM) != 0;
        }
    }
    (void)close(fd);
    t_raw_done(&raw);
}

/* The messages of an answer, whatever frames they are in. */
static void check_texts(const struct t_raw *answer, const char *const *texts)
{
    struct t_raw expected = {0};
    struct t_raw got = {0};
    struct t_frame frame;
    for (size_t i = 0; texts[i] != NULL; i++) {
        const uint8_t prefix[5] = {0, 0, 0, 0, (uint8_t)strlen(texts[i])};
        t_raw_append(&expected, prefix, sizeof prefix);
        t_raw_append(&expected, texts[i], strlen(texts[i]));
    }
    for (size_t i = 0; t_raw_find(answer, T_DATA, i, &frame); i++) {
        t_raw_append(&got, frame.payload, frame.len_bytes);
    }
    assert_int_equal(got.len_bytes, expected.len_bytes);
    assert_memory_equal(got.data, expected.data, expected.len_bytes);
    t_raw_done(&expected);
    t_raw_done(&got);
}

/* Goal: a method of one message and one answer. */
TEST(services, a_message_is_answered)
{
    struct t_service service;
    struct t_raw answer = {0};
    struct seen seen = {.message_count = 0};
    struct cflight_service_method method = method_of(&seen);
    start(&service, &seen, &method);
    call(&service, (const char *const[]){"hello", NULL}, &answer);
    check_texts(&answer, (const char *const[]){"hello", NULL});
    t_service_stop(&service);
    assert_int_equal(seen.message_count, 1);
    assert_int_equal(seen.method, CFLIGHT_METHOD_SERVICE);
    assert_string_equal(seen.path, PATH);
    assert_int_equal(seen.middleware_count, 1);
    assert_ptr_equal(seen.instance, &seen);
    assert_int_equal(seen.shutdown_count, 1);
    t_raw_done(&answer);
}

/* Goal: both sides stream; what is for anybody asks no middleware. */
TEST(services, streams_go_both_ways)
{
    struct t_service service;
    struct t_raw answer = {0};
    struct seen seen = {.message_count = 0};
    struct cflight_service_method method = method_of(&seen);
    method.client_streams = true;
    method.server_streams = true;
    method.is_open = true;
    start(&service, &seen, &method);
    static const char *const texts[] = {"one", "two", "", NULL};
    call(&service, texts, &answer);
    check_texts(&answer, texts);
    t_service_stop(&service);
    assert_int_equal(seen.message_count, 3);
    assert_int_equal(seen.middleware_count, 0);
    assert_null(seen.instance);
    t_raw_done(&answer);
}

/* Reads until there is a frame of the kind, and says whether it came. */
static bool read_frame(int fd, struct t_raw *answer, int type)
{
    struct t_frame frame;
    while (!t_raw_find(answer, type, 0, &frame)) {
        if (!t_socket_read(fd, answer)) {
            return false;
        }
    }
    return true;
}

/* Greets, and goes when the client has said its last. */
static cflight_status greet(void *user_data, cflight_server_context *context,
                            cflight_service_call *call, cflight_error **reterr)
{
    struct seen *seen = user_data;
    cflight_status status =
        cflight_service_call_write(call, cflight_bytes_from_text("hello"), reterr);
    return status == CFLIGHT_OK ? echo(seen, context, call, reterr) : status;
}

/* Goal: where the client streams, the server may be the first to speak. Method: the client waits
 * for its greeting before it sends a message. */
TEST(services, a_handler_may_speak_first)
{
    struct t_service service;
    struct t_raw raw = {0};
    struct t_raw answer = {0};
    struct seen seen = {.message_count = 0};
    struct cflight_service_method method = method_of(&seen);
    method.client_streams = true;
    method.server_streams = true;
    method.handler = greet;
    start(&service, &seen, &method);
    int fd = t_socket_connect(cflight_server_port(service.server));
    t_raw_client_start(&raw);
    t_raw_ack(&raw);
    t_raw_request(&raw, 1, NULL);
    assert_true(t_socket_send(fd, &raw));
    assert_true(read_frame(fd, &answer, T_DATA));
    t_raw_done(&raw);
    raw = (struct t_raw){0};
    append_message(&raw, 1, T_END_STREAM, "x");
    assert_true(t_socket_send(fd, &raw));
    while (t_raw_count(&answer, T_HEADERS) < 2) {
        assert_true(t_socket_read(fd, &answer));
    }
    (void)close(fd);
    check_texts(&answer, (const char *const[]){"hello", "x", NULL});
    t_service_stop(&service);
    t_raw_done(&raw);
    t_raw_done(&answer);
}

/* Goal: one answer is one, neither two nor none, and a request without its message is told so. */
TEST(services, one_answer_is_one)
{
    for (int i = 0; i < 3; i++) {
        struct t_service service;
        struct t_raw answer = {0};
        struct seen seen = {.writes_twice = i == 0, .writes_nothing = i == 1};
        struct cflight_service_method method = method_of(&seen);
        start(&service, &seen, &method);
        call(&service,
             i == 2 ? (const char *const[]){NULL, NULL} : (const char *const[]){"x", NULL},
             &answer);
        assert_int_equal(t_raw_count(&answer, T_DATA), i == 0 ? 1 : 0);
        t_service_stop(&service);
        assert_int_equal(seen.second_write, i == 0 ? CFLIGHT_FAILED_PRECONDITION : CFLIGHT_OK);
        assert_int_equal(seen.message_count, i == 2 ? 0 : 1);
        t_raw_done(&answer);
    }
}

/* Goal: a message over the method's limit does not reach its handler. */
TEST(services, a_message_over_the_limit_is_refused)
{
    struct t_service service;
    struct t_raw answer = {0};
    struct seen seen = {.message_count = 0};
    struct cflight_service_method method = method_of(&seen);
    method.message_bytes_max = 4;
    start(&service, &seen, &method);
    call(&service, (const char *const[]){"hello", NULL}, &answer);
    assert_int_equal(t_raw_count(&answer, T_DATA), 0);
    t_service_stop(&service);
    assert_int_equal(seen.message_count, 0);
    t_raw_done(&answer);
}

/* Goal: a table that cannot be meant is refused, and says why. */
TEST(services, tables_are_checked)
{
    static const struct {
        const char *path;
        const char *other;
        const char *expected;
    } cases[] = {
        {NULL, "/a/b", "path"},
        {"a/b", "/a/b", "'a/b' is not the path of a method"},
        {"/a", "/a/b", "'/a' is not the path of a method"},
        {"//b", "/a/b", "'//b' is not the path of a method"},
        {"/a/", "/a/b", "'/a/' is not the path of a method"},
        {"/a/b/c", "/a/b", "'/a/b/c' is not the path of a method"},
        {"/a/b", "/a/b", "the server has the method /a/b already"},
        {"/arrow.flight.protocol.FlightService/DoGet", "/a/b", "DoGet already"},
    };
    for (size_t i = 0; i <= sizeof cases / sizeof cases[0]; i++) {
        struct seen seen = {.message_count = 0};
        struct cflight_service_method methods[2] = {method_of(&seen), method_of(&seen)};
        struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
        struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
        cflight_server *server = NULL;
        cflight_error *error = NULL;
        const char *expected = "handler";
        if (i < sizeof cases / sizeof cases[0]) {
            methods[0].path = cases[i].other;
            methods[1].path = cases[i].path;
            expected = cases[i].expected;
        } else {
            methods[0].handler = NULL;
        }
        options.service_methods = methods;
        options.service_method_count = 2;
        CHECK_STATUS(cflight_server_new("grpc://127.0.0.1:0", &handlers, &options, &server, &error),
                     CFLIGHT_INVALID_ARGUMENT);
        if (strstr(cflight_error_message(error), expected) == NULL) {
            fail_msg("'%s' is not in: %s", expected, cflight_error_message(error));
        }
        cflight_error_free(error);
    }
}

/* Goal: the services of the library refuse what cannot be meant. */
TEST(services, health_and_reflection_check_what_they_are_given)
{
    static const uint8_t cut_set[] = {0x0a, 0x05, 0x0a, 0x01, 'x'};
    static const uint8_t cut_message[] = {0x0a, 0x04, 0x22, 0x02, 0x0a, 0x07};
    struct cflight_bytes sets[] = {{cut_set, sizeof cut_set}, {cut_message, sizeof cut_message}};
    const char *unknown = "no.such.Service";
    char long_name[1026];
    cflight_health *health = NULL;
    cflight_reflection *reflection = NULL;
    struct cflight_reflection_options options = CFLIGHT_REFLECTION_OPTIONS_INIT;
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    CHECK_STATUS(cflight_health_new(NULL, &health, NULL), CFLIGHT_OK);
    CHECK_STATUS(cflight_health_set(health, long_name, CFLIGHT_SERVING, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_health_set(health, "\xff", CFLIGHT_SERVING, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_health_set(health, "x", (enum cflight_serving)3, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_health_set(health, "x", CFLIGHT_NOT_SERVING, NULL), CFLIGHT_OK);
    cflight_health_free(health);
    for (int i = 0; i < 2; i++) {
        options.descriptor_sets = &sets[i];
        options.descriptor_set_count = 1;
        CHECK_STATUS(cflight_reflection_new(&options, &reflection, NULL), CFLIGHT_INVALID_ARGUMENT);
    }
    options.descriptor_set_count = 0;
    options.services = &unknown;
    options.service_count = 1;
    CHECK_STATUS(cflight_reflection_new(&options, &reflection, NULL), CFLIGHT_INVALID_ARGUMENT);
    cflight_health_free(NULL);
    cflight_reflection_free(NULL);
}
