/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_CONNECTION_OPTIONS_H
#define CFL_FLIGHT_CALL_CONNECTION_OPTIONS_H

#include "base/body.h"
#include "base/limits.h"
#include "grpc/conn.h"

/* What the options of clients and of servers have in common. Zero is the default everywhere. */
struct cfl_connection_options {
    uint32_t metadata_bytes_max;
    uint32_t stream_window_bytes;
    int64_t keepalive_interval_ms; /* 0: no keepalive */
    int64_t keepalive_timeout_ms;
    bool shared_bodies_are_off;
};

/* The default limits but for what the options say. */
void cfl_connection_limits(const struct cfl_connection_options *options,
                           struct cfl_limits *ret_limits);
/* Interval and timeout; the rest is zero. */
void cfl_connection_keepalive(const struct cfl_connection_options *options,
                              struct cfl_grpc_keepalive *ret_keepalive);
/* The memory for message bodies; 0 is the default. */
cflight_status cfl_connection_pool_new(const struct cflight_allocator *alloc, uint64_t bytes_max,
                                       struct cfl_pool **ret_pool, cflight_error **reterr);

#endif /* CFL_FLIGHT_CALL_CONNECTION_OPTIONS_H */
