/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that break the protocol: what a server session does with bytes no client would send. */
#include "h2_peer.h"

#include <stdlib.h>

static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/* Goal: a client that does not start with the preface is refused, whichever byte is wrong.
 * Method: damage each byte of the 24 in turn. */
TEST(h2_hostile, a_wrong_byte_in_the_preface_ends_the_session)
{
    struct t_clock clock;
    t_clock_init(&clock);
    for (size_t i = 0; i < 24; i++) {
        struct t_h2_peer peer;
        char bytes[24];
        t_h2_peer_open(&peer, CFL_H2_SERVER, NULL, &clock);
        memcpy(bytes, PREFACE, 24);
        bytes[i] ^= 0x20;
        t_feed(&peer.end, bytes, 24, 5);
        CHECK_STATUS(peer.end.status, CFLIGHT_INTERNAL);
        assert_non_null(strstr(peer.end.text, "preface"));
        t_h2_peer_done(&peer);
    }
}

/* Goal: a client that stops inside the preface, or after it, does not keep the session.
 * Method: feed a part, move the clock past the handshake time. */
TEST(h2_hostile, a_partial_preface_times_out)
{
    struct t_clock clock;
    t_clock_init(&clock);
    for (size_t part_bytes = 0; part_bytes <= 24; part_bytes += 12) {
        struct t_h2_peer peer;
        cflight_error *error = NULL;
        t_h2_peer_open(&peer, CFL_H2_SERVER, NULL, &clock);
        t_feed(&peer.end, PREFACE, part_bytes, 100);
        int64_t deadline_ns = cfl_h2_next_deadline_ns(peer.session);
        assert_true(deadline_ns == clock.now_ns + 20000 * CFL_NS_PER_MS);
        CHECK_OK(cfl_h2_tick(peer.session, deadline_ns - 1, &error), error);
        CHECK_STATUS(cfl_h2_tick(peer.session, deadline_ns, &error), CFLIGHT_DEADLINE_EXCEEDED);
        assert_non_null(strstr(cflight_error_message(error), part_bytes < 24 ? "preface" : "send"));
        cflight_error_free(error);
        assert_int_equal(t_raw_goaway_code(&peer.end), CFL_H2_SETTINGS_TIMEOUT);
        assert_true(cfl_h2_is_finished(peer.session));
        t_h2_peer_done(&peer);
    }
}

struct bad_frame {
    const char *why;
    int type;
    int flags;
    uint32_t stream_id;
    size_t len_bytes;
    uint32_t code;
};

/* Feeds one frame to a server on which stream 1 is open; returns the code of its GOAWAY. */
static uint32_t feed_bad_frame(const struct bad_frame *bad, bool is_first)
{
    struct t_clock clock;
    struct t_h2_peer peer;
    struct t_raw raw = {0};
    uint8_t *payload = calloc(1, bad->len_bytes + 1);
    assert_non_null(payload);
    t_clock_init(&clock);
    if (is_first) {
        t_h2_peer_open(&peer, CFL_H2_SERVER, NULL, &clock);
        t_raw_append(&raw, PREFACE, 24);
    } else {
        t_h2_peer_serve(&peer, NULL, &clock);
        t_raw_request(&raw, 1, NULL);
    }
    t_raw_frame(&raw, bad->type, bad->flags, bad->stream_id, payload, bad->len_bytes);
    t_h2_peer_feed(&peer, &raw);
    if (peer.end.status == CFLIGHT_OK) {
        fail_msg("%s was accepted", bad->why);
    }
    CHECK_STATUS(peer.end.status, CFLIGHT_INTERNAL);
    assert_non_null(strstr(peer.end.text, "broke the HTTP/2 protocol"));
    uint32_t code = t_raw_goaway_code(&peer.end);
    assert_true(cfl_h2_is_finished(peer.session));
    t_h2_peer_done(&peer);
    t_raw_done(&raw);
    free(payload);
    return code;
}

