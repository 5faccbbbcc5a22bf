/* SPDX-License-Identifier: Apache-2.0 */
/* Calls between two of our own connections: messages, metadata, status, in every chunk size. */
#include <stdlib.h>

#include "grpc_pair.h"

static uint8_t *pattern_new(size_t len_bytes)
{
    uint8_t *bytes = malloc(len_bytes);
    assert_non_null(bytes);
    for (size_t i = 0; i < len_bytes; i++) {
        bytes[i] = (uint8_t)(i * 31 + (i >> 8));
    }
    return bytes;
}

/* Goal: an echo call delivers every byte, the metadata and the status, wherever the bytes are cut.
 * Method: one call with three messages in each direction at chunk sizes from 1 byte up. */
TEST(grpc_calls, echo_works_at_every_chunk_size)
{
    const size_t body_bytes = 3000;
    uint8_t *body = pattern_new(body_bytes);
    const size_t chunks[] = {1, 2, 3, 5, 9, 10, 13, 100, 1000, 16384, 65536, 1 << 20};
    for (size_t c = 0; c < sizeof chunks / sizeof chunks[0]; c++) {
        struct t_grpc_pair pair;
        struct t_user user = {0};
        struct cfl_metadata metadata;
        cflight_error *error = NULL;
        t_grpc_pair_init(&pair);
        cfl_metadata_init(&metadata, NULL);
        CHECK_OK(t_grpc_pair_open(&pair, &error), error);
        CHECK_OK(cfl_metadata_add(&metadata, cflight_bytes_from_text("X-Text"),
                                  cflight_bytes_from_text("hello"), &error),
                 error);
        CHECK_OK(cfl_metadata_add(&metadata, cflight_bytes_from_text("x-raw-bin"),
                                  cflight_bytes_make("\0\1\2\xff", 4), &error),
                 error);
        CHECK_OK(t_call_with(&pair, &user, &metadata, CFL_TIME_NEVER, &error), error);
        t_send(&user, "head", 4, body, body_bytes);
        t_send(&user, NULL, 0, NULL, 0);
        t_send(&user, "tail", 4, NULL, 0);
        CHECK_OK(cfl_grpc_call_half_close(user.call, &error), error);
        t_grpc_pair_pump(&pair, chunks[c]);

        assert_int_equal(pair.served_count, 1);
        struct t_user *served = &pair.served[0];
        assert_int_equal(served->message_count, 3);
        assert_int_equal(served->len_bytes, 4 + body_bytes + 4);
        assert_memory_equal(served->bytes, "head", 4);
        assert_memory_equal(served->bytes + 4, body, body_bytes);
        assert_int_equal(served->half_close_count, 1);
        assert_string_equal(cfl_grpc_call_path(served->call),
                            "/arrow.flight.protocol.FlightService/DoExchange");
        struct cflight_bytes value = {NULL, 0};
        assert_true(cfl_metadata_get(cfl_grpc_call_headers(served->call), "x-raw-bin", &value));
        assert_true(cflight_bytes_equal(value, cflight_bytes_make("\0\1\2\xff", 4)));
        assert_true(cfl_metadata_get(cfl_grpc_call_headers(served->call), "x-text", &value));
        assert_true(cfl_metadata_get(cfl_grpc_call_headers(served->call), "user-agent", &value));
        assert_int_equal(cfl_grpc_call_headers(served->call)->count, 3);

        CHECK_OK(cfl_grpc_call_send_headers(served->call, &metadata, &error), error);
        t_send(served, "again", 5, body, body_bytes);
        cfl_grpc_call_finish(served->call, CFLIGHT_NOT_FOUND, "n\xc3\xb6 such \"thing\" 100%",
                             &metadata);
        assert_false(cfl_grpc_call_is_over(served->call));
        t_grpc_pair_pump(&pair, chunks[c]);
        assert_int_equal(user.headers_count, 1);
        assert_int_equal(user.message_count, 1);
        assert_int_equal(user.len_bytes, 5 + body_bytes);
        assert_int_equal(user.end_count, 1);
        CHECK_STATUS(cfl_grpc_call_status(user.call), CFLIGHT_NOT_FOUND);
        assert_string_equal(cfl_grpc_call_message(user.call), "n\xc3\xb6 such \"thing\" 100%");
        assert_true(cfl_grpc_call_status_is_from_peer(user.call));
        assert_int_equal(cfl_grpc_call_headers(user.call)->count, 2);
        assert_int_equal(cfl_grpc_call_trailers(user.call)->count, 2);
        assert_int_equal(served->end_count, 1);
        assert_false(cfl_grpc_call_is_cancelled(served->call));
        assert_int_equal(cfl_grpc_call_count(pair.client), 0);
        assert_int_equal(cfl_grpc_call_count(pair.server), 0);
        CHECK_STATUS(pair.client_end.status, CFLIGHT_OK);
        CHECK_STATUS(pair.server_end.status, CFLIGHT_OK);

        cfl_metadata_done(&metadata);
        t_user_done(&user);
        t_grpc_pair_done(&pair);
    }
    free(body);
}

