/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that the server certainly did not process: sent again without a word, and only those. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "crowd.h"
#include "event_loop.h"
#include "log_capture.h"
#include "peer.h"
#include "rpcs.h"
#include "service.h"
#include "test.h"

enum { STEPS_MAX = 6, PREFACE_BYTES = 24, DEADLINE_MS = 30000, ATTEMPTS_MAX = 4 };

/* What the server does with a request. */
enum step {
    ANSWER, /* FAILED_PRECONDITION, "not now"; for the last step and all after it */
    REFUSE,
    GO_AWAY, /* it is above the last id; the connection closes */
    REFUSE_AFTER_HEADERS,
    LEAVE_UNREACHABLE, /* as GO_AWAY, and whoever connects from then on waits, if the system obliges
                        */
    SAY_NOTHING,
};

struct script {
    enum step steps[STEPS_MAX];
    int request_count;         /* of the peer's thread, until it stopped */
    struct t_raw last_message; /* DATA of the request before */
    struct t_raw last_headers; /* HEADERS of the first request of the connection before */
    bool has_changed;          /* a request that was sent again differs */
    struct t_peer peer;
    struct t_crowd crowd; /* when unreachable */
};

static bool is_single_request(enum cflight_method method)
{
    return method != CFLIGHT_METHOD_HANDSHAKE && method != CFLIGHT_METHOD_DO_PUT &&
           method != CFLIGHT_METHOD_DO_EXCHANGE;
}

/* Frame of a stream in what a client sent. */
static bool find_frame(const struct t_raw *input, int type, uint32_t stream_id,
                       struct t_frame *ret_frame)
{
    struct t_raw frames = {.data = input->data + PREFACE_BYTES,
                           .len_bytes = input->len_bytes - PREFACE_BYTES};
    for (size_t i = 0; t_raw_find(&frames, type, i, ret_frame); i++) {
        if (ret_frame->stream_id == stream_id) {
            return true;
        }
    }
    return false;
}

static void compare(struct script *script, struct t_raw *last, const struct t_frame *frame)
{
    if (last->len_bytes > 0 && (last->len_bytes != frame->len_bytes ||
                                memcmp(last->data, frame->payload, frame->len_bytes) != 0)) {
        script->has_changed = true;
    }
    t_raw_clear(last);
    t_raw_append(last, frame->payload, frame->len_bytes);
}

/* Waits for a request and its message; compares them with the last ones where they must be equal:
 * header blocks of a connection's first request, which refer to nothing before. */
static bool take_request(struct script *script, int fd, uint32_t stream_id, struct t_raw *input)
{
    struct t_frame frame;
    if (!t_socket_read_request(fd, stream_id, input)) {
        return false;
    }
    if (stream_id == 1 && find_frame(input, T_HEADERS, stream_id, &frame)) {
        compare(script, &script->last_headers, &frame);
    }
    while (!find_frame(input, T_DATA, stream_id, &frame)) {
        if (!t_socket_read(fd, input)) {
            return false;
        }
    }
    compare(script, &script->last_message, &frame);
    return true;
}

static void say(struct t_raw *output, enum step step, uint32_t stream_id)
{
    static const struct t_field RESPONSE[] = {
        {":status", "200"}, {"content-type", "application/grpc"}, {NULL, NULL}};
    static const struct t_field NOT_NOW[] = {{":status", "200"},
                                             {"content-type", "application/grpc"},
                                             {"grpc-status", "9"},
                                             {"grpc-message", "not%20now"},
                                             {NULL, NULL}};
    switch (step) {
    case ANSWER:
        t_raw_headers(output, T_END_STREAM, stream_id, NOT_NOW);
        break;
    case REFUSE_AFTER_HEADERS:
        t_raw_headers(output, 0, stream_id, RESPONSE);
        t_raw_u32_frame(output, T_RST_STREAM, 0, stream_id, 7);
        break;
    case REFUSE:
        t_raw_u32_frame(output, T_RST_STREAM, 0, stream_id, 7);
        break;
    case SAY_NOTHING:
        break;
    case GO_AWAY:
    case LEAVE_UNREACHABLE:
        t_raw_goaway(output, stream_id == 1 ? 0 : stream_id - 2, 0);
        break;
    }
}

