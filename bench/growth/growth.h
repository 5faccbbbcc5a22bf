/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_BENCH_GROWTH_H
#define CFLIGHT_BENCH_GROWTH_H

#include <cflight/cflight.h>
#include <stdint.h>

/* Both ends of the measurements of growth. The server is a process of its own. */

/* What a process has used. */
struct usage {
    int64_t processor_ns;
    int64_t resident_bytes;
};

struct usage usage_now(void);

/* Starts a server in a child; threads must not have been made yet. It ends with the caller. */
void peer_start(void);
const char *peer_location(void);
struct usage peer_usage(void);
void peer_stop(void);

/* Runs until standard input's stand-in `fd` ends, answering each byte with a struct usage. */
void serve(int in_fd, int out_fd);

/* What a measurement has come to. Bytes are those of memory that was held at once. */
struct outcome {
    int64_t unit_count;
    struct usage client;
    struct usage server;
    int64_t wall_ns;
};

void measure_begin(struct outcome *outcome);
void measure_end(struct outcome *outcome, int64_t unit_count);

/* Ends the program when a call failed. */
void must(cflight_status status, cflight_error *error);
void must_have(const void *memory);

cflight_client *new_client(const struct cflight_client_options *options);

/* A batch of one row, of `column_count` numbers, that may be used again and again. */
struct batch {
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct ArrowSchema *fields;
    struct ArrowArray *columns;
    struct ArrowSchema **field_places;
    struct ArrowArray **column_places;
};

void batch_init(struct batch *batch, int64_t column_count);
void batch_done(struct batch *batch);

/* The cases. Each measures with `size` of something, and tells per unit of work. */
void run_calls(int64_t size, struct outcome *outcome);
void run_awaited(int64_t size, struct outcome *outcome);
void run_beside_awaited(int64_t size, struct outcome *outcome);
void run_threads(int64_t size, struct outcome *outcome);
void run_open_streams(int64_t size, struct outcome *outcome);
void run_connections(int64_t size, struct outcome *outcome);
void run_deadlines(int64_t size, struct outcome *outcome);
void run_call_deadlines(int64_t size, struct outcome *outcome);
void run_beside_connections(int64_t size, struct outcome *outcome);
void run_flights(int64_t size, struct outcome *outcome);
void run_columns(int64_t size, struct outcome *outcome);
void run_batches(int64_t size, struct outcome *outcome);
void run_endpoints(int64_t size, struct outcome *outcome);
void run_endpoints_any_order(int64_t size, struct outcome *outcome);

#endif /* CFLIGHT_BENCH_GROWTH_H */
