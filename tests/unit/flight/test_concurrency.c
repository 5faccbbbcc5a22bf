/* SPDX-License-Identifier: Apache-2.0 */
/* Many calls, many threads, and servers that come and go. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "service.h"
#include "test.h"

enum { STREAM_COUNT = 1000, UNREAD_STREAM = 500, WORKER_COUNT = 8 };

static int64_t resident_kib(void)
{
    char line[256];
    int64_t kib = -1;
    FILE *status = fopen("/proc/self/status", "r");
    assert_non_null(status);
    while (fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kib = strtoll(line + 6, NULL, 10);
        }
    }
    (void)fclose(status);
    return kib;
}

/* Goal: a stream that nobody reads holds up no other one on the same connection, and memory stays
 * within the windows. Method: 1000 streams of 300 KiB on one connection with windows of 64 KiB; one
 * is never read. The bound: one window a stream and the same again for bookkeeping. The streams are
 * handed over, so they have no threads. */
TEST(concurrency, an_unread_stream_stalls_no_other)
{
    struct t_service service;
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    cflight_error *error = NULL;
    cflight_reader **readers = calloc(STREAM_COUNT, sizeof(cflight_reader *));
    options.stream_window_bytes = 64 << 10;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, &options);
    int64_t before_kib = resident_kib();
    for (int i = 0; i < STREAM_COUNT; i++) {
        CHECK_OK(cflight_client_do_get(client,
                                       cflight_bytes_from_text("handed batches=20 rows=1000"), NULL,
                                       &readers[i], &error),
                 error);
    }
    for (int i = 0; i < STREAM_COUNT; i++) {
        int64_t rows = 0;
        while (i != UNREAD_STREAM) {
            struct cflight_chunk chunk;
            CHECK_OK(cflight_reader_next(readers[i], &chunk, &error), error);
            if (chunk.is_end) {
                break;
            }
            rows += chunk.batch.length;
            cflight_chunk_release(&chunk);
        }
        assert_int_equal(rows, i == UNREAD_STREAM ? 0 : 20000);
    }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(resident_kib() - before_kib < STREAM_COUNT * 128);
#else
    (void)before_kib;
#endif
    for (int i = 0; i < STREAM_COUNT; i++) {
        cflight_reader_free(readers[i]);
    }
    free(readers);
    cflight_client_free(client);
    t_service_stop(&service);
}

struct worker {
    cflight_client *client;
    int index;
    int rounds;
    atomic_int wrong_count;
};

static void act(struct worker *worker, int round)
{
    char body[64];
    cflight_result_stream *results = NULL;
    cflight_error *error = NULL;
    (void)snprintf(body, sizeof body, "results=%d", round % 7);
    struct cflight_action action = {cflight_bytes_from_text(round % 5 == 0 ? "fail" : "do"),
                                    cflight_bytes_from_text(body)};
    cflight_status status =
        cflight_client_do_action(worker->client, &action, NULL, &results, &error);
    int count = 0;
    while (status == CFLIGHT_OK) {
        cflight_buffer *result = NULL;
        status = cflight_result_stream_next(results, &result, &error);
        if (status == CFLIGHT_OK && result == NULL) {
            break;
        }
        count++;
        cflight_buffer_unref(result);
    }
    cflight_result_stream_free(results);
    cflight_status expected = round % 5 == 0 ? CFLIGHT_INTERNAL : CFLIGHT_OK;
    if (status != expected || (status == CFLIGHT_OK && count != round % 7)) {
        (void)fprintf(stderr, "action: %s %s, %d results\n", cflight_status_name(status),
                      cflight_error_message(error), count);
        atomic_fetch_add(&worker->wrong_count, 1);
    }
    cflight_error_free(error);
}

static void get(struct worker *worker, int round)
{
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    int64_t rows = 0;
    cflight_status status = cflight_client_do_get(
        worker->client, cflight_bytes_from_text("batches=10 rows=5000"), NULL, &reader, &error);
    while (status == CFLIGHT_OK) {
        struct cflight_chunk chunk;
        status = cflight_reader_next(reader, &chunk, &error);
        if (status != CFLIGHT_OK || chunk.is_end) {
            break;
        }
        rows += chunk.batch.length;
        cflight_chunk_release(&chunk);
        if (round % 3 == 0 && rows >= 20000) {
            break; /* and drop the rest */
        }
    }
    cflight_reader_free(reader);
    if (status != CFLIGHT_OK || rows < 20000) {
        (void)fprintf(stderr, "get: %s %s\n", cflight_status_name(status),
                      cflight_error_message(error));
        atomic_fetch_add(&worker->wrong_count, 1);
    }
    cflight_error_free(error);
}

