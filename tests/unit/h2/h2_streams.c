/* SPDX-License-Identifier: Apache-2.0 */
/* Streams between two of our own sessions: payload by reference, turns, flow control, ends. */
#include "h2_peer.h"

#include <stdlib.h>

struct duo {
    struct t_clock clock;
    struct t_peer client;
    struct t_peer server;
    cflight_error *error;
};

static void duo_open(struct duo *duo, const struct cfl_limits *limits)
{
    memset(duo, 0, sizeof *duo);
    t_clock_init(&duo->clock);
    t_peer_open(&duo->client, CFL_H2_CLIENT, limits, &duo->clock);
    t_peer_open(&duo->server, CFL_H2_SERVER, limits, &duo->clock);
    t_pump(&duo->client.end, &duo->server.end, 65536);
}

static void duo_close(struct duo *duo)
{
    CHECK_STATUS(duo->client.end.status, CFLIGHT_OK);
    CHECK_STATUS(duo->server.end.status, CFLIGHT_OK);
    t_peer_done(&duo->client);
    t_peer_done(&duo->server);
    assert_int_equal(duo->client.close_count, duo->client.stream_count);
    assert_int_equal(duo->server.close_count, duo->server.stream_count);
}

static void duo_pump(struct duo *duo)
{
    t_pump(&duo->client.end, &duo->server.end, 65536);
}

static struct cfl_h2_stream *request(struct duo *duo)
{
    CHECK_OK(t_peer_request(&duo->client, false, &duo->error), duo->error);
    return duo->client.stream;
}

static void send_bytes(struct cfl_h2_stream *stream, const void *data, size_t len_bytes)
{
    struct cflight_bytes view = cflight_bytes_make(data, len_bytes);
    cflight_error *error = NULL;
    CHECK_OK(cfl_h2_stream_send(stream, &view, 1, &error), error);
}

static uint8_t *pattern_new(size_t len_bytes)
{
    uint8_t *bytes = malloc(len_bytes);
    assert_non_null(bytes);
    for (size_t i = 0; i < len_bytes; i++) {
        bytes[i] = (uint8_t)(i * 7 + (i >> 9));
    }
    return bytes;
}

/* Goal: what is written out is the user's memory, not a copy.
 * Method: look for the queued views among the output views. */
TEST(h2_streams, output_lists_the_memory_that_was_queued)
{
    struct duo duo;
    uint8_t *bytes = pattern_new(100000);
    duo_open(&duo, NULL);
    struct cfl_h2_stream *stream = request(&duo);
    const struct cflight_bytes views[] = {{bytes, 5}, {bytes + 10, 20000}, {bytes + 50000, 40000}};
    CHECK_OK(cfl_h2_stream_send(stream, views, 3, &duo.error), duo.error);
    assert_int_equal(cfl_h2_stream_unsent_bytes(stream), 60005);
    struct iovec out[16];
    int count = 0;
    CHECK_OK(cfl_h2_output(duo.client.session, out, 16, &count, &duo.error), duo.error);
    /* The request and the header of one DATA frame, then the three views. */
    assert_int_equal(count, 4);
    size_t total_bytes = 0;
    for (int i = 0; i < count; i++) {
        total_bytes += out[i].iov_len;
        if (i > 0) {
            assert_ptr_equal(out[i].iov_base, views[i - 1].data);
            assert_int_equal(out[i].iov_len, views[i - 1].len_bytes);
        }
    }
    cfl_h2_sent(duo.client.session, total_bytes - 1);
    assert_int_equal(cfl_h2_stream_unsent_bytes(stream), 1);
    cfl_h2_sent(duo.client.session, 1);
    assert_int_equal(cfl_h2_stream_unsent_bytes(stream), 0);
    duo_close(&duo);
    free(bytes);
}

/* Goal: a reset leaves no reference to queued memory, and the frames stay whole.
 * Method: cut the output at many places of a frame, reset, free the memory, and let the peer read
 * the rest. AddressSanitizer watches; the peer must see RST_STREAM and no protocol error. */
