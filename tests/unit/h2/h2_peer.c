/* SPDX-License-Identifier: Apache-2.0 */
/* The recording user of a session. Credit is given back at once unless the test says otherwise. */
#include "h2_peer.h"

#include <stdio.h>
#include <stdlib.h>

static void on_headers(void *user_data, struct cfl_h2_stream *stream,
                       const struct cfl_h2_field *fields, size_t field_count, bool is_end_stream,
                       bool is_too_large)
{
    struct t_h2_peer *peer = user_data;
    (void)is_end_stream;
    if (cfl_h2_stream_user_data(stream) == NULL) {
        cfl_h2_stream_set_user_data(stream, peer);
        assert_true(peer->stream_count < 4096);
        peer->streams[peer->stream_count++] = stream;
        peer->stream = stream;
    }
    peer->headers_count++;
    peer->field_count = field_count;
    peer->is_too_large = is_too_large;
    size_t offset = 0;
    peer->fields_sum = 0;
    for (size_t i = 0; i < field_count; i++) {
        peer->fields_sum = t_sum(peer->fields_sum, fields[i].name.data, fields[i].name.len_bytes);
        peer->fields_sum = t_sum(peer->fields_sum, fields[i].value.data, fields[i].value.len_bytes);
    }
    peer->fields[0] = '\0';
    for (size_t i = 0; i < field_count && offset < sizeof peer->fields; i++) {
        offset +=
            (size_t)snprintf(peer->fields + offset, sizeof peer->fields - offset, "%.*s=%.*s\n",
                             (int)fields[i].name.len_bytes, (const char *)fields[i].name.data,
                             (int)fields[i].value.len_bytes, (const char *)fields[i].value.data);
    }
}

static void on_data(void *user_data, struct cfl_h2_stream *stream, const uint8_t *data,
                    size_t len_bytes)
{
    struct t_h2_peer *peer = user_data;
    peer->data_bytes += len_bytes;
    for (size_t i = 0; i < len_bytes; i++) {
        peer->data_sum = peer->data_sum * 31 + data[i];
    }
    if (peer->place != NULL) {
        if (data == peer->place) {
            peer->placed_bytes += len_bytes;
        } else {
            memcpy(peer->place, data, len_bytes);
        }
        peer->place += len_bytes;
        peer->place_bytes -= len_bytes;
    }
    if (!peer->is_lazy) {
        cfl_h2_stream_consume(stream, len_bytes);
    }
}

static void on_end_stream(void *user_data, struct cfl_h2_stream *stream)
{
    struct t_h2_peer *peer = user_data;
    (void)stream;
    peer->end_stream_count++;
}

static void on_close(void *user_data, struct cfl_h2_stream *stream, uint32_t h2_error_code,
                     bool was_processed_never)
{
    struct t_h2_peer *peer = user_data;
    assert_int_equal(cfl_h2_stream_unsent_bytes(stream), 0);
    peer->close_count++;
    peer->close_code = h2_error_code;
    peer->was_processed_never = was_processed_never;
    if (peer->stream == stream) {
        peer->stream = NULL;
    }
}

static void place_data(void *user_data, struct cfl_h2_stream *stream, uint8_t **ret_target,
                       size_t *ret_len_bytes, size_t *ret_hint_bytes)
{
    struct t_h2_peer *peer = user_data;
    (void)stream;
    *ret_target = peer->place;
    *ret_len_bytes = peer->place_bytes;
    *ret_hint_bytes = peer->hint_bytes;
}

static void on_goaway(void *user_data, uint32_t h2_error_code)
{
    struct t_h2_peer *peer = user_data;
    peer->goaway_count++;
    peer->goaway_code = h2_error_code;
}

static void on_ping_ack(void *user_data)
{
    struct t_h2_peer *peer = user_data;
    peer->ping_ack_count++;
}

static const struct cfl_h2_callbacks CALLBACKS = {
    .on_headers = on_headers,
    .on_data = on_data,
    .on_end_stream = on_end_stream,
    .on_close = on_close,
    .place_data = place_data,
    .on_goaway = on_goaway,
    .on_ping_ack = on_ping_ack,
};

cflight_status t_h2_peer_try_open(struct t_h2_peer *peer, enum cfl_h2_role role,
                                  const struct cfl_limits *limits, struct t_clock *clock,
                                  const struct cflight_allocator *alloc, cflight_error **reterr)
{
    memset(peer, 0, sizeof *peer);
    peer->clock = clock;
    cflight_status status =
        cfl_h2_session_new(alloc, role, limits == NULL ? &cfl_limits_default : limits,
                           &clock->clock, &CALLBACKS, peer, &peer->session, reterr);
    peer->end = t_end_h2(peer->session);
    return status;
}

