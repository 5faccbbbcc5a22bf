/* SPDX-License-Identifier: Apache-2.0 */
/* Messages and the Any around them.
 *
 * An Any is read in place: its two fields are views into it. Which message it holds is what follows
 * the last '/' of its type URL, whatever stands before. What is sent always has the usual prefix,
 * which some peers compare as a whole. Thread class: free. (google/protobuf/any.proto) */
#include "sql/value/messages.h"

#include <assert.h>

#include "base/body.h"
#include "base/buf.h"
#include "base/error.h"
#include "pb/pb.h"
#include "pb/single_field.h"
#include "sql/value/fields.h"

#define URL_PREFIX "type.googleapis.com/"
#define PACKAGE "arrow.flight.protocol.sql."

enum { ANY_TYPE_URL = 1, ANY_VALUE = 2, TAG_TYPE_URL = 0x0A, TAG_VALUE = 0x12 };
/* What comes before the value: two tags, two lengths, the URL. */
enum { ANY_HEAD_BYTES_MAX = 160 };

/* Writes the head of an Any for a value of this size. */
static size_t write_head(uint8_t head[ANY_HEAD_BYTES_MAX], const char *name, size_t value_bytes)
{
    const size_t prefix_bytes = sizeof URL_PREFIX PACKAGE - 1;
    const size_t name_bytes = strlen(name);
    size_t used_bytes = 0;
    head[used_bytes++] = TAG_TYPE_URL;
    used_bytes += cfl_varint_write(head + used_bytes, prefix_bytes + name_bytes);
    assert(used_bytes + prefix_bytes + name_bytes + 16 <= ANY_HEAD_BYTES_MAX);
    memcpy(head + used_bytes, URL_PREFIX PACKAGE, prefix_bytes);
    memcpy(head + used_bytes + prefix_bytes, name, name_bytes);
    used_bytes += prefix_bytes + name_bytes;
    if (value_bytes > 0) {
        head[used_bytes++] = TAG_VALUE;
        used_bytes += cfl_varint_write(head + used_bytes, value_bytes);
    }
    return used_bytes;
}

static cflight_status pack(const struct cflight_allocator *alloc, const ProtobufCMessage *pb,
                           const char *name, bool in_any, cflight_buffer **ret_buffer,
                           cflight_error **reterr)
{
    uint8_t head[ANY_HEAD_BYTES_MAX];
    size_t value_bytes = protobuf_c_message_get_packed_size(pb);
    size_t head_bytes = in_any ? write_head(head, name, value_bytes) : 0;
    if (value_bytes > CFLIGHT_MESSAGE_BYTES_MAX - ANY_HEAD_BYTES_MAX) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "%s is too large to serialize: %zu bytes; the limit is %d", name,
                                 value_bytes, CFLIGHT_MESSAGE_BYTES_MAX - ANY_HEAD_BYTES_MAX);
    }
    cflight_buffer *buffer = cfl_body_new(NULL, alloc, head_bytes + value_bytes);
    if (buffer == NULL) {
        return cfl_error_no_memory(reterr);
    }
    if (head_bytes > 0) {
        memcpy(cfl_body_data(buffer), head, head_bytes);
    }
    (void)protobuf_c_message_pack(pb, cfl_body_data(buffer) + head_bytes);
    *ret_buffer = buffer;
    return CFLIGHT_OK;
}

cflight_status cfl_sql_message_serialize(const struct cflight_allocator *alloc,
                                         const struct cflight_sql_message *message, bool in_any,
                                         cflight_buffer **ret_buffer, cflight_error **reterr)
{
    const struct cfl_sql_layout *layout = cfl_sql_layout_of(message->type);
    ProtobufCMessage *pb = NULL;
    if (layout == NULL) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "%d is no type of a Flight SQL message", (int)message->type);
    }
    const char *name = cflight_sql_type_name(message->type);
    struct cfl_arena arena;
    cfl_arena_init(&arena, alloc, SIZE_MAX);
    cflight_status status = cfl_sql_fields_to_pb(&arena, layout, name, message, &pb, reterr);
    if (status == CFLIGHT_OK) {
        status = pack(alloc, pb, name, in_any, ret_buffer, reterr);
    }
    cfl_arena_done(&arena);
    return status;
}

static void copy_message(struct cfl_block *block, const void *value, void *ret_value)
{
    const struct cflight_sql_message *message = value;
    struct cflight_sql_message *copy = ret_value;
    *copy = *message;
    cfl_sql_fields_copy(block, cfl_sql_layout_of(message->type), message, copy);
}

static cflight_status copy_to_block(const struct cflight_allocator *alloc,
                                    const struct cflight_sql_message *message,
                                    struct cflight_sql_message **ret_copy, cflight_error **reterr)
{
    static_assert(sizeof *message <= CFL_BLOCK_VALUE_BYTES_MAX, "a message fits a block");
    struct cflight_sql_message *copy =
        cfl_block_copy(alloc, message, sizeof *message, copy_message);
    if (copy == NULL) {
        return cfl_error_no_memory(reterr);
    }
    *ret_copy = copy;
    return CFLIGHT_OK;
}

