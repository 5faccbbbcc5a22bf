/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_COUNT_COUNTS_H
#define CFL_FLIGHT_COUNT_COUNTS_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

/* What servers and clients count. The design: docs/internals/services.md.
 *
 * A number is only ever added to, relaxed, by whoever did what it counts: no lock, and no order
 * between numbers. So that threads do not fight for one cache line, a method has several shards; a
 * connection counts in one of them. Who looks adds the shards up. Thread class: free. */

enum {
    CFL_COUNT_SHARDS = 8,
    CFL_COUNT_STATUSES = 17,       /* 0 to 16, those of gRPC */
    CFL_COUNT_LATENCY_BOUNDS = 18, /* and one more bucket for what takes longer */
};

/* Upper bounds of the buckets, in nanoseconds and as text in seconds. */
extern const int64_t cfl_count_latency_ns[CFL_COUNT_LATENCY_BOUNDS];

/* A part of what is counted of one method. */
struct cfl_method_counts {
    alignas(64) atomic_uint_least64_t started;
    atomic_uint_least64_t handled[CFL_COUNT_STATUSES];
    atomic_uint_least64_t latency[CFL_COUNT_LATENCY_BOUNDS + 1];
    atomic_uint_least64_t latency_ns;
    atomic_uint_least64_t messages_sent;
    atomic_uint_least64_t messages_received;
    atomic_uint_least64_t bytes_sent;
    atomic_uint_least64_t bytes_received;
    atomic_uint_least64_t batches_sent;
    atomic_uint_least64_t batches_received;
    atomic_uint_least64_t rows_sent;
    atomic_uint_least64_t rows_received;
    atomic_uint_least64_t window_stalls;
    atomic_uint_least64_t socket_stalls;
};

enum cfl_count_side {
    CFL_COUNT_SERVER,
    CFL_COUNT_CLIENT,
};

/* One method, of all servers or all clients that count together. */
struct cfl_counted_method {
    struct cfl_list node;
    char *service; /* "arrow.flight.protocol.FlightService" */
    char *name;    /* "DoGet" */
    bool client_streams;
    bool server_streams;
    enum cfl_count_side side;
    struct cfl_method_counts shards[CFL_COUNT_SHARDS];
};

/* Limits of a server that can strike. */
enum cfl_limit {
    CFL_LIMIT_CONNECTIONS,
    CFL_LIMIT_ADDRESS,
    CFL_LIMIT_QUEUE,
    CFL_LIMIT_WAITING,
    CFL_LIMIT_UNREAD_BYTES,
    CFL_LIMIT_MESSAGE_BYTES,
    CFL_LIMIT_METADATA_BYTES,
    CFL_LIMIT_HANDSHAKES,
    CFL_LIMIT_HANDSHAKE_TIME, /* TLS, and the first words of HTTP/2 */
    CFL_LIMIT_MESSAGE_TIMEOUT,
    CFL_LIMIT_IDLE_TIMEOUT,
    CFL_LIMIT_CONTENDED_TIMEOUT,
    CFL_LIMIT_CONNECTION_IDLE,
    CFL_LIMIT_DESCRIPTORS,
    CFL_LIMIT_COUNT,
};

/* Why a call was sent away before its handler began. */
enum cfl_refusal {
    CFL_REFUSAL_LIMIT, /* it struck, which is counted by its name too */
    CFL_REFUSAL_DRAINING,
    CFL_REFUSAL_UNKNOWN_METHOD,
    CFL_REFUSAL_MALFORMED,
    CFL_REFUSAL_MEMORY,
    CFL_REFUSAL_COUNT,
};

/* "connections_max"; "limit". */
const char *cfl_limit_name(enum cfl_limit limit);
const char *cfl_refusal_name(enum cfl_refusal refusal);

/* What is not of one method. */
struct cfl_counts {
    alignas(64) atomic_uint_least64_t connections_accepted;
    atomic_uint_least64_t connections_refused;
    atomic_uint_least64_t connections_made;   /* client */
    atomic_uint_least64_t connections_failed; /* client */
    atomic_uint_least64_t calls_resent;       /* client */
    atomic_uint_least64_t limits[CFL_LIMIT_COUNT];
    atomic_uint_least64_t refused[CFL_REFUSAL_COUNT];
    atomic_uint_least32_t next_shard; /* of who begins to count */
};

/* Nothing is counted where the struct is NULL, here and below. */
#define CFL_COUNT(counts, field, amount)                                                           \
    do {                                                                                           \
        if ((counts) != NULL) {                                                                    \
            atomic_fetch_add_explicit(&(counts)->field, (uint64_t)(amount), memory_order_relaxed); \
        }                                                                                          \
    } while (0)

/* The shard for what begins to count. */
static inline unsigned int cfl_count_shard(struct cfl_counts *counts)
{
    return counts == NULL
               ? 0
               : atomic_fetch_add_explicit(&counts->next_shard, 1, memory_order_relaxed) %
                     CFL_COUNT_SHARDS;
}

static inline struct cfl_method_counts *cfl_counts_of(struct cfl_counted_method *method,
                                                      unsigned int shard)
{
    return method == NULL ? NULL : &method->shards[shard];
}

/* The end of a call. */
void cfl_count_handled(struct cfl_method_counts *counts, int status, int64_t duration_ns);

#endif /* CFL_FLIGHT_COUNT_COUNTS_H */
