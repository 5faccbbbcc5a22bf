/* SPDX-License-Identifier: Apache-2.0 */
/* Bare sockets for comparison: blocking reads and writes, nothing else. */
#include "raw_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *what)
{
    perror(what);
    return 1;
}

static int send_all(int fd, const uint8_t *data, uint64_t len_bytes)
{
    while (len_bytes > 0) {
        ssize_t sent_bytes = send(fd, data, len_bytes, MSG_NOSIGNAL);
        if (sent_bytes <= 0) {
            return 1;
        }
        data += sent_bytes;
        len_bytes -= (uint64_t)sent_bytes;
    }
    return 0;
}

static int receive_all(int fd, uint8_t *target, uint64_t len_bytes)
{
    while (len_bytes > 0) {
        ssize_t received_bytes = recv(fd, target, len_bytes, 0);
        if (received_bytes <= 0) {
            return 1;
        }
        target += received_bytes;
        len_bytes -= (uint64_t)received_bytes;
    }
    return 0;
}

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

enum { PING_BYTES = 8 };

static void no_delay(int fd)
{
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void serve_pings(int fd)
{
    uint8_t ping[PING_BYTES];
    no_delay(fd);
    while (receive_all(fd, ping, sizeof ping) == 0 && send_all(fd, ping, sizeof ping) == 0) {
    }
}

/* What is sent: a piece of zeros again and again, or a file. */
struct source {
    const char *path; /* NULL for the piece */
    bool is_sendfile;
};

static int send_range(int fd, int file, off_t offset, uint64_t len_bytes)
{
    while (len_bytes > 0) {
        ssize_t sent_bytes = sendfile(fd, file, &offset, len_bytes);
        if (sent_bytes <= 0) {
            return 1;
        }
        len_bytes -= (uint64_t)sent_bytes;
    }
    return 0;
}

/* Opened and mapped for each connection, as a server of files does. */
static void serve_file(int fd, const struct source *source, uint64_t total_bytes,
                       uint64_t piece_bytes)
{
    struct stat info = {0};
    int file = open(source->path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &info) != 0 || (uint64_t)info.st_size < total_bytes) {
        (void)fail(source->path);
        return;
    }
    const uint8_t *map = mmap(NULL, total_bytes, PROT_READ, MAP_PRIVATE, file, 0);
    int result = map == MAP_FAILED ? fail("mmap") : 0;
    for (uint64_t offset = 0; result == 0 && offset < total_bytes; offset += piece_bytes) {
        uint64_t left_bytes = total_bytes - offset;
        uint64_t step_bytes = left_bytes < piece_bytes ? left_bytes : piece_bytes;
        result = source->is_sendfile ? send_range(fd, file, (off_t)offset, step_bytes)
                                     : send_all(fd, map + offset, step_bytes);
    }
    if (map != MAP_FAILED) {
        (void)munmap((void *)(uintptr_t)map, total_bytes);
    }
    (void)close(file);
}

static void serve_one(int fd, const struct source *source)
{
    uint64_t request[2] = {0, 0};
    if (receive_all(fd, (uint8_t *)request, sizeof request) != 0) {
        return;
    }
    if (request[0] == 0) {
        serve_pings(fd);
        return;
    }
    if (source->path != NULL) {
        serve_file(fd, source, request[0], request[1]);
        return;
    }
    uint8_t *piece = calloc(1, request[1]);
    while (piece != NULL && request[0] > 0) {
        uint64_t step_bytes = request[0] < request[1] ? request[0] : request[1];
        if (send_all(fd, piece, step_bytes) != 0) {
            break;
        }
        request[0] -= step_bytes;
    }
    free(piece);
}

int raw_listen(void)
{
    struct sockaddr_in address = loopback(0);
    socklen_t address_bytes = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 8) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &address_bytes) != 0) {
        (void)fail("listen");
        return -1;
    }
    (void)printf("%d\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    return listener;
}

static int serve(const struct source *source)
{
    int listener = raw_listen();
    if (listener < 0) {
        return 1;
    }
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) {
            return fail("accept");
        }
        serve_one(fd, source);
        (void)close(fd);
    }
}

int raw_serve(void)
{
    const struct source source = {0};
    return serve(&source);
}

int raw_serve_file(const char *path, bool is_sendfile)
{
    const struct source source = {path, is_sendfile};
    return serve(&source);
}

int raw_get(uint16_t port, uint64_t total_bytes, uint64_t piece_bytes)
{
    struct sockaddr_in address = loopback(port);
    uint64_t request[2] = {total_bytes, piece_bytes};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    uint8_t *piece = malloc(piece_bytes);
    int result = 0;
    if (fd < 0 || piece == NULL || connect(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        send_all(fd, (const uint8_t *)request, sizeof request) != 0) {
        result = fail("connect");
    }
    while (result == 0 && total_bytes > 0) {
        uint64_t step_bytes = total_bytes < piece_bytes ? total_bytes : piece_bytes;
        if (receive_all(fd, piece, step_bytes) != 0) {
            result = fail("recv");
        }
        total_bytes -= step_bytes;
    }
    free(piece);
    if (fd >= 0) {
        (void)close(fd);
    }
    return result;
}

int raw_ping(uint16_t port, uint64_t count)
{
    struct sockaddr_in address = loopback(port);
    uint64_t request[2] = {0, 0};
    uint8_t ping[PING_BYTES] = {0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = 0;
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        send_all(fd, (const uint8_t *)request, sizeof request) != 0) {
        result = fail("connect");
    } else {
        no_delay(fd);
    }
    for (; result == 0 && count > 0; count--) {
        if (send_all(fd, ping, sizeof ping) != 0 || receive_all(fd, ping, sizeof ping) != 0) {
            result = fail("ping");
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return result;
}
