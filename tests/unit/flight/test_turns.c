/* SPDX-License-Identifier: Apache-2.0 */
/* Who runs at a server (docs/internals/threads.md): turns, waits without a slot, streams that were
 * handed over, limits of states that have no thread. */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "log_capture.h"
#include "peer.h"
#include "service.h"
#include "test.h"

enum { CALLS_AT_ONCE = 16, STOPPED_COUNT = 200, NESTED_COUNT = 8 };

static const struct cflight_descriptor DESCRIPTOR = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                                     .cmd = {(const uint8_t *)"x", 1}};

/* A request of GetFlightInfo or another method, with its message. */
static void add_request(struct t_raw *raw, const char *method, uint32_t stream_id,
                        const char *message, size_t len_bytes)
{
    char path[96];
    uint8_t prefix[5] = {0, 0, 0, 0, (uint8_t)len_bytes};
    (void)snprintf(path, sizeof path, "/arrow.flight.protocol.FlightService/%s", method);
    const struct t_field fields[] = {
        {":method", "POST"}, {":scheme", "http"},
        {":path", path},     {":authority", "localhost"},
        {"te", "trailers"},  {"content-type", "application/grpc"},
        {NULL, NULL},
    };
    struct t_raw body = {0};
    t_raw_headers(raw, 0, stream_id, fields);
    if (message != NULL) {
        t_raw_append(&body, prefix, sizeof prefix);
        t_raw_append(&body, message, len_bytes);
        t_raw_frame(raw, T_DATA, T_END_STREAM, stream_id, body.data, body.len_bytes);
    }
    t_raw_done(&body);
}

/* Reads until so many HEADERS frames with END_STREAM or trailers have come. */
static void read_ends(int fd, size_t count)
{
    struct t_raw input = {0};
    size_t found = 0;
    while (found < count) {
        assert_true(t_socket_read(fd, &input));
        struct t_frame frame;
        found = 0;
        for (size_t i = 0; t_raw_find(&input, T_HEADERS, i, &frame); i++) {
            found += (frame.flags & T_END_STREAM) != 0 ? 1 : 0;
        }
    }
    t_raw_done(&input);
}

/* ---- handlers that block ---- */

struct hall {
    cflight_server *server;
    cflight_client *client; /* of the server itself */
    struct t_gate gate;
    struct t_gate entered;
    atomic_int entered_count;
    int opens_at;           /* how many have entered when the gate opens by itself; 0 is never */
    atomic_int wrong_count; /* of handlers whose thread blocks other signals than it should */
};

/* "x" waits for the gate, others answer at once. */
static cflight_status info(void *user_data, cflight_server_context *context,
                           const struct cflight_descriptor *descriptor, cflight_response *response,
                           cflight_error **reterr)
{
    struct hall *hall = user_data;
    (void)context;
    if (descriptor->cmd.len_bytes == 1) {
        int before = atomic_fetch_add(&hall->entered_count, 1);
        if (before == 0) {
            t_gate_open(&hall->entered);
        }
        if (before + 1 == hall->opens_at) {
            t_gate_open(&hall->gate);
        }
        t_gate_wait(&hall->gate);
    }
    struct cflight_info answer = {.descriptor = *descriptor, .total_records = -1};
    return cflight_response_info(response, &answer, reterr);
}

static void open_hall(struct hall *hall, const struct cflight_server_options *options,
                      const struct cflight_server_handlers *handlers)
{
    struct cflight_server_handlers own = *handlers;
    cflight_error *error = NULL;
    memset(hall, 0, sizeof *hall);
    t_gate_init(&hall->gate);
    t_gate_init(&hall->entered);
    own.user_data = hall;
    CHECK_OK(cflight_server_new("grpc://127.0.0.1:0", &own, options, &hall->server, &error), error);
    CHECK_OK(cflight_client_new(cflight_server_location(hall->server), NULL, &hall->client, &error),
             error);
}

static void close_hall(struct hall *hall)
{
    t_gate_open(&hall->gate);
    cflight_client_free(hall->client);
    cflight_server_free(hall->server);
    t_gate_done(&hall->gate);
    t_gate_done(&hall->entered);
}

/* Calls in one write on a connection of its own, which is returned: the first `waiting_count` of
 * them wait in the hall. */
