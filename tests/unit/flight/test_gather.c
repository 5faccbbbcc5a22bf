/* SPDX-License-Identifier: Apache-2.0 */
/* Small batches that come quickly are sent together, and nobody waits for them
 * (flight/call/call_gather.c). */
#include "base/pieces.h"
#include "service.h"
#include "test.h"

enum { BURST = 40, MANY = 3000, GATE_MS = 30000 };

static const struct cflight_descriptor DESCRIPTOR = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                                     .cmd = {(const uint8_t *)"x", 1}};

struct stage {
    cflight_server *server;
    cflight_client *client;
    struct t_gate gate; /* opened when a whole burst has come */
    bool was_open;      /* the handler of DoGet saw it */
    int64_t rows;       /* that DoPut got */
};

static cflight_status begin(cflight_writer *writer, cflight_error **reterr)
{
    struct ArrowSchema schema;
    t_schema(&schema);
    cflight_status status = cflight_writer_begin(writer, &schema, NULL, reterr);
    schema.release(&schema);
    return status;
}

/* Batches of one row each. */
static cflight_status write_rows(cflight_writer *writer, int64_t first_row, int64_t count,
                                 cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    for (int64_t i = 0; status == CFLIGHT_OK && i < count; i++) {
        struct ArrowArray batch;
        t_batch(first_row + i, 1, &batch);
        status = cflight_writer_write(writer, &batch, NULL, reterr);
        batch.release(&batch);
    }
    return status;
}

/* Reads until `row_max` rows have come, or the end. */
static cflight_status read_rows(cflight_reader *reader, int64_t *rows, int64_t row_max,
                                cflight_error **reterr)
{
    while (*rows < row_max) {
        struct cflight_chunk chunk;
        cflight_status status = cflight_reader_next(reader, &chunk, reterr);
        if (status != CFLIGHT_OK || chunk.is_end) {
            return status;
        }
        t_check_batch(&chunk.batch, *rows);
        *rows += chunk.batch.length;
        cflight_chunk_release(&chunk);
    }
    return CFLIGHT_OK;
}

/* A burst, then nothing until the client has it. */
static cflight_status do_get(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr)
{
    struct stage *stage = user_data;
    (void)context;
    (void)ticket;
    cflight_status status = begin(writer, reterr);
    if (status == CFLIGHT_OK) {
        status = write_rows(writer, 0, BURST, reterr);
    }
    stage->was_open = t_gate_wait_for(&stage->gate, GATE_MS);
    return status;
}

/* Opens the gate when a burst has come, and reads on. */
static cflight_status do_put(void *user_data, cflight_server_context *context,
                             const struct cflight_descriptor *descriptor, cflight_reader *reader,
                             cflight_metadata_writer *writer, cflight_error **reterr)
{
    struct stage *stage = user_data;
    (void)context;
    (void)descriptor;
    (void)writer;
    cflight_status status = read_rows(reader, &stage->rows, BURST, reterr);
    t_gate_open(&stage->gate);
    return status == CFLIGHT_OK ? read_rows(reader, &stage->rows, INT64_MAX, reterr) : status;
}

static cflight_status do_exchange(void *user_data, cflight_server_context *context,
                                  const struct cflight_descriptor *descriptor,
                                  cflight_reader *reader, cflight_writer *writer,
                                  cflight_error **reterr)
{
    cflight_status status = begin(writer, reterr);
    (void)user_data;
    (void)context;
    (void)descriptor;
    while (status == CFLIGHT_OK) {
        struct cflight_chunk chunk;
        status = cflight_reader_next(reader, &chunk, reterr);
        if (status != CFLIGHT_OK || chunk.is_end) {
            break;
        }
        status = cflight_writer_write(writer, &chunk.batch, NULL, reterr);
        cflight_chunk_release(&chunk);
    }
    return status;
}

static void open_stage(struct stage *stage)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    cflight_error *error = NULL;
    memset(stage, 0, sizeof *stage);
    t_gate_init(&stage->gate);
    handlers.user_data = stage;
    handlers.do_get = do_get;
    handlers.do_put = do_put;
    handlers.do_exchange = do_exchange;
    CHECK_OK(cflight_server_new("grpc://127.0.0.1:0", &handlers, NULL, &stage->server, &error),
             error);
    CHECK_OK(
        cflight_client_new(cflight_server_location(stage->server), NULL, &stage->client, &error),
        error);
}

static void close_stage(struct stage *stage)
{
    cflight_client_free(stage->client);
    cflight_server_free(stage->server);
    t_gate_done(&stage->gate);
}

