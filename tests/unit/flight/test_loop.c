/* SPDX-License-Identifier: Apache-2.0 */
/* A client under an event loop: plain poll, one thread. */
#include <stdio.h>
#include <stdlib.h>

#include "cflight/loop.h"
#include "event_loop.h"
#include "service.h"
#include "test.h"

static void note_connected(void *user_data, cflight_status status, const cflight_error *error)
{
    cflight_status *target = user_data;
    (void)error;
    *target = status;
}

static void connect_by_loop(cflight_client *client)
{
    cflight_error *error = NULL;
    cflight_status connected = -1;
    CHECK_OK(cflight_client_loop_connect(client, NULL, note_connected, &connected, &error), error);
    CHECK_STATUS(cflight_client_loop_connect(client, NULL, NULL, NULL, NULL),
                 CFLIGHT_FAILED_PRECONDITION);
    while (connected == -1) {
        t_turn(client);
    }
    assert_int_equal(connected, CFLIGHT_OK);
    assert_true(cflight_client_is_connected(client));
}

struct one_call {
    cflight_async *async;
    int64_t expected;
    int64_t taken;
    int *open_count;
};

static void on_async_ready(void *user_data)
{
    struct one_call *call = user_data;
    for (;;) {
        bool is_ready = false;
        cflight_buffer *message = NULL;
        cflight_error *error = NULL;
        CHECK_OK(cflight_async_try_next(call->async, &is_ready, &message, &error), error);
        if (!is_ready) {
            cflight_async_notify(call->async, on_async_ready, call);
            return;
        }
        if (message == NULL) {
            assert_int_equal(call->taken, call->expected);
            cflight_async_free(call->async);
            call->async = NULL;
            --*call->open_count;
            return;
        }
        call->taken++;
        cflight_buffer_unref(message);
    }
}

/* Goal: one thread runs a thousand calls at once. */
TEST(loop, a_thousand_calls_run_in_one_thread)
{
    enum { CALL_COUNT = 1000 };
    struct t_service service;
    cflight_error *error = NULL;
    struct one_call *calls = calloc(CALL_COUNT, sizeof *calls);
    int open_count = CALL_COUNT;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    connect_by_loop(client);
    for (int i = 0; i < CALL_COUNT; i++) {
        char body[32];
        cflight_buffer *request = NULL;
        (void)snprintf(body, sizeof body, "results=%d", i % 10);
        struct cflight_action action = {cflight_bytes_from_text("do"),
                                        cflight_bytes_from_text(body)};
        CHECK_OK(cflight_action_serialize(&action, &request, &error), error);
        CHECK_OK(cflight_async_start(client, CFLIGHT_METHOD_DO_ACTION,
                                     cflight_buffer_bytes(request), NULL, &calls[i].async, &error),
                 error);
        cflight_buffer_unref(request);
        calls[i].expected = i % 10;
        calls[i].open_count = &open_count;
        cflight_async_notify(calls[i].async, on_async_ready, &calls[i]);
    }
    while (open_count > 0) {
        t_turn(client);
    }
    free(calls);
    cflight_client_free(client);
    t_service_stop(&service);
}

struct exchange {
    cflight_client *client;
    cflight_writer *writer;
    cflight_reader *reader;
    struct ArrowArray batch;
    int64_t written;
    int64_t read;
    bool has_ended;
};

enum { EXCHANGE_BATCHES = 50, EXCHANGE_ROWS = 60000 };

static void go_on_reading(void *user_data)
{
    struct exchange *exchange = user_data;
    for (;;) {
        struct cflight_chunk chunk;
        bool is_ready = false;
        cflight_error *error = NULL;
        CHECK_OK(cflight_reader_try_next(exchange->reader, 0, &is_ready, &chunk, &error), error);
        if (!is_ready) {
            cflight_reader_notify(exchange->reader, go_on_reading, exchange);
            return;
        }
        if (chunk.is_end) {
            exchange->has_ended = true;
            return;
        }
        t_check_batch(&chunk.batch, 0);
        exchange->read++;
        cflight_chunk_release(&chunk);
    }
}

