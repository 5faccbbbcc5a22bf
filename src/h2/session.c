/* SPDX-License-Identifier: Apache-2.0 */
/* The session: its making and end, SETTINGS, GOAWAY, PING and time.
 *
 * nghttp2 is told not to send window updates by itself: the connection's window is credited on
 * arrival (events.c), a stream's when its user took the bytes. Thread class: one at a time. RFC
 * 9113 3.4, 6.5, 6.7, 6.8. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "h2/internal.h"

enum {
    FRAME_BYTES_LEAST = 16384, /* RFC 9113 6.5.2 */
    FRAME_BYTES_MOST = 16777215,
    SETTINGS_MAX = 5,
    HEADER_BLOCK_SEND_BYTES_MAX = 16 << 20,
    RESETS_UNLIMITED = 1 << 30,
};

static cflight_status ng_status(int code, const char *what, cflight_error **reterr)
{
    if (code == 0) {
        return CFLIGHT_OK;
    }
    if (code == NGHTTP2_ERR_NOMEM) {
        return cfl_error_no_memory(reterr);
    }
    return cflight_error_set(reterr, CFLIGHT_INTERNAL, "%s: %s", what, nghttp2_strerror(code));
}

static void set_options(nghttp2_option *option)
{
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_send_header_block_length(option, HEADER_BLOCK_SEND_BYTES_MAX);
    /* Its rules for fields end calls for a blank at the edge of a value, for the fields of proxies
     * (connection, keep-alive) and for odd authorities, which gRPC takes. Fields are looked at in
     * headers.c, answers and requests as a whole by whoever reads them. */
    nghttp2_option_set_no_http_messaging(option, 1);
#ifdef CFL_HAVE_NGHTTP2_CONTINUATION_LIMIT
    /* The session has a limit of its own, on the block. */
    nghttp2_option_set_max_continuations(option, SIZE_MAX);
#endif
#ifdef CFL_HAVE_NGHTTP2_RESET_LIMIT
    /* The session's own count decides: nghttp2's also counts resets of streams that are over, which
     * cross an early answer and harm nobody. */
    nghttp2_option_set_stream_reset_rate_limit(option, RESETS_UNLIMITED, RESETS_UNLIMITED);
#endif
}

static cflight_status create(struct cfl_h2_session *session, cflight_error **reterr)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int code = nghttp2_session_callbacks_new(&callbacks);
    if (code == 0) {
        code = nghttp2_option_new(&option);
    }
    if (code == 0) {
        cfl_h2_set_callbacks(callbacks);
        set_options(option);
        nghttp2_mem *mem = session->alloc == NULL ? NULL : &session->mem;
        code = session->role == CFL_H2_SERVER
                   ? nghttp2_session_server_new3(&session->ng, callbacks, session, option, mem)
                   : nghttp2_session_client_new3(&session->ng, callbacks, session, option, mem);
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return ng_status(code, "cannot make an HTTP/2 session", reterr);
}

static uint32_t clamp(uint32_t value, uint32_t least, uint32_t most)
{
    return value < least ? least : value > most ? most : value;
}

static cflight_status submit_settings(struct cfl_h2_session *session, cflight_error **reterr)
{
    const struct cfl_limits *limits = &session->limits;
    nghttp2_settings_entry entries[SETTINGS_MAX] = {
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, clamp(limits->stream_window_bytes, 1, INT32_MAX)},
        {NGHTTP2_SETTINGS_MAX_FRAME_SIZE,
         clamp(limits->frame_bytes_max, FRAME_BYTES_LEAST, FRAME_BYTES_MOST)},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits->metadata_bytes_max},
    };
    size_t count = 3;
    if (session->role == CFL_H2_SERVER) {
        entries[count].settings_id = NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS;
        entries[count++].value = limits->streams_max;
    } else {
        entries[count].settings_id = NGHTTP2_SETTINGS_ENABLE_PUSH;
        entries[count++].value = 0;
    }
    int code = nghttp2_submit_settings(session->ng, NGHTTP2_FLAG_NONE, entries, count);
    if (code == 0) {
        code = nghttp2_session_set_local_window_size(
            session->ng, NGHTTP2_FLAG_NONE, 0,
            (int32_t)clamp(limits->connection_window_bytes, NGHTTP2_INITIAL_CONNECTION_WINDOW_SIZE,
                           INT32_MAX));
    }
    return ng_status(code, "cannot announce the HTTP/2 settings", reterr);
}

