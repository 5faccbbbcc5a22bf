/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers of a body.
 *
 * A buffer is a view of the body whenever it can be: it lies inside, is not compressed, has this
 * machine's byte order, and its address suits its type. Otherwise it is made anew, once:
 * decompressed, then turned in place, or turned or copied from the body. Every offset, length and
 * claimed size is checked before it is used. Owner: a slice owns `fresh` only. Thread class: one at
 * a time. (Message.fbs: Buffer, BodyCompression; Arrow columnar: Compression, Buffer Alignment and
 * Padding) */
#include <inttypes.h>
#include <string.h>

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/error.h"
#include "ipc/decode.h"

/* Field numbers of the tables of Message.fbs. */
enum {
    BATCH_LENGTH = 0,
    BATCH_NODES = 1,
    BATCH_BUFFERS = 2,
    BATCH_COMPRESSION = 3,
    BATCH_VIEW_COUNTS = 4,
};
enum { COMPRESSION_CODEC = 0, COMPRESSION_METHOD = 1 };
enum { KEY_VALUE_KEY = 0, KEY_VALUE_VALUE = 1 };

enum {
    CODEC_LZ4_FRAME = 0,
    CODEC_ZSTD = 1,
    METHOD_BUFFER = 0,
    PAIR_BYTES = 16, /* FieldNode and Buffer: two 64-bit numbers */
    BUFFER_LENGTH_AT = 8,
    LENGTH_PREFIX_BYTES = 8,
};

/* The prefix of a compressed buffer that was left as it is. */
#define LENGTH_RAW INT64_C(-1)

/* Arrow 0.17 wrote the codec's name into the message's custom metadata, before the format had a
 * place for it. */
static enum cflight_compression codec_of_0_17(const struct cfl_message *message)
{
    for (size_t i = 0; i < message->custom_metadata.count; i++) {
        struct cfl_fb_table pair = cfl_fb_vector_table(&message->custom_metadata, i);
        struct cflight_bytes key = cfl_fb_string(&pair, KEY_VALUE_KEY);
        struct cflight_bytes value = cfl_fb_string(&pair, KEY_VALUE_VALUE);
        if (!cflight_bytes_equal(key, cflight_bytes_from_text("ARROW:experimental_compression"))) {
            continue;
        }
        if (cfl_ascii_is(value, "lz4") || cfl_ascii_is(value, "lz4_frame")) {
            return CFLIGHT_COMPRESSION_LZ4_FRAME;
        }
        if (cfl_ascii_is(value, "zstd")) {
            return CFLIGHT_COMPRESSION_ZSTD;
        }
    }
    return CFLIGHT_COMPRESSION_NONE;
}

static cflight_status read_codec(struct cfl_decode *decode, const struct cfl_message *message,
                                 const struct cfl_fb_table *record_batch, cflight_error **reterr)
{
    struct cfl_fb_table compression = cfl_fb_table_field(record_batch, BATCH_COMPRESSION);
    decode->codec = CFLIGHT_COMPRESSION_NONE;
    if (!cfl_fb_is_present(&compression)) {
        if (message->metadata_version == CFL_METADATA_V4) {
            decode->codec = codec_of_0_17(message);
        }
        return CFLIGHT_OK;
    }
    uint8_t codec = cfl_fb_u8(&compression, COMPRESSION_CODEC, CODEC_LZ4_FRAME);
    uint8_t method = cfl_fb_u8(&compression, COMPRESSION_METHOD, METHOD_BUFFER);
    if (method != METHOD_BUFFER || (codec != CODEC_LZ4_FRAME && codec != CODEC_ZSTD)) {
        return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED,
                                 "body compression (codec %u, method %u) is not supported", codec,
                                 method);
    }
    decode->codec = codec == CODEC_ZSTD ? CFLIGHT_COMPRESSION_ZSTD : CFLIGHT_COMPRESSION_LZ4_FRAME;
    return CFLIGHT_OK;
}

