/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that keep to the protocol and still attack: each bound at the limit and past it. */
#include "h2_peer.h"

#include <stdlib.h>

struct flood {
    struct t_clock clock;
    struct t_h2_peer peer;
    struct t_raw raw;
    struct t_raw out;
};

static void flood_open(struct flood *flood, const struct cfl_limits *limits)
{
    memset(flood, 0, sizeof *flood);
    t_clock_init(&flood->clock);
    t_h2_peer_serve(&flood->peer, limits, &flood->clock);
}

static void flood_step(struct flood *flood)
{
    t_h2_peer_feed(&flood->peer, &flood->raw);
    t_raw_take(&flood->peer.end, &flood->out);
}

static void check_calm(struct flood *flood)
{
    struct t_frame frame = {0};
    CHECK_STATUS(flood->peer.end.status, CFLIGHT_RESOURCE_EXHAUSTED);
    assert_true(t_raw_find(&flood->out, T_GOAWAY, 0, &frame));
    assert_int_equal(t_raw_u32(frame.payload + 4), CFL_H2_ENHANCE_YOUR_CALM);
    assert_true(cfl_h2_is_finished(flood->peer.session));
}

static void flood_close(struct flood *flood)
{
    t_h2_peer_done(&flood->peer);
    t_raw_done(&flood->raw);
    t_raw_done(&flood->out);
}

/* Goal: requests that are reset at once are bounded (CVE-2023-44487), and slow ones are not.
 * Method: as many as the burst allows, then one more; then one per tick of the refill. */
TEST(h2_limits, rapid_reset_ends_the_session)
{
    struct cfl_limits limits = cfl_limits_default;
    limits.resets_per_second_max = 10;
    struct flood flood;
    flood_open(&flood, &limits);
    uint32_t id = 1;
    for (int i = 0; i < 100; i++, id += 2) {
        t_raw_request(&flood.raw, id, NULL);
        t_raw_u32_frame(&flood.raw, T_RST_STREAM, 0, id, CFL_H2_CANCEL);
        flood_step(&flood);
        CHECK_STATUS(flood.peer.end.status, CFLIGHT_OK);
        assert_int_equal(flood.peer.close_count, i + 1);
    }
    for (int i = 0; i < 20; i++, id += 2) {
        flood.clock.now_ns += CFL_NS_PER_S / 10;
        t_raw_request(&flood.raw, id, NULL);
        t_raw_u32_frame(&flood.raw, T_RST_STREAM, 0, id, CFL_H2_CANCEL);
        flood_step(&flood);
        CHECK_STATUS(flood.peer.end.status, CFLIGHT_OK);
    }
    t_raw_request(&flood.raw, id, NULL);
    t_raw_u32_frame(&flood.raw, T_RST_STREAM, 0, id, CFL_H2_CANCEL);
    flood_step(&flood);
    check_calm(&flood);
    flood_close(&flood);
}

/* Goal: resets of this side that the peer provokes count too (CVE-2025-8671).
 * Method: a window update past 2^31-1 on each of many streams. */
TEST(h2_limits, provoked_resets_end_the_session)
{
    struct cfl_limits limits = cfl_limits_default;
    limits.resets_per_second_max = 10;
    struct flood flood;
    flood_open(&flood, &limits);
    for (uint32_t id = 1; id < 2 * 101; id += 2) {
        CHECK_STATUS(flood.peer.end.status, CFLIGHT_OK);
        t_raw_request(&flood.raw, id, NULL);
        t_raw_u32_frame(&flood.raw, T_WINDOW_UPDATE, 0, id, 0x7fffffff);
        flood_step(&flood);
    }
    check_calm(&flood);
    flood_close(&flood);
}

/* Goal: streams that end well, and resets that this side decides on, are not counted.
 * Method: thousands of each. */
