/* SPDX-License-Identifier: Apache-2.0 */
/* A gRPC client connection with a few calls, fed with any bytes a server could send. The first byte
 * chooses how they are cut, the second how much output is taken in between and what the calls do.
 * Every call must end once, with its memory let go. */
#include <stdlib.h>
#include <string.h>

#include "grpc/conn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

enum { CALL_COUNT = 3, PLACE_BYTES = 4096, BODY_BYTES = 20000, VIEWS_MAX = 8 };

struct user {
    struct cfl_grpc_call *call;
    size_t end_count;
    size_t headers_count;
    uint8_t *place;
    size_t filled_bytes;
    uint32_t message_bytes;
    uint8_t *body;
};

static int64_t clock_ns;

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static int64_t now(void *user_data)
{
    (void)user_data;
    clock_ns += 1000000;
    return clock_ns;
}

static void on_headers(void *user_data, struct cfl_grpc_call *call)
{
    struct user *user = user_data;
    require(user->call == call && user->end_count == 0);
    require(++user->headers_count == 1);
}

static cflight_status on_message_begin(void *user_data, struct cfl_grpc_call *call,
                                       uint32_t len_bytes, cflight_error **reterr)
{
    struct user *user = user_data;
    require(user->call == call && user->end_count == 0 && user->headers_count == 1);
    user->message_bytes = len_bytes;
    user->filled_bytes = 0;
    if (len_bytes % 251 == 250) {
        return cflight_error_set_message(reterr, CFLIGHT_OUT_OF_RANGE, "an odd length");
    }
    return CFLIGHT_OK;
}

static void place(void *user_data, struct cfl_grpc_call *call, uint8_t **ret_target,
                  size_t *ret_len_bytes, size_t *ret_hint_bytes)
{
    struct user *user = user_data;
    require(user->call == call && user->end_count == 0);
    *ret_hint_bytes = 1;
    if (user->filled_bytes < PLACE_BYTES) {
        *ret_target = user->place + user->filled_bytes;
        *ret_len_bytes = PLACE_BYTES - user->filled_bytes;
    }
}

static cflight_status on_message_bytes(void *user_data, struct cfl_grpc_call *call,
                                       const uint8_t *data, size_t len_bytes,
                                       cflight_error **reterr)
{
    struct user *user = user_data;
    (void)reterr;
    require(user->call == call && user->end_count == 0 && len_bytes > 0);
    for (size_t i = 0; i < len_bytes && user->filled_bytes + i < PLACE_BYTES; i++) {
        user->place[user->filled_bytes + i] = data[i];
    }
    user->filled_bytes += len_bytes;
    require(user->filled_bytes <= user->message_bytes);
    cfl_grpc_call_consume(call, len_bytes);
    return CFLIGHT_OK;
}

static cflight_status on_message_end(void *user_data, struct cfl_grpc_call *call,
                                     cflight_error **reterr)
{
    struct user *user = user_data;
    (void)reterr;
    require(user->call == call && user->filled_bytes == user->message_bytes);
    return CFLIGHT_OK;
}

static void on_end(void *user_data, struct cfl_grpc_call *call)
{
    struct user *user = user_data;
    require(user->call == call && ++user->end_count == 1);
    require(strlen(cfl_grpc_call_message(call)) < SIZE_MAX);
    require(cfl_grpc_call_status(call) >= 0 && cfl_grpc_call_status(call) <= 16);
    free(user->body);
    user->body = NULL;
}

static const struct cfl_grpc_call_handlers HANDLERS = {
    .on_headers = on_headers,
    .on_message_begin = on_message_begin,
    .place = place,
    .on_message_bytes = on_message_bytes,
    .on_message_end = on_message_end,
    .on_end = on_end,
};

static void start_call(struct cfl_grpc_conn *conn, struct user *user, int kind)
{
    struct cfl_grpc_call_params params = {
        .path = "/a/b", .authority = "x", .deadline_ns = kind == 2 ? 500000000 : CFL_TIME_NEVER};
    struct cfl_pieces pieces;
    user->place = malloc(PLACE_BYTES);
    user->body = calloc(1, BODY_BYTES);
    require(user->place != NULL && user->body != NULL);
    require(cfl_grpc_call_start(conn, &params, &HANDLERS, user, &user->call, NULL) == CFLIGHT_OK);
    cfl_pieces_init(&pieces, NULL);
    (void)cfl_pieces_append(&pieces, user->body, BODY_BYTES);
    require(cfl_grpc_call_send(user->call, cflight_bytes_make("head", 4), &pieces, NULL) ==
            CFLIGHT_OK);
    cfl_pieces_done(&pieces);
    if (kind != 1) {
        require(cfl_grpc_call_half_close(user->call, NULL) == CFLIGHT_OK);
    }
}

static void take_output(struct cfl_grpc_conn *conn, size_t max_bytes)
{
    volatile uint8_t sum = 0;
    while (max_bytes > 0) {
        struct iovec views[VIEWS_MAX];
        int count = 0;
        size_t taken_bytes = 0;
        if (cfl_grpc_output(conn, views, VIEWS_MAX, &count, NULL) != CFLIGHT_OK || count == 0) {
            return;
        }
        for (int i = 0; i < count && max_bytes > 0; i++) {
            size_t step_bytes = views[i].iov_len < max_bytes ? views[i].iov_len : max_bytes;
            const uint8_t *at = views[i].iov_base;
            for (size_t k = 0; k < step_bytes; k++) {
                sum = (uint8_t)(sum + at[k]);
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
            size_t step_bytes = len_bytes - offset;
            step_bytes = step_bytes < target[i].iov_len ? step_bytes : target[i].iov_len;
            step_bytes =
                step_bytes < chunk_bytes - done_bytes ? step_bytes : chunk_bytes - done_bytes;
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
    const struct cfl_clock clock = {.now_ns = now};
    struct cfl_limits limits = cfl_limits_default;
    struct cfl_grpc_conn *conn = NULL;
    struct user users[CALL_COUNT];
    if (len_bytes < 2) {
        return 0;
    }
    clock_ns = 0;
    limits.stream_window_bytes = 65536;
    limits.message_bytes_max = 1 << 20;
    limits.metadata_bytes_max = 4096;
    memset(users, 0, sizeof users);
    require(cfl_grpc_conn_new(NULL, CFL_GRPC_CLIENT, &limits, &clock, NULL, NULL, NULL, &conn,
                              NULL) == CFLIGHT_OK);
    for (int i = 0; i < CALL_COUNT; i++) {
        start_call(conn, &users[i], i);
    }
    take_output(conn, (size_t)data[1] * 256);
    feed(conn, data + 2, len_bytes - 2, (size_t)data[0] * data[0] + 1, (size_t)data[1] * 256);
    if (data[0] % 2 == 1) {
        cfl_grpc_conn_fail(conn, NULL);
    }
    take_output(conn, SIZE_MAX);
    cfl_grpc_conn_free(conn);
    for (int i = 0; i < CALL_COUNT; i++) {
        require(users[i].end_count == 1);
        cfl_grpc_call_release(users[i].call);
        free(users[i].place);
        free(users[i].body);
    }
    return 0;
}
