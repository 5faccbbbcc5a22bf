/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 validation with a fast path for ASCII, which most text is. Thread class: free. (RFC 3629
 * section 4) */
#include "ipc/utf8.h"

#include <string.h>

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

bool cfl_utf8_is_valid(const uint8_t *text, size_t len_bytes)
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
