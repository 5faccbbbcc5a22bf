/* SPDX-License-Identifier: Apache-2.0 */
/* The recording users of calls. Served users live in slots that do not move while calls point at
 * them. */
#include "grpc_pair.h"

#include <stdlib.h>

enum { SERVED_MAX = 4096 };

void t_grpc_pair_init(struct t_grpc_pair *pair)
{
    memset(pair, 0, sizeof *pair);
    t_clock_init(&pair->clock);
    pair->limits = cfl_limits_default;
}

static void on_headers(void *user_data, struct cfl_grpc_call *call)
{
    struct t_user *user = user_data;
    assert_ptr_equal(user->call, call);
    user->headers_count++;
}

static cflight_status on_message_begin(void *user_data, struct cfl_grpc_call *call,
                                       uint32_t len_bytes, cflight_error **reterr)
{
    struct t_user *user = user_data;
    assert_ptr_equal(user->call, call);
    if (user->refuse_with != CFLIGHT_OK) {
        return cflight_error_set(reterr, user->refuse_with, "%u bytes are not wanted", len_bytes);
    }
    assert_true(user->begun_count == user->message_count);
    user->lengths[user->begun_count % T_MESSAGES_MAX] = len_bytes;
    user->begun_count++;
    user->in_message_bytes = 0;
    return CFLIGHT_OK;
}

static void place(void *user_data, struct cfl_grpc_call *call, uint8_t **ret_target,
                  size_t *ret_len_bytes, size_t *ret_hint_bytes)
{
    struct t_user *user = user_data;
    assert_ptr_equal(user->call, call);
    if (user->place == NULL) {
        return;
    }
    if (user->in_message_bytes < user->head_bytes) {
        *ret_hint_bytes = user->head_bytes - user->in_message_bytes;
        return;
    }
    uint32_t message_bytes = user->lengths[(user->begun_count - 1) % T_MESSAGES_MAX];
    *ret_target = user->place + (user->in_message_bytes - user->head_bytes);
    *ret_len_bytes = message_bytes - user->in_message_bytes;
}

static void keep(struct t_user *user, const uint8_t *data, size_t len_bytes)
{
    if (user->len_bytes + len_bytes > user->capacity_bytes) {
        user->capacity_bytes = (user->len_bytes + len_bytes) * 2;
        user->bytes = realloc(user->bytes, user->capacity_bytes);
        assert_non_null(user->bytes);
    }
    memcpy(user->bytes + user->len_bytes, data, len_bytes);
    user->len_bytes += len_bytes;
}

static cflight_status on_message_bytes(void *user_data, struct cfl_grpc_call *call,
                                       const uint8_t *data, size_t len_bytes,
                                       cflight_error **reterr)
{
    (void)reterr;
    struct t_user *user = user_data;
    assert_ptr_equal(user->call, call);
    if (user->answers_in_bytes > 0) {
        uint8_t *answer = calloc(1, user->answers_in_bytes);
        t_send(user, answer, user->answers_in_bytes, NULL, 0);
        free(answer);
        cfl_grpc_call_finish(call, CFLIGHT_OK, "", NULL);
    }
    if (user->releases_in_bytes || user->answers_in_bytes > 0) {
        cfl_grpc_call_release(call);
        user->call = NULL;
        return CFLIGHT_OK;
    }
    size_t offset = user->in_message_bytes;
    if (user->place != NULL && offset >= user->head_bytes &&
        data == user->place + (offset - user->head_bytes)) {
        user->placed_bytes += len_bytes;
    } else {
        user->copied_bytes += len_bytes;
        if (user->place != NULL && offset + len_bytes > user->head_bytes) {
            size_t skip_bytes = offset < user->head_bytes ? user->head_bytes - offset : 0;
            memcpy(user->place + (offset + skip_bytes - user->head_bytes), data + skip_bytes,
                   len_bytes - skip_bytes);
        }
    }
    keep(user, data, len_bytes);
    user->in_message_bytes += len_bytes;
    if (!user->is_lazy) {
        cfl_grpc_call_consume(call, len_bytes);
    }
    return CFLIGHT_OK;
}

static cflight_status on_message_end(void *user_data, struct cfl_grpc_call *call,
                                     cflight_error **reterr)
{
    (void)reterr;
    struct t_user *user = user_data;
    assert_ptr_equal(user->call, call);
    assert_int_equal(user->in_message_bytes,
                     user->lengths[(user->begun_count - 1) % T_MESSAGES_MAX]);
    user->message_count++;
    return CFLIGHT_OK;
}

static void on_half_close(void *user_data, struct cfl_grpc_call *call)
{
    struct t_user *user = user_data;
    assert_ptr_equal(user->call, call);
    user->half_close_count++;
}

static void on_end(void *user_data, struct cfl_grpc_call *call)
{
    struct t_user *user = user_data;
    assert_ptr_equal(user->call, call);
    assert_true(cfl_grpc_call_is_over(call));
    assert_int_equal(cfl_grpc_call_unsent_bytes(call), 0);
    user->end_count++;
    if (user->releases_in_end) {
        cfl_grpc_call_release(call);
        user->call = NULL;
    }
}

