/* SPDX-License-Identifier: Apache-2.0 */
/* Streams between two of our own sessions: payload by reference, turns, flow control, ends. */
#include "h2_peer.h"

#include <stdlib.h>

/* Goal: what is written out is the user's memory, not a copy.
 * Method: look for the queued views among the output views. */
TEST(h2_streams, output_lists_the_memory_that_was_queued)
{
    struct t_duo duo;
    uint8_t *bytes = t_pattern_new(100000);
    t_duo_open(&duo, NULL);
    struct cfl_h2_stream *stream = t_duo_request(&duo);
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
    t_duo_close(&duo);
    free(bytes);
}

/* Goal: a reset leaves no reference to queued memory, and the frames stay whole.
 * Method: cut the output at many places of a frame, reset, free the memory, and let the peer read
 * the rest. AddressSanitizer watches; the peer must see RST_STREAM and no protocol error. */
TEST(h2_streams, a_reset_inside_a_frame_keeps_no_reference)
{
    const size_t cuts[] = {0, 1, 8, 9, 10, 100, 50000, 1 << 20, (1 << 20) + 9, 1500000};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        struct t_duo duo;
        t_duo_open(&duo, NULL);
        struct cfl_h2_stream *stream = t_duo_request(&duo);
        t_duo_pump(&duo);
        uint8_t *bytes = t_pattern_new(6000000);
        uint8_t *flat = malloc(2000000);
        t_send_bytes(stream, bytes, 6000000);
        size_t len_bytes = t_drain(&duo.client.end, flat, cuts[i]);
        assert_int_equal(len_bytes, cuts[i]);
        cfl_h2_stream_reset(stream, CFL_H2_CANCEL);
        assert_int_equal(cfl_h2_stream_unsent_bytes(stream), 0);
        memset(bytes, 0, 6000000);
        free(bytes);
        t_feed(&duo.server.end, flat, len_bytes, 65536);
        t_duo_pump(&duo);
        assert_int_equal(duo.client.close_count, 1);
        assert_int_equal(duo.server.close_count, 1);
        assert_int_equal(duo.server.close_code, CFL_H2_CANCEL);
        assert_in_range(duo.server.data_bytes, 0, cuts[i] + (2 << 20));
        t_duo_close(&duo);
        free(flat);
    }
}

/* Goal: a reset by the peer leaves no reference either.
 * Method: the server resets while the client's frame is half written; memory is freed after
 * on_close. */
TEST(h2_streams, a_reset_by_the_peer_keeps_no_reference)
{
    struct t_duo duo;
    uint8_t *flat = malloc(300000);
    t_duo_open(&duo, NULL);
    struct cfl_h2_stream *stream = t_duo_request(&duo);
    t_duo_pump(&duo);
    uint8_t *bytes = t_pattern_new(3000000);
    t_send_bytes(stream, bytes, 3000000);
    size_t len_bytes = t_drain(&duo.client.end, flat, 300000);
    cfl_h2_stream_reset(duo.server.stream, CFL_H2_REFUSED_STREAM);
    (void)t_step(&duo.server.end, &duo.client.end, 1000);
    assert_int_equal(duo.client.close_count, 1);
    assert_int_equal(duo.client.close_code, CFL_H2_REFUSED_STREAM);
    assert_true(duo.client.was_processed_never);
    free(bytes);
    t_feed(&duo.server.end, flat, len_bytes, 65536);
    t_duo_pump(&duo);
    t_duo_close(&duo);
    free(flat);
}

/* Goal: one stream that is not read stalls neither the others nor the connection.
 * Method: the server gives credit to all streams but one; windows are far smaller than the data. */
TEST(h2_streams, a_stalled_stream_does_not_stall_others)
{
    const size_t each_bytes = 1000000;
    struct t_duo duo;
    struct cfl_limits limits = cfl_limits_default;
    limits.stream_window_bytes = 70000;
    limits.connection_window_bytes = 200000;
    uint8_t *bytes = t_pattern_new(each_bytes);
    t_duo_open(&duo, &limits);
    struct cfl_h2_stream *stalled = t_duo_request(&duo);
    t_send_bytes(stalled, bytes, each_bytes);
    duo.server.is_lazy = true;
    t_duo_pump(&duo);
    assert_int_equal(duo.server.data_bytes, 70000);
    duo.server.is_lazy = false;
    for (int i = 0; i < 5; i++) {
        t_send_bytes(t_duo_request(&duo), bytes, each_bytes);
    }
    t_duo_pump(&duo);
    assert_int_equal(duo.server.data_bytes, 70000 + 5 * each_bytes);
    assert_int_equal(cfl_h2_stream_unsent_bytes(stalled), each_bytes - 70000);
    cfl_h2_stream_consume(duo.server.streams[0], 70000);
    t_duo_pump(&duo);
    assert_int_equal(duo.server.data_bytes, 6 * each_bytes);
    t_duo_close(&duo);
    free(bytes);
}

/* Goal: a small message does not wait for a large one that was queued before it.
 * Method: 50 MB on one stream, then 10 bytes on another; count what comes before them. */
