/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_DATA_STREAM_H
#define CFP_DATA_STREAM_H

#include "streams/streams.h"
#include "values/values.h"

/* FlightDataStream and its classes. Nothing changes once one is made. */
struct cfp_data_stream {
    CFP_VALUE_HEAD
    PyObject *source;          /* RecordBatchStream: the data; GeneratorStream: the iterator */
    struct ArrowSchema schema; /* GeneratorStream */
    bool has_options;
    struct cflight_ipc_write_options options;
};

/* What belongs to a call of do_get, and stays until its stream has ended. Borrowed. */
struct cfp_stream_call {
    struct cfp_state *state;
    cflight_server_context *context;
    PyObject *context_object;
    PyObject *server;
    PyObject *variables; /* contextvars.Context that the method ran in, and the stream's code runs
                            in */
};

/* Begins a FlightDataStream, and hands it over to the library, which goes on when the handler has
 * returned: 0 or -1. */
int cfp_data_stream_hand_over(PyObject *stream, cflight_writer *writer,
                              const struct cfp_stream_call *call);

#endif /* CFP_DATA_STREAM_H */
