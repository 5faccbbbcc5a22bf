/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_HEADER_SINK_H
#define CFL_FLIGHT_CALL_HEADER_SINK_H

#include "cflight/middleware.h"
#include "grpc/metadata.h"

/* Where middleware puts its headers; on the stack of whoever asks for them. */
struct cflight_header_sink {
    struct cfl_metadata *metadata;
};

#endif /* CFL_FLIGHT_CALL_HEADER_SINK_H */
