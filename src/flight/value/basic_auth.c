/* SPDX-License-Identifier: Apache-2.0 */
/* BasicAuth, the payload of a handshake by user name and password. Copies of the password that
 * parsing makes are overwritten before their memory is given back. Thread class: free. */
#include "flight/value/values.h"

#include "base/error.h"

static cflight_status to_message(struct cfl_arena *arena, const void *value,
                                 ProtobufCMessage **ret_message, cflight_error **reterr)
{
    const struct cflight_basic_auth *basic_auth = value;
    cflight_status status = cfl_text_check(basic_auth->username, "the user name", reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_text_check(basic_auth->password, "the password", reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_pb_basic_auth *message = cfl_arena_alloc(arena, sizeof *message);
    if (message == NULL) {
        return cfl_arena_error(arena, "BasicAuth", reterr);
    }
    arrow__flight__protocol__basic_auth__init(message);
    message->username = cfl_pb_from_bytes(basic_auth->username);
    message->password = cfl_pb_from_bytes(basic_auth->password);
    *ret_message = (ProtobufCMessage *)message;
    return CFLIGHT_OK;
}

static cflight_status from_message(struct cfl_arena *arena, const ProtobufCMessage *any_message,
                                   void *ret_value, cflight_error **reterr)
{
    (void)arena;
    const cfl_pb_basic_auth *message = (const cfl_pb_basic_auth *)any_message;
    struct cflight_basic_auth basic_auth = {cfl_pb_to_bytes(message->username),
                                            cfl_pb_to_bytes(message->password)};
    cflight_status status =
        cfl_received_text_check(basic_auth.username, "BasicAuth", "the user name", reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_received_text_check(basic_auth.password, "BasicAuth", "the password", reterr);
    }
    if (status == CFLIGHT_OK) {
        memcpy(ret_value, &basic_auth, sizeof basic_auth);
    }
    return status;
}

static void layout(struct cfl_block *block, const void *value, void *ret_value)
{
    struct cflight_basic_auth copy;
    memcpy(&copy, value, sizeof copy);
    copy.username = cfl_block_bytes(block, copy.username);
    copy.password = cfl_block_bytes(block, copy.password);
    memcpy(ret_value, &copy, sizeof copy);
}

const struct cfl_value_type cfl_value_basic_auth = {
    .name = "BasicAuth",
    .message_type = &arrow__flight__protocol__basic_auth__descriptor,
    .value_bytes = sizeof(struct cflight_basic_auth),
    .is_secret = true,
    .to_message = to_message,
    .from_message = from_message,
    .layout = layout,
};

cflight_status cflight_basic_auth_serialize(const struct cflight_basic_auth *basic_auth,
                                            cflight_buffer **ret_buffer, cflight_error **reterr)
{
    return cfl_value_serialize(&cfl_value_basic_auth, NULL, basic_auth, ret_buffer, reterr);
}

cflight_status cflight_basic_auth_parse(struct cflight_bytes bytes,
                                        struct cflight_basic_auth **ret_basic_auth,
                                        cflight_error **reterr)
{
    return cfl_value_parse(&cfl_value_basic_auth, NULL, bytes, (void **)ret_basic_auth, reterr);
}

void cflight_basic_auth_free(struct cflight_basic_auth *basic_auth)
{
    cfl_block_wipe_and_free(basic_auth);
}