static void *work(void *user_data)
{
    struct worker *worker = user_data;
    for (int round = 0; round < worker->rounds; round++) {
        if ((round + worker->index) % 2 == 0) {
            act(worker, round);
        } else {
            get(worker, round);
        }
    }
    return NULL;
}

/* Goal: threads share a client, and a connection, without mixing up answers.
 * Method: eight threads, actions that fail and succeed, streams that are read and dropped. */
TEST(concurrency, threads_share_one_connection)
{
    struct t_service service;
    struct worker workers[WORKER_COUNT];
    pthread_t threads[WORKER_COUNT];
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    for (int i = 0; i < WORKER_COUNT; i++) {
        workers[i] = (struct worker){.client = client, .index = i, .rounds = 40};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < WORKER_COUNT; i++) {
        (void)pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].wrong_count, 0);
    }
    cflight_client_free(client);
    t_service_stop(&service);
}

struct caller {
    cflight_client *client;
    atomic_int *ok_count; /* of all callers */
    int wanted_count;
    atomic_int wrong_count;
};

/* Makes small calls until enough of all went well; a failure must be one of a lost server, and say
 * so. */
static void *call_on(void *user_data)
{
    struct caller *caller = user_data;
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                            .cmd = cflight_bytes_from_text("x y z")};
    while (atomic_load(caller->ok_count) < caller->wanted_count) {
        struct cflight_info *info = NULL;
        cflight_error *error = NULL;
        cflight_status status =
            cflight_client_get_flight_info(caller->client, &descriptor, NULL, &info, &error);
        if (status == CFLIGHT_OK) {
            bool is_right = cflight_descriptor_equal(&info->descriptor, &descriptor);
            atomic_fetch_add(is_right ? caller->ok_count : &caller->wrong_count, 1);
        } else if (status != CFLIGHT_UNAVAILABLE ||
                   cflight_error_retry(error) == CFLIGHT_RETRY_NEVER) {
            (void)fprintf(stderr, "%s (retry %d): %s\n", cflight_status_name(status),
                          (int)cflight_error_retry(error), cflight_error_message(error));
            atomic_fetch_add(&caller->wrong_count, 1);
        }
        cflight_info_free(info);
        cflight_error_free(error);
    }
    return NULL;
}

/* Goal: calls survive restarts of the server: none is answered wrongly, each failure says whether
 * to try again, and calls go well again after each restart. Method: four threads call until 10,000
 * calls went well; after every 900 of them the server is stopped without grace and started again,
 * ten times. */
TEST(concurrency, calls_outlive_server_restarts)
{
    enum { CALL_COUNT = 10000, RESTART_COUNT = 10, CALLER_COUNT = 4 };
    struct t_service service;
    struct caller callers[CALLER_COUNT];
    pthread_t threads[CALLER_COUNT];
    atomic_int ok_count = 0;
    char location[128];
    t_service_start(&service, NULL, NULL);
    (void)snprintf(location, sizeof location, "%s", service.location);
    cflight_client *client = t_client(&service, NULL);
    for (int i = 0; i < CALLER_COUNT; i++) {
        callers[i] =
            (struct caller){.client = client, .ok_count = &ok_count, .wanted_count = CALL_COUNT};
        assert_int_equal(pthread_create(&threads[i], NULL, call_on, &callers[i]), 0);
    }
    for (int restart = 0; restart < RESTART_COUNT; restart++) {
        int until = (restart + 1) * (CALL_COUNT / (RESTART_COUNT + 1));
        while (atomic_load(&ok_count) < until) {
            (void)sched_yield();
        }
        t_service_stop(&service);
        t_service_start(&service, location, NULL);
    }
    for (int i = 0; i < CALLER_COUNT; i++) {
        (void)pthread_join(threads[i], NULL);
        assert_int_equal(callers[i].wrong_count, 0);
    }
    cflight_client_free(client);
    t_service_stop(&service);
}

static void *hold_call(void *user_data)
{
    cflight_client *client = user_data;
    struct cflight_action action = {cflight_bytes_from_text("hold"),
                                    cflight_bytes_from_text("results=1")};
    cflight_result_stream *results = NULL;
    cflight_buffer *body = NULL;
    cflight_error *error = NULL;
    cflight_status status = cflight_client_do_action(client, &action, NULL, &results, &error);
    if (status == CFLIGHT_OK) {
        status = cflight_result_stream_next(results, &body, &error);
    }
    bool has_body = body != NULL;
    cflight_buffer_unref(body);
    cflight_result_stream_free(results);
    cflight_error_free(error);
    return status == CFLIGHT_OK && has_body ? user_data : NULL;
}

/* Goal: shutting down lets running calls finish, and refuses new ones.
 * Method: a call that is held; shutdown without limit; let go; the call must end well. */
