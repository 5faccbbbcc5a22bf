/* SPDX-License-Identifier: Apache-2.0 */
/* Handshake payloads. Thread class: one at a time. */
#include "flight/call/handshake.h"

#include "base/error.h"
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
    struct cfl_message message = {0};
    struct cflight_bytes payload = {NULL, 0};
    bool has_message = false;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(handshake), CFL_ARG(ret_payload));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_call_receive(handshake->call, -1, NULL, &has_message, &message, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    *ret_payload = NULL;
    if (has_message) {
        status =
            cfl_single_field_read(cflight_buffer_bytes(message.raw), CFL_FIELD_HANDSHAKE_PAYLOAD,
                                  "HandshakeRequest", &payload, reterr);
        if (status == CFLIGHT_OK) {
            status = cflight_buffer_new_copy(payload, ret_payload, reterr);
        }
        cfl_message_done(&message);
    }
    return status;
}
