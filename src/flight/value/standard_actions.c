/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of the standard actions: requests that wrap one value, and results that are one
 * enumerator. A received enumerator that this library does not know becomes UNSPECIFIED. Thread
 * class: free. */
#include "flight/value/values.h"

#include "base/error.h"

static cflight_status cancel_to_message(struct cfl_arena *arena, const void *value,
                                        ProtobufCMessage **ret_message, cflight_error **reterr)
{
    cfl_pb_cancel_request *message = cfl_arena_alloc(arena, sizeof *message);
    if (message == NULL) {
        return cfl_arena_error(arena, "CancelFlightInfoRequest", reterr);
    }
    arrow__flight__protocol__cancel_flight_info_request__init(message);
    *ret_message = (ProtobufCMessage *)message;
    return cfl_info_to_message(arena, value, &message->info, reterr);
}

static cflight_status cancel_from_message(struct cfl_arena *arena,
                                          const ProtobufCMessage *any_message, void *ret_value,
                                          cflight_error **reterr)
{
    const cfl_pb_cancel_request *message = (const cfl_pb_cancel_request *)any_message;
    if (message->info == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "Not a valid CancelFlightInfoRequest: it has no info");
    }
    return cfl_info_from_message(arena, message->info, ret_value, reterr);
}

const struct cfl_value_type cfl_value_cancel_request = {
    .name = "CancelFlightInfoRequest",
    .message_type = &arrow__flight__protocol__cancel_flight_info_request__descriptor,
    .value_bytes = sizeof(struct cflight_info),
    .to_message = cancel_to_message,
    .from_message = cancel_from_message,
    .layout = cfl_info_layout,
};

cflight_status cflight_cancel_request_serialize(const struct cflight_info *info,
                                                cflight_buffer **ret_buffer, cflight_error **reterr)
{
    return cfl_value_serialize(&cfl_value_cancel_request, NULL, info, ret_buffer, reterr);
}

cflight_status cflight_cancel_request_parse(struct cflight_bytes bytes,
                                            struct cflight_info **ret_info, cflight_error **reterr)
{
    return cfl_value_parse(&cfl_value_cancel_request, NULL, bytes, (void **)ret_info, reterr);
}

static cflight_status renew_to_message(struct cfl_arena *arena, const void *value,
                                       ProtobufCMessage **ret_message, cflight_error **reterr)
{
    cfl_pb_renew_request *message = cfl_arena_alloc(arena, sizeof *message);
    if (message == NULL) {
        return cfl_arena_error(arena, "RenewFlightEndpointRequest", reterr);
    }
    arrow__flight__protocol__renew_flight_endpoint_request__init(message);
    *ret_message = (ProtobufCMessage *)message;
    return cfl_endpoint_to_message(arena, value, &message->endpoint, reterr);
}

static cflight_status renew_from_message(struct cfl_arena *arena,
                                         const ProtobufCMessage *any_message, void *ret_value,
                                         cflight_error **reterr)
{
    const cfl_pb_renew_request *message = (const cfl_pb_renew_request *)any_message;
    if (message->endpoint == NULL) {
        return cflight_error_set_message(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "Not a valid RenewFlightEndpointRequest: it has no endpoint");
    }
    return cfl_endpoint_from_message(arena, message->endpoint, ret_value, reterr);
}

const struct cfl_value_type cfl_value_renew_request = {
    .name = "RenewFlightEndpointRequest",
    .message_type = &arrow__flight__protocol__renew_flight_endpoint_request__descriptor,
    .value_bytes = sizeof(struct cflight_endpoint),
    .to_message = renew_to_message,
    .from_message = renew_from_message,
    .layout = cfl_endpoint_layout,
};

cflight_status cflight_renew_request_serialize(const struct cflight_endpoint *endpoint,
                                               cflight_buffer **ret_buffer, cflight_error **reterr)
{
    return cfl_value_serialize(&cfl_value_renew_request, NULL, endpoint, ret_buffer, reterr);
}

