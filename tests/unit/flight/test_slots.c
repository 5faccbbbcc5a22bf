/* SPDX-License-Identifier: Apache-2.0 */
/* Calls between the threads of a server: what is left when a thread lost its turn, who gets a slot
 * that is given back, and connections that are gone while their handlers still run. Peers are plain
 * sockets that say what a call needs and no more. */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/condition.h"
#include "peer.h"
#include "service.h"
#include "test.h"

enum {
    /* Far beyond what a test takes, below the 30 s after which a call that waits for its message is
     * looked at. */
    SOON_MS = 25000,
    SHORT_MS = 200,
};

/* Identifies callers by the text in their token: "wait" waits for the gate, "open" opens it and is
 * refused, others are let in. */
struct door {
    struct t_service service;
    struct t_gate gate;
    struct cflight_server_auth auth;
    uint64_t seen_count; /* under the service's mutex */
    uint64_t waiting_count;
};

static void count(struct door *door, uint64_t *counter)
{
    (void)pthread_mutex_lock(&door->service.mutex);
    ++*counter;
    (void)pthread_cond_broadcast(&door->service.changed);
    (void)pthread_mutex_unlock(&door->service.mutex);
}

static cflight_status is_valid(void *user_data, cflight_server_context *context,
                               struct cflight_bytes token, cflight_buffer **ret_identity,
                               cflight_error **reterr)
{
    struct door *door = user_data;
    struct cflight_bytes word = cflight_server_context_header(context, "x-word");
    (void)token;
    (void)ret_identity;
    count(door, &door->seen_count);
    if (t_has_word(word, "wait")) {
        count(door, &door->waiting_count);
        t_gate_wait(&door->gate);
    } else if (t_has_word(word, "open")) {
        t_gate_open(&door->gate);
        return cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED, "not you");
    }
    return CFLIGHT_OK;
}

static void start(struct door *door, uint32_t handlers_max, int64_t message_timeout_ms)
{
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    memset(door, 0, sizeof *door);
    t_gate_init(&door->gate);
    door->auth = (struct cflight_server_auth)CFLIGHT_SERVER_AUTH_INIT;
    door->auth.user_data = door;
    door->auth.is_valid = is_valid;
    options.auth = &door->auth;
    options.handlers_max = handlers_max;
    options.message_timeout_ms = message_timeout_ms;
    t_service_start(&door->service, "grpc://127.0.0.1:0", &options);
}

static void stop(struct door *door)
{
    t_gate_open(&door->gate);
    t_service_stop(&door->service);
    t_gate_done(&door->gate);
}

/* ---- peers ---- */

static int connect_to(const struct t_service *service)
{
    struct t_raw raw = {0};
    int fd = t_socket_connect(cflight_server_port(service->server));
    t_raw_client_start(&raw);
    t_raw_ack(&raw);
    assert_true(t_socket_send(fd, &raw));
    t_raw_done(&raw);
    return fd;
}

static void send_named_headers(int fd, uint32_t stream_id, const char *name, const char *value)
{
    const struct t_field fields[] = {{":method", "POST"},
                                     {":scheme", "http"},
                                     {":path", "/arrow.flight.protocol.FlightService/DoAction"},
                                     {":authority", "x"},
                                     {"te", "trailers"},
                                     {"content-type", "application/grpc"},
                                     {name, value},
                                     {NULL, NULL}};
    struct t_raw raw = {0};
    t_raw_headers(&raw, 0, stream_id, fields);
    assert_true(t_socket_send(fd, &raw));
    t_raw_done(&raw);
}

static void send_headers(int fd, uint32_t stream_id, const char *word)
{
    send_named_headers(fd, stream_id, "x-word", word);
}

/* An action of a type, and the end of the request. */
static void send_action(int fd, uint32_t stream_id, const char *type)
{
    struct t_raw raw = {0};
    uint8_t message[64] = {0};
    size_t len_bytes = strlen(type);
    message[4] = (uint8_t)(len_bytes + 2);
    message[5] = 0x0a;
    message[6] = (uint8_t)len_bytes;
    memcpy(message + 7, type, len_bytes);
    t_raw_frame(&raw, T_DATA, T_END_STREAM, stream_id, message, len_bytes + 7);
    assert_true(t_socket_send(fd, &raw));
    t_raw_done(&raw);
}

