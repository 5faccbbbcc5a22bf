/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads and exchanges that could hang: every combination ends, with the status it must have. */
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "service.h"
#include "test.h"

enum { WATCHDOG_MS = 300000 }; /* less than the runner waits for a test */

struct fixture {
    struct t_service service;
    cflight_client *client;
    cflight_cancel *cancel;
    cflight_writer *writer;
    cflight_reader *reader;            /* DoExchange */
    cflight_metadata_reader *metadata; /* DoPut */
    struct ArrowArray batch;
    struct ArrowSchema schema;
};

static void start(struct fixture *fixture, bool is_put, const char *cmd, int64_t idle_timeout_ms)
{
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                            .cmd = cflight_bytes_from_text(cmd)};
    cflight_error *error = NULL;
    memset(fixture, 0, sizeof *fixture);
    t_service_start(&fixture->service, NULL, NULL);
    fixture->client = t_client(&fixture->service, NULL);
    CHECK_OK(cflight_cancel_new(&fixture->cancel, &error), error);
    options.cancel = fixture->cancel;
    options.timeout_ms = WATCHDOG_MS;
    options.idle_timeout_ms = idle_timeout_ms;
    t_schema(&fixture->schema);
    t_batch(0, 100000, &fixture->batch);
    if (is_put) {
        CHECK_OK(cflight_client_do_put(fixture->client, &descriptor, &fixture->schema, &options,
                                       &fixture->writer, &fixture->metadata, &error),
                 error);
    } else {
        CHECK_OK(cflight_client_do_exchange(fixture->client, &descriptor, &options,
                                            &fixture->writer, &fixture->reader, &error),
                 error);
        CHECK_OK(cflight_writer_begin(fixture->writer, &fixture->schema, NULL, &error), error);
    }
    /* A limit must not end the call before a handler has it: nobody would be told then. */
    assert_true(t_service_wait(&fixture->service, &fixture->service.locked.started_count, 1));
}

static void stop(struct fixture *fixture)
{
    cflight_writer_free(fixture->writer);
    cflight_reader_free(fixture->reader);
    cflight_metadata_reader_free(fixture->metadata);
    cflight_cancel_unref(fixture->cancel);
    fixture->batch.release(&fixture->batch);
    fixture->schema.release(&fixture->schema);
    cflight_client_free(fixture->client);
    t_service_stop(&fixture->service);
}

