/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_SERVER_SERVER_CONTEXT_H
#define CFL_FLIGHT_SERVER_SERVER_CONTEXT_H

#include "flight/server/server.h"

/* What a handler knows of its call; on the stack of the dispatcher. */
struct cflight_server_context {
    struct cflight_server *server;
    struct cfl_call *call;
    cflight_buffer *identity;
    struct cfl_metadata headers;
    struct cfl_metadata trailers;
    void **instances; /* one per middleware */
};

/* Takes the messages that a handler answers with. */
struct cflight_response {
    struct cflight_server_context *context;
    uint64_t count;
};

#endif /* CFL_FLIGHT_SERVER_SERVER_CONTEXT_H */