cflight_status cfl_sql_message_parse(const struct cflight_allocator *alloc,
                                     enum cflight_sql_type type, struct cflight_bytes bytes,
                                     struct cflight_sql_message **ret_message,
                                     cflight_error **reterr)
{
    const struct cfl_sql_layout *layout = cfl_sql_layout_of(type);
    const ProtobufCMessage *pb = NULL;
    struct cflight_sql_message message;
    struct cfl_arena arena;

    if (layout == NULL || (bytes.data == NULL && bytes.len_bytes > 0)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 layout == NULL ? "%d is no type of a Flight SQL message"
                                                : "message of type %d has a length but no bytes",
                                 (int)type);
    }
    const char *name = cflight_sql_type_name(type);
    cfl_arena_init(&arena, alloc, cfl_pb_memory_limit(bytes.len_bytes));
    memset(&message, 0, sizeof message);
    message.type = type;
    cflight_status status = cfl_pb_unpack(&arena, layout->descriptor, name, bytes, &pb, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_sql_fields_from_pb(&arena, layout, name, pb, &message, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = copy_to_block(alloc, &message, ret_message, reterr);
    }
    cfl_arena_done(&arena);
    return status;
}

/* Reads the two fields of an Any. */
static cflight_status read_any(struct cflight_bytes any, struct cflight_bytes *ret_name,
                               struct cflight_bytes *ret_value, cflight_error **reterr)
{
    struct cflight_bytes url = {NULL, 0};
    if (any.data == NULL && any.len_bytes > 0) {
        return cfl_error_null_argument(reterr, "any");
    }
    cflight_status status = cfl_single_field_read(any, ANY_TYPE_URL, "Any", &url, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_single_field_read(any, ANY_VALUE, "Any", ret_value, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    size_t start = url.len_bytes;
    while (start > 0 && url.data[start - 1] != '/') {
        start--;
    }
    if (start == 0) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "Not a valid Any: its type URL of %zu bytes has no '/'",
                                 url.len_bytes);
    }
    *ret_name = cflight_bytes_make(url.data + start, url.len_bytes - start);
    return CFLIGHT_OK;
}

/* NONE for a name of another package. */
static enum cflight_sql_type type_of_name(struct cflight_bytes name)
{
    const size_t package_bytes = sizeof PACKAGE - 1;
    if (name.len_bytes < package_bytes || memcmp(name.data, PACKAGE, package_bytes) != 0) {
        return CFLIGHT_SQL_NONE;
    }
    return cfl_sql_type_by_name(
        cflight_bytes_make(name.data + package_bytes, name.len_bytes - package_bytes));
}

enum cflight_sql_type cflight_sql_type_of(struct cflight_bytes any)
{
    struct cflight_bytes name = {NULL, 0};
    struct cflight_bytes value = {NULL, 0};
    return read_any(any, &name, &value, NULL) == CFLIGHT_OK ? type_of_name(name) : CFLIGHT_SQL_NONE;
}

/* A name as errors show it: cut, and only what a name may have. */
static const char *show_name(struct cflight_bytes name, char target[80])
{
    size_t shown_bytes = name.len_bytes < 79 ? name.len_bytes : 79;
    for (size_t i = 0; i < shown_bytes; i++) {
        bool is_plain = name.data[i] > ' ' && name.data[i] < 0x7F;
        target[i] = is_plain ? (char)name.data[i] : '?';
    }
    target[shown_bytes] = '\0';
    return target;
}

cflight_status cfl_sql_message_unpack(const struct cflight_allocator *alloc,
                                      struct cflight_bytes any,
                                      struct cflight_sql_message **ret_message,
                                      cflight_error **reterr)
{
    struct cflight_bytes name = {NULL, 0};
    struct cflight_bytes value = {NULL, 0};
    char shown[80];
    cflight_status status = read_any(any, &name, &value, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    enum cflight_sql_type type = type_of_name(name);
    if (type == CFLIGHT_SQL_NONE) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "Not a message of Flight SQL: %s", show_name(name, shown));
    }
    if (type == CFLIGHT_SQL_UNKNOWN) {
        return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED,
                                 "Flight SQL message that is not known here: %s",
                                 show_name(name, shown));
    }
    return cfl_sql_message_parse(alloc, type, value, ret_message, reterr);
}

cflight_status cflight_sql_message_pack(const struct cflight_sql_message *message,
                                        cflight_buffer **ret_any, cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(message), CFL_ARG(ret_any));
    return status != CFLIGHT_OK ? status
                                : cfl_sql_message_serialize(NULL, message, true, ret_any, reterr);
}

cflight_status cflight_sql_message_unpack(struct cflight_bytes any,
                                          struct cflight_sql_message **ret_message,
                                          cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_message));
    return status != CFLIGHT_OK ? status : cfl_sql_message_unpack(NULL, any, ret_message, reterr);
}

cflight_status cflight_sql_message_serialize(const struct cflight_sql_message *message,
                                             cflight_buffer **ret_buffer, cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(message), CFL_ARG(ret_buffer));
    return status != CFLIGHT_OK
               ? status
               : cfl_sql_message_serialize(NULL, message, false, ret_buffer, reterr);
}

cflight_status cflight_sql_message_parse(enum cflight_sql_type type, struct cflight_bytes bytes,
                                         struct cflight_sql_message **ret_message,
                                         cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_message));
    return status != CFLIGHT_OK ? status
                                : cfl_sql_message_parse(NULL, type, bytes, ret_message, reterr);
}

cflight_status cflight_sql_message_copy(const struct cflight_sql_message *message,
                                        struct cflight_sql_message **ret_copy,
                                        cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(message), CFL_ARG(ret_copy));
    if (status == CFLIGHT_OK && cfl_sql_layout_of(message->type) == NULL) {
        status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                   "%d is no type of a Flight SQL message", (int)message->type);
    }
    return status != CFLIGHT_OK ? status : copy_to_block(NULL, message, ret_copy, reterr);
}

void cflight_sql_message_free(struct cflight_sql_message *message)
{
    cfl_block_free(message);
}
