/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_PB_PB_H
#define CFL_PB_PB_H

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "cflight/bytes.h"
#include "cflight/error.h"

/* Protobuf messages: packing and unpacking with bounded memory.
 *
 * Unpacked messages live in an arena and end with it. protobuf-c recurses once per nested message,
 * and the types of proto/ nest at most four deep, whatever the bytes say. Thread class: free. */

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

#endif /* CFL_PB_PB_H */