/* Goal: the first frame must be a well-formed SETTINGS frame.
 * Method: other frames, and SETTINGS with wrong length, flags and stream. */
TEST(h2_hostile, the_first_frame_must_be_settings)
{
    const struct bad_frame bads[] = {
        {"PING first", T_PING, 0, 0, 8, CFL_H2_PROTOCOL_ERROR},
        {"DATA first", T_DATA, 0, 1, 8, CFL_H2_PROTOCOL_ERROR},
        {"SETTINGS of 5 bytes", T_SETTINGS, 0, 0, 5, CFL_H2_FRAME_SIZE_ERROR},
        {"SETTINGS with ACK first", T_SETTINGS, T_ACK, 0, 0, CFL_H2_PROTOCOL_ERROR},
        {"SETTINGS on a stream", T_SETTINGS, 0, 1, 0, CFL_H2_PROTOCOL_ERROR},
    };
    for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++) {
        assert_int_equal(feed_bad_frame(&bads[i], true), bads[i].code);
    }
}

/* Goal: frames of impossible size, on impossible streams, or out of order end the connection.
 * Method: one of each after a good request. */
TEST(h2_hostile, malformed_frames_end_the_session)
{
    const struct bad_frame bads[] = {
        {"PRIORITY of 3 bytes", T_PRIORITY, 0, 1, 3, CFL_H2_FRAME_SIZE_ERROR},
        {"RST_STREAM of 2 bytes", T_RST_STREAM, 0, 1, 2, CFL_H2_FRAME_SIZE_ERROR},
        {"SETTINGS of 5 bytes", T_SETTINGS, 0, 0, 5, CFL_H2_FRAME_SIZE_ERROR},
        {"SETTINGS ACK with payload", T_SETTINGS, T_ACK, 0, 6, CFL_H2_FRAME_SIZE_ERROR},
        {"PING of 5 bytes", T_PING, 0, 0, 5, CFL_H2_FRAME_SIZE_ERROR},
        {"PING on a stream", T_PING, 0, 1, 8, CFL_H2_PROTOCOL_ERROR},
        {"WINDOW_UPDATE of 1 byte", T_WINDOW_UPDATE, 0, 1, 1, CFL_H2_FRAME_SIZE_ERROR},
        {"WINDOW_UPDATE of 0 for the connection", T_WINDOW_UPDATE, 0, 0, 4, CFL_H2_PROTOCOL_ERROR},
        {"GOAWAY of 4 bytes", T_GOAWAY, 0, 0, 4, CFL_H2_FRAME_SIZE_ERROR},
        {"DATA over the frame size", T_DATA, 0, 1, (1 << 20) + 1, CFL_H2_FRAME_SIZE_ERROR},
        {"DATA on stream 0", T_DATA, 0, 0, 8, CFL_H2_PROTOCOL_ERROR},
        {"DATA on an idle stream", T_DATA, 0, 7, 8, CFL_H2_PROTOCOL_ERROR},
        {"RST_STREAM on an idle stream", T_RST_STREAM, 0, 7, 4, CFL_H2_PROTOCOL_ERROR},
        {"HEADERS on an even stream", T_HEADERS, T_END_HEADERS, 2, 0, CFL_H2_PROTOCOL_ERROR},
        {"HEADERS on stream 0", T_HEADERS, T_END_HEADERS, 0, 0, CFL_H2_PROTOCOL_ERROR},
        {"HEADERS whose padding is longer", T_HEADERS, T_END_HEADERS | T_PADDED, 3, 0,
         CFL_H2_PROTOCOL_ERROR},
        {"CONTINUATION without HEADERS", T_CONTINUATION, 0, 1, 0, CFL_H2_PROTOCOL_ERROR},
        {"PUSH_PROMISE from a client", T_PUSH_PROMISE, T_END_HEADERS, 1, 8, CFL_H2_PROTOCOL_ERROR},
    };
    for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++) {
        uint32_t code = feed_bad_frame(&bads[i], false);
        if (code != bads[i].code) {
            fail_msg("%s gave %u, expected %u", bads[i].why, code, bads[i].code);
        }
    }
}