/* Reads until the stream has ended; false when that took too long. */
static bool ends_soon(int fd, uint32_t stream_id)
{
    struct t_raw raw = {0};
    bool has_ended = false;
    int64_t begun_ns = cfl_clock_now_ns(NULL);
    while (!has_ended && t_socket_read(fd, &raw)) {
        struct t_frame frame;
        for (int type = T_DATA; type <= T_RST_STREAM; type++) {
            for (size_t i = 0; t_raw_find(&raw, type, i, &frame); i++) {
                bool is_end = type == T_RST_STREAM ||
                              (type != T_PRIORITY && (frame.flags & T_END_STREAM) != 0);
                has_ended = has_ended || (is_end && frame.stream_id == stream_id);
            }
        }
    }
    t_raw_done(&raw);
    return has_ended && cfl_clock_now_ns(NULL) - begun_ns < SOON_MS * CFL_NS_PER_MS;
}

static bool comes_soon(struct door *door, const uint64_t *counter, uint64_t value)
{
    int64_t until_ns = cfl_deadline_after_ms(cfl_clock_now_ns(NULL), SOON_MS);
    bool in_time = true;
    (void)pthread_mutex_lock(&door->service.mutex);
    while (*counter < value && in_time) {
        in_time = cfl_condition_wait_until(&door->service.changed, &door->service.mutex, until_ns);
    }
    bool is_reached = *counter >= value;
    (void)pthread_mutex_unlock(&door->service.mutex);
    return is_reached;
}

/* ---- turns that were lost ---- */

/* Goal: the limit on headers without a message also strikes when it was slow to identify the
 * caller. Method: a call that is identified for as long as it takes to begin and refuse a second
 * one on its connection, so its thread has lost the turn; no message follows. */
TEST(slots, a_message_is_awaited_with_a_limit_after_a_slow_identification)
{
    struct door door;
    start(&door, 8, SHORT_MS);
    int fd = connect_to(&door.service);
    send_headers(fd, 1, "wait");
    assert_true(t_service_wait(&door.service, &door.waiting_count, 1));
    send_headers(fd, 3, "open");
    assert_true(ends_soon(fd, 1));
    (void)close(fd);
    stop(&door);
}

/* Goal: a call that was identified beside its turn, when all handlers are busy, runs once one of
 * them ends. Method: as above, with a message, and as many handlers as may run. */
TEST(slots, a_call_that_waits_for_a_slot_is_not_forgotten)
{
    enum { HANDLERS = 2 };
    struct door door;
    start(&door, HANDLERS, 0);
    int busy_fd = connect_to(&door.service);
    for (uint32_t i = 0; i < HANDLERS; i++) {
        send_headers(busy_fd, 2 * i + 1, "in");
        send_action(busy_fd, 2 * i + 1, "hold");
    }
    assert_true(t_service_wait(&door.service, &door.service.locked.started_count, HANDLERS));
    int fd = connect_to(&door.service);
    send_headers(fd, 1, "wait");
    send_action(fd, 1, "quick");
    assert_true(t_service_wait(&door.service, &door.waiting_count, 1));
    send_headers(fd, 3, "open");
    assert_true(t_service_wait(&door.service, &door.seen_count, HANDLERS + 2));
    t_gate_open(&door.service.hold);
    assert_true(ends_soon(fd, 1));
    (void)close(fd);
    (void)close(busy_fd);
    stop(&door);
}

/* ---- slots that are given back ---- */

/* Goal: a slot goes to a connection that has use for it. Method: the one handler is busy, a caller
 * is being identified, one connection waits for the handler and another one for its caller to be
 * identified; then the former caller is known. */
TEST(slots, a_slot_that_is_given_back_goes_to_who_can_use_it)
{
    struct door door;
    start(&door, 1, 0);
    int busy_fd = connect_to(&door.service);
    send_headers(busy_fd, 1, "in");
    send_action(busy_fd, 1, "hold");
    assert_true(t_service_wait(&door.service, &door.service.locked.started_count, 1));
    int first_fd = connect_to(&door.service);
    send_headers(first_fd, 1, "in");
    assert_true(t_service_wait(&door.service, &door.seen_count, 2));
    send_action(first_fd, 1, "quick");
    int second_fd = connect_to(&door.service);
    send_headers(second_fd, 1, "wait");
    assert_true(t_service_wait(&door.service, &door.waiting_count, 1));
    int third_fd = connect_to(&door.service);
    send_headers(third_fd, 1, "in");
    t_gate_open(&door.gate);
    assert_true(comes_soon(&door, &door.seen_count, 4));
    send_action(third_fd, 1, "quick");
    send_action(second_fd, 1, "quick");
    t_gate_open(&door.service.hold);
    assert_true(ends_soon(first_fd, 1));
    assert_true(ends_soon(second_fd, 1));
    assert_true(ends_soon(third_fd, 1));
    const int fds[] = {busy_fd, first_fd, second_fd, third_fd};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        (void)close(fds[i]);
    }
    stop(&door);
}

