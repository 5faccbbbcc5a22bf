/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that a peer compressed: taken, within the limits on what they unpack to. */
#include <stdlib.h>
#include <zlib.h>

#include "grpc_pair.h"
#include "raw.h"

enum { MESSAGE_BYTES = 300000, GZIP_BITS = 15 + 16 };

struct packed {
    struct t_grpc_pair pair; /* only its client is used */
    struct t_user user;
    struct t_raw raw;
    cflight_status status;
};

/* One message with its prefix, compressed. */
static void append_packed(struct t_raw *raw, const void *data, size_t len_bytes, bool is_gzip)
{
    z_stream stream = {0};
    uLong room_bytes = len_bytes + 4096;
    uint8_t *target = malloc(room_bytes);
    assert_non_null(target);
    assert_int_equal(
        deflateInit2(&stream, 6, Z_DEFLATED, is_gzip ? GZIP_BITS : 15, 8, Z_DEFAULT_STRATEGY),
        Z_OK);
    stream.next_in = (uint8_t *)(uintptr_t)data;
    stream.avail_in = (uInt)len_bytes;
    stream.next_out = target;
    stream.avail_out = (uInt)room_bytes;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t packed_bytes = room_bytes - stream.avail_out;
    (void)deflateEnd(&stream);
    const uint8_t prefix[5] = {1, (uint8_t)(packed_bytes >> 24), (uint8_t)(packed_bytes >> 16),
                               (uint8_t)(packed_bytes >> 8), (uint8_t)packed_bytes};
    t_raw_append(raw, prefix, sizeof prefix);
    t_raw_append(raw, target, packed_bytes);
    free(target);
}

static void run(struct packed *packed, uint64_t limit_bytes, const char *encoding,
                const struct t_raw *messages, size_t chunk_bytes)
{
    enum { FRAME_BYTES = 16384 };
    struct t_raw out = {0};
    cflight_error *error = NULL;
    const struct t_field headers[] = {{":status", "200"},
                                      {"content-type", "application/grpc"},
                                      {"grpc-encoding", encoding},
                                      {NULL, NULL}};
    const struct t_field trailers[] = {{"grpc-status", "0"}, {NULL, NULL}};
    uint64_t lent_bytes_max = packed->user.lent_bytes_max;
    memset(packed, 0, sizeof *packed);
    packed->user.lent_bytes_max = lent_bytes_max;
    t_grpc_pair_init(&packed->pair);
    packed->pair.limits.message_bytes_max = limit_bytes;
    CHECK_OK(t_grpc_pair_open(&packed->pair, &error), error);
    CHECK_OK(t_call(&packed->pair, &packed->user, &error), error);
    t_raw_take(&packed->pair.client_end, &out);
    t_raw_frame(&packed->raw, T_SETTINGS, 0, 0, NULL, 0);
    t_raw_headers(&packed->raw, 0, 1, headers);
    for (size_t offset = 0; offset < messages->len_bytes; offset += FRAME_BYTES) {
        size_t left_bytes = messages->len_bytes - offset;
        t_raw_frame(&packed->raw, T_DATA, 0, 1, messages->data + offset,
                    left_bytes < FRAME_BYTES ? left_bytes : FRAME_BYTES);
    }
    t_raw_headers(&packed->raw, T_END_STREAM, 1, trailers);
    t_feed(&packed->pair.client_end, packed->raw.data, packed->raw.len_bytes, chunk_bytes);
    assert_int_equal(packed->user.end_count, 1);
    packed->status = cfl_grpc_call_status(packed->user.call);
    t_raw_done(&out);
}

static void done(struct packed *packed)
{
    t_user_done(&packed->user);
    t_grpc_pair_done(&packed->pair);
    t_raw_done(&packed->raw);
}

static uint8_t *make_bytes(void)
{
    uint8_t *bytes = malloc(MESSAGE_BYTES);
    assert_non_null(bytes);
    for (size_t i = 0; i < MESSAGE_BYTES; i++) {
        bytes[i] = (uint8_t)(i % 1000 == 0 ? i * 2654435761U >> 24 : i / 100);
    }
    return bytes;
}

/* Goal: gzip and deflate are understood, between messages that are not compressed, wherever the
 * input is cut. Method: three messages, the middle one plain. */