cflight_status cflight_renew_request_parse(struct cflight_bytes bytes,
                                           struct cflight_endpoint **ret_endpoint,
                                           cflight_error **reterr)
{
    return cfl_value_parse(&cfl_value_renew_request, NULL, bytes, (void **)ret_endpoint, reterr);
}

cflight_status cflight_cancel_result_serialize(enum cflight_cancel_status cancel_status,
                                               cflight_buffer **ret_buffer, cflight_error **reterr)
{
    if (ret_buffer == NULL) {
        return cfl_error_null_argument(reterr, "ret_buffer");
    }
    if ((int)cancel_status < 0 || cancel_status > CFLIGHT_CANCEL_STATUS_NOT_CANCELLABLE) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%d is no cancel status",
                                 (int)cancel_status);
    }
    cfl_pb_cancel_result message = ARROW__FLIGHT__PROTOCOL__CANCEL_FLIGHT_INFO_RESULT__INIT;
    message.status = (int32_t)cancel_status;
    return cfl_pb_pack(NULL, &message.base, "CancelFlightInfoResult", ret_buffer, reterr);
}

cflight_status cflight_cancel_result_parse(struct cflight_bytes bytes,
                                           enum cflight_cancel_status *ret_cancel_status,
                                           cflight_error **reterr)
{
    const ProtobufCMessage *message = NULL;
    cflight_status status = ret_cancel_status == NULL
                                ? cfl_error_null_argument(reterr, "ret_cancel_status")
                                : cfl_bytes_check(bytes, "CancelFlightInfoResult", reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cfl_arena arena;
    cfl_arena_init(&arena, NULL, cfl_pb_memory_limit(bytes.len_bytes));
    status = cfl_pb_unpack(&arena, &arrow__flight__protocol__cancel_flight_info_result__descriptor,
                           "CancelFlightInfoResult", bytes, &message, reterr);
    if (status == CFLIGHT_OK) {
        int32_t number = ((const cfl_pb_cancel_result *)message)->status;
        bool is_known = number >= 0 && number <= CFLIGHT_CANCEL_STATUS_NOT_CANCELLABLE;
        *ret_cancel_status =
            is_known ? (enum cflight_cancel_status)number : CFLIGHT_CANCEL_STATUS_UNSPECIFIED;
    }
    cfl_arena_done(&arena);
    return status;
}

cflight_status cflight_close_result_serialize(enum cflight_close_session_status close_status,
                                              cflight_buffer **ret_buffer, cflight_error **reterr)
{
    if (ret_buffer == NULL) {
        return cfl_error_null_argument(reterr, "ret_buffer");
    }
    if ((int)close_status < 0 || close_status > CFLIGHT_CLOSE_SESSION_NOT_CLOSEABLE) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%d is no close status",
                                 (int)close_status);
    }
    cfl_pb_close_result message = ARROW__FLIGHT__PROTOCOL__CLOSE_SESSION_RESULT__INIT;
    message.status = (int32_t)close_status;
    return cfl_pb_pack(NULL, &message.base, "CloseSessionResult", ret_buffer, reterr);
}

cflight_status cflight_close_result_parse(struct cflight_bytes bytes,
                                          enum cflight_close_session_status *ret_close_status,
                                          cflight_error **reterr)
{
    const ProtobufCMessage *message = NULL;
    cflight_status status = ret_close_status == NULL
                                ? cfl_error_null_argument(reterr, "ret_close_status")
                                : cfl_bytes_check(bytes, "CloseSessionResult", reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cfl_arena arena;
    cfl_arena_init(&arena, NULL, cfl_pb_memory_limit(bytes.len_bytes));
    status = cfl_pb_unpack(&arena, &arrow__flight__protocol__close_session_result__descriptor,
                           "CloseSessionResult", bytes, &message, reterr);
    if (status == CFLIGHT_OK) {
        int32_t number = ((const cfl_pb_close_result *)message)->status;
        bool is_known = number >= 0 && number <= CFLIGHT_CLOSE_SESSION_NOT_CLOSEABLE;
        *ret_close_status = is_known ? (enum cflight_close_session_status)number
                                     : CFLIGHT_CLOSE_SESSION_UNSPECIFIED;
    }
    cfl_arena_done(&arena);
    return status;
}
