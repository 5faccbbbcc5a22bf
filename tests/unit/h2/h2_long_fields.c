/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields that are longer than the HTTP/2 library decodes: they arrive, or cost their stream,
 * and never the connection. */
#include <stdlib.h>

#include "h2_peer.h"

enum { FRAME_BYTES = 16000, LIMIT_BYTES = 6 << 20 };

/* One request whose block is cut into HEADERS and CONTINUATION frames. */
static void append_request(struct t_raw *raw, uint32_t stream_id, const struct t_raw *block)
{
    for (size_t offset = 0; offset < block->len_bytes; offset += FRAME_BYTES) {
        size_t left_bytes = block->len_bytes - offset;
        bool is_last = left_bytes <= FRAME_BYTES;
        t_raw_frame(raw, offset == 0 ? T_HEADERS : T_CONTINUATION, is_last ? T_END_HEADERS : 0,
                    stream_id, block->data + offset, is_last ? left_bytes : FRAME_BYTES);
    }
}

static char *make_text(size_t len_bytes)
{
    char *text = malloc(len_bytes);
    assert_non_null(text);
    for (size_t i = 0; i < len_bytes; i++) {
        text[i] = (char)('!' + (i * 2654435761U >> 20) % 94);
    }
    return text;
}

static void add(struct t_raw *block, uint64_t *sum, const char *name, const char *value,
                size_t value_bytes, bool is_indexed)
{
    t_raw_literal(block, name, value, value_bytes, is_indexed);
    *sum = t_sum(*sum, name, strlen(name));
    *sum = t_sum(*sum, value, value_bytes);
}

/* Goal: a value of any length arrives byte for byte when the limit allows, between others, wherever
 * the input is cut, and HPACK's table stays in step. Method: lengths around every change of their
 * encoding, indexed and not; then a field that only the table knows. */
TEST(h2_long_fields, values_arrive_whole_under_the_limit)
{
    static const size_t LENGTHS[] = {65535,         65536,   65537,   65538,   70000,
                                     71681,         81919,   100000,  2097278, 2097279,
                                     2097280 + 100, 2113663, 2113664, 4000000};
    static const size_t CHUNKS[] = {1, 7, 16009, SIZE_MAX};
    char *text = make_text(4000000);
    for (size_t i = 0; i < sizeof LENGTHS / sizeof LENGTHS[0] * 4; i++) {
        struct t_clock clock;
        struct t_h2_peer peer;
        struct t_raw raw = {0};
        struct t_raw block = {0};
        uint64_t sum = 0;
        size_t length = LENGTHS[i / 4];
        if (CHUNKS[i % 4] < 16000 && length > 100000) {
            continue; /* takes long */
        }
        struct cfl_limits limits = cfl_limits_default;
        limits.metadata_bytes_max = LIMIT_BYTES;
        t_clock_init(&clock);
        t_h2_peer_serve(&peer, &limits, &clock);
        add(&block, &sum, ":method", "POST", 4, false);
        add(&block, &sum, "x-one", "1", 1, true);
        add(&block, &sum, "x-long", text, length, i % 3 == 0);
        add(&block, &sum, "x-other", text, length / 2, false);
        add(&block, &sum, "x-last", "kept", 4, true);
        append_request(&raw, 1, &block);
        t_raw_clear(&block);
        t_feed(&peer.end, raw.data, raw.len_bytes, CHUNKS[i % 4]);
        CHECK_STATUS(peer.end.status, CFLIGHT_OK);
        assert_int_equal(peer.headers_count, 1);
        assert_false(peer.is_too_large);
        assert_int_equal(peer.field_count, 5);
        assert_true(peer.fields_sum == sum);
        t_raw_clear(&raw);
        t_raw_append(&block, "\x83\xbe", 2); /* 62: the newest entry of the table */
        append_request(&raw, 3, &block);
        t_h2_peer_feed(&peer, &raw);
        CHECK_STATUS(peer.end.status, CFLIGHT_OK);
        assert_non_null(strstr(peer.fields, "x-last=kept\n"));
        t_h2_peer_done(&peer);
        t_raw_done(&block);
        t_raw_done(&raw);
    }
    free(text);
}

/* Goal: a name or value past the limit is reported for its stream, and nothing else suffers.
 * Method: the default limit; values and names of up to 4 MB, padded and with a priority; then a
 * request. */
