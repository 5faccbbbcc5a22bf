/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648 section 4), for `-bin` metadata and credentials: read with or without padding.
 * The unused bits of the last group may hold anything, as peers differ. Thread class: free. */
#include "base/base64.h"

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool encode(struct cflight_bytes bytes, bool is_padded, struct cfl_buf *target)
{
    size_t group_count = bytes.len_bytes / 3 + (bytes.len_bytes % 3 != 0);
    if (group_count > SIZE_MAX / 4) {
        return false;
    }
    uint8_t *text = cfl_buf_space(target, group_count * 4);
    if (target->failed) {
        return false;
    }
    size_t text_bytes = 0;
    for (size_t i = 0; i < bytes.len_bytes; i += 3) {
        size_t left = bytes.len_bytes - i;
        uint32_t group = (uint32_t)bytes.data[i] << 16;
        group |= left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
        group |= left > 2 ? bytes.data[i + 2] : 0;
        text[text_bytes++] = (uint8_t)ALPHABET[group >> 18];
        text[text_bytes++] = (uint8_t)ALPHABET[group >> 12 & 63];
        if (left > 1 || is_padded) {
            text[text_bytes++] = left > 1 ? (uint8_t)ALPHABET[group >> 6 & 63] : '=';
        }
        if (left > 2 || is_padded) {
            text[text_bytes++] = left > 2 ? (uint8_t)ALPHABET[group & 63] : '=';
        }
    }
    cfl_buf_add_len(target, text_bytes);
    return true;
}

bool cfl_base64_encode(struct cflight_bytes bytes, struct cfl_buf *target)
{
    return encode(bytes, false, target);
}

bool cfl_base64_encode_padded(struct cflight_bytes bytes, struct cfl_buf *target)
{
    return encode(bytes, true, target);
}

/* The six bits of a character, or 64. */
static uint32_t value_of(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z') {
        return (uint32_t)(byte - 'A');
    }
    if (byte >= 'a' && byte <= 'z') {
        return (uint32_t)(byte - 'a') + 26;
    }
    if (byte >= '0' && byte <= '9') {
        return (uint32_t)(byte - '0') + 52;
    }
    if (byte == '+') {
        return 62;
    }
    return byte == '/' ? 63 : 64;
}

/* Length without padding; SIZE_MAX when the padding is wrong. */
static size_t unpadded_len(struct cflight_bytes text)
{
    size_t len_bytes = text.len_bytes;
    size_t pad_count = 0;
    while (pad_count < 2 && len_bytes > 0 && text.data[len_bytes - 1] == '=') {
        len_bytes--;
        pad_count++;
    }
    if ((pad_count > 0 && text.len_bytes % 4 != 0) || len_bytes % 4 == 1) {
        return SIZE_MAX;
    }
    return len_bytes;
}

bool cfl_base64_decode(struct cflight_bytes text, struct cfl_buf *target)
{
    size_t len_bytes = unpadded_len(text);
    if (len_bytes == SIZE_MAX) {
        return false;
    }
    uint8_t *bytes = cfl_buf_space(target, len_bytes);
    if (target->failed) {
        return false;
    }
    size_t count = 0;
    uint32_t bits = 0;
    uint32_t bit_count = 0;
    for (size_t i = 0; i < len_bytes; i++) {
        uint32_t value = value_of(text.data[i]);
        if (value > 63) {
            return false;
        }
        bits = bits << 6 | value;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            bytes[count++] = (uint8_t)(bits >> bit_count);
        }
    }
    cfl_buf_add_len(target, count);
    return true;
}
