/* SPDX-License-Identifier: Apache-2.0 */
/* Calls over loopback, cflight to cflight: every RPC, its failures, its limits. */
#include <stdio.h>
#include <unistd.h>

#include "base/pieces.h"
#include "service.h"
#include "test.h"

static struct cflight_descriptor command(const char *text)
{
    return (struct cflight_descriptor){.type = CFLIGHT_DESCRIPTOR_CMD,
                                       .cmd = cflight_bytes_from_text(text)};
}

/* Reads to the end; returns the status and adds up rows, checking every value. */
static cflight_status drain(cflight_reader *reader, int64_t *ret_rows, cflight_error **reterr)
{
    int64_t rows = 0;
    for (;;) {
        struct cflight_chunk chunk;
        cflight_status status = cflight_reader_next(reader, &chunk, reterr);
        if (status != CFLIGHT_OK || chunk.is_end) {
            *ret_rows = rows;
            return status;
        }
        t_check_batch(&chunk.batch, rows);
        rows += chunk.batch.length;
        cflight_chunk_release(&chunk);
    }
}

static cflight_status get(cflight_client *client, const char *ticket,
                          const struct cflight_call_options *options, int64_t *ret_rows,
                          cflight_error **reterr)
{
    cflight_reader *reader = NULL;
    *ret_rows = 0;
    cflight_status status =
        cflight_client_do_get(client, cflight_bytes_from_text(ticket), options, &reader, reterr);
    if (status == CFLIGHT_OK) {
        status = drain(reader, ret_rows, reterr);
        cflight_reader_free(reader);
    }
    return status;
}

/* Goal: a stream of many batches arrives whole and in order, over TCP and over both kinds of Unix
 * sockets. Method: the service makes rows that number themselves; the test checks each value. */
TEST(calls, do_get_streams_every_row_in_order)
{
    char by_path[128];
    char abstract[128];
    (void)snprintf(by_path, sizeof by_path, "grpc+unix:///tmp/cflight-test-%ld.sock",
                   (long)getpid());
    (void)snprintf(abstract, sizeof abstract, "grpc+unix:@cflight-test-%ld", (long)getpid());
    const char *const locations[] = {NULL, by_path, abstract};
    for (size_t i = 0; i < 3; i++) {
        struct t_service service;
        cflight_error *error = NULL;
        int64_t rows = 0;
        t_service_start(&service, locations[i], NULL);
        cflight_client *client = t_client(&service, NULL);
        CHECK_OK(get(client, "batches=200 rows=1000", NULL, &rows, &error), error);
        assert_int_equal(rows, 200000);
        CHECK_OK(get(client, "batches=0", NULL, &rows, &error), error);
        assert_int_equal(rows, 0);
        CHECK_OK(get(client, "batches=5 rows=0", NULL, &rows, &error), error);
        cflight_client_free(client);
        t_service_stop(&service);
    }
}

/* Goal: large batches cross user space without a copy on either side.
 * Method: 64 MiB of int64 and utf8 through one stream; the library's own counters of copied body
 * bytes. */
