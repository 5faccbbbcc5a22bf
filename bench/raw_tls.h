/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_BENCH_RAW_TLS_H
#define CFLIGHT_BENCH_RAW_TLS_H

#include <stdbool.h>
#include <stdint.h>

/* The same bytes through OpenSSL alone: blocking sockets, one SSL_write() for a piece, SSL_read()
 * into a buffer of a piece. TLS 1.3 with AES-128-GCM, as two ends of cflight agree on; nobody
 * verifies a certificate. */

/* Listens on loopback, prints the port, and serves one connection after another: the first 24 bytes
 * (three native uint64: total, piece, whether the client sends) say what moves. `cert` and `key`
 * are names of PEM files. Does not return unless it fails. */
int raw_tls_serve(const char *cert, const char *key);
/* Moves `total_bytes` in pieces, from the server or to it; when sending, until the server has
 * everything. The handshake is not in `*ret_elapsed_s`. Returns 0, or 1 with a message on standard
 * error. */
int raw_tls_move(uint16_t port, uint64_t total_bytes, uint64_t piece_bytes, bool is_put,
                 double *ret_elapsed_s);

#endif /* CFLIGHT_BENCH_RAW_TLS_H */
