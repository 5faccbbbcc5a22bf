/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_NET_SUPPORT_H
#define CFLIGHT_TESTS_NET_SUPPORT_H

#include "crowd.h"
#include "net/dial.h"
#include "net/listen.h"
#include "net/poller.h"
#include "net/transport.h"
#include "test.h"

/* What the tests of the net layer share: listeners and connected pairs on loopback. Everything
 * fails the test on error. */

enum { T_PATIENCE_MS = 20000 };

/* A deadline far enough that only a hang reaches it. */
int64_t t_deadline(void);
/* Waits for `wanted` on a descriptor; fails the test when nothing comes. */
void t_wait(int fd, unsigned int wanted);
bool t_has_ipv6(void);
/* A port of 127.0.0.1 and ::1 on which nobody listens. */
uint16_t t_free_port(void);
/* Fails unless the text of `error` contains `part`; frees the error. */
void t_expect_error(cflight_error *error, const char *part);

struct cfl_listener *t_listen(const char *host, uint16_t port);
struct cfl_listener *t_listen_unix(const char *path);
/* The first waiting connection of any address of the listener; waits for it. */
struct cfl_transport *t_accept(struct cfl_listener *listener, struct cfl_tls_server *tls);

/* Both ends of a plain connection to 127.0.0.1. */
struct t_net_pair {
    struct cfl_transport *client;
    struct cfl_transport *server;
};
struct t_net_pair t_net_pair_new(void);
void t_net_pair_done(struct t_net_pair *pair);

/* Write everything, read exactly so much; both wait as told. */
void t_write_all(struct cfl_transport *transport, const void *data, size_t len_bytes);
void t_read_all(struct cfl_transport *transport, void *target, size_t len_bytes);

/* Byte `offset` of a stream that repeats nowhere soon. */
uint8_t t_byte_at(size_t offset);
/* The main function of a thread that sets a waker. */
void *t_set_waker(void *waker);

/* A fresh directory under the system's temporary one. */
struct t_dir {
    char path[64];
};
struct t_dir t_dir_new(void);
void t_dir_done(struct t_dir *dir);

/* A TCP socket of 127.0.0.1 or ::1 that accepts nobody and whose queue is full, so that connecting
 * to it gets no answer. `port` 0 picks one. */
struct t_black_hole {
    int listen_fd;
    struct t_crowd crowd;
    uint16_t port;
};
void t_black_hole_init(struct t_black_hole *hole, int family, uint16_t port);
void t_black_hole_done(struct t_black_hole *hole);

#endif /* CFLIGHT_TESTS_NET_SUPPORT_H */
