/* SPDX-License-Identifier: Apache-2.0 */
/* alignment: the buffers of what was read lie where values of their type may lie. cflight reads
 * into aligned memory by itself, so the client needs no option for it. Thread class: free. */
#include <string.h>

#include "integration/info.h"
#include "integration/scenario.h"

enum { COLUMN_COUNT = 3, ROW_COUNT = 3 };

static const int32_t INTS[ROW_COUNT] = {1, 2, 3};
static const int64_t LONGS[ROW_COUNT] = {1, 2, 3};
static const uint8_t BOOLS[1] = {0x02}; /* false, true, false */

/* The table, as views of the constants. Lives on the stack and must not move. */
struct table {
    struct ArrowSchema fields[COLUMN_COUNT];
    struct ArrowSchema *field_list[COLUMN_COUNT];
    struct ArrowSchema schema;
    struct ArrowArray columns[COLUMN_COUNT];
    struct ArrowArray *column_list[COLUMN_COUNT];
    const void *buffers[COLUMN_COUNT][2];
    const void *no_buffer[1];
    struct ArrowArray batch;
};

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static void table_init(struct table *table)
{
    static const char *const NAMES[COLUMN_COUNT] = {"int32", "int64", "bool"};
    static const char *const FORMATS[COLUMN_COUNT] = {"i", "l", "b"};
    const void *const values[COLUMN_COUNT] = {INTS, LONGS, BOOLS};

    memset(table, 0, sizeof *table);
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        table->fields[i].name = NAMES[i];
        table->fields[i].format = FORMATS[i];
        table->fields[i].release = release_schema;
        table->field_list[i] = &table->fields[i];
        table->buffers[i][1] = values[i];
        table->columns[i].length = ROW_COUNT;
        table->columns[i].n_buffers = 2;
        table->columns[i].buffers = table->buffers[i];
        table->columns[i].release = release_array;
        table->column_list[i] = &table->columns[i];
    }
    table->schema.format = "+s";
    table->schema.n_children = COLUMN_COUNT;
    table->schema.children = table->field_list;
    table->schema.release = release_schema;
    table->batch.length = ROW_COUNT;
    table->batch.n_buffers = 1;
    table->batch.buffers = table->no_buffer;
    table->batch.n_children = COLUMN_COUNT;
    table->batch.children = table->column_list;
    table->batch.release = release_array;
}

static cflight_status get_flight_info(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr)
{
    struct cflight_endpoint endpoint = {.ticket = cflight_bytes_from_text("align-data")};
    struct cflight_info info = {.descriptor = *descriptor,
                                .endpoints = &endpoint,
                                .endpoint_count = 1,
                                .total_records = -1,
                                .total_bytes = -1};
    struct table table;

    (void)user_data;
    (void)context;
    if (!itg_is_command(descriptor, "alignment")) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "expected the command 'alignment'");
    }
    table_init(&table);
    return itg_respond_info(response, &table.schema, &info, reterr);
}

static cflight_status do_get(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr)
{
    struct table table;

    (void)user_data;
    (void)context;
    if (!cflight_bytes_equal(ticket, cflight_bytes_from_text("align-data"))) {
        return cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND, "no flight has this ticket");
    }
    table_init(&table);
    cflight_status status = cflight_writer_begin(writer, &table.schema, NULL, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_write(writer, &table.batch, NULL, reterr);
    }
    return status;
}

static cflight_status make_service(struct itg_service *service, cflight_error **reterr)
{
    (void)reterr;
    service->handlers.get_flight_info = get_flight_info;
    service->handlers.do_get = do_get;
    return CFLIGHT_OK;
}

static cflight_status check_batch(const struct ArrowArray *batch, cflight_error **reterr)
{
    static const uintptr_t ALIGNMENTS[COLUMN_COUNT] = {sizeof(int32_t), sizeof(int64_t), 1};
    struct table table;
    bool is_equal = false;

    table_init(&table);
    cflight_status status =
        cflight_array_equal(&table.schema, &table.batch, batch, &is_equal, reterr);
    if (status == CFLIGHT_OK && !is_equal) {
        status = cflight_error_set_message(reterr, ITG_MISMATCH, "the data is other than expected");
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < COLUMN_COUNT; i++) {
        if ((uintptr_t)batch->children[i]->buffers[1] % ALIGNMENTS[i] != 0) {
            status = cflight_error_set(reterr, ITG_MISMATCH, "column %zu is not aligned", i);
        }
    }
    return status;
}

static cflight_status check_endpoint(cflight_client *client,
                                     const struct cflight_endpoint *endpoint,
                                     cflight_error **reterr)
{
    cflight_reader *reader = NULL;
    size_t batch_count = 0;

    cflight_status status = cflight_client_do_get(client, endpoint->ticket, NULL, &reader, reterr);
    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        struct cflight_chunk chunk;
        status = cflight_reader_next(reader, &chunk, reterr);
        if (status == CFLIGHT_OK) {
            is_end = chunk.is_end;
            if (chunk.has_batch) {
                batch_count++;
                status = check_batch(&chunk.batch, reterr);
            }
            cflight_chunk_release(&chunk);
        }
    }
    if (status == CFLIGHT_OK && batch_count != 1) {
        status =
            cflight_error_set(reterr, ITG_MISMATCH, "%zu batches came, expected one", batch_count);
    }
    cflight_reader_free(reader);
    return status;
}

static cflight_status run_client(const struct itg_target *target, cflight_error **reterr)
{
    cflight_client *client = NULL;
    struct cflight_info *info = NULL;

    cflight_status status =
        itg_client_and_info(target->location, "alignment", &client, &info, reterr);
    if (status == CFLIGHT_OK && info->endpoint_count == 0) {
        status = cflight_error_set_message(reterr, ITG_MISMATCH, "the info has no endpoint");
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < info->endpoint_count; i++) {
        status = check_endpoint(client, &info->endpoints[i], reterr);
    }
    cflight_info_free(info);
    cflight_client_free(client);
    return status;
}

const struct itg_scenario itg_alignment = {"alignment", make_service, run_client};
