/* SPDX-License-Identifier: Apache-2.0 */
/* Messages passed on as they are, between a client and a server that know nothing of it. */
#include <stdlib.h>

#include "service.h"
#include "test.h"

/* A server that has nothing of its own and asks another. */
struct relay {
    struct t_service service; /* that other one */
    cflight_client *upstream;
    cflight_server *server;
    cflight_client *client; /* of this one */
    enum cflight_message_check check;
};

struct passing {
    cflight_reader *reader;
    enum cflight_message_check check;
};

static cflight_status next_message(void *user_data, struct cflight_message *ret_message,
                                   cflight_error **reterr)
{
    struct passing *passing = user_data;
    return cflight_reader_next_message(passing->reader, passing->check, ret_message, reterr);
}

static void end_passing(void *user_data)
{
    struct passing *passing = user_data;
    cflight_reader_free(passing->reader);
    free(passing);
}

static cflight_status do_get(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr)
{
    struct relay *relay = user_data;
    struct cflight_source source = CFLIGHT_SOURCE_INIT;
    struct passing *passing = calloc(1, sizeof *passing);
    assert_non_null(passing);
    (void)context;
    passing->check = relay->check;
    source.user_data = passing;
    source.next_message = next_message;
    source.release = end_passing;
    cflight_status status =
        cflight_client_do_get(relay->upstream, ticket, NULL, &passing->reader, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_hand_over(writer, &source, reterr);
    }
    if (status != CFLIGHT_OK) {
        end_passing(passing);
    }
    return status;
}

/* Passes on everything that a reader has. */
static cflight_status pass(cflight_reader *reader, enum cflight_message_check check,
                           cflight_writer *writer, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        struct cflight_message message;
        status = cflight_reader_next_message(reader, check, &message, reterr);
        if (status == CFLIGHT_OK) {
            is_end = message.is_end;
            status = is_end ? CFLIGHT_OK : cflight_writer_write_message(writer, &message, reterr);
            cflight_message_release(&message);
        }
    }
    return status;
}

static cflight_status do_put(void *user_data, cflight_server_context *context,
                             const struct cflight_descriptor *descriptor, cflight_reader *reader,
                             cflight_metadata_writer *metadata, cflight_error **reterr)
{
    struct relay *relay = user_data;
    cflight_writer *writer = NULL;
    cflight_metadata_reader *answers = NULL;
    cflight_buffer *answer = NULL;
    (void)context;
    cflight_status status =
        cflight_client_do_put(relay->upstream, descriptor, NULL, NULL, &writer, &answers, reterr);
    if (status == CFLIGHT_OK) {
        status = pass(reader, relay->check, writer, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_done_writing(writer, reterr);
    }
    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        status = cflight_metadata_reader_next(answers, &answer, reterr);
        is_end = answer == NULL;
        if (status == CFLIGHT_OK && !is_end) {
            status = cflight_metadata_writer_write(metadata, cflight_buffer_bytes(answer), reterr);
            cflight_buffer_unref(answer);
            answer = NULL;
        }
    }
    cflight_metadata_reader_free(answers);
    cflight_writer_free(writer);
    return status;
}

