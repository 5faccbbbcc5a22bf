/* SPDX-License-Identifier: Apache-2.0 */
/* Lists, streams, batches and columns, endpoints. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "growth.h"

enum { MESSAGES = 20000, COLUMNS = 1000000, TEXT_BYTES = 64 };

/* A list of so many flights; a unit is a flight. */
void run_flights(int64_t size, struct outcome *outcome)
{
    cflight_client *client = new_client(NULL);
    cflight_error *error = NULL;
    cflight_info_stream *stream = NULL;
    struct cflight_info *info = NULL;
    char criteria[TEXT_BYTES];
    int64_t count = -1;
    (void)snprintf(criteria, sizeof criteria, "%lld", (long long)size);
    measure_begin(outcome);
    must(cflight_client_list_flights(client, cflight_bytes_from_text(criteria), NULL, &stream,
                                     &error),
         error);
    do {
        cflight_info_free(info);
        info = NULL;
        must(cflight_info_stream_next(stream, &info, &error), error);
        count++;
    } while (info != NULL);
    measure_end(outcome, count);
    cflight_info_stream_free(stream);
    cflight_client_free(client);
}

/* Reads to the end. */
static int64_t drain(cflight_reader *reader)
{
    for (int64_t count = 0;; count++) {
        struct cflight_chunk chunk;
        cflight_error *error = NULL;
        must(cflight_reader_next(reader, &chunk, &error), error);
        if (chunk.is_end) {
            return count;
        }
        cflight_chunk_release(&chunk);
    }
}

static int64_t get(cflight_client *client, int64_t column_count, int64_t batch_count)
{
    cflight_error *error = NULL;
    cflight_reader *reader = NULL;
    char ticket[TEXT_BYTES];
    (void)snprintf(ticket, sizeof ticket, "%lld %lld", (long long)column_count,
                   (long long)batch_count);
    must(cflight_client_do_get(client, cflight_bytes_from_text(ticket), NULL, &reader, &error),
         error);
    int64_t count = drain(reader);
    cflight_reader_free(reader);
    return count;
}

/* Batches of so many columns; a unit is a column of a batch. */
void run_columns(int64_t size, struct outcome *outcome)
{
    cflight_client *client = new_client(NULL);
    measure_begin(outcome);
    int64_t count = get(client, size, COLUMNS / size);
    measure_end(outcome, count * size);
    cflight_client_free(client);
}

/* A stream of so many batches of one row and column; a unit is a batch. */
void run_batches(int64_t size, struct outcome *outcome)
{
    cflight_client *client = new_client(NULL);
    measure_begin(outcome);
    int64_t count = get(client, 1, size);
    measure_end(outcome, count);
    cflight_client_free(client);
}

struct exchange {
    cflight_writer *writer;
    cflight_reader *reader;
};

/* A batch there and back. */
static void ping(struct exchange *exchange, const struct batch *batch)
{
    struct cflight_chunk chunk;
    cflight_error *error = NULL;
    must(cflight_writer_write(exchange->writer, &batch->array, NULL, &error), error);
    must(cflight_reader_next(exchange->reader, &chunk, &error), error);
    cflight_chunk_release(&chunk);
}

/* So many streams open on one connection, batches going to and fro on each in turn; a unit is a
 * batch there and back. Memory is that of the streams. */
void run_open_streams(int64_t size, struct outcome *outcome)
{
    cflight_client *client = new_client(NULL);
    struct exchange *exchanges = calloc((size_t)size, sizeof *exchanges);
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
    struct outcome opened = {0};
    struct batch batch;
    cflight_error *error = NULL;
    must_have(exchanges);
    batch_init(&batch, 1);
    measure_begin(&opened);
    for (int64_t i = 0; i < size; i++) {
        must(cflight_client_do_exchange(client, &descriptor, NULL, &exchanges[i].writer,
                                        &exchanges[i].reader, &error),
             error);
        must(cflight_writer_begin(exchanges[i].writer, &batch.schema, NULL, &error), error);
        ping(&exchanges[i], &batch);
    }
    measure_end(&opened, size);
    measure_begin(outcome);
    for (int64_t i = 0; i < MESSAGES; i++) {
        ping(&exchanges[i % size], &batch);
    }
    measure_end(outcome, MESSAGES);
    outcome->client.resident_bytes = opened.client.resident_bytes;
    outcome->server.resident_bytes = opened.server.resident_bytes;
    for (int64_t i = 0; i < size; i++) {
        cflight_writer_free(exchanges[i].writer);
        cflight_reader_free(exchanges[i].reader);
    }
    batch_done(&batch);
    free(exchanges);
    cflight_client_free(client);
}

static void fetch(int64_t size, bool any_order, struct outcome *outcome)
{
    cflight_client *client = new_client(NULL);
    struct cflight_fetch_options options = CFLIGHT_FETCH_OPTIONS_INIT;
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
    struct cflight_info *info = NULL;
    struct ArrowArrayStream stream;
    struct ArrowArray array = {0};
    cflight_error *error = NULL;
    char command[TEXT_BYTES];
    int64_t count = -1;
    (void)snprintf(command, sizeof command, "%lld", (long long)size);
    descriptor.cmd = cflight_bytes_from_text(command);
    options.any_order = any_order;
    measure_begin(outcome);
    must(cflight_client_get_flight_info(client, &descriptor, NULL, &info, &error), error);
    must(cflight_fetch(client, info, &options, &stream, &error), error);
    do {
        if (array.release != NULL) {
            array.release(&array);
        }
        if (stream.get_next(&stream, &array) != 0) {
            (void)fprintf(stderr, "%s\n", stream.get_last_error(&stream));
            exit(1);
        }
        count++;
    } while (array.release != NULL);
    measure_end(outcome, count);
    stream.release(&stream);
    cflight_info_free(info);
    cflight_client_free(client);
}

/* A fetch of so many endpoints; a unit is an endpoint. */
void run_endpoints(int64_t size, struct outcome *outcome)
{
    fetch(size, false, outcome);
}

void run_endpoints_any_order(int64_t size, struct outcome *outcome)
{
    fetch(size, true, outcome);
}
