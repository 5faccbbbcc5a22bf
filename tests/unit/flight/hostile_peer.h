/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_HOSTILE_PEER_H
#define CFLIGHT_TESTS_HOSTILE_PEER_H

#include "peer.h"

/* Peers over real sockets that send any bytes as gRPC messages. */

/* Frames of a blocking socket, -1 for none. */
struct t_wire {
    int fd;
    struct t_raw input;
    size_t taken_bytes;
};

/* A server that answers every call with the same bytes. */
struct t_hostile_server {
    struct t_peer peer;
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

#endif /* CFLIGHT_TESTS_HOSTILE_PEER_H */
