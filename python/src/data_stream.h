/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_DATA_STREAM_H
#define CFP_DATA_STREAM_H

#include "streams.h"

/* Writes all of a FlightDataStream, schema first; 0 or -1. */
int cfp_data_stream_send(PyObject *stream, struct cfp_sink *sink);

#endif /* CFP_DATA_STREAM_H */
