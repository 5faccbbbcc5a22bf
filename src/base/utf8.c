/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 validation with a fast path for ASCII, which most text is. Thread class: free. (RFC 3629
 * section 4) */
#include "base/utf8.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define HIGH_BITS UINT64_C(0x8080808080808080)

enum { BLOCK_BYTES = 256 };

/* No branch inside the loop, so that compilers turn it into wide loads. */
static uint8_t joined_bits(const uint8_t *text, size_t len_bytes)
{
    uint8_t bits = 0;
    for (size_t i = 0; i < len_bytes; i++) {
        bits |= text[i];
    }
    return bits;
}

bool cfl_utf8_is_ascii(const uint8_t *text, size_t len_bytes)
{
    size_t at = 0;
    for (; len_bytes - at >= BLOCK_BYTES; at += BLOCK_BYTES) {
        if (joined_bits(text + at, BLOCK_BYTES) >= 0x80) {
            return false;
        }
    }
    return joined_bits(text + at, len_bytes - at) < 0x80;
}

/* Length of the ASCII run that text begins with, in whole words. */
static size_t ascii_prefix(const uint8_t *text, size_t len_bytes)
{
    size_t at = 0;
    for (; len_bytes - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, text + at, sizeof word);
        if ((word & HIGH_BITS) != 0) {
            break;
        }
    }
    return at;
}

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

/* Bytes of the character at `text`, or 0 when it is malformed. */
static size_t character_len(const uint8_t *text, size_t len_bytes)
{
    uint8_t first = text[0];
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xC2 || first > 0xF4) {
        return 0;
    }
    if (first < 0xE0) {
        return len_bytes >= 2 && is_continuation(text[1]) ? 2 : 0;
    }
    if (first < 0xF0) {
        uint8_t low = first == 0xE0 ? 0xA0 : 0x80;
        uint8_t high = first == 0xED ? 0x9F : 0xBF;
        return len_bytes >= 3 && text[1] >= low && text[1] <= high && is_continuation(text[2]) ? 3
                                                                                               : 0;
    }
    uint8_t low = first == 0xF0 ? 0x90 : 0x80;
    uint8_t high = first == 0xF4 ? 0x8F : 0xBF;
    return len_bytes >= 4 && text[1] >= low && text[1] <= high && is_continuation(text[2]) &&
                   is_continuation(text[3])
               ? 4
               : 0;
}

static bool is_valid_scalar(const uint8_t *text, size_t len_bytes)
{
    size_t at = 0;
    while (at < len_bytes) {
        if (text[at] < 0x80) {
            at += ascii_prefix(text + at, len_bytes - at);
            if (at == len_bytes) {
                break;
            }
        }
        size_t character_bytes = character_len(text + at, len_bytes - at);
        if (character_bytes == 0) {
            return false;
        }
        at += character_bytes;
    }
    return true;
}

#if defined(__x86_64__)

/* Sixteen bytes at a time. Each of two neighbouring bytes is looked up by its halves in a table of
 * the errors it could be part of; an error that all three lookups name is one. Only that two or
 * three bytes follow a long lead cannot be seen in a pair and is found by subtraction. (J. Keiser,
 * D. Lemire: Validating UTF-8 In Less Than One Instruction Per Byte) */
enum {
    TOO_SHORT = 1 << 0, /* a lead byte, and no continuation after it */
    TOO_LONG = 1 << 1,  /* a continuation after ASCII */
    OVERLONG_3 = 1 << 2,
    TOO_LARGE = 1 << 3,
    SURROGATE = 1 << 4,
    OVERLONG_2 = 1 << 5,
    TOO_LARGE_1000 = 1 << 6, /* the same bit: F5 and above, or F0 with 80 to 8F */
    OVERLONG_4 = 1 << 6,
    TWO_CONTINUATIONS = 1 << 7,
    ANY_LOW_HALF = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS,
    LARGE = TOO_LARGE | TOO_LARGE_1000,
    VECTOR_BYTES = 16,
};

/* Errors by the high half and by the low half of the first byte, and by the high half of the
 * second. */