TEST(calls, body_bytes_are_not_copied)
{
    struct t_service service;
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    cflight_error *error = NULL;
    int64_t rows = 0;
    options.split_is_off = true;
    t_service_start(&service, NULL, &options);
    cflight_client *client = t_client(&service, NULL);
    struct cfl_copy_counters before = cfl_copy_counters();
    CHECK_OK(get(client, "batches=64 rows=65536", NULL, &rows, &error), error);
    struct cfl_copy_counters after = cfl_copy_counters();
    uint64_t sent = after.sent_bytes - before.sent_bytes;
    uint64_t received = after.received_bytes - before.received_bytes;
    assert_true(sent > (uint64_t)64 << 20);
    assert_int_equal(sent, received);
    assert_true((after.sent_copied_bytes - before.sent_copied_bytes) * 100 < sent);
    assert_true((after.received_copied_bytes - before.received_copied_bytes) * 100 < received);
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Goal: a failure of the handler reaches the reader with everything it said, wherever it happens.
 * Method: fail before the stream, in its middle, and after its end. */
TEST(calls, failures_of_do_get_arrive_with_their_detail)
{
    static const struct {
        const char *ticket;
        int64_t rows;
    } CASES[] = {
        {"fail status=5", 0},
        {"batches=9 rows=10 fail_after=4 status=5", 40},
        {"batches=3 rows=10 fail_after=3 status=5", 30},
    };
    struct t_service service;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    for (size_t i = 0; i < 3; i++) {
        cflight_error *error = NULL;
        int64_t rows = 0;
        CHECK_STATUS(get(client, CASES[i].ticket, NULL, &rows, &error), CFLIGHT_NOT_FOUND);
        assert_int_equal(rows, CASES[i].rows);
        assert_string_equal(cflight_error_message(error), "failed as asked");
        assert_string_equal(cflight_error_operation(error), "DoGet");
        assert_true(
            cflight_bytes_equal(cflight_error_extra_info(error), cflight_bytes_from_text("extra")));
        assert_int_equal(cflight_error_retry(error), CFLIGHT_RETRY_NEVER);
        cflight_error_free(error);
    }
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Goal: a put delivers every row, and its answers can be read while data flows.
 * Method: one acknowledgement per batch, read right after the write. */
TEST(calls, do_put_answers_while_data_flows)
{
    struct t_service service;
    cflight_error *error = NULL;
    cflight_writer *writer = NULL;
    cflight_metadata_reader *metadata = NULL;
    struct ArrowSchema schema;
    struct cflight_descriptor descriptor = command("acknowledge");
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    t_schema(&schema);
    CHECK_OK(cflight_client_do_put(client, &descriptor, &schema, NULL, &writer, &metadata, &error),
             error);
    for (int64_t i = 0; i < 20; i++) {
        struct ArrowArray batch;
        cflight_buffer *answer = NULL;
        char expected[32];
        t_batch(i * 1000, 1000, &batch);
        CHECK_OK(cflight_writer_write(writer, &batch, NULL, &error), error);
        batch.release(&batch);
        CHECK_OK(cflight_metadata_reader_next(metadata, &answer, &error), error);
        (void)snprintf(expected, sizeof expected, "%lld", (long long)(i + 1) * 1000);
        assert_true(
            cflight_bytes_equal(cflight_buffer_bytes(answer), cflight_bytes_from_text(expected)));
        cflight_buffer_unref(answer);
    }
    CHECK_OK(cflight_writer_close(writer, &error), error);
    CHECK_OK(cflight_writer_close(writer, &error), error);
    assert_int_equal(t_service_read(&service, &service.locked.put_rows), 20000);
    schema.release(&schema);
    cflight_metadata_reader_free(metadata);
    cflight_writer_free(writer);
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Goal: a rejected upload interrupts the writer with the server's status, and close repeats it.
 * Method: the server fails after two batches; the client writes until it is told. */
TEST(calls, do_put_rejection_interrupts_the_writer)
{
    struct t_service service;
    cflight_error *error = NULL;
    cflight_writer *writer = NULL;
    cflight_metadata_reader *metadata = NULL;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    struct cflight_descriptor descriptor = command("stop_after=2 fail status=7");
    cflight_status status = CFLIGHT_OK;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    t_schema(&schema);
    CHECK_OK(cflight_client_do_put(client, &descriptor, &schema, NULL, &writer, &metadata, &error),
             error);
    t_batch(0, 100000, &batch);
    for (int i = 0; status == CFLIGHT_OK && i < 10000; i++) {
        status = cflight_writer_write(writer, &batch, NULL, &error);
    }
    CHECK_STATUS(status, CFLIGHT_PERMISSION_DENIED);
    assert_string_equal(cflight_error_message(error), "failed as asked");
    cflight_error_free(error);
    for (int i = 0; i < 2; i++) {
        error = NULL;
        CHECK_STATUS(cflight_writer_close(writer, &error), CFLIGHT_PERMISSION_DENIED);
        assert_string_equal(cflight_error_message(error), "failed as asked");
        cflight_error_free(error);
    }
    batch.release(&batch);
    schema.release(&schema);
    cflight_metadata_reader_free(metadata);
    cflight_writer_free(writer);
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Goal: an exchange carries batches and metadata both ways, and keeps absent metadata apart from
 * present. Method: echo: metadata alone before the schema, then batches with and without. */
TEST(calls, do_exchange_echoes_batches_and_metadata)
{
    struct t_service service;
    cflight_error *error = NULL;
    cflight_writer *writer = NULL;
    cflight_reader *reader = NULL;
    struct ArrowSchema schema;
    struct cflight_chunk chunk;
    struct cflight_descriptor descriptor = command("echo");
    struct cflight_bytes hello = cflight_bytes_from_text("hello");
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    CHECK_OK(cflight_client_do_exchange(client, &descriptor, NULL, &writer, &reader, &error),
             error);
    for (int i = 0; i < 10; i++) {
        CHECK_OK(cflight_writer_write_metadata(writer, hello, &error), error);
        CHECK_OK(cflight_reader_next(reader, &chunk, &error), error);
        assert_false(chunk.has_batch);
        assert_true(cflight_bytes_equal(cflight_buffer_bytes(chunk.app_metadata), hello));
        cflight_chunk_release(&chunk);
    }
    t_schema(&schema);
    CHECK_OK(cflight_writer_begin(writer, &schema, NULL, &error), error);
    CHECK_STATUS(cflight_writer_begin(writer, &schema, NULL, NULL), CFLIGHT_FAILED_PRECONDITION);
    for (int i = 0; i < 10; i++) {
        struct ArrowArray batch;
        t_batch(i * 100, 100, &batch);
        CHECK_OK(cflight_writer_write(writer, &batch, i % 2 == 0 ? &hello : NULL, &error), error);
        batch.release(&batch);
        CHECK_OK(cflight_reader_next(reader, &chunk, &error), error);
        assert_true(chunk.has_batch);
        t_check_batch(&chunk.batch, i * 100);
        assert_int_equal(chunk.app_metadata != NULL, i % 2 == 0);
        cflight_chunk_release(&chunk);
    }
    CHECK_OK(cflight_writer_done_writing(writer, &error), error);
    CHECK_STATUS(cflight_writer_write_metadata(writer, hello, NULL), CFLIGHT_FAILED_PRECONDITION);
    CHECK_OK(cflight_reader_next(reader, &chunk, &error), error);
    assert_true(chunk.is_end);
    CHECK_OK(cflight_writer_close(writer, &error), error);
    schema.release(&schema);
    cflight_reader_free(reader);
    cflight_writer_free(writer);
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Goal: actions, infos and lists give what the handler gave, also more of it than fits a window. */
TEST(calls, unary_calls_and_lists_arrive_whole)
{
    struct t_service service;
    cflight_error *error = NULL;
    cflight_result_stream *results = NULL;
    cflight_info_stream *infos = NULL;
    struct cflight_info *info = NULL;
    struct cflight_descriptor descriptor = command("anything");
    struct cflight_action action = {cflight_bytes_from_text("do"),
                                    cflight_bytes_from_text("results=50000")};
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    CHECK_OK(cflight_client_do_action(client, &action, NULL, &results, &error), error);
    CHECK_OK(cflight_result_stream_wait(results, &error), error);
    int count = 0;
    for (;; count++) {
        cflight_buffer *body = NULL;
        CHECK_OK(cflight_result_stream_next(results, &body, &error), error);
        if (body == NULL) {
            break;
        }
        assert_true(cflight_bytes_equal(cflight_buffer_bytes(body), action.body));
        cflight_buffer_unref(body);
    }
    assert_int_equal(count, 50000);
    cflight_result_stream_free(results);

    CHECK_OK(cflight_client_get_flight_info(client, &descriptor, NULL, &info, &error), error);
    assert_true(cflight_descriptor_equal(&info->descriptor, &descriptor));
    cflight_info_free(info);
    descriptor = command("nothing");
    CHECK_STATUS(cflight_client_get_flight_info(client, &descriptor, NULL, &info, &error),
                 CFLIGHT_NOT_FOUND);
    assert_string_equal(cflight_error_message(error), "Flight not found");
    cflight_error_free(error);
    error = NULL;

    CHECK_OK(cflight_client_list_flights(client, cflight_bytes_from_text("flights=5"), NULL, &infos,
                                         &error),
             error);
    for (int64_t i = 0; i <= 5; i++) {
        CHECK_OK(cflight_info_stream_next(infos, &info, &error), error);
        assert_int_equal(info == NULL, i == 5);
        if (info != NULL) {
            assert_int_equal(info->total_records, i);
        }
        cflight_info_free(info);
    }
    cflight_info_stream_free(infos);
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Goal: a server that says nothing ends calls at the limit that was set, which the error names.
 * Method: each limit alone, before the first byte and in the middle. */
TEST(calls, limits_end_calls_and_are_named)
{
    static const struct {
        const char *ticket;
        int64_t timeout_ms;
        int64_t first_byte_timeout_ms;
        int64_t idle_timeout_ms;
        const char *named;
    } CASES[] = {
        {"silent", 200, 0, 0, "total limit of 200 ms"},
        {"silent", 0, 200, 0, "first-byte limit of 200 ms"},
        {"silent", 0, 0, 200, "idle limit of 200 ms"},
        {"batches=3 rows=10 then_silent", 0, 5000, 200, "idle limit of 200 ms"},
        {"batches=3 rows=10 then_silent", 300, 0, 0, "total limit of 300 ms"},
    };
    struct t_service service;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
        cflight_error *error = NULL;
        int64_t rows = 0;
        options.timeout_ms = CASES[i].timeout_ms;
        options.first_byte_timeout_ms = CASES[i].first_byte_timeout_ms;
        options.idle_timeout_ms = CASES[i].idle_timeout_ms;
        CHECK_STATUS(get(client, CASES[i].ticket, &options, &rows, &error),
                     CFLIGHT_DEADLINE_EXCEEDED);
        if (strstr(cflight_error_message(error), CASES[i].named) == NULL) {
            fail_msg("'%s' does not name the %s", cflight_error_message(error), CASES[i].named);
        }
        cflight_error_free(error);
        assert_true(t_service_wait(&service, &service.locked.cancelled_count, i + 1));
    }
    cflight_client_free(client);
    t_service_stop(&service);
}

struct canceller {
    struct t_service *service;
    cflight_cancel *cancel;
};

static void *cancel_when_started(void *user_data)
{
    struct canceller *canceller = user_data;
    (void)t_service_wait(canceller->service, &canceller->service->locked.started_count, 1);
    cflight_cancel_trigger(canceller->cancel);
    return NULL;
}

/* Goal: a cancel handle ends a call from another thread, before the first byte and in the middle,
 * and the handler sees it.
 */
TEST(calls, cancel_from_another_thread_reaches_both_ends)
{
    static const char *const TICKETS[] = {"silent", "batches=2 rows=10 then_silent",
                                          "batches=1000000 rows=100000"};
    for (size_t i = 0; i < 3; i++) {
        struct t_service service;
        struct canceller canceller = {&service, NULL};
        struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
        cflight_error *error = NULL;
        pthread_t thread;
        int64_t rows = 0;
        t_service_start(&service, NULL, NULL);
        cflight_client *client = t_client(&service, NULL);
        CHECK_OK(cflight_cancel_new(&canceller.cancel, &error), error);
        options.cancel = canceller.cancel;
        assert_int_equal(pthread_create(&thread, NULL, cancel_when_started, &canceller), 0);
        CHECK_STATUS(get(client, TICKETS[i], &options, &rows, &error), CFLIGHT_CANCELLED);
        cflight_error_free(error);
        error = NULL;
        (void)pthread_join(thread, NULL);
        assert_true(t_service_wait(&service, &service.locked.cancelled_count, 1));
        CHECK_STATUS(get(client, TICKETS[i], &options, &rows, &error), CFLIGHT_CANCELLED);
        cflight_error_free(error);
        cflight_cancel_unref(canceller.cancel);
        cflight_client_free(client);
        t_service_stop(&service);
    }
}

/* Goal: a handle that is freed early cancels the call, and the server goes on. */
TEST(calls, dropping_a_stream_cancels_it)
{
    struct t_service service;
    cflight_error *error = NULL;
    cflight_reader *reader = NULL;
    struct cflight_chunk chunk;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    CHECK_OK(cflight_client_do_get(client, cflight_bytes_from_text("batches=1000000 rows=10000"),
                                   NULL, &reader, &error),
             error);
    CHECK_OK(cflight_reader_next(reader, &chunk, &error), error);
    cflight_chunk_release(&chunk);
    cflight_client_free(client);
    cflight_reader_free(reader);
    assert_true(t_service_wait(&service, &service.locked.cancelled_count, 1));
    t_service_stop(&service);
}

/* Goal: a batch over the write limit is refused with both numbers, and the stream stays usable. */
TEST(calls, write_size_limit_leaves_the_stream_usable)
{
    struct t_service service;
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    cflight_error *error = NULL;
    cflight_writer *writer = NULL;
    cflight_metadata_reader *metadata = NULL;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    struct cflight_descriptor descriptor = command("anything");
    uint64_t limit_bytes = 0;
    uint64_t actual_bytes = 0;
    options.write_size_limit_bytes = 4096;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    t_schema(&schema);
    CHECK_OK(
        cflight_client_do_put(client, &descriptor, &schema, &options, &writer, &metadata, &error),
        error);
    t_batch(0, 10000, &batch);
    CHECK_STATUS(cflight_writer_write(writer, &batch, NULL, &error), CFLIGHT_INVALID_ARGUMENT);
    assert_true(cflight_error_size_limit(error, &limit_bytes, &actual_bytes));
    assert_int_equal(limit_bytes, 4096);
    assert_true(actual_bytes > 80000);
    cflight_error_free(error);
    error = NULL;
    batch.release(&batch);
    t_batch(0, 10, &batch);
    CHECK_OK(cflight_writer_write(writer, &batch, NULL, &error), error);
    batch.release(&batch);
    CHECK_OK(cflight_writer_close(writer, &error), error);
    assert_int_equal(t_service_read(&service, &service.locked.put_rows), 10);
    schema.release(&schema);
    cflight_metadata_reader_free(metadata);
    cflight_writer_free(writer);
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Goal: a server splits large batches so that no message passes the limit, and every row arrives.
 */
TEST(calls, server_streams_are_split_by_encoded_size)
{
    struct t_service service;
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    cflight_error *error = NULL;
    int64_t rows = 0;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    options.message_bytes_max = 4 << 20;
    CHECK_OK(get(client, "batches=1 rows=3000000", &options, &rows, &error), error);
    assert_int_equal(rows, 3000000);
    options.message_bytes_max = 1 << 20;
    CHECK_STATUS(get(client, "batches=1 rows=3000000", &options, &rows, &error),
                 CFLIGHT_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(cflight_error_message(error), "1048576"));
    cflight_error_free(error);
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Goal: a time so long that its nanoseconds overflow is a long one. Method: a wait and a keepalive
 * of 2^64 ns and a little, which came round to half a millisecond; the call's own limit ends the
 * wait. */
TEST(calls, times_past_the_end_of_time_do_not_come_round)
{
    const int64_t too_long_ms = INT64_C(18446744073710);
    struct t_service service;
    struct cflight_client_options client_options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    struct cflight_chunk chunk;
    bool is_ready = false;
    t_service_start(&service, NULL, NULL);
    client_options.keepalive_interval_ms = too_long_ms;
    client_options.keepalive_timeout_ms = too_long_ms;
    cflight_client *client = t_client(&service, &client_options);
    options.timeout_ms = 100;
    CHECK_OK(
        cflight_client_do_get(client, cflight_bytes_from_text("silent"), &options, &reader, &error),
        error);
    CHECK_STATUS(cflight_reader_try_next(reader, too_long_ms, &is_ready, &chunk, &error),
                 CFLIGHT_DEADLINE_EXCEEDED);
    cflight_error_free(error);
    cflight_reader_free(reader);
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Goal: the limit of a call goes before the client's, in both directions, and the error carries the
 * limit and the size. Method: a batch of some 200 KB, under and over each of them. */
TEST(calls, a_call_has_its_own_receive_limit)
{
    enum { SMALL_BYTES = 100000, LARGE_BYTES = 1 << 20 };
    struct t_service service;
    struct cflight_client_options client_options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    t_service_start(&service, NULL, NULL);
    for (int is_raised = 0; is_raised < 2; is_raised++) {
        cflight_error *error = NULL;
        int64_t rows = 0;
        uint64_t limit_bytes = 0;
        uint64_t actual_bytes = 0;
        client_options.message_bytes_max = is_raised ? SMALL_BYTES : LARGE_BYTES;
        options.message_bytes_max = is_raised ? LARGE_BYTES : SMALL_BYTES;
        cflight_client *client = t_client(&service, &client_options);
        CHECK_OK(get(client, "batches=1 rows=10000", is_raised ? &options : NULL, &rows, &error),
                 error);
        CHECK_STATUS(
            get(client, "batches=1 rows=10000", is_raised ? NULL : &options, &rows, &error),
            CFLIGHT_RESOURCE_EXHAUSTED);
        assert_true(cflight_error_size_limit(error, &limit_bytes, &actual_bytes));
        assert_int_equal(limit_bytes, SMALL_BYTES);
        assert_in_range(actual_bytes, SMALL_BYTES + 1, LARGE_BYTES);
        cflight_error_free(error);
        cflight_client_free(client);
    }
    t_service_stop(&service);
}

/* Goal: nobody listening is an error that names the address; a closed client says that it is
 * closed. */
TEST(calls, connection_failures_name_the_address)
{
    struct t_service service;
    cflight_error *error = NULL;
    int64_t rows = 0;
    char location[128];
    t_service_start(&service, NULL, NULL);
    (void)snprintf(location, sizeof location, "%s", service.location);
    t_service_stop(&service);
    cflight_client *client = NULL;
    CHECK_OK(cflight_client_new(location, NULL, &client, &error), error);
    CHECK_STATUS(get(client, "batches=1", NULL, &rows, &error), CFLIGHT_UNAVAILABLE);
    assert_non_null(strstr(cflight_error_message(error), strrchr(location, ':')));
    assert_int_equal(cflight_error_retry(error), CFLIGHT_RETRY_SAFE);
    cflight_error_free(error);
    error = NULL;
    cflight_client_close(client);
    cflight_client_close(client);
    CHECK_STATUS(get(client, "batches=1", NULL, &rows, &error), CFLIGHT_FAILED_PRECONDITION);
    assert_string_equal(cflight_error_message(error), "FlightClient is closed");
    cflight_error_free(error);
    cflight_client_free(client);
}
