/* SPDX-License-Identifier: Apache-2.0 */
/* A gRPC server connection fed with any bytes. The first byte chooses how they are cut and the
 * second how much output is taken in between; handlers echo, finish, cancel and release by what the
 * path and the lengths say. Every call must end once, and nothing may be left referenced. */
#include <stdlib.h>
#include <string.h>

#include "fuzz_grpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

enum { PLACE_BYTES = 4096, BODY_BYTES = 100000 };

struct user {
    bool is_over;
    uint8_t *place;
    size_t filled_bytes;
    uint32_t message_bytes;
    uint8_t *body; /* lent to the call */
};

static cflight_status on_message_begin(void *user_data, struct cfl_grpc_call *call,
                                       uint32_t len_bytes, cflight_error **reterr)
{
    struct user *user = user_data;
    (void)call;
    t_fuzz_require(!user->is_over);
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
    (void)call;
    t_fuzz_require(!user->is_over);
    if (user->filled_bytes < 3) {
        *ret_hint_bytes = 3 - user->filled_bytes;
    } else if (user->filled_bytes < PLACE_BYTES) {
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
    t_fuzz_require(!user->is_over && len_bytes > 0);
    for (size_t i = 0; i < len_bytes && user->filled_bytes + i < PLACE_BYTES; i++) {
        user->place[user->filled_bytes + i] = data[i];
    }
    user->filled_bytes += len_bytes;
    t_fuzz_require(user->filled_bytes <= user->message_bytes);
    if (user->message_bytes % 3 != 0) {
        cfl_grpc_call_consume(call, len_bytes);
    }
    return CFLIGHT_OK;
}

static cflight_status on_message_end(void *user_data, struct cfl_grpc_call *call,
                                     cflight_error **reterr)
{
    struct user *user = user_data;
    struct cfl_pieces pieces;
    t_fuzz_require(!user->is_over && user->filled_bytes == user->message_bytes);
    if (user->message_bytes % 7 == 6) {
        cfl_grpc_call_cancel(call, CFLIGHT_CANCELLED, "enough");
        return CFLIGHT_OK;
    }
    cfl_pieces_init(&pieces, NULL);
    (void)cfl_pieces_append(&pieces, user->body, BODY_BYTES);
    cflight_status status = CFLIGHT_OK;
    if (cfl_grpc_call_unsent_bytes(call) < BODY_BYTES) {
        status = cfl_grpc_call_send(call, cflight_bytes_make("head", 4), &pieces, reterr);
    }
    cfl_pieces_done(&pieces);
    return status;
}

static void on_half_close(void *user_data, struct cfl_grpc_call *call)
{
    struct user *user = user_data;
    t_fuzz_require(!user->is_over);
    cfl_grpc_call_finish(call, CFLIGHT_OK, "done", cfl_grpc_call_headers(call));
}

static void on_end(void *user_data, struct cfl_grpc_call *call)
{
    struct user *user = user_data;
    t_fuzz_require(!user->is_over && cfl_grpc_call_is_over(call));
    cfl_grpc_call_release(call);
    user->is_over = true;
    free(user->body);
    free(user->place);
    free(user);
}

static const struct cfl_grpc_call_handlers HANDLERS = {
    .on_message_begin = on_message_begin,
    .place = place,
    .on_message_bytes = on_message_bytes,
    .on_message_end = on_message_end,
    .on_half_close = on_half_close,
    .on_end = on_end,
};

static void on_call(void *user_data, struct cfl_grpc_call *call)
{
    (void)user_data;
    struct user *user = calloc(1, sizeof *user);
    t_fuzz_require(user != NULL);
    user->place = malloc(PLACE_BYTES);
    user->body = calloc(1, BODY_BYTES);
    t_fuzz_require(user->place != NULL && user->body != NULL);
    cfl_grpc_call_accept(call, &HANDLERS, user);
    if (strstr(cfl_grpc_call_path(call), "Fail") != NULL) {
        cfl_grpc_call_finish(call, CFLIGHT_NOT_FOUND, cfl_grpc_call_path(call), NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
    static const struct cfl_grpc_conn_handlers CONN_HANDLERS = {.on_call = on_call};
    if (len_bytes >= 2) {
        t_fuzz_conn_run(t_fuzz_conn_new(CFL_GRPC_SERVER, &CONN_HANDLERS), data, len_bytes);
    }
    return 0;
}
