/* SPDX-License-Identifier: Apache-2.0 */
/* Serves one table, which lies in memory, under the ticket "weather":  server_table [LOCATION]
 *
 * Prints where it listens, serves until SIGINT or SIGTERM, and lets running calls end for two
 * seconds. The table is built once, with nanoarrow; nothing of it is copied on its way to the
 * socket. */
#include <signal.h>
#include <stdio.h>

#include <cflight/cflight.h>
#include <nanoarrow/nanoarrow.h>

enum { GRACE_MS = 2000 };

struct table {
    struct ArrowSchema schema;
    struct ArrowArray batch;
};

static ArrowErrorCode table_build(struct table *table, struct ArrowError *why)
{
    static const int64_t STATIONS[] = {10015, 10020, 10022, 10035};
    static const double TEMPERATURES[] = {11.5, 9.25, 0.0, 10.75};
    struct ArrowSchema *schema = &table->schema;
    struct ArrowArray *batch = &table->batch;

    ArrowSchemaInit(schema);
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetTypeStruct(schema, 2));
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetType(schema->children[0], NANOARROW_TYPE_INT64));
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetName(schema->children[0], "station"));
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetType(schema->children[1], NANOARROW_TYPE_DOUBLE));
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetName(schema->children[1], "temperature"));

    NANOARROW_RETURN_NOT_OK(ArrowArrayInitFromSchema(batch, schema, why));
    NANOARROW_RETURN_NOT_OK(ArrowArrayStartAppending(batch));
    for (size_t row = 0; row < sizeof STATIONS / sizeof *STATIONS; row++) {
        NANOARROW_RETURN_NOT_OK(ArrowArrayAppendInt(batch->children[0], STATIONS[row]));
        if (row == 2) {
            NANOARROW_RETURN_NOT_OK(ArrowArrayAppendNull(batch->children[1], 1));
        } else {
            NANOARROW_RETURN_NOT_OK(ArrowArrayAppendDouble(batch->children[1], TEMPERATURES[row]));
        }
        NANOARROW_RETURN_NOT_OK(ArrowArrayFinishElement(batch));
    }
    return ArrowArrayFinishBuildingDefault(batch, why);
}

static cflight_status do_get(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr)
{
    const struct table *table = user_data; /* read by many calls at once, changed by none */
    (void)context;
    if (!cflight_bytes_equal(ticket, cflight_bytes_from_text("weather"))) {
        return cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND, "the only table is 'weather'");
    }
    cflight_status status = cflight_writer_begin(writer, &table->schema, NULL, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_write(writer, &table->batch, NULL, reterr);
    }
    return status;
}

static cflight_status answer_info(const struct table *table,
                                  const struct cflight_descriptor *descriptor,
                                  cflight_response *response, cflight_error **reterr)
{
    cflight_buffer *schema = NULL;
    cflight_status status = cflight_ipc_schema_serialize(&table->schema, &schema, reterr);
    if (status == CFLIGHT_OK) {
        struct cflight_endpoint endpoint = {.ticket = cflight_bytes_from_text("weather")};
        struct cflight_info info = {
            .schema = cflight_buffer_bytes(schema),
            .descriptor = *descriptor,
            .endpoints = &endpoint,
            .endpoint_count = 1,
            .total_records = table->batch.length,
            .total_bytes = -1,
        };
        status = cflight_response_info(response, &info, reterr);
    }
    cflight_buffer_unref(schema);
    return status;
}

static cflight_status get_flight_info(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr)
{
    (void)context;
    return answer_info(user_data, descriptor, response, reterr);
}

static cflight_status list_flights(void *user_data, cflight_server_context *context,
                                   struct cflight_bytes criteria, cflight_response *response,
                                   cflight_error **reterr)
{
    struct cflight_bytes path = cflight_bytes_from_text("weather");
    struct cflight_descriptor descriptor = {
        .type = CFLIGHT_DESCRIPTOR_PATH, .path = &path, .path_count = 1};
    (void)context;
    (void)criteria; /* one table: there is nothing to choose */
    return answer_info(user_data, &descriptor, response, reterr);
}

static void table_release(struct table *table)
{
    if (table->batch.release != NULL) {
        table->batch.release(&table->batch);
    }
    if (table->schema.release != NULL) {
        table->schema.release(&table->schema);
    }
}

int main(int argc, char **argv)
{
    const char *location = argc > 1 ? argv[1] : "grpc://localhost:32010";
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    struct table table = {0};
    struct ArrowError why = {0};
    if (table_build(&table, &why) != NANOARROW_OK) {
        fprintf(stderr, "the table cannot be built: %s\n", why.message);
        table_release(&table);
        return 1;
    }
    handlers.user_data = &table;
    handlers.do_get = do_get;
    handlers.get_flight_info = get_flight_info;
    handlers.list_flights = list_flights;

    /* Blocked before the server makes its threads, so that they inherit it and sigwait() below is
     * the only one to see these signals. */
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);

    cflight_server *server = NULL;
    cflight_error *error = NULL;
    cflight_status status = cflight_server_new(location, &handlers, NULL, &server, &error);
    if (status == CFLIGHT_OK) {
        int received = 0;
        printf("%s\n", cflight_server_location(server));
        (void)fflush(stdout);
        (void)sigwait(&signals, &received);
        cflight_server_shutdown(server, GRACE_MS);
        cflight_server_wait(server);
    } else {
        fprintf(stderr, "%s: %s\n", cflight_status_name(status), cflight_error_message(error));
        cflight_error_free(error);
    }
    cflight_server_free(server);
    table_release(&table);
    return status == CFLIGHT_OK ? 0 : 1;
}
