/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of one process to one server: what they cost, what is done beside idle ones,
 * and deadlines that pass. */
#include <stdlib.h>
#include <time.h>

#include "growth.h"

enum { CALLS = 5000, PING_MS = 1000, PING_ROUNDS = 3, CALL_MS = 2000, SETTLING_MS = 200 };

static cflight_client **connect_many(int64_t count, const struct cflight_client_options *options)
{
    cflight_client **clients = calloc((size_t)count, sizeof(cflight_client *));
    must_have(clients);
    for (int64_t i = 0; i < count; i++) {
        clients[i] = new_client(options);
    }
    return clients;
}

static void disconnect(cflight_client **clients, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        cflight_client_free(clients[i]);
    }
    free(clients);
}

static cflight_status call(cflight_client *client, const struct cflight_call_options *options,
                           cflight_error **reterr)
{
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                            .cmd = cflight_bytes_from_text("0")};
    struct cflight_info *info = NULL;
    cflight_status status =
        cflight_client_get_flight_info(client, &descriptor, options, &info, reterr);
    cflight_info_free(info);
    return status;
}

/* Connects so many, which then idle; a unit is a connection. */
void run_connections(int64_t size, struct outcome *outcome)
{
    cflight_client *first = new_client(NULL);
    measure_begin(outcome);
    cflight_client **clients = connect_many(size, NULL);
    measure_end(outcome, size);
    disconnect(clients, size);
    cflight_client_free(first);
}

/* Calls on one connection beside so many that idle; a unit is a call. */
void run_beside_connections(int64_t size, struct outcome *outcome)
{
    cflight_client **clients = connect_many(size, NULL);
    cflight_error *error = NULL;
    must(call(clients[0], NULL, &error), error);
    measure_begin(outcome);
    for (int64_t i = 0; i < CALLS; i++) {
        must(call(clients[0], NULL, &error), error);
    }
    measure_end(outcome, CALLS);
    disconnect(clients, size);
}

/* So many idle connections of which each sends a ping a second; a unit is a ping, which is a
 * deadline that passed. */
void run_deadlines(int64_t size, struct outcome *outcome)
{
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct timespec rounds = {.tv_sec = PING_ROUNDS * PING_MS / 1000};
    options.keepalive_interval_ms = PING_MS;
    options.keepalive_without_calls = true;
    options.keepalive_is_agreed = true;
    cflight_client **clients = connect_many(size, &options);
    measure_begin(outcome);
    (void)nanosleep(&rounds, NULL);
    measure_end(outcome, size * PING_ROUNDS);
    disconnect(clients, size);
}

struct waiting {
    cflight_writer *writer;
    cflight_reader *reader;
};

/* A call whose handler waits for what never comes. */
static void begin_waiting(cflight_client *client, const struct cflight_call_options *options,
                          const struct ArrowSchema *schema, struct waiting *waiting)
{
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
    cflight_error *error = NULL;
    must(cflight_client_do_exchange(client, &descriptor, options, &waiting->writer,
                                    &waiting->reader, &error),
         error);
    must(cflight_writer_begin(waiting->writer, schema, NULL, &error), error);
}

static void end_waiting(struct waiting *waiting)
{
    struct cflight_chunk chunk;
    cflight_error *error = NULL;
    if (cflight_reader_next(waiting->reader, &chunk, &error) != CFLIGHT_DEADLINE_EXCEEDED) {
        must_have(NULL);
    }
    cflight_error_free(error);
    cflight_writer_free(waiting->writer);
    cflight_reader_free(waiting->reader);
}

/* So many connections, on each a call that waits at both ends until its deadline passes; a unit is
 * a call. */
void run_call_deadlines(int64_t size, struct outcome *outcome)
{
    cflight_client **clients = connect_many(size, NULL);
    struct waiting *calls = calloc((size_t)size, sizeof *calls);
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    struct timespec rest = {.tv_nsec = SETTLING_MS * 1000000};
    struct batch batch;
    must_have(calls);
    batch_init(&batch, 1);
    options.timeout_ms = CALL_MS;
    measure_begin(outcome);
    for (int64_t i = 0; i < size; i++) {
        begin_waiting(clients[i], &options, &batch.schema, &calls[i]);
    }
    for (int64_t i = 0; i < size; i++) {
        end_waiting(&calls[i]);
    }
    (void)nanosleep(&rest, NULL);
    measure_end(outcome, size);
    batch_done(&batch);
    free(calls);
    disconnect(clients, size);
}