static void serve(void *user_data, int fd)
{
    struct script *script = user_data;
    struct t_raw input = {0};
    struct t_raw output = {0};
    t_raw_frame(&output, T_SETTINGS, 0, 0, NULL, 0);
    t_raw_ack(&output);
    bool goes_on = t_socket_send(fd, &output);
    for (uint32_t stream_id = 1; goes_on && take_request(script, fd, stream_id, &input);
         stream_id += 2) {
        int index = script->request_count++;
        enum step step = index < STEPS_MAX ? script->steps[index] : ANSWER;
        if (step == LEAVE_UNREACHABLE) {
            t_crowd_init(&script->crowd, script->peer.listen_fd);
        }
        t_raw_clear(&output);
        say(&output, step, stream_id);
        goes_on = t_socket_send(fd, &output) && step != GO_AWAY;
        if (step == LEAVE_UNREACHABLE) {
            t_socket_read_to_end(fd, &input);
            goes_on = false;
        }
    }
    t_raw_done(&output);
    t_raw_done(&input);
}

static void start(struct script *script)
{
    t_peer_start(&script->peer, serve, script);
}

static void stop(struct script *script)
{
    t_crowd_done(&script->crowd);
    t_peer_stop(&script->peer);
    t_raw_done(&script->last_message);
    t_raw_done(&script->last_headers);
}

/* ---- middleware ---- */

struct watcher {
    int started_count;
    int completed_count;
    cflight_status status;
    uint64_t messages_sent;
};

static cflight_status note_start(void *user_data, enum cflight_method method, void **ret_instance,
                                 cflight_error **reterr)
{
    struct watcher *watcher = user_data;
    (void)method;
    (void)reterr;
    watcher->started_count++;
    *ret_instance = watcher;
    return CFLIGHT_OK;
}

static void note_completed(void *user_data, void *instance,
                           const struct cflight_call_summary *summary)
{
    struct watcher *watcher = instance;
    (void)user_data;
    watcher->completed_count++;
    watcher->status = summary->status;
    watcher->messages_sent = summary->messages_sent;
}

static cflight_client *client_of(const struct script *script, struct watcher *watcher)
{
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct cflight_client_middleware middleware = CFLIGHT_CLIENT_MIDDLEWARE_INIT;
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    middleware.start_call = note_start;
    middleware.call_completed = note_completed;
    middleware.user_data = watcher;
    options.middleware = watcher == NULL ? NULL : &middleware;
    options.middleware_count = watcher == NULL ? 0 : 1;
    CHECK_OK(cflight_client_new(script->peer.location, &options, &client, &error), error);
    return client;
}

/* ---- tests ---- */

struct expectation {
    const char *name;
    enum step steps[STEPS_MAX];
    int request_count;
    cflight_status status;
    enum cflight_retry retry;
};

static void check(const struct expectation *expected, enum cflight_method method)
{
    struct script script = {.request_count = 0};
    struct watcher watcher = {0};
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    cflight_error *error = NULL;
    memcpy(script.steps, expected->steps, sizeof script.steps);
    start(&script);
    cflight_client *client = client_of(&script, &watcher);
    cflight_status status = t_rpc(client, method, "x", &options, &error);
    if (status != expected->status || cflight_error_retry(error) != expected->retry) {
        fail_msg("%s, %s: %s: %s", expected->name, cflight_method_name(method),
                 cflight_status_name(status), cflight_error_message(error));
    }
    cflight_error_free(error);
    cflight_client_free(client);
    stop(&script);
    assert_int_equal(script.request_count, expected->request_count);
    assert_false(script.has_changed);
    assert_int_equal(watcher.started_count, 1);
    assert_int_equal(watcher.completed_count, 1);
    assert_int_equal(watcher.status, expected->status);
    if (is_single_request(method)) {
        assert_int_equal(watcher.messages_sent, 1);
    }
}

/* Goal: a call of one request that the server did not process is sent again as it was, the user and
 * middleware see one call, and a server that never takes it gets it no more than four times. What
 * the server began to answer is not sent again.
 * Method: each case with each such method. */
