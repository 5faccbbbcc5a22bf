/* SPDX-License-Identifier: Apache-2.0 */
/* Scripted peers on sockets. Every wait has a limit, so that a test that waits for what never comes
 * fails instead of hanging. */
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PATIENCE_S = 120, STEP_BYTES = 64 << 10, FRAME_HEADER_BYTES = 9, PREFACE_BYTES = 24 };

static void set_patience(int fd)
{
    struct timeval limit = {.tv_sec = PATIENCE_S};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

static void *peer_main(void *user_data)
{
    struct t_peer *peer = user_data;
    for (;;) {
        int fd = accept(peer->listen_fd, NULL, NULL);
        if (fd < 0 && errno == EINTR) {
            continue;
        }
        if (fd < 0) {
            return NULL; /* t_peer_stop shut the listener down */
        }
        set_patience(fd);
        peer->serve(peer->user_data, fd);
        (void)close(fd);
    }
}

void t_peer_start(struct t_peer *peer, void (*serve)(void *user_data, int fd), void *user_data)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_bytes = sizeof address;
    peer->serve = serve;
    peer->user_data = user_data;
    peer->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(peer->listen_fd >= 0);
    assert_int_equal(bind(peer->listen_fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(peer->listen_fd, 16), 0);
    assert_int_equal(getsockname(peer->listen_fd, (struct sockaddr *)&address, &address_bytes), 0);
    (void)snprintf(peer->location, sizeof peer->location, "grpc://127.0.0.1:%u",
                   (unsigned int)ntohs(address.sin_port));
    assert_int_equal(pthread_create(&peer->thread, NULL, peer_main, peer), 0);
}

void t_peer_stop(struct t_peer *peer)
{
    (void)shutdown(peer->listen_fd, SHUT_RDWR);
    (void)pthread_join(peer->thread, NULL);
    (void)close(peer->listen_fd);
}

void t_peer_say_nothing(void *user_data, int fd)
{
    struct t_raw input = {0};
    (void)user_data;
    t_socket_read_to_end(fd, &input);
    t_raw_done(&input);
}

int t_socket_connect(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    set_patience(fd);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

bool t_socket_send(int fd, const struct t_raw *raw)
{
    size_t offset = 0;
    while (offset < raw->len_bytes) {
        ssize_t len_bytes = send(fd, raw->data + offset, raw->len_bytes - offset, MSG_NOSIGNAL);
        if (len_bytes < 0 && errno != EINTR) {
            return false;
        }
        offset += len_bytes > 0 ? (size_t)len_bytes : 0;
    }
    return true;
}

bool t_socket_read(int fd, struct t_raw *raw)
{
    uint8_t step[STEP_BYTES];
    ssize_t len_bytes = 0;
    do {
        len_bytes = recv(fd, step, sizeof step, 0);
    } while (len_bytes < 0 && errno == EINTR);
    if (len_bytes <= 0) {
        return false;
    }
    t_raw_append(raw, step, (size_t)len_bytes);
    return true;
}

void t_socket_read_to_end(int fd, struct t_raw *raw)
{
    while (t_socket_read(fd, raw)) {
    }
}

/* Whether the HEADERS of the stream are there, whole. */
static bool has_request(const struct t_raw *raw, uint32_t stream_id)
{
    size_t offset = PREFACE_BYTES;
    while (raw->len_bytes >= offset + FRAME_HEADER_BYTES) {
        const uint8_t *header = raw->data + offset;
        size_t len_bytes = (size_t)header[0] << 16 | (size_t)header[1] << 8 | header[2];
        offset += FRAME_HEADER_BYTES + len_bytes;
        if (offset <= raw->len_bytes && header[3] == T_HEADERS &&
            t_raw_u32(header + 5) == stream_id) {
            return true;
        }
    }
    return false;
}

bool t_socket_read_request(int fd, uint32_t stream_id, struct t_raw *raw)
{
    while (!has_request(raw, stream_id)) {
        if (!t_socket_read(fd, raw)) {
            return false;
        }
    }
    return true;
}