TEST(h2_streams, a_reset_inside_a_frame_keeps_no_reference)
{
    const size_t cuts[] = {0, 1, 8, 9, 10, 100, 50000, 1 << 20, (1 << 20) + 9, 1500000};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        struct duo duo;
        duo_open(&duo, NULL);
        struct cfl_h2_stream *stream = request(&duo);
        duo_pump(&duo);
        uint8_t *bytes = pattern_new(6000000);
        uint8_t *flat = malloc(2000000);
        send_bytes(stream, bytes, 6000000);
        size_t len_bytes = t_drain(&duo.client.end, flat, cuts[i]);
        assert_int_equal(len_bytes, cuts[i]);
        cfl_h2_stream_reset(stream, CFL_H2_CANCEL);
        assert_int_equal(cfl_h2_stream_unsent_bytes(stream), 0);
        memset(bytes, 0, 6000000);
        free(bytes);
        t_feed(&duo.server.end, flat, len_bytes, 65536);
        duo_pump(&duo);
        assert_int_equal(duo.client.close_count, 1);
        assert_int_equal(duo.server.close_count, 1);
        assert_int_equal(duo.server.close_code, CFL_H2_CANCEL);
        assert_in_range(duo.server.data_bytes, 0, cuts[i] + (2 << 20));
        duo_close(&duo);
        free(flat);
    }
}

/* Goal: a reset by the peer leaves no reference either.
 * Method: the server resets while the client's frame is half written; memory is freed after
 * on_close. */
TEST(h2_streams, a_reset_by_the_peer_keeps_no_reference)
{
    struct duo duo;
    uint8_t *flat = malloc(300000);
    duo_open(&duo, NULL);
    struct cfl_h2_stream *stream = request(&duo);
    duo_pump(&duo);
    uint8_t *bytes = pattern_new(3000000);
    send_bytes(stream, bytes, 3000000);
    size_t len_bytes = t_drain(&duo.client.end, flat, 300000);
    cfl_h2_stream_reset(duo.server.stream, CFL_H2_REFUSED_STREAM);
    (void)t_step(&duo.server.end, &duo.client.end, 1000);
    assert_int_equal(duo.client.close_count, 1);
    assert_int_equal(duo.client.close_code, CFL_H2_REFUSED_STREAM);
    assert_true(duo.client.was_processed_never);
    free(bytes);
    t_feed(&duo.server.end, flat, len_bytes, 65536);
    duo_pump(&duo);
    duo_close(&duo);
    free(flat);
}

/* Goal: one stream that is not read stalls neither the others nor the connection.
 * Method: the server gives credit to all streams but one; windows are far smaller than the data. */
TEST(h2_streams, a_stalled_stream_does_not_stall_others)
{
    const size_t each_bytes = 1000000;
    struct duo duo;
    struct cfl_limits limits = cfl_limits_default;
    limits.stream_window_bytes = 70000;
    limits.connection_window_bytes = 200000;
    uint8_t *bytes = pattern_new(each_bytes);
    duo_open(&duo, &limits);
    struct cfl_h2_stream *stalled = request(&duo);
    send_bytes(stalled, bytes, each_bytes);
    duo.server.is_lazy = true;
    duo_pump(&duo);
    assert_int_equal(duo.server.data_bytes, 70000);
    duo.server.is_lazy = false;
    for (int i = 0; i < 5; i++) {
        send_bytes(request(&duo), bytes, each_bytes);
    }
    duo_pump(&duo);
    assert_int_equal(duo.server.data_bytes, 70000 + 5 * each_bytes);
    assert_int_equal(cfl_h2_stream_unsent_bytes(stalled), each_bytes - 70000);
    cfl_h2_stream_consume(duo.server.streams[0], 70000);
    duo_pump(&duo);
    assert_int_equal(duo.server.data_bytes, 6 * each_bytes);
    duo_close(&duo);
    free(bytes);
}

/* Goal: a small message does not wait for a large one that was queued before it.
 * Method: 50 MB on one stream, then 10 bytes on another; count what comes before them. */
TEST(h2_streams, a_small_message_overtakes_a_large_one)
{
    const size_t large_bytes = 50000000;
    struct duo duo;
    struct cfl_limits limits = cfl_limits_default;
    limits.stream_window_bytes = 0x7fffffff;
    uint8_t *bytes = malloc(large_bytes);
    memset(bytes, 1, large_bytes);
    duo_open(&duo, &limits);
    send_bytes(request(&duo), bytes, large_bytes);
    (void)t_step(&duo.client.end, &duo.server.end, 1000000);
    struct cfl_h2_stream *small = request(&duo);
    send_bytes(small, "0123456789", 10);
    size_t moved_bytes = 0;
    while (cfl_h2_stream_unsent_bytes(small) > 0) {
        moved_bytes += t_step(&duo.client.end, &duo.server.end, 65536);
    }
    assert_in_range(moved_bytes, 1, 3 << 20);
    duo_pump(&duo);
    duo_close(&duo);
    free(bytes);
}