/* ---- logins ---- */

/* A door with passwords: whoever verifies one waits for the gate. */
struct lock {
    struct t_service service;
    struct t_gate gate;
    struct cflight_server_auth auth;
    struct cflight_server_middleware middleware;
    cflight_bearer_auth *kit;
    uint64_t verifying_count; /* under the service's mutex */
};

static cflight_status verify(void *user_data, struct cflight_bytes username,
                             struct cflight_bytes password, cflight_buffer **ret_identity,
                             cflight_error **reterr)
{
    struct lock *lock = user_data;
    (void)username;
    (void)password;
    (void)ret_identity;
    (void)pthread_mutex_lock(&lock->service.mutex);
    lock->verifying_count++;
    (void)pthread_cond_broadcast(&lock->service.changed);
    (void)pthread_mutex_unlock(&lock->service.mutex);
    t_gate_wait(&lock->gate);
    return cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED, "wrong");
}

static void start_lock(struct lock *lock, uint32_t handlers_max)
{
    struct cflight_bearer_auth_options kit_options = CFLIGHT_BEARER_AUTH_OPTIONS_INIT;
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    memset(lock, 0, sizeof *lock);
    t_gate_init(&lock->gate);
    kit_options.verify = verify;
    kit_options.user_data = lock;
    CHECK_STATUS(cflight_bearer_auth_new(&kit_options, &lock->kit, NULL), CFLIGHT_OK);
    cflight_bearer_auth_server(lock->kit, &lock->auth, &lock->middleware);
    options.auth = &lock->auth;
    options.middleware = &lock->middleware;
    options.middleware_count = 1;
    options.handlers_max = handlers_max;
    t_service_start(&lock->service, "grpc://127.0.0.1:0", &options);
}

/* "Bearer " and a token that is good. */
static void issue(struct lock *lock, char *ret_text, size_t size_bytes)
{
    cflight_buffer *token = NULL;
    CHECK_STATUS(
        cflight_bearer_auth_issue(lock->kit, cflight_bytes_from_text("alice"), &token, NULL),
        CFLIGHT_OK);
    struct cflight_bytes bytes = cflight_buffer_bytes(token);
    (void)snprintf(ret_text, size_bytes, "Bearer %.*s", (int)bytes.len_bytes,
                   (const char *)bytes.data);
    cflight_buffer_unref(token);
}

/* Goal: whoever is known is served while logins take all the time that they may. Method: two
 * handlers, and more logins than that, some of which are verified and the rest waits; then a call
 * with a token. */
TEST(slots, logins_hold_no_handler)
{
    enum { LOGINS = 12, VERIFIED_AT_ONCE = 4 /* of an address */ };
    struct lock lock;
    char token[128];
    int fds[LOGINS];
    start_lock(&lock, 2);
    issue(&lock, token, sizeof token);
    for (size_t i = 0; i < LOGINS; i++) {
        fds[i] = connect_to(&lock.service);
        send_named_headers(fds[i], 1, "authorization", "Basic dTpxeA==");
        send_action(fds[i], 1, "quick");
    }
    assert_true(t_service_wait(&lock.service, &lock.verifying_count, VERIFIED_AT_ONCE));
    int fd = connect_to(&lock.service);
    send_named_headers(fd, 1, "authorization", token);
    send_action(fd, 1, "quick");
    assert_true(ends_soon(fd, 1));
    t_gate_open(&lock.gate);
    for (size_t i = 0; i < LOGINS; i++) {
        (void)close(fds[i]);
    }
    (void)close(fd);
    t_service_stop(&lock.service);
    cflight_bearer_auth_unref(lock.kit);
    t_gate_done(&lock.gate);
}

/* ---- connections that are gone ---- */

/* Goal: connections that ended while their handlers run hold no place among the deadlines of those
 * that are there. Method: three times as many as there are places at first, one after another, each
 * leaving a handler behind. */
TEST(slots, handlers_may_outlive_many_connections)
{
    enum { CONNECTIONS = 48 };
    struct door door;
    start(&door, CONNECTIONS, 0);
    for (uint64_t i = 0; i < CONNECTIONS; i++) {
        int fd = connect_to(&door.service);
        send_headers(fd, 1, "in");
        send_action(fd, 1, "hold");
        assert_true(t_service_wait(&door.service, &door.service.locked.started_count, i + 1));
        struct t_raw rest = {0};
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        t_socket_read_to_end(fd, &rest);
        t_raw_done(&rest);
        (void)close(fd);
    }
    stop(&door);
}