TEST(restart, a_request_that_was_not_processed_is_sent_again)
{
    static const struct expectation CASES[] = {
        {"refused", {REFUSE}, 2, CFLIGHT_FAILED_PRECONDITION, CFLIGHT_RETRY_NEVER},
        {"refused twice", {REFUSE, REFUSE}, 3, CFLIGHT_FAILED_PRECONDITION, CFLIGHT_RETRY_NEVER},
        {"gone", {GO_AWAY}, 2, CFLIGHT_FAILED_PRECONDITION, CFLIGHT_RETRY_NEVER},
        {"gone, then refused",
         {GO_AWAY, REFUSE, GO_AWAY},
         4,
         CFLIGHT_FAILED_PRECONDITION,
         CFLIGHT_RETRY_NEVER},
        {"never taken",
         {REFUSE, REFUSE, REFUSE, REFUSE, REFUSE},
         ATTEMPTS_MAX,
         CFLIGHT_UNAVAILABLE,
         CFLIGHT_RETRY_SAFE},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        for (int method = T_METHOD_FIRST; method <= T_METHOD_LAST; method++) {
            if (is_single_request((enum cflight_method)method)) {
                check(&CASES[i], (enum cflight_method)method);
            }
        }
    }
}

/* Goal: a call that streams its requests is not sent again: the error says that it is safe to.
 * Method: each such method is refused. */
TEST(restart, a_stream_of_requests_is_left_to_the_user)
{
    static const struct expectation REFUSED = {
        "refused", {REFUSE}, 1, CFLIGHT_UNAVAILABLE, CFLIGHT_RETRY_SAFE};
    for (int method = T_METHOD_FIRST; method <= T_METHOD_LAST; method++) {
        if (!is_single_request((enum cflight_method)method)) {
            check(&REFUSED, (enum cflight_method)method);
        }
    }
}

/* Goal: once the server has begun to answer, whatever it says later, the call is not sent again.
 * Method: headers, then REFUSED_STREAM. */
TEST(restart, an_answered_call_is_not_sent_again)
{
    struct script script = {.steps = {REFUSE_AFTER_HEADERS}};
    cflight_error *error = NULL;
    start(&script);
    cflight_client *client = client_of(&script, NULL);
    CHECK_STATUS(t_rpc(client, CFLIGHT_METHOD_DO_GET, "x", NULL, &error), CFLIGHT_UNAVAILABLE);
    cflight_error_free(error);
    cflight_client_free(client);
    stop(&script);
    assert_int_equal(script.request_count, 1);
}

struct canceller {
    cflight_reader *reader;
    struct t_capture *log;
};

static void *cancel_when_sent_again(void *user_data)
{
    struct canceller *canceller = user_data;
    t_capture_wait(canceller->log, "DoGet is sent again");
    cflight_reader_cancel(canceller->reader);
    return NULL;
}

/* Goal: a call that connects again can be cancelled by another thread, and ends by its deadline.
 * Method: the server goes away and cannot be reached any more, or is silent where it still can. */
TEST(restart, connecting_again_can_be_ended)
{
    for (int is_cancelled = 0; is_cancelled < 2; is_cancelled++) {
        struct script script = {.steps = {LEAVE_UNREACHABLE, SAY_NOTHING}};
        struct watcher watcher = {0};
        struct t_capture log;
        struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
        struct cflight_chunk chunk;
        cflight_reader *reader = NULL;
        cflight_error *error = NULL;
        pthread_t thread;
        options.timeout_ms = is_cancelled ? 0 : 300;
        start(&script);
        t_capture_start(&log, CFLIGHT_LOG_DEBUG);
        cflight_client *client = client_of(&script, &watcher);
        CHECK_OK(
            cflight_client_do_get(client, cflight_bytes_from_text("x"), &options, &reader, &error),
            error);
        struct canceller canceller = {reader, &log};
        if (is_cancelled) {
            assert_int_equal(pthread_create(&thread, NULL, cancel_when_sent_again, &canceller), 0);
        }
        CHECK_STATUS(cflight_reader_next(reader, &chunk, &error),
                     is_cancelled ? CFLIGHT_CANCELLED : CFLIGHT_DEADLINE_EXCEEDED);
        assert_string_equal(cflight_error_operation(error), "DoGet");
        cflight_error_free(error);
        if (is_cancelled) {
            (void)pthread_join(thread, NULL);
        }
        cflight_reader_free(reader);
        cflight_client_free(client);
        t_capture_stop(&log);
        stop(&script);
        assert_in_range(script.request_count, 1, 2);
        assert_int_equal(watcher.completed_count, 1);
    }
}