cflight_status cfl_h2_session_new(const struct cflight_allocator *alloc, enum cfl_h2_role role,
                                  const struct cfl_limits *limits, const struct cfl_clock *clock,
                                  const struct cfl_h2_callbacks *callbacks, void *user_data,
                                  struct cfl_h2_session **ret_session, cflight_error **reterr)
{
    struct cfl_h2_session *session = cfl_alloc_zeroed(alloc, sizeof *session);
    if (session == NULL) {
        return cfl_error_no_memory(reterr);
    }
    session->alloc = alloc;
    session->role = role;
    session->limits = *limits;
    session->clock = clock;
    session->callbacks = *callbacks;
    session->user_data = user_data;
    session->cursor.preface_left = role == CFL_H2_SERVER ? CFL_H2_PREFACE_BYTES : 0;
    session->turn = 1;
    session->start_ns = cfl_clock_now_ns(clock);
    cfl_list_init(&session->streams);
    cfl_list_init(&session->parked);
    cfl_list_init(&session->closed);
    cfl_buf_init(&session->control, alloc);
    cfl_buf_init(&session->block.text, alloc);
    cfl_buf_init(&session->block.long_name, alloc);
    cfl_buf_init(&session->scan.kept, alloc);
    cfl_h2_rate_init(&session->reset_rate, limits->resets_per_second_max, session->start_ns);
    cfl_h2_rate_init(&session->ping_rate, limits->pings_per_second_max, session->start_ns);
    cfl_h2_mem_init(&session->mem, alloc);

