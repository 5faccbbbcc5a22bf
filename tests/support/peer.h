/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_PEER_H
#define CFLIGHT_TESTS_PEER_H

#include <pthread.h>

#include "raw.h"

/* Peers on real sockets that say what no library would: a server that follows a script, and the
 * plain socket of a client. */

/* A server on loopback. Each connection is given to `serve` on the one thread of the peer, in turn;
 * the socket blocks, with a limit far beyond what a test takes, and is closed after `serve`. */
struct t_peer {
    int listen_fd;
    char location[64];
    void (*serve)(void *user_data, int fd);
    void *user_data;
    pthread_t thread;
};

void t_peer_start(struct t_peer *peer, void (*serve)(void *user_data, int fd), void *user_data);
void t_peer_stop(struct t_peer *peer);
/* Serves by reading to the end of the stream. */
void t_peer_say_nothing(void *user_data, int fd);

/* Connects to a port of 127.0.0.1. */
int t_socket_connect(int port);
/* Sends everything; false when the other end is gone. */
bool t_socket_send(int fd, const struct t_raw *raw);
/* Appends what one read brings; false at the end of the stream, or when the other end is gone. */
bool t_socket_read(int fd, struct t_raw *raw);
/* At a server: reads the preface of the client and its frames until the HEADERS of stream
 * `stream_id` are there; false when they never come. */
bool t_socket_read_request(int fd, uint32_t stream_id, struct t_raw *raw);
/* Reads to the end of the stream. */
void t_socket_read_to_end(int fd, struct t_raw *raw);

#endif /* CFLIGHT_TESTS_PEER_H */