/* Goal: streams that send much share the connection evenly.
 * Method: eight streams; after a part of the data compare what is left of each. */
TEST(h2_streams, large_streams_share_evenly)
{
    const size_t each_bytes = 8 << 20;
    struct duo duo;
    struct cfl_limits limits = cfl_limits_default;
    struct cfl_h2_stream *streams[8];
    limits.stream_window_bytes = 0x7fffffff;
    uint8_t *bytes = malloc(each_bytes);
    memset(bytes, 1, each_bytes);
    duo_open(&duo, &limits);
    for (int i = 0; i < 8; i++) {
        streams[i] = request(&duo);
        send_bytes(streams[i], bytes, each_bytes);
    }
    size_t moved_bytes = 0;
    while (moved_bytes < 4 * each_bytes) {
        moved_bytes += t_step(&duo.client.end, &duo.server.end, 65536);
    }
    for (int i = 0; i < 8; i++) {
        assert_in_range(cfl_h2_stream_unsent_bytes(streams[i]), each_bytes / 2 - (1 << 20),
                        each_bytes / 2 + (1 << 20));
    }
    duo_pump(&duo);
    assert_int_equal(duo.server.data_bytes, 8 * each_bytes);
    duo_close(&duo);
    free(bytes);
}

/* Goal: frames are as large as the peer allows when one stream sends.
 * Method: count the DATA frames of 4 MB for two frame sizes. */
TEST(h2_streams, frames_use_the_size_the_peer_allows)
{
    const uint32_t sizes[] = {16384, 1 << 20};
    const size_t expected[] = {256, 4};
    uint8_t *bytes = malloc(4 << 20);
    memset(bytes, 1, 4 << 20);
    for (int i = 0; i < 2; i++) {
        struct duo duo;
        struct t_raw raw = {0};
        struct cfl_limits limits = cfl_limits_default;
        limits.frame_bytes_max = sizes[i];
        duo_open(&duo, &limits);
        struct cfl_h2_stream *stream = request(&duo);
        duo_pump(&duo);
        send_bytes(stream, bytes, 4 << 20);
        t_raw_take(&duo.client.end, &raw);
        assert_int_equal(t_raw_count(&raw, T_DATA), expected[i]);
        t_raw_done(&raw);
        duo_close(&duo);
    }
    free(bytes);
}

/* Goal: data arrives whole for every way of cutting it, with and without a place.
 * Method: compare a checksum over all chunk sizes of a list. */
TEST(h2_streams, chunk_size_does_not_matter)
{
    const size_t len_bytes = 200000;
    const size_t chunks[] = {1, 3, 9, 10, 1000, 9000, 65536, 1 << 20};
    uint8_t *bytes = pattern_new(len_bytes);
    uint8_t *place = malloc(len_bytes);
    uint64_t sum = 0;
    for (size_t i = 0; i < len_bytes; i++) {
        sum = sum * 31 + bytes[i];
    }
    for (size_t i = 0; i < 2 * sizeof chunks / sizeof chunks[0]; i++) {
        struct duo duo;
        duo_open(&duo, NULL);
        struct cfl_h2_stream *stream = request(&duo);
        duo_pump(&duo);
        if (i % 2 == 1) {
            duo.server.place = place;
            duo.server.place_bytes = len_bytes;
        }
        send_bytes(stream, bytes, 70000);
        send_bytes(stream, bytes + 70000, len_bytes - 70000);
        CHECK_OK(cfl_h2_stream_end(stream, &duo.error), duo.error);
        t_pump(&duo.client.end, &duo.server.end, chunks[i / 2]);
        assert_int_equal(duo.server.data_bytes, len_bytes);
        assert_true(duo.server.data_sum == sum);
        assert_int_equal(duo.server.end_stream_count, 1);
        if (i % 2 == 1 && chunks[i / 2] < 9000) {
            /* Small reads: all but what came with the first frame header goes to the place. */
            assert_in_range(duo.server.placed_bytes, len_bytes - chunks[i / 2], len_bytes);
            assert_memory_equal(place, bytes, len_bytes);
        }
        duo_close(&duo);
    }
    free(place);
    free(bytes);
}

/* Goal: inside a large frame one read takes the payload to its place and the next frame header.
 * Method: look at the targets; then with padding, which is never placed. */
