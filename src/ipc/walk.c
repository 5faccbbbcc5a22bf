/* SPDX-License-Identifier: Apache-2.0 */
/* Messages in memory: the framer's counterpart for bytes that are all there. Thread class: free.
 * (Arrow columnar: Encapsulated message format, IPC Streaming Format) */
#include "ipc/walk.h"

#include <inttypes.h>

#include "base/cursor.h"
#include "base/error.h"
#include "ipc/decoder.h"

cflight_status cfl_walk_header(struct cflight_bytes bytes, size_t *offset,
                               struct cflight_bytes *ret_header, cflight_error **reterr)
{
    struct cfl_cursor cursor = cfl_cursor_make(bytes);
    uint32_t length = 0;
    if (!cfl_cursor_skip(&cursor, *offset)) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "an Arrow message begins at byte %zu of %zu", *offset,
                                 bytes.len_bytes);
    }
    bool has_length = cfl_cursor_u32le(&cursor, &length);
    if (has_length && length == CFL_CONTINUATION) {
        has_length = cfl_cursor_u32le(&cursor, &length);
    }
    if (!has_length) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "the data ends inside the prefix of an Arrow message at byte %zu",
                                 *offset);
    }
    if (length > INT32_MAX || !cfl_cursor_bytes(&cursor, length, ret_header)) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "the Arrow message at byte %zu has %" PRId32
                                 " bytes of metadata; %zu left",
                                 *offset, (int32_t)length, cfl_cursor_left(&cursor));
    }
    *offset = cursor.offset;
    return CFLIGHT_OK;
}

cflight_status cfl_walk_next(struct cflight_bytes bytes, const struct cfl_limits *limits,
                             size_t *offset, struct cfl_walk_message *ret_message,
                             cflight_error **reterr)
{
    struct cfl_walk_message message = {.is_end = *offset == bytes.len_bytes};
    size_t at = *offset;
    uint64_t body_len_bytes = 0;
    enum cfl_message_kind kind = CFL_MESSAGE_SCHEMA;
    if (message.is_end) {
        *ret_message = message;
        return CFLIGHT_OK;
    }
    cflight_status status = cfl_walk_header(bytes, &at, &message.header, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    message.is_end = message.header.len_bytes == 0;
    if (!message.is_end) {
        status = cfl_message_body_len(message.header, &body_len_bytes, &kind, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    if (body_len_bytes > limits->message_bytes_max) {
        return cfl_error_set_size_limit(reterr, "Arrow message body", body_len_bytes,
                                        limits->message_bytes_max);
    }
    struct cfl_cursor cursor = cfl_cursor_make(bytes);
    (void)cfl_cursor_skip(&cursor, at);
    if (body_len_bytes > cfl_cursor_left(&cursor)) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "the Arrow message at byte %zu has a body of %" PRIu64
                                 " bytes; %zu left",
                                 *offset, body_len_bytes, cfl_cursor_left(&cursor));
    }
    (void)cfl_cursor_bytes(&cursor, (size_t)body_len_bytes, &message.body);
    *offset = cursor.offset;
    *ret_message = message;
    return CFLIGHT_OK;
}
