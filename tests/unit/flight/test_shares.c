/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies in shared memory: two ends of a Unix socket, of one process, hand batches over. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/pieces.h"
#include "flight/call/shares.h"
#include "service.h"
#include "test.h"

enum {
    ROWS = 200000, /* some MiB a batch */
    SPLIT_OFF_ROWS = 1000000,
};

/* The same in a child of fork(). */
static const char *unix_location(void)
{
    static char location[128];
    if (location[0] != '\0') {
        return location;
    }
    (void)snprintf(location, sizeof location, "grpc+unix:@cflight-shares-%ld", (long)getpid());
    return location;
}

/* ---- batches in a segment ---- */

struct placed {
    cflight_segment *segment;
    struct ArrowArray columns[2];
    struct ArrowArray *children[2];
    const void *none[1];
    const void *buffers[2][3];
};

static void release_child(struct ArrowArray *array)
{
    array->release = NULL;
}

static void release_placed(struct ArrowArray *array)
{
    struct placed *placed = array->private_data;
    cflight_segment_unref(placed->segment);
    free(placed);
    array->release = NULL;
}

static const void *place(cflight_segment *segment, const void *data, size_t len_bytes)
{
    void *target = cflight_segment_alloc(segment, len_bytes);
    assert_non_null(target);
    memcpy(target, data, len_bytes);
    return target;
}

/* The same as t_batch makes, in a sealed segment of its own. */
static void place_batch(int64_t first_row, int64_t row_count, struct ArrowArray *ret_batch)
{
    struct ArrowArray plain;
    struct placed *placed = calloc(1, sizeof *placed);
    cflight_error *error = NULL;
    assert_non_null(placed);
    t_batch(first_row, row_count, &plain);
    const int32_t *offsets = plain.children[1]->buffers[1];
    size_t text_bytes = (size_t)offsets[row_count];
    size_t rows = (size_t)row_count;
    CHECK_OK(cflight_segment_new((uint64_t)rows * 16 + text_bytes + 4096, &placed->segment, &error),
             error);
    placed->buffers[0][1] = place(placed->segment, plain.children[0]->buffers[1], rows * 8);
    placed->buffers[1][1] = place(placed->segment, offsets, (rows + 1) * 4);
    placed->buffers[1][2] = place(placed->segment, plain.children[1]->buffers[2], text_bytes);
    CHECK_OK(cflight_segment_seal(placed->segment, &error), error);
    for (int i = 0; i < 2; i++) {
        placed->columns[i] = (struct ArrowArray){.length = row_count,
                                                 .n_buffers = 2 + i,
                                                 .buffers = placed->buffers[i],
                                                 .release = release_child};
        placed->children[i] = &placed->columns[i];
    }
    *ret_batch = (struct ArrowArray){.length = row_count,
                                     .n_buffers = 1,
                                     .n_children = 2,
                                     .buffers = placed->none,
                                     .children = placed->children,
                                     .release = release_placed,
                                     .private_data = placed};
    plain.release(&plain);
}

/* ---- a server whose batches are in segments ---- */

static cflight_status get_placed(void *user_data, cflight_server_context *context,
                                 struct cflight_bytes ticket, cflight_writer *writer,
                                 cflight_error **reterr)
{
    struct ArrowSchema schema;
    int64_t rows = t_number(ticket, "rows", ROWS);
    int64_t batches = t_number(ticket, "batches", 1);
    (void)user_data;
    (void)context;
    t_schema(&schema);
    cflight_status status = cflight_writer_begin(writer, &schema, NULL, reterr);
    schema.release(&schema);
    for (int64_t i = 0; status == CFLIGHT_OK && i < batches; i++) {
        struct ArrowArray batch;
        place_batch(i * rows, rows, &batch);
        status = cflight_writer_write(writer, &batch, NULL, reterr);
        batch.release(&batch);
    }
    return status;
}

static cflight_server *start_placed(void)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    cflight_server *server = NULL;
    cflight_error *error = NULL;
    handlers.do_get = get_placed;
    CHECK_OK(cflight_server_new(unix_location(), &handlers, NULL, &server, &error), error);
    return server;
}

static cflight_client *connect_to(const char *location,
                                  const struct cflight_client_options *options)
{
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cflight_client_new(location, options, &client, &error), error);
    return client;
}

static cflight_reader *begin_get(cflight_client *client, const char *ticket)
{
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cflight_client_do_get(client, t_text(ticket), NULL, &reader, &error), error);
    return reader;
}

/* Reads all and checks each value. Returns the rows. */
static int64_t drain_counting(cflight_reader *reader, int64_t *ret_batches)
{
    int64_t rows = 0;
    *ret_batches = 0;
    for (;;) {
        struct cflight_chunk chunk;
        cflight_error *error = NULL;
        CHECK_OK(cflight_reader_next(reader, &chunk, &error), error);
        if (chunk.is_end) {
            cflight_reader_free(reader);
            return rows;
        }
        t_check_batch(&chunk.batch, rows);
        rows += chunk.batch.length;
        *ret_batches += 1;
        cflight_chunk_release(&chunk);
    }
}

