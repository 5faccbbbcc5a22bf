/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile peers: blocking sockets, and HTTP/2 by hand. */
#include "hostile_peer.h"

#include <unistd.h>

enum {
    PREFACE_BYTES = 24,
    FRAME_HEADER_BYTES = 9,
    CREDIT_BYTES = 1 << 30,
    CALLS_PER_CONNECTION = 400,
};

/* ---- wire ---- */

static void wire_done(struct t_wire *wire)
{
    if (wire->fd >= 0) {
        (void)close(wire->fd);
    }
    wire->fd = -1;
    t_raw_done(&wire->input);
    wire->taken_bytes = 0;
}

/* Reads until `len_bytes` bytes that were not taken are there. */
static bool wire_fill(struct t_wire *wire, size_t len_bytes)
{
    while (wire->input.len_bytes - wire->taken_bytes < len_bytes) {
        if (!t_socket_read(wire->fd, &wire->input)) {
            return false;
        }
    }
    return true;
}

/* The next frame; its payload is valid until the next call. False when the peer is gone. */
static bool wire_next(struct t_wire *wire, struct t_frame *ret_frame)
{
    if (wire->taken_bytes > 0) { /* what was taken before is done with */
        wire->input.len_bytes -= wire->taken_bytes;
        memmove(wire->input.data, wire->input.data + wire->taken_bytes, wire->input.len_bytes);
        wire->taken_bytes = 0;
    }
    if (!wire_fill(wire, FRAME_HEADER_BYTES)) {
        return false;
    }
    const uint8_t *header = wire->input.data;
    size_t len_bytes = (size_t)header[0] << 16 | (size_t)header[1] << 8 | header[2];
    if (!wire_fill(wire, FRAME_HEADER_BYTES + len_bytes)) {
        return false;
    }
    header = wire->input.data;
    ret_frame->type = header[3];
    ret_frame->flags = header[4];
    ret_frame->stream_id = t_raw_u32(header + 5);
    ret_frame->payload = header + FRAME_HEADER_BYTES;
    ret_frame->len_bytes = len_bytes;
    wire->taken_bytes = FRAME_HEADER_BYTES + len_bytes;
    return true;
}

/* Answers what any peer must answer. */
static void answer_frame(const struct t_frame *frame, struct t_raw *output)
{
    if (frame->type == T_SETTINGS && (frame->flags & T_ACK) == 0) {
        t_raw_frame(output, T_SETTINGS, T_ACK, 0, NULL, 0);
    } else if (frame->type == T_PING && (frame->flags & T_ACK) == 0) {
        t_raw_frame(output, T_PING, T_ACK, 0, frame->payload, frame->len_bytes);
    }
}

/* Appends `data` as DATA frames of at most `frame_bytes` bytes. */
static void add_data(struct t_raw *raw, uint32_t stream_id, const struct t_raw *data,
                     size_t frame_bytes, bool is_last)
{
    size_t at = 0;
    do {
        size_t left_bytes = data->len_bytes - at;
        size_t len_bytes = left_bytes < frame_bytes ? left_bytes : frame_bytes;
        int flags = is_last && len_bytes == left_bytes ? T_END_STREAM : 0;
        t_raw_frame(raw, T_DATA, flags, stream_id, data->data + at, len_bytes);
        at += len_bytes;
    } while (at < data->len_bytes);
}

/* ---- server ---- */

static void answer_call(struct t_hostile_server *server, uint32_t stream_id, struct t_raw *output)
{
    static const struct t_field HEADERS[] = {
        {":status", "200"}, {"content-type", "application/grpc"}, {NULL, NULL}};
    static const struct t_field TRAILERS[] = {{"grpc-status", "0"}, {NULL, NULL}};
    t_raw_headers(output, 0, stream_id, HEADERS);
    (void)pthread_mutex_lock(&server->mutex);
    add_data(output, stream_id, &server->answer, server->frame_bytes, false);
    (void)pthread_mutex_unlock(&server->mutex);
    t_raw_headers(output, T_END_STREAM, stream_id, TRAILERS);
}

