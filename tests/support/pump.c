/* SPDX-License-Identifier: Apache-2.0 */
/* The pump between two ends. Bytes are copied through a flat buffer, so that an end never sees the
 * other's memory and a view that is used after its time is found by AddressSanitizer. Thread class:
 * one at a time. */
#include "pump.h"

#include <stdio.h>
#include <stdlib.h>

enum { VIEWS_MAX = 16 };

static void h2_input(void *object, struct iovec target[2], int *ret_count)
{
    cfl_h2_input(object, target, ret_count);
}

static cflight_status h2_received(void *object, size_t len_bytes, cflight_error **reterr)
{
    return cfl_h2_received(object, len_bytes, reterr);
}

static cflight_status h2_output(void *object, struct iovec *ret_views, int max_count,
                                int *ret_count, cflight_error **reterr)
{
    return cfl_h2_output(object, ret_views, max_count, ret_count, reterr);
}

static void h2_sent(void *object, size_t len_bytes)
{
    cfl_h2_sent(object, len_bytes);
}

static void grpc_input(void *object, struct iovec target[2], int *ret_count)
{
    cfl_grpc_input(object, target, ret_count);
}

static cflight_status grpc_received(void *object, size_t len_bytes, cflight_error **reterr)
{
    return cfl_grpc_received(object, len_bytes, reterr);
}

static cflight_status grpc_output(void *object, struct iovec *ret_views, int max_count,
                                  int *ret_count, cflight_error **reterr)
{
    return cfl_grpc_output(object, ret_views, max_count, ret_count, reterr);
}

static void grpc_sent(void *object, size_t len_bytes)
{
    cfl_grpc_sent(object, len_bytes);
}

struct t_end t_end_h2(struct cfl_h2_session *session)
{
    struct t_end end = {.object = session,
                        .input = h2_input,
                        .received = h2_received,
                        .output = h2_output,
                        .sent = h2_sent};
    return end;
}

struct t_end t_end_grpc(struct cfl_grpc_conn *conn)
{
    struct t_end end = {.object = conn,
                        .input = grpc_input,
                        .received = grpc_received,
                        .output = grpc_output,
                        .sent = grpc_sent};
    return end;
}

static void note_failure(struct t_end *end, cflight_status status, cflight_error *error)
{
    if (status != CFLIGHT_OK && end->status == CFLIGHT_OK) {
        end->status = status;
        (void)snprintf(end->text, sizeof end->text, "%s", cflight_error_message(error));
    }
    cflight_error_free(error);
}

void t_feed(struct t_end *end, const void *data, size_t len_bytes, size_t chunk_bytes)
{
    const uint8_t *at = data;
    while (len_bytes > 0) {
        struct iovec target[2];
        int count = 0;
        end->input(end->object, target, &count);
        assert_in_range(count, 1, 2);
        size_t want_bytes = len_bytes < chunk_bytes ? len_bytes : chunk_bytes;
        size_t done_bytes = 0;
        for (int i = 0; i < count && done_bytes < want_bytes; i++) {
            size_t step_bytes = want_bytes - done_bytes;
            step_bytes = step_bytes < target[i].iov_len ? step_bytes : target[i].iov_len;
            memcpy(target[i].iov_base, at + done_bytes, step_bytes);
            done_bytes += step_bytes;
        }
        assert_true(done_bytes > 0);
        cflight_error *error = NULL;
        cflight_status status = end->received(end->object, done_bytes, &error);
        note_failure(end, status, error);
        at += done_bytes;
        len_bytes -= done_bytes;
    }
}

size_t t_drain(struct t_end *end, uint8_t *target, size_t max_bytes)
{
    size_t total_bytes = 0;
    for (;;) {
        struct iovec views[VIEWS_MAX];
        int count = 0;
        cflight_error *error = NULL;
        cflight_status status = end->output(end->object, views, VIEWS_MAX, &count, &error);
        note_failure(end, status, error);
        size_t step_bytes = 0;
        for (int i = 0; i < count && total_bytes < max_bytes; i++) {
            size_t view_bytes = max_bytes - total_bytes;
            view_bytes = view_bytes < views[i].iov_len ? view_bytes : views[i].iov_len;
            memcpy(target + total_bytes, views[i].iov_base, view_bytes);
            total_bytes += view_bytes;
            step_bytes += view_bytes;
        }
        if (step_bytes == 0) {
            return total_bytes;
        }
        end->sent(end->object, step_bytes);
    }
}

size_t t_step(struct t_end *from, struct t_end *to, size_t chunk_bytes)
{
    uint8_t *bytes = malloc(chunk_bytes);
    assert_non_null(bytes);
    size_t len_bytes = t_drain(from, bytes, chunk_bytes);
    t_feed(to, bytes, len_bytes, chunk_bytes);
    free(bytes);
    return len_bytes;
}

void t_pump(struct t_end *a, struct t_end *b, size_t chunk_bytes)
{
    size_t moved_bytes = 0;
    do {
        moved_bytes = t_step(a, b, chunk_bytes);
        moved_bytes += t_step(b, a, chunk_bytes);
    } while (moved_bytes > 0);
}
