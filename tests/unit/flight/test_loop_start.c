/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that an event loop starts without a connection: they connect by themselves. */
#include <poll.h>
#include <stdio.h>

#include "cflight/loop.h"
#include "event_loop.h"
#include "peer.h"
#include "service.h"
#include "test.h"

struct loop_call {
    cflight_async *async;
    cflight_status status;
    char message[256];
    int answer_count;
    bool is_ready;
};

static void go_on(void *user_data)
{
    struct loop_call *call = user_data;
    while (!call->is_ready) {
        bool is_ready = false;
        cflight_buffer *message = NULL;
        cflight_error *error = NULL;
        call->status = cflight_async_try_next(call->async, &is_ready, &message, &error);
        if (call->status == CFLIGHT_OK && !is_ready) {
            cflight_async_notify(call->async, go_on, call);
            return;
        }
        call->is_ready = message == NULL;
        call->answer_count += message != NULL;
        (void)snprintf(call->message, sizeof call->message, "%s", cflight_error_message(error));
        cflight_error_free(error);
        cflight_buffer_unref(message);
    }
}

static void start(cflight_client *client, enum cflight_method method, const char *text,
                  const struct cflight_call_options *options, struct loop_call *call)
{
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                            .cmd = cflight_bytes_from_text(text)};
    cflight_buffer *request = NULL;
    cflight_error *error = NULL;
    *call = (struct loop_call){.status = CFLIGHT_OK};
    CHECK_OK(method == CFLIGHT_METHOD_DO_GET
                 ? cflight_ticket_serialize(cflight_bytes_from_text(text), &request, &error)
                 : cflight_descriptor_serialize(&descriptor, &request, &error),
             error);
    CHECK_OK(cflight_async_start(client, method, cflight_buffer_bytes(request), options,
                                 &call->async, &error),
             error);
    cflight_buffer_unref(request);
    cflight_async_notify(call->async, go_on, call);
}

static void turn_until_ready(cflight_client *client, const struct loop_call *call)
{
    while (!call->is_ready) {
        t_turn(client);
    }
}

/* Goal: calls that come before there is a connection wait for one together; what they were given
 * need not stay, and waiting is no call that is counted, or that middleware is told of. Method:
 * many calls at once on a new client, with headers. */