TEST(h2_limits, ordinary_ends_of_streams_are_not_counted)
{
    struct cfl_limits limits = cfl_limits_default;
    limits.resets_per_second_max = 10;
    struct flood flood;
    cflight_error *error = NULL;
    const struct cfl_h2_field status = {cflight_bytes_from_text(":status"),
                                        cflight_bytes_from_text("200"), false, false};
    flood_open(&flood, &limits);
    for (uint32_t id = 1; id < 2 * 2000; id += 2) {
        t_raw_request(&flood.raw, id, NULL);
        t_h2_peer_feed(&flood.peer, &flood.raw);
        if (id % 4 == 1) {
            CHECK_OK(cfl_h2_submit_headers(flood.peer.stream, &status, 1, true, &error), error);
        } else {
            cfl_h2_stream_reset(flood.peer.stream, CFL_H2_CANCEL);
        }
        t_raw_clear(&flood.out);
        flood_step(&flood);
        CHECK_STATUS(flood.peer.end.status, CFLIGHT_OK);
        assert_int_equal(t_raw_count(&flood.out, T_RST_STREAM), 1);
        /* The client's own reset crosses ours and is too late. */
        t_raw_u32_frame(&flood.raw, T_RST_STREAM, 0, id, CFL_H2_CANCEL);
        flood_step(&flood);
        CHECK_STATUS(flood.peer.end.status, CFLIGHT_OK);
        flood.peer.stream_count = 0;
    }
    assert_int_equal(flood.peer.close_count, 2000);
    flood_close(&flood);
}

/* Goal: pings, settings and priorities are bounded (CVE-2019-9512, -9515, -9513); a ping that comes
 * with traffic is free.
 * Method: floods of each kind; then as many pings with data in between. */
TEST(h2_limits, control_frames_are_bounded)
{
    struct cfl_limits limits = cfl_limits_default;
    limits.pings_per_second_max = 10;
    const struct {
        int type;
        size_t len_bytes;
    } kinds[] = {{T_PING, 8}, {T_SETTINGS, 0}, {T_PRIORITY, 5}};
    for (size_t k = 0; k < 3; k++) {
        struct flood flood;
        flood_open(&flood, &limits);
        uint32_t id = kinds[k].type == T_PRIORITY ? 1 : 0;
        for (int i = 0; i < 101; i++) {
            CHECK_STATUS(flood.peer.end.status, CFLIGHT_OK);
            t_raw_frame(&flood.raw, kinds[k].type, 0, id, "\0\0\0\0\0\0\0\0", kinds[k].len_bytes);
            flood_step(&flood);
        }
        check_calm(&flood);
        flood_close(&flood);
    }
    struct flood flood;
    flood_open(&flood, &limits);
    t_raw_request(&flood.raw, 1, NULL);
    for (int i = 0; i < 1000; i++) {
        t_raw_frame(&flood.raw, T_DATA, 0, 1, "data", 4);
        t_raw_frame(&flood.raw, T_PING, 0, 0, "12345678", 8);
        flood_step(&flood);
    }
    CHECK_STATUS(flood.peer.end.status, CFLIGHT_OK);
    assert_int_equal(t_raw_count(&flood.out, T_PING), 1000);
    flood_close(&flood);
}

/* Goal: DATA frames without payload are bounded (CVE-2019-9518), padded ones too.
 * Method: limit, a real one in between, limit + 1. */
TEST(h2_limits, empty_data_frames_are_bounded)
{
    struct cfl_limits limits = cfl_limits_default;
    limits.empty_frames_max = 50;
    struct flood flood;
    flood_open(&flood, &limits);
    t_raw_request(&flood.raw, 1, NULL);
    for (int i = 0; i < 50; i++) {
        t_raw_frame(&flood.raw, T_DATA, 0, 1, NULL, 0);
    }
    t_raw_frame(&flood.raw, T_DATA, 0, 1, "x", 1);
    for (int i = 0; i < 50; i++) {
        t_raw_frame(&flood.raw, T_DATA, T_PADDED, 1, "\3\0\0\0", 4);
    }
    flood_step(&flood);
    CHECK_STATUS(flood.peer.end.status, CFLIGHT_OK);
    t_raw_frame(&flood.raw, T_DATA, 0, 1, NULL, 0);
    flood_step(&flood);
    check_calm(&flood);
    flood_close(&flood);
}

/* Goal: a peer that never reads cannot make the session hold more answers than the limit.
 * Method: requests that are reset by a violation, without ever taking output. */
