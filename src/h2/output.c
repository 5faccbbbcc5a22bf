/* SPDX-License-Identifier: Apache-2.0 */
/* What was framed and waits for the socket.
 *
 * nghttp2 writes frame headers and control frames into a buffer of the session; payload is a list
 * of the views that were queued. Segments keep the order of the wire, and each names the stream it
 * belongs to, so that a stream is not reported closed while memory of its user is still referenced.
 * Control bytes are addressed by an offset that only grows, hence they survive growth and
 * compaction of the buffer. Owner: the session. Thread class: one at a time. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pieces.h"
#include "h2/internal.h"

enum {
    COMPACT_CONTROL_BYTES = 64 << 10,
    COMPACT_SEGMENTS = 256,
    /* What is kept when all is sent; more was for a crowd of answers. */
    KEPT_CONTROL_BYTES = 8 << 10,
    KEPT_SEGMENTS = 128,
};

static struct cfl_h2_segment *segment_add(struct cfl_h2_session *session)
{
    if (!cfl_grow_array(session->alloc, (void **)&session->segments, &session->segment_capacity,
                        session->segment_count + 1, sizeof *session->segments)) {
        return NULL;
    }
    struct cfl_h2_segment *segment = &session->segments[session->segment_count];
    memset(segment, 0, sizeof *segment);
    return segment;
}

bool cfl_h2_control_add(struct cfl_h2_session *session, const uint8_t *data, size_t len_bytes)
{
    uint64_t offset = session->control_base + session->control.len_bytes;
    if (!cfl_buf_append(&session->control, data, len_bytes)) {
        return false;
    }
    session->pending_bytes += len_bytes;
    session->pending_control_bytes += len_bytes;
    if (session->segment_count > session->frame_start) {
        struct cfl_h2_segment *last = &session->segments[session->segment_count - 1];
        if (last->is_control && last->control_offset + last->len_bytes == offset) {
            last->len_bytes += len_bytes;
            return true;
        }
    }
    struct cfl_h2_segment *segment = segment_add(session);
    if (segment == NULL) {
        return false;
    }
    segment->is_control = true;
    segment->control_offset = offset;
    segment->len_bytes = len_bytes;
    session->segment_count++;
    return true;
}

bool cfl_h2_payload_add(struct cfl_h2_stream *stream, const uint8_t *data, size_t len_bytes)
{
    struct cfl_h2_session *session = stream->session;
    struct cfl_h2_segment *segment = segment_add(session);
    if (segment == NULL) {
        return false;
    }
    segment->data = data;
    segment->len_bytes = len_bytes;
    segment->stream = stream;
    segment->is_payload = true;
    session->segment_count++;
    session->pending_bytes += len_bytes;
    stream->framed_bytes += len_bytes;
    stream->segment_count++;
    return true;
}

void cfl_h2_frame_owner(struct cfl_h2_session *session, struct cfl_h2_stream *stream)
{
    for (size_t i = session->frame_start; i < session->segment_count && stream != NULL; i++) {
        if (session->segments[i].stream == NULL) {
            session->segments[i].stream = stream;
            stream->segment_count++;
        }
    }
    session->frame_start = session->segment_count;
}

/* A server says nothing before the client's preface begins: to a client of HTTP/1.1 it would be
 * the start of an answer (opening.c). */
static bool waits_for_preface(const struct cfl_h2_session *session)
{
    return session->role == CFL_H2_SERVER && session->cursor.preface_left > 0 &&
           session->failure == CFLIGHT_OK && !session->is_goaway_sent;
}