TEST(h2_streams, payload_and_next_header_are_one_read)
{
    struct t_clock clock;
    struct t_peer peer;
    struct t_raw raw = {0};
    struct iovec target[2];
    int count = 0;
    cflight_error *error = NULL;
    uint8_t *bytes = pattern_new(100000);
    uint8_t *place = malloc(100000);
    t_clock_init(&clock);
    t_peer_serve(&peer, NULL, &clock);
    t_raw_request(&raw, 1, NULL);
    t_raw_frame(&raw, T_DATA, 0, 1, bytes, 50000);
    raw.len_bytes -= 50000;
    t_peer_feed(&peer, &raw);
    peer.place = place;
    peer.place_bytes = 60000;
    cfl_h2_input(peer.session, target, &count);
    assert_int_equal(count, 2);
    assert_ptr_equal(target[0].iov_base, place);
    assert_int_equal(target[0].iov_len, 50000);
    assert_int_equal(target[1].iov_len, 9);
    memcpy(place, bytes, 50000);
    t_raw_frame(&raw, T_DATA, 0, 1, bytes, 40000);
    memcpy(target[1].iov_base, raw.data, 9);
    CHECK_OK(cfl_h2_received(peer.session, 50009, &error), error);
    assert_int_equal(peer.placed_bytes, 50000);
    cfl_h2_input(peer.session, target, &count); /* the place is smaller than the frame */
    assert_int_equal(count, 1);
    assert_ptr_equal(target[0].iov_base, place + 50000);
    assert_int_equal(target[0].iov_len, 10000);
    CHECK_OK(cfl_h2_received(peer.session, 10000, &error), error);
    peer.place = NULL;
    peer.hint_bytes = 77;
    cfl_h2_input(peer.session, target, &count); /* no place: not past the hint */
    assert_int_equal(count, 1);
    assert_int_equal(target[0].iov_len, 77);
    t_feed(&peer.end, bytes, 30000, 65536);
    cfl_h2_input(peer.session, target, &count); /* between frames: the header and the hint */
    assert_int_equal(target[0].iov_len, 9 + 77);
    t_raw_clear(&raw);
    t_raw_frame(&raw, T_DATA, T_PADDED, 1, "\x10", 1);
    raw.data[1] = 0x40; /* 16385 bytes */
    t_peer_feed(&peer, &raw);
    peer.place = place;
    peer.place_bytes = 100000;
    cfl_h2_input(peer.session, target, &count);
    assert_ptr_not_equal(target[0].iov_base, place);
    size_t before_bytes = peer.data_bytes;
    t_feed(&peer.end, bytes, 16384, 5000);
    assert_int_equal(peer.data_bytes - before_bytes, 16384 - 16);
    CHECK_STATUS(peer.end.status, CFLIGHT_OK);
    t_peer_done(&peer);
    t_raw_done(&raw);
    free(place);
    free(bytes);
}

/* Goal: a server's answer ends with trailers after the data; both sides close without an error.
 * Method: data and trailers with the request complete, and with the request still open. */
TEST(h2_streams, trailers_end_a_response)
{
    for (int is_early = 0; is_early <= 1; is_early++) {
        struct duo duo;
        const struct cfl_h2_field trailer = {cflight_bytes_from_text("x-status"),
                                             cflight_bytes_from_text("0"), false};
        duo_open(&duo, NULL);
        struct cfl_h2_stream *stream = request(&duo);
        if (is_early == 0) {
            CHECK_OK(cfl_h2_stream_end(stream, &duo.error), duo.error);
        }
        duo_pump(&duo);
        struct cfl_h2_stream *served = duo.server.stream;
        t_peer_respond(served);
        send_bytes(served, "hello", 5);
        CHECK_OK(cfl_h2_stream_trailers(served, &trailer, 1, &duo.error), duo.error);
        CHECK_STATUS(cfl_h2_stream_end(served, NULL), CFLIGHT_FAILED_PRECONDITION);
        assert_int_equal(duo.server.close_count, 0);
        duo_pump(&duo);
        assert_int_equal(duo.client.data_bytes, 5);
        assert_int_equal(duo.client.headers_count, 2);
        assert_string_equal(duo.client.fields, "x-status=0\n");
        assert_int_equal(duo.client.end_stream_count, 1);
        assert_int_equal(duo.client.close_count, 1);
        assert_int_equal(duo.client.close_code, CFL_H2_NO_ERROR);
        assert_int_equal(duo.server.close_count, 1);
        assert_int_equal(duo.server.close_code, CFL_H2_NO_ERROR);
        duo_close(&duo);
    }
}