/* ---- an event loop ---- */

static void note_ready(void *user_data)
{
    bool *is_ready = user_data;
    *is_ready = true;
}

/* Runs one GetFlightInfo under a loop. */
static cflight_status ask_by_loop(cflight_client *client,
                                  const struct cflight_call_options *options,
                                  cflight_error **reterr)
{
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
    cflight_buffer *request = NULL;
    cflight_buffer *answer = NULL;
    cflight_async *async = NULL;
    cflight_status status = CFLIGHT_OK;
    bool is_ready = false;
    CHECK_OK(cflight_descriptor_serialize(&descriptor, &request, reterr), *reterr);
    CHECK_OK(cflight_async_start(client, CFLIGHT_METHOD_GET_FLIGHT_INFO,
                                 cflight_buffer_bytes(request), options, &async, reterr),
             *reterr);
    cflight_buffer_unref(request); /* it may be sent later */
    while (status == CFLIGHT_OK && !is_ready) {
        bool has_notice = false;
        cflight_async_notify(async, note_ready, &has_notice);
        while (!has_notice) {
            t_turn(client);
        }
        status = cflight_async_try_next(async, &is_ready, &answer, reterr);
    }
    assert_null(answer);
    CHECK_STATUS(cflight_async_try_next(async, &is_ready, &answer, NULL), status);
    cflight_async_free(async);
    return status;
}

/* Goal: under an event loop a call that the server did not process goes out again up to three
 * times, on a new connection if need be; the request stays the same. Nothing waits. Method:
 * refusals, and servers that go away; a client that has no connection to begin with. */
TEST(restart, a_loop_sends_again)
{
    static const struct expectation CASES[] = {
        {"refused", {REFUSE, REFUSE}, 3, CFLIGHT_FAILED_PRECONDITION, CFLIGHT_RETRY_NEVER},
        {"gone", {GO_AWAY}, 2, CFLIGHT_FAILED_PRECONDITION, CFLIGHT_RETRY_NEVER},
        {"gone and refused",
         {GO_AWAY, REFUSE, GO_AWAY},
         4,
         CFLIGHT_FAILED_PRECONDITION,
         CFLIGHT_RETRY_NEVER},
        {"gone for ever",
         {GO_AWAY, GO_AWAY, GO_AWAY, GO_AWAY, GO_AWAY, GO_AWAY},
         4,
         CFLIGHT_UNAVAILABLE,
         CFLIGHT_RETRY_SAFE},
        {"refused for ever",
         {REFUSE, REFUSE, REFUSE, REFUSE, REFUSE, REFUSE},
         4,
         CFLIGHT_UNAVAILABLE,
         CFLIGHT_RETRY_SAFE},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct script script = {.request_count = 0};
        cflight_error *error = NULL;
        memcpy(script.steps, CASES[i].steps, sizeof script.steps);
        start(&script);
        cflight_client *client = client_of(&script, NULL);
        CHECK_STATUS(ask_by_loop(client, NULL, &error), CASES[i].status);
        assert_int_equal(cflight_error_retry(error), CASES[i].retry);
        assert_string_equal(cflight_error_operation(error), "GetFlightInfo");
        cflight_error_free(error);
        cflight_client_free(client);
        stop(&script);
        assert_int_equal(script.request_count, CASES[i].request_count);
        assert_false(script.has_changed);
    }
}

/* Goal: a loop's call that connects again ends by its limits, which began with the call.
 * Method: the server goes away and cannot be reached any more, or is silent where it still can. */
TEST(restart, a_loop_ends_connecting_again_by_the_limits_of_the_call)
{
    for (int is_first_byte = 0; is_first_byte < 2; is_first_byte++) {
        struct script script = {.steps = {LEAVE_UNREACHABLE, SAY_NOTHING}};
        struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
        cflight_error *error = NULL;
        options.timeout_ms = is_first_byte ? 0 : 300;
        options.first_byte_timeout_ms = is_first_byte ? 300 : 0;
        start(&script);
        cflight_client *client = client_of(&script, NULL);
        CHECK_STATUS(ask_by_loop(client, &options, &error), CFLIGHT_DEADLINE_EXCEEDED);
        assert_string_equal(cflight_error_operation(error), "GetFlightInfo");
        cflight_error_free(error);
        cflight_client_free(client);
        stop(&script);
        assert_in_range(script.request_count, 1, 2);
    }
}