void cfl_h2_produce(struct cfl_h2_session *session, bool with_payload)
{
    if (waits_for_preface(session)) {
        return;
    }
    session->may_frame_payload = with_payload && session->failure == CFLIGHT_OK;
    while (!session->is_broken) {
        int code = nghttp2_session_send(session->ng);
        if (code != 0) {
            cfl_h2_session_break(session, code);
            break;
        }
        if (!session->may_frame_payload || session->pending_bytes >= CFL_H2_OUTPUT_BYTES ||
            session->failure != CFLIGHT_OK || cfl_list_is_empty(&session->parked)) {
            break;
        }
        session->turn++;
        struct cfl_h2_stream *stream =
            CFL_LIST_ENTRY(session->parked.next, struct cfl_h2_stream, in_parked);
        cfl_h2_stream_unpark(stream);
        stream->source = CFL_H2_SOURCE_ACTIVE;
        code = nghttp2_session_resume_data(session->ng, stream->id);
        if (code == NGHTTP2_ERR_NOMEM) {
            cfl_h2_session_break(session, code);
        }
    }
    session->may_frame_payload = false;
}

void cfl_h2_output_detach(struct cfl_h2_session *session, struct cfl_h2_stream *stream)
{
    for (size_t i = session->segment_first; i < session->segment_count && stream->segment_count > 0;
         i++) {
        struct cfl_h2_segment *segment = &session->segments[i];
        if (segment->stream != stream) {
            continue;
        }
        if (segment->is_payload) {
            segment->owned = cfl_alloc(session->alloc, segment->len_bytes);
            segment->owned_bytes = segment->len_bytes;
            if (segment->owned != NULL) {
                memcpy(segment->owned, segment->data, segment->len_bytes);
                cfl_copy_count_sent(0, segment->len_bytes);
            } else {
                /* A frame cannot be cut short: without the copy the connection is lost. */
                cfl_h2_session_break(session, NGHTTP2_ERR_NOMEM);
                session->is_cut = true;
                session->pending_bytes -= segment->len_bytes;
                segment->len_bytes = 0;
                segment->owned_bytes = 0;
            }
            segment->data = segment->owned;
            segment->is_payload = false;
        }
        segment->stream = NULL;
        stream->segment_count--;
    }
    stream->framed_bytes = 0;
}

void cfl_h2_deliver_closed(struct cfl_h2_session *session)
{
    while (!cfl_list_is_empty(&session->closed)) {
        struct cfl_h2_stream *stream =
            CFL_LIST_ENTRY(session->closed.next, struct cfl_h2_stream, in_closed);
        cfl_list_remove(&stream->in_closed);
        if (stream->is_announced) {
            bool was_processed_never =
                session->role == CFL_H2_CLIENT && (stream->is_refused || !stream->is_taken);
            stream->is_announced = false;
            session->callbacks.on_close(session->user_data, stream, stream->close_code,
                                        was_processed_never);
        }
        cfl_h2_stream_free(stream);
    }
}

/* Lists segments for one writev; runs that touch in memory become one view. */
static int list_views(struct cfl_h2_session *session, struct iovec *ret_views, int max_count)
{
    int count = 0;
    for (size_t i = session->segment_first; i < session->segment_count; i++) {
        struct cfl_h2_segment *segment = &session->segments[i];
        if (segment->len_bytes == 0) {
            continue;
        }
        const uint8_t *data = segment->data;
        if (segment->is_control) {
            data = session->control.data + (segment->control_offset - session->control_base);
        }
        if (count > 0 &&
            (uint8_t *)ret_views[count - 1].iov_base + ret_views[count - 1].iov_len == data) {
            ret_views[count - 1].iov_len += segment->len_bytes;
            continue;
        }
        if (count == max_count) {
            break;
        }
        ret_views[count].iov_base = (void *)(uintptr_t)data;
        ret_views[count].iov_len = segment->len_bytes;
        count++;
    }
    return count;
}

cflight_status cfl_h2_output(struct cfl_h2_session *session, struct iovec *ret_views, int max_count,
                             int *ret_count, cflight_error **reterr)
{
    cfl_h2_deliver_closed(session);
    if (session->pending_bytes < CFL_H2_OUTPUT_BYTES) {
        cfl_h2_produce(session, true);
        cfl_h2_deliver_closed(session);
    }
    *ret_count = session->is_cut ? 0 : list_views(session, ret_views, max_count);
    /* A session that failed still says goodbye; then it reports the failure. */
    return *ret_count == 0 ? cfl_h2_session_failure(session, reterr) : CFLIGHT_OK;
}

