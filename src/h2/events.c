/* SPDX-License-Identifier: Apache-2.0 */
/* What nghttp2 reports: frames that came, frames that went, streams that ended.
 *
 * Every callback returns 0 unless memory ran out; a peer that passes a limit fails the session,
 * after which events are ignored until nghttp2 has framed the GOAWAY. Failures that nghttp2 finds
 * itself are seen as a GOAWAY with an error code on its way out. Owner: the session. Thread class:
 * one at a time. */
#include "base/ascii.h"
#include "h2/internal.h"

static ssize_t on_send(nghttp2_session *ng, const uint8_t *data, size_t len_bytes, int flags,
                       void *user_data)
{
    (void)ng;
    (void)flags;
    return cfl_h2_control_add(user_data, data, len_bytes) ? (ssize_t)len_bytes
                                                          : (ssize_t)NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_data_chunk(nghttp2_session *ng, uint8_t flags, int32_t stream_id, const uint8_t *data,
                         size_t len_bytes, void *user_data)
{
    (void)flags;
    struct cfl_h2_session *session = user_data;
    session->had_payload = true;
    int code = nghttp2_session_consume_connection(ng, len_bytes);
    if (code != 0) {
        return code;
    }
    struct cfl_h2_stream *stream = cfl_h2_stream_find(session, stream_id);
    if (stream != NULL && stream->is_announced && !stream->is_reset &&
        session->failure == CFLIGHT_OK) {
        session->callbacks.on_data(session->user_data, stream, data, len_bytes);
    }
    return 0;
}

static void end_received(struct cfl_h2_session *session, struct cfl_h2_stream *stream)
{
    stream->is_end_received = true;
    if (stream->is_announced && !stream->is_reset) {
        session->callbacks.on_end_stream(session->user_data, stream);
    }
}

static void headers_received(struct cfl_h2_session *session, const nghttp2_frame *frame)
{
    struct cfl_h2_stream *stream = cfl_h2_stream_find(session, frame->hd.stream_id);
    bool is_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    session->had_payload = true;
    if (stream == NULL || stream->is_reset) {
        return;
    }
    if (!cfl_h2_block_deliver(session, stream, is_end)) {
        cfl_h2_stream_reset(stream, CFL_H2_PROTOCOL_ERROR);
    } else if (is_end) {
        end_received(session, stream);
    }
}

static void data_received(struct cfl_h2_session *session, const nghttp2_frame *frame)
{
    cfl_h2_guard_data(session, frame);
    struct cfl_h2_stream *stream = cfl_h2_stream_find(session, frame->hd.stream_id);
    if (stream != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
        session->failure == CFLIGHT_OK) {
        end_received(session, stream);
    }
}

static void settings_received(struct cfl_h2_session *session, const nghttp2_frame *frame)
{
    if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
        session->has_settings_ack = true;
        return;
    }
    if (session->has_peer_settings) {
        cfl_h2_guard_control(session, false);
    }
    session->has_peer_settings = true;
}

static void note_goaway(struct cfl_h2_session *session, const nghttp2_goaway *goaway)
{
    session->goaway_code = goaway->error_code;
    cfl_ascii_show(cflight_bytes_make(goaway->opaque_data, goaway->opaque_data_len),
                   session->goaway_text, sizeof session->goaway_text);
}

static int on_frame_received(nghttp2_session *ng, const nghttp2_frame *frame, void *user_data)
{
    (void)ng;
    struct cfl_h2_session *session = user_data;
    if (session->failure != CFLIGHT_OK) {
        return 0;
    }
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        headers_received(session, frame);
        break;
    case NGHTTP2_DATA:
        data_received(session, frame);
        break;
    case NGHTTP2_RST_STREAM:
        /* A reset of a stream that is over costs nothing; one of a live stream wasted work. */
        if (session->role == CFL_H2_SERVER &&
            cfl_h2_stream_find(session, frame->hd.stream_id) != NULL) {
            cfl_h2_guard_reset(session);
        }
        break;
    case NGHTTP2_SETTINGS:
        settings_received(session, frame);
        break;
    case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
            cfl_h2_guard_control(session, true);
        } else if (session->callbacks.on_ping_ack != NULL) {
            session->callbacks.on_ping_ack(session->user_data);
        }
        break;
    case NGHTTP2_PRIORITY:
        cfl_h2_guard_control(session, false);
        break;
    case NGHTTP2_GOAWAY:
        session->is_goaway_received = true;
        note_goaway(session, &frame->goaway);
        if (session->callbacks.on_goaway != NULL) {
            session->callbacks.on_goaway(session->user_data, frame->goaway.error_code);
        }
        break;
    default:
        break;
    }
    return 0;
}

