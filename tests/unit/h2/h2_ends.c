/* SPDX-License-Identifier: Apache-2.0 */
/* How streams and sessions end: trailers, drops, GOAWAY, limits of the peer, memory that runs out.
 */
#include "h2_peer.h"

#include <stdlib.h>

/* Goal: a server's answer ends with trailers after the data; both sides close without an error.
 * Method: data and trailers with the request complete, and with the request still open. */
TEST(h2_ends, trailers_end_a_response)
{
    for (int is_early = 0; is_early <= 1; is_early++) {
        struct t_duo duo;
        const struct cfl_h2_field trailer = {cflight_bytes_from_text("x-status"),
                                             cflight_bytes_from_text("0"), false, false};
        t_duo_open(&duo, NULL);
        struct cfl_h2_stream *stream = t_duo_request(&duo);
        if (is_early == 0) {
            CHECK_OK(cfl_h2_stream_end(stream, &duo.error), duo.error);
        }
        t_duo_pump(&duo);
        struct cfl_h2_stream *served = duo.server.stream;
        t_h2_peer_respond(served);
        t_send_bytes(served, "hello", 5);
        CHECK_OK(cfl_h2_stream_trailers(served, &trailer, 1, &duo.error), duo.error);
        CHECK_STATUS(cfl_h2_stream_end(served, NULL), CFLIGHT_FAILED_PRECONDITION);
        assert_int_equal(duo.server.close_count, 0);
        t_duo_pump(&duo);
        assert_int_equal(duo.client.data_bytes, 5);
        assert_int_equal(duo.client.headers_count, 2);
        assert_string_equal(duo.client.fields, "x-status=0\n");
        assert_int_equal(duo.client.end_stream_count, 1);
        assert_int_equal(duo.client.close_count, 1);
        assert_int_equal(duo.client.close_code, CFL_H2_NO_ERROR);
        assert_int_equal(duo.server.close_count, 1);
        assert_int_equal(duo.server.close_code, CFL_H2_NO_ERROR);
        t_duo_close(&duo);
    }
}

/* Goal: on_close waits until the socket took the last byte, so that memory may be freed in it.
 * Method: frame a whole answer, take it byte by byte. */
TEST(h2_ends, on_close_waits_for_the_socket)
{
    struct t_duo duo;
    const struct cfl_h2_field trailer = {cflight_bytes_from_text("x-status"),
                                         cflight_bytes_from_text("0"), false, true};
    t_duo_open(&duo, NULL);
    CHECK_OK(t_h2_peer_request(&duo.client, true, &duo.error), duo.error);
    t_duo_pump(&duo);
    t_h2_peer_respond(duo.server.stream);
    uint8_t *bytes = t_pattern_new(1000);
    t_send_bytes(duo.server.stream, bytes, 1000);
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
    t_duo_close(&duo);
}

/* Goal: dropping the queue without a reset lets trailers follow at once.
 * Method: a large answer is cut off; its memory is freed; trailers still arrive. */
TEST(h2_ends, a_dropped_queue_is_followed_by_trailers)
{
    struct t_duo duo;
    const struct cfl_h2_field trailer = {cflight_bytes_from_text("x-status"),
                                         cflight_bytes_from_text("4"), false, false};
    t_duo_open(&duo, NULL);
    CHECK_OK(t_h2_peer_request(&duo.client, true, &duo.error), duo.error);
    t_duo_pump(&duo);
    t_h2_peer_respond(duo.server.stream);
    uint8_t *bytes = t_pattern_new(5000000);
    t_send_bytes(duo.server.stream, bytes, 5000000);
    (void)t_step(&duo.server.end, &duo.client.end, 30000);
    cfl_h2_stream_drop(duo.server.stream);
    assert_int_equal(cfl_h2_stream_unsent_bytes(duo.server.stream), 0);
    free(bytes);
    CHECK_OK(cfl_h2_stream_trailers(duo.server.stream, &trailer, 1, &duo.error), duo.error);
    t_duo_pump(&duo);
    assert_string_equal(duo.client.fields, "x-status=4\n");
    assert_int_equal(duo.client.close_code, CFL_H2_NO_ERROR);
    assert_in_range(duo.client.data_bytes, 1 << 20, 2 << 20);
    t_duo_close(&duo);
}

