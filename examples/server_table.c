/* SPDX-License-Identifier: Apache-2.0 */
/* Serves one table, which lies in memory, under the ticket "weather":  server_table [LOCATION]
 *
 * Prints where it listens, serves until SIGINT or SIGTERM, and lets running calls end for two
 * seconds. The table is static, so its arrays have nothing to release; nothing of it is copied on
 * its way to the socket. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <cflight/cflight.h>

enum { ROW_COUNT = 4, COLUMN_COUNT = 2, GRACE_MS = 2000 };

static const int64_t STATIONS[ROW_COUNT] = {10015, 10020, 10022, 10035};
static const double TEMPERATURES[ROW_COUNT] = {11.5, 9.25, 0.0, 10.75};
static const uint8_t TEMPERATURE_IS_KNOWN = 0x0B; /* row 2 is null */

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

/* The table as Arrow sees it: views of the constants above. Lives on the handler's stack. */
struct table {
    struct ArrowSchema fields[COLUMN_COUNT];
    struct ArrowSchema *field_list[COLUMN_COUNT];
    struct ArrowSchema schema;
    struct ArrowArray columns[COLUMN_COUNT];
    struct ArrowArray *column_list[COLUMN_COUNT];
    const void *buffers[COLUMN_COUNT][2];
    const void *no_buffer;
    struct ArrowArray batch;
};

static void table_init(struct table *table)
{
    static const char *const NAMES[COLUMN_COUNT] = {"station", "temperature"};
    static const char *const FORMATS[COLUMN_COUNT] = {"l", "g"}; /* int64, float64 */
    memset(table, 0, sizeof *table);
    table->buffers[0][1] = STATIONS;
    table->buffers[1][0] = &TEMPERATURE_IS_KNOWN;
    table->buffers[1][1] = TEMPERATURES;
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        table->fields[i].name = NAMES[i];
        table->fields[i].format = FORMATS[i];
        table->fields[i].flags = ARROW_FLAG_NULLABLE;
        table->fields[i].release = release_schema;
        table->field_list[i] = &table->fields[i];
        table->columns[i].length = ROW_COUNT;
        table->columns[i].null_count = -1;
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
    table->batch.buffers = &table->no_buffer;
    table->batch.n_children = COLUMN_COUNT;
    table->batch.children = table->column_list;
    table->batch.release = release_array;
}

static cflight_status do_get(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr)
{
    (void)user_data;
    (void)context;
    if (!cflight_bytes_equal(ticket, cflight_bytes_from_text("weather"))) {
        return cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND, "the only table is 'weather'");
    }
    struct table table;
    table_init(&table);
    cflight_status status = cflight_writer_begin(writer, &table.schema, NULL, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_write(writer, &table.batch, NULL, reterr);
    }
    return status;
}

static cflight_status get_flight_info(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr)
{
    const cflight_buffer *schema = user_data;
    (void)context;
    struct cflight_endpoint endpoint = {.ticket = cflight_bytes_from_text("weather")};
    struct cflight_info info = {
        .schema = cflight_buffer_bytes(schema),
        .descriptor = *descriptor,
        .endpoints = &endpoint,
        .endpoint_count = 1,
        .total_records = ROW_COUNT,
        .total_bytes = -1,
    };
    return cflight_response_info(response, &info, reterr);
}

int main(int argc, char **argv)
{
    const char *location = argc > 1 ? argv[1] : "grpc://localhost:32010";
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    handlers.do_get = do_get;
    handlers.get_flight_info = get_flight_info;

    /* Blocked before the server makes its threads, so that they inherit it and sigwait() below is
     * the only one to see these signals. */
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);

    cflight_server *server = NULL;
    cflight_buffer *schema = NULL; /* as GetFlightInfo tells it; the same for every call */
    cflight_error *error = NULL;
    struct table table;
    table_init(&table);
    cflight_status status = cflight_ipc_schema_serialize(&table.schema, &schema, &error);
    if (status == CFLIGHT_OK) {
        handlers.user_data = schema;
        status = cflight_server_new(location, &handlers, NULL, &server, &error);
    }
    if (status != CFLIGHT_OK) {
        fprintf(stderr, "%s: %s\n", cflight_status_name(status), cflight_error_message(error));
        cflight_error_free(error);
        cflight_buffer_unref(schema);
        return 1;
    }
    printf("%s\n", cflight_server_location(server));
    (void)fflush(stdout);

    int received = 0;
    (void)sigwait(&signals, &received);
    cflight_server_shutdown(server, GRACE_MS);
    cflight_server_wait(server);
    cflight_server_free(server);
    cflight_buffer_unref(schema);
    return 0;
}