static void serve_connection(void *user_data, int fd)
{
    struct t_hostile_server *server = user_data;
    struct t_wire wire = {.fd = fd};
    struct t_raw output = {0};
    struct t_frame frame;
    t_raw_frame(&output, T_SETTINGS, 0, 0, NULL, 0);
    t_raw_u32_frame(&output, T_WINDOW_UPDATE, 0, 0, CREDIT_BYTES);
    if (wire_fill(&wire, PREFACE_BYTES)) {
        wire.taken_bytes = PREFACE_BYTES;
        while (t_socket_send(fd, &output) && wire_next(&wire, &frame)) {
            t_raw_clear(&output);
            answer_frame(&frame, &output);
            if (frame.type == T_HEADERS) {
                answer_call(server, frame.stream_id, &output);
            }
        }
    }
    t_raw_done(&output);
    t_raw_done(&wire.input);
}

void t_hostile_server_start(struct t_hostile_server *server)
{
    memset(server, 0, sizeof *server);
    (void)pthread_mutex_init(&server->mutex, NULL);
    t_peer_start(&server->peer, serve_connection, server);
}

void t_hostile_server_stop(struct t_hostile_server *server)
{
    t_peer_stop(&server->peer);
    (void)pthread_mutex_destroy(&server->mutex);
    t_raw_done(&server->answer);
}

void t_hostile_server_set(struct t_hostile_server *server, const struct t_raw *answer,
                          size_t frame_bytes)
{
    (void)pthread_mutex_lock(&server->mutex);
    t_raw_clear(&server->answer);
    t_raw_append(&server->answer, answer->data, answer->len_bytes);
    server->frame_bytes = frame_bytes;
    (void)pthread_mutex_unlock(&server->mutex);
}

/* ---- client ---- */

void t_hostile_client_init(struct t_hostile_client *client, int port)
{
    memset(client, 0, sizeof *client);
    client->port = port;
    client->wire.fd = -1;
}

void t_hostile_client_done(struct t_hostile_client *client)
{
    wire_done(&client->wire);
}

static void client_connect(struct t_hostile_client *client, struct t_raw *output)
{
    wire_done(&client->wire);
    client->wire.fd = t_socket_connect(client->port);
    client->next_stream_id = 1;
    t_raw_client_start(output);
    t_raw_u32_frame(output, T_WINDOW_UPDATE, 0, 0, CREDIT_BYTES);
}

static bool run_call(struct t_hostile_client *client, struct t_raw *output, uint32_t stream_id)
{
    struct t_frame frame;
    while (t_socket_send(client->wire.fd, output) && wire_next(&client->wire, &frame)) {
        t_raw_clear(output);
        answer_frame(&frame, output);
        bool is_end = frame.type == T_RST_STREAM ||
                      (frame.type == T_HEADERS && (frame.flags & T_END_STREAM) != 0);
        if (frame.stream_id == stream_id && is_end) {
            return t_socket_send(client->wire.fd, output);
        }
    }
    return false;
}

void t_hostile_client_put(struct t_hostile_client *client, const struct t_raw *request,
                          size_t frame_bytes)
{
    static const struct t_field HEADERS[] = {
        {":method", "POST"},
        {":scheme", "http"},
        {":path", "/arrow.flight.protocol.FlightService/DoPut"},
        {":authority", "x"},
        {"te", "trailers"},
        {"content-type", "application/grpc"},
        {NULL, NULL},
    };
    struct t_raw output = {0};
    if (client->wire.fd < 0 || client->next_stream_id > 2 * CALLS_PER_CONNECTION) {
        client_connect(client, &output);
    }
    uint32_t stream_id = client->next_stream_id;
    client->next_stream_id += 2;
    t_raw_headers(&output, 0, stream_id, HEADERS);
    add_data(&output, stream_id, request, frame_bytes, true);
    assert_true(run_call(client, &output, stream_id));
    t_raw_done(&output);
}
