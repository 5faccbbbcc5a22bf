/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of the measurements. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "growth.h"
#include "handlers.h"

enum { TICKET_BYTES = 64 };

/* A stream that was handed over: a batch again and again. */
struct sending {
    struct batch batch;
    int64_t left_count;
};

static cflight_status next(void *user_data, struct cflight_chunk *ret_chunk, cflight_error **reterr)
{
    struct sending *sending = user_data;
    (void)reterr;
    ret_chunk->is_end = sending->left_count == 0;
    ret_chunk->has_batch = !ret_chunk->is_end;
    if (ret_chunk->has_batch) {
        ret_chunk->batch = sending->batch.array;
        sending->left_count--;
    }
    return CFLIGHT_OK;
}

static void end(void *user_data)
{
    struct sending *sending = user_data;
    batch_done(&sending->batch);
    free(sending);
}

/* The ticket is "COLUMNS BATCHES". */
static cflight_status do_get(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr)
{
    long long column_count = 0;
    long long batch_count = 0;
    char text[TICKET_BYTES];
    struct cflight_source source = CFLIGHT_SOURCE_INIT;
    struct sending *sending = calloc(1, sizeof *sending);
    (void)user_data;
    (void)context;
    must_have(sending);
    (void)snprintf(text, sizeof text, "%.*s", (int)ticket.len_bytes, (const char *)ticket.data);
    (void)sscanf(text, "%lld %lld", &column_count, &batch_count);
    batch_init(&sending->batch, column_count);
    sending->left_count = batch_count;
    source.user_data = sending;
    source.next = next;
    source.release = end;
    cflight_status status = cflight_writer_begin(writer, &sending->batch.schema, NULL, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_hand_over(writer, &source, reterr);
    }
    if (status != CFLIGHT_OK) {
        end(sending);
    }
    return status;
}

/* The command is the number of endpoints, each with one batch of one column. */
static cflight_status get_flight_info(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr)
{
    char text[TICKET_BYTES];
    (void)user_data;
    (void)context;
    (void)snprintf(text, sizeof text, "%.*s", (int)descriptor->cmd.len_bytes,
                   (const char *)descriptor->cmd.data);
    size_t count = (size_t)strtoull(text, NULL, 10);
    struct cflight_endpoint *endpoints = calloc(count + 1, sizeof *endpoints);
    must_have(endpoints);
    for (size_t i = 0; i < count; i++) {
        endpoints[i].ticket = cflight_bytes_from_text("1 1");
    }
    struct cflight_info info = {.descriptor = *descriptor,
                                .endpoints = endpoints,
                                .endpoint_count = count,
                                .total_records = -1,
                                .total_bytes = -1};
    cflight_status status = cflight_response_info(response, &info, reterr);
    free(endpoints);
    return status;
}

/* The criteria are the number of flights. */
static cflight_status list_flights(void *user_data, cflight_server_context *context,
                                   struct cflight_bytes criteria, cflight_response *response,
                                   cflight_error **reterr)
{
    char text[TICKET_BYTES];
    cflight_buffer *schema = NULL;
    struct batch batch;
    (void)user_data;
    (void)context;
    (void)snprintf(text, sizeof text, "%.*s", (int)criteria.len_bytes, (const char *)criteria.data);
    batch_init(&batch, 4);
    cflight_status status = cflight_ipc_schema_serialize(&batch.schema, &schema, reterr);
    for (int64_t left = strtoll(text, NULL, 10); left > 0 && status == CFLIGHT_OK; left--) {
        struct cflight_bytes path = cflight_bytes_from_text("one of many flights");
        struct cflight_endpoint endpoint = {.ticket = path};
        struct cflight_info info = {
            .schema = cflight_buffer_bytes(schema),
            .descriptor = {.type = CFLIGHT_DESCRIPTOR_PATH, .path = &path, .path_count = 1},
            .endpoints = &endpoint,
            .endpoint_count = 1,
            .total_records = -1,
            .total_bytes = -1};
        status = cflight_response_info(response, &info, reterr);
    }
    cflight_buffer_unref(schema);
    batch_done(&batch);
    return status;
}

void serve(int in_fd, int out_fd)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    cflight_server *server = NULL;
    cflight_error *error = NULL;
    char byte = 0;
    handlers.do_get = do_get;
    handlers.do_exchange = echo_exchange;
    handlers.get_flight_info = get_flight_info;
    handlers.list_flights = list_flights;
    options.connections_max = 11000;
    options.calls_per_connection_max = 2000;
    options.queue_max = 20000;
    must(cflight_server_new("grpc://127.0.0.1:0", &handlers, &options, &server, &error), error);
    const char *location = cflight_server_location(server);
    if (write(out_fd, location, strlen(location) + 1) < 0) {
        return;
    }
    while (read(in_fd, &byte, 1) > 0) {
        struct usage usage = usage_now();
        if (write(out_fd, &usage, sizeof usage) != (ssize_t)sizeof usage) {
            break;
        }
    }
}
