/* SPDX-License-Identifier: Apache-2.0 */
/* FlightInfo. Its descriptor is always written; one that is missing in received bytes is UNKNOWN,
 * which the C++ implementation would refuse. The schema is opaque here. Thread class: free. */
#include "flight/value/values.h"

#include <inttypes.h>

#include "base/error.h"

static cflight_status check(const struct cflight_info *info, cflight_error **reterr)
{
    cflight_status status = cfl_bytes_check(info->schema, "the schema of an info", reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_bytes_check(info->app_metadata, "the app_metadata of an info", reterr);
    }
    if (status == CFLIGHT_OK && info->endpoint_count > 0 && info->endpoints == NULL) {
        status = cfl_error_null_argument(reterr, "the endpoints of an info");
    }
    return status;
}

cflight_status cfl_info_to_message(struct cfl_arena *arena, const struct cflight_info *info,
                                   cfl_pb_info **ret_message, cflight_error **reterr)
{
    cflight_status status = check(info, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_pb_info *message = cfl_arena_alloc(arena, sizeof *message);
    cfl_pb_endpoint **endpoints = cfl_arena_array(arena, info->endpoint_count, sizeof *endpoints);
    if (message == NULL || endpoints == NULL) {
        return cfl_arena_error(arena, "FlightInfo", reterr);
    }
    arrow__flight__protocol__flight_info__init(message);
    message->schema = cfl_pb_from_bytes(info->schema);
    message->endpoint = endpoints;
    message->n_endpoint = info->endpoint_count;
    message->total_records = info->total_records;
    message->total_bytes = info->total_bytes;
    message->ordered = info->ordered;
    message->app_metadata = cfl_pb_from_bytes(info->app_metadata);
    status =
        cfl_descriptor_to_message(arena, &info->descriptor, &message->flight_descriptor, reterr);
    for (size_t i = 0; i < info->endpoint_count && status == CFLIGHT_OK; i++) {
        status = cfl_endpoint_to_message(arena, &info->endpoints[i], &endpoints[i], reterr);
    }
    *ret_message = message;
    return status;
}

cflight_status cfl_info_from_message(struct cfl_arena *arena, const cfl_pb_info *message,
                                     struct cflight_info *ret_info, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    struct cflight_endpoint *endpoints =
        cfl_arena_array(arena, message->n_endpoint, sizeof *endpoints);
    if (endpoints == NULL) {
        return cfl_arena_error(arena, "FlightInfo", reterr);
    }
    struct cflight_info info = {
        .schema = cfl_pb_to_bytes(message->schema),
        .endpoints = endpoints,
        .endpoint_count = message->n_endpoint,
        .total_records = message->total_records,
        .total_bytes = message->total_bytes,
        .ordered = message->ordered != 0,
        .app_metadata = cfl_pb_to_bytes(message->app_metadata),
    };
    if (message->flight_descriptor != NULL) {
        status = cfl_descriptor_from_message(arena, message->flight_descriptor, &info.descriptor,
                                             reterr);
    }
    for (size_t i = 0; i < message->n_endpoint && status == CFLIGHT_OK; i++) {
        status = cfl_endpoint_from_message(arena, message->endpoint[i], &endpoints[i], reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_info = info;
    }
    return status;
}

void cfl_info_layout(struct cfl_block *block, const void *value, void *ret_value)
{
    const struct cflight_info *info = value;
    struct cflight_info copy = *info;
    struct cflight_endpoint *endpoints =
        cfl_block_array(block, info->endpoint_count, sizeof *endpoints);
    for (size_t i = 0; i < info->endpoint_count; i++) {
        struct cflight_endpoint endpoint;
        cfl_endpoint_layout(block, &info->endpoints[i], &endpoint);
        if (endpoints != NULL) {
            endpoints[i] = endpoint;
        }
    }
    copy.endpoints = endpoints;
    cfl_descriptor_layout(block, &info->descriptor, &copy.descriptor);
    copy.schema = cfl_block_bytes(block, info->schema);
    copy.app_metadata = cfl_block_bytes(block, info->app_metadata);
    memcpy(ret_value, &copy, sizeof copy);
}

static cflight_status to_message(struct cfl_arena *arena, const void *value,
                                 ProtobufCMessage **ret_message, cflight_error **reterr)
{
    cfl_pb_info *message = NULL;
    cflight_status status = cfl_info_to_message(arena, value, &message, reterr);
    *ret_message = (ProtobufCMessage *)message;
    return status;
}

static cflight_status from_message(struct cfl_arena *arena, const ProtobufCMessage *message,
                                   void *ret_value, cflight_error **reterr)
{
    return cfl_info_from_message(arena, (const cfl_pb_info *)message, ret_value, reterr);
}

const struct cfl_value_type cfl_value_info = {
    .name = "FlightInfo",
    .message_type = &arrow__flight__protocol__flight_info__descriptor,
    .value_bytes = sizeof(struct cflight_info),
    .to_message = to_message,
    .from_message = from_message,
    .layout = cfl_info_layout,
};

cflight_status cflight_info_serialize(const struct cflight_info *info, cflight_buffer **ret_buffer,
                                      cflight_error **reterr)
{
    return cfl_value_serialize(&cfl_value_info, NULL, info, ret_buffer, reterr);
}

cflight_status cflight_info_parse(struct cflight_bytes bytes, struct cflight_info **ret_info,
                                  cflight_error **reterr)
{
    return cfl_value_parse(&cfl_value_info, NULL, bytes, (void **)ret_info, reterr);
}

/* A missing descriptor equals another: the infos say the same. */
static bool descriptors_equal(const struct cflight_descriptor *a,
                              const struct cflight_descriptor *b)
{
    return cflight_descriptor_equal(a, b) ||
           (a->type == CFLIGHT_DESCRIPTOR_UNKNOWN && b->type == CFLIGHT_DESCRIPTOR_UNKNOWN);
}

bool cflight_info_equal(const struct cflight_info *a, const struct cflight_info *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    if (!cflight_bytes_equal(a->schema, b->schema) ||
        !cflight_bytes_equal(a->app_metadata, b->app_metadata) ||
        !descriptors_equal(&a->descriptor, &b->descriptor) ||
        a->total_records != b->total_records || a->total_bytes != b->total_bytes ||
        a->ordered != b->ordered || a->endpoint_count != b->endpoint_count) {
        return false;
    }
    for (size_t i = 0; i < a->endpoint_count; i++) {
        if (!cflight_endpoint_equal(&a->endpoints[i], &b->endpoints[i])) {
            return false;
        }
    }
    return true;
}

void cfl_append_info_text(struct cfl_buf *target, const struct cflight_info *info)
{
    (void)cfl_buf_append_format(
        target, "<FlightInfo schema=(%zu bytes) descriptor=", info->schema.len_bytes);
    cfl_append_descriptor_text(target, &info->descriptor);
    (void)cfl_buf_append_text(target, " endpoints=[");
    for (size_t i = 0; i < info->endpoint_count; i++) {
        (void)cfl_buf_append_text(target, i == 0 ? "" : ", ");
        cfl_append_endpoint_text(target, &info->endpoints[i]);
    }
    (void)cfl_buf_append_format(
        target, "] total_records=%" PRId64 " total_bytes=%" PRId64 " ordered=%s app_metadata=",
        info->total_records, info->total_bytes, info->ordered ? "True" : "False");
    cfl_append_bytes_text(target, info->app_metadata);
    (void)cfl_buf_append_text(target, ">");
}

cflight_status cflight_info_text(const struct cflight_info *info, char **ret_text,
                                 cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(info), CFL_ARG(ret_text));
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cfl_buf text;
    cfl_buf_init(&text, NULL);
    cfl_append_info_text(&text, info);
    return cfl_text_finish(&text, ret_text, reterr);
}

void cflight_info_free(struct cflight_info *info)
{
    cfl_block_free(info);
}