static int ask_at_once(const struct hall *hall, uint32_t waiting_count)
{
    struct t_raw output = {0};
    int fd = t_socket_connect(cflight_server_port(hall->server));
    t_raw_client_start(&output);
    t_raw_ack(&output);
    for (uint32_t i = 0; i < CALLS_AT_ONCE; i++) {
        /* A descriptor with a command of one byte, or of two. */
        bool waits = i < waiting_count;
        add_request(&output, "GetFlightInfo", 1 + 2 * i,
                    waits ? "\x08\x02\x12\x01x" : "\x08\x02\x12\x02yy", waits ? 5 : 6);
    }
    assert_true(t_socket_send(fd, &output));
    t_raw_done(&output);
    return fd;
}

/* Goal: a handler that blocks does not hold up the other calls of its connection, those before it
 * nor those behind. Method: calls in one write, of which the first waits for a gate that is opened
 * only after all others were answered. */
TEST(turns, a_handler_that_blocks_is_left_alone)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    struct hall hall;
    handlers.get_flight_info = info;
    open_hall(&hall, NULL, &handlers);
    int fd = ask_at_once(&hall, 1);
    read_ends(fd, CALLS_AT_ONCE - 1);
    assert_int_equal(atomic_load(&hall.entered_count), 1);
    (void)close(fd);
    close_hall(&hall);
}

static cflight_status info_of_signals(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr)
{
    struct hall *hall = user_data;
    sigset_t blocked;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    if (sigismember(&blocked, SIGUSR1) != 1 || sigismember(&blocked, SIGUSR2) != 0 ||
        sigismember(&blocked, SIGBUS) != 0 || sigismember(&blocked, SIGSEGV) != 0) {
        atomic_fetch_add(&hall->wrong_count, 1);
    }
    return info(user_data, context, descriptor, response, reterr);
}

/* Goal: handlers run with the signals blocked that were where the server was made, whichever thread
 * of the server started theirs, and a fault meets its handler even so. Method: a server made where
 * all are blocked but SIGUSR2; calls that all wait, so that the clock starts threads for them. */
TEST(turns, handlers_have_the_signals_of_who_made_the_server)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    struct hall hall;
    sigset_t signals;
    sigset_t before;
    handlers.get_flight_info = info_of_signals;
    (void)sigfillset(&signals);
    (void)sigdelset(&signals, SIGUSR2);
    (void)pthread_sigmask(SIG_SETMASK, &signals, &before);
    open_hall(&hall, NULL, &handlers);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    hall.opens_at = CALLS_AT_ONCE;
    int fd = ask_at_once(&hall, CALLS_AT_ONCE);
    read_ends(fd, CALLS_AT_ONCE);
    assert_int_equal(atomic_load(&hall.entered_count), CALLS_AT_ONCE);
    assert_int_equal(atomic_load(&hall.wrong_count), 0);
    (void)close(fd);
    close_hall(&hall);
}

/* Goal: as many handlers as may run at once can block, and no more begin; when they go on, all are
 * answered. Method: twice as many calls as slots, all blocked at a gate. */
TEST(turns, no_more_handlers_run_than_may)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct hall hall;
    handlers.get_flight_info = info;
    options.handlers_max = CALLS_AT_ONCE / 2;
    open_hall(&hall, &options, &handlers);
    int fd = ask_at_once(&hall, CALLS_AT_ONCE);
    t_gate_wait(&hall.entered);
    assert_true(atomic_load(&hall.entered_count) <= CALLS_AT_ONCE / 2);
    t_gate_open(&hall.gate);
    read_ends(fd, CALLS_AT_ONCE);
    assert_int_equal(atomic_load(&hall.entered_count), CALLS_AT_ONCE);
    (void)close(fd);
    close_hall(&hall);
}

/* ---- a handler that calls its own server ---- */