static int64_t drain(cflight_reader *reader)
{
    int64_t batches = 0;
    return drain_counting(reader, &batches);
}

/* ---- tests ---- */

/* Goal: a batch in a sealed segment is handed over as it is, whole, and its memory comes back.
 * Method: batches larger than what a server splits; counters of what was passed, mapped, copied. */
TEST(shares, a_batch_in_a_segment_is_handed_over_in_place)
{
    cflight_server *server = start_placed();
    cflight_client *client = connect_to(unix_location(), NULL);
    struct cfl_share_counters before = cfl_share_counters();
    struct cfl_copy_counters copies_before = cfl_copy_counters();
    assert_int_equal(drain(begin_get(client, "rows=1000000 batches=4")), 4 * SPLIT_OFF_ROWS);
    struct cfl_share_counters after = cfl_share_counters();
    struct cfl_copy_counters copies_after = cfl_copy_counters();
    assert_int_equal(after.passed - before.passed, 4);
    assert_int_equal(after.mapped - before.mapped, 4);
    assert_int_equal(copies_after.sent_copied_bytes, copies_before.sent_copied_bytes);
    assert_int_equal(copies_after.received_copied_bytes, copies_before.received_copied_bytes);
    cflight_client_free(client);
    cflight_server_free(server);
    assert_int_equal(cfl_share_counters().live_bytes, before.live_bytes);
}

/* Goal: batches of ordinary memory, and small ones, go over the socket. Method: counters. */
TEST(shares, other_batches_go_over_the_socket)
{
    struct t_service service;
    struct cfl_share_counters before = cfl_share_counters();
    t_service_start(&service, unix_location(), NULL);
    cflight_client *client = connect_to(unix_location(), NULL);
    assert_int_equal(drain(begin_get(client, "batches=20 rows=100000")), 2000000);
    cflight_client_free(client);
    t_service_stop(&service);
    cflight_server *server = start_placed();
    client = connect_to(unix_location(), NULL);
    assert_int_equal(drain(begin_get(client, "batches=20 rows=100")), 2000);
    cflight_client_free(client);
    cflight_server_free(server);
    assert_int_equal(cfl_share_counters().passed, before.passed);
}

/* Goal: either side can switch it off, and over TCP there is none; batches in segments are then
 * sent as all others, so that peers with a limit of 4 MiB take them. Method: counters, and how many
 * batches come of one. */
TEST(shares, either_side_can_switch_it_off)
{
    struct cfl_share_counters before = cfl_share_counters();
    for (int i = 0; i < 3; i++) {
        struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
        struct cflight_server_options server_options = CFLIGHT_SERVER_OPTIONS_INIT;
        struct cflight_client_options client_options = CFLIGHT_CLIENT_OPTIONS_INIT;
        cflight_server *server = NULL;
        cflight_error *error = NULL;
        handlers.do_get = get_placed;
        server_options.shared_bodies_are_off = i == 0;
        client_options.shared_bodies_are_off = i == 1;
        CHECK_OK(cflight_server_new(i == 2 ? "grpc://localhost:0" : unix_location(), &handlers,
                                    &server_options, &server, &error),
                 error);
        cflight_client *client = connect_to(cflight_server_location(server), &client_options);
        int64_t batches = 0;
        assert_int_equal(drain(begin_get(client, "batches=5 rows=100000")), 500000);
        assert_int_equal(drain_counting(begin_get(client, "rows=1000000"), &batches), 1000000);
        assert_true(batches > 1);
        cflight_client_free(client);
        cflight_server_free(server);
    }
    struct cfl_share_counters after = cfl_share_counters();
    assert_int_equal(after.passed, before.passed);
    assert_int_equal(after.mapped, before.mapped);
}

/* Writes batches of a segment through an exchange that echoes, and checks what comes back. */
static void exchange(cflight_client *client, int64_t batch_count)
{
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD, .cmd = t_text("echo")};
    cflight_writer *writer = NULL;
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    struct ArrowSchema schema;
    t_schema(&schema);
    CHECK_OK(cflight_client_do_exchange(client, &descriptor, NULL, &writer, &reader, &error),
             error);
    CHECK_OK(cflight_writer_begin(writer, &schema, NULL, &error), error);
    schema.release(&schema);
    for (int64_t i = 0; i < batch_count; i++) {
        struct ArrowArray batch;
        struct cflight_chunk chunk;
        place_batch(i, ROWS, &batch);
        CHECK_OK(cflight_writer_write(writer, &batch, NULL, &error), error);
        batch.release(&batch);
        CHECK_OK(cflight_reader_next(reader, &chunk, &error), error);
        assert_true(chunk.has_batch);
        t_check_batch(&chunk.batch, i);
        cflight_chunk_release(&chunk);
    }
    CHECK_OK(cflight_writer_done_writing(writer, &error), error);
    cflight_writer_free(writer);
    cflight_reader_free(reader);
}