static void go_on_writing(void *user_data)
{
    struct exchange *exchange = user_data;
    while (exchange->written < EXCHANGE_BATCHES) {
        bool is_done = false;
        cflight_error *error = NULL;
        CHECK_OK(
            cflight_writer_try_write(exchange->writer, &exchange->batch, NULL, &is_done, &error),
            error);
        if (!is_done) {
            cflight_writer_notify(exchange->writer, go_on_writing, exchange);
            return;
        }
        exchange->written++;
    }
    assert_int_equal(cflight_writer_done_writing(exchange->writer, NULL), CFLIGHT_OK);
}

/* Goal: both directions of an exchange go on in one thread, neither blocking the other.
 * Method: an echo of more data than any window holds. */
TEST(loop, an_exchange_runs_both_ways_in_one_thread)
{
    struct t_service service;
    struct exchange exchange = {0};
    struct ArrowSchema schema;
    cflight_error *error = NULL;
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                            .cmd = cflight_bytes_from_text("echo")};
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    options.split_is_off = true;
    t_service_start(&service, NULL, &options);
    exchange.client = t_client(&service, NULL);
    connect_by_loop(exchange.client);
    CHECK_OK(cflight_client_do_exchange(exchange.client, &descriptor, NULL, &exchange.writer,
                                        &exchange.reader, &error),
             error);
    t_schema(&schema);
    CHECK_OK(cflight_writer_begin(exchange.writer, &schema, NULL, &error), error);
    t_batch(0, EXCHANGE_ROWS, &exchange.batch);
    go_on_reading(&exchange);
    go_on_writing(&exchange);
    while (!exchange.has_ended) {
        t_turn(exchange.client);
    }
    assert_int_equal(exchange.read, EXCHANGE_BATCHES);
    CHECK_OK(cflight_writer_close(exchange.writer, &error), error);
    schema.release(&schema);
    exchange.batch.release(&exchange.batch);
    cflight_reader_free(exchange.reader);
    cflight_writer_free(exchange.writer);
    cflight_client_free(exchange.client);
    t_service_stop(&service);
}

struct silent_call {
    cflight_reader *reader;
    cflight_status status;
    char message[256];
};

static void expect_failure(void *user_data)
{
    struct silent_call *call = user_data;
    struct cflight_chunk chunk;
    bool is_ready = false;
    cflight_error *error = NULL;
    call->status = cflight_reader_try_next(call->reader, 0, &is_ready, &chunk, &error);
    (void)snprintf(call->message, sizeof call->message, "%s", cflight_error_message(error));
    cflight_error_free(error);
}

