/* SPDX-License-Identifier: Apache-2.0 */
/* Options that mean the same at both ends of a connection, and their defaults (cflight/client.h,
 * cflight/server.h). Thread class: free. */
#include "flight/call/connection_options.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"

enum {
    DEFAULT_KEEPALIVE_TIMEOUT_MS = 20000,
    DEFAULT_POOL_BYTES = 64 << 20,
};

void cfl_connection_limits(const struct cfl_connection_options *options,
                           struct cfl_limits *ret_limits)
{
    *ret_limits = cfl_limits_default;
    if (options->metadata_bytes_max > 0) {
        ret_limits->metadata_bytes_max = options->metadata_bytes_max;
    }
    if (options->stream_window_bytes > 0) {
        ret_limits->stream_window_bytes = options->stream_window_bytes;
    }
    if (options->shared_bodies_are_off) {
        ret_limits->shared_bytes_max = 0;
    }
}

void cfl_connection_keepalive(const struct cfl_connection_options *options,
                              struct cfl_grpc_keepalive *ret_keepalive)
{
    int64_t timeout_ms = options->keepalive_timeout_ms > 0 ? options->keepalive_timeout_ms
                                                           : DEFAULT_KEEPALIVE_TIMEOUT_MS;
    memset(ret_keepalive, 0, sizeof *ret_keepalive);
    if (options->keepalive_interval_ms > 0) {
        ret_keepalive->interval_ns = cfl_duration_from_ms(options->keepalive_interval_ms);
        ret_keepalive->timeout_ns = cfl_duration_from_ms(timeout_ms);
    }
}

cflight_status cfl_connection_pool_new(const struct cflight_allocator *alloc, uint64_t bytes_max,
                                       struct cfl_pool **ret_pool, cflight_error **reterr)
{
    *ret_pool = cfl_pool_new(alloc, bytes_max > 0 ? (size_t)bytes_max : DEFAULT_POOL_BYTES);
    return *ret_pool == NULL ? cfl_error_no_memory(reterr) : CFLIGHT_OK;
}