static int end_sent(nghttp2_session *ng, struct cfl_h2_session *session,
                    struct cfl_h2_stream *stream)
{
    stream->is_end_sent = true;
    /* RFC 9113 8.1: a complete response ends the stream, whatever of the request is missing. */
    if (session->role == CFL_H2_SERVER && !stream->is_end_received && !stream->is_reset) {
        return nghttp2_submit_rst_stream(ng, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
    }
    return 0;
}

static void goaway_sent(struct cfl_h2_session *session, const nghttp2_frame *frame)
{
    session->is_goaway_sent = true;
    if (frame->goaway.error_code == NGHTTP2_NO_ERROR) {
        return;
    }
    char text[sizeof session->failure_text];
    if (cfl_h2_opening_explain(session, text, sizeof text)) {
        cfl_h2_session_fail(session, frame->goaway.error_code, CFLIGHT_INTERNAL, "%s", text);
        return;
    }
    int reason_bytes = (int)frame->goaway.opaque_data_len;
    cfl_h2_session_fail(session, frame->goaway.error_code, CFLIGHT_INTERNAL,
                        "the peer broke the HTTP/2 protocol (%s)%s%.*s",
                        nghttp2_http2_strerror(frame->goaway.error_code),
                        reason_bytes > 0 ? ": " : "", reason_bytes,
                        reason_bytes > 0 ? (const char *)frame->goaway.opaque_data : "");
}

static int on_frame_sent(nghttp2_session *ng, const nghttp2_frame *frame, void *user_data)
{
    struct cfl_h2_session *session = user_data;
    struct cfl_h2_stream *stream =
        frame->hd.stream_id == 0 ? NULL : cfl_h2_stream_find(session, frame->hd.stream_id);
    bool has_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        session->had_payload = true;
        cfl_h2_frame_owner(session, stream);
        return has_end && stream != NULL ? end_sent(ng, session, stream) : 0;
    case NGHTTP2_RST_STREAM:
        if (stream != NULL) {
            stream->is_reset_here = true;
        }
        /* Resets that this side chose are its own business; what nghttp2 answers a violation with
         * is provoked. */
        if (session->role == CFL_H2_SERVER && frame->rst_stream.error_code != NGHTTP2_NO_ERROR &&
            (stream == NULL || !stream->is_reset)) {
            cfl_h2_guard_reset(session);
        }
        break;
    case NGHTTP2_GOAWAY:
        goaway_sent(session, frame);
        break;
    default:
        break;
    }
    cfl_h2_frame_owner(session, NULL);
    return 0;
}

static int on_frame_not_sent(nghttp2_session *ng, const nghttp2_frame *frame, int code,
                             void *user_data)
{
    (void)user_data;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat == NGHTTP2_HCAT_REQUEST ||
        code == NGHTTP2_ERR_STREAM_CLOSED || code == NGHTTP2_ERR_STREAM_CLOSING ||
        code == NGHTTP2_ERR_SESSION_CLOSING) {
        return 0;
    }
    /* Headers that cannot go out would leave the stream waiting for ever. */
    return nghttp2_submit_rst_stream(ng, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                     NGHTTP2_INTERNAL_ERROR);
}

/* nghttp2 has let go of it: on_close now, or once the socket took its last bytes. */
static void stream_closed(struct cfl_h2_stream *stream, uint32_t h2_error_code)
{
    stream->is_closed = true;
    stream->close_code = h2_error_code;
    stream->is_refused = h2_error_code == CFL_H2_REFUSED_STREAM && !stream->is_reset;
    cfl_h2_stream_unpark(stream);
    if (h2_error_code != CFL_H2_NO_ERROR || !stream->is_end_sent) {
        cfl_h2_stream_drop_queue(stream);
        cfl_h2_output_detach(stream->session, stream);
    }
    cfl_h2_stream_close_if_detached(stream);
}

static int on_stream_closed(nghttp2_session *ng, int32_t stream_id, uint32_t h2_error_code,
                            void *user_data)
{
    struct cfl_h2_stream *stream = cfl_h2_stream_find(user_data, stream_id);
    if (stream != NULL) {
        (void)nghttp2_session_set_stream_user_data(ng, stream_id, NULL);
        stream_closed(stream, h2_error_code);
    }
    return 0;
}

void cfl_h2_set_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_send_callback(callbacks, on_send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, cfl_h2_send_data);
    nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks, cfl_h2_read_length);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, cfl_h2_on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, cfl_h2_on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_received);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_closed);
}
