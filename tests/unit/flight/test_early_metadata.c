/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata that comes before the schema, when the schema is what the reader waits for: it is kept,
 * within limits, and handed out later. */
#include "service.h"
#include "test.h"

enum { MIB = 1 << 20 };

struct hall {
    cflight_server *server;
    cflight_client *client;
    cflight_status status; /* of the handler's question for the schema */
    size_t metadata_count; /* handed out afterwards */
    int64_t row_count;
    struct t_gate asked;
};

static uint8_t zeros[MIB];

/* Asks for the schema, then reads everything. */
static cflight_status ask_first(void *user_data, cflight_server_context *context,
                                const struct cflight_descriptor *descriptor, cflight_reader *reader,
                                cflight_writer *writer, cflight_error **reterr)
{
    struct hall *hall = user_data;
    struct ArrowSchema schema;
    (void)context;
    (void)descriptor;
    (void)writer;
    cflight_status status = cflight_reader_schema(reader, &schema, reterr);
    hall->status = status;
    if (status == CFLIGHT_OK) {
        schema.release(&schema);
    }
    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        struct cflight_chunk chunk;
        status = cflight_reader_next(reader, &chunk, reterr);
        if (status == CFLIGHT_OK) {
            is_end = chunk.is_end;
            hall->metadata_count += chunk.app_metadata != NULL ? 1 : 0;
            hall->row_count += chunk.has_batch ? chunk.batch.length : 0;
            cflight_chunk_release(&chunk);
        }
    }
    t_gate_open(&hall->asked);
    return status;
}

/* Sends `ticket` messages of metadata, of a MiB or of nothing, and no data. */
static cflight_status talk_only(void *user_data, cflight_server_context *context,
                                struct cflight_bytes ticket, cflight_writer *writer,
                                cflight_error **reterr)
{
    int64_t count = t_number(ticket, "count", 0);
    size_t len_bytes = (size_t)t_number(ticket, "bytes", 0);
    cflight_status status = CFLIGHT_OK;
    (void)user_data;
    (void)context;
    for (int64_t i = 0; status == CFLIGHT_OK && i < count; i++) {
        status =
            cflight_writer_write_metadata(writer, cflight_bytes_make(zeros, len_bytes), reterr);
    }
    return status;
}

static void open_hall(struct hall *hall, const struct cflight_server_options *options)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    cflight_error *error = NULL;
    memset(hall, 0, sizeof *hall);
    t_gate_init(&hall->asked);
    handlers.user_data = hall;
    handlers.do_exchange = ask_first;
    handlers.do_get = talk_only;
    CHECK_OK(cflight_server_new("grpc://localhost:0", &handlers, options, &hall->server, &error),
             error);
    CHECK_OK(cflight_client_new(cflight_server_location(hall->server), NULL, &hall->client, &error),
             error);
}

static void close_hall(struct hall *hall)
{
    cflight_client_free(hall->client);
    cflight_server_free(hall->server);
    t_gate_done(&hall->asked);
}

/* Sends `count` messages of metadata, then, if all were taken, a batch of 10 rows. @return what the
 * call ended with */
static cflight_status exchange(struct hall *hall, size_t count, size_t len_bytes,
                               cflight_error **reterr)
{
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
    struct ArrowSchema schema;
    struct ArrowArray batch;
    cflight_writer *writer = NULL;
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    t_schema(&schema);
    t_batch(0, 10, &batch);
    CHECK_OK(cflight_client_do_exchange(hall->client, &descriptor, NULL, &writer, &reader, &error),
             error);
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; status == CFLIGHT_OK && i < count; i++) {
        status = cflight_writer_write_metadata(writer, cflight_bytes_make(zeros, len_bytes), NULL);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_begin(writer, &schema, NULL, NULL);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_write(writer, &batch, NULL, NULL);
    }
    status = cflight_writer_close(writer, reterr); /* tells why, if a write failed */
    cflight_reader_free(reader);
    cflight_writer_free(writer);
    batch.release(&batch);
    schema.release(&schema);
    return status;
}