TEST(h2_streams, a_small_message_overtakes_a_large_one)
{
    const size_t large_bytes = 50000000;
    struct t_duo duo;
    struct cfl_limits limits = cfl_limits_default;
    limits.stream_window_bytes = 0x7fffffff;
    uint8_t *bytes = malloc(large_bytes);
    memset(bytes, 1, large_bytes);
    t_duo_open(&duo, &limits);
    t_send_bytes(t_duo_request(&duo), bytes, large_bytes);
    (void)t_step(&duo.client.end, &duo.server.end, 1000000);
    struct cfl_h2_stream *small = t_duo_request(&duo);
    t_send_bytes(small, "0123456789", 10);
    size_t moved_bytes = 0;
    while (cfl_h2_stream_unsent_bytes(small) > 0) {
        moved_bytes += t_step(&duo.client.end, &duo.server.end, 65536);
    }
    assert_in_range(moved_bytes, 1, 3 << 20);
    t_duo_pump(&duo);
    t_duo_close(&duo);
    free(bytes);
}

/* Goal: streams that send much share the connection evenly.
 * Method: eight streams; after a part of the data compare what is left of each. */
TEST(h2_streams, large_streams_share_evenly)
{
    const size_t each_bytes = 8 << 20;
    struct t_duo duo;
    struct cfl_limits limits = cfl_limits_default;
    struct cfl_h2_stream *streams[8];
    limits.stream_window_bytes = 0x7fffffff;
    uint8_t *bytes = malloc(each_bytes);
    memset(bytes, 1, each_bytes);
    t_duo_open(&duo, &limits);
    for (int i = 0; i < 8; i++) {
        streams[i] = t_duo_request(&duo);
        t_send_bytes(streams[i], bytes, each_bytes);
    }
    size_t moved_bytes = 0;
    while (moved_bytes < 4 * each_bytes) {
        moved_bytes += t_step(&duo.client.end, &duo.server.end, 65536);
    }
    for (int i = 0; i < 8; i++) {
        assert_in_range(cfl_h2_stream_unsent_bytes(streams[i]), each_bytes / 2 - (1 << 20),
                        each_bytes / 2 + (1 << 20));
    }
    t_duo_pump(&duo);
    assert_int_equal(duo.server.data_bytes, 8 * each_bytes);
    t_duo_close(&duo);
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
        struct t_duo duo;
        struct t_raw raw = {0};
        struct cfl_limits limits = cfl_limits_default;
        limits.frame_bytes_max = sizes[i];
        t_duo_open(&duo, &limits);
        struct cfl_h2_stream *stream = t_duo_request(&duo);
        t_duo_pump(&duo);
        t_send_bytes(stream, bytes, 4 << 20);
        t_raw_take(&duo.client.end, &raw);
        assert_int_equal(t_raw_count(&raw, T_DATA), expected[i]);
        t_raw_done(&raw);
        t_duo_close(&duo);
    }
    free(bytes);
}

/* Goal: data arrives whole for every way of cutting it, with and without a place.
 * Method: compare a checksum over all chunk sizes of a list. */
TEST(h2_streams, chunk_size_does_not_matter)
{
    const size_t len_bytes = 200000;
    const size_t chunks[] = {1, 3, 9, 10, 1000, 9000, 65536, 1 << 20};
    uint8_t *bytes = t_pattern_new(len_bytes);
    uint8_t *place = malloc(len_bytes);
    uint64_t sum = 0;
    for (size_t i = 0; i < len_bytes; i++) {
        sum = sum * 31 + bytes[i];
    }
    for (size_t i = 0; i < 2 * sizeof chunks / sizeof chunks[0]; i++) {
        struct t_duo duo;
        t_duo_open(&duo, NULL);
        struct cfl_h2_stream *stream = t_duo_request(&duo);
        t_duo_pump(&duo);
        if (i % 2 == 1) {
            duo.server.place = place;
            duo.server.place_bytes = len_bytes;
        }
        t_send_bytes(stream, bytes, 70000);
        t_send_bytes(stream, bytes + 70000, len_bytes - 70000);
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
        t_duo_close(&duo);
    }
    free(place);
    free(bytes);
}

/* Goal: inside a large frame one read takes the payload to its place and the next frame header.
 * Method: look at the targets; then with padding, which is never placed. */
TEST(h2_streams, payload_and_next_header_are_one_read)
{
    struct t_clock clock;
    struct t_h2_peer peer;
    struct t_raw raw = {0};
    struct iovec target[2];
    int count = 0;
    cflight_error *error = NULL;
    uint8_t *bytes = t_pattern_new(100000);
    uint8_t *place = malloc(100000);
    t_clock_init(&clock);
    t_h2_peer_serve(&peer, NULL, &clock);
    t_raw_request(&raw, 1, NULL);
    t_raw_frame(&raw, T_DATA, 0, 1, bytes, 50000);
    raw.len_bytes -= 50000;
    t_h2_peer_feed(&peer, &raw);
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
    t_h2_peer_feed(&peer, &raw);
    peer.place = place;
    peer.place_bytes = 100000;
    cfl_h2_input(peer.session, target, &count);
    assert_ptr_not_equal(target[0].iov_base, place);
    size_t before_bytes = peer.data_bytes;
    t_feed(&peer.end, bytes, 16384, 5000);
    assert_int_equal(peer.data_bytes - before_bytes, 16384 - 16);
    CHECK_STATUS(peer.end.status, CFLIGHT_OK);
    t_h2_peer_done(&peer);
    t_raw_done(&raw);
    free(place);
    free(bytes);
}