    cflight_status status = CFLIGHT_OK;
    status = create(session, reterr);
    if (status == CFLIGHT_OK) {
        status = submit_settings(session, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_h2_session_free(session);
        return status;
    }
    *ret_session = session;
    return CFLIGHT_OK;
}

void cfl_h2_session_free(struct cfl_h2_session *session)
{
    if (session == NULL) {
        return;
    }
    session->is_broken = true;
    while (!cfl_list_is_empty(&session->streams)) {
        struct cfl_h2_stream *stream =
            CFL_LIST_ENTRY(session->streams.next, struct cfl_h2_stream, in_session);
        if (!stream->is_closed) {
            stream->is_closed = true;
            stream->close_code = CFL_H2_CANCEL;
        }
        /* The memory of its views is not read any more, so nothing needs a copy. */
        cfl_h2_stream_drop_queue(stream);
        stream->framed_bytes = 0;
        if (!cfl_list_is_linked(&stream->in_closed)) {
            cfl_list_append(&session->closed, &stream->in_closed);
        }
        cfl_h2_deliver_closed(session);
    }
    nghttp2_session_del(session->ng);
    for (size_t i = session->segment_first; i < session->segment_count; i++) {
        cfl_free(session->alloc, session->segments[i].owned, session->segments[i].owned_bytes);
    }
    cfl_free_array(session->alloc, session->segments, session->segment_capacity,
                   sizeof *session->segments);
    cfl_buf_done(&session->control);
    cfl_h2_block_done(session);
    cfl_h2_scan_done(session);
    cfl_free_array(session->alloc, session->pairs, session->pair_capacity, sizeof *session->pairs);
    cfl_free(session->alloc, session->staging, CFL_H2_STAGING_BYTES);
    cfl_free(session->alloc, session, sizeof *session);
}

bool cfl_h2_is_finished(const struct cfl_h2_session *session)
{
    if (!cfl_list_is_empty(&session->closed)) {
        return false;
    }
    if (session->is_cut) {
        return true;
    }
    if (session->pending_bytes > 0) {
        return false;
    }
    if (session->is_broken) {
        return true;
    }
    bool is_over = session->failure != CFLIGHT_OK || nghttp2_session_want_read(session->ng) == 0;
    return is_over && nghttp2_session_want_write(session->ng) == 0;
}

bool cfl_h2_has_peer_settings(const struct cfl_h2_session *session)
{
    return session->has_peer_settings;
}

bool cfl_h2_is_failed(const struct cfl_h2_session *session)
{
    return session->failure != CFLIGHT_OK;
}

static bool waits_for_peer(const struct cfl_h2_session *session)
{
    return session->failure == CFLIGHT_OK && session->limits.handshake_ms > 0 &&
           !(session->has_peer_settings && session->has_settings_ack);
}

cflight_status cfl_h2_tick(struct cfl_h2_session *session, int64_t now_ns, cflight_error **reterr)
{
    if (waits_for_peer(session) && now_ns >= cfl_h2_next_deadline_ns(session)) {
        cfl_h2_session_fail(session, CFL_H2_SETTINGS_TIMEOUT, CFLIGHT_DEADLINE_EXCEEDED,
                            "the peer did not %s within %u ms",
                            session->cursor.preface_left > 0 ? "send the HTTP/2 connection preface"
                            : session->has_peer_settings     ? "acknowledge SETTINGS"
                                                             : "send SETTINGS",
                            session->limits.handshake_ms);
    }
    cfl_h2_deliver_closed(session);
    return cfl_h2_session_failure(session, reterr);
}

int64_t cfl_h2_next_deadline_ns(const struct cfl_h2_session *session)
{
    if (!waits_for_peer(session)) {
        return CFL_TIME_NEVER;
    }
    return cfl_deadline_after_ms(session->start_ns, session->limits.handshake_ms);
}

void cfl_h2_goaway(struct cfl_h2_session *session, uint32_t h2_error_code, bool is_final)
{
    if (session->failure != CFLIGHT_OK || session->is_final_goaway_sent) {
        return;
    }
    int code = 0;
    if (session->role == CFL_H2_SERVER && !is_final) {
        code = nghttp2_submit_shutdown_notice(session->ng);
    } else {
        int32_t last_id = nghttp2_session_get_last_proc_stream_id(session->ng);
        code =
            nghttp2_submit_goaway(session->ng, NGHTTP2_FLAG_NONE, last_id, h2_error_code, NULL, 0);
        session->is_final_goaway_sent = true;
    }
    session->is_goaway_sent = true;
    if (code == NGHTTP2_ERR_NOMEM) {
        cfl_h2_session_break(session, code);
    }
}

void cfl_h2_ping(struct cfl_h2_session *session)
{
    if (session->failure != CFLIGHT_OK) {
        return;
    }
    int code = nghttp2_submit_ping(session->ng, NGHTTP2_FLAG_NONE, NULL);
    if (code != 0) {
        cfl_h2_session_break(session, code);
    }
}

uint32_t cfl_h2_goaway_code(const struct cfl_h2_session *session)
{
    return session->goaway_code;
}

const char *cfl_h2_goaway_text(const struct cfl_h2_session *session)
{
    return session->goaway_text;
}

bool cfl_h2_goaway_received(const struct cfl_h2_session *session)
{
    return session->is_goaway_received;
}

size_t cfl_h2_stream_count(const struct cfl_h2_session *session)
{
    return session->stream_count;
}

uint32_t cfl_h2_peer_header_bytes_max(const struct cfl_h2_session *session)
{
    return nghttp2_session_get_remote_settings(session->ng, NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE);
}

int32_t cfl_h2_last_stream_id(const struct cfl_h2_session *session)
{
    return nghttp2_session_get_last_proc_stream_id(session->ng);
}

const char *cfl_h2_library_version(void)
{
    return nghttp2_version(0)->version_str;
}
