/* SPDX-License-Identifier: Apache-2.0 */
/* Compression, against the codecs' own decoders. */
#include <lz4frame.h>
#include <stdlib.h>
#include <zstd.h>

#include "ipc/compress.h"
#include "ipc/decompress.h"
#include "test.h"

enum { BUFFER_COUNT = 6, LARGE_BYTES = 300000 };

static uint8_t plain[BUFFER_COUNT][LARGE_BYTES];
static uint8_t restored[LARGE_BYTES];

/* Two that shrink, one of noise, one tiny, one empty, one of zeros. */
static void make_buffers(struct cfl_part_buffer *buffers)
{
    uint32_t state = 1;
    const size_t lens[BUFFER_COUNT] = {LARGE_BYTES, 70000, LARGE_BYTES, 3, 0, LARGE_BYTES};
    for (size_t i = 0; i < LARGE_BYTES; i++) {
        state = state * 1664525 + 1013904223;
        plain[0][i] = (uint8_t)(i / 1000);
        plain[1][i] = (uint8_t)(i % 10);
        plain[2][i] = (uint8_t)(state >> 24);
        plain[3][i] = (uint8_t)i;
    }
    for (size_t i = 0; i < BUFFER_COUNT; i++) {
        buffers[i].data = plain[i];
        buffers[i].len_bytes = lens[i];
    }
}

static uint64_t load_u64le(const uint8_t *data)
{
    uint64_t value = 0;
    for (size_t i = 8; i > 0; i--) {
        value = value << 8 | data[i - 1];
    }
    return value;
}

static size_t decompress(enum cflight_compression codec, const uint8_t *data, size_t len_bytes)
{
    size_t restored_bytes = sizeof restored;
    LZ4F_dctx *context = NULL;

    if (codec == CFLIGHT_COMPRESSION_ZSTD) {
        return ZSTD_decompress(restored, sizeof restored, data, len_bytes);
    }
    assert_false(LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)));
    size_t result = LZ4F_decompress(context, restored, &restored_bytes, data, &len_bytes, NULL);
    assert_int_equal(result, 0);
    (void)LZ4F_freeDecompressionContext(context);
    return restored_bytes;
}

static void check_result(enum cflight_compression codec, const struct cfl_part_buffer *buffer,
                         const struct cfl_body_buffer *result)
{
    if (result->prefix != NULL) {
        assert_int_equal(load_u64le(result->prefix), UINT64_MAX);
        assert_ptr_equal(result->data, buffer->data);
        assert_int_equal(result->len_bytes, buffer->len_bytes);
        return;
    }
    if (buffer->len_bytes == 0) {
        assert_int_equal(result->len_bytes, 0);
        return;
    }
    assert_true(result->len_bytes < buffer->len_bytes + 8);
    assert_int_equal(load_u64le(result->data), buffer->len_bytes);
    assert_int_equal(decompress(codec, result->data + 8, (size_t)result->len_bytes - 8),
                     buffer->len_bytes);
    assert_memory_equal(restored, buffer->data, buffer->len_bytes);
}

/* Goal: every codec, level and number of threads gives what the codec's own decoder restores, and
 * what does not shrink is not copied. Method: buffers of several kinds. */
TEST(compress, buffers_come_back)
{
    struct cfl_part_buffer buffers[BUFFER_COUNT];
    struct cfl_body_buffer results[BUFFER_COUNT];
    cflight_error *error = NULL;
    make_buffers(buffers);

    for (int mix = 0; mix < 2 * 3 * 3; mix++) {
        const int32_t levels[] = {0, 1, 9};
        const int32_t threads[] = {0, 2, 100};
        struct cfl_compression compression = {
            .codec = mix % 2 == 0 ? CFLIGHT_COMPRESSION_LZ4_FRAME : CFLIGHT_COMPRESSION_ZSTD,
            .level = levels[mix / 2 % 3],
            .thread_max = threads[mix / 6],
        };
        struct cfl_scratch scratch;
        cfl_scratch_init(&scratch, NULL);
        CHECK_OK(cfl_compression_check(&compression, &error), error);
        CHECK_OK(cfl_compress(&compression, buffers, BUFFER_COUNT, &scratch, results, &error),
                 error);
        for (size_t i = 0; i < BUFFER_COUNT; i++) {
            check_result(compression.codec, &buffers[i], &results[i]);
        }
        assert_null(results[0].prefix);
        assert_non_null(results[2].prefix);
        assert_non_null(results[3].prefix);
        cfl_scratch_done(&scratch);
        cfl_compression_done(&compression);
    }
}

/* Goal: levels and codecs that do not exist are refused. Method: just outside the ranges. */
TEST(compress, levels_out_of_range_are_refused)
{
    const struct cfl_compression bad[] = {
        {.codec = CFLIGHT_COMPRESSION_ZSTD, .level = 23},
        {.codec = CFLIGHT_COMPRESSION_ZSTD, .level = INT32_MIN},
        {.codec = CFLIGHT_COMPRESSION_LZ4_FRAME, .level = 13},
        {.codec = CFLIGHT_COMPRESSION_LZ4_FRAME, .level = INT32_MIN},
        {.codec = (enum cflight_compression)3},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(cfl_compression_check(&bad[i], NULL), CFLIGHT_INVALID_ARGUMENT);
    }
}

/* Goal: no memory is taken for a size that the bytes cannot hold, and every real size is accepted.
 * Method: the most compressible data there is, for many sizes; the true size, and others. */
TEST(decompress, impossible_claims_are_refused_before_memory_is_taken)
{
    static const enum cflight_compression CODECS[] = {CFLIGHT_COMPRESSION_LZ4_FRAME,
                                                      CFLIGHT_COMPRESSION_ZSTD};
    const size_t sizes[] = {1, 100, 70000, 1 << 20, 8 << 20};
    for (size_t i = 0; i < 10; i++) {
        size_t len_bytes = sizes[i / 2];
        struct cfl_compression compression = {.codec = CODECS[i % 2]};
        struct cfl_scratch scratch;
        struct cfl_body_buffer result = {0};
        cflight_error *error = NULL;
        uint8_t *zeros = calloc(len_bytes, 1);
        assert_non_null(zeros);
        const struct cfl_part_buffer source = {.data = zeros, .len_bytes = len_bytes};
        cfl_scratch_init(&scratch, NULL);
        CHECK_OK(cfl_compress(&compression, &source, 1, &scratch, &result, &error), error);
        if (result.prefix == NULL) { /* it became smaller */
            struct cflight_bytes bytes =
                cflight_bytes_make(result.data + 8, (size_t)result.len_bytes - 8);
            CHECK_OK(cfl_decompress_check(compression.codec, bytes, len_bytes, &error), error);
            CHECK_STATUS(cfl_decompress_check(compression.codec, bytes,
                                              (uint64_t)bytes.len_bytes * 40000, NULL),
                         CFLIGHT_DATA_LOSS);
            CHECK_STATUS(cfl_decompress_check(compression.codec, bytes, INT64_MAX, NULL),
                         CFLIGHT_DATA_LOSS);
        }
        cfl_scratch_done(&scratch);
        cfl_compression_done(&compression);
        free(zeros);
    }
}