static const uint8_t by_first_high[VECTOR_BYTES] = {
    [0] = TOO_LONG,
    [1] = TOO_LONG,
    [2] = TOO_LONG,
    [3] = TOO_LONG,
    [4] = TOO_LONG,
    [5] = TOO_LONG,
    [6] = TOO_LONG,
    [7] = TOO_LONG,
    [8] = TWO_CONTINUATIONS,
    [9] = TWO_CONTINUATIONS,
    [10] = TWO_CONTINUATIONS,
    [11] = TWO_CONTINUATIONS,
    [12] = TOO_SHORT | OVERLONG_2,
    [13] = TOO_SHORT,
    [14] = TOO_SHORT | OVERLONG_3 | SURROGATE,
    [15] = TOO_SHORT | LARGE | OVERLONG_4,
};
static const uint8_t by_first_low[VECTOR_BYTES] = {
    [0] = ANY_LOW_HALF | OVERLONG_3 | OVERLONG_2 | OVERLONG_4,
    [1] = ANY_LOW_HALF | OVERLONG_2,
    [2] = ANY_LOW_HALF,
    [3] = ANY_LOW_HALF,
    [4] = ANY_LOW_HALF | TOO_LARGE,
    [5] = ANY_LOW_HALF | LARGE,
    [6] = ANY_LOW_HALF | LARGE,
    [7] = ANY_LOW_HALF | LARGE,
    [8] = ANY_LOW_HALF | LARGE,
    [9] = ANY_LOW_HALF | LARGE,
    [10] = ANY_LOW_HALF | LARGE,
    [11] = ANY_LOW_HALF | LARGE,
    [12] = ANY_LOW_HALF | LARGE,
    [13] = ANY_LOW_HALF | LARGE | SURROGATE,
    [14] = ANY_LOW_HALF | LARGE,
    [15] = ANY_LOW_HALF | LARGE,
};
static const uint8_t by_second_high[VECTOR_BYTES] = {
    [0] = TOO_SHORT,
    [1] = TOO_SHORT,
    [2] = TOO_SHORT,
    [3] = TOO_SHORT,
    [4] = TOO_SHORT,
    [5] = TOO_SHORT,
    [6] = TOO_SHORT,
    [7] = TOO_SHORT,
    [8] = TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4,
    [9] = TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | OVERLONG_3 | TOO_LARGE,
    [10] = TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | SURROGATE | TOO_LARGE,
    [11] = TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | SURROGATE | TOO_LARGE,
    [12] = TOO_SHORT,
    [13] = TOO_SHORT,
    [14] = TOO_SHORT,
    [15] = TOO_SHORT,
};

struct utf8_tables {
    __m128i first_high;
    __m128i first_low;
    __m128i second_high;
};

static __m128i load(const uint8_t *bytes)
{
    return _mm_loadu_si128((const __m128i *)(const void *)bytes);
}

__attribute__((target("ssse3"))) static __m128i errors_of(__m128i block, __m128i before,
                                                          const struct utf8_tables *tables)
{
    const __m128i low_half = _mm_set1_epi8(0x0F);
    __m128i previous = _mm_alignr_epi8(block, before, VECTOR_BYTES - 1);
    __m128i first_high =
        _mm_shuffle_epi8(tables->first_high, _mm_and_si128(_mm_srli_epi16(previous, 4), low_half));
    __m128i first_low = _mm_shuffle_epi8(tables->first_low, _mm_and_si128(previous, low_half));
    __m128i second_high =
        _mm_shuffle_epi8(tables->second_high, _mm_and_si128(_mm_srli_epi16(block, 4), low_half));
    __m128i errors = _mm_and_si128(_mm_and_si128(first_high, first_low), second_high);
    /* The top bit is set where the byte two before is a lead of three or more, or three before of
     * four. */
    __m128i third =
        _mm_subs_epu8(_mm_alignr_epi8(block, before, VECTOR_BYTES - 2), _mm_set1_epi8(0xE0 - 0x80));
    __m128i fourth =
        _mm_subs_epu8(_mm_alignr_epi8(block, before, VECTOR_BYTES - 3), _mm_set1_epi8(0xF0 - 0x80));
    __m128i must_continue = _mm_and_si128(_mm_or_si128(third, fourth), _mm_set1_epi8((char)0x80));
    return _mm_xor_si128(must_continue, errors);
}

