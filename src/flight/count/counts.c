/* SPDX-License-Identifier: Apache-2.0 */
/* Names and bounds of what is counted, and the end of a call. Thread class: free. */
#include "flight/count/counts.h"

#include <stddef.h>

#include "base/clock.h"

enum { STATUS_UNKNOWN = 2 };

#define US (CFL_NS_PER_MS / 1000)
#define MS CFL_NS_PER_MS
#define S CFL_NS_PER_S

const int64_t cfl_count_latency_ns[CFL_COUNT_LATENCY_BOUNDS] = {
    100 * US, 250 * US, 500 * US, 1 * MS, 2500 * US, 5 * MS, 10 * MS, 25 * MS, 50 * MS,
    100 * MS, 250 * MS, 500 * MS, 1 * S,  2500 * MS, 5 * S,  10 * S,  60 * S,  300 * S,
};

static const char *const LIMITS[CFL_LIMIT_COUNT] = {
    [CFL_LIMIT_CONNECTIONS] = "connections_max",
    [CFL_LIMIT_ADDRESS] = "connections_per_address_max",
    [CFL_LIMIT_QUEUE] = "queue_max",
    [CFL_LIMIT_WAITING] = "waiting_max",
    [CFL_LIMIT_UNREAD_BYTES] = "unread_bytes_max",
    [CFL_LIMIT_MESSAGE_BYTES] = "message_bytes_max",
    [CFL_LIMIT_METADATA_BYTES] = "metadata_bytes_max",
    [CFL_LIMIT_HANDSHAKES] = "handshakes_max",
    [CFL_LIMIT_HANDSHAKE_TIME] = "handshake_ms",
    [CFL_LIMIT_MESSAGE_TIMEOUT] = "message_timeout_ms",
    [CFL_LIMIT_IDLE_TIMEOUT] = "idle_timeout_ms",
    [CFL_LIMIT_CONTENDED_TIMEOUT] = "contended_timeout_ms",
    [CFL_LIMIT_CONNECTION_IDLE] = "connection_idle_ms",
    [CFL_LIMIT_DESCRIPTORS] = "descriptors",
};

static const char *const REFUSALS[CFL_REFUSAL_COUNT] = {
    [CFL_REFUSAL_LIMIT] = "limit",
    [CFL_REFUSAL_DRAINING] = "draining",
    [CFL_REFUSAL_UNKNOWN_METHOD] = "unknown_method",
    [CFL_REFUSAL_MALFORMED] = "malformed",
    [CFL_REFUSAL_MEMORY] = "memory",
};

const char *cfl_limit_name(enum cfl_limit limit)
{
    return LIMITS[limit];
}

const char *cfl_refusal_name(enum cfl_refusal refusal)
{
    return REFUSALS[refusal];
}

void cfl_count_handled(struct cfl_method_counts *counts, int status, int64_t duration_ns)
{
    if (counts == NULL) {
        return;
    }
    size_t bucket = 0;
    while (bucket < CFL_COUNT_LATENCY_BOUNDS && duration_ns > cfl_count_latency_ns[bucket]) {
        bucket++;
    }
    bool is_known = status >= 0 && status < CFL_COUNT_STATUSES;
    CFL_COUNT(counts, latency[bucket], 1);
    CFL_COUNT(counts, latency_ns, duration_ns < 0 ? 0 : duration_ns);
    CFL_COUNT(counts, handled[is_known ? status : STATUS_UNKNOWN], 1);
}