/* Goal: messages that are copied one after the other leave as one run of memory, in one frame.
 * Method: three of them, one of them with a body of two pieces; count the views, compare what
 * arrives. */
TEST(grpc_calls, copied_messages_share_a_frame)
{
    struct t_grpc_pair pair;
    struct t_user user = {0};
    cflight_error *error = NULL;
    struct cfl_pieces body;
    struct iovec views[16];
    int view_count = 0;
    t_grpc_pair_init(&pair);
    CHECK_OK(t_grpc_pair_open(&pair, &error), error);
    CHECK_OK(t_call(&pair, &user, &error), error);
    t_grpc_pair_pump(&pair, 1 << 20);
    cfl_pieces_init(&body, NULL);
    assert_true(cfl_pieces_append(&body, "cd", 2));
    assert_true(cfl_pieces_append_zeros(&body, 4));
    for (int i = 0; i < 3; i++) {
        CHECK_OK(
            cfl_grpc_call_send_copy(user.call, t_text("ab"), i == 1 ? &body : NULL, 4096, &error),
            error);
    }
    CHECK_OK(cfl_grpc_output(pair.client, views, 16, &view_count, &error), error);
    assert_int_equal(view_count, 2); /* the header of a frame, and what is in it */
    assert_int_equal(views[1].iov_len, 3 * (5 + 2) + 6);
    assert_memory_equal((const uint8_t *)views[1].iov_base + 7,
                        "\0\0\0\0\x08"
                        "abcd\0\0\0\0",
                        13);
    t_grpc_pair_pump(&pair, 1 << 20);
    assert_int_equal(pair.served[0].message_count, 3);
    assert_int_equal(cfl_grpc_call_unsent_bytes(user.call), 0);
    cfl_pieces_done(&body);
    t_user_done(&user);
    t_grpc_pair_done(&pair);
}

/* Gives a connection what the views hold. Returns how many reads of a socket that is. */
static int read_views(struct cfl_grpc_conn *conn, const struct iovec *views, int view_count)
{
    uint8_t wire[64 << 10];
    size_t wire_bytes = 0;
    int read_count = 0;
    cflight_error *error = NULL;
    for (int i = 0; i < view_count; i++) {
        assert_true(views[i].iov_len <= sizeof wire - wire_bytes);
        memcpy(wire + wire_bytes, views[i].iov_base, views[i].iov_len);
        wire_bytes += views[i].iov_len;
    }
    for (size_t done_bytes = 0; done_bytes < wire_bytes; read_count++) {
        struct iovec target[2];
        int target_count = 0;
        size_t step_bytes = 0;
        cfl_grpc_input(conn, target, &target_count);
        for (int i = 0; i < target_count; i++) {
            size_t left_bytes = wire_bytes - done_bytes - step_bytes;
            size_t part_bytes = target[i].iov_len < left_bytes ? target[i].iov_len : left_bytes;
            memcpy(target[i].iov_base, wire + done_bytes + step_bytes, part_bytes);
            step_bytes += part_bytes;
        }
        CHECK_OK(cfl_grpc_received(conn, step_bytes, &error), error);
        done_bytes += step_bytes;
    }
    return read_count;
}