TEST(h2_limits, unread_answers_are_bounded)
{
    struct cfl_limits limits = cfl_limits_default;
    limits.resets_per_second_max = 1000000;
    limits.pings_per_second_max = 1000000;
    limits.outbound_queue_bytes_max = 16384;
    struct flood flood;
    flood_open(&flood, &limits);
    uint32_t id = 1;
    for (; id < 100000 && flood.peer.end.status == CFLIGHT_OK; id += 2) {
        t_raw_request(&flood.raw, id, NULL);
        t_raw_u32_frame(&flood.raw, T_WINDOW_UPDATE, 0, id, 0x7fffffff);
        t_h2_peer_feed(&flood.peer, &flood.raw);
        flood.peer.stream_count = 0;
    }
    CHECK_STATUS(flood.peer.end.status, CFLIGHT_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(flood.peer.end.text, "does not read"));
    t_raw_take(&flood.peer.end, &flood.out);
    assert_in_range(flood.out.len_bytes, 8192, 32768);
    check_calm(&flood);
    flood_close(&flood);
}

/* Goal: pings that are never read are bounded by what nghttp2 queues.
 * Method: pings with data between them, so that they are not counted as idle. */
TEST(h2_limits, unread_pings_are_bounded)
{
    struct cfl_limits limits = cfl_limits_default;
    struct flood flood;
    flood_open(&flood, &limits);
    t_raw_request(&flood.raw, 1, NULL);
    for (int i = 0; i < 200000 && flood.peer.end.status == CFLIGHT_OK; i++) {
        t_raw_frame(&flood.raw, T_DATA, 0, 1, "data", 4);
        t_raw_frame(&flood.raw, T_PING, 0, 0, "12345678", 8);
        t_h2_peer_feed(&flood.peer, &flood.raw);
    }
    CHECK_STATUS(flood.peer.end.status, CFLIGHT_RESOURCE_EXHAUSTED);
    t_raw_take(&flood.peer.end, &flood.out);
    check_calm(&flood);
    flood_close(&flood);
}

/* Goal: the number of concurrent streams is announced and kept.
 * Method: one request more than the limit, after the client acknowledged it. */
TEST(h2_limits, concurrent_streams_are_bounded)
{
    struct cfl_limits limits = cfl_limits_default;
    limits.streams_max = 5;
    struct flood flood;
    flood_open(&flood, &limits);
    for (uint32_t id = 1; id < 2 * 5; id += 2) {
        t_raw_request(&flood.raw, id, NULL);
    }
    flood_step(&flood);
    CHECK_STATUS(flood.peer.end.status, CFLIGHT_OK);
    assert_int_equal(cfl_h2_stream_count(flood.peer.session), 5);
    t_raw_request(&flood.raw, 11, NULL);
    flood_step(&flood);
    CHECK_STATUS(flood.peer.end.status, CFLIGHT_INTERNAL);
    assert_int_equal(flood.peer.stream_count, 5);
    flood_close(&flood);
}

/* Goal: a peer that sends past the stream's window is stopped.
 * Method: data of the window's size without credit, then one byte. */
TEST(h2_limits, the_window_of_a_stream_is_kept)
{
    struct cfl_limits limits = cfl_limits_default;
    limits.stream_window_bytes = 100000;
    struct flood flood;
    uint8_t *payload = calloc(1, 100000);
    flood_open(&flood, &limits);
    flood.peer.is_lazy = true;
    t_raw_request(&flood.raw, 1, NULL);
    t_raw_frame(&flood.raw, T_DATA, 0, 1, payload, 100000);
    flood_step(&flood);
    assert_int_equal(flood.peer.data_bytes, 100000);
    CHECK_STATUS(flood.peer.end.status, CFLIGHT_OK);
    t_raw_frame(&flood.raw, T_DATA, 0, 1, payload, 1);
    t_raw_frame(&flood.raw, T_DATA, 0, 1, payload, 100000);
    flood_step(&flood);
    assert_in_range(flood.peer.data_bytes, 100000, 100001);
    assert_int_equal(flood.peer.close_count, 1);
    struct t_frame frame = {0};
    assert_true(t_raw_find(&flood.out, T_RST_STREAM, 0, &frame));
    assert_int_equal(t_raw_u32(frame.payload), CFL_H2_FLOW_CONTROL_ERROR);
    flood_close(&flood);
    free(payload);
}
