/* SPDX-License-Identifier: Apache-2.0 */
/* The data source: how queued views become DATA frames.
 *
 * nghttp2 asks for a length and gets it without the bytes; the frame is then put together in the
 * segment list as a frame header and views. Streams take turns: one that framed something while
 * others wait goes to the end of the queue, and frames are smaller the more streams there are. A
 * stream that waits is deferred in nghttp2, so its own scheduling, and the priorities a peer may
 * send, decide nothing. Thread class: one at a time. RFC 9113 6.1, 6.9. */
#include "base/alloc.h"
#include "h2/internal.h"

enum { FRAME_BYTES_FEW = 256 << 10, FRAME_BYTES_MANY = 64 << 10, FEW_STREAMS = 4 };

static bool must_wait(const struct cfl_h2_stream *stream)
{
    const struct cfl_h2_session *session = stream->session;
    return !session->may_frame_payload || session->pending_bytes >= CFL_H2_OUTPUT_BYTES ||
           (stream->last_turn == session->turn && !cfl_list_is_empty(&session->parked));
}

int cfl_h2_trailers_submit(const struct cfl_h2_stream *stream, const struct cfl_h2_field *trailers,
                           size_t trailer_count)
{
    const nghttp2_nv *pairs = cfl_h2_pairs(stream->session, trailers, trailer_count);
    if (pairs == NULL) {
        return NGHTTP2_ERR_NOMEM;
    }
    return nghttp2_submit_trailer(stream->session->ng, stream->id, pairs, trailer_count);
}

static ssize_t read_payload(nghttp2_session *ng, int32_t stream_id, uint8_t *buf, size_t len_bytes,
                            uint32_t *data_flags, nghttp2_data_source *source, void *user_data)
{
    (void)ng;
    (void)stream_id;
    (void)buf;
    (void)user_data;
    struct cfl_h2_stream *stream = source->ptr;
    if (stream->source == CFL_H2_SOURCE_ENDED) {
        return NGHTTP2_ERR_DEFERRED;
    }
    if (stream->queued_bytes == 0 && stream->ending == CFL_H2_ENDING_NONE) {
        stream->source = CFL_H2_SOURCE_IDLE;
        return NGHTTP2_ERR_DEFERRED;
    }
    if (must_wait(stream)) {
        cfl_h2_stream_park(stream);
        return NGHTTP2_ERR_DEFERRED;
    }
    stream->source = CFL_H2_SOURCE_ACTIVE;
    stream->last_turn = stream->session->turn;
    *data_flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (stream->queued_bytes > len_bytes) {
        return (ssize_t)len_bytes;
    }
    if (stream->ending != CFL_H2_ENDING_NONE) {
        *data_flags |= NGHTTP2_DATA_FLAG_EOF;
        stream->source = CFL_H2_SOURCE_ENDED;
    }
    if (stream->ending == CFL_H2_ENDING_TRAILERS) {
        *data_flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (cfl_h2_trailers_submit(stream, stream->trailers, stream->trailer_count) != 0) {
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
    }
    return (ssize_t)stream->queued_bytes;
}

nghttp2_data_provider cfl_h2_provider(struct cfl_h2_stream *stream)
{
    nghttp2_data_provider provider = {.source = {.ptr = stream}, .read_callback = read_payload};
    return provider;
}

ssize_t cfl_h2_read_length(nghttp2_session *ng, uint8_t frame_type, int32_t stream_id,
                           int32_t session_window, int32_t stream_window, uint32_t frame_bytes_max,
                           void *user_data)
{
    (void)ng;
    (void)frame_type;
    (void)session_window;
    (void)stream_window;
    struct cfl_h2_session *session = user_data;
    const struct cfl_h2_stream *stream = cfl_h2_stream_find(session, stream_id);
    uint64_t len_bytes = CFL_H2_FRAME_BYTES_MAX;
    if (session->parked_count > 0) {
        len_bytes = session->parked_count < FEW_STREAMS ? FRAME_BYTES_FEW : FRAME_BYTES_MANY;
    }
    if (len_bytes > frame_bytes_max) {
        len_bytes = frame_bytes_max;
    }
    if (stream != NULL && len_bytes > stream->queued_bytes) {
        len_bytes = stream->queued_bytes;
    }
    return len_bytes == 0 ? 1 : (ssize_t)len_bytes;
}

int cfl_h2_send_data(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *header,
                     size_t len_bytes, nghttp2_data_source *source, void *user_data)
{
    (void)ng;
    (void)frame;
    struct cfl_h2_session *session = user_data;
    struct cfl_h2_stream *stream = source->ptr;
    if (!cfl_h2_control_add(session, header, CFL_H2_FRAME_HEADER_BYTES)) {
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    stream->queued_bytes -= len_bytes;
    while (len_bytes > 0) {
        struct cflight_bytes *view = &stream->views[stream->view_first];
        size_t step_bytes = len_bytes < view->len_bytes ? len_bytes : view->len_bytes;
        if (!cfl_h2_payload_add(stream, view->data, step_bytes)) {
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
        view->data += step_bytes;
        view->len_bytes -= step_bytes;
        len_bytes -= step_bytes;
        if (view->len_bytes == 0) {
            stream->view_first++;
        }
    }
    if (stream->view_first == stream->view_count) {
        stream->view_first = 0;
        stream->view_count = 0;
    }
    return 0;
}