TEST(h2_long_fields, fields_past_the_limit_cost_their_stream)
{
    static const size_t LENGTHS[] = {65536, 65537, 70000, 1 << 20, 4000000};
    for (size_t i = 0; i < sizeof LENGTHS / sizeof LENGTHS[0] * 2; i++) {
        bool is_name = i % 2 == 1;
        size_t length = LENGTHS[i / 2];
        struct t_clock clock;
        struct t_h2_peer peer;
        struct t_raw raw = {0};
        struct t_raw block = {0};
        char *text = malloc(length + 1);
        assert_non_null(text);
        memset(text, 'n', length);
        text[length] = '\0';
        t_clock_init(&clock);
        t_h2_peer_serve(&peer, NULL, &clock);
        t_raw_literal(&block, is_name ? text : "x-long", is_name ? "v" : text, is_name ? 1 : length,
                      true);
        t_raw_literal(&block, "x-last", "kept", 4, true);
        append_request(&raw, 1, &block);
        t_h2_peer_feed(&peer, &raw);
        CHECK_STATUS(peer.end.status, CFLIGHT_OK);
        assert_int_equal(peer.headers_count, 1);
        assert_true(peer.is_too_large);
        t_raw_clear(&block);
        /* Padding and priority before the block. */
        t_raw_append(&block, "\x03\0\0\0\0\x10\xbe\0\0\0", 10);
        t_raw_frame(&raw, T_HEADERS, T_END_HEADERS | T_PADDED | 0x20, 3, block.data,
                    block.len_bytes);
        t_h2_peer_feed(&peer, &raw);
        CHECK_STATUS(peer.end.status, CFLIGHT_OK);
        assert_false(peer.is_too_large);
        assert_string_equal(peer.fields, "x-last=kept\n");
        t_h2_peer_done(&peer);
        free(text);
        t_raw_done(&block);
        t_raw_done(&raw);
    }
}

/* Goal: what nghttp2 encodes with Huffman's code is decoded. Method: every byte that a value may
 * hold, in a value that Huffman makes shorter, between two sessions. */
TEST(h2_long_fields, huffman_code_is_decoded)
{
    enum { VALUE_BYTES = 400000 };
    struct t_duo duo;
    struct cfl_limits limits = cfl_limits_default;
    limits.metadata_bytes_max = LIMIT_BYTES;
    char *text = malloc(VALUE_BYTES);
    assert_non_null(text);
    for (size_t i = 0; i < VALUE_BYTES; i++) {
        unsigned int byte = 0x21 + (unsigned int)(i / 16) % (0x100 - 0x21);
        text[i] = (char)(i % 16 != 0 || byte == 0x7f ? 'a' + (int)(i % 5) : (int)byte);
    }
    t_duo_open(&duo, &limits);
    struct cfl_h2_field fields[] = {
        {cflight_bytes_from_text(":method"), cflight_bytes_from_text("POST"), false, false},
        {cflight_bytes_from_text("x-long"), cflight_bytes_make(text, VALUE_BYTES), false, false},
        {cflight_bytes_from_text("x-last"), cflight_bytes_from_text("kept"), false, false},
    };
    uint64_t sum = 0;
    for (size_t i = 0; i < 3; i++) {
        sum = t_sum(sum, fields[i].name.data, fields[i].name.len_bytes);
        sum = t_sum(sum, fields[i].value.data, fields[i].value.len_bytes);
    }
    struct cfl_h2_stream *stream = NULL;
    CHECK_OK(cfl_h2_submit_request(duo.client.session, fields, 3, true, &duo.client, &stream,
                                   &duo.error),
             duo.error);
    duo.client.stream_count++;
    t_duo_pump(&duo);
    assert_int_equal(duo.server.headers_count, 1);
    assert_int_equal(duo.server.field_count, 3);
    assert_true(duo.server.fields_sum == sum);
    t_h2_peer_respond(duo.server.stream);
    t_duo_pump(&duo);
    CHECK_OK(cfl_h2_stream_end(duo.server.stream, &duo.error), duo.error);
    t_duo_pump(&duo);
    t_duo_close(&duo);
    free(text);
}

/* Goal: lengths that no encoder writes, and blocks that do not end, end the session. Method: a
 * length with superfluous groups, one that does not end, 12 MiB of a value. */
TEST(h2_long_fields, broken_lengths_end_the_session)
{
    static const struct {
        const char *bytes;
        size_t len_bytes;
    } BLOCKS[] = {
        {"\x83\x00\x01x\x7f\x80\x80\x80\x00", 9},
        {"\x83\x00\x01x\x7f\x80\x80\x80\x80\x80\x80\x00", 12},
    };
    for (size_t i = 0; i < 3; i++) {
        struct t_clock clock;
        struct t_h2_peer peer;
        struct t_raw raw = {0};
        struct t_raw block = {0};
        t_clock_init(&clock);
        t_h2_peer_serve(&peer, NULL, &clock);
        if (i < 2) {
            t_raw_append(&block, BLOCKS[i].bytes, BLOCKS[i].len_bytes);
        } else {
            enum { HUGE_BYTES = 12 << 20 };
            char *text = make_text(HUGE_BYTES);
            t_raw_literal(&block, "x", text, HUGE_BYTES, false);
            free(text);
        }
        append_request(&raw, 1, &block);
        t_h2_peer_feed(&peer, &raw);
        assert_true(peer.end.status != CFLIGHT_OK);
        assert_int_equal(peer.headers_count, 0);
        assert_int_equal(t_raw_goaway_code(&peer.end),
                         i < 2 ? CFL_H2_COMPRESSION_ERROR : CFL_H2_ENHANCE_YOUR_CALM);
        t_h2_peer_done(&peer);
        t_raw_done(&block);
        t_raw_done(&raw);
    }
}