/* ---- many threads ---- */

enum {
    THREAD_COUNT = 4,
    CALLS_PER_THREAD = 60,
    REFUSALS_PER_ANSWER = 2,
    STREAMS_PER_CONNECTION = 20
};

/* Refuses most, answers some, goes away now and then. */
static void serve_moodily(void *user_data, int fd)
{
    struct t_raw input = {0};
    struct t_raw output = {0};
    (void)user_data;
    t_raw_frame(&output, T_SETTINGS, 0, 0, NULL, 0);
    t_raw_ack(&output);
    bool goes_on = t_socket_send(fd, &output);
    for (uint32_t stream_id = 1; goes_on && t_socket_read_request(fd, stream_id, &input);
         stream_id += 2) {
        uint32_t number = stream_id / 2;
        enum step step = number % (REFUSALS_PER_ANSWER + 1) == 0 ? ANSWER : REFUSE;
        step = number == STREAMS_PER_CONNECTION ? GO_AWAY : step;
        t_raw_clear(&output);
        say(&output, step, stream_id);
        goes_on = t_socket_send(fd, &output) && step != GO_AWAY;
    }
    t_raw_done(&output);
    t_raw_done(&input);
}

struct crowd {
    cflight_client *client;
    atomic_int cancelled_count;
    atomic_int answered_count;
};

struct one_get {
    cflight_reader *reader;
    struct t_gate started;
};

static void *cancel_reader(void *user_data)
{
    struct one_get *get = user_data;
    t_gate_wait(&get->started);
    cflight_reader_cancel(get->reader);
    return NULL;
}

/* One DoGet, and, every other time, a thread that cancels it at whatever moment. */
static void get_once(struct crowd *crowd, bool has_canceller)
{
    struct one_get get = {.reader = NULL};
    struct cflight_chunk chunk;
    cflight_error *error = NULL;
    pthread_t thread;
    t_gate_init(&get.started);
    CHECK_OK(cflight_client_do_get(crowd->client, cflight_bytes_from_text("x"), NULL, &get.reader,
                                   &error),
             error);
    if (has_canceller) {
        assert_int_equal(pthread_create(&thread, NULL, cancel_reader, &get), 0);
    }
    t_gate_open(&get.started);
    cflight_status status = cflight_reader_next(get.reader, &chunk, &error);
    if (status == CFLIGHT_CANCELLED && has_canceller) {
        atomic_fetch_add(&crowd->cancelled_count, 1);
    } else if (status == CFLIGHT_FAILED_PRECONDITION) {
        atomic_fetch_add(&crowd->answered_count, 1);
    } else if (status != CFLIGHT_UNAVAILABLE || cflight_error_retry(error) == CFLIGHT_RETRY_NEVER) {
        fail_msg("%s: %s", cflight_status_name(status), cflight_error_message(error));
    }
    cflight_error_free(error);
    if (has_canceller) {
        (void)pthread_join(thread, NULL);
    }
    cflight_reader_free(get.reader);
    t_gate_done(&get.started);
}

static void *get_often(void *user_data)
{
    for (int i = 0; i < CALLS_PER_THREAD; i++) {
        get_once(user_data, i % 2 == 1);
    }
    return NULL;
}

/* Goal: calls that move between connections and are cancelled by other threads at any moment end as
 * they should. Method: several threads over one client, a server of moods; for the sanitizers. */
TEST(restart, many_threads_move_and_cancel)
{
    struct t_peer peer;
    struct crowd crowd = {.client = NULL};
    pthread_t threads[THREAD_COUNT];
    cflight_error *error = NULL;
    t_peer_start(&peer, serve_moodily, NULL);
    CHECK_OK(cflight_client_new(peer.location, NULL, &crowd.client, &error), error);
    for (int i = 0; i < THREAD_COUNT; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, get_often, &crowd), 0);
    }
    for (int i = 0; i < THREAD_COUNT; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    cflight_client_free(crowd.client);
    t_peer_stop(&peer);
    assert_true(atomic_load(&crowd.answered_count) > 0);
    assert_true(atomic_load(&crowd.answered_count) + atomic_load(&crowd.cancelled_count) <=
                THREAD_COUNT * CALLS_PER_THREAD);
}
