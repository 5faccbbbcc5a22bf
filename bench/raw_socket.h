/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_BENCH_RAW_SOCKET_H
#define CFLIGHT_BENCH_RAW_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

/* The same bytes over a bare loopback socket, in pieces of the same size: the limit that the
 * transport sets. */

/* Listens on loopback and prints the port. Returns the socket, or -1 with a message on standard
 * error. */
int raw_listen(void);
/* Listens, and for each connection sends what its first 16 bytes (two
 * native uint64: total and piece) ask for; for a total of 0 it sends back every 8 bytes that come.
 * Does not return. */
int raw_serve(void);
/* The same with the bytes of a file, at most as many as it has: from a map of it with send(2), or
 * with sendfile(2). */
int raw_serve_file(const char *path, bool is_sendfile);
/* Receives `total_bytes` in buffers of `piece_bytes`. Returns 0, or 1 with a message on standard
 * error. */
int raw_get(uint16_t port, uint64_t total_bytes, uint64_t piece_bytes);
/* Sends 8 bytes and waits for them to come back, `count` times. */
int raw_ping(uint16_t port, uint64_t count);

#endif /* CFLIGHT_BENCH_RAW_SOCKET_H */