/* Goal: a client passes too, once the server has answered. Method: an exchange of batches in
 * segments, which the server sends back from the memory it was passed. */
TEST(shares, a_client_passes_batches_to_its_server)
{
    struct t_service service;
    struct cfl_share_counters before = cfl_share_counters();
    t_service_start(&service, unix_location(), NULL);
    cflight_client *client = connect_to(unix_location(), NULL);
    exchange(client, 10);
    struct cfl_share_counters after = cfl_share_counters();
    assert_true(after.passed - before.passed >= 9); /* the first was too early */
    cflight_client_free(client);
    t_service_stop(&service);
    assert_int_equal(cfl_share_counters().live_bytes, before.live_bytes);
}

/* Goal: a consumer that keeps what it gets is served on, over the socket once the producer's limits
 * are reached; what it keeps outlives connection, client and server. Method: keep 100 batches. */
TEST(shares, a_consumer_may_keep_everything)
{
    enum { KEPT = 100, KEPT_ROWS = 10000 };
    static struct cflight_chunk kept[KEPT];
    cflight_server *server = start_placed();
    cflight_client *client = connect_to(unix_location(), NULL);
    struct cfl_share_counters before = cfl_share_counters();
    cflight_reader *reader = begin_get(client, "rows=10000 batches=100");
    for (int i = 0; i < KEPT; i++) {
        cflight_error *error = NULL;
        CHECK_OK(cflight_reader_next(reader, &kept[i], &error), error);
        assert_true(kept[i].has_batch);
    }
    struct cfl_share_counters after = cfl_share_counters();
    assert_true(after.passed - before.passed >= 64);
    assert_true(after.passed - before.passed < KEPT);
    cflight_reader_free(reader);
    cflight_client_free(client);
    cflight_server_free(server);
    for (int i = 0; i < KEPT; i++) {
        t_check_batch(&kept[i].batch, (int64_t)i * KEPT_ROWS);
        cflight_chunk_release(&kept[i]);
    }
    assert_int_equal(cfl_share_counters().live_bytes, before.live_bytes);
}

/* Goal: what was passed for calls that end early comes back, so that later calls are not sent over
 * the socket for it. Method: give up 50 calls, each with batches that nobody took. */
TEST(shares, calls_that_are_given_up_use_nothing_up)
{
    cflight_server *server = start_placed();
    cflight_client *client = connect_to(unix_location(), NULL);
    for (int i = 0; i < 50; i++) {
        cflight_error *error = NULL;
        struct cflight_chunk chunk;
        cflight_reader *reader = begin_get(client, "rows=10000 batches=10");
        CHECK_OK(cflight_reader_next(reader, &chunk, &error), error);
        cflight_chunk_release(&chunk);
        cflight_reader_free(reader);
    }
    assert_int_equal(drain(begin_get(client, "rows=10000 batches=1")), 10000);
    struct cfl_share_counters before = cfl_share_counters();
    assert_int_equal(drain(begin_get(client, "rows=10000 batches=20")), 200000);
    struct cfl_share_counters after = cfl_share_counters();
    assert_int_equal(after.passed - before.passed, 20);
    cflight_client_free(client);
    cflight_server_free(server);
}

/* Goal: a producer that dies leaves the consumer with what it has. Method: a server in another
 * process, which is killed while the client holds batches. */
TEST(shares, a_producer_may_die)
{
    int ready[2];
    int alive[2];
    (void)unix_location();
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(alive), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char end = 0;
        (void)close(alive[1]);
        (void)start_placed();
        (void)!write(ready[1], "1", 1);
        (void)!read(alive[0], &end, 1); /* until it is killed, or the test is gone */
        _exit(0);
    }
    char byte = 0;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    cflight_client *client = connect_to(unix_location(), NULL);
    struct cfl_share_counters before = cfl_share_counters();
    cflight_reader *reader = begin_get(client, "rows=200000 batches=1000000");
    struct cflight_chunk chunks[3];
    cflight_error *error = NULL;
    for (int i = 0; i < 3; i++) {
        CHECK_OK(cflight_reader_next(reader, &chunks[i], &error), error);
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(cfl_share_counters().mapped - before.mapped, 3);
    cflight_status status = CFLIGHT_OK;
    while (status == CFLIGHT_OK) {
        struct cflight_chunk chunk = {0};
        status = cflight_reader_next(reader, &chunk, &error);
        assert_false(chunk.is_end);
        cflight_chunk_release(&chunk);
    }
    CHECK_STATUS(status, CFLIGHT_UNAVAILABLE);
    cflight_error_free(error);
    cflight_reader_free(reader);
    cflight_client_free(client);
    for (int i = 0; i < 3; i++) {
        t_check_batch(&chunks[i].batch, (int64_t)i * ROWS);
        cflight_chunk_release(&chunks[i]);
    }
    (void)close(ready[0]);
    (void)close(ready[1]);
    (void)close(alive[0]);
    (void)close(alive[1]);
}