TEST(loop_start, calls_wait_for_one_connection)
{
    enum { CALL_COUNT = 20 };
    struct t_service service;
    struct loop_call calls[CALL_COUNT];
    struct cflight_header header = {cflight_bytes_from_text("x-note"),
                                    cflight_bytes_from_text("kept")};
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    struct cflight_client_options client_options = CFLIGHT_CLIENT_OPTIONS_INIT;
    cflight_error *error = NULL;
    double started = 0;
    t_service_start(&service, NULL, NULL);
    CHECK_OK(cflight_metrics_new(NULL, &client_options.metrics, &error), error);
    cflight_client *client = t_client(&service, &client_options);
    assert_false(cflight_client_is_connected(client));
    options.headers = &header;
    options.header_count = 1;
    for (int i = 0; i < CALL_COUNT; i++) {
        start(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", &options, &calls[i]);
        CHECK_STATUS(cflight_client_loop_connect(client, NULL, NULL, NULL, NULL),
                     CFLIGHT_FAILED_PRECONDITION); /* it is connecting, once */
    }
    memset(&header, 0, sizeof header);
    for (int i = 0; i < CALL_COUNT; i++) {
        turn_until_ready(client, &calls[i]);
        CHECK_STATUS(calls[i].status, CFLIGHT_OK);
        assert_int_equal(calls[i].answer_count, 1);
        cflight_async_free(calls[i].async);
    }
    CHECK_OK(cflight_metrics_value(client_options.metrics, "grpc_client_started_total", NULL, 0,
                                   &started, &error),
             error);
    assert_int_equal((int)started, CALL_COUNT);
    cflight_client_free(client);
    cflight_metrics_free(client_options.metrics);
    t_service_stop(&service);
}

/* Goal: a call whose connection cannot be made ends with what that failed with, the same every
 * time. Method: nobody listens. */
TEST(loop_start, a_failed_connect_is_the_failure_of_the_call)
{
    struct t_service service;
    struct loop_call calls[2];
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    char location[128];
    t_service_start(&service, NULL, NULL);
    (void)snprintf(location, sizeof location, "%s", service.location);
    t_service_stop(&service);
    CHECK_OK(cflight_client_new(location, NULL, &client, &error), error);
    for (int i = 0; i < 2; i++) {
        start(client, CFLIGHT_METHOD_DO_PUT, "any", NULL, &calls[i]);
    }
    for (int i = 0; i < 2; i++) {
        bool is_ready = false;
        cflight_buffer *message = NULL;
        turn_until_ready(client, &calls[i]);
        CHECK_STATUS(calls[i].status, CFLIGHT_UNAVAILABLE);
        CHECK_STATUS(cflight_async_try_next(calls[i].async, &is_ready, &message, &error),
                     CFLIGHT_UNAVAILABLE);
        assert_string_equal(cflight_error_message(error), calls[i].message);
        assert_string_equal(cflight_error_operation(error), "DoPut");
        assert_int_equal(cflight_error_retry(error), CFLIGHT_RETRY_SAFE);
        cflight_error_free(error);
        error = NULL;
        cflight_async_free(calls[i].async);
    }
    cflight_client_free(client);
}

static void serve_nobody(void *user_data, int fd)
{
    struct t_raw input = {0};
    (void)user_data;
    t_socket_read_to_end(fd, &input);
    t_raw_done(&input);
}

static void *trigger(void *cancel)
{
    cflight_cancel_trigger(cancel);
    return NULL;
}

/* Goal: limits and cancellation hold while a call waits for its connection, each for its own call.
 * Method: a server that accepts and says nothing; the handle is triggered by another thread, while
 * the loop sleeps. */
TEST(loop_start, limits_and_cancelling_end_the_wait_for_a_connection)
{
    struct t_peer peer;
    struct loop_call late;
    struct loop_call mute;
    struct loop_call cancelled;
    struct loop_call waiting;
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    pthread_t thread;
    t_peer_start(&peer, serve_nobody, NULL);
    CHECK_OK(cflight_client_new(peer.location, NULL, &client, &error), error);
    start(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", NULL, &waiting);
    options.timeout_ms = 50;
    start(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", &options, &late);
    options.timeout_ms = 0;
    options.first_byte_timeout_ms = 50;
    start(client, CFLIGHT_METHOD_DO_EXCHANGE, "any", &options, &mute);
    turn_until_ready(client, &late);
    CHECK_STATUS(late.status, CFLIGHT_DEADLINE_EXCEEDED);
    assert_non_null(strstr(late.message, "limit passed while connecting"));
    turn_until_ready(client, &mute);
    CHECK_STATUS(mute.status, CFLIGHT_DEADLINE_EXCEEDED);

    options.first_byte_timeout_ms = 0;
    CHECK_OK(cflight_cancel_new(&options.cancel, &error), error);
    start(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", &options, &cancelled);
    assert_int_equal(pthread_create(&thread, NULL, trigger, options.cancel), 0);
    turn_until_ready(client, &cancelled);
    (void)pthread_join(thread, NULL);
    CHECK_STATUS(cancelled.status, CFLIGHT_CANCELLED);
    assert_false(waiting.is_ready);
    cflight_async_free(waiting.async);
    cflight_async_free(late.async);
    cflight_async_free(mute.async);
    cflight_async_free(cancelled.async);
    cflight_cancel_unref(options.cancel);
    cflight_client_free(client); /* and does not wait for the server */
    t_peer_stop(&peer);
}

/* Goal: nobody waits for the connection of a closed client. Method: as above, after another call
 * was cancelled. */
TEST(loop_start, closing_the_client_ends_the_wait_for_a_connection)
{
    struct t_peer peer;
    struct loop_call call;
    struct loop_call cancelled;
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    t_peer_start(&peer, serve_nobody, NULL);
    CHECK_OK(cflight_client_new(peer.location, NULL, &client, &error), error);
    start(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", NULL, &call);
    CHECK_OK(cflight_cancel_new(&options.cancel, &error), error);
    start(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", &options, &cancelled);
    cflight_cancel_trigger(options.cancel);
    turn_until_ready(client, &cancelled);
    CHECK_STATUS(cancelled.status, CFLIGHT_CANCELLED);
    cflight_client_close(client);
    turn_until_ready(client, &call);
    CHECK_STATUS(call.status, CFLIGHT_FAILED_PRECONDITION);
    assert_non_null(strstr(call.message, "closed"));
    cflight_async_free(call.async);
    cflight_async_free(cancelled.async);
    cflight_cancel_unref(options.cancel);
    cflight_client_free(client);
    t_peer_stop(&peer);
}

static void note_chunk(void *user_data)
{
    *(bool *)user_data = true;
}

/* Goal: the streams of DoGet, DoPut and DoExchange come out of calls that connect by themselves,
 * once, and not of others. Method: each on a new client. */
TEST(loop_start, streams_are_taken_from_the_call)
{
    struct t_service service;
    struct loop_call call;
    struct ArrowSchema schema;
    struct cflight_chunk chunk;
    cflight_reader *reader = NULL;
    cflight_writer *writer = NULL;
    cflight_metadata_reader *answers = NULL;
    cflight_error *error = NULL;
    t_service_start(&service, NULL, NULL);
    t_schema(&schema);

    cflight_client *client = t_client(&service, NULL);
    start(client, CFLIGHT_METHOD_DO_GET, "batches=1 rows=10", NULL, &call);
    CHECK_STATUS(cflight_async_take_reader(call.async, &reader, NULL), CFLIGHT_FAILED_PRECONDITION);
    turn_until_ready(client, &call);
    CHECK_OK(call.status, NULL);
    CHECK_STATUS(cflight_async_take_put(call.async, &schema, &writer, &answers, NULL),
                 CFLIGHT_FAILED_PRECONDITION);
    CHECK_OK(cflight_async_take_reader(call.async, &reader, &error), error);
    CHECK_STATUS(cflight_async_take_reader(call.async, &reader, NULL), CFLIGHT_FAILED_PRECONDITION);
    cflight_async_free(call.async);
    CHECK_OK(cflight_reader_next(reader, &chunk, &error), error);
    t_check_batch(&chunk.batch, 0);
    cflight_chunk_release(&chunk);
    cflight_reader_free(reader);
    cflight_client_free(client);

    client = t_client(&service, NULL);
    start(client, CFLIGHT_METHOD_DO_PUT, "put", NULL, &call);
    turn_until_ready(client, &call);
    CHECK_OK(call.status, NULL);
    CHECK_OK(cflight_async_take_put(call.async, &schema, &writer, &answers, &error), error);
    cflight_async_free(call.async);
    CHECK_OK(cflight_writer_close(writer, &error), error);
    cflight_metadata_reader_free(answers);
    cflight_writer_free(writer);
    cflight_client_free(client);

    client = t_client(&service, NULL);
    start(client, CFLIGHT_METHOD_DO_EXCHANGE, "echo", NULL, &call);
    turn_until_ready(client, &call);
    CHECK_OK(call.status, NULL);
    CHECK_OK(cflight_async_take_exchange(call.async, &writer, &reader, &error), error);
    cflight_async_free(call.async);
    CHECK_OK(cflight_writer_begin(writer, &schema, NULL, &error), error);
    CHECK_OK(cflight_writer_done_writing(writer, &error), error);
    bool has_come = false;
    cflight_reader_notify(reader, note_chunk, &has_come);
    while (!has_come) {
        t_turn(client);
    }
    cflight_reader_free(reader);
    CHECK_OK(cflight_writer_close(writer, &error), error);
    cflight_writer_free(writer);
    cflight_client_free(client);
    schema.release(&schema);
    t_service_stop(&service);
}

/* Goal: an upload on a connection that is there already is told of, though no answer comes. */
TEST(loop_start, an_upload_on_its_way_is_told_of)
{
    static const enum cflight_method METHODS[] = {CFLIGHT_METHOD_DO_PUT,
                                                  CFLIGHT_METHOD_DO_EXCHANGE};
    struct t_service service;
    struct loop_call call;
    cflight_error *error = NULL;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    CHECK_OK(cflight_client_connect(client, NULL, &error), error);
    for (int i = 0; i < 2; i++) {
        start(client, METHODS[i], "echo", NULL, &call);
        turn_until_ready(client, &call);
        CHECK_STATUS(call.status, CFLIGHT_OK);
        cflight_async_free(call.async);
        start(client, METHODS[i], "echo", NULL, &call);
        cflight_async_free(call.async); /* before it is told */
    }
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Goal: of calls that are begun between two steps, the first leaves at once and the others with the
 * next step, also in a loop that polls without asking for the client's state again. Method: the
 * first call gets no answer that could wake the loop. */
TEST(loop_start, calls_that_left_later_wake_the_loop)
{
    enum { PATIENCE_MS = 20000 };
    struct t_service service;
    struct loop_call calls[3];
    struct cflight_loop_state asked;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    start(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", NULL, &calls[0]);
    turn_until_ready(client, &calls[0]);
    cflight_async_free(calls[0].async);
    cflight_client_loop_state(client, &asked);
    start(client, CFLIGHT_METHOD_DO_GET, "silent", NULL, &calls[0]);
    for (int i = 1; i < 3; i++) {
        start(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", NULL, &calls[i]);
    }
    struct pollfd wait = {.fd = asked.fd, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
    cflight_client_loop_process(client);
    for (int i = 1; i < 3; i++) {
        turn_until_ready(client, &calls[i]);
        CHECK_STATUS(calls[i].status, CFLIGHT_OK);
    }
    for (int i = 0; i < 3; i++) {
        cflight_async_free(calls[i].async);
    }
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Goal: a refusal of a DoGet is the call's, before there is a reader. */
TEST(loop_start, a_fetch_that_is_refused_has_no_reader)
{
    struct t_service service;
    struct loop_call call;
    cflight_reader *reader = NULL;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    start(client, CFLIGHT_METHOD_DO_GET, "fail", NULL, &call);
    turn_until_ready(client, &call);
    CHECK_STATUS(call.status, CFLIGHT_INTERNAL);
    CHECK_STATUS(cflight_async_take_reader(call.async, &reader, NULL), CFLIGHT_FAILED_PRECONDITION);
    cflight_async_free(call.async);
    cflight_client_free(client);
    t_service_stop(&service);
}