cflight_status cfl_decode_init(struct cfl_decode *ret_decode, const struct cfl_decode_env *env,
                               const struct cfl_message *message,
                               const struct cfl_fb_table *record_batch, struct cfl_body_view body,
                               cflight_error **reterr)
{
    struct cfl_decode *decode = ret_decode;
    memset(decode, 0, sizeof *decode);
    decode->env = env;
    if (!cfl_fb_is_present(record_batch)) {
        return cflight_error_set_message(reterr, CFLIGHT_DATA_LOSS,
                                         "the message has no record batch");
    }
    decode->body = body;
    decode->metadata_version = message->metadata_version;
    decode->is_swapped = cfl_schema_is_swapped(env->schema);
    decode->batch_length = cfl_fb_i64(record_batch, BATCH_LENGTH, 0);
    decode->nodes = cfl_fb_vector_field(record_batch, BATCH_NODES, PAIR_BYTES);
    decode->buffers = cfl_fb_vector_field(record_batch, BATCH_BUFFERS, PAIR_BYTES);
    decode->view_counts = cfl_fb_vector_field(record_batch, BATCH_VIEW_COUNTS, sizeof(int64_t));
    cflight_status status = read_codec(decode, message, record_batch, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_message_check(&message->fb, "record batch message", reterr);
    }
    if (status == CFLIGHT_OK && decode->batch_length < 0) {
        status = cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                   "the record batch has %" PRId64 " rows", decode->batch_length);
    }
    return status;
}

cflight_status cfl_decode_skip_buffers(struct cfl_decode *decode, uint64_t count,
                                       cflight_error **reterr)
{
    if (count > decode->buffers.count - decode->buffer_index) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "buffers are missing: the message has %zu", decode->buffers.count);
    }
    decode->buffer_index += (size_t)count;
    return CFLIGHT_OK;
}

/* The next buffer as it lies in the body. */
static cflight_status locate(struct cfl_decode *decode, struct cflight_bytes *ret_bytes,
                             cflight_error **reterr)
{
    size_t index = decode->buffer_index;
    cflight_status status = cfl_decode_skip_buffers(decode, 1, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    int64_t offset = cfl_fb_vector_i64(&decode->buffers, index, 0);
    int64_t len_bytes = cfl_fb_vector_i64(&decode->buffers, index, BUFFER_LENGTH_AT);
    struct cfl_cursor cursor = cfl_cursor_make(decode->body.bytes);
    /* An empty buffer may say any offset: some writers leave it uninitialised. */
    if (len_bytes == 0) {
        *ret_bytes = cflight_bytes_make(NULL, 0);
        return CFLIGHT_OK;
    }
    if (offset < 0 || len_bytes < 0 || !cfl_cursor_skip(&cursor, (uint64_t)offset) ||
        !cfl_cursor_bytes(&cursor, (uint64_t)len_bytes, ret_bytes)) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "buffer %zu (%" PRId64 " bytes at %" PRId64
                                 ") is not inside the body of "
                                 "%zu bytes",
                                 index, len_bytes, offset, decode->body.bytes.len_bytes);
    }
    return CFLIGHT_OK;
}

cflight_status cfl_decode_over_budget(const struct cfl_budget *budget, uint64_t len_bytes,
                                      cflight_error **reterr)
{
    return cflight_error_set(
        reterr, CFLIGHT_RESOURCE_EXHAUSTED,
        "%" PRIu64 " bytes of unpacked data do not fit: all calls of this "
        "server may hold %" PRIu64
        " bytes together (unread_bytes_max), which are in use; try again later",
        len_bytes, budget->max_bytes);
}

void cfl_decode_done(struct cfl_decode *decode)
{
    cfl_budget_give_back(decode->env->budget, decode->fresh_bytes);
    decode->fresh_bytes = 0;
}

/* Memory for a buffer that is made anew. */
static cflight_status make_fresh(struct cfl_decode *decode, size_t len_bytes,
                                 struct cfl_slice *ret_slice, cflight_error **reterr)
{
    struct cfl_budget *budget = decode->env->budget;
    if (!cfl_budget_take(budget, len_bytes)) {
        return cfl_decode_over_budget(budget, len_bytes, reterr);
    }
    cflight_buffer *fresh = cfl_body_new(decode->env->pool, decode->env->alloc, len_bytes);
    if (fresh == NULL) {
        cfl_budget_give_back(budget, len_bytes);
        return cfl_error_no_memory(reterr);
    }
    decode->fresh_bytes += len_bytes;
    ret_slice->data = cfl_body_data(fresh);
    ret_slice->len_bytes = len_bytes;
    ret_slice->owner = fresh;
    ret_slice->fresh = fresh;
    return CFLIGHT_OK;
}

