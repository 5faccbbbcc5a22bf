/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_WRITER_H
#define CFL_FLIGHT_WRITER_H

#include "cflight/stream.h"
#include "flight/call.h"
#include "ipc/encoder.h"

/* Record batches to FlightData messages of a call. At a client it belongs to the user, at a server
 * to the dispatcher. */
struct cflight_writer {
    struct cfl_call *call;
    bool is_server;
    bool is_done_writing;
    struct cflight_ipc_write_options options;
    uint64_t size_limit_bytes;  /* 0: none */
    uint64_t split_batch_bytes; /* 0: never */
    struct cfl_buf descriptor;  /* client: goes with the schema message, then is dropped */
    struct cfl_encoder *encoder;
    struct cfl_buf head;
};

struct cfl_writer_params {
    const struct cflight_ipc_write_options *options; /* NULL: defaults */
    uint64_t size_limit_bytes;
    uint64_t split_batch_bytes;
    struct cflight_bytes descriptor; /* serialised; copied */
};

/* Takes a reference of its own on the call. */
cflight_status cfl_writer_new(struct cfl_call *call, const struct cfl_writer_params *params,
                              cflight_writer **ret_writer, cflight_error **reterr);
void cfl_writer_done(cflight_writer *writer);
/* Client, DoExchange: sends the first message, the descriptor alone. */
cflight_status cfl_writer_send_descriptor(cflight_writer *writer, cflight_error **reterr);

#endif /* CFL_FLIGHT_WRITER_H */
