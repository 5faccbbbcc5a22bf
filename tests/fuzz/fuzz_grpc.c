/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets of both roles share. Thread class: one at a time. */
#include "fuzz_grpc.h"

#include <stdlib.h>
#include <string.h>

enum { VIEWS_MAX = 8 };

uint8_t t_fuzz_sink[T_FUZZ_SINK_BYTES];
static int64_t clock_ns;

static int64_t now(void *user_data)
{
    (void)user_data;
    clock_ns += 1000000;
    return clock_ns;
}

struct cfl_grpc_conn *t_fuzz_conn_new(enum cfl_grpc_role role,
                                      const struct cfl_grpc_conn_handlers *handlers)
{
    static const struct cfl_clock clock = {.now_ns = now};
    struct cfl_limits limits = cfl_limits_default;
    struct cfl_grpc_conn *conn = NULL;
    clock_ns = 0;
    limits.stream_window_bytes = 65536;
    limits.message_bytes_max = 1 << 20;
    limits.metadata_bytes_max = 4096;
    t_fuzz_require(cfl_grpc_conn_new(NULL, role, &limits, &clock, NULL, handlers, NULL, &conn,
                                     NULL) == CFLIGHT_OK);
    return conn;
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void take_output(struct cfl_grpc_conn *conn, size_t max_bytes)
{
    while (max_bytes > 0) {
        struct iovec views[VIEWS_MAX];
        int count = 0;
        size_t taken_bytes = 0;
        if (cfl_grpc_output(conn, views, VIEWS_MAX, &count, NULL) != CFLIGHT_OK || count == 0) {
            return;
        }
        for (int i = 0; i < count && max_bytes > 0; i++) {
            size_t step_bytes = min_size(views[i].iov_len, max_bytes);
            const uint8_t *at = views[i].iov_base;
            for (size_t k = 0; k < step_bytes; k += T_FUZZ_SINK_BYTES) {
                memcpy(t_fuzz_sink, at + k, min_size(step_bytes - k, T_FUZZ_SINK_BYTES));
            }
            taken_bytes += step_bytes;
            max_bytes -= step_bytes;
        }
        cfl_grpc_sent(conn, taken_bytes);
    }
}

static void feed(struct cfl_grpc_conn *conn, const uint8_t *data, size_t len_bytes,
                 size_t chunk_bytes, size_t drain_bytes)
{
    cflight_status status = CFLIGHT_OK;
    for (size_t offset = 0; offset < len_bytes && status == CFLIGHT_OK;) {
        struct iovec target[2];
        int count = 0;
        size_t done_bytes = 0;
        cfl_grpc_input(conn, target, &count);
        for (int i = 0; i < count && done_bytes < chunk_bytes && offset < len_bytes; i++) {
            size_t step_bytes = min_size(len_bytes - offset, target[i].iov_len);
            step_bytes = min_size(step_bytes, chunk_bytes - done_bytes);
            memcpy(target[i].iov_base, data + offset, step_bytes);
            done_bytes += step_bytes;
            offset += step_bytes;
            if (step_bytes < target[i].iov_len) {
                break;
            }
        }
        status = cfl_grpc_received(conn, done_bytes, NULL);
        take_output(conn, drain_bytes);
        if (status == CFLIGHT_OK) {
            status = cfl_grpc_tick(conn, clock_ns, NULL);
        }
    }
}

void t_fuzz_conn_run(struct cfl_grpc_conn *conn, const uint8_t *data, size_t len_bytes)
{
    size_t chunk_bytes = (size_t)data[0] * data[0] + 1;
    size_t drain_bytes = (size_t)data[1] * 256;
    take_output(conn, drain_bytes);
    feed(conn, data + 2, len_bytes - 2, chunk_bytes, drain_bytes);
    if (data[0] % 2 == 1) {
        cfl_grpc_conn_fail(conn, NULL);
        t_fuzz_require(cfl_grpc_call_count(conn) == 0);
    }
    take_output(conn, SIZE_MAX);
    cfl_grpc_conn_free(conn);
}
