/* SPDX-License-Identifier: Apache-2.0 */
/* FlightDescriptor.
 *
 * On the wire an UNKNOWN descriptor is written as a command, as the C++ implementation does, and a
 * received one that is neither path nor command is refused. Only the member that the type names is
 * kept. Thread class: free. */
#include "flight/value/values.h"

#include "base/error.h"

/* What must hold before any of the value's pointers is followed. */
static cflight_status check(const struct cflight_descriptor *descriptor, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    switch (descriptor->type) {
    case CFLIGHT_DESCRIPTOR_UNKNOWN:
    case CFLIGHT_DESCRIPTOR_CMD:
        return cfl_bytes_check(descriptor->cmd, "the command of a descriptor", reterr);
    case CFLIGHT_DESCRIPTOR_PATH:
        break;
    default:
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%d is no descriptor type",
                                 (int)descriptor->type);
    }
    if (descriptor->path_count > 0 && descriptor->path == NULL) {
        return cfl_error_null_argument(reterr, "the path of a descriptor");
    }
    for (size_t i = 0; i < descriptor->path_count && status == CFLIGHT_OK; i++) {
        status = cfl_text_check(descriptor->path[i], "a path element of a descriptor", reterr);
    }
    return status;
}

cflight_status cfl_descriptor_to_message(struct cfl_arena *arena,
                                         const struct cflight_descriptor *descriptor,
                                         cfl_pb_descriptor **ret_message, cflight_error **reterr)
{
    cflight_status status = check(descriptor, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    bool is_path = descriptor->type == CFLIGHT_DESCRIPTOR_PATH;
    size_t path_count = is_path ? descriptor->path_count : 0;
    cfl_pb_descriptor *message = cfl_arena_alloc(arena, sizeof *message);
    ProtobufCBinaryData *path = cfl_arena_array(arena, path_count, sizeof *path);
    if (message == NULL || path == NULL) {
        return cfl_arena_error(arena, "FlightDescriptor", reterr);
    }
    for (size_t i = 0; i < path_count; i++) {
        path[i] = cfl_pb_from_bytes(descriptor->path[i]);
    }
    arrow__flight__protocol__flight_descriptor__init(message);
    message->type = is_path ? ARROW__FLIGHT__PROTOCOL__FLIGHT_DESCRIPTOR__DESCRIPTOR_TYPE__PATH
                            : ARROW__FLIGHT__PROTOCOL__FLIGHT_DESCRIPTOR__DESCRIPTOR_TYPE__CMD;
    message->cmd = cfl_pb_from_bytes(is_path ? cflight_bytes_make(NULL, 0) : descriptor->cmd);
    message->path = path;
    message->n_path = path_count;
    *ret_message = message;
    return CFLIGHT_OK;
}

cflight_status cfl_descriptor_from_message(struct cfl_arena *arena,
                                           const cfl_pb_descriptor *message,
                                           struct cflight_descriptor *ret_descriptor,
                                           cflight_error **reterr)
{
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
    if (message->type == ARROW__FLIGHT__PROTOCOL__FLIGHT_DESCRIPTOR__DESCRIPTOR_TYPE__CMD) {
        descriptor.cmd = cfl_pb_to_bytes(message->cmd);
        *ret_descriptor = descriptor;
        return CFLIGHT_OK;
    }
    if (message->type != ARROW__FLIGHT__PROTOCOL__FLIGHT_DESCRIPTOR__DESCRIPTOR_TYPE__PATH) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "Not a valid FlightDescriptor: type %d is neither PATH nor CMD",
                                 (int)message->type);
    }
    struct cflight_bytes *path = cfl_arena_array(arena, message->n_path, sizeof *path);
    if (path == NULL) {
        return cfl_arena_error(arena, "FlightDescriptor", reterr);
    }
    for (size_t i = 0; i < message->n_path; i++) {
        path[i] = cfl_pb_to_bytes(message->path[i]);
        cflight_status status =
            cfl_received_text_check(path[i], "FlightDescriptor", "a path element", reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    descriptor.type = CFLIGHT_DESCRIPTOR_PATH;
    descriptor.path = path;
    descriptor.path_count = message->n_path;
    *ret_descriptor = descriptor;
    return CFLIGHT_OK;
}

void cfl_descriptor_layout(struct cfl_block *block, const void *value, void *ret_value)
{
    const struct cflight_descriptor *descriptor = value;
    struct cflight_descriptor copy = {.type = descriptor->type};
    if (descriptor->type == CFLIGHT_DESCRIPTOR_PATH) {
        copy.path = cfl_block_bytes_array(block, descriptor->path, descriptor->path_count);
        copy.path_count = descriptor->path_count;
    } else {
        copy.cmd = cfl_block_bytes(block, descriptor->cmd);
    }
    memcpy(ret_value, &copy, sizeof copy);
}

static cflight_status to_message(struct cfl_arena *arena, const void *value,
                                 ProtobufCMessage **ret_message, cflight_error **reterr)
{
    cfl_pb_descriptor *message = NULL;
    cflight_status status = cfl_descriptor_to_message(arena, value, &message, reterr);
    *ret_message = (ProtobufCMessage *)message;
    return status;
}

static cflight_status from_message(struct cfl_arena *arena, const ProtobufCMessage *message,
                                   void *ret_value, cflight_error **reterr)
{
    return cfl_descriptor_from_message(arena, (const cfl_pb_descriptor *)message, ret_value,
                                       reterr);
}

const struct cfl_value_type cfl_value_descriptor = {
    .name = "FlightDescriptor",
    .message_type = &arrow__flight__protocol__flight_descriptor__descriptor,
    .value_bytes = sizeof(struct cflight_descriptor),
    .to_message = to_message,
    .from_message = from_message,
    .layout = cfl_descriptor_layout,
};

cflight_status cflight_descriptor_serialize(const struct cflight_descriptor *descriptor,
                                            cflight_buffer **ret_buffer, cflight_error **reterr)
{
    return cfl_value_serialize(&cfl_value_descriptor, NULL, descriptor, ret_buffer, reterr);
}

cflight_status cflight_descriptor_parse(struct cflight_bytes bytes,
                                        struct cflight_descriptor **ret_descriptor,
                                        cflight_error **reterr)
{
    return cfl_value_parse(&cfl_value_descriptor, NULL, bytes, (void **)ret_descriptor, reterr);
}

cflight_status cflight_descriptor_copy(const struct cflight_descriptor *descriptor,
                                       struct cflight_descriptor **ret_copy, cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(descriptor), CFL_ARG(ret_copy));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = check(descriptor, reterr);
    return status != CFLIGHT_OK
               ? status
               : cfl_value_copy(&cfl_value_descriptor, NULL, descriptor, (void **)ret_copy, reterr);
}