static void segment_taken(struct cfl_h2_session *session, struct cfl_h2_segment *segment,
                          size_t len_bytes)
{
    struct cfl_h2_stream *stream = segment->stream;
    if (len_bytes == 0) {
        return;
    }
    segment->len_bytes -= len_bytes;
    session->pending_bytes -= len_bytes;
    if (segment->is_control) {
        segment->control_offset += len_bytes;
        session->control_taken = segment->control_offset;
        session->pending_control_bytes -= len_bytes;
    } else {
        segment->data += len_bytes;
    }
    if (stream != NULL) {
        stream->is_taken = true;
        if (segment->is_payload) {
            stream->framed_bytes -= len_bytes;
            if (cfl_h2_stream_unsent_bytes(stream) == 0 && stream->is_announced &&
                session->callbacks.on_sent != NULL) {
                session->callbacks.on_sent(session->user_data, stream);
            }
        }
    }
}

static void segment_finished(struct cfl_h2_session *session, struct cfl_h2_segment *segment)
{
    struct cfl_h2_stream *stream = segment->stream;
    cfl_free(session->alloc, segment->owned, segment->owned_bytes);
    segment->owned = NULL;
    if (stream != NULL) {
        stream->segment_count--;
        cfl_h2_stream_close_if_detached(stream);
    }
}

static void compact(struct cfl_h2_session *session)
{
    size_t left = session->segment_count - session->segment_first;
    if (session->segment_first >= COMPACT_SEGMENTS && session->segment_first >= left) {
        memmove(session->segments, session->segments + session->segment_first,
                left * sizeof *session->segments);
        session->segment_first = 0;
        session->segment_count = left;
    }
    if (left == 0) {
        session->segment_first = 0;
        session->segment_count = 0;
        if (session->segment_capacity > KEPT_SEGMENTS) {
            cfl_free_array(session->alloc, session->segments, session->segment_capacity,
                           sizeof *session->segments);
            session->segments = NULL;
            session->segment_capacity = 0;
        }
    }
    session->frame_start = session->segment_count;
    size_t taken_bytes = (size_t)(session->control_taken - session->control_base);
    if (session->pending_control_bytes == 0 ||
        (taken_bytes >= COMPACT_CONTROL_BYTES && taken_bytes >= session->control.len_bytes / 2)) {
        cfl_buf_drop_front(&session->control, taken_bytes);
        session->control_base += taken_bytes;
    }
    if (session->control.len_bytes == 0 && session->control.capacity_bytes > KEPT_CONTROL_BYTES) {
        cfl_buf_done(&session->control);
    }
}

void cfl_h2_sent(struct cfl_h2_session *session, size_t len_bytes)
{
    assert(len_bytes <= session->pending_bytes);
    while (session->segment_first < session->segment_count) {
        struct cfl_h2_segment *segment = &session->segments[session->segment_first];
        size_t step_bytes = len_bytes < segment->len_bytes ? len_bytes : segment->len_bytes;
        segment_taken(session, segment, step_bytes);
        len_bytes -= step_bytes;
        if (segment->len_bytes > 0) {
            break;
        }
        session->segment_first++;
        segment_finished(session, segment);
    }
    compact(session);
}

bool cfl_h2_wants_output(struct cfl_h2_session *session)
{
    if (!cfl_list_is_empty(&session->closed)) {
        return true;
    }
    if (session->pending_bytes > 0 && !session->is_cut) {
        return true;
    }
    if (session->is_broken || waits_for_preface(session)) {
        return false;
    }
    bool has_payload = session->failure == CFLIGHT_OK && !cfl_list_is_empty(&session->parked);
    return has_payload || nghttp2_session_want_write(session->ng) != 0;
}