/* Goal: on_close waits until the socket took the last byte, so that memory may be freed in it.
 * Method: frame a whole answer, take it byte by byte. */
TEST(h2_streams, on_close_waits_for_the_socket)
{
    struct duo duo;
    const struct cfl_h2_field trailer = {cflight_bytes_from_text("x-status"),
                                         cflight_bytes_from_text("0"), false};
    duo_open(&duo, NULL);
    CHECK_OK(t_peer_request(&duo.client, true, &duo.error), duo.error);
    duo_pump(&duo);
    t_peer_respond(duo.server.stream);
    uint8_t *bytes = pattern_new(1000);
    send_bytes(duo.server.stream, bytes, 1000);
    CHECK_OK(cfl_h2_stream_trailers(duo.server.stream, &trailer, 1, &duo.error), duo.error);
    for (int count = 1; count > 0;) {
        struct iovec view;
        assert_int_equal(duo.server.close_count, 0);
        assert_true(cfl_h2_wants_output(duo.server.session));
        CHECK_OK(cfl_h2_output(duo.server.session, &view, 1, &count, &duo.error), duo.error);
        if (count > 0) {
            t_feed(&duo.client.end, view.iov_base, 1, 1);
            cfl_h2_sent(duo.server.session, 1);
        }
    }
    assert_int_equal(duo.server.close_count, 1);
    free(bytes);
    assert_false(cfl_h2_wants_output(duo.server.session));
    assert_int_equal(duo.client.data_bytes, 1000);
    assert_int_equal(duo.client.close_count, 1);
    duo_close(&duo);
}

/* Goal: dropping the queue without a reset lets trailers follow at once.
 * Method: a large answer is cut off; its memory is freed; trailers still arrive. */
TEST(h2_streams, a_dropped_queue_is_followed_by_trailers)
{
    struct duo duo;
    const struct cfl_h2_field trailer = {cflight_bytes_from_text("x-status"),
                                         cflight_bytes_from_text("4"), false};
    duo_open(&duo, NULL);
    CHECK_OK(t_peer_request(&duo.client, true, &duo.error), duo.error);
    duo_pump(&duo);
    t_peer_respond(duo.server.stream);
    uint8_t *bytes = pattern_new(5000000);
    send_bytes(duo.server.stream, bytes, 5000000);
    (void)t_step(&duo.server.end, &duo.client.end, 30000);
    cfl_h2_stream_drop(duo.server.stream);
    assert_int_equal(cfl_h2_stream_unsent_bytes(duo.server.stream), 0);
    free(bytes);
    CHECK_OK(cfl_h2_stream_trailers(duo.server.stream, &trailer, 1, &duo.error), duo.error);
    duo_pump(&duo);
    assert_string_equal(duo.client.fields, "x-status=4\n");
    assert_int_equal(duo.client.close_code, CFL_H2_NO_ERROR);
    assert_in_range(duo.client.data_bytes, 1 << 20, 2 << 20);
    duo_close(&duo);
}

/* Goal: a session that is freed closes its streams and says which were never written.
 * Method: one stream that was written, one that was not. */
TEST(h2_streams, free_closes_streams)
{
    struct duo duo;
    duo_open(&duo, NULL);
    (void)request(&duo);
    duo_pump(&duo);
    t_peer_done(&duo.client);
    assert_int_equal(duo.client.close_count, 1);
    assert_false(duo.client.was_processed_never);
    t_peer_done(&duo.server);

    duo_open(&duo, NULL);
    struct cfl_h2_stream *stream = request(&duo);
    send_bytes(stream, "abc", 3);
    t_peer_done(&duo.client);
    assert_int_equal(duo.client.close_count, 1);
    assert_true(duo.client.was_processed_never);
    t_peer_done(&duo.server);
}

/* Goal: requests past the peer's limit wait, start when others end, and may be reset while waiting.
 * Method: a limit of two streams, four requests. */