TEST(concurrency, shutdown_finishes_what_runs)
{
    struct t_service service;
    pthread_t thread;
    void *result = NULL;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    assert_int_equal(pthread_create(&thread, NULL, hold_call, client), 0);
    assert_true(t_service_wait(&service, &service.locked.started_count, 1));
    cflight_server_shutdown(service.server, -1);
    assert_false(cflight_server_wait_for(service.server, 0));
    t_gate_open(&service.hold);
    (void)pthread_join(thread, &result);
    assert_ptr_equal(result, client);
    cflight_server_wait(service.server);
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Goal: a server that was shut down refuses connections before it is freed.
 * Method: a new client; its call must fail at once, not wait for an answer. */
TEST(concurrency, a_stopped_server_refuses_connections)
{
    struct t_service service;
    cflight_error *error = NULL;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    cflight_server_shutdown(service.server, 0);
    cflight_server_wait(service.server);
    CHECK_STATUS(cflight_client_connect(client, NULL, &error), CFLIGHT_UNAVAILABLE);
    assert_non_null(strstr(cflight_error_message(error), "refused"));
    cflight_error_free(error);
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Goal: calls that still run when the grace ends are cancelled: the handler is told, the client
 * learns that the server went away, and the server stops.
 * Method: a handler that waits for its cancellation alone; a grace that is over at once, after one
 * without limit. */
TEST(concurrency, the_end_of_the_grace_cancels_what_runs)
{
    struct t_service service;
    struct cflight_action action = {cflight_bytes_from_text("silent"), {NULL, 0}};
    cflight_result_stream *results = NULL;
    cflight_buffer *body = NULL;
    cflight_error *error = NULL;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    CHECK_OK(cflight_client_do_action(client, &action, NULL, &results, &error), error);
    assert_true(t_service_wait(&service, &service.locked.started_count, 1));
    cflight_server_shutdown(service.server, -1);
    assert_false(cflight_server_wait_for(service.server, 0));
    cflight_server_shutdown(service.server, 0);
    CHECK_STATUS(cflight_result_stream_next(results, &body, &error), CFLIGHT_UNAVAILABLE);
    cflight_error_free(error);
    cflight_server_wait(service.server);
    assert_true(t_service_read(&service, &service.locked.cancelled_count) > 0);
    cflight_result_stream_free(results);
    cflight_client_free(client);
    t_service_stop(&service);
}

/* ---- what all clients together may have sent ---- */

enum { UPLOAD_ROWS = 10000, UPLOADS_THAT_FIT = 5, UPLOADS_AFTERWARDS = 20 };

/* Reads only once the gate opens. */
static cflight_status read_when_told(void *user_data, cflight_server_context *context,
                                     const struct cflight_descriptor *descriptor,
                                     cflight_reader *reader, cflight_metadata_writer *writer,
                                     cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    (void)context;
    (void)descriptor;
    (void)writer;
    t_gate_wait(user_data);
    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        struct cflight_chunk chunk;
        status = cflight_reader_next(reader, &chunk, reterr);
        if (status == CFLIGHT_OK) {
            is_end = chunk.is_end;
            cflight_chunk_release(&chunk);
        }
    }
    return status;
}

struct upload {
    cflight_writer *writer;
    cflight_metadata_reader *answers;
};

static struct upload start_upload(cflight_client *client, const struct ArrowSchema *schema)
{
    struct upload upload = {NULL, NULL};
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
    cflight_error *error = NULL;
    CHECK_OK(cflight_client_do_put(client, &descriptor, schema, NULL, &upload.writer,
                                   &upload.answers, &error),
             error);
    return upload;
}

static struct upload upload_batch(cflight_client *client, const struct ArrowSchema *schema,
                                  const struct ArrowArray *batch)
{
    struct upload upload = start_upload(client, schema);
    cflight_error *error = NULL;
    CHECK_OK(cflight_writer_write(upload.writer, batch, NULL, &error), error);
    return upload;
}

/* Returns when the server has read all that the client has sent before. */
static void be_read(cflight_client *client)
{
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
    struct cflight_info *info = NULL;
    CHECK_STATUS(cflight_client_get_flight_info(client, &descriptor, NULL, &info, NULL),
                 CFLIGHT_UNIMPLEMENTED);
}

static cflight_status end_upload(struct upload *upload, cflight_error **reterr)
{
    cflight_status status = cflight_writer_close(upload->writer, reterr);
    cflight_metadata_reader_free(upload->answers);
    cflight_writer_free(upload->writer);
    return status;
}

/* Goal: what all clients together send before handlers take it is bounded; a call beyond the bound
 * ends with a retryable status, those within it go on, and what was taken makes room again.
 * Method: uploads that nobody reads, within a window each, of a client each, because a connection
 * has only its share; room for five. */
TEST(concurrency, unread_bytes_of_all_calls_are_bounded)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct upload uploads[UPLOADS_THAT_FIT];
    struct t_gate gate;
    cflight_server *server = NULL;
    cflight_client *clients[UPLOADS_THAT_FIT + 1];
    cflight_buffer *answer = NULL;
    cflight_error *error = NULL;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    t_gate_init(&gate);
    t_schema(&schema);
    t_batch(0, UPLOAD_ROWS, &batch);
    const int32_t *offsets = batch.children[1]->buffers[1];
    uint64_t upload_bytes = (uint64_t)UPLOAD_ROWS * 12 + (uint64_t)offsets[UPLOAD_ROWS];
    handlers.user_data = &gate;
    handlers.do_put = read_when_told;
    options.unread_bytes_max = upload_bytes * UPLOADS_THAT_FIT + upload_bytes / 2;
    CHECK_OK(cflight_server_new("grpc://localhost:0", &handlers, &options, &server, &error), error);
    for (int i = 0; i <= UPLOADS_THAT_FIT; i++) {
        CHECK_OK(cflight_client_new(cflight_server_location(server), NULL, &clients[i], &error),
                 error);
    }
    for (int i = 0; i < UPLOADS_THAT_FIT; i++) {
        uploads[i] = upload_batch(clients[i], &schema, &batch);
        be_read(clients[i]);
    }
    struct upload surplus = start_upload(clients[UPLOADS_THAT_FIT], &schema);
    /* The end may come while it is written, or later. */
    cflight_status written = cflight_writer_write(surplus.writer, &batch, NULL, NULL);
    assert_true(written == CFLIGHT_OK || written == CFLIGHT_UNAVAILABLE);
    CHECK_STATUS(cflight_metadata_reader_next(surplus.answers, &answer, &error),
                 CFLIGHT_UNAVAILABLE);
    assert_non_null(strstr(cflight_error_message(error), "try again later"));
    assert_int_not_equal(cflight_error_retry(error), CFLIGHT_RETRY_NEVER);
    cflight_error_free(error);
    CHECK_STATUS(end_upload(&surplus, NULL), CFLIGHT_UNAVAILABLE);

    t_gate_open(&gate);
    error = NULL;
    for (int i = 0; i < UPLOADS_THAT_FIT; i++) {
        CHECK_OK(end_upload(&uploads[i], &error), error);
    }
    for (int i = 0; i < UPLOADS_AFTERWARDS; i++) {
        struct upload upload = upload_batch(clients[0], &schema, &batch);
        CHECK_OK(end_upload(&upload, &error), error);
    }
    for (int i = 0; i <= UPLOADS_THAT_FIT; i++) {
        cflight_client_free(clients[i]);
    }
    cflight_server_free(server);
    batch.release(&batch);
    schema.release(&schema);
    t_gate_done(&gate);
}