/* Goal: small messages that share a large frame are read with it, not one by one, and with what
 * follows the frame. Method: twice 36 messages of 1 KiB in a frame; count the reads of the second,
 * after the first has shown what kind of frames these are. */
TEST(grpc_calls, small_messages_of_a_large_frame_are_read_at_once)
{
    static const uint8_t MESSAGE[1024];
    struct t_grpc_pair pair;
    struct t_user user = {0};
    cflight_error *error = NULL;
    int read_count = 0;
    t_grpc_pair_init(&pair);
    CHECK_OK(t_grpc_pair_open(&pair, &error), error);
    CHECK_OK(t_call(&pair, &user, &error), error);
    t_grpc_pair_pump(&pair, 1 << 20);
    for (int round = 0; round < 2; round++) {
        struct iovec views[16];
        int view_count = 0;
        size_t len_bytes = 0;
        for (int i = 0; i < 36; i++) {
            CHECK_OK(cfl_grpc_call_send_copy(user.call, cflight_bytes_make(MESSAGE, sizeof MESSAGE),
                                             NULL, 40 << 10, &error),
                     error);
        }
        CHECK_OK(cfl_grpc_output(pair.client, views, 16, &view_count, &error), error);
        for (int i = 0; i < view_count; i++) {
            len_bytes += views[i].iov_len;
        }
        read_count = read_views(pair.server, views, view_count);
        cfl_grpc_sent(pair.client, len_bytes);
    }
    assert_int_equal(pair.served[0].message_count, 72);
    assert_int_equal(read_count, 1);
    t_user_done(&user);
    t_grpc_pair_done(&pair);
}

/* Goal: large bodies are sent from where they are and received where they are wanted.
 * Method: 40 MB messages through windows of 1 MiB; compare the pointers that arrive with the place.
 */
TEST(grpc_calls, large_bodies_are_not_copied)
{
    const size_t body_bytes = 40000000;
    uint8_t *body = pattern_new(body_bytes);
    uint8_t *place = malloc(body_bytes);
    struct t_grpc_pair pair;
    struct t_user user = {0};
    cflight_error *error = NULL;
    t_grpc_pair_init(&pair);
    pair.limits.stream_window_bytes = 1 << 20;
    pair.next_served.place = place;
    pair.next_served.head_bytes = 10;
    CHECK_OK(t_grpc_pair_open(&pair, &error), error);
    CHECK_OK(t_call(&pair, &user, &error), error);
    struct cfl_copy_counters before = cfl_copy_counters();
    for (int i = 0; i < 2; i++) {
        t_send(&user, "0123456789", 10, body, body_bytes);
        t_grpc_pair_pump(&pair, 1 << 20);
        assert_int_equal(cfl_grpc_call_unsent_bytes(user.call), 0);
    }
    struct t_user *served = &pair.served[0];
    assert_int_equal(served->message_count, 2);
    assert_memory_equal(place, body, body_bytes);
    assert_int_equal(served->placed_bytes + served->copied_bytes, 2 * (body_bytes + 10));
    /* The first frame is met unprepared, with 64 KiB of staging; later ones are placed. */
    assert_in_range(served->copied_bytes, 20, 2 * 65536);
    assert_int_equal(cfl_copy_counters().sent_copied_bytes, before.sent_copied_bytes);
    t_user_done(&user);
    t_grpc_pair_done(&pair);
    free(place);
    free(body);
}
