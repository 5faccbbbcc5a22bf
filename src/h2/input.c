/* SPDX-License-Identifier: Apache-2.0 */
/* Where the next bytes go.
 *
 * A cursor of its own follows the frame boundaries of the input (RFC 9113 4.1), because nghttp2
 * does not tell them. With it the session knows how much payload of which stream comes next, asks
 * the stream's user for a place, and has the socket read there; the same pointers are then fed to
 * nghttp2, which reports chunks as pointers into its input. The header of the following frame is
 * read along with the payload, so a frame costs one read. While frames are large, staging reads
 * stop where a place may begin; while they are small, the staging buffer takes as much as there is.
 * The cursor only decides on placement: validity of frames is nghttp2's, so a wrong length costs a
 * copy and no more. Owner: the session. Thread class: one at a time. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "h2/internal.h"

enum {
    FRAME_TYPE_OFFSET = 3,
    FRAME_FLAGS_OFFSET = 4,
    FRAME_STREAM_OFFSET = 5,
    CONTINUATIONS_MAX = 1024, /* the header block they carry is limited apart from them */
    PRIORITY_BYTES = 5,
    FEED_BYTES = 8 << 10, /* staged bytes, of small frames, until what answers them is framed */
};

static void cursor_frame_starts(struct cfl_h2_cursor *cursor)
{
    const uint8_t *header = cursor->header;
    cursor->header_bytes = 0;
    cursor->payload_left = (size_t)header[0] << 16 | (size_t)header[1] << 8 | header[2];
    cursor->is_data = header[FRAME_TYPE_OFFSET] == NGHTTP2_DATA;
    bool is_continuation = header[FRAME_TYPE_OFFSET] == NGHTTP2_CONTINUATION;
    cursor->continuation_count = is_continuation ? cursor->continuation_count + 1 : 0;
    bool is_first = header[FRAME_TYPE_OFFSET] == NGHTTP2_HEADERS;
    uint8_t flags = header[FRAME_FLAGS_OFFSET];
    cursor->is_headers = is_first || is_continuation;
    cursor->is_block_start = is_first;
    cursor->has_padding_length = is_first && (flags & NGHTTP2_FLAG_PADDED) != 0;
    cursor->lead_bytes =
        (cursor->has_padding_length ? 1U : 0U) +
        (is_first && (flags & NGHTTP2_FLAG_PRIORITY) != 0 ? (size_t)PRIORITY_BYTES : 0U);
    cursor->padding_bytes = 0;
    cursor->is_padded = (header[FRAME_FLAGS_OFFSET] & NGHTTP2_FLAG_PADDED) != 0;
    uint32_t id = (uint32_t)(header[FRAME_STREAM_OFFSET] & 0x7f) << 24 |
                  (uint32_t)header[FRAME_STREAM_OFFSET + 1] << 16 |
                  (uint32_t)header[FRAME_STREAM_OFFSET + 2] << 8 | header[FRAME_STREAM_OFFSET + 3];
    cursor->stream_id = (int32_t)id;
    if (cursor->is_data && cursor->payload_left > 0) {
        cursor->is_bulk = cursor->payload_left >= CFL_H2_BULK_FRAME_BYTES;
        cursor->last_stream_id = cursor->stream_id;
    }
}

/* Scans what is header block of the next `len_bytes` of payload of a HEADERS or CONTINUATION frame.
 */
static void scan_payload(struct cfl_h2_session *session, uint8_t *data, size_t len_bytes)
{
    struct cfl_h2_cursor *cursor = &session->cursor;
    size_t left_bytes = cursor->payload_left; /* this part included */
    while (len_bytes > 0 && cursor->lead_bytes > 0) {
        if (cursor->has_padding_length) {
            cursor->padding_bytes = data[0];
            cursor->has_padding_length = false;
        }
        cursor->lead_bytes--;
        data++;
        len_bytes--;
        left_bytes--;
    }
    size_t block_bytes =
        left_bytes > cursor->padding_bytes ? left_bytes - cursor->padding_bytes : 0;
    cfl_h2_scan(session, data, len_bytes < block_bytes ? len_bytes : block_bytes);
}

/* Follows the input to the end, or to the start of a header block: what came before it must have
 * been fed first, because it may end another block. Returns how far. */
