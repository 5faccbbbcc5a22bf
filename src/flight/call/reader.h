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
    /* The schema's message, until the next one is asked for: it may be wanted as it is. */
    struct cfl_flight_data schema_message;
    bool has_schema_message;
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

/* ---- for the ways of reading ---- */

/* Takes the next message of the call; none at the end, and when the time is up. */
cflight_status cfl_reader_receive(cflight_reader *reader, int64_t timeout_ns, bool *ret_is_ready,
                                  bool *ret_has_message, struct cfl_message *ret_message,
                                  cflight_error **reterr);
/* Notes the reader's failure, ends the call, and hands a copy to the caller. Takes the error. */
cflight_status cfl_reader_fail(cflight_reader *reader, cflight_error *error,
                               cflight_error **reterr);
/* The metadata that was kept first; false when there is none. */
bool cfl_reader_take_early(cflight_reader *reader, cflight_buffer **ret_metadata);
/* Keeps the descriptor of the first message that has one. */
cflight_status cfl_reader_note_descriptor(cflight_reader *reader,
                                          const struct cfl_flight_data *data,
                                          cflight_error **reterr);
void cfl_reader_count_batch(cflight_reader *reader, int64_t row_count, const cflight_buffer *body);
cflight_status cfl_reader_metadata_of(const struct cfl_flight_data *data,
                                      cflight_buffer **ret_metadata, cflight_error **reterr);
void cfl_reader_drop_schema_message(cflight_reader *reader);

#endif /* CFL_FLIGHT_CALL_READER_H */
