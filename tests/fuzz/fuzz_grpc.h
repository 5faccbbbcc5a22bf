/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_FUZZ_GRPC_H
#define CFLIGHT_TESTS_FUZZ_GRPC_H

#include "grpc/conn.h"
#include "require.h"

/* A connection without a socket, and a peer that says anything. */

enum { T_FUZZ_SINK_BYTES = 4096 };
/* Where output goes: copied, so that a sanitizer sees memory that is gone. */
extern uint8_t t_fuzz_sink[T_FUZZ_SINK_BYTES];

/* With limits that are soon met, and a clock that starts anew and moves whenever it is looked at.
 */
struct cfl_grpc_conn *t_fuzz_conn_new(enum cfl_grpc_role role,
                                      const struct cfl_grpc_conn_handlers *handlers);
/* Feeds a connection, and frees it. The first byte chooses how the others are cut, and whether the
 * connection breaks at the end; the second how much output is taken in between. */
void t_fuzz_conn_run(struct cfl_grpc_conn *conn, const uint8_t *data, size_t len_bytes);

#endif /* CFLIGHT_TESTS_FUZZ_GRPC_H */
