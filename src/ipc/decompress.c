/* SPDX-License-Identifier: Apache-2.0 */
/* LZ4 frames and Zstandard, straight into the final buffer.
 *
 * The caller has checked the claimed size against the limits and allocated it; the codecs never
 * write past it, and producing less is an error too. Owner: of both codec contexts. Thread class:
 * one at a time. (Arrow columnar: Compression) */
#include "ipc/decompress.h"

#include <inttypes.h>
#include <lz4frame.h>
#include <zstd.h>

#include "base/error.h"

/* Most bytes that one compressed byte can stand for: an LZ4 match of length bytes that are 255; a
 * Zstandard block of 128 KiB in four bytes. */
enum { LZ4_RATIO_MAX = 255, ZSTD_RATIO_MAX = 32768 };

void cfl_decompressor_done(struct cfl_decompressor *decompressor)
{
    (void)LZ4F_freeDecompressionContext(decompressor->lz4);
    (void)ZSTD_freeDCtx(decompressor->zstd);
    decompressor->lz4 = NULL;
    decompressor->zstd = NULL;
}

static cflight_status check_size(const char *codec, size_t found_bytes, size_t expected_bytes,
                                 cflight_error **reterr)
{
    if (found_bytes == expected_bytes) {
        return CFLIGHT_OK;
    }
    return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                             "a buffer compressed with %s holds %zu bytes; %zu were announced",
                             codec, found_bytes, expected_bytes);
}

/* The size that a Zstandard frame says it has, when the frame is all there is and says so. */
static bool is_zstd_size_wrong(struct cflight_bytes source, uint64_t claimed_bytes)
{
    unsigned long long content_bytes = ZSTD_getFrameContentSize(source.data, source.len_bytes);
    return content_bytes != ZSTD_CONTENTSIZE_UNKNOWN && content_bytes != ZSTD_CONTENTSIZE_ERROR &&
           content_bytes != claimed_bytes &&
           ZSTD_findFrameCompressedSize(source.data, source.len_bytes) == source.len_bytes;
}

cflight_status cfl_decompress_check(enum cflight_compression codec, struct cflight_bytes source,
                                    uint64_t claimed_bytes, cflight_error **reterr)
{
    bool is_zstd = codec == CFLIGHT_COMPRESSION_ZSTD;
    uint64_t ratio_max = is_zstd ? ZSTD_RATIO_MAX : LZ4_RATIO_MAX;
    if (claimed_bytes / ratio_max <= source.len_bytes &&
        !(is_zstd && is_zstd_size_wrong(source, claimed_bytes))) {
        return CFLIGHT_OK;
    }
    return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                             "a buffer compressed with %s to %zu bytes cannot hold the %" PRIu64
                             " bytes that were announced",
                             is_zstd ? "Zstandard" : "LZ4", source.len_bytes, claimed_bytes);
}

static cflight_status decompress_lz4(struct cfl_decompressor *decompressor,
                                     struct cflight_bytes source, uint8_t *target,
                                     size_t target_len_bytes, cflight_error **reterr)
{
    if (decompressor->lz4 == NULL) {
        LZ4F_dctx *context = NULL;
        if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION))) {
            return cfl_error_no_memory(reterr);
        }
        decompressor->lz4 = context;
    }
    LZ4F_resetDecompressionContext(decompressor->lz4);
    /* What was written stays in place, so the codec needs no history of its own. */
    const LZ4F_decompressOptions_t options = {.stableDst = 1};
    size_t taken_bytes = 0;
    size_t made_bytes = 0;
    size_t hint = 1;
    while (hint != 0 && taken_bytes < source.len_bytes) {
        size_t target_bytes = target_len_bytes - made_bytes;
        size_t source_bytes = source.len_bytes - taken_bytes;
        hint = LZ4F_decompress(decompressor->lz4, target + made_bytes, &target_bytes,
                               source.data + taken_bytes, &source_bytes, &options);
        if (LZ4F_isError(hint)) {
            return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                     "a buffer is not a valid LZ4 frame: %s",
                                     LZ4F_getErrorName(hint));
        }
        if (target_bytes == 0 && source_bytes == 0) {
            break;
        }
        taken_bytes += source_bytes;
        made_bytes += target_bytes;
    }
    if (hint != 0) {
        return cflight_error_set(
            reterr, CFLIGHT_DATA_LOSS,
            "a buffer's LZ4 frame is cut short or longer than the %zu bytes announced",
            target_len_bytes);
    }
    return check_size("LZ4", made_bytes, target_len_bytes, reterr);
}

static cflight_status decompress_zstd(struct cfl_decompressor *decompressor,
                                      struct cflight_bytes source, uint8_t *target,
                                      size_t target_len_bytes, cflight_error **reterr)
{
    if (decompressor->zstd == NULL) {
        decompressor->zstd = ZSTD_createDCtx();
        if (decompressor->zstd == NULL) {
            return cfl_error_no_memory(reterr);
        }
    }
    size_t made_bytes = ZSTD_decompressDCtx(decompressor->zstd, target, target_len_bytes,
                                            source.data, source.len_bytes);
    if (ZSTD_isError(made_bytes)) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "a buffer is not valid Zstandard data: %s",
                                 ZSTD_getErrorName(made_bytes));
    }
    return check_size("Zstandard", made_bytes, target_len_bytes, reterr);
}

cflight_status cfl_decompress(struct cfl_decompressor *decompressor, enum cflight_compression codec,
                              struct cflight_bytes source, uint8_t *target, size_t target_len_bytes,
                              cflight_error **reterr)
{
    if (codec == CFLIGHT_COMPRESSION_ZSTD) {
        return decompress_zstd(decompressor, source, target, target_len_bytes, reterr);
    }
    return decompress_lz4(decompressor, source, target, target_len_bytes, reterr);
}
