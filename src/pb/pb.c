/* SPDX-License-Identifier: Apache-2.0 */
/* Packing and unpacking with protobuf-c.
 *
 * protobuf-c takes all its memory through an allocator that cuts it from an arena, so the arena's
 * limit bounds what a message of a given length can cost, and nothing needs freeing piece by piece.
 * protobuf-c gives no reason for a failure; the arena tells memory from malformed bytes. Thread
 * class: free. */
#include "pb/pb.h"

#include "base/body.h"
#include "base/error.h"
#include "cflight/types.h"

/* Real messages take at most about ten times their length. The fixed part leaves room for messages
 * of many tiny endpoints, which take fifty times theirs; what is larger than any list of endpoints
 * that somebody would make consists of long texts, which take their own length. */
static const size_t MEMORY_FIXED_BYTES = (size_t)16 << 20;
static const size_t MEMORY_PER_BYTE = 24;
static const size_t LONG_MESSAGE_BYTES = (size_t)64 << 20;
static const size_t MEMORY_PER_LONG_BYTE = 8;

size_t cfl_pb_memory_limit(size_t message_bytes)
{
    size_t limit_bytes = 0;
    size_t dense_bytes = message_bytes < LONG_MESSAGE_BYTES ? message_bytes : LONG_MESSAGE_BYTES;
    if (__builtin_mul_overflow(message_bytes - dense_bytes, MEMORY_PER_LONG_BYTE, &limit_bytes) ||
        __builtin_add_overflow(limit_bytes, dense_bytes * MEMORY_PER_BYTE + MEMORY_FIXED_BYTES,
                               &limit_bytes)) {
        return SIZE_MAX;
    }
    return limit_bytes;
}

static void *allocate_in_arena(void *arena, size_t size_bytes)
{
    return cfl_arena_alloc(arena, size_bytes);
}

static void leave_in_arena(void *arena, void *memory)
{
    (void)arena;
    (void)memory;
}

cflight_status cfl_pb_unpack(struct cfl_arena *arena, const ProtobufCMessageDescriptor *type,
                             const char *name, struct cflight_bytes bytes,
                             const ProtobufCMessage **ret_message, cflight_error **reterr)
{
    ProtobufCAllocator allocator = {allocate_in_arena, leave_in_arena, arena};
    if (bytes.len_bytes > CFLIGHT_MESSAGE_BYTES_MAX) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "Not a valid %s: %zu bytes are more than a message can have", name,
                                 bytes.len_bytes);
    }
    arena->has_failed = false;
    const ProtobufCMessage *message =
        protobuf_c_message_unpack(type, &allocator, bytes.len_bytes, bytes.data);
    if (message == NULL && arena->has_failed) {
        return cfl_arena_error(arena, name, reterr);
    }
    if (message == NULL) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "Not a valid %s: the %zu bytes are not this protobuf message",
                                 name, bytes.len_bytes);
    }
    *ret_message = message;
    return CFLIGHT_OK;
}

cflight_status cfl_pb_pack(const struct cflight_allocator *alloc, const ProtobufCMessage *message,
                           const char *name, cflight_buffer **ret_buffer, cflight_error **reterr)
{
    size_t size_bytes = protobuf_c_message_get_packed_size(message);
    if (size_bytes > CFLIGHT_MESSAGE_BYTES_MAX) {
        return cflight_error_set(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "%s is too large to serialize: %zu bytes; the limit of protobuf is %d", name,
            size_bytes, CFLIGHT_MESSAGE_BYTES_MAX);
    }
    cflight_buffer *buffer = cfl_body_new(NULL, alloc, size_bytes);
    if (buffer == NULL) {
        return cfl_error_no_memory(reterr);
    }
    (void)protobuf_c_message_pack(message, cfl_body_data(buffer));
    *ret_buffer = buffer;
    return CFLIGHT_OK;
}
