/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_VALUE_PB_H
#define CFL_FLIGHT_VALUE_PB_H

#include <flight.pb-c.h>

#include "cflight/bytes.h"
#include "cflight/error.h"
#include "flight/value/arena.h"

/* Protobuf messages: short names for the generated types, and packing and unpacking with bounded
 * memory.
 *
 * Unpacked messages live in an arena and end with it. protobuf-c recurses once per nested message,
 * and the types of Flight nest at most four deep, whatever the bytes say. Thread class: free. */

typedef Arrow__Flight__Protocol__Timestamp cfl_pb_timestamp;
typedef Arrow__Flight__Protocol__BasicAuth cfl_pb_basic_auth;
typedef Arrow__Flight__Protocol__ActionType cfl_pb_action_type;
typedef Arrow__Flight__Protocol__Action cfl_pb_action;
typedef Arrow__Flight__Protocol__FlightDescriptor cfl_pb_descriptor;
typedef Arrow__Flight__Protocol__Ticket cfl_pb_ticket;
typedef Arrow__Flight__Protocol__Location cfl_pb_location;
typedef Arrow__Flight__Protocol__FlightEndpoint cfl_pb_endpoint;
typedef Arrow__Flight__Protocol__FlightInfo cfl_pb_info;
typedef Arrow__Flight__Protocol__PollInfo cfl_pb_poll_info;
typedef Arrow__Flight__Protocol__CancelFlightInfoRequest cfl_pb_cancel_request;
typedef Arrow__Flight__Protocol__CancelFlightInfoResult cfl_pb_cancel_result;
typedef Arrow__Flight__Protocol__RenewFlightEndpointRequest cfl_pb_renew_request;
typedef Arrow__Flight__Protocol__SessionOptionValue cfl_pb_session_value;
typedef Arrow__Flight__Protocol__SessionOptionValue__StringListValue cfl_pb_string_list;
typedef Arrow__Flight__Protocol__SessionOptionEntry cfl_pb_session_entry;
typedef Arrow__Flight__Protocol__SessionOptions cfl_pb_session_options;
typedef Arrow__Flight__Protocol__SessionError cfl_pb_session_error;
typedef Arrow__Flight__Protocol__SessionErrorEntry cfl_pb_session_error_entry;
typedef Arrow__Flight__Protocol__SetSessionOptionsResult cfl_pb_session_errors;
typedef Arrow__Flight__Protocol__CloseSessionResult cfl_pb_close_result;

/* How much memory a message may take when it is unpacked: a fixed part, and a multiple of its
 * length. A peer that packs many tiny submessages into few bytes meets this limit. */
size_t cfl_pb_memory_limit(size_t message_bytes);

/* Unpacks into the arena. `name` is the message's, for "Not a valid <name>: ...". */
cflight_status cfl_pb_unpack(struct cfl_arena *arena, const ProtobufCMessageDescriptor *type,
                             const char *name, struct cflight_bytes bytes,
                             const ProtobufCMessage **ret_message, cflight_error **reterr);

/* Packs into a fresh buffer of exactly the message's size. */
cflight_status cfl_pb_pack(const struct cflight_allocator *alloc, const ProtobufCMessage *message,
                           const char *name, cflight_buffer **ret_buffer, cflight_error **reterr);

/* Views. Packing borrows the caller's bytes; unpacking borrows the arena's. */
static inline ProtobufCBinaryData cfl_pb_from_bytes(struct cflight_bytes bytes)
{
    ProtobufCBinaryData data = {bytes.len_bytes, (uint8_t *)(uintptr_t)bytes.data};
    return data;
}

static inline struct cflight_bytes cfl_pb_to_bytes(ProtobufCBinaryData data)
{
    return cflight_bytes_make(data.len == 0 ? NULL : data.data, data.len);
}

#endif /* CFL_FLIGHT_VALUE_PB_H */