/* Goal: what a handler holds back leaves although the handler does nothing more. Method: it writes
 * a burst and sleeps until the client, which reads until it has all of it, tells it. */
TEST(gather, what_a_handler_holds_back_leaves_by_itself)
{
    struct stage stage;
    cflight_error *error = NULL;
    cflight_reader *reader = NULL;
    int64_t rows = 0;
    open_stage(&stage);
    CHECK_OK(cflight_client_do_get(stage.client, t_text("x"), NULL, &reader, &error), error);
    CHECK_OK(read_rows(reader, &rows, BURST, &error), error);
    t_gate_open(&stage.gate);
    CHECK_OK(read_rows(reader, &rows, INT64_MAX, &error), error);
    assert_int_equal(rows, BURST);
    cflight_reader_free(reader);
    close_stage(&stage);
    assert_true(stage.was_open);
}

/* Goal: the same for a client, whose writer nobody drives. Method: it writes a burst and sleeps
 * until the handler has all of it; again after the connection was left alone. */
TEST(gather, what_a_client_holds_back_leaves_by_itself)
{
    struct stage stage;
    cflight_error *error = NULL;
    cflight_writer *writer = NULL;
    cflight_metadata_reader *metadata = NULL;
    struct ArrowSchema schema;
    open_stage(&stage);
    t_schema(&schema);
    CHECK_OK(
        cflight_client_do_put(stage.client, &DESCRIPTOR, &schema, NULL, &writer, &metadata, &error),
        error);
    schema.release(&schema);
    CHECK_OK(write_rows(writer, 0, BURST, &error), error);
    assert_true(t_gate_wait_for(&stage.gate, GATE_MS));
    CHECK_OK(cflight_writer_close(writer, &error), error);
    cflight_metadata_reader_free(metadata);
    cflight_writer_free(writer);
    close_stage(&stage);
    assert_int_equal(stage.rows, BURST);
}

/* Goal: batches that come quickly are gathered, and come whole and in order. Method: thousands of
 * one row; the counter of copied bytes tells of those that were. */
TEST(gather, quick_batches_are_sent_together)
{
    struct stage stage;
    cflight_error *error = NULL;
    cflight_writer *writer = NULL;
    cflight_metadata_reader *metadata = NULL;
    struct ArrowSchema schema;
    open_stage(&stage);
    t_schema(&schema);
    struct cfl_copy_counters before = cfl_copy_counters();
    CHECK_OK(
        cflight_client_do_put(stage.client, &DESCRIPTOR, &schema, NULL, &writer, &metadata, &error),
        error);
    schema.release(&schema);
    CHECK_OK(write_rows(writer, 0, MANY, &error), error);
    CHECK_OK(cflight_writer_close(writer, &error), error);
    struct cfl_copy_counters after = cfl_copy_counters();
#ifdef __SANITIZE_THREAD__
    assert_true(after.sent_copied_bytes >= before.sent_copied_bytes); /* nothing is quick here */
#else
    assert_true(after.sent_copied_bytes > before.sent_copied_bytes);
#endif
    cflight_metadata_reader_free(metadata);
    cflight_writer_free(writer);
    close_stage(&stage);
    assert_int_equal(stage.rows, MANY);
}

/* Goal: nothing is held back for a peer that answers, because the next answer may depend on it.
 * Method: batches go there and come back, one by one; after the first nothing is copied. */
TEST(gather, nothing_is_held_back_for_a_peer_that_answers)
{
    struct stage stage;
    cflight_error *error = NULL;
    cflight_writer *writer = NULL;
    cflight_reader *reader = NULL;
    struct cfl_copy_counters before = {0};
    int64_t rows = 0;
    open_stage(&stage);
    CHECK_OK(cflight_client_do_exchange(stage.client, &DESCRIPTOR, NULL, &writer, &reader, &error),
             error);
    CHECK_OK(begin(writer, &error), error);
    for (int64_t i = 0; i < MANY; i++) {
        CHECK_OK(write_rows(writer, i, 1, &error), error);
        CHECK_OK(read_rows(reader, &rows, i + 1, &error), error);
        if (i == 0) {
            before = cfl_copy_counters();
        }
    }
    assert_int_equal(cfl_copy_counters().sent_copied_bytes, before.sent_copied_bytes);
    CHECK_OK(cflight_writer_close(writer, &error), error);
    cflight_writer_free(writer);
    cflight_reader_free(reader);
    close_stage(&stage);
    assert_int_equal(rows, MANY);
}
