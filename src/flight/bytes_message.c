/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of one bytes field, read in place (Protocol Buffers, "Encoding"): a run of fields, each
 * a varint tag (number and wire type) and a payload. Groups are refused, as protobuf-c does. Thread
 * class: free. */
#include "flight/bytes_message.h"

#include "base/body.h"
#include "base/buf.h"
#include "base/cursor.h"
#include "base/error.h"
#include "cflight/types.h"

enum wire_type {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_BYTES = 2,
    WIRE_FIXED32 = 5,
    WIRE_TYPE_MASK = 7
};
enum { WIRE_TYPE_BITS = 3 };

static bool read_length_delimited(struct cfl_cursor *cursor, struct cflight_bytes *ret_payload)
{
    uint64_t len_bytes = 0;
    return cfl_cursor_varint(cursor, &len_bytes) == CFL_VARINT_OK &&
           len_bytes <= cfl_cursor_left(cursor) &&
           cfl_cursor_bytes(cursor, (size_t)len_bytes, ret_payload);
}

/* Steps over one payload; a bytes payload is handed back. */
static bool read_payload(struct cfl_cursor *cursor, uint64_t tag, struct cflight_bytes *ret_payload)
{
    uint64_t ignored = 0;
    switch (tag & WIRE_TYPE_MASK) {
    case WIRE_VARINT:
        return cfl_cursor_varint(cursor, &ignored) == CFL_VARINT_OK;
    case WIRE_FIXED64:
        return cfl_cursor_skip(cursor, 8);
    case WIRE_BYTES:
        return read_length_delimited(cursor, ret_payload);
    case WIRE_FIXED32:
        return cfl_cursor_skip(cursor, 4);
    default:
        return false;
    }
}

cflight_status cfl_bytes_message_read(struct cflight_bytes bytes, uint32_t field, const char *name,
                                      struct cflight_bytes *ret_body, cflight_error **reterr)
{
    struct cfl_cursor cursor = cfl_cursor_make(bytes);
    struct cflight_bytes body = {NULL, 0};
    const uint64_t wanted_tag = ((uint64_t)field << WIRE_TYPE_BITS) | WIRE_BYTES;
    while (cfl_cursor_left(&cursor) > 0) {
        uint64_t tag = 0;
        struct cflight_bytes payload = {NULL, 0};
        size_t offset = cursor.offset;
        bool ok = cfl_cursor_varint(&cursor, &tag) == CFL_VARINT_OK && tag <= UINT32_MAX &&
                  tag >> WIRE_TYPE_BITS != 0 && read_payload(&cursor, tag, &payload);
        if (!ok || (tag >> WIRE_TYPE_BITS == field && tag != wanted_tag)) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "Not a valid %s: malformed protobuf field at byte %zu of %zu",
                                     name, offset, bytes.len_bytes);
        }
        if (tag == wanted_tag) {
            body = payload;
        }
    }
    *ret_body = body;
    return CFLIGHT_OK;
}

size_t cfl_bytes_message_head(uint32_t field, size_t body_bytes, uint8_t *target)
{
    if (body_bytes == 0) {
        return 0;
    }
    size_t tag_bytes = cfl_varint_write(target, ((uint64_t)field << WIRE_TYPE_BITS) | WIRE_BYTES);
    return tag_bytes + cfl_varint_write(target + tag_bytes, body_bytes);
}

cflight_status cfl_bytes_message_write(const struct cflight_allocator *alloc, uint32_t field,
                                       const char *name, struct cflight_bytes body,
                                       cflight_buffer **ret_buffer, cflight_error **reterr)
{
    uint8_t head[CFL_BYTES_MESSAGE_HEAD_BYTES_MAX];
    if (ret_buffer == NULL || (body.data == NULL && body.len_bytes > 0)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "a %s needs bytes to serialize and a place for the result", name);
    }
    size_t head_bytes = cfl_bytes_message_head(field, body.len_bytes, head);
    if (body.len_bytes > CFLIGHT_MESSAGE_BYTES_MAX - head_bytes) {
        return cflight_error_set(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "%s is too large to serialize: %zu bytes; the limit of protobuf is %d", name,
            body.len_bytes, CFLIGHT_MESSAGE_BYTES_MAX);
    }
    cflight_buffer *buffer = cfl_body_new(NULL, alloc, head_bytes + body.len_bytes);
    if (buffer == NULL) {
        return cfl_error_no_memory(reterr);
    }
    memcpy(cfl_body_data(buffer), head, head_bytes);
    if (body.len_bytes > 0) {
        memcpy(cfl_body_data(buffer) + head_bytes, body.data, body.len_bytes);
    }
    *ret_buffer = buffer;
    return CFLIGHT_OK;
}

/* The public functions. */

static cflight_status parse(struct cflight_bytes bytes, const char *name, cflight_buffer **ret_body,
                            cflight_error **reterr)
{
    struct cflight_bytes body = {NULL, 0};
    if (ret_body == NULL || (bytes.data == NULL && bytes.len_bytes > 0)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "a %s needs bytes to parse and a place for the result", name);
    }
    cflight_status status = cfl_bytes_message_read(bytes, CFL_BODY_FIELD, name, &body, reterr);
    return status != CFLIGHT_OK ? status : cflight_buffer_new_copy(body, ret_body, reterr);
}

cflight_status cflight_ticket_serialize(struct cflight_bytes ticket, cflight_buffer **ret_buffer,
                                        cflight_error **reterr)
{
    return cfl_bytes_message_write(NULL, CFL_BODY_FIELD, "Ticket", ticket, ret_buffer, reterr);
}

cflight_status cflight_ticket_parse(struct cflight_bytes bytes, cflight_buffer **ret_ticket,
                                    cflight_error **reterr)
{
    return parse(bytes, "Ticket", ret_ticket, reterr);
}

cflight_status cflight_result_serialize(struct cflight_bytes body, cflight_buffer **ret_buffer,
                                        cflight_error **reterr)
{
    return cfl_bytes_message_write(NULL, CFL_BODY_FIELD, "Result", body, ret_buffer, reterr);
}

cflight_status cflight_result_parse(struct cflight_bytes bytes, cflight_buffer **ret_body,
                                    cflight_error **reterr)
{
    return parse(bytes, "Result", ret_body, reterr);
}

cflight_status cflight_schema_result_serialize(struct cflight_bytes schema,
                                               cflight_buffer **ret_buffer, cflight_error **reterr)
{
    return cfl_bytes_message_write(NULL, CFL_BODY_FIELD, "SchemaResult", schema, ret_buffer,
                                   reterr);
}

cflight_status cflight_schema_result_parse(struct cflight_bytes bytes, cflight_buffer **ret_schema,
                                           cflight_error **reterr)
{
    return parse(bytes, "SchemaResult", ret_schema, reterr);
}