TEST(h2_streams, requests_wait_for_the_peers_limit)
{
    struct duo duo;
    struct cfl_limits limits = cfl_limits_default;
    limits.streams_max = 2;
    duo_open(&duo, &limits);
    struct cfl_h2_stream *streams[4];
    for (int i = 0; i < 4; i++) {
        assert_int_equal(cfl_h2_can_start_stream(duo.client.session), i < 2);
        streams[i] = request(&duo);
        send_bytes(streams[i], "x", 1);
    }
    duo_pump(&duo);
    assert_int_equal(duo.server.stream_count, 2);
    cfl_h2_stream_reset(streams[2], CFL_H2_CANCEL);
    cfl_h2_stream_reset(streams[0], CFL_H2_CANCEL);
    duo_pump(&duo);
    assert_int_equal(duo.client.close_count, 2);
    assert_int_equal(duo.server.stream_count, 3);
    assert_int_equal(duo.server.data_bytes, 3);
    assert_int_equal(cfl_h2_stream_unsent_bytes(streams[3]), 0);
    duo_close(&duo);
}

/* Goal: a shutdown is graceful: streams under way finish, new ones are refused as never processed.
 * Method: notice, then the last id, with a request that crosses it. */
TEST(h2_streams, goaway_lets_streams_finish)
{
    struct duo duo;
    duo_open(&duo, NULL);
    struct cfl_h2_stream *first = request(&duo);
    duo_pump(&duo);
    cfl_h2_goaway(duo.server.session, CFL_H2_NO_ERROR, false);
    (void)request(&duo); /* not written when the notice comes: refused on this side */
    (void)t_step(&duo.server.end, &duo.client.end, 65536);
    duo_pump(&duo);
    assert_int_equal(duo.client.goaway_count, 1);
    assert_true(cfl_h2_goaway_received(duo.client.session));
    assert_int_equal(duo.server.stream_count, 1);
    assert_int_equal(duo.client.close_count, 1);
    assert_true(duo.client.was_processed_never);
    cfl_h2_goaway(duo.server.session, CFL_H2_NO_ERROR, true);
    duo_pump(&duo);
    CHECK_STATUS(t_peer_request(&duo.client, false, &duo.error), CFLIGHT_UNAVAILABLE);
    assert_int_equal(cflight_error_retry(duo.error), CFLIGHT_RETRY_SAFE);
    cflight_error_free(duo.error);
    assert_false(cfl_h2_is_finished(duo.server.session));
    cfl_h2_stream_reset(first, CFL_H2_CANCEL);
    duo_pump(&duo);
    assert_true(cfl_h2_is_finished(duo.server.session));
    assert_true(cfl_h2_is_finished(duo.client.session));
    duo_close(&duo);
}

/* Goal: streams above the last id of a GOAWAY are known not to have been processed.
 * Method: two requests are out; the server says it handles the first only. */
TEST(h2_streams, streams_above_the_goaway_id_were_not_processed)
{
    struct t_clock clock;
    struct t_peer peer;
    struct t_raw raw = {0};
    cflight_error *error = NULL;
    t_clock_init(&clock);
    t_peer_open(&peer, CFL_H2_CLIENT, NULL, &clock);
    CHECK_OK(t_peer_request(&peer, false, &error), error);
    CHECK_OK(t_peer_request(&peer, false, &error), error);
    t_raw_take(&peer.end, &raw);
    t_raw_clear(&raw);
    t_raw_frame(&raw, T_SETTINGS, 0, 0, NULL, 0);
    t_raw_goaway(&raw, 1, CFL_H2_NO_ERROR);
    t_peer_feed(&peer, &raw);
    assert_int_equal(peer.close_count, 1);
    assert_true(peer.was_processed_never);
    assert_int_equal(peer.close_code, CFL_H2_REFUSED_STREAM);
    t_peer_done(&peer);
    assert_int_equal(peer.close_count, 2);
    assert_false(peer.was_processed_never);
    t_raw_done(&raw);
}

/* Goal: PING is answered and its answer reported.
 * Method: one ping between two sessions. */
TEST(h2_streams, ping_is_answered)
{
    struct duo duo;
    duo_open(&duo, NULL);
    cfl_h2_ping(duo.client.session);
    duo_pump(&duo);
    assert_int_equal(duo.client.ping_ack_count, 1);
    assert_true(cfl_h2_next_deadline_ns(duo.client.session) == CFL_TIME_NEVER);
    duo_close(&duo);
}

