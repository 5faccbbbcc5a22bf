/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_READER_H
#define CFL_FLIGHT_CALL_READER_H

#include "cflight/stream.h"
#include "flight/call/call.h"
#include "ipc/decoder.h"

/* FlightData messages of a call to chunks. At a client it belongs to the user, at a server to the
 * dispatcher. */
struct cflight_reader {
    struct cfl_call *call;
    bool is_server;
    struct cfl_decoder *decoder;
    struct cflight_descriptor *descriptor;
    struct cfl_list early; /* metadata-only chunks that came before the schema was asked for */
    uint64_t early_bytes;  /* of them, taken from the budget */
    bool has_ended;
    cflight_error *failure; /* decoding failed: the answer to every later call */
    uint64_t batch_count;
    uint64_t body_bytes;
};

/* Takes a reference of its own on the call. */
cflight_status cfl_reader_new(struct cfl_call *call, const struct cflight_ipc_read_options *options,
                              cflight_reader **ret_reader, cflight_error **reterr);
/* Frees at either side; does not cancel. */
void cfl_reader_done(cflight_reader *reader);
/* Server: takes the first message, which must carry a descriptor, and decodes its schema if it has
 * one. */
cflight_status cfl_reader_open(cflight_reader *reader, cflight_error **reterr);

#endif /* CFL_FLIGHT_CALL_READER_H */