TEST(grpc_packed, gzip_and_deflate_are_unpacked)
{
    uint8_t *bytes = make_bytes();
    for (int i = 0; i < 4; i++) {
        struct packed packed = {0};
        struct t_raw messages = {0};
        append_packed(&messages, bytes, MESSAGE_BYTES, i % 2 == 0);
        t_raw_append(&messages, "\0\0\0\0\3abc", 8);
        append_packed(&messages, bytes, 1, i % 2 == 0);
        run(&packed, UINT32_MAX, i % 2 == 0 ? "gzip" : "deflate", &messages, i < 2 ? SIZE_MAX : 1);
        CHECK_STATUS(packed.status, CFLIGHT_OK);
        assert_int_equal(packed.user.message_count, 3);
        assert_int_equal(packed.user.len_bytes, MESSAGE_BYTES + 3 + 1);
        assert_memory_equal(packed.user.bytes, bytes, MESSAGE_BYTES);
        assert_memory_equal(packed.user.bytes + MESSAGE_BYTES, "abc", 3);
        done(&packed);
        t_raw_done(&messages);
    }
    free(bytes);
}

/* Goal: what a message unpacks to is held to the limit, and not much more is ever in memory.
 * Method: the limit and one byte less; 64 MiB of zeros, which are 64 KiB on the wire, and a limit
 * of 1 MiB. */
TEST(grpc_packed, the_limit_holds_for_what_is_unpacked)
{
    enum { BOMB_BYTES = 64 << 20 };
    uint8_t *bytes = calloc(1, BOMB_BYTES);
    assert_non_null(bytes);
    const struct {
        size_t len_bytes;
        uint64_t limit_bytes;
        cflight_status status;
    } cases[] = {
        {MESSAGE_BYTES, MESSAGE_BYTES, CFLIGHT_OK},
        {MESSAGE_BYTES, MESSAGE_BYTES - 1, CFLIGHT_RESOURCE_EXHAUSTED},
        {BOMB_BYTES, 1 << 20, CFLIGHT_RESOURCE_EXHAUSTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct packed packed = {0};
        struct t_raw messages = {0};
        append_packed(&messages, bytes, cases[i].len_bytes, true);
        run(&packed, cases[i].limit_bytes, "gzip", &messages, SIZE_MAX);
        CHECK_STATUS(packed.status, cases[i].status);
        assert_int_equal(packed.user.message_count, cases[i].status == CFLIGHT_OK ? 1 : 0);
        done(&packed);
        t_raw_done(&messages);
    }
    free(bytes);
}

/* Goal: memory for what is unpacked is asked for before it is taken, all of it. Method: 64 MiB of
 * zeros, no limit on messages, and a user that lends 1 MiB. */
TEST(grpc_packed, no_more_is_unpacked_than_was_lent)
{
    enum { BOMB_BYTES = 64 << 20, LENT_BYTES = 1 << 20 };
    uint8_t *bytes = calloc(1, BOMB_BYTES);
    struct packed packed = {0};
    struct t_raw messages = {0};
    assert_non_null(bytes);
    append_packed(&messages, bytes, BOMB_BYTES, true);
    packed.user.lent_bytes_max = LENT_BYTES;
    run(&packed, UINT32_MAX, "gzip", &messages, SIZE_MAX);
    CHECK_STATUS(packed.status, CFLIGHT_RESOURCE_EXHAUSTED);
    assert_int_equal(packed.user.message_count, 0);
    done(&packed);
    t_raw_done(&messages);
    free(bytes);
}

/* Goal: what is no compressed message ends the call with a reason. Method: damage, a cut, bytes
 * behind the end, an empty one, a codec that was not named. */
TEST(grpc_packed, broken_messages_end_the_call)
{
    static const char *const TEXTS[] = {"cannot be unpacked", "ends before its data does",
                                        "cannot be unpacked", "ends before its data does",
                                        "no grpc-encoding"};
    uint8_t *bytes = make_bytes();
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        struct packed packed = {0};
        struct t_raw messages = {0};
        append_packed(&messages, bytes, 1000, true);
        if (i == 0) {
            messages.data[7] ^= 0xff;
        } else if (i == 1) {
            messages.len_bytes -= 9;
            messages.data[4] = (uint8_t)(messages.data[4] - 9);
        } else if (i == 2) {
            t_raw_append(&messages, "x", 1);
            messages.data[4]++;
        } else if (i == 3) {
            messages.len_bytes = 5;
            memset(messages.data + 1, 0, 4);
        }
        run(&packed, UINT32_MAX, i == 4 ? "identity" : "gzip", &messages, SIZE_MAX);
        CHECK_STATUS(packed.status, CFLIGHT_INTERNAL);
        if (strstr(cfl_grpc_call_message(packed.user.call), TEXTS[i]) == NULL) {
            fail_msg("'%s' is not in '%s'", TEXTS[i], cfl_grpc_call_message(packed.user.call));
        }
        done(&packed);
        t_raw_done(&messages);
    }
    free(bytes);
}