/* The body is the number of calls that are still to be nested. */
static cflight_status nest(void *user_data, cflight_server_context *context,
                           const struct cflight_action *action, cflight_response *response,
                           cflight_error **reterr)
{
    struct hall *hall = user_data;
    cflight_result_stream *results = NULL;
    cflight_buffer *body = NULL;
    (void)context;
    if (action->body.len_bytes == 0) {
        return cflight_response_result(response, cflight_bytes_from_text("end"), reterr);
    }
    struct cflight_action inner = *action;
    inner.body.len_bytes--;
    cflight_status status = cflight_client_do_action(hall->client, &inner, NULL, &results, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_result_stream_next(results, &body, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_response_result(response, cflight_buffer_bytes(body), reterr);
    }
    cflight_buffer_unref(body);
    cflight_result_stream_free(results);
    return status;
}

/* Goal: a handler that waits for another call of its own server does not hold the slot that this
 * one needs. Method: calls nested eight deep, with one slot. */
TEST(turns, a_handler_may_call_its_own_server)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct cflight_action action = {cflight_bytes_from_text("nest"),
                                    {(const uint8_t *)"12345678", NESTED_COUNT}};
    struct hall hall;
    cflight_result_stream *results = NULL;
    cflight_buffer *body = NULL;
    cflight_error *error = NULL;
    handlers.do_action = nest;
    options.handlers_max = 1;
    open_hall(&hall, &options, &handlers);
    CHECK_OK(cflight_client_do_action(hall.client, &action, NULL, &results, &error), error);
    CHECK_OK(cflight_result_stream_next(results, &body, &error), error);
    assert_true(cflight_bytes_equal(cflight_buffer_bytes(body), cflight_bytes_from_text("end")));
    cflight_buffer_unref(body);
    cflight_result_stream_free(results);
    close_hall(&hall);
}

/* ---- readers that stop ---- */

static void get_info(cflight_client *client)
{
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    struct cflight_info *found = NULL;
    cflight_error *error = NULL;
    options.timeout_ms = 20000;
    CHECK_OK(cflight_client_get_flight_info(client, &DESCRIPTOR, &options, &found, &error), error);
    cflight_info_free(found);
}

/* Opens downloads that are not read. */
static void stop_readers(cflight_client *client, const char *ticket, cflight_reader **ret_readers)
{
    cflight_error *error = NULL;
    for (int i = 0; i < STOPPED_COUNT; i++) {
        struct ArrowSchema schema;
        CHECK_OK(cflight_client_do_get(client, cflight_bytes_from_text(ticket), NULL,
                                       &ret_readers[i], &error),
                 error);
        CHECK_OK(cflight_reader_schema(ret_readers[i], &schema, &error), error); /* it has begun */
        schema.release(&schema);
    }
}

/* Goal: clients that stop reading are in nobody's way, whether the handler writes or has handed its
 * stream over; when they read on, nothing is lost. Method: 200 downloads over one connection with
 * small windows, and one slot; another client's calls go on; then one of the downloads is read to
 * its end. */
TEST(turns, readers_that_stop_are_in_nobodys_way)
{
    static const char *const tickets[] = {"batches=40 rows=1000", "handed batches=40 rows=1000"};
    for (size_t k = 0; k < sizeof tickets / sizeof tickets[0]; k++) {
        struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
        struct cflight_client_options client_options = CFLIGHT_CLIENT_OPTIONS_INIT;
        cflight_reader *readers[STOPPED_COUNT];
        struct t_service service;
        cflight_error *error = NULL;
        options.handlers_max = 1;
        client_options.stream_window_bytes = 64 << 10;
        t_service_start(&service, NULL, &options);
        cflight_client *slow = t_client(&service, &client_options);
        cflight_client *other = t_client(&service, NULL);
        stop_readers(slow, tickets[k], readers);
        for (int i = 0; i < 100; i++) {
            get_info(other);
        }
        int64_t rows = 0;
        for (bool is_end = false; !is_end;) {
            struct cflight_chunk chunk;
            CHECK_OK(cflight_reader_next(readers[0], &chunk, &error), error);
            rows += chunk.has_batch ? chunk.batch.length : 0;
            is_end = chunk.is_end;
            cflight_chunk_release(&chunk);
        }
        assert_int_equal(rows, 40000);
        for (int i = 0; i < STOPPED_COUNT; i++) {
            cflight_reader_free(readers[i]);
        }
        if (k == 1) {
            assert_true(t_service_wait(&service, &service.locked.released_count, STOPPED_COUNT));
        }
        cflight_client_free(slow);
        cflight_client_free(other);
        t_service_stop(&service);
    }
}

/* Goal: a stream that was handed over ends as one that a handler writes does: in full, with its
 * failure, and released once. */
