/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_REQUEST_LOG_H
#define CFP_REQUEST_LOG_H

#include "server/server.h"

/* A server's log of requests: lines go to a file, or to a Python callable. Outlives the library's
 * server. */
struct cfp_request_log;

/* `given` is None, or a pair: a descriptor, of which a duplicate is made, or a callable of one line
 * without its end; and whether lines are JSON. 0 or -1; `*ret_log` stays NULL for None. */
int cfp_request_log_new(struct cfp_state *state, PyObject *given, struct cfp_request_log **ret_log);
/* Without the GIL; NULL is ignored. */
void cfp_request_log_free(struct cfp_request_log *log);
void cfp_request_log_fill(const struct cfp_request_log *log,
                          struct cflight_server_middleware *ret_table);
/* Goes on in another file, that of a descriptor, of which a duplicate is made; 0 or -1. */
int cfp_request_log_turn(struct cfp_request_log *log, int fd);
int cfp_request_log_traverse(const struct cfp_request_log *log, visitproc visit, void *arg);
/* Lets go of the callable. */
void cfp_request_log_clear(struct cfp_request_log *log);

#endif /* CFP_REQUEST_LOG_H */
