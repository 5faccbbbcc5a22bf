/* SPDX-License-Identifier: Apache-2.0 */
/* Headers from middleware. Thread class: one at a time. */
#include "flight/call/header_sink.h"

#include "base/error.h"

cflight_status cflight_header_sink_add(cflight_header_sink *sink, struct cflight_bytes name,
                                       struct cflight_bytes value, cflight_error **reterr)
{
    if (sink == NULL) {
        return cfl_error_null_argument(reterr, "sink");
    }
    return cfl_metadata_add(sink->metadata, name, value, reterr);
}