/* Goal: a session that is freed closes its streams and says which were never written.
 * Method: one stream that was written, one that was not. */
TEST(h2_ends, free_closes_streams)
{
    struct t_duo duo;
    t_duo_open(&duo, NULL);
    (void)t_duo_request(&duo);
    t_duo_pump(&duo);
    t_h2_peer_done(&duo.client);
    assert_int_equal(duo.client.close_count, 1);
    assert_false(duo.client.was_processed_never);
    t_h2_peer_done(&duo.server);

    t_duo_open(&duo, NULL);
    struct cfl_h2_stream *stream = t_duo_request(&duo);
    t_send_bytes(stream, "abc", 3);
    t_h2_peer_done(&duo.client);
    assert_int_equal(duo.client.close_count, 1);
    assert_true(duo.client.was_processed_never);
    t_h2_peer_done(&duo.server);
}

/* Goal: requests past the peer's limit wait, start when others end, and may be reset while waiting.
 * Method: a limit of two streams, four requests. */
TEST(h2_ends, requests_wait_for_the_peers_limit)
{
    struct t_duo duo;
    struct cfl_limits limits = cfl_limits_default;
    limits.streams_max = 2;
    t_duo_open(&duo, &limits);
    struct cfl_h2_stream *streams[4];
    for (int i = 0; i < 4; i++) {
        streams[i] = t_duo_request(&duo);
        t_send_bytes(streams[i], "x", 1);
    }
    t_duo_pump(&duo);
    assert_int_equal(duo.server.stream_count, 2);
    cfl_h2_stream_reset(streams[2], CFL_H2_CANCEL);
    cfl_h2_stream_reset(streams[0], CFL_H2_CANCEL);
    t_duo_pump(&duo);
    assert_int_equal(duo.client.close_count, 2);
    assert_int_equal(duo.server.stream_count, 3);
    assert_int_equal(duo.server.data_bytes, 3);
    assert_int_equal(cfl_h2_stream_unsent_bytes(streams[3]), 0);
    t_duo_close(&duo);
}

/* Goal: a shutdown is graceful: streams under way finish, new ones are refused as never processed.
 * Method: notice, then the last id, with a request that crosses it. */
TEST(h2_ends, goaway_lets_streams_finish)
{
    struct t_duo duo;
    t_duo_open(&duo, NULL);
    struct cfl_h2_stream *first = t_duo_request(&duo);
    t_duo_pump(&duo);
    cfl_h2_goaway(duo.server.session, CFL_H2_NO_ERROR, false);
    (void)t_duo_request(&duo); /* not written when the notice comes: refused on this side */
    (void)t_step(&duo.server.end, &duo.client.end, 65536);
    t_duo_pump(&duo);
    assert_int_equal(duo.client.goaway_count, 1);
    assert_true(cfl_h2_goaway_received(duo.client.session));
    assert_int_equal(duo.server.stream_count, 1);
    assert_int_equal(duo.client.close_count, 1);
    assert_true(duo.client.was_processed_never);
    cfl_h2_goaway(duo.server.session, CFL_H2_NO_ERROR, true);
    t_duo_pump(&duo);
    CHECK_STATUS(t_h2_peer_request(&duo.client, false, &duo.error), CFLIGHT_UNAVAILABLE);
    assert_int_equal(cflight_error_retry(duo.error), CFLIGHT_RETRY_SAFE);
    cflight_error_free(duo.error);
    assert_false(cfl_h2_is_finished(duo.server.session));
    cfl_h2_stream_reset(first, CFL_H2_CANCEL);
    t_duo_pump(&duo);
    assert_true(cfl_h2_is_finished(duo.server.session));
    assert_true(cfl_h2_is_finished(duo.client.session));
    t_duo_close(&duo);
}

