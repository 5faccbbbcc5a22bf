/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_NET_TLS_CONN_H
#define CFL_NET_TLS_CONN_H

#include "net/peer.h"
#include "net/ready.h"
#include "net/tls.h"

/* One TLS connection over a non-blocking socket: what transport.c asks of net/openssl. Outcomes
 * are as in net/transport.h: "cannot go on now" is `*ret_wait`, never a status. Thread class: one
 * at a time. */
struct cfl_tls_conn;

/* Plaintext bytes of a full record (RFC 8446 5.1). */
enum { CFL_TLS_RECORD_BYTES = 16384 };

/* Contexts are referenced and `fd` is borrowed. `name` is what the certificate must be for;
 * `peer_name` is the peer's address, for messages and for finding a session to resume. */
cflight_status cfl_tls_conn_new_client(const struct cflight_allocator *alloc,
                                       struct cfl_tls_client *tls, int fd, const char *name,
                                       const char *peer_name, struct cfl_tls_conn **ret_conn,
                                       cflight_error **reterr);
cflight_status cfl_tls_conn_new_server(const struct cflight_allocator *alloc,
                                       struct cfl_tls_server *tls, int fd, const char *peer_name,
                                       struct cfl_tls_conn **ret_conn, cflight_error **reterr);
void cfl_tls_conn_free(struct cfl_tls_conn *conn);
cflight_status cfl_tls_conn_handshake(struct cfl_tls_conn *conn, unsigned int *ret_wait,
                                      cflight_error **reterr);
/* Fills in the TLS part of `peer`; the texts belong to the connection. To be called after the
 * handshake. */
cflight_status cfl_tls_conn_describe_peer(struct cfl_tls_conn *conn, struct cfl_peer *peer,
                                          cflight_error **reterr);
/* Reads from at most one record. The end of the stream is remembered. */
cflight_status cfl_tls_conn_read(struct cfl_tls_conn *conn, void *target, size_t size_bytes,
                                 size_t *ret_len_bytes, bool *ret_is_eof, unsigned int *ret_wait,
                                 cflight_error **reterr);
/* Writes one record of 1 to CFL_TLS_RECORD_BYTES bytes. After `*ret_wait` the next call must bring
 * the same bytes, at whatever address. `has_more` promises another record at once, so that the
 * system may hold back a packet that is not full. */
cflight_status cfl_tls_conn_write(struct cfl_tls_conn *conn, const void *data, size_t len_bytes,
                                  bool has_more, size_t *ret_len_bytes, unsigned int *ret_wait,
                                  cflight_error **reterr);
bool cfl_tls_conn_has_pending(const struct cfl_tls_conn *conn);
/* Sends close_notify if that needs no waiting. */
void cfl_tls_conn_shutdown(struct cfl_tls_conn *conn);

#endif /* CFL_NET_TLS_CONN_H */
