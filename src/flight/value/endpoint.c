/* SPDX-License-Identifier: Apache-2.0 */
/* FlightEndpoint. Its ticket is always written, even when it is empty, as the C++ implementation
 * does. Location URIs are carried as they are, the empty one ("over this connection") included.
 * Thread class: free. */
#include "flight/value/values.h"

#include "base/error.h"

static cflight_status check(const struct cflight_endpoint *endpoint, cflight_error **reterr)
{
    cflight_status status = cfl_bytes_check(endpoint->ticket, "the ticket of an endpoint", reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_bytes_check(endpoint->app_metadata, "the app_metadata of an endpoint", reterr);
    }
    if (status == CFLIGHT_OK && endpoint->location_count > 0 && endpoint->locations == NULL) {
        status = cfl_error_null_argument(reterr, "the locations of an endpoint");
    }
    for (size_t i = 0; i < endpoint->location_count && status == CFLIGHT_OK; i++) {
        status = cfl_text_check(endpoint->locations[i], "a location of an endpoint", reterr);
    }
    return status;
}

/* NULL when memory ran out. */
static cfl_pb_location **locations_to_messages(struct cfl_arena *arena,
                                               const struct cflight_endpoint *endpoint)
{
    cfl_pb_location **pointers = cfl_arena_array(arena, endpoint->location_count, sizeof *pointers);
    cfl_pb_location *messages = cfl_arena_array(arena, endpoint->location_count, sizeof *messages);
    if (pointers == NULL || messages == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < endpoint->location_count; i++) {
        arrow__flight__protocol__location__init(&messages[i]);
        messages[i].uri = cfl_pb_from_bytes(endpoint->locations[i]);
        pointers[i] = &messages[i];
    }
    return pointers;
}

