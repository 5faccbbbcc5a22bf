/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_SERVER_SERVER_CONTEXT_H
#define CFL_FLIGHT_SERVER_SERVER_CONTEXT_H

#include "flight/server/server.h"

enum { CFL_SUBJECT_BYTES_MAX = 160 };

/* What a handler knows of its call. */
struct cflight_server_context {
    struct cflight_server *server;
    struct cfl_call *call;
    cflight_buffer *identity;
    struct cfl_metadata headers;
    struct cfl_metadata trailers;
    void **instances; /* one per middleware */
    bool has_wish;    /* or had one: to be told of a cancellation */
    uint8_t subject[CFL_SUBJECT_BYTES_MAX];
    size_t subject_bytes;
};

/* Frees what handlers could see. */
void cfl_server_context_done(cflight_server_context *context);

/* Takes the messages that a handler answers with. */
struct cflight_response {
    struct cflight_server_context *context;
    uint64_t count;
};

#endif /* CFL_FLIGHT_SERVER_SERVER_CONTEXT_H */