/* Goal: past its limits a server answers with a retryable status instead of queueing without bound.
 * Method: one handler and one place in the queue; the third call is refused while the first is
 * held. */
TEST(concurrency, a_busy_server_refuses_with_a_retryable_status)
{
    struct t_service service;
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    pthread_t threads[2];
    cflight_error *error = NULL;
    struct cflight_info *info = NULL;
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                            .cmd = cflight_bytes_from_text("x")};
    options.handlers_max = 1;
    options.queue_max = 1;
    t_service_start(&service, NULL, &options);
    cflight_client *client = t_client(&service, NULL);
    assert_int_equal(pthread_create(&threads[0], NULL, hold_call, client), 0);
    assert_true(t_service_wait(&service, &service.locked.started_count, 1));
    /* Calls beyond the queue's one place are refused; how soon the second thread takes that place
     * does not matter. */
    assert_int_equal(pthread_create(&threads[1], NULL, hold_call, client), 0);
    cflight_status status = CFLIGHT_OK;
    for (int i = 0; i < 2 && status != CFLIGHT_UNAVAILABLE; i++) {
        struct cflight_call_options call_options = CFLIGHT_CALL_OPTIONS_INIT;
        call_options.timeout_ms = 500;
        cflight_error_free(error);
        error = NULL;
        status = cflight_client_get_flight_info(client, &descriptor, &call_options, &info, &error);
    }
    CHECK_STATUS(status, CFLIGHT_UNAVAILABLE);
    assert_non_null(strstr(cflight_error_message(error), "busy"));
    cflight_error_free(error);
    t_gate_open(&service.hold);
    (void)pthread_join(threads[0], NULL);
    (void)pthread_join(threads[1], NULL);
    cflight_client_free(client);
    t_service_stop(&service);
}
