/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_PUMP_H
#define CFLIGHT_TESTS_PUMP_H

#include "grpc/conn.h"
#include "h2/session.h"
#include "test.h"

/* Moves bytes between two ends that do no I/O themselves, in pieces of any size, in memory. */

struct t_end {
    void *object;
    void (*input)(void *object, struct iovec target[2], int *ret_count);
    cflight_status (*received)(void *object, size_t len_bytes, cflight_error **reterr);
    cflight_status (*output)(void *object, struct iovec *ret_views, int max_count, int *ret_count,
                             cflight_error **reterr);
    void (*sent)(void *object, size_t len_bytes);
    cflight_status status; /* the first failure of the end, and its text */
    char text[256];
};

struct t_end t_end_h2(struct cfl_h2_session *session);
struct t_end t_end_grpc(struct cfl_grpc_conn *conn);

/* Gives bytes to an end, `chunk_bytes` at a time, wherever it wants them. */
void t_feed(struct t_end *end, const void *data, size_t len_bytes, size_t chunk_bytes);
/* Takes at most `max_bytes` of an end's output; returns how many were stored. */
size_t t_drain(struct t_end *end, uint8_t *target, size_t max_bytes);
/* One step from one end to the other; returns the bytes moved. */
size_t t_step(struct t_end *from, struct t_end *to, size_t chunk_bytes);
/* Both ways until neither has anything to say. */
void t_pump(struct t_end *a, struct t_end *b, size_t chunk_bytes);

#endif /* CFLIGHT_TESTS_PUMP_H */
