/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_NET_TRANSPORT_H
#define CFL_NET_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "cflight/alloc.h"
#include "cflight/error.h"
#include "net/peer.h"
#include "net/ready.h"

/* A connected byte stream: a TCP or Unix socket, plain or under TLS, non-blocking always.
 *
 * Thread class: one at a time. Only cfl_transport_fd, and the peer and TLS facts, which never
 * change after the handshake, may be read from any thread. */

struct cfl_transport;

void cfl_transport_free(struct cfl_transport *transport);
int cfl_transport_fd(const struct cfl_transport *transport);
const struct cfl_peer *cfl_transport_peer(const struct cfl_transport *transport);

/* Goes on with the TLS handshake; plain transports are done at once. `*ret_wait` CFL_READY_NONE
 * means done. ALPN "h2" is demanded. A failure says which check failed, against which name; it is
 * UNAVAILABLE. */
cflight_status cfl_transport_handshake(struct cfl_transport *transport, unsigned int *ret_wait,
                                       cflight_error **reterr);

/* Reads what is there, up to the views' size; under TLS, up to a quarter MiB, or what one look at
 * the socket brought if that was less than a full record, so that more may be there still, and
 * readiness tells. `*ret_len_bytes` 0 with `*ret_wait` set: nothing now.
 * `*ret_is_eof`: the peer closed (with TLS: properly or not). UNAVAILABLE with the system's reason
 * otherwise. */
cflight_status cfl_transport_read(struct cfl_transport *transport, const struct iovec *views,
                                  int view_count, size_t *ret_len_bytes, bool *ret_is_eof,
                                  unsigned int *ret_wait, cflight_error **reterr);
/* Writes what the socket takes now, no SIGPIPE. `*ret_wait` is set exactly when less than
 * everything was written. What of a mapped file was written must stay as it is until the peer has
 * read it (net/send_file.h). Under TLS a short write must be repeated with the same bytes first
 * (they may be elsewhere in memory), and with at least as many of them up to 16 KiB. */
cflight_status cfl_transport_write(struct cfl_transport *transport, const struct iovec *views,
                                   int view_count, size_t *ret_len_bytes, unsigned int *ret_wait,
                                   cflight_error **reterr);
/* Plain Unix sockets alone: whether the peer's user is this process's (both effective; of the peer
 * when it connected or began to listen). False for all others. */
bool cfl_transport_is_same_user(const struct cfl_transport *transport);
/* The next write carries a copy of the descriptor, which is taken; nobody is told when the system
 * does not carry it. */
void cfl_transport_attach(struct cfl_transport *transport, int fd);
/* Whether reads take a descriptor that comes with bytes; else the system drops it. One is kept
 * until it is fetched. -1: none came. */
void cfl_transport_want_fd(struct cfl_transport *transport, bool wants);
int cfl_transport_take_fd(struct cfl_transport *transport);
/* Bytes that wait inside TLS, which the descriptor's readiness does not show: to be read before
 * waiting, also right after the handshake. */
bool cfl_transport_has_pending(const struct cfl_transport *transport);
/* What has arrived and was not read; with TLS an upper bound. */
uint64_t cfl_transport_unread_bytes(const struct cfl_transport *transport);
/* Says goodbye (TLS close_notify if it can without waiting) and shuts the socket down both ways;
 * the descriptor stays open until free, so that pollers never see a reused number. */
void cfl_transport_shutdown(struct cfl_transport *transport);
/* Closes the descriptor of a transport that was shut down and that nobody polls: what else is known
 * of it stays. */
void cfl_transport_close(struct cfl_transport *transport);
/* Says goodbye and closes the sending direction alone: what was written still goes out. */
void cfl_transport_shutdown_write(struct cfl_transport *transport);
/* After that: throws away what came, without waiting. True once closing destroys nothing: the peer
 * has closed too, or its system has everything; otherwise tells how much that has not. (A socket
 * that is closed with unread input is reset instead, and what it had still to send is lost: RFC
 * 9293 3.10.4, RFC 1122 4.2.2.13.) */
bool cfl_transport_is_drained(struct cfl_transport *transport, int *ret_left_bytes);

#endif /* CFL_NET_TRANSPORT_H */
