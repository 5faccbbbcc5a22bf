/* SPDX-License-Identifier: Apache-2.0 */
/* The client's calls that are not about record batches: infos, schemas, actions, and lists that
 * stream. Thread class: clients free, streams one at a time. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "flight/client/client_spread.h"
#include "flight/value/values.h"

/* A stream of messages that are not FlightData; each public stream type is one of these. */
struct message_stream {
    struct cflight_client *client;
    struct cfl_call *call;
};
struct cflight_info_stream {
    struct message_stream messages;
};
struct cflight_result_stream {
    struct message_stream messages;
};
struct cflight_action_type_stream {
    struct message_stream messages;
};

/* ---- one request, one answer ---- */

static cflight_status ask(struct cflight_client *client, enum cflight_method method,
                          const struct cflight_descriptor *descriptor,
                          const struct cflight_call_options *options, cflight_buffer **ret_message,
                          cflight_error **reterr)
{
    struct cfl_client_call_options loaded;
    cflight_buffer *request = NULL;
    cflight_status status = cfl_client_load_options(client, options, &loaded, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_descriptor_serialize(descriptor, &request, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_client_unary(client, method, &loaded, request, ret_message, reterr);
    }
    cflight_buffer_unref(request);
    return status;
}

/* The same for an answer that is a value. */
static cflight_status ask_value(struct cflight_client *client, enum cflight_method method,
                                const struct cflight_descriptor *descriptor,
                                const struct cflight_call_options *options,
                                const struct cfl_value_type *type, void **ret_value,
                                cflight_error **reterr)
{
    cflight_buffer *message = NULL;
    cflight_status status = ask(client, method, descriptor, options, &message, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_value_parse(type, NULL, cflight_buffer_bytes(message), ret_value, reterr);
    }
    cflight_buffer_unref(message);
    return status;
}

cflight_status cflight_client_get_flight_info(cflight_client *client,
                                              const struct cflight_descriptor *descriptor,
                                              const struct cflight_call_options *options,
                                              struct cflight_info **ret_info,
                                              cflight_error **reterr)
{
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(descriptor), CFL_ARG(ret_info));
    return status != CFLIGHT_OK ? status
                                : ask_value(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, descriptor,
                                            options, &cfl_value_info, (void **)ret_info, reterr);
}

cflight_status cflight_client_poll_flight_info(cflight_client *client,
                                               const struct cflight_descriptor *descriptor,
                                               const struct cflight_call_options *options,
                                               struct cflight_poll_info **ret_poll_info,
                                               cflight_error **reterr)
{
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(descriptor), CFL_ARG(ret_poll_info));
    return status != CFLIGHT_OK
               ? status
               : ask_value(client, CFLIGHT_METHOD_POLL_FLIGHT_INFO, descriptor, options,
                           &cfl_value_poll_info, (void **)ret_poll_info, reterr);
}

cflight_status cflight_client_get_schema(cflight_client *client,
                                         const struct cflight_descriptor *descriptor,
                                         const struct cflight_call_options *options,
                                         cflight_buffer **ret_schema, cflight_error **reterr)
{
    cflight_buffer *message = NULL;
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(descriptor), CFL_ARG(ret_schema));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = ask(client, CFLIGHT_METHOD_GET_SCHEMA, descriptor, options, &message, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_schema_result_parse(cflight_buffer_bytes(message), ret_schema, reterr);
    }
    cflight_buffer_unref(message);
    return status;
}

/* ---- one request, a stream of answers ---- */

static cflight_status stream_start(struct cflight_client *client, enum cflight_method method,
                                   cflight_buffer *request,
                                   const struct cflight_call_options *options, size_t size_bytes,
                                   void **ret_stream, cflight_error **reterr)
{
    struct cfl_client_call_options loaded;
    cflight_status status = cfl_client_load_options(client, options, &loaded, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct message_stream *stream = cfl_alloc_zeroed(client->alloc, size_bytes);
    if (stream == NULL) {
        return cfl_error_no_memory(reterr);
    }
    status = cfl_client_begin(client, method, &loaded, request, NULL, &stream->call, reterr);
    if (status != CFLIGHT_OK) {
        cfl_free(client->alloc, stream, size_bytes);
        return status;
    }
    stream->client = cflight_client_ref(client);
    *ret_stream = stream;
    return CFLIGHT_OK;
}

/* `*ret_message` NULL at the end. */
static cflight_status stream_next(struct message_stream *stream, cflight_buffer **ret_message,
                                  cflight_error **reterr)
{
    struct cfl_message message = {0};
    bool has_message = false;
    cflight_status status =
        cfl_call_receive(stream->call, -1, NULL, &has_message, &message, reterr);
    if (status == CFLIGHT_OK) {
        cfl_spread_note(stream->client, stream->call, message.raw);
        *ret_message = message.raw;
    }
    return status;
}

static void stream_free(struct message_stream *stream, size_t size_bytes)
{
    if (stream != NULL) {
        struct cflight_client *client = stream->client;
        cfl_call_unref(stream->call);
        cfl_free(client->alloc, stream, size_bytes);
        cflight_client_free(client);
    }
}

cflight_status cflight_client_list_flights(cflight_client *client, struct cflight_bytes criteria,
                                           const struct cflight_call_options *options,
                                           cflight_info_stream **ret_stream, cflight_error **reterr)
{
    cflight_buffer *request = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(ret_stream));
    if (status == CFLIGHT_OK) {
        status = cflight_ticket_serialize(criteria, &request, reterr); /* of the same shape */
    }
    if (status == CFLIGHT_OK) {
        status = stream_start(client, CFLIGHT_METHOD_LIST_FLIGHTS, request, options,
                              sizeof **ret_stream, (void **)ret_stream, reterr);
    }
    cflight_buffer_unref(request);
    return status;
}

