/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_METRICS_HTTP_REQUEST_H
#define CFL_FLIGHT_METRICS_HTTP_REQUEST_H

#include <stdbool.h>

#include "cflight/bytes.h"

/* What a client of the metrics port asks for. Bytes in, an answer's number out; no I/O. Thread
 * class: free. */

enum { CFL_HTTP_REQUEST_BYTES_MAX = 8 << 10 /* request line and headers */ };

struct cfl_http_request {
    int status;      /* of the answer; 0: more is to come */
    bool is_head;    /* the answer has no body */
    bool wants_open; /* OpenMetrics */
};

/* Looks at what has come so far, from the first byte on. */
struct cfl_http_request cfl_http_request_read(struct cflight_bytes input);

#endif /* CFL_FLIGHT_METRICS_HTTP_REQUEST_H */
