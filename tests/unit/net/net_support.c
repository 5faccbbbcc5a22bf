/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the net layer share. */
#define _GNU_SOURCE
#include "net_support.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int64_t t_deadline(void)
{
    return cfl_deadline_after_ms(cfl_clock_now_ns(NULL), T_PATIENCE_MS);
}

void t_wait(int fd, unsigned int wanted)
{
    if (cfl_wait_fd(fd, wanted, NULL, T_PATIENCE_MS * CFL_NS_PER_MS) == CFL_READY_NONE) {
        fail_msg("nothing happened on descriptor %d", fd);
    }
}

static struct sockaddr_storage loopback(int family, uint16_t port, socklen_t *ret_len_bytes)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_loopback};
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (family == AF_INET) {
        memcpy(&storage, &in, sizeof in);
        *ret_len_bytes = sizeof in;
    } else {
        memcpy(&storage, &in6, sizeof in6);
        *ret_len_bytes = sizeof in6;
    }
    return storage;
}

bool t_has_ipv6(void)
{
    socklen_t len_bytes = 0;
    struct sockaddr_storage address = loopback(AF_INET6, 0, &len_bytes);
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_there = fd >= 0 && bind(fd, (struct sockaddr *)&address, len_bytes) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_there;
}

uint16_t t_free_port(void)
{
    struct cfl_listener *listener = t_listen("localhost", 0);
    uint16_t port = cfl_listener_port(listener);
    cfl_listener_free(listener);
    return port;
}

void t_expect_error(cflight_error *error, const char *part)
{
    char message[2048];
    (void)snprintf(message, sizeof message, "%s", cflight_error_message(error));
    cflight_error_free(error);
    if (strstr(message, part) == NULL) {
        fail_msg("the error is \"%s\", which lacks \"%s\"", message, part);
    }
}

static struct cfl_listener *listen_target(const struct cfl_listen_target *target)
{
    cflight_error *error = NULL;
    struct cfl_listener *listener = NULL;
    CHECK_OK(cfl_listen(NULL, target, &listener, &error), error);
    return listener;
}

struct cfl_listener *t_listen(const char *host, uint16_t port)
{
    struct cfl_listen_target target = {.host = host, .port = port};
    return listen_target(&target);
}

struct cfl_listener *t_listen_unix(const char *path)
{
    struct cfl_listen_target target = {.unix_path = path};
    return listen_target(&target);
}

struct cfl_transport *t_accept(struct cfl_listener *listener, struct cfl_tls_server *tls)
{
    struct pollfd polled[CFL_LISTENER_FDS_MAX];
    int fds[CFL_LISTENER_FDS_MAX];
    size_t count = cfl_listener_fds(listener, fds);
    for (size_t i = 0; i < count; i++) {
        polled[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    }
    if (poll(polled, (nfds_t)count, T_PATIENCE_MS) <= 0) {
        fail_msg("no connection came");
    }
    struct cfl_transport *transport = NULL;
    for (size_t i = 0; i < count && transport == NULL; i++) {
        cflight_error *error = NULL;
        CHECK_OK(cfl_listener_accept(listener, fds[i], tls, &transport, &error), error);
    }
    assert_non_null(transport);
    return transport;
}

struct t_net_pair t_net_pair_new(void)
{
    struct t_net_pair pair = {NULL, NULL};
    cflight_error *error = NULL;
    struct cfl_listener *listener = t_listen("127.0.0.1", 0);
    struct cfl_dial_target target = {.host = "127.0.0.1", .port = cfl_listener_port(listener)};
    CHECK_OK(cfl_dial(NULL, &target, t_deadline(), NULL, -1, &pair.client, &error), error);
    pair.server = t_accept(listener, NULL);
    cfl_listener_free(listener);
    return pair;
}

void t_net_pair_done(struct t_net_pair *pair)
{
    cfl_transport_free(pair->client);
    cfl_transport_free(pair->server);
}

void t_write_all(struct cfl_transport *transport, const void *data, size_t len_bytes)
{
    struct iovec view = {(void *)(uintptr_t)data, len_bytes};
    while (view.iov_len > 0) {
        cflight_error *error = NULL;
        size_t written_bytes = 0;
        unsigned int wait = CFL_READY_NONE;
        CHECK_OK(cfl_transport_write(transport, &view, 1, &written_bytes, &wait, &error), error);
        view.iov_base = (uint8_t *)view.iov_base + written_bytes;
        view.iov_len -= written_bytes;
        if (wait != CFL_READY_NONE) {
            t_wait(cfl_transport_fd(transport), wait);
        }
    }
}

void t_read_all(struct cfl_transport *transport, void *target, size_t len_bytes)
{
    struct iovec view = {target, len_bytes};
    while (view.iov_len > 0) {
        cflight_error *error = NULL;
        size_t read_bytes = 0;
        bool is_eof = false;
        unsigned int wait = CFL_READY_NONE;
        CHECK_OK(cfl_transport_read(transport, &view, 1, &read_bytes, &is_eof, &wait, &error),
                 error);
        assert_false(is_eof);
        view.iov_base = (uint8_t *)view.iov_base + read_bytes;
        view.iov_len -= read_bytes;
        if (wait != CFL_READY_NONE) {
            t_wait(cfl_transport_fd(transport), wait);
        }
    }
}

struct t_dir t_dir_new(void)
{
    struct t_dir dir = {"/tmp/cflight_net_XXXXXX"};
    if (mkdtemp(dir.path) == NULL) {
        fail_msg("cannot make a temporary directory");
    }
    return dir;
}

void t_dir_done(struct t_dir *dir)
{
    if (rmdir(dir->path) != 0) {
        fail_msg("%s is not empty", dir->path);
    }
}

void t_black_hole_init(struct t_black_hole *hole, int family, uint16_t port)
{
    int on = 1;
    socklen_t len_bytes = 0;
    struct sockaddr_storage address = loopback(family, port, &len_bytes);
    memset(hole, 0, sizeof *hole);
    hole->listen_fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(hole->listen_fd >= 0);
    assert_int_equal(setsockopt(hole->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(hole->listen_fd, (struct sockaddr *)&address, len_bytes), 0);
    assert_int_equal(listen(hole->listen_fd, 0), 0);
    assert_int_equal(getsockname(hole->listen_fd, (struct sockaddr *)&address, &len_bytes), 0);
    struct sockaddr_in in;
    memcpy(&in, &address, sizeof in); /* the port is at the same place in both families */
    hole->port = ntohs(in.sin_port);
    t_crowd_init(&hole->crowd, hole->listen_fd);
}

void t_black_hole_done(struct t_black_hole *hole)
{
    t_crowd_done(&hole->crowd);
    (void)close(hole->listen_fd);
}

uint8_t t_byte_at(size_t offset)
{
    return (uint8_t)(offset * 2654435761U >> 16);
}

void *t_set_waker(void *waker)
{
    cfl_waker_set(waker);
    return NULL;
}