bool cflight_descriptor_equal(const struct cflight_descriptor *a,
                              const struct cflight_descriptor *b)
{
    if (a == NULL || b == NULL || a->type != b->type) {
        return a == NULL && b == NULL;
    }
    if (a->type == CFLIGHT_DESCRIPTOR_CMD) {
        return cflight_bytes_equal(a->cmd, b->cmd);
    }
    if (a->type != CFLIGHT_DESCRIPTOR_PATH || a->path_count != b->path_count) {
        return false;
    }
    for (size_t i = 0; i < a->path_count; i++) {
        if (!cflight_bytes_equal(a->path[i], b->path[i])) {
            return false;
        }
    }
    return true;
}

void cfl_append_descriptor_text(struct cfl_buf *target, const struct cflight_descriptor *descriptor)
{
    (void)cfl_buf_append_text(target, "<FlightDescriptor ");
    if (descriptor->type == CFLIGHT_DESCRIPTOR_PATH) {
        (void)cfl_buf_append_text(target, "path=");
        cfl_append_bytes_list_text(target, descriptor->path, descriptor->path_count);
    } else if (descriptor->type == CFLIGHT_DESCRIPTOR_CMD) {
        (void)cfl_buf_append_text(target, "cmd=");
        cfl_append_bytes_text(target, descriptor->cmd);
    } else {
        (void)cfl_buf_append_text(target, "UNKNOWN");
    }
    (void)cfl_buf_append_text(target, ">");
}

cflight_status cflight_descriptor_text(const struct cflight_descriptor *descriptor, char **ret_text,
                                       cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(descriptor), CFL_ARG(ret_text));
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cfl_buf text;
    cfl_buf_init(&text, NULL);
    cfl_append_descriptor_text(&text, descriptor);
    return cfl_text_finish(&text, ret_text, reterr);
}

void cflight_descriptor_free(struct cflight_descriptor *descriptor)
{
    cfl_block_free(descriptor);
}