/* No byte that came is worth more than a certain number, beyond what there may always be. */
uint64_t cfl_unpacked_limit(const struct cfl_limits *limits, uint64_t body_bytes)
{
    uint64_t limit_bytes = 0;
    if (__builtin_mul_overflow(body_bytes, (uint64_t)limits->unpacked_ratio_max, &limit_bytes)) {
        limit_bytes = UINT64_MAX;
    }
    limit_bytes =
        limit_bytes < limits->unpacked_bytes_free ? limits->unpacked_bytes_free : limit_bytes;
    return limit_bytes < limits->unpacked_bytes_max ? limit_bytes : limits->unpacked_bytes_max;
}

/* The peer chose this number: it is checked before it reaches the allocator. */
static cflight_status check_claim(struct cfl_decode *decode, uint64_t claimed_bytes,
                                  cflight_error **reterr)
{
    uint64_t limit_bytes = cfl_unpacked_limit(decode->env->limits, decode->body.bytes.len_bytes);
    uint64_t total_bytes = 0;
    if (__builtin_add_overflow(decode->unpacked_bytes, claimed_bytes, &total_bytes) ||
        total_bytes > limit_bytes) {
        cflight_status status =
            cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                              "a compressed message of %zu bytes unpacks to %" PRIu64
                              " bytes or more; the limit is %" PRIu64
                              " bytes, which the read option unpacked_bytes_max changes",
                              decode->body.bytes.len_bytes, total_bytes, limit_bytes);
        if (reterr != NULL) {
            cfl_error_set_size_numbers(*reterr, limit_bytes, total_bytes);
        }
        return status;
    }
    decode->unpacked_bytes = total_bytes;
    return CFLIGHT_OK;
}

/* Takes a compressed buffer apart and checks what it claims; `*ret_claimed_bytes` is LENGTH_RAW for
 * one that was left as it is. */
static cflight_status read_claim(struct cfl_decode *decode, struct cflight_bytes raw,
                                 struct cflight_bytes *ret_compressed, int64_t *ret_claimed_bytes,
                                 cflight_error **reterr)
{
    struct cfl_cursor cursor = cfl_cursor_make(raw);
    uint64_t word = 0;
    if (!cfl_cursor_u64le(&cursor, &word)) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "a compressed buffer has %zu bytes; its length alone takes %d",
                                 raw.len_bytes, LENGTH_PREFIX_BYTES);
    }
    (void)cfl_cursor_bytes(&cursor, cfl_cursor_left(&cursor), ret_compressed);
    *ret_claimed_bytes = (int64_t)word;
    if (*ret_claimed_bytes == LENGTH_RAW) {
        return CFLIGHT_OK;
    }
    if (*ret_claimed_bytes < 0) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "a compressed buffer claims %" PRId64 " bytes",
                                 *ret_claimed_bytes);
    }
    cflight_status status = check_claim(decode, word, reterr);
    if (status != CFLIGHT_OK || word == 0) {
        return status;
    }
    return cfl_decompress_check(decode->codec, *ret_compressed, word, reterr);
}

static cflight_status expand(struct cfl_decode *decode, struct cflight_bytes raw,
                             struct cfl_slice *ret_slice, cflight_error **reterr)
{
    struct cflight_bytes compressed = {0};
    int64_t claimed_bytes = 0;
    cflight_status status = read_claim(decode, raw, &compressed, &claimed_bytes, reterr);
    if (status != CFLIGHT_OK || claimed_bytes == 0) {
        return status;
    }
    if (claimed_bytes == LENGTH_RAW) {
        ret_slice->data = compressed.data;
        ret_slice->len_bytes = compressed.len_bytes;
        ret_slice->owner = decode->body.owner;
        return CFLIGHT_OK;
    }
    status = make_fresh(decode, (size_t)claimed_bytes, ret_slice, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    return cfl_decompress(decode->env->decompressor, decode->codec, compressed,
                          cfl_body_data(ret_slice->fresh), ret_slice->len_bytes, reterr);
}

static cflight_status check_needed(const struct cfl_decode *decode, uint64_t len_bytes,
                                   uint64_t needed_bytes, cflight_error **reterr)
{
    if (len_bytes >= needed_bytes) {
        return CFLIGHT_OK;
    }
    return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                             "buffer %zu is too short: %" PRIu64 " of %" PRIu64 " bytes",
                             decode->buffer_index - 1, len_bytes, needed_bytes);
}

