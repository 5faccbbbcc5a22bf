/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile peers: blocking sockets, and HTTP/2 by hand. */
#include "hostile_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PREFACE_BYTES = 24,
    FRAME_HEADER_BYTES = 9,
    READ_BYTES = 65536,
    CREDIT_BYTES = 1 << 30,
    CALLS_PER_CONNECTION = 400,
};

/* ---- wire ---- */

void t_wire_done(struct t_wire *wire)
{
    if (wire->fd >= 0) {
        (void)close(wire->fd);
    }
    wire->fd = -1;
    t_raw_done(&wire->input);
    wire->taken_bytes = 0;
}

bool t_wire_send(struct t_wire *wire, const struct t_raw *raw)
{
    size_t sent_bytes = 0;
    while (sent_bytes < raw->len_bytes) {
        ssize_t result =
            send(wire->fd, raw->data + sent_bytes, raw->len_bytes - sent_bytes, MSG_NOSIGNAL);
        if (result <= 0) {
            return false;
        }
        sent_bytes += (size_t)result;
    }
    return true;
}

/* Reads until `len_bytes` bytes that were not taken are there. */
static bool wire_fill(struct t_wire *wire, size_t len_bytes)
{
    static const size_t step_bytes = READ_BYTES;
    while (wire->input.len_bytes - wire->taken_bytes < len_bytes) {
        uint8_t chunk[READ_BYTES];
        ssize_t result = recv(wire->fd, chunk, step_bytes, 0);
        if (result <= 0) {
            return false;
        }
        t_raw_append(&wire->input, chunk, (size_t)result);
    }
    return true;
}

bool t_wire_next(struct t_wire *wire, struct t_frame *ret_frame)
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

void t_raw_data(struct t_raw *raw, uint32_t stream_id, const struct t_raw *data, size_t frame_bytes,
                bool is_last)
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
    t_raw_data(output, stream_id, &server->answer, server->frame_bytes, false);
    (void)pthread_mutex_unlock(&server->mutex);
    t_raw_headers(output, T_END_STREAM, stream_id, TRAILERS);
}

static void serve_connection(struct t_hostile_server *server, int fd)
{
    struct t_wire wire = {.fd = fd};
    struct t_raw output = {0};
    struct t_frame frame;
    t_raw_frame(&output, T_SETTINGS, 0, 0, NULL, 0);
    t_raw_u32_frame(&output, T_WINDOW_UPDATE, 0, 0, CREDIT_BYTES);
    if (wire_fill(&wire, PREFACE_BYTES)) {
        wire.taken_bytes = PREFACE_BYTES;
        while (t_wire_send(&wire, &output) && t_wire_next(&wire, &frame)) {
            t_raw_clear(&output);
            answer_frame(&frame, &output);
            if (frame.type == T_HEADERS) {
                answer_call(server, frame.stream_id, &output);
            }
        }
    }
    t_raw_done(&output);
    t_wire_done(&wire);
}

static void *serve(void *user_data)
{
    struct t_hostile_server *server = user_data;
    for (;;) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0) {
            return NULL;
        }
        serve_connection(server, fd);
    }
}

void t_hostile_server_start(struct t_hostile_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len_bytes = sizeof address;
    memset(server, 0, sizeof *server);
    (void)pthread_mutex_init(&server->mutex, NULL);
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(server->listener >= 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server->listener, 8), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &len_bytes), 0);
    (void)snprintf(server->location, sizeof server->location, "grpc://127.0.0.1:%d",
                   (int)ntohs(address.sin_port));
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

void t_hostile_server_stop(struct t_hostile_server *server)
{
    (void)shutdown(server->listener, SHUT_RDWR);
    (void)pthread_join(server->thread, NULL);
    (void)close(server->listener);
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
    t_wire_done(&client->wire);
}

static void client_connect(struct t_hostile_client *client, struct t_raw *output)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)client->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int one = 1;
    t_wire_done(&client->wire);
    client->wire.fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(client->wire.fd >= 0);
    assert_int_equal(connect(client->wire.fd, (struct sockaddr *)&address, sizeof address), 0);
    (void)setsockopt(client->wire.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    client->next_stream_id = 1;
    t_raw_client_start(output);
    t_raw_u32_frame(output, T_WINDOW_UPDATE, 0, 0, CREDIT_BYTES);
}

static bool run_call(struct t_hostile_client *client, struct t_raw *output, uint32_t stream_id)
{
    struct t_frame frame;
    while (t_wire_send(&client->wire, output) && t_wire_next(&client->wire, &frame)) {
        t_raw_clear(output);
        answer_frame(&frame, output);
        bool is_end = frame.type == T_RST_STREAM ||
                      (frame.type == T_HEADERS && (frame.flags & T_END_STREAM) != 0);
        if (frame.stream_id == stream_id && is_end) {
            return t_wire_send(&client->wire, output);
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
    t_raw_data(&output, stream_id, request, frame_bytes, true);
    assert_true(run_call(client, &output, stream_id));
    t_raw_done(&output);
}

/* ---- meter ---- */

static void *meter_allocate(void *user_data, size_t size_bytes, size_t alignment_bytes)
{
    struct t_meter *meter = user_data;
    void *memory = NULL;
    if (posix_memalign(&memory, alignment_bytes < sizeof(void *) ? sizeof(void *) : alignment_bytes,
                       size_bytes) != 0) {
        return NULL;
    }
    size_t live_bytes = atomic_fetch_add(&meter->live_bytes, size_bytes) + size_bytes;
    size_t peak_bytes = atomic_load(&meter->peak_bytes);
    while (live_bytes > peak_bytes &&
           !atomic_compare_exchange_weak(&meter->peak_bytes, &peak_bytes, live_bytes)) {
    }
    return memory;
}

static void meter_release(void *user_data, void *memory, size_t size_bytes)
{
    struct t_meter *meter = user_data;
    (void)atomic_fetch_sub(&meter->live_bytes, size_bytes);
    free(memory);
}

static void *meter_reallocate(void *user_data, void *memory, size_t old_size_bytes,
                              size_t new_size_bytes)
{
    void *grown = meter_allocate(user_data, new_size_bytes, sizeof(max_align_t));
    if (grown != NULL) {
        memcpy(grown, memory, old_size_bytes < new_size_bytes ? old_size_bytes : new_size_bytes);
        meter_release(user_data, memory, old_size_bytes);
    }
    return grown;
}

void t_meter_init(struct t_meter *meter)
{
    memset(&meter->allocator, 0, sizeof meter->allocator);
    atomic_init(&meter->live_bytes, 0);
    atomic_init(&meter->peak_bytes, 0);
    meter->allocator.user_data = meter;
    meter->allocator.allocate = meter_allocate;
    meter->allocator.reallocate = meter_reallocate;
    meter->allocator.release = meter_release;
}

size_t t_meter_restart(struct t_meter *meter)
{
    size_t live_bytes = atomic_load(&meter->live_bytes);
    atomic_store(&meter->peak_bytes, live_bytes);
    return live_bytes;
}
