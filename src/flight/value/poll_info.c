/* SPDX-License-Identifier: Apache-2.0 */
/* PollInfo. The presence of each member means something: no descriptor is "finished", no progress
 * is "unknown". Thread class: free. */
#include "flight/value/values.h"

#include "base/error.h"

static cflight_status to_message(struct cfl_arena *arena, const void *value,
                                 ProtobufCMessage **ret_message, cflight_error **reterr)
{
    const struct cflight_poll_info *poll_info = value;
    cflight_status status = CFLIGHT_OK;
    if (poll_info->has_progress && !(poll_info->progress >= 0 && poll_info->progress <= 1)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "the progress of a poll is %g; it goes from 0 to 1",
                                 poll_info->progress);
    }
    cfl_pb_poll_info *message = cfl_arena_alloc(arena, sizeof *message);
    if (message == NULL) {
        return cfl_arena_error(arena, "PollInfo", reterr);
    }
    arrow__flight__protocol__poll_info__init(message);
    if (!cfl_time_to_message(arena, poll_info->expiration_time, &message->expiration_time)) {
        return cfl_arena_error(arena, "PollInfo", reterr);
    }
    if (poll_info->has_progress) {
        message->optional_progress_case =
            ARROW__FLIGHT__PROTOCOL__POLL_INFO__OPTIONAL_PROGRESS_PROGRESS;
        message->progress = poll_info->progress;
    }
    if (poll_info->info != NULL) {
        status = cfl_info_to_message(arena, poll_info->info, &message->info, reterr);
    }
    if (status == CFLIGHT_OK && poll_info->descriptor != NULL) {
        status = cfl_descriptor_to_message(arena, poll_info->descriptor,
                                           &message->flight_descriptor, reterr);
    }
    *ret_message = (ProtobufCMessage *)message;
    return status;
}

static cflight_status from_message(struct cfl_arena *arena, const ProtobufCMessage *any_message,
                                   void *ret_value, cflight_error **reterr)
{
    const cfl_pb_poll_info *message = (const cfl_pb_poll_info *)any_message;
    struct cflight_poll_info poll_info = {.expiration_time =
                                              cfl_time_from_message(message->expiration_time)};
    cflight_status status = CFLIGHT_OK;
    struct cflight_info *info = cfl_arena_array(arena, 1, sizeof *info);
    struct cflight_descriptor *descriptor = cfl_arena_array(arena, 1, sizeof *descriptor);
    if (info == NULL || descriptor == NULL) {
        return cfl_arena_error(arena, "PollInfo", reterr);
    }
    if (message->info != NULL) {
        status = cfl_info_from_message(arena, message->info, info, reterr);
        poll_info.info = info;
    }
    if (status == CFLIGHT_OK && message->flight_descriptor != NULL) {
        status = cfl_descriptor_from_message(arena, message->flight_descriptor, descriptor, reterr);
        poll_info.descriptor = descriptor;
    }
    if (message->optional_progress_case ==
        ARROW__FLIGHT__PROTOCOL__POLL_INFO__OPTIONAL_PROGRESS_PROGRESS) {
        poll_info.has_progress = true;
        poll_info.progress = message->progress;
    }
    if (status == CFLIGHT_OK) {
        memcpy(ret_value, &poll_info, sizeof poll_info);
    }
    return status;
}

static void layout(struct cfl_block *block, const void *value, void *ret_value)
{
    struct cflight_poll_info copy;
    memcpy(&copy, value, sizeof copy);
    if (copy.info != NULL) {
        struct cflight_info *info = cfl_block_array(block, 1, sizeof *info);
        struct cflight_info info_copy;
        cfl_info_layout(block, copy.info, &info_copy);
        if (info != NULL) {
            *info = info_copy;
        }
        copy.info = info;
    }
    if (copy.descriptor != NULL) {
        struct cflight_descriptor *descriptor = cfl_block_array(block, 1, sizeof *descriptor);
        struct cflight_descriptor descriptor_copy;
        cfl_descriptor_layout(block, copy.descriptor, &descriptor_copy);
        if (descriptor != NULL) {
            *descriptor = descriptor_copy;
        }
        copy.descriptor = descriptor;
    }
    memcpy(ret_value, &copy, sizeof copy);
}

const struct cfl_value_type cfl_value_poll_info = {
    .name = "PollInfo",
    .message_type = &arrow__flight__protocol__poll_info__descriptor,
    .value_bytes = sizeof(struct cflight_poll_info),
    .to_message = to_message,
    .from_message = from_message,
    .layout = layout,
};

cflight_status cflight_poll_info_serialize(const struct cflight_poll_info *poll_info,
                                           cflight_buffer **ret_buffer, cflight_error **reterr)
{
    return cfl_value_serialize(&cfl_value_poll_info, NULL, poll_info, ret_buffer, reterr);
}

cflight_status cflight_poll_info_parse(struct cflight_bytes bytes,
                                       struct cflight_poll_info **ret_poll_info,
                                       cflight_error **reterr)
{
    return cfl_value_parse(&cfl_value_poll_info, NULL, bytes, (void **)ret_poll_info, reterr);
}

bool cflight_poll_info_equal(const struct cflight_poll_info *a, const struct cflight_poll_info *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return cflight_info_equal(a->info, b->info) &&
           cflight_descriptor_equal(a->descriptor, b->descriptor) &&
           a->has_progress == b->has_progress &&
           (!a->has_progress || (a->progress <= b->progress && a->progress >= b->progress)) &&
           cfl_time_equal(a->expiration_time, b->expiration_time);
}

cflight_status cflight_poll_info_text(const struct cflight_poll_info *poll_info, char **ret_text,
                                      cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(poll_info), CFL_ARG(ret_text));
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cfl_buf text;
    cfl_buf_init(&text, NULL);
    (void)cfl_buf_append_text(&text, "<PollInfo info=");
    if (poll_info->info == NULL) {
        (void)cfl_buf_append_text(&text, "None");
    } else {
        cfl_append_info_text(&text, poll_info->info);
    }
    (void)cfl_buf_append_text(&text, " descriptor=");
    if (poll_info->descriptor == NULL) {
        (void)cfl_buf_append_text(&text, "None");
    } else {
        cfl_append_descriptor_text(&text, poll_info->descriptor);
    }
    if (poll_info->has_progress) {
        (void)cfl_buf_append_format(&text, " progress=%g", poll_info->progress);
    } else {
        (void)cfl_buf_append_text(&text, " progress=None");
    }
    (void)cfl_buf_append_text(&text, " expiration_time=");
    cfl_append_time_text(&text, poll_info->expiration_time);
    (void)cfl_buf_append_text(&text, ">");
    return cfl_text_finish(&text, ret_text, reterr);
}

void cflight_poll_info_free(struct cflight_poll_info *poll_info)
{
    cfl_block_free(poll_info);
}