/* Goal: metadata before the schema is kept up to an amount, and the call that sends more is ended;
 * empty messages count too. Method: the server asks for the schema first. */
TEST(early_metadata, a_server_keeps_so_much_and_no_more)
{
    static const struct {
        size_t count;
        size_t len_bytes;
        cflight_status status;
    } cases[] = {
        {3, MIB, CFLIGHT_OK},
        {1000, 1, CFLIGHT_OK},
        {5, MIB, CFLIGHT_RESOURCE_EXHAUSTED},
        {200, MIB, CFLIGHT_RESOURCE_EXHAUSTED},
        {40000, 1, CFLIGHT_RESOURCE_EXHAUSTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hall hall;
        cflight_error *error = NULL;
        open_hall(&hall, NULL);
        CHECK_STATUS(exchange(&hall, cases[i].count, cases[i].len_bytes, &error), cases[i].status);
        t_gate_wait(&hall.asked);
        CHECK_STATUS(hall.status, cases[i].status);
        if (cases[i].status == CFLIGHT_OK) {
            assert_int_equal(hall.metadata_count, cases[i].count);
            assert_int_equal(hall.row_count, 10);
        } else {
            assert_non_null(strstr(cflight_error_message(error), "before the schema"));
        }
        cflight_error_free(error);
        close_hall(&hall);
    }
}

/* Goal: what is kept counts in the server's budget, and comes back to it whether the call ends well
 * or not. Method: a budget whose share for a caller that is not known yet holds a window, and more
 * calls of either kind, one after the other, than it could keep; then one that no call fits into.
 */
TEST(early_metadata, what_is_kept_counts_among_unread_bytes)
{
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct hall hall;
    options.unread_bytes_max = 256 * MIB; /* of which a connection may have half */
    open_hall(&hall, &options);
    for (int i = 0; i < 50; i++) {
        bool is_too_much = i % 2 == 1;
        CHECK_STATUS(exchange(&hall, is_too_much ? 6 : 3, MIB, NULL),
                     is_too_much ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_OK);
    }
    close_hall(&hall);

    options.unread_bytes_max = 5 * MIB;
    open_hall(&hall, &options);
    hall.status = CFLIGHT_UNAVAILABLE; /* and stays so if the call ends before its handler began */
    cflight_status status = exchange(&hall, 3, MIB, NULL);
    assert_true(status == CFLIGHT_RESOURCE_EXHAUSTED || status == CFLIGHT_UNAVAILABLE);
    close_hall(&hall); /* waits for the handler */
    assert_int_not_equal(hall.status, CFLIGHT_OK);
    assert_int_equal(hall.row_count, 0);
}

/* Goal: a client that waits for a schema keeps no more either. Method: a server that sends metadata
 * only. */
TEST(early_metadata, a_client_keeps_so_much_and_no_more)
{
    static const struct {
        const char *ticket;
        cflight_status status;
    } cases[] = {
        {"count=3 bytes=1048576", CFLIGHT_NOT_FOUND}, /* the stream has no schema */
        {"count=200 bytes=1048576", CFLIGHT_RESOURCE_EXHAUSTED},
        {"count=40000 bytes=1", CFLIGHT_RESOURCE_EXHAUSTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hall hall;
        cflight_reader *reader = NULL;
        cflight_error *error = NULL;
        struct ArrowSchema schema;
        open_hall(&hall, NULL);
        CHECK_OK(cflight_client_do_get(hall.client, cflight_bytes_from_text(cases[i].ticket), NULL,
                                       &reader, &error),
                 error);
        CHECK_STATUS(cflight_reader_schema(reader, &schema, &error), cases[i].status);
        cflight_error_free(error);
        cflight_reader_free(reader);
        close_hall(&hall);
    }
}
