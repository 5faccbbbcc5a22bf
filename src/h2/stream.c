/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: their life, their queues of borrowed views, and whose turn it is to frame some.
 *
 * A stream object lives until its on_close was called, which is after nghttp2 let go of it and
 * after the socket took, or the session copied, the last of its views. Owner: the session. Thread
 * class: one at a time. RFC 9113 5.1. */
#include "base/alloc.h"
#include "h2/internal.h"

struct cfl_h2_stream *cfl_h2_stream_new(struct cfl_h2_session *session, int32_t id)
{
    struct cfl_h2_stream *stream = cfl_alloc_zeroed(session->alloc, sizeof *stream);
    if (stream == NULL) {
        return NULL;
    }
    stream->session = session;
    stream->id = id;
    cfl_buf_init(&stream->trailer_text, session->alloc);
    cfl_list_append(&session->streams, &stream->in_session);
    session->stream_count++;
    return stream;
}

struct cfl_h2_stream *cfl_h2_stream_find(struct cfl_h2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session->ng, id);
}

void cfl_h2_stream_park(struct cfl_h2_stream *stream)
{
    struct cfl_h2_session *session = stream->session;
    stream->source = CFL_H2_SOURCE_PARKED;
    cfl_list_append(&session->parked, &stream->in_parked);
    session->parked_count++;
}

void cfl_h2_stream_unpark(struct cfl_h2_stream *stream)
{
    if (stream->source == CFL_H2_SOURCE_PARKED) {
        cfl_list_remove(&stream->in_parked);
        stream->session->parked_count--;
        stream->source = CFL_H2_SOURCE_IDLE;
    }
}

void cfl_h2_stream_wake(struct cfl_h2_stream *stream)
{
    if (stream->source == CFL_H2_SOURCE_IDLE && !stream->is_closed && !stream->is_reset) {
        cfl_h2_stream_park(stream);
    }
}

void cfl_h2_stream_drop_queue(struct cfl_h2_stream *stream)
{
    cfl_free_array(stream->session->alloc, stream->views, stream->view_capacity,
                   sizeof *stream->views);
    stream->views = NULL;
    stream->view_first = 0;
    stream->view_count = 0;
    stream->view_capacity = 0;
    stream->queued_bytes = 0;
}

void cfl_h2_stream_free(struct cfl_h2_stream *stream)
{
    struct cfl_h2_session *session = stream->session;
    cfl_h2_stream_unpark(stream);
    cfl_h2_stream_drop_queue(stream);
    cfl_buf_done(&stream->trailer_text);
    cfl_free_array(session->alloc, stream->trailers, stream->trailer_count,
                   sizeof *stream->trailers);
    cfl_list_remove(&stream->in_closed);
    cfl_list_remove(&stream->in_session);
    session->stream_count--;
    cfl_free(session->alloc, stream, sizeof *stream);
}

void cfl_h2_stream_close_if_detached(struct cfl_h2_stream *stream)
{
    if (stream->is_closed && stream->segment_count == 0 &&
        !cfl_list_is_linked(&stream->in_closed)) {
        cfl_list_append(&stream->session->closed, &stream->in_closed);
    }
}

uint64_t cfl_h2_stream_unsent_bytes(const struct cfl_h2_stream *stream)
{
    return stream->queued_bytes + stream->framed_bytes;
}

bool cfl_h2_stream_is_window_full(const struct cfl_h2_stream *stream)
{
    nghttp2_session *ng = stream->session->ng;
    return stream->queued_bytes > 0 &&
           (nghttp2_session_get_stream_remote_window_size(ng, stream->id) <= 0 ||
            nghttp2_session_get_remote_window_size(ng) <= 0);
}

bool cfl_h2_stream_was_taken(const struct cfl_h2_stream *stream)
{
    return stream->is_taken;
}

void cfl_h2_stream_set_user_data(struct cfl_h2_stream *stream, void *user_data)
{
    stream->user_data = user_data;
}

void *cfl_h2_stream_user_data(const struct cfl_h2_stream *stream)
{
    return stream->user_data;
}

bool cfl_h2_stream_was_reset_here(const struct cfl_h2_stream *stream)
{
    return stream->is_reset_here || stream->is_reset;
}

const char *cfl_h2_stream_fault(const struct cfl_h2_stream *stream)
{
    return stream->fault;
}

int32_t cfl_h2_stream_id(const struct cfl_h2_stream *stream)
{
    return stream->id;
}
