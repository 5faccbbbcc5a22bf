/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_HOSTILE_PEER_H
#define CFLIGHT_TESTS_HOSTILE_PEER_H

#include <pthread.h>
#include <stdatomic.h>

#include "cflight/alloc.h"
#include "raw.h"

/* Peers over real sockets that send any bytes as gRPC messages, and an allocator that knows how
 * much it gave at most. */

/* Frames of a blocking socket. */
struct t_wire {
    int fd;
    struct t_raw input;
    size_t taken_bytes;
};
void t_wire_done(struct t_wire *wire);
/* False when the peer is gone. */
bool t_wire_send(struct t_wire *wire, const struct t_raw *raw);
/* The next frame; its payload is valid until the next call. False when the peer is gone. */
bool t_wire_next(struct t_wire *wire, struct t_frame *ret_frame);

/* Appends `data` as DATA frames of at most `frame_bytes` bytes. */
void t_raw_data(struct t_raw *raw, uint32_t stream_id, const struct t_raw *data, size_t frame_bytes,
                bool is_last);

/* A server that answers every call with the same bytes. */
struct t_hostile_server {
    int listener;
    char location[64];
    pthread_t thread;
    pthread_mutex_t mutex;
    struct t_raw answer; /* gRPC messages, or something like it */
    size_t frame_bytes;
};
void t_hostile_server_start(struct t_hostile_server *server);
void t_hostile_server_stop(struct t_hostile_server *server);
void t_hostile_server_set(struct t_hostile_server *server, const struct t_raw *answer,
                          size_t frame_bytes);

/* A client that connects anew whenever it has to. */
struct t_hostile_client {
    int port;
    struct t_wire wire;
    uint32_t next_stream_id;
};
void t_hostile_client_init(struct t_hostile_client *client, int port);
void t_hostile_client_done(struct t_hostile_client *client);
/* Sends one DoPut whose messages are `request`, and waits until the server has ended it. */
void t_hostile_client_put(struct t_hostile_client *client, const struct t_raw *request,
                          size_t frame_bytes);

/* Counts the bytes that are live and that were at most. Free of threads' concern. */
struct t_meter {
    struct cflight_allocator allocator;
    atomic_size_t live_bytes;
    atomic_size_t peak_bytes;
};
void t_meter_init(struct t_meter *meter);
/* Begins to look for a peak from what is live now, which is returned. */
size_t t_meter_restart(struct t_meter *meter);

#endif /* CFLIGHT_TESTS_HOSTILE_PEER_H */