__attribute__((target("ssse3"))) static bool is_valid_vector(const uint8_t *text, size_t len_bytes)
{
    const struct utf8_tables tables = {load(by_first_high), load(by_first_low),
                                       load(by_second_high)};
    __m128i before = _mm_setzero_si128();
    __m128i errors = _mm_setzero_si128();
    uint8_t tail[VECTOR_BYTES] = {0};
    size_t at = 0;
    for (; len_bytes - at >= VECTOR_BYTES; at += VECTOR_BYTES) {
        __m128i block = load(text + at);
        errors = _mm_or_si128(errors, errors_of(block, before, &tables));
        before = block;
    }
    /* The zeros after the tail show a character that is cut short. */
    memcpy(tail, text + at, len_bytes - at);
    errors = _mm_or_si128(errors, errors_of(load(tail), before, &tables));
    return _mm_movemask_epi8(_mm_cmpeq_epi8(errors, _mm_setzero_si128())) == 0xFFFF;
}

/* The same, thirty-two bytes at a time. ASCII after ASCII is passed over: in most text other
 * characters are rare. */
enum { WIDE_BYTES = 32 };

struct utf8_wide_tables {
    __m256i first_high;
    __m256i first_low;
    __m256i second_high;
};

__attribute__((target("avx2"))) static __m256i load_wide(const uint8_t *bytes)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)bytes);
}

__attribute__((target("avx2"))) static __m256i wide_errors_of(__m256i block, __m256i before,
                                                              const struct utf8_wide_tables *tables)
{
    const __m256i low_half = _mm256_set1_epi8(0x0F);
    /* The last bytes of `before` and the first of `block`, as the lanes of alignr want them. */
    __m256i joined = _mm256_permute2x128_si256(before, block, 0x21);
    __m256i previous = _mm256_alignr_epi8(block, joined, VECTOR_BYTES - 1);
    __m256i first_high = _mm256_shuffle_epi8(
        tables->first_high, _mm256_and_si256(_mm256_srli_epi16(previous, 4), low_half));
    __m256i first_low =
        _mm256_shuffle_epi8(tables->first_low, _mm256_and_si256(previous, low_half));
    __m256i second_high = _mm256_shuffle_epi8(
        tables->second_high, _mm256_and_si256(_mm256_srli_epi16(block, 4), low_half));
    __m256i errors = _mm256_and_si256(_mm256_and_si256(first_high, first_low), second_high);
    __m256i third = _mm256_subs_epu8(_mm256_alignr_epi8(block, joined, VECTOR_BYTES - 2),
                                     _mm256_set1_epi8(0xE0 - 0x80));
    __m256i fourth = _mm256_subs_epu8(_mm256_alignr_epi8(block, joined, VECTOR_BYTES - 3),
                                      _mm256_set1_epi8(0xF0 - 0x80));
    __m256i must_continue =
        _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(must_continue, errors);
}

__attribute__((target("avx2"))) static bool is_valid_wide(const uint8_t *text, size_t len_bytes)
{
    const struct utf8_wide_tables tables = {
        _mm256_broadcastsi128_si256(load(by_first_high)),
        _mm256_broadcastsi128_si256(load(by_first_low)),
        _mm256_broadcastsi128_si256(load(by_second_high)),
    };
    const __m256i zero = _mm256_setzero_si256();
    __m256i before = zero;
    __m256i errors = zero;
    uint8_t tail[WIDE_BYTES] = {0};
    size_t at = 0;
    while (len_bytes - at >= WIDE_BYTES) {
        __m256i block = load_wide(text + at);
        at += WIDE_BYTES;
        /* ASCII, and nothing before it that could be cut short. */
        if (_mm256_movemask_epi8(_mm256_or_si256(block, before)) != 0) {
            errors = _mm256_or_si256(errors, wide_errors_of(block, before, &tables));
        }
        before = block;
    }
    memcpy(tail, text + at, len_bytes - at);
    errors = _mm256_or_si256(errors, wide_errors_of(load_wide(tail), before, &tables));
    return _mm256_movemask_epi8(_mm256_cmpeq_epi8(errors, zero)) == -1;
}

bool cfl_utf8_is_valid(const uint8_t *text, size_t len_bytes)
{
    if (len_bytes >= WIDE_BYTES && __builtin_cpu_supports("avx2")) {
        return is_valid_wide(text, len_bytes);
    }
    if (len_bytes >= VECTOR_BYTES && __builtin_cpu_supports("ssse3")) {
        return is_valid_vector(text, len_bytes);
    }
    return is_valid_scalar(text, len_bytes);
}

#else

bool cfl_utf8_is_valid(const uint8_t *text, size_t len_bytes)
{
    return is_valid_scalar(text, len_bytes);
}

#endif
