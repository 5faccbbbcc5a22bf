/* SPDX-License-Identifier: Apache-2.0 */
/* What a user does with a stream: starts it, sends headers, payload and trailers, ends or resets
 * it, and gives credit back. Thread class: one at a time. RFC 9113 8.1. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "h2/internal.h"

static cflight_status check_open(const struct cfl_h2_stream *stream, cflight_error **reterr)
{
    cflight_status status = cfl_h2_session_failure(stream->session, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (stream->is_closed || stream->is_reset) {
        return cflight_error_set_message(reterr, CFLIGHT_CANCELLED, "the HTTP/2 stream is closed");
    }
    if (stream->ending != CFL_H2_ENDING_NONE) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "the HTTP/2 stream was ended on this side");
    }
    return CFLIGHT_OK;
}

static cflight_status ng_failure(struct cfl_h2_session *session, int code, const char *what,
                                 cflight_error **reterr)
{
    if (code == NGHTTP2_ERR_NOMEM) {
        return cfl_error_no_memory(reterr);
    }
    if (nghttp2_is_fatal(code)) {
        cfl_h2_session_break(session, code);
    }
    return cflight_error_set(reterr, CFLIGHT_INTERNAL, "%s: %s", what, nghttp2_strerror(code));
}

cflight_status cfl_h2_submit_request(struct cfl_h2_session *session,
                                     const struct cfl_h2_field *fields, size_t field_count,
                                     bool is_end_stream, void *stream_user_data,
                                     struct cfl_h2_stream **ret_stream, cflight_error **reterr)
{
    cflight_status status = cfl_h2_session_failure(session, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (session->is_goaway_received || session->is_goaway_sent) {
        status = cflight_error_set_message(reterr, CFLIGHT_UNAVAILABLE,
                                           "the connection takes no new calls (GOAWAY)");
        if (reterr != NULL) {
            cfl_error_set_retry(*reterr, CFLIGHT_RETRY_SAFE);
        }
        return status;
    }
    struct cfl_h2_stream *stream = cfl_h2_stream_new(session, -1);
    const nghttp2_nv *pairs = cfl_h2_pairs(session, fields, field_count);
    if (stream == NULL || pairs == NULL) {
        status = cfl_error_no_memory(reterr);
        goto done;
    }
    nghttp2_data_provider provider = cfl_h2_provider(stream);
    int32_t id = nghttp2_submit_request(session->ng, NULL, pairs, field_count,
                                        is_end_stream ? NULL : &provider, stream);
    if (id < 0) {
        status = ng_failure(session, id, "cannot start an HTTP/2 stream", reterr);
        goto done;
    }
    stream->id = id;
    stream->user_data = stream_user_data;
    stream->is_announced = true;
    if (is_end_stream) {
        stream->ending = CFL_H2_ENDING_DATA;
    }
    *ret_stream = stream;
    stream = NULL;

done:
    if (stream != NULL) {
        cfl_h2_stream_free(stream);
    }
    return status;
}

cflight_status cfl_h2_submit_headers(struct cfl_h2_stream *stream,
                                     const struct cfl_h2_field *fields, size_t field_count,
                                     bool is_end_stream, cflight_error **reterr)
{
    struct cfl_h2_session *session = stream->session;
    cflight_status status = check_open(stream, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    const nghttp2_nv *pairs = cfl_h2_pairs(session, fields, field_count);
    if (pairs == NULL) {
        return cfl_error_no_memory(reterr);
    }
    nghttp2_data_provider provider = cfl_h2_provider(stream);
    int code = nghttp2_submit_response(session->ng, stream->id, pairs, field_count,
                                       is_end_stream ? NULL : &provider);
    if (code != 0) {
        return ng_failure(session, code, "cannot send response headers", reterr);
    }
    if (is_end_stream) {
        stream->ending = CFL_H2_ENDING_DATA;
    }
    return CFLIGHT_OK;
}

cflight_status cfl_h2_stream_reserve(struct cfl_h2_stream *stream, size_t view_count,
                                     cflight_error **reterr)
{
    cflight_status status = check_open(stream, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    size_t left = stream->view_count - stream->view_first;
    if (stream->view_first > 0 && stream->view_first >= left) {
        memmove(stream->views, stream->views + stream->view_first, left * sizeof *stream->views);
        stream->view_first = 0;
        stream->view_count = left;
    }
    if (!cfl_grow_array(stream->session->alloc, (void **)&stream->views, &stream->view_capacity,
                        stream->view_count + view_count, sizeof *stream->views)) {
        return cfl_error_no_memory(reterr);
    }
    return CFLIGHT_OK;
}

/* There is room for it. Runs that touch in memory become one view. */
static void queue_view(struct cfl_h2_stream *stream, struct cflight_bytes view)
{
    if (view.len_bytes == 0) {
        return;
    }
    stream->queued_bytes += view.len_bytes;
    if (stream->view_count > stream->view_first) {
        struct cflight_bytes *last = &stream->views[stream->view_count - 1];
        if (last->data + last->len_bytes == view.data) {
            last->len_bytes += view.len_bytes;
            return;
        }
    }
    stream->views[stream->view_count++] = view;
}