static cflight_status do_exchange(void *user_data, cflight_server_context *context,
                                  const struct cflight_descriptor *descriptor,
                                  cflight_reader *reader, cflight_writer *writer,
                                  cflight_error **reterr)
{
    struct relay *relay = user_data;
    cflight_writer *up = NULL;
    cflight_reader *down = NULL;
    (void)context;
    cflight_status status =
        cflight_client_do_exchange(relay->upstream, descriptor, NULL, &up, &down, reterr);
    if (status == CFLIGHT_OK) {
        status = pass(reader, relay->check, up, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_done_writing(up, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = pass(down, relay->check, writer, reterr);
    }
    cflight_reader_free(down);
    cflight_writer_free(up);
    return status;
}

static void start(struct relay *relay, enum cflight_message_check check)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    cflight_error *error = NULL;
    t_service_start(&relay->service, NULL, NULL);
    relay->check = check;
    relay->upstream = t_client(&relay->service, NULL);
    handlers.user_data = relay;
    handlers.do_get = do_get;
    handlers.do_put = do_put;
    handlers.do_exchange = do_exchange;
    CHECK_OK(cflight_server_new("grpc://localhost:0", &handlers, NULL, &relay->server, &error),
             error);
    CHECK_OK(
        cflight_client_new(cflight_server_location(relay->server), NULL, &relay->client, &error),
        error);
}

static void stop(struct relay *relay)
{
    cflight_client_free(relay->client);
    cflight_server_free(relay->server);
    cflight_client_free(relay->upstream);
    t_service_stop(&relay->service);
}

/* Reads a DoGet through the relay; returns its status. */
static cflight_status get(struct relay *relay, const char *ticket, int64_t *ret_batch_count,
                          cflight_error **reterr)
{
    cflight_reader *reader = NULL;
    int64_t first_row = 0;
    *ret_batch_count = 0;
    CHECK_STATUS(cflight_client_do_get(relay->client, t_text(ticket), NULL, &reader, reterr),
                 CFLIGHT_OK);
    cflight_status status = CFLIGHT_OK;
    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        struct cflight_chunk chunk;
        status = cflight_reader_next(reader, &chunk, reterr);
        if (status != CFLIGHT_OK) {
            break;
        }
        is_end = chunk.is_end;
        if (chunk.has_batch) {
            t_check_batch(&chunk.batch, first_row);
            first_row += chunk.batch.length;
            (*ret_batch_count)++;
        }
        cflight_chunk_release(&chunk);
    }
    cflight_reader_free(reader);
    return status;
}

/* Goal: a client behind a relay sees what the server behind it sends, errors included.
 * Method: each level of checking; small and large batches, none, one that fails on the way. */
TEST(relay, do_get_passes_through)
{
    for (int check = CFLIGHT_MESSAGE_CHECK_HEADER; check <= CFLIGHT_MESSAGE_CHECK_VALUES; check++) {
        struct relay relay;
        int64_t batch_count = 0;
        cflight_error *error = NULL;
        start(&relay, (enum cflight_message_check)check);
        CHECK_OK(get(&relay, "batches=50 rows=10", &batch_count, &error), error);
        assert_int_equal(batch_count, 50);
        CHECK_OK(get(&relay, "batches=5 rows=100000", &batch_count, &error), error);
        assert_int_equal(batch_count, 5);
        CHECK_OK(get(&relay, "batches=0", &batch_count, &error), error);
        assert_int_equal(batch_count, 0);
        CHECK_STATUS(get(&relay, "batches=5 rows=10 fail_after=2 status=11", &batch_count, &error),
                     CFLIGHT_OUT_OF_RANGE);
        assert_int_equal(batch_count, 2);
        assert_true(t_is_text(cflight_error_extra_info(error), "extra"));
        assert_non_null(strstr(cflight_error_message(error), "failed as asked"));
        cflight_error_free(error);
        stop(&relay);
    }
}

/* Goal: uploads pass with their descriptor, and the answers come back.
 * Method: a service that acknowledges every batch. */
TEST(relay, do_put_passes_through)
{
    struct relay relay;
    struct ArrowSchema schema;
    cflight_writer *writer = NULL;
    cflight_metadata_reader *answers = NULL;
    cflight_buffer *answer = NULL;
    cflight_error *error = NULL;
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                            .cmd = t_text("acknowledge")};
    start(&relay, CFLIGHT_MESSAGE_CHECK_HEADER);
    t_schema(&schema);
    CHECK_OK(
        cflight_client_do_put(relay.client, &descriptor, &schema, NULL, &writer, &answers, &error),
        error);
    schema.release(&schema);
    for (int64_t i = 0; i < 3; i++) {
        struct ArrowArray batch;
        t_batch(10 * i, 10, &batch);
        CHECK_OK(cflight_writer_write(writer, &batch, NULL, &error), error);
        batch.release(&batch);
    }
    CHECK_OK(cflight_writer_done_writing(writer, &error), error);
    for (int64_t i = 0; i < 3; i++) {
        CHECK_OK(cflight_metadata_reader_next(answers, &answer, &error), error);
        assert_non_null(answer);
        cflight_buffer_unref(answer);
    }
    CHECK_OK(cflight_writer_close(writer, &error), error);
    assert_int_equal(t_service_read(&relay.service, &relay.service.locked.put_rows), 30);
    cflight_metadata_reader_free(answers);
    cflight_writer_free(writer);
    stop(&relay);
}

