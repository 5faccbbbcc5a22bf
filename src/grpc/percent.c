/* SPDX-License-Identifier: Apache-2.0 */
/* The text of grpc-message: UTF-8, percent-encoded (gRPC over HTTP/2, "Status-Message"). Decoding
 * never refuses: a damaged message is worth more than none. Thread class: free. */
#include "base/ascii.h"
#include "grpc/wire.h"

static const char HEX[] = "0123456789ABCDEF";
static const uint8_t REPLACEMENT[] = {0xEF, 0xBF, 0xBD};

/* Bytes of the character at `offset`; 0 when it is not valid UTF-8. */
static size_t utf8_len(struct cflight_bytes text, size_t offset)
{
    const uint8_t *at = text.data + offset;
    size_t left = text.len_bytes - offset;
    if (at[0] < 0x80) {
        return 1;
    }
    size_t len_bytes = at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
    if (at[0] < 0xC2 || at[0] > 0xF4 || left < len_bytes) {
        return 0;
    }
    for (size_t i = 1; i < len_bytes; i++) {
        if ((at[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    bool is_overlong = (at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xF0 && at[1] < 0x90);
    bool is_outside = (at[0] == 0xED && at[1] > 0x9F) || (at[0] == 0xF4 && at[1] > 0x8F);
    return is_overlong || is_outside ? 0 : len_bytes;
}

size_t cfl_grpc_utf8_cut(struct cflight_bytes text, size_t len_bytes_max)
{
    if (text.len_bytes <= len_bytes_max) {
        return text.len_bytes;
    }
    size_t len_bytes = len_bytes_max;
    while (len_bytes > 0 && len_bytes_max - len_bytes < 4 &&
           (text.data[len_bytes] & 0xC0) == 0x80) {
        len_bytes--;
    }
    return len_bytes;
}

static bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte <= 0x7E && byte != '%';
}

/* A header value with a blank at an edge is refused by peers that are strict, and trimmed by
 * others.
 */
static bool is_edge_blank(struct cflight_bytes text, size_t offset)
{
    return text.data[offset] == ' ' && (offset == 0 || offset + 1 == text.len_bytes);
}

bool cfl_grpc_percent_encode(struct cflight_bytes text, size_t encoded_bytes_max,
                             struct cfl_buf *target)
{
    size_t encoded_bytes = 0;
    size_t offset = 0;
    while (offset < text.len_bytes) {
        size_t len_bytes = utf8_len(text, offset);
        len_bytes = len_bytes == 0 ? 1 : len_bytes;
        bool is_plain_here = is_plain(text.data[offset]) && !is_edge_blank(text, offset);
        size_t step_bytes = is_plain_here ? 1 : len_bytes * 3;
        if (encoded_bytes + step_bytes > encoded_bytes_max) {
            break;
        }
        encoded_bytes += step_bytes;
        for (size_t i = 0; i < len_bytes; i++) {
            uint8_t byte = text.data[offset + i];
            if (is_plain_here) {
                (void)cfl_buf_append_u8(target, byte);
                continue;
            }
            const uint8_t escape[3] = {'%', (uint8_t)HEX[byte >> 4], (uint8_t)HEX[byte & 15]};
            (void)cfl_buf_append(target, escape, sizeof escape);
        }
        offset += len_bytes;
    }
    while (offset < text.len_bytes && target->len_bytes > 0 &&
           target->data[target->len_bytes - 1] == ' ') {
        target->len_bytes--; /* where it was cut */
    }
    return !target->failed;
}

bool cfl_grpc_percent_decode(struct cflight_bytes text, struct cfl_buf *target)
{
    struct cfl_buf raw;
    cfl_buf_init(&raw, target->alloc);
    uint8_t *decoded = cfl_buf_space(&raw, text.len_bytes);
    struct cflight_bytes bytes =
        cflight_bytes_make(decoded, decoded == NULL ? 0 : cfl_percent_decode(text, decoded));
    for (size_t offset = 0; offset < bytes.len_bytes;) {
        size_t len_bytes = bytes.data[offset] == 0 ? 0 : utf8_len(bytes, offset);
        if (len_bytes == 0) {
            (void)cfl_buf_append(target, REPLACEMENT, sizeof REPLACEMENT);
            offset++;
        } else {
            (void)cfl_buf_append(target, bytes.data + offset, len_bytes);
            offset += len_bytes;
        }
    }
    bool is_done = !raw.failed && !target->failed;
    cfl_buf_done(&raw);
    return is_done;
}