void t_h2_peer_open(struct t_h2_peer *peer, enum cfl_h2_role role, const struct cfl_limits *limits,
                    struct t_clock *clock)
{
    cflight_error *error = NULL;
    CHECK_OK(t_h2_peer_try_open(peer, role, limits, clock, NULL, &error), error);
}

void t_h2_peer_done(struct t_h2_peer *peer)
{
    cfl_h2_session_free(peer->session);
    peer->session = NULL;
}

void t_h2_peer_feed(struct t_h2_peer *peer, struct t_raw *raw)
{
    t_feed(&peer->end, raw->data, raw->len_bytes, SIZE_MAX);
    t_raw_clear(raw);
}

void t_h2_peer_serve(struct t_h2_peer *peer, const struct cfl_limits *limits, struct t_clock *clock)
{
    struct t_raw raw = {0};
    t_h2_peer_open(peer, CFL_H2_SERVER, limits, clock);
    t_raw_take(&peer->end, &raw); /* SETTINGS must be out before they are acknowledged */
    t_raw_clear(&raw);
    t_raw_client_start(&raw);
    t_raw_frame(&raw, T_SETTINGS, T_ACK, 0, NULL, 0);
    t_h2_peer_feed(peer, &raw);
    t_raw_take(&peer->end, &raw);
    t_raw_done(&raw);
}

static struct cfl_h2_field field(const char *name, const char *value)
{
    struct cfl_h2_field made = {cflight_bytes_from_text(name), cflight_bytes_from_text(value),
                                false, false};
    return made;
}

cflight_status t_h2_peer_request(struct t_h2_peer *peer, bool is_end, cflight_error **reterr)
{
    const struct cfl_h2_field fields[] = {
        field(":method", "POST"),
        field(":scheme", "http"),
        field(":path", "/a/b"),
        field(":authority", "x"),
    };
    cflight_status status =
        cfl_h2_submit_request(peer->session, fields, 4, is_end, peer, &peer->stream, reterr);
    if (status == CFLIGHT_OK) {
        peer->streams[peer->stream_count++] = peer->stream;
    }
    return status;
}

void t_h2_peer_respond(struct cfl_h2_stream *stream)
{
    const struct cfl_h2_field fields[] = {field(":status", "200")};
    cflight_error *error = NULL;
    CHECK_OK(cfl_h2_submit_headers(stream, fields, 1, false, &error), error);
}

void t_duo_open(struct t_duo *duo, const struct cfl_limits *limits)
{
    memset(duo, 0, sizeof *duo);
    t_clock_init(&duo->clock);
    t_h2_peer_open(&duo->client, CFL_H2_CLIENT, limits, &duo->clock);
    t_h2_peer_open(&duo->server, CFL_H2_SERVER, limits, &duo->clock);
    t_pump(&duo->client.end, &duo->server.end, 65536);
}

void t_duo_close(struct t_duo *duo)
{
    CHECK_STATUS(duo->client.end.status, CFLIGHT_OK);
    CHECK_STATUS(duo->server.end.status, CFLIGHT_OK);
    t_h2_peer_done(&duo->client);
    t_h2_peer_done(&duo->server);
    assert_int_equal(duo->client.close_count, duo->client.stream_count);
    assert_int_equal(duo->server.close_count, duo->server.stream_count);
}

void t_duo_pump(struct t_duo *duo)
{
    t_pump(&duo->client.end, &duo->server.end, 65536);
}

struct cfl_h2_stream *t_duo_request(struct t_duo *duo)
{
    CHECK_OK(t_h2_peer_request(&duo->client, false, &duo->error), duo->error);
    return duo->client.stream;
}

void t_send_bytes(struct cfl_h2_stream *stream, const void *data, size_t len_bytes)
{
    struct cflight_bytes view = cflight_bytes_make(data, len_bytes);
    cflight_error *error = NULL;
    CHECK_OK(cfl_h2_stream_send(stream, &view, 1, &error), error);
}

uint8_t *t_pattern_new(size_t len_bytes)
{
    uint8_t *bytes = malloc(len_bytes);
    assert_non_null(bytes);
    for (size_t i = 0; i < len_bytes; i++) {
        bytes[i] = (uint8_t)(i * 7 + (i >> 9));
    }
    return bytes;
}