/* Goal: exchanges pass in both directions, metadata before the schema and beside batches too.
 * Method: an echo; metadata, a batch with metadata, a batch, metadata. */
TEST(relay, do_exchange_passes_through)
{
    struct relay relay;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    cflight_writer *writer = NULL;
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    struct cflight_bytes with = t_text("with");
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD, .cmd = t_text("echo")};
    start(&relay, CFLIGHT_MESSAGE_CHECK_STRUCTURE);
    CHECK_OK(cflight_client_do_exchange(relay.client, &descriptor, NULL, &writer, &reader, &error),
             error);
    CHECK_OK(cflight_writer_write_metadata(writer, t_text("early"), &error), error);
    t_schema(&schema);
    CHECK_OK(cflight_writer_begin(writer, &schema, NULL, &error), error);
    schema.release(&schema);
    t_batch(0, 10, &batch);
    CHECK_OK(cflight_writer_write(writer, &batch, &with, &error), error);
    batch.release(&batch);
    t_batch(10, 10, &batch);
    CHECK_OK(cflight_writer_write(writer, &batch, NULL, &error), error);
    batch.release(&batch);
    CHECK_OK(cflight_writer_write_metadata(writer, t_text("late"), &error), error);
    CHECK_OK(cflight_writer_done_writing(writer, &error), error);
    static const char *const METADATA[] = {"early", "with", NULL, "late"};
    static const int64_t FIRST_ROWS[] = {-1, 0, 10, -1};
    for (size_t i = 0; i < 4; i++) {
        struct cflight_chunk chunk;
        CHECK_OK(cflight_reader_next(reader, &chunk, &error), error);
        assert_int_equal(chunk.has_batch, FIRST_ROWS[i] >= 0);
        if (chunk.has_batch) {
            t_check_batch(&chunk.batch, FIRST_ROWS[i]);
        }
        assert_true(t_is_text(cflight_buffer_bytes(chunk.app_metadata),
                              METADATA[i] == NULL ? "" : METADATA[i]));
        cflight_chunk_release(&chunk);
    }
    CHECK_OK(cflight_writer_close(writer, &error), error);
    cflight_reader_free(reader);
    cflight_writer_free(writer);
    stop(&relay);
}

/* Goal: the schema may be asked for first, and its message is given all the same, once.
 * Method: a client that reads messages of a service. */