/* Goal: the idle limit ends a silent call under a loop as it does under a thread. */
TEST(loop, the_idle_limit_ends_a_silent_call)
{
    struct t_service service;
    struct silent_call call = {.status = CFLIGHT_OK};
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    cflight_error *error = NULL;
    options.idle_timeout_ms = 200;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    connect_by_loop(client);
    CHECK_OK(cflight_client_do_get(client, cflight_bytes_from_text("silent"), &options,
                                   &call.reader, &error),
             error);
    cflight_reader_notify(call.reader, expect_failure, &call);
    while (call.status == CFLIGHT_OK) {
        t_turn(client);
    }
    assert_int_equal(call.status, CFLIGHT_DEADLINE_EXCEEDED);
    assert_non_null(strstr(call.message, "idle limit of 200 ms"));
    cflight_reader_free(call.reader);
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Goal: handles may go while their callbacks are armed or due. */
TEST(loop, freeing_handles_takes_their_callbacks_back)
{
    struct t_service service;
    cflight_error *error = NULL;
    cflight_reader *readers[3];
    struct silent_call call = {.status = CFLIGHT_OK};
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    connect_by_loop(client);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(cflight_client_do_get(client, cflight_bytes_from_text("silent"), NULL, &readers[i],
                                       &error),
                 error);
        cflight_reader_notify(readers[i], expect_failure, &call);
    }
    assert_true(t_service_wait(&service, &service.locked.started_count, 3));
    for (int i = 0; i < 3; i++) {
        cflight_reader_free(readers[i]);
    }
    cflight_client_loop_process(client);
    assert_int_equal(call.status, CFLIGHT_OK);
    assert_true(t_service_wait(&service, &service.locked.cancelled_count, 3));
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Goal: a loop learns that nobody listens. */
TEST(loop, connecting_to_nobody_is_told)
{
    struct t_service service;
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    cflight_status connected = -1;
    char location[128];
    t_service_start(&service, NULL, NULL);
    (void)snprintf(location, sizeof location, "%s", service.location);
    t_service_stop(&service);
    CHECK_OK(cflight_client_new(location, NULL, &client, &error), error);
    CHECK_OK(cflight_client_loop_connect(client, NULL, note_connected, &connected, &error), error);
    while (connected == -1) {
        t_turn(client);
    }
    assert_int_equal(connected, CFLIGHT_UNAVAILABLE);
    assert_false(cflight_client_is_connected(client));
    cflight_client_free(client);
}

struct started_call {
    cflight_async *async;
    cflight_status status;
    int64_t results;
    bool has_ended;
};

static void go_on_taking(void *user_data)
{
    struct started_call *call = user_data;
    for (;;) {
        bool is_ready = false;
        cflight_buffer *message = NULL;
        call->status = cflight_async_try_next(call->async, &is_ready, &message, NULL);
        if (call->status == CFLIGHT_OK && !is_ready) {
            cflight_async_notify(call->async, go_on_taking, call);
            return;
        }
        if (call->status != CFLIGHT_OK || message == NULL) {
            call->has_ended = true;
            return;
        }
        call->results++;
        cflight_buffer_unref(message);
    }
}

/* Starts the action without waiting. */
static cflight_status start_action(cflight_client *client, const char *type,
                                   struct started_call *call, cflight_error **reterr)
{
    struct cflight_action action = {.type = cflight_bytes_from_text(type)};
    cflight_buffer *request = NULL;
    *call = (struct started_call){0};
    CHECK_OK(cflight_action_serialize(&action, &request, NULL), NULL);
    cflight_status status =
        cflight_async_start(client, CFLIGHT_METHOD_DO_ACTION, cflight_buffer_bytes(request), NULL,
                            &call->async, reterr);
    cflight_buffer_unref(request);
    if (status == CFLIGHT_OK) {
        cflight_async_notify(call->async, go_on_taking, call);
    }
    return status;
}

/* Goal: closing the client ends what a loop waits for.
 * Method: close it while a silent call is watched. */
TEST(loop, closing_the_client_ends_calls_that_are_waited_for)
{
    struct t_service service;
    struct started_call call;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    connect_by_loop(client);
    CHECK_OK(start_action(client, "silent", &call, NULL), NULL);
    assert_true(t_service_wait(&service, &service.locked.started_count, 1));
    cflight_client_close(client);
    while (!call.has_ended) {
        t_turn(client);
    }
    assert_int_equal(call.status, CFLIGHT_UNAVAILABLE);
    cflight_async_free(call.async);
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Goal: a connection that takes no new calls still finishes those that run, and the descriptor
 * stays the same.
 * Method: a server that shuts down sends GOAWAY; a new call cannot connect; then the handler is let
 * go on. */
TEST(loop, a_connection_that_was_replaced_finishes_its_calls)
{
    struct t_service service;
    struct started_call call;
    struct started_call refused;
    struct cflight_loop_state wish;
    cflight_error *error = NULL;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    connect_by_loop(client);
    cflight_client_loop_state(client, &wish);
    int fd = wish.fd;
    CHECK_OK(start_action(client, "hold", &call, NULL), NULL);
    assert_true(t_service_wait(&service, &service.locked.started_count, 1));
    cflight_server_shutdown(service.server, -1);
    while (cflight_client_is_connected(client)) {
        t_turn(client);
    }
    CHECK_OK(start_action(client, "do", &refused, &error), error);
    while (!refused.has_ended) {
        t_turn(client);
    }
    CHECK_STATUS(refused.status, CFLIGHT_UNAVAILABLE);
    cflight_async_free(refused.async);
    cflight_client_loop_state(client, &wish);
    assert_int_equal(wish.fd, fd);
    assert_false(call.has_ended);
    t_gate_open(&service.hold);
    while (!call.has_ended) {
        t_turn(client);
    }
    CHECK_OK(call.status, NULL);
    assert_int_equal(call.results, 1);
    cflight_async_free(call.async);
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Goal: a loop that lost its connection connects again, and goes on with the same descriptor.
 * Method: another server on the same socket. */
TEST(loop, a_loop_connects_again_after_the_server_was_gone)
{
    struct t_service service;
    struct started_call call;
    char location[128];
    t_service_start(&service, NULL, NULL);
    (void)snprintf(location, sizeof location, "%s", service.location);
    cflight_client *client = t_client(&service, NULL);
    connect_by_loop(client);
    t_service_stop(&service);
    while (cflight_client_is_connected(client)) {
        t_turn(client);
    }
    CHECK_OK(start_action(client, "do", &call, NULL), NULL);
    while (!call.has_ended) {
        t_turn(client);
    }
    CHECK_STATUS(call.status, CFLIGHT_UNAVAILABLE);
    cflight_async_free(call.async);
    t_service_start(&service, location, NULL);
    CHECK_OK(start_action(client, "do", &call, NULL), NULL);
    while (!call.has_ended) {
        t_turn(client);
    }
    CHECK_OK(call.status, NULL);
    cflight_async_free(call.async);
    cflight_client_free(client);
    t_service_stop(&service);
}

static void note_ready(void *user_data)
{
    *(bool *)user_data = true;
}

/* Goal: metadata never makes a loop wait, and the loop is told when it has left.
 * Method: to a server that does not read, more than any window holds; then the call is cancelled.
 */
TEST(loop, metadata_is_queued_when_the_peer_takes_none)
{
    enum { MESSAGE_BYTES = 1 << 20, MESSAGE_COUNT = 40 };
    struct t_service service;
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                            .cmd = cflight_bytes_from_text("unread")};
    cflight_async *async = NULL;
    cflight_buffer *request = NULL;
    cflight_buffer *none = NULL;
    bool is_ready = false;
    cflight_writer *writer = NULL;
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    bool has_left = false;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    connect_by_loop(client);
    CHECK_OK(cflight_descriptor_serialize(&descriptor, &request, &error), error);
    CHECK_OK(cflight_async_start(client, CFLIGHT_METHOD_DO_EXCHANGE, cflight_buffer_bytes(request),
                                 NULL, &async, &error),
             error);
    cflight_buffer_unref(request);
    CHECK_OK(cflight_async_try_next(async, &is_ready, &none, &error), error);
    assert_true(is_ready);
    CHECK_OK(cflight_async_take_exchange(async, &writer, &reader, &error), error);
    cflight_async_free(async);
    uint8_t *bytes = calloc(1, MESSAGE_BYTES);
    for (int i = 0; i < MESSAGE_COUNT; i++) {
        CHECK_OK(
            cflight_writer_write_metadata(writer, cflight_bytes_make(bytes, MESSAGE_BYTES), &error),
            error);
    }
    cflight_writer_notify(writer, note_ready, &has_left);
    cflight_client_loop_process(client);
    assert_false(has_left);
    cflight_writer_cancel(writer);
    while (!has_left) {
        t_turn(client);
    }
    free(bytes);
    cflight_reader_free(reader);
    cflight_writer_free(writer);
    cflight_client_free(client);
    t_service_stop(&service);
}
