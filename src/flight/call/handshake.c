/* SPDX-License-Identifier: Apache-2.0 */
/* Handshake payloads. Thread class: one at a time. */
#include "flight/call/handshake.h"

#include "base/error.h"
#include "flight/call/metadata_stream.h"
#include "pb/single_field.h"

cflight_status cflight_handshake_write(cflight_handshake *handshake, struct cflight_bytes payload,
                                       cflight_error **reterr)
{
    struct cfl_buf message;
    if (handshake == NULL) {
        return cfl_error_null_argument(reterr, "handshake");
    }
    cfl_buf_init(&message, handshake->call->alloc);
    cflight_status status = CFLIGHT_OK;
    if (cfl_field_write(&message, CFL_FIELD_HANDSHAKE_PAYLOAD, payload)) {
        status = cfl_call_send(handshake->call, cfl_buf_bytes(&message), reterr);
    } else {
        status = cfl_error_no_memory(reterr);
    }
    cfl_buf_done(&message);
    return status;
}

cflight_status cflight_handshake_read(cflight_handshake *handshake, cflight_buffer **ret_payload,
                                      cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(handshake), CFL_ARG(ret_payload));
    return status != CFLIGHT_OK
               ? status
               : cfl_call_receive_field(handshake->call, -1, NULL, CFL_FIELD_HANDSHAKE_PAYLOAD,
                                        "HandshakeRequest", ret_payload, reterr);
}
