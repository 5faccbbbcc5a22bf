/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_METADATA_STREAM_H
#define CFL_FLIGHT_CALL_METADATA_STREAM_H

#include "cflight/stream.h"
#include "flight/call/call.h"

/* PutResult messages of a DoPut, both ends. */
struct cflight_metadata_reader {
    struct cfl_call *call;
};

struct cflight_metadata_writer {
    struct cfl_call *call;
    struct cfl_buf message;
};

/* Takes a reference of its own on the call. */
cflight_status cfl_metadata_reader_new(struct cfl_call *call, cflight_metadata_reader **ret_reader,
                                       cflight_error **reterr);

/* Receives a message of one bytes field, as cfl_call_receive() does: *ret_value is a copy of the
 * field, or NULL at the end. `name` is the message's, for errors. */
cflight_status cfl_call_receive_field(struct cfl_call *call, int64_t timeout_ns, bool *ret_is_ready,
                                      uint32_t field, const char *name, cflight_buffer **ret_value,
                                      cflight_error **reterr);

#endif /* CFL_FLIGHT_CALL_METADATA_STREAM_H */