cflight_status cfl_endpoint_to_message(struct cfl_arena *arena,
                                       const struct cflight_endpoint *endpoint,
                                       cfl_pb_endpoint **ret_message, cflight_error **reterr)
{
    cflight_status status = check(endpoint, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_pb_timestamp *expiration_time = NULL;
    cfl_pb_endpoint *message = cfl_arena_alloc(arena, sizeof *message);
    cfl_pb_ticket *ticket = cfl_arena_alloc(arena, sizeof *ticket);
    cfl_pb_location **locations = locations_to_messages(arena, endpoint);
    if (message == NULL || ticket == NULL || locations == NULL ||
        !cfl_time_to_message(arena, endpoint->expiration_time, &expiration_time)) {
        return cfl_arena_error(arena, "FlightEndpoint", reterr);
    }
    arrow__flight__protocol__ticket__init(ticket);
    ticket->ticket = cfl_pb_from_bytes(endpoint->ticket);
    arrow__flight__protocol__flight_endpoint__init(message);
    message->ticket = ticket;
    message->location = locations;
    message->n_location = endpoint->location_count;
    message->expiration_time = expiration_time;
    message->app_metadata = cfl_pb_from_bytes(endpoint->app_metadata);
    *ret_message = message;
    return CFLIGHT_OK;
}

cflight_status cfl_endpoint_from_message(struct cfl_arena *arena, const cfl_pb_endpoint *message,
                                         struct cflight_endpoint *ret_endpoint,
                                         cflight_error **reterr)
{
    struct cflight_bytes *locations =
        cfl_arena_array(arena, message->n_location, sizeof *locations);
    if (locations == NULL) {
        return cfl_arena_error(arena, "FlightEndpoint", reterr);
    }
    for (size_t i = 0; i < message->n_location; i++) {
        locations[i] = cfl_pb_to_bytes(message->location[i]->uri);
        cflight_status status =
            cfl_received_text_check(locations[i], "FlightEndpoint", "a location", reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    struct cflight_endpoint endpoint = {
        .locations = locations,
        .location_count = message->n_location,
        .expiration_time = cfl_time_from_message(message->expiration_time),
        .app_metadata = cfl_pb_to_bytes(message->app_metadata),
    };
    if (message->ticket != NULL) {
        endpoint.ticket = cfl_pb_to_bytes(message->ticket->ticket);
    }
    *ret_endpoint = endpoint;
    return CFLIGHT_OK;
}

void cfl_endpoint_layout(struct cfl_block *block, const void *value, void *ret_value)
{
    const struct cflight_endpoint *endpoint = value;
    struct cflight_endpoint copy = *endpoint;
    copy.locations = cfl_block_bytes_array(block, endpoint->locations, endpoint->location_count);
    copy.ticket = cfl_block_bytes(block, endpoint->ticket);
    copy.app_metadata = cfl_block_bytes(block, endpoint->app_metadata);
    memcpy(ret_value, &copy, sizeof copy);
}

static cflight_status to_message(struct cfl_arena *arena, const void *value,
                                 ProtobufCMessage **ret_message, cflight_error **reterr)
{
    cfl_pb_endpoint *message = NULL;
    cflight_status status = cfl_endpoint_to_message(arena, value, &message, reterr);
    *ret_message = (ProtobufCMessage *)message;
    return status;
}

static cflight_status from_message(struct cfl_arena *arena, const ProtobufCMessage *message,
                                   void *ret_value, cflight_error **reterr)
{
    return cfl_endpoint_from_message(arena, (const cfl_pb_endpoint *)message, ret_value, reterr);
}

const struct cfl_value_type cfl_value_endpoint = {
    .name = "FlightEndpoint",
    .message_type = &arrow__flight__protocol__flight_endpoint__descriptor,
    .value_bytes = sizeof(struct cflight_endpoint),
    .to_message = to_message,
    .from_message = from_message,
    .layout = cfl_endpoint_layout,
};

cflight_status cflight_endpoint_serialize(const struct cflight_endpoint *endpoint,
                                          cflight_buffer **ret_buffer, cflight_error **reterr)
{
    return cfl_value_serialize(&cfl_value_endpoint, NULL, endpoint, ret_buffer, reterr);
}

cflight_status cflight_endpoint_parse(struct cflight_bytes bytes,
                                      struct cflight_endpoint **ret_endpoint,
                                      cflight_error **reterr)
{
    return cfl_value_parse(&cfl_value_endpoint, NULL, bytes, (void **)ret_endpoint, reterr);
}

bool cflight_endpoint_equal(const struct cflight_endpoint *a, const struct cflight_endpoint *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    if (!cflight_bytes_equal(a->ticket, b->ticket) ||
        !cflight_bytes_equal(a->app_metadata, b->app_metadata) ||
        !cfl_time_equal(a->expiration_time, b->expiration_time) ||
        a->location_count != b->location_count) {
        return false;
    }
    for (size_t i = 0; i < a->location_count; i++) {
        if (!cflight_bytes_equal(a->locations[i], b->locations[i])) {
            return false;
        }
    }
    return true;
}

void cfl_append_endpoint_text(struct cfl_buf *target, const struct cflight_endpoint *endpoint)
{
    (void)cfl_buf_append_text(target, "<FlightEndpoint ticket=");
    cfl_append_bytes_text(target, endpoint->ticket);
    (void)cfl_buf_append_text(target, " locations=");
    cfl_append_bytes_list_text(target, endpoint->locations, endpoint->location_count);
    (void)cfl_buf_append_text(target, " expiration_time=");
    cfl_append_time_text(target, endpoint->expiration_time);
    (void)cfl_buf_append_text(target, " app_metadata=");
    cfl_append_bytes_text(target, endpoint->app_metadata);
    (void)cfl_buf_append_text(target, ">");
}

cflight_status cflight_endpoint_text(const struct cflight_endpoint *endpoint, char **ret_text,
                                     cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(endpoint), CFL_ARG(ret_text));
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cfl_buf text;
    cfl_buf_init(&text, NULL);
    cfl_append_endpoint_text(&text, endpoint);
    return cfl_text_finish(&text, ret_text, reterr);
}

void cflight_endpoint_free(struct cflight_endpoint *endpoint)
{
    cfl_block_free(endpoint);
}