TEST(relay, the_schema_may_be_asked_for_first)
{
    struct t_service service;
    struct ArrowSchema schema;
    struct cflight_message message = {0};
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    CHECK_OK(cflight_client_do_get(client, t_text("batches=2 rows=7"), NULL, &reader, &error),
             error);
    CHECK_OK(cflight_reader_schema(reader, &schema, &error), error);
    schema.release(&schema);
    static const enum cflight_message_kind KINDS[] = {CFLIGHT_MESSAGE_SCHEMA, CFLIGHT_MESSAGE_BATCH,
                                                      CFLIGHT_MESSAGE_BATCH};
    for (size_t i = 0; i < 3; i++) {
        CHECK_OK(
            cflight_reader_next_message(reader, CFLIGHT_MESSAGE_CHECK_VALUES, &message, &error),
            error);
        assert_int_equal(message.kind, KINDS[i]);
        assert_int_equal(message.row_count, i == 0 ? 0 : 7);
        assert_non_null(message.header);
        assert_int_equal(message.body != NULL, i > 0);
        cflight_message_release(&message);
        cflight_message_release(&message);
    }
    CHECK_OK(cflight_reader_next_message(reader, CFLIGHT_MESSAGE_CHECK_VALUES, &message, &error),
             error);
    assert_true(message.is_end);
    assert_int_equal(cflight_reader_stats(reader).message_count, 3);
    cflight_reader_free(reader);
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Goal: a writer takes messages in an order that makes a stream, and says what is wrong with
 * another. Method: data before the schema, two schemas, messages beside batches, a kind without its
 * header, an end. */
TEST(relay, a_writer_refuses_what_makes_no_stream)
{
    struct relay relay;
    struct ArrowSchema schema;
    struct cflight_message first = {0};
    struct cflight_message second = {0};
    struct cflight_message end = {.is_end = true};
    struct cflight_message empty = {.kind = CFLIGHT_MESSAGE_BATCH};
    cflight_reader *reader = NULL;
    cflight_writer *writer = NULL;
    cflight_metadata_reader *answers = NULL;
    cflight_error *error = NULL;
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD, .cmd = t_text("x")};
    start(&relay, CFLIGHT_MESSAGE_CHECK_HEADER);
    CHECK_OK(cflight_client_do_get(relay.upstream, t_text("batches=2"), NULL, &reader, &error),
             error);
    CHECK_OK(cflight_reader_next_message(reader, CFLIGHT_MESSAGE_CHECK_HEADER, &first, &error),
             error);
    CHECK_OK(cflight_reader_next_message(reader, CFLIGHT_MESSAGE_CHECK_HEADER, &second, &error),
             error);
    cflight_reader_free(reader);
    CHECK_OK(
        cflight_client_do_put(relay.upstream, &descriptor, NULL, NULL, &writer, &answers, &error),
        error);
    CHECK_STATUS(cflight_writer_write_message(writer, &second, NULL), CFLIGHT_FAILED_PRECONDITION);
    CHECK_STATUS(cflight_writer_write_message(writer, &end, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_writer_write_message(writer, &empty, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_OK(cflight_writer_write_message(writer, &first, &error), error);
    CHECK_STATUS(cflight_writer_write_message(writer, &first, NULL), CFLIGHT_FAILED_PRECONDITION);
    t_schema(&schema);
    CHECK_STATUS(cflight_writer_begin(writer, &schema, NULL, NULL), CFLIGHT_FAILED_PRECONDITION);
    CHECK_OK(cflight_writer_write_message(writer, &second, &error), error);
    CHECK_OK(cflight_writer_close(writer, &error), error);
    assert_int_equal(cflight_writer_stats(writer).message_count, 2);
    cflight_metadata_reader_free(answers);
    cflight_writer_free(writer);

    CHECK_OK(cflight_client_do_put(relay.upstream, &descriptor, &schema, NULL, &writer, &answers,
                                   &error),
             error);
    CHECK_STATUS(cflight_writer_write_message(writer, &second, NULL), CFLIGHT_FAILED_PRECONDITION);
    CHECK_OK(cflight_writer_close(writer, &error), error);
    cflight_metadata_reader_free(answers);
    cflight_writer_free(writer);
    schema.release(&schema);
    cflight_message_release(&first);
    cflight_message_release(&second);
    stop(&relay);
}

/* Goal: what does not hold together ends at the relay.
 * Method: a body that has another length than its header says. */
TEST(relay, a_damaged_message_is_not_passed_on)
{
    struct relay relay;
    struct cflight_message schema = {0};
    struct cflight_message batch = {0};
    cflight_reader *reader = NULL;
    cflight_writer *writer = NULL;
    cflight_error *error = NULL;
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD, .cmd = t_text("echo")};
    start(&relay, CFLIGHT_MESSAGE_CHECK_HEADER);
    CHECK_OK(cflight_client_do_get(relay.upstream, t_text("batches=1"), NULL, &reader, &error),
             error);
    CHECK_OK(cflight_reader_next_message(reader, CFLIGHT_MESSAGE_CHECK_HEADER, &schema, &error),
             error);
    CHECK_OK(cflight_reader_next_message(reader, CFLIGHT_MESSAGE_CHECK_HEADER, &batch, &error),
             error);
    cflight_reader_free(reader);
    cflight_buffer_unref(batch.body);
    CHECK_OK(cflight_buffer_new_copy(t_text("eight..."), &batch.body, &error), error);
    CHECK_OK(cflight_client_do_exchange(relay.client, &descriptor, NULL, &writer, &reader, &error),
             error);
    CHECK_OK(cflight_writer_write_message(writer, &schema, &error), error);
    CHECK_OK(cflight_writer_write_message(writer, &batch, &error), error);
    CHECK_STATUS(cflight_writer_close(writer, &error), CFLIGHT_DATA_LOSS);
    assert_non_null(strstr(cflight_error_message(error), "body of 8 bytes; its header says"));
    cflight_error_free(error);
    assert_int_equal(t_service_read(&relay.service, &relay.service.locked.put_batches), 0);
    cflight_reader_free(reader);
    cflight_writer_free(writer);
    cflight_message_release(&schema);
    cflight_message_release(&batch);
    stop(&relay);
}