/* Writes until something happens, at most `batch_count` batches. */
static cflight_status write_on(struct fixture *fixture, int batch_count, cflight_error **reterr)
{
    for (int i = 0; i < batch_count; i++) {
        cflight_status status =
            cflight_writer_write(fixture->writer, &fixture->batch, NULL, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    return CFLIGHT_OK;
}

static cflight_status read_on(struct fixture *fixture, int64_t *ret_count, cflight_error **reterr)
{
    for (*ret_count = 0;; ++*ret_count) {
        cflight_status status = CFLIGHT_OK;
        bool is_end = false;
        if (fixture->reader != NULL) {
            struct cflight_chunk chunk;
            status = cflight_reader_next(fixture->reader, &chunk, reterr);
            is_end = status == CFLIGHT_OK && chunk.is_end;
            if (status == CFLIGHT_OK) {
                cflight_chunk_release(&chunk);
            }
        } else {
            cflight_buffer *answer = NULL;
            status = cflight_metadata_reader_next(fixture->metadata, &answer, reterr);
            is_end = status == CFLIGHT_OK && answer == NULL;
            cflight_buffer_unref(answer);
        }
        if (status != CFLIGHT_OK || is_end) {
            return status;
        }
    }
}

/* Goal: a server that does not read stops the writer by back-pressure, not for ever: the idle limit
 * ends it. */
TEST(deadlock, a_writer_that_nobody_reads_ends_by_the_idle_limit)
{
    for (int is_put = 0; is_put < 2; is_put++) {
        struct fixture fixture;
        cflight_error *error = NULL;
        start(&fixture, is_put, "unread", 200);
        CHECK_STATUS(write_on(&fixture, 1000, &error), CFLIGHT_DEADLINE_EXCEEDED);
        assert_non_null(strstr(cflight_error_message(error), "idle limit of 200 ms"));
        cflight_error_free(error);
        assert_true(t_service_wait(&fixture.service, &fixture.service.locked.cancelled_count, 1));
        stop(&fixture);
    }
}

/* Goal: a reader of a server that neither reads nor writes ends by the idle limit. */
TEST(deadlock, a_reader_that_nobody_answers_ends_by_the_idle_limit)
{
    for (int is_put = 0; is_put < 2; is_put++) {
        struct fixture fixture;
        cflight_error *error = NULL;
        int64_t count = 0;
        start(&fixture, is_put, "unread", 200);
        CHECK_STATUS(read_on(&fixture, &count, &error), CFLIGHT_DEADLINE_EXCEEDED);
        cflight_error_free(error);
        stop(&fixture);
    }
}

/* Goal: both sides full: an echo whose client only writes stops, and ends by the idle limit. */
TEST(deadlock, an_exchange_with_both_sides_full_ends_by_the_idle_limit)
{
    struct fixture fixture;
    cflight_error *error = NULL;
    start(&fixture, false, "echo", 300);
    CHECK_STATUS(write_on(&fixture, 10000, &error), CFLIGHT_DEADLINE_EXCEEDED);
    cflight_error_free(error);
    stop(&fixture);
}

/* Goal: a server that floods a DoPut with answers is held back, and the client that reads them late
 * gets all. */
TEST(deadlock, a_flood_of_answers_waits_for_its_reader)
{
    struct fixture fixture;
    cflight_error *error = NULL;
    int64_t count = 0;
    start(&fixture, true, "flood=4000", 0);
    CHECK_OK(read_on(&fixture, &count, &error), error);
    assert_int_equal(count, 4000);
    CHECK_OK(cflight_writer_close(fixture.writer, &error), error);
    stop(&fixture);
}

/* Goal: closing without reading the flood drops it and gives the verdict. */
TEST(deadlock, close_drops_answers_that_nobody_read)
{
    struct fixture fixture;
    cflight_error *error = NULL;
    start(&fixture, true, "flood=4000", 0);
    CHECK_OK(cflight_writer_close(fixture.writer, &error), error);
    stop(&fixture);
}

/* Goal: a server that ends early with an error interrupts a writer in its middle with that error.
 */
TEST(deadlock, an_error_mid_stream_interrupts_the_writer)
{
    for (int is_put = 0; is_put < 2; is_put++) {
        struct fixture fixture;
        cflight_error *error = NULL;
        start(&fixture, is_put, is_put ? "stop_after=1 fail status=10" : "fail status=10", 0);
        CHECK_STATUS(write_on(&fixture, 10000, &error), CFLIGHT_ABORTED);
        assert_string_equal(cflight_error_message(error), "failed as asked");
        cflight_error_free(error);
        error = NULL;
        CHECK_STATUS(cflight_writer_close(fixture.writer, &error), CFLIGHT_ABORTED);
        cflight_error_free(error);
        stop(&fixture);
    }
}

/* Goal: a server that ends early and well does not make the client hang; close says OK. */
TEST(deadlock, an_early_end_lets_the_client_close)
{
    for (int is_put = 0; is_put < 2; is_put++) {
        struct fixture fixture;
        cflight_error *error = NULL;
        start(&fixture, is_put, is_put ? "stop_after=1" : "send batches=0", 0);
        CHECK_STATUS(write_on(&fixture, 10000, &error), CFLIGHT_ABORTED);
        cflight_error_free(error);
        error = NULL;
        CHECK_OK(cflight_writer_close(fixture.writer, &error), error);
        stop(&fixture);
    }
}

static void *trigger_when_blocked(void *user_data)
{
    struct fixture *fixture = user_data;
    (void)t_service_wait(&fixture->service, &fixture->service.locked.started_count, 1);
    cflight_cancel_trigger(fixture->cancel);
    return NULL;
}

/* Goal: cancelling from another thread ends a blocked writer and a blocked reader. */
TEST(deadlock, cancel_ends_blocked_writers_and_readers)
{
    for (int i = 0; i < 4; i++) {
        struct fixture fixture;
        cflight_error *error = NULL;
        pthread_t thread;
        int64_t count = 0;
        start(&fixture, i % 2 == 0, "unread", 0);
        assert_int_equal(pthread_create(&thread, NULL, trigger_when_blocked, &fixture), 0);
        CHECK_STATUS(i < 2 ? write_on(&fixture, 100000, &error) : read_on(&fixture, &count, &error),
                     CFLIGHT_CANCELLED);
        cflight_error_free(error);
        (void)pthread_join(thread, NULL);
        assert_true(t_service_wait(&fixture.service, &fixture.service.locked.cancelled_count, 1));
        stop(&fixture);
    }
}

enum { ECHOED = 50 }; /* batches of 1.2 MB: far more than the windows of both ways hold */

struct writing {
    struct fixture *fixture;
    cflight_status status;
};

static void *write_all(void *user_data)
{
    struct writing *writing = user_data;
    writing->status = write_on(writing->fixture, ECHOED, NULL);
    if (writing->status == CFLIGHT_OK) {
        writing->status = cflight_writer_done_writing(writing->fixture->writer, NULL);
    }
    return NULL;
}

/* Goal: an exchange runs full duplex: one thread writes, another reads, and everything comes back.
 */
TEST(deadlock, full_duplex_exchange_moves_everything)
{
    struct fixture fixture;
    struct writing writing = {&fixture, CFLIGHT_OK};
    cflight_error *error = NULL;
    pthread_t thread;
    int64_t count = 0;
    start(&fixture, false, "echo", 5000);
    assert_int_equal(pthread_create(&thread, NULL, write_all, &writing), 0);
    CHECK_OK(read_on(&fixture, &count, &error), error);
    (void)pthread_join(thread, NULL);
    assert_int_equal(writing.status, CFLIGHT_OK);
    assert_int_equal(count, ECHOED);
    CHECK_OK(cflight_writer_close(fixture.writer, &error), error);
    stop(&fixture);
}

/* Goal: a server's own idle limit frees a handler from a client that takes nothing.
 * Method: a client that opens a large stream and never reads it. */
TEST(deadlock, a_client_that_takes_nothing_is_let_go_of)
{
    struct t_service service;
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    cflight_error *error = NULL;
    cflight_reader *reader = NULL;
    options.idle_timeout_ms = 200;
    t_service_start(&service, NULL, &options);
    cflight_client *client = t_client(&service, NULL);
    CHECK_OK(cflight_client_do_get(client, cflight_bytes_from_text("batches=100000 rows=100000"),
                                   NULL, &reader, &error),
             error);
    assert_true(t_service_wait(&service, &service.locked.ended_count, 1));
    cflight_reader_free(reader);
    cflight_client_free(client);
    t_service_stop(&service);
}
