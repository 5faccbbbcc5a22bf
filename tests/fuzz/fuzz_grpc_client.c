/* SPDX-License-Identifier: Apache-2.0 */
/* A gRPC client connection with a few calls, fed with any bytes a server could send. The first byte
 * chooses how they are cut, the second how much output is taken in between and what the calls do.
 * Every call must end once, with its memory let go. */
#include <stdlib.h>
#include <string.h>

#include "fuzz_grpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

enum { CALL_COUNT = 3, PLACE_BYTES = 4096, BODY_BYTES = 20000 };

struct user {
    struct cfl_grpc_call *call;
    size_t end_count;
    size_t headers_count;
    uint8_t *place;
    size_t filled_bytes;
    uint32_t message_bytes;
    uint8_t *body;
};

static void on_headers(void *user_data, struct cfl_grpc_call *call)
{
    struct user *user = user_data;
    t_fuzz_require(user->call == call && user->end_count == 0);
    t_fuzz_require(++user->headers_count == 1);
}

static cflight_status on_message_begin(void *user_data, struct cfl_grpc_call *call,
                                       uint32_t len_bytes, cflight_error **reterr)
{
    struct user *user = user_data;
    t_fuzz_require(user->call == call && user->end_count == 0 && user->headers_count == 1);
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
    t_fuzz_require(user->call == call && user->end_count == 0);
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
    t_fuzz_require(user->call == call && user->end_count == 0 && len_bytes > 0);
    for (size_t i = 0; i < len_bytes && user->filled_bytes + i < PLACE_BYTES; i++) {
        user->place[user->filled_bytes + i] = data[i];
    }
    user->filled_bytes += len_bytes;
    t_fuzz_require(user->filled_bytes <= user->message_bytes);
    cfl_grpc_call_consume(call, len_bytes);
    return CFLIGHT_OK;
}

static cflight_status on_message_end(void *user_data, struct cfl_grpc_call *call,
                                     cflight_error **reterr)
{
    struct user *user = user_data;
    (void)reterr;
    t_fuzz_require(user->call == call && user->filled_bytes == user->message_bytes);
    return CFLIGHT_OK;
}

static void on_end(void *user_data, struct cfl_grpc_call *call)
{
    struct user *user = user_data;
    t_fuzz_require(user->call == call && ++user->end_count == 1);
    t_fuzz_require(strlen(cfl_grpc_call_message(call)) < SIZE_MAX);
    t_fuzz_require(cfl_grpc_call_status(call) >= 0 && cfl_grpc_call_status(call) <= 16);
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
    t_fuzz_require(user->place != NULL && user->body != NULL);
    t_fuzz_require(cfl_grpc_call_start(conn, &params, &HANDLERS, user, &user->call, NULL) ==
                   CFLIGHT_OK);
    cfl_pieces_init(&pieces, NULL);
    (void)cfl_pieces_append(&pieces, user->body, BODY_BYTES);
    t_fuzz_require(cfl_grpc_call_send(user->call, cflight_bytes_make("head", 4), &pieces, NULL) ==
                   CFLIGHT_OK);
    cfl_pieces_done(&pieces);
    if (kind != 1) {
        t_fuzz_require(cfl_grpc_call_half_close(user->call, NULL) == CFLIGHT_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
    struct user users[CALL_COUNT];
    if (len_bytes < 2) {
        return 0;
    }
    memset(users, 0, sizeof users);
    struct cfl_grpc_conn *conn = t_fuzz_conn_new(CFL_GRPC_CLIENT, NULL);
    for (int i = 0; i < CALL_COUNT; i++) {
        start_call(conn, &users[i], i);
    }
    t_fuzz_conn_run(conn, data, len_bytes);
    for (int i = 0; i < CALL_COUNT; i++) {
        t_fuzz_require(users[i].end_count == 1);
        cfl_grpc_call_release(users[i].call);
        free(users[i].place);
        free(users[i].body);
    }
    return 0;
}
