/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer may do to a session: the counters behind the limits, and the end of a session that
 * passed one.
 *
 * Two token buckets: one for streams that were reset by the peer or because of what it sent
 * (CVE-2023-44487, CVE-2025-8671), one for frames that cost an answer or work and carry nothing
 * (CVE-2019-9512, -9513, -9515). A PING is free when payload or headers moved since the last one,
 * because peers measure bandwidth that way. DATA frames without payload are counted in a row
 * (CVE-2019-9518), and so are the bytes of control frames the peer does not read. Owner: the
 * session. Thread class: one at a time. RFC 9113 10.5. */
#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"
#include "h2/internal.h"

enum {
    BURST_SECONDS = 10,
    QUEUED_FRAME_BYTES = 64,
    BLOCK_TIMES_LIMIT_MAX = 16,
    BLOCK_BYTES_LEAST = 8 << 20,
};

void cfl_h2_rate_init(struct cfl_h2_rate *rate, uint32_t per_second, int64_t now_ns)
{
    rate->per_second = per_second;
    rate->tokens = (double)per_second * BURST_SECONDS;
    rate->last_ns = now_ns;
}

/* Takes one event; false when there were too many. */
static bool rate_take(struct cfl_h2_rate *rate, int64_t now_ns)
{
    if (rate->per_second == 0) {
        return true;
    }
    double burst = (double)rate->per_second * BURST_SECONDS;
    if (now_ns > rate->last_ns) {
        rate->tokens += (double)(now_ns - rate->last_ns) / (double)CFL_NS_PER_S * rate->per_second;
        rate->last_ns = now_ns;
    }
    if (rate->tokens > burst) {
        rate->tokens = burst;
    }
    if (rate->tokens < 1.0) {
        return false;
    }
    rate->tokens -= 1.0;
    return true;
}

void cfl_h2_guard_reset(struct cfl_h2_session *session)
{
    if (!rate_take(&session->reset_rate, cfl_clock_now_ns(session->clock))) {
        cfl_h2_session_fail(session, CFL_H2_ENHANCE_YOUR_CALM, CFLIGHT_RESOURCE_EXHAUSTED,
                            "the peer made too many streams be reset; the limit is %u per second",
                            session->limits.resets_per_second_max);
    }
}

void cfl_h2_guard_control(struct cfl_h2_session *session, bool is_ping)
{
    if (is_ping && session->had_payload) {
        session->had_payload = false;
        return;
    }
    if (!rate_take(&session->ping_rate, cfl_clock_now_ns(session->clock))) {
        cfl_h2_session_fail(
            session, CFL_H2_ENHANCE_YOUR_CALM, CFLIGHT_RESOURCE_EXHAUSTED,
            "the peer sent too many PING, SETTINGS or PRIORITY frames; the limit is "
            "%u per second",
            session->limits.pings_per_second_max);
    }
}

void cfl_h2_guard_data(struct cfl_h2_session *session, const nghttp2_frame *frame)
{
    bool is_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (is_end || frame->hd.length > frame->data.padlen) {
        session->empty_frame_count = 0;
        return;
    }
    session->empty_frame_count++;
    if (session->empty_frame_count > session->limits.empty_frames_max) {
        cfl_h2_session_fail(
            session, CFL_H2_ENHANCE_YOUR_CALM, CFLIGHT_RESOURCE_EXHAUSTED,
            "the peer sent %u DATA frames without payload in a row; the limit is %u",
            session->empty_frame_count, session->limits.empty_frames_max);
    }
}

void cfl_h2_guard_queue(struct cfl_h2_session *session)
{
    uint64_t queued_bytes = session->pending_control_bytes;
    queued_bytes +=
        (uint64_t)nghttp2_session_get_outbound_queue_size(session->ng) * QUEUED_FRAME_BYTES;
    if (session->role == CFL_H2_SERVER && queued_bytes > session->limits.outbound_queue_bytes_max) {
        cfl_h2_session_fail(
            session, CFL_H2_ENHANCE_YOUR_CALM, CFLIGHT_RESOURCE_EXHAUSTED,
            "the peer does not read: %llu bytes of control frames wait; the limit is %u",
            (unsigned long long)queued_bytes, session->limits.outbound_queue_bytes_max);
    }
}

void cfl_h2_session_fail(struct cfl_h2_session *session, uint32_t h2_error_code,
                         cflight_status status, const char *format, ...)
{
    if (session->failure != CFLIGHT_OK) {
        return;
    }
    session->failure = status;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(session->failure_text, sizeof session->failure_text, format, arguments);
    va_end(arguments);
    if (!session->is_broken && nghttp2_session_terminate_session(session->ng, h2_error_code) != 0) {
        session->is_broken = true;
    }
}

uint64_t cfl_h2_block_bytes_max(const struct cfl_h2_session *session)
{
    uint64_t bytes_max = (uint64_t)session->limits.metadata_bytes_max * BLOCK_TIMES_LIMIT_MAX;
    return bytes_max > BLOCK_BYTES_LEAST ? bytes_max : BLOCK_BYTES_LEAST;
}

void cfl_h2_block_fail(struct cfl_h2_session *session)
{
    cfl_h2_session_fail(session, CFL_H2_ENHANCE_YOUR_CALM, CFLIGHT_RESOURCE_EXHAUSTED,
                        "a header block of the peer is more than %llu bytes; the limit on metadata "
                        "is %u bytes",
                        (unsigned long long)cfl_h2_block_bytes_max(session),
                        session->limits.metadata_bytes_max);
}

void cfl_h2_session_break(struct cfl_h2_session *session, int ng_code)
{
    session->is_broken = true;
    /* A callback fails for no other reason than memory. */
    if (ng_code == NGHTTP2_ERR_NOMEM || ng_code == NGHTTP2_ERR_CALLBACK_FAILURE) {
        cfl_h2_session_fail(session, CFL_H2_INTERNAL_ERROR, CFLIGHT_RESOURCE_EXHAUSTED,
                            "out of memory");
        return;
    }
    cfl_h2_session_fail(session, CFL_H2_INTERNAL_ERROR, CFLIGHT_INTERNAL, "HTTP/2 session: %s",
                        nghttp2_strerror(ng_code));
}

void cfl_h2_session_break_with(struct cfl_h2_session *session, cflight_status status,
                               const char *text)
{
    session->is_broken = true;
    cfl_h2_session_fail(session, CFL_H2_PROTOCOL_ERROR, status, "%s", text);
}

cflight_status cfl_h2_session_failure(const struct cfl_h2_session *session, cflight_error **reterr)
{
    if (session->failure == CFLIGHT_OK) {
        return CFLIGHT_OK;
    }
    return cflight_error_set_message(reterr, session->failure, session->failure_text);
}
