/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_LINGER_H
#define CFL_FLIGHT_CALL_LINGER_H

#include "net/transport.h"

/* How a server's transport is closed so that what was written still reaches the peer. Embedded in
 * its connection; zeroed, nothing lingers. Thread class: one at a time. */
struct cfl_linger {
    bool is_on;
    int left_bytes;   /* that the peer had not taken when last seen to take some */
    int64_t until_ns; /* moves on while the peer takes some, */
    int64_t end_ns;   /* up to here */
    int64_t check_ns;
    int64_t pause_ms;
};

/* Begins: closes the sending direction. A connection that ends in good order delivers all of it to
 * a peer that goes on taking; one that failed, or whose server must stop, is not waited for that
 * long. */
void cfl_linger_start(struct cfl_linger *linger, struct cfl_transport *transport, bool is_orderly);
/* Brings the end nearer when it is not orderly any more. */
void cfl_linger_limit(struct cfl_linger *linger, bool is_orderly);
/* Goes on. `is_on` is false afterwards when nothing that was written can be lost, or the limit
 * passed: then the transport may be shut down. */
void cfl_linger_step(struct cfl_linger *linger, struct cfl_transport *transport);
/* When the next step is due, the transport being silent. */
int64_t cfl_linger_deadline_ns(const struct cfl_linger *linger);

#endif /* CFL_FLIGHT_CALL_LINGER_H */
