/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_NET_LISTEN_H
#define CFL_NET_LISTEN_H

#include "net/tls.h"
#include "net/transport.h"

/* Listening sockets. A busy port is an error (no SO_REUSEPORT; SO_REUSEADDR as usual). A host name
 * that resolves to several addresses is listened on all of them with one port ("localhost": IPv4
 * and IPv6), port 0 picks one port for all. A Unix socket file is made with the process's umask; a
 * stale one that nobody listens on is replaced, a live one is ALREADY_EXISTS, and it is removed
 * again on free. A listener may also use a socket that the process was given. Thread class: one at
 * a time; accept may run on any thread. */

struct cfl_listener;
struct cfl_address;

struct cfl_listen_target {
    const char *host; /* NULL for Unix sockets; "" or "0.0.0.0" or "::" for all addresses */
    uint16_t port;
    const char *unix_path; /* '@' first: abstract namespace */
    int backlog;           /* 0: the system's maximum */
};

enum { CFL_LISTENER_FDS_MAX = 8 };

cflight_status cfl_listen(const struct cflight_allocator *alloc,
                          const struct cfl_listen_target *target,
                          struct cfl_listener **ret_listener, cflight_error **reterr);
/* Refuses connections from now on, those that wait to be accepted included. The descriptors stay
 * valid, so that a thread may be inside accept; it fails. */
void cfl_listener_stop(struct cfl_listener *listener);
void cfl_listener_free(struct cfl_listener *listener);
/* Listens by a descriptor of another owner, who goes on with the socket: a copy is used, stopping
 * refuses nobody, and no file is removed. INVALID_ARGUMENT when it is no listening stream socket of
 * IPv4, IPv6 or Unix. */
cflight_status cfl_listener_adopt(const struct cflight_allocator *alloc, int fd,
                                  struct cfl_listener **ret_listener, cflight_error **reterr);
/* Where it listens, by its first descriptor. */
void cfl_listener_address(const struct cfl_listener *listener, struct cfl_address *ret_address);
size_t cfl_listener_fds(const struct cfl_listener *listener, int ret_fds[CFL_LISTENER_FDS_MAX]);
/* The bound port; 0 for Unix sockets. */
uint16_t cfl_listener_port(const struct cfl_listener *listener);
/* Takes one connection from `fd`; `*ret_transport` NULL when none waits. `tls` NULL for plain. The
 * handshake is not done yet: cfl_transport_handshake. RESOURCE_EXHAUSTED when the process is out of
 * descriptors (the connection waits). */
cflight_status cfl_listener_accept(struct cfl_listener *listener, int fd,
                                   struct cfl_tls_server *tls, struct cfl_transport **ret_transport,
                                   cflight_error **reterr);

#endif /* CFL_NET_LISTEN_H */