TEST(turns, streams_that_were_handed_over_end_well)
{
    struct t_service service;
    cflight_error *error = NULL;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    for (int i = 0; i < 3; i++) {
        cflight_reader *reader = NULL;
        bool is_end = false;
        int64_t rows = 0;
        CHECK_OK(cflight_client_do_get(
                     client,
                     cflight_bytes_from_text(i == 1 ? "handed batches=5 rows=100 fail_after=2"
                                                    : "handed batches=5 rows=100"),
                     NULL, &reader, &error),
                 error);
        cflight_status status = CFLIGHT_OK;
        while (status == CFLIGHT_OK && !is_end) {
            struct cflight_chunk chunk;
            status = cflight_reader_next(reader, &chunk, &error);
            if (status == CFLIGHT_OK) {
                is_end = chunk.is_end;
                rows += chunk.has_batch ? chunk.batch.length : 0;
                cflight_chunk_release(&chunk);
            }
        }
        CHECK_STATUS(status, i == 1 ? CFLIGHT_INTERNAL : CFLIGHT_OK);
        assert_int_equal(rows, i == 1 ? 200 : 500);
        if (i == 1) {
            assert_non_null(strstr(cflight_error_message(error), "failed as asked"));
            cflight_error_free(error);
            error = NULL;
        }
        cflight_reader_free(reader);
    }
    assert_true(t_service_wait(&service, &service.locked.released_count, 3));
    cflight_client_free(client);
    t_service_stop(&service);
}

/* ---- limits ---- */

/* Goal: headers without a message, and connections without a call, are ended in time, and the log
 * names the limit. Method: a raw client that says no more; it waits for what the server does. */
TEST(turns, states_without_a_thread_have_limits)
{
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct t_service service;
    struct t_raw output = {0};
    struct t_raw input = {0};
    struct t_capture log;
    struct t_frame frame;
    t_capture_start(&log, CFLIGHT_LOG_INFO);
    options.message_timeout_ms = 50;
    options.connection_idle_ms = 50;
    t_service_start(&service, NULL, &options);
    int fd = t_socket_connect(cflight_server_port(service.server));
    t_raw_client_start(&output);
    t_raw_ack(&output);
    add_request(&output, "GetFlightInfo", 1, NULL, 0);
    assert_true(t_socket_send(fd, &output));
    t_socket_read_to_end(fd, &input); /* the server closes an idle connection in the end */
    assert_true(t_raw_find(&input, T_HEADERS, 0, &frame));
    assert_true((frame.flags & T_END_STREAM) != 0);
    assert_true(t_raw_find(&input, T_GOAWAY, 0, &frame));
    (void)close(fd);
    t_service_stop(&service);
    assert_true(t_capture_has(&log, "message_timeout_ms"));
    assert_true(t_capture_has(&log, "connection_idle_ms"));
    t_capture_stop(&log);
    t_raw_done(&output);
    t_raw_done(&input);
}

/* Goal: when as many handlers wait as may, calls that may have to wait are refused with a word that
 * names the limit, and others go on. Method: one place, taken by a reader that stopped. */
TEST(turns, waiting_handlers_have_a_limit)
{
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct cflight_client_options client_options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct t_service service;
    struct ArrowSchema schema;
    cflight_reader *stopped = NULL;
    cflight_reader *refused = NULL;
    struct cflight_chunk chunk;
    cflight_error *error = NULL;
    const char *ticket = "batches=400 rows=10000";
    options.waiting_max = 1;
    client_options.stream_window_bytes = 64 << 10;
    t_service_start(&service, NULL, &options);
    cflight_client *client = t_client(&service, &client_options);
    CHECK_OK(cflight_client_do_get(client, cflight_bytes_from_text(ticket), NULL, &stopped, &error),
             error);
    CHECK_OK(cflight_reader_schema(stopped, &schema, &error), error);
    schema.release(&schema);
    /* The handler is about to wait, but perhaps not yet. */
    cflight_status status = CFLIGHT_OK;
    for (int i = 0; i < 1000 && status == CFLIGHT_OK; i++) {
        CHECK_OK(cflight_client_do_get(client, cflight_bytes_from_text("batches=1 rows=1"), NULL,
                                       &refused, &error),
                 error);
        status = cflight_reader_next(refused, &chunk, &error);
        if (status == CFLIGHT_OK) {
            cflight_chunk_release(&chunk);
        }
        cflight_reader_free(refused);
    }
    CHECK_STATUS(status, CFLIGHT_UNAVAILABLE);
    assert_non_null(strstr(cflight_error_message(error), "waiting_max"));
    cflight_error_free(error);
    get_info(client);
    cflight_reader_free(stopped);
    cflight_client_free(client);
    t_service_stop(&service);
}