cflight_status cfl_decode_measure(struct cfl_decode *decode, uint64_t needed_bytes,
                                  cflight_error **reterr)
{
    struct cflight_bytes raw = {0};
    struct cflight_bytes compressed = {0};
    int64_t claimed_bytes = LENGTH_RAW;
    cflight_status status = locate(decode, &raw, reterr);
    uint64_t len_bytes = raw.len_bytes;
    if (status == CFLIGHT_OK && decode->codec != CFLIGHT_COMPRESSION_NONE && raw.len_bytes > 0) {
        status = read_claim(decode, raw, &compressed, &claimed_bytes, reterr);
        len_bytes = claimed_bytes == LENGTH_RAW ? compressed.len_bytes : (uint64_t)claimed_bytes;
    }
    return status == CFLIGHT_OK ? check_needed(decode, len_bytes, needed_bytes, reterr) : status;
}

static bool is_aligned(const uint8_t *data, size_t alignment_bytes)
{
    return ((uintptr_t)data & (alignment_bytes - 1)) == 0;
}

/* Turns the bytes around, or moves them to where they are aligned. */
static cflight_status adapt(struct cfl_decode *decode, const struct cfl_buffer_want *want,
                            struct cfl_slice *slice, cflight_error **reterr)
{
    bool is_turned = decode->is_swapped && want->swap != CFL_SWAP_NONE;
    if (slice->len_bytes == 0 || (!is_turned && is_aligned(slice->data, want->alignment_bytes))) {
        return CFLIGHT_OK;
    }
    if (slice->fresh == NULL) {
        struct cfl_slice made = {0};
        /* Without overlap, all buffers together are no larger than the body. */
        if (slice->len_bytes > decode->body.bytes.len_bytes - decode->copied_bytes) {
            return cflight_error_set_message(reterr, CFLIGHT_DATA_LOSS,
                                             "the buffers of the body overlap");
        }
        cflight_status status = make_fresh(decode, slice->len_bytes, &made, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        decode->copied_bytes += slice->len_bytes;
        cfl_swap_bytes(is_turned ? want->swap : CFL_SWAP_NONE, cfl_body_data(made.fresh),
                       slice->data, slice->len_bytes);
        *slice = made;
        return CFLIGHT_OK;
    }
    uint8_t *data = cfl_body_data(slice->fresh);
    cfl_swap_bytes(want->swap, data, data, slice->len_bytes);
    return CFLIGHT_OK;
}

cflight_status cfl_decode_buffer(struct cfl_decode *decode, const struct cfl_buffer_want *want,
                                 struct cfl_slice *ret_slice, cflight_error **reterr)
{
    struct cflight_bytes raw = {0};
    struct cfl_slice slice = {0};
    cflight_status status = locate(decode, &raw, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (decode->codec != CFLIGHT_COMPRESSION_NONE && raw.len_bytes > 0) {
        status = expand(decode, raw, &slice, reterr);
    } else {
        slice.data = raw.data;
        slice.len_bytes = raw.len_bytes;
        slice.owner = decode->body.owner;
    }
    if (status == CFLIGHT_OK) {
        status = check_needed(decode, slice.len_bytes, want->needed_bytes, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = adapt(decode, want, &slice, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_slice_done(&slice);
        return status;
    }
    *ret_slice = slice;
    return CFLIGHT_OK;
}

void cfl_slice_done(struct cfl_slice *slice)
{
    cflight_buffer_unref(slice->fresh);
    memset(slice, 0, sizeof *slice);
}
