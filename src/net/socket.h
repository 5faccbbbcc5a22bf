/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_NET_SOCKET_H
#define CFL_NET_SOCKET_H

#include "net/address.h"
#include "net/tls.h"
#include "net/transport.h"

/* How dial and listen make transports. */

/* A stream socket, non-blocking and closed on exec; -1 with errno set. */
int cfl_socket_new(int family);
/* Small messages leave at once (TCP_NODELAY), and a peer whose machine is gone is noticed after two
 * minutes of silence (SO_KEEPALIVE; the system's own default is two hours). Does nothing to Unix
 * sockets. */
void cfl_socket_tune(int fd, int family);

/* `fd` is a connected, non-blocking socket and is taken; `peer` is copied. */
cflight_status cfl_transport_new(const struct cflight_allocator *alloc, int fd,
                                 const struct cfl_address *peer,
                                 struct cfl_transport **ret_transport, cflight_error **reterr);
/* Puts the transport under TLS before anything was read or written. `name` is what the certificate
 * must be for. */
cflight_status cfl_transport_start_tls_client(struct cfl_transport *transport,
                                              struct cfl_tls_client *tls, const char *name,
                                              cflight_error **reterr);
cflight_status cfl_transport_start_tls_server(struct cfl_transport *transport,
                                              struct cfl_tls_server *tls, cflight_error **reterr);

#endif /* CFL_NET_SOCKET_H */
