/* SPDX-License-Identifier: Apache-2.0 */
/* Action and ActionType. Thread class: free. */
#include "flight/value/values.h"

#include "base/error.h"

static cflight_status action_to_message(struct cfl_arena *arena, const void *value,
                                        ProtobufCMessage **ret_message, cflight_error **reterr)
{
    const struct cflight_action *action = value;
    cflight_status status = cfl_text_check(action->type, "the type of an action", reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_bytes_check(action->body, "the body of an action", reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_pb_action *message = cfl_arena_alloc(arena, sizeof *message);
    if (message == NULL) {
        return cfl_arena_error(arena, "Action", reterr);
    }
    arrow__flight__protocol__action__init(message);
    message->type = cfl_pb_from_bytes(action->type);
    message->body = cfl_pb_from_bytes(action->body);
    *ret_message = (ProtobufCMessage *)message;
    return CFLIGHT_OK;
}

static cflight_status action_from_message(struct cfl_arena *arena,
                                          const ProtobufCMessage *any_message, void *ret_value,
                                          cflight_error **reterr)
{
    (void)arena;
    const cfl_pb_action *message = (const cfl_pb_action *)any_message;
    struct cflight_action action = {cfl_pb_to_bytes(message->type), cfl_pb_to_bytes(message->body)};
    cflight_status status = cfl_received_text_check(action.type, "Action", "the type", reterr);
    if (status == CFLIGHT_OK) {
        memcpy(ret_value, &action, sizeof action);
    }
    return status;
}

static void action_layout(struct cfl_block *block, const void *value, void *ret_value)
{
    struct cflight_action copy;
    memcpy(&copy, value, sizeof copy);
    copy.type = cfl_block_bytes(block, copy.type);
    copy.body = cfl_block_bytes(block, copy.body);
    memcpy(ret_value, &copy, sizeof copy);
}

const struct cfl_value_type cfl_value_action = {
    .name = "Action",
    .message_type = &arrow__flight__protocol__action__descriptor,
    .value_bytes = sizeof(struct cflight_action),
    .to_message = action_to_message,
    .from_message = action_from_message,
    .layout = action_layout,
};

cflight_status cflight_action_serialize(const struct cflight_action *action,
                                        cflight_buffer **ret_buffer, cflight_error **reterr)
{
    return cfl_value_serialize(&cfl_value_action, NULL, action, ret_buffer, reterr);
}

cflight_status cflight_action_parse(struct cflight_bytes bytes, struct cflight_action **ret_action,
                                    cflight_error **reterr)
{
    return cfl_value_parse(&cfl_value_action, NULL, bytes, (void **)ret_action, reterr);
}

bool cflight_action_equal(const struct cflight_action *a, const struct cflight_action *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return cflight_bytes_equal(a->type, b->type) && cflight_bytes_equal(a->body, b->body);
}

void cflight_action_free(struct cflight_action *action)
{
    cfl_block_free(action);
}

static cflight_status action_type_to_message(struct cfl_arena *arena, const void *value,
                                             ProtobufCMessage **ret_message, cflight_error **reterr)
{
    const struct cflight_action_type *action_type = value;
    cflight_status status = cfl_text_check(action_type->type, "the type of an action", reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_text_check(action_type->description, "the description of an action", reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_pb_action_type *message = cfl_arena_alloc(arena, sizeof *message);
    if (message == NULL) {
        return cfl_arena_error(arena, "ActionType", reterr);
    }
    arrow__flight__protocol__action_type__init(message);
    message->type = cfl_pb_from_bytes(action_type->type);
    message->description = cfl_pb_from_bytes(action_type->description);
    *ret_message = (ProtobufCMessage *)message;
    return CFLIGHT_OK;
}

static cflight_status action_type_from_message(struct cfl_arena *arena,
                                               const ProtobufCMessage *any_message, void *ret_value,
                                               cflight_error **reterr)
{
    (void)arena;
    const cfl_pb_action_type *message = (const cfl_pb_action_type *)any_message;
    struct cflight_action_type action_type = {cfl_pb_to_bytes(message->type),
                                              cfl_pb_to_bytes(message->description)};
    cflight_status status =
        cfl_received_text_check(action_type.type, "ActionType", "the type", reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_received_text_check(action_type.description, "ActionType", "the description",
                                         reterr);
    }
    if (status == CFLIGHT_OK) {
        memcpy(ret_value, &action_type, sizeof action_type);
    }
    return status;
}

static void action_type_layout(struct cfl_block *block, const void *value, void *ret_value)
{
    struct cflight_action_type copy;
    memcpy(&copy, value, sizeof copy);
    copy.type = cfl_block_bytes(block, copy.type);
    copy.description = cfl_block_bytes(block, copy.description);
    memcpy(ret_value, &copy, sizeof copy);
}

const struct cfl_value_type cfl_value_action_type = {
    .name = "ActionType",
    .message_type = &arrow__flight__protocol__action_type__descriptor,
    .value_bytes = sizeof(struct cflight_action_type),
    .to_message = action_type_to_message,
    .from_message = action_type_from_message,
    .layout = action_type_layout,
};

cflight_status cflight_action_type_serialize(const struct cflight_action_type *action_type,
                                             cflight_buffer **ret_buffer, cflight_error **reterr)
{
    return cfl_value_serialize(&cfl_value_action_type, NULL, action_type, ret_buffer, reterr);
}

cflight_status cflight_action_type_parse(struct cflight_bytes bytes,
                                         struct cflight_action_type **ret_action_type,
                                         cflight_error **reterr)
{
    return cfl_value_parse(&cfl_value_action_type, NULL, bytes, (void **)ret_action_type, reterr);
}

void cflight_action_type_free(struct cflight_action_type *action_type)
{
    cfl_block_free(action_type);
}