/* Goal: streams above the last id of a GOAWAY are known not to have been processed.
 * Method: two requests are out; the server says it handles the first only. */
TEST(h2_ends, streams_above_the_goaway_id_were_not_processed)
{
    struct t_clock clock;
    struct t_h2_peer peer;
    struct t_raw raw = {0};
    cflight_error *error = NULL;
    t_clock_init(&clock);
    t_h2_peer_open(&peer, CFL_H2_CLIENT, NULL, &clock);
    CHECK_OK(t_h2_peer_request(&peer, false, &error), error);
    CHECK_OK(t_h2_peer_request(&peer, false, &error), error);
    t_raw_take(&peer.end, &raw);
    t_raw_clear(&raw);
    t_raw_frame(&raw, T_SETTINGS, 0, 0, NULL, 0);
    t_raw_goaway(&raw, 1, CFL_H2_NO_ERROR);
    t_h2_peer_feed(&peer, &raw);
    assert_int_equal(peer.close_count, 1);
    assert_true(peer.was_processed_never);
    assert_int_equal(peer.close_code, CFL_H2_REFUSED_STREAM);
    t_h2_peer_done(&peer);
    assert_int_equal(peer.close_count, 2);
    assert_false(peer.was_processed_never);
    t_raw_done(&raw);
}

/* Goal: PING is answered and its answer reported.
 * Method: one ping between two sessions. */
TEST(h2_ends, ping_is_answered)
{
    struct t_duo duo;
    t_duo_open(&duo, NULL);
    cfl_h2_ping(duo.client.session);
    t_duo_pump(&duo);
    assert_int_equal(duo.client.ping_ack_count, 1);
    assert_true(cfl_h2_next_deadline_ns(duo.client.session) == CFL_TIME_NEVER);
    t_duo_close(&duo);
}