static cflight_status exchange(const struct cflight_allocator *alloc, struct duo *duo,
                               const uint8_t *bytes, size_t len_bytes)
{
    const struct cfl_h2_field trailer = {cflight_bytes_from_text("x-status"),
                                         cflight_bytes_from_text("0"), false};
    struct cflight_bytes view = cflight_bytes_make(bytes, len_bytes);
    cflight_status status =
        t_peer_try_open(&duo->client, CFL_H2_CLIENT, NULL, &duo->clock, alloc, NULL);
    if (status == CFLIGHT_OK) {
        status = t_peer_try_open(&duo->server, CFL_H2_SERVER, NULL, &duo->clock, alloc, NULL);
    }
    if (status == CFLIGHT_OK) {
        status = t_peer_request(&duo->client, false, NULL);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_h2_stream_send(duo->client.stream, &view, 1, NULL);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    t_pump(&duo->client.end, &duo->server.end, 100000);
    if (duo->server.stream == NULL || duo->client.stream == NULL) {
        return CFLIGHT_RESOURCE_EXHAUSTED; /* the stream or a session gave up */
    }
    const struct cfl_h2_field ok = {cflight_bytes_from_text(":status"),
                                    cflight_bytes_from_text("200"), false};
    status = cfl_h2_submit_headers(duo->server.stream, &ok, 1, false, NULL);
    if (status == CFLIGHT_OK) {
        status = cfl_h2_stream_trailers(duo->server.stream, &trailer, 1, NULL);
    }
    if (status == CFLIGHT_OK) {
        cfl_h2_stream_reset(duo->client.stream, CFL_H2_CANCEL);
    }
    t_pump(&duo->client.end, &duo->server.end, 100000);
    return status;
}

/* Goal: no allocation failure crashes, leaks or leaves a stream open for ever.
 * Method: fail each allocation of an exchange in turn. */
TEST(h2_streams, every_allocation_failure_is_clean)
{
    const size_t len_bytes = 1500000;
    uint8_t *bytes = pattern_new(len_bytes);
    T_EACH_ALLOC_FAILURE(alloc) {
        struct duo duo;
        memset(&duo, 0, sizeof duo);
        t_clock_init(&duo.clock);
        cflight_status status = exchange(&alloc->allocator, &duo, bytes, len_bytes);
        if (!alloc->did_fail) {
            CHECK_STATUS(status, CFLIGHT_OK);
            assert_int_equal(duo.server.data_bytes, len_bytes);
        }
        t_peer_done(&duo.client);
        t_peer_done(&duo.server);
        assert_int_equal(duo.client.close_count, duo.client.stream_count);
        assert_int_equal(duo.server.close_count, duo.server.stream_count);
    }
    free(bytes);
}

/* Goal: a reset that finds no memory for the copy cuts the connection and keeps no reference.
 * Method: fail each allocation of a reset inside a frame; then free the queued memory. */
TEST(h2_streams, a_reset_without_memory_cuts_the_connection)
{
    bool was_cut = false;
    T_EACH_ALLOC_FAILURE(alloc) {
        struct duo duo;
        uint8_t flat[1000];
        cflight_error *error = NULL;
        memset(&duo, 0, sizeof duo);
        t_clock_init(&duo.clock);
        uint8_t *bytes = pattern_new(2000000);
        struct cflight_bytes view = cflight_bytes_make(bytes, 2000000);
        cflight_status status =
            t_peer_try_open(&duo.client, CFL_H2_CLIENT, NULL, &duo.clock, &alloc->allocator, NULL);
        if (status == CFLIGHT_OK) {
            status = t_peer_request(&duo.client, false, NULL);
        }
        if (status == CFLIGHT_OK) {
            status = cfl_h2_stream_send(duo.client.stream, &view, 1, NULL);
        }
        if (status == CFLIGHT_OK) {
            (void)t_drain(&duo.client.end, flat, sizeof flat);
            bool failed_before = alloc->did_fail;
            if (duo.client.stream != NULL) {
                cfl_h2_stream_reset(duo.client.stream, CFL_H2_CANCEL);
            }
            free(bytes);
            bytes = NULL;
            struct iovec out[4];
            int count = 0;
            status = cfl_h2_output(duo.client.session, out, 4, &count, &error);
            if (alloc->did_fail && !failed_before && count == 0) {
                was_cut = true;
                CHECK_STATUS(status, CFLIGHT_RESOURCE_EXHAUSTED);
                assert_true(cfl_h2_is_finished(duo.client.session));
                assert_false(cfl_h2_wants_output(duo.client.session));
            }
            for (int i = 0; i < count; i++) {
                assert_true(((const uint8_t *)out[i].iov_base)[out[i].iov_len - 1] <= 255);
            }
            cflight_error_free(error);
        }
        t_peer_done(&duo.client);
        free(bytes);
    }
    assert_true(was_cut);
}

/* Goal: a reader that always leaves something behind gets every byte, and the books stay small.
 * Method: 16 KiB frames of many small views; each time all but a few bytes are taken. */
TEST(h2_streams, a_slow_reader_gets_every_byte)
{
    enum { ROUNDS = 2000, VIEW_COUNT = 64, VIEW_BYTES = 700 };
    struct duo duo;
    struct cfl_limits limits = cfl_limits_default;
    limits.frame_bytes_max = 16384;
    limits.stream_window_bytes = 0x7fffffff;
    uint8_t *bytes = pattern_new(VIEW_COUNT * VIEW_BYTES);
    struct cflight_bytes views[VIEW_COUNT];
    for (size_t i = 0; i < VIEW_COUNT; i++) {
        views[i] = cflight_bytes_make(bytes + i * VIEW_BYTES, VIEW_BYTES);
    }
    duo_open(&duo, &limits);
    struct cfl_h2_stream *stream = request(&duo);
    uint64_t queued_bytes = 0;
    uint64_t sum = 0;
    for (int round = 0; round < ROUNDS; round++) {
        if (cfl_h2_stream_unsent_bytes(stream) < 200000) {
            CHECK_OK(cfl_h2_stream_send(stream, views, VIEW_COUNT, &duo.error), duo.error);
            queued_bytes += VIEW_COUNT * VIEW_BYTES;
            for (size_t i = 0; i < VIEW_COUNT * VIEW_BYTES; i++) {
                sum = sum * 31 + bytes[i];
            }
        }
        struct iovec out[256];
        uint8_t flat[256 * 1024];
        int count = 0;
        size_t len_bytes = 0;
        CHECK_OK(cfl_h2_output(duo.client.session, out, 256, &count, &duo.error), duo.error);
        for (int i = 0; i < count; i++) {
            assert_true(len_bytes + out[i].iov_len <= sizeof flat);
            memcpy(flat + len_bytes, out[i].iov_base, out[i].iov_len);
            len_bytes += out[i].iov_len;
        }
        len_bytes -= len_bytes > 10 ? 10 : 0;
        cfl_h2_sent(duo.client.session, len_bytes);
        t_feed(&duo.server.end, flat, len_bytes, SIZE_MAX);
    }
    duo_pump(&duo);
    assert_true(duo.server.data_bytes == queued_bytes);
    assert_true(duo.server.data_sum == sum);
    duo_close(&duo);
    free(bytes);
}

/* Goal: streams and sessions that are over refuse more work.
 * Method: use a stream after its reset, and a session after its failure. */
TEST(h2_streams, what_is_over_refuses_work)
{
    struct duo duo;
    struct cflight_bytes view = cflight_bytes_make("x", 1);
    duo_open(&duo, NULL);
    struct cfl_h2_stream *stream = request(&duo);
    cfl_h2_stream_reset(stream, CFL_H2_CANCEL);
    cfl_h2_stream_reset(stream, CFL_H2_CANCEL);
    CHECK_STATUS(cfl_h2_stream_send(stream, &view, 1, NULL), CFLIGHT_CANCELLED);
    CHECK_STATUS(cfl_h2_stream_end(stream, NULL), CFLIGHT_CANCELLED);
    duo_pump(&duo);
    assert_int_equal(duo.client.close_count, 1);
    stream = request(&duo);
    duo_pump(&duo);
    t_feed(&duo.client.end, "\0\0\5\6\0\0\0\0\0\0\0\0\0\0", 14, SIZE_MAX);
    CHECK_STATUS(duo.client.end.status, CFLIGHT_INTERNAL);
    assert_true(cfl_h2_is_failed(duo.client.session));
    assert_false(cfl_h2_can_start_stream(duo.client.session));
    CHECK_STATUS(cfl_h2_stream_send(stream, &view, 1, NULL), CFLIGHT_INTERNAL);
    CHECK_STATUS(t_peer_request(&duo.client, false, NULL), CFLIGHT_INTERNAL);
    cfl_h2_ping(duo.client.session);
    cfl_h2_goaway(duo.client.session, CFL_H2_NO_ERROR, true);
    assert_int_equal(t_raw_goaway_code(&duo.client.end), CFL_H2_FRAME_SIZE_ERROR);
    assert_true(cfl_h2_is_finished(duo.client.session));
    t_peer_done(&duo.client);
    t_peer_done(&duo.server);
    assert_int_equal(duo.client.close_count, 2);
}