static size_t cursor_advance(struct cfl_h2_session *session, uint8_t *data, size_t len_bytes)
{
    struct cfl_h2_cursor *cursor = &session->cursor;
    size_t done_bytes = len_bytes < cursor->preface_left ? len_bytes : cursor->preface_left;
    cursor->preface_left -= done_bytes;
    if (done_bytes > 0) {
        return done_bytes; /* the server's own SETTINGS go out before an answer to them is read */
    }
    while (done_bytes < len_bytes) {
        size_t step_bytes = len_bytes - done_bytes;
        uint8_t *at = data + done_bytes;
        if (cursor->payload_left > 0) {
            step_bytes = step_bytes < cursor->payload_left ? step_bytes : cursor->payload_left;
            if (cursor->is_headers) {
                scan_payload(session, at, step_bytes);
            }
            cursor->payload_left -= step_bytes;
        } else {
            size_t missing_bytes = CFL_H2_FRAME_HEADER_BYTES - cursor->header_bytes;
            step_bytes = step_bytes < missing_bytes ? step_bytes : missing_bytes;
            memcpy(cursor->header + cursor->header_bytes, at, step_bytes);
            cursor->header_bytes += step_bytes;
            if (cursor->header_bytes == CFL_H2_FRAME_HEADER_BYTES) {
                cursor_frame_starts(cursor);
                if (cursor->is_block_start) {
                    return done_bytes + step_bytes;
                }
            }
        }
        done_bytes += step_bytes;
    }
    return done_bytes;
}

/* Asks the user of a stream; no place when the stream is gone or not interested. */
static void ask_place(struct cfl_h2_session *session, int32_t stream_id, struct iovec *ret_place,
                      size_t *ret_hint_bytes)
{
    uint8_t *target = NULL;
    size_t len_bytes = 0;
    size_t hint_bytes = 0;
    struct cfl_h2_stream *stream = stream_id <= 0 ? NULL : cfl_h2_stream_find(session, stream_id);
    if (stream != NULL && stream->is_announced && !stream->is_reset &&
        session->callbacks.place_data != NULL && session->failure == CFLIGHT_OK) {
        session->callbacks.place_data(session->user_data, stream, &target, &len_bytes, &hint_bytes);
    }
    ret_place->iov_base = target;
    ret_place->iov_len = target == NULL ? 0 : len_bytes;
    *ret_hint_bytes = hint_bytes;
}

static size_t staging_size(const struct cfl_h2_cursor *cursor, const struct iovec *place,
                           size_t hint_bytes)
{
    size_t size_bytes = CFL_H2_STAGING_BYTES;
    if (!cursor->is_bulk || cursor->preface_left > 0) {
        return size_bytes;
    }
    if (cursor->payload_left == 0) {
        size_bytes = CFL_H2_FRAME_HEADER_BYTES - cursor->header_bytes;
        size_bytes += place->iov_len > 0 ? 0 : hint_bytes;
    } else if (hint_bytes > 0 && hint_bytes < cursor->payload_left) {
        size_bytes = hint_bytes;
    } else {
        size_bytes = cursor->payload_left + CFL_H2_FRAME_HEADER_BYTES;
        size_bytes = size_bytes > hint_bytes ? size_bytes : hint_bytes;
    }
    return size_bytes < CFL_H2_STAGING_BYTES ? size_bytes : CFL_H2_STAGING_BYTES;
}

/* A place of `len_bytes` in the staging buffer, or of as much as there is memory for. */
static struct iovec stage(struct cfl_h2_session *session, size_t len_bytes)
{
    struct iovec place = {.iov_base = session->narrow_staging, .iov_len = len_bytes};
    if (session->staging == NULL) {
        session->staging = cfl_alloc(session->alloc, CFL_H2_STAGING_BYTES);
    }
    if (session->staging != NULL) {
        place.iov_base = session->staging;
    } else if (len_bytes > CFL_H2_NARROW_STAGING_BYTES) {
        place.iov_len = CFL_H2_NARROW_STAGING_BYTES;
    }
    return place;
}

void cfl_h2_input(struct cfl_h2_session *session, struct iovec target[2], int *ret_count)
{
    const struct cfl_h2_cursor *cursor = &session->cursor;
    struct iovec place = {NULL, 0};
    size_t hint_bytes = 0;
    bool is_payload = cursor->payload_left > 0 && cursor->is_data;
    if (is_payload && !cursor->is_padded) {
        ask_place(session, cursor->stream_id, &place, &hint_bytes);
    } else if (cursor->payload_left == 0 && cursor->is_bulk) {
        ask_place(session, cursor->last_stream_id, &place, &hint_bytes);
    }
    int count = 0;
    if (is_payload && place.iov_len > 0) {
        if (place.iov_len > cursor->payload_left) {
            place.iov_len = cursor->payload_left;
        }
        session->target[count++] = place;
    }
    if (count == 0 || place.iov_len == cursor->payload_left) {
        size_t staged_bytes = count == 0        ? staging_size(cursor, &place, hint_bytes)
                              : cursor->is_bulk ? (size_t)CFL_H2_FRAME_HEADER_BYTES
                                                : (size_t)CFL_H2_STAGING_BYTES;
        session->target[count++] = stage(session, staged_bytes);
    }
    session->target_count = count;
    memcpy(target, session->target, (size_t)count * sizeof *target);
    *ret_count = count;
}