static uint32_t run_after_request(void (*build)(struct t_raw *raw), struct t_h2_peer *peer,
                                  struct t_clock *clock)
{
    struct t_raw raw = {0};
    t_clock_init(clock);
    t_h2_peer_serve(peer, NULL, clock);
    build(&raw);
    t_h2_peer_feed(peer, &raw);
    uint32_t code = t_raw_goaway_code(&peer->end);
    t_raw_done(&raw);
    return code;
}

static void build_interrupted_block(struct t_raw *raw)
{
    t_raw_frame(raw, T_HEADERS, 0, 1, "\x83", 1);
    t_raw_frame(raw, T_PING, 0, 0, "12345678", 8);
}

static void build_continuation_elsewhere(struct t_raw *raw)
{
    t_raw_frame(raw, T_HEADERS, 0, 1, "\x83", 1);
    t_raw_frame(raw, T_CONTINUATION, T_END_HEADERS, 3, "\x86", 1);
}

static void build_reused_id(struct t_raw *raw)
{
    t_raw_request(raw, 1, NULL);
    t_raw_frame(raw, T_DATA, T_END_STREAM, 1, NULL, 0);
    t_raw_request(raw, 1, NULL);
}

static void build_bad_hpack(struct t_raw *raw)
{
    t_raw_frame(raw, T_HEADERS, T_END_HEADERS, 1, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
}

static void build_window_overflow(struct t_raw *raw)
{
    t_raw_u32_frame(raw, T_WINDOW_UPDATE, 0, 0, 0x7fffffff);
    t_raw_u32_frame(raw, T_WINDOW_UPDATE, 0, 0, 0x7fffffff);
}

/* Goal: sequences of frames that no client sends end the connection.
 * Method: each on a fresh session. */
TEST(h2_hostile, impossible_sequences_end_the_session)
{
    const struct {
        void (*build)(struct t_raw *raw);
        uint32_t code;
    } cases[] = {
        {build_interrupted_block, CFL_H2_PROTOCOL_ERROR},
        {build_continuation_elsewhere, CFL_H2_PROTOCOL_ERROR},
        {build_reused_id, CFL_H2_STREAM_CLOSED},
        {build_bad_hpack, CFL_H2_COMPRESSION_ERROR},
        {build_window_overflow, CFL_H2_FLOW_CONTROL_ERROR},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct t_clock clock;
        struct t_h2_peer peer;
        assert_int_equal(run_after_request(cases[i].build, &peer, &clock), cases[i].code);
        CHECK_STATUS(peer.end.status, CFLIGHT_INTERNAL);
        t_h2_peer_done(&peer);
        assert_int_equal(peer.close_count, peer.stream_count);
    }
}

/* Goal: a header block cut into endless CONTINUATION frames does not run for ever.
 * Method: feed empty CONTINUATION frames until the session ends. */
TEST(h2_hostile, endless_continuation_ends_the_session)
{
    struct t_clock clock;
    struct t_h2_peer peer;
    struct t_raw raw = {0};
    t_clock_init(&clock);
    t_h2_peer_serve(&peer, NULL, &clock);
    t_raw_frame(&raw, T_HEADERS, 0, 1, "\x83", 1);
    for (int i = 0; i < 100000 && peer.end.status == CFLIGHT_OK; i++) {
        t_raw_frame(&raw, T_CONTINUATION, 0, 1, "\0\1a\1b", 5);
        t_h2_peer_feed(&peer, &raw);
    }
    assert_true(peer.end.status != CFLIGHT_OK);
    t_h2_peer_done(&peer);
    t_raw_done(&raw);
}

/* Goal: errors of one stream leave the connection and other streams alone.
 * Method: a value with a line break, a window past 2^31-1; then a good request. */
TEST(h2_hostile, errors_of_a_stream_reset_only_that_stream)
{
    struct t_clock clock;
    struct t_h2_peer peer;
    struct t_raw raw = {0};
    const struct t_field two_lines[] = {{":method", "POST"}, {"x", "a\r\nb"}, {NULL, NULL}};
    t_clock_init(&clock);
    t_h2_peer_serve(&peer, NULL, &clock);
    t_raw_headers(&raw, 0, 1, two_lines);
    t_raw_request(&raw, 5, NULL);
    t_raw_u32_frame(&raw, T_WINDOW_UPDATE, 0, 5, 0x7fffffff);
    t_raw_request(&raw, 9, NULL);
    t_h2_peer_feed(&peer, &raw);
    CHECK_STATUS(peer.end.status, CFLIGHT_OK);
    assert_int_equal(peer.stream_count, 2); /* 5 and 9 were requests */
    assert_int_equal(peer.close_count, 1);
    assert_int_equal(cfl_h2_stream_id(peer.stream), 9);
    t_raw_take(&peer.end, &raw);
    assert_int_equal(t_raw_count(&raw, T_RST_STREAM), 2);
    assert_int_equal(t_raw_count(&raw, T_GOAWAY), 0);
    t_h2_peer_done(&peer);
    assert_int_equal(peer.close_count, 2);
    t_raw_done(&raw);
}

/* Goal: frames of unknown types mean nothing.
 * Method: some between the frames of a request. */
TEST(h2_hostile, unknown_frames_are_ignored)
{
    struct t_clock clock;
    struct t_h2_peer peer;
    struct t_raw raw = {0};
    t_clock_init(&clock);
    t_h2_peer_serve(&peer, NULL, &clock);
    t_raw_frame(&raw, 0x77, 0xff, 0, "abc", 3);
    t_raw_request(&raw, 1, NULL);
    t_raw_frame(&raw, 0xfe, 0, 1, NULL, 0);
    t_raw_frame(&raw, T_DATA, 0, 1, "hello", 5);
    t_h2_peer_feed(&peer, &raw);
    CHECK_STATUS(peer.end.status, CFLIGHT_OK);
    assert_int_equal(peer.data_bytes, 5);
    t_h2_peer_done(&peer);
    t_raw_done(&raw);
}

/* Goal: a header block over the limit is reported for its stream, and HPACK stays in step.
 * Method: a block that puts a field into the table and then exceeds the limit; the next request
 * uses the table. */
TEST(h2_hostile, a_large_header_block_costs_only_its_stream)
{
    struct t_clock clock;
    struct t_h2_peer peer;
    struct t_raw raw = {0};
    struct t_raw block = {0};
    char value[3000];
    memset(value, 'v', sizeof value);
    struct cfl_limits limits = cfl_limits_default;
    limits.metadata_bytes_max = 8192;
    t_clock_init(&clock);
    t_h2_peer_serve(&peer, &limits, &clock);
    t_raw_literal(&block, ":method", "POST", 4, false);
    t_raw_literal(&block, ":scheme", "http", 4, false);
    t_raw_literal(&block, ":path", "/a", 2, false);
    t_raw_literal(&block, ":authority", "x", 1, false);
    t_raw_literal(&block, "x-big", value, sizeof value, false);
    t_raw_literal(&block, "x-big", value, sizeof value, false);
    t_raw_literal(&block, "x-big", value, sizeof value, false);
    t_raw_literal(&block, "x-kept", "indexed", 7, true);
    t_raw_frame(&raw, T_HEADERS, T_END_HEADERS, 1, block.data, block.len_bytes);
    t_h2_peer_feed(&peer, &raw);
    assert_true(peer.is_too_large);
    assert_int_equal(peer.field_count, 6);
    t_raw_clear(&block);
    t_raw_append(&block, "\x83\x86\x84\x01\x01x\xbe", 7); /* 62: the newest entry of the table */
    t_raw_frame(&raw, T_HEADERS, T_END_HEADERS, 3, block.data, block.len_bytes);
    t_h2_peer_feed(&peer, &raw);
    CHECK_STATUS(peer.end.status, CFLIGHT_OK);
    assert_false(peer.is_too_large);
    assert_non_null(strstr(peer.fields, "x-kept=indexed\n"));
    t_h2_peer_done(&peer);
    t_raw_done(&block);
    t_raw_done(&raw);
}

/* Goal: a block with more fields than the limit is too large, one with as many is not.
 * Method: limit and limit + 1. */
TEST(h2_hostile, the_number_of_fields_is_limited)
{
    for (uint32_t extra = 0; extra <= 1; extra++) {
        struct t_clock clock;
        struct t_h2_peer peer;
        struct t_raw raw = {0};
        struct cfl_limits limits = cfl_limits_default;
        limits.metadata_fields_max = 8;
        t_clock_init(&clock);
        t_h2_peer_serve(&peer, &limits, &clock);
        const struct t_field fields[] = {
            {"a", "1"}, {"b", "2"}, {extra == 0 ? NULL : "c", "3"}, {NULL, NULL}};
        t_raw_request(&raw, 1, fields);
        t_h2_peer_feed(&peer, &raw);
        assert_int_equal(peer.is_too_large, extra == 1);
        assert_int_equal(peer.field_count, 8);
        t_h2_peer_done(&peer);
        t_raw_done(&raw);
    }
}

/* Goal: a block that unpacks to many times the limit ends the session.
 * Method: one entry of the dynamic table, referred to until the session gives up. */
TEST(h2_hostile, a_header_bomb_ends_the_session)
{
    struct t_clock clock;
    struct t_h2_peer peer;
    struct t_raw raw = {0};
    struct t_raw block = {0};
    char value[3500];
    memset(value, 'v', sizeof value);
    t_clock_init(&clock);
    t_h2_peer_serve(&peer, NULL, &clock);
    t_raw_append(&block, "\x83\x86\x84\x41\x01x", 6);
    t_raw_literal(&block, "x-bomb", value, sizeof value, true);
    for (int i = 0; i < 12000; i++) {
        t_raw_append(&block, "\xbe", 1);
    }
    t_raw_frame(&raw, T_HEADERS, T_END_HEADERS, 1, block.data, block.len_bytes);
    t_h2_peer_feed(&peer, &raw);
    CHECK_STATUS(peer.end.status, CFLIGHT_RESOURCE_EXHAUSTED);
    assert_int_equal(t_raw_goaway_code(&peer.end), CFL_H2_ENHANCE_YOUR_CALM);
    t_h2_peer_done(&peer);
    t_raw_done(&block);
    t_raw_done(&raw);
}

/* Goal: a server that speaks something else is named. Method: one that answers in HTTP/1.1, in one
 * piece and byte by byte, and one that sends TLS's alert, which is shorter than a frame's header.
 */
TEST(h2_hostile, a_server_of_another_protocol_is_named)
{
    static const struct {
        const char *bytes;
        size_t len_bytes;
        size_t chunk_bytes;
        const char *text;
    } cases[] = {
        {"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", 47, SIZE_MAX,
         "the peer speaks HTTP/1.1 (400 Bad Request), not HTTP/2 as gRPC does"},
        {"HTTP/1.0 403 No\r\n\r\n", 19, 1, "the peer speaks HTTP/1.0"},
        {"\x15\x03\x03\x00\x02\x02\x46", 7, SIZE_MAX,
         "the peer speaks TLS, but this connection was made without it (use grpc+tls://)"},
        {"\x15\x03\x01", 3, 1, "the peer speaks TLS"},
        {"\x16\x03\x04", 3, 2, "the peer speaks TLS"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct t_clock clock;
        struct t_h2_peer peer;
        t_clock_init(&clock);
        t_h2_peer_open(&peer, CFL_H2_CLIENT, &cfl_limits_default, &clock);
        t_feed(&peer.end, cases[i].bytes, cases[i].len_bytes, cases[i].chunk_bytes);
        assert_true(peer.end.status != CFLIGHT_OK);
        assert_non_null(strstr(peer.end.text, cases[i].text));
        t_h2_peer_done(&peer);
    }
}

/* Goal: only what is TLS is named so. Method: first bytes that are one off, of a server. */
TEST(h2_hostile, what_resembles_tls_is_not_called_so)
{
    static const char *const CASES[] = {"\x14\x03\x01", "\x17\x03\x01", "\x16\x02\x01",
                                        "\x16\x04\x01", "\x16\x03\x05"};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct t_clock clock;
        struct t_h2_peer peer;
        char greeting[24] = "";
        t_clock_init(&clock);
        memcpy(greeting, CASES[i], 3);
        t_h2_peer_open(&peer, CFL_H2_SERVER, &cfl_limits_default, &clock);
        t_feed(&peer.end, greeting, sizeof greeting, SIZE_MAX);
        CHECK_STATUS(peer.end.status, CFLIGHT_INTERNAL);
        assert_non_null(strstr(peer.end.text, "its first bytes are not the connection preface"));
        t_h2_peer_done(&peer);
    }
}

/* Goal: a client that speaks TLS is named, and gets an answer that shows it what it met.
 * Method: greetings, and what comes back: SETTINGS and GOAWAY, and nothing before them. */
TEST(h2_hostile, a_client_that_speaks_tls_is_answered)
{
    static const char *const GREETINGS[] = {
        "\x16\x03\x01\x02\x01\x01\x01\x01\xfc\x03\x03",
        "\x16\x03\x03",
        "\x15\x03\x01\x01\x02\x02\x46",
    };
    for (size_t i = 0; i < sizeof GREETINGS / sizeof GREETINGS[0]; i++) {
        struct t_clock clock;
        struct t_h2_peer peer;
        struct t_raw answer = {0};
        struct t_frame frame;
        t_clock_init(&clock);
        t_h2_peer_open(&peer, CFL_H2_SERVER, &cfl_limits_default, &clock);
        t_feed(&peer.end, GREETINGS[i], strlen(GREETINGS[i]), SIZE_MAX);
        CHECK_STATUS(peer.end.status, CFLIGHT_UNAVAILABLE);
        assert_string_equal(peer.end.text,
                            "the peer speaks TLS, but this connection was made without it");
        t_raw_take(&peer.end, &answer);
        assert_int_equal(answer.data[3], T_SETTINGS);
        assert_true(t_raw_find(&answer, T_GOAWAY, 0, &frame));
        assert_int_equal(t_raw_u32(frame.payload + 4), CFL_H2_PROTOCOL_ERROR);
        assert_true(cfl_h2_is_finished(peer.session));
        t_raw_done(&answer);
        t_h2_peer_done(&peer);
    }
}

/* Goal: a client of HTTP/1.1 reads why it is not served. Method: a request, and what comes back,
 * from its first byte on. */
TEST(h2_hostile, a_client_of_http_1_gets_an_answer_it_can_read)
{
    static const char REQUEST[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    uint8_t answer[512];
    struct t_clock clock;
    struct t_h2_peer peer;
    t_clock_init(&clock);
    t_h2_peer_open(&peer, CFL_H2_SERVER, &cfl_limits_default, &clock);
    assert_int_equal(t_drain(&peer.end, answer, sizeof answer), 0);
    t_feed(&peer.end, REQUEST, sizeof REQUEST - 1, SIZE_MAX);
    assert_true(peer.end.status != CFLIGHT_OK);
    assert_non_null(strstr(peer.end.text, "HTTP/1.1"));
    size_t len_bytes = t_drain(&peer.end, answer, sizeof answer - 1);
    answer[len_bytes] = 0;
    assert_int_equal(strncmp((const char *)answer, "HTTP/1.1 400 Bad Request\r\n", 26), 0);
    assert_non_null(strstr((const char *)answer, "\r\n\r\nThis is a gRPC server"));
    assert_string_equal((const char *)answer + len_bytes - 2, "\r\n");
    assert_true(cfl_h2_is_finished(peer.session));
    t_h2_peer_done(&peer);
}