cflight_status cfl_h2_stream_send(struct cfl_h2_stream *stream, const struct cflight_bytes *views,
                                  size_t view_count, cflight_error **reterr)
{
    cflight_status status = cfl_h2_stream_reserve(stream, view_count, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    for (size_t i = 0; i < view_count; i++) {
        queue_view(stream, views[i]);
    }
    if (stream->queued_bytes > 0) {
        cfl_h2_stream_wake(stream);
    }
    return CFLIGHT_OK;
}

cflight_status cfl_h2_stream_end(struct cfl_h2_stream *stream, cflight_error **reterr)
{
    cflight_status status = check_open(stream, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    stream->ending = CFL_H2_ENDING_DATA;
    cfl_h2_stream_wake(stream);
    return CFLIGHT_OK;
}

/* Keeps trailers until the last DATA frame. */
static bool keep_trailers(struct cfl_h2_stream *stream, const struct cfl_h2_field *fields,
                          size_t field_count)
{
    struct cfl_buf *text = &stream->trailer_text;
    size_t text_bytes = 0;
    for (size_t i = 0; i < field_count; i++) {
        text_bytes +=
            fields[i].is_static ? 0 : fields[i].name.len_bytes + fields[i].value.len_bytes;
    }
    struct cfl_h2_field *trailers =
        cfl_alloc_array(stream->session->alloc, field_count, sizeof *trailers);
    if (trailers == NULL || (text_bytes > 0 && cfl_buf_space(text, text_bytes) == NULL)) {
        cfl_free_array(stream->session->alloc, trailers, field_count, sizeof *trailers);
        cfl_buf_clear(text);
        return false;
    }
    /* The space is there, so the text does not move while it grows. */
    for (size_t i = 0; i < field_count; i++) {
        trailers[i] = fields[i];
        if (!fields[i].is_static) {
            trailers[i].name.data = text->data + text->len_bytes;
            (void)cfl_buf_append_bytes(text, fields[i].name);
            trailers[i].value.data = text->data + text->len_bytes;
            (void)cfl_buf_append_bytes(text, fields[i].value);
        }
    }
    stream->trailers = trailers;
    stream->trailer_count = field_count;
    return true;
}

cflight_status cfl_h2_stream_trailers(struct cfl_h2_stream *stream,
                                      const struct cfl_h2_field *fields, size_t field_count,
                                      cflight_error **reterr)
{
    cflight_status status = check_open(stream, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (stream->queued_bytes > 0) {
        if (!keep_trailers(stream, fields, field_count)) {
            return cfl_error_no_memory(reterr);
        }
        stream->ending = CFL_H2_ENDING_TRAILERS;
        return CFLIGHT_OK;
    }
    /* Nothing to wait for, not even flow control, which trailers are not subject to. */
    stream->ending = CFL_H2_ENDING_TRAILERS;
    cfl_h2_stream_unpark(stream);
    stream->source = CFL_H2_SOURCE_ENDED;
    int code = cfl_h2_trailers_submit(stream, fields, field_count);
    if (code != 0) {
        return ng_failure(stream->session, code, "cannot send trailers", reterr);
    }
    return CFLIGHT_OK;
}

void cfl_h2_stream_drop(struct cfl_h2_stream *stream)
{
    cfl_h2_stream_drop_queue(stream);
    cfl_h2_output_detach(stream->session, stream);
    cfl_h2_stream_close_if_detached(stream);
}

void cfl_h2_stream_reset(struct cfl_h2_stream *stream, uint32_t h2_error_code)
{
    struct cfl_h2_session *session = stream->session;
    if (stream->is_reset) {
        return;
    }
    stream->is_reset = true;
    cfl_h2_stream_unpark(stream);
    cfl_h2_stream_drop(stream);
    if (stream->is_closed || session->is_broken) {
        return;
    }
    int code = nghttp2_submit_rst_stream(session->ng, NGHTTP2_FLAG_NONE, stream->id, h2_error_code);
    if (code != 0) {
        cfl_h2_session_break(session, code);
    }
}

void cfl_h2_stream_consume(struct cfl_h2_stream *stream, size_t len_bytes)
{
    struct cfl_h2_session *session = stream->session;
    if (stream->is_closed || session->is_broken || len_bytes == 0) {
        return;
    }
    int code = nghttp2_session_consume_stream(session->ng, stream->id, len_bytes);
    if (nghttp2_is_fatal(code)) {
        cfl_h2_session_break(session, code);
    }
}