static cflight_status exchange(const struct cflight_allocator *alloc, struct t_duo *duo,
                               const uint8_t *bytes, size_t len_bytes)
{
    const struct cfl_h2_field trailer = {cflight_bytes_from_text("x-status"),
                                         cflight_bytes_from_text("0"), false, false};
    struct cflight_bytes view = cflight_bytes_make(bytes, len_bytes);
    cflight_status status =
        t_h2_peer_try_open(&duo->client, CFL_H2_CLIENT, NULL, &duo->clock, alloc, NULL);
    if (status == CFLIGHT_OK) {
        status = t_h2_peer_try_open(&duo->server, CFL_H2_SERVER, NULL, &duo->clock, alloc, NULL);
    }
    if (status == CFLIGHT_OK) {
        status = t_h2_peer_request(&duo->client, false, NULL);
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
                                    cflight_bytes_from_text("200"), false, false};
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
TEST(h2_ends, every_allocation_failure_is_clean)
{
    const size_t len_bytes = 1500000;
    uint8_t *bytes = t_pattern_new(len_bytes);
    T_EACH_ALLOC_FAILURE(alloc) {
        struct t_duo duo;
        memset(&duo, 0, sizeof duo);
        t_clock_init(&duo.clock);
        cflight_status status = exchange(&alloc->allocator, &duo, bytes, len_bytes);
        if (!alloc->did_fail) {
            CHECK_STATUS(status, CFLIGHT_OK);
            assert_int_equal(duo.server.data_bytes, len_bytes);
        }
        t_h2_peer_done(&duo.client);
        t_h2_peer_done(&duo.server);
        assert_int_equal(duo.client.close_count, duo.client.stream_count);
        assert_int_equal(duo.server.close_count, duo.server.stream_count);
    }
    free(bytes);
}

/* Goal: a reset that finds no memory for the copy cuts the connection and keeps no reference.
 * Method: fail each allocation of a reset inside a frame; then free the queued memory. */
TEST(h2_ends, a_reset_without_memory_cuts_the_connection)
{
    bool was_cut = false;
    T_EACH_ALLOC_FAILURE(alloc) {
        struct t_duo duo;
        uint8_t flat[1000];
        cflight_error *error = NULL;
        memset(&duo, 0, sizeof duo);
        t_clock_init(&duo.clock);
        uint8_t *bytes = t_pattern_new(2000000);
        struct cflight_bytes view = cflight_bytes_make(bytes, 2000000);
        cflight_status status = t_h2_peer_try_open(&duo.client, CFL_H2_CLIENT, NULL, &duo.clock,
                                                   &alloc->allocator, NULL);
        if (status == CFLIGHT_OK) {
            status = t_h2_peer_request(&duo.client, false, NULL);
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
        t_h2_peer_done(&duo.client);
        free(bytes);
    }
    assert_true(was_cut);
}

/* Goal: a reader that always leaves something behind gets every byte, and the books stay small.
 * Method: 16 KiB frames of many small views; each time all but a few bytes are taken. */
TEST(h2_ends, a_slow_reader_gets_every_byte)
{
    enum { ROUNDS = 2000, VIEW_COUNT = 64, VIEW_BYTES = 700 };
    struct t_duo duo;
    struct cfl_limits limits = cfl_limits_default;
    limits.frame_bytes_max = 16384;
    limits.stream_window_bytes = 0x7fffffff;
    uint8_t *bytes = t_pattern_new(VIEW_COUNT * VIEW_BYTES);
    struct cflight_bytes views[VIEW_COUNT];
    for (size_t i = 0; i < VIEW_COUNT; i++) {
        views[i] = cflight_bytes_make(bytes + i * VIEW_BYTES, VIEW_BYTES);
    }
    t_duo_open(&duo, &limits);
    struct cfl_h2_stream *stream = t_duo_request(&duo);
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
    t_duo_pump(&duo);
    assert_true(duo.server.data_bytes == queued_bytes);
    assert_true(duo.server.data_sum == sum);
    t_duo_close(&duo);
    free(bytes);
}

/* Goal: streams and sessions that are over refuse more work.
 * Method: use a stream after its reset, and a session after its failure. */
TEST(h2_ends, what_is_over_refuses_work)
{
    struct t_duo duo;
    struct cflight_bytes view = cflight_bytes_make("x", 1);
    t_duo_open(&duo, NULL);
    struct cfl_h2_stream *stream = t_duo_request(&duo);
    cfl_h2_stream_reset(stream, CFL_H2_CANCEL);
    cfl_h2_stream_reset(stream, CFL_H2_CANCEL);
    CHECK_STATUS(cfl_h2_stream_send(stream, &view, 1, NULL), CFLIGHT_CANCELLED);
    CHECK_STATUS(cfl_h2_stream_end(stream, NULL), CFLIGHT_CANCELLED);
    t_duo_pump(&duo);
    assert_int_equal(duo.client.close_count, 1);
    stream = t_duo_request(&duo);
    t_duo_pump(&duo);
    t_feed(&duo.client.end, "\0\0\5\6\0\0\0\0\0\0\0\0\0\0", 14, SIZE_MAX);
    CHECK_STATUS(duo.client.end.status, CFLIGHT_INTERNAL);
    assert_true(cfl_h2_is_failed(duo.client.session));
    CHECK_STATUS(cfl_h2_stream_send(stream, &view, 1, NULL), CFLIGHT_INTERNAL);
    CHECK_STATUS(t_h2_peer_request(&duo.client, false, NULL), CFLIGHT_INTERNAL);
    cfl_h2_ping(duo.client.session);
    cfl_h2_goaway(duo.client.session, CFL_H2_NO_ERROR, true);
    assert_int_equal(t_raw_goaway_code(&duo.client.end), CFL_H2_FRAME_SIZE_ERROR);
    assert_true(cfl_h2_is_finished(duo.client.session));
    t_h2_peer_done(&duo.client);
    t_h2_peer_done(&duo.server);
    assert_int_equal(duo.client.close_count, 2);
}
