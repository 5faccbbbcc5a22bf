/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that have less room than they want.
 *
 * What is left out is the middle: a message says at its beginning what happened, and a traceback
 * names at its end where. A mark in its place tells how much is missing. Thread class: free. */
#include <stdio.h>

#include "grpc/wire.h"

enum { MARK_BYTES = 64 };

/* The first byte of the last `len_bytes` at most that are whole characters. */
static size_t tail_start(struct cflight_bytes text, size_t len_bytes)
{
    size_t start = text.len_bytes - (len_bytes < text.len_bytes ? len_bytes : text.len_bytes);
    while (start < text.len_bytes && (text.data[start] & 0xC0) == 0x80) {
        start++;
    }
    return start;
}

bool cfl_grpc_shorten(struct cflight_bytes text, size_t len_bytes_max, struct cfl_buf *target)
{
    char mark[MARK_BYTES];
    if (text.len_bytes <= len_bytes_max) {
        return cfl_buf_append_bytes(target, text);
    }
    size_t room_bytes = len_bytes_max > MARK_BYTES ? len_bytes_max - MARK_BYTES : 0;
    size_t head_bytes = cfl_grpc_utf8_cut(text, room_bytes / 2);
    size_t tail = tail_start(text, room_bytes / 2);
    int mark_bytes =
        snprintf(mark, sizeof mark, " [... %zu bytes are left out ...] ", tail - head_bytes);
    if (room_bytes == 0) {
        return cfl_buf_append(target, text.data, cfl_grpc_utf8_cut(text, len_bytes_max));
    }
    (void)cfl_buf_append(target, text.data, head_bytes);
    (void)cfl_buf_append(target, mark, (size_t)mark_bytes);
    return cfl_buf_append(target, text.data + tail, text.len_bytes - tail);
}

bool cfl_grpc_percent_shorten(struct cflight_bytes text, size_t encoded_bytes_max,
                              struct cfl_buf *target)
{
    size_t start = target->len_bytes;
    size_t len_bytes = text.len_bytes;
    struct cfl_buf shorter;
    cfl_buf_init(&shorter, target->alloc);
    bool is_done = cfl_grpc_percent_encode(text, SIZE_MAX, target);
    while (is_done && target->len_bytes - start > encoded_bytes_max && len_bytes > 0) {
        /* In proportion, and a little less, so that it ends soon. */
        uint64_t encoded_bytes = target->len_bytes - start;
        len_bytes = (size_t)((uint64_t)len_bytes * encoded_bytes_max / encoded_bytes);
        len_bytes -= len_bytes / 16 + (len_bytes > 0 ? 1 : 0);
        cfl_buf_clear(&shorter);
        target->len_bytes = start;
        is_done = cfl_grpc_shorten(text, len_bytes, &shorter) &&
                  cfl_grpc_percent_encode(cfl_buf_bytes(&shorter), SIZE_MAX, target);
    }
    cfl_buf_done(&shorter);
    return is_done;
}