static void feed_nghttp2(struct cfl_h2_session *session, const uint8_t *data, size_t len_bytes)
{
    ssize_t code = nghttp2_session_mem_recv(session->ng, data, len_bytes);
    if (code == NGHTTP2_ERR_BAD_CLIENT_MAGIC && cfl_h2_opening_refuse(session)) {
        return;
    }
    if (code == NGHTTP2_ERR_BAD_CLIENT_MAGIC) {
        cfl_h2_session_fail(session, CFL_H2_PROTOCOL_ERROR, CFLIGHT_INTERNAL,
                            "the peer does not speak HTTP/2: its first bytes are not the "
                            "connection preface");
    } else if (code == NGHTTP2_ERR_NOMEM || code == NGHTTP2_ERR_CALLBACK_FAILURE) {
        cfl_h2_session_break(session, (int)code);
    } else if (code < 0) {
        /* What is left are floods: of answers that are not read, of CONTINUATION frames. */
        cfl_h2_session_fail(session, CFL_H2_ENHANCE_YOUR_CALM, CFLIGHT_RESOURCE_EXHAUSTED,
                            "the peer floods the connection: %s", nghttp2_strerror((int)code));
    }
}

static void feed(struct cfl_h2_session *session, uint8_t *data, size_t len_bytes)
{
    while (len_bytes > 0 && session->failure == CFLIGHT_OK) {
        size_t step_bytes = cursor_advance(session, data, len_bytes);
        if (session->cursor.continuation_count > CONTINUATIONS_MAX) {
            cfl_h2_session_fail(
                session, CFL_H2_ENHANCE_YOUR_CALM, CFLIGHT_RESOURCE_EXHAUSTED,
                "the peer floods the connection: more than %d CONTINUATION frames in a row",
                CONTINUATIONS_MAX);
        }
        cfl_h2_opening_note(session, data, step_bytes);
        if (session->failure != CFLIGHT_OK) {
            return;
        }
        feed_nghttp2(session, data, step_bytes);
        if (session->role == CFL_H2_SERVER && !session->has_peer_settings) {
            cfl_h2_produce(session, false);
        }
        if (session->cursor.is_block_start) {
            session->cursor.is_block_start = false;
            cfl_h2_scan_begin(session);
        }
        data += step_bytes;
        len_bytes -= step_bytes;
    }
}

/* Framing the answers shows at once whether nghttp2 ended the session or reset streams, and lets it
 * forget the streams that are over. */
static void frame_answers(struct cfl_h2_session *session)
{
    if (session->pending_control_bytes < session->limits.outbound_queue_bytes_max / 2) {
        cfl_h2_produce(session, false);
    }
}

/* Feeds one view. A staged one may hold the beginnings of a thousand streams. */
static void feed_view(struct cfl_h2_session *session, const struct iovec *view, size_t len_bytes)
{
    uint8_t *data = view->iov_base;
    bool is_staged = data == session->staging;
    while (len_bytes > 0 && session->failure == CFLIGHT_OK) {
        size_t step_bytes = is_staged && len_bytes > FEED_BYTES ? (size_t)FEED_BYTES : len_bytes;
        feed(session, data, step_bytes);
        frame_answers(session);
        data += step_bytes;
        len_bytes -= step_bytes;
    }
}

cflight_status cfl_h2_received(struct cfl_h2_session *session, size_t len_bytes,
                               cflight_error **reterr)
{
    for (int i = 0; i < session->target_count; i++) {
        size_t part_bytes = session->target[i].iov_len;
        part_bytes = len_bytes < part_bytes ? len_bytes : part_bytes;
        feed_view(session, &session->target[i], part_bytes);
        len_bytes -= part_bytes;
    }
    assert(len_bytes == 0);
    session->target_count = 0;
    cfl_free(session->alloc, session->staging, CFL_H2_STAGING_BYTES);
    session->staging = NULL;
    if (session->failure == CFLIGHT_OK) {
        cfl_h2_guard_queue(session);
    }
    if (session->failure != CFLIGHT_OK) {
        cfl_h2_produce(session, false);
    }
    cfl_h2_deliver_closed(session);
    return cfl_h2_session_failure(session, reterr);
}