static cflight_status on_unpacking(void *user_data, struct cfl_grpc_call *call, size_t more_bytes,
                                   uint64_t so_far_bytes, cflight_error **reterr)
{
    struct t_user *user = user_data;
    (void)call;
    (void)so_far_bytes;
    user->lent_bytes += more_bytes;
    if (user->lent_bytes_max > 0 && user->lent_bytes > user->lent_bytes_max) {
        return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "too much is lent");
    }
    return CFLIGHT_OK;
}

static void on_unpacked(void *user_data, struct cfl_grpc_call *call)
{
    struct t_user *user = user_data;
    (void)call;
    user->lent_bytes = 0;
}

const struct cfl_grpc_call_handlers t_user_handlers = {
    .on_unpacking = on_unpacking,
    .on_unpacked = on_unpacked,
    .on_headers = on_headers,
    .on_message_begin = on_message_begin,
    .place = place,
    .on_message_bytes = on_message_bytes,
    .on_message_end = on_message_end,
    .on_half_close = on_half_close,
    .on_end = on_end,
};

static void on_call(void *user_data, struct cfl_grpc_call *call)
{
    struct t_grpc_pair *pair = user_data;
    if (pair->refuses) {
        cfl_grpc_call_finish(call, CFLIGHT_UNIMPLEMENTED, "no such method", NULL);
        cfl_grpc_call_release(call);
        return;
    }
    assert_true(pair->served_count < SERVED_MAX);
    struct t_user *user = &pair->served[pair->served_count++];
    *user = pair->next_served;
    user->pair = pair;
    user->call = call;
    user->is_server = true;
    cfl_grpc_call_accept(call, &t_user_handlers, user);
}

static void on_goaway(void *user_data)
{
    struct t_grpc_pair *pair = user_data;
    pair->goaway_count++;
}

cflight_status t_grpc_pair_open(struct t_grpc_pair *pair, cflight_error **reterr)
{
    static const struct cfl_grpc_conn_handlers SERVER = {.on_call = on_call};
    static const struct cfl_grpc_conn_handlers CLIENT = {.on_goaway = on_goaway};
    pair->served = calloc(SERVED_MAX, sizeof *pair->served);
    assert_non_null(pair->served);
    cflight_status status =
        cfl_grpc_conn_new(pair->alloc, CFL_GRPC_CLIENT, &pair->limits, &pair->clock.clock,
                          &pair->keepalive, &CLIENT, pair, &pair->client, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_grpc_conn_new(pair->alloc, CFL_GRPC_SERVER, &pair->limits, &pair->clock.clock,
                                   NULL, &SERVER, pair, &pair->server, reterr);
    }
    pair->client_end = t_end_grpc(pair->client);
    pair->server_end = t_end_grpc(pair->server);
    return status;
}

void t_user_done(struct t_user *user)
{
    cfl_grpc_call_release(user->call);
    free(user->bytes);
    memset(user, 0, sizeof *user);
}

void t_grpc_pair_done(struct t_grpc_pair *pair)
{
    cfl_grpc_conn_free(pair->client);
    cfl_grpc_conn_free(pair->server);
    for (size_t i = 0; i < pair->served_count; i++) {
        t_user_done(&pair->served[i]);
    }
    free(pair->served);
}

void t_grpc_pair_pump(struct t_grpc_pair *pair, size_t chunk_bytes)
{
    t_pump(&pair->client_end, &pair->server_end, chunk_bytes);
}

cflight_status t_call_with(struct t_grpc_pair *pair, struct t_user *user,
                           const struct cfl_metadata *metadata, int64_t deadline_ns,
                           cflight_error **reterr)
{
    struct cfl_grpc_call_params params = {
        .path = "/arrow.flight.protocol.FlightService/DoExchange",
        .authority = "localhost:1",
        .user_agent = "cflight-test",
        .metadata = metadata,
        .deadline_ns = deadline_ns,
    };
    user->pair = pair;
    return cfl_grpc_call_start(pair->client, &params, &t_user_handlers, user, &user->call, reterr);
}

cflight_status t_call(struct t_grpc_pair *pair, struct t_user *user, cflight_error **reterr)
{
    return t_call_with(pair, user, NULL, CFL_TIME_NEVER, reterr);
}

void t_send(struct t_user *user, const void *head, size_t head_bytes, const void *body,
            size_t body_bytes)
{
    cflight_error *error = NULL;
    struct cfl_pieces pieces;
    cfl_pieces_init(&pieces, NULL);
    (void)cfl_pieces_append(&pieces, body, body_bytes);
    CHECK_OK(cfl_grpc_call_send(user->call, cflight_bytes_make(head, head_bytes), &pieces, &error),
             error);
    cfl_pieces_done(&pieces);
}