cflight_status cflight_info_stream_next(cflight_info_stream *stream, struct cflight_info **ret_info,
                                        cflight_error **reterr)
{
    cflight_buffer *message = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(stream), CFL_ARG(ret_info));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = stream_next(&stream->messages, &message, reterr);
    if (status == CFLIGHT_OK && message == NULL) {
        *ret_info = NULL;
    } else if (status == CFLIGHT_OK) {
        status = cflight_info_parse(cflight_buffer_bytes(message), ret_info, reterr);
    }
    cflight_buffer_unref(message);
    return status;
}

void cflight_info_stream_free(cflight_info_stream *stream)
{
    stream_free(stream == NULL ? NULL : &stream->messages, sizeof *stream);
}

cflight_status cflight_client_do_action(cflight_client *client, const struct cflight_action *action,
                                        const struct cflight_call_options *options,
                                        cflight_result_stream **ret_stream, cflight_error **reterr)
{
    cflight_buffer *request = NULL;
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(action), CFL_ARG(ret_stream));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cflight_action_serialize(action, &request, reterr);
    if (status == CFLIGHT_OK) {
        status = stream_start(client, CFLIGHT_METHOD_DO_ACTION, request, options,
                              sizeof **ret_stream, (void **)ret_stream, reterr);
    }
    cflight_buffer_unref(request);
    return status;
}

cflight_status cflight_result_stream_wait(cflight_result_stream *stream, cflight_error **reterr)
{
    if (stream == NULL) {
        return cfl_error_null_argument(reterr, "stream");
    }
    return cfl_call_wait_answer(stream->messages.call, reterr);
}

cflight_status cflight_result_stream_next(cflight_result_stream *stream, cflight_buffer **ret_body,
                                          cflight_error **reterr)
{
    cflight_buffer *message = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(stream), CFL_ARG(ret_body));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = stream_next(&stream->messages, &message, reterr);
    if (status == CFLIGHT_OK && message == NULL) {
        *ret_body = NULL;
    } else if (status == CFLIGHT_OK) {
        status = cflight_result_parse(cflight_buffer_bytes(message), ret_body, reterr);
    }
    cflight_buffer_unref(message);
    return status;
}

void cflight_result_stream_free(cflight_result_stream *stream)
{
    stream_free(stream == NULL ? NULL : &stream->messages, sizeof *stream);
}

cflight_status cflight_client_list_actions(cflight_client *client,
                                           const struct cflight_call_options *options,
                                           cflight_action_type_stream **ret_stream,
                                           cflight_error **reterr)
{
    struct cflight_bytes empty = {NULL, 0};
    cflight_buffer *request = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(ret_stream));
    if (status == CFLIGHT_OK) {
        status = cflight_buffer_new_copy(empty, &request, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = stream_start(client, CFLIGHT_METHOD_LIST_ACTIONS, request, options,
                              sizeof **ret_stream, (void **)ret_stream, reterr);
    }
    cflight_buffer_unref(request);
    return status;
}

cflight_status cflight_action_type_stream_next(cflight_action_type_stream *stream,
                                               struct cflight_action_type **ret_action_type,
                                               cflight_error **reterr)
{
    cflight_buffer *message = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(stream), CFL_ARG(ret_action_type));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = stream_next(&stream->messages, &message, reterr);
    if (status == CFLIGHT_OK && message == NULL) {
        *ret_action_type = NULL;
    } else if (status == CFLIGHT_OK) {
        status = cflight_action_type_parse(cflight_buffer_bytes(message), ret_action_type, reterr);
    }
    cflight_buffer_unref(message);
    return status;
}

void cflight_action_type_stream_free(cflight_action_type_stream *stream)
{
    stream_free(stream == NULL ? NULL : &stream->messages, sizeof *stream);
}
