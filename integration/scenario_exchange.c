/* SPDX-License-Identifier: Apache-2.0 */
/* do_exchange:echo: what is written comes back at once, batch by batch, with its metadata or
 * without. Thread class: free. */
#include "integration/batches.h"
#include "integration/info.h"
#include "integration/numbers.h"
#include "integration/scenario.h"

enum { BATCH_COUNT = 4, ROW_COUNT = 10 };

/* Sends one message back. The schema goes out before the first batch, not earlier. */
static cflight_status echo(const struct cflight_chunk *chunk, cflight_reader *reader,
                           cflight_writer *writer, bool *has_begun, cflight_error **reterr)
{
    struct cflight_bytes metadata = cflight_buffer_bytes(chunk->app_metadata);
    struct ArrowSchema schema;
    cflight_status status = CFLIGHT_OK;

    if (!chunk->has_batch) {
        return cflight_writer_write_metadata(writer, metadata, reterr);
    }
    if (!*has_begun) {
        status = cflight_reader_schema(reader, &schema, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        status = cflight_writer_begin(writer, &schema, NULL, reterr);
        schema.release(&schema);
        *has_begun = true;
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_write(writer, &chunk->batch,
                                      chunk->app_metadata == NULL ? NULL : &metadata, reterr);
    }
    return status;
}

static cflight_status do_exchange(void *user_data, cflight_server_context *context,
                                  const struct cflight_descriptor *descriptor,
                                  cflight_reader *reader, cflight_writer *writer,
                                  cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    bool has_begun = false;

    (void)user_data;
    (void)context;
    if (descriptor->type != CFLIGHT_DESCRIPTOR_CMD) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "expected a descriptor with a command");
    }
    if (!itg_is_command(descriptor, "echo")) {
        return cflight_error_set_message(reterr, CFLIGHT_UNIMPLEMENTED, "unknown command");
    }
    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        struct cflight_chunk chunk;
        status = cflight_reader_next(reader, &chunk, reterr);
        if (status == CFLIGHT_OK) {
            is_end = chunk.is_end;
            if (!is_end) {
                status = echo(&chunk, reader, writer, &has_begun, reterr);
            }
            cflight_chunk_release(&chunk);
        }
    }
    return status;
}

static cflight_status make_service(struct itg_service *service, cflight_error **reterr)
{
    (void)reterr;
    service->handlers.do_exchange = do_exchange;
    return CFLIGHT_OK;
}

static cflight_status check_metadata(const struct cflight_chunk *chunk,
                                     const struct cflight_bytes *expected, int32_t index,
                                     cflight_error **reterr)
{
    if (expected == NULL && chunk->app_metadata != NULL) {
        return cflight_error_set(reterr, ITG_MISMATCH, "batch %d came with metadata", (int)index);
    }
    if (expected != NULL &&
        (chunk->app_metadata == NULL ||
         !cflight_bytes_equal(cflight_buffer_bytes(chunk->app_metadata), *expected))) {
        return cflight_error_set(reterr, ITG_MISMATCH,
                                 "batch %d came without its metadata or with another", (int)index);
    }
    return CFLIGHT_OK;
}

static cflight_status check_batch(const struct cflight_chunk *chunk,
                                  const struct itg_numbers *numbers, int32_t index,
                                  cflight_error **reterr)
{
    bool is_equal = false;

    if (!chunk->has_batch) {
        return cflight_error_set(reterr, ITG_MISMATCH, "batch %d did not come back", (int)index);
    }
    cflight_status status =
        cflight_array_equal(&numbers->schema, &numbers->batch, &chunk->batch, &is_equal, reterr);
    if (status == CFLIGHT_OK && !is_equal) {
        status = cflight_error_set(reterr, ITG_MISMATCH, "batch %d came back changed", (int)index);
    }
    return status;
}

/* Writes batch `index` and reads it back. */
static cflight_status check_echo(cflight_writer *writer, cflight_reader *reader,
                                 struct itg_numbers *numbers, int32_t *values, int32_t index,
                                 cflight_error **reterr)
{
    uint8_t digit = (uint8_t)('0' + index);
    struct cflight_bytes metadata = cflight_bytes_make(&digit, 1);
    const struct cflight_bytes *sent = index % 2 == 0 ? &metadata : NULL;
    struct cflight_chunk chunk;

    for (int32_t row = 0; row < ROW_COUNT; row++) {
        values[row] = index + row;
    }
    cflight_status status = cflight_writer_write(writer, &numbers->batch, sent, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cflight_reader_next(reader, &chunk, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = check_batch(&chunk, numbers, index, reterr);
    if (status == CFLIGHT_OK) {
        status = check_metadata(&chunk, sent, index, reterr);
    }
    cflight_chunk_release(&chunk);
    return status;
}

static cflight_status expect_end(cflight_writer *writer, cflight_reader *reader,
                                 cflight_error **reterr)
{
    struct cflight_chunk chunk;

    cflight_status status = cflight_writer_done_writing(writer, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_reader_next(reader, &chunk, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (!chunk.is_end) {
        status =
            cflight_error_set_message(reterr, ITG_MISMATCH, "something follows the last batch");
    }
    cflight_chunk_release(&chunk);
    return status == CFLIGHT_OK ? cflight_writer_close(writer, reterr) : status;
}

static cflight_status run_client(const struct itg_target *target, cflight_error **reterr)
{
    struct cflight_descriptor descriptor = itg_command("echo");
    cflight_client *client = NULL;
    cflight_writer *writer = NULL;
    cflight_reader *reader = NULL;
    struct itg_numbers numbers;
    int32_t values[ROW_COUNT] = {0};

    itg_numbers_init(&numbers, "x", "i", values, ROW_COUNT);
    cflight_status status = cflight_client_new(target->location, NULL, &client, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_client_do_exchange(client, &descriptor, NULL, &writer, &reader, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_begin(writer, &numbers.schema, NULL, reterr);
    }
    for (int32_t i = 0; status == CFLIGHT_OK && i < BATCH_COUNT; i++) {
        status = check_echo(writer, reader, &numbers, values, i, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = itg_check_schema(reader, &numbers.schema, false, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = expect_end(writer, reader, reterr);
    }
    cflight_reader_free(reader);
    cflight_writer_free(writer);
    cflight_client_free(client);
    return status;
}

const struct itg_scenario itg_do_exchange_echo = {"do_exchange:echo", make_service, run_client};
